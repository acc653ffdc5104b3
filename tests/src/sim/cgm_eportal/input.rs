//! What may be sent to the vendor beyond what the schema says, strictly: a wrong number, a member that does not go with
//! the kind or a disguised file is a violation.

use super::NationalId;
use super::graphql::Refused;
use super::sick_note;
use super::state::{Practice, State};
use super::survey::Given;
use super::thread::{Document, Item, ThreadKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Bytes of all documents of a post.
const MAX_DOCUMENTS_BYTES: usize = 100 * 1024 * 1024;
/// Documents of a post.
const MAX_DOCUMENTS: usize = 10;

fn national_id<'a, D: Deserializer<'a>>(from: D) -> Result<NationalId, D::Error> {
    String::deserialize(from).map(NationalId::new)
}

/// A patient.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patient {
    /// Number.
    #[serde(deserialize_with = "national_id")]
    pub national_id: NationalId,
    given_name: String,
    family_name: String,
    #[serde(default)]
    mobile: Option<String>,
}

/// Who acts for the patient.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnBehalf {
    #[serde(deserialize_with = "national_id")]
    national_id: NationalId,
    given_name: String,
    family_name: String,
    // The schema says which words there are.
    #[serde(rename = "role")]
    _role: String,
}

/// What a patient writes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPost {
    /// The portal's id of the message.
    pub portal_message: uuid::Uuid,
    /// Title.
    #[serde(default)]
    pub title: Option<String>,
    /// Text.
    pub text: String,
}

/// A document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sent {
    name: String,
    media_type: String,
    content: String,
}

/// A new thread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewThread {
    /// Idempotency.
    pub client_mutation_id: String,
    /// Which practice.
    pub practice: String,
    /// The portal's id of the dialog.
    pub portal_dialog: uuid::Uuid,
    /// What about.
    pub kind: ThreadKind,
    /// Who.
    pub patient: Patient,
    /// Who acts.
    #[serde(default)]
    pub on_behalf: Option<OnBehalf>,
    /// For which doctor.
    #[serde(default)]
    pub doctor: Option<u32>,
    /// What is written.
    #[serde(default)]
    pub post: Option<NewPost>,
    /// Medicines.
    #[serde(default)]
    pub items: Option<Vec<Item>>,
    /// Of a certificate.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Of a sick note.
    #[serde(default)]
    pub sick_note: Option<sick_note::Asked>,
    /// Documents.
    pub documents: Vec<Sent>,
}

/// A further post.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddPost {
    /// Idempotency.
    pub client_mutation_id: String,
    /// Where.
    pub thread: String,
    /// Whose.
    #[serde(deserialize_with = "national_id")]
    pub patient: NationalId,
    /// Who acts.
    #[serde(default)]
    pub on_behalf: Option<OnBehalf>,
    /// What is written.
    pub post: NewPost,
    /// Documents.
    pub documents: Vec<Sent>,
}

/// A thread is taken back.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Withdraw {
    /// Idempotency.
    pub client_mutation_id: String,
    /// Which.
    pub thread: String,
    /// Whose.
    #[serde(deserialize_with = "national_id")]
    pub patient: NationalId,
}

/// Answers to a survey.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Submit {
    /// Idempotency.
    pub client_mutation_id: String,
    /// Of which practice.
    pub practice: String,
    /// Which survey.
    pub survey: String,
    /// Who answers.
    #[serde(deserialize_with = "national_id")]
    pub patient: NationalId,
    /// What.
    pub answers: Vec<Given>,
}

/// A confirmation of changes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Confirm {
    /// The last change that is durable at the portal.
    pub through: u64,
    /// What was not taken in.
    pub refused: Vec<RefusedChange>,
}

/// A change that the portal did not take in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedChange {
    /// Which.
    pub number: u64,
    /// Why.
    pub reason: String,
}

/// Reads arguments; the schema has seen their types, but not what is in its own scalars.
pub fn read<T: DeserializeOwned>(state: &mut State, route: &str, arguments: &Value) -> Result<T, Refused> {
    serde_json::from_value(arguments.clone())
        .map_err(|_| broken(state, route, "a scalar is not what the schema says it is"))
}

/// A violation, and what the vendor says of it.
pub fn broken(state: &mut State, route: &str, rule: &str) -> Refused {
    state.violate(route, rule);
    Refused::new("BAD_USER_INPUT")
}

