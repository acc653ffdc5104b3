//! What is signed: an in-toto Statement v1 about the component, with a predicate of ours that says whose version of
//! which plugin it is. Whoever reads the statement learns nothing that the manifest does not say; it binds the two, so
//! that a signature for one plugin cannot be carried over to another.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::envelope::Envelope;
use crate::ids::PluginId;

/// The media type of an in-toto statement, by which the envelope names it.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The form of the statement.
const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The form of its predicate.
const PREDICATE: &str = "https://schemas.dialog-gateway.example/dialog-plugin/v1";

/// SHA-256 of a component, lower-case hexadecimal.
#[must_use]
pub fn digest(component: &[u8]) -> String {
    hex(&Sha256::digest(component))
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

/// What the vendor says of a component. Members that in-toto knows and we do not are passed over, as its
/// specification asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    /// What it is.
    pub predicate: Claims,
}

/// What a component is: the same as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Which plugin.
    pub plugin: PluginId,
    /// Its version (semver).
    pub version: String,
    /// The contract that it speaks, such as `dialog:provider@1.0.0`.
    pub contract: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Subject {
    #[serde(default)]
    name: String,
    digest: Digests,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Digests {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// Why a payload is not a statement about a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Signed by this form of envelope was something else.
    #[error("what is signed is of the type {0:?} and not {PAYLOAD_TYPE:?}")]
    PayloadType(String),
    /// It is not JSON, or not this JSON.
    #[error("the signed statement cannot be read: {0}")]
    Unreadable(String),
    /// It is a statement of another kind.
    #[error("the signed statement is of the type {0:?}, which says nothing of a plugin")]
    Other(String),
}

impl Statement {
    /// The statement about a component with this digest.
    #[must_use]
    pub fn new(predicate: Claims, sha256: String) -> Self {
        let name = format!("{}-{}.wasm", predicate.plugin, predicate.version);
        Self {
            kind: STATEMENT.to_owned(),
            subject: vec![Subject { name, digest: Digests { sha256: Some(sha256) } }],
            predicate_type: PREDICATE.to_owned(),
            predicate,
        }
    }

    /// Reads an envelope's payload. Believe it only where [`Envelope::is_signed_by`] a trusted key.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn read(envelope: &Envelope) -> Result<Self, StatementError> {
        if envelope.payload_type() != PAYLOAD_TYPE {
            return Err(StatementError::PayloadType(printable(envelope.payload_type())));
        }
        let unreadable = |error: serde_json::Error| StatementError::Unreadable(printable(&error.to_string()));
        // Another predicate has other members: its type is what is to be told then, not which of ours is missing.
        let form: Form = serde_json::from_slice(envelope.payload()).map_err(unreadable)?;
        for (found, wanted) in [(form.kind, STATEMENT), (form.predicate_type, PREDICATE)] {
            if found != wanted {
                return Err(StatementError::Other(printable(&found)));
            }
        }
        serde_json::from_slice(envelope.payload()).map_err(unreadable)
    }

    /// Whether it speaks of the component with this digest, and of no other.
    #[must_use]
    pub fn is_about(&self, sha256: &str) -> bool {
        matches!(&self.subject[..], [subject] if subject.digest.sha256.as_deref() == Some(sha256))
    }

    /// As it is signed.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        // Structs of strings always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What kind of statement it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
}

/// A text of the file's, as an error may hold it.
pub(super) fn printable(text: &str) -> String {
    text.chars().take(200).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;
    use crate::package::key::{Algorithm, SigningKey};

    fn read(payload: &Value) -> Result<Statement, StatementError> {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        Statement::read(&Envelope::sign(payload.to_string().into_bytes(), None, &key).unwrap())
    }

    fn statement() -> Value {
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": "fjell-helse-1.2.3.wasm", "digest": { "sha256": digest(b"code") } }],
            "predicateType": "https://schemas.dialog-gateway.example/dialog-plugin/v1",
            "predicate": { "plugin": "fjell-helse", "version": "1.2.3", "contract": "dialog:provider@1.0.0" },
        })
    }

    #[test]
    fn the_statement_is_in_totos_and_what_in_toto_adds_is_passed_over() {
        let mut json = statement();
        let read_back = read(&json).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&read_back.json()).unwrap(), json);
        assert_eq!(Statement::new(read_back.predicate.clone(), digest(b"code")), read_back);
        json["annotations"] = json!({});
        json["subject"][0]["digest"]["sha512"] = json!("ab");
        assert!(read(&json).unwrap().is_about(&digest(b"code")));
    }

    #[test]
    fn another_statement_says_nothing_of_a_plugin() {
        for (field, value, told) in [
            ("_type", json!("https://in-toto.io/Statement/v2"), "Statement/v2"),
            ("predicateType", json!("https://slsa.dev/provenance/v1"), "slsa.dev"),
            ("predicate", json!({ "plugin": "F", "version": "1", "contract": "c" }), "plugin id"),
            ("predicate", json!({}), "cannot be read"),
            ("subject", json!("all"), "cannot be read"),
        ] {
            let mut json = statement();
            json[field] = value;
            let error = read(&json).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_statement_about_several_files_is_about_none_of_them() {
        let mut json = statement();
        let subject = json["subject"][0].clone();
        json["subject"] = json!([subject, subject]);
        assert!(!read(&json).unwrap().is_about(&digest(b"code")));
        json["subject"] = json!([]);
        assert!(!read(&json).unwrap().is_about(&digest(b"code")));
    }
}
