//! Nonces for proofs: the gateway's word that a proof was made after it (RFC 9449, section 8).
//!
//! A nonce is the time and an HMAC over it under a key of this process: nothing is kept for it, and none of an earlier
//! process is accepted. That is what makes a replay harmless after a crash (see [`super::possession`]).

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::limits::NONCE_SECONDS;

const TIME_BYTES: usize = 8;
const SEAL_BYTES: usize = 16;

/// Makes and knows the nonces of one process.
pub struct Nonces {
    key: Hmac<Sha256>,
}

/// How old a nonce of this process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Good for a while.
    Young,
    /// Still good, and time for the next one.
    Old,
}

impl Nonces {
    /// With a key of its own.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn new() -> anyhow::Result<Self> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).context("random bytes for nonces")?;
        Ok(Self { key: Hmac::new_from_slice(&key).context("a key for nonces")? })
    }

    /// A nonce of this moment, in seconds since 1970: 32 characters of base64url.
    #[must_use]
    pub fn issue(&self, now: u64) -> String {
        let mut bytes = [0; TIME_BYTES + SEAL_BYTES];
        bytes[..TIME_BYTES].copy_from_slice(&now.to_be_bytes());
        bytes[TIME_BYTES..].copy_from_slice(&self.seal(now).finalize().into_bytes()[..SEAL_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// How old it is; nothing where it is too old, or not of this process.
    #[must_use]
    pub fn age(&self, nonce: &str, now: u64) -> Option<Age> {
        // The length first: what is too long is not decoded.
        if nonce.len() != (TIME_BYTES + SEAL_BYTES) / 3 * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (time, seal) = bytes.split_at_checked(TIME_BYTES)?;
        let issued = u64::from_be_bytes(time.try_into().ok()?);
        self.seal(issued).verify_truncated_left(seal).ok()?;
        match now.abs_diff(issued) {
            age if age > NONCE_SECONDS => None,
            age if age > NONCE_SECONDS / 2 => Some(Age::Old),
            _ => Some(Age::Young),
        }
    }

    fn seal(&self, issued: u64) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(&issued.to_be_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn a_nonce_is_good_for_its_time_and_its_process() {
        let nonces = Nonces::new().unwrap();
        let nonce = nonces.issue(NOW);
        assert_eq!(nonce.len(), 32);
        for (later, expected) in [
            (0, Some(Age::Young)),
            (NONCE_SECONDS / 2, Some(Age::Young)),
            (NONCE_SECONDS / 2 + 1, Some(Age::Old)),
            (NONCE_SECONDS, Some(Age::Old)),
            (NONCE_SECONDS + 1, None),
        ] {
            assert_eq!(nonces.age(&nonce, NOW + later), expected, "{later}");
        }
        assert_eq!(Nonces::new().unwrap().age(&nonce, NOW), None, "another process");
    }

    #[test]
    fn a_nonce_whose_time_was_changed_is_none() {
        let nonces = Nonces::new().unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(nonces.issue(NOW)).unwrap();
        bytes[TIME_BYTES - 1] ^= 1;
        assert_eq!(nonces.age(&URL_SAFE_NO_PAD.encode(bytes), NOW), None);
    }

    proptest! {
        #[test]
        fn no_text_that_was_not_issued_is_a_nonce(text in "[A-Za-z0-9_-]{0,40}|\\PC{0,40}") {
            prop_assert_eq!(Nonces::new().unwrap().age(&text, NOW), None);
        }
    }
}
