//! Counters and histograms for Prometheus. Labels are closed lists and plugin ids: their number is bounded.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// A request of the API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// HTTP method.
    pub method: &'static str,
    /// The route's template, never a path.
    pub route: String,
    /// HTTP status.
    pub status: u16,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProblemLabels {
    /// The problem's name.
    pub problem: &'static str,
}

/// A call of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    /// The plugin's id.
    pub provider: String,
    /// The service, or `none` for inbound calls.
    pub service: &'static str,
    /// `interface.function`.
    pub function: String,
    /// `ok`, or the failure's name.
    pub outcome: &'static str,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The route's template.
    pub route: String,
}

/// Every metric of the gateway.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    problems: Family<ProblemLabels, Counter>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<CallLabels, Histogram>,
    queue_depth: Gauge,
    queue_oldest: Gauge<f64, AtomicU64>,
    audit_records: Counter,
    audit_size: Gauge,
}

/// From half a millisecond to 16 seconds: a look-up without provider is below one, a synchronous DDFL process ends at 15.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("dialog");
        let requests = Family::default();
        registry.register("requests", "Requests of the API", requests.clone());
        let request_seconds = Family::<RouteLabels, Histogram>::new_with_constructor(seconds);
        registry.register_with_unit("request", "How long requests take", Unit::Seconds, request_seconds.clone());
        let problems = Family::default();
        registry.register("problems", "Refusals by problem type", problems.clone());
        let calls = Family::default();
        registry.register("provider_calls", "Calls of plugins", calls.clone());
        let call_seconds = Family::<CallLabels, Histogram>::new_with_constructor(seconds);
        registry.register_with_unit("provider_call", "How long plugin calls take", Unit::Seconds, call_seconds.clone());
        let queue_depth = Gauge::default();
        registry.register("queue_depth", "What waits for a provider", queue_depth.clone());
        let queue_oldest = Gauge::<f64, AtomicU64>::default();
        registry.register_with_unit("queue_oldest", "Age of what waits longest", Unit::Seconds, queue_oldest.clone());
        let audit_records = Counter::default();
        registry.register("audit_records", "Records appended to the audit log", audit_records.clone());
        let audit_size = Gauge::default();
        registry.register("audit_size", "Records in the audit log", audit_size.clone());
        Self {
            registry,
            requests,
            request_seconds,
            problems,
            calls,
            call_seconds,
            queue_depth,
            queue_oldest,
            audit_records,
            audit_size,
        }
    }
}

impl Metrics {
    /// A request has been answered.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { method, route: route.to_owned(), status }).inc();
        self.request_seconds.get_or_create(&RouteLabels { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// A request was refused.
    pub fn problem(&self, problem: &'static str) {
        self.problems.get_or_create(&ProblemLabels { problem }).inc();
    }

    /// A plugin was called.
    pub fn call(&self, labels: &CallLabels, took: Duration) {
        self.calls.get_or_create(labels).inc();
        self.call_seconds.get_or_create(labels).observe(took.as_secs_f64());
    }

    /// What waits for providers.
    pub fn queue(&self, depth: usize, oldest: Duration) {
        self.queue_depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
        self.queue_oldest.set(oldest.as_secs_f64());
    }

    /// A record was appended at `index`.
    pub fn audit(&self, index: u64) {
        self.audit_records.inc();
        self.audit_size.set(i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1));
    }

    /// The OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
