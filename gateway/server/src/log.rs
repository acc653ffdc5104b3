//! The audit log as the operator has configured it: which keys sign it, which signed it before, which witnesses must sign
//! it too, which log it continues.

use std::{io::Write, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use async_trait::async_trait;
use dialog_audit::{
    KeyKind, Log, LogConfig, Policy, ReadError, SigningKey, Sizes, VerifierKey, VerifierKeys, WhenSealed,
    seal::{self, Predecessor, SuccessionError, Successor},
};
use dialog_contract::{
    action::Action,
    audit::{Record, RecordKind},
    ids::NationalIdentityNumber,
};
use dialog_core::ports::evidence::{Evidence, EvidenceError, Receipt};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::{
    config::{AuditConfig, Config, OnFork},
    hex,
    limits::{SEAL_PUBLISHES, WITNESS_CONNECT},
    start,
    witnesses::{self, Reach, Rules, Witnesses},
};

/// What `[audit]` names, read.
pub struct Keys {
    /// The keys that sign, the one that names the log first.
    pub signers: Vec<SigningKey>,
    /// Those that signed before.
    pub former: Vec<VerifierKey>,
    /// Which witnesses must sign too.
    pub policy: Option<Arc<Policy>>,
    /// The logs before this one, oldest first: folder and key.
    pub predecessors: Vec<(PathBuf, VerifierKey)>,
}

impl Keys {
    /// Reads everything that `[audit]` names.
    ///
    /// # Errors
    /// All that is wrong, each with its key. Secrets that cannot be read are left out: they are told elsewhere.
    pub fn read(audit: &AuditConfig) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut signers = Vec::new();
        let also = audit.also_signed_by.iter().enumerate();
        let named = also.map(|(at, source)| (format!("audit.also-signed-by[{at}]"), source));
        for (name, source) in [("audit.key".to_owned(), &audit.key)].into_iter().chain(named) {
            let Ok(secret) = source.read() else { continue };
            match SigningKey::parse(secret.expose_secret()) {
                Ok(key) => signers.push(key),
                Err(error) => problems.push(format!("{name}: {error}")),
            }
        }
        let mut former = Vec::new();
        for (at, text) in audit.former_keys.iter().enumerate() {
            match VerifierKey::parse(text) {
                Ok(key) => former.push(key),
                Err(error) => problems.push(format!("audit.former-keys[{at}]: {error}")),
            }
        }
        let mut predecessors = Vec::new();
        for (at, before) in audit.predecessors.iter().enumerate() {
            match VerifierKey::parse(&before.vkey) {
                Ok(key) => predecessors.push((before.folder.clone(), key)),
                Err(error) => problems.push(format!("audit.predecessors[{at}].vkey: {error}")),
            }
        }
        let mut policy = None;
        if let Some(path) = &audit.policy {
            match Policy::read(path) {
                Ok(read) => match witnesses::addresses(&read) {
                    Ok(_) => policy = Some(Arc::new(read)),
                    Err(error) => problems.push(format!("audit.policy: {}: {error}", path.display())),
                },
                Err(error) => problems.push(format!("audit.policy: {}: {error}", path.display())),
            }
        }
        if problems.is_empty() { Ok(Self { signers, former, policy, predecessors }) } else { Err(problems) }
    }

    /// All keys by which the log signs and signed.
    ///
    /// # Errors
    /// When two of them could not be told apart.
    pub fn own(&self) -> anyhow::Result<VerifierKeys> {
        let signers = self.signers.iter().map(|key| VerifierKey::parse(&key.verifier_key()));
        let signers = signers.collect::<Result<Vec<_>, _>>()?;
        Ok(VerifierKeys::new(signers.into_iter().chain(self.former.iter().cloned()))?)
    }
}

/// Where the log is.
#[must_use]
pub fn folder(config: &Config) -> PathBuf {
    config.audit.folder.clone().unwrap_or_else(|| config.data.folder.join("audit"))
}

