//! The public checkpoint: the one file that the tiler or whoever asks the witnesses writes, in turns, and never with a
//! smaller tree than it had.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use super::Published;
use crate::disk::Disk;
use crate::layout;

pub(super) struct Board {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// What is in the file, durably; held while it is written.
    shown: watch::Sender<Published>,
    since: Mutex<SystemTime>,
}

impl Board {
    /// The file holds this checkpoint, since then.
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, shown: Published, since: SystemTime) -> Self {
        let shown = watch::Sender::new(shown);
        Self { disk, dir: dir.to_owned(), shown, since: Mutex::new(since) }
    }

    pub(super) fn shown(&self) -> Published {
        self.shown.borrow().clone()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Published> {
        self.shown.subscribe()
    }

    pub(super) fn since(&self) -> SystemTime {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a checkpoint in place of the one that is there, unless that has the larger tree or is `good` as it is.
    /// Says whether it was written.
    pub(super) fn put(&self, new: Published, good: impl FnOnce(&Published) -> bool) -> io::Result<bool> {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.shown();
        if new.size < old.size || good(&old) {
            return Ok(false);
        }
        write(&*self.disk, &self.dir, layout::CHECKPOINT, "public", new.note.as_bytes())?;
        *since = SystemTime::now();
        self.shown.send_replace(new);
        Ok(true)
    }
}

/// Writes a file under another name, durably, and gives it its own.
pub(crate) fn write(disk: &dyn Disk, dir: &Path, file: &str, meanwhile: &str, content: &[u8]) -> io::Result<()> {
    let unfinished = dir.join(layout::JOURNAL).join(format!("{meanwhile}{}", layout::UNFINISHED));
    let mut created = disk.create(&unfinished)?;
    created.write_all_at(content, 0)?;
    created.sync_data()?;
    drop(created);
    let named = dir.join(file);
    disk.rename(&unfinished, &named)?;
    disk.sync_dir(named.parent().unwrap_or(dir))
}
