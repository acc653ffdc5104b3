//! A mail service: `POST /api/send`, a form, and `GET /api/bounces`, a list.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Query, State as Extract};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Arrived, Inbox, Running, SimError, handle};

/// What a form must have, and nothing else.
const FIELDS: [&str; 6] = ["expires", "external_id", "from", "subject", "text", "to"];

/// A running mail service.
#[derive(Clone, Debug)]
pub struct EpostSim {
    running: Running,
    bounces: Arc<Mutex<Vec<Value>>>,
}

struct Shared {
    inbox: Arc<Inbox>,
    token: String,
    bounces: Arc<Mutex<Vec<Value>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    after: usize,
    limit: usize,
}

impl EpostSim {
    /// Starts it; `token` is what it accepts.
    ///
    /// # Errors
    /// There is no port.
    pub fn start(address: SocketAddr, token: &str) -> Result<Self, SimError> {
        let (inbox, bounces) = (Arc::<Inbox>::default(), Arc::<Mutex<Vec<Value>>>::default());
        let shared =
            Arc::new(Shared { inbox: Arc::clone(&inbox), token: token.to_owned(), bounces: Arc::clone(&bounces) });
        let router = Router::new()
            .route("/api/send", post(send))
            .route("/api/bounces", get(listed))
            .fallback(nowhere)
            .with_state(shared);
        Ok(Self { running: Running::start(address, &inbox, router)?, bounces })
    }

    /// Says what became of a mail: `hard`, `soft` or `delivered`.
    ///
    /// # Errors
    /// Nothing was sent under that id.
    pub fn bounce(&self, reference: &str, kind: &str) -> Result<(), SimError> {
        if !self.arrived().iter().any(|one| one.reference == reference) {
            return Err(SimError::NoSuchNotice(reference.to_owned()));
        }
        let mut bounces = self.bounces.lock().unwrap_or_else(PoisonError::into_inner);
        let (n, at) = (bounces.len() + 1, Timestamp::now().as_second());
        bounces.push(json!({ "n": n, "external_id": reference, "kind": kind, "at": at }));
        Ok(())
    }
}

handle!(EpostSim);

fn authorised(shared: &Shared, headers: &HeaderMap) -> bool {
    let shown = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    shown == format!("Bearer {}", shared.token)
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

async fn nowhere(Extract(shared): Extract<Arc<Shared>>) -> Response {
    shared.inbox.violate("a route that the mail service does not have");
    refused(StatusCode::NOT_FOUND, "route")
}

async fn send(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if !authorised(&shared, &headers) {
        shared.inbox.violate("no or another bearer token");
        return refused(StatusCode::UNAUTHORIZED, "token");
    }
    let broken = |what: &str| {
        shared.inbox.violate(what);
        refused(StatusCode::BAD_REQUEST, "form")
    };
    let media_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type != "application/x-www-form-urlencoded" {
        return broken("content-type is not application/x-www-form-urlencoded");
    }
    let read: Vec<(String, String)> =
        url::form_urlencoded::parse(&body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let fields: BTreeMap<&str, &str> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if read.len() != FIELDS.len() || !fields.keys().copied().eq(FIELDS) {
        return broken("the form has not the fields that it must have, each once");
    }
    if fields.values().any(|value| value.is_empty()) || fields["subject"].contains(['\r', '\n']) {
        return broken("a field is empty, or the subject is more than a line");
    }
    if fields["expires"].parse::<i64>().ok().is_none_or(|expires| expires <= Timestamp::now().as_second()) {
        return broken("expires is over, or no time");
    }
    if !fields["to"].contains('@') {
        return refused(StatusCode::BAD_REQUEST, "recipient");
    }
    if shared.inbox.is_closed(fields["to"]) {
        return refused(StatusCode::CONFLICT, "suppressed");
    }
    let owned = |name: &str| fields[name].to_owned();
    let notice = Arrived {
        to: owned("to"),
        from: owned("from"),
        subject: Some(owned("subject")),
        text: owned("text"),
        reference: owned("external_id"),
    };
    match shared.inbox.take(notice) {
        Some(number) => Json(json!({ "queued": true, "message": format!("mail-{number}") })).into_response(),
        None => broken("the same external_id with another mail"),
    }
}

async fn listed(
    Extract(shared): Extract<Arc<Shared>>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if !authorised(&shared, &headers) {
        shared.inbox.violate("no or another bearer token");
        return refused(StatusCode::UNAUTHORIZED, "token");
    }
    let Ok(Query(Asked { after, limit })) = asked else {
        shared.inbox.violate("bounces are asked for with after and limit");
        return refused(StatusCode::BAD_REQUEST, "query");
    };
    let bounces = shared.bounces.lock().unwrap_or_else(PoisonError::into_inner);
    let some: Vec<Value> = bounces.iter().skip(after).take(limit).cloned().collect();
    let more = bounces.len() > after + some.len();
    Json(json!({ "bounces": some, "more": more })).into_response()
}
