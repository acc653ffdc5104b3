//! What the unit tests of several rooms need: a store and blobs in memory, and a citizen who does not exist.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use dialog_contract::{
    ids::{NationalIdentityNumber, PluginId},
    provider::{Citizen, CitizenIdentity, Context, Office},
    service::Locale,
};
use dialog_core::ports::{
    blobs::{BlobError, Blobs, ByteStream, Stored},
    citizens::Citizens,
    keys::Owner,
    store::{Batch, Entry, Expected, Range, Revision, Store, StoreError, Versioned, Write},
};
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use uuid::Uuid;

/// A store in memory.
#[derive(Default)]
pub(crate) struct MemoryStore {
    entries: Mutex<BTreeMap<Bytes, Versioned>>,
    revision: AtomicU64,
}

impl MemoryStore {
    /// What is kept, but for marks.
    pub(crate) fn values(&self) -> Vec<Bytes> {
        let entries = self.entries.lock().unwrap();
        entries.values().map(|versioned| versioned.value.clone()).filter(|value| !value.is_empty()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.lock().unwrap().is_empty()
    }
}

/// Everybody with a number; by another name nobody is known.
pub(crate) struct Residents;

impl Residents {
    pub(crate) fn owner_of(number: &NationalIdentityNumber) -> Owner {
        let mut id = [0; 16];
        id.copy_from_slice(&Sha256::digest(number.expose())[..16]);
        Owner::Citizen(id)
    }
}

#[async_trait]
impl Citizens for Residents {
    async fn owner(&self, _: &PluginId, citizen: &CitizenIdentity) -> Result<Option<Owner>, StoreError> {
        Ok(match citizen {
            CitizenIdentity::NationalIdentityNumber(number) => Some(Self::owner_of(number)),
            CitizenIdentity::Reference(_) => None,
        })
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let found = self.entries.lock().unwrap().get(key).cloned();
        // So that calls at once meet between their reads and their commits.
        tokio::task::yield_now().await;
        Ok(found)
    }

    async fn scan(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        let entries = self.entries.lock().unwrap();
        let found = entries
            .range(range.from..)
            .take_while(|(key, _)| range.until.as_ref().is_none_or(|until| *key < until))
            .take(range.limit)
            .map(|(key, versioned)| Entry { key: key.clone(), versioned: versioned.clone() });
        Ok(found.collect())
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let mut entries = self.entries.lock().unwrap();
        for (key, expected) in batch.preconditions {
            let holds = match (expected, entries.get(&key)) {
                (Expected::Absent, None) => true,
                (Expected::At(revision), Some(found)) => found.revision == revision,
                _ => false,
            };
            if !holds {
                return Err(StoreError::Conflict { key });
            }
        }
        let revision = Revision(self.revision.fetch_add(1, Ordering::Relaxed) + 1);
        for (key, write) in batch.writes {
            match write {
                Write::Put(value) => entries.insert(key, Versioned { revision, value }),
                Write::Delete => entries.remove(&key),
            };
        }
        Ok(revision)
    }
}

/// Blobs in memory.
#[derive(Default)]
pub(crate) struct MemoryBlobs {
    blobs: Mutex<BTreeMap<Uuid, Bytes>>,
    changed: Notify,
}

impl MemoryBlobs {
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.blobs.lock().unwrap().keys().copied().collect()
    }

    /// Waits until the ids are as wanted; a deletion goes on after the call.
    pub(crate) async fn until(&self, wanted: impl Fn(&[Uuid]) -> bool) {
        loop {
            let changed = self.changed.notified();
            if wanted(&self.ids()) {
                return;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, id: Uuid, mut bytes: ByteStream, limit: u64) -> Result<Stored, BlobError> {
        let mut whole = BytesMut::new();
        while let Some(part) = bytes.next().await {
            whole.extend_from_slice(&part?);
            if whole.len() as u64 > limit {
                return Err(BlobError::TooLarge { limit });
            }
        }
        let stored = Stored { size: whole.len() as u64, sha256: Sha256::digest(&whole).into() };
        self.blobs.lock().unwrap().insert(id, whole.freeze());
        self.changed.notify_waiters();
        Ok(stored)
    }

    async fn open(&self, id: Uuid, offset: u64) -> Result<ByteStream, BlobError> {
        let blob = self.blobs.lock().unwrap().get(&id).cloned().ok_or(BlobError::NotFound)?;
        Ok(Box::pin(stream::iter([Ok(blob.slice(usize::try_from(offset).unwrap().min(blob.len())..))])))
    }

    async fn delete(&self, id: Uuid) -> Result<(), BlobError> {
        self.blobs.lock().unwrap().remove(&id);
        self.changed.notify_waiters();
        Ok(())
    }
}

/// A synthetic number (80 added to the month) with right check digits.
pub(crate) fn synthetic_number() -> NationalIdentityNumber {
    (0..100_000_u32).find_map(|tail| format!("178545{tail:05}").parse().ok()).unwrap()
}

/// A call for a citizen who does not exist.
pub(crate) fn citizen_context() -> Context {
    Context {
        idempotency_key: "key-1".to_owned(),
        locale: Locale::Nb,
        office: Office {
            her_id: 8_140_001.try_into().unwrap(),
            organisation_her_id: 8_140_000.try_into().unwrap(),
            organisation_number: "974760673".parse().unwrap(),
            name: "Solsiden legesenter".to_owned(),
        },
        clinician: None,
        citizen: Some(Citizen {
            reference: "citizen-1".to_owned(),
            national_identity_number: synthetic_number(),
            given_name: "Line".to_owned(),
            family_name: "Danser".to_owned(),
            mobile: None,
        }),
        representative: None,
        settings: serde_json::json!({}),
        colleague: None,
    }
}
