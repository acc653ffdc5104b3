//! A log that is open for appending.
//!
//! * `open`: checks what is on disk, and carries over what a crash left in the journal.
//! * `writer`: one thread; groups waiting entries into one durable write.
//! * `tiler`: one thread; turns durable entries into tiles and signed checkpoints.
//! * `board`: the public checkpoint.
//! * `shared`: what the two and the callers see of each other.

pub(crate) mod board;
mod open;
mod shared;
mod tiler;
mod writer;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::damage::{Damage, Fault};
use crate::disk::{Disk, RealDisk};
use crate::folder::Folder;
use crate::key::{KeyError, SigningKey, VerifierKey, VerifierKeys};
use crate::layout;
use crate::limits::{MAX_ENTRY_BYTES, Pace, Sizes};
use crate::policy::{NotMet, Policy};
use crate::proof::Proof;
use crate::publish::PublishError;
use crate::reader::{ReadError, Reader};
use crate::retention::Removed;
use crate::seal::Successor;
use crate::verify::TornTail;
use shared::{Shared, lock};
use writer::Append;

/// What a log needs to know.
#[derive(Debug)]
pub struct LogConfig {
    /// The log's folder; made if its parent exists.
    pub dir: PathBuf,
    /// The log's unique name, a URL without its scheme (`audit.example.no/node-1`).
    pub origin: String,
    /// The keys that sign checkpoints, each named as the origin. During a rotation there are two.
    pub signers: Vec<SigningKey>,
    /// Keys that signed earlier and do no more: a folder that only these signed is believed too.
    pub former: Vec<VerifierKey>,
    /// Which witnesses must have signed before a checkpoint is public; without one, or where it needs none, every
    /// checkpoint is public at once.
    pub policy: Option<Arc<Policy>>,
    /// What to do with a log that was sealed.
    pub when_sealed: WhenSealed,
    /// How much of the folder is checked at the opening.
    pub check: OpenCheck,
    /// How much is held at once.
    pub sizes: Sizes,
    /// How often things are done.
    pub pace: Pace,
    /// Where everything is written.
    pub disk: Arc<dyn Disk>,
}

impl LogConfig {
    /// The defaults, for a log in `dir` that one key signs. The key's name is the origin.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, signer: SigningKey) -> Self {
        Self { origin: signer.name().to_owned(), signers: vec![signer], ..Self::empty(dir) }
    }

    /// The defaults, for a log in `dir` that has neither an origin nor a key yet.
    #[must_use]
    pub fn empty(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            origin: String::new(),
            signers: Vec::new(),
            former: Vec::new(),
            policy: None,
            when_sealed: WhenSealed::default(),
            check: OpenCheck::default(),
            sizes: Sizes::default(),
            pace: Pace::default(),
            disk: Arc::new(RealDisk),
        }
    }
}

/// How much of a folder is checked before the log is extended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenCheck {
    /// The checkpoint, all hash tiles, the last entry bundle, the journal. Reads 32 bytes an
    /// entry.
    #[default]
    Tiles,
    /// Every entry as well: what [`verify`](crate::verify()) does.
    Everything,
}

/// What to do with a log that was sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenSealed {
    /// It is not opened.
    #[default]
    Refuse,
    /// It is opened without taking anything more: its last checkpoint may not have been published.
    Finish,
}

/// Why a log was not opened. Nothing in the folder was changed, except where it was only the
/// last step, the tiles of journaled entries, that failed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configuration cannot be.
    #[error("{0}")]
    Config(String),
    /// Someone else has it open.
    #[error("the log in {dir} is open already: {file} is locked")]
    Locked {
        /// The log's folder.
        dir: String,
        /// The file that is locked.
        file: String,
    },
    /// The checkpoint is not believed.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is of another log.
    #[error("the folder holds the log {found:?}, not {expected:?}")]
    OtherLog {
        /// The origin in the folder's checkpoint.
        found: String,
        /// The origin configured.
        expected: String,
    },
    /// It came to its end, and another log follows.
    #[error("the log is sealed; its successor is {:?}, {}", .successor.origin, .successor.key)]
    Sealed {
        /// The log that follows.
        successor: Successor,
    },
    /// The folder does not verify.
    #[error("the log is damaged and is not extended: {0}")]
    Damaged(#[from] Damage),
    /// A key cannot be used.
    #[error("signing key: {0}")]
    Key(#[from] KeyError),
    /// A file could not be read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file, relative to the folder.
        file: String,
        /// What the system said.
        source: io::Error,
    },
}

