//! `upstream`: HTTP to a remote system that the operator bound to a name of the plugin's.
//!
//! Life cycle: bound at install, counted and watched in every call. What began and what was answered decides what the
//! host says of `sent` when the plugin cannot say it, or says what cannot be:
//!
//! - A request that is not a GET *begins* when its first byte may leave, and is *answered* by any whole HTTP response.
//!   No connection, a breaker that is open or credentials that could not be had: it did not begin.
//! - A call that trapped, ran out of time or broke the contract: `no` if nothing began, else `unknown`. An answer that
//!   came is then not enough for `yes`, because only the plugin understands it.
//! - A plugin that says `no` while something began and was not answered is corrected to `unknown`. Where everything was
//!   answered, the plugin is believed: a vendor may say no with any status.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use dialog_contract::{audit::UpstreamRecord, service::Sent};
use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderValue, Method};
use tokio::time::Instant;
use tracing::{Instrument as _, field};
use uuid::Uuid;

use crate::{
    bindings::host::upstream as wit,
    call::Call,
    limits::{ERROR_LINE_BYTES, LAST_WORDS, Limits, length},
    observe::UpstreamEnded,
    scrub,
    upstream::{
        Answer, Request, SendError, Upstream,
        body::{Body, BodyError, BodyStream, Segment},
        breaker::Change,
        headers, path,
    },
};

/// What one call asked of remote systems.
pub(crate) struct Requests {
    bound: Arc<BTreeMap<String, Arc<Upstream>>>,
    left: u64,
    most_body_bytes: u64,
    most_header_bytes: usize,
    most_target_bytes: usize,
    made: Vec<Made>,
    pub(crate) sent: Sending,
}

/// One request; without an end while it is under way.
struct Made {
    name: String,
    method: &'static str,
    began: Instant,
    end: Option<(Result<u16, &'static str>, std::time::Duration)>,
}

impl Requests {
    pub(crate) fn new(bound: Arc<BTreeMap<String, Arc<Upstream>>>, limits: &Limits) -> Self {
        Self {
            bound,
            left: limits.upstream_requests,
            most_body_bytes: limits.upstream_body_bytes,
            most_header_bytes: length(limits.upstream_header_bytes),
            most_target_bytes: length(limits.upstream_target_bytes),
            made: Vec::new(),
            sent: Sending::default(),
        }
    }

    /// For the audit log.
    pub(crate) fn records(&self) -> Vec<UpstreamRecord> {
        self.made
            .iter()
            .map(|made| {
                let (result, took) = made.end.unwrap_or_else(|| (Err("stopped"), made.began.elapsed()));
                UpstreamRecord {
                    name: made.name.clone(),
                    method: made.method.to_owned(),
                    status: result.ok(),
                    error: result.err().map(str::to_owned),
                    microseconds: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                }
            })
            .collect()
    }
}

/// Which requests that are not GETs began, and which of them were answered.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sending {
    began: u32,
    answered: u32,
}

impl Sending {
    /// What is known when the plugin could not say it.
    pub(crate) const fn without_word(self) -> Sent {
        if self.began == 0 { Sent::No } else { Sent::Unknown }
    }

    /// What is known when the plugin says `claimed`.
    pub(crate) const fn corrected(self, claimed: Sent) -> Sent {
        match claimed {
            Sent::No if self.began > self.answered => Sent::Unknown,
            claimed => claimed,
        }
    }
}

/// An attachment in a body: the blob and its size.
type Blob = (Uuid, u64);

