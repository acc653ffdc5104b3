//! The public key in the header of a proof: read strictly, named by its thumbprint, and verified with.
//!
//! Three kinds, the ones of FAPI 2.0: ECDSA on P-256, Ed25519, RSA with PSS padding. Whatever is private or symmetric has
//! no business in a header, and is refused as what it is: whoever sent it should know that the key is lost.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};

use super::thumbprint::Thumbprint;
use crate::limits::PROOF_RSA_BYTES;

/// The signature algorithms of proofs, as `WWW-Authenticate` lists them.
pub const ALGORITHMS: &str = "ES256 EdDSA PS256";

/// The one public exponent in use, 65537. Others have been ways of making weak keys or slow verification.
const RSA_EXPONENT: &[u8] = &[1, 0, 1];

/// A public key that signs proofs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofKey {
    /// ES256.
    P256 {
        /// Horizontal.
        x: [u8; 32],
        /// Vertical.
        y: [u8; 32],
    },
    /// `EdDSA`, by its newer name `Ed25519`.
    Ed25519 {
        /// The public key.
        x: [u8; 32],
    },
    /// PS256.
    Rsa {
        /// The modulus, big-endian without leading zeros.
        n: Vec<u8>,
    },
}

/// Why a header's key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// It is there with its private half, or is symmetric.
    #[error("the proof's header holds a private key: it must be replaced")]
    Private,
    /// Not a key of the three kinds, or with coordinates of another form.
    #[error("the proof's key is none of those that {ALGORITHMS} use")]
    Kind,
    /// `alg` is not on the list, or not that of the key.
    #[error("the proof's algorithm is not that of its key, or none of {ALGORITHMS}")]
    Algorithm,
}

/// A JSON Web Key as it stands in the header. Members of no concern, such as `kid` and `use`, are not looked at.
#[derive(Deserialize)]
pub(super) struct RawKey {
    kty: String,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    // Private and symmetric members (RFC 7518, 6.2.2, 6.3.2, 6.4.1): that they are there is all that is read.
    #[serde(default)]
    d: Option<IgnoredAny>,
    #[serde(default)]
    p: Option<IgnoredAny>,
    #[serde(default)]
    q: Option<IgnoredAny>,
    #[serde(default)]
    dp: Option<IgnoredAny>,
    #[serde(default)]
    dq: Option<IgnoredAny>,
    #[serde(default)]
    qi: Option<IgnoredAny>,
    #[serde(default)]
    oth: Option<IgnoredAny>,
    #[serde(default)]
    k: Option<IgnoredAny>,
}

impl ProofKey {
    /// The key of a header that says that it signs with `algorithm`.
    pub(super) fn read(raw: &RawKey, algorithm: &str) -> Result<Self, BadKey> {
        let private = [&raw.d, &raw.p, &raw.q, &raw.dp, &raw.dq, &raw.qi, &raw.oth, &raw.k];
        if private.into_iter().any(Option::is_some) || raw.kty == "oct" {
            return Err(BadKey::Private);
        }
        let key = match (raw.kty.as_str(), raw.crv.as_deref()) {
            ("EC", Some("P-256")) => Self::P256 { x: coordinate(raw.x.as_ref())?, y: coordinate(raw.y.as_ref())? },
            ("OKP", Some("Ed25519")) => Self::Ed25519 { x: coordinate(raw.x.as_ref())? },
            ("RSA", None) => {
                let (n, e) = (number(raw.n.as_ref())?, number(raw.e.as_ref())?);
                if !PROOF_RSA_BYTES.contains(&n.len()) || e != RSA_EXPONENT {
                    return Err(BadKey::Kind);
                }
                Self::Rsa { n }
            }
            _ => return Err(BadKey::Kind),
        };
        match (&key, algorithm) {
            (Self::P256 { .. }, "ES256")
            | (Self::Ed25519 { .. }, "EdDSA" | "Ed25519")
            | (Self::Rsa { .. }, "PS256") => Ok(key),
            _ => Err(BadKey::Algorithm),
        }
    }

