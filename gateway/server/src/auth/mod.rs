//! Who is calling: access tokens in, verified [`claims`] out, and whether whoever shows them may.
//!
//! - [`keys`]: an issuer's public keys, from a file or fetched and refetched, where its [`metadata`] says.
//! - [`claims`]: what a token says, whichever of the two national issuers' dialects it speaks.
//! - [`verifier`]: a token against its issuer's keys; verified tokens are remembered until they expire.
//! - [`possession`]: whether whoever shows the token is whom it is bound to; the one place where that is decided.
//!   A [`proof`] is signed by a [`proof_key`] for one [`target`], is shown once ([`replay`]), and where need be after a
//!   nonce ([`nonces`]). Tokens name keys and certificates by [`thumbprint`].
//! - `part`: header and claims of either, as JSON. [`challenge`]: what whoever is not let in is told.
//!
//! From there the permits that the domain requires are made, in `http::caller`.

pub mod challenge;
pub mod claims;
pub mod keys;
mod metadata;
pub mod nonces;
mod part;
pub mod possession;
pub mod proof;
pub mod proof_key;
#[cfg(test)]
mod prover;
pub mod replay;
pub mod target;
pub mod thumbprint;
pub mod verifier;
