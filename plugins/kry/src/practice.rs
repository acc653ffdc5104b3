//! Practical information, and the triage form: what the vendor needs to know before a consultation.

use std::collections::BTreeSet;

use dialog_plugin_sdk::practice::{Absence, Form, OpeningHours, Practice, PracticeProfile, Practitioner};
use dialog_plugin_sdk::text::{filled, line};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{Clinician, Context, EncounterMode, Failure, Service, log};
use serde::Deserialize;
use serde_json::Value;

use crate::booking::Channel;
use crate::document::{self, Document, Identifier, Odd, Resource};
use crate::person::Doctor;
use crate::settings::Settings;
use crate::words::language;
use crate::{Kry, refusal};

/// Characters of a line of practical information, by the contract.
const MAX_LINE: usize = 500;
/// Characters of a text of practical information, by the contract.
const MAX_TEXT: usize = 1_000;
/// Opening hours, by the contract.
const MAX_HOURS: usize = 50;
/// Doctors, by the contract.
const MAX_DOCTORS: usize = 200;
/// Languages of a doctor, by the contract.
const MAX_LANGUAGES: usize = 20;
/// Absences of a doctor, by the contract.
const MAX_ABSENCES: usize = 100;
/// Characters of a telephone number, by the contract.
const MAX_PHONE: usize = 32;
/// Characters of a URL, by the contract.
const MAX_URL: usize = 2_048;
/// Forms in one answer: more than there are services.
const MAX_FORMS: usize = 20;
/// Characters of a form's title, by the contract.
const MAX_TITLE: usize = 200;
/// Bytes of a form's schema, by the contract.
const MAX_SCHEMA: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unit {
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    directions: Option<String>,
    #[serde(default)]
    website: Option<String>,
    #[serde(default)]
    opening_hours: Vec<Value>,
    #[serde(default)]
    channels: Vec<Value>,
    #[serde(default)]
    payment: Option<String>,
    #[serde(default)]
    accessibility: Option<String>,
}

#[derive(Deserialize)]
struct Hours {
    weekday: u8,
    opens: String,
    closes: String,
}

#[derive(Deserialize)]
struct Present {
    #[serde(flatten)]
    doctor: Doctor,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    weekdays: Vec<u8>,
    #[serde(default)]
    absences: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Away {
    from: String,
    until: String,
    #[serde(default)]
    substitute_id: Option<String>,
}

#[derive(Deserialize)]
struct Triage {
    service: String,
    title: String,
    schema: Value,
}

impl Practice for Kry {
    fn profile(ctx: Context) -> Result<PracticeProfile, Failure> {
        let settings: Settings = ctx.settings()?;
        let request = document::get("/v1/units")
            .segment(&settings.unit)
            .query("include", "practitioners")
            .header("accept-language", language(ctx.locale));
        let answer = refusal::accepted(request.send()?, ctx.locale, &[])?;
        let document = Document::of(&answer)?;
        let resource = document.one(&answer, "units")?;
        let unit: Unit =
            resource.attributes().map_err(|why| answer.unreadable(format_args!("holds a unit that {why}")))?;
        // What cannot be read is left out: nobody is harmed by an opening hour less.
        let modes: BTreeSet<u8> = unit.channels.iter().filter_map(mode).collect();
        let doctors = resource.all_related("practitioners").iter().take(MAX_DOCTORS);
        Ok(PracticeProfile {
            telephone: unit.phone.filter(|phone| is_phone(phone)),
            address: filled(unit.address, MAX_LINE),
            directions: filled(unit.directions, MAX_TEXT),
            website: unit.website.filter(|website| is_website(website)),
            hours: unit.opening_hours.into_iter().filter_map(hours).take(MAX_HOURS).collect(),
            practitioners: doctors.filter_map(|name| practitioner(&document, name)).collect(),
            modes: modes.into_iter().filter_map(|mode| MODES.get(usize::from(mode)).copied()).collect(),
            payment: filled(unit.payment, MAX_LINE),
            accessibility: filled(unit.accessibility, MAX_TEXT),
        })
    }

