//! Keys that the drivers sign with, so that what lies behind a signature is reached. They sign nothing else anywhere.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::{Signer, SigningKey};

/// What stands before an Ed25519 private key in PKCS #8 (RFC 8410).
const PKCS8: &[u8] = &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The key of a number.
#[must_use]
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// A key in PEM, as vendors keep theirs.
#[must_use]
pub fn pem(number: u8) -> String {
    let der = [PKCS8, &[number; 32]].concat();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

/// A key's public half as the `x` of a JSON Web Key.
#[must_use]
pub fn x(number: u8) -> String {
    URL_SAFE_NO_PAD.encode(key(number).verifying_key().as_bytes())
}

/// A signed JSON Web Token with this header and these claims, whatever they are.
#[must_use]
pub fn token(number: u8, header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(key(number).sign(message.as_bytes()).to_bytes());
    format!("{message}.{signature}")
}
