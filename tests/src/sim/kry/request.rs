//! What may be sent to the vendor, strictly: an unknown member, another resource type or a disguised file is a violation.

use super::document::{Refused, Source};
use super::state::State;
use super::{File, NationalId};
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// Bytes of all files of a request.
const MAX_FILES_BYTES: usize = 100 * 1024 * 1024;
/// Files of a message.
const MAX_FILES: usize = 10;
/// Languages that texts come in.
const LANGUAGES: [&str; 3] = ["nb", "nn", "en"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<A> {
    data: Draft<A>,
}

/// The resource that a request makes or changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft<A> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    /// Its attributes.
    pub attributes: A,
    #[serde(default)]
    relationships: BTreeMap<String, Relationship>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relationship {
    data: Identifier,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

impl<A> Draft<A> {
    /// The id of what it relates to by this name; the API has already seen that it is there.
    pub fn related(&self, name: &str) -> &str {
        self.relationships.get(name).map_or("", |relationship| &relationship.data.id)
    }
}

/// Reads a document about one resource of this type, with exactly these relationships (name and type). `id` is that of
/// the URL, where the resource is there already.
pub fn read<A: DeserializeOwned>(
    state: &mut State,
    route: &str,
    body: &[u8],
    (kind, id): (&str, Option<&str>),
    relationships: &[(&str, &str)],
) -> Result<Draft<A>, Refused> {
    let document: Document<A> = serde_json::from_slice(body).map_err(|error| {
        // Positions and not serde's own words, which can quote the value.
        state.violate(route, format!("unreadable body at column {} ({:?})", error.column(), error.classify()));
        Refused::new(StatusCode::BAD_REQUEST, "unreadable")
    })?;
    let draft = document.data;
    // JSON:API 1.1, 7.2.2 and 7.3: 409 for another type or id than the endpoint's.
    if draft.kind != kind || draft.id.as_deref() != id {
        state.violate(route, "the resource has another type or id than the endpoint's");
        return Err(Refused::conflict("type-or-id"));
    }
    let related = draft.relationships.len() == relationships.len()
        && relationships.iter().all(|(name, kind)| {
            draft.relationships.get(*name).is_some_and(|one| one.data.kind == *kind && !one.data.id.is_empty())
        });
    if !related {
        state.violate(route, "the relationships are not the documented ones");
        return Err(Refused::new(StatusCode::BAD_REQUEST, "relationships"));
    }
    Ok(draft)
}

/// The parameters of a query: each once, and no others than these.
pub fn query(
    state: &mut State,
    route: &str,
    uri: &Uri,
    known: &[&'static str],
) -> Result<BTreeMap<String, String>, Refused> {
    let mut parameters = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if !known.contains(&&*name) || value.is_empty() || parameters.contains_key(&*name) {
            state.violate(route, "a query parameter that is unknown, empty or there twice");
            return Err(Refused::new(StatusCode::BAD_REQUEST, "query"));
        }
        parameters.insert(name.into_owned(), value.into_owned());
    }
    Ok(parameters)
}

/// A parameter that must be there and be of its kind.
pub fn parameter<T: std::str::FromStr>(
    state: &mut State,
    route: &str,
    parameters: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<T, Refused> {
    parameters.get(name).and_then(|value| value.parse().ok()).ok_or_else(|| {
        state.violate(route, format!("{name} is missing or not of its kind"));
        Refused::about(StatusCode::BAD_REQUEST, "query", vec![Source::Parameter(name)])
    })
}

/// The language that texts are wanted in.
pub fn language(state: &mut State, route: &str, headers: &HeaderMap) -> Result<&'static str, Refused> {
    let wanted = headers.get("accept-language").and_then(|value| value.to_str().ok()).unwrap_or_default();
    LANGUAGES.into_iter().find(|language| *language == wanted).ok_or_else(|| {
        state.violate(route, "accept-language is not one of nb, nn and en");
        Refused::about(StatusCode::BAD_REQUEST, "language", vec![Source::Header("accept-language")])
    })
}

fn national_id<'a, D: Deserializer<'a>>(from: D) -> Result<NationalId, D::Error> {
    String::deserialize(from).map(NationalId::new)
}

/// `patients`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPatient {
    /// Number.
    #[serde(deserialize_with = "national_id")]
    pub national_identity_number: NationalId,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Telephone.
    #[serde(default)]
    pub phone: Option<String>,
}

/// Who writes in the patient's place.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Representative {
    #[serde(deserialize_with = "national_id")]
    national_identity_number: NationalId,
    given_name: String,
    family_name: String,
    #[allow(dead_code, reason = "read so that another word is refused")]
    role: Role,
}

