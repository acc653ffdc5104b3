//! A read mark that the provider is yet to be told of.

use dialog_contract::{
    ids::{DialogId, RequestId},
    service::Locale,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoredRepresentative;
use crate::identity::CitizenId;

/// One message of the office's that the citizen has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredMark {
    pub(crate) citizen: CitizenId,
    pub(crate) dialog: DialogId,
    /// Who saw it for the citizen.
    pub(crate) representative: Option<StoredRepresentative>,
    /// The provider's own id of the message.
    pub(crate) message: String,
    pub(crate) attempts: u32,
    /// When it is tried next; while it is tried, when whoever tries is taken for dead.
    pub(crate) due: Timestamp,
    /// When trying ends.
    pub(crate) give_up: Timestamp,
    pub(crate) locale: Locale,
    /// The request that caused it, for logs and traces.
    pub(crate) request: RequestId,
    pub(crate) trace_id: String,
}
