//! What every request has, whoever calls: an id, a trace, a language, a deadline; and what is said of it afterwards.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use dialog_contract::{
    action::Action,
    audit::{Actor, ActorRole, Record, RecordKind, RepresentationRecord},
    ids::RequestId,
    limits::Limits,
    problem::ProblemType,
    service::Locale,
};
use dialog_core::request::{IdempotencyKey, Request as Meta};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};
use jiff::Timestamp;
use tracing::{Instrument, field};

use super::{body, reply::Refusal};
use crate::{
    auth::challenge::DPOP_NONCE,
    gateway::Gateway,
    telemetry::{
        metrics::{exemplar::Exemplar, requests::Through},
        stage, trace_context,
    },
    tls::peer::Peer,
};

/// The header that names the request towards whoever calls.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every request has.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Names the request in logs, traces, problems and the audit log.
    pub request: RequestId,
    /// W3C trace id.
    pub trace_id: String,
    /// For whoever is called on the way.
    pub traceparent: String,
    /// The citizen's language.
    pub locale: Locale,
    /// When the whole request must have been answered.
    pub deadline: Instant,
    /// Who calls, once that is known.
    pub(super) caller: Arc<OnceLock<Caller>>,
    /// The nonce that the caller's next proof should have, where it is time for another.
    pub(super) nonce: Arc<OnceLock<String>>,
}

/// Who calls, for whom: what a record says of a request that did not get as far as the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The citizen whom it is about, by pseudonym.
    pub citizen: Option<String>,
    /// Where that citizen is not who calls.
    pub representation: Option<RepresentationRecord>,
}

impl From<Actor> for Caller {
    fn from(actor: Actor) -> Self {
        Self { actor, citizen: None, representation: None }
    }
}

impl Envelope {
    /// The envelope that [`wrap`] put around the request.
    #[must_use]
    pub fn of(parts: &http::request::Parts) -> Self {
        parts.extensions.get::<Self>().cloned().expect("`wrap` stands around every route")
    }
}

impl Envelope {
    /// Says who calls.
    pub fn called_by(&self, caller: impl Into<Caller>) {
        // Set once: a route has one caller.
        let _ = self.caller.set(caller.into());
    }

    /// Gives the caller a nonce for its next proof.
    pub fn next_nonce(&self, nonce: String) {
        // Set once: a request has one proof.
        let _ = self.nonce.set(nonce);
    }

    /// Who calls; nobody where that could not be told.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.caller().actor
    }

    fn caller(&self) -> Caller {
        let nobody = || Actor { role: ActorRole::Unknown, client: "unknown".to_owned(), person: None, level: None };
        self.caller.get().cloned().unwrap_or_else(|| nobody().into())
    }

    /// A record of this request, to be completed. Where the caller could not be told, it is of nobody.
    #[must_use]
    pub fn record(&self, kind: RecordKind, action: Action, now: Timestamp) -> Record {
        let caller = self.caller();
        Record {
            request: Some(self.request),
            trace_id: Some(self.trace_id.clone()),
            citizen: caller.citizen,
            representation: caller.representation,
            ..Record::new(now, kind, action, caller.actor)
        }
    }

    /// The request as the domain sees it; nothing is to change.
    #[must_use]
    pub fn domain(&self, request: &Request) -> Meta {
        self.meta(request, None, None)
    }

    /// The request as the domain sees it; something is to change.
    pub fn change(&self, request: &Request) -> Result<Meta, Refusal> {
        let key = body::idempotency_key(request.headers())?;
        Ok(self.meta(request, Some(key), body::if_match(request.headers())?))
    }

    /// The request as the domain sees it; something is to be as the request says, however often it is asked.
    pub fn replacement(&self, request: &Request) -> Result<Meta, Refusal> {
        Ok(self.meta(request, None, body::if_match(request.headers())?))
    }

    fn meta(&self, request: &Request, idempotency_key: Option<IdempotencyKey>, if_match: Option<u64>) -> Meta {
        Meta {
            id: self.request,
            trace_id: self.trace_id.clone(),
            traceparent: Some(self.traceparent.clone()),
            locale: self.locale,
            deadline: self.deadline,
            method: request.method().to_string(),
            path: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
            body_sha256: body::digest(b""),
            idempotency_key,
            if_match,
        }
    }
}

