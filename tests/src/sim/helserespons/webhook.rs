//! Webhooks: each change is pushed, signed, until the portal answers 204 or has confirmed it in the feed.

use super::state::State;
use super::{Shared, SimError};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use std::fmt::Write as _;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The vendor's patience with a receiver.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits between attempts, doubled up to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Where changes are pushed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// `<gateway>/v1/deliveries/helserespons/changes`.
    pub url: String,
    /// The shared secret that deliveries are signed with.
    pub secret: String,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The change.
    pub seq: u64,
    /// The id of the delivery: the same at every attempt.
    pub delivery: String,
    /// The status of the answer; none where there was none.
    pub status: Option<u16>,
}

/// Pushes what is new for as long as the simulator lives.
pub async fn run(shared: Weak<Shared>, client: reqwest::Client) {
    let mut wait = WAITS.0;
    loop {
        let Some(here) = shared.upgrade() else { return };
        let (mut changed, mut availability) = (here.changed.subscribe(), here.faults.availability());
        let next = next(&here);
        let Some((webhook, seq)) = next else {
            drop(here);
            let told = tokio::select! {
                told = changed.changed() => told,
                told = availability.changed() => told,
            };
            // The sender is gone with the simulator.
            if told.is_err() {
                return;
            }
            continue;
        };
        let done = matches!(push(&here, &client, &webhook, seq).await, Ok(204));
        drop(here);
        if done {
            wait = WAITS.0;
        } else {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }
}

fn next(shared: &Arc<Shared>) -> Option<(Webhook, u64)> {
    if !shared.faults.is_up() {
        return None;
    }
    shared.look(|state| Some((state.webhook.clone()?, state.unpushed()?.seq)))
}

/// Pushes one change now; gives the status of the answer.
pub async fn push(shared: &Shared, client: &reqwest::Client, webhook: &Webhook, seq: u64) -> Result<u16, SimError> {
    let found = shared.look(|state| {
        let change = state.changes.iter().find(|change| change.seq == seq)?;
        Some((json!({ "changes": [change.body] }).to_string(), state.clock_off))
    });
    let (body, clock_off) = found.ok_or(SimError::NoSuchChange(seq))?;
    // The gateway looks at the real clock.
    let timestamp = (jiff::Timestamp::now().as_second() + clock_off).to_string();
    let delivery = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{}/{seq}", webhook.url).as_bytes());
    let answer = client
        .post(&webhook.url)
        .timeout(TIMEOUT)
        .header("content-type", "application/json")
        .header("x-helserespons-signature", signature(&webhook.secret, &timestamp, &body))
        .header("x-helserespons-timestamp", &timestamp)
        .header("x-helserespons-delivery", delivery.to_string())
        .body(body)
        .send()
        .await;
    let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
    shared.with(|state: &mut State| {
        state.pushed.push(Pushed { seq, delivery: delivery.to_string(), status });
        if let Some(change) = state.changes.iter_mut().find(|change| change.seq == seq) {
            change.pushed |= status == Some(204);
        }
    });
    Ok(answer?.status().as_u16())
}

/// `sha256=` and the HMAC-SHA-256 of `<timestamp>.<body>` in hexadecimal.
pub fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    let mut text = String::from("sha256=");
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{timestamp}.{body}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}
