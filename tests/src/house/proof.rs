//! How the portal shows that a token is its own: a key that tokens are bound to, and a proof for each request (DPoP, RFC
//! 9449).

use std::sync::{Arc, Mutex, PoisonError};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, ThumbprintHash},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::issuer::new_key;

/// A token, and the key that it is bound to.
#[derive(Clone)]
pub struct Token {
    /// As it was issued.
    pub text: String,
    /// By which it is shown; without one it is shown alone.
    pub key: Option<ProofKey>,
}

impl Token {
    /// One that is shown alone.
    pub fn bare(text: impl Into<String>) -> Self {
        Self { text: text.into(), key: None }
    }

    /// The header fields that show it in one request.
    pub fn shown(&self, method: &Method, address: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
        Ok(match &self.key {
            None => vec![("authorization", format!("Bearer {}", self.text))],
            Some(key) => vec![
                ("authorization", format!("DPoP {}", self.text)),
                ("dpop", key.prove(method, address, &self.text)?),
            ],
        })
    }
}

/// A key that signs proofs, with the nonce that the gateway gave last.
#[derive(Clone)]
pub struct ProofKey(Arc<Inner>);

struct Inner {
    key: EncodingKey,
    jwk: Jwk,
    thumbprint: String,
    nonce: Mutex<Option<String>>,
}

impl ProofKey {
    /// Makes a new key.
    pub fn new() -> anyhow::Result<Self> {
        let key = EncodingKey::from_ec_der(&new_key()?);
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)?;
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256)?;
        Ok(Self(Arc::new(Inner { key, jwk, thumbprint, nonce: Mutex::default() })))
    }

    /// By which a token is bound to it: `jkt` (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// The gateway wants this nonce in what comes next.
    pub fn told(&self, nonce: &str) {
        *self.0.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
    }

    /// The claims of a proof for one request, to be spoilt before signing.
    #[must_use]
    pub fn claims(&self, method: &Method, address: &str, token: &str) -> Value {
        let mut claims = json!({
            "jti": uuid::Uuid::new_v4(),
            "htm": method.as_str(),
            "htu": address,
            "iat": jiff::Timestamp::now().as_second(),
            "ath": URL_SAFE_NO_PAD.encode(Sha256::digest(token)),
        });
        if let Some(nonce) = self.0.nonce.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            claims["nonce"] = json!(nonce);
        }
        claims
    }

    /// A proof with these claims.
    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.0.jwk.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.0.key)?)
    }

    /// A proof for one request.
    pub fn prove(&self, method: &Method, address: &str, token: &str) -> anyhow::Result<String> {
        self.sign(&self.claims(method, address, token))
    }
}
