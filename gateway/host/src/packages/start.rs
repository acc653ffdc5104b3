//! The start: what the configuration says and what is remembered become one.

use std::{collections::BTreeMap, sync::Mutex as Lock};

use dialog_contract::{action::Action, ids::PluginId};
use tokio::sync::Mutex;

use super::{
    By, Packages, PackagesConfig, PackagesPorts,
    error::{PackagesError, Refused},
    files::Files,
    state::{self, Declared, State},
    trusted::Looked,
};
use crate::PluginConfig;

/// What an entry says, by digests.
pub(super) fn declared(config: &PluginConfig, package: Option<String>) -> Declared {
    Declared { package, grant: config.grant.fingerprint(&BTreeMap::new()) }
}

impl Packages {
    /// Opens the folder, heeds the configuration, and sends calls to everything that may serve.
    ///
    /// # Errors
    /// Where the folder or the store cannot be used, or a package that the configuration names anew is refused. What was
    /// installed before and is refused now, such as by a key that was revoked since, does not serve, and is recorded: one
    /// vendor's trouble does not keep the others from starting.
    pub async fn open(config: PackagesConfig, ports: PackagesPorts) -> Result<Self, Refused> {
        let (by, unrecorded) = (By::itself(), Refused::unrecorded);
        let mut packages = Self {
            files: Files::open(&config.folder).map_err(|error| unrecorded(error.into()))?,
            ports,
            looked: Lock::new(Looked::at(config.trust.as_deref())),
            trust: config.trust,
            unsigned: config.unsigned,
            configs: BTreeMap::new(),
            refused: Lock::default(),
            changing: Mutex::default(),
        };
        if config.unsigned {
            tracing::warn!("packages that nobody signed are taken (`unsigned-plugins`): for developing only");
        }
        let mut named = Vec::new();
        for entry in config.entries {
            let (file, package) = entry.package.map(|brought| (brought.file, brought.package)).unzip();
            let Some(id) = package.as_ref().map(|package| package.manifest.id.clone()).or(entry.plugin) else {
                continue;
            };
            let digest = package.map(|package| package.digest);
            packages.configs.insert(id.clone(), entry.config);
            named.push((id, file, digest));
        }
        packages.forget(&by).await.map_err(unrecorded)?;
        for (plugin, file, digest) in named {
            packages.heed(&plugin, file, digest, &by).await?;
        }
        packages.load(&by).await.map_err(unrecorded)?;
        Ok(packages)
    }

    /// Forgets what the configuration named and names no more.
    async fn forget(&self, by: &By) -> Result<(), PackagesError> {
        for (plugin, state, revision) in state::all(self.ports.store.as_ref()).await? {
            if state.declared.is_some() && !self.configs.contains_key(&plugin) {
                self.record(by, Action::PluginRemove, BTreeMap::from([("plugin", plugin.to_string())])).await?;
                state::write(self.ports.store.as_ref(), &plugin, None, Some(revision)).await?;
                self.files.keep(&plugin, &[]).await;
                tracing::info!(%plugin, "a plugin that the configuration no longer names was removed");
            }
        }
        Ok(())
    }

    /// Does what an entry says, where it says something new.
    async fn heed(
        &self,
        plugin: &PluginId,
        file: Option<Vec<u8>>,
        digest: Option<String>,
        by: &By,
    ) -> Result<(), Refused> {
        let unrecorded = Refused::unrecorded;
        let store = self.ports.store.as_ref();
        let config = self.config(plugin);
        let says = declared(&config, digest.clone());
        let known = state::read(store, plugin).await.map_err(|error| unrecorded(error.into()))?;
        let (mut state, revision) = known.map_or_else(
            || (State { grant: config.grant.clone(), ..State::default() }, None),
            |(state, revision)| (state, Some(revision)),
        );
        let before = state.declared.clone();
        if before.as_ref() == Some(&says) {
            return Ok(());
        }
        if before.as_ref().is_none_or(|before| before.grant != says.grant) {
            state.grant = config.grant;
            state.settle();
        }
        let is_new = digest.is_some() && before.as_ref().and_then(|before| before.package.as_ref()) != digest.as_ref();
        // Whether the package is taken is not known yet: until then the entry has said nothing of it.
        let package = before.and_then(|before| before.package);
        state.declared = Some(Declared { package: if is_new { package } else { digest.clone() }, ..says.clone() });
        state::write(store, plugin, Some(&state), revision).await.map_err(|error| unrecorded(error.into()))?;
        if let Some(file) = file.filter(|_| is_new) {
            let serves = state.current.as_ref().map(|current| &current.digest) == digest.as_ref();
            if !serves {
                self.install(file, by).await?;
            }
            let heeded = async {
                let (mut state, revision) = self.known(plugin).await?;
                state.declared = Some(says);
                state::write(store, plugin, Some(&state), Some(revision)).await?;
                Ok(())
            };
            heeded.await.map_err(unrecorded)?;
        }
        Ok(())
    }

    /// Sends calls to everything that may serve and does not yet.
    pub(super) async fn load(&self, by: &By) -> Result<(), PackagesError> {
        for (plugin, state, _) in state::all(self.ports.store.as_ref()).await? {
            let Some(version) = state.runs() else {
                tracing::warn!(%plugin, "a plugin asks for more than it is granted, and does not serve");
                continue;
            };
            let served = self.ports.host.installations();
            if served.iter().any(|served| served.plugin == plugin && served.digest == version.digest) {
                continue;
            }
            let mut about = BTreeMap::from([
                ("plugin", plugin.to_string()),
                ("version", version.version.clone()),
                ("digest", version.digest.clone()),
            ]);
            match self.ready(&plugin, &state).await {
                Ok(Some(ready)) => {
                    about.insert("grant", ready.installation().grant_sha256.clone());
                    self.record(by, Action::PluginLoad, about).await?;
                    self.ports.host.activate(ready);
                    self.refusals().remove(&plugin);
                }
                Ok(None) => {}
                // What was refused for the same before is on record.
                Err(error) if self.refusals().get(&plugin) == Some(&Refused::words(&error)) => {}
                Err(error) => {
                    let refused = self.refuse(by, Action::PluginLoad, about, error).await;
                    self.refusals().insert(plugin, refused.why);
                }
            }
        }
        Ok(())
    }
}
