//! The audit log behind the domain's port for reading it: records of a person, found by an index beside the log.
//!
//! What is found is as the newest checkpoint has it that the log signed, a quarter of a second old at most; each record
//! is compared with the tree before it is believed. A proof is for the published checkpoint: it has to count elsewhere.
//!
//! The index is made at start, beside everything else; until it is whole, whoever asks is told to come back.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use dialog_audit::{
    Log, Published, ReadError, Reader,
    index::{Index, IndexError, Key},
};
use dialog_contract::{audit::Record, ids::RequestId};
use dialog_core::ports::trails::{Placed, Trails, TrailsError};
use tokio_util::sync::CancellationToken;

/// How long a proof waits for its record to be published.
const PUBLISHES: Duration = Duration::from_secs(2);

/// How often the index follows the log, while nobody asks.
const FOLLOWS: Duration = Duration::from_secs(5);

/// The log, as far as the index knows it.
struct Known {
    reader: Reader,
    index: Index,
}

/// The node's log, to be read from. Clones are the same.
#[derive(Clone)]
pub struct AuditTrails {
    log: Log,
    /// Where the index is.
    folder: Arc<PathBuf>,
    /// Nothing until the index is whole.
    known: Arc<RwLock<Option<Known>>>,
}

impl AuditTrails {
    /// Takes an open log. Nothing is found before [`Self::follow`] runs.
    #[must_use]
    pub fn new(log: Log, folder: PathBuf) -> Self {
        Self { log, folder: Arc::new(folder), known: Arc::default() }
    }

    /// Makes the index, and follows the log with it until `stop`.
    pub async fn follow(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(FOLLOWS);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            let trails = self.clone();
            match tokio::task::spawn_blocking(move || trails.catch_up()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the audit log cannot be indexed"),
                Err(error) => tracing::error!(%error, "the audit log's index"),
            }
        }
    }

    /// The newest checkpoint. One that is public was signed, though who follows what is signed may be told of it later.
    fn newest(&self) -> Published {
        let (signed, published) = (self.log.signed(), self.log.published());
        if published.size > signed.size { published } else { signed }
    }

    /// Brings the index to where the log is. Reads and writes files; blocks.
    fn catch_up(&self) -> Result<(), IndexError> {
        let newest = self.newest();
        let is_known = self.known.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|known| {
            let at = known.reader.checkpoint();
            at.size >= newest.size
        });
        let reader = self.log.reader_at(&newest);
        match is_known {
            Some(true) => {}
            Some(false) => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                // Somebody else may have been here before.
                if let Some(known) = known.as_mut().filter(|known| known.reader.checkpoint().size < newest.size) {
                    known.index.follow(&reader)?;
                    known.reader = reader;
                }
            }
            None => {
                let mut index = Index::open(&self.folder, &reader)?;
                if let Some(removal) = reader.removal()? {
                    index.forget(removal.to)?;
                }
                let missing = index.missing();
                if missing > 0 {
                    tracing::info!(segments = missing, "the audit log is being indexed");
                }
                index.follow(&reader)?;
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Known { reader, index });
            }
        }
        Ok(())
    }

    /// Forgets what was removed from the log: entries before this one.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub async fn forget(&self, to: u64) -> anyhow::Result<()> {
        let trails = self.clone();
        let forgotten = tokio::task::spawn_blocking(move || {
            let mut known = trails.known.write().unwrap_or_else(PoisonError::into_inner);
            let Some(Known { reader, index }) = known.as_mut() else { return Ok(()) };
            index.forget(to)?;
            index.follow(reader)
        });
        Ok(forgotten.await??)
    }

    /// Asks what is known once it is as new as the log.
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Known) -> Result<T, TrailsError> + Send + 'static,
    ) -> Result<T, TrailsError> {
        let trails = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            if trails.known.read().unwrap_or_else(PoisonError::into_inner).is_none() {
                return Err(TrailsError::NotYet("its index is being made".to_owned()));
            }
            trails.catch_up().map_err(unreadable)?;
            let known = trails.known.read().unwrap_or_else(PoisonError::into_inner);
            let known = known.as_ref().ok_or_else(|| TrailsError::NotYet("its index is being made".to_owned()))?;
            ask(known)
        });
        asked.await.map_err(unreadable)?
    }
}

impl Known {
    /// Those of some entries that are records and wanted, in the order given; at most `limit`.
    fn records(
        &self,
        indexes: impl Iterator<Item = u64>,
        limit: usize,
        is_wanted: impl Fn(&Record) -> bool,
    ) -> Result<Vec<Placed>, ReadError> {
        let mut entries = self.reader.checked_entries(0..u64::MAX)?;
        let mut found = Vec::new();
        for index in indexes {
            if found.len() == limit {
                break;
            }
            // What was removed after its time is told by nobody any more.
            let Some(entry) = entries.get(index).transpose()? else { continue };
            // What a later version wrote is not understood, and not told.
            if let Ok(record) = serde_json::from_slice::<Record>(&entry.data)
                && is_wanted(&record)
            {
                found.push(Placed { index, record });
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Trails for AuditTrails {
    async fn record(&self, index: u64) -> Result<Option<Record>, TrailsError> {
        let found = self.ask(move |known| {
            let one = known.records([index].into_iter(), 1, |_| true);
            one.map_err(unreadable)
        });
        Ok(found.await?.pop().map(|placed| placed.record))
    }

    async fn of_person(&self, person: &str, before: Option<u64>, limit: usize) -> Result<Vec<Placed>, TrailsError> {
        let person = person.to_owned();
        let found = self.ask(move |known| {
            let range = 0..before.unwrap_or(u64::MAX);
            let find = |key| known.index.find(&known.reader, key, range.clone()).map_err(unreadable);
            let mut indexes = find(Key::Citizen(&person))?;
            indexes.extend(find(Key::Person(&person))?);
            indexes.sort_unstable();
            indexes.dedup();
            let is_theirs = |record: &Record| {
                [&record.citizen, &record.actor.person].into_iter().any(|name| name.as_deref() == Some(&person))
            };
            let records = known.records(indexes.into_iter().rev(), limit, is_theirs);
            records.map_err(unreadable)
        });
        found.await
    }

    async fn of_request(&self, request: RequestId, after: u64) -> Result<Vec<Placed>, TrailsError> {
        let found = self.ask(move |known| {
            let (text, range) = (request.to_string(), after + 1..u64::MAX);
            let indexes = known.index.find(&known.reader, Key::Request(&text), range);
            let indexes = indexes.map_err(unreadable)?;
            let records = known.records(indexes.into_iter(), usize::MAX, |record| record.request == Some(request));
            records.map_err(unreadable)
        });
        found.await
    }

    async fn proof(&self, index: u64) -> Result<Option<String>, TrailsError> {
        if index >= self.log.size() {
            return Ok(None);
        }
        let mut published = self.log.subscribe();
        let covers = published.wait_for(|published| published.size > index);
        let checkpoint = match tokio::time::timeout(PUBLISHES, covers).await {
            Ok(Ok(checkpoint)) => checkpoint.clone(),
            _ => return Err(TrailsError::NotYet("the record is kept and not published yet".to_owned())),
        };
        let log = self.log.clone();
        let proven = tokio::task::spawn_blocking(move || log.reader_at(&checkpoint).proof(index)).await;
        match proven.map_err(unreadable)? {
            Ok(proof) => Ok(Some(proof.to_string())),
            Err(ReadError::Removed { .. }) => Ok(None),
            Err(error) => Err(unreadable(error)),
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> TrailsError {
    TrailsError::Unreadable(error.to_string())
}
