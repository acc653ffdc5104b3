//! Keys in the formats of C2SP signed-note: `PRIVATE+KEY+<name>+<id>+<base64>` for who signs,
//! `<name>+<id>+<base64>` for who verifies.
//!
//! * `verifier`: the public side, one key or all that a reader trusts.
//! * `mldsa`: ML-DSA-44.

mod mldsa;
mod verifier;

use std::fmt;
use std::io::Read;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::Signer;
use rand::TryRng;
use rand::rngs::SysRng;
use signed_note::Signature;
use zeroize::Zeroizing;

pub(crate) use self::verifier::name_is_valid;
pub use self::verifier::{VerifierKey, VerifierKeys};
use crate::cosignature::{MAX_NAME, Statement};
use crate::limits::{MAX_KEY_FILE_BYTES, MAX_VERIFIER_KEYS};

/// What a key signs, and how: its type in C2SP signed-note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// A note's text, with Ed25519: a log's key.
    Ed25519,
    /// `cosignature/v1`, with Ed25519: a witness's key.
    Cosignature,
    /// `subtree/v1`, with ML-DSA-44, which holds against quantum computers: a witness's key, or a log's second one.
    MlDsa44,
}

impl KeyKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::Cosignature, Self::MlDsa44];

    /// The type of this byte.
    pub(crate) fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }

    /// The byte before a key of this type.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
            Self::MlDsa44 => 6,
        }
    }

    /// Whether a log may sign its checkpoints with it.
    #[must_use]
    pub fn is_for_logs(self) -> bool {
        matches!(self, Self::Ed25519 | Self::MlDsa44)
    }

    /// Whether a witness may cosign with it.
    #[must_use]
    pub fn is_for_witnesses(self) -> bool {
        matches!(self, Self::Cosignature | Self::MlDsa44)
    }
}

/// Why a key cannot be used. No variant carries key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not a private key in the note format.
    #[error("not a private key of the form PRIVATE+KEY+name+id+key")]
    MalformedPrivate,
    /// The text is not a verifier key in the note format.
    #[error("line {line}: not a verifier key of the form name+id+key")]
    MalformedVerifier {
        /// Line in the text, from 1.
        line: usize,
    },
    /// A type that is not known here.
    #[error("the key's algorithm is none of Ed25519 (type 1), cosignature/v1 (type 4) and ML-DSA-44 (type 6)")]
    Algorithm,
    /// Two keys that signatures could not be told apart by.
    #[error("two different keys are named {name}+{id:08x}")]
    Ambiguous {
        /// Their name.
        name: String,
        /// Their id.
        id: u32,
    },
    /// The library that signs failed.
    #[error("it could not sign")]
    Signing,
    /// The id in the key is not the hash of its name and public key.
    #[error("the key's id does not belong to its name and key")]
    Id,
    /// A key name is empty or holds white space or a plus sign.
    #[error("a key name must not be empty nor contain spaces or \"+\"")]
    Name,
    /// A text that should hold verifier keys holds none.
    #[error("there is no verifier key in it")]
    None,
    /// More keys or bytes than a key file may have.
    #[error("a key file may hold at most {MAX_VERIFIER_KEYS} keys and {MAX_KEY_FILE_BYTES} bytes")]
    TooMany,
    /// The system gave no randomness.
    #[error("the system's random number generator failed")]
    Random,
    /// The file could not be read.
    #[error("cannot read the key file {path}")]
    File {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A private key of a log or a witness. It never prints and is wiped when dropped.
pub struct SigningKey {
    name: String,
    id: u32,
    secret: Secret,
}

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    Cosignature(ed25519_dalek::SigningKey),
    MlDsa44(Box<mldsa::MlDsa>),
}

