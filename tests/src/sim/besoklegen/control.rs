//! The control API: what a demo user can do with curl, on a port of its own so that it works while the service is down.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /control/cases` | what waits for the practices |
//! | `POST /control/cases/{number}/answer` | an [`Answer`] |
//! | `POST /control/practices/{practice}/cases` | an [`Opening`] and `fnr`: a case, or with `oneWay` a notice |
//! | `POST /control/practices/{practice}/bookings` | a [`BookingAct`] |
//! | `GET /control/practices/{practice}/slots` | slots, taken ones too |
//! | `POST /control/practices/{practice}/slots/{id}/take` | takes a slot away |
//! | `PUT /control/practices/{practice}/services/{service}` | `true` or `false` |
//! | `PUT /control/practices/{practice}/late` | `true` or `false`: too late to move or cancel |
//! | `POST /control/damage` | `"bare"`, `"unknown-kind"`, `"hollow"` or `"no-number"` for the next event |
//! | `PUT /control/endless`, `PUT /control/muddled` | `true` or `false`: lists that never end; pages twice and out of order |
//! | `PUT /control/busy` | seconds, or `null` |
//! | `PUT /control/clock` | minutes that the vendor's clock is off |
//! | `GET /control/events` | the list, and what became of it |
//! | `GET /control/violations` | what the portal's side did wrong |
//!
//! The routes that make trouble are those of [`trouble::control`].

use super::answer::{Answer, BookingAct, Opening};
use super::case::Service;
use super::event::Damage;
use super::state::Practice;
use super::{NationalId, Shared, SimError};
use crate::sim::trouble::{self, Trouble};
use axum::extract::{DefaultBodyLimit, Path, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The largest request: a file of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

type Control = Extract<Arc<Shared>>;
type Reply = Result<Json<Value>, SimError>;

impl IntoResponse for SimError {
    fn into_response(self) -> Response {
        let status = match self {
            SimError::NoSuchPractice(_)
            | SimError::NoSuchCase(_)
            | SimError::NoSuchSlot(_)
            | SimError::NoSuchBooking(_)
            | SimError::NoSuchCitizen => StatusCode::NOT_FOUND,
            SimError::Closed(_) | SimError::WrongAnswer { .. } | SimError::NoSuchLine(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            SimError::Overdue(_) | SimError::Grammar(_) | SimError::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// Every route under `/control/`.
pub fn router(shared: Arc<Shared>, trouble: Trouble) -> Router {
    let practice = Router::new()
        .route("/cases", post(open))
        .route("/bookings", post(act))
        .route("/slots", get(slots))
        .route("/slots/{id}/take", post(take))
        .route("/services/{service}", put(service))
        .route("/late", put(late));
    let control = Router::new()
        .route("/cases", get(cases))
        .route("/cases/{number}/answer", post(answer))
        .nest("/practices/{practice}", practice)
        .merge(trouble::control::router(trouble))
        .route("/damage", post(damage))
        .route("/endless", put(endless))
        .route("/muddled", put(muddled))
        .route("/busy", put(busy))
        .route("/clock", put(clock))
        .route("/events", get(events))
        .route("/violations", get(violations));
    Router::new().nest("/control", control).layer(DefaultBodyLimit::max(LARGEST_BODY)).with_state(shared)
}

async fn cases(Extract(shared): Control) -> Json<Value> {
    let list: Vec<Value> = shared.look(|state| {
        let waiting = state.cases.iter().filter(|case| case.waits());
        waiting
            .map(|case| {
                json!({
                    "number": case.number,
                    "practice": case.practice,
                    "subject": case.subject,
                    "text": case.text(),
                    "files": case.messages.iter().flat_map(|message| &message.files).map(|(_, file)| json!({
                        "name": file.name, "type": file.media_type, "bytes": file.content.len(),
                    })).collect::<Vec<_>>(),
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn answer(Extract(shared): Control, Path(number): Path<String>, Json(answer): Json<Answer>) -> Reply {
    let event = shared.with(|state| state.answer(&number, &answer))?;
    Ok(Json(json!({ "event": event })))
}

#[derive(Deserialize)]
struct Addressed {
    fnr: String,
    #[serde(flatten)]
    opening: Opening,
}

async fn open(Extract(shared): Control, Path(practice): Path<String>, Json(body): Json<Addressed>) -> Reply {
    let citizen = NationalId::new(body.fnr);
    let number = shared.with(|state| state.open(&practice, &citizen, &body.opening))?;
    Ok(Json(json!({ "number": number })))
}

async fn act(Extract(shared): Control, Path(practice): Path<String>, Json(act): Json<BookingAct>) -> Reply {
    let event = shared.with(|state| state.act(&practice, &act, None))?;
    Ok(Json(json!({ "event": event })))
}

fn at<T>(shared: &Shared, practice: &str, act: impl FnOnce(&mut Practice) -> T) -> Result<T, SimError> {
    shared.with(|state| state.practice(practice).map(act))
}

async fn slots(Extract(shared): Control, Path(practice): Path<String>) -> Reply {
    Ok(Json(at(&shared, &practice, |practice| json!(practice.calendar.slots()))?))
}

async fn take(Extract(shared): Control, Path((practice, id)): Path<(String, String)>) -> Reply {
    let taken = at(&shared, &practice, |practice| practice.calendar.take(&id))?;
    taken.map(|slot| Json(json!({ "taken": slot.id }))).ok_or(SimError::NoSuchSlot(id))
}

async fn service(
    Extract(shared): Control,
    Path((practice, service)): Path<(String, Service)>,
    Json(on): Json<bool>,
) -> Reply {
    at(&shared, &practice, |practice| {
        practice.off.retain(|other| *other != service);
        practice.off.extend((!on).then_some(service));
    })?;
    Ok(Json(json!({ "on": on })))
}

async fn late(Extract(shared): Control, Path(practice): Path<String>, Json(late): Json<bool>) -> Reply {
    at(&shared, &practice, |practice| practice.late = late)?;
    Ok(Json(json!({ "late": late })))
}

async fn damage(Extract(shared): Control, Json(damage): Json<Damage>) -> Json<Value> {
    shared.with(|state| state.damage_next = Some(damage));
    Json(json!(damage))
}

async fn endless(Extract(shared): Control, Json(endless): Json<bool>) -> Json<Value> {
    shared.with(|state| state.endless = endless);
    Json(json!({ "endless": endless }))
}

async fn muddled(Extract(shared): Control, Json(muddled): Json<bool>) -> Json<Value> {
    shared.with(|state| state.muddled = muddled);
    Json(json!({ "muddled": muddled }))
}

async fn busy(Extract(shared): Control, Json(seconds): Json<Option<u32>>) -> Json<Value> {
    shared.with(|state| state.busy = seconds);
    Json(json!({ "seconds": seconds }))
}

async fn clock(Extract(shared): Control, Json(minutes): Json<i32>) -> Json<Value> {
    shared.with(|state| state.guard.clock_off = SignedDuration::from_mins(minutes.into()));
    Json(json!({ "minutes": minutes }))
}

async fn events(Extract(shared): Control) -> Json<Value> {
    let list: Vec<Value> = shared.look(|state| {
        let told = |event: &super::Event| {
            json!({
                "number": event.number,
                "kind": event.kind,
                "confirmed": event.number <= state.confirmed,
                "refused": state.refused.get(&event.number),
            })
        };
        state.events.iter().map(told).collect()
    });
    Json(json!(list))
}

async fn violations(Extract(shared): Control) -> Json<Value> {
    Json(json!(shared.look(|state| state.violations.clone())))
}
