//! The feed: everything that happens at the client's practices, numbered.

use super::graphql::missing;
use super::state::PracticeId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How the next change is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// The record system does not give it until it is [mended](super::CgmEportalSim::mend).
    NotYet,
    /// The record system does not have it any more.
    Gone,
    /// Every text in it is a number, against the schema.
    WrongType,
    /// Nothing is in it but its type, against the schema.
    Truncated,
    /// Of a type that clients of earlier versions do not ask for.
    UnknownType,
}

/// What is wrong with the pages of the feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disorder {
    /// Nothing.
    #[default]
    None,
    /// The highest number first, and each twice.
    Shuffled,
    /// There is always more, it says.
    Endless,
}

/// A change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number, from one.
    pub number: u64,
    /// `PostAdded`, `NoticeSent`, ...
    pub kind: &'static str,
    /// What is wrong with it.
    pub damage: Option<Damage>,
    whole: Value,
}

impl Change {
    /// A change at a practice; `content` is an object with what its type has beside what every change has.
    pub fn new(
        number: u64,
        at: Timestamp,
        practice: PracticeId,
        kind: &'static str,
        content: Value,
        damage: Option<Damage>,
    ) -> Change {
        let mut whole = json!({ "__typename": kind, "number": number, "at": at, "practice": practice });
        if let (Some(whole), Value::Object(content)) = (whole.as_object_mut(), content) {
            whole.extend(content);
        }
        Change { number, kind, damage, whole }
    }

    /// An edge of a page, as far as the schema goes.
    pub fn edge(&self) -> Value {
        let node = match self.damage {
            Some(Damage::NotYet) => missing("NOT_YET"),
            Some(Damage::Gone) => missing("GONE"),
            Some(Damage::UnknownType) => {
                let mut node = self.whole.clone();
                node["__typename"] = json!("PostTranslated");
                node["language"] = json!("EN");
                node
            }
            _ => self.whole.clone(),
        };
        json!({ "number": self.number, "node": node })
    }

    /// Breaks the schema where the damage does: `edge` is what the schema made of [`Change::edge`].
    pub fn spoil(&self, edge: &mut Value) {
        let Some(node) = edge["node"].as_object_mut() else { return };
        let keeps = |name: &str| matches!(name, "__typename" | "number" | "at" | "practice");
        match self.damage {
            Some(Damage::WrongType) => {
                node.iter_mut().filter(|(name, _)| !keeps(name)).for_each(|(_, value)| *value = json!(42));
            }
            Some(Damage::Truncated) => node.retain(|name, _| name == "__typename"),
            _ => {}
        }
    }
}
