//! Reading a log from its folder or a web server: entries and proofs, with or without a gateway beside it.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tlog_tiles::{Hash, prove_record, prove_tree, record_hash};

use crate::bundle;
use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::damage::{Damage, Fault};
use crate::folder::Folder;
use crate::key::VerifierKeys;
use crate::layout::{self, Tile};
use crate::limits::MAX_CHECKPOINT_BYTES;
use crate::proof::Proof;
use crate::retention::{Removal, Removed};
use crate::source::Source;
use crate::tiles::{Nodes, TileTree, Tiles};
use crate::tree::TILE_WIDTH;

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no checkpoint in the place.
    #[error("{dir} holds no log: there is no checkpoint in it")]
    NoLog {
        /// The folder or URL as given.
        dir: String,
    },
    /// The checkpoint is not believed.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Something does not verify.
    #[error("{0}")]
    Damaged(#[from] Damage),
    /// The checkpoint does not cover what was asked for.
    #[error("entry {index} is beyond the {size} entries of the checkpoint")]
    Beyond {
        /// What was asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// What was in the entry has been removed after its time.
    #[error("entry {index} has been removed after its time; the first that is there is {to}")]
    Removed {
        /// What was asked for.
        index: u64,
        /// The first entry that is there.
        to: u64,
    },
    /// A file could not be read.
    #[error("{file}: {source}")]
    Io {
        /// The file, relative to the folder.
        file: String,
        /// What the system said.
        source: io::Error,
    },
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damage(damage) => Self::Damaged(damage),
            Fault::Io { file, source } => Self::Io { file, source },
        }
    }
}

/// A log as of one of its checkpoints. All calls read files and block.
#[derive(Clone, Debug)]
pub struct Reader {
    source: Arc<dyn Source>,
    checkpoint: SignedCheckpoint,
}

/// An entry with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Index in the log, from 0.
    pub index: u64,
    /// What was appended.
    pub data: Vec<u8>,
}

impl Reader {
    /// Opens a folder at its newest checkpoint, which one of the keys must have signed.
    ///
    /// # Errors
    /// When there is no log or its checkpoint is not believed.
    pub fn open(dir: &Path, keys: &VerifierKeys) -> Result<Self, ReadError> {
        Self::of(Arc::new(Folder::new(dir)), Some(keys))
    }

    /// Opens a log, wherever it is, at its newest checkpoint. One of the keys must have signed it; without keys it is
    /// taken as it stands, to look at a log whose key is not at hand.
    ///
    /// # Errors
    /// When there is no log or its checkpoint is not believed.
    pub fn of(source: Arc<dyn Source>, keys: Option<&VerifierKeys>) -> Result<Self, ReadError> {
        let note = source
            .read(layout::CHECKPOINT, MAX_CHECKPOINT_BYTES)?
            .ok_or_else(|| ReadError::NoLog { dir: source.place() })?;
        let checkpoint = match keys {
            Some(keys) => SignedCheckpoint::verify(&note, keys)?,
            None => SignedCheckpoint::unverified(&note)?,
        };
        Ok(Self { source, checkpoint })
    }

    /// A log as of a checkpoint that is at hand already.
    #[must_use]
    pub fn as_of(source: Arc<dyn Source>, checkpoint: SignedCheckpoint) -> Self {
        Self { source, checkpoint }
    }

    /// The same log at its newest checkpoint, which must continue the one that this reader has: a tree that forked or
    /// went back is not followed. With keys, one of them must have signed it.
    ///
    /// # Errors
    /// When the log cannot be read, or is not a continuation.
    pub fn follow(&self, keys: Option<&VerifierKeys>) -> Result<Self, ReadError> {
        let next = Self::of(Arc::clone(&self.source), keys)?;
        next.must_continue(&self.checkpoint)?;
        Ok(next)
    }

    /// Checks that the tree of an earlier checkpoint is a beginning of this one's.
    ///
    /// # Errors
    /// When it is not, or what is read to tell does not verify.
    pub fn must_continue(&self, earlier: &SignedCheckpoint) -> Result<(), ReadError> {
        let tree = TileTree::open(&*self.source, &self.checkpoint)?;
        must_continue(tree, &self.checkpoint, earlier).map(drop).map_err(ReadError::from)
    }

    pub(crate) fn at(folder: Folder, checkpoint: SignedCheckpoint) -> Self {
        Self { source: Arc::new(folder), checkpoint }
    }

    pub(crate) fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// The checkpoint that everything is read as of.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The entries of a range, in order; what is beyond the checkpoint, or was removed after its time, is left out.
    /// They are as the log's bundles have them: [`verify`](crate::verify()) says whether the tree commits to them.
    #[must_use]
    pub fn entries(&self, range: Range<u64>) -> Entries {
        let end = range.end.min(self.checkpoint.size);
        Entries { reader: self.clone(), next: range.start.min(end), end, read: None, tiles: None }
    }

