//! A segment's file: a header, sorted keys, a checksum for each block of them. Little-endian throughout.
//!
//! A key has the fingerprint in its upper 48 bits and the entry's place in its lower 16. As fingerprints are spread
//! evenly, where one stands can be guessed: a look-up reads a block or two of 4 KiB.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tlog_tiles::{HASH_SIZE, Hash};

use super::SEGMENT_ENTRIES;

const MAGIC: &[u8; 8] = b"DAINDEX1";
const HEADER_BYTES: usize = 96;
/// Keys of a block that has a checksum of its own.
const BLOCK_KEYS: usize = 512;
/// Most keys that a segment of records can have: six names each.
const MAX_KEYS: u32 = SEGMENT_ENTRIES as u32 * 6;

/// What a segment is written from.
pub(super) struct Contents {
    pub(super) number: u64,
    /// The tree's hash over its entries.
    pub(super) hash: Hash,
    /// In ascending order.
    pub(super) keys: Vec<u64>,
    /// Earliest time of a record, in microseconds since 1970.
    pub(super) least: i64,
    /// Latest time of a record.
    pub(super) greatest: i64,
}

impl Contents {
    /// Writes the file: whole, or not at all.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut body = Vec::with_capacity(self.keys.len() * 8);
        for key in &self.keys {
            body.extend_from_slice(&key.to_le_bytes());
        }
        let table: Vec<u8> =
            body.chunks(BLOCK_KEYS * 8).flat_map(|block| crc32fast::hash(block).to_le_bytes()).collect();
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&self.number.to_le_bytes());
        header.extend_from_slice(&(SEGMENT_ENTRIES as u32).to_le_bytes());
        header.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        header.extend_from_slice(&self.least.to_le_bytes());
        header.extend_from_slice(&self.greatest.to_le_bytes());
        header.extend_from_slice(&self.hash.0);
        header.extend_from_slice(&crc32fast::hash(&table).to_le_bytes());
        header.resize(HEADER_BYTES - 4, 0);
        header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());

        // Named by the process: two that make the same segment at once do not disturb each other.
        let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = File::create(&unfinished)?;
        file.write_all(&header)?;
        file.write_all(&body)?;
        file.write_all(&table)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    }
}

/// A segment, opened.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    number: u64,
    hash: Hash,
    keys: u32,
    least: i64,
    greatest: i64,
    table_crc: u32,
}

