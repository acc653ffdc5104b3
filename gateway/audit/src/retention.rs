//! Removing what is in the log's entries after its time, while the tree goes on verifying (C2SP tlog-tiles, pruning).
//!
//! Only whole bundles of entries go, the oldest first; the hashes stay, and with them every proof of inclusion and of
//! consistency. The log says what was removed, and why: a record of the kind `retention` names the entry before which
//! there is nothing any more, and the file `removed` names that record. Whoever verifies takes an entry for removed that
//! the record covers, and any other one that is missing for damage.
//!
//! The order: the record is public, then the file is written, then bundles go. After a crash in between the file says what
//! is still to be done.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::damage::{Damage, Fault};
use crate::disk::Disk;
use crate::layout::{self, Kind, Tile};
use crate::log::board;
use crate::reader::{ReadError, Reader};
use crate::records::{Names, Record};
use crate::source::Source;
use crate::tree::TILE_WIDTH;

/// Longest file `removed`, in bytes: two numbers.
const MAX_BYTES: usize = 64;

/// The kind of a record that says what was removed.
const KIND: &str = "retention";

/// Which entries' content has been removed: all before one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The first entry that is there.
    pub to: u64,
    /// The record that says so.
    pub record: u64,
}

/// What the log itself says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The first entry that is there.
    pub to: u64,
    /// The record that says so.
    pub record: u64,
    /// When.
    pub time: Timestamp,
    /// Everything else that the record says: how old what was removed is at least, and by which rule.
    pub details: std::collections::BTreeMap<String, String>,
}

impl Removal {
    /// Without what else the record says.
    #[must_use]
    pub const fn removed(&self) -> Removed {
        Removed { to: self.to, record: self.record }
    }
}

impl Removed {
    /// Reads the file; `None` where nothing was removed. What it says is not believed yet.
    ///
    /// # Errors
    /// When it cannot be read, or does not say what was removed.
    pub(crate) fn read(source: &dyn Source) -> Result<Option<Self>, Fault> {
        let Some(bytes) = source.read(layout::REMOVED, MAX_BYTES)? else { return Ok(None) };
        let parsed = std::str::from_utf8(&bytes).ok().and_then(Self::parse);
        match parsed {
            Some(removed) => Ok(Some(removed)),
            None => Err(Damage::new(layout::REMOVED, "it does not name an entry and a record").into()),
        }
    }

    /// `<to> <record>\n`, in decimal.
    fn parse(text: &str) -> Option<Self> {
        let (to, record) = text.strip_suffix('\n')?.split_once(' ')?;
        let removed = Self { to: to.parse().ok()?, record: record.parse().ok()? };
        let whole = removed.to > 0 && removed.to.is_multiple_of(TILE_WIDTH as u64) && removed.to <= removed.record;
        (whole && removed.to_string() == text).then_some(removed)
    }

    /// Whether a bundle's content may be missing.
    pub(crate) fn covers(self, n: u64) -> bool {
        n < self.to / TILE_WIDTH as u64
    }

    /// What the record says, read from an entry that the tree commits to.
    ///
    /// # Errors
    /// When it is no record of this removal.
    pub(crate) fn said(self, entry: &[u8]) -> Result<Removal, Damage> {
        let record = Record::read(entry).filter(|record| record.kind() == KIND);
        let of_this = record.filter(|record| record.text("/details/to") == Some(&self.to.to_string()));
        of_this
            .and_then(|record| {
                let details = record.value().get("details")?.as_object()?.iter();
                let details = details.filter(|(name, _)| *name != "to");
                Some(Removal {
                    to: self.to,
                    record: self.record,
                    time: record.time()?,
                    details: details.filter_map(|(name, is)| Some((name.clone(), is.as_str()?.to_owned()))).collect(),
                })
            })
            .ok_or_else(|| {
                let what = format!("entry {} does not say that what is before {} was removed", self.record, self.to);
                Damage::new(layout::REMOVED, what)
            })
    }

    /// Writes the file, durably, in place of an earlier one.
    pub(crate) fn write(self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        board::write(disk, dir, layout::REMOVED, "removed", self.to_string().as_bytes())
    }

    /// Deletes every file of the bundles that are covered, the oldest first. What is gone already is as good.
    pub(crate) fn delete(self, disk: &dyn Disk, dir: &Path) -> io::Result<u64> {
        let mut tiles = Vec::new();
        let mut folders = vec![layout::ENTRIES.to_owned()];
        while let Some(name) = folders.pop() {
            let listed = match fs::read_dir(dir.join(&name)) {
                Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
                listed => listed?,
            };
            for item in listed {
                let item = item?;
                let path = format!("{name}/{}", item.file_name().to_string_lossy());
                if item.file_type()?.is_dir() {
                    folders.push(path);
                } else if let Some(tile) = Tile::parse(&path).filter(|tile| tile.kind == Kind::Entries) {
                    tiles.extend(self.covers(tile.n).then_some(tile));
                }
            }
        }
        tiles.sort_by_key(|tile| tile.n);
        for tile in &tiles {
            match disk.remove_file(&dir.join(tile.to_string())) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                _ => {}
            }
        }
        Ok(tiles.len() as u64)
    }
}

impl std::fmt::Display for Removed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {}", self.to, self.record)
    }
}

/// The first entry that has to stay, where everything before it is a record of a time before `before`. Whole bundles
/// only, and never the last one: what the log ends with stays. An entry that says no time stays, and all after it.
///
/// # Errors
/// When the log cannot be read.
pub fn removable(reader: &Reader, before: Timestamp) -> Result<u64, ReadError> {
    let width = TILE_WIDTH as u64;
    let start = Removed::read(reader.source())?.map_or(0, |removed| removed.to);
    let last = reader.checkpoint().size.saturating_sub(1) / width;
    for n in start / width..last {
        let bundle = reader.bundle(n)?;
        let is_old = |at: usize| {
            let names = bundle.get(at).and_then(Names::read);
            let time = names.and_then(|names| names.time?.parse::<Timestamp>().ok());
            time.is_some_and(|time| time < before)
        };
        if !(0..bundle.len()).all(is_old) {
            return Ok(n * width);
        }
    }
    Ok(last.max(start / width) * width)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_file_has_one_spelling() {
        let removed = Removed { to: 512, record: 700 };
        assert_eq!(removed.to_string(), "512 700\n");
        assert_eq!(Removed::parse("512 700\n"), Some(removed));
        for text in
            ["", "512 700", "512  700\n", "0512 700\n", "512 700\n\n", "511 700\n", "0 700\n", "512 511\n", "a b\n"]
        {
            assert_eq!(Removed::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_a_record_of_this_removal_is_believed() {
        let removed = Removed { to: 512, record: 700 };
        let entry = |kind: &str, to: &str| {
            format!(r#"{{"time":"2026-01-01T00:00:00Z","kind":"{kind}","details":{{"to":"{to}","days":"30"}}}}"#)
        };
        let said = removed.said(entry("retention", "512").as_bytes()).unwrap();
        assert_eq!((said.details.len(), said.details["days"].as_str()), (1, "30"));
        for entry in [entry("retention", "768"), entry("outcome", "512"), "{}".to_owned(), String::new()] {
            let why = removed.said(entry.as_bytes()).unwrap_err();
            assert!(why.to_string().contains("entry 700"), "{why}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "[0-9 \n]{0,24}") {
            if let Some(removed) = Removed::parse(&text) {
                prop_assert_eq!(removed.to_string(), text);
            }
        }
    }
}
