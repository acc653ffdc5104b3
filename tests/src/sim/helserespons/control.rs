//! The control API: what a demo user can do with curl, on a port of its own so that it works while the API is down.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /control/cases` | what waits for the clinics |
//! | `POST /control/cases/{no}/answer` | an [`Answer`] |
//! | `POST /control/cases/{no}/fees` | a list of [`Charge`]s: the clinic charges for it |
//! | `POST /control/cases/{no}/room` | a [`RoomAct`]: what happens in the meeting room |
//! | `GET /control/payments` | payments, and how they ended |
//! | `POST /control/payments/{no}/outcome` | `"paid"`, `"failed"`, `"expired"` or `"refunded"`: what happens on the payment page |
//! | `POST /control/clinics/{clinic}/cases` | an [`Opening`] and `ssn`: a case, or with `oneWay` a notice |
//! | `POST /control/clinics/{clinic}/bookings` | a [`BookingAct`] |
//! | `GET /control/clinics/{clinic}/openings` | openings, taken ones too |
//! | `POST /control/clinics/{clinic}/openings/{id}/take` | takes an opening away |
//! | `PUT /control/clinics/{clinic}/services/{type}` | `true` or `false` |
//! | `PUT /control/clinics/{clinic}/late` | `true` or `false`: too late to move or cancel |
//! | `PUT /control/clinics/{clinic}/filing` | `true` or `false`: entries are filed at once |
//! | `POST /control/damage` | `"garbage"`, `"truncated"`, `"wrong-type"` or `"unknown-kind"` for the next change |
//! | `PUT /control/webhook` | `{"url", "secret"}`, or `null` |
//! | `GET /control/changes` | the feed, and what became of it |
//! | `POST /control/changes/{seq}/deliver` | pushes a change once more |
//! | `GET /control/violations` | what the portal's side did wrong |
//!
//! The routes that make trouble are those of [`trouble::control`].

use super::answer::{Answer, BookingAct, Opening};
use super::case::CaseType;
use super::change::Damage;
use super::fees::{Charge, PayOutcome};
use super::room::RoomAct;
use super::state::Clinic;
use super::webhook::{self, Webhook};
use super::{NationalId, Shared, SimError};
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
            SimError::NoSuchClinic(_)
            | SimError::NoSuchCase(_)
            | SimError::NoSuchOpening(_)
            | SimError::NoSuchBooking(_)
            | SimError::NoSuchCitizen
            | SimError::NoSuchPayment(_)
            | SimError::NoSuchChange(_) => StatusCode::NOT_FOUND,
            SimError::Closed(_)
            | SimError::WrongAnswer { .. }
            | SimError::NoSuchLine(_)
            | SimError::NoWayIn(_)
            | SimError::NoWebhook => StatusCode::UNPROCESSABLE_ENTITY,
            SimError::Push(_) => StatusCode::BAD_GATEWAY,
            SimError::Waited { .. } | SimError::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// Every route under `/control/`.
pub fn router(shared: Arc<Shared>, trouble: Trouble, client: reqwest::Client) -> Router {
    let clinic = Router::new()
        .route("/cases", post(open))
        .route("/bookings", post(act))
        .route("/openings", get(openings))
        .route("/openings/{id}/take", post(take))
        .route("/services/{kind}", put(service))
        .route("/late", put(late))
        .route("/filing", put(filing));
    let control = Router::new()
        .route("/cases", get(cases))
        .route("/cases/{no}/answer", post(answer))
        .route("/cases/{no}/fees", post(charge))
        .route("/cases/{no}/room", post(meet))
        .route("/payments", get(payments))
        .route("/payments/{no}/outcome", post(end_payment))
        .nest("/clinics/{clinic}", clinic)
        .merge(trouble::control::router(trouble))
        .route("/damage", post(damage))
        .route("/webhook", put(set_webhook))
        .route("/changes", get(changes))
        .route("/changes/{seq}/deliver", post(deliver))
        .route("/violations", get(violations));
    Router::new()
        .nest("/control", control)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(Control { shared, client })
}

