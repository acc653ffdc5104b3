//! How keys and values lie in sled's one tree; one tree, because that is what sled applies atomically.
//!
//! | sled key | sled value |
//! | --- | --- |
//! | `00` name | what the store knows of itself: `format`, `revision` |
//! | `01` key | revision (64 bits) · length of the value (32 bits) · its first piece |
//! | `02` length of key (16 bits) · key · number of the piece (32 bits) | a further piece |
//!
//! Numbers are big-endian. Values are kept in pieces of [`PIECE_BYTES`], because sled keeps a large page outside its
//! log, in a file that it neither fsyncs nor removes in step with the log.

use bytes::{Bytes, BytesMut};
use dialog_core::ports::store::{Revision, StoreError, Versioned};
use sled::{IVec, Tree};

use crate::limits::PIECE_BYTES;

/// Newest format that this code reads, and the one that it writes.
pub(super) const FORMAT: u32 = 1;

/// Holds the format, 32 bits.
pub(super) const FORMAT_KEY: &[u8] = b"\x00format";

/// Holds the last revision given out, 64 bits.
pub(super) const REVISION_KEY: &[u8] = b"\x00revision";

const HEAD: u8 = 1;
const PIECE: u8 = 2;
const HEAD_BYTES: usize = 8 + 4;

pub(super) fn head_key(key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(1 + key.len());
    stored.push(HEAD);
    stored.extend_from_slice(key);
    stored
}

/// Where the keys of callers end.
pub(super) fn after_last_head() -> Vec<u8> {
    vec![HEAD + 1]
}

/// The caller's key in a head's key.
pub(super) fn key_of(head_key: &[u8]) -> Bytes {
    Bytes::copy_from_slice(head_key.get(1..).unwrap_or_default())
}

fn piece_key(key: &[u8], number: usize) -> Vec<u8> {
    let mut stored = Vec::with_capacity(1 + 2 + key.len() + 4);
    stored.push(PIECE);
    stored.extend_from_slice(&(key.len() as u16).to_be_bytes());
    stored.extend_from_slice(key);
    stored.extend_from_slice(&(number as u32).to_be_bytes());
    stored
}

/// How many pieces a value has beside its first.
fn further_pieces(length: usize) -> usize {
    length.div_ceil(PIECE_BYTES).saturating_sub(1)
}

/// Reads only the revision: enough for a precondition.
pub(super) fn revision(tree: &Tree, key: &[u8]) -> Result<Option<Revision>, StoreError> {
    let Some(head) = tree.get(head_key(key)).map_err(engine_error)? else { return Ok(None) };
    Ok(Some(split_head(&head)?.0))
}

pub(super) fn read(tree: &Tree, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
    let Some(head) = tree.get(head_key(key)).map_err(engine_error)? else { return Ok(None) };
    complete(tree, key, &head).map(Some)
}

/// Reads what belongs to a head.
pub(super) fn complete(tree: &Tree, key: &[u8], head: &IVec) -> Result<Versioned, StoreError> {
    let (revision, length, first) = split_head(head)?;
    if length == first.len() {
        return Ok(Versioned { revision, value: Bytes::copy_from_slice(first) });
    }
    let mut value = BytesMut::with_capacity(length);
    value.extend_from_slice(first);
    for number in 1..=further_pieces(length) {
        let piece = tree.get(piece_key(key, number)).map_err(engine_error)?;
        value.extend_from_slice(&piece.ok_or_else(|| StoreError::Damaged("a piece of a value is missing".into()))?);
    }
    if value.len() != length {
        return Err(StoreError::Damaged(format!("a value of {length} bytes has {}", value.len())));
    }
    Ok(Versioned { revision, value: value.freeze() })
}

fn split_head(head: &[u8]) -> Result<(Revision, usize, &[u8]), StoreError> {
    let short = || StoreError::Damaged(format!("an entry of {} bytes is too short", head.len()));
    let (revision, rest) = head.split_first_chunk::<8>().ok_or_else(short)?;
    let (length, first) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let length = u32::from_be_bytes(*length) as usize;
    if first.len() != length.min(PIECE_BYTES) {
        return Err(StoreError::Damaged(format!("the first piece of a value of {length} bytes has {}", first.len())));
    }
    Ok((Revision(u64::from_be_bytes(*revision)), length, first))
}

/// Sets `key` to `new`, or removes it, where it was `old` before.
pub(super) fn replace(batch: &mut sled::Batch, key: &[u8], old: Option<&Versioned>, new: Option<&Versioned>) {
    let pieces = |versioned: Option<&Versioned>| versioned.map_or(0, |found| further_pieces(found.value.len()));
    for number in pieces(new)..pieces(old) {
        batch.remove(piece_key(key, number + 1));
    }
    let Some(Versioned { revision, value }) = new else {
        if old.is_some() {
            batch.remove(head_key(key));
        }
        return;
    };
    let mut pieces = value.chunks(PIECE_BYTES);
    let first = pieces.next().unwrap_or_default();
    let mut head = Vec::with_capacity(HEAD_BYTES + first.len());
    head.extend_from_slice(&revision.0.to_be_bytes());
    head.extend_from_slice(&(value.len() as u32).to_be_bytes());
    head.extend_from_slice(first);
    batch.insert(head_key(key), head);
    for (number, piece) in pieces.enumerate() {
        batch.insert(piece_key(key, number + 1), piece);
    }
}

/// What an error of sled means to a caller.
pub(super) fn engine_error(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(io) if io.kind() != std::io::ErrorKind::UnexpectedEof => {
            StoreError::Unavailable(format!("the disk cannot be read or written: {io}"))
        }
        // Its other variants would print a tree's name or sled's own words; none carries a value.
        other => StoreError::Damaged(other.to_string()),
    }
}
