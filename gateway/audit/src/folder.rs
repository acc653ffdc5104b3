//! Reading a log's folder: files by the names that tlog-tiles gives them, each with a bound.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::damage::{Damage, Fault};
use crate::layout::Tile;
use crate::source::Source;

/// A folder that a log is read from.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The log in this folder; whether there is one is seen when it is read.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file's content, or `None` where there is no such file.
    pub(crate) fn read(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        let opened = match fs::File::open(self.0.join(file)) {
            // A name below what is a file is no name either.
            Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
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

    /// A tile's content, and the tile that it was taken from.
    pub(crate) fn tile(&self, tile: Tile) -> Result<(Tile, Vec<u8>), Fault> {
        (self as &dyn Source).tile(tile)
    }
}

impl Source for Folder {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn read(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        Folder::read(self, file, limit)
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.0)
    }
}
