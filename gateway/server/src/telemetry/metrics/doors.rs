//! Connections, certificates, and who asks too often.

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::Metrics;
use crate::abuse::rates::Level;

/// One of the listeners.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabels {
    /// Its name.
    listener: &'static str,
}

/// What something on a listener came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    /// The listener's name.
    listener: &'static str,
    /// What it came to.
    outcome: &'static str,
}

/// Whose bucket was empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LevelLabels {
    /// Which level.
    level: &'static str,
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

pub(super) struct Doors {
    limited: Family<LevelLabels, Counter>,
    cut: Family<OutcomeLabels, Counter>,
    handshakes: Family<OutcomeLabels, Counter>,
    reloads: Family<OutcomeLabels, Counter>,
    certificate_ends: Family<ListenerLabels, Gauge>,
}

impl Doors {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let limited = Family::default();
        registry.register("rate_limited", "Requests that came too often, by whose bucket was empty", limited.clone());
        let cut = Family::default();
        registry.register("connections_cut", "Connections that were cut off, by why", cut.clone());
        let handshakes = Family::default();
        registry.register("tls_handshakes", "TLS handshakes by what they came to", handshakes.clone());
        let reloads = Family::default();
        registry.register("tls_reloads", "Changed certificate files by what became of them", reloads.clone());
        let certificate_ends = Family::default();
        let help = "When the certificate in use ends, in seconds since 1970";
        registry.register("tls_certificate_ends_timestamp_seconds", help, certificate_ends.clone());
        Self { limited, cut, handshakes, reloads, certificate_ends }
    }
}

impl Metrics {
    /// A request came too often.
    pub fn rate_limited(&self, level: Level) {
        self.doors.limited.get_or_create(&LevelLabels { level: level.as_str() }).inc();
    }

    /// A connection was cut off.
    pub fn cut(&self, listener: &'static str, why: Cut) {
        let outcome = match why {
            Cut::Flood => "flood",
            Cut::Silent => "silent",
            Cut::Standstill => "standstill",
        };
        self.doors.cut.get_or_create(&OutcomeLabels { listener, outcome }).inc();
    }

    /// A TLS handshake has ended.
    pub fn handshake(&self, listener: &'static str, outcome: HandshakeOutcome) {
        let outcome = match outcome {
            HandshakeOutcome::Done => "done",
            HandshakeOutcome::Failed => "failed",
            HandshakeOutcome::Late => "late",
            HandshakeOutcome::CrowdedOut => "crowded-out",
        };
        self.doors.handshakes.get_or_create(&OutcomeLabels { listener, outcome }).inc();
    }

    /// Certificate files have changed.
    pub fn reloaded(&self, listener: &'static str, outcome: ReloadOutcome) {
        let outcome = match outcome {
            ReloadOutcome::Taken => "taken",
            ReloadOutcome::Refused => "refused",
        };
        self.doors.reloads.get_or_create(&OutcomeLabels { listener, outcome }).inc();
    }

    /// When the certificate in use ends.
    pub fn certificate_ends(&self, listener: &'static str, ends: Timestamp) {
        for outcome in ["taken", "refused"] {
            drop(self.doors.reloads.get_or_create(&OutcomeLabels { listener, outcome }));
        }
        self.doors.certificate_ends.get_or_create(&ListenerLabels { listener }).set(ends.as_second());
    }
}
