//! Keyed pseudonyms (HMAC-SHA-256): the same person has the same one, and without the key nobody finds out who it is.
//! There are few enough national identity numbers to try them all against a plain hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ids::NationalIdentityNumber;

/// Shortest key, in bytes: the strength of the hash (RFC 2104).
pub const MIN_KEY_BYTES: usize = 32;

/// The use that the audit log makes of pseudonyms: `citizen`, `person` and `representative` of its records.
pub const AUDIT_CONTEXT: &[u8] = b"audit";

/// A key for pseudonyms. It never prints.
pub struct Pseudonyms {
    keyed: Hmac<Sha256>,
}

/// The key is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pseudonym key has at least {MIN_KEY_BYTES} bytes")]
pub struct KeyTooShort;

impl Pseudonyms {
    /// Takes the key. The caller's copy is the caller's to wipe.
    ///
    /// # Errors
    /// When it is shorter than [`MIN_KEY_BYTES`].
    pub fn new(key: &[u8]) -> Result<Self, KeyTooShort> {
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
        let one = Pseudonyms::new(&[1; 32]).unwrap();
        let other = Pseudonyms::new(&[2; 32]).unwrap();
        assert_eq!(one.text(b"audit", &number()), one.text(b"audit", &number()));
        assert_ne!(one.text(b"audit", &number()), one.text(b"portal", &number()));
        assert_ne!(one.text(b"audit", &number()), other.text(b"audit", &number()));
    }

    /// Computed by `printf 'audit\0…' | openssl dgst -sha256 -hmac …`.
    #[test]
    fn a_pseudonym_is_the_hmac_that_any_tool_computes() {
        let key = Pseudonyms::new(b"0123456789abcdef0123456789abcdef").unwrap();
        let number = "01010750160".parse().unwrap();
        assert_eq!(key.text(AUDIT_CONTEXT, &number), "dhvkOQs4c2WJOHwRNxhR81R0BCSp3V7Xm1ziIk3GfNY");
    }

    #[test]
    fn a_key_below_the_strength_of_the_hash_is_refused() {
        assert_eq!(Pseudonyms::new(&[0; 31]).err(), Some(KeyTooShort));
    }
}
