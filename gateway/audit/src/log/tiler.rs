//! The tiler: one thread that turns durable entries into tiles and signed checkpoints, and gives
//! the journal's segments back.
//!
//! Order is everything here: tiles are durable under their names before a checkpoint commits to
//! them, and a checkpoint is durable before a journal segment goes. Each step may fail and is
//! then repeated from the state before it, with the same bytes under the same names.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use tlog_tiles::record_hash;

use super::Published;
use super::board::{self, Board};
use super::shared::{Retired, Shared, Stop};
use crate::bundle;
use crate::checkpoint::SignedCheckpoint;
use crate::disk::Disk;
use crate::key::SigningKey;
use crate::layout::{self, Tile};
use crate::tiles::edge_number;
use crate::tree::{Frontier, TILE_WIDTH, levels};

/// Threads that write a step's tiles: enough that their flushes share commits.
const FLUSHES_TOGETHER: usize = 8;

/// Where a checkpoint goes that the log has signed.
#[derive(Clone)]
pub(super) enum Signed {
    /// To everybody, at once.
    Public(Arc<Board>),
    /// To the journal; who asks the witnesses publishes it.
    Journal,
}

/// Builds and writes trees. Works without threads too: the opening uses it so.
pub(super) struct Tiler {
    origin: String,
    signers: Vec<SigningKey>,
    disk: Arc<dyn Disk>,
    dir: std::path::PathBuf,
    signed: Signed,
    /// The tree under the newest checkpoint.
    frontier: Frontier,
    /// The entry bundle at its right edge.
    bundle: Vec<u8>,
    /// Folders that are durably there.
    folders: HashSet<String>,
}

impl Tiler {
    pub(super) fn new(
        origin: String,
        signers: Vec<SigningKey>,
        disk: Arc<dyn Disk>,
        dir: &Path,
        signed: Signed,
        frontier: Frontier,
        bundle: Vec<u8>,
    ) -> Self {
        let dir = dir.to_owned();
        Self { origin, signers, disk, dir, signed, frontier, bundle, folders: HashSet::new() }
    }

    /// Writes the tiles and the checkpoint of the tree with these entries appended.
    ///
    /// After an error the tree is what it was, and the call may be repeated.
    pub(super) fn integrate(&mut self, entries: &[Bytes]) -> io::Result<Published> {
        let mut tree = self.frontier.clone();
        let mut bundle = self.bundle.clone();
        let mut files: Vec<(Tile, Vec<u8>)> = Vec::new();
        let mut filled: Vec<Tile> = Vec::new();
        for entry in entries {
            bundle::push(&mut bundle, entry);
            tree.push(record_hash(entry), |level, n, hashes| {
                let tile = Tile::hashes(level, n, TILE_WIDTH);
                filled.push(tile);
                files.push((tile, concat(hashes)));
                if level == 0 {
                    let tile = Tile::entries(n, TILE_WIDTH);
                    filled.push(tile);
                    files.push((tile, std::mem::take(&mut bundle)));
                }
            });
        }
        let (old, size) = (self.frontier.size(), tree.size());
        for level in 0..levels(size) {
            let edge = &tree.edges()[usize::from(level)];
            // A level is as it was unless entries were added to what it stands for.
            if edge.is_empty() || old >> (8 * u32::from(level)) == size >> (8 * u32::from(level)) {
                continue;
            }
            files.push((Tile::hashes(level, edge_number(size, level), edge.len()), concat(edge)));
            if level == 0 {
                files.push((Tile::entries(edge_number(size, 0), edge.len()), bundle.clone()));
            }
        }
        self.write_tiles(&files)?;
        let checkpoint = self.sign(&tree)?;
        self.frontier = tree;
        self.bundle = bundle;
        self.remove_partials(&filled);
        Ok(checkpoint)
    }

    /// Signs the tree as it is, anew, and writes its checkpoint.
    pub(super) fn sign_again(&self) -> io::Result<Published> {
        self.sign(&self.frontier)
    }

    fn sign(&self, tree: &Frontier) -> io::Result<Published> {
        let signed = sign(&self.origin, tree, &self.signers)?;
        match &self.signed {
            Signed::Public(board) => drop(board.put(Arc::clone(&signed), |_| false)?),
            Signed::Journal => {
                board::write(&*self.disk, &self.dir, layout::SIGNED, "checkpoint", signed.note.as_bytes())?;
            }
        }
        Ok(signed)
    }

    /// Writes all files, makes them durable, and only then gives them their names.
    fn write_tiles(&mut self, files: &[(Tile, Vec<u8>)]) -> io::Result<()> {
        let numbered: Vec<_> = files.iter().enumerate().collect();
        let this = &*self;
        let write = |share: &[(usize, &(Tile, Vec<u8>))]| {
            share
                .iter()
                .try_for_each(|(at, (_, content))| this.write_file(&this.unfinished(&format!("tile-{at}")), content))
        };
        // A file system serves flushes that come together with one commit of its own journal.
        std::thread::scope(|scope| {
            let shares = numbered.chunks(files.len().div_ceil(FLUSHES_TOGETHER).max(1));
            let writers: Vec<_> = shares.map(|share| scope.spawn(move || write(share))).collect();
            writers.into_iter().try_for_each(|writer| {
                writer.join().unwrap_or_else(|_| Err(io::Error::other("writing a tile panicked")))
            })
        })?;
        let mut folders = BTreeSet::new();
        for (at, (tile, _)) in files.iter().enumerate() {
            let path = tile.to_string();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            self.make_folders(&folder)?;
            let unfinished = self.unfinished(&format!("tile-{at}"));
            self.disk.rename(&unfinished, &self.dir.join(&path))?;
            folders.insert(folder);
        }
        folders.iter().try_for_each(|folder| self.disk.sync_dir(&self.dir.join(folder)))
    }

