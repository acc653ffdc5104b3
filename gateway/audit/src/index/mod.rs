//! An index beside a log: which entries belong to a trace, a request, a dialog or a person.
//!
//! It is never evidence. It can be thrown away at any time and is made anew from the log; what it finds are candidates,
//! which whoever asks reads and compares. A finished stretch of 65,536 entries has a segment that never changes; what
//! comes after the last one is searched through, or held in memory by whoever follows the log.
//!
//! Nothing personal is in it in clear: keys are the first 48 bits of a hash.
//!
//! * `segment`: the file, and finding a key in it.
//! * `build`: a segment from the entries; for whoever follows a log, the one that is not whole yet.
//! * [`Index`]: all segments of a log.

mod build;
mod segment;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memchr::memmem;
use sha2::{Digest, Sha256};
use tlog_tiles::Hash;

use crate::limits::MAX_TREE_SIZE;
use crate::reader::{ReadError, Reader};
use crate::tiles::Tiles;
use crate::tree::TILE_WIDTH;
use crate::verify::Progress;
use build::Growing;
use segment::Segment;

/// Entries of a segment: those under one hash of the tree's tiles at level 2, so that a segment is bound to the tree
/// that it was made from. In 16 bits, a key has room for the place in it.
const SEGMENT_ENTRIES: u64 = 1 << 16;

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A file of the index could not be read or written.
    #[error("index {file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// What entries are found by. Values are compared exactly, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// The trace that they belong to.
    Trace(&'a str),
    /// The request.
    Request(&'a str),
    /// The dialog.
    Dialog(&'a str),
    /// The pseudonym of the citizen for whom something was done.
    Citizen(&'a str),
    /// The pseudonym of the person who did it, for themselves or for somebody else.
    Person(&'a str),
}

impl<'a> Key<'a> {
    fn tag(self) -> u8 {
        match self {
            Self::Trace(_) => 1,
            Self::Request(_) => 2,
            Self::Dialog(_) => 3,
            Self::Citizen(_) => 4,
            Self::Person(_) => 5,
        }
    }

    fn value(self) -> &'a str {
        match self {
            Self::Trace(value)
            | Self::Request(value)
            | Self::Dialog(value)
            | Self::Citizen(value)
            | Self::Person(value) => value,
        }
    }

    /// 48 bits of a hash.
    fn fingerprint(self, mask: u64) -> u64 {
        let hash = Sha256::new().chain_update([self.tag()]).chain_update(self.value()).finalize();
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&hash[..6]);
        u64::from_be_bytes(bytes) & mask
    }
}

/// The index of a log, in a folder of its own.
#[derive(Debug)]
pub struct Index {
    dir: PathBuf,
    /// Segment by segment from the first; there is none where one is to be made.
    segments: Vec<Option<Segment>>,
    /// What comes after them, as far as it was followed.
    tail: Option<Growing>,
    /// Bits of a fingerprint that count: all.
    mask: u64,
}

impl Index {
    /// Opens the index in a folder, which need not be there yet. Segments that are damaged, or of another tree than the
    /// reader's, are left out as if they were not there.
    ///
    /// # Errors
    /// When the log's tiles or a file that is there cannot be read.
    pub fn open(dir: &Path, reader: &Reader) -> Result<Self, IndexError> {
        Self::open_masked(dir, reader, u64::MAX >> 16)
    }

    fn open_masked(dir: &Path, reader: &Reader, mask: u64) -> Result<Self, IndexError> {
        let mut index = Self { dir: dir.to_owned(), segments: Vec::new(), tail: None, mask };
        index.look(reader)?;
        Ok(index)
    }

    /// Opens what is there of the segments that the reader's tree has.
    fn look(&mut self, reader: &Reader) -> Result<(), IndexError> {
        let mut tiles = None;
        let whole = reader.checkpoint().size / SEGMENT_ENTRIES;
        for number in self.segments.len() as u64..whole {
            let path = self.path(number);
            let opened = Segment::open(&path).map_err(|source| at(&path, source))?;
            let hash = hash(&mut tiles, reader, number)?;
            self.segments.push(opened.filter(|segment| segment.is_of(number, hash)));
        }
        Ok(())
    }

    /// Makes the segments that are missing. `progress` is told of entries of the whole log.
    ///
    /// # Errors
    /// When the log cannot be read or the index not written.
    pub fn catch_up(&mut self, reader: &Reader, mut progress: impl FnMut(Progress)) -> Result<(), IndexError> {
        self.look(reader)?;
        let mut tiles = None;
        let total = self.segments.len() as u64 * SEGMENT_ENTRIES;
        for number in 0..self.segments.len() as u64 {
            if self.segments[number as usize].is_some() {
                continue;
            }
            let hash = hash(&mut tiles, reader, number)?;
            let mut growing = self.growing(number);
            growing.read(reader, u64::MAX, |done| progress(Progress { done, total }))?;
            let contents = growing.into_contents(hash);
            fs::create_dir_all(&self.dir).map_err(|source| at(&self.dir, source))?;
            let path = self.path(number);
            contents.write(&path).map_err(|source| at(&path, source))?;
            let written = Segment::open(&path).map_err(|source| at(&path, source))?;
            self.segments[number as usize] = written;
        }
        Ok(())
    }

    /// The same, and reads what comes after the last segment into memory, so that nothing is searched through: for
    /// whoever asks again and again while the log grows. Each reader is of the same log, at the same checkpoint as the
    /// one before or at a later one.
    ///
    /// # Errors
    /// When the log cannot be read or the index not written.
    pub fn follow(&mut self, reader: &Reader) -> Result<(), IndexError> {
        self.catch_up(reader, |_| {})?;
        let mut growing = self.growing(self.segments.len() as u64);
        growing.read(reader, u64::MAX, |_| {})?;
        self.tail = Some(growing);
        Ok(())
    }

    /// What is in memory of a segment, to read on.
    fn growing(&mut self, number: u64) -> Growing {
        let tail = self.tail.take().filter(|tail| tail.number() == number);
        tail.unwrap_or_else(|| Growing::new(number, self.mask))
    }

    /// Forgets everything of entries before `to`, whose content has been removed. Segments that know of them are made
    /// anew when the index is next brought up to date.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn forget(&mut self, to: u64) -> Result<(), IndexError> {
        for number in 0..to.div_ceil(SEGMENT_ENTRIES).min(self.segments.len() as u64) {
            // It was made after they had gone.
            if self.segments[number as usize].as_ref().is_some_and(Segment::is_empty) {
                continue;
            }
            let path = self.path(number);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(at(&path, source)),
                _ => self.segments[number as usize] = None,
            }
        }
        self.tail = None;
        Ok(())
    }

    /// How many segments are still to be made for the tree that was last looked at.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.segments.iter().filter(|segment| segment.is_none()).count()
    }

    /// Entries of the range that may have this key, in ascending order. Each that has it is among them; those that do
    /// not have it are rare, and told apart by reading them. What has no segment is searched through.
    ///
    /// # Errors
    /// When the log or the index cannot be read.
    pub fn find(&self, reader: &Reader, key: Key<'_>, range: Range<u64>) -> Result<Vec<u64>, IndexError> {
        let range = range.start..range.end.min(reader.checkpoint().size).min(MAX_TREE_SIZE);
        let fingerprint = key.fingerprint(self.mask);
        let mut found = Vec::new();
        let mut at_index = range.start;
        while at_index < range.end {
            let number = at_index / SEGMENT_ENTRIES;
            let start = number * SEGMENT_ENTRIES;
            let end = range.end.min(start + SEGMENT_ENTRIES);
            let places = match self.segments.get(number as usize) {
                Some(Some(segment)) => segment.find(fingerprint).map_err(|source| at(&self.path(number), source))?,
                _ => None,
            };
            match places {
                Some(places) => found.extend(
                    places.into_iter().map(|place| start + u64::from(place)).filter(|index| range.contains(index)),
                ),
                // Not made yet, or damaged since it was opened.
                None => {
                    let known = self.tail.as_ref().filter(|tail| tail.number() == number);
                    let from = known.map_or(at_index, |tail| tail.end().clamp(at_index, end));
                    if let Some(tail) = known {
                        tail.find(fingerprint, &(at_index..from), &mut found);
                    }
                    search(reader, key, from..end, &mut found)?;
                }
            }
            at_index = end;
        }
        Ok(found)
    }

    /// The entries of the range that may be of a time: segments that lie wholly outside are left out.
    #[must_use]
    pub fn within(&self, since: Option<i64>, until: Option<i64>, range: Range<u64>) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut begin = range.start;
        while begin < range.end {
            let number = begin / SEGMENT_ENTRIES;
            let end = match self.segments.get(number as usize) {
                Some(_) => range.end.min((number + 1) * SEGMENT_ENTRIES),
                None => range.end,
            };
            let outside = self.segments.get(number as usize).and_then(Option::as_ref).is_some_and(|segment| {
                since.is_some_and(|since| segment.greatest() < since)
                    || until.is_some_and(|until| segment.least() >= until)
            });
            if !outside {
                match ranges.last_mut() {
                    Some(last) if last.end == begin => last.end = end,
                    _ => ranges.push(begin..end),
                }
            }
            begin = end;
        }
        ranges
    }

    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{number:08}.seg"))
    }
}

