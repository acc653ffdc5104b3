//! What somebody wrote at the vendor (*Communication*), and the dialog that it belongs to (*Task*), read.

use dialog_plugin_sdk::files::Missing;
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::{Attachment, Closing, DialogStatus, Instant, Locale, OfficeMessage, Service, log};
use serde::Deserialize;
use serde_json::Value;

use crate::ask::Budget;
use crate::event::{Odd, Trouble};
use crate::fhir::element::{Concept, Identifier, Reference, is_id, naming};
use crate::fhir::time;
use crate::file::{self, Listed};
use crate::renewal::Output;
use crate::words::Words;
use crate::written;

/// Characters of an office's message, by the contract.
const MAX_TEXT: usize = 32_000;
/// Characters of a subject, by the contract.
const MAX_SUBJECT: usize = 120;
/// Characters of an author that is shown.
const MAX_AUTHOR: usize = 120;
/// Files of a message, by the contract.
const MAX_FILES: usize = 10;
/// How long a message waits for its files, in milliseconds: an hour, as what is behind it waits too.
const PATIENCE: Instant = 60 * 60 * 1000;

/// A message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Communication {
    /// Its id.
    pub id: String,
    /// Where it stands on its way.
    pub status: String,
    /// Why it was not taken in.
    #[serde(default)]
    pub status_reason: Option<Concept>,
    /// Names that others gave it.
    #[serde(default)]
    pub identifier: Vec<Identifier>,
    /// The dialog.
    #[serde(default)]
    pub part_of: Vec<Reference>,
    /// What it is about: a report that it contains.
    #[serde(default)]
    pub about: Vec<Reference>,
    /// The report and its findings.
    #[serde(default)]
    pub contained: Vec<Value>,
    /// What it answers.
    #[serde(default)]
    pub in_response_to: Vec<Reference>,
    /// Whom it is about.
    pub subject: Reference,
    /// Heading.
    #[serde(default)]
    pub topic: Option<Concept>,
    /// Who wrote it.
    pub sender: Reference,
    /// When.
    pub sent: String,
    #[serde(default)]
    payload: Vec<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    content_string: Option<String>,
    #[serde(default)]
    content_attachment: Option<Listed>,
}

impl Communication {
    /// Reads one.
    ///
    /// # Errors
    /// It is of another shape.
    pub fn read(resource: &Value) -> Result<Self, Odd> {
        let read = Self::deserialize(resource).map_err(|_| "is of another shape")?;
        if is_id(&read.id) { Ok(read) } else { Err("has an id that is none") }
    }

    /// `Communication/id`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("Communication/{}", self.id)
    }

    /// The office that wrote it; none where a patient did.
    #[must_use]
    pub fn office(&self) -> Option<&str> {
        self.sender.id("HealthcareService")
    }

    /// The contract's id of the message, where it is one of the portal's.
    #[must_use]
    pub fn portals(&self) -> Option<String> {
        let system = naming("portal-message");
        let value = &self.identifier.iter().find(|one| one.system == system)?.value;
        let uuid = dialog_plugin_sdk::ids::Uuid::parse_str(value.strip_prefix("urn:uuid:")?).ok()?;
        Some(uuid.to_string())
    }

    /// Whether it begins a dialog of the office's.
    #[must_use]
    pub fn opens(&self, task: &Task) -> bool {
        task.requester.id("HealthcareService").is_some() && self.in_response_to.is_empty()
    }

    /// As the contract's message, with its files fetched.
    ///
    /// # Errors
    /// It cannot be understood, or its files do not come now.
    pub fn message(&self, now: Instant, budget: &mut Budget) -> Result<OfficeMessage, Trouble> {
        let sent = time::instant(&self.sent).ok_or("has a time that is none")?;
        let texts = self.payload.iter().filter_map(|part| part.content_string.as_deref());
        let mut text = texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("\n\n");
        let files: Vec<&Listed> = self.payload.iter().filter_map(|part| part.content_attachment.as_ref()).collect();
        if files.len() > MAX_FILES {
            return Err("has more than ten files".into());
        }
        if text.is_empty() && files.is_empty() {
            return Err("has neither text nor files".into());
        }
        if text.is_empty() {
            Words::FilesOnly.text(Locale::Nb).clone_into(&mut text);
        }
        let mut fetched: Vec<Attachment> = Vec::new();
        for listed in files {
            let why = match file::fetch(listed, budget) {
                Ok(attachment) => {
                    fetched.push(attachment);
                    continue;
                }
                Err(Missing::ForGood(why)) => why,
                Err(Missing::Now(failure)) if now.saturating_sub(sent) < PATIENCE => {
                    return Err(Trouble::Wait(failure));
                }
                Err(Missing::Now(_) | Missing::OutOfBudget) => "it has not come for an hour",
            };
            log::warn!("a file of an office's message is left out: {why}");
            let note = Words::FileMissing.text(Locale::Nb);
            text = format!("{}\n\n{note}", clip(&text, MAX_TEXT - note.chars().count() - 2));
        }
        Ok(OfficeMessage {
            id: self.reference(),
            subject: self.topic.as_ref().and_then(|topic| written(topic.text.as_deref(), MAX_SUBJECT)),
            text: clip(&text, MAX_TEXT),
            attachments: fetched,
            author: written(self.sender.display.as_deref(), MAX_AUTHOR),
            sent,
        })
    }
}

