//! What leaves: the domain's answers and refusals, and refusals of this edge, all as RFC 9457 problems.

use std::time::Instant;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use dialog_contract::{
    action::Action,
    audit::{OutcomeRecord, RecordKind},
    problem::{Problem, ProblemType},
    provider::FieldError,
    schema::body::BodyError,
    service::{Locale, Sent},
};
use dialog_core::{
    answer::{About, Answer, Refused},
    ports::{
        clock::Clock,
        evidence::{Evidence, Receipt},
    },
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::envelope::Envelope;
use crate::{
    abuse::rates::{Exceeded, Level},
    auth::challenge::Challenge,
    gateway::Gateway,
    hex, limits,
    telemetry::metrics::requests::Through,
};

/// Seconds after which a caller may come back while the audit log or an issuer's keys cannot be had: as long as the
/// domain says.
const UNAVAILABLE_SECONDS: u32 = 5;

/// Where the audit record of a reply stands: the log's origin and the record's index.
const RECEIPT: HeaderName = HeaderName::from_static("audit-receipt");

/// The reply is that of an earlier request with the same idempotency key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A refusal before the domain was asked: nothing was sent. [`super::envelope::wrap`] records it in the audit log and
/// writes it in the caller's language.
#[derive(Debug, Clone)]
pub struct Refusal {
    problem: ProblemType,
    part: Option<String>,
    detail: Option<String>,
    errors: Vec<FieldError>,
    kind: RecordKind,
    why: Option<String>,
    retry_after: Option<u32>,
    recorded: bool,
    exceeded: Option<Level>,
    // Boxed: a refusal is the error of most of the edge, and most refusals have nothing of it.
    more: Option<Box<More>>,
}

/// What is known of few refusals.
#[derive(Debug, Clone, Default)]
struct More {
    /// Why, in one word.
    reason: Option<&'static str>,
    /// Its record, where it has one already.
    receipt: Option<Receipt>,
    /// What a client can mend by itself.
    challenge: Option<Challenge>,
}

impl Refusal {
    /// With the type's own words.
    #[must_use]
    pub const fn of(problem: ProblemType) -> Self {
        Self {
            problem,
            part: None,
            detail: None,
            errors: Vec::new(),
            kind: RecordKind::Outcome,
            why: None,
            retry_after: match problem {
                ProblemType::Unavailable => Some(UNAVAILABLE_SECONDS),
                _ => None,
            },
            recorded: true,
            exceeded: None,
            more: None,
        }
    }

    /// Of which type.
    #[must_use]
    pub const fn problem(&self) -> ProblemType {
        self.problem
    }

    /// With these words in place of the type's own.
    #[must_use]
    pub fn saying(self, detail: String) -> Self {
        Self { detail: Some(detail), ..self }
    }

    /// With a word for programs.
    #[must_use]
    pub fn reasoned(mut self, reason: &'static str) -> Self {
        self.more.get_or_insert_default().reason = Some(reason);
        self
    }

    /// One that is in the audit log already.
    #[must_use]
    pub fn on_record(mut self, receipt: Receipt) -> Self {
        self.more.get_or_insert_default().receipt = Some(receipt);
        self
    }

    /// More requests are worked on than the gateway takes. It is counted and not recorded: a record for each would be
    /// work for those who are to be turned away before any.
    #[must_use]
    pub fn overloaded() -> Self {
        Self { retry_after: Some(limits::RETRY_AFTER_SECONDS), recorded: false, ..Self::of(ProblemType::Unavailable) }
    }

    /// The citizen, or all together, follow as many event streams as there may be. Counted and not recorded, as above.
    #[must_use]
    pub fn too_many_streams() -> Self {
        let retry_after = Some(limits::EVENT_STREAM_RETRY_AFTER_SECONDS);
        Self { retry_after, recorded: false, ..Self::of(ProblemType::TooManyRequests) }
    }

    /// Somebody asks too often. Counted and not recorded, as above.
    #[must_use]
    pub fn too_often(exceeded: Exceeded) -> Self {
        let retry_after = Some(exceeded.seconds());
        Self { retry_after, recorded: false, exceeded: Some(exceeded.level), ..Self::of(ProblemType::TooManyRequests) }
    }

    /// A part of the request that is not well-formed, by its name.
    #[must_use]
    pub fn malformed(part: &str) -> Self {
        Self { part: Some(part.to_owned()), ..Self::of(ProblemType::Malformed) }
    }

    /// A body that is not what it should be.
    #[must_use]
    pub fn body(error: BodyError, locale: Locale) -> Self {
        let detail = Some(error.detail(locale));
        Self { detail, ..Self::of(error.problem()) }.with_errors(error.into_fields())
    }

    fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// With what only the operator and the auditor are told.
    #[must_use]
    pub fn because(self, kind: RecordKind, why: String) -> Self {
        Self { kind, why: Some(why), ..self }
    }

    /// With what a client can mend by itself.
    #[must_use]
    pub fn challenged(mut self, challenge: Challenge) -> Self {
        self.more.get_or_insert_default().challenge = Some(challenge);
        self
    }

    /// Writes it down, then makes of it what leaves.
    #[tracing::instrument(name = "outcome", skip_all)]
    pub async fn record(mut self, gateway: &Gateway, envelope: &Envelope, route: String) -> Response {
        // Nobody fills the audit log without a token.
        if self.kind == RecordKind::TokenRefused
            && let Err(exceeded) = gateway.rates.without_token(Instant::now())
        {
            self = Self { why: self.why, ..Self::too_often(exceeded) };
        }
        if let Some(why) = &self.why {
            tracing::info!(problem = self.problem.name(), why, "refused");
        }
        let body = self.body_for(envelope);
        if let Some(receipt) = self.more.as_mut().and_then(|more| more.receipt.take()) {
            return self.response(gateway, body, Some(&receipt));
        }
        if !self.recorded {
            return self.response(gateway, body, None);
        }
        let mut record = envelope.record(self.kind, Action::RequestRefused, gateway.clock.now());
        record.outcome = Some(OutcomeRecord {
            status: Some(self.problem.status()),
            problem: Some(self.problem.name().to_owned()),
            sent: Some(Sent::No),
        });
        record.reply_sha256 = Some(hex(&Sha256::digest(&body)));
        record.details.insert("route".to_owned(), route);
        record.details.extend(self.why.iter().map(|why| ("why".to_owned(), why.clone())));
        record.details.extend(self.reason().map(|reason| ("reason".to_owned(), reason.to_owned())));
        match gateway.evidence.record(record).await {
            Ok(receipt) => self.response(gateway, body, Some(&receipt)),
            // To be given a nonce does nothing and tells nothing. Without one nobody could read the log that is in trouble.
            Err(_) if self.asks_for_a_nonce() => self.response(gateway, body, None),
            Err(error) => {
                tracing::error!(%error, "a refusal could not be recorded");
                self.unrecorded(gateway, envelope)
            }
        }
    }

    /// What leaves where the audit log cannot be written.
    #[must_use]
    pub fn unrecorded(self, gateway: &Gateway, envelope: &Envelope) -> Response {
        let unavailable = Self::of(ProblemType::Unavailable);
        let body = unavailable.body_for(envelope);
        unavailable.response(gateway, body, None)
    }

    fn response(&self, gateway: &Gateway, body: Bytes, receipt: Option<&Receipt>) -> Response {
        gateway.metrics.problem(self.problem.name());
        if let Some(level) = self.exceeded {
            gateway.metrics.rate_limited(level);
        }
        let mut response = problem(self.problem, body, self.retry_after, receipt, false);
        if let Some(challenge) = self.more.as_ref().and_then(|more| more.challenge.as_ref()) {
            challenge.write(response.headers_mut());
        }
        response
    }

    fn asks_for_a_nonce(&self) -> bool {
        matches!(self.more.as_ref().and_then(|more| more.challenge.as_ref()), Some(Challenge::Nonce(_)))
    }

    fn reason(&self) -> Option<&'static str> {
        self.more.as_ref().and_then(|more| more.reason)
    }

    fn body_for(&self, envelope: &Envelope) -> Bytes {
        let title = self.problem.title(envelope.locale);
        let problem = Problem {
            kind: self.problem.uri(),
            title: title.to_owned(),
            status: self.problem.status(),
            detail: match (&self.part, envelope.locale) {
                (None, _) => self.detail.clone().unwrap_or_else(|| format!("{title}.")),
                (Some(part), Locale::Nb) => format!("Denne delen må rettes: {part}. Ingenting er sendt."),
                (Some(part), Locale::Nn) => format!("Denne delen må rettast: {part}. Ingenting er sendt."),
                (Some(part), Locale::En) => format!("This part must be corrected: {part}. Nothing was sent."),
            },
            reason: self.reason().map(str::to_owned),
            instance: format!("urn:uuid:{}", envelope.request),
            trace_id: envelope.trace_id.clone(),
            errors: self.errors.clone(),
            sent: Sent::No,
        };
        // A problem is texts and numbers: it always has a JSON form.
        serde_json::to_vec(&problem).unwrap_or_default().into()
    }
}

