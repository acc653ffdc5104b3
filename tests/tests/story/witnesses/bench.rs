//! A log, some witnesses, and what asks them, without a gateway around.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dialog_audit::{KeyPair, Log, LogConfig, Policy, SigningKey, VerifierKeys, generate_key};
use dialog_contract::{audit::Record, ids::NationalIdentityNumber};
use dialog_core::ports::evidence::{Evidence, EvidenceError, Receipt};
use dialog_gateway::{
    config::OnFork,
    witnesses::{Reach, Rules, Witnesses},
};
use dialog_tests::witness::{Kind, Witness};
use tempfile::TempDir;

pub(super) const ORIGIN: &str = "witnessed.test/log";

/// Records go into the log, and are kept to be looked at.
pub(super) struct Recorded {
    log: Log,
    records: Mutex<Vec<Record>>,
}

impl Recorded {
    /// What was recorded of witnesses: their details, in order.
    pub(super) fn details(&self) -> Vec<String> {
        let records = self.records.lock().unwrap();
        let shown = |record: &Record| {
            let details = record.details.iter().filter(|(name, _)| *name != "version");
            details.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        records.iter().map(shown).collect()
    }
}

#[async_trait]
impl Evidence for Recorded {
    async fn record(&self, record: Record) -> Result<Receipt, EvidenceError> {
        let entry = serde_json::to_vec(&record).unwrap();
        let receipt = self.log.append(entry).await.map_err(|error| EvidenceError(error.to_string()))?;
        self.records.lock().unwrap().push(record);
        Ok(Receipt { origin: ORIGIN.to_owned(), index: receipt.index })
    }

    fn pseudonym(&self, _: &NationalIdentityNumber) -> String {
        unreachable!("nobody is in these records")
    }
}

/// Witnesses `a`, `b`, … of a log, and its key.
pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) key: KeyPair,
    pub(super) witnesses: Vec<Witness>,
}

/// A log that is open, and what asks its witnesses.
pub(super) struct Desk {
    pub(super) log: Log,
    pub(super) asking: Witnesses,
    pub(super) recorded: Arc<Recorded>,
}

impl Bench {
    pub(super) async fn new(count: usize) -> Self {
        let (folder, key) = (TempDir::new().unwrap(), generate_key(ORIGIN).unwrap());
        let mut witnesses = Vec::new();
        for at in 0..count {
            let kind = if at % 2 == 0 { Kind::Ed25519 } else { Kind::MlDsa44 };
            let memory = folder.path().join(format!("witness-{at}"));
            let name = format!("witness.test/{at}");
            witnesses.push(Witness::start(&memory, &name, kind, &[&key.verifier]).await.unwrap());
        }
        Self { folder, key, witnesses }
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// So many of the witnesses must sign.
    pub(super) fn policy(&self, needed: usize) -> Policy {
        let names: Vec<String> = (0..self.witnesses.len()).map(|at| char::from(b'a' + at as u8).to_string()).collect();
        let mut text = format!("log {}\n", self.key.verifier);
        for (name, witness) in names.iter().zip(&self.witnesses) {
            text += &format!("witness {name} {} {}\n", witness.vkey, witness.url);
        }
        text += &format!("group enough {needed} {}\nquorum enough\n", names.join(" "));
        Policy::parse(text.as_bytes()).unwrap()
    }

    pub(super) fn open(&self, needed: usize) -> Desk {
        self.open_at(&self.dir(), needed, OnFork::Stop)
    }

    pub(super) fn open_at(&self, dir: &Path, needed: usize, on_fork: OnFork) -> Desk {
        let policy = Arc::new(self.policy(needed));
        let mut config = LogConfig::new(dir, SigningKey::parse(&self.key.private).unwrap());
        config.pace.integrate_every = Duration::from_millis(2);
        config.policy = Some(Arc::clone(&policy));
        let log = Log::open(config).unwrap();
        let recorded = Arc::new(Recorded { log: log.clone(), records: Mutex::default() });
        let own = VerifierKeys::parse(&self.key.verifier).unwrap();
        let rules = Rules { policy, own, every: Duration::from_secs(1), on_fork };
        let evidence = Arc::<Recorded>::clone(&recorded);
        let asking = Witnesses::new(rules, Reach { log: log.clone(), evidence, metrics: Arc::default() }).unwrap();
        Desk { log, asking, recorded }
    }

    /// What was asked of a witness, and what it said: from which size, which size, status.
    pub(super) fn asked(&self, at: usize) -> Vec<(u64, u64, Option<u16>)> {
        self.witnesses[at].asked().into_iter().map(|asked| (asked.old, asked.size, asked.status)).collect()
    }
}

impl Desk {
    /// Appends, and waits until the log has signed all of it.
    pub(super) async fn append(&self, count: usize) {
        for at in 0..count {
            self.log.append(format!("entry {at} at {}", self.log.size())).await.unwrap();
        }
        self.signed().await;
    }

    /// Waits until the log has signed everything that is in it.
    pub(super) async fn signed(&self) {
        let size = self.log.size();
        let mut signed = self.log.subscribe_signed();
        signed.wait_for(|checkpoint| checkpoint.size >= size).await.unwrap();
    }
}
