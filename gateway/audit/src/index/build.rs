//! A segment from the entries that it is of: one pass, only the names are looked at.

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

/// Reads the entries of a segment. `done` is told how many entries of the log are read so far.
pub(super) fn build(
    reader: &Reader,
    number: u64,
    hash: Hash,
    mask: u64,
    mut done: impl FnMut(u64),
) -> Result<Contents, ReadError> {
    let width = TILE_WIDTH as u64;
    let bundles = number * (SEGMENT_ENTRIES / width)..(number + 1) * (SEGMENT_ENTRIES / width);
    let far = reader.source().folder().is_none();
    let (mut least, mut greatest) = (i64::MAX, i64::MIN);
    let mut keys = Vec::with_capacity(SEGMENT_ENTRIES as usize * 5);
    for n in bundles.clone() {
        if far {
            let ahead = n..bundles.end.min(n + AHEAD);
            let files: Vec<String> = ahead.map(|n| Tile::entries(n, TILE_WIDTH).to_string()).collect();
            reader.source().prefetch(&files);
        }
        let bundle = reader.bundle(n)?;
        for at in 0..bundle.len() {
            let Some(names) = bundle.get(at).and_then(Names::read) else { continue };
            let place = (n * width + at as u64) % SEGMENT_ENTRIES;
            let mut add = |key: Key<'_>| keys.push(key.fingerprint(mask) << 16 | place);
            if let Some(trace) = names.trace.as_deref() {
                add(Key::Trace(trace));
            }
            if let Some(request) = names.request.as_deref() {
                add(Key::Request(request));
            }
            if let Some(dialog) = names.dialog.as_deref() {
                add(Key::Dialog(dialog));
            }
            if let Some(citizen) = names.citizen.as_deref() {
                add(Key::Citizen(citizen));
            }
            if let Some(person) = names.person.as_deref() {
                add(Key::Person(person));
            }
            if let Some(representative) =
                names.representative.as_deref().filter(|_| names.representative != names.person)
            {
                add(Key::Person(representative));
            }
            if let Some(time) = names.time.and_then(|time| time.parse::<Timestamp>().ok()) {
                least = least.min(time.as_microsecond());
                greatest = greatest.max(time.as_microsecond());
            }
        }
        done((n + 1) * width);
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(Contents { number, hash, keys, least, greatest })
}
