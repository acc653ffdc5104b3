//! A resource and its versions.

use super::codes::{Kind, Origin, system};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How the next resource of a clinic's is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Its elements are rubbish; kind, id and `meta` are left.
    Garbage,
    /// Only kind, id and `meta` are there.
    Truncated,
    /// Every element is a number.
    WrongType,
    /// Its status is one that FHIR does not have.
    UnknownCode,
}

/// The present version of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What it is.
    pub kind: Kind,
    /// Its logical id.
    pub id: String,
    /// `meta.versionId`.
    pub version: u64,
    /// `meta.lastUpdated`.
    pub updated: Timestamp,
    /// Who made this version.
    pub origin: Origin,
    /// Its elements, without kind, id and `meta`.
    pub body: Value,
    /// How it is damaged where it is shown.
    pub damage: Option<Damage>,
}

impl Record {
    /// `Task/t-1`.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.kind.name(), self.id)
    }

    /// `W/"1"`.
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.version)
    }

    /// As the server shows it.
    pub fn json(&self) -> Value {
        let mut shown = json!({
            "resourceType": self.kind.name(),
            "id": self.id,
            "meta": {
                "versionId": self.version.to_string(),
                "lastUpdated": self.updated,
                "tag": [{ "system": system("origin"), "code": self.origin.code() }],
            },
        });
        let Some(elements) = shown.as_object_mut() else { return shown };
        let body = self.body.as_object().cloned().unwrap_or_default();
        match self.damage {
            None => elements.extend(body),
            Some(Damage::Garbage) => {
                elements.insert("\u{fffd}".to_owned(), json!([null, "\u{1}\u{fffd}"]));
            }
            Some(Damage::Truncated) => {}
            Some(Damage::WrongType) => elements.extend(body.into_iter().map(|(name, _)| (name, json!(42)))),
            Some(Damage::UnknownCode) => {
                elements.extend(body);
                elements.insert("status".to_owned(), json!("something-new"));
            }
        }
        shown
    }

    /// The text at a JSON Pointer below the elements.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }

    /// Whether an element holds a reference to this.
    pub fn refers(&self, pointer: &str, reference: &str) -> bool {
        match self.body.pointer(pointer) {
            Some(Value::Array(items)) => items.iter().any(|item| item["reference"] == reference),
            Some(item) => item["reference"] == reference,
            None => false,
        }
    }

    /// The code of the first coding of a concept.
    pub fn code(&self, element: &str) -> Option<&str> {
        self.text(&format!("/{element}/coding/0/code"))
    }

    /// Whether an identifier of it is this.
    pub fn is_known_as(&self, system: &str, value: &str) -> bool {
        let Some(identifiers) = self.body["identifier"].as_array() else { return false };
        identifiers.iter().any(|one| one["system"] == system && one["value"] == value)
    }
}
