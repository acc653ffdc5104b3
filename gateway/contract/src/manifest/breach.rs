//! What is told of a manifest that is refused: which key, what stands there, which rule. The vendor reads it in a
//! terminal and the operator in a log, and the file may be anybody's: what is repeated of it is short, in one line and
//! printable.

use std::fmt;

use serde_json::Value;

use super::json::JsonError;

/// Most characters of a value that are repeated.
const SHOWN_VALUE: usize = 80;
/// Most characters of a key with its way through the manifest.
const SHOWN_KEY: usize = 160;
/// Most characters of what another reader says of a schema.
const SHOWN_WORDS: usize = 300;

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Larger than allowed.
    #[error("the manifest is {size} bytes, over the limit of {limit}")]
    TooLarge {
        /// In bytes.
        size: usize,
        /// In bytes.
        limit: usize,
    },
    /// Not JSON within bounds.
    #[error("the manifest {0}")]
    Json(#[from] JsonError),
    /// It breaks rules, at least one.
    #[error("the manifest breaks its rules: {}", .0.iter().map(Breach::to_string).collect::<Vec<_>>().join("; "))]
    Broken(Vec<Breach>),
}

impl ManifestError {
    /// What is wrong, a line for each thing.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Broken(broken) => broken.iter().map(Breach::to_string).collect(),
            other => vec![other.to_string()],
        }
    }
}

/// A rule that is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// JSON Pointer; empty for the whole manifest.
    pub key: String,
    /// What stands there, as JSON; none where nothing does, or where it would say nothing.
    pub value: Option<String>,
    /// What should.
    pub rule: Rule,
}

impl Breach {
    /// Of what stands at `key`.
    pub(super) fn of(key: &str, value: Option<&Value>, rule: Rule) -> Self {
        let value = value.map(|value| printable(&value.to_string(), SHOWN_VALUE));
        Self { key: printable(key, SHOWN_KEY), value, rule: rule.bounded() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = if self.key.is_empty() { "the manifest" } else { &self.key };
        match &self.value {
            Some(value) => write!(f, "{key}: is {value}, and {}", self.rule),
            None => write!(f, "{key}: {}", self.rule),
        }
    }
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// The key must be there.
    #[error("is missing")]
    Missing,
    /// The key must be one of those that are known.
    #[error("is not a known key{}", .nearest.map(|nearest| format!("; the nearest one is `{nearest}`")).unwrap_or_default())]
    Unknown {
        /// The known one that looks most like it.
        nearest: Option<&'static str>,
    },
    /// A kind of JSON value.
    #[error("must be {0}")]
    Type(&'static str),
    /// One value, as JSON.
    #[error("must be {0}")]
    Exactly(String),
    /// One of a closed list.
    #[error("must be one of {}", .0.join(", "))]
    OneOf(Vec<String>),
    /// Characters, at most.
    #[error("must have at most {0} characters")]
    AtMost(u64),
    /// Items of a list, at most.
    #[error("must have at most {0} items")]
    Items(u64),
    /// A list without repetition.
    #[error("must have each item once")]
    Once,
    /// A name that no other item of the list has.
    #[error("must be unique in the list")]
    Unique,
    /// A form of text.
    #[error("must be {0}")]
    Form(&'static str),
    /// JSON Schema 2020-12 that can be used: what it must or cannot be.
    #[error("by JSON Schema 2020-12 it {0}")]
    Schema(String),
    /// No references to what is not in the schema: nothing is fetched to check a setting.
    #[error("must not refer outside its own schema: it must begin with #")]
    Foreign,
    /// A schema that has an end where its references are followed; what is wrong.
    #[error("must be a finite form, and it {0}")]
    Endless(String),
    /// A promise that some export of the component keeps: which.
    #[error("the component does not export {0}")]
    Unkept(&'static str),
    /// A notifier is nothing else; what else it is.
    #[error("a component that exports `notices` may export `inbound` beside it, and not `{0}`")]
    Apart(&'static str),
    /// A notifier is told of nobody.
    #[error("must be false for a component that exports `notices`: a notifier is told of nobody")]
    NoCitizen,
    /// Something else of the schema of manifests; what is wrong.
    #[error("is not as the schema of manifests has it: {0}")]
    Other(String),
}

impl Rule {
    /// What others say of a value, short and printable.
    fn bounded(self) -> Self {
        match self {
            Self::Schema(words) => Self::Schema(printable(&words, SHOWN_WORDS)),
            Self::Other(words) => Self::Other(printable(&words, SHOWN_WORDS)),
            rule => rule,
        }
    }
}

/// At most `most` characters, on one line: what does not print, or would turn the line around, is escaped.
pub(super) fn printable(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut left = most;
    for letter in text.chars() {
        let escaped = match letter {
            '"' | '\'' | '\\' => letter.to_string(),
            _ => letter.escape_debug().to_string(),
        };
        let Some(rest) = left.checked_sub(escaped.chars().count()) else {
            shown.push('…');
            break;
        };
        left = rest;
        shown.push_str(&escaped);
    }
    shown
}