    /// By RFC 7638 (RFC 8037 for Ed25519): the required members in the order of the alphabet, without blanks.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match self {
            Self::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y)),
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
            Self::Rsa { n } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(RSA_EXPONENT), text(n)),
        };
        Thumbprint::of(members.as_bytes())
    }

    /// Whether it signed the message. A point that is not on the curve has signed nothing.
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256 { x, y } => {
                let point = [&[4][..], x, y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .is_ok_and(|key| key.verify_sig(message, signature).is_ok())
            }
            Self::Ed25519 { x } => {
                ParsedPublicKey::new(&ED25519, x).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
            }
            Self::Rsa { n } => RsaPublicKeyComponents { n: n.as_slice(), e: RSA_EXPONENT }
                .verify(&RSA_PSS_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}

/// 32 bytes, whatever their value: a second spelling of the same coordinate would be a second thumbprint.
fn coordinate(text: Option<&String>) -> Result<[u8; 32], BadKey> {
    let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(BadKey::Kind)?;
    bytes.try_into().map_err(|_| BadKey::Kind)
}

/// A number without leading zeros, for the same reason.
fn number(text: Option<&String>) -> Result<Vec<u8>, BadKey> {
    let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(BadKey::Kind)?;
    if bytes.first().is_none_or(|first| *first == 0) { Err(BadKey::Kind) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::{Value, json};

    use super::*;

    fn read(jwk: &Value, algorithm: &str) -> Result<ProofKey, BadKey> {
        ProofKey::read(&serde_json::from_value(jwk.clone()).unwrap(), algorithm)
    }

    /// RFC 9449, section 4.1.
    fn p256() -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        })
    }

    /// RFC 8037, appendix A.
    fn ed25519() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    /// RFC 7638, section 3.1.
    fn rsa() -> Value {
        json!({
            "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                  FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgn\
                  Yb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqb\
                  w0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        })
    }

    #[test]
    fn thumbprints_are_those_that_the_standards_print() {
        for (jwk, algorithm, expected) in [
            (p256(), "ES256", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"),
            (ed25519(), "EdDSA", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
            (ed25519(), "Ed25519", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
            (rsa(), "PS256", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        ] {
            assert_eq!(read(&jwk, algorithm).unwrap().thumbprint().to_string(), expected);
        }
    }

    #[test]
    fn a_key_with_anything_private_in_it_is_refused_as_that() {
        for (mut jwk, algorithm) in [(p256(), "ES256"), (ed25519(), "EdDSA"), (rsa(), "PS256")] {
            for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                jwk[member] = json!("AAAA");
                assert_eq!(read(&jwk, algorithm), Err(BadKey::Private), "{member}");
                jwk.as_object_mut().unwrap().remove(member);
            }
            assert!(read(&jwk, algorithm).is_ok());
        }
        assert_eq!(read(&json!({ "kty": "oct" }), "HS256"), Err(BadKey::Private));
    }

    #[test]
    fn a_key_signs_with_its_own_algorithm_and_no_other() {
        let keys = [(p256(), "ES256"), (ed25519(), "EdDSA"), (rsa(), "PS256")];
        for (jwk, own) in &keys {
            for algorithm in ["ES256", "EdDSA", "PS256", "RS256", "HS256", "ES384", "none", "NONE", "es256", ""] {
                assert_eq!(read(jwk, algorithm).is_ok(), algorithm == *own, "{algorithm} of {own}");
            }
        }
    }

    #[test]
    fn what_is_no_key_of_the_three_kinds_is_none() {
        let with = |mut jwk: Value, member: &str, value: Value| {
            jwk[member] = value;
            jwk
        };
        let short = URL_SAFE_NO_PAD.encode([7; 31]);
        let padded = URL_SAFE_NO_PAD.encode([[0; 1].as_slice(), &[7; 32]].concat());
        let small = URL_SAFE_NO_PAD.encode([0xff; 128]);
        let large = URL_SAFE_NO_PAD.encode([0xff; 513]);
        let zero = URL_SAFE_NO_PAD.encode([[0; 1].as_slice(), &[0xff; 256]].concat());
        for (jwk, algorithm) in [
            (with(p256(), "crv", json!("P-384")), "ES256"),
            (with(p256(), "crv", json!("secp256k1")), "ES256"),
            (with(p256(), "x", json!(short)), "ES256"),
            (with(p256(), "y", json!(padded)), "ES256"),
            (with(p256(), "y", Value::Null), "ES256"),
            (with(p256(), "x", json!("not base64url!")), "ES256"),
            (with(ed25519(), "x", json!(short)), "EdDSA"),
            (with(ed25519(), "crv", json!("X25519")), "EdDSA"),
            (with(rsa(), "n", json!(small)), "PS256"),
            (with(rsa(), "n", json!(large)), "PS256"),
            (with(rsa(), "n", json!(zero)), "PS256"),
            (with(rsa(), "e", json!("AQ")), "PS256"),
            (with(rsa(), "e", json!("Aw")), "PS256"),
            (with(rsa(), "kty", json!("EC")), "PS256"),
        ] {
            assert_eq!(read(&jwk, algorithm), Err(BadKey::Kind), "{jwk}");
        }
    }

    #[test]
    fn a_point_that_is_not_on_the_curve_has_signed_nothing() {
        let nowhere = ProofKey::P256 { x: [1; 32], y: [1; 32] };
        assert!(!nowhere.signed(b"message", &[1; 64]));
        assert!(!ProofKey::Ed25519 { x: [0xff; 32] }.signed(b"message", &[0; 64]));
        assert!(!ProofKey::Rsa { n: vec![0xff; 256] }.signed(b"message", &[0; 256]));
    }
}
