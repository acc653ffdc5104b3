//! Practical information, open to all, and the vendor's forms.
//!
//! What cannot be understood is left out, and the rest is shown: opening hours are worth something without the directions.

use std::collections::BTreeSet;

use dialog_plugin_sdk::practice::{Absence, Form, OpeningHours, Practice, PracticeProfile, Practitioner};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::{Context, Failure, Locale, log};
use jiff::civil::Date;
use serde_json::Value;

use crate::settings::Settings;
use crate::soap::{Answer, Call};
use crate::xml::tree::Element;
use crate::{Besoklegen, Odd, booking, case};

/// Characters of an address and of what is said of payment, by the contract.
const MAX_LINE: usize = 500;
/// Characters of directions and of accessibility, by the contract.
const MAX_TEXT: usize = 1_000;
/// Characters of a form's title, by the contract.
const MAX_TITLE: usize = 200;
/// Bytes of a form's schema, by the contract.
const MAX_SCHEMA: usize = 64 * 1024;
/// Parts of one kind that are shown: opening hours, doctors, absences, languages.
const MAX_PARTS: usize = 50;

impl Practice for Besoklegen {
    fn profile(ctx: Context) -> Result<PracticeProfile, Failure> {
        let answer = ask(&ctx, "GetPractice")?;
        let content = &answer.content;
        let text = |name, most| content.optional(name).map(|text| clip(text, most));
        Ok(PracticeProfile {
            telephone: content.optional("Phone").filter(|phone| is_phone(phone)).map(str::to_owned),
            address: text("Address", MAX_LINE),
            directions: text("Directions", MAX_TEXT),
            website: content.optional("Website").filter(|address| is_address(address)).map(str::to_owned),
            hours: parts(content, "Hours", hours),
            practitioners: parts(content, "Doctor", practitioner),
            modes: parts(content, "Channel", |channel| {
                booking::channel(channel.text()).ok_or("is a channel that is not known")
            }),
            payment: text("Payment", MAX_LINE),
            accessibility: text("Accessibility", MAX_TEXT),
        })
    }

    fn forms(ctx: Context) -> Result<Vec<Form>, Failure> {
        let answer = ask(&ctx, "GetForms")?;
        let mut forms: Vec<Form> = parts(&answer.content, "Form", form);
        let mut known = Vec::new();
        // At most one for each service: the first.
        forms.retain(|form| {
            let new = !known.contains(&form.service);
            known.push(form.service);
            new
        });
        Ok(forms)
    }
}

fn ask(ctx: &Context, operation: &'static str) -> Result<Answer, Failure> {
    let settings: Settings = ctx.settings()?;
    let language = match ctx.locale {
        Locale::Nb => "nb",
        Locale::Nn => "nn",
        Locale::En => "en",
    };
    Call::reading(operation, &ctx.call_id, language)
        .with(|xml| xml.leaf("Practice", &settings.practice).leaf("Language", language))
        .send(ctx.locale, &[])
}

/// Those parts of a name that can be understood.
fn parts<T>(content: &Element, name: &str, read: impl Fn(&Element) -> Result<T, Odd>) -> Vec<T> {
    let all = content.all(name).take(MAX_PARTS);
    let read = |element| read(element).inspect_err(|why| log::warn!("{name} of a practice {why}: it is left out"));
    all.filter_map(|element| read(element).ok()).collect()
}

fn hours(element: &Element) -> Result<OpeningHours, Odd> {
    const ODD: Odd = "is no day with two times";
    let weekday = element.optional("Day").and_then(weekday).ok_or(ODD)?;
    let (opens, closes) = (element.required("Opens", ODD)?, element.required("Closes", ODD)?);
    // Two digits, a colon, two digits: as text in the order of time.
    if !is_time(opens) || !is_time(closes) || opens >= closes {
        return Err(ODD);
    }
    Ok(OpeningHours { weekday, opens: opens.to_owned(), closes: closes.to_owned() })
}

