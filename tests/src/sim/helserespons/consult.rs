//! Consults: what clinicians at a clinic and elsewhere write to each other, and the patient who may take part.

use super::api::once;
use super::case::{CaseState, Entry, File};
use super::request::{self, Patient, Refused, Sent};
use super::state::State;
use super::{NationalId, Shared, SimError};
use crate::sim::world::Office;
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use std::sync::Arc;

/// A clinician elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct From {
    /// HER-id of the office.
    pub her_id: u32,
    /// Its name.
    pub office: String,
    /// HPR number.
    pub hpr: u32,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
}

/// One entry, with who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The clinician elsewhere; none where the clinic or the patient wrote it.
    pub from: Option<From>,
    /// The entry.
    pub entry: Entry,
}

/// A consult.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consult {
    /// Its number: `K-100001`.
    pub consult_no: String,
    /// The clinic.
    pub clinic: &'static str,
    /// Where it stands.
    pub state: CaseState,
    /// Whom it is about.
    pub patient: Option<NationalId>,
    /// HPR number of the clinic's clinician whom it is for.
    pub to: Option<u32>,
    /// What was written, in order.
    pub said: Vec<Said>,
}

/// What a clinician of a clinic's asks a colleague elsewhere.
#[derive(Clone, Debug)]
pub struct Question {
    /// Which office.
    pub to: Office,
    /// HPR number of the clinician there.
    pub hpr: Option<u32>,
    /// Whom it is about.
    pub patient: Option<String>,
    /// Text.
    pub text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct New {
    request_id: String,
    portal_ref: uuid::Uuid,
    entry_id: uuid::Uuid,
    from: From,
    #[serde(default)]
    to: Option<u32>,
    #[serde(default)]
    patient: Option<Patient>,
    #[serde(default)]
    heading: Option<String>,
    body: String,
    files: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct More {
    request_id: String,
    entry_id: uuid::Uuid,
    #[serde(default)]
    from: Option<From>,
    #[serde(default, deserialize_with = "national_id")]
    ssn: Option<NationalId>,
    #[serde(default)]
    heading: Option<String>,
    body: String,
    files: Vec<Sent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct End {
    request_id: String,
    from: From,
}

fn national_id<'a, D: Deserializer<'a>>(from: D) -> Result<Option<NationalId>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(NationalId::new))
}

type Shares = Extract<Arc<Shared>>;

pub(super) async fn open(Extract(shared): Shares, Path(name): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST consults";
    super::api::answer(shared.with(|state| {
        let new: New = request::read(state, ROUTE, &body)?;
        let id = new.request_id.clone();
        once(state, &format!("{ROUTE} {name}"), (&id, &body), |state| {
            if let Some(patient) = &new.patient {
                // Whom colleagues talk about need not be on the clinic's own list.
                request::number(state, ROUTE, &patient.ssn)?;
            }
            signed(state, ROUTE, &new.from);
            let known = state.clinic(&name).map_err(|_| Refused::unknown("UNKNOWN_CLINIC"))?;
            let (clinic, office) = (known.name, known.office);
            if new.to.is_some_and(|to| !office.gps.iter().any(|gp| gp.hpr.parse() == Ok(to))) {
                return Err(Refused::field("/to"));
            }
            let files = request::files(state, ROUTE, new.files)?;
            let entry = written(state, new.entry_id, new.heading, new.body, files);
            let consult_no = state.number("K");
            let entry_id = entry.entry_id.clone();
            // Which dialog it is at the portal, for both sides' operators.
            if new.portal_ref.is_nil() {
                state.violate(ROUTE, "portalRef is nil");
            }
            state.consults.push(Consult {
                consult_no: consult_no.clone(),
                clinic,
                state: CaseState::WithClinic,
                patient: new.patient.map(|patient| patient.ssn),
                to: new.to,
                said: vec![Said { from: Some(new.from), entry }],
            });
            state.tell(clinic, "CONSULT_FILED", json!({ "consultNo": consult_no, "entryId": entry_id }));
            Ok((StatusCode::CREATED, json!({ "consultNo": consult_no, "state": CaseState::WithClinic })))
        })
    }))
}

pub(super) async fn write(Extract(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST entries of a consult";
    super::api::answer(shared.with(|state| {
        let more: More = request::read(state, ROUTE, &body)?;
        let id = more.request_id.clone();
        once(state, &format!("{ROUTE} {no}"), (&id, &body), |state| {
            let consult = state.consult(&no).ok_or(Refused::unknown("UNKNOWN_CASE"))?.clone();
            if consult.state.is_closed() {
                return Err(Refused::conflict("CASE_CLOSED"));
            }
            match (&more.from, &more.ssn) {
                (Some(from), None) => signed(state, ROUTE, from),
                (None, Some(ssn)) if Some(ssn) == consult.patient.as_ref() => {}
                _ => {
                    state.violate(ROUTE, "neither a clinician nor the patient writes");
                    return Err(Refused::new(StatusCode::BAD_REQUEST, "MEMBERS"));
                }
            }
            let files = request::files(state, ROUTE, more.files)?;
            let entry = written(state, more.entry_id, more.heading, more.body, files);
            let entry_id = entry.entry_id.clone();
            if let Some(consult) = state.consult(&no) {
                consult.said.push(Said { from: more.from, entry });
                consult.state = CaseState::WithClinic;
            }
            state.tell(consult.clinic, "CONSULT_FILED", json!({ "consultNo": no, "entryId": entry_id }));
            Ok((StatusCode::CREATED, json!({ "consultNo": no, "state": CaseState::WithClinic })))
        })
    }))
}

pub(super) async fn end(Extract(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    const ROUTE: &str = "POST end of a consult";
    super::api::answer(shared.with(|state| {
        let end: End = request::read(state, ROUTE, &body)?;
        let id = end.request_id.clone();
        once(state, &format!("{ROUTE} {no}"), (&id, &body), |state| {
            signed(state, ROUTE, &end.from);
            let consult = state.consult(&no).ok_or(Refused::unknown("UNKNOWN_CASE"))?;
            if consult.state.is_closed() {
                return Err(Refused::conflict("CASE_CLOSED"));
            }
            consult.state = CaseState::Done;
            Ok((StatusCode::OK, json!({ "consultNo": no, "state": CaseState::Done })))
        })
    }))
}

fn signed(state: &mut State, route: &str, from: &From) {
    if from.office.trim().is_empty() || from.first_name.trim().is_empty() || from.last_name.trim().is_empty() {
        state.violate(route, "a clinician without a name, or of nowhere");
    }
}

fn written(state: &mut State, id: uuid::Uuid, heading: Option<String>, body: String, files: Vec<File>) -> Entry {
    Entry { entry_id: Some(id.to_string()), ..state.entry(true, heading, body, files, None) }
}

impl State {
    /// A consult by its number.
    pub fn consult(&mut self, no: &str) -> Option<&mut Consult> {
        self.consults.iter_mut().find(|consult| consult.consult_no == no)
    }

    /// A clinician of the clinic's answers in a consult.
    pub fn reply_in_consult(&mut self, no: &str, text: &str, ends: bool) -> Result<(), SimError> {
        let missing = || SimError::NoSuchCase(no.to_owned());
        let consult = self.consult(no).ok_or_else(missing)?.clone();
        let gp = self.clinic(consult.clinic)?.office.gps.first();
        let author = gp.map(|gp| format!("{} {}", gp.given_name, gp.family_name));
        let entry = self.entry(false, None, text.to_owned(), Vec::new(), author);
        let stands = if ends { CaseState::Done } else { CaseState::WithPatient };
        let content = json!({ "consultNo": no, "entry": entry.json(), "state": stands });
        let kept = self.consult(no).ok_or_else(missing)?;
        kept.said.push(Said { from: None, entry });
        kept.state = stands;
        self.tell(consult.clinic, "CONSULT_ENTRY", content);
        Ok(())
    }

    /// A clinician of the clinic's asks a colleague elsewhere; gives the consult's number.
    pub fn ask_colleague(&mut self, clinic: &str, question: &Question) -> Result<String, SimError> {
        let known = self.clinic(clinic)?;
        let (clinic, gp) = (known.name, known.office.gps.first());
        let author = gp.map(|gp| format!("{} {}", gp.given_name, gp.family_name));
        let entry = self.entry(false, None, question.text.clone(), Vec::new(), author);
        let no = self.number("K");
        let mut content = json!({
            "consultNo": no,
            "to": { "herId": question.to.service_her_id, "hpr": question.hpr },
            "entry": entry.json(),
        });
        if let Some(patient) = &question.patient {
            content["patient"] = json!({ "ssn": patient });
        }
        self.tell(clinic, "CONSULT_OPENED", content);
        self.consults.push(Consult {
            consult_no: no.clone(),
            clinic,
            state: CaseState::WithPatient,
            patient: question.patient.as_deref().map(NationalId::new),
            to: None,
            said: vec![Said { from: None, entry }],
        });
        Ok(no)
    }
}