    fn forms(ctx: Context) -> Result<Vec<Form>, Failure> {
        let settings: Settings = ctx.settings()?;
        let request = document::get("/v1/triage-forms")
            .query("filter[unit]", &settings.unit)
            .header("accept-language", language(ctx.locale));
        let answer = refusal::accepted(request.send()?, ctx.locale, &[])?;
        let document = Document::of(&answer)?;
        let mut forms: Vec<Form> = Vec::new();
        for value in document.list(&answer)?.iter().take(MAX_FORMS) {
            // Without its form a consultation would be refused: one that cannot be read is said, not left out.
            let form = form(value).map_err(|why| answer.unreadable(format_args!("holds a form that {why}")))?;
            match form {
                Some(form) if forms.iter().all(|other| other.service != form.service) => forms.push(form),
                Some(_) => return Err(answer.unreadable("holds two forms of one service")),
                None => {}
            }
        }
        Ok(forms)
    }
}

/// Ways to meet, in the order that they are told.
const MODES: [EncounterMode; 2] = [EncounterMode::Video, EncounterMode::Telephone];

fn mode(channel: &Value) -> Option<u8> {
    match Channel::deserialize(channel).ok()? {
        Channel::Video => Some(0),
        Channel::Phone => Some(1),
    }
}

fn form(value: &Value) -> Result<Option<Form>, Odd> {
    let Triage { service, title, schema } = Resource::of(value, "triage-forms")?.attributes()?;
    if service != "consultation" {
        log::info!("a form of a service that is not offered here is left out");
        return Ok(None);
    }
    if !schema.is_object() {
        return Err("has a schema that is no object");
    }
    let schema = schema.to_string();
    if schema.len() > MAX_SCHEMA {
        return Err("has a schema of over 64 KiB");
    }
    let title = line(&title, MAX_TITLE).ok_or("has no title")?;
    Ok(Some(Form { service: Service::Consultation, title, schema }))
}

/// `+`, digits and blanks.
fn is_phone(phone: &str) -> bool {
    let rest = phone.strip_prefix('+').unwrap_or_default();
    (4..MAX_PHONE).contains(&rest.len())
        && rest.starts_with(|first: char| first.is_ascii_digit())
        && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
}

/// An absolute URL, as far as it is told without parsing it: the gateway does.
fn is_website(website: &str) -> bool {
    let host = website.strip_prefix("https://").or_else(|| website.strip_prefix("http://")).unwrap_or_default();
    website.len() <= MAX_URL
        && host.starts_with(|first: char| first.is_ascii_alphanumeric())
        && website.bytes().all(|byte| byte.is_ascii_graphic())
}

fn hours(value: Value) -> Option<OpeningHours> {
    let Hours { weekday, opens, closes } = serde_json::from_value(value).ok()?;
    let right = (1..=7).contains(&weekday) && is_clock(&opens) && is_clock(&closes) && opens < closes;
    right.then_some(OpeningHours { weekday, opens, closes })
}

/// `HH:MM`.
fn is_clock(text: &str) -> bool {
    match text.as_bytes() {
        [a @ b'0'..=b'2', b @ b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'] => (*a, *b) < (b'2', b'4'),
        _ => false,
    }
}

fn practitioner(document: &Document, name: &Identifier) -> Option<Practitioner> {
    let present: Present = document.included(name).filter(|one| one.kind == "practitioners")?.attributes().ok()?;
    let weekdays: BTreeSet<u8> = present.weekdays.into_iter().filter(|day| (1..=7).contains(day)).collect();
    Some(Practitioner {
        clinician: present.doctor.clinician()?,
        weekdays: weekdays.into_iter().collect(),
        languages: present.languages.into_iter().filter(|tag| is_language(tag)).take(MAX_LANGUAGES).collect(),
        absences: present
            .absences
            .into_iter()
            .filter_map(|value| absence(document, value))
            .take(MAX_ABSENCES)
            .collect(),
    })
}

/// A BCP 47 tag, by its form.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn absence(document: &Document, value: Value) -> Option<Absence> {
    let Away { from, until, substitute_id } = serde_json::from_value(value).ok()?;
    let substitute: Option<Clinician> = substitute_id.and_then(|id| {
        let name = Identifier { kind: "practitioners".to_owned(), id };
        Doctor::of(document.included(&name)?).ok()?.clinician()
    });
    (time::is_day(&from) && time::is_day(&until) && from <= until).then_some(Absence { from, until, substitute })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_telephone_number_website_hour_or_language_is_left_out() {
        assert!(is_phone("+47 21 55 55 55") && !is_phone("21555555") && !is_phone("+47x") && !is_phone("+ 47 21"));
        assert!(is_website("https://kry.example/") && !is_website("javascript:x") && !is_website("https:// x"));
        assert!(is_clock("23:59") && !is_clock("24:00") && !is_clock("7:00") && !is_clock("07:60"));
        assert!(is_language("nb") && is_language("en-GB") && !is_language("x") && !is_language("nb_NO"));
        let hours_of = |opens: &str, closes: &str| {
            hours(serde_json::json!({ "weekday": 1, "opens": opens, "closes": closes })).is_some()
        };
        assert!(hours_of("08:00", "15:00") && !hours_of("15:00", "08:00"));
    }
}
