//! What a citizen chose about themselves: to be digitally active, to have a copy of everything in the personal archive.
//! JSON by `schemas/json/choice.json` and `new-choice.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A choice as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Choice {
    /// What holds now.
    pub on: bool,
    /// When the citizen last chose; absent where they never did, and what holds is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
    /// Whether it can be switched on here.
    pub available: bool,
}

/// What the citizen chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewChoice {
    /// On or off.
    pub on: bool,
}
