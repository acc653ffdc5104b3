//! The audit log, as the domain writes to it.

use async_trait::async_trait;
use dialog_contract::audit::Record;

/// Where a record stands, for whoever wants to prove it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The log's name (C2SP checkpoint origin).
    pub origin: String,
    /// The record's index in it, from 0.
    pub index: u64,
}

/// Why a record could not be written. The gateway then accepts nothing until it can be.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the audit log cannot be written: {0}")]
pub struct EvidenceError(pub String);

/// The audit log.
///
/// Opened once at start, before any listener. [`Evidence::record`] returns only when the record would survive a power
/// cut; no reply leaves before.
#[async_trait]
pub trait Evidence: Send + Sync + 'static {
    /// Appends a record, durably.
    async fn record(&self, record: Record) -> Result<Receipt, EvidenceError>;

    /// The keyed pseudonym under which a person stands in the log: the same for the same person, and of no use
    /// without the key.
    fn pseudonym(&self, person: &dialog_contract::ids::NationalIdentityNumber) -> String;
}
