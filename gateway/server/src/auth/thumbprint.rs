//! SHA-256 digests by which a token names the key or the certificate that it is bound to.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

/// SHA-256 of a public key (RFC 7638) or of a certificate (RFC 8705). No secret: compared as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Of the bytes that stand for it.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a certificate: `x5t#S256`.
    #[must_use]
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Self {
        Self::of(certificate.as_ref())
    }

    /// As it stands in a token: base64url without padding, in its one spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The length first: what is too long is not decoded.
        if text.len() != 43 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The digest.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_has_one_spelling() {
        let text = Thumbprint::of(b"a key").to_string();
        assert_eq!(Thumbprint::parse(&text), Some(Thumbprint::of(b"a key")));
        // 256 bits leave two of the last letter's six unused: they must be zero.
        let last = text.chars().last();
        let other = ['B', 'C', 'D'].map(|letter| format!("{}{letter}", &text[..42]));
        assert!(last.is_some() && other.iter().all(|other| Thumbprint::parse(other).is_none()));
        for wrong in ["", &text[..42], &format!("{text}="), &format!("{text}A"), &"å".repeat(21)] {
            assert_eq!(Thumbprint::parse(wrong), None, "{wrong}");
        }
    }
}