/// A log that was opened.
pub struct Opened {
    /// The log.
    pub log: Log,
    /// Its name.
    pub origin: String,
    /// All keys by which it signs and signed.
    pub own: VerifierKeys,
    /// Which witnesses must sign too.
    pub policy: Option<Arc<Policy>>,
    /// The logs that it continues, the newest first.
    pub earlier: Vec<EarlierLog>,
    /// What it continues, where it is new and does.
    continues: Option<Predecessor>,
}

/// A log that ended, as the operator names it.
#[derive(Clone)]
pub struct EarlierLog {
    /// Its name.
    pub origin: String,
    /// Where it is, or was.
    pub folder: PathBuf,
    /// The key that signed its last checkpoint.
    pub keys: VerifierKeys,
    /// The keys of the log that follows: it is sealed towards one of them.
    pub next: VerifierKeys,
}

impl EarlierLog {
    /// Looks whether it is what it should be. Reads the edge of the folder; blocks.
    ///
    /// # Errors
    /// When it is not there, or is not sealed towards the log that follows.
    pub fn ended(&self) -> Result<Predecessor, SuccessionError> {
        seal::predecessor(&self.folder, &self.keys, &self.next)
    }

    /// What it is found by where names have no room: the SHA-256 of its origin, lower-case hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.origin.as_bytes()))
    }
}

/// Opens the log, after the log before it was found to be sealed towards it. A log before it that has been moved away is
/// missed at its beginning only; from then on its own first record says what it continues. Reads and writes files; blocks.
///
/// # Errors
/// When it cannot be opened, or continues a log that does not say so.
pub fn open(audit: &AuditConfig, folder: PathBuf, when_sealed: WhenSealed) -> anyhow::Result<Opened> {
    let keys = Keys::read(audit).map_err(|problems| anyhow::anyhow!(problems.join("\n  ")))?;
    let own = keys.own()?;
    let origin = keys.signers.first().context("audit.key")?.name().to_owned();
    let begun = folder.join("checkpoint").is_file();
    let (mut last, mut earlier) = (None, Vec::new());
    // Each is sealed towards the one after it, the last one towards this log.
    for (at, (dir, vkey)) in keys.predecessors.iter().enumerate() {
        let next = keys.predecessors.get(at + 1).map(|(_, vkey)| VerifierKeys::new([vkey.clone()])).transpose()?;
        let before = EarlierLog {
            origin: vkey.name().to_owned(),
            folder: dir.clone(),
            keys: VerifierKeys::new([vkey.clone()])?,
            next: next.unwrap_or_else(|| own.clone()),
        };
        let name = || format!("audit.predecessors[{at}]: {}", dir.display());
        last = match before.ended() {
            Err(error @ SuccessionError::Read(ReadError::NoLog { .. })) if begun => {
                tracing::warn!(key = name(), %error, "an earlier audit log is not where it was; nobody is told what is in it");
                None
            }
            before => Some(before.with_context(name)?),
        };
        earlier.push(before);
    }
    earlier.reverse();
    let Keys { signers, former, policy, .. } = keys;
    let log = Log::open(LogConfig {
        origin: origin.clone(),
        signers,
        former,
        policy: policy.clone(),
        when_sealed,
        sizes: Sizes { segment_bytes: audit.journal_segment_bytes, ..Sizes::default() },
        ..LogConfig::empty(folder)
    });
    let log = log.context("open the audit log")?;
    if let Some(torn) = &log.recovery().torn {
        tracing::warn!(?torn, "the end of the audit log was torn and never acknowledged; it was cut off");
    }
    if log.size() == 0 && last.is_none() && !earlier.is_empty() {
        bail!("audit.predecessors: a log begins where the one before it can be read");
    }
    let continues = last.filter(|_| log.size() == 0);
    Ok(Opened { log, origin, own, policy, earlier, continues })
}

