//! Every bound of the log: its name, unit, default, and why that number.

use std::time::Duration;

/// Longest entry, in bytes. A tlog-tiles entry bundle gives each entry a 16-bit length, so this
/// is one byte short of 64 KiB.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Most entries a tree may hold. A node that wrote 10,000 entries a second would need nine
/// centuries; beyond it the 64-bit arithmetic of tree coordinates could overflow.
pub const MAX_TREE_SIZE: u64 = 1 << 48;

/// Longest checkpoint that is read, in bytes: room for well over the 16 signatures that
/// C2SP signed-note obliges a reader to accept, post-quantum ones included.
pub const MAX_CHECKPOINT_BYTES: usize = 256 * 1024;

/// Longest proof file that is read, in bytes: the longest entry in base64, 48 hashes and a
/// checkpoint, with room to spare.
pub const MAX_PROOF_BYTES: usize = 512 * 1024;

/// Longest inclusion proof, in hashes: the height of a tree of [`MAX_TREE_SIZE`].
pub const MAX_PROOF_HASHES: usize = 48;

/// Most hashes in a submission to a witness, by C2SP tlog-witness.
pub const MAX_SUBMITTED_HASHES: usize = 63;

/// Longest answer of a witness that is read, in bytes: some ten cosignatures of ML-DSA-44.
pub const MAX_WITNESS_REPLY_BYTES: usize = 64 * 1024;

/// How far a witness's clock may be ahead of ours, in seconds, for its cosignature to be kept: more than clocks that
/// are looked after differ, and too little for a cosignature of a time that has not come.
pub const MAX_WITNESS_AHEAD_SECONDS: u64 = 300;

/// Most verifier keys in one file: an operator's log key in rotation and its witnesses.
pub const MAX_VERIFIER_KEYS: usize = 100;

/// Longest key file that is read, in bytes: [`MAX_VERIFIER_KEYS`] lines with comments, of 1.8 KB each where they are
/// of ML-DSA-44.
pub const MAX_KEY_FILE_BYTES: u64 = 256 * 1024;

/// Longest policy file that is read, in bytes: [`MAX_POLICY_LINES`] each of logs and witnesses with ML-DSA-44 keys.
pub const MAX_POLICY_BYTES: u64 = 512 * 1024;

/// Most logs, most witnesses and most groups in a policy. C2SP tlog-policy wants 32 of each; all their keys together
/// are no more than a reader takes at once.
pub const MAX_POLICY_LINES: usize = 100;

/// Largest journal segment that is read back, in bytes; a segment is read whole.
pub const MAX_SEGMENT_BYTES: u64 = 256 * 1024 * 1024;

/// Smallest journal segment, in bytes: one group with one entry of the greatest length fits in.
pub const MIN_SEGMENT_BYTES: u64 = 128 * 1024;

/// How much the log holds at once.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Bytes of one journal segment, preallocated and filled with zeros (default 16 MiB: a few
    /// seconds of peak load, made in some tens of milliseconds). Rounded up to whole sectors,
    /// at least [`MIN_SEGMENT_BYTES`].
    pub segment_bytes: u64,
    /// Most entry bytes in one group, that is in one write and one `fdatasync` (default 1 MiB:
    /// beyond it the transfer costs more than the flush that it shares).
    pub group_bytes: usize,
    /// Most entries in one group (default 1,024).
    pub group_entries: usize,
    /// Most appends that wait for the writer; further callers wait for a place (default 1,024,
    /// at most 64 MiB of entries).
    pub waiting: usize,
    /// Most bytes of durable entries that are not in tiles yet; beyond it appends wait for
    /// the tiles to catch up (default 64 MiB: half a minute of peak load, held in memory).
    pub backlog_bytes: usize,
    /// Most entries in one step of integration (default 8,192: 32 full tiles, and at some 4 MiB
    /// of records a flat use of memory).
    pub step_entries: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            segment_bytes: 16 * 1024 * 1024,
            group_bytes: 1024 * 1024,
            group_entries: 1024,
            waiting: 1024,
            backlog_bytes: 64 * 1024 * 1024,
            step_entries: 8192,
        }
    }
}

/// How often the log does what it does on its own.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Pause between two integrations (default 250 ms: an entry is in a signed tree well within
    /// a second, and the tiles' own flushes stay a small part of the disk's work).
    pub integrate_every: Duration,
    /// How long appends fail at once after the journal could not be written, before it is tried
    /// again (default 250 ms: a full disk is not asked by every request).
    pub retry_after: Duration,
    /// How long appends wait for tiles that are behind before they are refused (default 2 s:
    /// callers slow down to what the disk can do, and are told within a request's deadline).
    pub wait_for_tiles: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            integrate_every: Duration::from_millis(250),
            retry_after: Duration::from_millis(250),
            wait_for_tiles: Duration::from_secs(2),
        }
    }
}
