//! What the office agreed with the vendor.

use dialog_plugin_sdk::upstream::{self, Request};
use serde::Deserialize;

use crate::UPSTREAM;

/// Settings of an office, checked against the manifest's schema before they come here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// What the vendor calls the office.
    pub clinic: String,
}

impl Settings {
    /// A request that hands something to the clinic, below its own address.
    #[must_use]
    pub fn post(&self, noun: &str) -> Request {
        upstream::post(UPSTREAM, "/v2/clinics").segment(&self.clinic).segment(noun)
    }

    /// A request that asks the clinic for something, below its own address.
    #[must_use]
    pub fn get(&self, noun: &str) -> Request {
        upstream::get(UPSTREAM, "/v2/clinics").segment(&self.clinic).segment(noun)
    }
}