/// Begins and ends a request.
pub async fn wrap(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::new();
    // The template, never the path: paths hold ids, and labels must be few.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_name(request.method());
    let span = tracing::info_span!(
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        "error.type" = field::Empty,
        http.request.method = method,
        http.route = %route,
        http.response.status_code = field::Empty,
        network.protocol.version = version(request.version()),
        url.scheme = if request.extensions().get::<Peer>().is_some_and(|peer| peer.encrypted) { "https" } else { "http" },
        request.id = %id,
        trace_id = field::Empty,
    );
    trace_context::adopt(&span, request.headers());
    let (trace_id, traceparent) = trace_context::of(&span);
    span.record("trace_id", trace_id.as_str());
    let envelope = Envelope {
        request: id,
        trace_id,
        traceparent,
        locale: locale(request.headers()),
        deadline: started + Duration::from_secs(Limits::V1.request_seconds.into()),
        caller: Arc::default(),
        nonce: Arc::default(),
    };
    request.extensions_mut().insert(envelope.clone());

    // A task of its own: a caller that hangs up does not stop a request that has begun to change things.
    let handled = tokio::spawn(next.run(request).instrument(span.clone()));
    let mut response = match handled.await {
        Ok(response) => response,
        Err(error) => {
            span.in_scope(|| tracing::error!(panic = error.is_panic(), "a handler did not come to its end"));
            Refusal::of(ProblemType::Internal).into_response()
        }
    };
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = refusal.record(&gateway, &envelope, format!("{method} {route}")).instrument(span.clone()).await;
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }

    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    let problem = response.extensions_mut().remove::<ProblemType>();
    // By the semantic conventions of HTTP servers: what is the caller's to mend is no error of ours.
    if status >= 500 {
        span.record("error.type", problem.map_or("_OTHER", ProblemType::name));
        span.record("otel.status_code", "ERROR");
    }
    let took = started.elapsed();
    gateway.metrics.stages(&stage::spent(&span), Exemplar::of(&span).as_ref());
    let through = response.extensions_mut().remove::<Through>();
    gateway.metrics.request(method, &route, status, took, through, Exemplar::of(&span));
    span.in_scope(|| tracing::info!(status, microseconds = took.as_micros(), "answered"));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(nonce) = envelope.nonce.get().and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        headers.insert(DPOP_NONCE, nonce);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Turns requests away while as many are worked on as the gateway takes, before anything is done for them. Whether it
/// is healthy is always told.
pub async fn shed(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/health/") {
        return next.run(request).await;
    }
    match gateway.permits.try_acquire() {
        Ok(_permit) => next.run(request).await,
        Err(_) => Refusal::overloaded().into_response(),
    }
}

/// As the semantic conventions write it.
fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// Methods that the API does not have are one label.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// The best of the three languages by `Accept-Language` (RFC 9110); Bokmål where none is asked for.
pub fn locale(headers: &HeaderMap) -> Locale {
    let Some(wanted) = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()) else {
        return Locale::Nb;
    };
    let mut best = (0.0, Locale::Nb);
    for range in wanted.split(',').take(16) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
        let locale = match tag.split('-').next() {
            Some("nb" | "no" | "*") => Locale::Nb,
            Some("nn") => Locale::Nn,
            Some("en") => Locale::En,
            _ => continue,
        };
        if quality > best.0 {
            best = (quality, locale);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_language_that_is_wanted_most_wins_and_bokmal_is_the_default() {
        for (wanted, expected) in [
            ("", Locale::Nb),
            ("nn", Locale::Nn),
            ("nn-NO, nb;q=0.9", Locale::Nn),
            ("de, en;q=0.3, nn;q=0.8", Locale::Nn),
            ("en-GB", Locale::En),
            ("no", Locale::Nb),
            ("fr, de", Locale::Nb),
            ("en;q=0", Locale::Nb),
            ("en;q=garbage", Locale::Nb),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_str(wanted).unwrap());
            assert_eq!(locale(&headers), expected, "{wanted}");
        }
    }
}
