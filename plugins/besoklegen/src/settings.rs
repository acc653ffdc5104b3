//! What the office agreed with the vendor.

use serde::Deserialize;

/// Settings of an office, checked against the manifest's schema before they come here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// What the vendor calls the office.
    pub practice: String,
}
