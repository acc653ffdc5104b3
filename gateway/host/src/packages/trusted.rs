//! Whose packages run: judged when a package is installed, whenever it is made ready to be called, and when the file of
//! trusted keys changes under way.
//!
//! The threat: a vendor's key is stolen, or a vendor is no longer trusted, while its plugin serves. Then the operator says
//! so in the file, and nothing else has to be done: the plugin is out of service within seconds, and is back as soon as
//! the file trusts it again. A file that cannot be read, such as one that is half written, takes nobody out of service:
//! the operator is told, and the next whole one counts.

use std::{collections::BTreeMap, path::Path, sync::PoisonError};

use dialog_contract::{
    action::Action,
    audit::{Actor, ActorRole},
    ids::PluginId,
    package,
};
use sha2::{Digest as _, Sha256};

use super::{By, Packages, error::PackagesError, state};
use crate::{
    file,
    limits::TRUST_BYTES,
    package::Package,
    trust::{Signer, Trust, TrustError, TrustFileError},
};

/// The file of trusted keys, as it was when it was last looked at: what is the same is not looked at twice, or told twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Looked {
    /// There is none.
    #[default]
    Nothing,
    /// Its SHA-256.
    Read([u8; 32]),
    /// It could not be read, for this reason.
    Unreadable(String),
}

impl Looked {
    /// Reads the file anew.
    pub(super) fn at(path: Option<&Path>) -> Self {
        match path.map(|path| file::read(path, TRUST_BYTES)) {
            None => Self::Nothing,
            Some(Ok(bytes)) => Self::Read(Sha256::digest(bytes).into()),
            Some(Err(error)) => Self::Unreadable(error.to_string()),
        }
    }
}

impl By {
    /// The gateway itself, without having been asked.
    pub(super) fn itself() -> Self {
        let actor = Actor { role: ActorRole::Gateway, client: "gateway".to_owned(), person: None, level: None };
        Self { actor, request: None, trace_id: None }
    }
}

impl Packages {
    /// Looks whether the file of trusted keys has changed since it was last looked at. A plugin for which nobody stands
    /// any longer serves no more; one that did not serve for that reason serves again. Both are recorded.
    ///
    /// Cheap where nothing has changed: the file is read, and nothing else.
    ///
    /// # Errors
    /// Where the file is not in order, once for each of its states: then everything stays as it is. Where the store or
    /// the audit log cannot be used: then it is tried again when it is next looked at.
    pub async fn look_again(&self) -> Result<(), PackagesError> {
        let Some(path) = self.trust.clone() else { return Ok(()) };
        let looked =
            tokio::task::spawn_blocking(move || Looked::at(Some(&path))).await.map_err(std::io::Error::from)?;
        if *self.looked.lock().unwrap_or_else(PoisonError::into_inner) == looked {
            return Ok(());
        }
        let _one = self.changing.lock().await;
        let held = self.hold(&By::itself()).await;
        if matches!(held, Ok(()) | Err(PackagesError::TrustFile(_))) {
            *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = looked;
        }
        held
    }

    /// Holds every plugin that serves, or did not for being refused, to whom the operator trusts now.
    async fn hold(&self, by: &By) -> Result<(), PackagesError> {
        // One that is not in order is no word of the operator's.
        self.trusts()?;
        tracing::info!("the file of trusted keys has changed");
        let served = self.ports.host.installations();
        for (plugin, state, _) in state::all(self.ports.store.as_ref()).await? {
            let Some(version) = state.runs() else { continue };
            if !served.iter().any(|served| served.plugin == plugin && served.digest == version.digest) {
                continue;
            }
            let limits = self.ports.host.limits();
            let trusted = async {
                let bytes = self.files.get(&plugin, version, limits.component_bytes).await?;
                self.judged(&bytes, &Package::read(&bytes, limits)?, version.installed)
            };
            match trusted.await {
                Ok(_) => {}
                Err(error @ PackagesError::Trust(_)) => self.stop(by, &plugin, version, error).await?,
                // The file is read when it is next started; what runs is what was installed.
                Err(error) => tracing::error!(%plugin, %error, "whether a plugin is still trusted could not be said"),
            }
        }
        self.load(by).await
    }

    /// Takes a plugin out of service for which nobody stands any longer. No new call begins; those under way end within
    /// their deadlines.
    async fn stop(
        &self,
        by: &By,
        plugin: &PluginId,
        version: &dialog_contract::plugin::PluginVersion,
        error: PackagesError,
    ) -> Result<(), PackagesError> {
        // First of all: it must not go on for want of a record.
        self.ports.host.remove(plugin);
        let about = BTreeMap::from([
            ("plugin", plugin.to_string()),
            ("version", version.version.clone()),
            ("digest", version.digest.clone()),
        ]);
        let refused = self.refuse(by, Action::PluginServe, about, error).await;
        self.refusals().insert(plugin.clone(), refused.why);
        Ok(())
    }

    /// Whom the operator trusts now.
    pub(super) fn trusts(&self) -> Result<Trust, TrustFileError> {
        match &self.trust {
            Some(path) => Trust::read(path, self.unsigned),
            None => Ok(Trust::default().with_unsigned(self.unsigned)),
        }
    }

    /// Who stands for a package, by the keys that are trusted now, as of the moment of its installation.
    pub(super) fn judged(
        &self,
        file: &[u8],
        package: &Package,
        at: jiff::Timestamp,
    ) -> Result<Option<Signer>, PackagesError> {
        let opened = package::open(file).map_err(TrustError::from)?;
        Ok(self.trusts()?.check(&opened, &package.manifest, at)?)
    }
}
