//! Practical information and forms.

use std::collections::BTreeSet;

use dialog_contract::{
    form,
    limits::returned,
    practice::{Absence, OpeningHours, Practitioner},
    provider::{Form, PracticeProfile},
    service::EncounterMode,
};
use jiff::civil::Date;
use url::Url;

use super::answer::{Answer, At, Violation, encounter_mode, service, violation};
use crate::bindings::{host::types, practice::exports::dialog::provider::practice as wit};

/// What an office tells everyone.
pub(crate) fn profile(profile: wit::PracticeProfile, answer: &mut Answer<'_>) -> Result<PracticeProfile, Violation> {
    let at = At::Answer;
    let (short, long) = (returned::PRACTICE_LINE_CHARACTERS, returned::PRACTICE_TEXT_CHARACTERS);
    Ok(PracticeProfile {
        telephone: profile.telephone.map(|number| telephone(&at.field("telephone"), number, answer)).transpose()?,
        address: answer.optional_text(&at.field("address"), profile.address, short)?,
        directions: answer.optional_text(&at.field("directions"), profile.directions, long)?,
        website: profile.website.map(|website| web(&at.field("website"), website, answer)).transpose()?,
        hours: all(&at.field("hours"), profile.hours, returned::HOURS, answer, hours)?,
        practitioners: all(
            &at.field("practitioners"),
            profile.practitioners,
            returned::PRACTITIONERS,
            answer,
            practitioner,
        )?,
        modes: modes(&at.field("modes"), &profile.modes, answer)?,
        payment: answer.optional_text(&at.field("payment"), profile.payment, short)?,
        accessibility: answer.optional_text(&at.field("accessibility"), profile.accessibility, long)?,
    })
}

/// A provider's forms, at most one for each service.
pub(crate) fn forms(forms: Vec<wit::Form>, answer: &mut Answer<'_>) -> Result<Vec<Form>, Violation> {
    let mut seen = BTreeSet::new();
    all(&At::Answer, forms, dialog_contract::service::Service::ALL.len(), answer, |at, told, answer| {
        let of = service(told.service);
        if !seen.insert(of) {
            return violation(&at.field("service"), "has another form");
        }
        let title = answer.name(&at.field("title"), told.title, returned::FORM_TITLE_CHARACTERS)?;
        let at_schema = at.field("schema");
        let text = answer.opaque(&at_schema, told.schema, returned::FORM_BYTES)?;
        let schema = form::read(&text).or_else(|error| violation(&at_schema, error.to_string()))?;
        Ok(Form { service: of, title, schema })
    })
}

/// Every item of a list that holds so many at most.
fn all<T, U>(
    at: &At<'_>,
    items: Vec<T>,
    most: usize,
    answer: &mut Answer<'_>,
    mut check: impl FnMut(&At<'_>, T, &mut Answer<'_>) -> Result<U, Violation>,
) -> Result<Vec<U>, Violation> {
    answer.list(at, &items, most)?;
    items.into_iter().enumerate().map(|(index, item)| check(&at.item(index), item, answer)).collect()
}

fn telephone(at: &At<'_>, number: String, answer: &mut Answer<'_>) -> Result<String, Violation> {
    let number = answer.id(at, number, returned::TELEPHONE_CHARACTERS)?;
    let rest = number.strip_prefix('+').unwrap_or_default();
    let is_number = rest.len() >= 4
        && rest.starts_with(|first: char| first.is_ascii_digit())
        && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ');
    if is_number { Ok(number) } else { violation(at, "not a telephone number with country code") }
}

/// A web address, as a browser writes it: what the portal links to is what was looked at.
fn web(at: &At<'_>, text: String, answer: &mut Answer<'_>) -> Result<String, Violation> {
    let text = answer.id(at, text, returned::URL_CHARACTERS)?;
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    match url.map(String::from) {
        Some(url) if url.len() <= returned::URL_CHARACTERS => Ok(url),
        _ => violation(at, "not an absolute URL of a website"),
    }
}

fn hours(at: &At<'_>, told: wit::OpeningHours, answer: &mut Answer<'_>) -> Result<OpeningHours, Violation> {
    let hours = OpeningHours {
        weekday: weekday(&at.field("weekday"), told.weekday)?,
        opens: clock(&at.field("opens"), told.opens, answer)?,
        closes: clock(&at.field("closes"), told.closes, answer)?,
    };
    // Of one length, so that letters are in the order of time.
    if hours.opens < hours.closes { Ok(hours) } else { violation(at, "closes before it opens") }
}

