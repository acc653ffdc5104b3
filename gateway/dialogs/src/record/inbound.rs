//! What has come from providers: which events are settled, and where the polling of a plugin stands.

use dialog_contract::provider::{Disposition, Settlement};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An event of a provider's that has been settled; at a redelivery the answer is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Processed {
    pub(crate) at: Timestamp,
    pub(crate) disposition: Disposition,
}

/// Where the polling of a plugin stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// As the plugin gave it.
    pub(crate) cursor: Option<String>,
    /// What became of the events of the last page; told in the next call.
    pub(crate) settled: Vec<Settlement>,
}
