//! The operator's configuration: one TOML file, parsed and checked as a whole before any port binds. An unknown key is
//! an error that names the key, its place and the nearest known one.
//!
//! - [`mod@file`]: from the file to [`Config`], with errors that say where.
//! - [`paths`]: what it names outside of itself; relative paths count from the file's folder.
//! - [`registers`]: the national registers. [`archive`]: citizens' personal archive.
//! - [`webhook`]: how a vendor signs what it pushes.

pub mod archive;
pub mod file;
pub mod paths;
pub mod registers;
pub mod webhook;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::{NonZeroU16, NonZeroU32},
    path::PathBuf,
};

use archive::ArchiveConfig;
use dialog_contract::ids::PluginId;
use dialog_core::{LINK_CHARACTERS, NoticeRules, Retention};
use dialog_host::{
    Grant, Limits, PluginConfig, UpstreamBinding, package::Brought, packages::Entry, secret::SecretSource,
};
use jiff::SignedDuration;
use registers::{AddressRegisterConfig, GpRegisterConfig};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;
use webhook::WebhookConfig;

use crate::{
    abuse::rates::RatesConfig, auth::verifier::IssuerConfig, limits::NOTICE_FOLD_SECONDS,
    telemetry::logs::TelemetryConfig, tls::config::TlsTables,
};

/// Everything that the operator decides.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// SHA-256 of the file that it was read from, lower-case hexadecimal.
    #[serde(skip)]
    pub sha256: String,
    /// Where the portal reaches this gateway: the `source` of events, and what proofs of possession are made for.
    pub public_url: Url,
    /// Where it listens.
    pub listen: Listen,
    /// What is open to whom on the operations listener.
    #[serde(default)]
    pub operations: OperationsConfig,
    /// How each listener shows who it is.
    #[serde(default)]
    pub tls: TlsTables,
    /// How often somebody may ask.
    #[serde(default)]
    pub rates: RatesConfig,
    /// Where it keeps what it must not forget.
    pub data: Data,
    /// The embedded directory.
    pub directory: DirectoryConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// The key of all pseudonyms.
    pub pseudonyms: PseudonymConfig,
    /// The keys that everything is encrypted under.
    pub encryption: EncryptionConfig,
    /// Whose tokens are trusted.
    pub issuers: Vec<IssuerConfig>,
    /// Logs and traces.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// The limits of plugin calls.
    #[serde(default)]
    pub limits: Limits,
    /// Whose packages are taken.
    #[serde(default)]
    pub trust: TrustConfig,
    /// What holds for payments.
    #[serde(default)]
    pub payments: PaymentsConfig,
    /// How citizens are told outside the portal; not at all when absent.
    #[serde(default)]
    pub notices: Option<NoticesConfig>,
    /// Citizens' personal archive; nothing is copied when absent.
    #[serde(default)]
    pub archive: Option<ArchiveConfig>,
    /// The plugins.
    #[serde(default)]
    pub plugins: Vec<PluginEntry>,
}

/// `[listen]`: one address for each kind of caller, so that a network can keep them apart.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Listen {
    /// The portal's API.
    pub portal: SocketAddr,
    /// Webhooks of vendors.
    pub provider: SocketAddr,
    /// Metrics, health, the audit log.
    pub operations: SocketAddr,
}

/// `[operations]`: what is open to whom on the operations listener.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct OperationsConfig {
    /// Whether the audit log's public files are read without a token; false when absent.
    pub open_log: bool,
    /// Where operators and auditors reach that listener, and what their proofs of possession are made for; the portal's
    /// `public-url` when absent.
    pub public_url: Option<Url>,
}

/// `[payments]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PaymentsConfig {
    /// The origins that payment services may send citizens back to; that of the `public-url` when there are none.
    pub return_origins: Vec<Url>,
}

