//! A plugin's package: one file, a component with its signature at its end.
//!
//! The signature is a custom section [`SIGNATURE`], the last of the file: a DSSE envelope around an in-toto statement,
//! which names the SHA-256 of all bytes before the section, and whose version of which plugin they are. So one file
//! stays one file, and a signature can be added, exchanged or taken off without another byte of the component changing.
//!
//! Floor plan
//! - [`open`]: a file → the component and its envelope. [`sign`]: the way back.
//! - [`section`]: custom sections. [`statement`]: what is signed. [`envelope`]: how. [`key`]: by whom.
//!
//! Whether a key is trusted, for which plugins and since when, is the gateway's to decide; here a signature is only true
//! or false.

pub mod envelope;
pub mod key;
pub mod section;
pub mod statement;

use self::{
    envelope::{Envelope, EnvelopeError, MAX_ENVELOPE_BYTES},
    key::{KeyError, SigningKey},
    statement::{Claims, Statement, digest},
};

/// The custom section that holds the envelope.
pub const SIGNATURE: &str = "dialog-signature";

/// A package, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The component: what is signed, compiled and run.
    pub component: &'a [u8],
    /// Its envelope; none where it is not signed.
    pub envelope: Option<Envelope>,
}

/// Why a package cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Something follows the signature, which it does not cover.
    #[error("there are bytes after the section {SIGNATURE:?}, which the signature does not cover")]
    NotLast,
    /// The envelope is not one.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

/// Takes a file apart. Whether it is a component at all, whoever reads the component says.
///
/// # Errors
/// [`OpenError`] where a signature is there and cannot be one.
pub fn open(file: &[u8]) -> Result<Opened<'_>, OpenError> {
    let Some(found) = section::find(file, SIGNATURE) else {
        return Ok(Opened { component: file, envelope: None });
    };
    if found.end != file.len() {
        return Err(OpenError::NotLast);
    }
    Ok(Opened { component: &file[..found.start], envelope: Some(Envelope::read(found.content)?) })
}

/// Why a file was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It has a signature already that cannot be one.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// With one more signature it would be over the limit.
    #[error("the envelope would be over the limit of {MAX_ENVELOPE_BYTES} bytes: take signatures off first")]
    TooLarge,
}

/// Signs a file, for what it `claims` to be. Signatures of other keys over the same stay beside the new one.
///
/// # Errors
/// [`SignError`].
pub fn sign(file: &[u8], claims: Claims, key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let opened = open(file)?;
    let statement = Statement::new(claims, digest(opened.component));
    let envelope = Envelope::sign(statement.json(), opened.envelope, key)?;
    let json = envelope.json();
    if json.len() > MAX_ENVELOPE_BYTES {
        return Err(SignError::TooLarge);
    }
    let mut signed = opened.component.to_vec();
    section::append(&mut signed, SIGNATURE, &json);
    Ok(signed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::{key::Algorithm, *};

    /// The smallest component: a header.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    fn claims() -> Claims {
        Claims {
            plugin: "fjell-helse".parse().unwrap(),
            version: "1.2.3".to_owned(),
            contract: "dialog:provider@1.0.0".to_owned(),
        }
    }

    #[test]
    fn a_signed_file_is_taken_apart_into_the_component_and_what_was_said_of_it() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(*algorithm).unwrap();
            let signed = sign(COMPONENT, claims(), &key).unwrap();
            let opened = open(&signed).unwrap();
            assert_eq!(opened.component, COMPONENT);
            let envelope = opened.envelope.unwrap();
            assert!(envelope.is_signed_by(&key.public()));
            let statement = Statement::read(&envelope).unwrap();
            assert_eq!(statement.predicate, claims());
            assert!(statement.is_about(&digest(COMPONENT)) && !statement.is_about(&digest(b"other")));
        }
    }

    #[test]
    fn a_second_key_signs_beside_the_first_and_the_same_key_in_place_of_itself() {
        let (one, other) = (Algorithm::Ed25519, Algorithm::EcdsaP256);
        let (one, other) = (SigningKey::generate(one).unwrap(), SigningKey::generate(other).unwrap());
        let twice = sign(&sign(COMPONENT, claims(), &one).unwrap(), claims(), &other).unwrap();
        let again = sign(&twice, claims(), &one).unwrap();
        for file in [twice, again] {
            let envelope = open(&file).unwrap().envelope.unwrap();
            assert_eq!(envelope.keys().count(), 2);
            assert!(envelope.is_signed_by(&one.public()) && envelope.is_signed_by(&other.public()));
        }
    }

    #[test]
    fn signatures_over_something_else_are_not_kept() {
        let (one, other) = (Algorithm::Ed25519, Algorithm::Ed25519);
        let (one, other) = (SigningKey::generate(one).unwrap(), SigningKey::generate(other).unwrap());
        let first = sign(COMPONENT, claims(), &one).unwrap();
        let renamed = Claims { version: "2.0.0".to_owned(), ..claims() };
        let envelope = open(&sign(&first, renamed, &other).unwrap()).unwrap().envelope.unwrap();
        assert!(!envelope.is_signed_by(&one.public()) && envelope.is_signed_by(&other.public()));
    }

    #[test]
    fn nothing_stands_behind_a_signature() {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let mut signed = sign(COMPONENT, claims(), &key).unwrap();
        section::append(&mut signed, "more", b"");
        assert_eq!(open(&signed), Err(OpenError::NotLast));
        assert_eq!(sign(&signed, claims(), &key), Err(SignError::Open(OpenError::NotLast)));
    }

    proptest! {
        #[test]
        fn one_bit_changed_anywhere_and_no_signature_holds(at: prop::sample::Index, bit in 0_u8..8) {
            let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
            let mut component = COMPONENT.to_vec();
            section::append(&mut component, "code", b"some code that is run");
            let mut signed = sign(&component, claims(), &key).unwrap();
            let at = at.index(signed.len());
            signed[at] ^= 1 << bit;
            let holds = open(&signed).ok().is_some_and(|opened| {
                let whole = opened.component == component;
                opened.envelope.is_some_and(|envelope| {
                    let about = Statement::read(&envelope).is_ok_and(|said| said.is_about(&digest(opened.component)));
                    // In base64 and JSON a bit can change without what they say: then everything is as it was.
                    envelope.is_signed_by(&key.public()) && about && !whole
                })
            });
            prop_assert!(!holds);
        }

        #[test]
        fn whatever_a_file_holds_it_is_taken_apart_or_refused(bytes: Vec<u8>) {
            let mut file = COMPONENT.to_vec();
            file.extend_from_slice(&bytes);
            let _ = open(&file);
            let mut file = COMPONENT.to_vec();
            section::append(&mut file, SIGNATURE, &bytes);
            let _ = open(&file);
        }
    }
}
