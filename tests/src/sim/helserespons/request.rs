//! What may be sent to the vendor, strictly: an unknown member, a wrong number or a disguised file is a violation.

use super::NationalId;
use super::case::{CaseType, File, Line};
use super::state::{Clinic, State};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Bytes of all files of a request.
const MAX_FILES_BYTES: usize = 100 * 1024 * 1024;
/// Files of an entry.
const MAX_FILES: usize = 10;

/// A refusal in the vendor's words.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    code: &'static str,
    fields: Vec<&'static str>,
}

impl Refused {
    /// A refusal.
    pub fn new(status: StatusCode, code: &'static str) -> Refused {
        Refused { status, code, fields: Vec::new() }
    }

    /// 404.
    pub fn unknown(code: &'static str) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, code)
    }

    /// 409.
    pub fn conflict(code: &'static str) -> Refused {
        Refused::new(StatusCode::CONFLICT, code)
    }

    /// 403.
    pub fn forbidden(code: &'static str) -> Refused {
        Refused::new(StatusCode::FORBIDDEN, code)
    }

    /// 422, with the field as a JSON Pointer.
    pub fn field(field: &'static str) -> Refused {
        Refused { fields: vec![field], ..Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID") }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let fields: Vec<Value> =
            self.fields.iter().map(|field| json!({ "field": field, "message": "is not accepted" })).collect();
        let mut body = json!({ "code": self.code, "message": "See the documentation of the API" });
        if !fields.is_empty() {
            body["fields"] = json!(fields);
        }
        (self.status, Json(body)).into_response()
    }
}

fn national_id<'a, D: Deserializer<'a>>(from: D) -> Result<NationalId, D::Error> {
    String::deserialize(from).map(NationalId::new)
}

/// A patient.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patient {
    /// Number.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Telephone.
    #[serde(default)]
    pub mobile: Option<String>,
}

/// Who acts for the patient.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnBehalf {
    /// Number.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Why they may.
    pub role: Role,
}

/// Why one may act for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Role {
    /// Of a child.
    Parent,
    /// Appointed.
    Guardian,
    /// By power of attorney.
    Proxy,
}

/// A booking, or a move to another opening.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Book {
    /// Idempotency.
    pub request_id: String,
    /// Opening.
    pub opening: String,
    /// When it begins, as the patient saw it.
    pub begins: Timestamp,
    /// Who.
    pub patient: Patient,
    /// Who acts.
    #[serde(default)]
    pub on_behalf: Option<OnBehalf>,
    /// Why.
    #[serde(default)]
    pub note: Option<String>,
}

/// A payment of a fee.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PayFee {
    /// Idempotency.
    pub request_id: String,
    /// Whose fee it is.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// Where the patient comes back to.
    pub return_url: String,
}

/// Whether a patient can be written to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Digital {
    /// Idempotency.
    pub request_id: String,
    /// Whose.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// Which of the two.
    pub digital: bool,
}

/// Into a meeting room, or out of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Door {
    /// Idempotency.
    pub request_id: String,
    /// Whose.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// Who acts.
    #[serde(default)]
    pub on_behalf: Option<OnBehalf>,
}

/// A cancellation, of a booking or of a case.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cancel {
    /// Idempotency.
    pub request_id: String,
    /// Whose.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A search.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Search {
    /// Whose.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// From when.
    #[serde(default)]
    pub from: Option<Timestamp>,
}

/// A new case.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCase {
    /// Idempotency.
    pub request_id: String,
    /// The portal's id of the dialog.
    pub portal_ref: uuid::Uuid,
    /// What about.
    #[serde(rename = "type")]
    pub kind: CaseType,
    /// Who.
    pub patient: Patient,
    /// Who acts.
    #[serde(default)]
    pub on_behalf: Option<OnBehalf>,
    /// For which doctor.
    #[serde(default)]
    pub doctor: Option<u32>,
    /// The portal's id of the message.
    #[serde(default)]
    pub entry_id: Option<uuid::Uuid>,
    /// Heading.
    #[serde(default)]
    pub heading: Option<String>,
    /// Text.
    #[serde(default)]
    pub body: Option<String>,
    /// Of an e-consultation.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// Of a certificate.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Of a wish to move or cancel.
    #[serde(default)]
    pub booking_no: Option<String>,
    /// Times that would suit.
    #[serde(default)]
    pub wishes: Vec<Wish>,
    /// Of a renewal.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// Files.
    pub files: Vec<Sent>,
}

/// How an e-consultation is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Mode {
    /// In writing.
    Text,
    /// With a picture.
    Image,
    /// By video.
    Video,
}

impl Mode {
    /// The vendor's word.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Text => "TEXT",
            Mode::Image => "IMAGE",
            Mode::Video => "VIDEO",
        }
    }
}