    /// The entries of a range, each compared with the hash that the tree commits to. What was removed is left out where
    /// a record that the tree commits to says that it was.
    ///
    /// # Errors
    /// When the edge of the tree is not what the checkpoint says.
    pub fn checked_entries(&self, range: Range<u64>) -> Result<Entries, ReadError> {
        let tiles = Tiles::open(&*self.source, &self.checkpoint)?;
        Ok(Entries { tiles: Some(tiles), ..self.entries(range) })
    }

    /// A proof that carries the entry of this index.
    ///
    /// # Errors
    /// When the index is beyond the checkpoint, or what is read for it does not verify.
    pub fn proof(&self, index: u64) -> Result<Proof, ReadError> {
        let size = self.checkpoint.size;
        if index >= size {
            return Err(ReadError::Beyond { index, size });
        }
        let hashes = self.prove(|nodes| prove_record(size, index, nodes))?;
        let bundle = self.bundle(index / TILE_WIDTH as u64).map_err(|why| match why {
            ReadError::Removed { to, .. } => ReadError::Removed { index, to },
            other => other,
        })?;
        let entry = bundle.get(index as usize % TILE_WIDTH).ok_or(ReadError::Beyond { index, size })?;
        let note = self.checkpoint.note.clone();
        Ok(Proof { extra: Some(entry.to_vec()), index, hashes, checkpoint: note })
    }

    /// The hashes that prove that the tree of `old_size` entries is a beginning of this one.
    ///
    /// # Errors
    /// When `old_size` is 0 or beyond the checkpoint, or what is read does not verify.
    pub fn consistency_proof(&self, old_size: u64) -> Result<Vec<Hash>, ReadError> {
        let size = self.checkpoint.size;
        if !(1..=size).contains(&old_size) {
            return Err(ReadError::Beyond { index: old_size, size });
        }
        self.prove(|nodes| prove_tree(size, old_size, nodes))
    }

    fn prove(
        &self,
        prove: impl FnOnce(&Nodes<'_>) -> Result<Vec<Hash>, tlog_tiles::Error>,
    ) -> Result<Vec<Hash>, ReadError> {
        let nodes = Nodes::new(TileTree::open(&*self.source, &self.checkpoint)?);
        prove(&nodes).map_err(|why| match nodes.into_fault() {
            Some(fault) => fault.into(),
            None => Damage::new(layout::CHECKPOINT, why.to_string()).into(),
        })
    }

    /// The bundle of this number.
    pub(crate) fn bundle(&self, n: u64) -> Result<Bundle, ReadError> {
        let start = n * TILE_WIDTH as u64;
        let width = (self.checkpoint.size - start).min(TILE_WIDTH as u64) as usize;
        let wanted = Tile::entries(n, width);
        match self.source.find(wanted)? {
            Some((tile, bytes)) => Bundle::read(tile, bytes, width).map_err(ReadError::from),
            None => match Removed::read(&*self.source)?.filter(|removed| removed.covers(n)) {
                Some(Removed { to, .. }) => Err(ReadError::Removed { index: start, to }),
                None => Err(Damage::at(wanted.to_string(), start, "the file is missing").into()),
            },
        }
    }

    /// What the log says of entries that were removed after their time; `None` where none were.
    ///
    /// # Errors
    /// When it cannot be read, or the log says no such thing.
    pub fn removal(&self) -> Result<Option<Removal>, ReadError> {
        let Some(removed) = Removed::read(&*self.source)? else { return Ok(None) };
        let (index, size) = (removed.record, self.checkpoint.size);
        let beyond = ReadError::Beyond { index, size };
        if index >= size {
            return Err(beyond);
        }
        let n = index / TILE_WIDTH as u64;
        let bundle = self.bundle(n)?;
        bundle.check(Tiles::open(&*self.source, &self.checkpoint)?.tile(&*self.source, 0, n)?)?;
        Ok(Some(removed.said(bundle.get(index as usize % TILE_WIDTH).ok_or(beyond)?)?))
    }
}

/// Checks that the tree of an earlier checkpoint is a beginning of this one; gives the tree back.
pub(crate) fn must_continue<'a>(
    tree: TileTree<'a>,
    checkpoint: &SignedCheckpoint,
    earlier: &SignedCheckpoint,
) -> Result<TileTree<'a>, Fault> {
    let refuse = |what: String| Err(Damage::new(layout::CHECKPOINT, what).into());
    if earlier.origin != checkpoint.origin {
        return refuse(format!("it is of the log {}, not of {}", checkpoint.origin, earlier.origin));
    }
    if earlier.size > checkpoint.size {
        let (old, new) = (earlier.size, checkpoint.size);
        return refuse(format!("the log went back: it had {old} entries, now it has {new}"));
    }
    let (tree, root) = tree.root_at(earlier.size)?;
    if root != earlier.root {
        let size = earlier.size;
        return refuse(format!("the log forked: its first {size} entries are not those of the earlier checkpoint"));
    }
    Ok(tree)
}

/// An entry bundle, taken apart.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// The file that it was taken from.
    tile: Tile,
    bytes: Vec<u8>,
    /// Where each entry ends; it begins two bytes after the one before it.
    ends: Vec<u32>,
}

