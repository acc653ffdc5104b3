//! A group: the entries that one write and one flush made durable.
//!
//! ```text
//! 0   magic          "AGRP"
//! 4   length         u32   bytes of entries
//! 8   sequence       u64   number of the group since the journal was begun
//! 16  first index    u64   index in the log of its first entry
//! 24  count          u32   number of entries
//! 28  zero sectors   u32   sectors of the group that are all zeros by nature
//! 32  body checksum  u32   CRC-32 of entries and padding
//! 36  checksum       u32   CRC-32 of the 36 bytes before
//! 40  entries, laid out as in an entry bundle; then zeros up to
//! -4  end mark       "PRGA", the last bytes of the last sector
//! ```
//! Numbers are little-endian. A group begins on a sector and fills whole sectors.
//!
//! **Torn or damaged?** Only the last group can be torn, since a group is begun when the one
//! before is durable; and what a power cut leaves unwritten is still zero. So a bad group is torn
//! if more of its sectors are zero than should be, or its end is; and if nothing that is a group
//! follows. Everything else is damage to what was promised.

use std::ops::Range;

use crate::bundle;

/// Bytes that a disk writes whole or not at all.
pub(crate) const SECTOR: usize = 512;

const MAGIC: &[u8; 4] = b"AGRP";
const END: &[u8; 4] = b"PRGA";
const HEADER: usize = 40;

/// Lays out a group in `buffer`, which is emptied before.
pub(crate) fn encode<'a>(
    buffer: &mut Vec<u8>,
    sequence: u64,
    first_index: u64,
    entries: impl Iterator<Item = &'a [u8]>,
) {
    buffer.clear();
    buffer.resize(HEADER, 0);
    let mut count = 0_u32;
    for entry in entries {
        bundle::push(buffer, entry);
        count += 1;
    }
    let length = (buffer.len() - HEADER) as u32;
    let whole = (buffer.len() + END.len()).next_multiple_of(SECTOR);
    buffer.resize(whole - END.len(), 0);
    let body = crc32fast::hash(&buffer[HEADER..]);
    buffer.extend_from_slice(END);

    buffer[0..4].copy_from_slice(MAGIC);
    buffer[4..8].copy_from_slice(&length.to_le_bytes());
    buffer[8..16].copy_from_slice(&sequence.to_le_bytes());
    buffer[16..24].copy_from_slice(&first_index.to_le_bytes());
    buffer[24..28].copy_from_slice(&count.to_le_bytes());
    let zeros = zero_sectors(buffer) as u32;
    buffer[28..32].copy_from_slice(&zeros.to_le_bytes());
    buffer[32..36].copy_from_slice(&body.to_le_bytes());
    let header = crc32fast::hash(&buffer[..36]);
    buffer[36..40].copy_from_slice(&header.to_le_bytes());
}

/// A group as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) sequence: u64,
    pub(crate) first_index: u64,
    pub(crate) count: u32,
    /// Where its entries are in the segment.
    pub(crate) body: Range<usize>,
}

impl Group {
    /// The index after its last entry.
    pub(crate) fn end_index(&self) -> u64 {
        self.first_index.saturating_add(u64::from(self.count))
    }

    /// Its entries.
    pub(crate) fn entries<'a>(&self, segment: &'a [u8]) -> Result<Vec<&'a [u8]>, &'static str> {
        bundle::entries(&segment[self.body.clone()], self.count as usize)
            .map_err(|_| "the lengths of the group's entries do not add up")
    }
}

/// What is at a place where a group may begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole group, and where the next one may begin.
    Whole(Group, usize),
    /// Nothing was written here or later.
    Nothing,
    /// The last write did not get to its end.
    Torn,
    /// Something was changed after it was written.
    Damaged(&'static str),
}

/// Reads what is at `at` in a segment.
pub(crate) fn read(segment: &[u8], at: usize) -> Found {
    let rest = &segment[at..];
    if rest.iter().all(|byte| *byte == 0) {
        return Found::Nothing;
    }
    let Some(header) = Header::read(rest) else {
        return match () {
            () if header_follows(rest, SECTOR) => Found::Damaged("a group's beginning is gone"),
            () if header_is_torn(&rest[..SECTOR.min(rest.len())]) => Found::Torn,
            () => Found::Damaged("neither a group nor unwritten space"),
        };
    };
    let whole = encoded_len_of_body(header.length);
    let Some(group) = rest.get(..whole) else {
        return Found::Damaged("the group is longer than the segment");
    };
    let end = whole - END.len();
    if group[end..] == *END && crc32fast::hash(&group[HEADER..end]) == header.body_checksum {
        let body = at + HEADER..at + HEADER + header.length;
        let Header { sequence, first_index, count, .. } = header;
        return Found::Whole(Group { sequence, first_index, count, body }, at + whole);
    }
    let unwritten = group[end..] == [0; END.len()] || zero_sectors(group) > header.zero_sectors;
    let last = rest[whole..].iter().all(|byte| *byte == 0);
    if unwritten && last { Found::Torn } else { Found::Damaged("the group's checksum is wrong") }
}

