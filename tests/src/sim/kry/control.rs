//! The control API: what a demo user can do with curl, on a port of its own so that it works while the API is down.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /control/visits` | what waits for a clinician |
//! | `POST /control/visits/{id}/answer` | an [`Answer`] |
//! | `POST /control/visits` | an [`Opening`] and `number`: a visit, or with `oneWay` a message without a reply |
//! | `POST /control/visits/{id}/meeting` | a [`MeetingAct`] |
//! | `GET /control/timeslots` | times, taken ones too |
//! | `POST /control/timeslots/{id}/take` | takes a time away |
//! | `POST /control/bookings` | a [`BookingAct`] |
//! | `POST /control/payments/{id}/end` | how a payment ends: `"paid"`, `"failed"`, `"expired"`, `"refunded"` |
//! | `PUT /control/switches/{name}` | `true` or `false`: `consultations`, `bookings`, `triage`, `late`, `filing`, `endless` |
//! | `POST /control/tokens/expire` | lets every issued token expire |
//! | `POST /control/damage` | `"garbage"`, `"truncated"`, `"wrong-type"`, `"unknown-kind"` or `"not-included"` for the next event |
//! | `PUT /control/webhook` | `{"url", "secrets", "clockOff"}`, or `null` |
//! | `GET /control/events` | the feed, and what became of it |
//! | `POST /control/events/{number}/deliver` | pushes an event once more |
//! | `GET /control/violations` | what the portal's side did wrong |
//!
//! The routes that make trouble are those of [`trouble::control`].

use super::answer::{Answer, BookingAct, MeetingAct, Opening};
use super::event::Damage;
use super::state::Switches;
use super::webhook::{self, Webhook};
use super::{NationalId, Shared, SimError};
use crate::sim::helserespons::PayOutcome;
use crate::sim::trouble::{self, Trouble};
use axum::extract::{DefaultBodyLimit, Path, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The largest request: a file of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// What the control handlers need.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
    client: reqwest::Client,
}

type Reply = Result<Json<Value>, SimError>;

