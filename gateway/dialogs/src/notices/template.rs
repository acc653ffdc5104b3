//! The texts of notices: templates in three languages, in `templates.json`, and nothing else.
//!
//! A notice leaves the gateway for a telephone that anybody may hold, through networks that anybody may read. So what can
//! stand in one is decided by types: a template's own words, and three placeholders, of which none is a text that somebody
//! wrote to somebody. `{office}` is the office's name in the directory, where it is short and plain, and else "the
//! office"; `{when}` is the moment of an appointment; `{link}` is the portal's address in the operator's configuration,
//! the same for all.

use std::{collections::BTreeMap, sync::LazyLock};

use dialog_contract::{notice::NoticeKind, service::Locale};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;

/// Longest name of an office that a notice holds, in characters: with the longest template and the longest link a text
/// message stays within two parts.
const OFFICE_CHARACTERS: usize = 40;

/// Longest address of the portal, in characters: as [`OFFICE_CHARACTERS`].
pub const LINK_CHARACTERS: usize = 60;

// Part of the binary: what could fail here fails in the crate's tests, and not for a notice.
static TEMPLATES: LazyLock<BTreeMap<Template, BTreeMap<Locale, Texts>>> =
    LazyLock::new(|| serde_json::from_str(include_str!("templates.json")).unwrap_or_default());

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Template {
    /// The office has not answered in time.
    Overdue,
    /// A dialog has ended without a message.
    Closed,
    /// The office wrote.
    Message,
    /// What the citizen sent did not, or may not have, reached the office.
    NotSent,
    /// The office has charged for something.
    Payment,
    /// An appointment was made.
    AppointmentBooked,
    /// An appointment was moved.
    AppointmentMoved,
    /// An appointment was cancelled.
    AppointmentCancelled,
    /// An appointment is near.
    AppointmentReminder,
    /// The waiting room of a video meeting is open.
    WaitingRoom,
    /// Several things at once.
    Several,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    subject: String,
    text: String,
}

/// What stands in a notice beside the words of its template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Values {
    /// The office's name, where it may stand in a notice.
    pub(crate) office: Option<OfficeWord>,
    /// When the appointment is.
    pub(crate) when: Option<Timestamp>,
}

/// A name of an office that may stand in a notice: short, and of letters that every telephone has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OfficeWord(String);

impl OfficeWord {
    /// None where it is too long, or has letters that would double the price of a message and break on old telephones.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let plain = !name.trim().is_empty() && name.chars().all(is_gsm7) && !name.contains(['\n', '\r', '{', '}']);
        (plain && name.chars().count() <= OFFICE_CHARACTERS).then(|| Self(name.trim().to_owned()))
    }
}

/// A notice as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 11] = [
        Self::Overdue,
        Self::Closed,
        Self::Message,
        Self::NotSent,
        Self::Payment,
        Self::AppointmentBooked,
        Self::AppointmentMoved,
        Self::AppointmentCancelled,
        Self::AppointmentReminder,
        Self::WaitingRoom,
        Self::Several,
    ];

    /// Its id in the audit log and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Closed => "closed",
            Self::Message => "message",
            Self::NotSent => "not-sent",
            Self::Payment => "payment",
            Self::AppointmentBooked => "appointment-booked",
            Self::AppointmentMoved => "appointment-moved",
            Self::AppointmentCancelled => "appointment-cancelled",
            Self::AppointmentReminder => "appointment-reminder",
            Self::WaitingRoom => "waiting-room",
            Self::Several => "several",
        }
    }

    /// What a citizen says yes or no to; none for what is made of several.
    pub(crate) const fn kind(self) -> Option<NoticeKind> {
        match self {
            Self::Message | Self::Closed => Some(NoticeKind::Message),
            Self::NotSent | Self::Overdue => Some(NoticeKind::Delivery),
            Self::Payment => Some(NoticeKind::Payment),
            Self::AppointmentBooked
            | Self::AppointmentMoved
            | Self::AppointmentCancelled
            | Self::AppointmentReminder
            | Self::WaitingRoom => Some(NoticeKind::Appointment),
            Self::Several => None,
        }
    }

    /// Whether it is of use only now: then it is told at any hour, and waits for nothing that else there is to tell.
    pub(crate) const fn is_for_now(self) -> bool {
        matches!(self, Self::WaitingRoom)
    }

    /// The notice, in a language. `link` is the portal's.
    pub(crate) fn render(self, locale: Locale, values: &Values, link: &str, calendar: &Calendar) -> Rendered {
        let texts = TEMPLATES.get(&self).and_then(|template| template.get(&locale));
        let (subject, text) = texts.map_or(("", link), |texts| (&texts.subject, &texts.text));
        let office = values.office.as_ref().map_or_else(|| the_office(locale), |office| &office.0);
        let when = values.when.map(|at| calendar.said(at, locale)).unwrap_or_default();
        // Values hold no braces, so that none can stand for another.
        let text = text.replace("{office}", office).replace("{when}", &when).replace("{link}", link);
        Rendered { subject: subject.to_owned(), text }
    }
}

const fn the_office(locale: Locale) -> &'static str {
    match locale {
        Locale::Nb | Locale::Nn => "legekontoret",
        Locale::En => "the office",
    }
}

