//! Bodies and the headers that go with them: bounded, of the right kind, within their schema, before anything else
//! looks at them.

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use dialog_contract::{
    limits::Limits,
    problem::ProblemType,
    schema::{self, Resource},
};
use dialog_core::request::{IdempotencyKey, Request as Meta};
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::{envelope::Envelope, reply::Refusal};
use crate::abuse::slow_body::TooSlow;

/// Reads a JSON body, holds it against the schema of `resource`, and notes its digest in `meta`.
#[tracing::instrument(name = "validate", skip_all)]
pub async fn json<T: DeserializeOwned>(
    resource: Resource,
    envelope: &Envelope,
    request: Request,
    meta: &mut Meta,
) -> Result<T, Refusal> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        return Err(Refusal::of(ProblemType::UnsupportedMediaType));
    }
    let bytes = bounded(envelope, &parts.headers, body, Limits::V1.body_bytes).await?;
    meta.body_sha256 = digest(&bytes);
    schema::body::parse(resource, &bytes, envelope.locale).map_err(|error| Refusal::body(error, envelope.locale))
}

/// Reads the body of a request that needs none: nothing, or an empty JSON object.
#[tracing::instrument(name = "validate", skip_all)]
pub async fn nothing(envelope: &Envelope, request: Request, meta: &mut Meta) -> Result<(), Refusal> {
    let (parts, body) = request.into_parts();
    let bytes = bounded(envelope, &parts.headers, body, Limits::V1.body_bytes).await?;
    meta.body_sha256 = digest(&bytes);
    if !bytes.is_empty() {
        if !is_json(&parts.headers) {
            return Err(Refusal::of(ProblemType::UnsupportedMediaType));
        }
        schema::body::parse::<serde_json::Value>(Resource::Empty, &bytes, envelope.locale)
            .map_err(|error| Refusal::body(error, envelope.locale))?;
    }
    Ok(())
}

/// Reads at most `limit` bytes, until the request's deadline; says so without reading on when there are more.
pub async fn bounded(envelope: &Envelope, headers: &HeaderMap, body: Body, limit: u64) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::of(ProblemType::TooLarge);
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > limit) {
        return Err(too_large());
    }
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let deadline = tokio::time::Instant::from_std(envelope.deadline);
    let late = |_| Refusal::malformed("body: it did not arrive within the time for a request");
    while let Some(chunk) = tokio::time::timeout_at(deadline, stream.next()).await.map_err(late)? {
        let chunk = chunk.map_err(|error| match TooSlow::is(&error) {
            true => Refusal::malformed("body: it came too slowly"),
            // The caller broke off: nobody is there to read the answer.
            false => Refusal::of(ProblemType::Malformed),
        })?;
        if bytes.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

/// Whether the body is said to be of this kind, with or without parameters.
pub fn is(headers: &HeaderMap, kind: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|said| said.trim().eq_ignore_ascii_case(kind))
}

/// `Idempotency-Key`: 1 to 128 visible ASCII characters, once.
pub fn idempotency_key(headers: &HeaderMap) -> Result<IdempotencyKey, Refusal> {
    let mut all = headers.get_all("idempotency-key").iter();
    let Some(value) = all.next() else {
        return Err(Refusal::of(ProblemType::IdempotencyKeyMissing));
    };
    // Of two keys nobody can say under which the reply is kept.
    if all.next().is_some() {
        return Err(Refusal::malformed("Idempotency-Key"));
    }
    value.to_str().ok().and_then(|key| key.parse().ok()).ok_or_else(|| Refusal::malformed("Idempotency-Key"))
}

/// `If-Match` (RFC 9110, 13.1.1): the revision that must be the present one; `*` asks for any, as does no header.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    match headers.get(header::IF_MATCH) {
        None => Ok(None),
        Some(value) if value == "*" => Ok(None),
        Some(value) => revision(value).map(Some).ok_or_else(|| Refusal::malformed("If-Match")),
    }
}

/// `If-None-Match` (RFC 9110, 13.1.2): the revision that is known; compared weakly, so that `W/` before it says nothing.
pub fn if_none_match(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(header::IF_NONE_MATCH) else { return Ok(None) };
    let strong = HeaderValue::from_bytes(value.as_bytes().strip_prefix(b"W/").unwrap_or(value.as_bytes()));
    let revision = strong.ok().as_ref().and_then(revision);
    revision.map(Some).ok_or_else(|| Refusal::malformed("If-None-Match"))
}

/// The number in our own entity tags, which are revisions in quotes.
fn revision(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// SHA-256 of a body: by it the domain tells two requests with the same idempotency key apart.
#[must_use]
pub fn digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use dialog_contract::{ids::RequestId, service::Locale};

    use super::*;

    #[tokio::test]
    async fn a_body_that_does_not_come_within_the_requests_time_is_refused() {
        let envelope = Envelope {
            request: RequestId::new(),
            trace_id: String::new(),
            traceparent: String::new(),
            locale: Locale::Nb,
            deadline: Instant::now(),
            caller: Arc::default(),
            nonce: Arc::default(),
        };
        let silent = || Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert!(bounded(&envelope, &HeaderMap::new(), silent(), 10).await.is_err());
        let there = bounded(&envelope, &HeaderMap::new(), Body::from("here"), 4).await;
        assert!(there.is_ok_and(|bytes| bytes == "here"));
    }

    #[test]
    fn an_entity_tag_is_a_revision_and_an_asterisk_is_any() {
        let tag = |name, value: &'static str| HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        for (value, expected) in [("\"5\"", Some(Some(5))), ("*", Some(None)), ("5", None), ("\"x\"", None), ("", None)]
        {
            assert_eq!(if_match(&tag(header::IF_MATCH, value)).ok(), expected, "{value}");
        }
        for (value, expected) in [("\"5\"", Some(5)), ("W/\"5\"", Some(5)), ("*", None), ("W/", None)] {
            assert_eq!(if_none_match(&tag(header::IF_NONE_MATCH, value)).ok().flatten(), expected, "{value}");
        }
        assert!(if_match(&HeaderMap::new()).is_ok_and(|none| none.is_none()));
    }
}
