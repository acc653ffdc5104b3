//! DSSE, the Dead Simple Signing Envelope (v1): a payload, its type, and signatures over both in an encoding that cannot
//! be read in two ways.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use serde::{Deserialize, Serialize};

use super::{
    key::{KeyError, KeyId, PublicKey, SigningKey},
    statement::{PAYLOAD_TYPE, printable},
};

/// Largest envelope, in bytes: a statement of half a KiB, and [`MAX_SIGNATURES`] of a fifth.
pub const MAX_ENVELOPE_BYTES: usize = 16 * 1024;

/// Most signatures in one envelope: the vendor's, the next of its keys, an auditor's, and some. Each costs a
/// verification.
pub const MAX_SIGNATURES: usize = 8;

/// An envelope. Whether its signatures are true, [`Envelope::is_signed_by`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    key: String,
    bytes: Vec<u8>,
}

/// The envelope's JSON. Members that DSSE may add are passed over, as its specification asks.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    payload: String,
    payload_type: String,
    signatures: Vec<SignatureJson>,
}

#[derive(Serialize, Deserialize)]
struct SignatureJson {
    #[serde(default)]
    keyid: String,
    sig: String,
}

/// Why bytes are not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Larger than any that is meant.
    #[error("its signature is {0} bytes, over the limit of {MAX_ENVELOPE_BYTES}")]
    TooLarge(usize),
    /// Not the JSON of an envelope.
    #[error("its signature is not a DSSE envelope: {0}")]
    Unreadable(String),
    /// More signatures than are looked at.
    #[error("its envelope has {0} signatures, over the limit of {MAX_SIGNATURES}")]
    TooMany(usize),
}

impl Envelope {
    /// Reads an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn read(json: &[u8]) -> Result<Self, EnvelopeError> {
        if json.len() > MAX_ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLarge(json.len()));
        }
        let unreadable = |error: serde_json::Error| EnvelopeError::Unreadable(printable(&error.to_string()));
        let json: Json = serde_json::from_slice(json).map_err(unreadable)?;
        if json.signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::TooMany(json.signatures.len()));
        }
        let bytes = |what: &str, text: &str| {
            decode(text).ok_or_else(|| EnvelopeError::Unreadable(format!("its {what} is not base64")))
        };
        let signature = |json: SignatureJson| Ok(Signature { bytes: bytes("signature", &json.sig)?, key: json.keyid });
        Ok(Self {
            payload: bytes("payload", &json.payload)?,
            payload_type: json.payload_type,
            signatures: json.signatures.into_iter().map(signature).collect::<Result<_, _>>()?,
        })
    }

    /// Signs a payload. Signatures that other keys made over the same stay.
    ///
    /// # Errors
    /// Where the key fails.
    pub fn sign(payload: Vec<u8>, earlier: Option<Self>, key: &SigningKey) -> Result<Self, KeyError> {
        let mut envelope = earlier
            .filter(|earlier| earlier.payload == payload && earlier.payload_type == PAYLOAD_TYPE)
            .unwrap_or_else(|| Self { payload_type: PAYLOAD_TYPE.to_owned(), payload, signatures: Vec::new() });
        let id = key.public().id().to_string();
        envelope.signatures.retain(|signature| signature.key != id);
        let bytes = key.sign(&envelope.pre_authentication_encoding())?;
        envelope.signatures.push(Signature { key: id, bytes });
        Ok(envelope)
    }

    /// What kind of thing is signed.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// What is signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The keys that it names: hints, until [`Envelope::is_signed_by`] says so.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signature| signature.key.as_str())
    }

    /// Whether it names this key.
    #[must_use]
    pub fn names(&self, key: &KeyId) -> bool {
        self.keys().any(|named| named == key.as_str())
    }

    /// Whether this key made one of the signatures that name it.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let (id, message) = (key.id(), self.pre_authentication_encoding());
        let mut named = self.signatures.iter().filter(|signature| signature.key == id.as_str());
        named.any(|signature| key.verifies(&message, &signature.bytes))
    }

    /// As it stands in a file.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        let json = Json {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self
                .signatures
                .iter()
                .map(|signature| SignatureJson { keyid: signature.key.clone(), sig: STANDARD.encode(&signature.bytes) })
                .collect(),
        };
        // Structs of strings always have a JSON form.
        serde_json::to_vec(&json).unwrap_or_default()
    }

    /// What the signatures are over: `DSSEv1`, and type and payload with their lengths before them.
    fn pre_authentication_encoding(&self) -> Vec<u8> {
        let (kind, payload) = (&self.payload_type, &self.payload);
        let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
        message.extend_from_slice(payload);
        message
    }
}

