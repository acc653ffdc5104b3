//! Which prescriptions the citizen can ask the office to renew.

use dialog_plugin_sdk::prescriptions::{Prescription, Prescriptions, Renewability};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::{Context, Failure, log};
use serde::Deserialize;
use serde_json::Value;

use crate::ask::{Budget, Search};
use crate::fhir::element::{ATC, Concept, is_id};
use crate::fhir::time;
use crate::{Pasientsky, person, written};

/// Prescriptions that one call may return.
const MAX_PRESCRIPTIONS: usize = 200;
/// Characters of a medicine, by the contract.
const MAX_MEDICINE: usize = 200;
/// Characters of dosage and note, by the contract.
const MAX_LINE: usize = 500;
/// Pages of a citizen's prescriptions.
const PAGES: u32 = 4;
/// The vendor's extension with the office's rule.
const RULE: &str = "https://fhir.pasientsky.example/StructureDefinition/renewal-rule";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MedicationRequest {
    id: String,
    #[serde(default)]
    extension: Vec<Extension>,
    medication_codeable_concept: Concept,
    #[serde(default)]
    authored_on: Option<String>,
    #[serde(default)]
    dosage_instruction: Vec<Dosage>,
    #[serde(default)]
    dispense_request: Option<Dispense>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extension {
    url: String,
    #[serde(default)]
    value_codeable_concept: Option<Concept>,
}

#[derive(Deserialize)]
struct Dosage {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dispense {
    #[serde(default)]
    validity_period: Option<Period>,
}

#[derive(Deserialize)]
struct Period {
    #[serde(default)]
    end: Option<String>,
}

impl Prescriptions for Pasientsky {
    fn renewable(ctx: Context) -> Result<Vec<Prescription>, Failure> {
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        let search = Search::about("MedicationRequest").with("patient", &patient.reference).with("status", "active");
        let (found, _) = search.with("_count", "100").all(PAGES, &mut budget, ctx.locale)?;
        let mut prescriptions: Vec<Prescription> = found
            .iter()
            .filter_map(|resource| {
                let read = prescription(resource);
                read.inspect_err(|why| log::warn!("a prescription that {why}: it is not offered")).ok()
            })
            .collect();
        prescriptions.sort_by_key(|one| std::cmp::Reverse(one.issued));
        prescriptions.truncate(MAX_PRESCRIPTIONS);
        Ok(prescriptions)
    }
}

/// One that cannot be read is not offered for renewal, and the others are.
fn prescription(resource: &Value) -> Result<Prescription, &'static str> {
    let read = MedicationRequest::deserialize(resource).map_err(|_| "is of another shape")?;
    let medicine = read.medication_codeable_concept.text.as_deref().map(str::trim).unwrap_or_default();
    if !is_id(&read.id) || medicine.is_empty() {
        return Err("has no name, or an id that is none");
    }
    let rule = read.extension.iter().find(|one| one.url == RULE).and_then(|one| one.value_codeable_concept.as_ref());
    let renewability = match rule.and_then(|rule| rule.code("renewal-rule")) {
        Some("renewable") => Renewability::Renewable,
        Some("needs-consultation") => Renewability::NeedsConsultation,
        Some("blocked") => Renewability::NotRenewable,
        _ => return Err("has no rule that is known"),
    };
    let note = rule.and_then(|rule| rule.text.as_deref()).filter(|_| renewability != Renewability::Renewable);
    let until = read.dispense_request.and_then(|dispense| dispense.validity_period).and_then(|period| period.end);
    Ok(Prescription {
        id: format!("MedicationRequest/{}", read.id),
        medicine: clip(medicine, MAX_MEDICINE),
        atc: read.medication_codeable_concept.code_of(ATC).filter(|atc| is_atc(atc)).map(str::to_owned),
        dosage: read.dosage_instruction.first().and_then(|dosage| written(dosage.text.as_deref(), MAX_LINE)),
        issued: read.authored_on.as_deref().and_then(time::moment),
        valid_until: until.as_deref().and_then(time::moment),
        renewability,
        note: written(note, MAX_LINE),
    })
}

/// WHO: a letter, two digits, two letters, two digits; shorter for a group.
fn is_atc(text: &str) -> bool {
    let forms = [u8::is_ascii_uppercase, u8::is_ascii_digit];
    [1, 3, 4, 5, 7].contains(&text.len())
        && text.bytes().zip([0, 1, 1, 0, 0, 1, 1]).all(|(byte, form)| forms[form](&byte))
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