impl IntoResponse for Refusal {
    /// Carries the refusal to [`super::envelope::wrap`].
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What the domain came to.
#[tracing::instrument(name = "reply", skip_all)]
pub fn finish(gateway: &Gateway, ended: Result<Answer, Refused>) -> Response {
    match ended {
        Ok(answer) => {
            let through = went_through(gateway, &answer.about, None);
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let has_body = !answer.body.is_empty();
            let mut response = (status, Body::from(answer.body)).into_response();
            let headers = response.headers_mut();
            if has_body {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            if let Some(location) = answer.location.and_then(|path| HeaderValue::try_from(path).ok()) {
                headers.insert(header::LOCATION, location);
            }
            if let Some(revision) = answer.etag {
                tag(&mut response, revision);
            }
            mark(&mut response, Some(&answer.receipt), answer.replayed);
            response.extensions_mut().extend(through);
            response
        }
        Err(refused) => {
            let through = went_through(gateway, &refused.about, Some(refused.problem));
            gateway.metrics.problem(refused.problem.name());
            let Refused { body, retry_after, receipt, replayed, .. } = refused;
            let mut response = problem(refused.problem, body, retry_after, receipt.as_ref(), replayed);
            response.extensions_mut().extend(through);
            response
        }
    }
}

/// Counts a request that got as far as a provider; what is said of it goes with the reply to [`super::envelope::wrap`],
/// which knows how long it took.
fn went_through(gateway: &Gateway, about: &About, problem: Option<ProblemType>) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    if let Some(through) = Through::of(about) {
        gateway.metrics.outcome(&through, problem);
        extensions.insert(through);
    }
    extensions
}

/// JSON for an operator or an auditor, once it is on record that they looked.
pub async fn shown(
    gateway: &Gateway,
    envelope: &Envelope,
    action: Action,
    content: &impl Serialize,
) -> Result<Response, Refusal> {
    // What is shown is a type of the contract: it always has a JSON form.
    let body = serde_json::to_vec(content).unwrap_or_default();
    let mut record = envelope.record(RecordKind::Outcome, action, gateway.clock.now());
    record.outcome = Some(OutcomeRecord { status: Some(StatusCode::OK.as_u16()), problem: None, sent: None });
    record.reply_sha256 = Some(hex(&Sha256::digest(&body)));
    let receipt = gateway.evidence.record(record).await.map_err(|error| {
        tracing::error!(%error, "that an operator looked could not be recorded");
        Refusal::of(ProblemType::Unavailable)
    })?;
    let mut response = ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response();
    mark(&mut response, Some(&receipt), false);
    Ok(response)
}

fn problem(
    problem: ProblemType,
    body: Bytes,
    retry_after: Option<u32>,
    receipt: Option<&Receipt>,
    replayed: bool,
) -> Response {
    let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Body::from(body)).into_response();
    // For the request's span.
    response.extensions_mut().insert(problem);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if problem == ProblemType::Unauthenticated {
        Challenge::Token.write(headers);
    }
    mark(&mut response, receipt, replayed);
    response
}

/// Says which revision it is of.
pub fn tag(response: &mut Response, revision: u64) {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{revision}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
}

/// Says where the audit record stands, and whether the reply is an earlier one.
pub fn mark(response: &mut Response, receipt: Option<&Receipt>, replayed: bool) {
    let text = receipt.map(|receipt| format!("{} {}", receipt.origin, receipt.index));
    if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
        response.headers_mut().insert(RECEIPT, value);
    }
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
}
