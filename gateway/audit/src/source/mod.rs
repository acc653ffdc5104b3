//! Where a log's public files are read from: a folder, or a web server that speaks C2SP tlog-tiles.
//!
//! * [`Source`]: a file by the name that tlog-tiles gives it, within a bound. Nothing that it gives is believed.
//! * [`Folder`](crate::folder::Folder): files of this machine.
//! * `web`: files behind a URL (feature `web`); `proof`: what a gateway that asks for a token wants to see.

#[cfg(feature = "web")]
mod proof;
#[cfg(feature = "web")]
mod web;

use std::fmt;
use std::path::Path;

use tlog_tiles::{HASH_SIZE, Hash};

use crate::damage::{Damage, Fault};
use crate::layout::{Kind, Tile};
use crate::limits::MAX_ENTRY_BYTES;
use crate::tree::TILE_WIDTH;

#[cfg(feature = "web")]
pub use web::{Access, AccessError, Web};

/// Longest entry bundle, in bytes.
const MAX_BUNDLE_BYTES: usize = TILE_WIDTH * (2 + MAX_ENTRY_BYTES);

/// Where a log's public files are read from. Calls block.
pub trait Source: Send + Sync + fmt::Debug {
    /// The place, as an auditor names it: a path or a URL.
    fn place(&self) -> String;

    /// A file's content by its name in the log (`checkpoint`, `tile/0/x001/234`), or `None` where there is none.
    ///
    /// # Errors
    /// When it is longer than `limit` bytes, or cannot be had.
    fn read(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault>;

    /// Says which files are going to be read soon, in that order. A source that is far away begins to get them; what
    /// it has no room for it leaves out.
    fn prefetch(&self, _files: &[String]) {}

    /// The folder, where it is one of this machine.
    fn folder(&self) -> Option<&Path> {
        None
    }
}

impl dyn Source + '_ {
    /// A tile's content, and the tile that it was taken from: a partial tile may have been
    /// removed once the full one was there.
    pub(crate) fn tile(&self, tile: Tile) -> Result<(Tile, Vec<u8>), Fault> {
        let found = self.find(tile)?;
        found.ok_or_else(|| Damage::at(tile.to_string(), tile.start(), "the file is missing").into())
    }

    /// The same, or `None` where there is neither.
    pub(crate) fn find(&self, tile: Tile) -> Result<Option<(Tile, Vec<u8>)>, Fault> {
        let limit = match tile.kind {
            Kind::Hashes(_) => TILE_WIDTH * HASH_SIZE,
            Kind::Entries => MAX_BUNDLE_BYTES,
        };
        for tile in [tile, tile.widened()] {
            if let Some(bytes) = self.read(&tile.to_string(), limit)? {
                return Ok(Some((tile, bytes)));
            }
        }
        Ok(None)
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