impl From<Fault> for OpenError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damage(damage) => Self::Damaged(damage),
            Fault::Io { file, source } => Self::Io { file, source },
        }
    }
}

/// What the opening had to mend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Durable entries that were in the journal only and are in tiles now.
    pub carried_over: u64,
    /// A last write that had not got to its end and was cut off. No caller had been told that
    /// it succeeded.
    pub torn: Option<TornTail>,
}

/// That the keys that sign are others than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// Verifier keys of those that sign from now on.
    pub added: Vec<String>,
    /// Those that sign no more: verifier keys where they are known, else name and id.
    pub removed: Vec<String>,
}

/// Why an entry was not appended. Nothing of it is in the log, unless the process ends before
/// the log could be written again: then its last group may turn out to be whole.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// The entry is longer than the log takes.
    #[error("the entry has {length} bytes; a log takes at most {MAX_ENTRY_BYTES}")]
    TooLarge {
        /// Its length in bytes.
        length: usize,
    },
    /// The log cannot be written now. It is tried again by later appends.
    #[error("the audit log cannot be written: {reason}")]
    Unavailable {
        /// What stands in the way, for the operator.
        reason: Arc<str>,
    },
    /// The log was closed.
    #[error("the audit log is closed")]
    Closed,
}

/// That an entry is durable, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index in the log; final.
    pub index: u64,
}

/// A checkpoint of the log.
pub type Published = Arc<SignedCheckpoint>;

/// The state of a log, for metrics and health.
#[derive(Clone, Debug)]
pub struct LogStatus {
    /// Durable entries.
    pub size: u64,
    /// Entries under the newest checkpoint that the log signed.
    pub signed: u64,
    /// Entries under the public checkpoint.
    pub published: u64,
    /// When that was written.
    pub published_at: SystemTime,
    /// Durable groups since the opening: each was one write and one `fdatasync`.
    pub groups: u64,
    /// Bytes of durable entries that are not in tiles yet.
    pub backlog_bytes: usize,
    /// Bytes of the log's files: entries, hashes, journal and checkpoint. The journal's segments count whole from the
    /// moment that they are made.
    pub file_bytes: u64,
    /// Why the journal could not be written, since it last could.
    pub append_failure: Option<Arc<str>>,
    /// Why tiles or checkpoint could not be written, since they last could.
    pub publish_failure: Option<Arc<str>>,
}

/// A log, open for appending. Clones are the same log.
///
/// [`close`](Log::close) leaves a folder whose checkpoint covers everything. Dropping the last
/// clone ends the threads too, and waits for the writes that are under way; entries that are in
/// the journal only are carried over by the next opening.
#[derive(Clone)]
pub struct Log(Arc<Open>);

struct Open {
    shared: Arc<Shared>,
    queue: Mutex<Option<mpsc::Sender<Append>>>,
    threads: Mutex<Option<Threads>>,
    recovery: Recovery,
    key_change: Option<KeyChange>,
    successor: Option<Successor>,
    /// The log's own keys and, where there is a policy, those of its witnesses.
    keys: VerifierKeys,
    policy: Option<Arc<Policy>>,
    folder: Folder,
}

struct Threads {
    writer: JoinHandle<()>,
    tiler: JoinHandle<()>,
    /// Held until both threads are done.
    lock: File,
}

