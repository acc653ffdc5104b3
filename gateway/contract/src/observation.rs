//! One finding of a test, as the office tells it and the citizen reads it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::service::closed_list;

/// One finding. Mirrors the WIT record `observation`; JSON by `schemas/json/dialog.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Observation {
    /// What was looked at.
    pub name: String,
    /// Its code in NLK or LOINC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was found, as a number or in words.
    pub value: String,
    /// The unit of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Between what it is expected to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_range: Option<String>,
    /// What that means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpretation: Option<Interpretation>,
    /// When the sample was taken, or the measurement made.
    pub taken: Timestamp,
    /// What is said of this finding alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

closed_list!(
    /// What a finding means, beside what is expected.
    Interpretation {
        /// As expected.
        Normal = "normal",
        /// Lower than expected.
        Low = "low",
        /// Higher than expected.
        High = "high",
        /// Not as expected, in a way that is neither lower nor higher.
        Abnormal = "abnormal",
    }
);
