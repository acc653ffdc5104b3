//! The control API: what a demo user can do with curl, on a port of its own so that it works while the API is down.
//!
//! | route | does |
//! | --- | --- |
//! | `GET /control/threads` | what waits for the practices |
//! | `POST /control/threads/{id}/answer` | an [`Answer`] |
//! | `POST /control/practices/{practice}/threads` | an [`Opening`]: a thread, or without `kind` a notice |
//! | `PUT /control/practices/{practice}/services/{kind}` | `true` or `false` |
//! | `PUT /control/practices/{practice}/filing` | `true` or `false`: posts are filed at once |
//! | `PUT /control/practices/{practice}/survey` | `true` or `false`: it is open |
//! | `GET /control/practices/{practice}/survey` | how often each answer was given |
//! | `POST /control/damage` | `"not-yet"`, `"gone"`, `"wrong-type"`, `"truncated"` or `"unknown-type"` for the next change |
//! | `POST /control/mend` | what was `"not-yet"` is there |
//! | `PUT /control/disorder` | `"none"`, `"shuffled"` or `"endless"` |
//! | `GET /control/changes` | the feed, and what became of it |
//! | `GET /control/violations` | what the portal's side did wrong |
//!
//! The routes that make trouble are those of [`trouble::control`].

use super::answer::{Answer, Opening};
use super::change::{Damage, Disorder};
use super::state::Practice;
use super::thread::ThreadKind;
use super::{Shared, SimError};
use crate::sim::trouble::{self, Trouble};
use axum::extract::{DefaultBodyLimit, Path, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// The largest request: a file of 10 MiB in base64, and some.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

type Shares = Extract<Arc<Shared>>;
type Reply = Result<Json<Value>, SimError>;

impl IntoResponse for SimError {
    fn into_response(self) -> Response {
        let status = match self {
            SimError::NoSuchPractice(_) | SimError::NoSuchThread(_) | SimError::NoSuchCitizen => StatusCode::NOT_FOUND,
            SimError::Closed(_) | SimError::WrongAnswer { .. } | SimError::NoSuchItem(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            SimError::Waited(_) | SimError::Schema(_) | SimError::Papers(_) | SimError::Listen(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// Every route under `/control/`.
pub fn router(shared: Arc<Shared>, trouble: Trouble) -> Router {
    let practice = Router::new()
        .route("/threads", post(open))
        .route("/services/{kind}", put(service))
        .route("/filing", put(filing))
        .route("/survey", put(set_survey).get(survey));
    let control = Router::new()
        .route("/threads", get(threads))
        .route("/threads/{id}/answer", post(answer))
        .nest("/practices/{practice}", practice)
        .merge(trouble::control::router(trouble))
        .route("/damage", post(damage))
        .route("/mend", post(mend))
        .route("/disorder", put(disorder))
        .route("/changes", get(changes))
        .route("/violations", get(violations));
    Router::new().nest("/control", control).layer(DefaultBodyLimit::max(LARGEST_BODY)).with_state(shared)
}

async fn threads(Extract(shared): Shares) -> Json<Value> {
    let list: Vec<Value> = shared.look(|state| {
        let waiting = state.threads.iter().filter(|thread| thread.waits());
        waiting
            .map(|thread| {
                json!({
                    "id": thread.id,
                    "practice": thread.practice,
                    "kind": thread.kind,
                    "purpose": thread.purpose,
                    "text": thread.text(),
                    "items": thread.items,
                    "documents": thread.posts.iter().flat_map(|post| &post.documents).map(|(_, document)| json!({
                        "name": document.name, "mediaType": document.media_type, "bytes": document.content.len(),
                    })).collect::<Vec<_>>(),
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn answer(Extract(shared): Shares, Path(id): Path<String>, Json(answer): Json<Answer>) -> Reply {
    let number = shared.with(|state| state.answer(&id, &answer))?;
    Ok(Json(json!({ "change": number })))
}

async fn open(Extract(shared): Shares, Path(practice): Path<String>, Json(opening): Json<Opening>) -> Reply {
    let id = shared.with(|state| state.open(&practice, &opening))?;
    Ok(Json(json!({ "id": id })))
}

fn at<T>(shared: &Shared, practice: &str, act: impl FnOnce(&mut Practice) -> T) -> Result<T, SimError> {
    shared.with(|state| state.practice(practice).map(act))
}

async fn service(
    Extract(shared): Shares,
    Path((practice, kind)): Path<(String, ThreadKind)>,
    Json(on): Json<bool>,
) -> Reply {
    at(&shared, &practice, |practice| practice.set_service(kind, on))?;
    Ok(Json(json!({ "on": on })))
}

async fn filing(Extract(shared): Shares, Path(practice): Path<String>, Json(files): Json<bool>) -> Reply {
    at(&shared, &practice, |practice| practice.files_posts = files)?;
    Ok(Json(json!({ "filing": files })))
}

async fn set_survey(Extract(shared): Shares, Path(practice): Path<String>, Json(open): Json<bool>) -> Reply {
    at(&shared, &practice, |practice| practice.survey.open = open)?;
    Ok(Json(json!({ "open": open })))
}

async fn survey(Extract(shared): Shares, Path(practice): Path<String>) -> Reply {
    let counted = at(&shared, &practice, |practice| practice.survey.counted.clone())?;
    let counted = counted
        .iter()
        .map(|((question, answer), count)| json!({ "question": question, "answer": answer, "count": count }));
    Ok(Json(counted.collect()))
}

async fn damage(Extract(shared): Shares, Json(damage): Json<Damage>) -> Json<Value> {
    shared.with(|state| state.damage_next = Some(damage));
    Json(json!(damage))
}

async fn mend(Extract(shared): Shares) -> Json<Value> {
    Json(json!({ "mended": shared.with(|state| state.mend()) }))
}

async fn disorder(Extract(shared): Shares, Json(disorder): Json<Disorder>) -> Json<Value> {
    shared.with(|state| state.disorder = disorder);
    Json(json!(disorder))
}

async fn changes(Extract(shared): Shares) -> Json<Value> {
    let list: Vec<Value> = shared.look(|state| {
        let changes = state.changes.iter();
        changes
            .map(|change| {
                json!({
                    "number": change.number,
                    "type": change.kind,
                    "confirmed": change.number <= state.confirmed,
                    "refused": state.refused.get(&change.number),
                })
            })
            .collect()
    });
    Json(json!(list))
}

async fn violations(Extract(shared): Shares) -> Json<Value> {
    Json(json!(shared.look(|state| state.violations.clone())))
}
