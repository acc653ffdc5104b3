//! One poll a plugin at a time, and what is said of those that fail: a provider that is down for hours, asked every
//! second, is a handful of records and not thousands. What is known of it is kept in memory: after a restart the first
//! failure is recorded anew.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use dialog_contract::ids::PluginId;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedMutexGuard;

use super::InboundError;
use crate::desk::{Desk, Trail};

/// How soon a failure of the same kind, told in other words, is recorded again. Details can hold times and request
/// ids, and be new each time.
const OTHER_WORDS: SignedDuration = SignedDuration::from_mins(10);

/// The polls of all plugins.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    plugins: Mutex<HashMap<PluginId, Arc<tokio::sync::Mutex<Health>>>>,
}

impl Polls {
    /// The right to poll a plugin until it is dropped; none where somebody has it.
    pub(super) fn begin(&self, plugin: &PluginId) -> Option<OwnedMutexGuard<Health>> {
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(plugins.entry(plugin.clone()).or_default()).try_lock_owned().ok()
    }
}

/// How the polls of one plugin have been going.
#[derive(Debug, Default)]
pub(super) struct Health {
    trouble: Option<Trouble>,
}

/// Polls that fail, one after the other.
#[derive(Debug)]
struct Trouble {
    kind: &'static str,
    words: String,
    since: Timestamp,
    recorded: Timestamp,
    /// Failures that were not recorded since one was.
    silent: u64,
}

impl Health {
    /// Whether this failure is to be recorded.
    fn tells(&self, kind: &str, words: &str, now: Timestamp) -> bool {
        match &self.trouble {
            None => true,
            Some(trouble) if trouble.kind != kind => true,
            Some(trouble) => trouble.words != words && now.duration_since(trouble.recorded) >= OTHER_WORDS,
        }
    }

    fn recorded(&mut self, kind: &'static str, words: String, now: Timestamp) {
        let since = self.trouble.as_ref().map_or(now, |trouble| trouble.since);
        self.trouble = Some(Trouble { kind, words, since, recorded: now, silent: 0 });
    }

    fn silent(&self) -> u64 {
        self.trouble.as_ref().map_or(0, |trouble| trouble.silent)
    }
}

impl Desk {
    /// Records a failed poll where that says something new.
    pub(super) async fn record_trouble(&self, health: &mut Health, mut trail: Trail, error: &InboundError) {
        let (kind, words, now) = (error.kind(), error.to_string(), self.now());
        if health.tells(kind, &words, now) {
            trail.detail("failure", words.as_str());
            trail.detail("silent", health.silent().to_string());
            match self.record_delivery(&trail).await {
                Ok(_) => return health.recorded(kind, words, now),
                Err(error) => tracing::error!(%error, "a failed poll could not be recorded"),
            }
        }
        if let Some(trouble) = &mut health.trouble {
            trouble.silent += 1;
        }
    }

    /// Records that polls work again, where they did not.
    pub(super) async fn record_recovery(&self, health: &mut Health, mut trail: Trail) {
        let Some(trouble) = &health.trouble else { return };
        trail.detail("recovered", trouble.kind);
        trail.detail("since", trouble.since.to_string());
        trail.detail("silent", trouble.silent.to_string());
        match self.record_delivery(&trail).await {
            Ok(_) => health.trouble = None,
            Err(error) => tracing::error!(%error, "that polls work again could not be recorded"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn one_plugin_is_polled_once_at_a_time_and_others_meanwhile() {
        let polls = Polls::default();
        let (ddfl, other) = ("ddfl".parse().unwrap(), "helserespons".parse().unwrap());
        let first = polls.begin(&ddfl).unwrap();
        assert!(polls.begin(&ddfl).is_none());
        assert!(polls.begin(&other).is_some());
        drop(first);
        assert!(polls.begin(&ddfl).is_some());
    }

    #[test]
    fn a_failure_is_told_once_and_again_when_it_becomes_another() {
        let mut health = Health::default();
        assert!(health.tells("unavailable", "down", at(0)));
        health.recorded("unavailable", "down".into(), at(0));
        assert!(!health.tells("unavailable", "down", at(100_000)));
        assert!(health.tells("faulty", "nonsense", at(1)));
    }

    #[test]
    fn a_failure_in_other_words_is_told_at_most_every_ten_minutes() {
        let mut health = Health::default();
        health.recorded("unavailable", "request 1 failed".into(), at(0));
        assert!(!health.tells("unavailable", "request 2 failed", at(599)));
        assert!(health.tells("unavailable", "request 3 failed", at(600)));
        health.recorded("unavailable", "request 3 failed".into(), at(600));
        assert_eq!(health.trouble.unwrap().since, at(0), "it is still the same trouble");
    }
}
