//! Waiting for something to happen in a back end: told of every change, bounded by the back end's patience, never asleep.

use std::time::Duration;
use tokio::sync::watch;

/// What was waited for did not come.
#[derive(Debug, thiserror::Error)]
#[error("{what} did not come within {seconds} s; {seen}")]
pub struct Overdue {
    /// What was waited for.
    pub what: &'static str,
    /// How long.
    pub seconds: u64,
    /// What there is instead.
    pub seen: String,
}

/// Tells who waits that something has changed.
#[derive(Debug)]
pub struct Changes(watch::Sender<u64>);

impl Default for Changes {
    fn default() -> Changes {
        Changes(watch::Sender::new(0))
    }
}

impl Changes {
    /// Wakes who waits.
    pub fn wake(&self) {
        self.0.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Waits until `look` finds something and gives it, or until time is up.
    pub async fn find<T>(&self, time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        // Before the first look, so that no change between look and wait is missed.
        let mut changed = self.0.subscribe();
        let found = tokio::time::timeout(time, async {
            loop {
                if let Some(found) = look() {
                    return Some(found);
                }
                changed.changed().await.ok()?;
            }
        });
        found.await.ok().flatten()
    }

    /// As [`Changes::find`], for what must come.
    ///
    /// # Errors
    /// It did not, within a back end's patience; `seen` says what there is instead.
    pub async fn wait_for<T>(
        &self,
        what: &'static str,
        patience: Duration,
        look: impl FnMut() -> Option<T>,
        seen: impl FnOnce() -> String,
    ) -> Result<T, Overdue> {
        let found = self.find(patience, look).await;
        found.ok_or_else(|| Overdue { what, seconds: patience.as_secs(), seen: seen() })
    }
}
