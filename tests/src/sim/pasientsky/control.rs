//! The control API: what a demo user can do with curl, on a port of its own so that it works while the API is down.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /control/dialogs` | what waits for the clinics |
//! | `POST /control/dialogs/{id}/answer` | an [`Answer`] |
//! | `POST /control/clinics/{clinic}/reports` | a [`Report`] and `number`: what tests found |
//! | `POST /control/clinics/{clinic}/dialogs` | an [`Opening`] and `number`: a dialog, or with `oneWay` a message |
//! | `POST /control/clinics/{clinic}/appointments` | an [`AppointmentAct`] |
//! | `PUT /control/clinics/{clinic}/services/{service}` | `true` or `false` |
//! | `PUT /control/clinics/{clinic}/survey` | `true` asks everybody anew, `false` asks no more |
//! | `GET /control/clinics/{clinic}/survey` | how often each answer was given |
//! | `PUT /control/clinics/{clinic}/late` | `true` or `false`: too late to move or cancel |
//! | `PUT /control/clinics/{clinic}/filing` | `true` or `false`: messages are filed at once |
//! | `POST /control/slots/{id}/take` | takes a slot away |
//! | `POST /control/damage` | `"garbage"`, `"truncated"`, `"wrong-type"` or `"unknown-code"` for what the clinic says next |
//! | `PUT /control/endless-pages` | `true` or `false` |
//! | `POST /control/expire-tokens` | every token that was fetched expires |
//! | `PUT /control/subscription` | `{"endpoint", "secret"}`, or `null` |
//! | `GET /control/notices` | what there is to notify of |
//! | `POST /control/notices/{number}/notify` | notifies once more |
//! | `GET /control/violations` | what the portal's side did wrong |
//!
//! The routes that make trouble are those of [`trouble::control`].

use super::answer::{Answer, AppointmentAct, Opening, Report};
use super::clinic::Clinic;
use super::codes::{Kind, Origin, Service};
use super::record::Damage;
use super::state::{Dialog, State};
use super::subscription::{self, Subscription};
use super::{NationalId, Shared, SimError};
use crate::sim::trouble::{self, Trouble};
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the control handlers need.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
    client: reqwest::Client,
}

type Steer = Extract<Control>;
type Reply = Result<Json<Value>, SimError>;

