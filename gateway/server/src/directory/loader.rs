//! From the file into the store. A load writes a new generation beside the current one and switches to it with one
//! write: a crash in the middle leaves the old directory whole, and readers never see half of two.

use std::collections::BTreeMap;

use dialog_contract::{
    ids::{HerId, PluginId},
    pseudonym::Pseudonyms,
};
use dialog_core::ports::{
    directory::Agreement,
    store::{Batch, MAX_BATCH_ENTRIES, Range, Store, StoreError, space},
};
use serde::{Deserialize, Serialize};

use super::{CURRENT, Keys, file::Directory};

/// What stands under [`CURRENT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Current {
    pub(super) generation: u32,
    /// Of the file that it was loaded from: the same file is not loaded twice.
    pub(super) sha256: String,
}

/// Makes `directory` the current one. Returns whether anything had to be done.
pub async fn load(
    store: &dyn Store,
    pseudonyms: &Pseudonyms,
    directory: &Directory,
    sha256: String,
) -> Result<bool, StoreError> {
    let current = current(store).await?;
    // What interrupted loads left, before or after they switched, is of people who may be gone from the file.
    clear_but(store, current.as_ref().map(|current| current.generation)).await?;
    if current.as_ref().is_some_and(|current| current.sha256 == sha256) {
        return Ok(false);
    }
    let generation = current.as_ref().map_or(0, |current| current.generation.wrapping_add(1));
    let keys = Keys { generation };
    let mut writer = Writer { store, batch: Batch::default() };
    for provider in &directory.providers {
        writer.put(keys.provider(&provider.id), provider).await?;
    }
    for office in &directory.offices {
        writer.put(keys.office(office.her_id), office).await?;
    }
    let mut by_office: BTreeMap<HerId, Vec<&Agreement>> = BTreeMap::new();
    let mut by_both: BTreeMap<(&PluginId, HerId), Vec<&Agreement>> = BTreeMap::new();
    for agreement in &directory.agreements {
        by_office.entry(agreement.office).or_default().push(agreement);
        by_both.entry((&agreement.plugin, agreement.office)).or_default().push(agreement);
        if let Some(fallback) = &agreement.fallback {
            by_both.entry((&fallback.plugin, agreement.office)).or_default().push(agreement);
        }
    }
    for (office, agreements) in by_office {
        writer.put(keys.agreements(office), &agreements).await?;
    }
    for ((plugin, office), agreements) in by_both {
        writer.put(keys.agreements_between(plugin, office), &agreements).await?;
    }
    for citizen in &directory.citizens {
        writer.put(keys.citizen(pseudonyms, &citizen.number), &citizen.entry).await?;
    }
    writer.put(keys.national(), &directory.national).await?;
    writer.put(CURRENT.to_vec(), &Current { generation, sha256 }).await?;
    writer.flush().await?;
    clear_but(store, Some(generation)).await?;
    Ok(true)
}

/// The generation that is current.
pub(super) async fn current(store: &dyn Store) -> Result<Option<Current>, StoreError> {
    store.get(CURRENT).await?.map(|versioned| decode(&versioned.value)).transpose()
}

/// Reads a stored value.
pub(super) fn decode<T: for<'de> Deserialize<'de>>(value: &[u8]) -> Result<T, StoreError> {
    // serde's messages may quote what they could not read: the place says enough.
    serde_json::from_slice(value)
        .map_err(|error| StoreError::Damaged(format!("a directory entry cannot be read at column {}", error.column())))
}

/// Removes every generation but one.
async fn clear_but(store: &dyn Store, kept: Option<u32>) -> Result<(), StoreError> {
    let (first, end) = (Keys { generation: 0 }.prefix(), vec![space::DIRECTORY, 2]);
    let Some(kept) = kept else {
        return clear(store, first, end).await;
    };
    clear(store, first, Keys { generation: kept }.prefix()).await?;
    let after = kept.checked_add(1).map_or_else(|| end.clone(), |next| Keys { generation: next }.prefix());
    clear(store, after, end).await
}

async fn clear(store: &dyn Store, from: Vec<u8>, until: Vec<u8>) -> Result<(), StoreError> {
    loop {
        let range = Range {
            from: from.clone().into(),
            until: Some(until.clone().into()),
            limit: MAX_BATCH_ENTRIES,
            reverse: false,
        };
        let entries = store.scan(range).await?;
        if entries.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for entry in entries {
            batch.delete(entry.key);
        }
        store.commit(batch).await?;
    }
}

/// Writes in batches as large as the store takes.
struct Writer<'a> {
    store: &'a dyn Store,
    batch: Batch,
}

impl Writer<'_> {
    async fn put<T: Serialize + ?Sized>(&mut self, key: Vec<u8>, value: &T) -> Result<(), StoreError> {
        let value = serde_json::to_vec(value).map_err(|error| StoreError::Damaged(error.to_string()))?;
        // The pointer to a generation must not become durable before the generation.
        if self.batch.writes.len() + 1 >= MAX_BATCH_ENTRIES || key == CURRENT {
            self.flush().await?;
        }
        self.batch.put(key, value);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        if !self.batch.writes.is_empty() {
            self.store.commit(std::mem::take(&mut self.batch)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;
