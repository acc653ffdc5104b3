//! The audit log, as the domain reads from it: for people who ask what is in it about them. Also the logs that it
//! continues, which have ended: each is named by its origin, and an index counts in one of them.

use async_trait::async_trait;
use dialog_contract::{audit::Record, ids::RequestId};
use jiff::Timestamp;

/// A record with its place in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Index in the log, from 0.
    pub index: u64,
    /// What it says.
    pub record: Record,
}

/// How a log begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beginning {
    /// When; nothing where that cannot be told.
    pub time: Option<Timestamp>,
    /// The origin of the log that it continues. It may be one of which nothing is here.
    pub continues: Option<String>,
}

/// Why a log cannot be read now.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TrailsError {
    /// It is worth asking again in a moment: what is asked for is not published yet, or the index is being made.
    #[error("the audit log is not ready to be read: {0}")]
    NotYet(String),
    /// It is damaged, or the disk is, or it is not where it was.
    #[error("the audit log cannot be read: {0}")]
    Unreadable(String),
    /// It is neither the log that is written to nor one before it.
    #[error("there is no such audit log here")]
    Unknown,
}

/// Records of the audit logs, found by whom they are about. Everything is as the published checkpoint has it.
///
/// Opened once at start, after the log; every method may be called at any time from then on. A request is recorded in
/// one log: none outlives the gateway that a log is sealed behind.
#[async_trait]
pub trait Trails: Send + Sync + 'static {
    /// The logs that are to be here, the newest first: the one that is written to, then those before it. Never empty,
    /// and the same until the gateway stops.
    fn origins(&self) -> Vec<String>;

    /// How a log begins. What it continues is told also while it cannot be read, where one before it is to be here; no
    /// chain of logs leads back to where it began.
    async fn beginning(&self, origin: &str) -> Result<Beginning, TrailsError>;

    /// The record at `index`; none beyond the log, and none where its content has been removed after its time.
    async fn record(&self, origin: &str, index: u64) -> Result<Option<Record>, TrailsError>;

    /// Records about a person or by them, by pseudonym: those before the index `before`, the newest first, at most
    /// `limit`.
    async fn of_person(
        &self,
        origin: &str,
        person: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Placed>, TrailsError>;

    /// Records of a request that stand after `index`.
    async fn of_request(&self, origin: &str, request: RequestId, after: u64) -> Result<Vec<Placed>, TrailsError>;

    /// The proof that the record at `index` is in the log (C2SP tlog-proof), with the record in it; none beyond the
    /// log. In the log that is written to, waits a moment for what was recorded just now.
    async fn proof(&self, origin: &str, index: u64) -> Result<Option<String>, TrailsError>;
}
