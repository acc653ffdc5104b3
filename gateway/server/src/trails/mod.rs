//! The audit log behind the domain's port for reading it: records of a person, found by an index beside the log.
//!
//! What is found is as the newest checkpoint has it that the log signed, a quarter of a second old at most; each record
//! is compared with the tree before it is believed. A proof is for the published checkpoint: it has to count elsewhere.
//!
//! The index is made at start, beside everything else; until it is whole, whoever asks is told to come back. So are those
//! of the logs that this one continues, each on its own.
//!
//! - `known`: a log with its index. `earlier`: one that has ended, and may be moved away.

mod earlier;
mod known;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use dialog_audit::{Log, Published, index::IndexError};
use dialog_contract::{audit::Record, ids::RequestId};
use dialog_core::ports::trails::{Beginning, Placed, Trails, TrailsError};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use self::{
    earlier::Earlier,
    known::{Known, proof, unreadable},
};
use crate::{hex, log::EarlierLog};

/// How long a proof waits for its record to be published.
const PUBLISHES: Duration = Duration::from_secs(2);

/// How often the index follows the log, while nobody asks.
const FOLLOWS: Duration = Duration::from_secs(5);

/// The node's log, to be read from, and those before it. Clones are the same.
#[derive(Clone)]
pub struct AuditTrails {
    log: Log,
    origin: Arc<str>,
    /// Where the index is.
    folder: Arc<PathBuf>,
    /// Nothing until the index is whole.
    known: Arc<RwLock<Option<Known>>>,
    /// The newest first.
    earlier: Arc<[Earlier]>,
}

impl AuditTrails {
    /// Takes an open log with those that it continues, the newest first. In `folder` are the indexes, each under the hash
    /// of its log's name, so that a log that has ended keeps its own. Nothing is found before [`Self::follow`] runs.
    #[must_use]
    pub fn new(log: Log, origin: String, earlier: Vec<EarlierLog>, folder: &Path) -> Self {
        let index = folder.join(hex(&Sha256::digest(origin.as_bytes())));
        let earlier = earlier.into_iter().map(|log| {
            let index = folder.join(log.hash());
            Earlier::new(log, index)
        });
        let (origin, earlier) = (origin.into(), earlier.collect());
        Self { log, origin, folder: Arc::new(index), known: Arc::default(), earlier }
    }

    /// Makes the indexes, and follows the log with its own until `stop`.
    pub async fn follow(self, stop: CancellationToken) {
        if let Err(error) = self.leave_no_other() {
            tracing::error!(%error, "what is left of an older index");
        }
        tokio::join!(self.follow_present(&stop), self.follow_earlier(&stop));
    }

    async fn follow_present(&self, stop: &CancellationToken) {
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

    async fn follow_earlier(&self, stop: &CancellationToken) {
        if self.earlier.is_empty() {
            return;
        }
        let mut tick = tokio::time::interval(FOLLOWS);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            let earlier = Arc::clone(&self.earlier);
            let looked = tokio::task::spawn_blocking(move || earlier.iter().for_each(Earlier::look));
            // A long log is not read to its end for a gateway that stops: what is whole of the index stays.
            if let Some(Err(error)) = stop.run_until_cancelled(looked).await {
                tracing::error!(%error, "the index of an earlier audit log");
            }
        }
    }

    /// Deletes the index that lies beside the folders of the logs, where it was before: it would know for ever what is
    /// removed from the log.
    fn leave_no_other(&self) -> io::Result<()> {
        let Some(Ok(files)) = self.folder.parent().map(fs::read_dir) else { return Ok(()) };
        for file in files {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "seg") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
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
                    known.follow(reader)?;
                }
            }
            None => {
                let known = Known::open(&self.folder, reader)?;
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
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
            known.as_mut().map_or(Ok(()), |known| known.forget(to))
        });
        Ok(forgotten.await??)
    }

    /// Asks what is known of a log; of the present one once it is as new as the log.
    async fn ask<T: Send + 'static>(
        &self,
        origin: &str,
        ask: impl FnOnce(&Known) -> Result<T, TrailsError> + Send + 'static,
    ) -> Result<T, TrailsError> {
        let trails = self.clone();
        if *origin == *self.origin {
            let asked = tokio::task::spawn_blocking(move || trails.ask_present(ask));
            return asked.await.map_err(unreadable)?;
        }
        let Some(at) = self.earlier.iter().position(|earlier| earlier.origin() == origin) else {
            return Err(self.elsewhere(origin).await);
        };
        let asked = tokio::task::spawn_blocking(move || trails.earlier.get(at).map(|earlier| earlier.ask(ask)));
        asked.await.map_err(unreadable)?.ok_or(TrailsError::Unknown)?
    }

    fn ask_present<T>(&self, ask: impl FnOnce(&Known) -> Result<T, TrailsError>) -> Result<T, TrailsError> {
        let not_yet = || TrailsError::NotYet("its index is being made".to_owned());
        if self.known.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(not_yet());
        }
        self.catch_up().map_err(unreadable)?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        ask(known.as_ref().ok_or_else(not_yet)?)
    }

    /// What a log is of which nothing is here: the one that the oldest here continues, or none of this gateway's.
    async fn elsewhere(&self, origin: &str) -> TrailsError {
        let oldest = self.earlier.last().map_or(&*self.origin, Earlier::origin);
        match Box::pin(self.ask(oldest, Known::beginning)).await {
            Ok(Beginning { continues: Some(before), .. }) if before == origin => {
                TrailsError::Unreadable("it is not among audit.predecessors".to_owned())
            }
            Err(error @ TrailsError::NotYet(_)) => error,
            _ => TrailsError::Unknown,
        }
    }
}

#[async_trait]
impl Trails for AuditTrails {
    fn origins(&self) -> Vec<String> {
        let earlier = self.earlier.iter().map(|earlier| earlier.origin().to_owned());
        [self.origin.to_string()].into_iter().chain(earlier).collect()
    }

    async fn beginning(&self, origin: &str) -> Result<Beginning, TrailsError> {
        let origins = self.origins();
        let at = origins.iter().position(|known| known == origin).ok_or(TrailsError::Unknown)?;
        let said = self.ask(origin, Known::beginning).await;
        match (origins.get(at + 1), said) {
            // Which log comes before which was found when they were configured.
            (Some(before), said) => {
                Ok(Beginning { continues: Some(before.clone()), time: said.ok().and_then(|said| said.time) })
            }
            (None, Ok(said)) => {
                Ok(Beginning { continues: said.continues.filter(|before| !origins.contains(before)), ..said })
            }
            (None, Err(error)) => Err(error),
        }
    }

    async fn record(&self, origin: &str, index: u64) -> Result<Option<Record>, TrailsError> {
        self.ask(origin, move |known| known.record(index)).await
    }

    async fn of_person(
        &self,
        origin: &str,
        person: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Placed>, TrailsError> {
        let person = person.to_owned();
        self.ask(origin, move |known| known.of_person(&person, before, limit)).await
    }

    async fn of_request(&self, origin: &str, request: RequestId, after: u64) -> Result<Vec<Placed>, TrailsError> {
        self.ask(origin, move |known| known.of_request(request, after)).await
    }

    async fn proof(&self, origin: &str, index: u64) -> Result<Option<String>, TrailsError> {
        if *origin != *self.origin {
            return self.ask(origin, move |known| known.proof(index)).await;
        }
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
        tokio::task::spawn_blocking(move || proof(&log.reader_at(&checkpoint), index)).await.map_err(unreadable)?
    }
}
