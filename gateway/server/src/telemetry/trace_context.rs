//! W3C trace context: the portal's `traceparent` in, one for the upstreams out.

use dialog_host::{TraceSource, trace::Traceparent};
use http::HeaderMap;
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::limits::TRACE_HEADER_BYTES;

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok()).filter(|value| value.len() <= TRACE_HEADER_BYTES)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Makes `span` a child of the caller's, where the caller sent a valid `traceparent`.
pub fn adopt(span: &Span, headers: &HeaderMap) {
    let parent = TraceContextPropagator::new().extract(&Headers(headers));
    if parent.span().span_context().is_valid() {
        // Fails only where no tracer is set up: then there is no trace to belong to.
        let _ = span.set_parent(parent);
    }
}

/// Plugin calls and what they ask of upstreams belong to the span under which they happen.
#[derive(Debug, Clone, Copy)]
pub struct CurrentSpan;

impl TraceSource for CurrentSpan {
    fn current(&self) -> Option<Traceparent> {
        Traceparent::parse(&of(&Span::current()).1)
    }
}

/// A span's own context; one that is not valid where there is no trace.
#[must_use]
pub fn span_context(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

/// A span's trace id, and the `traceparent` for whoever is called under it.
#[must_use]
pub fn of(span: &Span) -> (String, String) {
    let context = span_context(span);
    let trace_id = context.trace_id().to_string();
    let parent = format!("00-{trace_id}-{}-{:02x}", context.span_id(), context.trace_flags().to_u8());
    (trace_id, parent)
}
