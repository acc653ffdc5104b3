//! What is forgotten, and when: idempotency keys after two days, attachments that no message took after one, events
//! after thirty, deliveries that nobody could read when the operator says ([`Retention`]). A run is bounded; the next one
//! goes on.

use dialog_contract::{ids::EventId, limits::Limits};
use jiff::{Span, Timestamp, ToSpan as _};

use super::Desk;
use crate::{
    inbound::Unreadable,
    keys,
    ports::store::{Batch, Range, StoreError},
    record::{self, Progress, StoredEvent, StoredReply, Use},
    sequence::Place,
};

/// Entries of each kind that one run looks at: a batch of them stays far below the store's bounds.
const AT_ONCE: usize = 500;

/// Days that settled events of providers are remembered: longer than any vendor delivers again.
const PROCESSED_DAYS: i64 = 90;

/// How long things are kept that the operator decides on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries that could not be understood, in days. Whom they are about nobody knows, so that no erasure finds them:
    /// long enough for somebody to look at one and to have the vendor mend it, and no longer.
    pub unreadable_days: u16,
}

impl Default for Retention {
    fn default() -> Self {
        Self { unreadable_days: 30 }
    }
}

/// What a run removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Idempotency keys.
    pub replies: usize,
    /// Attachments that no message took.
    pub attachments: usize,
    /// Events of the feed.
    pub events: usize,
    /// Settled events of providers.
    pub processed: usize,
    /// Deliveries that could not be understood.
    pub unreadable: usize,
    /// A run's bound was met: there is more.
    pub more: bool,
}

impl Retention {
    pub(super) fn unreadable(self) -> Span {
        (i64::from(self.unreadable_days) * 24).hours()
    }
}

impl Desk {
    /// Forgets what is due to be forgotten. Call it every minute or so, and again while there is more.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn purge(&self) -> Result<Purged, StoreError> {
        let now = self.now();
        let mut purged = Purged::default();
        self.purge_replies(now, &mut purged).await?;
        self.purge_attachments(now, &mut purged).await?;
        self.purge_events(now, &mut purged).await?;
        self.purge_processed(now, &mut purged).await?;
        self.purge_unreadable(now, &mut purged).await?;
        Ok(purged)
    }

    async fn purge_replies(&self, now: Timestamp, purged: &mut Purged) -> Result<(), StoreError> {
        let entries = self.shelf.store.scan(keys::until(keys::reply_expiries(), now, AT_ONCE)).await?;
        purged.more |= entries.len() == AT_ONCE;
        for entry in entries {
            let mut batch = Batch::default();
            batch.delete(entry.key.clone());
            if let Some(at) = keys::reply_of_expiry(&entry.key)
                && let Some(found) = self.shelf.store.get(&at).await?
            {
                let stored: StoredReply = record::decode("a reply", &found.value)?;
                // What is under way is settled first; a key that was used again has an entry of its own.
                if stored.expires <= now && stored.progress != Progress::Running {
                    batch.require_at(at.clone(), found.revision).delete(at);
                    purged.replies += 1;
                }
            }
            self.remove(batch).await?;
        }
        Ok(())
    }

    async fn purge_attachments(&self, now: Timestamp, purged: &mut Purged) -> Result<(), StoreError> {
        let entries = self.shelf.store.scan(keys::until(keys::attachments_unused(), now, AT_ONCE)).await?;
        purged.more |= entries.len() == AT_ONCE;
        for entry in entries {
            let Some(id) = keys::attachment_of_unused(&entry.key) else { continue };
            let found = self.shelf.attachment(id).await?;
            if found.as_ref().is_some_and(|(_, stored)| stored.used != Use::Unused) {
                continue;
            }
            let mut batch = Batch::default();
            batch.delete(entry.key.clone());
            match found {
                Some((revision, _)) => {
                    batch.require_at(keys::attachment(id), revision).delete(keys::attachment(id));
                }
                None => {
                    batch.require_absent(keys::attachment(id));
                }
            }
            // First the record, then the bytes: no record without bytes. Bytes without a record are a crash in
            // between, and cost a file.
            if self.remove(batch).await? {
                self.drop_blob(id).await;
                purged.attachments += 1;
            }
        }
        Ok(())
    }

    async fn purge_events(&self, now: Timestamp, purged: &mut Purged) -> Result<(), StoreError> {
        let hours = i64::from(Limits::V1.event_days) * 24;
        let Ok(oldest) = now.checked_sub(hours.hours()) else { return Ok(()) };
        let until: EventId = Place::at(oldest).least();
        let range = Range { until: Some(keys::event(until)), ..keys::all(keys::events(), AT_ONCE) };
        let entries = self.shelf.store.scan(range).await?;
        purged.more |= entries.len() == AT_ONCE;
        purged.events = entries.len();
        let mut batch = Batch::default();
        for entry in entries {
            let stored: StoredEvent = record::decode("an event", &entry.versioned.value)?;
            batch.delete(entry.key).delete(keys::event_of(stored.citizen, stored.event.id));
        }
        self.remove(batch).await.map(|_| ())
    }

    async fn purge_processed(&self, now: Timestamp, purged: &mut Purged) -> Result<(), StoreError> {
        let Ok(oldest) = now.checked_sub((PROCESSED_DAYS * 24).hours()) else { return Ok(()) };
        let entries = self.shelf.store.scan(keys::until(keys::all_processed_at(), oldest, AT_ONCE)).await?;
        purged.more |= entries.len() == AT_ONCE;
        purged.processed = entries.len();
        let mut batch = Batch::default();
        for entry in entries {
            if let Some(processed) = keys::processed_of(&entry.key) {
                batch.delete(processed);
            }
            batch.delete(entry.key);
        }
        self.remove(batch).await.map(|_| ())
    }

    async fn purge_unreadable(&self, now: Timestamp, purged: &mut Purged) -> Result<(), StoreError> {
        let Ok(oldest) = now.checked_sub(self.retention.unreadable()) else { return Ok(()) };
        let entries = self.shelf.store.scan(keys::until(keys::all_unreadable(), oldest, AT_ONCE)).await?;
        let all = entries.len();
        for entry in entries {
            let kept: Unreadable = record::decode("an unreadable delivery", &entry.versioned.value)?;
            // First the bytes: as long as they are there, the record leads to them.
            if let Err(error) = self.blobs.delete(kept.raw.id).await {
                tracing::error!(%error, id = %kept.id, "an unreadable delivery is past its time and could not be removed");
                continue;
            }
            let mut batch = Batch::default();
            batch.require_at(entry.key.clone(), entry.versioned.revision).delete(entry.key);
            purged.unreadable += usize::from(self.remove(batch).await?);
        }
        // Those that could not be removed wait for the next time, so that nobody goes round in circles.
        purged.more |= all == AT_ONCE && purged.unreadable == all;
        Ok(())
    }

    /// Commits a removal; false where somebody changed it meanwhile.
    async fn remove(&self, batch: Batch) -> Result<bool, StoreError> {
        if batch.writes.is_empty() {
            return Ok(false);
        }
        match self.shelf.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
