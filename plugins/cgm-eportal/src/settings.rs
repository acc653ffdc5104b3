//! What the office agreed with the vendor, and what the operator set.

use serde::Deserialize;

/// Settings of an office, checked against the manifest's schema before they come here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// What the vendor calls the office.
    pub practice: String,
}

/// What the operator set for this installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Installation {
    /// How long the vendor may hold a request for news open, in seconds.
    pub long_poll_seconds: u32,
}

impl Default for Installation {
    fn default() -> Self {
        // A call of five seconds, less what the rest of it takes.
        Self { long_poll_seconds: 3 }
    }
}
