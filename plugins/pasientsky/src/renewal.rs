//! What is to be renewed: drafts of prescriptions within the dialog, and what the clinic decided about each.

use dialog_plugin_sdk::dialogs::RenewalItem;
use dialog_plugin_sdk::{RenewalDecision, RenewalOutcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fhir::element::{ATC, Coding, Concept, Identifier, Reference, id_of, naming};
use crate::person::Patient;
use crate::written;

/// Decisions of an answer: twice what a request can hold.
const MAX_DECISIONS: usize = 40;
/// Characters of a reason, by the contract.
const MAX_REASON: usize = 2_000;
/// Characters of an item's id, by the contract.
const MAX_ITEM: usize = 256;

/// A prescription that is asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wanted<'a> {
    resource_type: &'static str,
    /// Within the dialog.
    id: String,
    /// The contract's of the item.
    identifier: [Identifier; 1],
    status: &'static str,
    intent: &'static str,
    medication_codeable_concept: Concept,
    subject: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    prior_prescription: Option<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    note: Vec<Note<'a>>,
}

#[derive(Serialize)]
struct Note<'a> {
    text: &'a str,
}

/// An input of the dialog: one of the drafts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    #[serde(rename = "type")]
    kind: Concept,
    value_reference: Reference,
}

/// The drafts of a renewal, and the inputs that name them.
#[must_use]
pub fn wanted<'a>(items: &'a [RenewalItem], patient: &Patient) -> (Vec<Wanted<'a>>, Vec<Input>) {
    let drafts: Vec<Wanted<'_>> = items.iter().enumerate().map(|(at, item)| draft(at + 1, item, patient)).collect();
    let input = |draft: &Wanted<'_>| Input {
        kind: Concept::of("task-part", "renew"),
        value_reference: Reference::to(format!("#{}", draft.id)),
    };
    let inputs = drafts.iter().map(input).collect();
    (drafts, inputs)
}

fn draft<'a>(number: usize, item: &'a RenewalItem, patient: &Patient) -> Wanted<'a> {
    let code = item.atc.iter().map(|code| Coding { system: ATC.to_owned(), code: code.clone() });
    Wanted {
        resource_type: "MedicationRequest",
        id: format!("item-{number}"),
        identifier: [Identifier { system: naming("portal-item"), value: item.id.clone() }],
        status: "draft",
        intent: "proposal",
        medication_codeable_concept: Concept { coding: code.collect(), text: Some(item.medicine.clone()) },
        subject: Reference::to(&patient.reference),
        // `prescriptions.renewable` gave it; the portal's own ids are of another form.
        prior_prescription: id_of(&item.id, "MedicationRequest")
            .filter(|id| item.id == format!("MedicationRequest/{id}"))
            .map(|id| Reference::to(format!("MedicationRequest/{id}"))),
        note: item.note.iter().map(|text| Note { text }).collect(),
    }
}

/// A draft as the vendor gives it back.
#[derive(Deserialize)]
struct Draft {
    id: String,
    #[serde(default)]
    identifier: Vec<Identifier>,
}

/// An output of a Task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Concept,
    /// A resource.
    #[serde(default)]
    pub value_reference: Option<Reference>,
    /// A code.
    #[serde(default)]
    pub value_codeable_concept: Option<Concept>,
}

/// What the clinic decided, item by item. Empty where there is no decision among the outputs.
///
/// # Errors
/// Says what is wrong with it, without its content.
pub fn decisions(contained: &[Value], outputs: &[Output]) -> Result<Vec<RenewalDecision>, &'static str> {
    let decided: Vec<(&str, &Output)> =
        outputs.iter().filter_map(|output| Some((output.kind.code("decision")?, output))).collect();
    if decided.len() > MAX_DECISIONS {
        return Err("decides on more than forty items");
    }
    decided.into_iter().map(|(code, output)| decision(contained, code, output)).collect()
}

fn decision(contained: &[Value], code: &str, output: &Output) -> Result<RenewalDecision, &'static str> {
    let item = match output.value_reference.as_ref().map(|reference| reference.reference.as_str()) {
        None => None,
        Some(reference) => {
            let id = reference.strip_prefix('#').ok_or("decides on something outside the dialog")?;
            let mut drafts = contained.iter().filter_map(|one| Draft::deserialize(one).ok());
            let draft = drafts.find(|draft| draft.id == id).ok_or("decides on an item that is not there")?;
            let item = draft.identifier.into_iter().find(|one| one.system == naming("portal-item"));
            let item = item.map(|one| one.value).ok_or("decides on an item that is none of the portal's")?;
            if item.is_empty() || item.chars().count() > MAX_ITEM || item.chars().any(char::is_control) {
                return Err("decides on an item whose id is none");
            }
            Some(item)
        }
    };
    Ok(RenewalDecision {
        item,
        outcome: match code {
            "renewed" => RenewalOutcome::Renewed,
            "refused" => RenewalOutcome::Refused,
            "needs-consultation" => RenewalOutcome::NeedsConsultation,
            _ => return Err("decides in a way that is not known"),
        },
        reason: written(output.kind.text.as_deref(), MAX_REASON),
    })
}
