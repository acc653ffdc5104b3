//! Every bound of this crate that the ports do not already state, with its unit and its reason.

/// Most bytes of keys and values in one batch. Four of the largest values: no step of a dialog writes more, and a
/// whole group must be held in memory twice (as asked for, and as sled's log).
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Most bytes that one scan returns. A scan over this is refused rather than cut, because a shortened answer would
/// look like the end of the range. 64 MiB is some 10,000 ordinary dialogs; pages are far below it.
pub const MAX_SCAN_BYTES: usize = 64 * 1024 * 1024;

/// Most bytes of batches that wait for the committer. Callers over this wait their turn: memory stays bounded when
/// the disk is slow.
pub const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// A group of batches is closed once it holds this many bytes. It stays well below [`SLED_SEGMENT_BYTES`], so that
/// sled never fills a segment, frees another and overwrites it all between two fsyncs.
pub const MAX_GROUP_BYTES: usize = 1024 * 1024;

/// Batches that may wait for the committer when the configuration says nothing. Over ten groups at the highest
/// measured rate; more would only be requests whose deadline passes in the queue.
pub const DEFAULT_QUEUED_COMMITS: usize = 1024;

/// Most batches in one group when the configuration says nothing. A group of this many 1 KB batches is half of
/// [`MAX_GROUP_BYTES`], and the first in it does not wait long for the last to be checked.
pub const DEFAULT_GROUP_COMMITS: usize = 512;

/// Bytes of pages that sled keeps in memory when the configuration says nothing. sled counts pages as they lie on
/// disk: a process with this cache that had written a gigabyte was measured at 360 MB.
pub const DEFAULT_CACHE_BYTES: u64 = 128 * 1024 * 1024;

/// Size of a segment of sled's log, in bytes; fixed for the life of a folder. sled keeps what is larger than a
/// quarter of a segment in files of its own, which it writes without fsync and removes before the log says so. At
/// 8 MiB no page of ours comes near that (see [`PIECE_BYTES`]).
pub const SLED_SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// Values over this many bytes are kept as several sled entries. A leaf of sled holds up to 17 entries, so a whole
/// leaf stays at half a megabyte, a quarter of what would leave the log.
pub const PIECE_BYTES: usize = 32 * 1024;

/// How long opening waits for a lock on sled's file that this very process has not yet let go of. That is over in
/// milliseconds, unless many stores are busy in one process, as in tests; a restarted process never waits.
pub const REOPEN_WAIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Bytes that a blob is read and written by.
pub const BLOB_CHUNK_BYTES: usize = 64 * 1024;

/// Bytes of a file that are encrypted together. A reader holds one at a time, and whoever reads from the middle decrypts
/// none before it; the tag of 16 bytes adds a fortieth of a per cent.
pub const SEGMENT_BYTES: usize = 64 * 1024;

/// Owners' keys that are kept unwrapped in memory, at some 150 bytes each: the citizens of a busy quarter of an hour. A
/// key that is not among them costs a small file and one call of the key service.
pub const KEYS_REMEMBERED: usize = 20_000;

/// A file with one owner's key, in bytes: the wrapped key of any service, and the names of a thousand keys that were
/// destroyed before it.
pub const KEY_FILE_BYTES: u64 = 64 * 1024;
