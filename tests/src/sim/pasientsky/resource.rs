//! What the portal writes, read strictly: an element that is not here is one too many. What else must hold:
//! [`rules`](super::rules).

use super::codes::system;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// An identifier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Naming system.
    pub system: String,
    /// Value.
    pub value: String,
}

/// A concept with codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Codes.
    #[serde(default)]
    pub coding: Vec<Coding>,
    /// In words.
    #[serde(default)]
    pub text: Option<String>,
}

/// A code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coding {
    /// Code system.
    pub system: String,
    /// Code.
    pub code: String,
}

impl Concept {
    /// The only code, of one of the vendor's systems.
    pub fn code(&self, name: &str) -> Option<&str> {
        match self.coding.as_slice() {
            [one] if one.system == system(name) => Some(&one.code),
            _ => None,
        }
    }
}

/// A reference to a resource.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// `Kind/id`, `#contained` or, within a transaction, `urn:uuid:…`.
    pub reference: String,
}

/// Who gets a message: the clinic, or a doctor by number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Recipient {
    /// By reference.
    Referred(Reference),
    /// By number.
    Doctor(Doctor),
}

/// A doctor by number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doctor {
    /// `Practitioner`.
    #[serde(rename = "type")]
    pub kind: String,
    /// HPR number.
    pub identifier: Identifier,
}

/// A new dialog.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewTask {
    /// `Task`.
    pub resource_type: String,
    /// Who acts, and what is to be renewed.
    #[serde(default)]
    pub contained: Vec<Value>,
    /// Of the request, and the portal's of the dialog.
    pub identifier: Vec<Identifier>,
    /// `requested`.
    pub status: String,
    /// `proposal`.
    pub intent: String,
    /// Service.
    pub code: Concept,
    /// Patient.
    #[serde(rename = "for")]
    pub patient: Reference,
    /// Who asks.
    pub requester: Reference,
    /// The clinic.
    pub owner: Reference,
    /// When.
    pub authored_on: Timestamp,
    /// What is to be renewed.
    #[serde(default)]
    pub input: Vec<Input>,
}

/// An input of a dialog.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Concept,
    /// A contained prescription.
    pub value_reference: Reference,
}

/// A prescription that is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wanted {
    /// `MedicationRequest`.
    pub resource_type: String,
    /// Within the dialog.
    pub id: String,
    /// The portal's of the item.
    pub identifier: Vec<Identifier>,
    /// `draft`.
    pub status: String,
    /// `proposal`.
    pub intent: String,
    /// Medicine.
    pub medication_codeable_concept: Concept,
    /// Patient.
    pub subject: Reference,
    /// The one that is to be renewed, where it is known.
    #[serde(default)]
    pub prior_prescription: Option<Reference>,
    /// What the patient adds.
    #[serde(default)]
    pub note: Vec<Note>,
}

/// A note.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Text.
    pub text: String,
}

/// Who acts for the patient.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Representative {
    /// `RelatedPerson`.
    pub resource_type: String,
    /// `representative`.
    pub id: String,
    /// Number.
    pub identifier: Vec<Identifier>,
    /// For whom.
    pub patient: Reference,
    /// Why they may.
    pub relationship: Vec<Concept>,
    /// Name.
    pub name: Vec<Name>,
}

/// A name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// Family name.
    pub family: String,
    /// Given names.
    pub given: Vec<String>,
}

/// A new message.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCommunication {
    /// `Communication`.
    pub resource_type: String,
    /// Who acts.
    #[serde(default)]
    pub contained: Vec<Value>,
    /// The portal's of the message.
    pub identifier: Vec<Identifier>,
    /// The dialog.
    pub part_of: Vec<Reference>,
    /// The clinic's message that it answers.
    #[serde(default)]
    pub in_response_to: Vec<Reference>,
    /// `in-progress`: on its way into the record system.
    pub status: String,
    /// Service.
    pub category: Vec<Concept>,
    /// Patient.
    pub subject: Reference,
    /// Heading.
    #[serde(default)]
    pub topic: Option<Concept>,
    /// The clinic, and a doctor.
    pub recipient: Vec<Recipient>,
    /// Who writes.
    pub sender: Reference,
    /// When.
    pub sent: Timestamp,
    /// The text, then files.
    pub payload: Vec<Payload>,
}

/// A part of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Payload {
    /// The text.
    #[serde(default)]
    pub content_string: Option<String>,
    /// A file.
    #[serde(default)]
    pub content_attachment: Option<Sent>,
}

/// A file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sent {
    /// Media type.
    pub content_type: String,
    /// Name.
    pub title: String,
    /// Base64.
    pub data: String,
}

/// A new appointment.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAppointment {
    /// `Appointment`.
    pub resource_type: String,
    /// Who acts.
    #[serde(default)]
    pub contained: Vec<Value>,
    /// Of the request.
    pub identifier: Vec<Identifier>,
    /// `booked`.
    pub status: String,
    /// The time.
    pub slot: Vec<Reference>,
    /// As the patient saw it.
    pub start: Timestamp,
    /// As the patient saw it.
    pub end: Timestamp,
    /// The patient, who acts, and the clinic.
    pub participant: Vec<Participant>,
    /// Why.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Who takes part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// Who.
    pub actor: Reference,
    /// `accepted`.
    pub status: String,
}
