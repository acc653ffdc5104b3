//! Both ports in memory, with the semantics of the durable ones: for the tests of other crates.
//!
//! Nothing here survives the process, so nothing here belongs in a gateway that serves citizens.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use dialog_core::ports::blobs::{BlobError, Blobs, ByteStream, Stored};
use dialog_core::ports::store::{Batch, Entry, Expected, Range, Revision, Store, StoreError, Versioned, Write};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::bounds::{ScanResult, check_batch};
use crate::limits::BLOB_CHUNK_BYTES;

/// A [`Store`] in memory. A commit is visible when it returns, to every caller at once.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Bytes, Versioned>,
    last: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        Ok(self.state().entries.get(key).cloned())
    }

    async fn scan(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        let mut result = ScanResult::new(range.limit);
        // BTreeMap::range panics on a range that ends before it begins.
        if range.until.as_ref().is_some_and(|until| *until <= range.from) {
            return Ok(result.into_entries());
        }
        let until = range.until.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.state();
        let mut found = state.entries.range((Bound::Included(range.from), until));
        while !result.is_full() {
            let Some((key, versioned)) = (if range.reverse { found.next_back() } else { found.next() }) else { break };
            result.push(Entry { key: key.clone(), versioned: versioned.clone() })?;
        }
        Ok(result.into_entries())
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        check_batch(&batch)?;
        let mut state = self.state();
        for (key, expected) in batch.preconditions {
            let holds = match (state.entries.get(&key), expected) {
                (None, Expected::Absent) => true,
                (Some(found), Expected::At(revision)) => found.revision == revision,
                (None, Expected::At(_)) | (Some(_), Expected::Absent) => false,
            };
            if !holds {
                return Err(StoreError::Conflict { key });
            }
        }
        state.last += 1;
        let revision = Revision(state.last);
        for (key, write) in batch.writes {
            match write {
                Write::Put(value) => state.entries.insert(key, Versioned { revision, value }),
                Write::Delete => state.entries.remove(&key),
            };
        }
        Ok(revision)
    }
}

/// [`Blobs`] in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    blobs: Mutex<HashMap<Uuid, Bytes>>,
}

impl MemoryBlobs {
    /// No blobs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn blobs(&self) -> MutexGuard<'_, HashMap<Uuid, Bytes>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, id: Uuid, mut bytes: ByteStream, limit: u64) -> Result<Stored, BlobError> {
        if self.blobs().contains_key(&id) {
            return Err(BlobError::Exists);
        }
        let mut whole = BytesMut::new();
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(crate::blobs::broke_off)?;
            if (whole.len() + piece.len()) as u64 > limit {
                return Err(BlobError::TooLarge { limit });
            }
            whole.extend_from_slice(&piece);
        }
        let stored = Stored { size: whole.len() as u64, sha256: Sha256::digest(&whole).into() };
        match self.blobs().entry(id) {
            std::collections::hash_map::Entry::Occupied(_) => Err(BlobError::Exists),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(whole.freeze());
                Ok(stored)
            }
        }
    }

    async fn open(&self, id: Uuid, offset: u64) -> Result<ByteStream, BlobError> {
        let mut rest = self.blobs().get(&id).cloned().ok_or(BlobError::NotFound)?;
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX).min(rest.len());
        let _ = rest.split_to(skipped);
        let chunks = std::iter::from_fn(move || {
            let chunk = rest.split_to(rest.len().min(BLOB_CHUNK_BYTES));
            (!chunk.is_empty()).then_some(Ok(chunk))
        });
        Ok(Box::pin(futures_util::stream::iter(chunks)))
    }

    async fn delete(&self, id: Uuid) -> Result<(), BlobError> {
        self.blobs().remove(&id);
        Ok(())
    }
}
