//! What every request brings beside its subject.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use dialog_contract::{
    ids::{InvalidId, RequestId},
    limits::Limits,
    service::Locale,
};

use crate::record::reply::fingerprint;

/// One request, as the server edge received it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The request's id, in its log lines, audit records and problems.
    pub id: RequestId,
    /// W3C trace id, 32 lower-case hexadecimal digits.
    pub trace_id: String,
    /// The portal's trace context, for events and calls that it causes.
    pub traceparent: Option<String>,
    /// The citizen's language.
    pub locale: Locale,
    /// When it must have been answered.
    pub deadline: Instant,
    /// HTTP method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// SHA-256 of the body; of nothing where there is none.
    pub body_sha256: [u8; 32],
    /// From `Idempotency-Key`. A change without one is refused.
    pub idempotency_key: Option<IdempotencyKey>,
    /// From `If-Match`: the dialog's revision that the change was decided on.
    pub if_match: Option<u64>,
}

impl Request {
    /// What is left until the deadline.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Tells this request from others under the same idempotency key.
    pub(crate) fn fingerprint(&self, body_sha256: &[u8; 32]) -> String {
        fingerprint(&self.method, &self.path, body_sha256)
    }
}

/// The key under which a change is done once: 1 to 128 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let most = Limits::V1.idempotency_key_characters as usize;
        if text.is_empty() || text.len() > most || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidId { kind: "idempotency key", rule: "must be 1 to 128 visible ASCII characters" });
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_short_visible_ascii() {
        for good in ["a", "01890a5d-ac96-774b-bcce-b302099a8057", &"k".repeat(128)] {
            assert!(good.parse::<IdempotencyKey>().is_ok(), "{good}");
        }
        for bad in ["", "with space", "tab\t", "å", &"k".repeat(129)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad}");
        }
    }
}
