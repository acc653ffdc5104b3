//! The public side of keys: `<name>+<id>+<base64>`, one of three kinds.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::VerifyingKey;
use signed_note::{Verifier, VerifierList};

use super::{KeyError, KeyKind, SigningKey, mldsa, read_key_file};
use crate::cosignature::{self, MAX_NAME};
use crate::limits::MAX_VERIFIER_KEYS;

/// A public key with its name.
#[derive(Clone)]
pub struct VerifierKey {
    name: String,
    id: u32,
    public: Public,
}

#[derive(Clone)]
enum Public {
    Ed25519(VerifyingKey),
    Cosignature(VerifyingKey),
    MlDsa44(Box<[u8]>),
}

/// What is wrong with a text that should be a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAKey {
    Format,
    Kind,
    Id,
}

impl VerifierKey {
    /// Parses `<name>+<id>+<base64>`.
    ///
    /// # Errors
    /// Says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::read(text).map_err(|why| why.at(1))
    }

    pub(crate) fn read(text: &str) -> Result<Self, NotAKey> {
        let (name, rest) = text.split_once('+').ok_or(NotAKey::Format)?;
        let (id, encoded) = rest.split_once('+').ok_or(NotAKey::Format)?;
        if !name_is_valid(name) || id.len() != 8 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAKey::Format);
        }
        let id = u32::from_str_radix(id, 16).map_err(|_| NotAKey::Format)?;
        let typed = BASE64_STANDARD.decode(encoded).map_err(|_| NotAKey::Format)?;
        if id != signed_note::key_id(name, &typed) {
            return Err(NotAKey::Id);
        }
        let (kind, key) = typed.split_first().ok_or(NotAKey::Format)?;
        let ed25519 = || {
            let bytes = key.try_into().map_err(|_| NotAKey::Format)?;
            VerifyingKey::from_bytes(bytes).map_err(|_| NotAKey::Format)
        };
        let public = match KeyKind::of(*kind).ok_or(NotAKey::Kind)? {
            KeyKind::Ed25519 => Public::Ed25519(ed25519()?),
            KeyKind::Cosignature => Public::Cosignature(ed25519()?),
            KeyKind::MlDsa44 if key.len() == mldsa::PUBLIC && name.len() <= MAX_NAME => Public::MlDsa44(key.into()),
            KeyKind::MlDsa44 => return Err(NotAKey::Format),
        };
        Ok(Self { name: name.to_owned(), id, public })
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id, which together with its name says which key a signature is by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it verifies.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.public {
            Public::Ed25519(_) => KeyKind::Ed25519,
            Public::Cosignature(_) => KeyKind::Cosignature,
            Public::MlDsa44(_) => KeyKind::MlDsa44,
        }
    }

    /// The key itself, without name and kind: two keys with the same bytes are the same signer's.
    #[must_use]
    pub fn public_bytes(&self) -> &[u8] {
        match &self.public {
            Public::Ed25519(key) | Public::Cosignature(key) => key.as_bytes(),
            Public::MlDsa44(key) => key,
        }
    }
}

impl NotAKey {
    pub(super) fn at(self, line: usize) -> KeyError {
        match self {
            Self::Format => KeyError::MalformedVerifier { line },
            Self::Kind => KeyError::Algorithm,
            Self::Id => KeyError::Id,
        }
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.kind() == other.kind() && self.public_bytes() == other.public_bytes()
    }
}

impl Eq for VerifierKey {}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[self.kind().byte()], self.public_bytes()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.id, BASE64_STANDARD.encode(typed))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}", self.name, self.id)
    }
}

impl Verifier for VerifierKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let ed25519 = |key: &VerifyingKey, message: &[u8], signature: &[u8]| {
            let signature = ed25519_dalek::Signature::from_slice(signature);
            signature.is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
        };
        match (&self.public, cosignature::split_time(signature)) {
            (Public::Ed25519(key), _) => ed25519(key, text, signature),
            // A cosignature says when; that of a whole tree always does.
            (Public::Cosignature(key), Some((time, signature))) if time != 0 => {
                ed25519(key, &cosignature::cosignature_v1(text, time), signature)
            }
            (Public::MlDsa44(key), Some((time, signature))) => cosignature::subtree_v1(text, &self.name, time)
                .is_some_and(|message| mldsa::verify(key, &message, signature)),
            _ => false,
        }
    }
}

/// The keys that a reader trusts: a log's, and those of witnesses that signed beside it.
#[derive(Clone)]
pub struct VerifierKeys(Vec<VerifierKey>);

