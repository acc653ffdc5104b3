//! The audit log, as the domain reads from it: for people who ask what is in it about them.

use async_trait::async_trait;
use dialog_contract::{audit::Record, ids::RequestId};

/// A record with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Index in the log, from 0.
    pub index: u64,
    /// What it says.
    pub record: Record,
}

/// Why the log cannot be read now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrailsError {
    /// It is worth asking again in a moment: what is asked for is not published yet, or the index is being made.
    #[error("the audit log is not ready to be read: {0}")]
    NotYet(String),
    /// It is damaged, or the disk is.
    #[error("the audit log cannot be read: {0}")]
    Unreadable(String),
}

/// Records of the audit log, found by whom they are about. Everything is as the published checkpoint has it.
///
/// Opened once at start, after the log; every method may be called at any time from then on.
#[async_trait]
pub trait Trails: Send + Sync + 'static {
    /// The record at `index`; none beyond the log, and none where its content has been removed after its time.
    async fn record(&self, index: u64) -> Result<Option<Record>, TrailsError>;

    /// Records about a person or by them, by pseudonym: those before the index `before`, the newest first, at most
    /// `limit`.
    async fn of_person(&self, person: &str, before: Option<u64>, limit: usize) -> Result<Vec<Placed>, TrailsError>;

    /// Records of a request that stand after `index`.
    async fn of_request(&self, request: RequestId, after: u64) -> Result<Vec<Placed>, TrailsError>;

    /// The proof that the record at `index` is in the log (C2SP tlog-proof), with the record in it; none beyond the
    /// log. Waits a moment for what was recorded just now.
    async fn proof(&self, index: u64) -> Result<Option<String>, TrailsError>;
}
