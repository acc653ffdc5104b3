//! What a witness's answer says. It is untrusted: only signatures by the witness's own key are kept, and an answer that
//! is not of the protocol is as good as none.

use signed_note::Signature;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::key::{VerifierKey, VerifierKeys};
use crate::limits::{MAX_WITNESS_AHEAD_SECONDS, MAX_WITNESS_REPLY_BYTES};

/// The media type of an answer that says a size.
const SIZE_TYPE: &str = "text/x.tlog.size";

/// A cosignature as it is kept: a line of a signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The line, with its newline.
    pub line: String,
    /// When the witness signed, in seconds since 1970.
    pub time: u64,
}

/// What an answer to a submission says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The witness has signed (200).
    Cosigned(Kept),
    /// The witness knows another tree than the one that the proof began with, of this size (409).
    Knows {
        /// Entries in the newest tree that it has signed.
        size: u64,
    },
    /// The witness does not know the log (404).
    UnknownLog,
    /// The witness finds no signature by a key of the log that it knows (403).
    UnknownKey,
    /// The witness finds that the tree does not continue what it knows (422).
    Inconsistent,
    /// The submission is not of the protocol (400), which is a fault of ours.
    Malformed,
    /// No answer, or one that means to come back later.
    Trouble(String),
    /// An answer that is not of the protocol, or not by whom it should be.
    Unreadable(String),
}

impl Reply {
    /// Reads an answer to the submission of `checkpoint`, by the witness with this key, at `now` in seconds since 1970.
    #[must_use]
    pub fn read(
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
        checkpoint: &SignedCheckpoint,
        key: &VerifierKey,
        now: u64,
    ) -> Self {
        if body.len() > MAX_WITNESS_REPLY_BYTES {
            return Self::Unreadable(format!("the answer is longer than {MAX_WITNESS_REPLY_BYTES} bytes"));
        }
        match status {
            200 => kept(body, checkpoint, key, now).map_or_else(Self::Unreadable, Self::Cosigned),
            409 => match size(content_type, body) {
                Some(size) => Self::Knows { size },
                None => Self::Unreadable("a conflict without a size".to_owned()),
            },
            400 => Self::Malformed,
            403 => Self::UnknownKey,
            404 => Self::UnknownLog,
            422 => Self::Inconsistent,
            429 | 500..=599 => Self::Trouble(format!("the answer is {status}")),
            _ => Self::Unreadable(format!("the answer is {status}")),
        }
    }
}

/// The size in the body of a 409.
fn size(content_type: Option<&str>, body: &[u8]) -> Option<u64> {
    let kind = content_type?.split(';').next()?.trim();
    if !kind.eq_ignore_ascii_case(SIZE_TYPE) {
        return None;
    }
    let digits = std::str::from_utf8(body).ok()?.strip_suffix('\n')?;
    let size: u64 = digits.parse().ok()?;
    // One spelling: no sign, no leading zeros.
    (size.to_string() == digits).then_some(size)
}

