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
//! - [`Packages`]: the changes. `start`: the configuration and what is remembered, made one. `trusted`: whose packages
//!   run, also when that changes under way. `state`: what is remembered. `files`: the packages' files. `record`: what is
//!   written down. [`error`]: refusals.

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
    plugin::{Asks, Plugin, PluginState, PluginVersion},
};
use dialog_core::ports::{
    clock::Clock,
    evidence::Evidence,
    store::{Revision, Store},
};
use semver::Version;
use tokio::sync::Mutex;

use self::{
    error::{Changed, PackagesError, Refused},
    files::Files,
    state::State,
    trusted::Looked,
};
use crate::{Host, PluginConfig, Ready, package::Package};

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
    /// Whether `config.package` names a file.
    pub has_package: bool,
    /// Package, grant, upstreams, settings.
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

    /// Installs a package: it serves at once where it asks for no more than is granted, and else waits while the version
    /// before serves on.
    ///
    /// # Errors
    /// [`PackagesError`]; then nothing has changed.
    pub async fn install(&self, file: Vec<u8>, by: &By) -> Result<Changed, Refused> {
        let _one = self.changing.lock().await;
        let mut about = BTreeMap::from([("size", file.len().to_string())]);
        match self.take(file, by, &mut about).await {
            Ok(changed) => Ok(changed),
            Err(error) => Err(self.refuse(by, "plugin.install", about, error).await),
        }
    }

    /// Grants a plugin more. A version that waited for it takes over. Where `seen` is given, only on that revision.
    ///
    /// # Errors
    /// [`PackagesError`]; then nothing has changed.
    pub async fn grant(
        &self,
        plugin: &PluginId,
        asks: &Asks,
        seen: Option<Revision>,
        by: &By,
    ) -> Result<Changed, Refused> {
        let change = async {
            let (mut next, revision) = self.known_as(plugin, seen).await?;
            next.grant = next.grant.of(&next.grant.asks().with(asks));
            next.settle();
            let ready = self.ready(plugin, &next).await?;
            self.change(plugin, &next, revision, ready, by, "plugin.grant", about(plugin, Some(asks))).await
        };
        self.one(plugin, Some(asks), by, "plugin.grant", change).await
    }

    /// Takes back what a plugin was granted. Where its version asks for it, no more calls go to it. Where `seen` is given,
    /// only on that revision.
    ///
    /// # Errors
    /// [`PackagesError`]; then nothing has changed.
    pub async fn revoke(
        &self,
        plugin: &PluginId,
        asks: &Asks,
        seen: Option<Revision>,
        by: &By,
    ) -> Result<Changed, Refused> {
        let change = async {
            let (mut next, revision) = self.known_as(plugin, seen).await?;
            next.grant = next.grant.of(&next.grant.asks().without(asks));
            next.settle();
            match self.ready(plugin, &next).await {
                Ok(ready) => {
                    self.change(plugin, &next, revision, ready, by, "plugin.revoke", about(plugin, Some(asks))).await
                }
                // What is taken back is taken back, also from a version that cannot serve for another reason.
                Err(error) if !error.is_ours() => {
                    let changed = self
                        .change(plugin, &next, revision, None, by, "plugin.revoke", about(plugin, Some(asks)))
                        .await?;
                    self.refusals().insert(plugin.clone(), Refused::words(&error));
                    Ok(Changed { plugin: self.shown(plugin, &next), ..changed })
                }
                Err(error) => Err(error),
            }
        };
        self.one(plugin, Some(asks), by, "plugin.revoke", change).await
    }

    /// Goes back to the version that served before. What waits for a grant is given up. Where `seen` is given, only from
    /// that revision: of two that ask for it at once, or of one that asks again, one goes back.
    ///
    /// # Errors
    /// [`PackagesError`]; then nothing has changed.
    pub async fn rollback(&self, plugin: &PluginId, seen: Option<Revision>, by: &By) -> Result<Changed, Refused> {
        let change = async {
            let (mut next, revision) = self.known_as(plugin, seen).await?;
            if next.earlier.is_empty() {
                return Err(PackagesError::NothingEarlier(plugin.clone()));
            }
            let version = next.earlier.remove(0);
            let missing = next.missing(&version);
            if !missing.is_empty() {
                let (plugin, version) = (plugin.clone(), version.version);
                return Err(PackagesError::NotGranted { plugin, version, missing });
            }
            (next.current, next.waiting) = (Some(version), None);
            let ready = self.ready(plugin, &next).await?;
            self.change(plugin, &next, revision, ready, by, "plugin.rollback", about(plugin, None)).await
        };
        self.one(plugin, None, by, "plugin.rollback", change).await
    }

    /// One change of a plugin that is known, or the refusal of it.
    async fn one(
        &self,
        plugin: &PluginId,
        asked: Option<&Asks>,
        by: &By,
        action: &str,
        change: impl Future<Output = Result<Changed, PackagesError>> + Send,
    ) -> Result<Changed, Refused> {
        let _one = self.changing.lock().await;
        match change.await {
            Ok(changed) => Ok(changed),
            Err(error) => Err(self.refuse(by, action, about(plugin, asked), error).await),
        }
    }

    /// Judges a package and takes it in. `about` learns what it is, as far as that is known.
    async fn take(
        &self,
        file: Vec<u8>,
        by: &By,
        about: &mut BTreeMap<&'static str, String>,
    ) -> Result<Changed, PackagesError> {
        let package = Package::read(&file, self.ports.host.limits())?;
        let plugin = package.manifest.id.clone();
        about.extend([
            ("plugin", plugin.to_string()),
            ("version", package.manifest.version.clone()),
            ("digest", package.digest.clone()),
        ]);
        let now = self.ports.clock.now();
        let signer = self.judged(&file, &package, now)?;
        let known = state::read(self.ports.store.as_ref(), &plugin).await?;
        let (mut next, revision) =
            known.map_or_else(|| (self.beginning(&plugin), None), |(state, revision)| (state, Some(revision)));
        let is_new = next.versions().is_empty();
        not_lower(&plugin, &package.manifest.version, next.current.as_ref())?;
        let (key, vendor) = signer.map_or((None, None), |signer| (Some(signer.key), Some(signer.vendor)));
        about.extend(key.iter().map(|key| ("key", key.to_string())));
        about.extend(vendor.iter().map(|vendor| ("vendor", vendor.clone())));
        let version = PluginVersion {
            version: package.manifest.version.clone(),
            digest: package.digest.clone(),
            installed: now,
            asks: package.asks(),
            key,
            vendor,
        };
        // What waits is held to everything but the grant: else the operator would grant it and then learn more.
        let mut config = self.config(&plugin);
        config.grant = next.grant.of(&next.grant.asks().with(&version.asks));
        let mut ready = Some(self.ports.host.prepare(file.clone(), &config).await?);
        self.files.put(&plugin, &version, file).await?;
        next.take(version);
        let serves = next.runs().is_some_and(|runs| runs.digest == package.digest);
        if !serves {
            // It was made ready with more than is granted.
            ready = None;
        }
        about.insert("state", if serves { "serving" } else { "waiting-for-grant" }.to_owned());
        let changed = if !serves && next.runs().is_some() {
            // The version before serves on, as it does now.
            self.keep(&plugin, &next, revision, by, about.clone()).await?
        } else {
            self.change(&plugin, &next, revision, ready, by, "plugin.install", about.clone()).await?
        };
        Ok(Changed { is_new, ..changed })
    }

    /// Remembers a version that waits, and leaves what serves as it is.
    async fn keep(
        &self,
        plugin: &PluginId,
        next: &State,
        before: Option<Revision>,
        by: &By,
        about: BTreeMap<&'static str, String>,
    ) -> Result<Changed, PackagesError> {
        let receipt = self.record(by, "plugin.install", about).await?;
        let revision = state::write(self.ports.store.as_ref(), plugin, Some(next), before).await?;
        self.files.keep(plugin, &next.versions()).await;
        Ok(Changed { plugin: self.shown(plugin, next), revision, is_new: false, receipt })
    }

    /// Records and remembers what is next, and sends new calls to it.
    #[expect(clippy::too_many_arguments, reason = "one change, with all that is written down of it")]
    async fn change(
        &self,
        plugin: &PluginId,
        next: &State,
        before: Option<Revision>,
        ready: Option<Ready>,
        by: &By,
        action: &str,
        mut about: BTreeMap<&'static str, String>,
    ) -> Result<Changed, PackagesError> {
        about.insert("granted", next.grant.asks().to_string());
        match &ready {
            Some(ready) => {
                let runs = ready.installation();
                about.extend([
                    ("version", runs.version.clone()),
                    ("digest", runs.digest.clone()),
                    ("grant", runs.grant_sha256.clone()),
                    ("state", PluginState::Serving.to_string()),
                ]);
            }
            None if next.runs().is_some() => drop(about.insert("state", PluginState::Refused.to_string())),
            None => drop(about.insert("state", PluginState::WaitingForGrant.to_string())),
        }
        let receipt = self.record(by, action, about).await?;
        let revision = state::write(self.ports.store.as_ref(), plugin, Some(next), before).await?;
        match ready {
            Some(ready) => drop(self.ports.host.activate(ready)),
            None => drop(self.ports.host.remove(plugin)),
        }
        self.refusals().remove(plugin);
        self.files.keep(plugin, &next.versions()).await;
        Ok(Changed { plugin: self.shown(plugin, next), revision, is_new: false, receipt })
    }

    /// What runs by a state, ready to be called: read, judged as of its installation, linked with its grant.
    async fn ready(&self, plugin: &PluginId, state: &State) -> Result<Option<Ready>, PackagesError> {
        let Some(version) = state.runs() else { return Ok(None) };
        let limits = self.ports.host.limits();
        let file = self.files.get(plugin, version, limits.component_bytes).await?;
        let package = Package::read(&file, limits)?;
        if package.digest != version.digest || package.manifest.id != *plugin {
            let (plugin, version) = (plugin.clone(), version.version.clone());
            return Err(PackagesError::OtherFile { plugin, version });
        }
        self.judged(&file, &package, version.installed)?;
        let mut config = self.config(plugin);
        config.grant = state.grant.clone();
        Ok(Some(self.ports.host.prepare(file, &config).await?))
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

    /// As [`Self::known`], where that is the revision which was seen.
    async fn known_as(
        &self,
        plugin: &PluginId,
        seen: Option<Revision>,
    ) -> Result<(State, Option<Revision>), PackagesError> {
        let (state, revision) = self.known(plugin).await?;
        if state.versions().is_empty() {
            return Err(PackagesError::NotInstalled(plugin.clone()));
        }
        if seen.is_some_and(|seen| seen != revision) {
            return Err(PackagesError::ChangedSince(plugin.clone()));
        }
        Ok((state, Some(revision)))
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

/// What is written down of a change: of which plugin, and of what it was asked for.
fn about(plugin: &PluginId, asked: Option<&Asks>) -> BTreeMap<&'static str, String> {
    let mut about = BTreeMap::from([("plugin", plugin.to_string())]);
    about.extend(asked.map(|asked| ("asked", asked.to_string())));
    about
}

/// A version is never lower than the one that serves. Manifests have semantic versions.
fn not_lower(plugin: &PluginId, found: &str, current: Option<&PluginVersion>) -> Result<(), PackagesError> {
    let Some(current) = current else { return Ok(()) };
    let lower = match (Version::parse(found), Version::parse(&current.version)) {
        (Ok(found), Ok(installed)) => found.cmp_precedence(&installed).is_lt(),
        _ => true,
    };
    if lower {
        let (plugin, found, installed) = (plugin.clone(), found.to_owned(), current.version.clone());
        return Err(PackagesError::Downgraded { plugin, found, installed });
    }
    Ok(())
}
