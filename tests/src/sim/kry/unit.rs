//! The vendor's one unit: its doctors, and what it tells everyone.

use super::document::resource;
use crate::sim::world::Gp;
use serde_json::{Value, json};

/// What the vendor calls the unit.
pub const UNIT: &str = "kry-norge";

/// Its doctors. They are nobody's regular GPs.
pub const DOCTORS: &[Gp] = &[
    Gp { given_name: "Mariam", family_name: "Haugen", hpr: "9123482", her_id: 8_150_911 },
    Gp { given_name: "Erik", family_name: "Lindqvist", hpr: "9123490", her_id: 8_150_912 },
];

/// A doctor by HPR number.
pub fn doctor(hpr: &str) -> Option<&'static Gp> {
    DOCTORS.iter().find(|doctor| doctor.hpr == hpr)
}

/// The id of a doctor's resource.
pub fn practitioner_id(doctor: &Gp) -> String {
    format!("pra-{}", doctor.hpr)
}

/// A doctor as others' resources relate to one.
pub fn practitioner(doctor: &Gp) -> Value {
    resource("practitioners", &practitioner_id(doctor), named(doctor), &[])
}

fn named(doctor: &Gp) -> Value {
    json!({
        "hprNumber": doctor.hpr.parse::<u32>().unwrap_or_default(),
        "givenName": doctor.given_name,
        "familyName": doctor.family_name,
    })
}

/// The unit, and its doctors with what everyone may know of them.
pub fn profile(language: &str) -> (Value, Vec<Value>) {
    let payment = match language {
        "nb" => "Kort eller Vipps etter konsultasjonen. Egenandelen går inn på frikortet.",
        "nn" => "Kort eller Vipps etter konsultasjonen. Eigendelen går inn på frikortet.",
        _ => "By card or Vipps after the consultation. The fee counts towards the exemption card.",
    };
    let accessibility = match language {
        "nb" => "Alt foregår i appen og på telefon. Tekst kan leses opp; video kan tekstes.",
        "nn" => "Alt går føre seg i appen og på telefon. Tekst kan lesast opp; video kan tekstast.",
        _ => "Everything is in the app and by telephone. Text can be read aloud; video can be captioned.",
    };
    let everyday =
        |weekday: u8, opens: &str, closes: &str| json!({ "weekday": weekday, "opens": opens, "closes": closes });
    let mut hours: Vec<Value> = (1..=5).map(|weekday| everyday(weekday, "07:00", "23:00")).collect();
    hours.extend((6..=7).map(|weekday| everyday(weekday, "09:00", "18:00")));
    let attributes = json!({
        "name": "Kry Norge",
        "phone": "+4721555555",
        "address": "Postboks 900, 0101 Oslo",
        "website": "https://kry.example/",
        "openingHours": hours,
        "channels": ["video", "phone"],
        "payment": payment,
        "accessibility": accessibility,
    });
    let mut doctors = Vec::new();
    for (at, doctor) in DOCTORS.iter().enumerate() {
        let mut attributes = named(doctor);
        attributes["languages"] = json!(if at == 0 { vec!["nb", "en", "ar"] } else { vec!["nb", "sv", "en"] });
        attributes["weekdays"] = json!(if at == 0 { vec![1, 2, 3, 4, 5] } else { vec![3, 4, 5, 6, 7] });
        let substitute = DOCTORS.first().map(practitioner_id).filter(|_| at == 1);
        attributes["absences"] = match substitute {
            None => json!([]),
            Some(id) => json!([{ "from": "2026-12-21", "until": "2027-01-03", "substituteId": id }]),
        };
        doctors.push(resource("practitioners", &practitioner_id(doctor), attributes, &[]));
    }
    let mut unit = resource("units", UNIT, attributes, &[]);
    let related: Vec<Value> =
        DOCTORS.iter().map(|doctor| super::document::identifier("practitioners", &practitioner_id(doctor))).collect();
    unit["relationships"] = json!({ "practitioners": { "data": related } });
    (unit, doctors)
}
