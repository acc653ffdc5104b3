//! Keys in the formats of C2SP signed-note: `PRIVATE+KEY+<name>+<id>+<base64>` for who signs,
//! `<name>+<id>+<base64>` for who verifies. Ed25519 only.

use std::fmt;
use std::io::Read;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::Signer;
use rand::TryRng;
use rand::rngs::SysRng;
use signed_note::{Signature, StandardVerifier, Verifier, VerifierError, VerifierList};
use zeroize::Zeroizing;

use crate::limits::{MAX_KEY_FILE_BYTES, MAX_VERIFIER_KEYS};

/// Signature type of Ed25519 in C2SP signed-note.
const ALG_ED25519: u8 = 1;

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
    /// Neither Ed25519 nor anything else that is known here.
    #[error("the key's algorithm is not Ed25519 (type 1)")]
    Algorithm,
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

/// A log's private key. It never prints and is wiped when dropped.
pub struct SigningKey {
    name: String,
    id: u32,
    key: ed25519_dalek::SigningKey,
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
        let (algorithm, secret) = decoded.split_first().ok_or(KeyError::MalformedPrivate)?;
        if *algorithm != ALG_ED25519 {
            return Err(KeyError::Algorithm);
        }
        let secret: Zeroizing<[u8; 32]> = Zeroizing::new(secret.try_into().map_err(|_| KeyError::MalformedPrivate)?);
        let parsed = Self::from_secret(name, &secret);
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

    fn from_secret(name: &str, secret: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(secret);
        let id = signed_note::key_id(name, &typed_public_key(&key));
        Self { name: name.to_owned(), id, key }
    }

    /// The key's name; a log's origin, by recommendation of C2SP tlog-checkpoint.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The verifier key that belongs to it, `<name>+<id>+<base64>`.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        let public = BASE64_STANDARD.encode(typed_public_key(&self.key));
        format!("{}+{:08x}+{public}", self.name, self.id)
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Result<Signature, KeyError> {
        let signature = self.key.sign(text).to_bytes().to_vec();
        Signature::new(self.name.clone(), self.id, signature).map_err(|_| KeyError::Name)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let mut typed = Zeroizing::new([0_u8; 33]);
        typed[0] = ALG_ED25519;
        typed[1..].copy_from_slice(self.key.as_bytes());
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(typed.as_slice()));
        Zeroizing::new(format!("PRIVATE+KEY+{}+{:08x}+{}", self.name, self.id, encoded.as_str()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}+{:08x})", self.name, self.id)
    }
}

fn typed_public_key(key: &ed25519_dalek::SigningKey) -> [u8; 33] {
    let mut typed = [ALG_ED25519; 33];
    typed[1..].copy_from_slice(key.verifying_key().as_bytes());
    typed
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
    if !signed_note::is_key_name_valid(name) || name.chars().any(char::is_control) {
        return Err(KeyError::Name);
    }
    let mut secret = Zeroizing::new([0_u8; 32]);
    SysRng.try_fill_bytes(secret.as_mut_slice()).map_err(|_| KeyError::Random)?;
    let key = SigningKey::from_secret(name, &secret);
    Ok(KeyPair { private: key.to_text(), verifier: key.verifier_key() })
}

/// The keys that a reader trusts: a log's, and others' that may have signed beside it.
#[derive(Clone)]
pub struct VerifierKeys(Vec<StandardVerifier>);

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
            if keys.len() == MAX_VERIFIER_KEYS {
                return Err(KeyError::TooMany);
            }
            keys.push(StandardVerifier::new(line).map_err(|why| match why {
                VerifierError::Format => KeyError::MalformedVerifier { line: at + 1 },
                VerifierError::Alg => KeyError::Algorithm,
                VerifierError::Id => KeyError::Id,
            })?);
        }
        if keys.is_empty() { Err(KeyError::None) } else { Ok(Self(keys)) }
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
        self.0.iter().map(Verifier::name)
    }

    pub(crate) fn list(&self) -> VerifierList {
        VerifierList::new(self.0.iter().map(|key| Box::new(key.clone()) as _).collect())
    }
}

impl fmt::Debug for VerifierKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(Verifier::name)).finish()
    }
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
        let signature = key.sign(text.as_bytes()).unwrap();
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
        let pair = generate_key("example.test/log").unwrap();
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
