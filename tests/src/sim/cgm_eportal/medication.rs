//! Medications by the practice's record system, and its rule for renewing each: the same for a citizen on every run.

use crate::sim::world::Citizen;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

/// The practice's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// May be renewed unseen.
    Renewable,
    /// The patient must talk to the practice first.
    ContactFirst,
    /// Is not renewed.
    Locked,
}

/// One medication of a patient's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medication {
    /// Its id.
    pub id: String,
    /// Name.
    pub name: &'static str,
    /// Form.
    pub form: &'static str,
    /// Strength.
    pub strength: &'static str,
    /// ATC code.
    pub atc: &'static str,
    /// How it is taken.
    pub dosage: &'static str,
    /// When it was prescribed.
    pub issued: Date,
    /// Last day.
    pub valid_until: Date,
    /// The practice's rule.
    pub rule: Rule,
    /// Why not.
    pub note: Option<&'static str>,
}

impl Medication {
    /// As the schema has it.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "form": self.form,
            "strength": self.strength,
            "atc": self.atc,
            "dosage": self.dosage,
            "issued": self.issued,
            "validUntil": self.valid_until,
            "renewal": { "rule": self.rule, "note": self.note },
        })
    }
}

/// What a citizen takes: three that can be renewed, one that needs a talk, one that is not renewed.
pub fn of(citizen: &Citizen, today: Date) -> Vec<Medication> {
    let medication = |number: i64, [name, form, strength, atc, dosage]: [&'static str; 5], rule, note| Medication {
        id: format!("RX-{}-{number}", citizen.family_name.to_uppercase()),
        name,
        form,
        strength,
        atc,
        dosage,
        issued: today.saturating_sub((number * 45).days()),
        valid_until: today.saturating_add((30 * (6 - number)).days()),
        rule,
        note,
    };
    let first = Some("Legen vil snakke med deg først.");
    let never = Some("Fornyes bare ved oppmøte.");
    vec![
        medication(1, ["Amlodipin", "tabletter", "5 mg", "C08CA01", "1 tablett hver morgen"], Rule::Renewable, None),
        medication(2, ["Simvastatin", "tabletter", "40 mg", "C10AA01", "1 tablett hver kveld"], Rule::Renewable, None),
        medication(3, ["Salbutamol", "inhalasjon", "0,1 mg", "R03AC02", "Ved behov"], Rule::Renewable, None),
        medication(
            4,
            ["Metformin", "tabletter", "500 mg", "A10BA02", "1 tablett til maten"],
            Rule::ContactFirst,
            first,
        ),
        medication(5, ["Oksazepam", "tabletter", "15 mg", "N05BA04", "1 tablett ved behov"], Rule::Locked, never),
    ]
}
