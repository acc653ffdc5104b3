//! Verifying a whole log: signature, every entry, every tile; in a folder of this machine every other file and the
//! journal too, with the newer checkpoint in it where witnesses have not signed that one yet. Memory is flat.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;
use tlog_tiles::{Hash, record_hash};

use crate::bundle;
use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::damage::{Damage, Fault};
use crate::folder::Folder;
pub use crate::journal::recovery::TornTail;
use crate::journal::recovery::{Recovered, recover};
use crate::key::VerifierKeys;
use crate::layout::{self, Kind, Tile};
use crate::limits::MAX_CHECKPOINT_BYTES;
use crate::reader::must_continue;
use crate::retention::{Removal, Removed};
use crate::source::Source;
use crate::tiles::TileTree;
use crate::tree::{TILE_WIDTH, edge_width, levels};

/// Why a log does not verify.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no checkpoint in the place.
    #[error("{dir} holds no log: there is no checkpoint in it")]
    NoLog {
        /// The folder or URL as given.
        dir: String,
    },
    /// The checkpoint is not believed.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A file does not verify.
    #[error("{0}")]
    Damaged(#[from] Damage),
    /// A file could not be read, so nothing is known about it.
    #[error("{file}: {source}")]
    Io {
        /// The file, relative to the folder.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever asked had enough before everything was looked at.
    #[error("broken off after {done} of {total} entries")]
    BrokenOff {
        /// Entries verified.
        done: u64,
        /// Entries in all.
        total: u64,
    },
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damage(damage) => Self::Damaged(damage),
            Fault::Io { file, source } => Self::Io { file, source },
        }
    }
}

/// How far a verification is, in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries verified so far.
    pub done: u64,
    /// Entries in all.
    pub total: u64,
}

/// What was found to be right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log's origin.
    pub origin: String,
    /// Entries that the checkpoint commits to.
    pub size: u64,
    /// Root hash of the tree, in base64.
    pub root: String,
    /// The first entry that was looked at: 0 where all were. Those before it are under a checkpoint that was trusted,
    /// and that this tree continues.
    pub first: u64,
    /// Entries whose content was removed after its time, and what the log says of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removal>,
    /// What the journal holds beyond the checkpoint.
    pub journal: JournalReport,
    /// Tiles that reach beyond the checkpoint: written by a gateway that runs, or that ended
    /// before it had signed them. No public checkpoint commits to them yet.
    pub unsigned_tiles: u64,
    /// Entries under the newest checkpoint that the log has signed and not published, as too few witnesses have signed
    /// it; they were looked at too. None where there is no such checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<u64>,
}

/// What the journal of a log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum JournalReport {
    /// A gateway has the log open; its journal changes while it is looked at.
    InUse,
    /// The log is not a folder of this machine; a journal is never public.
    NotPublic,
    /// The journal was read.
    Read {
        /// Durable entries that are not under the checkpoint yet.
        entries: u64,
        /// A last write that did not get to its end, if there is one: file and offset.
        torn: Option<(String, u64)>,
    },
}

/// Verifies the log in a folder: that a trusted key signed its checkpoint; that every entry and
/// every tile is what the checkpoint commits to; that what the journal holds continues it.
///
/// Works beside a running gateway. `progress` is called for each 256 entries.
///
/// # Errors
/// Names the first file, and where one can be named the first entry, that does not verify.
pub fn verify(dir: &Path, keys: &VerifierKeys, mut progress: impl FnMut(Progress)) -> Result<Report, VerifyError> {
    Verification::begin(&Folder::new(dir), keys)?.run(|at| {
        progress(at);
        ControlFlow::Continue(())
    })
}

/// A verification of a log as of its newest checkpoint, wherever the log is.
pub struct Verification<'a> {
    source: &'a dyn Source,
    tree: TileTree<'a>,
    checkpoint: SignedCheckpoint,
    keys: VerifierKeys,
    /// The first entry to be looked at; the first of a bundle.
    first: u64,
}

impl<'a> Verification<'a> {
    /// Reads the checkpoint and the edge of the tree that it commits to.
    ///
    /// # Errors
    /// When there is no log, no trusted key signed its checkpoint, or the tree's edge is another.
    pub fn begin(source: &'a dyn Source, keys: &VerifierKeys) -> Result<Self, VerifyError> {
        let note = source
            .read(layout::CHECKPOINT, MAX_CHECKPOINT_BYTES)?
            .ok_or_else(|| VerifyError::NoLog { dir: source.place() })?;
        let checkpoint = SignedCheckpoint::verify(&note, keys)?;
        let tree = TileTree::open(source, &checkpoint)?;
        Ok(Self { source, tree, checkpoint, keys: keys.clone(), first: 0 })
    }

