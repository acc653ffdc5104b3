//! Checkpoints: a tree's size and root, as a C2SP tlog-checkpoint in a signed note.

use signed_note::{Note, NoteError};
use tlog_tiles::{Checkpoint, Hash};

use crate::key::{KeyError, SigningKey, VerifierKeys};
use crate::limits::{MAX_CHECKPOINT_BYTES, MAX_TREE_SIZE};

/// Why a checkpoint is not believed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note.
    #[error("it is not a signed note")]
    MalformedNote,
    /// A signed note whose text is not a checkpoint.
    #[error("its text is not a checkpoint (origin, size, root hash)")]
    MalformedCheckpoint,
    /// A signature by a trusted key does not verify.
    #[error("the signature by {name}+{id:08x} is wrong")]
    WrongSignature {
        /// Name of the key.
        name: String,
        /// Id of the key.
        id: u32,
    },
    /// No trusted key signed it.
    #[error("none of the trusted keys signed it")]
    Untrusted,
    /// It was signed, but not by a key of the log that it speaks for.
    #[error("the log {origin:?} did not sign it under its own name")]
    Origin {
        /// The origin in the checkpoint.
        origin: String,
    },
    /// A tree larger than any that is written here.
    #[error("a tree of {size} entries is beyond {MAX_TREE_SIZE}")]
    Size {
        /// The size in the checkpoint.
        size: u64,
    },
    /// Longer than a checkpoint may be.
    #[error("it is longer than {MAX_CHECKPOINT_BYTES} bytes")]
    TooLong,
    /// It could not be signed.
    #[error("it cannot be signed")]
    Signing(#[from] KeyError),
}

/// A checkpoint: one whose signature was verified, unless it came from
/// [`SignedCheckpoint::unverified`].
#[derive(Clone, Debug)]
pub struct SignedCheckpoint {
    /// The log that it speaks for.
    pub origin: String,
    /// Number of entries in the tree.
    pub size: u64,
    /// Root hash of the tree.
    pub root: Hash,
    /// The signed note, verbatim.
    pub note: String,
}

impl SignedCheckpoint {
    /// Signs the checkpoint of a tree with every key given.
    ///
    /// # Errors
    /// When the origin is not one line of text.
    pub(crate) fn sign(origin: &str, size: u64, root: Hash, signers: &[SigningKey]) -> Result<Self, CheckpointError> {
        if !origin_is_valid(origin) {
            return Err(CheckpointError::MalformedCheckpoint);
        }
        let text =
            Checkpoint::new(origin, size, root, "").map_err(|_| CheckpointError::MalformedCheckpoint)?.to_bytes();
        let signatures = signers.iter().map(|signer| signer.sign(&text)).collect::<Result<Vec<_>, _>>()?;
        let note = Note::new(&text, &signatures).map_err(|_| CheckpointError::MalformedNote)?;
        let note = String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::MalformedNote)?;
        Ok(Self { origin: origin.to_owned(), size, root, note })
    }

    /// Verifies a signed note. It counts when a trusted key whose name is the checkpoint's
    /// origin signed it, and no signature by a trusted key is wrong.
    ///
    /// # Errors
    /// Says why it is not believed.
    pub fn verify(note: &[u8], keys: &VerifierKeys) -> Result<Self, CheckpointError> {
        if note.len() > MAX_CHECKPOINT_BYTES {
            return Err(CheckpointError::TooLong);
        }
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointError::MalformedNote)?;
        let (verified, _unknown) = parsed.verify(&keys.list()).map_err(|why| match why {
            NoteError::InvalidSignature { name, id } => CheckpointError::WrongSignature { name, id },
            NoteError::UnverifiedNote => CheckpointError::Untrusted,
            _ => CheckpointError::MalformedNote,
        })?;
        let checkpoint = Self::read(note, &parsed)?;
        if !verified.iter().any(|signature| signature.name() == checkpoint.origin) {
            return Err(CheckpointError::Origin { origin: checkpoint.origin });
        }
        Ok(checkpoint)
    }

    /// Reads a signed note without believing it: to look at a log whose key is not at hand.
    ///
    /// # Errors
    /// When it is not a checkpoint in a signed note.
    pub fn unverified(note: &[u8]) -> Result<Self, CheckpointError> {
        if note.len() > MAX_CHECKPOINT_BYTES {
            return Err(CheckpointError::TooLong);
        }
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointError::MalformedNote)?;
        Self::read(note, &parsed)
    }

    fn read(note: &[u8], parsed: &Note) -> Result<Self, CheckpointError> {
        let checkpoint = Checkpoint::from_bytes(parsed.text()).map_err(|_| CheckpointError::MalformedCheckpoint)?;
        if checkpoint.size() > MAX_TREE_SIZE {
            return Err(CheckpointError::Size { size: checkpoint.size() });
        }
        let text = std::str::from_utf8(note).map_err(|_| CheckpointError::MalformedNote)?;
        Ok(Self {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: *checkpoint.hash(),
            note: text.to_owned(),
        })
    }
}

