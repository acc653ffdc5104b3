//! What a gateway that does not open its log to everybody wants to see: a token, and a proof that whoever shows it has
//! the key that it is bound to (DPoP, RFC 9449). ES256, one proof a request.

use std::fmt;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A key that signs proofs of possession. It never prints.
pub(super) struct ProofKey {
    pair: EcdsaKeyPair,
    /// What the server last wanted to see in a proof.
    nonce: Mutex<Option<String>>,
}

impl ProofKey {
    /// Reads a P-256 key in PKCS#8, as PEM.
    pub(super) fn parse(pem: &[u8]) -> Option<Self> {
        let parsed = pem::parse(pem).ok().filter(|parsed| parsed.tag() == "PRIVATE KEY")?;
        let contents = Zeroizing::new(parsed.into_contents());
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &contents).ok()?;
        Some(Self { pair, nonce: Mutex::new(None) })
    }

    /// Remembers what the next proof must show.
    pub(super) fn take_nonce(&self, nonce: &str) {
        *self.nonce.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(nonce.to_owned());
    }

    /// A proof for one GET of this address with this token.
    pub(super) fn prove(&self, address: &str, token: &str) -> Option<String> {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        // Uncompressed: 4, then two coordinates of 32 bytes.
        let (x, y) = self.pair.public_key().as_ref().get(1..65)?.split_at(32);
        let header = json!({
            "typ": "dpop+jwt",
            "alg": "ES256",
            "jwk": { "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) },
        });
        let mut claims = json!({
            "jti": Uuid::new_v4(),
            "htm": "GET",
            "htu": address,
            "iat": SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs(),
            "ath": encode(digest(&SHA256, token.as_bytes()).as_ref()),
        });
        if let Some(nonce) = &*self.nonce.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            claims["nonce"] = json!(nonce);
        }
        let message = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).ok()?;
        Some(format!("{message}.{}", encode(signature.as_ref())))
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey")
    }
}
