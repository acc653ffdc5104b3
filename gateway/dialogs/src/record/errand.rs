//! What the gateway owes others and does by itself: telling a provider who is digitally active, copying a closed dialog
//! to the personal archive. Kept from the step that caused it until it is done.

use dialog_contract::ids::{DialogId, HerId, PluginId, RequestId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::CitizenId;

/// One errand. Its id, and when it is tried next, are its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredErrand {
    pub(crate) citizen: CitizenId,
    pub(crate) task: Task,
    /// Attempts that were made.
    pub(crate) attempts: u32,
    /// When it came to be.
    pub(crate) since: Timestamp,
    /// The request that caused it; of its own where none did.
    pub(crate) request: RequestId,
    pub(crate) trace_id: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Tell a provider that the citizen became digitally active, or ceased to be so.
    Active {
        plugin: PluginId,
        office: HerId,
        active: bool,
        /// Of the choice: a later one overtakes this.
        revision: u64,
    },
    /// Copy a closed dialog to the personal archive.
    Archive { dialog: DialogId },
}
