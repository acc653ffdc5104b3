//! Why something about packages was refused: each with its word for the audit log, and with what to do.

use std::io;

use dialog_contract::{
    ids::PluginId,
    plugin::{Asks, Plugin},
};
use dialog_core::ports::{
    evidence::{EvidenceError, Receipt},
    store::StoreError,
};

use crate::{
    HostError,
    package::PackageError,
    trust::{TrustError, TrustFileError},
};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// The file is not a plugin of this contract.
    #[error("the package was not taken: {0}")]
    Package(#[from] PackageError),
    /// Nobody whom the operator trusts stands for it.
    #[error("the package was not taken: {0}")]
    Trust(#[from] TrustError),
    /// Whom the operator trusts cannot be read.
    #[error("the package was not taken: the file of trusted keys: {0}")]
    TrustFile(#[from] TrustFileError),
    /// A lower version than the one that is installed.
    #[error(
        "the package was not taken: it is {plugin} {found}, and {installed} is installed: go back with `rollback`, or install a higher version"
    )]
    Downgraded {
        /// Which plugin.
        plugin: PluginId,
        /// The package's version.
        found: String,
        /// The one that is there.
        installed: String,
    },
    /// The host does not take it.
    #[error(transparent)]
    Host(#[from] HostError),
    /// There is no such plugin.
    #[error("the plugin {0} is not installed")]
    NotInstalled(PluginId),
    /// There is nothing to go back to.
    #[error("no earlier version of {0} is kept")]
    NothingEarlier(PluginId),
    /// The version to go back to asks for more than is granted now.
    #[error("{plugin} {version} asks for {missing}, which is not granted: grant it first")]
    NotGranted {
        /// Which plugin.
        plugin: PluginId,
        /// Which version.
        version: String,
        /// What it lacks.
        missing: Asks,
    },
    /// A package's file is not what was installed.
    #[error("the file of {plugin} {version} is not the one that was installed: install it again")]
    OtherFile {
        /// Which plugin.
        plugin: PluginId,
        /// Which version.
        version: String,
    },
    /// A file cannot be read or written.
    #[error("the folder of packages: {0}")]
    File(#[from] io::Error),
    /// The store cannot be read or written.
    #[error("what is installed could not be kept: {0}")]
    Store(#[from] StoreError),
    /// The audit log cannot be written.
    #[error("the audit log cannot be written: {0}")]
    Evidence(#[from] EvidenceError),
}

impl PackagesError {
    /// In one word, for the audit log.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Package(PackageError::TooLarge { .. }) => "too-large",
            Self::Package(PackageError::TooComplex { .. }) => "too-complex",
            Self::Package(_) => "not-a-plugin",
            Self::Trust(error) => error.reason(),
            Self::TrustFile(_) => "trust-unreadable",
            Self::Downgraded { .. } => "downgraded",
            Self::Host(_) => "not-runnable",
            Self::NotInstalled(_) => "not-installed",
            Self::NothingEarlier(_) => "nothing-earlier",
            Self::NotGranted { .. } => "not-granted",
            Self::OtherFile { .. } => "other-file",
            Self::File(_) => "file",
            Self::Store(_) => "store",
            Self::Evidence(_) => "evidence",
        }
    }

    /// Whether the gateway is at fault, and not what was asked of it.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::TrustFile(_) | Self::File(_) | Self::Store(_) | Self::Evidence(_))
    }
}

/// A change that was refused, with its record.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// Why.
    pub error: PackagesError,
    /// Where that is recorded; none where the log cannot be written.
    pub receipt: Option<Receipt>,
}

/// A change that was made, with its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// How the plugin stands now.
    pub plugin: Plugin,
    /// Where that is recorded.
    pub receipt: Receipt,
}