struct Header {
    length: usize,
    sequence: u64,
    first_index: u64,
    count: u32,
    zero_sectors: usize,
    body_checksum: u32,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER>()?;
        let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        let valid = header[..4] == *MAGIC && word(36) == crc32fast::hash(&header[..36]);
        valid.then(|| Self {
            length: word(4) as usize,
            sequence: long(8),
            first_index: long(16),
            count: word(24),
            zero_sectors: word(28) as usize,
            body_checksum: word(32),
        })
    }
}

fn encoded_len_of_body(length: usize) -> usize {
    (HEADER + length + END.len()).next_multiple_of(SECTOR)
}

/// Whether a group begins on one of the sectors from `from` on.
fn header_follows(bytes: &[u8], from: usize) -> bool {
    (from..bytes.len()).step_by(SECTOR).any(|at| Header::read(&bytes[at..]).is_some())
}

/// Whether a first sector that holds no header can be what a power cut left of one: not written
/// at all, or cut off within the header.
fn header_is_torn(sector: &[u8]) -> bool {
    let written = sector.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let magic = written.min(MAGIC.len());
    written < HEADER && sector[..magic] == MAGIC[..magic]
}

fn zero_sectors(bytes: &[u8]) -> usize {
    bytes.chunks(SECTOR).filter(|sector| sector.iter().all(|byte| *byte == 0)).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn segment_of(groups: &[&[Vec<u8>]]) -> (Vec<u8>, Vec<usize>) {
        let (mut segment, mut starts, mut index) = (Vec::new(), Vec::new(), 0);
        let mut buffer = Vec::new();
        for (sequence, entries) in groups.iter().enumerate() {
            encode(&mut buffer, sequence as u64, index, entries.iter().map(Vec::as_slice));
            starts.push(segment.len());
            segment.extend_from_slice(&buffer);
            index += entries.len() as u64;
        }
        segment.resize(segment.len() + 4 * SECTOR, 0);
        (segment, starts)
    }

    fn entries() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 1..6)
    }

    proptest! {
        #[test]
        fn a_group_reads_back(list in entries()) {
            let (segment, _) = segment_of(&[&list]);
            let Found::Whole(group, next) = read(&segment, 0) else { panic!("not whole") };
            prop_assert_eq!(group.entries(&segment).unwrap(), list);
            prop_assert_eq!(read(&segment, next), Found::Nothing);
        }

        #[test]
        fn a_last_group_that_lacks_sectors_is_torn(list in entries(), lost: prop::sample::Index, more: u64) {
            let (mut segment, starts) = segment_of(&[&[b"before".to_vec()], &list]);
            let whole = segment.len() - 4 * SECTOR - starts[1];
            let sectors = whole / SECTOR;
            let lost = lost.index(sectors);
            for sector in (0..sectors).filter(|s| *s == lost || more >> (s % 64) & 1 == 1) {
                let from = starts[1] + sector * SECTOR;
                segment[from..from + SECTOR].fill(0);
            }
            let found = read(&segment, starts[1]);
            prop_assert!(matches!(found, Found::Torn | Found::Nothing), "{found:?}");
        }

        #[test]
        fn a_last_group_that_was_cut_off_is_torn(list in entries(), cut: prop::sample::Index) {
            let (mut segment, starts) = segment_of(&[&[b"before".to_vec()], &list]);
            let whole = segment.len() - 4 * SECTOR - starts[1];
            let cut = cut.index(whole - 4);
            segment[starts[1] + cut..].fill(0);
            let found = read(&segment, starts[1]);
            prop_assert!(matches!(found, Found::Torn | Found::Nothing), "{found:?}");
        }

        #[test]
        fn a_flipped_bit_in_a_group_is_damage(
            list in entries(), at: prop::sample::Index, bit in 0..8_u32
        ) {
            let (mut segment, starts) = segment_of(&[&list]);
            let whole = segment.len() - 4 * SECTOR;
            segment[at.index(whole)] ^= 1_u8 << bit;
            prop_assert!(matches!(read(&segment, starts[0]), Found::Damaged(_)));
        }

        #[test]
        fn sectors_lost_from_a_group_with_another_after_it_are_damage(
            list in entries(), lost: prop::sample::Index
        ) {
            let (mut segment, starts) = segment_of(&[&list, &[b"after".to_vec()]]);
            let lost = lost.index(starts[1] / SECTOR) * SECTOR;
            segment[lost..lost + SECTOR].fill(0);
            prop_assert!(matches!(read(&segment, 0), Found::Damaged(_)));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = read(&bytes, 0);
        }
    }

    #[test]
    fn an_entry_of_zeros_is_told_from_sectors_that_were_not_written() {
        let (mut segment, _) = segment_of(&[&[vec![0; 4096]]]);
        assert!(matches!(read(&segment, 0), Found::Whole(..)));
        segment[1000] = 1;
        assert!(matches!(read(&segment, 0), Found::Damaged(_)));
    }
}