impl Segment {
    /// Whether it leads to no entry.
    pub(super) const fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Opens a file; `None` where there is none, or it is not whole.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let length = file.metadata()?.len();
        let mut header = [0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            return Ok(None);
        }
        file.read_exact_at(&mut header, 0)?;
        let word = |at: usize| header[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let long = |at: usize| header[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let keys = word(20);
        let whole = header.starts_with(MAGIC)
            && crc32fast::hash(&header[..HEADER_BYTES - 4]) == word(HEADER_BYTES - 4)
            && word(16) == SEGMENT_ENTRIES as u32
            && keys <= MAX_KEYS
            && length == HEADER_BYTES as u64 + u64::from(keys) * 8 + blocks(keys) as u64 * 4;
        let hash = header[40..].first_chunk::<HASH_SIZE>().copied().map(Hash);
        Ok(hash.filter(|_| whole).map(|hash| Self {
            file,
            number: long(8),
            hash,
            keys,
            least: long(24) as i64,
            greatest: long(32) as i64,
            table_crc: word(72),
        }))
    }

    /// Whether it was made from these entries.
    pub(super) fn is_of(&self, number: u64, hash: Hash) -> bool {
        self.number == number && self.hash == hash
    }

    /// Earliest time of a record, in microseconds since 1970.
    pub(super) fn least(&self) -> i64 {
        self.least
    }

    /// Latest time of a record.
    pub(super) fn greatest(&self) -> i64 {
        self.greatest
    }

    /// The places of entries with this fingerprint, ascending; `None` where the file is damaged.
    pub(super) fn find(&self, fingerprint: u64) -> io::Result<Option<Vec<u16>>> {
        let mut places = Vec::new();
        let count = blocks(self.keys);
        if count == 0 {
            return Ok(Some(places));
        }
        let mut table = vec![0; count * 4];
        self.file.read_exact_at(&mut table, HEADER_BYTES as u64 + u64::from(self.keys) * 8)?;
        if crc32fast::hash(&table) != self.table_crc {
            return Ok(None);
        }
        let (from, to) = (fingerprint << 16, fingerprint << 16 | 0xffff);
        // The first block whose last key is not before the ones sought is in low..high, or there is none.
        let (mut low, mut high) = (0, count);
        let mut probe = ((u128::from(fingerprint) * u128::from(self.keys)) >> 48) as usize / BLOCK_KEYS;
        let mut tries = 0;
        while low < high {
            probe = probe.clamp(low, high - 1);
            let Some(block) = self.block(probe, &table)? else { return Ok(None) };
            let (Some(first), Some(last)) = (block.first(), block.last()) else { return Ok(None) };
            if *last < from {
                low = probe + 1;
                probe += 1;
            } else {
                high = probe;
                if *first < from {
                    break;
                }
                probe = probe.saturating_sub(1);
            }
            tries += 1;
            // Far from the guess: many keys are alike, and halving is sure.
            if tries > 3 {
                probe = usize::midpoint(low, high);
            }
        }
        for at in high..count {
            let Some(block) = self.block(at, &table)? else { return Ok(None) };
            places.extend(block.iter().filter(|key| (from..=to).contains(key)).map(|key| *key as u16));
            if block.last().is_none_or(|last| *last > to) {
                break;
            }
        }
        Ok(Some(places))
    }

    /// A block's keys; `None` where its checksum is wrong.
    fn block(&self, at: usize, table: &[u8]) -> io::Result<Option<Vec<u64>>> {
        let keys = (self.keys as usize - at * BLOCK_KEYS).min(BLOCK_KEYS);
        let mut bytes = vec![0; keys * 8];
        self.file.read_exact_at(&mut bytes, (HEADER_BYTES + at * BLOCK_KEYS * 8) as u64)?;
        let sum = table[at * 4..].first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let (keys, _) = bytes.as_chunks::<8>();
        Ok((sum == Some(crc32fast::hash(&bytes))).then(|| keys.iter().map(|key| u64::from_le_bytes(*key)).collect()))
    }
}

fn blocks(keys: u32) -> usize {
    (keys as usize).div_ceil(BLOCK_KEYS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;
    use tempfile::TempDir;

    fn written(mut keys: Vec<u64>) -> (TempDir, std::path::PathBuf) {
        keys.sort_unstable();
        keys.dedup();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("00000003.seg");
        let hash = tlog_tiles::record_hash(b"x");
        Contents { number: 3, hash, keys, least: -5, greatest: 9 }.write(&path).unwrap();
        (folder, path)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Few different fingerprints: blocks full of the same one, guesses that are far off.
        #[test]
        fn every_key_is_found_and_no_other(
            keys in prop::collection::vec((0_u64..40, 0_u16..3000), 0..6000), spread in prop::sample::select(vec![1_u64, 1 << 30, (1 << 48) / 41])
        ) {
            let all: std::collections::BTreeSet<u64> =
                keys.iter().map(|(name, place)| (name * spread) << 16 | u64::from(*place)).collect();
            let (_folder, path) = written(all.iter().copied().collect());
            let segment = Segment::open(&path).unwrap().unwrap();
            for name in 0..41 {
                let fingerprint = name * spread;
                let expected: Vec<u16> =
                    all.iter().filter(|key| **key >> 16 == fingerprint).map(|key| *key as u16).collect();
                prop_assert_eq!(segment.find(fingerprint).unwrap().unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_flipped_byte_anywhere_is_seen_before_anything_is_believed() {
        let keys: Vec<u64> = (0..3000_u64).map(|i| (i * 90_000_000_000) << 16 | i).collect();
        let (_folder, path) = written(keys.clone());
        let good = fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(61).chain(good.len() - 30..good.len()) {
            let mut bad = good.clone();
            bad[at] ^= 4;
            fs::write(&path, &bad).unwrap();
            let Some(segment) = Segment::open(&path).unwrap() else { continue };
            assert!(at >= HEADER_BYTES, "byte {at}");
            for (i, key) in keys.iter().enumerate().step_by(100) {
                let found = segment.find(key >> 16).unwrap();
                assert!(found.is_none_or(|found| found == [i as u16]), "byte {at}");
            }
        }
        fs::write(&path, &good[..good.len() - 1]).unwrap();
        assert!(Segment::open(&path).unwrap().is_none());
        fs::write(&path, b"").unwrap();
        assert!(Segment::open(&path).unwrap().is_none());
    }
}
