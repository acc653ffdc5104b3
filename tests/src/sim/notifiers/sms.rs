//! An SMS gateway: `POST /v1/messages`, and delivery reports that it pushes, signed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{Arrived, Inbox, Running, SimError, handle};
use crate::sim::helserespons::{Webhook, webhook};

/// Septets of a message in two parts.
const LONGEST: usize = 306;

/// A running SMS gateway.
#[derive(Clone, Debug)]
pub struct SmsSim {
    running: Running,
    webhook: Arc<Mutex<Option<Webhook>>>,
    client: reqwest::Client,
}

struct Shared {
    inbox: Arc<Inbox>,
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Message {
    to: String,
    from: String,
    text: String,
    reference: String,
    valid_until: Timestamp,
}

impl SmsSim {
    /// Starts it; `key` is what it accepts in `x-api-key`, `client` pushes its reports.
    ///
    /// # Errors
    /// There is no port.
    pub fn start(address: SocketAddr, key: &str, client: reqwest::Client) -> Result<Self, SimError> {
        let inbox = Arc::<Inbox>::default();
        let shared = Arc::new(Shared { inbox: Arc::clone(&inbox), key: key.to_owned() });
        let router = Router::new().route("/v1/messages", post(message)).fallback(nowhere).with_state(shared);
        Ok(Self { running: Running::start(address, &inbox, router)?, webhook: Arc::default(), client })
    }

    /// Where reports are pushed from now on.
    pub fn set_webhook(&self, webhook: Webhook) {
        *self.webhook.lock().unwrap_or_else(PoisonError::into_inner) = Some(webhook);
    }

    /// Says what became of a message; gives the status of the answer.
    ///
    /// # Errors
    /// Nothing was sent under that reference, or the report cannot be pushed.
    pub async fn report(&self, reference: &str, status: &str) -> Result<u16, SimError> {
        let known = self.arrived().iter().any(|one| one.reference == reference);
        if !known {
            return Err(SimError::NoSuchNotice(reference.to_owned()));
        }
        let webhook = self.webhook.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(SimError::NoWebhook)?;
        let id = format!("dr-{reference}-{}", status.to_lowercase());
        let (now, at) = (Timestamp::now(), Timestamp::now().to_string());
        let report = json!({ "id": id, "reference": reference, "status": status, "at": at });
        let body = json!({ "reports": [report] }).to_string();
        let timestamp = now.as_second().to_string();
        let answer = self
            .client
            .post(&webhook.url)
            .header("content-type", "application/json")
            .header("x-sms-signature", webhook::signature(&webhook.secret, &timestamp, &body))
            .header("x-sms-timestamp", &timestamp)
            .header("x-sms-delivery", uuid::Uuid::new_v4().to_string())
            .body(body)
            .send()
            .await?;
        Ok(answer.status().as_u16())
    }
}

handle!(SmsSim);

async fn nowhere(Extract(shared): Extract<Arc<Shared>>) -> Response {
    shared.inbox.violate("a route that the SMS gateway does not have");
    refused(StatusCode::NOT_FOUND, "NO_SUCH_ROUTE")
}

fn refused(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({ "code": code, "message": "See the documentation." }))).into_response()
}

async fn message(Extract(shared): Extract<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text("x-api-key") != shared.key {
        shared.inbox.violate("no or another key in x-api-key");
        return refused(StatusCode::UNAUTHORIZED, "KEY");
    }
    let broken = |what: &str| {
        shared.inbox.violate(what);
        refused(StatusCode::BAD_REQUEST, "MALFORMED")
    };
    if text("content-type") != "application/json" {
        return broken("content-type is not application/json");
    }
    let Ok(message) = serde_json::from_slice::<Message>(&body) else {
        return broken("the body is not a message, and nothing else");
    };
    let Message { to, from, text: said, reference, valid_until } = message;
    if reference.is_empty() || text("idempotency-key") != reference {
        return broken("Idempotency-Key is not the reference");
    }
    let digits = to.strip_prefix('+').unwrap_or_default();
    if !(8..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return broken("to is not + and 8 to 15 digits");
    }
    if !(3..=11).contains(&from.len()) || !from.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return broken("from is not 3 to 11 letters and digits");
    }
    let (length, now) = (said.chars().count(), Timestamp::now());
    if !(1..=LONGEST).contains(&length) || said.chars().any(|letter| letter > '\u{ff}') {
        return broken("text is empty, over two parts, or has letters that telephones do not");
    }
    // Whoever reads over a shoulder learns nothing: no number of a person's, and nothing that looks like one.
    if said.as_bytes().windows(11).any(|window| window.iter().all(u8::is_ascii_digit)) {
        return broken("eleven digits in a text");
    }
    if valid_until <= now {
        return broken("validUntil is over");
    }
    if shared.inbox.is_closed(&to) {
        return refused(StatusCode::NOT_FOUND, "UNKNOWN_NUMBER");
    }
    let notice = Arrived { to, from, subject: None, text: said, reference };
    match shared.inbox.take(notice) {
        Some(number) => {
            let parts = if length > 160 { 2 } else { 1 };
            let taken = json!({ "messageId": format!("sms-{number}"), "parts": parts });
            (StatusCode::ACCEPTED, Json(taken)).into_response()
        }
        None => {
            shared.inbox.violate("the same key with another message");
            refused(StatusCode::CONFLICT, "KEY_REUSED")
        }
    }
}
