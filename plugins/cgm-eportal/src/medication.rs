//! Which prescriptions the citizen can ask the office to renew, by the practice's own rule.

use dialog_plugin_sdk::prescriptions::{Prescription, Prescriptions, Renewability};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{Context, Failure, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;

use crate::CgmEportal;
use crate::graphql::{self, Answer};
use crate::operation::MEDICATIONS;
use crate::person;
use crate::settings::Settings;

/// Prescriptions that one call may return.
const MAX_PRESCRIPTIONS: usize = 200;
/// Medications of one page, by the vendor.
const PAGE: usize = 50;
/// Pages of one call: they hold what a call may return.
const MAX_PAGES: usize = MAX_PRESCRIPTIONS / PAGE;
/// Characters of a medicine, by the contract.
const MAX_MEDICINE: usize = 200;
/// Characters of dosage and note, by the contract.
const MAX_LINE: usize = 500;
/// Characters of an id, by the contract.
const MAX_ID: usize = 256;

#[derive(Serialize)]
struct Wanted<'a> {
    practice: &'a str,
    patient: &'a str,
    first: usize,
    after: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    edges: Vec<Edge>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Edge {
    #[serde(default)]
    node: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    #[serde(default)]
    end_cursor: Option<String>,
}

/// The practice's rule for a medication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Rule {
    Renewable,
    ContactFirst,
    Locked,
}

#[derive(Deserialize)]
struct Renewal {
    rule: Rule,
    #[serde(default)]
    note: Option<String>,
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
    renewal: Renewal,
}

impl Prescriptions for CgmEportal {
    fn renewable(ctx: Context) -> Result<Vec<Prescription>, Failure> {
        let settings: Settings = ctx.settings()?;
        let patient = person::national_id(&ctx)?;
        let (mut prescriptions, mut known) = (Vec::new(), HashSet::new());
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let wanted = Wanted { practice: &settings.practice, patient, first: PAGE, after: after.as_deref() };
            let (page, errors) = graphql::query(MEDICATIONS, &wanted)?.expect::<Page>(ctx.locale, &[])?;
            if page.edges.len() > PAGE {
                return Err(Answer::senseless(MEDICATIONS, "holds more than was asked for"));
            }
            let asked = page.edges.len();
            let found = page.edges.into_iter().filter_map(|edge| prescription(edge.node));
            let found: Vec<Prescription> = found.collect();
            if found.is_empty() && asked > 0 && !errors.is_empty() {
                // A list without what the citizen takes would say that there is nothing to renew.
                let silent = "gives no medication of a page, and errors in their place";
                return Err(Failure::unavailable(dialog_plugin_sdk::Sent::No, format!("upstream `api` {silent}")));
            }
            prescriptions.extend(found.into_iter().filter(|one| known.insert(one.id.clone())));
            let PageInfo { has_next_page, end_cursor } = page.page_info;
            if !has_next_page {
                return Ok(newest_first(prescriptions));
            }
            if end_cursor.is_none() || end_cursor == after {
                return Err(Answer::senseless(MEDICATIONS, "goes on where it began"));
            }
            after = end_cursor;
        }
        log::warn!("a patient has over {MAX_PRESCRIPTIONS} medications, or the vendor's pages have no end");
        Ok(newest_first(prescriptions))
    }
}

fn newest_first(mut prescriptions: Vec<Prescription>) -> Vec<Prescription> {
    prescriptions.sort_by_key(|one| std::cmp::Reverse(one.issued));
    prescriptions.truncate(MAX_PRESCRIPTIONS);
    prescriptions
}

/// A medication that cannot be read, or for which there is no rule, is not offered for renewal, and the others are.
fn prescription(medication: Value) -> Option<Prescription> {
    let Ok(medication) = serde_json::from_value::<Medication>(medication) else {
        log::warn!("a medication without a rule, or of another shape: it is not offered");
        return None;
    };
    let Medication { id, name, form, strength, atc, dosage, issued, valid_until, renewal } = medication;
    if id.is_empty() || id.chars().count() > MAX_ID || id.chars().any(char::is_control) || name.trim().is_empty() {
        log::warn!("a medication without a name or a usable id: it is not offered");
        return None;
    }
    let parts = [Some(name), form, strength];
    let medicine = parts.iter().flatten().map(|part| part.trim()).filter(|part| !part.is_empty());
    let renewability = match renewal.rule {
        Rule::Renewable => Renewability::Renewable,
        Rule::ContactFirst => Renewability::NeedsConsultation,
        Rule::Locked => Renewability::NotRenewable,
    };
    Some(Prescription {
        id,
        medicine: clip(&medicine.collect::<Vec<_>>().join(" "), MAX_MEDICINE),
        atc: atc.filter(|atc| is_atc(atc)),
        dosage: dosage.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, MAX_LINE)),
        issued: issued.as_deref().and_then(time::day),
        valid_until: valid_until.as_deref().and_then(time::day),
        renewability,
        note: renewal
            .note
            .filter(|text| !text.trim().is_empty() && renewability != Renewability::Renewable)
            .map(|text| clip(&text, MAX_LINE)),
    })
}

/// By the contract: a capital letter, then at most seven capital letters and digits.
fn is_atc(text: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_uppercase();
    let rest = text.as_bytes().get(1..).unwrap_or_default();
    text.as_bytes().first().is_some_and(is_letter)
        && rest.len() <= 7
        && rest.iter().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_atc;

    #[test]
    fn an_atc_code_has_its_form() {
        assert!(["C08CA01", "C08", "R"].into_iter().all(is_atc));
        assert!(!["", "c08ca01", "8CA01", "C08CA01XY", "ÆØ", "C08 CA"].into_iter().any(is_atc));
    }
}