/// Whether a letter is one of the basic GSM alphabet (3GPP TS 23.038), which has æ, ø and å.
pub(crate) const fn is_gsm7(letter: char) -> bool {
    matches!(letter,
        ' '..='#' | '%'..='?' | 'A'..='Z' | 'a'..='z' | '$' | '@' | '_' | '\n' | '\r'
        | '£' | '¥' | 'è' | 'é' | 'ù' | 'ì' | 'ò' | 'Ç' | 'Ø' | 'ø' | 'Å' | 'å' | 'Æ' | 'æ' | 'ß' | 'É' | '¤' | '¡'
        | 'Ä' | 'Ö' | 'Ñ' | 'Ü' | '§' | '¿' | 'ä' | 'ö' | 'ñ' | 'ü' | 'à')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use std::collections::BTreeSet;

    use super::*;

    /// Septets of one text message, and of each part of a longer one.
    const ONE: usize = 160;
    const TWO: usize = 2 * 153;

    fn each() -> impl Iterator<Item = (Template, Locale, &'static Texts)> {
        Template::ALL.into_iter().flat_map(|template| {
            Locale::ALL.iter().map(move |locale| (template, *locale, &TEMPLATES[&template][locale]))
        })
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split_once('}').unwrap().0).collect()
    }

    fn rendered(template: Template, locale: Locale, office: Option<&str>, link: &str) -> Rendered {
        let values = Values {
            office: office.map(|name| OfficeWord::new(name).unwrap()),
            when: Some("2026-09-30T12:30:00Z".parse().unwrap()),
        };
        template.render(locale, &values, link, &Calendar::new().unwrap())
    }

    #[test]
    fn every_template_is_there_in_three_languages_and_no_other() {
        assert_eq!(TEMPLATES.keys().copied().collect::<BTreeSet<_>>(), BTreeSet::from(Template::ALL));
        for (template, _, texts) in each() {
            assert!(!texts.subject.is_empty() && texts.subject.chars().count() <= 120, "{template:?}");
        }
        for template in Template::ALL {
            assert_eq!(serde_json::to_value(template).unwrap(), template.as_str());
        }
    }

    #[test]
    fn no_template_can_hold_content() {
        for (template, locale, texts) in each() {
            let appointment = template.kind() == Some(NoticeKind::Appointment);
            let allowed: &[&str] = match template {
                Template::Several => &["link"],
                Template::WaitingRoom => &["office", "link"],
                _ if appointment => &["office", "when", "link"],
                _ => &["office", "link"],
            };
            let found = placeholders(&texts.text);
            assert_eq!(found, allowed.iter().copied().collect(), "{template:?} {locale}");
            assert!(placeholders(&texts.subject).is_empty(), "{template:?} {locale}");
            // Without its placeholders a template is the same for everybody, so what is left of a notice when they are
            // taken out is known beforehand, letter by letter.
            let one = rendered(template, locale, Some("Fjelltoppen legekontor"), "https://portal.example/");
            let other = rendered(template, locale, Some("Lilletorget"), "https://portal.example/");
            assert_eq!(
                one.text.replace("Fjelltoppen legekontor", "{office}"),
                other.text.replace("Lilletorget", "{office}"),
            );
        }
        // The values are an office's name, a moment and an address: nothing that somebody wrote to somebody.
        let Values { office, when } = Values { office: OfficeWord::new("A"), when: None };
        let (_, _): (Option<OfficeWord>, Option<Timestamp>) = (office, when);
    }

    #[test]
    fn a_name_that_is_long_or_odd_is_not_said() {
        for odd in ["", "  ", "Legekontoret \u{202e}x", "Łódź", "a\nb", "{link}", "Fjelltoppen [Øst]", &"x".repeat(41)]
        {
            assert_eq!(OfficeWord::new(odd), None, "{odd}");
        }
        let said = Template::Message.render(
            Locale::Nb,
            &Values { office: None, when: None },
            "https://portal.example/",
            &Calendar::new().unwrap(),
        );
        assert_eq!(
            said.text,
            "Du har en ny melding fra legekontoret. Logg inn for å lese den: https://portal.example/"
        );
    }

    #[test]
    fn a_text_message_is_one_part_as_a_rule_and_two_at_most() {
        let longest = "https://portal.example/".to_owned() + &"x".repeat(LINK_CHARACTERS - 23);
        for (template, locale, _) in each() {
            let usual = rendered(template, locale, Some("Fjelltoppen legekontor"), "https://www.helsenorge.no/").text;
            assert!(usual.chars().all(is_gsm7), "{usual}");
            assert!(usual.chars().count() <= ONE, "{} {usual}", usual.chars().count());
            let most = rendered(template, locale, Some(&"Ø".repeat(OFFICE_CHARACTERS)), &longest).text;
            assert!(most.chars().all(is_gsm7) && most.chars().count() <= TWO, "{most}");
        }
    }

    #[test]
    fn a_moment_is_said_as_it_is_in_oslo() {
        let text = rendered(Template::AppointmentBooked, Locale::Nb, None, "https://portal.example/").text;
        assert!(text.contains("30.09.2026 kl. 14.30"), "{text}");
        let text = rendered(Template::AppointmentBooked, Locale::En, None, "https://portal.example/").text;
        assert!(text.contains("on 30 September 2026 at 14:30"), "{text}");
    }
}
