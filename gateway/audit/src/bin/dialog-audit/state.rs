//! Where a verification was broken off, so that it can go on there.
//!
//! The file holds the signed checkpoint and how many of its entries were verified: as it says what need not be looked
//! at again, it belongs where the auditor keeps trusted checkpoints, and nowhere that the log's operator can write.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dialog_audit::limits::MAX_CHECKPOINT_BYTES;
use dialog_audit::{SignedCheckpoint, VerifierKeys};
use serde::{Deserialize, Serialize};

use crate::access;
use crate::output::Failure;

/// How often it is written.
const EVERY: Duration = Duration::from_secs(2);

/// Longest state file, in bytes: a checkpoint in JSON.
const MAX_BYTES: usize = 2 * MAX_CHECKPOINT_BYTES;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u8,
    /// The signed checkpoint that the entries were verified against.
    checkpoint: String,
    /// How many of its entries were.
    verified: u64,
}

/// A state that was found, and can be gone on from.
pub(crate) struct Found {
    pub(crate) checkpoint: SignedCheckpoint,
    pub(crate) verified: u64,
}

/// Reads a state. `Err` says in words why there is none to go on from.
pub(crate) fn read(path: &Path, keys: &VerifierKeys) -> Result<Option<Found>, String> {
    if !path.exists() {
        return Ok(None);
    }
    let unusable = |why: &str| format!("{} is not gone on from: {why}", path.display());
    let bytes = access::read(path, MAX_BYTES).map_err(|why| unusable(why.why()))?;
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|_| unusable("it is no state of a verification"))?;
    if stored.version != 1 {
        return Err(unusable("it is of another version"));
    }
    let checkpoint = SignedCheckpoint::verify(stored.checkpoint.as_bytes(), keys)
        .map_err(|why| unusable(&format!("its checkpoint is not believed: {why}")))?;
    Ok(Some(Found { verified: stored.verified.min(checkpoint.size), checkpoint }))
}

/// Keeps a state up to date.
pub(crate) struct Keeper {
    path: PathBuf,
    note: String,
    written: Instant,
}

impl Keeper {
    pub(crate) fn new(path: &Path, checkpoint: &SignedCheckpoint) -> Self {
        Self { path: path.to_owned(), note: checkpoint.note.clone(), written: Instant::now() }
    }

    /// Writes the state if it is time.
    pub(crate) fn at(&mut self, verified: u64) -> Result<(), Failure> {
        if self.written.elapsed() < EVERY {
            return Ok(());
        }
        self.write(verified)
    }

    /// Writes the state: whole, or not at all.
    pub(crate) fn write(&mut self, verified: u64) -> Result<(), Failure> {
        let stored = Stored { version: 1, checkpoint: self.note.clone(), verified };
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(".tmp");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&unfinished)?;
            file.write_all(serde_json::to_string(&stored)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &self.path)
        };
        write().map_err(|why| Failure::used_wrongly(format!("cannot write {}: {why}", self.path.display())))?;
        self.written = Instant::now();
        Ok(())
    }
}