impl Call {
    fn prepare(&self, upstream: &Upstream, request: wit::Request) -> Result<Request<Blob>, wit::Error> {
        let forbidden = |rule: &str| wit::Error::Forbidden(rule.to_owned());
        let requests = &self.requests;
        let url = path::join(upstream.base(), &request.path, &request.query, requests.most_target_bytes)
            .map_err(forbidden)?;
        let mut headers = headers::check(&request.headers, upstream.reserved(), requests.most_header_bytes)
            .map_err(wit::Error::Forbidden)?;
        // Of the request's own span where there is one, else of the call's.
        let current = self.ports.traceparent.current();
        if let Some(parent) = current.as_ref().or(self.identity.traceparent.as_ref())
            && let Ok(value) = HeaderValue::from_str(parent.as_str())
        {
            headers.insert("traceparent", value);
        }
        let method = method(request.method);
        if method == Method::GET && !request.body.is_empty() {
            return Err(forbidden("a GET has no body"));
        }
        let mut segments = Vec::with_capacity(request.body.len());
        for segment in request.body {
            segments.push(match segment {
                wit::Segment::Bytes(bytes) => Segment::Bytes(Bytes::from(bytes)),
                wit::Segment::Attachment(handle) => match self.attachments.find(&handle) {
                    Some(known) => Segment::Attachment(known.blob()),
                    None => return Err(forbidden("the body names an attachment that this call does not have")),
                },
                wit::Segment::Base64Open => Segment::Open,
                wit::Segment::Base64Close => Segment::Close,
                wit::Segment::Credentials => Segment::Credentials,
            });
        }
        let body = Body::new(segments, |(_, size)| *size, requests.most_body_bytes).map_err(forbidden)?;
        upstream.fits(&body).map_err(forbidden)?;
        Ok(Request { method, url, headers, body })
    }

    /// Sends; `first` says when the first byte could leave.
    async fn send_bound(
        &mut self,
        name: String,
        upstream: &Upstream,
        request: Request<Blob>,
        first: &mut Option<Instant>,
    ) -> Result<Answer, SendError> {
        let changes = request.method != Method::GET;
        let blobs = Arc::clone(self.attachments.blobs());
        let open = move |(id, _): Blob| {
            let blobs = Arc::clone(&blobs);
            let opened = async move { blobs.open(id, 0).await };
            let stream = futures_util::stream::once(opened).try_flatten();
            Box::pin(stream.map(|part| part.map_err(|error| BodyError(error.to_string())))) as BodyStream
        };
        let plugin = self.identity.plugin.clone();
        let changed = |change| match change {
            Change::Opened => tracing::warn!(%plugin, upstream = %name, "the upstream's breaker opened"),
            Change::Closed => tracing::info!(%plugin, upstream = %name, "the upstream's breaker closed"),
        };
        // The plugin shall have time to say what happened; a call that has less than that left is at its end anyway.
        let deadline = self.deadline.checked_sub(LAST_WORDS).unwrap_or(self.deadline);
        let sent = &mut self.requests.sent;
        let before = *sent;
        let began = || {
            first.get_or_insert_with(Instant::now);
            if changes {
                sent.began = before.began + 1;
            }
        };
        let outcome = upstream.send(&request, open, deadline, began, changed).await;
        let sent = &mut self.requests.sent;
        match &outcome {
            Ok(_) if changes => sent.answered += 1,
            // Refused with 401, or never begun: either way it did not reach what it was for.
            Err(SendError::Unreachable(_) | SendError::Credentials(_)) => *sent = before,
            Ok(_) | Err(SendError::Interrupted(_) | SendError::TooLarge) => {}
        }
        outcome
    }
}

