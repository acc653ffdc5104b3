//! Reading a log's folder: files by the names that tlog-tiles gives them, each with a bound.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tlog_tiles::{HASH_SIZE, Hash};

use crate::damage::{Damage, Fault};
use crate::layout::{Kind, Tile};
use crate::limits::MAX_ENTRY_BYTES;
use crate::tree::TILE_WIDTH;

/// Longest entry bundle, in bytes.
const MAX_BUNDLE_BYTES: usize = TILE_WIDTH * (2 + MAX_ENTRY_BYTES);

/// A folder that a log is read from.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file's content, or `None` where there is no such file.
    pub(crate) fn read(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        let opened = match fs::File::open(self.0.join(file)) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(Fault::io(file))?,
        };
        let expected = opened.metadata().map_err(Fault::io(file))?.len();
        let mut bytes = Vec::with_capacity(expected.min(limit as u64) as usize + 1);
        opened.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(Fault::io(file))?;
        if bytes.len() > limit {
            return Err(Damage::new(file, format!("it is longer than {limit} bytes")).into());
        }
        Ok(Some(bytes))
    }

    /// A tile's content, and the tile that it was taken from: a partial tile may have been
    /// removed once the full one was there.
    pub(crate) fn tile(&self, tile: Tile) -> Result<(Tile, Vec<u8>), Fault> {
        let limit = match tile.kind {
            Kind::Hashes(_) => TILE_WIDTH * HASH_SIZE,
            Kind::Entries => MAX_BUNDLE_BYTES,
        };
        for tile in [tile, tile.widened()] {
            if let Some(bytes) = self.read(&tile.to_string(), limit)? {
                return Ok((tile, bytes));
            }
        }
        Err(Damage::at(tile.to_string(), tile.start(), "the file is missing").into())
    }

    /// The hashes of a tile.
    pub(crate) fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Fault> {
        let (found, bytes) = self.tile(tile)?;
        if bytes.len() != found.width * HASH_SIZE {
            let what = format!("it has {} bytes, not {}", bytes.len(), found.width * HASH_SIZE);
            return Err(Damage::at(found.to_string(), found.start(), what).into());
        }
        let (hashes, _) = bytes.as_chunks::<HASH_SIZE>();
        Ok(hashes[..tile.width].iter().copied().map(Hash).collect())
    }
}
