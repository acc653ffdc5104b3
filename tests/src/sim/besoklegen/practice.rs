//! What a practice tells everyone, and its forms.

use super::reception::Answered;
use super::request::{self, text};
use super::soap::VENDOR;
use super::state::State;
use crate::sim::meldingstjener::tree::Element;
use crate::sim::world::Gp;
use jiff::ToSpan as _;
use serde_json::{Value, json};

/// A text in three languages: nb, nn, en.
type Said = [&'static str; 3];

fn in_language(content: &Element, said: Said) -> &'static str {
    let [nb, nn, en] = said;
    match text(content, "Language").as_str() {
        "nn" => nn,
        "en" => en,
        _ => nb,
    }
}

/// `GetPractice`.
pub fn information(state: &mut State, content: &Element) -> Answered {
    let today = state.now().to_zoned(crate::sim::helserespons::calendar::norway()).date();
    let office = request::known(state, &text(content, "Practice"))?.office;
    let hours = (1..=5).map(|day| {
        let closes = if day == 5 { "14:00" } else { "15:30" };
        Element::new(VENDOR, "Hours").field("Day", day.to_string()).field("Opens", "08:00").field("Closes", closes)
    });
    // The first doctor is away for a week from the day after tomorrow; the second, where there is one, stands in.
    let away = |gp: &Gp| {
        let first = office.gps.first().is_some_and(|first| first.hpr == gp.hpr);
        let (from, until) = (today.saturating_add(2.days()), today.saturating_add(8.days()));
        let absence = Element::new(VENDOR, "Away").field("From", from.to_string()).field("Until", until.to_string());
        let substitute = office.gps.get(1).map(|gp| named(Element::new(VENDOR, "Substitute"), gp));
        first.then(|| absence.with_all(substitute))
    };
    let doctor = |gp: &Gp| {
        let days = (1..=4).map(|day: u8| Element::new(VENDOR, "Day").with_text(day.to_string()));
        let languages = ["nb", "en"].map(|tag| Element::new(VENDOR, "Language").with_text(tag));
        named(Element::new(VENDOR, "Doctor"), gp).with_all(days).with_all(languages).with_all(away(gp))
    };
    let channels = ["PRACTICE", "PHONE", "VIDEO"].map(|word| Element::new(VENDOR, "Channel").with_text(word));
    Ok(Element::new(VENDOR, "GetPracticeResponse")
        .field("Phone", office.phone)
        .field("Address", office.address)
        .field("Directions", in_language(content, DIRECTIONS))
        .field("Website", "https://legekontor.example.no")
        .with_all(hours)
        .with_all(office.gps.iter().map(doctor))
        .with_all(channels)
        .field("Payment", in_language(content, PAYMENT))
        .field("Accessibility", in_language(content, ACCESSIBILITY)))
}

fn named(element: Element, gp: &Gp) -> Element {
    element.field("Hpr", gp.hpr).field("Given", gp.given_name).field("Family", gp.family_name)
}

const DIRECTIONS: Said = [
    "Inngang fra bakgården, andre etasje.",
    "Inngang frå bakgarden, andre høgda.",
    "Entrance from the back yard, second floor.",
];
const PAYMENT: Said = ["Kort, Vipps eller faktura.", "Kort, Vipps eller faktura.", "Card, Vipps or invoice."];
const ACCESSIBILITY: Said = [
    "Trinnfri inngang, heis, HC-toalett og teleslynge.",
    "Trinnfri inngang, heis, HC-toalett og teleslynge.",
    "Step-free entrance, lift, accessible toilet and hearing loop.",
];

/// `GetForms`.
pub fn forms(state: &mut State, content: &Element) -> Answered {
    request::known(state, &text(content, "Practice"))?;
    let title = in_language(
        content,
        ["Helseattest for førerkort", "Helseattest for førarkort", "Health certificate for a driving licence"],
    );
    let form = Element::new(VENDOR, "Form")
        .field("Service", "CERTIFICATE")
        .field("Title", title)
        .field("Schema", driving(&|said| in_language(content, said)).to_string());
    Ok(Element::new(VENDOR, "GetFormsResponse").with(form))
}

/// Whether a certificate is for a driving licence, and so needs the form.
pub fn is_driving(purpose: &str) -> bool {
    purpose.to_lowercase().starts_with("førerkort")
}

/// Whether the form is filled in as it asks to be.
pub fn is_filled_in(answers: &Value) -> bool {
    jsonschema::is_valid(&driving(&|[nb, ..]| nb), answers)
}

/// The questions before a health certificate for a driving licence: what the doctor must know beforehand.
fn driving(say: &dyn Fn(Said) -> &'static str) -> Value {
    let question = |said: Said| json!({ "type": "boolean", "title": say(said) });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": say(["Egenerklæring om helse", "Eigenerklæring om helse", "Declaration of health"]),
        "type": "object",
        "required": ["classes", "glasses", "diabetes", "epilepsy", "heart", "consciousness", "medicines"],
        "properties": {
            "classes": {
                "title": say(["Førerkortklasser", "Førarkortklassar", "Licence classes"]),
                "type": "array",
                "items": { "enum": ["AM", "A1", "A2", "A", "B", "BE", "C1", "C", "CE", "D1", "D", "DE", "T"] },
                "minItems": 1,
                "uniqueItems": true,
            },
            "glasses": question(["Bruker du briller eller linser?", "Bruker du briller eller linser?", "Do you wear glasses or lenses?"]),
            "diabetes": question(["Har du diabetes?", "Har du diabetes?", "Do you have diabetes?"]),
            "epilepsy": question(["Har du eller har du hatt epilepsi?", "Har du eller har du hatt epilepsi?", "Do you have, or have you had, epilepsy?"]),
            "heart": question(["Har du hjerte- eller karsykdom?", "Har du hjarte- eller karsjukdom?", "Do you have a heart or vascular disease?"]),
            "consciousness": question(["Har du mistet bevisstheten siste fem år?", "Har du mista medvitet siste fem år?", "Have you lost consciousness in the last five years?"]),
            "medicines": {
                "title": say(["Hvilke faste medisiner bruker du?", "Kva faste medisinar bruker du?", "Which regular medicines do you take?"]),
                "type": "string",
                "maxLength": 1000,
            },
        },
        "additionalProperties": false,
    })
}
