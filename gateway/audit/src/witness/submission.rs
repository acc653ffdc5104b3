//! What is sent: the size that the witness knows, the proof from there, and the checkpoint.

use tlog_tiles::Hash;

use crate::checkpoint::SignedCheckpoint;
use crate::limits::MAX_SUBMITTED_HASHES;

/// The proof is longer than any of a tree that there can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a submission has at most {MAX_SUBMITTED_HASHES} hashes")]
pub struct TooManyHashes;

/// The body of `POST <submission prefix>/add-checkpoint`.
///
/// # Errors
/// When the proof has more hashes than the protocol allows.
pub fn submission(old: u64, proof: &[Hash], checkpoint: &SignedCheckpoint) -> Result<String, TooManyHashes> {
    if proof.len() > MAX_SUBMITTED_HASHES {
        return Err(TooManyHashes);
    }
    let mut body = format!("old {old}\n");
    for hash in proof {
        body.push_str(&hash.to_string());
        body.push('\n');
    }
    body.push('\n');
    body.push_str(&checkpoint.note);
    Ok(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;

    /// The example of the specification, as far as the proof goes; the checkpoint's signatures are its log's.
    const HEAD: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n";

    #[test]
    fn it_is_spelt_as_the_example_of_the_specification() {
        let note = include_str!("../vectors/cosigned.note");
        let checkpoint = SignedCheckpoint::unverified(note.as_bytes()).unwrap();
        let proof: Vec<Hash> = HEAD.lines().skip(1).take(4).map(|line| Hash::parse_hash(line).unwrap()).collect();
        assert_eq!(submission(20_852_014, &proof, &checkpoint).unwrap(), format!("{HEAD}{note}"));
        assert_eq!(submission(0, &[], &checkpoint).unwrap(), format!("old 0\n\n{note}"));
    }

    #[test]
    fn more_hashes_than_the_protocol_allows_are_not_sent() {
        let checkpoint = SignedCheckpoint::unverified(include_bytes!("../vectors/cosigned.note")).unwrap();
        assert!(submission(1, &[tlog_tiles::EMPTY_HASH; 63], &checkpoint).is_ok());
        assert_eq!(submission(1, &[tlog_tiles::EMPTY_HASH; 64], &checkpoint), Err(TooManyHashes));
    }
}
