//! Counters and histograms for Prometheus. Labels are closed lists and plugin ids: their number is bounded.

use std::time::Duration;

use dialog_contract::{ids::PluginId, problem::ProblemType};
use dialog_core::answer::About;
use dialog_host::observe::{CallEnded, Observer, UpstreamEnded};
use jiff::Timestamp;
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

use crate::abuse::rates::Level;

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

/// What a request through a provider came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// The plugin's id.
    pub provider: String,
    /// The service.
    pub service: &'static str,
    /// `ok`, or the problem's name.
    pub outcome: &'static str,
}

/// A call of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    /// The plugin's id.
    pub provider: String,
    /// `interface.function`.
    pub function: String,
    /// `answered`, or how it failed.
    pub outcome: &'static str,
}

/// A request of a plugin to a remote system.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UpstreamLabels {
    /// The plugin's id.
    pub provider: String,
    /// The upstream's name.
    pub upstream: String,
    /// The HTTP status, or the contract's error.
    pub result: String,
}

/// Whether an upstream's breaker is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BreakerLabels {
    /// The plugin's id.
    pub provider: String,
    /// The upstream's name.
    pub upstream: String,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The route's template.
    pub route: String,
}

/// One of the listeners.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ListenerLabels {
    /// Its name.
    pub listener: &'static str,
}

/// What something on a listener came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ListenerOutcomeLabels {
    /// The listener's name.
    pub listener: &'static str,
    /// What it came to.
    pub outcome: &'static str,
}

/// A witness of the audit log, and what its answer came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct WitnessLabels {
    /// What the policy calls it.
    pub witness: String,
    /// What it came to.
    pub answer: &'static str,
}

/// Whose bucket was empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LevelLabels {
    /// Which level.
    pub level: &'static str,
}

/// What a TLS handshake came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeOutcome {
    /// The connection stands.
    Done,
    /// The two did not find together, or the caller hung up.
    Failed,
    /// It took too long.
    Late,
    /// Too many were unfinished, and this was the oldest.
    CrowdedOut,
}

/// What looking at changed certificate files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// They are in use.
    Taken,
    /// They are not in order.
    Refused,
}

/// Why a connection was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It carried too much that asks for nothing.
    Flood,
    /// No request came.
    Silent,
    /// Its reader stood still.
    Standstill,
}

