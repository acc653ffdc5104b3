//! What arrived and could not be understood: the bytes are kept, and the operator is told.

use dialog_contract::{
    ids::{HerId, PluginId},
    provider::RawBlob,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    desk::Desk,
    keys,
    ports::store::{Range, StoreError},
    record,
    shelf::Step,
};

/// One delivery that could not be understood. The bytes may hold anything, and lie in the blobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// Names it.
    pub id: Uuid,
    /// When it was kept.
    pub arrived: Timestamp,
    /// Which plugin could not read it.
    pub plugin: PluginId,
    /// The office that it seems to come from.
    pub office: Option<HerId>,
    /// What was wrong with it and where.
    pub reason: String,
    /// Where the bytes are.
    pub raw: RawBlob,
}

impl Desk {
    pub(super) fn keep_unreadable(
        &self,
        plugin: &PluginId,
        office: Option<HerId>,
        reason: &str,
        raw: RawBlob,
        step: &mut Step,
    ) -> Result<(), StoreError> {
        let kept = Unreadable {
            id: Uuid::now_v7(),
            arrived: self.now(),
            plugin: plugin.clone(),
            office,
            reason: reason.to_owned(),
            raw,
        };
        tracing::error!(%plugin, id = %kept.id, reason, "a delivery could not be read; it is kept for you");
        step.batch.put(keys::unreadable(kept.arrived, kept.id), record::encode(&kept)?);
        Ok(())
    }

    /// Whether these bytes are kept, in what the last hundred deliveries that could not be understood left.
    pub(super) async fn is_kept(&self, raw: Uuid) -> Result<bool, StoreError> {
        Ok(self.unreadable(super::MOST_EVENTS).await?.iter().any(|kept| kept.raw.id == raw))
    }

    /// What could not be understood, the newest first, at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unreadable(&self, limit: usize) -> Result<Vec<Unreadable>, StoreError> {
        let range = Range { reverse: true, ..keys::all(keys::all_unreadable(), limit) };
        let entries = self.shelf.store.scan(range).await?;
        entries.iter().map(|entry| record::decode("an unreadable delivery", &entry.versioned.value)).collect()
    }
}