impl VerifierKeys {
    /// Parses one key a line; empty lines and lines that start with `#` are passed over.
    ///
    /// # Errors
    /// Names the first line that is not a verifier key, or says that there is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            keys.push(VerifierKey::read(line).map_err(|why| why.at(at + 1))?);
            if keys.len() > MAX_VERIFIER_KEYS {
                return Err(KeyError::TooMany);
            }
        }
        if keys.is_empty() { Err(KeyError::None) } else { Self::new(keys) }
    }

    /// Takes keys. One that is there twice is taken once.
    ///
    /// # Errors
    /// When two different keys have one name and id, so that signatures could not be told apart.
    pub fn new(keys: impl IntoIterator<Item = VerifierKey>) -> Result<Self, KeyError> {
        let mut known: Vec<VerifierKey> = Vec::new();
        let mut by_id: BTreeMap<(String, u32), usize> = BTreeMap::new();
        for key in keys {
            match by_id.insert((key.name.clone(), key.id), known.len()) {
                None => known.push(key),
                Some(at) if known[at] == key => {
                    by_id.insert((key.name, key.id), at);
                }
                Some(_) => return Err(KeyError::Ambiguous { name: key.name, id: key.id }),
            }
        }
        Ok(Self(known))
    }

    /// Reads the keys from a file.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::parse(&read_key_file(path)?)
    }

    /// The keys that verify what these signers sign.
    ///
    /// # Errors
    /// When there is no signer.
    pub fn of<'a>(signers: impl IntoIterator<Item = &'a SigningKey>) -> Result<Self, KeyError> {
        let lines: Vec<String> = signers.into_iter().map(SigningKey::verifier_key).collect();
        Self::parse(&lines.join("\n"))
    }

    /// The names of the keys, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(VerifierKey::name)
    }

    /// The keys, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &VerifierKey> {
        self.0.iter()
    }

    /// The key with this name and id.
    #[must_use]
    pub fn find(&self, name: &str, id: u32) -> Option<&VerifierKey> {
        self.0.iter().find(|key| key.name == name && key.id == id)
    }

    pub(crate) fn list(&self) -> VerifierList {
        VerifierList::new(self.0.iter().map(|key| Box::new(key.clone()) as _).collect())
    }
}

impl fmt::Debug for VerifierKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

/// A name that a key may have; its owner's one word.
pub(crate) fn name_is_valid(name: &str) -> bool {
    signed_note::is_key_name_valid(name) && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;
    use crate::key::generate_key_of;
    use proptest::prelude::*;

    /// The example of C2SP signed-note.
    const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_example_of_the_specification_verifies() {
        let keys = VerifierKeys::parse(EXAMPLE_KEY).unwrap();
        let note = signed_note::Note::from_bytes(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(note.verify(&keys.list()).unwrap().0.len(), 1);
        let other = EXAMPLE.replacen("an example", "no example", 1);
        let note = signed_note::Note::from_bytes(other.as_bytes()).unwrap();
        assert!(note.verify(&keys.list()).is_err());
    }

    #[test]
    fn base64_has_one_spelling() {
        // The last letter of a signature holds two bits that are none of it.
        for (from, to) in [("yaQM=\n", "yaQN=\n"), ("yaQM=\n", "yaQM\n"), ("yaQM=\n", "yaQM==\n"), ("Uw2Q", "Uw2Q ")] {
            let note = EXAMPLE.replacen(from, to, 1);
            assert!(signed_note::Note::from_bytes(note.as_bytes()).is_err(), "{to}");
        }
        assert!(VerifierKey::parse(&EXAMPLE_KEY.replace("U2k", "U2l")).is_err());
    }

    #[test]
    fn a_signature_that_is_there_twice_counts_once() {
        let line = EXAMPLE.split_once("\n\n").unwrap().1;
        let keys = VerifierKeys::parse(EXAMPLE_KEY).unwrap();
        let note = signed_note::Note::from_bytes(format!("{EXAMPLE}{line}").as_bytes()).unwrap();
        assert_eq!(note.verify(&keys.list()).unwrap().0.len(), 1);
    }

    #[test]
    fn every_kind_of_key_reads_back_and_is_none_of_the_others() {
        for kind in KeyKind::ALL {
            let pair = generate_key_of("example.test/key", kind).unwrap();
            let read = VerifierKey::parse(&pair.verifier).unwrap();
            assert_eq!((read.kind(), read.to_string()), (kind, pair.verifier.clone()));
            assert_eq!(SigningKey::parse(&pair.private).unwrap().verifier_key(), pair.verifier);
            let upper = pair.verifier.replacen(&format!("{:08x}", read.id()), &format!("{:08X}", read.id()), 1);
            assert_eq!(VerifierKey::parse(&upper).unwrap(), read);
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_taken_once() {
        let one = generate_key_of("example.test/key", KeyKind::Cosignature).unwrap().verifier;
        assert_eq!(VerifierKeys::parse(&format!("{one}\n{one}\n")).unwrap().iter().count(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = VerifierKey::parse(&text);
            let _ = VerifierKeys::parse(&format!("example.com/foo+530d903a+{text}"));
        }
    }
}
