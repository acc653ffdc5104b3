//! Webhooks as the Standard Webhooks specification has them: each event is pushed, signed, until the portal answers 204.
//! While a secret changes, each delivery is signed with the new one and the old.

use super::document::MEDIA_TYPE;
use super::state::State;
use super::{Shared, SimError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The vendor's patience with a receiver.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits between attempts, doubled up to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Where events are pushed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Webhook {
    /// `<gateway>/v1/deliveries/kry/events`.
    pub url: String,
    /// The secrets that deliveries are signed with, each `whsec_…`: two while one takes over from the other.
    pub secrets: Vec<String>,
    /// Seconds by which the vendor's clock is ahead of the true time, or behind.
    #[serde(default)]
    pub clock_off: i64,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The event.
    pub number: u64,
    /// The status of the answer; none where there was none.
    pub status: Option<u16>,
}

/// Pushes what is new for as long as the simulator lives.
pub async fn run(shared: Weak<Shared>, client: reqwest::Client) {
    let mut wait = WAITS.0;
    loop {
        let Some(here) = shared.upgrade() else { return };
        let mut availability = here.faults.availability();
        let Some((webhook, number)) = next(&here) else {
            let changes = Arc::clone(&here.changes);
            drop(here);
            // Looks again now and then, so that the task ends with the simulator.
            let news = changes.find(Duration::from_secs(1), || next(&*shared.upgrade()?));
            tokio::select! {
                _ = news => {}
                _ = availability.changed() => {}
            }
            continue;
        };
        let done = matches!(push(&here, &client, &webhook, number).await, Ok(204));
        drop(here);
        if done {
            wait = WAITS.0;
        } else {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }
}

fn next(shared: &Shared) -> Option<(Webhook, u64)> {
    if !shared.faults.is_up() {
        return None;
    }
    shared.look(|state| Some((state.webhook.clone()?, state.unpushed()?.number)))
}

/// Pushes one event now; gives the status of the answer.
pub async fn push(shared: &Shared, client: &reqwest::Client, webhook: &Webhook, number: u64) -> Result<u16, SimError> {
    let found = shared.look(|state| state.event(number).map(|event| event.document().to_string()));
    let body = found.ok_or(SimError::NoSuchEvent(number))?;
    // The gateway looks at the real clock.
    let timestamp = (jiff::Timestamp::now().as_second() + webhook.clock_off).to_string();
    let id = id(number);
    let signatures: Vec<String> =
        webhook.secrets.iter().map(|secret| signature(secret, &id, &timestamp, &body)).collect();
    let answer = client
        .post(&webhook.url)
        .timeout(TIMEOUT)
        .header("content-type", MEDIA_TYPE)
        .header("webhook-id", &id)
        .header("webhook-timestamp", &timestamp)
        .header("webhook-signature", signatures.join(" "))
        .body(body)
        .send()
        .await;
    let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
    shared.with(|state: &mut State| {
        state.pushed.push(Pushed { number, status });
        if let Some(event) = state.events.iter_mut().find(|event| event.number == number) {
            event.pushed |= status == Some(204);
        }
    });
    Ok(answer?.status().as_u16())
}

/// The id of an event's deliveries: the same at every attempt.
pub fn id(number: u64) -> String {
    format!("evt_{number}")
}

/// `v1,` and the HMAC-SHA-256 of `<id>.<timestamp>.<body>` in base64, under a secret `whsec_…`.
pub fn signature(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok()).unwrap_or_default();
    let mut text = String::from("v1,");
    // HMAC takes keys of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) {
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        text.push_str(&STANDARD.encode(mac.finalize().into_bytes()));
    }
    text
}
