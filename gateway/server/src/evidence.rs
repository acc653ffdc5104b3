//! The audit log behind the domain's port: records become canonical JSON, people become pseudonyms.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use dialog_audit::Log;
use dialog_contract::{
    audit::{MAX_RECORD_BYTES, Record},
    ids::NationalIdentityNumber,
    pseudonym::{AUDIT_CONTEXT, Pseudonyms},
};
use dialog_core::ports::evidence::{Evidence, EvidenceError, Receipt};
use tracing::{Instrument as _, field};

use crate::telemetry::metrics::Metrics;

/// The node's log.
pub struct AuditLog {
    log: Log,
    origin: String,
    pseudonyms: Arc<Pseudonyms>,
    metrics: Arc<Metrics>,
}

impl AuditLog {
    /// Takes an open log.
    #[must_use]
    pub fn new(log: Log, origin: String, pseudonyms: Arc<Pseudonyms>, metrics: Arc<Metrics>) -> Self {
        Self { log, origin, pseudonyms, metrics }
    }

    /// The log itself, for health and closing.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }
}

#[async_trait]
impl Evidence for AuditLog {
    async fn record(&self, record: Record) -> Result<Receipt, EvidenceError> {
        let entry = serde_json::to_vec(&record).map_err(|error| EvidenceError(error.to_string()))?;
        if entry.len() > MAX_RECORD_BYTES {
            return Err(EvidenceError(format!("a record of {} bytes is over the limit", entry.len())));
        }
        let began = Instant::now();
        let span = tracing::info_span!("audit.append", dialog.audit.index = field::Empty);
        let receipt = self.log.append(entry).instrument(span.clone()).await;
        let receipt = receipt.map_err(|error| EvidenceError(error.to_string()))?;
        span.record("dialog.audit.index", receipt.index);
        span.in_scope(|| self.metrics.audit(began.elapsed()));
        Ok(Receipt { origin: self.origin.clone(), index: receipt.index })
    }

    fn pseudonym(&self, person: &NationalIdentityNumber) -> String {
        self.pseudonyms.text(AUDIT_CONTEXT, person)
    }
}
