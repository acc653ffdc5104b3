//! Keyed pseudonyms (HMAC-SHA-256): the same person has the same one, and without the key nobody finds out who it is.
//! There are few enough national identity numbers to try them all against a plain hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dialog_contract::ids::NationalIdentityNumber;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

/// Shortest key, in bytes: the strength of the hash (RFC 2104).
pub const MIN_KEY_BYTES: usize = 32;

/// A key for pseudonyms.
pub struct Pseudonyms {
    keyed: Hmac<Sha256>,
}

/// The key is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pseudonym key has at least {MIN_KEY_BYTES} bytes")]
pub struct KeyTooShort;

impl Pseudonyms {
    /// Takes the key.
    pub fn new(key: &SecretSlice<u8>) -> Result<Self, KeyTooShort> {
        let key = key.expose_secret();
        if key.len() < MIN_KEY_BYTES {
            return Err(KeyTooShort);
        }
        Ok(Self { keyed: Hmac::new_from_slice(key).map_err(|_| KeyTooShort)? })
    }

    /// The pseudonym for one use (`context`), as bytes: pseudonyms of different uses cannot be joined.
    #[must_use]
    pub fn index(&self, context: &[u8], person: &NationalIdentityNumber) -> [u8; 32] {
        let mut mac = self.keyed.clone();
        mac.update(context);
        mac.update(b"\0");
        mac.update(person.expose().as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The pseudonym as text: 43 characters of base64url.
    #[must_use]
    pub fn text(&self, context: &[u8], person: &NationalIdentityNumber) -> String {
        URL_SAFE_NO_PAD.encode(self.index(context, person))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn number() -> NationalIdentityNumber {
        "17845398706".parse().or_else(|_| "01010750160".parse()).unwrap()
    }

    #[test]
    fn the_same_person_has_different_pseudonyms_for_different_uses_and_keys() {
        let one = Pseudonyms::new(&vec![1; 32].into()).unwrap();
        let other = Pseudonyms::new(&vec![2; 32].into()).unwrap();
        assert_eq!(one.text(b"audit", &number()), one.text(b"audit", &number()));
        assert_ne!(one.text(b"audit", &number()), one.text(b"portal", &number()));
        assert_ne!(one.text(b"audit", &number()), other.text(b"audit", &number()));
    }

    #[test]
    fn a_key_below_the_strength_of_the_hash_is_refused() {
        assert_eq!(Pseudonyms::new(&vec![0; 31].into()).err(), Some(KeyTooShort));
    }
}