async fn cases(Extract(control): Extract<Control>) -> Json<Value> {
    let list: Vec<Value> = control.shared.look(|state| {
        let waiting = state.cases.iter().filter(|case| case.waits());
        waiting
            .map(|case| {
                json!({
                    "caseNo": case.case_no,
                    "clinic": case.clinic,
                    "type": case.kind,
                    "mode": case.mode,
                    "purpose": case.purpose,
                    "text": case.text(),
                    "lines": case.lines,
                    "wishes": case.wishes,
                    "bookingNo": case.booking_no,
                    "files": case.entries.iter().flat_map(|entry| &entry.files).map(|(_, file)| json!({
                        "name": file.name, "type": file.media_type, "bytes": file.content.len(),
                    })).collect::<Vec<_>>(),
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn answer(Extract(control): Extract<Control>, Path(no): Path<String>, Json(answer): Json<Answer>) -> Reply {
    let changes = control.shared.with(|state| state.answer(&no, &answer))?;
    Ok(Json(json!({ "changes": changes })))
}

async fn charge(Extract(control): Extract<Control>, Path(no): Path<String>, Json(fees): Json<Vec<Charge>>) -> Reply {
    Ok(Json(json!({ "change": control.shared.with(|state| state.charge(&no, &fees))? })))
}

async fn meet(Extract(control): Extract<Control>, Path(no): Path<String>, Json(act): Json<RoomAct>) -> Reply {
    Ok(Json(json!({ "change": control.shared.with(|state| state.meet(&no, &act))? })))
}

async fn payments(Extract(control): Extract<Control>) -> Json<Value> {
    let list: Vec<Value> = control.shared.look(|state| {
        let payments = state.payments.iter();
        payments
            .map(|pay| {
                json!({
                    "payNo": pay.pay_no, "feeNo": pay.fee_no, "page": pay.page(), "returnUrl": pay.return_url,
                    "expires": pay.expires, "outcome": pay.outcome,
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn end_payment(
    Extract(control): Extract<Control>,
    Path(no): Path<String>,
    Json(outcome): Json<PayOutcome>,
) -> Reply {
    Ok(Json(json!({ "change": control.shared.with(|state| state.end_payment(&no, outcome))? })))
}

#[derive(Deserialize)]
struct Addressed {
    ssn: String,
    #[serde(flatten)]
    opening: Opening,
}

async fn open(Extract(control): Extract<Control>, Path(clinic): Path<String>, Json(body): Json<Addressed>) -> Reply {
    let citizen = NationalId::new(body.ssn);
    let no = control.shared.with(|state| state.open(&clinic, &citizen, &body.opening))?;
    Ok(Json(json!({ "no": no })))
}

async fn act(Extract(control): Extract<Control>, Path(clinic): Path<String>, Json(act): Json<BookingAct>) -> Reply {
    let seq = control.shared.with(|state| state.act(&clinic, &act, None))?;
    Ok(Json(json!({ "change": seq })))
}

fn at<T>(control: &Control, clinic: &str, act: impl FnOnce(&mut Clinic) -> T) -> Result<T, SimError> {
    control.shared.with(|state| state.clinic(clinic).map(act))
}

async fn openings(Extract(control): Extract<Control>, Path(clinic): Path<String>) -> Reply {
    Ok(Json(at(&control, &clinic, |clinic| json!(clinic.calendar.slots()))?))
}

async fn take(Extract(control): Extract<Control>, Path((clinic, id)): Path<(String, String)>) -> Reply {
    let taken = at(&control, &clinic, |clinic| clinic.calendar.take(&id))?;
    taken.map(|slot| Json(json!({ "taken": slot.id }))).ok_or(SimError::NoSuchOpening(id))
}

async fn service(
    Extract(control): Extract<Control>,
    Path((clinic, kind)): Path<(String, CaseType)>,
    Json(on): Json<bool>,
) -> Reply {
    at(&control, &clinic, |clinic| {
        clinic.off.retain(|other| *other != kind);
        if !on {
            clinic.off.push(kind);
        }
    })?;
    Ok(Json(json!({ "on": on })))
}

async fn late(Extract(control): Extract<Control>, Path(clinic): Path<String>, Json(late): Json<bool>) -> Reply {
    at(&control, &clinic, |clinic| clinic.late = late)?;
    Ok(Json(json!({ "late": late })))
}

async fn filing(Extract(control): Extract<Control>, Path(clinic): Path<String>, Json(files): Json<bool>) -> Reply {
    at(&control, &clinic, |clinic| clinic.files_entries = files)?;
    Ok(Json(json!({ "filing": files })))
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

async fn changes(Extract(control): Extract<Control>) -> Json<Value> {
    let list: Vec<Value> = control.shared.look(|state| {
        let changes = state.changes.iter();
        changes
            .map(|change| {
                json!({
                    "seq": change.seq,
                    "kind": change.kind,
                    "pushed": change.pushed,
                    "acknowledged": change.seq <= state.acknowledged,
                    "refused": state.refused.get(&change.seq),
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn deliver(Extract(control): Extract<Control>, Path(seq): Path<u64>) -> Reply {
    let webhook = control.shared.look(|state| state.webhook.clone()).ok_or(SimError::NoWebhook)?;
    let status = webhook::push(&control.shared, &control.client, &webhook, seq).await?;
    Ok(Json(json!({ "status": status })))
}

async fn violations(Extract(control): Extract<Control>) -> Json<Value> {
    Json(json!(control.shared.look(|state| state.violations.clone())))
}