impl Log {
    /// Opens a log, or begins one in an empty or missing folder. Reads and writes files; blocks.
    ///
    /// # Errors
    /// When the folder is in use, does not verify, or cannot be read or written.
    pub fn open(config: LogConfig) -> Result<Self, OpenError> {
        open::open(config)
    }

    /// Appends an entry. When it returns, the entry survives a power cut and its index is final.
    ///
    /// Any number of callers may append at once; those that wait share one flush. A caller that
    /// drops the future does not learn whether the entry was appended.
    ///
    /// # Errors
    /// See [`LogError`].
    pub async fn append(&self, entry: impl Into<Bytes>) -> Result<Receipt, LogError> {
        let entry = entry.into();
        if entry.len() > MAX_ENTRY_BYTES {
            return Err(LogError::TooLarge { length: entry.len() });
        }
        let queue = lock(&self.0.queue).clone().ok_or(LogError::Closed)?;
        let (done, receipt) = oneshot::channel();
        queue.send(Append { entry, done }).await.map_err(|_| LogError::Closed)?;
        drop(queue);
        receipt.await.map_err(|_| LogError::Closed)?
    }

    /// The public checkpoint, as the text of a signed note.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        self.published().note.clone()
    }

    /// The public checkpoint: the newest one that counts under the policy.
    #[must_use]
    pub fn published(&self) -> Published {
        self.0.shared.board.shown()
    }

    /// Follows the public checkpoint; it is seen here once it is durable.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Published> {
        self.0.shared.board.subscribe()
    }

    /// The newest checkpoint that the log signed: what witnesses are shown, and nobody else before they have signed.
    #[must_use]
    pub fn signed(&self) -> Published {
        self.0.shared.signed.borrow().clone()
    }

    /// Follows the newest checkpoint that the log signed; it is seen here once it is durable.
    #[must_use]
    pub fn subscribe_signed(&self) -> watch::Receiver<Published> {
        self.0.shared.signed.subscribe()
    }

    /// Publishes a checkpoint that witnesses have signed, in place of one of a smaller tree, or of the same tree with
    /// fewer cosignatures. Says whether it was. Writes a file; blocks.
    ///
    /// # Errors
    /// When it does not count under the policy, is not this log's, or cannot be written.
    pub fn publish(&self, note: &str) -> Result<bool, PublishError> {
        let Open { shared, keys, policy, .. } = &*self.0;
        let new = SignedCheckpoint::verify(note.as_bytes(), keys).map_err(NotMet::from)?;
        if new.origin != shared.origin || new.size > shared.signed.borrow().size {
            return Err(PublishError::OtherTree);
        }
        if let Some(policy) = policy
            && !policy.is_met(&new.cosignatures)
        {
            let by = new.cosignatures.into_iter().map(|one| one.name).collect();
            return Err(NotMet::Quorum(by).into());
        }
        let (size, cosignatures) = (new.size, new.cosignatures.len());
        let good = |old: &Published| old.size == size && old.cosignatures.len() >= cosignatures;
        Ok(shared.board.put(Arc::new(new), good)?)
    }

    /// Removes the content of all entries before one, as a record says, which must be public. Files that
    /// an earlier removal has left go too. Gives the number of files that went. Writes and deletes files; blocks.
    ///
    /// # Errors
    /// When the record does not say so, or a file cannot be written or deleted; then it goes on at the next call.
    pub fn remove(&self, removed: Removed) -> Result<u64, ReadError> {
        let (reader, Removed { to, record }) = (self.reader(), removed);
        let entry = reader.checked_entries(record..record + 1)?.next();
        let entry = entry.ok_or(ReadError::Beyond { index: record, size: reader.checkpoint().size })??;
        removed.said(&entry.data)?;
        let (disk, dir) = (&*self.0.shared.disk, self.0.folder.path());
        // A file that says more than the log would hide what is deleted now.
        let known = reader.removal()?;
        if known.is_none_or(|known| known.to < to) {
            removed.write(disk, dir).map_err(Fault::io(layout::REMOVED))?;
        }
        Ok(removed.delete(disk, dir).map_err(Fault::io(layout::ENTRIES))?)
    }

    /// Deletes what an earlier removal has left, where the log's record says it too. Gives the number of files that went.
    /// Deletes files; blocks.
    ///
    /// # Errors
    /// When the file that names the removal says anything else than the log, or a file cannot be deleted.
    pub fn finish_removal(&self) -> Result<u64, ReadError> {
        let Some(removal) = self.reader().removal()? else { return Ok(0) };
        let deleted = removal.removed().delete(&*self.0.shared.disk, self.0.folder.path());
        Ok(deleted.map_err(Fault::io(layout::ENTRIES))?)
    }

    /// Takes nothing more, from now until the log is opened again: appends fail with this reason.
    pub fn halt(&self, reason: &str) {
        tracing::error!(reason, "the audit log takes nothing more");
        self.0.shared.halt(reason.into());
    }

    /// That the keys that sign are others than those that signed the checkpoint that was found at the opening.
    #[must_use]
    pub fn key_change(&self) -> Option<&KeyChange> {
        self.0.key_change.as_ref()
    }

    /// The log that follows, where this one was sealed when it was opened.
    #[must_use]
    pub fn successor(&self) -> Option<&Successor> {
        self.0.successor.as_ref()
    }

    /// Number of durable entries; the checkpoints may cover fewer.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.shared.size()
    }

    /// Index of the newest durable entry.
    #[must_use]
    pub fn latest_index(&self) -> Option<u64> {
        self.size().checked_sub(1)
    }

    /// What the opening had to mend.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.0.recovery
    }

    /// The state of the log.
    #[must_use]
    pub fn status(&self) -> LogStatus {
        self.0.shared.status()
    }

    /// The log as of its public checkpoint.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader_at(&self.published())
    }

    /// The log as of one of its checkpoints.
    #[must_use]
    pub fn reader_at(&self, checkpoint: &SignedCheckpoint) -> Reader {
        Reader::at(self.0.folder.clone(), checkpoint.clone())
    }

    /// A proof for an entry under the public checkpoint. Reads files; blocks.
    ///
    /// # Errors
    /// [`ReadError::Beyond`] when the checkpoint does not cover the entry yet.
    pub fn proof(&self, index: u64) -> Result<Proof, ReadError> {
        self.reader().proof(index)
    }

    /// Ends the log in good order: what was appended becomes tiles under a last checkpoint, the
    /// journal is emptied, the folder released. Later appends fail with [`LogError::Closed`].
    ///
    /// # Errors
    /// When the last tiles or checkpoint could not be written; the entries are safe in the
    /// journal, and the next opening carries them over.
    pub async fn close(&self) -> Result<(), LogError> {
        let open = Arc::clone(&self.0);
        let ended = tokio::task::spawn_blocking(move || open.end(true)).await;
        match ended {
            Ok(()) => match self.status().publish_failure {
                None => Ok(()),
                Some(reason) => Err(LogError::Unavailable { reason }),
            },
            Err(_) => Err(LogError::Closed),
        }
    }
}

impl Open {
    fn end(&self, publish: bool) {
        // Without a sender the writer ends once it has served who waits.
        drop(lock(&self.queue).take());
        let mut threads = lock(&self.threads);
        let Some(Threads { writer, tiler, lock }) = threads.take() else {
            return;
        };
        let writer = writer.join();
        self.shared.stop(publish);
        let tiler = tiler.join();
        if writer.is_err() || tiler.is_err() {
            tracing::error!("a thread of the audit log ended in a panic");
            self.shared.publish_failed(Some("a thread of the log ended in a panic".into()));
        }
        // Not only by closing the file: a process that was forked from this one and has not yet become another program
        // has it open too, and would hold the folder a moment longer.
        if let Err(error) = lock.unlock() {
            tracing::warn!(%error, "the lock of the audit log could not be given back; it goes with this process");
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end(false);
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("folder", &self.0.folder).field("size", &self.size()).finish()
    }
}

#[cfg(test)]
mod tests;