    /// The checkpoint that everything is verified against.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Leaves out the first `done` entries of the tree of an earlier checkpoint, as whoever asks knows them to be right.
    /// That today's tree continues that one is checked at once.
    ///
    /// # Errors
    /// When the log forked or went back since.
    pub fn after(mut self, earlier: &SignedCheckpoint, done: u64) -> Result<Self, VerifyError> {
        self.tree = must_continue(self.tree, &self.checkpoint, earlier)?;
        self.first = done.min(earlier.size) / TILE_WIDTH as u64 * TILE_WIDTH as u64;
        Ok(self)
    }

    /// Looks at everything. `progress` is called for each 256 entries, and may break off.
    ///
    /// # Errors
    /// Names the first file, and where one can be named the first entry, that does not verify.
    pub fn run(mut self, mut progress: impl FnMut(Progress) -> ControlFlow<()>) -> Result<Report, VerifyError> {
        let total = self.checkpoint.size;
        let bundles = total.div_ceil(TILE_WIDTH as u64);
        let first = self.first / TILE_WIDTH as u64;
        let far = self.source.folder().is_none();
        let mut removal = None;
        for n in first..bundles {
            if far {
                let ahead: Vec<String> = (n..bundles.min(n + AHEAD)).flat_map(|n| files(n, total)).collect();
                self.source.prefetch(&ahead);
            }
            check_bundle_or_removal(self.source, &mut self.tree, total, n, &mut removal)?;
            let done = total.min((n + 1) * TILE_WIDTH as u64);
            if progress(Progress { done, total }).is_break() && done < total {
                return Err(VerifyError::BrokenOff { done, total });
            }
        }
        let (unsigned_tiles, signed, journal) = match self.source.folder() {
            None => (0, None, JournalReport::NotPublic),
            Some(dir) => self.check_inside(&Folder::new(dir))?,
        };
        let SignedCheckpoint { origin, root, .. } = self.checkpoint;
        let root = root.to_string();
        Ok(Report { origin, size: total, root, first: self.first, removed: removal, journal, unsigned_tiles, signed })
    }

    /// Looks at what only a folder of this machine has: how many tiles are not public yet, the size of the tree that the
    /// log has signed and not published, the journal.
    fn check_inside(&mut self, folder: &Folder) -> Result<(u64, Option<u64>, JournalReport), VerifyError> {
        let public = &self.checkpoint;
        let Some((mut tree, signed)) = check_signed(folder, public, &self.keys)? else {
            let unsigned = check_other_files(folder, &mut self.tree, public.size, public.size)?;
            return Ok((unsigned, None, check_journal(folder, &mut self.tree, public)?));
        };
        let unsigned = check_other_files(folder, &mut tree, signed.size, public.size)?;
        Ok((unsigned, Some(signed.size), check_journal(folder, &mut tree, &signed)?))
    }
}

/// Checks a bundle of the tree of `size` entries. Where there is none, the log must say why; once it has, `removal` is
/// what it says.
pub(crate) fn check_bundle_or_removal(
    source: &dyn Source,
    tree: &mut TileTree<'_>,
    size: u64,
    n: u64,
    removal: &mut Option<Removal>,
) -> Result<(), Fault> {
    let width = tree.tile(0, n)?.len();
    let wanted = Tile::entries(n, width);
    let Some(found) = source.find(wanted)? else {
        let removed = match removal {
            Some(known) => Some(known.removed()),
            None => Removed::read(source)?,
        };
        let covers = removed.filter(|removed| removed.covers(n));
        let covers = covers.ok_or_else(|| Damage::at(wanted.to_string(), wanted.start(), "the file is missing"))?;
        if removal.is_none() {
            *removal = Some(said(source, tree, size, covers)?);
        }
        return Ok(());
    };
    check_entries(&found, tree.tile(0, n)?)
}

