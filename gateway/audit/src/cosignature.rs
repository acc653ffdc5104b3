//! What is signed of a checkpoint, in each of the three ways of C2SP signed-note and tlog-cosignature.
//!
//! | type | by | signed | signature bytes |
//! | --- | --- | --- | --- |
//! | 0x01 | the log | the note's text | Ed25519 |
//! | 0x04 | a witness | `cosignature/v1`, a time, the note's text | time, Ed25519 |
//! | 0x06 | a log or a witness | a binary message: names, time, size, root | time, ML-DSA-44 |
//!
//! A time is a POSIX timestamp in seconds, eight bytes big-endian in the signature.

use tlog_tiles::{Checkpoint, Hash};

/// Bytes of the time before a timestamped signature.
pub(crate) const TIME: usize = 8;

/// Latest time that a cosignature may have, in seconds since 1970.
const LATEST: u64 = i64::MAX as u64;

/// Longest name in a binary message, in bytes.
pub(crate) const MAX_NAME: usize = 255;

/// A witness's signature of a checkpoint, which was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// Name of the witness's key.
    pub name: String,
    /// Id of the witness's key.
    pub key_id: u32,
    /// When the witness signed, by its own clock, in seconds since 1970: the tree was then the largest that it knew.
    pub time: u64,
}

/// The tree that a signature is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement<'a> {
    /// The note's text, with its last newline.
    pub(crate) text: &'a [u8],
    pub(crate) origin: &'a str,
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Statement<'_> {
    /// What a cosigner of type 0x04 signs.
    pub(crate) fn cosignature_v1(&self, time: u64) -> Vec<u8> {
        cosignature_v1(self.text, time)
    }

    /// What a cosigner of type 0x06 signs of a whole tree; `None` where a name is too long for the form.
    pub(crate) fn subtree_v1(&self, cosigner: &str, time: u64) -> Option<Vec<u8>> {
        let mut message = b"subtree/v1\n\0".to_vec();
        push_name(&mut message, cosigner)?;
        message.extend_from_slice(&time.to_be_bytes());
        push_name(&mut message, self.origin)?;
        message.extend_from_slice(&0_u64.to_be_bytes());
        message.extend_from_slice(&self.size.to_be_bytes());
        message.extend_from_slice(&self.root.0);
        Some(message)
    }
}

