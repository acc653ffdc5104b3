//! What is remembered of a plugin: versions, and the grant. In a space of the store that no plugin and no dialog reaches.

use bytes::Bytes;
use dialog_contract::{
    ids::PluginId,
    plugin::{Asks, PluginVersion},
};
use dialog_core::ports::store::{Batch, Range, Revision, Store, StoreError, space};
use serde::{Deserialize, Serialize};

use crate::{
    Grant,
    limits::{PLUGINS, VERSIONS_KEPT},
};

/// One plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct State {
    /// What it is granted.
    pub(super) grant: Grant,
    /// What the configuration said when it was last heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) declared: Option<Declared>,
    /// The version that serves, where the grant allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<PluginVersion>,
    /// The version that takes over once the grant allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) waiting: Option<PluginVersion>,
    /// What served before, the latest first.
    #[serde(default)]
    pub(super) earlier: Vec<PluginVersion>,
}

/// What the configuration says of a plugin, by its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Declared {
    /// Of the package, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<String>,
    /// Of the grant.
    pub(super) grant: String,
}

impl State {
    /// What a version asks for and is not granted.
    pub(super) fn missing(&self, version: &PluginVersion) -> Asks {
        version.asks.without(&self.grant.asks())
    }

    /// The version that runs by this state: the waiting one as soon as it may, else the current one where it may.
    pub(super) fn runs(&self) -> Option<&PluginVersion> {
        [&self.waiting, &self.current].into_iter().flatten().find(|version| self.missing(version).is_empty())
    }

    /// Takes a new version in: to serve where the grant allows it, and else to wait. The current one brought again, or
    /// signed anew, stays the current one, and what waits goes on waiting.
    pub(super) fn take(&mut self, version: PluginVersion) {
        match &mut self.current {
            Some(current) if current.digest == version.digest => *current = version,
            _ => {
                self.waiting = Some(version);
                self.settle();
            }
        }
    }

    /// Lets the waiting version take over where the grant allows it.
    pub(super) fn settle(&mut self) {
        if self.waiting.as_ref().is_some_and(|waiting| self.missing(waiting).is_empty()) {
            let before = std::mem::replace(&mut self.current, self.waiting.take());
            self.earlier.splice(0..0, before);
            self.earlier.retain(|known| self.current.as_ref().is_none_or(|now| now.digest != known.digest));
            self.earlier.truncate(VERSIONS_KEPT);
        }
    }

    /// Every version whose file is needed.
    pub(super) fn versions(&self) -> Vec<&PluginVersion> {
        [&self.waiting, &self.current].into_iter().flatten().chain(&self.earlier).collect()
    }
}

/// Reads what is remembered of a plugin; nothing of one that is not known.
pub(super) async fn read(store: &dyn Store, plugin: &PluginId) -> Result<Option<(State, Revision)>, StoreError> {
    let Some(found) = store.get(&key(plugin)).await? else { return Ok(None) };
    Ok(Some((parsed(&found.value)?, found.revision)))
}

/// Reads what is remembered of all plugins, by id.
pub(super) async fn all(store: &dyn Store) -> Result<Vec<(PluginId, State, Revision)>, StoreError> {
    let (from, until) = (Bytes::from_static(&[space::PACKAGES]), Bytes::from_static(&[space::PACKAGES + 1]));
    let range = Range { from, until: Some(until), limit: PLUGINS, reverse: false };
    let damaged = || StoreError::Damaged("the key of an installed plugin".to_owned());
    store
        .scan(range)
        .await?
        .into_iter()
        .map(|entry| {
            let id = std::str::from_utf8(&entry.key[1..]).ok().and_then(|id| id.parse().ok()).ok_or_else(damaged)?;
            Ok((id, parsed(&entry.versioned.value)?, entry.versioned.revision))
        })
        .collect()
}

/// Writes, unless somebody else wrote in between, and gives the revision; none forgets the plugin.
pub(super) async fn write(
    store: &dyn Store,
    plugin: &PluginId,
    state: Option<&State>,
    before: Option<Revision>,
) -> Result<Revision, StoreError> {
    let (key, mut batch) = (key(plugin), Batch::default());
    match before {
        Some(revision) => batch.require_at(key.clone(), revision),
        None => batch.require_absent(key.clone()),
    };
    match state {
        Some(state) => {
            let json = serde_json::to_vec(state).map_err(|error| StoreError::Damaged(error.to_string()))?;
            batch.put(key, json)
        }
        None => batch.delete(key),
    };
    store.commit(batch).await
}

fn key(plugin: &PluginId) -> Bytes {
    [&[space::PACKAGES], plugin.as_str().as_bytes()].concat().into()
}

fn parsed(json: &[u8]) -> Result<State, StoreError> {
    serde_json::from_slice(json).map_err(|error| StoreError::Damaged(format!("an installed plugin: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dialog_contract::provider::Capability;

    use super::*;

    fn version(version: &str, capabilities: &[Capability]) -> PluginVersion {
        PluginVersion {
            version: version.to_owned(),
            digest: version.repeat(10),
            installed: "2026-03-02T08:00:00Z".parse().unwrap(),
            asks: Asks { capabilities: capabilities.to_vec(), national_identity_number: false },
            key: None,
            vendor: None,
        }
    }

    fn runs(state: &State) -> Option<&str> {
        state.runs().map(|version| version.version.as_str())
    }

    #[test]
    fn an_upgrade_that_asks_for_more_waits_while_the_version_before_serves() {
        let mut state = State::default();
        state.take(version("1.0.0", &[]));
        state.take(version("1.1.0", &[Capability::Log]));
        assert_eq!((runs(&state), state.waiting.is_some()), (Some("1.0.0"), true));
        state.grant.capabilities = vec![Capability::Log];
        assert_eq!(runs(&state), Some("1.1.0"));
        state.settle();
        assert_eq!((runs(&state), state.waiting.is_some()), (Some("1.1.0"), false));
        assert_eq!(state.earlier[0].version, "1.0.0");
        state.grant.capabilities.clear();
        assert_eq!(runs(&state), None);
    }

    #[test]
    fn the_current_version_brought_again_leaves_everything_as_it_is() {
        let mut state = State::default();
        state.take(version("1.0.0", &[]));
        state.take(version("1.1.0", &[]));
        state.take(version("1.2.0", &[Capability::Log]));
        let before = state.clone();
        state.take(version("1.1.0", &[]));
        assert_eq!(state, before);
    }

    #[test]
    fn as_many_earlier_versions_are_kept_as_the_limit_says_each_once() {
        let mut state = State::default();
        for number in 0..20 {
            state.take(version(&format!("1.{number}.0"), &[]));
        }
        assert_eq!(state.earlier.len(), VERSIONS_KEPT);
        state.take(version("1.18.0", &[]));
        let earlier: Vec<&str> = state.earlier.iter().map(|known| known.version.as_str()).collect();
        assert_eq!(earlier[..2], ["1.19.0", "1.17.0"]);
    }
}
