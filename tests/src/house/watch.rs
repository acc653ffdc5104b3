//! A citizen's screen: follows the server-sent events and waits for what should come, without asking again and again.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use dialog_contract::{
    event::{Event, EventType},
    schema::{self, Resource},
    service::Locale,
};
use futures_util::StreamExt;
use tokio::{sync::watch, task::JoinHandle};
use url::Url;

use super::{portal::Portal, proof::Token};

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Follows one citizen's events until it is dropped.
pub struct Screen {
    seen: Arc<Mutex<Vec<Event>>>,
    changed: watch::Receiver<usize>,
    following: JoinHandle<()>,
}

impl Screen {
    /// Connects; events from now on are seen, and those after `last` where one is given.
    pub async fn open(base: &Url, token: &Token, last: Option<&str>) -> anyhow::Result<Self> {
        let mut call = Portal::new(base.clone(), Some(token.clone()))?.get("/v1/me/events", &[]);
        if let Some(last) = last {
            call = call.header("last-event-id", last);
        }
        let response = call.answer().await?.error_for_status()?;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        ensure!(kind.starts_with("text/event-stream"), "the stream is {kind}");
        let seen: Arc<Mutex<Vec<Event>>> = Arc::default();
        let (sender, changed) = watch::channel(0);
        let known = Arc::clone(&seen);
        let following = tokio::spawn(async move {
            let mut bytes = response.bytes_stream();
            let mut pending = Vec::new();
            while let Some(Ok(chunk)) = bytes.next().await {
                pending.extend_from_slice(&chunk);
                while let Some(end) = pending.windows(2).position(|pair| pair == b"\n\n") {
                    let block: Vec<u8> = pending.drain(..end + 2).collect();
                    let block = String::from_utf8_lossy(&block);
                    // A comment keeps the connection alive; everything else is an event.
                    let Some(data) = block.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
                    // What is no event ends the following, and who waits is told that the stream ended.
                    let Some(event) = valid(data) else { return };
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.push(event);
                    let _ = sender.send(known.len());
                }
            }
        });
        Ok(Self { seen, changed, following })
    }

    /// Waits for an event of this type about `subject`, also one that has come already.
    pub async fn wait(&mut self, kind: EventType, subject: &str) -> anyhow::Result<Event> {
        self.wait_for(&format!("{kind} about {subject}"), |event| {
            event.kind == kind && event.subject.ends_with(subject)
        })
        .await
    }

    /// Waits for the first event that is wanted, also one that has come already.
    pub async fn wait_for(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> anyhow::Result<Event> {
        let found = async {
            loop {
                if let Some(event) = self.all().into_iter().find(&wanted) {
                    return Ok(event);
                }
                if self.changed.changed().await.is_err() {
                    bail!("the stream ended");
                }
            }
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| bail!("it did not come within {} s", PATIENCE.as_secs()))
            .with_context(|| format!("waiting for {what}; seen: {:?}", self.summary()))
    }

    /// Everything seen so far.
    #[must_use]
    pub fn all(&self) -> Vec<Event> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many events of this type there were about `subject`.
    #[must_use]
    pub fn count(&self, kind: EventType, subject: &str) -> usize {
        self.all().iter().filter(|event| event.kind == kind && event.subject.ends_with(subject)).count()
    }

    fn summary(&self) -> Vec<String> {
        self.all().iter().map(|event| format!("{} {}", event.kind, event.subject)).collect()
    }
}

/// An event that its schema allows.
fn valid(data: &str) -> Option<Event> {
    let json = serde_json::from_str(data).ok()?;
    schema::validate(Resource::Event, &json, Locale::En).ok()?;
    serde_json::from_value(json).ok()
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.following.abort();
    }
}