/// The witness's own signature among the lines of a body, verified over our checkpoint.
fn kept(body: &[u8], checkpoint: &SignedCheckpoint, key: &VerifierKey, now: u64) -> Result<Kept, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    if !text.ends_with('\n') {
        return Err("the answer's last line has no end".to_owned());
    }
    let note = format!("{}\n{text}", checkpoint.text());
    let keys = VerifierKeys::new([key.clone()]).map_err(|why| why.to_string())?;
    // The log's own signature is not in it: the witness's is all that is looked at.
    let cosigned = SignedCheckpoint::cosigned(note.as_bytes(), &keys).map_err(|why| match why {
        CheckpointError::Untrusted => "it holds no signature by the witness's key".to_owned(),
        why => why.to_string(),
    })?;
    let time = cosigned.cosignatures.first().map(|one| one.time).ok_or("the cosignature says no time")?;
    if time > now.saturating_add(MAX_WITNESS_AHEAD_SECONDS) {
        return Err(format!("the cosignature is of a time that has not come, {time}"));
    }
    let is_own = |line: &&str| {
        let signature = Signature::from_bytes(line.as_bytes());
        signature.is_ok_and(|signature| signature.name() == key.name() && signature.id() == key.id())
    };
    let line = text.lines().find(is_own).ok_or("it holds no signature by the witness's key")?;
    Ok(Kept { line: format!("{line}\n"), time })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use crate::key::{KeyKind, SigningKey, generate_key, generate_key_of};
    use proptest::prelude::*;

    const NOW: u64 = 1_800_000_000;

    struct Case {
        checkpoint: SignedCheckpoint,
        signer: SigningKey,
        key: VerifierKey,
    }

    impl Case {
        fn new(kind: KeyKind) -> Self {
            let log = SigningKey::parse(&generate_key("l.test").unwrap().private).unwrap();
            let root = tlog_tiles::record_hash(b"x");
            let checkpoint = SignedCheckpoint::sign("l.test", 9, root, &[log], 1).unwrap();
            let signer = SigningKey::parse(&generate_key_of("w.test", kind).unwrap().private).unwrap();
            let key = VerifierKey::parse(&signer.verifier_key()).unwrap();
            Self { checkpoint, signer, key }
        }

        fn ok(&self, body: &str) -> Reply {
            Reply::read(200, Some("text/plain"), body.as_bytes(), &self.checkpoint, &self.key, NOW)
        }
    }

    #[test]
    fn the_witness_s_own_signature_is_kept_and_no_other() {
        for kind in [KeyKind::Cosignature, KeyKind::MlDsa44] {
            let case = Case::new(kind);
            let line = case.checkpoint.cosign(&case.signer, NOW).unwrap();
            let kept = Reply::Cosigned(Kept { line: line.clone(), time: NOW });
            assert_eq!(case.ok(&line), kept);
            let stranger = Case::new(kind);
            let other = case.checkpoint.cosign(&stranger.signer, NOW).unwrap();
            assert_eq!(case.ok(&format!("{other}{line}")), kept);
            let Reply::Unreadable(said) = case.ok(&other) else { panic!() };
            assert!(said.contains("no signature by the witness's key"), "{said}");
        }
    }

    #[test]
    fn a_wrong_cosignature_by_a_known_key_discards_the_whole_answer() {
        let case = Case::new(KeyKind::Cosignature);
        let other = SignedCheckpoint {
            size: 10,
            note: case.checkpoint.note.replacen("\n9\n", "\n10\n", 1),
            ..case.checkpoint.clone()
        };
        let wrong = other.cosign(&case.signer, NOW).unwrap();
        let good = case.checkpoint.cosign(&case.signer, NOW).unwrap();
        for body in [wrong.clone(), format!("{wrong}{good}")] {
            let Reply::Unreadable(said) = case.ok(&body) else { panic!() };
            assert!(said.contains("is wrong"), "{said}");
        }
    }

    #[test]
    fn a_time_that_has_not_come_is_not_kept() {
        let case = Case::new(KeyKind::MlDsa44);
        for (time, kept) in [(NOW + 300, true), (NOW + 301, false), (0, false), (1, true)] {
            let line = case.checkpoint.cosign(&case.signer, time).unwrap();
            assert_eq!(matches!(case.ok(&line), Reply::Cosigned(_)), kept, "{time}");
        }
    }

    #[test]
    fn what_is_no_list_of_signatures_is_not_read() {
        let case = Case::new(KeyKind::Cosignature);
        let line = case.checkpoint.cosign(&case.signer, NOW).unwrap();
        for body in [
            String::new(),
            "\n".to_owned(),
            line.trim_end().to_owned(),
            format!("{line}\n"),
            format!("{line}\n\n{line}"),
            format!("hello\n{line}"),
            case.checkpoint.note.clone(),
            format!("\n{line}"),
            line.repeat(2000),
        ] {
            assert!(matches!(case.ok(&body), Reply::Unreadable(_)), "{body}");
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        let case = Case::new(KeyKind::Cosignature);
        let read =
            |status, kind, body: &str| Reply::read(status, kind, body.as_bytes(), &case.checkpoint, &case.key, NOW);
        let size = Some("text/x.tlog.size");
        assert_eq!(read(409, size, "12\n"), Reply::Knows { size: 12 });
        assert_eq!(read(409, size, "0\n"), Reply::Knows { size: 0 });
        assert_eq!(read(409, Some("Text/X.tlog.size; charset=utf-8"), "12\n"), Reply::Knows { size: 12 });
        for (kind, body) in [
            (size, "12"),
            (size, "012\n"),
            (size, "+12\n"),
            (size, "12\n\n"),
            (size, "twelve\n"),
            (size, "18446744073709551616\n"),
            (Some("text/plain"), "12\n"),
            (None, "12\n"),
        ] {
            assert!(matches!(read(409, kind, body), Reply::Unreadable(_)), "{kind:?} {body}");
        }
        assert_eq!(read(400, None, ""), Reply::Malformed);
        assert_eq!(read(403, None, ""), Reply::UnknownKey);
        assert_eq!(read(404, None, ""), Reply::UnknownLog);
        assert_eq!(read(422, None, ""), Reply::Inconsistent);
        for status in [429, 500, 503, 599] {
            assert!(matches!(read(status, None, ""), Reply::Trouble(_)), "{status}");
        }
        for status in [201, 204, 301, 401, 418] {
            assert!(matches!(read(status, None, ""), Reply::Unreadable(_)), "{status}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn any_bytes_are_read_without_a_panic(status in 100_u16..600, body: Vec<u8>, line: String) {
            let case = Case::new(KeyKind::Cosignature);
            let _ = Reply::read(status, Some(SIZE_TYPE), &body, &case.checkpoint, &case.key, NOW);
            let body = format!("— w.test {line}\n");
            let _ = Reply::read(200, None, body.as_bytes(), &case.checkpoint, &case.key, NOW);
        }
    }
}