/// An origin is one line; as it is also the name of the log's key, it has no spaces and no plus.
pub(crate) fn origin_is_valid(origin: &str) -> bool {
    signed_note::is_key_name_valid(origin) && !origin.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use crate::key::generate_key;

    fn key(name: &str) -> SigningKey {
        SigningKey::parse(&generate_key(name).unwrap().private).unwrap()
    }

    #[test]
    fn a_signed_checkpoint_verifies_and_says_the_same() {
        let key = key("example.test/log");
        let keys = VerifierKeys::of([&key]).unwrap();
        let root = tlog_tiles::record_hash(b"x");
        let signed = SignedCheckpoint::sign("example.test/log", 7, root, &[key]).unwrap();
        let read = SignedCheckpoint::verify(signed.note.as_bytes(), &keys).unwrap();
        assert_eq!((read.origin.as_str(), read.size), ("example.test/log", 7));
        assert!(read.root == root);
        assert!(signed.note.starts_with("example.test/log\n7\n"));
    }

    #[test]
    fn during_a_rotation_either_key_suffices() {
        let (old, new) = (key("example.test/log"), key("example.test/log"));
        let (trusts_old, trusts_new) = (VerifierKeys::of([&old]).unwrap(), VerifierKeys::of([&new]).unwrap());
        let signed = SignedCheckpoint::sign("example.test/log", 0, tlog_tiles::EMPTY_HASH, &[old, new]).unwrap();
        SignedCheckpoint::verify(signed.note.as_bytes(), &trusts_old).unwrap();
        SignedCheckpoint::verify(signed.note.as_bytes(), &trusts_new).unwrap();
    }

    #[test]
    fn a_checkpoint_is_refused_for_its_reason() {
        let ours = key("example.test/log");
        let other = key("other.test/log");
        let trusts_ours = VerifierKeys::of([&ours]).unwrap();
        let trusts_other = VerifierKeys::of([&other]).unwrap();
        let root = tlog_tiles::record_hash(b"x");
        let signed = SignedCheckpoint::sign("example.test/log", 7, root, &[ours, other]).unwrap();
        let changed = signed.note.replacen("\n7\n", "\n8\n", 1);
        assert!(matches!(
            SignedCheckpoint::verify(changed.as_bytes(), &trusts_ours),
            Err(CheckpointError::WrongSignature { .. })
        ));
        // A witness alone does not make a checkpoint the log's.
        assert!(matches!(
            SignedCheckpoint::verify(signed.note.as_bytes(), &trusts_other),
            Err(CheckpointError::Origin { .. })
        ));
        let stranger = VerifierKeys::of([&key("example.test/log")]).unwrap();
        assert!(matches!(SignedCheckpoint::verify(signed.note.as_bytes(), &stranger), Err(CheckpointError::Untrusted)));
        assert!(matches!(SignedCheckpoint::verify(b"nothing", &trusts_ours), Err(CheckpointError::MalformedNote)));
        let huge = vec![b'a'; MAX_CHECKPOINT_BYTES + 1];
        assert!(matches!(SignedCheckpoint::verify(&huge, &trusts_ours), Err(CheckpointError::TooLong)));
    }
}
