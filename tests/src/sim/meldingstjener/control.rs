//! The control API: what a demo user can do with curl, on a port of its own so that it works while the API is down.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /control/requests` | what waits for a person |
//! | `POST /control/requests/{msgId}/answer` | an [`Answer`] |
//! | `POST /control/offices/{herId}/dialogues` | an [`Opening`] and `nationalId` |
//! | `POST /control/offices/{herId}/notices` | a [`Notice`] and `nationalId` |
//! | `POST /control/offices/{herId}/test` | a communication test from the office |
//! | `POST /control/offices/{herId}/digital` | a list of `nationalId`s: which of them are digitally active (SIDAB) |
//! | `GET /control/offices/{herId}/slots` | slots |
//! | `POST /control/offices/{herId}/slots/{uid}/take` | takes a slot away |
//! | `PUT /control/offices/{herId}/online` | `true` or `false` |
//! | `PUT /control/offices/{herId}/rejects` | `true` or `false`: its transport refuses messages |
//! | `PUT /control/offices/{herId}/automatic` | `true` or `false` |
//! | `PUT /control/offices/{herId}/receipts` | `{"mode": "honest" \| "none" \| "negative" \| "partial", "codes": [..]}` |
//! | `POST /control/offices/{herId}/deliver` | the body as it is |
//! | `POST /control/damage` | `"truncated-xml"`, `"other-xml"` or `"not-xml"` for the next message |
//! | `POST /control/duplicate` | the next message twice |
//! | `POST /control/messages/{msgId}/redeliver` | a message once more |
//! | `GET /control/messages`, `GET /control/messages/{number}` | every message, and one as XML |
//! | `GET /control/violations` | what the portal's side did wrong |
//!
//! The routes that make trouble are those of [`trouble::control`].

use super::answer::Answer;
use super::doctor::{Notice, Opening, Question};
use super::handle::waiting;
use super::message::NationalId;
use super::office::Receipts;
use super::state::{Damage, State};
use super::{Shared, SimError};
use crate::sim::trouble::{self, Trouble};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State as Extract};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The largest request: a certificate of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

type App = Extract<Arc<Shared>>;
type Reply = Result<Json<Value>, SimError>;