/// Adds the entries of a range in which the value stands somewhere.
fn search(reader: &Reader, key: Key<'_>, range: Range<u64>, found: &mut Vec<u64>) -> Result<(), ReadError> {
    let finder = memmem::Finder::new(key.value());
    let width = TILE_WIDTH as u64;
    for n in range.start / width..range.end.div_ceil(width) {
        let bundle = match reader.bundle(n) {
            Err(ReadError::Removed { .. }) => continue,
            bundle => bundle?,
        };
        for place in 0..bundle.len() {
            let index = bundle.start() + place as u64;
            // A value with an escape in it is written in another way; whether it is there is seen when it is read.
            let has = |entry: &[u8]| finder.find(entry).is_some() || memchr::memchr(b'\\', entry).is_some();
            if range.contains(&index) && bundle.get(place).is_some_and(has) {
                found.push(index);
            }
        }
    }
    Ok(())
}

/// The tree's hash over the entries of a segment.
fn hash(tiles: &mut Option<Tiles>, reader: &Reader, number: u64) -> Result<Hash, ReadError> {
    let tiles = match tiles {
        Some(tiles) => tiles,
        None => tiles.insert(Tiles::open(reader.source(), reader.checkpoint())?),
    };
    let hashes = tiles.tile(reader.source(), 2, number / TILE_WIDTH as u64)?;
    Ok(hashes[number as usize % TILE_WIDTH])
}

fn at(path: &Path, source: io::Error) -> IndexError {
    IndexError::Io { file: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
