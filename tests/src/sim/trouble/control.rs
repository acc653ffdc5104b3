//! The routes of every back end's control API that make trouble for it.
//!
//! | route | does |
//! | --- | --- |
//! | `PUT /control/availability` | `"up"`, `"refuse"` or `"unavailable"` |
//! | `PUT /control/delay` | milliseconds before each reply, at most two minutes |
//! | `POST /control/hold` | `"any"`, `"post"`, `"post-reply"`, `"news"`, `"read"` or `"file"`: holds the next such call |
//! | `POST /control/release` | releases it |
//! | `POST /control/faults` | `{"call": "post", "fault": "malformed-json"}` for the reply to the next such call (any, where there is no `call`); a fault is `"malformed-json"`, `"truncated-body"`, `"html"`, `"wrong-type"`, `{"status": 500}` or `{"mute": 429}` |

use super::{Availability, Call, Held, HttpFault, Trouble};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest delay before a reply.
const LONGEST_DELAY: Duration = Duration::from_secs(120);

#[derive(Clone)]
struct Control {
    trouble: Trouble,
    /// What was asked to be held; one at a time.
    held: Arc<Mutex<Option<Held>>>,
}

impl Control {
    /// Puts another hold, or none, in place of the last one, which is released.
    fn replace(&self, held: Option<Held>) -> Option<Held> {
        std::mem::replace(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner), held)
    }
}

/// The routes, to be merged into those below `/control`.
pub fn router<S: Clone + Send + Sync + 'static>(trouble: Trouble) -> Router<S> {
    Router::new()
        .route("/availability", put(availability))
        .route("/delay", put(delay))
        .route("/hold", post(hold))
        .route("/release", post(release))
        .route("/faults", post(faults))
        .with_state(Control { trouble, held: Arc::default() })
}

async fn availability(
    State(control): State<Control>,
    Json(wanted): Json<Availability>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    match control.trouble.set_availability(wanted).await {
        Ok(()) => Ok(Json(json!({ "availability": wanted }))),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": error.to_string() })))),
    }
}

async fn delay(State(control): State<Control>, Json(milliseconds): Json<u64>) -> Json<Value> {
    let delay = Duration::from_millis(milliseconds).min(LONGEST_DELAY);
    control.trouble.set_delay(delay);
    Json(json!({ "milliseconds": delay.as_millis() }))
}

async fn hold(State(control): State<Control>, Json(call): Json<Call>) -> Json<Value> {
    control.replace(Some(control.trouble.hold_next(call)));
    Json(json!({ "holding": call }))
}

async fn release(State(control): State<Control>) -> Json<Value> {
    Json(json!({ "released": control.replace(None).is_some() }))
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    #[serde(default)]
    call: Call,
    fault: HttpFault,
}

async fn faults(State(control): State<Control>, Json(wanted): Json<Fault>) -> Json<Value> {
    control.trouble.fail_next(wanted.call, wanted.fault);
    Json(json!(wanted))
}