/// Every metric of the gateway.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    problems: Family<ProblemLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<CallLabels, Histogram>,
    upstream_requests: Family<UpstreamLabels, Counter>,
    breakers_open: Family<BreakerLabels, Gauge>,
    queue_due: Gauge,
    audit_records: Counter,
    audit_size: Gauge,
    audit_signed: Gauge,
    audit_published: Gauge,
    witness_answers: Family<WitnessLabels, Counter>,
    rate_limited: Family<LevelLabels, Counter>,
    connections_cut: Family<ListenerOutcomeLabels, Counter>,
    tls_handshakes: Family<ListenerOutcomeLabels, Counter>,
    tls_reloads: Family<ListenerOutcomeLabels, Counter>,
    tls_certificate_ends: Family<ListenerLabels, Gauge>,
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
        let outcomes = Family::default();
        registry.register("outcomes", "Requests through providers by service and outcome", outcomes.clone());
        let upstream_requests = Family::default();
        registry.register("upstream_requests", "Requests of plugins to remote systems", upstream_requests.clone());
        let breakers_open = Family::default();
        registry.register("breaker_open", "Whether an upstream's breaker is open", breakers_open.clone());
        let calls = Family::default();
        registry.register("provider_calls", "Calls of plugins", calls.clone());
        let call_seconds = Family::<CallLabels, Histogram>::new_with_constructor(seconds);
        registry.register_with_unit("provider_call", "How long plugin calls take", Unit::Seconds, call_seconds.clone());
        let queue_due = Gauge::default();
        registry.register("queue_due", "What was due for another attempt, in the last run", queue_due.clone());
        let audit_records = Counter::default();
        registry.register("audit_records", "Records appended to the audit log", audit_records.clone());
        let audit_size = Gauge::default();
        registry.register("audit_size", "Records in the audit log", audit_size.clone());
        let audit_signed = Gauge::default();
        let of_signed = "Records under the newest signed checkpoint, where witnesses are asked, at the last round";
        registry.register("audit_signed_size", of_signed, audit_signed.clone());
        let audit_published = Gauge::default();
        let of_published = "Records under the public checkpoint, where witnesses are asked, at the last round";
        registry.register("audit_published_size", of_published, audit_published.clone());
        let witness_answers = Family::default();
        registry.register("audit_witness_answers", "Answers of the audit log's witnesses", witness_answers.clone());
        let rate_limited = Family::default();
        registry.register(
            "rate_limited",
            "Requests that came too often, by whose bucket was empty",
            rate_limited.clone(),
        );
        let connections_cut = Family::default();
        registry.register("connections_cut", "Connections that were cut off, by why", connections_cut.clone());
        let tls_handshakes = Family::default();
        registry.register("tls_handshakes", "TLS handshakes by what they came to", tls_handshakes.clone());
        let tls_reloads = Family::default();
        registry.register("tls_reloads", "Changed certificate files by what became of them", tls_reloads.clone());
        let tls_certificate_ends = Family::default();
        let help = "When the certificate in use ends, in seconds since 1970";
        registry.register("tls_certificate_ends_timestamp_seconds", help, tls_certificate_ends.clone());
        Self {
            registry,
            requests,
            request_seconds,
            problems,
            outcomes,
            calls,
            call_seconds,
            upstream_requests,
            breakers_open,
            queue_due,
            audit_records,
            audit_size,
            audit_signed,
            audit_published,
            witness_answers,
            rate_limited,
            connections_cut,
            tls_handshakes,
            tls_reloads,
            tls_certificate_ends,
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

    /// A request through a provider has ended; `problem` where it was refused.
    pub fn outcome(&self, about: &About, problem: Option<ProblemType>) {
        let (Some(provider), Some(service)) = (&about.plugin, about.service) else { return };
        let labels = OutcomeLabels {
            provider: provider.to_string(),
            service: service.as_str(),
            outcome: problem.map_or("ok", ProblemType::name),
        };
        self.outcomes.get_or_create(&labels).inc();
    }

    /// How much was due for another attempt, in the last run.
    pub fn queue(&self, due: usize) {
        self.queue_due.set(i64::try_from(due).unwrap_or(i64::MAX));
    }

    /// A record was appended at `index`.
    pub fn audit(&self, index: u64) {
        self.audit_records.inc();
        self.audit_size.set(i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1));
    }

    /// How far the audit log is signed, and how far it is public.
    pub fn audit_checkpoints(&self, signed: u64, published: u64) {
        let size = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
        self.audit_signed.set(size(signed));
        self.audit_published.set(size(published));
    }

    /// A witness of the audit log has answered, or has not.
    pub fn witness_answered(&self, witness: &str, answer: &'static str) {
        self.witness_answers.get_or_create(&WitnessLabels { witness: witness.to_owned(), answer }).inc();
    }

    /// A request came too often.
    pub fn rate_limited(&self, level: Level) {
        self.rate_limited.get_or_create(&LevelLabels { level: level.as_str() }).inc();
    }

    /// A connection was cut off.
    pub fn cut(&self, listener: &'static str, why: Cut) {
        let outcome = match why {
            Cut::Flood => "flood",
            Cut::Silent => "silent",
            Cut::Standstill => "standstill",
        };
        self.connections_cut.get_or_create(&ListenerOutcomeLabels { listener, outcome }).inc();
    }

    /// A TLS handshake has ended.
    pub fn handshake(&self, listener: &'static str, outcome: HandshakeOutcome) {
        let outcome = match outcome {
            HandshakeOutcome::Done => "done",
            HandshakeOutcome::Failed => "failed",
            HandshakeOutcome::Late => "late",
            HandshakeOutcome::CrowdedOut => "crowded-out",
        };
        self.tls_handshakes.get_or_create(&ListenerOutcomeLabels { listener, outcome }).inc();
    }

    /// Certificate files have changed.
    pub fn reloaded(&self, listener: &'static str, outcome: ReloadOutcome) {
        let outcome = match outcome {
            ReloadOutcome::Taken => "taken",
            ReloadOutcome::Refused => "refused",
        };
        self.tls_reloads.get_or_create(&ListenerOutcomeLabels { listener, outcome }).inc();
    }

    /// When the certificate in use ends.
    pub fn certificate_ends(&self, listener: &'static str, ends: Timestamp) {
        self.tls_certificate_ends.get_or_create(&ListenerLabels { listener }).set(ends.as_second());
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

impl Observer for Metrics {
    fn called(&self, call: &CallEnded<'_>) {
        let labels = CallLabels {
            provider: call.plugin.to_string(),
            function: format!("{}.{}", call.interface, call.function),
            outcome: call.outcome.as_str(),
        };
        self.calls.get_or_create(&labels).inc();
        self.call_seconds.get_or_create(&labels).observe(call.took.as_secs_f64());
    }

    fn upstream(&self, request: &UpstreamEnded<'_>) {
        let labels = UpstreamLabels {
            provider: request.plugin.to_string(),
            upstream: request.upstream.to_owned(),
            result: request.result.map_or_else(str::to_owned, |status| status.to_string()),
        };
        self.upstream_requests.get_or_create(&labels).inc();
    }

    fn breaker(&self, plugin: &PluginId, upstream: &str, open: bool) {
        let labels = BreakerLabels { provider: plugin.to_string(), upstream: upstream.to_owned() };
        self.breakers_open.get_or_create(&labels).set(open.into());
    }
}
