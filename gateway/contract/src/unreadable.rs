//! What arrived from providers and could not be understood, as the operator sees it. JSON by
//! `schemas/json/unreadable-deliveries.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{HerId, PluginId};

/// The body of `GET /unreadable` on the operations listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnreadableDeliveries {
    /// The newest first.
    pub items: Vec<UnreadableDelivery>,
}

/// One delivery that could not be understood. Its bytes may hold anything, and are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnreadableDelivery {
    /// Names it.
    pub id: Uuid,
    /// When it was kept.
    pub arrived: Timestamp,
    /// Which plugin could not read it.
    pub plugin: PluginId,
    /// The office that it seems to come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<HerId>,
    /// What was wrong with it and where.
    pub reason: String,
    /// The blob with its bytes.
    pub raw: Uuid,
    /// In bytes.
    pub size: u64,
}
