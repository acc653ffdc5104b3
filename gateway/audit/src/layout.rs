//! Where things are in a log's folder. The public part is that of C2SP tlog-tiles.

use std::fmt;
use std::ops::Range;

use crate::tree::TILE_WIDTH;

/// The checkpoint's name in the folder.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// Which entries have been removed after their time; there is no such file before any were.
pub(crate) const REMOVED: &str = "removed";
/// The folder of all tiles.
pub(crate) const TILES: &str = "tile";
/// The folder of the entries.
pub(crate) const ENTRIES: &str = "tile/entries";
/// The subfolder of what the log keeps for itself.
pub(crate) const JOURNAL: &str = "journal";
/// The newest checkpoint that the log signed, where that is not public before witnesses have signed it too.
pub(crate) const SIGNED: &str = "journal/checkpoint";
/// The file that is locked while a log is open.
pub(crate) const LOCK: &str = "journal/lock";
/// What a name ends with while its file is being written.
pub(crate) const UNFINISHED: &str = ".tmp";

/// A file of a log's folder that anybody may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicFile {
    /// The signed state of the tree; it changes as the log grows.
    Checkpoint,
    /// Which entries have been removed after their time; it changes as more are.
    Removed,
    /// A tile that never changes.
    FullTile,
    /// A tile that is removed some time after it is full.
    PartialTile,
}

impl PublicFile {
    /// What stands at this path in the folder; none where it is not public. Of a tile's path only the one spelling
    /// that tlog-tiles prescribes is taken, so that nothing leads out of the folder.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        if path == CHECKPOINT {
            return Some(Self::Checkpoint);
        }
        if path == REMOVED {
            return Some(Self::Removed);
        }
        Tile::parse(path).map(|tile| if tile.width == TILE_WIDTH { Self::FullTile } else { Self::PartialTile })
    }

    /// The entries that are in the bundle at this path; none where it is the path of no bundle.
    #[must_use]
    pub fn entries(path: &str) -> Option<Range<u64>> {
        let tile = Tile::parse(path).filter(|tile| tile.kind == Kind::Entries)?;
        Some(tile.start()..tile.start().saturating_add(tile.width as u64))
    }
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Hashes of the tree at this level.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// A tile: what, which, and how wide (1 to 256; less than 256 is a partial tile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tile {
    pub(crate) kind: Kind,
    pub(crate) n: u64,
    pub(crate) width: usize,
}

impl Tile {
    pub(crate) fn hashes(level: u8, n: u64, width: usize) -> Self {
        Self { kind: Kind::Hashes(level), n, width }
    }

    pub(crate) fn entries(n: u64, width: usize) -> Self {
        Self { kind: Kind::Entries, n, width }
    }

    /// The full tile at the same place.
    pub(crate) fn widened(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// The folder of the partial tiles at the same place.
    pub(crate) fn partials(self) -> String {
        format!("{}.p", self.widened())
    }

    /// The first entry that the tile covers.
    pub(crate) fn start(self) -> u64 {
        let level = match self.kind {
            Kind::Hashes(level) => u32::from(level),
            Kind::Entries => 0,
        };
        self.n.checked_shl(8 * (level + 1)).unwrap_or(u64::MAX)
    }

    /// Reads a path. Only the one spelling that `Display` writes is a tile's path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes(level.parse().ok().filter(|level| *level < 64)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, TILE_WIDTH),
        };
        let mut n = 0_u64;
        for part in number.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            n = n.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { kind, n, width };
        ((1..=TILE_WIDTH).contains(&width) && tile.to_string() == path).then_some(tile)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => write!(f, "tile/entries/")?,
        }
        let mut groups = vec![self.n % 1000];
        let mut rest = self.n / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for group in groups.iter().skip(1).rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", groups[0])?;
        if self.width < TILE_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// A journal segment's path in the folder.
pub(crate) fn segment(number: u64) -> String {
    format!("{JOURNAL}/{number:012}")
}

/// The number of a segment from its file name.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    (name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(Tile::hashes(0, 1_234_067, 256).to_string(), "tile/0/x001/x234/067");
        assert_eq!(Tile::hashes(3, 7, 12).to_string(), "tile/3/007.p/12");
        assert_eq!(Tile::entries(1000, 256).to_string(), "tile/entries/x001/000");
        assert_eq!(Tile::entries(0, 1).partials(), "tile/entries/000.p");
        assert_eq!(segment(7), "journal/000000000007");
    }

    #[test]
    fn other_spellings_are_not_paths() {
        for path in [
            "tile/00/000",
            "tile/64/000",
            "tile/0/00",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/+01",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/07",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/data/000",
            "tile/8/0/000",
            "checkpoint",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    #[test]
    fn only_checkpoint_and_tiles_are_public() {
        assert_eq!(PublicFile::of("checkpoint"), Some(PublicFile::Checkpoint));
        assert_eq!(PublicFile::of("removed"), Some(PublicFile::Removed));
        assert_eq!(PublicFile::of("tile/entries/x001/000"), Some(PublicFile::FullTile));
        assert_eq!(PublicFile::of("tile/0/000.p/7"), Some(PublicFile::PartialTile));
        assert_eq!(PublicFile::entries("tile/entries/002.p/7"), Some(512..519));
        assert_eq!(PublicFile::entries("tile/0/002"), None);
        for path in
            ["journal/000000000007", "journal/lock", "tile/../journal/lock", "../audit.key", "checkpoint.tmp", ""]
        {
            assert_eq!(PublicFile::of(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_path_reads_back(level in 0_u8..64, n: u64, width in 1_usize..=256) {
            for tile in [Tile::hashes(level, n, width), Tile::entries(n, width)] {
                prop_assert_eq!(Tile::parse(&tile.to_string()), Some(tile));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(path: String) {
            let _ = Tile::parse(&path);
            let _ = Tile::parse(&format!("tile/0/{path}"));
        }
    }
}