    fn write_file(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = self.disk.create(path)?;
        file.write_all_at(content, 0)?;
        file.sync_data()
    }

    /// Where a file is written before it gets its name: out of the way of who serves the folder.
    fn unfinished(&self, name: &str) -> std::path::PathBuf {
        self.dir.join(layout::JOURNAL).join(format!("{name}{}", layout::UNFINISHED))
    }

    /// Makes a folder and those above it, durably.
    fn make_folders(&mut self, folder: &str) -> io::Result<()> {
        if folder.is_empty() || self.folders.contains(folder) {
            return Ok(());
        }
        let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
        self.make_folders(above)?;
        self.disk.create_dir(&self.dir.join(folder))?;
        self.disk.sync_dir(&self.dir.join(above))?;
        self.folders.insert(folder.to_owned());
        Ok(())
    }

    /// Removes the partial tiles that full ones have replaced. They are superfluous, not wrong:
    /// a failure costs room and is told to the operator.
    fn remove_partials(&mut self, filled: &[Tile]) {
        for tile in filled {
            let folder = tile.partials();
            self.folders.remove(&folder);
            if let Err(why) = self.disk.remove_dir(&self.dir.join(&folder)) {
                tracing::warn!(folder, error = %why, "cannot remove old partial tiles");
            }
        }
    }

    /// Removes segments whose entries are all under a checkpoint, oldest first.
    pub(super) fn remove_segments(&self, segments: &[Retired]) -> io::Result<()> {
        if segments.is_empty() {
            return Ok(());
        }
        for segment in segments {
            match self.disk.remove_file(&segment.path) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                _ => {}
            }
        }
        self.disk.sync_dir(&self.dir.join(layout::JOURNAL))
    }

    /// Works until it is stopped.
    pub(super) fn run(mut self, shared: &Shared) {
        let mut waiting: VecDeque<Bytes> = VecDeque::new();
        let mut due = Instant::now() + shared.pace.integrate_every;
        loop {
            let turn = shared.next_turn(due);
            if turn.make_spare
                && turn.stop.is_none()
                && let Err(why) = shared.make_spare()
            {
                // The writer makes one itself when it needs it, and tells its callers.
                tracing::warn!(error = %why, "cannot make a journal segment");
            }
            if turn.probe && turn.stop.is_none() && shared.probe().is_ok() {
                tracing::info!("the audit log can be written again");
            }
            if let Some(entries) = turn.entries {
                waiting.extend(entries);
                if turn.stop != Some(Stop::Now) {
                    self.integrate_waiting(shared, &mut waiting);
                }
                due = Instant::now() + shared.pace.integrate_every;
            }
            if turn.stop.is_some() {
                if waiting.is_empty() {
                    self.empty_journal(shared);
                }
                return;
            }
        }
    }

    fn integrate_waiting(&mut self, shared: &Shared, waiting: &mut VecDeque<Bytes>) {
        while !waiting.is_empty() {
            let count = waiting.len().min(shared.sizes.step_entries.max(1));
            let step = &waiting.make_contiguous()[..count];
            let bytes = step.iter().map(Bytes::len).sum();
            match self.integrate(step) {
                Ok(checkpoint) => {
                    waiting.drain(..count);
                    shared.integrated(checkpoint, bytes);
                }
                Err(why) => {
                    tracing::error!(error = %why, "cannot publish audit tiles; they are kept");
                    shared.publish_failed(Some(why.to_string().into()));
                    return;
                }
            }
        }
        let released = shared.released(self.frontier.size());
        if let Err(why) = self.remove_segments(&released) {
            tracing::warn!(error = %why, "cannot remove journal segments; the next start will");
        }
    }

    /// At the end, when everything is under a checkpoint, no segment needs to stay.
    fn empty_journal(&self, shared: &Shared) {
        let mut segments = shared.released(self.frontier.size());
        if let Some(spare) = shared.take_spare() {
            segments.push(Retired { path: spare.into_path(), end_index: 0 });
        }
        if let Err(why) = self.remove_segments(&segments) {
            tracing::warn!(error = %why, "cannot remove journal segments; the next start will");
        }
    }
}

/// Signs a tree.
pub(super) fn sign(origin: &str, tree: &Frontier, signers: &[SigningKey]) -> io::Result<Published> {
    let signed = SignedCheckpoint::sign(origin, tree.size(), tree.root(), signers, now());
    signed.map(Arc::new).map_err(io::Error::other)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn concat(hashes: &[tlog_tiles::Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
