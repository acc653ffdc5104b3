//! What the office agreed with the vendor.

use serde::Deserialize;

/// Settings of an office, checked against the manifest's schema before they come here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the vendor calls the unit whose doctors answer.
    pub unit: String,
}

impl Settings {
    /// The unit, as a resource relates to it.
    #[must_use]
    pub fn unit(&self) -> (&'static str, &'static str, &str) {
        ("unit", "units", &self.unit)
    }
}
