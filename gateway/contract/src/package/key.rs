//! Keys that packages are signed with: Ed25519, and ECDSA on P-256 for whoever has a device that knows no other.

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use pem::{EncodeConfig, LineEnding, Pem};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::statement::hex;
use crate::service::closed_list;

/// What stands before an Ed25519 public key in its SubjectPublicKeyInfo (RFC 8410).
const ED25519_INFO: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What stands before an uncompressed point on P-256 in its SubjectPublicKeyInfo (RFC 5480).
const P256_INFO: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The label of a private key in PEM (RFC 7468).
const PRIVATE: &str = "PRIVATE KEY";

closed_list!(
    /// How packages are signed.
    Algorithm {
        /// Ed25519 (RFC 8032).
        Ed25519 = "ed25519",
        /// ECDSA on P-256 with SHA-256, the signature in DER.
        EcdsaP256 = "ecdsa-p256",
    }
);

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a public key that packages are verified with.
    #[error("it is not an Ed25519 or P-256 public key (SubjectPublicKeyInfo in base64)")]
    Public,
    /// Not a private key that packages are signed with.
    #[error("it is not an Ed25519 or P-256 private key in PEM (PKCS #8, unencrypted)")]
    Private,
    /// Not an id.
    #[error("a key's id is the SHA-256 of its SubjectPublicKeyInfo, 64 lower-case hexadecimal digits")]
    Id,
    /// The cryptographic library refused.
    #[error("the cryptographic library cannot use the key")]
    Unusable,
}

/// Names a public key: the SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(digit) { Ok(Self(text.to_owned())) } else { Err(KeyError::Id) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A public key. As text: its SubjectPublicKeyInfo in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey {
    algorithm: Algorithm,
    info: Vec<u8>,
}

impl PublicKey {
    /// How it verifies.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What it is called.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(hex(&Sha256::digest(&self.info)))
    }

    /// Whether its private half made this signature over this message.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => {
                UnparsedPublicKey::new(&ED25519, &self.info[ED25519_INFO.len()..]).verify(message, signature).is_ok()
            }
            Algorithm::EcdsaP256 => {
                let point = &self.info[P256_INFO.len()..];
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
            }
        }
    }

    fn of(info: &[u8]) -> Result<Self, KeyError> {
        let rest = |prefix: &[u8], length| info.strip_prefix(prefix).is_some_and(|rest| rest.len() == length);
        let algorithm = if rest(ED25519_INFO, 32) {
            Algorithm::Ed25519
        } else if rest(P256_INFO, 65) && info[P256_INFO.len()] == 4 {
            Algorithm::EcdsaP256
        } else {
            return Err(KeyError::Public);
        };
        Ok(Self { algorithm, info: info.to_owned() })
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::of(&STANDARD.decode(text).map_err(|_| KeyError::Public)?)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(&self.info))
    }
}

/// A private key. It never prints; what it is made of is wiped when it is dropped.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public.id()).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        Self::of(match algorithm {
            Algorithm::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate().map_err(|_| KeyError::Unusable)?),
            Algorithm::EcdsaP256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
                Pair::EcdsaP256(pair.map_err(|_| KeyError::Unusable)?)
            }
        })
    }

    /// Reads one in PEM (PKCS #8), as [`SigningKey::to_pem`] and `openssl genpkey` write it.
    ///
    /// # Errors
    /// [`KeyError::Private`]. What was read is not repeated.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let pem = pem::parse(text).map_err(|_| KeyError::Private)?;
        let fits = pem.tag() == PRIVATE;
        let der = Zeroizing::new(pem.into_contents());
        if !fits {
            return Err(KeyError::Private);
        }
        let pair = match Ed25519KeyPair::from_pkcs8(&der) {
            Ok(pair) => Pair::Ed25519(pair),
            Err(_) => Pair::EcdsaP256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der).map_err(|_| KeyError::Private)?,
            ),
        };
        Self::of(pair)
    }

    /// As a file holds it: PEM (PKCS #8).
    ///
    /// # Errors
    /// Where the cryptographic library does not give it.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let der = match &self.pair {
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
            Pair::EcdsaP256(pair) => pair.to_pkcs8v1(),
        };
        let der = der.map_err(|_| KeyError::Unusable)?;
        let pem = Pem::new(PRIVATE, der.as_ref());
        let text = pem::encode_config(&pem, EncodeConfig::new().set_line_ending(LineEnding::LF));
        drop(Zeroizing::new(pem.into_contents()));
        Ok(Zeroizing::new(text))
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        self.public.clone()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_owned()),
            Pair::EcdsaP256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message).map_err(|_| KeyError::Unusable)?;
                Ok(signature.as_ref().to_owned())
            }
        }
    }

    fn of(pair: Pair) -> Result<Self, KeyError> {
        let info = match &pair {
            Pair::Ed25519(pair) => pair.public_key().as_der(),
            Pair::EcdsaP256(pair) => pair.public_key().as_der(),
        };
        let public = PublicKey::of(info.map_err(|_| KeyError::Unusable)?.as_ref())?;
        Ok(Self { pair, public })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_key_is_the_same_after_it_was_written_and_read() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(*algorithm).unwrap();
            let read = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!(read.public(), key.public());
            assert_eq!(read.public().algorithm(), *algorithm);
            let public: PublicKey = key.public().to_string().parse().unwrap();
            let signature = read.sign(b"message").unwrap();
            assert!(public.verifies(b"message", &signature) && !public.verifies(b"massage", &signature));
            assert!(!public.verifies(b"message", &signature[1..]) && !public.verifies(b"message", b""));
            assert_eq!(public.id().to_string().parse::<KeyId>().unwrap(), public.id());
        }
    }

    /// RFC 8410, section 10.
    #[test]
    fn the_standards_own_key_is_read() {
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                   -----END PRIVATE KEY-----\n";
        let public = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
        let key = SigningKey::from_pem(pem).unwrap();
        assert_eq!(key.public().to_string(), public);
        assert_eq!(*key.to_pem().unwrap(), pem);
    }

    #[test]
    fn what_is_no_key_is_refused_and_never_printed() {
        let public = SigningKey::generate(Algorithm::Ed25519).unwrap().public().to_string();
        for text in ["", "opensesame", &public[4..], "AAAA"] {
            assert_eq!(text.parse::<PublicKey>(), Err(KeyError::Public), "{text}");
        }
        let held = format!("-----BEGIN PRIVATE KEY-----\n{public}\n-----END PRIVATE KEY-----\n");
        let labelled = SigningKey::generate(Algorithm::Ed25519).unwrap().to_pem().unwrap().replace(PRIVATE, "KEY");
        for text in ["", "opensesame", &held, &labelled] {
            let error = SigningKey::from_pem(text).unwrap_err();
            assert_eq!(error, KeyError::Private);
            assert!(!error.to_string().contains("sesame"));
        }
        let key = SigningKey::generate(Algorithm::EcdsaP256).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(key.public().id().as_str()) && shown.len() < 120, "{shown}");
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = SigningKey::generate(Algorithm::Ed25519).unwrap().public().id().to_string();
        assert!(id.parse::<KeyId>().is_ok());
        for wrong in [&id[1..], &id.to_uppercase(), &format!("sha256:{id}"), ""] {
            assert_eq!(wrong.parse::<KeyId>(), Err(KeyError::Id), "{wrong}");
        }
    }
}
