//! How a request ends: with an answer or refused, and either way with the receipt of its audit record.

use bytes::Bytes;
use dialog_contract::{
    ids::{HerId, PluginId, RequestId},
    problem::{Problem, ProblemType},
    provider::{Failure, Fault, FieldError, Outage},
    service::{Locale, Sent, Service},
};
use sha2::{Digest, Sha256};

use crate::{
    ports::{evidence::Receipt, store::StoreError},
    texts,
};

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The JSON that leaves; its hash is in the audit log.
    pub body: Bytes,
    /// The dialog's revision.
    pub etag: Option<u64>,
    /// The path of what was made.
    pub location: Option<String>,
    /// Where the audit record stands.
    pub receipt: Receipt,
    /// It is the stored reply to an earlier request with the same idempotency key.
    pub replayed: bool,
    /// For metrics.
    pub about: About,
}

/// A request that was refused.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Why.
    pub problem: ProblemType,
    /// The problem as `application/problem+json`; its hash is in the audit log.
    pub body: Bytes,
    /// What happened and what can be done, in the citizen's language.
    pub detail: String,
    /// The fields that can be mended.
    pub errors: Vec<FieldError>,
    /// Whether anything was sent to the provider.
    pub sent: Sent,
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u32>,
    /// Where the audit record stands; none only where the audit log cannot be written, or time ran out before.
    pub receipt: Option<Receipt>,
    /// It is the stored reply to an earlier request with the same idempotency key.
    pub replayed: bool,
    /// For metrics.
    pub about: About,
}

/// What a request was about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Which service.
    pub service: Option<Service>,
    /// Which office.
    pub office: Option<HerId>,
    /// Through which plugin.
    pub plugin: Option<PluginId>,
}

/// An answer that has no receipt yet.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) etag: Option<u64>,
    pub(crate) location: Option<String>,
}

impl Reply {
    pub(crate) fn json<T: serde::Serialize>(status: u16, body: &T) -> Result<Self, Refusal> {
        match serde_json::to_vec(body) {
            Ok(body) => Ok(Self { status, body: body.into(), etag: None, location: None }),
            Err(error) => {
                tracing::error!(line = error.line(), "a reply has no JSON form");
                Err(Refusal::internal(Locale::Nb))
            }
        }
    }
}

/// A refusal that has no receipt yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) problem: ProblemType,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) sent: Sent,
    pub(crate) retry_after: Option<u32>,
}

impl Refusal {
    /// A refusal before anything was sent.
    pub(crate) fn new(problem: ProblemType, detail: impl Into<String>) -> Self {
        Self { problem, detail: detail.into(), errors: Vec::new(), sent: Sent::No, retry_after: None }
    }

    /// Fields that can be mended.
    pub(crate) fn invalid(locale: Locale, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(ProblemType::Invalid, texts::fields_invalid(locale)) }
    }

    /// One part of the request that is not well-formed, named by `name`.
    pub(crate) fn malformed(locale: Locale, name: &str) -> Self {
        Self::new(ProblemType::Malformed, texts::malformed(name, locale))
    }

    pub(crate) fn not_found(locale: Locale) -> Self {
        Self::new(ProblemType::NotFound, texts::not_found(locale))
    }

    pub(crate) fn internal(locale: Locale) -> Self {
        Self::new(ProblemType::Internal, texts::internal(locale))
    }

    /// The gateway cannot do it now, and did nothing.
    pub(crate) fn unavailable(locale: Locale) -> Self {
        Self { retry_after: Some(5), ..Self::new(ProblemType::Unavailable, texts::unavailable(locale)) }
    }

    pub(crate) fn with_sent(self, sent: Sent) -> Self {
        Self { sent, ..self }
    }

    /// The store did not answer; the operator is told why.
    pub(crate) fn of_store(error: &StoreError, locale: Locale) -> Self {
        tracing::error!(%error, "the store");
        match error {
            StoreError::Conflict { .. } | StoreError::NoKey(_) | StoreError::Unavailable(_) => {
                Self::unavailable(locale)
            }
            StoreError::TooLarge { .. } | StoreError::Damaged(_) => Self::internal(locale),
        }
    }

    /// What a provider's failure is to the citizen: one to one.
    pub(crate) fn of_failure(failure: &Failure, locale: Locale) -> Self {
        match failure {
            Failure::Invalid(errors) => Self::invalid(locale, errors.clone()),
            Failure::Declined(reason) => Self::new(ProblemType::Declined, reason.text.clone()),
            Failure::Conflict(reason) => Self::new(ProblemType::Conflict, reason.text.clone()),
            Failure::NotFound(reason) => Self::new(ProblemType::NotFound, reason.text.clone()),
            Failure::Unavailable(outage) => Self {
                retry_after: outage.retry_after,
                ..Self::new(ProblemType::ProviderUnavailable, texts::provider_unavailable(outage.sent, locale))
                    .with_sent(outage.sent)
            },
            Failure::Faulty(fault) => {
                Self::new(ProblemType::ProviderFaulty, texts::provider_faulty(fault.sent, locale)).with_sent(fault.sent)
            }
        }
    }

    /// What a provider's failure to answer a question is. Nothing of the citizen's was handed over with it, whatever the
    /// plugin or its deadline could tell.
    pub(crate) fn of_question(failure: &Failure, locale: Locale) -> Self {
        match failure {
            Failure::Unavailable(outage) => {
                Self::of_failure(&Failure::Unavailable(Outage { sent: Sent::No, ..outage.clone() }), locale)
            }
            Failure::Faulty(fault) => {
                Self::of_failure(&Failure::Faulty(Fault { sent: Sent::No, ..fault.clone() }), locale)
            }
            other => Self::of_failure(other, locale),
        }
    }

    /// The problem as it leaves.
    pub(crate) fn body(&self, request: RequestId, trace_id: &str, locale: Locale) -> Bytes {
        let problem = Problem {
            kind: self.problem.uri(),
            title: self.problem.title(locale).into(),
            status: self.problem.status(),
            detail: self.detail.clone(),
            reason: None,
            instance: format!("urn:uuid:{request}"),
            trace_id: trace_id.into(),
            errors: self.errors.clone(),
            sent: self.sent,
        };
        serde_json::to_vec(&problem).map(Bytes::from).unwrap_or_default()
    }
}

/// How a use case ended. Where there is a receipt, the outcome is in the audit log already.
#[derive(Debug)]
pub(crate) enum Ended {
    Answered { reply: Reply, receipt: Option<Receipt>, replayed: bool },
    Refused { refusal: Refusal, body: Bytes, receipt: Option<Receipt>, replayed: bool },
}

impl Ended {
    pub(crate) const fn answered(reply: Reply) -> Self {
        Self::Answered { reply, receipt: None, replayed: false }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