/// A rule of the vendor's.
pub fn hold(state: &mut State, route: &str, kept: bool, rule: &str) -> Result<(), Refused> {
    if kept { Ok(()) } else { Err(broken(state, route, rule)) }
}

/// A number must be one, and the citizen the practice's, and not barred.
pub fn known(state: &mut State, route: &str, practice: &str, citizen: &NationalId) -> Result<(), Refused> {
    hold(state, route, citizen.is_valid(), "a NationalId is none")?;
    let practice: &Practice = state.practice(practice).map_err(|_| Refused::new("PRACTICE_NOT_FOUND"))?;
    if practice.citizen(citizen).is_none() {
        return Err(Refused::new("PATIENT_NOT_FOUND"));
    }
    if practice.blocked.contains(citizen) {
        return Err(Refused::new("PATIENT_BLOCKED"));
    }
    Ok(())
}

/// The patient must be the practice's, under the right name.
pub fn patient(state: &mut State, route: &str, practice: &str, patient: &Patient) -> Result<(), Refused> {
    known(state, route, practice, &patient.national_id)?;
    let citizen = state.practice(practice).ok().and_then(|practice| practice.citizen(&patient.national_id));
    let named = citizen
        .is_some_and(|citizen| citizen.given_name == patient.given_name && citizen.family_name == patient.family_name);
    let reached = patient.mobile.as_ref().is_none_or(|mobile| mobile.starts_with('+'));
    hold(state, route, named && reached, "the patient has another name, or a mobile number without country code")
}

/// Who acts must be another than the patient.
pub fn on_behalf(state: &mut State, route: &str, patient: &NationalId, who: Option<&OnBehalf>) -> Result<(), Refused> {
    let Some(who) = who else { return Ok(()) };
    let named = !who.given_name.is_empty() && !who.family_name.is_empty();
    let another = who.national_id.is_valid() && who.national_id != *patient;
    hold(state, route, named && another, "onBehalf is the patient or nobody")
}

/// What is written must be within bounds.
pub fn written(post: &NewPost) -> Result<(), Refused> {
    if post.title.as_ref().is_some_and(|title| title.chars().count() > 120) {
        return Err(Refused::field("/post/title"));
    }
    if post.text.trim().is_empty() || post.text.chars().count() > 8_000 {
        return Err(Refused::field("/post/text"));
    }
    Ok(())
}

/// Each kind has its own members, and no others.
pub fn fits(state: &mut State, route: &str, new: &NewThread) -> Result<(), Refused> {
    let (renewal, items) = (new.kind == ThreadKind::Renewal, new.items.as_deref().unwrap_or_default());
    let mut keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let rules = [
        (new.purpose.is_some() == (new.kind == ThreadKind::Certificate), "purpose goes with CERTIFICATE"),
        (new.sick_note.is_some() == (new.kind == ThreadKind::SickNote), "sickNote goes with SICK_NOTE"),
        (new.sick_note.as_ref().is_none_or(sick_note::Asked::is_possible), "a degree that is none"),
        (new.items.is_some() == renewal, "items go with RENEWAL"),
        (!renewal || (1..=20).contains(&items.len()), "a renewal has one to twenty items"),
        (keys.len() == items.len(), "two items have the same key"),
        (new.post.is_some() || renewal, "post is missing"),
        (new.documents.is_empty() || !renewal, "documents do not go with RENEWAL"),
    ];
    for (kept, rule) in rules {
        hold(state, route, kept, rule)?;
    }
    if new.purpose.as_ref().is_some_and(|purpose| purpose.trim().is_empty() || purpose.chars().count() > 200) {
        return Err(Refused::field("/purpose"));
    }
    new.post.as_ref().map_or(Ok(()), written)
}

/// Documents must be what they say.
pub fn documents(state: &mut State, route: &str, sent: Vec<Sent>) -> Result<Vec<Document>, Refused> {
    hold(state, route, sent.len() <= MAX_DOCUMENTS, "more than ten documents")?;
    let mut documents = Vec::with_capacity(sent.len());
    for Sent { name, media_type, content } in sent {
        let content = STANDARD.decode(content).map_err(|_| broken(state, route, "a Base64 is none"))?;
        let document = Document { name, media_type, content };
        hold(state, route, document.is_what_it_says(), "a document has no name, or is of another type than it says")?;
        documents.push(document);
    }
    if documents.iter().map(|document| document.content.len()).sum::<usize>() > MAX_DOCUMENTS_BYTES {
        return Err(Refused::new("DOCUMENTS_TOO_LARGE"));
    }
    Ok(documents)
}