fn practitioner(element: &Element) -> Result<Practitioner, Odd> {
    let weekdays: BTreeSet<u8> = element.all("Day").filter_map(|day| weekday(day.text())).collect();
    let languages: BTreeSet<&str> = element.all("Language").map(Element::text).filter(|tag| is_tag(tag)).collect();
    Ok(Practitioner {
        clinician: booking::doctor(element).ok_or("has no number or no name")?,
        weekdays: weekdays.into_iter().collect(),
        languages: languages.into_iter().take(MAX_PARTS).map(str::to_owned).collect(),
        absences: parts(element, "Away", absence),
    })
}

fn absence(element: &Element) -> Result<Absence, Odd> {
    const ODD: Odd = "is no pair of dates";
    let (from, until) = (element.required("From", ODD)?, element.required("Until", ODD)?);
    let date = |text: &str| text.parse::<Date>().ok().filter(|_| text.len() == 10);
    let (Some(first), Some(last)) = (date(from), date(until)) else { return Err(ODD) };
    if last < first {
        return Err("ends before it begins");
    }
    let substitute = element.child("Substitute").and_then(booking::doctor);
    Ok(Absence { from: from.to_owned(), until: until.to_owned(), substitute })
}

fn form(element: &Element) -> Result<Form, Odd> {
    let service = element.optional("Service").and_then(case::service).ok_or("is for a service that is not known")?;
    let schema = element.required("Schema", "has no schema")?;
    if schema.len() > MAX_SCHEMA {
        return Err("has a schema of over 64 KiB");
    }
    let read: Value = serde_json::from_str(schema).map_err(|_| "has a schema that is not JSON")?;
    if !read.is_object() || refers_out(&read) {
        return Err("has a schema that is no object, or refers outside itself");
    }
    let title = clip(element.required("Title", "has no title")?, MAX_TITLE);
    Ok(Form { service, title, schema: schema.to_owned() })
}

/// Whether a schema would be fetched from somewhere. The parser bounds how deep this goes.
fn refers_out(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(name, value)| match (name.as_str(), value) {
            ("$ref" | "$dynamicRef", Value::String(target)) => !target.starts_with('#'),
            _ => refers_out(value),
        }),
        Value::Array(items) => items.iter().any(refers_out),
        _ => false,
    }
}

fn weekday(text: &str) -> Option<u8> {
    text.parse().ok().filter(|day| (1..=7).contains(day))
}

fn is_time(text: &str) -> bool {
    // `parse` takes a sign too.
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str, most: u8| digits(part) && part.parse().is_ok_and(|number: u8| number <= most);
    text.split_once(':').is_some_and(|(hour, minute)| number(hour, 23) && number(minute, 59))
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.len() <= MAX_LINE
        && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
}

/// BCP 47, as far as its form goes.
fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let letters = |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    parts.next().is_some_and(letters)
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn times_phones_addresses_and_languages_have_their_forms() {
        for (time, is) in
            [("08:00", true), ("23:59", true), ("24:00", false), ("8:00", false), ("08:60", false), ("+8:00", false)]
        {
            assert_eq!(is_time(time), is, "{time}");
        }
        assert!(is_phone("+4722000000") && !is_phone("22000000") && !is_phone("+47 22 00"));
        assert!(is_address("https://example.no/a") && !is_address("javascript:alert(1)") && !is_address("https://"));
        assert!(is_tag("nb") && is_tag("se-NO") && !is_tag("norsk") && !is_tag("n") && !is_tag("nb-"));
    }

    #[test]
    fn a_schema_that_refers_elsewhere_is_known() {
        assert!(refers_out(&json!({ "properties": { "a": [{ "$ref": "https://evil.example/x" }] } })));
        assert!(!refers_out(&json!({ "$defs": {}, "properties": { "a": { "$ref": "#/$defs/x" } } })));
    }

    proptest! {
        #[test]
        fn what_passes_for_a_time_sorts_as_time_does(a in "[0-9:+]{5}", b in "[0-9:+]{5}") {
            let minutes = |text: &str| -> Option<u32> {
                let (hour, minute) = text.split_once(':')?;
                Some(hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok()?)
            };
            if is_time(&a) && is_time(&b) {
                prop_assert_eq!(a < b, minutes(&a) < minutes(&b));
            }
        }
    }
}
