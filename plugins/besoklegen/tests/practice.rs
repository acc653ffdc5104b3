//! Practical information and forms, whole and broken.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use besoklegen::Besoklegen;
use dialog_plugin_sdk::practice::{Practice, PracticeProfile};
use dialog_plugin_sdk::{EncounterMode, Service};
use proptest::prelude::*;
use serde_json::Value;
use support::{answering, context, told};

fn profile(elements: &str) -> PracticeProfile {
    let host = answering(elements);
    let profile = Besoklegen::profile(context()).unwrap();
    drop(host);
    profile
}

#[test]
fn a_practice_says_when_it_is_open_who_is_away_and_how_to_get_in() {
    let profile = profile(&told("practice"));
    assert_eq!(profile.telephone.as_deref(), Some("+4722030303"));
    assert!(profile.accessibility.unwrap().contains("heis") && profile.payment.is_some() && profile.website.is_some());
    let friday = profile.hours.last().unwrap();
    assert_eq!((profile.hours.len(), friday.weekday, friday.closes.as_str()), (5, 5, "14:00"));
    let doctor = &profile.practitioners[0];
    assert_eq!((doctor.clinician.hpr_number, doctor.weekdays.as_slice()), (9_123_458, &[1, 2, 3, 4][..]));
    assert_eq!(doctor.languages, ["en", "nb"]);
    assert_eq!((doctor.absences[0].from.as_str(), doctor.absences[0].until.as_str()), ("2026-11-22", "2026-11-28"));
    assert_eq!(profile.modes, [EncounterMode::InPerson, EncounterMode::Telephone, EncounterMode::Video]);
}

#[test]
fn what_cannot_be_understood_is_left_out_and_the_rest_is_shown() {
    let profile = profile(
        "<Phone>ring oss</Phone><Address>Torget 1</Address><Website>javascript:alert(1)</Website>\
         <Hours><Day>8</Day><Opens>08:00</Opens><Closes>15:00</Closes></Hours>\
         <Hours><Day>1</Day><Opens>15:00</Opens><Closes>08:00</Closes></Hours>\
         <Hours><Day>2</Day><Opens>08:00</Opens><Closes>15:00</Closes></Hours>\
         <Doctor><Hpr>nine</Hpr><Given>A</Given><Family>B</Family></Doctor>\
         <Doctor><Hpr>9123458</Hpr><Given>A</Given><Family>B</Family><Day>9</Day><Language>norsk!</Language>\
         <Away><From>2026-12-02</From><Until>2026-12-01</Until></Away><Away><From>i morgen</From><Until>x</Until></Away>\
         </Doctor><Channel>SMOKE</Channel><Channel>PHONE</Channel>",
    );
    assert_eq!((profile.telephone, profile.website), (None, None));
    assert_eq!((profile.address.as_deref(), profile.hours.len()), (Some("Torget 1"), 1));
    let doctor = &profile.practitioners[0];
    assert_eq!((profile.practitioners.len(), doctor.weekdays.len(), doctor.absences.len()), (1, 0, 0));
    assert!(doctor.languages.is_empty());
    assert_eq!(profile.modes, [EncounterMode::Telephone]);
}

#[test]
fn the_form_of_a_driving_licence_is_json_schema() {
    let host = answering(&told("forms"));
    let forms = Besoklegen::forms(context()).unwrap();
    assert_eq!((forms.len(), forms[0].service), (1, Service::Certificate));
    assert_eq!(forms[0].title, "Health certificate for a driving licence");
    let schema: Value = serde_json::from_str(&forms[0].schema).unwrap();
    assert!(schema["required"].as_array().unwrap().iter().any(|one| one == "epilepsy"));
    drop(host);
}

#[test]
fn a_form_that_is_none_is_not_offered_and_each_service_has_one() {
    let form = |service: &str, schema: &str| {
        format!("<Form><Service>{service}</Service><Title>T</Title><Schema>{schema}</Schema></Form>")
    };
    let large = format!("{{\"title\":\"{}\"}}", "x".repeat(64 * 1024));
    let elements = [
        form("CERTIFICATE", "{"),
        form("CERTIFICATE", "[]"),
        form("CERTIFICATE", "{\"$ref\":\"https://evil.example\"}"),
        form("CERTIFICATE", &large),
        form("HOROSCOPE", "{}"),
        form("CERTIFICATE", "{\"type\":\"object\"}"),
        form("CERTIFICATE", "{\"type\":\"array\"}"),
        form("CONSULTATION", "{}"),
    ];
    let host = answering(&elements.concat());
    let forms = Besoklegen::forms(context()).unwrap();
    let told: Vec<_> = forms.iter().map(|form| (form.service, form.schema.as_str())).collect();
    assert_eq!(told, [(Service::Certificate, "{\"type\":\"object\"}"), (Service::Consultation, "{}")]);
    drop(host);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_elements_make_the_plugin_panic(
        elements in "(<(Hours|Doctor|Away|Day|Hpr|Opens|Closes|Channel|Form|Schema|Title)>[0-9:a-z{}\"]{0,6}){0,8}",
    ) {
        // Closed in order, so that it is XML.
        let names: Vec<&str> = elements.split('<').skip(1).filter_map(|tag| tag.split('>').next()).collect();
        let closed: String = names.iter().rev().map(|name| format!("</{name}>")).collect();
        let host = answering(&format!("{elements}{closed}"));
        drop(Besoklegen::profile(context()));
        drop(Besoklegen::forms(context()));
        drop(host);
    }
}
