//! The store on sled, as the gateway runs it by default.
//!
//! sled by itself loses what it acknowledged: on Linux its `flush` only asks for write-back (`sync_file_range`), which
//! does not survive a power cut, and many concurrent flushes starve its thread pool. So one thread owns all writing:
//! it takes the batches that wait, checks each batch's preconditions against the state with the earlier batches of the
//! group, applies the group as **one** atomic sled batch, flushes, fsyncs sled's files, and only then answers.
//!
//! **What readers see.** A reader never sees what a power cut could still take away. While a group is being made
//! durable, [`view::View`] answers with what its keys were before; when the fsync is done, the whole group appears at
//! once, and then its callers are told. So whoever acts on what was read acts on something that lasts, a caller reads
//! its own commits, and a scan is of one moment. The price is that a read may be one fsync behind; a commit based on
//! it meets [`StoreError::Conflict`], never a lost update.
//!
//! **When the disk fails.** After a failed write, flush or fsync nobody knows what reached the disk, and asking again
//! would not tell: the kernel drops the pages and reports success. So nothing is written any more: every commit gets
//! [`StoreError::Unavailable`], [`SledStore::failure`] says why, and readers keep seeing the last durable state.
//! Recovery is a restart of the process: opening replays what reached the disk, whole batches only.
//!
//! **When sled fails.** sled ends its log at the first message it cannot read, silently. The file `watermark` holds the
//! last revision that was durable, so that opening can tell that commits are missing, and refuse.
//!
//! Floor plan
//! - `committer`: the thread; groups, checks, applies, syncs, answers.
//! - `layout`: how keys and values lie in sled's one tree.
//! - `view`: what readers see.
//! - `opening`: locks, format marker, revision counter; every way in which a folder is refused.
//! - `files`: which of sled's files are fsynced, and when.
//! - `watermark`: the last durable revision, beside sled.

mod committer;
mod files;
mod layout;
mod opening;
mod view;
mod watermark;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use dialog_core::ports::store::{Batch, Entry, Range, Revision, Store, StoreError, Versioned};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::bounds::check_batch;
use crate::error::OpenError;
use crate::limits;
use crate::sync::{Fsync, SyncCalls};
use committer::Request;
use view::View;

/// What an operator may tune. The defaults hold for a node of a few gigabytes of memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SledConfig {
    /// Bytes of pages that sled keeps in memory, counted as they lie on disk; expect about three times that
    /// in all.
    pub cache_bytes: u64,
    /// Batches that may wait for the committer; callers beyond them wait for a place.
    pub queued_commits: NonZeroUsize,
    /// Most batches that share one fsync.
    pub group_commits: NonZeroUsize,
}

impl Default for SledConfig {
    fn default() -> Self {
        Self {
            cache_bytes: limits::DEFAULT_CACHE_BYTES,
            queued_commits: NonZeroUsize::new(limits::DEFAULT_QUEUED_COMMITS).unwrap_or(NonZeroUsize::MIN),
            group_commits: NonZeroUsize::new(limits::DEFAULT_GROUP_COMMITS).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// [`Store`] on sled 0.34, in one folder, which belongs to one process at a time.
///
/// Reads run on the runtime's blocking threads. Dropped without [`SledStore::close`], it still carries out what was
/// queued, on a thread that nobody waits for.
pub struct SledStore {
    folder: PathBuf,
    view: Arc<View>,
    queue: Mutex<Option<mpsc::Sender<Request>>>,
    queued_bytes: Arc<Semaphore>,
    failure: Arc<OnceLock<String>>,
    ended: watch::Receiver<()>,
}

impl std::fmt::Debug for SledStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SledStore")
            .field("folder", &self.folder)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl SledStore {
    /// Opens the store in `folder`, creates it where it is missing, and replays what reached the disk.
    ///
    /// # Errors
    /// One variant of [`OpenError`] for each way in which a folder is refused.
    pub async fn open(folder: impl Into<PathBuf>, config: SledConfig) -> Result<Self, OpenError> {
        Self::open_with(folder.into(), config, Arc::new(Fsync)).await
    }

    pub(crate) async fn open_with(
        folder: PathBuf,
        config: SledConfig,
        sync: Arc<dyn SyncCalls>,
    ) -> Result<Self, OpenError> {
        let path = folder.clone();
        let opened = tokio::task::spawn_blocking(move || {
            opening::open(&path, config.cache_bytes, sync).map(|opened| (opened, config))
        })
        .await
        .unwrap_or_else(|_| Err(OpenError::Damaged { folder: folder.clone(), detail: "opening it broke off".into() }));
        let (opened, config) = opened?;
        let view = Arc::new(View::new(opened.db.clone()));
        let failure = Arc::new(OnceLock::new());
        let (sender, receiver) = mpsc::channel(config.queued_commits.get());
        let ended = committer::spawn(opened, Arc::clone(&view), Arc::clone(&failure), config.group_commits, receiver)
            .map_err(OpenError::io(&folder, "start the committer's thread"))?;
        Ok(Self {
            folder,
            view,
            queue: Mutex::new(Some(sender)),
            queued_bytes: Arc::new(Semaphore::new(limits::MAX_QUEUED_BYTES)),
            failure,
            ended,
        })
    }

    /// Why the store takes no more writes, if a write has failed; for the health check. Only a restart clears it.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Takes no new batch, carries out every queued one, and lets go of the files. Afterwards everything is
    /// [`StoreError::Unavailable`]. May be called more than once; each call returns when all is done.
    pub async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut ended = self.ended.clone();
        // The committer only ever drops its end: the error is the news.
        while ended.changed().await.is_ok() {}
    }

    fn queue(&self) -> Result<mpsc::Sender<Request>, StoreError> {
        if let Some(reason) = self.failure() {
            return Err(StoreError::Unavailable(reason.to_owned()));
        }
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let view = Arc::clone(&self.view);
        match tokio::task::spawn_blocking(move || read(&view)).await {
            Ok(answer) => answer,
            // sled panics where it finds a page that it cannot make sense of.
            Err(broken) if broken.is_panic() => Err(StoreError::Damaged("a page cannot be read".into())),
            Err(_) => Err(closed()),
        }
    }
}

#[async_trait]
impl Store for SledStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let key = Bytes::copy_from_slice(key);
        self.read(move |view| view.get(&key)).await
    }

    async fn scan(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.read(move |view| view.scan(&range)).await
    }

    /// A caller that goes away before its batch's group has begun takes the batch with it.
    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let bytes = check_batch(&batch)?;
        let queue = self.queue()?;
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.queued_bytes).acquire_many_owned(permits).await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        queue.send(Request { batch, bytes, reply, _room: room }).await.map_err(|_| closed())?;
        drop(queue);
        // The committer answers everything that it took, unless its thread ended by a defect of its own.
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the committer has ended".into())))
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}

#[cfg(test)]
mod durability_tests;
#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod opening_tests;
#[cfg(test)]
mod tests;