impl SigningKey {
    /// Parses `PRIVATE+KEY+<name>+<id>+<base64>`; white space around it is ignored.
    ///
    /// # Errors
    /// Says which part is wrong, without repeating the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(KeyError::MalformedPrivate)?;
        let (name, rest) = rest.split_once('+').ok_or(KeyError::MalformedPrivate)?;
        let (id, encoded) = rest.split_once('+').ok_or(KeyError::MalformedPrivate)?;
        if !signed_note::is_key_name_valid(name) {
            return Err(KeyError::Name);
        }
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded).map_err(|_| KeyError::MalformedPrivate)?);
        let (kind, secret) = decoded.split_first().ok_or(KeyError::MalformedPrivate)?;
        let kind = KeyKind::of(*kind).ok_or(KeyError::Algorithm)?;
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(secret.try_into().map_err(|_| KeyError::MalformedPrivate)?);
        let parsed = Self::from_secret(name, kind, &secret)?;
        if id != format!("{:08x}", parsed.id) {
            return Err(KeyError::Id);
        }
        Ok(parsed)
    }

    /// Reads a private key from a file that holds nothing else.
    ///
    /// # Errors
    /// When the file cannot be read or does not hold a private key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::parse(&read_key_file(path)?)
    }

    /// All kinds are made from 32 bytes: a seed of ML-DSA, the secret key of Ed25519.
    fn from_secret(name: &str, kind: KeyKind, secret: &[u8; 32]) -> Result<Self, KeyError> {
        let ed25519 = || ed25519_dalek::SigningKey::from_bytes(secret);
        let secret = match kind {
            KeyKind::Ed25519 => Secret::Ed25519(ed25519()),
            KeyKind::Cosignature => Secret::Cosignature(ed25519()),
            // The message that it signs has room for so long a name.
            KeyKind::MlDsa44 if name.len() > MAX_NAME => return Err(KeyError::Name),
            KeyKind::MlDsa44 => Secret::MlDsa44(Box::new(mldsa::MlDsa::from_seed(secret).ok_or(KeyError::Signing)?)),
        };
        let mut key = Self { name: name.to_owned(), id: 0, secret };
        key.id = signed_note::key_id(name, &key.typed_public());
        Ok(key)
    }

    /// The key's name; a log's origin, by recommendation of C2SP tlog-checkpoint.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id, which together with its name says which key a signature is by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.secret {
            Secret::Ed25519(_) => KeyKind::Ed25519,
            Secret::Cosignature(_) => KeyKind::Cosignature,
            Secret::MlDsa44(_) => KeyKind::MlDsa44,
        }
    }

    /// The verifier key that belongs to it, `<name>+<id>+<base64>`.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        format!("{}+{:08x}+{}", self.name, self.id, BASE64_STANDARD.encode(self.typed_public()))
    }

    fn typed_public(&self) -> Vec<u8> {
        let kind = [self.kind().byte()];
        match &self.secret {
            Secret::Ed25519(key) | Secret::Cosignature(key) => {
                [&kind, key.verifying_key().as_bytes().as_slice()].concat()
            }
            Secret::MlDsa44(key) => [&kind, key.public()].concat(),
        }
    }

    /// Signs a checkpoint. `time`, in seconds since 1970, is in the signatures of those kinds that say when.
    pub(crate) fn sign(&self, tree: &Statement<'_>, time: u64) -> Result<Signature, KeyError> {
        let stamped = |signature: &[u8]| [&time.to_be_bytes(), signature].concat();
        let signature = match &self.secret {
            Secret::Ed25519(key) => key.sign(tree.text).to_bytes().to_vec(),
            Secret::Cosignature(key) => stamped(&key.sign(&tree.cosignature_v1(time)).to_bytes()),
            Secret::MlDsa44(key) => {
                let message = tree.subtree_v1(&self.name, time).ok_or(KeyError::Name)?;
                stamped(&key.sign(&message).ok_or(KeyError::Signing)?)
            }
        };
        Signature::new(self.name.clone(), self.id, signature).map_err(|_| KeyError::Name)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut typed = Zeroizing::new([0_u8; 33]);
        typed[0] = self.kind().byte();
        typed[1..].copy_from_slice(match &self.secret {
            Secret::Ed25519(key) | Secret::Cosignature(key) => key.as_bytes(),
            Secret::MlDsa44(key) => key.seed(),
        });
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(typed.as_slice()));
        Zeroizing::new(format!("PRIVATE+KEY+{}+{:08x}+{}", self.name, self.id, encoded.as_str()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}+{:08x})", self.name, self.id)
    }
}

/// A new key, as the two texts that are kept in files.
pub struct KeyPair {
    /// `PRIVATE+KEY+<name>+<id>+<base64>`; wiped when dropped.
    pub private: Zeroizing<String>,
    /// `<name>+<id>+<base64>`, to hand to whoever verifies.
    pub verifier: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.verifier)
    }
}

/// Makes an Ed25519 key for a log of this name.
///
/// # Errors
/// When the name is not a key name, or the system gives no randomness.
pub fn generate_key(name: &str) -> Result<KeyPair, KeyError> {
    generate_key_of(name, KeyKind::Ed25519)
}

