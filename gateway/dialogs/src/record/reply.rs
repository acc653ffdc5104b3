//! What an idempotency key came to.

use dialog_contract::{problem::ProblemType, provider::FieldError, service::Sent};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::CitizenId;

/// Names an idempotency entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReplyKey {
    pub(crate) citizen: CitizenId,
    pub(crate) key: String,
}

impl ReplyKey {
    /// Where it is stored.
    pub(crate) fn at(&self) -> bytes::Bytes {
        crate::keys::reply(self.citizen, &self.key)
    }
}

/// One idempotency entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredReply {
    /// SHA-256 of method, path and body, lower-case hexadecimal.
    pub(crate) fingerprint: String,
    pub(crate) expires: Timestamp,
    pub(crate) progress: Progress,
}

/// How far the request came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Progress {
    /// It is under way, or was when the process died.
    Running,
    /// It was answered.
    Answered { status: u16, body: String, etag: Option<u64>, location: Option<String> },
    /// It was refused after it had begun.
    Refused { problem: String, detail: String, errors: Vec<FieldError>, sent: Sent, retry_after: Option<u32> },
}

/// The problem type with this name.
pub(crate) fn problem_named(name: &str) -> ProblemType {
    ProblemType::ALL.iter().copied().find(|problem| problem.name() == name).unwrap_or(ProblemType::Internal)
}
