//! A proof of possession (DPoP, RFC 9449): one request, signed by whoever holds the key that the token is bound to.
//!
//! Pure: what is expected is given, what is found wrong is said, nothing is remembered. What costs little is looked at
//! first, the signature last.

use std::ops::RangeInclusive;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use serde::{Deserialize, de::IgnoredAny};
use sha2::{Digest, Sha256};

use super::{
    part,
    proof_key::{BadKey, ProofKey, RawKey},
    target::Target,
    thumbprint::Thumbprint,
};
use crate::limits::{PROOF_BYTES, PROOF_FUTURE_SECONDS, PROOF_ID_BYTES, PROOF_PAST_SECONDS};

/// What a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// What the request is addressed to.
    pub target: &'a Target,
    /// The token that it goes with.
    pub token: &'a str,
    /// The key that the token is bound to.
    pub key: Thumbprint,
    /// Seconds since 1970.
    pub now: u64,
}

/// A proof that is as expected, as far as it can be told from itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Tells it from every other proof: of its key and its `jti`.
    pub id: [u8; 16],
    /// `iat`, seconds since 1970.
    pub issued: u64,
    /// `nonce`.
    pub nonce: Option<String>,
}

/// Why a proof is none. Never holds what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Too long, or not a signed JWT of the known claims.
    #[error("the proof is no signed JWT with the claims of one, or over {PROOF_BYTES} bytes")]
    Malformed,
    /// `typ` says that it is something else.
    #[error("the proof's typ is not dpop+jwt")]
    Type,
    /// `crit` or `b64` ask for what is not known.
    #[error("the proof's header asks for an extension")]
    Extension,
    /// The key in its header.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// The token is bound to another key.
    #[error("the proof is of another key than the token's")]
    OtherKey,
    /// `htm`.
    #[error("the proof is for another method")]
    Method,
    /// `htu`.
    #[error("the proof is for another address")]
    Target,
    /// `ath`.
    #[error("the proof is for another token, or names none")]
    Token,
    /// `iat`.
    #[error("the proof was made over {PROOF_PAST_SECONDS} s ago or over {PROOF_FUTURE_SECONDS} s ahead")]
    Time,
    /// `jti`.
    #[error("the proof's jti is empty or over {PROOF_ID_BYTES} bytes")]
    Id,
    /// The signature does not verify.
    #[error("the proof's signature is wrong")]
    Signature,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: RawKey,
    #[serde(default)]
    crit: Option<IgnoredAny>,
    #[serde(default)]
    b64: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    // A NumericDate may have a fraction (RFC 7519, section 2).
    iat: f64,
    #[serde(default)]
    ath: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// Whether the text of a `DPoP` header is a proof of what is expected.
///
/// # Errors
/// The first thing that is not.
pub fn check(text: &[u8], expected: &Expected<'_>) -> Result<Proof, ProofError> {
    if text.len() > PROOF_BYTES {
        return Err(ProofError::Malformed);
    }
    let text = std::str::from_utf8(text).map_err(|_| ProofError::Malformed)?;
    let (message, signature) = text.rsplit_once('.').ok_or(ProofError::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(ProofError::Malformed)?;
    let header: Header = part::read(header).ok_or(ProofError::Malformed)?;
    // Media types have no case (RFC 9110, 8.3.1); the prefix `application/` may be left out (RFC 7515, 4.1.9).
    if !["dpop+jwt", "application/dpop+jwt"].iter().any(|typ| header.typ.eq_ignore_ascii_case(typ)) {
        return Err(ProofError::Type);
    }
    if header.crit.is_some() || header.b64.is_some() {
        return Err(ProofError::Extension);
    }
    let key = ProofKey::read(&header.jwk, &header.alg)?;
    let thumbprint = key.thumbprint();
    if thumbprint != expected.key {
        return Err(ProofError::OtherKey);
    }
    let claims: Claims = part::read(claims).ok_or(ProofError::Malformed)?;
    if claims.htm != expected.method.as_str() {
        return Err(ProofError::Method);
    }
    if Target::parse(&claims.htu).as_ref() != Some(expected.target) {
        return Err(ProofError::Target);
    }
    let token = URL_SAFE_NO_PAD.encode(Sha256::digest(expected.token));
    if claims.ath.as_deref() != Some(token.as_str()) {
        return Err(ProofError::Token);
    }
    let issued = seconds(claims.iat).filter(|iat| window(expected.now).contains(iat)).ok_or(ProofError::Time)?;
    if claims.jti.is_empty() || claims.jti.len() > PROOF_ID_BYTES {
        return Err(ProofError::Id);
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| ProofError::Malformed)?;
    if !key.signed(message.as_bytes(), &signature) {
        return Err(ProofError::Signature);
    }
    let digest = Sha256::new_with_prefix(thumbprint.bytes()).chain_update(&claims.jti).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Ok(Proof { id, issued, nonce: claims.nonce })
}

/// The times at which a proof may have been made.
const fn window(now: u64) -> RangeInclusive<u64> {
    now.saturating_sub(PROOF_PAST_SECONDS)..=now.saturating_add(PROOF_FUTURE_SECONDS)
}

fn seconds(date: f64) -> Option<u64> {
    // Below 2⁵³ every second is a number of its own.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be within the range")]
    (0.0..9_007_199_254_740_992.0).contains(&date).then_some(date as u64)
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
