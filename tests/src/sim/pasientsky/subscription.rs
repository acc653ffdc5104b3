//! Subscriptions (R4 with the backport of R5's notifications): each change of a clinic's is notified by its id alone, with
//! the subscription's secret in a header, until the portal answers 204.
//!
//! A notification holds no health data (`id-only`): the portal asks for what is new by the ids.

use super::outcome::FHIR_JSON;
use super::{Shared, SimError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The header that the secret stands in.
pub const SECRET_HEADER: &str = "x-pasientsky-secret";
/// The header with the number of the notification.
pub const ID_HEADER: &str = "x-pasientsky-notification";
/// The vendor's patience with a receiver.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits between attempts, doubled up to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Who is notified.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscription {
    /// `channel.endpoint`: `<gateway>/v1/deliveries/pasientsky/notifications`.
    pub endpoint: String,
    /// The secret that `channel.header` holds.
    pub secret: String,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Something to notify of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// `event-number`, from one.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// `Task/t-1`.
    pub focus: String,
    /// The portal answered with 204.
    pub pushed: bool,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// The notice.
    pub number: u64,
    /// The status of the answer; none where there was none.
    pub status: Option<u16>,
}

/// The notification of these notices.
pub fn notification(notices: &[&Notice]) -> Value {
    let last = notices.last().map_or(0, |notice| notice.number);
    let mut parameters = vec![
        json!({ "name": "subscription", "valueReference": { "reference": "Subscription/portal" } }),
        json!({ "name": "status", "valueCode": "active" }),
        json!({ "name": "type", "valueCode": if notices.is_empty() { "handshake" } else { "event-notification" } }),
        json!({ "name": "events-since-subscription-start", "valueString": last.to_string() }),
    ];
    parameters.extend(notices.iter().map(|notice| {
        json!({ "name": "notification-event", "part": [
            { "name": "event-number", "valueString": notice.number.to_string() },
            { "name": "timestamp", "valueInstant": notice.at },
            { "name": "focus", "valueReference": { "reference": notice.focus } },
        ] })
    }));
    json!({
        "resourceType": "Bundle",
        "type": "history",
        "entry": [{
            "resource": { "resourceType": "Parameters", "parameter": parameters },
            "request": { "method": "GET", "url": "Subscription/portal/$status" },
            "response": { "status": "200" },
        }],
    })
}

/// Notifies of what is new for as long as the simulator lives.
pub async fn run(shared: Weak<Shared>, client: reqwest::Client) {
    let mut wait = WAITS.0;
    loop {
        let Some(here) = shared.upgrade() else { return };
        let mut availability = here.faults.availability();
        let Some((subscription, number)) = next(&here) else {
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
        let done = matches!(push(&here, &client, &subscription, &[number]).await, Ok(204));
        drop(here);
        if done {
            wait = WAITS.0;
        } else {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }
}

fn next(shared: &Shared) -> Option<(Subscription, u64)> {
    if !shared.faults.is_up() {
        return None;
    }
    shared.look(|state| {
        let notice = state.notices.iter().find(|notice| !notice.pushed)?;
        Some((state.subscription.clone()?, notice.number))
    })
}

/// Notifies of these now, in the order given; gives the status of the answer.
pub async fn push(
    shared: &Shared,
    client: &reqwest::Client,
    subscription: &Subscription,
    numbers: &[u64],
) -> Result<u16, SimError> {
    let body = shared.look(|state| {
        let find = |number: &u64| {
            let notice = state.notices.iter().find(|notice| notice.number == *number);
            notice.ok_or(SimError::NoSuchNotice(*number))
        };
        Ok::<_, SimError>(notification(&numbers.iter().map(find).collect::<Result<Vec<_>, _>>()?).to_string())
    })?;
    let id = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("-");
    let answer = client
        .post(&subscription.endpoint)
        .timeout(TIMEOUT)
        .header("content-type", FHIR_JSON)
        .header(SECRET_HEADER, &subscription.secret)
        .header(ID_HEADER, id)
        .body(body)
        .send()
        .await;
    let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
    shared.with(|state| {
        for number in numbers {
            state.pushed.push(Pushed { number: *number, status });
            if let Some(notice) = state.notices.iter_mut().find(|notice| notice.number == *number) {
                notice.pushed |= status == Some(204);
            }
        }
    });
    Ok(answer?.status().as_u16())
}
