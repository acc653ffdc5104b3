//! The fields of `Query`.

use super::NationalId;
use super::change::{Change, Disorder};
use super::graphql::{Refused, missing};
use super::input;
use super::medication::{self, Medication};
use super::state::State;
use super::survey::Language;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// Medications in one page.
const MAX_MEDICATIONS: usize = 50;
/// Changes in one page.
const MAX_CHANGES: usize = 100;
/// The longest that news are waited for, in seconds.
pub const LONGEST_WAIT: u64 = 20;

type Resolved = Result<Value, Refused>;

/// Gives what a field asks for; all but `changes`.
pub fn resolve(state: &mut State, field: &str, arguments: &Value) -> Resolved {
    match field {
        "medications" => medications(state, field, arguments),
        "survey" => survey(state, field, arguments),
        "document" => document(state, arguments),
        _ => Err(Refused::new("INTERNAL_SERVER_ERROR")),
    }
}

#[derive(Deserialize)]
struct OfPatient {
    practice: String,
    patient: String,
}

/// The patient of a look-up, who must be the practice's.
fn looked_up(state: &mut State, field: &str, arguments: &Value) -> Result<(String, NationalId), Refused> {
    let OfPatient { practice, patient } = input::read(state, field, arguments)?;
    let patient = NationalId::new(patient);
    input::known(state, field, &practice, &patient)?;
    Ok((practice, patient))
}

fn medications(state: &mut State, field: &str, arguments: &Value) -> Resolved {
    let (practice, patient) = looked_up(state, field, arguments)?;
    let first = arguments["first"].as_u64().and_then(|first| usize::try_from(first).ok()).unwrap_or(0);
    input::hold(state, field, (1..=MAX_MEDICATIONS).contains(&first), "first is not 1 to 50")?;
    let skipped = match arguments["after"].as_str() {
        None => Some(0),
        Some(cursor) => cursor.strip_prefix("rx:").and_then(|number| number.parse().ok()),
    };
    let skipped: usize = skipped.ok_or_else(|| input::broken(state, field, "after is no cursor of ours"))?;
    let (today, endless) = (state.today(), state.disorder == Disorder::Endless);
    let practice = state.practice(&practice).map_err(|_| Refused::new("PRACTICE_NOT_FOUND"))?;
    let rules_answer = practice.rules_answer;
    let citizen = practice.citizen(&patient).ok_or(Refused::new("PATIENT_NOT_FOUND"))?;
    let all = medication::of(citizen, today);
    let start = if endless { skipped % all.len() } else { skipped.min(all.len()) };
    let page: Vec<Value> = all[start..]
        .iter()
        .take(first)
        .enumerate()
        .map(|(position, one)| json!({ "cursor": format!("rx:{}", skipped + position + 1), "node": shown(one, rules_answer) }))
        .collect();
    let has_next_page = endless || start + page.len() < all.len();
    let end = page.last().map(|edge| edge["cursor"].clone());
    Ok(json!({ "edges": page, "pageInfo": { "hasNextPage": has_next_page, "endCursor": end } }))
}

fn shown(medication: &Medication, rules_answer: bool) -> Value {
    let mut shown = medication.json();
    if !rules_answer {
        shown["renewal"] = missing("RULES_SILENT");
    }
    shown
}

fn survey(state: &mut State, field: &str, arguments: &Value) -> Resolved {
    let (practice, patient) = looked_up(state, field, arguments)?;
    let language: Language = input::read(state, field, &arguments["language"])?;
    let practice = state.practice(&practice).map_err(|_| Refused::new("PRACTICE_NOT_FOUND"))?;
    let survey = &practice.survey;
    Ok(if survey.is_open_for(&patient) { survey.json(language) } else { Value::Null })
}

fn document(state: &mut State, arguments: &Value) -> Resolved {
    let id = arguments["id"].as_str().unwrap_or_default();
    let document = state.documents.get(id).ok_or(Refused::new("DOCUMENT_NOT_FOUND"))?;
    Ok(json!({ "id": id, "mediaType": document.media_type, "content": STANDARD.encode(&document.content) }))
}

/// What `changes` asks for.
#[derive(Clone, Copy, Deserialize)]
pub struct Wanted {
    /// The last change that the portal has.
    pub after: u64,
    /// How long to wait, in seconds.
    pub wait: u64,
    first: usize,
}

/// Reads what `changes` asks for.
pub fn wanted(state: &mut State, arguments: &Value) -> Result<Wanted, Refused> {
    const FIELD: &str = "changes";
    let wanted: Wanted = input::read(state, FIELD, arguments)?;
    input::hold(state, FIELD, (1..=MAX_CHANGES).contains(&wanted.first), "first is not 1 to 100")?;
    input::hold(state, FIELD, wanted.wait <= LONGEST_WAIT, "wait is over 20 seconds")?;
    let there = wanted.after <= state.changes.len() as u64;
    input::hold(state, FIELD, there, "after is a change that there is not")?;
    Ok(wanted)
}

/// A page of the feed, and the changes that its edges are of.
pub fn changes(state: &State, wanted: Wanted) -> (Value, Vec<Change>) {
    let (page, through, more) = state.page(wanted.after, wanted.first);
    let edges: Vec<Value> = page.iter().map(|change| change.edge()).collect();
    (json!({ "edges": edges, "through": through, "more": more }), page.into_iter().cloned().collect())
}
