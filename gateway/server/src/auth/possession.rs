//! Whether whoever shows a token is whom it was issued to: by a proof of its key (DPoP, RFC 9449), by the client
//! certificate of the connection (RFC 8705), or, where the operator says so for development, by having it.
//!
//! A stolen token is of no use without the key. A stolen proof is of no use for another request, and for the same one
//! only once: proofs are remembered for as long as they are good ([`super::replay`]).
//!
//! What is remembered does not survive a crash, and no request waits for it to be durable. Instead, a proof that could
//! have been shown to the process before this one, by the time at which it was made, is accepted only with a nonce of
//! this process ([`super::nonces`]): then it was made since. Callers who use nonces anyway are never asked twice, because
//! they get the next one in time.

use http::{Method, Uri};
use rustls::pki_types::CertificateDer;
use url::Url;

use super::{
    claims::Confirmation,
    nonces::{Age, Nonces},
    proof::{self, Expected, ProofError},
    replay::{Shown, Shows},
    target::Target,
    thumbprint::Thumbprint,
};
use crate::limits::PROOF_FUTURE_SECONDS;

/// The scheme of the `Authorization` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The token comes with a proof.
    Dpop,
    /// The token comes alone.
    Bearer,
}

/// What came with a token.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// How it was shown.
    pub scheme: Scheme,
    /// The token.
    pub token: &'a str,
    /// The `DPoP` headers.
    pub proofs: &'a [&'a [u8]],
    /// The certificate of the connection, which TLS has verified.
    pub certificate: Option<&'a CertificateDer<'static>>,
    /// The request's method.
    pub method: &'a Method,
    /// Where callers reach the listener.
    pub base: &'a Url,
    /// The request's own address.
    pub uri: &'a Uri,
}

/// Why a valid token is not accepted from whoever shows it. Never holds token or proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPossessed {
    /// The token is bound to nothing, and the issuer's may not be shown alone.
    #[error("the token is bound to no key, and its issuer's tokens are not accepted without")]
    Unbound,
    /// A token that is bound to a key was shown alone.
    #[error("the token is bound to a key and came without a proof of it")]
    BoundToKey,
    /// A token that is not bound to a key came with a proof.
    #[error("the token is not bound to the proof's key")]
    NotBoundToKey,
    /// The connection has another certificate, or none.
    #[error("the token is bound to another certificate than the connection's")]
    Certificate,
    /// There is none, or more than one.
    #[error("there is not exactly one DPoP header")]
    NotOneProof,
    /// The proof is none.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The proof could have been shown before this process was there, or its nonce is not one of its own.
    #[error("the proof needs a nonce of this process")]
    NeedsNonce {
        /// The one to use.
        nonce: String,
    },
    /// The proof was shown before.
    #[error("the proof was shown before")]
    Replayed,
    /// As many proofs were shown lately as can be remembered.
    #[error("more proofs were shown lately than can be remembered")]
    NoRoom,
}

/// Decides for one process.
pub struct Possession {
    nonces: Nonces,
    shown: Shown,
    /// Proofs made until then, in seconds since 1970, may have been shown to an earlier process.
    earlier: u64,
}

impl Possession {
    /// For a process that starts `now`, in seconds since 1970.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn new(now: u64) -> anyhow::Result<Self> {
        // An earlier process accepted proofs that were dated ahead by as much as is tolerated.
        Ok(Self { nonces: Nonces::new()?, shown: Shown::default(), earlier: now + PROOF_FUTURE_SECONDS })
    }

    /// Whether the token may be shown as it was; gives the nonce that the caller should use from now on, where it is
    /// time for another. `bearer`: whether tokens of its issuer may be bound to nothing.
    ///
    /// # Errors
    /// Why not.
    pub fn check(
        &self,
        presented: &Presented<'_>,
        confirmation: &Confirmation,
        bearer: bool,
        now: u64,
    ) -> Result<Option<String>, NotPossessed> {
        if let Some(bound) = confirmation.certificate
            && presented.certificate.map(Thumbprint::of_certificate) != Some(bound)
        {
            return Err(NotPossessed::Certificate);
        }
        match (presented.scheme, confirmation.key) {
            (Scheme::Dpop, Some(key)) => self.proven(presented, key, now),
            (Scheme::Dpop, None) => Err(NotPossessed::NotBoundToKey),
            (Scheme::Bearer, Some(_)) => Err(NotPossessed::BoundToKey),
            (Scheme::Bearer, None) if bearer || confirmation.certificate.is_some() => Ok(None),
            (Scheme::Bearer, None) => Err(NotPossessed::Unbound),
        }
    }

    fn proven(&self, presented: &Presented<'_>, key: Thumbprint, now: u64) -> Result<Option<String>, NotPossessed> {
        let [text] = presented.proofs else { return Err(NotPossessed::NotOneProof) };
        let target = Target::of(presented.base, presented.uri).ok_or(ProofError::Target)?;
        let expected = Expected { method: presented.method, target: &target, token: presented.token, key, now };
        let proof = proof::check(text, &expected)?;
        let next = match &proof.nonce {
            None if proof.issued > self.earlier => None,
            None => return Err(NotPossessed::NeedsNonce { nonce: self.nonces.issue(now) }),
            Some(nonce) => match self.nonces.age(nonce, now) {
                Some(Age::Young) => None,
                Some(Age::Old) => Some(self.nonces.issue(now)),
                None => return Err(NotPossessed::NeedsNonce { nonce: self.nonces.issue(now) }),
            },
        };
        match self.shown.show(proof.id, now) {
            Shows::First => Ok(next),
            Shows::Again => Err(NotPossessed::Replayed),
            Shows::NoRoom => Err(NotPossessed::NoRoom),
        }
    }
}

#[cfg(test)]
#[path = "possession_tests.rs"]
mod tests;
