//! Threads: what patients and practices write to each other.

use super::NationalId;
use super::state::PracticeId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a thread is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ThreadKind {
    /// A practical question.
    Inquiry,
    /// Renewal of prescriptions.
    Renewal,
    /// A certificate.
    Certificate,
    /// Renewal of a sick note.
    SickNote,
}

impl ThreadKind {
    /// The vendor's word.
    pub fn word(self) -> &'static str {
        match self {
            ThreadKind::Inquiry => "INQUIRY",
            ThreadKind::Renewal => "RENEWAL",
            ThreadKind::Certificate => "CERTIFICATE",
            ThreadKind::SickNote => "SICK_NOTE",
        }
    }
}

/// Where a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ThreadState {
    /// The practice is to answer.
    WithPractice,
    /// The patient is to answer.
    WithPatient,
    /// Answered, and over.
    Answered,
    /// The practice said no.
    Declined,
    /// The patient was told to use something else.
    Redirected,
    /// The patient took it back.
    Withdrawn,
    /// Nobody answered.
    Expired,
}

impl ThreadState {
    /// Whether nobody can write any more.
    pub fn is_closed(self) -> bool {
        !matches!(self, ThreadState::WithPractice | ThreadState::WithPatient)
    }
}

/// What a patient is told to use in place of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Alternative {
    /// A practical question.
    Inquiry,
    /// Renewal of prescriptions.
    Renewal,
    /// A certificate.
    Certificate,
    /// An e-consultation.
    Consultation,
    /// A visit.
    Appointment,
    /// Renewal of a sick note.
    SickNote,
}

/// A document of a post. Over the control API its content is base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// The bytes.
    #[serde(with = "base64_text")]
    pub content: Vec<u8>,
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(|_| D::Error::custom("not base64"))
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").field("type", &self.media_type).field("bytes", &self.content.len()).finish()
    }
}

impl Document {
    /// Whether it has a name, and its content begins as its media type must.
    pub fn is_what_it_says(&self) -> bool {
        let begin: &[u8] = match self.media_type.as_str() {
            "image/jpeg" => b"\xff\xd8\xff",
            "image/png" => b"\x89PNG\r\n\x1a\n",
            "application/pdf" => b"%PDF-",
            _ => return false,
        };
        self.content.starts_with(begin) && !self.name.trim().is_empty()
    }
}

/// A medicine to renew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The medication's id, or one of the portal's own; decisions name it.
    pub key: String,
    /// Medicine.
    pub name: String,
    /// ATC code.
    #[serde(default)]
    pub atc: Option<String>,
    /// What the patient adds.
    #[serde(default)]
    pub note: Option<String>,
}

/// One post in a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The vendor's id.
    pub id: String,
    /// The portal's id; none where the practice wrote it.
    pub portal_message: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Text.
    pub text: String,
    /// Documents, and the ids that they are fetched by.
    pub documents: Vec<(String, Document)>,
    /// Who wrote it, where the practice did.
    pub author: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Post {
    /// As the schema has it.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "at": self.at,
            "title": self.title,
            "text": self.text,
            "author": self.author,
            "documents": self.documents.iter().map(|(id, document)| json!({
                "id": id, "name": document.name, "mediaType": document.media_type, "size": document.content.len(),
            })).collect::<Vec<_>>(),
        })
    }
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its id: `T-100001`.
    pub id: String,
    /// The practice.
    pub practice: PracticeId,
    /// What it is about.
    pub kind: ThreadKind,
    /// Where it stands.
    pub state: ThreadState,
    /// Whose it is.
    pub citizen: NationalId,
    /// Whether somebody acts for the patient.
    pub on_behalf: bool,
    /// The gateway's id of the dialog.
    pub portal_dialog: Option<String>,
    /// HPR number of the doctor that it is for.
    pub doctor: Option<u32>,
    /// What a certificate is for.
    pub purpose: Option<String>,
    /// Medicines.
    pub items: Vec<Item>,
    /// The degree that a sick note is asked for, in percent.
    pub degree: Option<u8>,
    /// What was written, in order.
    pub posts: Vec<Post>,
}

impl Thread {
    /// Whether the practice is to do something.
    pub fn waits(&self) -> bool {
        self.state == ThreadState::WithPractice
    }

    /// The text of the latest post of the patient's.
    pub fn text(&self) -> &str {
        self.posts.iter().rev().find(|post| post.portal_message.is_some()).map_or("", |post| &post.text)
    }

    /// As the schema has it.
    pub fn json(&self) -> Value {
        json!({ "id": self.id, "kind": self.kind, "state": self.state })
    }
}
