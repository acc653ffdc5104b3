//! What the office agreed with the vendor.

use serde::Deserialize;

/// Settings of an office, checked against the manifest's schema before they come here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The id of the office's HealthcareService.
    pub healthcare_service: String,
}

impl Settings {
    /// As resources name the office.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("HealthcareService/{}", self.healthcare_service)
    }
}
