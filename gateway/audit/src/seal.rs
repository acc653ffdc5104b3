//! Sealing and succession: a log that ends says by its last entry which log follows, and that one says by its first which
//! it continues. Only these two entries are looked into here; all others are opaque.
//!
//! The last entry of a sealed log has the kind `sealed`, and in `details` the `successor` (its origin) and the
//! `successorKey` (its verifier key). The first entry of the successor has the kind `opened`, and in `details` the
//! `predecessor` (its origin), its `size` and `root`, and `checkpointSha256`, the digest of its last checkpoint.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::checkpoint::SignedCheckpoint;
use crate::key::{KeyError, VerifierKey, VerifierKeys};
use crate::reader::{ReadError, Reader};

/// Kind of the last entry of a log that ended.
pub const SEALED: &str = "sealed";

/// Kind of an entry that says which log is continued.
pub const OPENED: &str = "opened";

/// The log that follows a sealed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Its origin.
    pub origin: String,
    /// Its verifier key, `<name>+<id>+<base64>`.
    pub key: String,
}

impl Successor {
    /// The log of a verifier key.
    #[must_use]
    pub fn of(key: &VerifierKey) -> Self {
        Self { origin: key.name().to_owned(), key: key.to_string() }
    }

    /// What the last entry of the log says of it: the record's `details`.
    #[must_use]
    pub fn details(&self) -> BTreeMap<String, String> {
        [("successor", &self.origin), ("successorKey", &self.key)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .into()
    }

    /// Reads it from an entry; `None` where the entry does not seal a log.
    #[must_use]
    pub fn read(entry: &[u8]) -> Option<Self> {
        let mut details = details(entry, SEALED)?;
        Some(Self { origin: details.remove("successor")?, key: details.remove("successorKey")? })
    }
}

/// The log that another continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its origin.
    pub origin: String,
    /// Its entries, the sealing one included.
    pub size: u64,
    /// Its root hash, in base64.
    pub root: String,
    /// SHA-256 of its last checkpoint's text, that is without signatures, lower-case hexadecimal.
    pub checkpoint_sha256: String,
}

impl Predecessor {
    fn of(checkpoint: &SignedCheckpoint) -> Self {
        // Without signatures: witnesses may sign after the successor has begun.
        let digest = Sha256::digest(checkpoint.text().as_bytes());
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.to_string(),
            checkpoint_sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    /// What the first entry of its successor says of it: the record's `details`.
    #[must_use]
    pub fn details(&self) -> BTreeMap<String, String> {
        [
            ("predecessor", self.origin.clone()),
            ("size", self.size.to_string()),
            ("root", self.root.clone()),
            ("checkpointSha256", self.checkpoint_sha256.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Reads it from an entry; `None` where the entry does not open a log after another.
    #[must_use]
    pub fn read(entry: &[u8]) -> Option<Self> {
        let mut details = details(entry, OPENED)?;
        Some(Self {
            origin: details.remove("predecessor")?,
            size: details.remove("size")?.parse().ok()?,
            root: details.remove("root")?,
            checkpoint_sha256: details.remove("checkpointSha256")?,
        })
    }
}

/// Why a log is not one that another may continue.
#[derive(Debug, thiserror::Error)]
pub enum SuccessionError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A key is none.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// It goes on.
    #[error("the log {origin:?} is not sealed")]
    NotSealed {
        /// Its origin.
        origin: String,
    },
    /// It names another log than this one.
    #[error("the log {origin:?} is sealed towards {successor:?}, by a key that is none of this log's")]
    OtherSuccessor {
        /// Its origin.
        origin: String,
        /// The log that it names.
        successor: String,
    },
}

/// Whether an entry ends a log.
pub(crate) fn is_sealing(entry: &[u8]) -> Option<Successor> {
    Successor::read(entry)
}

/// Looks at a log that ended: verified by `keys`, it must be sealed towards one of the keys of the log that follows it.
/// Reads the edge of the folder; [`verify`](crate::verify()) reads all of it.
///
/// # Errors
/// Says why it may not be continued.
pub fn predecessor(dir: &Path, keys: &VerifierKeys, follows: &VerifierKeys) -> Result<Predecessor, SuccessionError> {
    let reader = Reader::open(dir, keys)?;
    let checkpoint = reader.checkpoint().clone();
    let origin = checkpoint.origin.clone();
    let Some(last) = checkpoint.size.checked_sub(1) else {
        return Err(SuccessionError::NotSealed { origin });
    };
    let proof = reader.proof(last)?;
    // The entry is as the folder has it: that the tree commits to it is checked as an auditor would.
    let proven = proof.verify(None, keys).map_err(|_| SuccessionError::NotSealed { origin: origin.clone() })?;
    let successor = is_sealing(&proven.entry).ok_or(SuccessionError::NotSealed { origin: origin.clone() })?;
    let named = VerifierKey::parse(&successor.key)?;
    if !follows.iter().any(|key| *key == named) {
        return Err(SuccessionError::OtherSuccessor { origin, successor: successor.origin });
    }
    Ok(Predecessor::of(&checkpoint))
}

/// What is read of an entry: nothing but its kind and its details.
#[derive(Deserialize)]
struct Line {
    kind: String,
    #[serde(default)]
    details: BTreeMap<String, String>,
}

fn details(entry: &[u8], kind: &str) -> Option<BTreeMap<String, String>> {
    let line: Line = serde_json::from_slice(entry).ok()?;
    (line.kind == kind).then_some(line.details)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_the_two_entries_say_reads_back() {
        let successor = Successor { origin: "two.test".to_owned(), key: "two.test+0+x".to_owned() };
        let entry = json!({ "version": 1, "kind": SEALED, "details": successor.details() }).to_string();
        assert_eq!(Successor::read(entry.as_bytes()), Some(successor));
        assert_eq!(Predecessor::read(entry.as_bytes()), None);
        let predecessor = Predecessor {
            origin: "one.test".to_owned(),
            size: 7,
            root: "root".to_owned(),
            checkpoint_sha256: "00".repeat(32),
        };
        let entry = json!({ "version": 1, "kind": OPENED, "details": predecessor.details() }).to_string();
        assert_eq!(Predecessor::read(entry.as_bytes()), Some(predecessor));
    }

    #[test]
    fn other_entries_say_nothing_of_it() {
        for entry in ["", "{}", "sealed", r#"{"kind":"outcome","details":{"successor":"a","successorKey":"b"}}"#] {
            assert_eq!(Successor::read(entry.as_bytes()), None, "{entry}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Successor::read(&bytes);
            let _ = Predecessor::read(&bytes);
        }
    }
}