/// Why one may act for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Of a child.
    Parent,
    /// Appointed.
    Guardian,
    /// By power of attorney.
    PowerOfAttorney,
}

/// `visits`, new.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewVisit {
    /// The portal's id of the dialog.
    pub portal_reference: uuid::Uuid,
    /// How it is held.
    pub mode: Mode,
    /// The portal's id of the message.
    pub reference: uuid::Uuid,
    /// Heading.
    #[serde(default)]
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Answers to the triage form.
    #[serde(default)]
    pub triage: Option<Value>,
    /// Who acts.
    #[serde(default)]
    pub representative: Option<Representative>,
    /// Files.
    pub attachments: Vec<Sent>,
}

/// How a visit is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// In writing.
    Text,
    /// With a picture.
    Image,
    /// In a meeting.
    Video,
}

/// `meeting-accesses` and `meeting-exits`, new.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Coming {
    /// Who comes, where that is not the patient.
    #[serde(default)]
    pub representative: Option<Representative>,
}

/// `messages`, new.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMessage {
    /// The portal's id of the message.
    pub reference: uuid::Uuid,
    /// Heading.
    #[serde(default)]
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Who acts.
    #[serde(default)]
    pub representative: Option<Representative>,
    /// Files.
    pub attachments: Vec<Sent>,
}

/// A visit or a booking that is taken back.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakenBack {
    /// `withdrawn` or `cancelled`.
    pub status: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A booking, or its new time.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Book {
    /// When it begins, as the patient saw it.
    pub start: jiff::Timestamp,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A payment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPayment {
    /// Where the patient comes back to.
    pub return_url: url::Url,
}

/// What the portal did not take in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewRefusal {
    /// Why.
    pub reason: String,
}

/// A file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sent {
    name: String,
    media_type: String,
    content: String,
}

/// A number must be one.
pub fn number(state: &mut State, route: &str, number: &NationalId) -> Result<(), Refused> {
    if number.is_valid() {
        return Ok(());
    }
    state.violate(route, "not a national identity number");
    Err(Refused::attribute("nationalIdentityNumber"))
}

/// Who acts must be another than the patient.
pub fn represented(
    state: &mut State,
    route: &str,
    patient: &NationalId,
    by: Option<&Representative>,
) -> Result<(), Refused> {
    let Some(by) = by else { return Ok(()) };
    number(state, route, &by.national_identity_number)?;
    if by.national_identity_number == *patient || by.given_name.is_empty() || by.family_name.is_empty() {
        state.violate(route, "the representative is the patient, or has no name");
    }
    Ok(())
}

/// A message has a text, and its heading is short.
pub fn written(subject: Option<&str>, text: &str) -> Result<(), Refused> {
    if subject.is_some_and(|subject| subject.trim().is_empty() || subject.chars().count() > 120) {
        return Err(Refused::attribute("subject"));
    }
    if text.trim().is_empty() || text.chars().count() > 8_000 {
        return Err(Refused::attribute("text"));
    }
    Ok(())
}

/// Files must be what they say.
pub fn files(state: &mut State, route: &str, sent: Vec<Sent>) -> Result<Vec<File>, Refused> {
    if sent.len() > MAX_FILES {
        state.violate(route, "more than ten attachments");
        return Err(Refused::attribute("attachments"));
    }
    let mut files = Vec::with_capacity(sent.len());
    let mut bytes = 0;
    for (at, Sent { name, media_type, content }) in sent.into_iter().enumerate() {
        let content = STANDARD.decode(content).unwrap_or_default();
        bytes += content.len();
        let file = File { name, media_type, content };
        if !file.is_what_it_says() || file.name.trim().is_empty() {
            state.violate(route, "an attachment has no name, is not base64, or is of another type than it says");
            return Err(Refused::attribute(&format!("attachments/{at}")));
        }
        files.push(file);
    }
    if bytes > MAX_FILES_BYTES {
        return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "attachments-too-large"));
    }
    Ok(files)
}