impl IntoResponse for SimError {
    fn into_response(self) -> Response {
        let status = match self {
            SimError::NoSuchOffice(_)
            | SimError::NoSuchRequest(_)
            | SimError::NoSuchAppointment(_)
            | SimError::NoSuchSlot(_)
            | SimError::NoSuchCitizen
            | SimError::NoSuchClinician
            | SimError::NoSuchMessage(_) => StatusCode::NOT_FOUND,
            SimError::WrongAnswer { .. } | SimError::NoSuchItem(_) | SimError::Unsupported(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            SimError::Waited { .. } | SimError::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

/// Every route under `/control/`.
pub fn router(shared: Arc<Shared>, trouble: Trouble) -> Router {
    let office = Router::new()
        .route("/dialogues", post(dialogue))
        .route("/notices", post(notices))
        .route("/test", post(begin_test))
        .route("/digital", post(who_is_digital))
        .route("/slots", get(slots))
        .route("/slots/{uid}/take", post(take))
        .route("/online", put(online))
        .route("/rejects", put(rejects))
        .route("/automatic", put(automatic))
        .route("/receipts", put(receipts))
        .route("/deliver", post(deliver));
    let control = Router::new()
        .route("/requests", get(requests))
        .route("/requests/{msg_id}/answer", post(answers))
        .nest("/offices/{her_id}", office)
        .merge(trouble::control::router(trouble))
        .route("/damage", post(damage))
        .route("/duplicate", post(duplicate))
        .route("/messages", get(messages))
        .route("/messages/{id}", get(message))
        .route("/messages/{id}/redeliver", post(redeliver))
        .route("/violations", get(violations));
    Router::new().nest("/control", control).layer(DefaultBodyLimit::max(LARGEST_BODY)).with_state(shared)
}

pub(super) fn answer(state: &mut State, msg_id: &str, answer: &Answer) -> Result<String, SimError> {
    let now = state.now();
    let missing = || SimError::NoSuchRequest(msg_id.to_owned());
    let office = state
        .offices
        .iter_mut()
        .find(|office| office.requests.iter().any(|request| request.message.msg_id == msg_id))
        .ok_or_else(missing)?;
    let her_id = office.office.her_id;
    let letter = office.answer(msg_id, answer, now)?;
    state.deliver(her_id, &letter);
    Ok(letter.msg_id)
}

pub(super) fn open(
    state: &mut State,
    her_id: u32,
    citizen: &NationalId,
    opening: &Opening,
) -> Result<String, SimError> {
    let now = state.now();
    let office = state.office(her_id).ok_or(SimError::NoSuchOffice(her_id))?;
    let letter = office.open(citizen, opening, now)?;
    state.deliver(her_id, &letter);
    Ok(letter.msg_id)
}

pub(super) fn ask_colleague(state: &mut State, her_id: u32, question: &Question) -> Result<String, SimError> {
    let now = state.now();
    let office = state.office(her_id).ok_or(SimError::NoSuchOffice(her_id))?;
    let letter = office.ask_colleague(question, now)?;
    state.deliver(her_id, &letter);
    Ok(letter.msg_id)
}

pub(super) fn notice(
    state: &mut State,
    her_id: u32,
    citizen: &NationalId,
    notice: &Notice,
) -> Result<String, SimError> {
    let now = state.now();
    let office = state.office(her_id).ok_or(SimError::NoSuchOffice(her_id))?;
    let letter = office.notice(citizen, notice, now)?;
    state.deliver(her_id, &letter);
    Ok(letter.msg_id)
}

pub(super) fn test(state: &mut State, her_id: u32) -> Result<String, SimError> {
    let now = state.now();
    let office = state.office(her_id).ok_or(SimError::NoSuchOffice(her_id))?;
    let letter = office.test(now)?;
    state.deliver(her_id, &letter);
    Ok(letter.msg_id)
}

pub(super) fn ask_digital(state: &mut State, her_id: u32, citizens: &[NationalId]) -> Result<String, SimError> {
    let now = state.now();
    let office = state.office(her_id).ok_or(SimError::NoSuchOffice(her_id))?;
    let letter = office.ask_digital(citizens, now)?;
    state.deliver(her_id, &letter);
    Ok(letter.msg_id)
}

pub(super) fn set_online(state: &mut State, her_id: u32, online: bool) -> Result<(), SimError> {
    state.office(her_id).ok_or(SimError::NoSuchOffice(her_id))?.online = online;
    if online {
        state.fetch_waiting(her_id);
    }
    Ok(())
}

async fn requests(Extract(shared): App) -> Json<Value> {
    let list: Vec<Value> = shared.look(|state| {
        waiting(state)
            .map(|request| {
                let message = &request.message;
                json!({
                    "msgId": message.msg_id,
                    "conversation": request.conversation,
                    "office": request.office_her_id,
                    "code": message.kind.rule().code,
                    "process": message.process.code(),
                    "citizen": message.patient.as_ref().map(|p| format!("{} {}", p.given_name, p.family_name)),
                    "subject": message.subject,
                    "text": message.text,
                    "prescriptions": message.prescriptions.iter().map(|p| &p.name).collect::<Vec<_>>(),
                    "appointments": message.events,
                    "attachments": message.attachments.iter().map(|a| json!({
                        "mimeType": a.mime_type, "description": a.description, "bytes": a.content.len(),
                    })).collect::<Vec<_>>(),
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn answers(Extract(shared): App, Path(msg_id): Path<String>, Json(chosen): Json<Answer>) -> Reply {
    let id = shared.with(|state| answer(state, &msg_id, &chosen))?;
    Ok(Json(json!({"msgId": id})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Addressed<T> {
    national_id: String,
    #[serde(flatten)]
    what: T,
}

async fn dialogue(Extract(shared): App, Path(her_id): Path<u32>, Json(body): Json<Addressed<Opening>>) -> Reply {
    let citizen = NationalId::new(body.national_id);
    let id = shared.with(|state| open(state, her_id, &citizen, &body.what))?;
    Ok(Json(json!({"msgId": id})))
}

async fn notices(Extract(shared): App, Path(her_id): Path<u32>, Json(body): Json<Addressed<Notice>>) -> Reply {
    let citizen = NationalId::new(body.national_id);
    let id = shared.with(|state| notice(state, her_id, &citizen, &body.what))?;
    Ok(Json(json!({"msgId": id})))
}

async fn begin_test(Extract(shared): App, Path(her_id): Path<u32>) -> Reply {
    let id = shared.with(|state| test(state, her_id))?;
    Ok(Json(json!({"msgId": id})))
}

async fn who_is_digital(Extract(shared): App, Path(her_id): Path<u32>, Json(numbers): Json<Vec<String>>) -> Reply {
    let citizens: Vec<NationalId> = numbers.into_iter().map(NationalId::new).collect();
    let id = shared.with(|state| ask_digital(state, her_id, &citizens))?;
    Ok(Json(json!({"msgId": id})))
}

async fn slots(Extract(shared): App, Path(her_id): Path<u32>) -> Reply {
    let slots = shared
        .with(|state| state.office(her_id).map(|office| office.calendar.slots().to_vec()))
        .ok_or(SimError::NoSuchOffice(her_id))?;
    Ok(Json(json!(slots)))
}

async fn take(Extract(shared): App, Path((her_id, uid)): Path<(u32, String)>) -> Reply {
    let taken = shared
        .with(|state| state.office(her_id).map(|office| office.calendar.take(&uid)))
        .ok_or(SimError::NoSuchOffice(her_id))?;
    if taken { Ok(Json(json!({"taken": uid}))) } else { Err(SimError::NoSuchSlot(uid)) }
}

async fn online(Extract(shared): App, Path(her_id): Path<u32>, Json(online): Json<bool>) -> Reply {
    shared.with(|state| set_online(state, her_id, online))?;
    Ok(Json(json!({"online": online})))
}

async fn rejects(Extract(shared): App, Path(her_id): Path<u32>, Json(rejects): Json<bool>) -> Reply {
    shared.with(|state| match state.office(her_id) {
        Some(office) => {
            office.rejects = rejects;
            Ok(Json(json!({"rejects": rejects})))
        }
        None => Err(SimError::NoSuchOffice(her_id)),
    })
}

async fn automatic(Extract(shared): App, Path(her_id): Path<u32>, Json(automatic): Json<bool>) -> Reply {
    shared.with(|state| match state.office(her_id) {
        Some(office) => {
            office.automatic = automatic;
            Ok(Json(json!({"automatic": automatic})))
        }
        None => Err(SimError::NoSuchOffice(her_id)),
    })
}

async fn receipts(Extract(shared): App, Path(her_id): Path<u32>, Json(receipts): Json<Receipts>) -> Reply {
    shared.with(|state| match state.office(her_id) {
        Some(office) => {
            office.receipts = receipts.clone();
            Ok(Json(json!(receipts)))
        }
        None => Err(SimError::NoSuchOffice(her_id)),
    })
}

async fn deliver(Extract(shared): App, Path(her_id): Path<u32>, body: Bytes) -> Reply {
    let id = shared.with(|state| {
        state.office(her_id)?;
        Some(state.deliver_raw(her_id, body.to_vec()))
    });
    Ok(Json(json!({"id": id.ok_or(SimError::NoSuchOffice(her_id))?})))
}

async fn damage(Extract(shared): App, Json(damage): Json<Damage>) -> Json<Value> {
    shared.with(|state| state.damage_next = Some(damage));
    Json(json!(damage))
}

async fn duplicate(Extract(shared): App) -> Json<Value> {
    shared.with(|state| state.duplicate_next = true);
    Json(json!({"duplicated": "next"}))
}

async fn redeliver(Extract(shared): App, Path(msg_id): Path<String>) -> Reply {
    let id = shared.with(|state| state.redeliver(&msg_id));
    Ok(Json(json!({"id": id.ok_or(SimError::NoSuchMessage(msg_id))?})))
}

async fn messages(Extract(shared): App) -> Json<Value> {
    let list: Vec<Value> = shared.look(|state| {
        state
            .messages
            .iter()
            .zip(1..)
            .map(|(stored, number)| {
                json!({
                    "number": number,
                    "toPortal": stored.to_portal,
                    "office": stored.office,
                    "msgId": stored.document_id,
                    "label": stored.label,
                    "delivery": stored.delivery,
                    "read": stored.read,
                    "receipt": stored.receipt.as_ref().map(|receipt| receipt.status),
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn message(Extract(shared): App, Path(number): Path<usize>) -> Result<Response, SimError> {
    let raw = shared
        .look(|state| state.messages.get(number.wrapping_sub(1)).map(|stored| stored.raw.clone()))
        .ok_or_else(|| SimError::NoSuchMessage(number.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/xml")], raw).into_response())
}

async fn violations(Extract(shared): App) -> Json<Value> {
    Json(json!(shared.look(|state| state.violations.clone())))
}
