//! What an operator changes: a package installed, a plugin granted more or less, a version gone back to. Each is made whole
//! or not at all, and recorded, as is each refusal.

use std::collections::BTreeMap;

use dialog_contract::{
    action::Action,
    ids::PluginId,
    package::statement::digest,
    plugin::{Asks, PluginState, PluginVersion},
};
use dialog_core::ports::store::Revision;
use semver::Version;

use super::{
    By, Packages,
    error::{Changed, PackagesError, Refused},
    state::{self, State},
};
use crate::{Ready, package::Package};

impl Packages {
    /// Installs a package: it serves at once where it asks for no more than is granted, and else waits while the version
    /// before serves on.
    ///
    /// # Errors
    /// [`PackagesError`]; then nothing has changed.
    pub async fn install(&self, file: Vec<u8>, by: &By) -> Result<Changed, Refused> {
        let _one = self.changing.lock().await;
        // Of what cannot be read, this is all that tells it from another.
        let mut about = BTreeMap::from([("size", file.len().to_string()), ("file", digest(&file))]);
        match self.take(file, by, &mut about).await {
            Ok(changed) => Ok(changed),
            Err(error) => Err(self.refuse(by, Action::PluginInstall, about, error).await),
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
            self.change(plugin, &next, revision, ready, by, Action::PluginGrant, about(plugin, Some(asks))).await
        };
        self.one(plugin, Some(asks), by, Action::PluginGrant, change).await
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
                    self.change(plugin, &next, revision, ready, by, Action::PluginRevoke, about(plugin, Some(asks)))
                        .await
                }
                // What is taken back is taken back, also from a version that cannot serve for another reason.
                Err(error) if !error.is_ours() => {
                    let changed = self
                        .change(plugin, &next, revision, None, by, Action::PluginRevoke, about(plugin, Some(asks)))
                        .await?;
                    self.refusals().insert(plugin.clone(), Refused::words(&error));
                    Ok(Changed { plugin: self.shown(plugin, &next), ..changed })
                }
                Err(error) => Err(error),
            }
        };
        self.one(plugin, Some(asks), by, Action::PluginRevoke, change).await
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
            self.change(plugin, &next, revision, ready, by, Action::PluginRollback, about(plugin, None)).await
        };
        self.one(plugin, None, by, Action::PluginRollback, change).await
    }

    /// One change of a plugin that is known, or the refusal of it.
    async fn one(
        &self,
        plugin: &PluginId,
        asked: Option<&Asks>,
        by: &By,
        action: Action,
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
            self.change(&plugin, &next, revision, ready, by, Action::PluginInstall, about.clone()).await?
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
        let receipt = self.record(by, Action::PluginInstall, about).await?;
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
        action: Action,
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
    pub(super) async fn ready(&self, plugin: &PluginId, state: &State) -> Result<Option<Ready>, PackagesError> {
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
