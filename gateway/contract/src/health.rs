//! Whether the gateway lives and can take requests. JSON by `schemas/json/health.json`.

use serde::{Deserialize, Serialize};

use crate::service::closed_list;

/// The body of `GET /health/live` and `GET /health/ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Health {
    /// How it is.
    pub status: HealthStatus,
}

closed_list!(
    /// How the gateway is.
    HealthStatus {
        /// The process runs: 200 of `/health/live`.
        Live = "live",
        /// It takes requests: 200 of `/health/ready`.
        Ready = "ready",
        /// It does not take requests yet: 503.
        Starting = "starting",
        /// It takes no more requests: 503.
        Stopping = "stopping",
        /// It cannot take requests, such as when the audit log cannot be written: 503.
        Unavailable = "unavailable",
    }
);