/// A time that would suit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// From.
    pub from: Timestamp,
    /// To.
    pub to: Timestamp,
}

/// A file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    name: String,
    #[serde(rename = "type")]
    media_type: String,
    content: String,
}

/// A further entry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEntry {
    /// Idempotency.
    pub request_id: String,
    /// The portal's id of the message.
    pub entry_id: uuid::Uuid,
    /// Whose.
    #[serde(deserialize_with = "national_id")]
    pub ssn: NationalId,
    /// Who acts.
    #[serde(default)]
    pub on_behalf: Option<OnBehalf>,
    /// Heading.
    #[serde(default)]
    pub heading: Option<String>,
    /// Text.
    pub body: String,
    /// Files.
    pub files: Vec<Sent>,
}

/// A confirmation of changes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ack {
    /// The last change that is durable at the portal.
    pub up_to: u64,
    /// What was not taken in.
    pub refused: Vec<RefusedChange>,
}

/// A change that the portal did not take in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedChange {
    /// Which.
    pub seq: u64,
    /// Why.
    pub reason: String,
}

/// Reads a body; what cannot be read is a violation and 400.
pub fn read<T: DeserializeOwned>(state: &mut State, route: &str, body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        // Positions and not serde's own words, which can quote the value.
        state.violate(route, format!("unreadable body at column {} ({:?})", error.column(), error.classify()));
        Refused::new(StatusCode::BAD_REQUEST, "UNREADABLE")
    })
}

/// A `requestId` is 1 to 128 visible characters.
pub fn request_id(state: &mut State, route: &str, id: &str) -> Result<(), Refused> {
    if !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    state.violate(route, "requestId is not 1 to 128 visible characters");
    Err(Refused::new(StatusCode::BAD_REQUEST, "REQUEST_ID"))
}

/// A number must be one.
pub fn number(state: &mut State, route: &str, number: &NationalId) -> Result<(), Refused> {
    if number.is_valid() {
        return Ok(());
    }
    state.violate(route, "ssn is not a national identity number");
    Err(Refused::new(StatusCode::BAD_REQUEST, "SSN"))
}

/// The patient must be the clinic's, under the right name, and not barred.
pub fn patient(state: &mut State, route: &str, clinic: &str, patient: &Patient) -> Result<(), Refused> {
    known(state, route, clinic, &patient.ssn)?;
    let named =
        state.clinic(clinic).ok().and_then(|clinic| clinic.citizen(&patient.ssn)).is_some_and(|citizen| {
            citizen.given_name == patient.first_name && citizen.family_name == patient.last_name
        });
    if !named {
        state.violate(route, "the patient has another name");
    }
    Ok(())
}

/// The citizen must be the clinic's, and not barred.
pub fn known(state: &mut State, route: &str, clinic: &str, citizen: &NationalId) -> Result<(), Refused> {
    number(state, route, citizen)?;
    let clinic: &Clinic = state.clinic(clinic).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?;
    if clinic.citizen(citizen).is_none() {
        return Err(Refused::unknown("UNKNOWN_PATIENT"));
    }
    if clinic.blocked.contains(citizen) {
        return Err(Refused::forbidden("PATIENT_BLOCKED"));
    }
    Ok(())
}

/// Who acts must be another than the patient.
pub fn on_behalf(state: &mut State, route: &str, patient: &NationalId, who: Option<&OnBehalf>) -> Result<(), Refused> {
    let Some(who) = who else { return Ok(()) };
    number(state, route, &who.ssn)?;
    if who.ssn == *patient || who.first_name.is_empty() || who.last_name.is_empty() {
        state.violate(route, "onBehalf is the patient, or has no name");
    }
    Ok(())
}

/// Files must be what they say.
pub fn files(state: &mut State, route: &str, sent: Vec<Sent>) -> Result<Vec<File>, Refused> {
    if sent.len() > MAX_FILES {
        state.violate(route, "more than ten files");
        return Err(Refused::field("/files"));
    }
    let mut files = Vec::with_capacity(sent.len());
    let mut bytes = 0;
    for Sent { name, media_type, content } in sent {
        let Ok(content) = STANDARD.decode(content) else {
            state.violate(route, "a file is not base64");
            return Err(Refused::field("/files"));
        };
        bytes += content.len();
        let file = File { name, media_type, content };
        if !file.is_what_it_says() || file.name.trim().is_empty() {
            state.violate(route, "a file has no name, or is of another type than it says");
            return Err(Refused::field("/files"));
        }
        files.push(file);
    }
    if bytes > MAX_FILES_BYTES {
        return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "FILES_TOO_LARGE"));
    }
    Ok(files)
}
