//! From a measurement to the trace in which it was made.

use prometheus_client::encoding::EncodeLabelSet;
use tracing::Span;

use crate::telemetry::trace_context;

/// The span that a measurement was made in. OpenMetrics allows 128 characters of names and values: these are 63.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Exemplar {
    /// W3C trace id.
    pub trace_id: String,
    /// W3C span id.
    pub span_id: String,
}

impl Exemplar {
    /// Of this span, where its trace is sampled: else nobody could look it up.
    #[must_use]
    pub fn of(span: &Span) -> Option<Self> {
        let context = trace_context::span_context(span);
        let is_kept = context.is_valid() && context.is_sampled();
        is_kept.then(|| Self { trace_id: context.trace_id().to_string(), span_id: context.span_id().to_string() })
    }

    /// Of the span that is entered.
    #[must_use]
    pub fn here() -> Option<Self> {
        Self::of(&Span::current())
    }
}
