//! Why something about packages was refused: each with its word for the audit log, and with what to do.

use std::io;

use dialog_contract::{
    ids::PluginId,
    plugin::{Asks, Plugin},
};
use dialog_core::ports::{
    evidence::{EvidenceError, Receipt},
    store::{Revision, StoreError},
};

use crate::{
    HostError, InstallError,
    compile::CompileError,
    limits::ERROR_LINE_BYTES,
    package::PackageError,
    scrub,
    trust::{TrustError, TrustFileError},
};

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// The file is not a plugin of this contract.
    #[error("the package was not taken: {0}; {advice}", advice = advice(.0))]
    Package(PackageError),
    /// Nobody whom the operator trusts stands for it.
    #[error("the package is not trusted: {0}")]
    Trust(#[from] TrustError),
    /// Whom the operator trusts cannot be read.
    #[error("whom the operator trusts is not known: the file of trusted keys (`[trust]`): {0}; mend it, and try again")]
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
    #[error("the plugin {0} is not installed: `list` says which are")]
    NotInstalled(PluginId),
    /// There is nothing to go back to.
    #[error("no earlier version of {0} is kept: install the one that should serve")]
    NothingEarlier(PluginId),
    /// It is not as it was when the change was decided on.
    #[error("the plugin {0} has changed since it was looked at: look again, and decide anew")]
    ChangedSince(PluginId),
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

impl From<PackageError> for PackagesError {
    fn from(error: PackageError) -> Self {
        match error {
            // What is wrong with a signature is a question of trust, whoever finds it first.
            PackageError::Signature(error) => Self::Trust(error.into()),
            error => Self::Package(error),
        }
    }
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
            Self::Host(HostError::Install { reason, .. }) => match reason {
                InstallError::Compile(CompileError::Time(_) | CompileError::Memory(_)) => "too-complex",
                InstallError::Compile(CompileError::NotStarted(_)) => "no-compiler",
                InstallError::Grant(_) => "not-granted",
                _ => "not-runnable",
            },
            Self::Host(_) => "not-runnable",
            Self::NotInstalled(_) => "not-installed",
            Self::NothingEarlier(_) => "nothing-earlier",
            Self::ChangedSince(_) => "changed-since",
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
        match self {
            Self::TrustFile(_) | Self::File(_) | Self::Store(_) | Self::Evidence(_) => true,
            Self::Host(HostError::Install { reason, .. }) => {
                matches!(reason, InstallError::Compile(CompileError::NotStarted(_)))
            }
            Self::Host(_) => true,
            _ => false,
        }
    }
}

/// What the operator can do about a file that is no plugin.
const fn advice(error: &PackageError) -> &'static str {
    match error {
        PackageError::TooLarge { .. } | PackageError::TooComplex { .. } => {
            "ask its vendor for a smaller one, or raise the limit (`[limits]`) if it must be so large"
        }
        _ => "ask its vendor for one that `dialog-plugin check` finds nothing wrong with",
    }
}

/// A change that was refused, with its record.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// Why.
    pub error: PackagesError,
    /// The same in words, on one line and bounded, whatever a package's own words are in it.
    pub why: String,
    /// Where that is recorded; none where the log cannot be written.
    pub receipt: Option<Receipt>,
}

impl Refused {
    pub(super) fn unrecorded(error: PackagesError) -> Self {
        Self { why: Self::words(&error), error, receipt: None }
    }

    /// An error's words.
    pub(super) fn words(error: &PackagesError) -> String {
        scrub::line(&error.to_string(), ERROR_LINE_BYTES)
    }
}

/// A change that was made, with its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// How the plugin stands now.
    pub plugin: Plugin,
    /// By it a later change can be held to this one.
    pub revision: Revision,
    /// Whether it was not installed before.
    pub is_new: bool,
    /// Where that is recorded.
    pub receipt: Receipt,
}