fn weekday(at: &At<'_>, day: u8) -> Result<u8, Violation> {
    if (1..=7).contains(&day) { Ok(day) } else { violation(at, "not 1 to 7") }
}

fn clock(at: &At<'_>, time: String, answer: &mut Answer<'_>) -> Result<String, Violation> {
    let time = answer.id(at, time, "HH:MM".len())?;
    let is_time = match time.as_bytes() {
        [a @ b'0'..=b'2', b @ b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'] => (*a, *b) < (b'2', b'4'),
        _ => false,
    };
    if is_time { Ok(time) } else { violation(at, "not HH:MM") }
}

fn practitioner(at: &At<'_>, told: wit::Practitioner, answer: &mut Answer<'_>) -> Result<Practitioner, Violation> {
    let mut days = BTreeSet::new();
    Ok(Practitioner {
        clinician: answer.person(&at.field("clinician"), told.clinician)?,
        weekdays: all(&at.field("weekdays"), told.weekdays, 7, answer, |at, day, _| {
            let day = weekday(at, day)?;
            if days.insert(day) { Ok(day) } else { violation(at, "twice") }
        })?,
        languages: all(&at.field("languages"), told.languages, returned::LANGUAGES, answer, language)?,
        absences: all(&at.field("absences"), told.absences, returned::ABSENCES, answer, absence)?,
        // That is for the directory to say.
        specialist: false,
    })
}

/// A BCP 47 tag by its form: a language of letters, then parts of letters and digits.
fn language(at: &At<'_>, tag: String, answer: &mut Answer<'_>) -> Result<String, Violation> {
    let tag = answer.id(at, tag, returned::LANGUAGE_CHARACTERS)?;
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let is_tag = (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if is_tag { Ok(tag) } else { violation(at, "not a language tag") }
}

fn absence(at: &At<'_>, told: wit::Absence, answer: &mut Answer<'_>) -> Result<Absence, Violation> {
    let absence = Absence {
        from: date(&at.field("from"), told.from, answer)?,
        until: date(&at.field("until"), told.until, answer)?,
        substitute: answer.clinician(&at.field("substitute"), told.substitute)?,
    };
    if absence.from <= absence.until { Ok(absence) } else { violation(at, "ends before it starts") }
}

/// `YYYY-MM-DD`, and nothing else of what ISO 8601 calls a date.
fn date(at: &At<'_>, text: String, answer: &mut Answer<'_>) -> Result<Date, Violation> {
    let text = answer.id(at, text, "YYYY-MM-DD".len())?;
    let plain = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date = plain.then(|| text.parse::<Date>().ok()).flatten();
    match date.filter(|date| (1900..2200).contains(&date.year())) {
        Some(date) => Ok(date),
        None => violation(at, "not a date between 1900 and 2200"),
    }
}

fn modes(
    at: &At<'_>,
    modes: &[types::EncounterMode],
    answer: &mut Answer<'_>,
) -> Result<Vec<EncounterMode>, Violation> {
    answer.list(at, modes, EncounterMode::ALL.len())?;
    let all: Vec<_> = modes.iter().map(|mode| encounter_mode(*mode)).collect();
    let once: BTreeSet<_> = all.iter().collect();
    if once.len() == all.len() { Ok(all) } else { violation(at, "the same twice") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    fn told() -> wit::PracticeProfile {
        let clinician = types::Clinician {
            hpr_number: 9_123_407,
            her_id: None,
            given_name: "Sigrid".to_owned(),
            family_name: "Ås".to_owned(),
        };
        wit::PracticeProfile {
            telephone: Some("+47 55 01 01 01".to_owned()),
            address: Some("Fjellveien 4, 5019 Bergen".to_owned()),
            directions: None,
            website: Some("https://fjellveien.example".to_owned()),
            hours: vec![wit::OpeningHours { weekday: 1, opens: "08:00".to_owned(), closes: "15:30".to_owned() }],
            practitioners: vec![wit::Practitioner {
                clinician: clinician.clone(),
                weekdays: vec![1, 3],
                languages: vec!["nb".to_owned(), "en-GB".to_owned()],
                absences: vec![wit::Absence {
                    from: "2026-03-30".to_owned(),
                    until: "2026-04-06".to_owned(),
                    substitute: Some(clinician),
                }],
            }],
            modes: vec![types::EncounterMode::Video, types::EncounterMode::InPerson],
            payment: Some("Kort".to_owned()),
            accessibility: Some("Heis".to_owned()),
        }
    }

    fn refused(change: impl FnOnce(&mut wit::PracticeProfile)) -> String {
        let mut changed = told();
        change(&mut changed);
        checked(|answer| profile(changed, answer)).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_profile_comes_through() {
        let read = checked(|answer| profile(told(), answer)).unwrap();
        assert_eq!(read.website.as_deref(), Some("https://fjellveien.example/"));
        assert_eq!(read.practitioners[0].absences[0].from, jiff::civil::date(2026, 3, 30));
        assert_eq!(read.modes, [EncounterMode::Video, EncounterMode::InPerson]);
    }

    #[test]
    fn no_value_of_a_profile_gets_past_its_rule() {
        let date = |text: &str| {
            let text = text.to_owned();
            refused(move |told| told.practitioners[0].absences[0].until = text)
        };
        let day = "answer.practitioners[0].absences[0].until: not a date between 1900 and 2200";
        assert_eq!(date("2026-W14-1"), day);
        assert_eq!(date("2026-02-30"), day);
        assert_eq!(date("2200-01-01"), day);
        assert_eq!(date("2026-03-29"), "answer.practitioners[0].absences[0]: ends before it starts");
        for (wrong, rule) in [
            (refused(|told| told.telephone = Some("55010101".to_owned())), "answer.telephone: not a telephone"),
            (refused(|told| told.telephone = Some(format!("+{}", "4".repeat(32)))), "answer.telephone: over 32"),
            (refused(|told| told.address = Some("x".repeat(501))), "answer.address: over 500"),
            (refused(|told| told.accessibility = Some("x".repeat(1_001))), "answer.accessibility: over 1000"),
            (refused(|told| told.website = Some("javascript:alert(1)".to_owned())), "answer.website: not an"),
            (refused(|told| told.website = Some("/om-oss".to_owned())), "answer.website: not an"),
            (refused(|told| told.website = Some(format!("https://a.example/{}", "æ".repeat(1_000)))), "answer.website"),
            (refused(|told| told.hours[0].weekday = 8), "answer.hours[0].weekday: not 1 to 7"),
            (refused(|told| told.hours[0].opens = "24:00".to_owned()), "answer.hours[0].opens: not HH:MM"),
            (refused(|told| told.hours[0].opens = "8:00".to_owned()), "answer.hours[0].opens: not HH:MM"),
            (refused(|told| told.hours[0].closes = "08:00".to_owned()), "answer.hours[0]: closes before"),
            (refused(|told| told.hours = vec![told.hours[0].clone(); 51]), "answer.hours: 51 items, over 50"),
            (refused(|told| told.practitioners[0].weekdays.push(3)), "answer.practitioners[0].weekdays[2]: twice"),
            (refused(|told| told.practitioners[0].languages.push("n".to_owned())), "answer.practitioners[0].languages"),
            (refused(|told| told.modes.push(types::EncounterMode::Video)), "answer.modes: the same twice"),
        ] {
            assert!(wrong.starts_with(rule), "{wrong}");
        }
    }

    #[test]
    fn a_form_is_a_schema_within_bounds_and_one_for_a_service() {
        let form = |schema: &str| wit::Form {
            service: types::Service::Certificate,
            title: "Helseattest".to_owned(),
            schema: schema.to_owned(),
        };
        let read = |list: Vec<wit::Form>| checked(|answer| forms(list, answer));
        assert_eq!(read(vec![form(r#"{"type":"object"}"#)]).unwrap()[0].schema["type"], "object");
        for (list, rule) in [
            (vec![form("{}"), form("{}")], "answer[1].service: has another form"),
            (vec![form(r#"{"$ref":"https://example.com/"}"#)], "answer[0].schema: refers outside itself"),
            (vec![form(&" ".repeat(65_537))], "answer[0].schema: over 65536 bytes"),
            (vec![wit::Form { title: String::new(), ..form("{}") }], "answer[0].title: empty"),
        ] {
            assert_eq!(read(list).unwrap_err().to_string(), rule);
        }
    }
}