/// DSSE asks of a reader to take both alphabets.
fn decode(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let url_safe = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    standard.decode(text).or_else(|_| url_safe.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::json;

    use super::*;
    use crate::package::key::Algorithm;

    /// The test vector of DSSE's protocol (`protocol.md`), whose signature is of the fixed form.
    #[test]
    fn the_specifications_own_envelope_holds() {
        let json = json!({
            "payload": "aGVsbG8gd29ybGQ=",
            "payloadType": "http://example.com/HelloWorld",
            "signatures": [{
                "sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==",
            }],
        });
        let envelope = Envelope::read(json.to_string().as_bytes()).unwrap();
        let message = envelope.pre_authentication_encoding();
        assert_eq!(message, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
        // Its key's coordinates, which the protocol gives in decimal: 46950820868899156662930047687818585632848591499744
        // 589407958293238635476079160 and 5640078356564379163099075877009565129882514886557779369047442380624545832820.
        let point = "0467cd390f77aa359cb08c2235f652270493a9ed832b0abcc01f70954c0390d238\
                     0c782bd54e269125a44f4433aff1432ce94e12bca73aa67ac80cea12608ddf74";
        let point: Vec<u8> =
            (0..point.len()).step_by(2).map(|at| u8::from_str_radix(&point[at..at + 2], 16).unwrap()).collect();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        assert!(key.verify(&message, &envelope.signatures[0].bytes).is_ok());
    }

    #[test]
    fn a_signature_counts_for_the_key_that_made_it_and_names_it() {
        let (one, other) =
            (SigningKey::generate(Algorithm::Ed25519).unwrap(), SigningKey::generate(Algorithm::Ed25519).unwrap());
        let envelope = Envelope::sign(b"{}".to_vec(), None, &one).unwrap();
        assert!(envelope.is_signed_by(&one.public()) && !envelope.is_signed_by(&other.public()));
        // Under another's name it is nobody's.
        let mut json: serde_json::Value = serde_json::from_slice(&envelope.json()).unwrap();
        json["signatures"][0]["keyid"] = json!(other.public().id());
        let renamed = Envelope::read(json.to_string().as_bytes()).unwrap();
        assert!(!renamed.is_signed_by(&one.public()) && !renamed.is_signed_by(&other.public()));
    }

    #[test]
    fn both_alphabets_are_read_and_members_that_are_not_ours_passed_over() {
        for payload in ["-_-_", "+/+/", "+/+/aQ", "+/+/aQ=="] {
            let json = json!({ "payload": payload, "payloadType": "t", "signatures": [], "more": 1 });
            let envelope = Envelope::read(json.to_string().as_bytes()).unwrap();
            assert!(envelope.payload().starts_with(&[0xfb, 0xff, 0xbf]), "{payload}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_said_to_be_that() {
        let many: Vec<_> = (0..9).map(|_| json!({ "sig": "" })).collect();
        for (json, told) in [
            (json!([]), "not a DSSE envelope"),
            (json!({ "payload": "", "payloadType": "t" }), "signatures"),
            (json!({ "payload": "?", "payloadType": "t", "signatures": [] }), "payload is not base64"),
            (json!({ "payload": "", "payloadType": "t", "signatures": [{ "sig": "?" }] }), "signature is not base64"),
            (json!({ "payload": "", "payloadType": "t", "signatures": many }), "9 signatures, over the limit of 8"),
        ] {
            let error = Envelope::read(json.to_string().as_bytes()).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        // What is told of a file is short and printable, whatever stands in it.
        let error = Envelope::read(json!("\u{7}x".repeat(5_000)).to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.chars().count() < 300 && !error.contains(char::is_control), "{error}");
        let error = Envelope::read(&vec![b' '; MAX_ENVELOPE_BYTES + 1]).unwrap_err();
        assert_eq!(error, EnvelopeError::TooLarge(MAX_ENVELOPE_BYTES + 1));
    }
}
