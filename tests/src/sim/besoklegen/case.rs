//! Cases: what citizens and practices write to each other.

use super::NationalId;
use super::soap::VENDOR;
use crate::sim::helserespons::File;
use crate::sim::meldingstjener::tree::Element;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A service, in the vendor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Service {
    /// An e-consultation.
    Consultation,
    /// A practical question.
    Question,
    /// Renewal of prescriptions.
    Renewal,
    /// Renewal of a sick note.
    SickNote,
    /// A certificate.
    Certificate,
    /// Booking.
    Booking,
}

impl Service {
    /// The vendor's word.
    pub fn word(self) -> &'static str {
        match self {
            Service::Consultation => "CONSULTATION",
            Service::Question => "QUESTION",
            Service::Renewal => "RENEWAL",
            Service::SickNote => "SICK_NOTE",
            Service::Certificate => "CERTIFICATE",
            Service::Booking => "BOOKING",
        }
    }
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseState {
    /// The practice is to answer.
    WithPractice,
    /// The patient is to answer.
    WithPatient,
    /// Answered, and over.
    Done,
    /// The practice said no.
    Declined,
    /// The patient was told to use something else.
    Redirected,
    /// The patient took it back.
    Withdrawn,
}

impl CaseState {
    /// The vendor's word.
    pub fn word(self) -> &'static str {
        match self {
            CaseState::WithPractice => "WITH_PRACTICE",
            CaseState::WithPatient => "WITH_PATIENT",
            CaseState::Done => "DONE",
            CaseState::Declined => "DECLINED",
            CaseState::Redirected => "REDIRECTED",
            CaseState::Withdrawn => "WITHDRAWN",
        }
    }

    /// Whether nobody can write any more.
    pub fn is_closed(self) -> bool {
        !matches!(self, CaseState::WithPractice | CaseState::WithPatient)
    }
}

/// A medicine to renew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The portal's own reference; decisions name it.
    pub reference: String,
    /// Medicine.
    pub medicine: String,
}

/// What a case is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "service", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Subject {
    /// An e-consultation.
    Consultation {
        /// `TEXT` or `IMAGE`.
        mode: String,
    },
    /// A practical question.
    Question,
    /// Renewal of prescriptions.
    Renewal {
        /// Medicines.
        lines: Vec<Line>,
    },
    /// Renewal of a sick note.
    SickNote {
        /// Last day of the present one.
        valid_until: Date,
        /// In percent.
        degree: u8,
    },
    /// A certificate.
    Certificate {
        /// What for.
        purpose: String,
        /// Answers to the practice's form.
        form: Option<Value>,
    },
}

impl Subject {
    /// The service that it belongs to.
    pub fn service(&self) -> Service {
        match self {
            Subject::Consultation { .. } => Service::Consultation,
            Subject::Question => Service::Question,
            Subject::Renewal { .. } => Service::Renewal,
            Subject::SickNote { .. } => Service::SickNote,
            Subject::Certificate { .. } => Service::Certificate,
        }
    }
}

/// One message in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The portal's id where the patient wrote it, else the vendor's.
    pub id: String,
    /// Whether the patient wrote it.
    pub from_patient: bool,
    /// Subject.
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Files, and the numbers that they are fetched by.
    pub files: Vec<(String, File)>,
    /// Who wrote it, where the practice did.
    pub author: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Message {
    /// As it stands in an event.
    pub fn xml(&self) -> Element {
        let mut message = Element::new(VENDOR, "Message").field("Id", &self.id).field("Time", self.at.to_string());
        if let Some(subject) = &self.subject {
            message = message.field("Subject", subject);
        }
        message = message.field("Text", &self.text);
        if let Some(author) = &self.author {
            message = message.field("Author", author);
        }
        message.with_all(self.files.iter().map(|(id, file)| {
            Element::new(VENDOR, "Document")
                .field("Id", id)
                .field("Name", &file.name)
                .field("Type", &file.media_type)
                .field("Size", file.content.len().to_string())
        }))
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its number: `S-100001`.
    pub number: String,
    /// The practice.
    pub practice: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// Where it stands.
    pub state: CaseState,
    /// Whose it is.
    pub citizen: NationalId,
    /// Whether somebody acts for the patient.
    pub by_proxy: bool,
    /// The gateway's id of the dialog; none where the practice opened it.
    pub portal_ref: Option<String>,
    /// HPR number of the doctor that it is for.
    pub doctor: Option<u32>,
    /// What was written, in order.
    pub messages: Vec<Message>,
}

impl Case {
    /// Whether the practice is to do something.
    pub fn waits(&self) -> bool {
        self.state == CaseState::WithPractice
    }

    /// The text of the latest message of the patient's.
    pub fn text(&self) -> &str {
        self.messages.iter().rev().find(|message| message.from_patient).map_or("", |message| &message.text)
    }
}