/// What the log says of what was removed, in a record that the tree of `size` entries commits to.
fn said(source: &dyn Source, tree: &mut TileTree<'_>, size: u64, removed: Removed) -> Result<Removal, Fault> {
    let width = TILE_WIDTH as u64;
    if removed.record >= size {
        let what = format!("the record that it names, {}, is not under the checkpoint", removed.record);
        return Err(Damage::new(layout::REMOVED, what).into());
    }
    let n = removed.record / width;
    let hashes = tree.tile(0, n)?;
    let found = source.tile(Tile::entries(n, hashes.len()))?;
    check_entries(&found, hashes)?;
    let mut rest = found.1.as_slice();
    let mut entry = Default::default();
    for _ in n * width..=removed.record {
        (entry, rest) = bundle::split(rest).unwrap_or_default();
    }
    Ok(removed.said(entry)?)
}

/// How many bundles ahead are asked for.
const AHEAD: u64 = 16;

/// The files of a bundle's place that are read: full hash tiles, and entries.
fn files(n: u64, size: u64) -> Vec<String> {
    let width = (size - n * TILE_WIDTH as u64).min(TILE_WIDTH as u64) as usize;
    // The hashes of the edge were read at the beginning.
    let hashes = (width == TILE_WIDTH).then(|| Tile::hashes(0, n, width).to_string());
    hashes.into_iter().chain([Tile::entries(n, width).to_string()]).collect()
}

/// Checks the entries of a bundle against the hashes that the tree commits to.
pub(crate) fn check_bundle(source: &dyn Source, tree: &mut TileTree<'_>, n: u64) -> Result<(), Fault> {
    let hashes = tree.tile(0, n)?;
    check_entries(&source.tile(Tile::entries(n, hashes.len()))?, hashes)
}

fn check_entries((tile, bytes): &(Tile, Vec<u8>), hashes: &[Hash]) -> Result<(), Fault> {
    let damaged = |at: usize, what: &str| Fault::from(Damage::at(tile.to_string(), tile.start() + at as u64, what));
    let mut rest = bytes.as_slice();
    for (at, hash) in hashes.iter().enumerate() {
        let (entry, after) = bundle::split(rest).ok_or_else(|| damaged(at, "the entry is cut short"))?;
        if record_hash(entry) != *hash {
            return Err(damaged(at, "the entry is not the one that the tree commits to"));
        }
        rest = after;
    }
    // A full bundle that stands in for a partial one goes on; the partial one must not.
    if !rest.is_empty() && tile.width == hashes.len() {
        return Err(damaged(hashes.len() - 1, "there is something after the last entry"));
    }
    Ok(())
}

/// Checks the checkpoint that the log has signed and not published, and every entry beyond the public one: none where
/// everything that it signs is public.
fn check_signed<'a>(
    folder: &'a Folder,
    public: &SignedCheckpoint,
    keys: &VerifierKeys,
) -> Result<Option<(TileTree<'a>, SignedCheckpoint)>, VerifyError> {
    let Some(note) = folder.read(layout::SIGNED, MAX_CHECKPOINT_BYTES)? else {
        return Ok(None);
    };
    let damaged = |what: String| Damage::new(layout::SIGNED, what);
    let signed = SignedCheckpoint::verify(&note, keys).map_err(|why| damaged(why.to_string()))?;
    if signed.size < public.size {
        let what = format!("it is of {} entries, and {} are public already", signed.size, public.size);
        return Err(damaged(what).into());
    }
    // Which of the two checkpoints it is must be said.
    let of_this_one = |fault| match fault {
        Fault::Damage(Damage { file, what, .. }) if file == layout::CHECKPOINT => damaged(what).into(),
        other => other,
    };
    let tree = TileTree::open(folder, &signed).map_err(of_this_one)?;
    let mut tree = must_continue(tree, &signed, public).map_err(of_this_one)?;
    for n in public.size / TILE_WIDTH as u64..signed.size.div_ceil(TILE_WIDTH as u64) {
        check_bundle(folder, &mut tree, n)?;
    }
    Ok(Some((tree, signed)))
}

/// Looks at every file under `tile/`: partial tiles of smaller trees must be beginnings of what
/// was verified, and nothing else may be there. Returns how many tiles reach beyond the public tree.
fn check_other_files(folder: &Folder, tree: &mut TileTree<'_>, size: u64, public: u64) -> Result<u64, VerifyError> {
    let mut unsigned = 0;
    let mut folders = vec![layout::TILES.to_owned()];
    while let Some(name) = folders.pop() {
        let listed = match fs::read_dir(folder.path().join(&name)) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            listed => listed.map_err(Fault::io(name.as_str()))?,
        };
        for item in listed {
            let item = item.map_err(Fault::io(name.as_str()))?;
            let path = format!("{name}/{}", item.file_name().to_string_lossy());
            if item.file_type().map_err(Fault::io(path.as_str()))?.is_dir() {
                folders.push(path);
                continue;
            }
            let Some(tile) = Tile::parse(&path) else {
                return Err(Damage::new(path, "it is not a file of the log").into());
            };
            unsigned += u64::from(width_in_tree(tile, public) < tile.width);
            match width_in_tree(tile, size) {
                // No checkpoint commits to it.
                width if width < tile.width => {}
                // The tile itself; it was checked.
                width if width == tile.width => {}
                _ => check_partial(folder, tree, tile)?,
            }
        }
    }
    Ok(unsigned)
}

