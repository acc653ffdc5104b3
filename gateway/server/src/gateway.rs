//! What every handler reaches: the domain, who may call it, and what is counted.

use std::{collections::HashMap, num::NonZeroU16, path::PathBuf, sync::Arc};

use dialog_contract::{health::HealthStatus, ids::PluginId};
use dialog_core::{Desk, ports::clock::SystemClock};
use dialog_host::packages::Packages;
use dialog_store::{KeyRing, SledStore};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use url::Url;

use crate::{
    abuse::rates::Rates,
    auth::{possession::Possession, verifier::Verifier},
    evidence::AuditLog,
    http::streams::EventStreams,
    log_reading::LogReading,
    return_origins::ReturnOrigins,
    telemetry::metrics::Metrics,
    trails::AuditTrails,
    webhook::Webhook,
};

/// Where callers reach the listeners: what their proofs of possession are made for.
pub struct Reached {
    /// The portal's.
    pub portal: Url,
    /// The operators' and auditors'.
    pub operations: Url,
}

/// One running gateway. Made before any listener, shared by all.
pub struct Gateway {
    /// The domain.
    pub desk: Desk,
    /// Whose tokens are trusted.
    pub verifier: Verifier,
    /// Whether whoever shows one is whom it is bound to.
    pub possession: Possession,
    /// Where each listener is reached that takes tokens.
    pub reached: Reached,
    /// Installed plugins, for whoever changes them.
    pub packages: Packages,
    /// Packages that may be on their way here at once.
    pub uploads: Semaphore,
    /// The audit log.
    pub evidence: Arc<AuditLog>,
    /// The same, to be read from.
    pub trails: AuditTrails,
    /// The audit log's folder, for whoever reads its public files.
    pub log_folder: PathBuf,
    /// The folders of the logs that it continues, by the SHA-256 of their origins, lower-case hexadecimal.
    pub earlier_logs: HashMap<String, PathBuf>,
    /// How long what is in its records is kept, in days; for ever where nothing is said.
    pub keep_records_days: Option<NonZeroU16>,
    /// Who reads the log.
    pub log_reading: LogReading,
    /// Whether the log's public files are read without a token.
    pub open_log: bool,
    /// Where payment services may send citizens back to.
    pub return_origins: ReturnOrigins,
    /// Requests that may be worked on at once.
    pub permits: Semaphore,
    /// How often somebody may ask.
    pub rates: Rates,
    /// Event streams that are open.
    pub event_streams: EventStreams,
    /// The store, for its health.
    pub store: Arc<SledStore>,
    /// The keys that it is encrypted under.
    pub keys: KeyRing,
    /// The time.
    pub clock: SystemClock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How vendors sign what they push.
    pub webhooks: HashMap<PluginId, Webhook>,
    /// Cancelled when the gateway is to stop.
    pub stop: CancellationToken,
}

impl Gateway {
    /// Ends when the gateway is to stop: what never ends by itself ends with it.
    pub fn stopping(&self) -> WaitForCancellationFutureOwned {
        self.stop.clone().cancelled_owned()
    }

    /// Whether requests can be taken.
    #[must_use]
    pub fn health(&self) -> HealthStatus {
        let log = self.evidence.log().status();
        if self.stop.is_cancelled() {
            HealthStatus::Stopping
        } else if log.append_failure.is_some() || self.store.failure().is_some() {
            HealthStatus::Unavailable
        } else {
            HealthStatus::Ready
        }
    }
}