impl Bundle {
    /// Takes the first `width` entries of a bundle.
    fn read(tile: Tile, bytes: Vec<u8>, width: usize) -> Result<Self, Damage> {
        let mut ends = Vec::with_capacity(width);
        let mut rest = bytes.as_slice();
        for at in 0..tile.width {
            let Some((_, after)) = bundle::split(rest) else {
                let what = "the entries' lengths do not add up to the file's";
                return Err(Damage::at(tile.to_string(), tile.start() + at as u64, what));
            };
            rest = after;
            ends.push((bytes.len() - rest.len()) as u32);
        }
        if !rest.is_empty() {
            let what = "the entries' lengths do not add up to the file's";
            return Err(Damage::at(tile.to_string(), tile.start() + tile.width as u64, what));
        }
        ends.truncate(width);
        Ok(Self { tile, bytes, ends })
    }

    /// The index of the first entry.
    pub(crate) fn start(&self) -> u64 {
        self.tile.start()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The entry at this place of the bundle.
    pub(crate) fn get(&self, at: usize) -> Option<&[u8]> {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or(0) as usize);
        self.bytes.get(begin + 2..*self.ends.get(at)? as usize)
    }

    fn check(&self, hashes: &[Hash]) -> Result<(), Damage> {
        for (at, hash) in hashes.iter().enumerate().take(self.len()) {
            if self.get(at).is_none_or(|entry| record_hash(entry) != *hash) {
                let what = "the entry is not the one that the tree commits to";
                return Err(Damage::at(self.tile.to_string(), self.start() + at as u64, what));
            }
        }
        Ok(())
    }
}

/// Entries of a log in order, read bundle by bundle.
#[derive(Debug)]
pub struct Entries {
    reader: Reader,
    next: u64,
    end: u64,
    read: Option<Bundle>,
    /// What the entries are compared with.
    tiles: Option<Tiles>,
}

/// How many bundles ahead are asked for.
const AHEAD: u64 = 16;

impl Entries {
    /// Goes on from this index, within the range's end. Going to an entry of the same bundle reads nothing anew.
    pub fn seek(&mut self, index: u64) {
        self.next = index.min(self.end);
    }

    /// The entry of this index; `None` beyond the range's end, and where it was removed after its time.
    pub fn get(&mut self, index: u64) -> Option<Result<Entry, ReadError>> {
        self.seek(index);
        self.next().filter(|found| found.as_ref().map_or(true, |entry| entry.index == index))
    }

    fn load(&mut self, n: u64) -> Result<&Bundle, ReadError> {
        let previous = self.read.as_ref().map(|bundle| bundle.start() / TILE_WIDTH as u64);
        if previous != Some(n) {
            // Who reads on is going to read on; who jumps is not.
            if previous.is_some_and(|previous| previous + 1 == n) {
                let last = (self.end - 1) / TILE_WIDTH as u64;
                let files: Vec<String> = (n..=last.min(n + AHEAD)).map(|n| self.file(n)).collect();
                self.reader.source.prefetch(&files);
            }
            self.read = None;
            let bundle = match self.reader.bundle(n) {
                Err(ReadError::Removed { index, .. }) if self.tiles.is_some() => return Err(self.removed(n, index)),
                bundle => bundle?,
            };
            if let Some(tiles) = &mut self.tiles {
                bundle.check(tiles.tile(&*self.reader.source, 0, n)?)?;
            }
            self.read = Some(bundle);
        }
        self.read.as_ref().ok_or(ReadError::Beyond { index: self.next, size: self.reader.checkpoint.size })
    }

    /// Why a bundle is missing that a file says was removed. The tree does not commit to that file, but to the record
    /// that it names.
    fn removed(&self, n: u64, index: u64) -> ReadError {
        match self.reader.removal() {
            Ok(Some(said)) if said.removed().covers(n) => ReadError::Removed { index, to: said.to },
            Ok(_) => Damage::at(self.file(n), index, "the file is missing").into(),
            Err(why) => why,
        }
    }

    fn file(&self, n: u64) -> String {
        let rest = self.reader.checkpoint.size - n * TILE_WIDTH as u64;
        Tile::entries(n, rest.min(TILE_WIDTH as u64) as usize).to_string()
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let mut loaded = self.load(self.next / TILE_WIDTH as u64).map(drop);
        if let Err(ReadError::Removed { to, .. }) = loaded {
            self.next = to;
            if self.next >= self.end {
                return None;
            }
            loaded = self.load(to / TILE_WIDTH as u64).map(drop);
        }
        let index = self.next;
        match loaded.and_then(|()| self.load(index / TILE_WIDTH as u64)) {
            Ok(bundle) => {
                let data = bundle.get(index as usize % TILE_WIDTH)?.to_vec();
                self.next += 1;
                Some(Ok(Entry { index, data }))
            }
            Err(why) => {
                self.end = self.next;
                Some(Err(why))
            }
        }
    }
}
