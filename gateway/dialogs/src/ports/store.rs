//! The ordered, transactional key-value store behind everything that the gateway must not forget.
//!
//! Three operations, because that is what an embedded engine, a distributed key-value engine and SQL all offer:
//! read one key, read a range, and commit a batch of writes if all of its preconditions hold.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;

use super::keys::Owner;

/// Longest key, in bytes. Keys are built by us from fixed-size parts; anything longer is a defect.
pub const MAX_KEY_BYTES: usize = 512;

/// Largest value, in bytes. A dialog with its messages stays below this; attachments live in [`super::blobs`].
pub const MAX_VALUE_BYTES: usize = 4 * 1024 * 1024;

/// Most writes and preconditions in one [`Batch`].
pub const MAX_BATCH_ENTRIES: usize = 4096;

/// A value together with the revision that wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// Increases with every commit of this store; unique to the commit that last wrote the key.
    pub revision: Revision,
    /// What was written.
    pub value: Bytes,
}

/// The number of the commit that wrote a value. Revisions are totally ordered within one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// What must hold of a key for a [`Batch`] to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// The key has no value.
    Absent,
    /// The key was last written by this commit.
    At(Revision),
}

/// One change to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets the value.
    Put(Bytes),
    /// Removes the value; removing what is not there is no error.
    Delete,
}

/// Writes that become visible and durable together, if every precondition holds when they are applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Checked first, all against the same state.
    pub preconditions: Vec<(Bytes, Expected)>,
    /// Applied in order; the last write to a key wins.
    pub writes: Vec<(Bytes, Write)>,
    /// Whose the values under these keys are, for a store that encrypts; by the key's [`space`] where nobody says.
    pub owners: BTreeMap<Bytes, Owner>,
}

impl Batch {
    /// Requires that `key` has no value.
    pub fn require_absent(&mut self, key: impl Into<Bytes>) -> &mut Self {
        self.preconditions.push((key.into(), Expected::Absent));
        self
    }

    /// Requires that `key` was last written by `revision`.
    pub fn require_at(&mut self, key: impl Into<Bytes>, revision: Revision) -> &mut Self {
        self.preconditions.push((key.into(), Expected::At(revision)));
        self
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> &mut Self {
        self.writes.push((key.into(), Write::Put(value.into())));
        self
    }

    /// Sets `key` to a value of `owner`'s.
    pub fn put_of(&mut self, owner: Owner, key: impl Into<Bytes>, value: impl Into<Bytes>) -> &mut Self {
        let key = key.into();
        self.owners.insert(key.clone(), owner);
        self.put(key, value)
    }

    /// Removes `key`.
    pub fn delete(&mut self, key: impl Into<Bytes>) -> &mut Self {
        self.writes.push((key.into(), Write::Delete));
        self
    }
}

/// A half-open range of keys, in byte order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// First key, inclusive.
    pub from: Bytes,
    /// End, exclusive; none reads to the end of the store.
    pub until: Option<Bytes>,
    /// Most entries returned.
    pub limit: usize,
    /// From the last key to the first.
    pub reverse: bool,
}

/// One key with its value, as [`Store::scan`] returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Bytes,
    /// The value and its revision.
    pub versioned: Versioned,
}

/// Why a store operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A precondition did not hold; nothing was written. Read again and decide anew.
    #[error("another request changed the same data first")]
    Conflict {
        /// The key whose precondition failed.
        key: Bytes,
    },
    /// A key, value or batch is over its limit; nothing was written.
    #[error("{what} of {actual} is over the limit of {limit}")]
    TooLarge {
        /// Which limit.
        what: &'static str,
        /// What was asked for.
        actual: usize,
        /// The limit.
        limit: usize,
    },
    /// The key that the values are, or would be, encrypted under cannot be had now; nothing was written.
    #[error("a key cannot be had: {0}")]
    NoKey(String),
    /// What the store holds cannot be read as what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The store cannot take writes now (disk full, I/O error, shutting down). It is unknown whether a batch that
    /// was being committed will be there after a restart; the caller must not acknowledge it.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}

/// An ordered, transactional key-value store.
///
/// Opened once at start, before any listener; every method may be called from any task at any time until the process
/// ends. [`Store::commit`] returns only after the batch would survive a power cut.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads one key as of the latest commit.
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError>;

    /// Reads a range in key order, as of some moment at or after the call.
    async fn scan(&self, range: Range) -> Result<Vec<Entry>, StoreError>;

    /// Commits all writes of `batch` or none, durably, and returns the revision that the written keys now have.
    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError>;
}

/// The first byte of every key says whose it is, so that the tenants of one store cannot meet.
pub mod space {
    /// The domain: dialogs, idempotency, events, appointments, attachments, queue.
    pub const DOMAIN: u8 = b'd';
    /// The plugins' `state`, by plugin and office.
    pub const PLUGIN_STATE: u8 = b'p';
    /// The embedded directory.
    pub const DIRECTORY: u8 = b'r';
    /// Installed plugins: versions and grants.
    pub const PACKAGES: u8 = b'i';
    /// The store's own bookkeeping.
    pub const STORE: u8 = b's';
}