/// Makes a key of a kind.
///
/// # Errors
/// When the name is not a key name, or the system gives no randomness.
pub fn generate_key_of(name: &str, kind: KeyKind) -> Result<KeyPair, KeyError> {
    if !name_is_valid(name) {
        return Err(KeyError::Name);
    }
    let mut secret = Zeroizing::new([0_u8; 32]);
    SysRng.try_fill_bytes(secret.as_mut_slice()).map_err(|_| KeyError::Random)?;
    let key = SigningKey::from_secret(name, kind, &secret)?;
    Ok(KeyPair { private: key.to_text(), verifier: key.verifier_key() })
}

fn read_key_file(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let failed = |source| KeyError::File { path: path.display().to_string(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    // Room for the whole, so that a key leaves no copies behind where the buffer would grow.
    let expected = usize::try_from(file.metadata().map_err(failed)?.len().min(MAX_KEY_FILE_BYTES)).unwrap_or(0);
    let mut text = Zeroizing::new(String::with_capacity(expected + 32));
    file.take(MAX_KEY_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_KEY_FILE_BYTES {
        return Err(KeyError::TooMany);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
    use super::*;

    /// The key of the examples of Go's `golang.org/x/mod/sumdb/note`.
    const PETER_PRIVATE: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const PETER_VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn a_private_key_of_the_go_tools_gives_their_verifier_key() {
        let key = SigningKey::parse(PETER_PRIVATE).unwrap();
        assert_eq!(key.verifier_key(), PETER_VERIFIER);
    }

    #[test]
    fn it_signs_as_the_go_tools_sign() {
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let key = SigningKey::parse(PETER_PRIVATE).unwrap();
        // Nothing but the text is signed: what kind of note it is does not matter.
        let tree = Statement { text: text.as_bytes(), origin: "", size: 0, root: tlog_tiles::EMPTY_HASH };
        let signature = key.sign(&tree, 0).unwrap();
        assert_eq!(
            String::from_utf8(signature.to_bytes()).unwrap(),
            "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        );
    }

    #[test]
    fn a_generated_key_reads_back_and_two_differ() {
        let one = generate_key("example.test/log").unwrap();
        let two = generate_key("example.test/log").unwrap();
        assert_ne!(one.verifier, two.verifier);
        let read = SigningKey::parse(&one.private).unwrap();
        assert_eq!(read.verifier_key(), one.verifier);
        assert_eq!(VerifierKeys::parse(&one.verifier).unwrap().names().collect::<Vec<_>>(), ["example.test/log"]);
    }

    #[test]
    fn a_private_key_never_prints() {
        for pair in KeyKind::ALL.map(|kind| generate_key_of("example.test/log", kind).unwrap()) {
            never_prints(&pair);
        }
    }

    fn never_prints(pair: &KeyPair) {
        // `PRIVATE+KEY+<name>+<id>+<base64>`; the Base64 itself can hold, or end in, a `+`.
        let secret = pair.private.splitn(5, '+').nth(4).unwrap().to_owned();
        let printed = format!("{:?} {:?}", SigningKey::parse(&pair.private).unwrap(), pair);
        assert!(!printed.contains(&secret), "{printed}");
        let broken = format!("{}x", pair.private.as_str());
        let error = SigningKey::parse(&broken).unwrap_err();
        assert!(!format!("{error:?} {error}").contains(&secret));
    }

    #[test]
    fn keys_that_are_not_keys_are_refused_with_the_reason() {
        assert!(matches!(SigningKey::parse("hello"), Err(KeyError::MalformedPrivate)));
        assert!(matches!(SigningKey::parse(&PETER_PRIVATE.replace("c74f", "c74e")), Err(KeyError::Id)));
        assert!(matches!(SigningKey::parse(&PETER_PRIVATE.replace("+AYEK", "+BYEK")), Err(KeyError::Algorithm)));
        assert!(matches!(generate_key("two words"), Err(KeyError::Name)));
        assert!(matches!(VerifierKeys::parse("# nothing\n\n"), Err(KeyError::None)));
        assert!(matches!(
            VerifierKeys::parse(&format!("{PETER_VERIFIER}\nrubbish")),
            Err(KeyError::MalformedVerifier { line: 2 })
        ));
        assert!(matches!(VerifierKeys::parse(&format!("{PETER_VERIFIER}\n").repeat(101)), Err(KeyError::TooMany)));
    }
}
