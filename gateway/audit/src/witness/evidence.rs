//! Whether a witness that says it has seen another tree can show it: a checkpoint with the log's own signature that does
//! not go together with the tree that is here.

use tlog_tiles::{EMPTY_HASH, check_tree};

use crate::checkpoint::SignedCheckpoint;
use crate::reader::{ReadError, Reader};

/// Whether `theirs`, a checkpoint of the same log that was verified by the log's keys, is of a tree that the tree of
/// `ours` neither is nor continues. Reads files; blocks.
///
/// # Errors
/// When the log's own tiles cannot be read or do not verify.
pub fn contradicts(ours: &Reader, theirs: &SignedCheckpoint) -> Result<bool, ReadError> {
    let own = ours.checkpoint();
    if theirs.origin != own.origin {
        return Ok(false);
    }
    if theirs.size > own.size {
        // Nothing larger was ever signed here.
        return Ok(true);
    }
    if theirs.size == 0 {
        return Ok(theirs.root != EMPTY_HASH);
    }
    let proof = ours.consistency_proof(theirs.size)?;
    Ok(check_tree(&proof, own.size, own.root, theirs.size, theirs.root).is_err())
}