impl IntoResponse for SimError {
    fn into_response(self) -> Response {
        let status = match self {
            SimError::NoSuchVisit(_)
            | SimError::NoSuchBooking(_)
            | SimError::NoSuchTimeslot(_)
            | SimError::NoSuchPatient
            | SimError::NoSuchPayment(_)
            | SimError::NoSuchEvent(_) => StatusCode::NOT_FOUND,
            SimError::Closed(_) | SimError::WrongAnswer(_) | SimError::NoWebhook => StatusCode::UNPROCESSABLE_ENTITY,
            SimError::Push(_) => StatusCode::BAD_GATEWAY,
            SimError::Waited(_) | SimError::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// Every route under `/control/`.
pub fn router(shared: Arc<Shared>, trouble: Trouble, client: reqwest::Client) -> Router {
    let control = Router::new()
        .route("/visits", get(visits).post(open))
        .route("/visits/{id}/answer", post(answer))
        .route("/visits/{id}/meeting", post(meet))
        .route("/timeslots", get(timeslots))
        .route("/timeslots/{id}/take", post(take))
        .route("/bookings", post(act))
        .route("/payments/{id}/end", post(end_payment))
        .route("/switches/{name}", put(switch))
        .route("/tokens/expire", post(expire))
        .merge(trouble::control::router(trouble))
        .route("/damage", post(damage))
        .route("/webhook", put(set_webhook))
        .route("/events", get(events))
        .route("/events/{number}/deliver", post(deliver))
        .route("/violations", get(violations));
    Router::new()
        .nest("/control", control)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(Control { shared, client })
}

async fn visits(Extract(control): Extract<Control>) -> Json<Value> {
    let list: Vec<Value> = control.shared.look(|state| {
        let waiting = state.visits.iter().filter(|visit| visit.waits());
        let shown = waiting.map(|visit| {
            let files = visit.messages.iter().flat_map(|message| &message.files);
            json!({
                "id": visit.id,
                "mode": visit.mode,
                "text": visit.text(),
                "triage": visit.triage,
                "files": files.map(|(_, file)| json!({
                    "name": file.name, "type": file.media_type, "bytes": file.content.len(),
                })).collect::<Vec<_>>(),
            })
        });
        shown.collect()
    });
    Json(json!(list))
}

async fn answer(Extract(control): Extract<Control>, Path(id): Path<String>, Json(answer): Json<Answer>) -> Reply {
    let events = control.shared.with(|state| state.answer(&id, &answer))?;
    Ok(Json(json!({ "events": events })))
}

#[derive(Deserialize)]
struct Addressed {
    number: String,
    #[serde(flatten)]
    opening: Opening,
}

async fn open(Extract(control): Extract<Control>, Json(body): Json<Addressed>) -> Reply {
    let citizen = NationalId::new(body.number);
    let id = control.shared.with(|state| state.open(&citizen, &body.opening))?;
    Ok(Json(json!({ "id": id })))
}

async fn timeslots(Extract(control): Extract<Control>) -> Json<Value> {
    Json(control.shared.look(|state| json!(state.calendar.slots)))
}

async fn take(Extract(control): Extract<Control>, Path(id): Path<String>) -> Reply {
    let taken = control.shared.with(|state| state.calendar.take(&id));
    taken.map(|slot| Json(json!({ "taken": slot.id }))).ok_or(SimError::NoSuchTimeslot(id))
}

async fn act(Extract(control): Extract<Control>, Json(act): Json<BookingAct>) -> Reply {
    let event = control.shared.with(|state| state.act(&act, None))?;
    Ok(Json(json!({ "event": event })))
}

async fn meet(Extract(control): Extract<Control>, Path(id): Path<String>, Json(act): Json<MeetingAct>) -> Reply {
    let event = control.shared.with(|state| state.meet(&id, &act))?;
    Ok(Json(json!({ "event": event })))
}

async fn end_payment(
    Extract(control): Extract<Control>,
    Path(id): Path<String>,
    Json(outcome): Json<PayOutcome>,
) -> Reply {
    let event = control.shared.with(|state| state.end_payment(&id, outcome))?;
    Ok(Json(json!({ "event": event })))
}

async fn switch(
    Extract(control): Extract<Control>,
    Path(name): Path<String>,
    Json(on): Json<bool>,
) -> Result<Json<Value>, StatusCode> {
    control.shared.with(|state| {
        let Switches { consultations, bookings, triage, late, filing, endless } = &mut state.switches;
        let switch = match name.as_str() {
            "consultations" => consultations,
            "bookings" => bookings,
            "triage" => triage,
            "late" => late,
            "filing" => filing,
            "endless" => endless,
            _ => return Err(StatusCode::NOT_FOUND),
        };
        *switch = on;
        Ok(Json(json!({ "on": on })))
    })
}

async fn expire(Extract(control): Extract<Control>) -> Json<Value> {
    control.shared.tokens().expire();
    Json(json!({ "expired": true }))
}

async fn damage(Extract(control): Extract<Control>, Json(damage): Json<Damage>) -> Json<Value> {
    control.shared.with(|state| state.damage_next = Some(damage));
    Json(json!(damage))
}

async fn set_webhook(Extract(control): Extract<Control>, Json(webhook): Json<Option<Webhook>>) -> Json<Value> {
    let set = webhook.is_some();
    control.shared.with(|state| state.webhook = webhook);
    Json(json!({ "set": set }))
}

async fn events(Extract(control): Extract<Control>) -> Json<Value> {
    let list: Vec<Value> = control.shared.look(|state| {
        let events = state.events.iter().map(|event| {
            json!({
                "number": event.number,
                "kind": event.kind,
                "pushed": event.pushed,
                "refused": state.refused.get(&event.number),
            })
        });
        events.collect()
    });
    Json(json!(list))
}

async fn deliver(Extract(control): Extract<Control>, Path(number): Path<u64>) -> Reply {
    let webhook = control.shared.look(|state| state.webhook.clone()).ok_or(SimError::NoWebhook)?;
    let status = webhook::push(&control.shared, &control.client, &webhook, number).await?;
    Ok(Json(json!({ "status": status })))
}

async fn violations(Extract(control): Extract<Control>) -> Json<Value> {
    Json(json!(control.shared.look(|state| state.violations.clone())))
}
