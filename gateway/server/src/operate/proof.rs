//! Proofs that a token is the operator's own (DPoP, RFC 9449): one for each request, signed with the key that the token is
//! bound to.

use std::sync::{Mutex, PoisonError};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// What to do about a key that is none.
const ADVICE: &str = "is no private key of ECDSA P-256 or Ed25519 in PEM (PKCS #8): make one with `openssl genpkey \
                      -algorithm EC -pkeyopt ec_paramgen_curve:P-256`";

/// A key that signs proofs, with the nonce that the gateway gave last.
pub(super) struct ProofKey {
    key: EncodingKey,
    algorithm: Algorithm,
    jwk: Jwk,
    nonce: Mutex<Option<String>>,
}

impl ProofKey {
    /// Reads a key.
    pub(super) fn parse(pem: &SecretString) -> Result<Self, &'static str> {
        let pem = pem.expose_secret().as_bytes();
        // The error of a parser may hold what it parsed.
        let found = EncodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES256));
        let (key, algorithm) =
            found.or_else(|_| EncodingKey::from_ed_pem(pem).map(|key| (key, Algorithm::EdDSA))).map_err(|_| ADVICE)?;
        let jwk = Jwk::from_encoding_key(&key, algorithm).map_err(|_| ADVICE)?;
        Ok(Self { key, algorithm, jwk, nonce: Mutex::default() })
    }

    /// The gateway wants this nonce in what comes next.
    pub(super) fn told(&self, nonce: &str) {
        *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
    }

    /// A proof for one request.
    pub(super) fn prove(&self, method: &Method, address: &str, token: &SecretString) -> Result<String, String> {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.jwk.clone());
        let mut claims = json!({
            "jti": uuid::Uuid::new_v4(),
            "htm": method.as_str(),
            "htu": address,
            "iat": Timestamp::now().as_second(),
            "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose_secret())),
        });
        if let Some(nonce) = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            claims["nonce"] = json!(nonce);
        }
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|_| "the proof key does not sign".to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dialog_contract::package::key::{Algorithm as Kind, SigningKey};
    use jsonwebtoken::jwk::ThumbprintHash;

    use super::*;
    use crate::auth::{
        proof::{Expected, check},
        target::Target,
        thumbprint::Thumbprint,
    };

    fn pem(kind: Kind) -> SecretString {
        SigningKey::generate(kind).unwrap().to_pem().unwrap().to_string().into()
    }

    #[test]
    fn what_is_proven_with_either_kind_of_key_is_what_the_gateway_accepts() {
        let token: SecretString = "a.b.c".to_owned().into();
        for kind in Kind::ALL {
            let key = ProofKey::parse(&pem(*kind)).unwrap();
            key.told("nonce-of-the-gateway");
            let proof = key.prove(&Method::POST, "https://gateway.test/v1/plugins", &token).unwrap();
            let expected = Expected {
                method: &Method::POST,
                target: &Target::parse("https://gateway.test/v1/plugins").unwrap(),
                token: token.expose_secret(),
                key: Thumbprint::parse(&key.jwk.thumbprint(ThumbprintHash::SHA256).unwrap()).unwrap(),
                now: Timestamp::now().as_second().unsigned_abs(),
            };
            let checked = check(proof.as_bytes(), &expected).unwrap();
            assert_eq!(checked.nonce.as_deref(), Some("nonce-of-the-gateway"));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_a_word_of_it() {
        for text in ["", "secret words", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(ProofKey::parse(&SecretString::from(text)).err(), Some(ADVICE));
        }
    }
}
