//! An event of the portal's feed.

use dialog_contract::event::Event;
use serde::{Deserialize, Serialize};

use crate::identity::CitizenId;

/// An event with whom it concerns: the feed's own name of the citizen does not lead back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredEvent {
    pub(crate) citizen: CitizenId,
    pub(crate) event: Event,
}