impl Opened {
    /// Records what the log says of itself: which log it continues, and that other keys sign it than before.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub async fn record(&self, evidence: &dyn Evidence) -> anyhow::Result<()> {
        if let Some(before) = &self.continues {
            let mut record = start::own(RecordKind::Opened, Action::LogOpen);
            record.details.extend(before.details());
            evidence.record(record).await?;
        }
        if let Some(change) = self.log.key_change() {
            let mut record = start::own(RecordKind::KeyUse, Action::KeySign);
            for (name, keys) in [("added", &change.added), ("removed", &change.removed)] {
                let numbered = keys.iter().enumerate();
                record.details.extend(numbered.map(|(at, key)| (format!("{name}.{at}"), key.clone())));
            }
            tracing::info!(
                added = change.added.len(),
                removed = change.removed.len(),
                "other keys sign the audit log than before"
            );
            evidence.record(record).await?;
        }
        Ok(())
    }
}

/// How often the witnesses are asked.
#[must_use]
pub fn every(audit: &AuditConfig) -> Duration {
    Duration::from_secs(audit.witness_every_seconds.get().into())
}

/// Nothing is recorded after the record that seals a log.
struct Sealed;

#[async_trait]
impl Evidence for Sealed {
    async fn record(&self, _: Record) -> Result<Receipt, EvidenceError> {
        Err(EvidenceError("the log is sealed".to_owned()))
    }

    fn pseudonym(&self, _: &NationalIdentityNumber) -> String {
        String::new()
    }
}

/// Seals the log of a gateway that is stopped: its last record names the log that follows, by its verifier key. Where
/// that was done before, only what is missing is done. Says in the end what comes next.
///
/// # Errors
/// When the log cannot be opened or written, or is sealed towards another.
pub async fn seal(config: &Config, successor: &str, said: &mut dyn Write) -> anyhow::Result<()> {
    let key = VerifierKey::parse(successor).context("the successor's key")?;
    if key.kind() != KeyKind::Ed25519 {
        bail!("the successor's key must be the Ed25519 key that will be its audit.key");
    }
    let next = Successor::of(&key);
    let keys = Keys::read(&config.audit).map_err(|problems| anyhow::anyhow!(problems.join("\n  ")))?;
    if keys.signers.iter().any(|own| own.name() == next.origin) {
        bail!("a successor has a name of its own; a new key for the same log is audit.also-signed-by");
    }
    let (audit, at) = (config.audit.clone(), folder(config));
    let opened = tokio::task::spawn_blocking(move || open(&audit, at, WhenSealed::Finish)).await??;
    let log = &opened.log;
    match log.successor() {
        Some(named) if *named != next => bail!("the log is sealed already, towards {}", named.key),
        Some(_) => {}
        None => {
            let mut record = start::own(RecordKind::Sealed, Action::LogSeal);
            record.details.extend(next.details());
            log.append(serde_json::to_vec(&record)?).await.context("append the last record")?;
            log.halt("the log is sealed");
        }
    }
    let mut published = opened.policy.as_ref().is_none_or(|policy| !policy.needs_witnesses());
    if let Some(policy) = &opened.policy {
        let rules = Rules {
            policy: Arc::clone(policy),
            own: opened.own.clone(),
            every: every(&config.audit),
            // It stops nothing any more; what it means is for the operator and the successor.
            on_fork: OnFork::Accept,
        };
        let reach = Reach { log: log.clone(), evidence: Arc::new(Sealed), metrics: Arc::default() };
        let mut asked = Witnesses::new(rules, reach)?;
        let waited = tokio::time::timeout(SEAL_PUBLISHES, async {
            while !asked.last().await {
                tokio::time::sleep(WITNESS_CONNECT).await;
            }
        });
        published |= waited.await.is_ok();
    }
    log.close().await.context("close the audit log")?;
    writeln!(said, "sealed {} with {} records, towards {}", opened.origin, log.size(), next.key)?;
    if !published {
        writeln!(said, "not published yet: too few witnesses have signed its end; run this again")?;
    }
    Ok(())
}
