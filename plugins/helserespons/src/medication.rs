//! Which prescriptions the citizen can ask the office to renew.

use dialog_plugin_sdk::prescriptions::{Prescription, Prescriptions, Renewability};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::upstream::Response;
use dialog_plugin_sdk::{Context, Failure, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::settings::Settings;
use crate::{Helserespons, person, refusal};

/// Prescriptions that one call may return.
const MAX_PRESCRIPTIONS: usize = 200;
/// Characters of a medicine, by the contract.
const MAX_MEDICINE: usize = 200;
/// Characters of dosage and note, by the contract.
const MAX_LINE: usize = 500;
/// Characters of an id, by the contract.
const MAX_ID: usize = 256;

#[derive(Serialize)]
struct Search<'a> {
    ssn: &'a str,
}

#[derive(Deserialize)]
struct Medications {
    medications: Vec<Value>,
}

/// The clinic's rule for a medication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Rule {
    Ok,
    ControlNeeded,
    Blocked,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Medication {
    id: String,
    name: String,
    #[serde(default)]
    form: Option<String>,
    #[serde(default)]
    strength: Option<String>,
    #[serde(default)]
    atc: Option<String>,
    #[serde(default)]
    dosage: Option<String>,
    /// Days, in Norway.
    #[serde(default)]
    issued: Option<String>,
    #[serde(default)]
    valid_until: Option<String>,
    rule: Rule,
    #[serde(default)]
    rule_text: Option<String>,
}

impl Prescriptions for Helserespons {
    fn renewable(ctx: Context) -> Result<Vec<Prescription>, Failure> {
        let settings: Settings = ctx.settings()?;
        let search = Search { ssn: person::ssn(&ctx)? };
        let request = settings.post("medications").segment("search").json(&search);
        read(&ctx, request.send().map_err(Failure::from)).map_err(refusal::of_a_search)
    }
}

fn read(ctx: &Context, answer: Result<Response, Failure>) -> Result<Vec<Prescription>, Failure> {
    let answer = refusal::accepted(answer?, ctx.locale, &[])?;
    let Medications { medications } = answer.json()?;
    let mut prescriptions: Vec<Prescription> = medications.into_iter().filter_map(prescription).collect();
    prescriptions.sort_by_key(|one| std::cmp::Reverse(one.issued));
    prescriptions.truncate(MAX_PRESCRIPTIONS);
    Ok(prescriptions)
}

/// A medication that cannot be read is not offered for renewal, and the others are.
fn prescription(medication: Value) -> Option<Prescription> {
    let Ok(medication) = serde_json::from_value::<Medication>(medication) else {
        log::warn!("a medication of another shape: it is not offered");
        return None;
    };
    let Medication { id, name, form, strength, atc, dosage, issued, valid_until, rule, rule_text } = medication;
    if id.is_empty() || id.chars().count() > MAX_ID || id.chars().any(char::is_control) || name.trim().is_empty() {
        log::warn!("a medication without a name or a usable id: it is not offered");
        return None;
    }
    let parts = [Some(name), form, strength];
    let medicine = parts.iter().flatten().map(|part| part.trim()).filter(|part| !part.is_empty());
    let renewability = match rule {
        Rule::Ok => Renewability::Renewable,
        Rule::ControlNeeded => Renewability::NeedsConsultation,
        Rule::Blocked => Renewability::NotRenewable,
    };
    Some(Prescription {
        id,
        medicine: clip(&medicine.collect::<Vec<_>>().join(" "), MAX_MEDICINE),
        atc: atc.filter(|atc| is_atc(atc)),
        dosage: dosage.filter(|text| !text.is_empty()).map(|text| clip(&text, MAX_LINE)),
        issued: issued.as_deref().and_then(time::day),
        valid_until: valid_until.as_deref().and_then(time::day),
        renewability,
        note: rule_text
            .filter(|text| !text.is_empty() && renewability != Renewability::Renewable)
            .map(|text| clip(&text, MAX_LINE)),
    })
}

/// WHO: a letter, two digits, two letters, two digits; shorter for a group.
fn is_atc(text: &str) -> bool {
    const FORM: [fn(&u8) -> bool; 7] = [
        u8::is_ascii_uppercase,
        u8::is_ascii_digit,
        u8::is_ascii_digit,
        u8::is_ascii_uppercase,
        u8::is_ascii_uppercase,
        u8::is_ascii_digit,
        u8::is_ascii_digit,
    ];
    [1, 3, 4, 5, 7].contains(&text.len()) && text.bytes().zip(FORM).all(|(byte, fits)| fits(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_atc;

    #[test]
    fn an_atc_code_has_its_form() {
        assert!(["C09AA02", "C09", "R"].into_iter().all(is_atc));
        assert!(!["C09AA0", "c09aa02", "", "C09AA02X", "ÆØ"].into_iter().any(is_atc));
    }
}
