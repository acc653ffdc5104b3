//! Visits: e-consultations, and what patients and clinicians write in them.

use super::document::{identifier, resource};
use super::unit::UNIT;
use super::{File, NationalId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The clinician is to answer.
    WithClinician,
    /// The patient is to answer.
    WithPatient,
    /// Answered, and over.
    Completed,
    /// The clinician said no.
    Declined,
    /// The patient was told to book instead.
    Redirected,
    /// The patient took it back.
    Withdrawn,
    /// Nobody answered in time.
    Expired,
}

impl Status {
    /// Whether nobody can write any more.
    pub fn is_closed(self) -> bool {
        !matches!(self, Status::WithClinician | Status::WithPatient)
    }
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The vendor's id: `msg-100001`.
    pub id: String,
    /// The portal's id; none where a clinician wrote it.
    pub reference: Option<String>,
    /// Heading.
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Files, and the ids that they are fetched by.
    pub files: Vec<(String, File)>,
    /// Who wrote it, where a clinician did.
    pub author: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Message {
    /// As the vendor writes it.
    pub fn resource(&self) -> Value {
        let attributes = json!({
            "subject": self.subject,
            "text": self.text,
            "sentAt": self.at,
            "authorName": self.author,
            "reference": self.reference,
        });
        let mut message = resource("messages", &self.id, attributes, &[]);
        let files: Vec<Value> = self.files.iter().map(|(id, _)| identifier("attachments", id)).collect();
        message["relationships"] = json!({ "attachments": { "data": files } });
        message
    }

    /// Its files, as they are listed.
    pub fn attachments(&self) -> Vec<Value> {
        let listed = self.files.iter().map(|(id, file)| {
            let attributes = json!({ "name": file.name, "mediaType": file.media_type, "size": file.content.len() });
            resource("attachments", id, attributes, &[])
        });
        listed.collect()
    }
}

/// A meeting by video.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meeting {
    /// How far it has come.
    pub stage: Stage,
    /// The patient is there.
    pub patient_in: bool,
    /// The ways in that were given.
    pub accesses: Vec<String>,
}

/// How far a meeting has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has opened the waiting room.
    #[default]
    Expected,
    /// The patient can come in and wait.
    Waiting,
    /// A doctor is there.
    Open,
    /// It is over.
    Over,
}

/// A visit.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// The vendor's id: `vis-100001`.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// Whose it is.
    pub citizen: NationalId,
    /// The patient's id.
    pub patient: String,
    /// Whether somebody acts for the patient.
    pub represented: bool,
    /// The gateway's id of the dialog; none where a clinician began it.
    pub portal_reference: Option<String>,
    /// `text`, `image` or `video`.
    pub mode: &'static str,
    /// The meeting of one by video.
    pub meeting: Option<Meeting>,
    /// Answers to the triage form.
    pub triage: Option<Value>,
    /// No reply is possible.
    pub one_way: bool,
    /// What was written, in order.
    pub messages: Vec<Message>,
}

impl Visit {
    /// Whether a clinician is to do something.
    pub fn waits(&self) -> bool {
        self.status == Status::WithClinician
    }

    /// The text of the latest message of the patient's.
    pub fn text(&self) -> &str {
        self.messages.iter().rev().find(|message| message.author.is_none()).map_or("", |message| &message.text)
    }

    /// As the vendor writes it.
    pub fn resource(&self) -> Value {
        let attributes = json!({ "status": self.status, "mode": self.mode, "portalReference": self.portal_reference });
        let related = [("patient", "patients", Some(self.patient.as_str())), ("unit", "units", Some(UNIT))];
        resource("visits", &self.id, attributes, &related)
    }
}
