//! Proofs that an entry is in a log, as C2SP tlog-proof files.

use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine};
use tlog_tiles::{Hash, check_record, record_hash};

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::key::VerifierKeys;
use crate::limits::{MAX_ENTRY_BYTES, MAX_PROOF_BYTES, MAX_PROOF_HASHES};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Why a proof is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The text is not a proof.
    #[error("line {line}: expected {expected}")]
    Malformed {
        /// Line in the text, from 1.
        line: usize,
        /// What should have been there.
        expected: &'static str,
    },
    /// Longer than a proof may be.
    #[error("it is longer than {MAX_PROOF_BYTES} bytes")]
    TooLong,
    /// The checkpoint in it is not believed.
    #[error("the checkpoint in it is not to be trusted: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// It carries no entry, and none was given.
    #[error("the proof carries no entry: give the entry that it is for")]
    NoEntry,
    /// The index is not in the tree of the checkpoint.
    #[error("entry {index} is not among the {size} entries of the checkpoint")]
    Index {
        /// Index that the proof names.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
    /// The hashes do not lead from the entry to the root.
    #[error("the log does not hold this entry at index {index}")]
    Wrong {
        /// Index that the proof names.
        index: u64,
    },
}

/// A proof of inclusion, believed or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// Data that the proof carries along; the log's own proofs carry the entry.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// Hashes from the leaf's sibling up to the root's child.
    pub hashes: Vec<Hash>,
    /// The checkpoint, verbatim.
    pub checkpoint: String,
}

/// What a proof proved.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The checkpoint that commits to the entry.
    pub checkpoint: SignedCheckpoint,
    /// Index of the entry.
    pub index: u64,
    /// The entry.
    pub entry: Vec<u8>,
}

impl Proof {
    /// Parses a proof file.
    ///
    /// # Errors
    /// Names the first line that is not as it should be.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        if text.len() > MAX_PROOF_BYTES {
            return Err(ProofError::TooLong);
        }
        let wrong = |line, expected| ProofError::Malformed { line, expected };
        let (head, checkpoint) = text.split_once("\n\n").ok_or(wrong(1, "a proof, an empty line and a checkpoint"))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        lines.next_if(|(line, _)| *line == FIRST_LINE).ok_or(wrong(1, FIRST_LINE))?;

        let mut extra = None;
        if let Some((encoded, line)) = lines.peek().and_then(|(line, at)| Some((line.strip_prefix("extra ")?, *at))) {
            let decoded = BASE64_STANDARD.decode(encoded);
            extra = Some(decoded.map_err(|_| wrong(line, "extra and base64"))?);
            lines.next();
        }
        let (digits, line) = lines
            .next()
            .and_then(|(line, at)| Some((line.strip_prefix("index ")?, at)))
            .ok_or(wrong(2, "index and a number"))?;
        let index: u64 = digits.parse().map_err(|_| wrong(line, "index and a number"))?;
        if index.to_string() != digits {
            return Err(wrong(line, "a number without leading zeros"));
        }
        let mut hashes = Vec::new();
        for (encoded, line) in lines {
            if hashes.len() == MAX_PROOF_HASHES {
                return Err(wrong(line, "at most 48 hashes"));
            }
            let hash = Hash::parse_hash(encoded);
            hashes.push(hash.map_err(|_| wrong(line, "a SHA-256 hash in base64"))?);
        }
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Verifies that the log holds an entry: the one given, or else the one that the proof
    /// carries.
    ///
    /// # Errors
    /// Says why the proof is not believed.
    pub fn verify(&self, entry: Option<&[u8]>, keys: &VerifierKeys) -> Result<Proven, ProofError> {
        let checkpoint = SignedCheckpoint::verify(self.checkpoint.as_bytes(), keys)?;
        let entry = entry.or(self.extra.as_deref()).ok_or(ProofError::NoEntry)?;
        let (index, size) = (self.index, checkpoint.size);
        if index >= size {
            return Err(ProofError::Index { index, size });
        }
        if self.hashes.len() > MAX_PROOF_HASHES || entry.len() > MAX_ENTRY_BYTES {
            return Err(ProofError::TooLong);
        }
        check_record(&self.hashes, size, checkpoint.root, index, record_hash(entry))
            .map_err(|_| ProofError::Wrong { index })?;
        Ok(Proven { checkpoint, index, entry: entry.to_owned() })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64_STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use crate::key::{SigningKey, generate_key};
    use proptest::prelude::*;
    use tlog_tiles::node_hash;

    fn proof_of_the_second_of_three() -> (Proof, VerifierKeys) {
        let key = SigningKey::parse(&generate_key("example.test/log").unwrap().private).unwrap();
        let keys = VerifierKeys::of([&key]).unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|entry| record_hash(entry.as_bytes()));
        let root = node_hash(node_hash(a, b), c);
        let signed = SignedCheckpoint::sign("example.test/log", 3, root, &[key], 1).unwrap();
        let extra = Some(b"b".to_vec());
        (Proof { extra, index: 1, hashes: vec![a, c], checkpoint: signed.note }, keys)
    }

    #[test]
    fn a_proof_reads_back_and_verifies() {
        let (proof, keys) = proof_of_the_second_of_three();
        let text = proof.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra Yg==\nindex 1\n"), "{text}");
        let read = Proof::parse(&text).unwrap();
        assert_eq!(read, proof);
        let proven = read.verify(None, &keys).unwrap();
        assert_eq!((proven.index, proven.entry.as_slice()), (1, b"b".as_slice()));
        let bare = Proof { extra: None, ..read };
        assert_eq!(Proof::parse(&bare.to_string()).unwrap(), bare);
        bare.verify(Some(b"b"), &keys).unwrap();
        assert!(matches!(bare.verify(None, &keys), Err(ProofError::NoEntry)));
    }

    #[test]
    fn another_entry_index_or_path_is_not_proven() {
        let (proof, keys) = proof_of_the_second_of_three();
        assert!(matches!(proof.verify(Some(b"c"), &keys), Err(ProofError::Wrong { index: 1 })));
        let moved = Proof { index: 0, ..proof.clone() };
        assert!(matches!(moved.verify(None, &keys), Err(ProofError::Wrong { index: 0 })));
        let beyond = Proof { index: 3, ..proof.clone() };
        assert!(matches!(beyond.verify(None, &keys), Err(ProofError::Index { .. })));
        let mut longer = proof.clone();
        longer.hashes.push(record_hash(b"d"));
        assert!(matches!(longer.verify(None, &keys), Err(ProofError::Wrong { .. })));
        let forged = Proof { checkpoint: proof.checkpoint.replacen("\n3\n", "\n4\n", 1), ..proof };
        assert!(matches!(forged.verify(None, &keys), Err(ProofError::Checkpoint(_))));
    }

    #[test]
    fn a_malformed_proof_names_its_line() {
        let (proof, _) = proof_of_the_second_of_three();
        let text = proof.to_string();
        for (from, to, line) in [
            ("tlog-proof@v1", "tlog-proof@v2", 1),
            ("extra Yg==", "extra ?", 2),
            ("index 1", "index 01", 3),
            ("index 1", "index one", 3),
            ("index 1\n", "index 1\nAAAA\n", 4),
        ] {
            let broken = text.replacen(from, to, 1);
            let error = Proof::parse(&broken).unwrap_err();
            assert!(matches!(error, ProofError::Malformed { line: at, .. } if at == line), "{from} -> {to}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = Proof::parse(&text);
            let _ = Proof::parse(&format!("{FIRST_LINE}\nindex 1\n{text}\n\n"));
        }
    }
}
