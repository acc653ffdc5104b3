//! Cases: what citizens and clinics write to each other.

use super::NationalId;
use super::room::Room;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseType {
    /// An e-consultation.
    Econsult,
    /// A practical question.
    Question,
    /// Renewal of prescriptions.
    Renewal,
    /// A certificate.
    Certificate,
    /// A wish for an appointment.
    BookingWish,
    /// A wish to move one.
    MoveWish,
    /// A wish to cancel one.
    CancelWish,
}

impl CaseType {
    /// The vendor's word.
    pub fn word(self) -> &'static str {
        match self {
            CaseType::Econsult => "ECONSULT",
            CaseType::Question => "QUESTION",
            CaseType::Renewal => "RENEWAL",
            CaseType::Certificate => "CERTIFICATE",
            CaseType::BookingWish => "BOOKING_WISH",
            CaseType::MoveWish => "MOVE_WISH",
            CaseType::CancelWish => "CANCEL_WISH",
        }
    }
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseState {
    /// The clinic is to answer.
    WithClinic,
    /// The patient is to answer.
    WithPatient,
    /// Answered, and over.
    Done,
    /// The clinic said no.
    Declined,
    /// The patient was told to use something else.
    Redirected,
    /// The patient took it back.
    Withdrawn,
}

impl CaseState {
    /// Whether nobody can write any more.
    pub fn is_closed(self) -> bool {
        !matches!(self, CaseState::WithClinic | CaseState::WithPatient)
    }
}

/// A file of an entry. Over the control API its content is base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Name.
    pub name: String,
    /// Media type.
    #[serde(rename = "type")]
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

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File").field("type", &self.media_type).field("bytes", &self.content.len()).finish()
    }
}

impl File {
    /// Whether the content begins as its media type must.
    pub fn is_what_it_says(&self) -> bool {
        let begin: &[u8] = match self.media_type.as_str() {
            "image/jpeg" => b"\xff\xd8\xff",
            "image/png" => b"\x89PNG\r\n\x1a\n",
            "application/pdf" => b"%PDF-",
            _ => return false,
        };
        self.content.starts_with(begin)
    }
}

/// A medicine to renew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The portal's own reference; decisions name it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Medicine.
    pub name: String,
    /// ATC code.
    #[serde(default)]
    pub atc: Option<String>,
    /// What the patient adds.
    #[serde(default)]
    pub comment: Option<String>,
}

/// One entry in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The vendor's id.
    pub id: String,
    /// The portal's id; none where the clinic wrote it, or where there was no message.
    pub entry_id: Option<String>,
    /// Whether the patient wrote it.
    pub from_patient: bool,
    /// Heading.
    pub heading: Option<String>,
    /// Text.
    pub body: String,
    /// Files, and the ids that they are fetched by.
    pub files: Vec<(String, File)>,
    /// Who wrote it, where the clinic did.
    pub author: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Entry {
    /// As it stands in a change.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "at": self.at,
            "heading": self.heading,
            "body": self.body,
            "author": self.author,
            "files": self.files.iter().map(|(id, file)| json!({
                "id": id, "name": file.name, "type": file.media_type, "size": file.content.len(),
            })).collect::<Vec<_>>(),
        })
    }
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its number: `H-100001`.
    pub case_no: String,
    /// The clinic.
    pub clinic: &'static str,
    /// What it is about.
    pub kind: CaseType,
    /// Where it stands.
    pub state: CaseState,
    /// Whose it is.
    pub citizen: NationalId,
    /// Whether somebody acts for the patient.
    pub on_behalf: bool,
    /// The gateway's id of the dialog.
    pub portal_ref: Option<String>,
    /// HPR number of the doctor that it is for.
    pub doctor: Option<u32>,
    /// `TEXT`, `IMAGE` or `VIDEO`.
    pub mode: Option<String>,
    /// What a certificate is for.
    pub purpose: Option<String>,
    /// The booking that a wish is about.
    pub booking_no: Option<String>,
    /// Times that would suit: from and to.
    pub wishes: Vec<(Timestamp, Timestamp)>,
    /// Medicines.
    pub lines: Vec<Line>,
    /// The meeting room of a consultation by video.
    pub room: Option<Room>,
    /// What was written, in order.
    pub entries: Vec<Entry>,
}

impl Case {
    /// Whether the clinic is to do something.
    pub fn waits(&self) -> bool {
        self.state == CaseState::WithClinic
    }

    /// The text of the latest entry of the patient's.
    pub fn text(&self) -> &str {
        self.entries.iter().rev().find(|entry| entry.from_patient).map_or("", |entry| &entry.body)
    }
}
