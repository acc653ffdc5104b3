//! Who is calling: access tokens in, verified [`claims`] out, and from them the permits that the domain requires.
//!
//! - [`keys`]: an issuer's public keys, from a file or fetched and refetched.
//! - [`claims`]: what a token says, whichever of the two national issuers' dialects it speaks.
//! - [`verifier`]: a token against its issuer's keys; verified tokens are remembered until they expire.
//!
//! Proof of possession and roles by listener belong between the verifier and the permits.

pub mod claims;
pub mod keys;
pub mod verifier;
