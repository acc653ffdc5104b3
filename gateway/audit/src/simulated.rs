//! A disk with a volatile cache, for tests: it can be full, fail, tell what was done in which
//! order, and lose power.
//!
//! Everything is done for real in the folder as well, so that the log can read it. Beside that
//! the disk keeps what would survive: content once its file was synced, names once their folder
//! was. When power is cut, of what was not synced each sector and each name survives or not, as a
//! seed decides.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use crate::disk::{Disk, DiskFile, RealDisk};

const SECTOR: usize = 512;

/// What was done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Write { file: PathBuf },
    Sync { file: PathBuf },
}

impl Event {
    pub(crate) fn file(&self) -> &Path {
        match self {
            Self::Write { file } | Self::Sync { file } => file,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Content {
    durable: Vec<u8>,
    volatile: Vec<(u64, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum Change {
    Link(PathBuf, usize),
    Unlink(PathBuf),
    MakeDir(PathBuf),
}

impl Change {
    fn path(&self) -> &Path {
        match self {
            Self::Link(path, _) | Self::Unlink(path) | Self::MakeDir(path) => path,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Durable {
    contents: Vec<Content>,
    /// Names that would survive: a file's content, or `None` for a folder.
    names: BTreeMap<PathBuf, Option<usize>>,
    changes: Vec<Change>,
}

impl Durable {
    fn load(&mut self, dir: &Path) {
        if !dir.is_dir() {
            return;
        }
        self.names.insert(dir.to_owned(), None);
        for item in std::fs::read_dir(dir).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                self.load(&path);
            } else {
                let durable = std::fs::read(&path).unwrap();
                self.names.insert(path, Some(self.contents.len()));
                self.contents.push(Content { durable, volatile: Vec::new() });
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    now: Durable,
    /// Where each file is now.
    open: BTreeMap<PathBuf, usize>,
    events: Vec<Event>,
    operations: u64,
    cut_at: Option<u64>,
    frozen: Option<Durable>,
    /// Bytes that may still be written.
    room: Option<u64>,
    sync_failures: u32,
}

impl State {
    /// Counts an operation that has just taken its (volatile) effect.
    fn tick(&mut self) {
        self.operations += 1;
        if self.cut_at.is_some_and(|at| self.operations >= at) && self.frozen.is_none() {
            self.frozen = Some(self.now.clone());
        }
    }

    fn admit(&mut self, bytes: u64) -> io::Result<()> {
        match &mut self.room {
            Some(room) if *room < bytes => Err(io::ErrorKind::StorageFull.into()),
            Some(room) => {
                *room -= bytes;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SimulatedDisk(Arc<Mutex<State>>);

impl SimulatedDisk {
    /// A disk that durably holds what is in a folder.
    pub(crate) fn holding(dir: &Path) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().now.load(dir);
        disk
    }

    /// Whether these bytes are in some file, whatever happens to the power.
    pub(crate) fn is_durable(&self, bytes: &[u8]) -> bool {
        let state = self.0.lock().unwrap();
        let holds =
            |content: &usize| state.now.contents[*content].durable.windows(bytes.len()).any(|found| found == bytes);
        state.now.names.values().flatten().any(holds)
    }

    /// Power will be lost at this operation; what is done later is done in vain.
    pub(crate) fn cut_at(&self, operation: u64) {
        self.0.lock().unwrap().cut_at = Some(operation);
    }

    pub(crate) fn has_lost_power(&self) -> bool {
        self.0.lock().unwrap().frozen.is_some()
    }

    pub(crate) fn operations(&self) -> u64 {
        self.0.lock().unwrap().operations
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().events.clone()
    }

    pub(crate) fn set_room(&self, bytes: Option<u64>) {
        self.0.lock().unwrap().room = bytes;
    }

    /// The next syncs of a file's content fail, after the data got to the disk all the same.
    pub(crate) fn fail_syncs(&self, count: u32) {
        self.0.lock().unwrap().sync_failures = count;
    }

    /// What `from` would hold after the power cut (or one now), written to `to`.
    pub(crate) fn after_power_cut(&self, from: &Path, to: &Path, seed: u64) {
        let mut random = SmallRng::seed_from_u64(seed);
        self.leave(from, to, || random.random_bool(0.5));
    }

    /// What `from` would hold if at the cut (or now) it was the process alone that ended, written to `to`: all that was
    /// done until then.
    pub(crate) fn after_kill(&self, from: &Path, to: &Path) {
        self.leave(from, to, || true);
    }

    /// Writes what is left; of what was not synced each sector and each name survives where it is said to.
    fn leave(&self, from: &Path, to: &Path, mut survives: impl FnMut() -> bool) {
        let state = self.0.lock().unwrap();
        let mut left = state.frozen.clone().unwrap_or_else(|| state.now.clone());
        for change in std::mem::take(&mut left.changes) {
            if survives() {
                apply(&mut left.names, &change);
            }
        }
        for (path, content) in &left.names {
            let Ok(inside) = path.strip_prefix(from) else { continue };
            let target = to.join(inside);
            match content {
                None => std::fs::create_dir_all(target).unwrap(),
                // A name whose folder did not survive is gone with it.
                Some(_) if !target.parent().unwrap().is_dir() => {}
                Some(content) => {
                    let content = &left.contents[*content];
                    let mut bytes = content.durable.clone();
                    for (offset, written) in &content.volatile {
                        persist_some(&mut bytes, *offset as usize, written, &mut survives);
                    }
                    std::fs::write(target, bytes).unwrap();
                }
            }
        }
    }
}

fn persist_some(bytes: &mut Vec<u8>, offset: usize, written: &[u8], mut survives: impl FnMut() -> bool) {
    let mut at = 0;
    while at < written.len() {
        let end = ((offset + at) / SECTOR + 1) * SECTOR - offset;
        let piece = &written[at..end.min(written.len())];
        if survives() {
            let from = offset + at;
            bytes.resize(bytes.len().max(from + piece.len()), 0);
            bytes[from..from + piece.len()].copy_from_slice(piece);
        }
        at += piece.len();
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Option<usize>>, change: &Change) {
    match change {
        Change::Link(path, content) => drop(names.insert(path.clone(), Some(*content))),
        Change::MakeDir(path) => drop(names.insert(path.clone(), None)),
        Change::Unlink(path) => names.retain(|name, _| !name.starts_with(path)),
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    real: Box<dyn DiskFile>,
    content: usize,
    path: PathBuf,
}

impl Disk for SimulatedDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock().unwrap();
        state.admit(0)?;
        let real = RealDisk.create(path)?;
        let content = state.now.contents.len();
        state.now.contents.push(Content::default());
        state.open.insert(path.to_owned(), content);
        state.now.changes.push(Change::Link(path.to_owned(), content));
        state.tick();
        drop(state);
        let (disk, path) = (self.clone(), path.to_owned());
        Ok(Box::new(SimulatedFile { disk, real, content, path }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.admit(0)?;
        RealDisk.rename(from, to)?;
        let content = state.open.remove(from).unwrap();
        state.open.insert(to.to_owned(), content);
        state.now.changes.push(Change::Link(to.to_owned(), content));
        state.now.changes.push(Change::Unlink(from.to_owned()));
        state.tick();
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        RealDisk.remove_file(path)?;
        state.now.changes.push(Change::Unlink(path.to_owned()));
        state.tick();
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.admit(0)?;
        RealDisk.create_dir(path)?;
        if !state.now.names.contains_key(path) {
            state.now.changes.push(Change::MakeDir(path.to_owned()));
        }
        state.tick();
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        RealDisk.remove_dir(path)?;
        state.now.changes.push(Change::Unlink(path.to_owned()));
        state.tick();
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.admit(0)?;
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.now.changes).into_iter().partition(|change| change.path().parent() == Some(path));
        state.now.changes = elsewhere;
        for change in &here {
            apply(&mut state.now.names, change);
        }
        state.tick();
        Ok(())
    }
}

impl DiskFile for SimulatedFile {
    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock().unwrap();
        state.admit(bytes.len() as u64)?;
        self.real.write_all_at(bytes, offset)?;
        state.now.contents[self.content].volatile.push((offset, bytes.to_vec()));
        state.events.push(Event::Write { file: self.path.clone() });
        state.tick();
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut state = self.disk.0.lock().unwrap();
        state.admit(0)?;
        let content = &mut state.now.contents[self.content];
        for (offset, written) in std::mem::take(&mut content.volatile) {
            let (from, to) = (offset as usize, offset as usize + written.len());
            content.durable.resize(content.durable.len().max(to), 0);
            content.durable[from..to].copy_from_slice(&written);
        }
        if state.sync_failures > 0 {
            state.sync_failures -= 1;
            return Err(io::Error::other("the flush failed"));
        }
        state.events.push(Event::Sync { file: self.path.clone() });
        state.tick();
        Ok(())
    }
}