/// The width that a tile of this place has in a tree, 0 if it is not in it.
fn width_in_tree(tile: Tile, size: u64) -> usize {
    let level = match tile.kind {
        Kind::Hashes(level) => level,
        Kind::Entries => 0,
    };
    if level >= levels(size) {
        return 0;
    }
    let edge = size >> (8 * u32::from(level)) >> 8;
    match tile.n.cmp(&edge) {
        std::cmp::Ordering::Less => TILE_WIDTH,
        std::cmp::Ordering::Equal => edge_width(size, level),
        std::cmp::Ordering::Greater => 0,
    }
}

/// Checks a partial tile of a smaller tree.
fn check_partial(folder: &Folder, tree: &mut TileTree<'_>, tile: Tile) -> Result<(), Fault> {
    let level = match tile.kind {
        Kind::Hashes(level) => level,
        Kind::Entries => 0,
    };
    let hashes = tree.tile(level, tile.n)?[..tile.width].to_vec();
    let differs = match tile.kind {
        Kind::Hashes(_) => {
            let found = (folder as &dyn Source).hashes(tile)?;
            (0..tile.width).find(|at| found[*at] != hashes[*at])
        }
        Kind::Entries => {
            let (found, bytes) = folder.tile(tile)?;
            if found != tile {
                // A gateway that runs removed it meanwhile, as the full tile is there.
                return Ok(());
            }
            let mut rest = Some(bytes.as_slice());
            let differs = (0..tile.width).find(|at| {
                let split = rest.take().and_then(bundle::split);
                rest = split.map(|(_, after)| after);
                split.is_none_or(|(entry, _)| record_hash(entry) != hashes[*at])
            });
            differs.or(rest.is_none_or(|rest| !rest.is_empty()).then_some(tile.width - 1))
        }
    };
    match differs {
        None => Ok(()),
        Some(at) => {
            let index = tile.start() + ((at as u64) << (8 * u32::from(level)));
            let what = "it is not a beginning of the tile that the tree commits to";
            Err(Damage::at(tile.to_string(), index, what).into())
        }
    }
}

fn check_journal(
    folder: &Folder,
    tree: &mut TileTree<'_>,
    checkpoint: &SignedCheckpoint,
) -> Result<JournalReport, VerifyError> {
    match fs::File::open(folder.path().join(layout::LOCK)) {
        // A folder that was published or copied may have no lock, and then nobody holds it.
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        lock => {
            let lock = lock.map_err(Fault::io(layout::LOCK))?;
            if lock.metadata().map_err(Fault::io(layout::LOCK))?.len() > 0 {
                return Err(Damage::new(layout::LOCK, "it should be empty").into());
            }
            if let Err(fs::TryLockError::WouldBlock) = lock.try_lock_shared() {
                return Ok(JournalReport::InUse);
            }
        }
    }
    let recovered = recover(folder.path(), &checkpoint.origin, checkpoint.size)?;
    check_overlap(&recovered, tree, checkpoint.size)?;
    Ok(JournalReport::Read {
        entries: recovered.end_index(checkpoint.size).saturating_sub(checkpoint.size),
        torn: recovered.torn.map(|torn| (torn.file, torn.offset)),
    })
}

/// Journaled entries that the tree covers already must be the tree's.
pub(crate) fn check_overlap(recovered: &Recovered, tree: &mut TileTree<'_>, size: u64) -> Result<(), Fault> {
    let Some(first) = recovered.first_index else {
        return Ok(());
    };
    for (index, entry) in (first..size).zip(&recovered.entries) {
        let hashes = tree.tile(0, index / TILE_WIDTH as u64)?;
        if hashes[index as usize % TILE_WIDTH] != record_hash(entry) {
            let what = "the journal's entry is not the one that the tree commits to";
            return Err(Damage::at(recovered.file_of(index), index, what).into());
        }
    }
    Ok(())
}