/// A dialog.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Its status, by FHIR.
    pub status: String,
    /// Why.
    #[serde(default)]
    pub status_reason: Option<Concept>,
    /// Who is to do something, or how it ended.
    #[serde(default)]
    pub business_status: Option<Concept>,
    /// What it is about.
    pub code: Concept,
    /// Who opened it.
    pub requester: Reference,
    /// The office.
    pub owner: Reference,
    /// What is to be renewed, and who acts.
    #[serde(default)]
    pub contained: Vec<Value>,
    /// What came of it.
    #[serde(default)]
    pub output: Vec<Output>,
}

impl Task {
    /// Reads one.
    ///
    /// # Errors
    /// It is of another shape, or has a status that FHIR does not have.
    pub fn read(resource: &Value) -> Result<Self, Odd> {
        const KNOWN: [&str; 12] = [
            "draft",
            "requested",
            "received",
            "accepted",
            "rejected",
            "ready",
            "cancelled",
            "in-progress",
            "on-hold",
            "failed",
            "completed",
            "entered-in-error",
        ];
        let read = Self::deserialize(resource).map_err(|_| "is of another shape")?;
        if !is_id(&read.id) {
            return Err("has an id that is none");
        }
        if KNOWN.contains(&read.status.as_str()) { Ok(read) } else { Err("has a status that is not known") }
    }

    /// `Task/id`: the dialog's reference in the contract.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("Task/{}", self.id)
    }

    fn stand(&self) -> Option<&str> {
        self.business_status.as_ref()?.code("stand")
    }

    /// How it ended, where it has.
    #[must_use]
    pub fn closing(&self) -> Option<Closing> {
        Some(match self.status.as_str() {
            "completed" if self.stand() == Some("redirected") => Closing::Redirected,
            "completed" => Closing::Answered,
            "rejected" => Closing::Declined,
            "cancelled" | "entered-in-error" => Closing::Withdrawn,
            "failed" => Closing::Expired,
            _ => return None,
        })
    }

    /// Where it stands while a message of the office's is told. A dialog that has ended since is still open for it: what
    /// is closed takes no more messages, and its end is told by the Task.
    #[must_use]
    pub fn open(&self) -> DialogStatus {
        match self.stand() {
            Some("with-clinic") => DialogStatus::AwaitingOffice,
            _ => DialogStatus::AwaitingCitizen,
        }
    }

    /// What it is about, in the contract's words.
    #[must_use]
    pub fn service(&self) -> Option<Service> {
        service(&self.code)
    }

    /// The message that it ended with: `Communication/id`.
    #[must_use]
    pub fn answer(&self) -> Option<&str> {
        let output = self.output.iter().find(|output| output.kind.code("task-part") == Some("answer"))?;
        let reference = output.value_reference.as_ref()?;
        reference.id("Communication").map(|_| reference.reference.as_str())
    }

    /// The service that the citizen is told to use instead.
    #[must_use]
    pub fn instead(&self) -> Option<Service> {
        let output = self.output.iter().find(|output| output.kind.code("task-part") == Some("use-instead"))?;
        service(output.value_codeable_concept.as_ref()?)
    }
}

fn service(concept: &Concept) -> Option<Service> {
    match concept.code("service")? {
        "consultation" => Some(Service::Consultation),
        "inquiry" => Some(Service::Inquiry),
        "renewal" => Some(Service::PrescriptionRenewal),
        "appointment" => Some(Service::Appointment),
        _ => None,
    }
}