impl IntoResponse for SimError {
    fn into_response(self) -> Response {
        let status = match self {
            SimError::NoSuchClinic(_)
            | SimError::NoSuchResource(_)
            | SimError::NoSuchCitizen
            | SimError::NoSuchNotice(_) => StatusCode::NOT_FOUND,
            SimError::Closed(_) | SimError::WrongAnswer { .. } | SimError::NoSuchItem(_) | SimError::NoSubscription => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            SimError::Push(_) => StatusCode::BAD_GATEWAY,
            SimError::Waited(_) | SimError::Listen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// Every route under `/control/`.
pub fn router(shared: Arc<Shared>, trouble: Trouble, client: reqwest::Client) -> Router {
    let clinic = Router::new()
        .route("/dialogs", post(open))
        .route("/reports", post(report))
        .route("/appointments", post(act))
        .route("/services/{service}", put(service))
        .route("/survey", put(ask).get(survey))
        .route("/late", put(late))
        .route("/filing", put(filing));
    let control = Router::new()
        .route("/dialogs", get(dialogs))
        .route("/dialogs/{id}/answer", post(answer))
        .nest("/clinics/{clinic}", clinic)
        .merge(trouble::control::router(trouble))
        .route("/slots/{id}/take", post(take))
        .route("/damage", post(damage))
        .route("/endless-pages", put(endless_pages))
        .route("/expire-tokens", post(expire_tokens))
        .route("/subscription", put(subscribe))
        .route("/notices", get(notices))
        .route("/notices/{number}/notify", post(notify))
        .route("/violations", get(violations));
    Router::new().nest("/control", control).with_state(Control { shared, client })
}

async fn dialogs(Extract(control): Steer) -> Json<Value> {
    let waiting: Vec<Dialog> = control.shared.look(State::dialogs).into_iter().filter(Dialog::waits).collect();
    let shown = waiting.iter().map(|one| {
        json!({ "id": one.id, "service": one.service, "text": one.text(), "items": one.items, "stand": one.stand })
    });
    Json(shown.collect())
}

async fn answer(Extract(control): Steer, Path(id): Path<String>, Json(answer): Json<Answer>) -> Reply {
    control.shared.with(|state| state.answer(&id, &answer))?;
    Ok(Json(json!({ "answered": id })))
}

#[derive(Deserialize)]
struct Addressed {
    number: String,
    #[serde(flatten)]
    opening: Opening,
}

async fn open(Extract(control): Steer, Path(clinic): Path<String>, Json(body): Json<Addressed>) -> Reply {
    let number = NationalId::new(body.number);
    let id = control.shared.with(|state| state.open(&clinic, &number, &body.opening))?;
    Ok(Json(json!({ "id": id })))
}

#[derive(Deserialize)]
struct Tested {
    number: String,
    #[serde(flatten)]
    report: Report,
}

async fn report(Extract(control): Steer, Path(clinic): Path<String>, Json(body): Json<Tested>) -> Reply {
    let number = NationalId::new(body.number);
    let id = control.shared.with(|state| state.report(&clinic, &number, &body.report))?;
    Ok(Json(json!({ "id": id })))
}

async fn act(Extract(control): Steer, Path(clinic): Path<String>, Json(act): Json<AppointmentAct>) -> Reply {
    let id = control.shared.with(|state| state.act(&clinic, &act))?;
    Ok(Json(json!({ "id": id })))
}

fn at<T>(control: &Control, clinic: &str, act: impl FnOnce(&mut Clinic) -> T) -> Result<T, SimError> {
    control.shared.with(|state| state.clinic(clinic).map(act))
}

async fn service(
    Extract(control): Steer,
    Path((clinic, service)): Path<(String, Service)>,
    Json(on): Json<bool>,
) -> Reply {
    at(&control, &clinic, |clinic| {
        clinic.off.retain(|other| *other != service);
        if !on {
            clinic.off.push(service);
        }
    })?;
    Ok(Json(json!({ "on": on })))
}

async fn ask(Extract(control): Steer, Path(clinic): Path<String>, Json(open): Json<bool>) -> Reply {
    control.shared.with(|state| {
        if open {
            return state.ask(&clinic);
        }
        state.end_survey(&clinic);
        Ok(())
    })?;
    Ok(Json(json!({ "open": open })))
}

async fn survey(Extract(control): Steer, Path(clinic): Path<String>) -> Json<Value> {
    let counted = control.shared.look(|state| state.counted(&clinic));
    let counted = counted
        .iter()
        .map(|((question, answer), count)| json!({ "question": question, "answer": answer, "count": count }));
    Json(counted.collect())
}

async fn late(Extract(control): Steer, Path(clinic): Path<String>, Json(late): Json<bool>) -> Reply {
    at(&control, &clinic, |clinic| clinic.late = late)?;
    Ok(Json(json!({ "late": late })))
}

async fn filing(Extract(control): Steer, Path(clinic): Path<String>, Json(files): Json<bool>) -> Reply {
    at(&control, &clinic, |clinic| clinic.files_messages = files)?;
    Ok(Json(json!({ "filing": files })))
}

async fn take(Extract(control): Steer, Path(id): Path<String>) -> Reply {
    let taken = control
        .shared
        .with(|state| state.amend(Kind::Slot, &id, Origin::Clinic, |slot| slot["status"] = json!("busy")));
    if taken { Ok(Json(json!({ "taken": id }))) } else { Err(SimError::NoSuchResource(format!("Slot/{id}"))) }
}

async fn damage(Extract(control): Steer, Json(damage): Json<Damage>) -> Json<Value> {
    control.shared.with(|state| state.damage_next = Some(damage));
    Json(json!(damage))
}

async fn endless_pages(Extract(control): Steer, Json(endless): Json<bool>) -> Json<Value> {
    control.shared.with(|state| state.pages.endless = endless);
    Json(json!({ "endless": endless }))
}

async fn expire_tokens(Extract(control): Steer) -> Json<Value> {
    control.shared.tokens().expire();
    Json(json!({ "expired": true }))
}

async fn subscribe(Extract(control): Steer, Json(subscription): Json<Option<Subscription>>) -> Json<Value> {
    let set = subscription.is_some();
    control.shared.with(|state| state.subscription = subscription);
    Json(json!({ "set": set }))
}

async fn notices(Extract(control): Steer) -> Json<Value> {
    Json(json!(control.shared.look(|state| state.notices.clone())))
}

async fn notify(Extract(control): Steer, Path(number): Path<u64>) -> Reply {
    let subscription = control.shared.look(|state| state.subscription.clone()).ok_or(SimError::NoSubscription)?;
    let status = subscription::push(&control.shared, &control.client, &subscription, &[number]).await?;
    Ok(Json(json!({ "status": status })))
}

async fn violations(Extract(control): Steer) -> Json<Value> {
    Json(json!(control.shared.look(|state| state.violations.clone())))
}
