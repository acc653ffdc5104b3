//! What a citizen chose about themselves.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// All choices of one citizen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredChoices {
    /// To be digitally active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digital: Option<Chosen>,
    /// To have what is closed copied to the personal archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archive: Option<Chosen>,
}

/// One choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) on: bool,
    pub(crate) changed: Timestamp,
    /// How often it was made; the `ETag`, which is 0 before.
    pub(crate) revision: u64,
}
