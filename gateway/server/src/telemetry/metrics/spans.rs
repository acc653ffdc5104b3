//! What becomes of spans on their way to the collector.

use std::sync::atomic::Ordering;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::count;
use crate::telemetry::exporter::SPANS;

/// What became of a span.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    /// `sent`, `failed` or `dropped`.
    outcome: &'static str,
}

pub(super) struct Exported {
    ended: Family<OutcomeLabels, Counter>,
    waiting: Gauge,
}

impl Exported {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let ended = Family::default();
        registry.register("spans", "Spans of traces by what became of them", ended.clone());
        let waiting = Gauge::default();
        registry.register("spans_waiting", "Spans that wait to be sent to the collector", waiting.clone());
        Self { ended, waiting }
    }

    pub(super) fn stand(&self) {
        for (outcome, ended) in SPANS.ended() {
            // They are counted where they are sent; the count only rises.
            self.ended.get_or_create(&OutcomeLabels { outcome }).inner().store(ended, Ordering::Relaxed);
        }
        self.waiting.set(count(SPANS.waiting()));
    }
}
