//! Several things become one notice.

use std::collections::BTreeMap;

use dialog_contract::service::Locale;
use jiff::Timestamp;

use super::{OfficeWord, ROOM_USEFUL_FOR, Template, USEFUL_FOR, Values};
use crate::record::Subject;

/// Something that a citizen is to be told of, with what can be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Considered {
    pub(crate) template: Template,
    pub(crate) about: Subject,
    pub(crate) at: Timestamp,
    /// The office's name.
    pub(crate) office: String,
    /// When the appointment is.
    pub(crate) when: Option<Timestamp>,
    /// The language of what it is about.
    pub(crate) locale: Locale,
}

/// What one notice says of everything: none where there is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folded {
    pub(crate) template: Template,
    pub(crate) values: Values,
    pub(crate) locale: Locale,
    /// From then on it is of no use.
    pub(crate) expires: Timestamp,
}

/// Makes one notice of everything: of one thing what it is, of several things that there are several. Of an appointment
/// the last word counts; of a dialog what matters most.
pub(crate) fn folded(all: &[Considered]) -> Option<Folded> {
    // A payment is of a dialog and yet another matter than what is written in it.
    let mut subjects: BTreeMap<(Subject, bool), &Considered> = BTreeMap::new();
    for one in all {
        let subject = (one.about, one.template == Template::Payment);
        let known = subjects.entry(subject).or_insert(one);
        let later = match one.about {
            Subject::Appointment(_) => one.at >= known.at,
            Subject::Dialog(_) => one.template > known.template,
        };
        if later {
            *known = one;
        }
    }
    let newest = all.iter().max_by_key(|one| one.at)?;
    let expires = subjects.values().filter_map(|one| expires(one)).max()?;
    let mut left = subjects.into_values();
    let (template, values) = match (left.next(), left.next()) {
        (Some(one), None) => (one.template, Values { office: OfficeWord::new(&one.office), when: one.when }),
        _ => (Template::Several, Values { office: None, when: None }),
    };
    Some(Folded { template, values, locale: newest.locale, expires })
}

/// What is told of an appointment is of no use once it has begun.
fn expires(one: &Considered) -> Option<Timestamp> {
    let useful = if one.template.is_for_now() { ROOM_USEFUL_FOR } else { USEFUL_FOR };
    let latest = one.at.checked_add(useful).ok()?;
    Some(one.when.map_or(latest, |when| when.min(latest)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use dialog_contract::ids::{AppointmentId, DialogId};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn of(template: Template, about: Subject, second: i64) -> Considered {
        let when = matches!(about, Subject::Appointment(_)).then(|| at(1_000_000 + second));
        let office = "Fjelltoppen legekontor".to_owned();
        Considered { template, about, at: at(second), office, when, locale: Locale::Nb }
    }

    #[test]
    fn one_thing_is_told_as_what_it_is() {
        let dialog = Subject::Dialog(DialogId::new());
        let told = folded(&[of(Template::Message, dialog, 5)]).unwrap();
        assert_eq!(told.template, Template::Message);
        assert_eq!(told.values.office, OfficeWord::new("Fjelltoppen legekontor"));
        assert_eq!(told.expires, at(5 + 24 * 3600));
        assert_eq!(folded(&[]), None);
    }

    #[test]
    fn several_events_of_one_dialog_are_the_one_that_matters_most() {
        let dialog = Subject::Dialog(DialogId::new());
        let events = [Template::Closed, Template::Message, Template::Closed, Template::Overdue];
        let all: Vec<_> = (0..).zip(events).map(|(second, template)| of(template, dialog, second)).collect();
        assert_eq!(folded(&all).unwrap().template, Template::Message);
    }

    #[test]
    fn the_last_word_of_an_appointment_counts() {
        let appointment = Subject::Appointment(AppointmentId::new());
        let all = [of(Template::AppointmentBooked, appointment, 1), of(Template::AppointmentMoved, appointment, 2)];
        let told = folded(&all).unwrap();
        assert_eq!((told.template, told.values.when), (Template::AppointmentMoved, Some(at(1_000_002))));
    }

    #[test]
    fn several_things_are_told_without_saying_which() {
        let (one, other) = (Subject::Dialog(DialogId::new()), Subject::Appointment(AppointmentId::new()));
        let told = folded(&[of(Template::Message, one, 1), of(Template::AppointmentBooked, other, 2)]).unwrap();
        assert_eq!((told.template, told.values), (Template::Several, Values { office: None, when: None }));
        // What is written in a dialog and what it costs are two matters.
        let told = folded(&[of(Template::Closed, one, 1), of(Template::Payment, one, 2)]).unwrap();
        assert_eq!(told.template, Template::Several);
    }

    #[test]
    fn an_open_waiting_room_is_of_use_for_an_hour() {
        let told = folded(&[of(Template::WaitingRoom, Subject::Dialog(DialogId::new()), 5)]).unwrap();
        assert_eq!((told.template, told.expires), (Template::WaitingRoom, at(5 + 3600)));
    }

    #[test]
    fn what_is_told_of_an_appointment_is_of_no_use_once_it_has_begun() {
        let soon = Considered {
            when: Some(at(60)),
            ..of(Template::AppointmentReminder, Subject::Appointment(AppointmentId::new()), 0)
        };
        assert_eq!(folded(&[soon]).unwrap().expires, at(60));
    }
}