/// `[notices]`: which plugin tells citizens by which way, and where they are sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NoticesConfig {
    /// The notifier for text messages.
    #[serde(default)]
    pub sms: Option<PluginId>,
    /// The notifier for mail.
    #[serde(default)]
    pub email: Option<PluginId>,
    /// The portal's front page, in every notice: https, short, and the same for all.
    pub portal_link: Url,
    /// How long an event waits for others to be told with it, in seconds: within
    /// [`NOTICE_FOLD_SECONDS`](crate::limits::NOTICE_FOLD_SECONDS).
    #[serde(default = "fold_seconds")]
    pub fold_seconds: u16,
    /// Whether people are told between 22 and 7 too, for trying it out; false when absent.
    #[serde(default)]
    pub at_night: bool,
}

/// Two minutes: an office that writes a message and then closes the dialog has done both by then, and a citizen who waits
/// for an answer does not wait noticeably longer.
const fn fold_seconds() -> u16 {
    120
}

impl NoticesConfig {
    /// As the domain has it.
    #[must_use]
    pub fn rules(&self) -> NoticeRules {
        NoticeRules {
            sms: self.sms.clone(),
            email: self.email.clone(),
            link: self.portal_link.to_string(),
            fold: SignedDuration::from_secs(self.fold_seconds.into()),
            at_night: self.at_night,
        }
    }

    /// What is wrong with it by itself: which key, and how.
    pub fn decide(&self) -> Result<(), (&'static str, String)> {
        if self.sms.is_none() && self.email.is_none() {
            return Err(("sms", "or email must name a plugin, or nobody can be told anything".to_owned()));
        }
        let link = &self.portal_link;
        let plain = link.username().is_empty() && link.password().is_none() && link.query().is_none();
        if link.scheme() != "https" || !plain || link.fragment().is_some() {
            return Err(("portal-link", "must be an https URL without user, query and fragment".to_owned()));
        }
        if link.as_str().len() > LINK_CHARACTERS {
            return Err((
                "portal-link",
                format!("must have at most {LINK_CHARACTERS} characters: it stands in text messages"),
            ));
        }
        if !NOTICE_FOLD_SECONDS.contains(&self.fold_seconds) {
            let (least, most) = (NOTICE_FOLD_SECONDS.start(), NOTICE_FOLD_SECONDS.end());
            return Err(("fold-seconds", format!("must be {least} to {most}")));
        }
        Ok(())
    }
}

/// `[data]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Data {
    /// A folder that only the gateway writes.
    pub folder: PathBuf,
    /// Where compiled plugins are kept; `cache` in the folder when absent. It may be emptied at any time.
    #[serde(default)]
    pub cache: Option<PathBuf>,
    /// How long deliveries are kept that nobody could read, in days: within
    /// [`UNREADABLE_DAYS`](crate::limits::UNREADABLE_DAYS).
    #[serde(default = "unreadable_days")]
    pub unreadable_days: u16,
}

fn unreadable_days() -> u16 {
    Retention::default().unreadable_days
}

/// `[directory]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DirectoryConfig {
    /// A JSON file; loaded at start where it has changed.
    pub file: PathBuf,
    /// Fastlegeregisteret; the file alone says who is whose GP when absent.
    #[serde(default)]
    pub gp_register: Option<GpRegisterConfig>,
    /// Adresseregisteret; the file alone says whose HER-id it is when absent.
    #[serde(default)]
    pub address_register: Option<AddressRegisterConfig>,
}

impl Config {
    /// The systems that the gateway itself asks, each with its key.
    pub fn upstreams(&self) -> impl Iterator<Item = (&'static str, &UpstreamBinding)> {
        let (gp, address) = (self.directory.gp_register.iter(), self.directory.address_register.iter());
        let gp = gp.map(|register| ("directory.gp-register.upstream", &register.upstream));
        let address = address.map(|register| ("directory.address-register.upstream", &register.upstream));
        gp.chain(address).chain(self.archive.iter().map(|archive| ("archive.upstream", &archive.upstream)))
    }
}

