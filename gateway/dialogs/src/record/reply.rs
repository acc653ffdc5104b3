//! What an idempotency key came to.

use dialog_contract::problem::ProblemType;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{answer::hex, identity::CitizenId};

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
    /// From [`fingerprint`].
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
    /// It was refused after it had begun; the body is the problem as it left.
    Refused { body: String, retry_after: Option<u32> },
}

/// Tells requests under one idempotency key from each other.
pub(crate) fn fingerprint(method: &str, path: &str, body_sha256: &[u8; 32]) -> String {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), path.as_bytes(), body_sha256] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// The problem type with this URI.
pub(crate) fn problem_of(uri: &str) -> ProblemType {
    ProblemType::ALL.iter().copied().find(|problem| problem.uri() == uri).unwrap_or(ProblemType::Internal)
}
