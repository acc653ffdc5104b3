//! Which packages are installed, and what they are granted: changed while calls are under way, remembered over restarts,
//! every change and every refusal in the audit log.
//!
//! The configuration is where it begins: each entry of `[[plugins]]` binds a plugin's upstreams and settings, and may
//! name a package and a grant to begin with. What the operator then installs, grants and takes back by command is
//! remembered, and goes on after a restart. The last word counts: an entry acts again when its package or its grant has
//! changed since it last did. A plugin whose entry is gone from the file goes with it; one that came by command alone
//! stays.
//!
//! A change is made in this order, so that a crash between any two steps leaves what was there or what is new: the package
//! is judged and made ready to be called; its file is durable; the record is durable; the state is durable; then new
//! calls go to it. Calls that are under way end with the version that they began with.
//!
//! Floor plan
//! - [`Packages`]: what there is. `changes`: what an operator changes of it. `start`: the configuration and what is
//!   remembered, made one. `trusted`: whose packages run, also when that changes under way. `state`: what is remembered.
//!   `files`: the packages' files. `record`: what is written down. [`error`]: refusals.

mod changes;
pub mod error;
mod files;
mod record;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod trusted;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex as Lock, PoisonError},
};

use dialog_contract::{
    audit::Actor,
    ids::{PluginId, RequestId},
    plugin::{Plugin, PluginState},
};
use dialog_core::ports::{
    clock::Clock,
    evidence::Evidence,
    store::{Revision, Store},
};
use tokio::sync::Mutex;

use self::{error::PackagesError, files::Files, state::State, trusted::Looked};
use crate::{Host, PluginConfig, package::Brought};

/// Where packages are kept and whose are taken.
#[derive(Debug, Clone, Default)]
pub struct PackagesConfig {
    /// The folder of their files; the gateway's alone.
    pub folder: PathBuf,
    /// The file of trusted keys, read anew for each package, and looked at by [`Packages::look_again`]; nobody is trusted
    /// without one.
    pub trust: Option<PathBuf>,
    /// Also packages that nobody signed are taken, as while developing.
    pub unsigned: bool,
    /// What the configuration says of plugins.
    pub entries: Vec<Entry>,
}

/// An entry of `[[plugins]]`.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Which plugin it is about.
    pub plugin: Option<PluginId>,
    /// The package that it names.
    pub package: Option<Brought>,
    /// Grant, upstreams, settings.
    pub config: PluginConfig,
}

/// What is needed of the outside.
#[derive(Clone)]
pub struct PackagesPorts {
    /// Runs what is installed.
    pub host: Arc<Host>,
    /// Remembers it.
    pub store: Arc<dyn Store>,
    /// Records it.
    pub evidence: Arc<dyn Evidence>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

/// Who makes a change.
#[derive(Debug, Clone)]
pub struct By {
    /// The operator, or the gateway itself when it starts.
    pub actor: Actor,
    /// The request.
    pub request: Option<RequestId>,
    /// The trace that it belongs to.
    pub trace_id: Option<String>,
}

/// Installed packages.
///
/// Opened once, before any listener; every method may be called at any time from then on. One change is made at a time;
/// reading waits for none.
pub struct Packages {
    ports: PackagesPorts,
    files: Files,
    trust: Option<PathBuf>,
    unsigned: bool,
    /// What the configuration binds, by plugin.
    configs: BTreeMap<PluginId, PluginConfig>,
    /// Why what should serve does not.
    refused: Lock<BTreeMap<PluginId, String>>,
    /// The file of trusted keys, as it was when it was last looked at.
    looked: Lock<Looked>,
    changing: Mutex<()>,
}

impl Packages {
    /// The largest package that is taken, in bytes.
    #[must_use]
    pub fn component_bytes(&self) -> u64 {
        self.ports.host.limits().component_bytes
    }

    /// Every plugin, by id.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self) -> Result<Vec<Plugin>, PackagesError> {
        let all = state::all(self.ports.store.as_ref()).await?;
        let installed = all.iter().filter(|(_, state, _)| !state.versions().is_empty());
        Ok(installed.map(|(id, state, _)| self.shown(id, state)).collect())
    }

    /// One plugin, with the revision by which a change can be held to it.
    ///
    /// # Errors
    /// Where it is not installed, or the store cannot be read.
    pub async fn show(&self, plugin: &PluginId) -> Result<(Plugin, Revision), PackagesError> {
        match self.known(plugin).await? {
            (state, _) if state.versions().is_empty() => Err(PackagesError::NotInstalled(plugin.clone())),
            (state, revision) => Ok((self.shown(plugin, &state), revision)),
        }
    }

    /// A plugin that nobody has installed yet, with what the configuration grants it.
    fn beginning(&self, plugin: &PluginId) -> State {
        let config = self.config(plugin);
        let declared = self.configs.contains_key(plugin).then(|| start::declared(&config, None));
        State { grant: config.grant, declared, ..State::default() }
    }

    /// What the configuration binds; nothing for a plugin that it does not name.
    fn config(&self, plugin: &PluginId) -> PluginConfig {
        self.configs.get(plugin).cloned().unwrap_or_default()
    }

    async fn known(&self, plugin: &PluginId) -> Result<(State, Revision), PackagesError> {
        let known = state::read(self.ports.store.as_ref(), plugin).await?;
        known.ok_or_else(|| PackagesError::NotInstalled(plugin.clone()))
    }

    fn shown(&self, plugin: &PluginId, state: &State) -> Plugin {
        let problem = self.refusals().get(plugin).cloned();
        Plugin {
            id: plugin.clone(),
            state: match state.runs() {
                Some(_) if problem.is_none() => PluginState::Serving,
                Some(_) => PluginState::Refused,
                None => PluginState::WaitingForGrant,
            },
            granted: state.grant.asks(),
            current: state.current.clone(),
            waiting: state.waiting.clone(),
            earlier: state.earlier.clone(),
            problem,
        }
    }

    fn refusals(&self) -> std::sync::MutexGuard<'_, BTreeMap<PluginId, String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
