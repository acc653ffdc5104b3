//! Checkpoints: a tree's size and root, as a C2SP tlog-checkpoint in a signed note.

use signed_note::{Note, NoteError, Signature};
use tlog_tiles::{Checkpoint, Hash};

use crate::cosignature::{self, Cosignature, Statement};
use crate::key::{KeyError, KeyKind, SigningKey, VerifierKeys, name_is_valid};
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
    /// The witnesses among the trusted keys that signed it too, in the note's order; each a statement that the tree was
    /// the largest that it knew.
    pub cosignatures: Vec<Cosignature>,
}

impl SignedCheckpoint {
    /// Signs the checkpoint of a tree with every key given, at `time` in seconds since 1970.
    ///
    /// # Errors
    /// When the origin is not one line of text.
    pub(crate) fn sign(
        origin: &str,
        size: u64,
        root: Hash,
        signers: &[SigningKey],
        time: u64,
    ) -> Result<Self, CheckpointError> {
        if !name_is_valid(origin) {
            return Err(CheckpointError::MalformedCheckpoint);
        }
        let text =
            Checkpoint::new(origin, size, root, "").map_err(|_| CheckpointError::MalformedCheckpoint)?.to_bytes();
        let tree = Statement { text: &text, origin, size, root };
        let signatures = signers.iter().map(|signer| signer.sign(&tree, time)).collect::<Result<Vec<_>, _>>()?;
        let note = Note::new(&text, &signatures).map_err(|_| CheckpointError::MalformedNote)?;
        let note = String::from_utf8(note.to_bytes()).map_err(|_| CheckpointError::MalformedNote)?;
        Ok(Self { origin: origin.to_owned(), size, root, note, cosignatures: Vec::new() })
    }

    /// The signature line of a further key, such as a witness's, at `time` in seconds since 1970.
    ///
    /// # Errors
    /// When the key cannot sign it.
    pub fn cosign(&self, key: &SigningKey, time: u64) -> Result<String, KeyError> {
        let tree = Statement { text: self.text().as_bytes(), origin: &self.origin, size: self.size, root: self.root };
        let line = key.sign(&tree, time)?.to_bytes();
        String::from_utf8(line).map_err(|_| KeyError::Signing)
    }

    /// What is signed: the note without its signatures and the empty line before them.
    #[must_use]
    pub fn text(&self) -> &str {
        self.note.rfind("\n\n").map_or(&self.note, |end| &self.note[..=end])
    }

    /// The names and ids of the keys that are said to have signed, known or not.
    pub fn signed_by(&self) -> impl Iterator<Item = (&str, u32)> {
        self.signatures().map(|(name, id, _)| (name, id))
    }

    /// The signature line by a key, with its newline.
    #[must_use]
    pub fn line_by(&self, name: &str, id: u32) -> Option<String> {
        let mut lines = self.signatures();
        lines.find_map(|(by, key, line)| (by == name && key == id).then(|| format!("{line}\n")))
    }

    /// Name, key id and line of each signature.
    fn signatures(&self) -> impl Iterator<Item = (&str, u32, &str)> {
        // Behind the text comes the empty line.
        let lines = self.note.get(self.text().len() + 1..).unwrap_or("").lines();
        lines.filter_map(|line| {
            let id = Signature::from_bytes(line.as_bytes()).ok()?.id();
            let name = line.strip_prefix("\u{2014} ")?.split(' ').next()?;
            Some((name, id, line))
        })
    }

    /// Verifies a signed note. It counts when a trusted key of a log whose name is the checkpoint's
    /// origin signed it, and no signature by a trusted key is wrong. Trusted keys that are a
    /// witness's give its cosignatures.
    ///
    /// # Errors
    /// Says why it is not believed.
    pub fn verify(note: &[u8], keys: &VerifierKeys) -> Result<Self, CheckpointError> {
        match Self::checked(note, keys)? {
            (checkpoint, true) => Ok(checkpoint),
            (Self { origin, .. }, false) => Err(CheckpointError::Origin { origin }),
        }
    }

    /// Verifies the signatures of a checkpoint whose own log's need not be among them.
    ///
    /// # Errors
    /// When none is by a trusted key, or one that is is wrong.
    pub(crate) fn cosigned(note: &[u8], keys: &VerifierKeys) -> Result<Self, CheckpointError> {
        Self::checked(note, keys).map(|(checkpoint, _)| checkpoint)
    }

    /// The checkpoint with its cosignatures, and whether the log itself signed it.
    fn checked(note: &[u8], keys: &VerifierKeys) -> Result<(Self, bool), CheckpointError> {
        if note.len() > MAX_CHECKPOINT_BYTES {
            return Err(CheckpointError::TooLong);
        }
        let parsed = Note::from_bytes(note).map_err(|_| CheckpointError::MalformedNote)?;
        let (verified, _unknown) = parsed.verify(&keys.list()).map_err(|why| match why {
            NoteError::InvalidSignature { name, id } => CheckpointError::WrongSignature { name, id },
            NoteError::UnverifiedNote => CheckpointError::Untrusted,
            _ => CheckpointError::MalformedNote,
        })?;
        let mut checkpoint = Self::read(note, &parsed)?;
        let mut signed = false;
        for signature in &verified {
            let Some(key) = keys.find(signature.name(), signature.id()) else { continue };
            let own = key.name() == checkpoint.origin;
            if own && key.kind().is_for_logs() {
                signed = true;
            } else if key.kind() == KeyKind::Cosignature || (key.kind() == KeyKind::MlDsa44 && !own) {
                let time = cosignature::split_time(signature.signature()).map_or(0, |(time, _)| time);
                // Without a time nothing is said of the largest tree.
                if time != 0 {
                    let (name, key_id) = (key.name().to_owned(), key.id());
                    checkpoint.cosignatures.push(Cosignature { name, key_id, time });
                }
            }
        }
        Ok((checkpoint, signed))
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
            cosignatures: Vec::new(),
        })
    }
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
        let signed = SignedCheckpoint::sign("example.test/log", 7, root, &[key], 1).unwrap();
        let read = SignedCheckpoint::verify(signed.note.as_bytes(), &keys).unwrap();
        assert_eq!((read.origin.as_str(), read.size), ("example.test/log", 7));
        assert!(read.root == root);
        assert!(signed.note.starts_with("example.test/log\n7\n"));
    }

    #[test]
    fn during_a_rotation_either_key_suffices() {
        let (old, new) = (key("example.test/log"), key("example.test/log"));
        let (trusts_old, trusts_new) = (VerifierKeys::of([&old]).unwrap(), VerifierKeys::of([&new]).unwrap());
        let signed = SignedCheckpoint::sign("example.test/log", 0, tlog_tiles::EMPTY_HASH, &[old, new], 1).unwrap();
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
        let signed = SignedCheckpoint::sign("example.test/log", 7, root, &[ours, other], 1).unwrap();
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
