//! The change feed: everything that happens at a clinic, numbered.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How the next change is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Its members are rubbish; only the number is left.
    Garbage,
    /// Only its number, time and kind are there.
    Truncated,
    /// Every text in it is a number.
    WrongType,
    /// Of a kind that nobody documented.
    UnknownKind,
}

/// A change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number, from one.
    pub seq: u64,
    /// `CASE_ENTRY`, `NOTICE`, ...
    pub kind: &'static str,
    /// As the vendor writes it, damaged where it is.
    pub body: Value,
    /// The portal answered the webhook with 204.
    pub pushed: bool,
}

impl Change {
    /// A change of a clinic; `content` is an object with what the kind has.
    pub fn new(
        seq: u64,
        at: Timestamp,
        clinic: &str,
        kind: &'static str,
        content: Value,
        damage: Option<Damage>,
    ) -> Change {
        let mut body = json!({ "seq": seq, "at": at, "clinic": clinic, "kind": kind });
        if let (Some(body), Value::Object(content)) = (body.as_object_mut(), content) {
            body.extend(content);
        }
        match damage {
            None => {}
            Some(Damage::Garbage) => body = json!({ "seq": seq, "\u{fffd}": [null, "\u{1}\u{fffd}"] }),
            Some(Damage::Truncated) => {
                if let Some(body) = body.as_object_mut() {
                    body.retain(|name, _| matches!(name.as_str(), "seq" | "at" | "kind" | "clinic"));
                }
            }
            Some(Damage::WrongType) => {
                if let Some(body) = body.as_object_mut() {
                    for (name, value) in body.iter_mut() {
                        if !matches!(name.as_str(), "seq" | "at" | "kind" | "clinic") {
                            *value = json!(42);
                        }
                    }
                }
            }
            Some(Damage::UnknownKind) => body["kind"] = json!("SOMETHING_NEW"),
        }
        Change { seq, kind, body, pushed: false }
    }
}
