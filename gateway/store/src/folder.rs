//! Folders that only the gateway's own user reads, and the lock that keeps a second process out of one.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::OpenError;
use crate::sync::SyncCalls;

/// Name of the lock file in each folder.
const LOCK: &str = "lock";

/// Held while a process works in a folder; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Creates the folder where it is missing, durably, and takes its lock without waiting.
    pub(crate) fn take(folder: &Path, sync: &dyn SyncCalls) -> Result<Self, OpenError> {
        create_private(folder)?;
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync.folder(parent).map_err(OpenError::io(parent, "make its names durable"))?;
        }
        let path = folder.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(OpenError::io(&path, "open the lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: folder.to_path_buf() }),
            Err(TryLockError::Error(source)) => Err(OpenError::io(&path, "take the lock")(source)),
        }
    }
}

/// Creates a folder that only its owner can enter: what lies in it is health information.
pub(crate) fn create_private(folder: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(OpenError::io(folder, "create the folder"))
}
