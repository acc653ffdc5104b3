//! The feed: everything that happens, numbered. An event's own facts stand in its attributes, as they were then; what it
//! includes never changes: messages, their files, and whom it is about.

use super::document::resource;
use super::unit::UNIT;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How the next event is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Its attributes are rubbish; only type and id are left.
    Garbage,
    /// Only its kind and time are there, without what it relates to.
    Truncated,
    /// Every text in its attributes but kind and time is a number.
    WrongType,
    /// Of a kind that nobody documented.
    UnknownKind,
    /// What it relates to is not included.
    NotIncluded,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number, from one: the resource's id.
    pub number: u64,
    /// `visit.message`, ...
    pub kind: &'static str,
    /// The resource, damaged where it is.
    pub resource: Value,
    /// What is included.
    pub included: Vec<Value>,
    /// The portal answered the webhook with 204.
    pub pushed: bool,
}

/// What an event is about.
#[derive(Debug, Default)]
pub struct About {
    /// Further attributes: an object.
    pub facts: Value,
    /// Related resources: name, type and id.
    pub related: Vec<(&'static str, &'static str, String)>,
    /// Those of them that are included.
    pub included: Vec<Value>,
}

impl Event {
    /// An event.
    pub fn new(number: u64, at: Timestamp, kind: &'static str, about: About, damage: Option<Damage>) -> Event {
        let About { facts, related, included } = about;
        let mut attributes = json!({ "kind": kind, "occurredAt": at });
        if let (Some(attributes), Value::Object(facts)) = (attributes.as_object_mut(), facts) {
            attributes.extend(facts);
        }
        let mut relationships: Vec<(&str, &str, Option<&str>)> = vec![("unit", "units", Some(UNIT))];
        relationships.extend(related.iter().map(|(name, kind, id)| (*name, *kind, Some(id.as_str()))));
        let mut resource = resource("events", &number.to_string(), attributes, &relationships);
        let mut included = included;
        match damage {
            None => {}
            Some(Damage::Garbage) => {
                resource["attributes"] = json!({ "\u{fffd}": [null, "\u{1}\u{fffd}"] });
            }
            Some(Damage::Truncated) => {
                resource["attributes"] = json!({ "kind": kind, "occurredAt": at });
                resource["relationships"] = json!({ "unit": resource["relationships"]["unit"] });
                included.clear();
            }
            Some(Damage::WrongType) => {
                if let Some(attributes) = resource["attributes"].as_object_mut() {
                    for (name, value) in attributes.iter_mut() {
                        if !matches!(name.as_str(), "kind" | "occurredAt") {
                            *value = json!(42);
                        }
                    }
                }
                for one in &mut included {
                    one["attributes"] = json!(42);
                }
            }
            Some(Damage::UnknownKind) => resource["attributes"]["kind"] = json!("something.new"),
            Some(Damage::NotIncluded) => included.clear(),
        }
        Event { number, kind, resource, included, pushed: false }
    }

    /// As a webhook's body.
    pub fn document(&self) -> Value {
        json!({ "jsonapi": { "version": "1.1" }, "data": self.resource, "included": self.included })
    }
}
