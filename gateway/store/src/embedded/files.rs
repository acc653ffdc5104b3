//! sled's files, and which of them are fsynced when.
//!
//! In its folder sled 0.34 keeps `db` (the log, and all of the data), `conf` (its parameters, written once), `snap.*`
//! (an index into the log, written at open and fsynced by sled, but not its name) and `blobs/` (pages too large for
//! the log; by our layout there are none). So after a group `db` is what must be synced; everything, with the names in
//! both folders, at open, when sled may have created and renamed files. Should a file ever appear in `blobs/`, it and
//! its name are synced too before anyone is answered.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::sync::SyncCalls;

/// Where sled keeps its log.
const LOG: &str = "db";

/// Where sled keeps pages that are too large for its log.
const OVERFLOW: &str = "blobs";

/// sled's files, to be made durable.
pub(super) struct SledFiles {
    sync: Arc<dyn SyncCalls>,
    log_path: PathBuf,
    // Of our own: the kernel reports a failed write-back once to every open file, so that one which sled has already
    // heard of is still reported here.
    log: File,
    overflow: PathBuf,
    overflow_synced: HashSet<OsString>,
}

impl SledFiles {
    /// Makes durable what sled did while it was opened.
    pub(super) fn after_open(folder: &Path, sync: Arc<dyn SyncCalls>) -> io::Result<Self> {
        for entry in folder.read_dir()? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                sync.file(&entry.path(), &File::open(entry.path())?)?;
            }
        }
        let log_path = folder.join(LOG);
        let mut files = Self {
            sync,
            log: File::options().read(true).write(true).open(&log_path)?,
            log_path,
            overflow: folder.join(OVERFLOW),
            overflow_synced: HashSet::new(),
        };
        files.sync_overflow()?;
        files.sync.folder(&files.overflow)?;
        files.sync.folder(folder)?;
        Ok(files)
    }

    /// Makes durable what sled flushed.
    pub(super) fn after_flush(&mut self) -> io::Result<()> {
        self.sync.file(&self.log_path, &self.log)?;
        if self.sync_overflow()? {
            self.sync.folder(&self.overflow)?;
        }
        Ok(())
    }

    /// Syncs the overflow files that are new, and says whether there were any.
    fn sync_overflow(&mut self) -> io::Result<bool> {
        let mut present = HashSet::new();
        let mut any_new = false;
        for entry in self.overflow.read_dir()? {
            let entry = entry?;
            let name = entry.file_name();
            if !self.overflow_synced.contains(&name) {
                match File::open(entry.path()) {
                    Ok(file) => self.sync.file(&entry.path(), &file)?,
                    // sled has removed it again.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
                any_new = true;
            }
            present.insert(name);
        }
        self.overflow_synced = present;
        Ok(any_new)
    }
}