/// `[audit]`. The log's origin is the key's name.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AuditConfig {
    /// A signing key as `dialog-audit keygen` writes it.
    pub key: SecretSource,
    /// Further keys that sign beside it: the next one while keys are changed, one against quantum computers.
    #[serde(default)]
    pub also_signed_by: Vec<SecretSource>,
    /// Verifier keys that signed before and do no more.
    #[serde(default)]
    pub former_keys: Vec<String>,
    /// The log's folder; `audit` in the data folder when absent.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Bytes that the log sets aside at a time for what it is about to write: within
    /// [`JOURNAL_SEGMENT_BYTES`](crate::limits::JOURNAL_SEGMENT_BYTES).
    #[serde(default = "journal_segment_bytes")]
    pub journal_segment_bytes: u64,
    /// Which witnesses must have signed before a checkpoint is published: a C2SP tlog-policy; none when absent.
    #[serde(default)]
    pub policy: Option<PathBuf>,
    /// How often they are asked.
    #[serde(default = "witness_every_seconds")]
    pub witness_every_seconds: NonZeroU32,
    /// What to do when witnesses have signed another tree of this log.
    #[serde(default)]
    pub on_fork: OnFork,
    /// How long what is in the log's records is kept, in days; for ever when absent.
    #[serde(default)]
    pub keep_records_days: Option<NonZeroU16>,
    /// The logs that this one continues, oldest first.
    #[serde(default)]
    pub predecessors: Vec<PredecessorConfig>,
}

fn journal_segment_bytes() -> u64 {
    dialog_audit::Sizes::default().segment_bytes
}

/// Five seconds: an auditor who waits for what just happened does not wait long, and a witness with many logs is not
/// asked for each of its records.
const fn witness_every_seconds() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(4)
}

/// What to do when witnesses have signed another tree of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFork {
    /// Nothing is accepted until the operator has looked.
    #[default]
    Stop,
    /// Everything goes on, and it is recorded.
    Accept,
}

/// `[[audit.predecessors]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PredecessorConfig {
    /// Its folder.
    pub folder: PathBuf,
    /// Its verifier key.
    pub vkey: String,
}

/// `[pseudonyms]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PseudonymConfig {
    /// At least 32 bytes.
    pub key: SecretSource,
}

/// `[trust]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrustConfig {
    /// The vendors' keys; read anew for each package, so that a key can be revoked at any time.
    pub file: Option<PathBuf>,
    /// Also packages that nobody signed are taken: for developing only.
    pub unsigned_plugins: bool,
}

/// `[encryption]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EncryptionConfig {
    /// The first wraps, the others only unwrap.
    pub keys: Vec<MasterKeyConfig>,
}

/// `[[encryption.keys]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MasterKeyConfig {
    /// Names it in what it wrapped.
    pub id: String,
    /// 32 bytes in base64.
    pub key: SecretSource,
}

/// `[[plugins]]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginEntry {
    /// Which plugin it is about; needed where no package says so.
    #[serde(default)]
    pub id: Option<PluginId>,
    /// The package to begin with; none where it is installed by command.
    #[serde(default)]
    pub package: Option<PathBuf>,
    /// What it is granted.
    #[serde(default)]
    pub grant: Grant,
    /// Where the upstreams that it names are.
    #[serde(default)]
    pub upstreams: BTreeMap<String, UpstreamBinding>,
    /// What the operator sets, by the manifest's schema of the installation.
    #[serde(default)]
    pub installation: Map<String, Value>,
    /// How often it is asked for news, where it exports `inbound`; never when absent.
    #[serde(default)]
    pub poll_seconds: Option<NonZeroU32>,
    /// How its vendor signs what it pushes; nothing is taken when absent.
    #[serde(default)]
    pub webhook: Option<WebhookConfig>,
}

impl PluginEntry {
    /// What it says of packages, with the one that it names.
    #[must_use]
    pub fn entry(&self, package: Option<Brought>) -> Entry {
        Entry { plugin: self.id.clone(), package, config: self.host() }
    }

    /// What the host needs of it.
    #[must_use]
    pub fn host(&self) -> PluginConfig {
        PluginConfig {
            package: self.package.clone().unwrap_or_default(),
            grant: self.grant.clone(),
            upstreams: self.upstreams.clone(),
            installation: self.installation.clone(),
        }
    }
}
