//! From a folder to an open store, and every way in which a folder is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sled::Db;

use super::files::SledFiles;
use super::layout::{FORMAT, FORMAT_KEY, REVISION_KEY};
use super::watermark::Watermark;
use crate::error::OpenError;
use crate::folder::FolderLock;
use crate::limits::{REOPEN_WAIT, SLED_SEGMENT_BYTES};
use crate::sync::SyncCalls;

/// An open store, all of it durable. Fields are dropped in this order: the lock goes last.
pub(super) struct Opened {
    pub(super) db: Db,
    pub(super) files: SledFiles,
    pub(super) watermark: Watermark,
    /// The last revision given out.
    pub(super) revision: u64,
    _lock: FolderLock,
}

pub(super) fn open(folder: &Path, cache_bytes: u64, sync: Arc<dyn SyncCalls>) -> Result<Opened, OpenError> {
    let lock = FolderLock::take(folder, &*sync)?;
    // sled panics on some of what it cannot make sense of.
    let recovered = catch_unwind(AssertUnwindSafe(|| {
        let db = open_sled(folder, cache_bytes)?;
        let revision = recover(&db, folder)?;
        Ok((db, revision))
    }));
    let (db, revision) = recovered.unwrap_or_else(|_| {
        Err(OpenError::Damaged { folder: folder.to_path_buf(), detail: "sled cannot make sense of its files".into() })
    })?;
    let mut files = SledFiles::after_open(folder, sync).map_err(OpenError::io(folder, "make sled's files durable"))?;
    if revision.is_none() {
        mark(&db, &mut files, folder)?;
    }
    let watermark = Watermark::open(folder).map_err(OpenError::io(folder, "open the watermark"))?;
    Ok(Opened { db, files, watermark, revision: revision.unwrap_or(0), _lock: lock })
}

fn open_sled(folder: &Path, cache_bytes: u64) -> Result<Db, OpenError> {
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(cache_bytes)
        .segment_size(SLED_SEGMENT_BYTES)
        // The committer flushes; nothing else may.
        .flush_every_ms(None);
    let deadline = Instant::now() + REOPEN_WAIT;
    loop {
        match config.open() {
            Ok(db) => return Ok(db),
            // We hold the folder's lock, so this is a thread of sled in this process that is about to let go.
            Err(sled::Error::Io(error))
                if error.to_string().contains("could not acquire lock") && Instant::now() < deadline =>
            {
                // What still holds the file is garbage in sled's epoch collector; nobody else may be there to collect.
                sled::pin().flush();
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(refusal(error, folder)),
        }
    }
}

/// The last revision, or none in a folder that is new.
fn recover(db: &Db, folder: &Path) -> Result<Option<u64>, OpenError> {
    let recorded = Watermark::read(folder).map_err(OpenError::io(folder, "read the watermark"))?;
    let lost = |recovered| {
        let recorded = recorded.filter(|recorded| *recorded > recovered)?;
        Some(OpenError::LostCommits { folder: folder.to_path_buf(), recorded, recovered })
    };
    let Some(format) = db.get(FORMAT_KEY).map_err(|error| refusal(error, folder))? else {
        return match (db.first().map_err(|error| refusal(error, folder))?, lost(0)) {
            (_, Some(lost)) => Err(lost),
            (Some(_), None) => Err(OpenError::NotAStore { folder: folder.to_path_buf() }),
            (None, None) if has_other_trees(db) => Err(OpenError::NotAStore { folder: folder.to_path_buf() }),
            (None, None) => Ok(None),
        };
    };
    let found = u32::from_be_bytes(number(&format, "format", folder)?);
    if found > FORMAT {
        return Err(OpenError::NewerFormat { folder: folder.to_path_buf(), found, supported: FORMAT });
    }
    let revision = match db.get(REVISION_KEY).map_err(|error| refusal(error, folder))? {
        Some(raw) => u64::from_be_bytes(number(&raw, "revision", folder)?),
        None => 0,
    };
    lost(revision).map_or(Ok(Some(revision)), Err)
}

fn has_other_trees(db: &Db) -> bool {
    db.tree_names().len() > 1
}

/// Makes a new folder a store, durably.
fn mark(db: &Db, files: &mut SledFiles, folder: &Path) -> Result<(), OpenError> {
    db.insert(FORMAT_KEY, &FORMAT.to_be_bytes()).map_err(|error| refusal(error, folder))?;
    db.flush().map_err(|error| refusal(error, folder))?;
    files.after_flush().map_err(OpenError::io(folder, "make sled's files durable"))
}

fn number<const N: usize>(raw: &[u8], what: &'static str, folder: &Path) -> Result<[u8; N], OpenError> {
    raw.try_into().map_err(|_| OpenError::Damaged {
        folder: folder.to_path_buf(),
        detail: format!("its {what} has {} bytes, not {N}", raw.len()),
    })
}

fn refusal(error: sled::Error, folder: &Path) -> OpenError {
    match error {
        sled::Error::Io(error) => OpenError::io(folder, "open sled's files")(error),
        other => OpenError::Damaged { folder: folder.to_path_buf(), detail: other.to_string() },
    }
}