/// What a cosigner of type 0x04 signs.
pub(crate) fn cosignature_v1(text: &[u8], time: u64) -> Vec<u8> {
    [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat()
}

/// What a cosigner of type 0x06 signs of the checkpoint in a note's text; `None` where it is no checkpoint.
pub(crate) fn subtree_v1(text: &[u8], cosigner: &str, time: u64) -> Option<Vec<u8>> {
    let checkpoint = Checkpoint::from_bytes(text).ok()?;
    let (origin, size, root) = (checkpoint.origin(), checkpoint.size(), *checkpoint.hash());
    Statement { text, origin, size, root }.subtree_v1(cosigner, time)
}

fn push_name(message: &mut Vec<u8>, name: &str) -> Option<()> {
    message.push(u8::try_from(name.len()).ok().filter(|length| *length > 0)?);
    message.extend_from_slice(name.as_bytes());
    Some(())
}

/// The time of a timestamped signature, and the signature without it.
pub(crate) fn split_time(signature: &[u8]) -> Option<(u64, &[u8])> {
    let (time, rest) = signature.split_first_chunk::<TIME>()?;
    let time = u64::from_be_bytes(*time);
    (time <= LATEST).then_some((time, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use crate::checkpoint::{CheckpointError, SignedCheckpoint};
    use crate::key::{KeyKind, SigningKey, VerifierKeys, generate_key, generate_key_of};
    use base64::prelude::{BASE64_STANDARD, Engine};

    /// The checkpoint of the example in C2SP tlog-witness, signed by a log (Ed25519 and ML-DSA-44) and two witnesses
    /// (one of each): written with `cryptography` of Python, not with what is tested here.
    const NOTE: &str = include_str!("vectors/cosigned.note");
    const KEYS: &str = include_str!("vectors/cosigned.keys");
    const TIME: u64 = 1_679_315_147;

    /// The private key of the second witness: its seed is the bytes 64 to 95.
    const SECOND: &str = "PRIVATE+KEY+witness.example/w2+56f347b1+BkBBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5f";

    fn key(line: usize) -> &'static str {
        KEYS.lines().nth(line).unwrap()
    }

    fn keys(lines: &[usize]) -> VerifierKeys {
        VerifierKeys::parse(&lines.iter().map(|line| key(*line)).collect::<Vec<_>>().join("\n")).unwrap()
    }

    #[test]
    fn what_others_signed_in_all_three_ways_verifies() {
        let verified = SignedCheckpoint::verify(NOTE.as_bytes(), &keys(&[0, 1, 2, 3])).unwrap();
        assert_eq!((verified.origin.as_str(), verified.size), ("example.com/behind-the-sofa", 20_852_163));
        let by: Vec<_> = verified.cosignatures.iter().map(|one| (one.name.as_str(), one.time)).collect();
        assert_eq!(by, [("witness.example/w1", TIME), ("witness.example/w2", TIME)]);
        // The log's own second key is no witness, and suffices for who trusts nothing else.
        let verified = SignedCheckpoint::verify(NOTE.as_bytes(), &keys(&[1])).unwrap();
        assert!(verified.cosignatures.is_empty());
    }

    #[test]
    fn a_seed_gives_the_public_key_that_others_derive_from_it() {
        assert_eq!(SigningKey::parse(SECOND).unwrap().verifier_key(), key(3));
    }

    #[test]
    fn witnesses_alone_do_not_make_a_checkpoint_the_logs() {
        let refused = SignedCheckpoint::verify(NOTE.as_bytes(), &keys(&[2, 3]));
        assert!(matches!(refused, Err(CheckpointError::Origin { .. })), "{refused:?}");
    }

    /// The note with one signature's bytes changed by `change`.
    fn changed(line: usize, change: impl Fn(&mut Vec<u8>)) -> String {
        let mut lines: Vec<String> = NOTE.lines().map(str::to_owned).collect();
        let (before, encoded) = lines[4 + line].rsplit_once(' ').unwrap();
        let mut bytes = BASE64_STANDARD.decode(encoded).unwrap();
        change(&mut bytes);
        lines[4 + line] = format!("{before} {}", BASE64_STANDARD.encode(bytes));
        lines.join("\n") + "\n"
    }

    #[test]
    fn a_flipped_bit_anywhere_in_a_signature_is_found() {
        let all = keys(&[0, 1, 2, 3]);
        for (line, length) in [(0, 4 + 64), (1, 4 + 8 + 2420), (2, 4 + 8 + 64), (3, 4 + 8 + 2420)] {
            // Behind the key id: time, beginning, middle and end of the signature.
            for at in [4, 11, 12, length / 2, length - 1] {
                let note = changed(line, |bytes| bytes[at] ^= 1);
                let refused = SignedCheckpoint::verify(note.as_bytes(), &all);
                assert!(matches!(refused, Err(CheckpointError::WrongSignature { .. })), "{line} {at}: {refused:?}");
            }
            for wrong in [changed(line, |bytes| bytes.push(0)), changed(line, |bytes| bytes.truncate(bytes.len() - 1))]
            {
                let refused = SignedCheckpoint::verify(wrong.as_bytes(), &all);
                assert!(matches!(refused, Err(CheckpointError::WrongSignature { .. })), "{line}: {refused:?}");
            }
        }
        let other_tree = NOTE.replacen("20852163", "20852164", 1);
        for trusted in [0, 1] {
            let refused = SignedCheckpoint::verify(other_tree.as_bytes(), &keys(&[trusted]));
            assert!(matches!(refused, Err(CheckpointError::WrongSignature { .. })), "{trusted}: {refused:?}");
        }
    }

    #[test]
    fn signatures_by_unknown_keys_are_passed_over_whatever_they_hold() {
        let note = changed(3, |bytes| bytes[3] ^= 1);
        let verified = SignedCheckpoint::verify(note.as_bytes(), &keys(&[0, 1, 2, 3])).unwrap();
        assert_eq!(verified.cosignatures.len(), 1);
    }

    #[test]
    fn extension_lines_are_signed_by_one_way_and_not_by_the_other() {
        let log = SigningKey::parse(&generate_key("example.test/log").unwrap().private).unwrap();
        let [one, two] = [KeyKind::Cosignature, KeyKind::MlDsa44]
            .map(|kind| SigningKey::parse(&generate_key_of("example.test/w", kind).unwrap().private).unwrap());
        let root = tlog_tiles::record_hash(b"x");
        let text = Checkpoint::new("example.test/log", 7, root, "more\n").unwrap().to_bytes();
        let statement = Statement { text: &text, origin: "example.test/log", size: 7, root };
        let mut lines = Vec::new();
        for key in [&log, &one, &two] {
            lines.push(String::from_utf8(key.sign(&statement, TIME).unwrap().to_bytes()).unwrap());
        }
        let note = |text: &str, lines: &[&String]| {
            format!("{text}\n{}", lines.iter().map(|line| line.as_str()).collect::<String>())
        };
        let text = String::from_utf8(text).unwrap();
        let keys = VerifierKeys::of([&log, &one, &two]).unwrap();
        let verified = SignedCheckpoint::verify(note(&text, &lines.iter().collect::<Vec<_>>()).as_bytes(), &keys);
        assert_eq!(verified.unwrap().cosignatures.len(), 2);
        let other = text.replace("more", "less");
        // The log's signature is left to a key that is not asked, so that only the witness's counts.
        for (line, wrong) in [(&lines[1], true), (&lines[2], false)] {
            let said = SignedCheckpoint::verify(note(&other, &[line]).as_bytes(), &keys);
            assert_eq!(matches!(said, Err(CheckpointError::WrongSignature { .. })), wrong, "{said:?}");
        }
    }

    #[test]
    fn a_time_beyond_what_there_can_be_is_no_signature() {
        assert_eq!(split_time(&[0x80, 0, 0, 0, 0, 0, 0, 0, 1]), None);
        assert_eq!(split_time(&[0; 7]), None);
        assert_eq!(split_time(&[0, 0, 0, 0, 0, 0, 1, 0, 9]), Some((256, [9].as_slice())));
    }

    #[test]
    fn a_cosignature_without_a_time_is_wrong_and_an_ml_dsa_one_says_nothing_of_the_largest_tree() {
        let log = SigningKey::parse(&generate_key("example.test/log").unwrap().private).unwrap();
        let signed = SignedCheckpoint::sign("example.test/log", 0, tlog_tiles::EMPTY_HASH, &[log], TIME).unwrap();
        for kind in [KeyKind::Cosignature, KeyKind::MlDsa44] {
            let witness = SigningKey::parse(&generate_key_of("example.test/w", kind).unwrap().private).unwrap();
            let keys = VerifierKeys::of([&witness]).unwrap();
            let line = signed.cosign(&witness, 0).unwrap();
            let note = format!("{}\n{line}", signed.text());
            let said = SignedCheckpoint::verify(note.as_bytes(), &keys);
            match kind {
                KeyKind::Cosignature => assert!(matches!(said, Err(CheckpointError::WrongSignature { .. }))),
                // It verifies; it is merely not counted, and no log signed.
                _ => assert!(matches!(said, Err(CheckpointError::Origin { .. }))),
            }
        }
    }
}
