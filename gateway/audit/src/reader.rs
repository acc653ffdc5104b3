//! Reading a log from its folder: entries and proofs, with or without a gateway beside it.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::vec;

use tlog_tiles::{Hash, prove_record, prove_tree};

use crate::bundle;
use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::damage::{Damage, Fault};
use crate::folder::Folder;
use crate::key::VerifierKeys;
use crate::layout::{self, Tile};
use crate::limits::MAX_CHECKPOINT_BYTES;
use crate::proof::Proof;
use crate::tiles::{Nodes, TileTree};
use crate::tree::TILE_WIDTH;

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no checkpoint in the folder.
    #[error("{dir} holds no log: there is no checkpoint in it")]
    NoLog {
        /// The folder as given.
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
    folder: Folder,
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
        let folder = Folder::new(dir);
        let note = folder
            .read(layout::CHECKPOINT, MAX_CHECKPOINT_BYTES)?
            .ok_or_else(|| ReadError::NoLog { dir: dir.display().to_string() })?;
        let checkpoint = SignedCheckpoint::verify(&note, keys)?;
        Ok(Self { folder, checkpoint })
    }

    /// A folder at a checkpoint that is not believed: to look at a log whose key is not at hand.
    #[must_use]
    pub fn unverified(dir: &Path, checkpoint: SignedCheckpoint) -> Self {
        Self { folder: Folder::new(dir), checkpoint }
    }

    pub(crate) fn at(folder: Folder, checkpoint: SignedCheckpoint) -> Self {
        Self { folder, checkpoint }
    }

    /// The checkpoint that everything is read as of.
    #[must_use]
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// The entries of a range, in order; what is beyond the checkpoint is left out. They are as
    /// the folder has them: [`verify`](crate::verify()) says whether the tree commits to them.
    #[must_use]
    pub fn entries(&self, range: Range<u64>) -> Entries {
        let end = range.end.min(self.checkpoint.size);
        Entries { reader: self.clone(), next: range.start.min(end), end, read: Vec::new().into_iter() }
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
        let mut entries = self.entries(index..index + 1);
        let entry = entries.next().ok_or(ReadError::Beyond { index, size })??;
        let note = self.checkpoint.note.clone();
        Ok(Proof { extra: Some(entry.data), index, hashes, checkpoint: note })
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
        let nodes = Nodes::new(TileTree::open(&self.folder, &self.checkpoint)?);
        prove(&nodes).map_err(|why| match nodes.into_fault() {
            Some(fault) => fault.into(),
            None => Damage::new(layout::CHECKPOINT, why.to_string()).into(),
        })
    }

    /// The entries of the bundle that holds `index`, and the index of its first.
    fn bundle(&self, index: u64) -> Result<(u64, Vec<Vec<u8>>), ReadError> {
        let n = index / TILE_WIDTH as u64;
        let start = n * TILE_WIDTH as u64;
        let width = (self.checkpoint.size - start).min(TILE_WIDTH as u64) as usize;
        let (tile, bytes) = self.folder.tile(Tile::entries(n, width))?;
        let entries = bundle::entries(&bytes, tile.width).map_err(|malformed| {
            Damage::at(
                tile.to_string(),
                start + malformed.entry as u64,
                "the entries' lengths do not add up to the file's",
            )
        })?;
        Ok((start, entries[..width].iter().map(|entry| entry.to_vec()).collect()))
    }
}

/// Entries of a log in order, read bundle by bundle.
#[derive(Debug)]
pub struct Entries {
    reader: Reader,
    next: u64,
    end: u64,
    read: vec::IntoIter<Vec<u8>>,
}

impl Iterator for Entries {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        if self.read.as_slice().is_empty() {
            match self.reader.bundle(self.next) {
                Ok((start, entries)) => {
                    self.read = entries.into_iter();
                    if let Some(skipped) = (self.next - start).checked_sub(1) {
                        self.read.nth(skipped as usize);
                    }
                }
                Err(why) => {
                    self.end = self.next;
                    return Some(Err(why));
                }
            }
        }
        let data = self.read.next()?;
        let index = self.next;
        self.next += 1;
        Some(Ok(Entry { index, data }))
    }
}
