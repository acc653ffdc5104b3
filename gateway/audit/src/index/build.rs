//! A segment from the entries that it is of: one pass, only the names are looked at.

use std::ops::Range;

use jiff::Timestamp;
use tlog_tiles::Hash;

use super::segment::Contents;
use super::{Key, SEGMENT_ENTRIES};
use crate::layout::Tile;
use crate::reader::{ReadError, Reader};
use crate::records::Names;
use crate::tree::TILE_WIDTH;

/// How many bundles ahead are asked for.
const AHEAD: u64 = 16;

/// The names of entries from the beginning of a segment on, in memory: whole, it becomes the segment.
#[derive(Debug)]
pub(super) struct Growing {
    number: u64,
    /// Entries before this one were read.
    end: u64,
    mask: u64,
    /// In the order of their entries.
    keys: Vec<u64>,
    least: i64,
    greatest: i64,
}

impl Growing {
    pub(super) const fn new(number: u64, mask: u64) -> Self {
        let end = number * SEGMENT_ENTRIES;
        Self { number, end, mask, keys: Vec::new(), least: i64::MAX, greatest: i64::MIN }
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Entries before this one are in it, from the segment's first.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Reads on, at most to the segment's end. `done` is told how many entries of the log are read so far.
    pub(super) fn read(&mut self, reader: &Reader, to: u64, mut done: impl FnMut(u64)) -> Result<(), ReadError> {
        let width = TILE_WIDTH as u64;
        let to = to.min((self.number + 1) * SEGMENT_ENTRIES).min(reader.checkpoint().size);
        let far = reader.source().folder().is_none();
        while self.end < to {
            let n = self.end / width;
            if far {
                // Whole ones only: at the log's edge there is no more than one to ask for.
                let ahead = n..(to / width).min(n + AHEAD);
                let files: Vec<String> = ahead.map(|n| Tile::entries(n, TILE_WIDTH).to_string()).collect();
                reader.source().prefetch(&files);
            }
            let bundle = match reader.bundle(n) {
                // What was removed is found by nobody.
                Err(ReadError::Removed { to: there, .. }) => {
                    self.end = there.min(to);
                    done(self.end);
                    continue;
                }
                bundle => bundle?,
            };
            let end = to.min(n * width + bundle.len() as u64);
            for index in self.end..end {
                if let Some(names) = bundle.get((index % width) as usize).and_then(Names::read) {
                    self.add(index, &names);
                }
            }
            self.end = end;
            done(end);
        }
        Ok(())
    }

    fn add(&mut self, index: u64, names: &Names<'_>) {
        // Who acted for another stands twice in a record.
        let representative = names.representative.as_deref().filter(|_| names.representative != names.person);
        let keys = [
            names.trace.as_deref().map(Key::Trace),
            names.request.as_deref().map(Key::Request),
            names.dialog.as_deref().map(Key::Dialog),
            names.citizen.as_deref().map(Key::Citizen),
            names.person.as_deref().map(Key::Person),
            representative.map(Key::Person),
        ];
        let place = index % SEGMENT_ENTRIES;
        self.keys.extend(keys.into_iter().flatten().map(|key| key.fingerprint(self.mask) << 16 | place));
        if let Some(time) = names.time.as_deref().and_then(|time| time.parse::<Timestamp>().ok()) {
            self.least = self.least.min(time.as_microsecond());
            self.greatest = self.greatest.max(time.as_microsecond());
        }
    }

    /// Adds those of the range that may have a name of this fingerprint, in ascending order.
    pub(super) fn find(&self, fingerprint: u64, range: &Range<u64>, found: &mut Vec<u64>) {
        let start = self.number * SEGMENT_ENTRIES;
        let hits = self.keys.iter().filter(|key| **key >> 16 == fingerprint).map(|key| start + (key & 0xffff));
        for index in hits.filter(|index| range.contains(index)) {
            // Two names of one entry may have the same fingerprint.
            if found.last() != Some(&index) {
                found.push(index);
            }
        }
    }

    /// The whole segment.
    pub(super) fn into_contents(mut self, hash: Hash) -> Contents {
        self.keys.sort_unstable();
        self.keys.dedup();
        Contents { number: self.number, hash, keys: self.keys, least: self.least, greatest: self.greatest }
    }
}
