//! Medications, and the clinic's rule for renewing each: the same for a citizen on every run.

use crate::sim::world::Citizen;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

/// The clinic's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    /// May be asked for.
    Ok,
    /// The patient must talk to the clinic first.
    ControlNeeded,
    /// Is not renewed.
    Blocked,
}

/// One medication of a patient's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
    /// The clinic's rule.
    pub rule: Rule,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_text: Option<&'static str>,
}

/// What a citizen takes: two that can be renewed, one that needs a control, one that is not renewed.
pub fn of(citizen: &Citizen, today: Date) -> Vec<Medication> {
    let medication = |number: i64, name, form, strength, atc, dosage, rule, rule_text| Medication {
        id: format!("M-{}-{number}", citizen.family_name.to_uppercase()),
        name,
        form,
        strength,
        atc,
        dosage,
        issued: today.saturating_sub((number * 60).days()),
        valid_until: today.saturating_add((30 * (5 - number)).days()),
        rule,
        rule_text,
    };
    vec![
        medication(1, "Metoprolol", "depottabletter", "50 mg", "C07AB02", "1 tablett hver morgen", Rule::Ok, None),
        medication(2, "Atorvastatin", "tabletter", "20 mg", "C10AA05", "1 tablett hver kveld", Rule::Ok, None),
        medication(
            3,
            "Levotyroksin",
            "tabletter",
            "100 mikrogram",
            "H03AA01",
            "1 tablett hver morgen",
            Rule::ControlNeeded,
            Some("Ta blodprøve før fornyelse."),
        ),
        medication(
            4,
            "Zopiklon",
            "tabletter",
            "7,5 mg",
            "N05CF01",
            "1 tablett ved behov",
            Rule::Blocked,
            Some("Fornyes ikke uten konsultasjon."),
        ),
    ]
}