impl wit::Host for Call {
    async fn send(&mut self, request: wit::Request) -> Result<wit::Response, wit::Error> {
        let Some(left) = self.requests.left.checked_sub(1) else {
            self.refusals.tell(&self.identity, "upstream.send", "over the requests of one call");
            return Err(wit::Error::TooMany);
        };
        self.requests.left = left;
        let Some(upstream) = self.requests.bound.get(&request.upstream).cloned() else {
            self.refusals.tell(&self.identity, "upstream.send", "an upstream that is not granted");
            return Err(wit::Error::NotGranted);
        };
        let name = request.upstream.clone();
        let method = named(&self::method(request.method));
        // By the semantic conventions of HTTP clients, but for the path, which may hold what is about a person.
        let span = tracing::info_span!(
            "upstream.request",
            otel.name = method,
            otel.kind = "client",
            otel.status_code = field::Empty,
            "error.type" = field::Empty,
            http.request.method = method,
            http.response.status_code = field::Empty,
            server.address = upstream.base().host_str(),
            server.port = upstream.base().port_or_known_default(),
            dialog.plugin.id = %self.identity.plugin,
            dialog.upstream = %name,
        );
        let prepared = span.in_scope(|| self.prepare(&upstream, request));
        if let Err(wit::Error::Forbidden(rule)) = &prepared {
            self.refusals.tell(&self.identity, "upstream.send", &scrub::line(rule, ERROR_LINE_BYTES));
        }
        let request = prepared?;
        let began = Instant::now();
        self.requests.made.push(Made { name: name.clone(), method, began, end: None });
        let mut first = None;
        let outcome = self.send_bound(name.clone(), &upstream, request, &mut first).instrument(span.clone()).await;
        let (took, waited) = (began.elapsed(), first.map(|first| first - began));
        let result = match &outcome {
            Ok(answer) => Ok(answer.status),
            Err(error) => Err(error_name(error)),
        };
        match result {
            Ok(status) => {
                span.record("http.response.status_code", status);
                if status >= 400 {
                    span.record("error.type", status.to_string().as_str());
                    span.record("otel.status_code", "ERROR");
                }
            }
            Err(name) => {
                span.record("error.type", name);
                span.record("otel.status_code", "ERROR");
            }
        }
        if let Some(made) = self.requests.made.last_mut() {
            made.end = Some((result, took));
        }
        let who = &self.identity;
        match &outcome {
            Ok(answer) => tracing::debug!(
                plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(), upstream = %name, method,
                status = answer.status, "upstream answered"
            ),
            Err(error) => tracing::warn!(
                plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(), upstream = %name, method, %error,
                "upstream did not answer"
            ),
        }
        let ended = UpstreamEnded { plugin: &who.plugin, upstream: &name, method, result, took, waited };
        span.in_scope(|| self.ports.observer.upstream(&ended));
        match outcome {
            Ok(Answer { status, headers, body }) => Ok(wit::Response { status, headers, body }),
            Err(SendError::Unreachable(why)) => Err(wit::Error::Unreachable(why.to_owned())),
            Err(SendError::Interrupted(why)) => Err(wit::Error::Interrupted(why.to_owned())),
            Err(SendError::TooLarge) => Err(wit::Error::TooLarge),
            // Why is the operator's affair.
            Err(SendError::Credentials(_)) => Err(wit::Error::Credentials),
        }
    }
}

fn method(method: wit::Method) -> Method {
    match method {
        wit::Method::Get => Method::GET,
        wit::Method::Post => Method::POST,
        wit::Method::Put => Method::PUT,
        wit::Method::Patch => Method::PATCH,
        wit::Method::Delete => Method::DELETE,
    }
}

fn named(method: &Method) -> &'static str {
    match *method {
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "GET",
    }
}

const fn error_name(error: &SendError) -> &'static str {
    match error {
        SendError::Unreachable(_) => "unreachable",
        SendError::Interrupted(_) => "interrupted",
        SendError::TooLarge => "too-large",
        SendError::Credentials(_) => "credentials",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_sent_follows_from_what_began_and_what_was_answered() {
        let nothing = Sending::default();
        assert_eq!(nothing.without_word(), Sent::No);
        assert_eq!(nothing.corrected(Sent::No), Sent::No);
        let open = Sending { began: 2, answered: 1 };
        assert_eq!(open.without_word(), Sent::Unknown);
        assert_eq!(open.corrected(Sent::No), Sent::Unknown);
        assert_eq!(open.corrected(Sent::Yes), Sent::Yes);
        let answered = Sending { began: 1, answered: 1 };
        assert_eq!(answered.without_word(), Sent::Unknown);
        assert_eq!(answered.corrected(Sent::No), Sent::No);
    }
}
