//! From the file into the store. A load writes a new generation beside the current one and switches to it with one
//! write: a crash in the middle leaves the old directory whole, and readers never see half of two.
//!
//! The generation before stays until [`settle`] is told that everybody has been told what changed ([`changed`]): a crash
//! in between leads to the same comparison once more, and nobody is left untold.

use std::collections::BTreeMap;

use dialog_contract::{
    ids::{HerId, NationalIdentityNumber, PluginId},
    pseudonym::Pseudonyms,
};
use dialog_core::ports::{
    directory::Agreement,
    store::{Batch, MAX_BATCH_ENTRIES, Range, Store, StoreError, space},
};
use serde::{Deserialize, Serialize};

use super::{
    CURRENT, Keys,
    file::{CitizenEntry, Directory},
};

/// What stands under [`CURRENT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Current {
    pub(super) generation: u32,
    /// Of the file that it was loaded from: the same file is not loaded twice.
    pub(super) sha256: String,
    /// The generation that providers were last told of, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) told: Option<u32>,
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
    clear_but(store, current.iter().flat_map(Current::kept).collect()).await?;
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
    // What was never told of is compared with what was, also over several files.
    let told = current.map(|current| current.told.unwrap_or(current.generation));
    let current = Current { generation, sha256, told };
    writer.put(CURRENT.to_vec(), &current).await?;
    writer.flush().await?;
    clear_but(store, current.kept().collect()).await?;
    Ok(true)
}

impl Current {
    fn kept(&self) -> impl Iterator<Item = u32> + use<> {
        [Some(self.generation), self.told].into_iter().flatten()
    }
}

/// Of whom the file says something else than the one that providers were last told of: whether they are digitally active
/// now. Who is new in the file is in it without a before.
///
/// # Errors
/// Where the store cannot be read.
pub async fn changed(
    store: &dyn Store,
    pseudonyms: &Pseudonyms,
    directory: &Directory,
) -> Result<Vec<(NationalIdentityNumber, bool)>, StoreError> {
    let mut changed = Vec::new();
    let Some(told) = current(store).await?.and_then(|current| current.told) else { return Ok(changed) };
    let keys = Keys { generation: told };
    for citizen in &directory.citizens {
        let Some(before) = store.get(&keys.citizen(pseudonyms, &citizen.number)).await? else { continue };
        let before: CitizenEntry = decode(&before.value)?;
        if before.digitally_active != citizen.entry.digitally_active {
            changed.push((citizen.number.clone(), citizen.entry.digitally_active));
        }
    }
    Ok(changed)
}

/// Everybody has been told of what [`changed`] gave: the generation before is forgotten.
///
/// # Errors
/// Where the store cannot be written.
pub async fn settle(store: &dyn Store) -> Result<(), StoreError> {
    let Some(current) = current(store).await?.filter(|current| current.told.is_some()) else { return Ok(()) };
    let settled = Current { told: None, ..current };
    let kept = settled.kept().collect();
    let mut writer = Writer { store, batch: Batch::default() };
    writer.put(CURRENT.to_vec(), &settled).await?;
    writer.flush().await?;
    clear_but(store, kept).await
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

/// Removes every generation but these.
async fn clear_but(store: &dyn Store, mut kept: Vec<u32>) -> Result<(), StoreError> {
    let end = vec![space::DIRECTORY, 2];
    let mut from = Keys { generation: 0 }.prefix();
    kept.sort_unstable();
    for generation in kept {
        clear(store, from, Keys { generation }.prefix()).await?;
        from = generation.checked_add(1).map_or_else(|| end.clone(), |next| Keys { generation: next }.prefix());
    }
    clear(store, from, end).await
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
