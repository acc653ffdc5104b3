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

#[cfg(test)]
mod tests {
    use super::{super::exposition::says, *};

    #[test]
    fn a_request_that_comes_too_often_is_counted_by_whose_bucket_was_empty() {
        let metrics = Metrics::default();
        for (times, level) in [Level::Citizen, Level::Client, Level::All, Level::WithoutToken].into_iter().enumerate() {
            for _ in 0..=times {
                metrics.rate_limited(level);
            }
        }
        says(
            &metrics,
            &[
                r#"dialog_rate_limited_total{level="citizen"} 1"#,
                r#"dialog_rate_limited_total{level="client"} 2"#,
                r#"dialog_rate_limited_total{level="all"} 3"#,
                r#"dialog_rate_limited_total{level="without-token"} 4"#,
            ],
        );
    }

    #[test]
    fn a_connection_that_is_cut_off_is_counted_by_listener_and_by_why() {
        let metrics = Metrics::default();
        for why in [Cut::Flood, Cut::Silent, Cut::Silent, Cut::Standstill] {
            metrics.cut("portal", why);
        }
        metrics.cut("provider", Cut::Flood);
        says(
            &metrics,
            &[
                r#"dialog_connections_cut_total{listener="portal",outcome="flood"} 1"#,
                r#"dialog_connections_cut_total{listener="portal",outcome="silent"} 2"#,
                r#"dialog_connections_cut_total{listener="portal",outcome="standstill"} 1"#,
                r#"dialog_connections_cut_total{listener="provider",outcome="flood"} 1"#,
            ],
        );
    }

    #[test]
    fn a_handshake_is_counted_by_what_it_came_to() {
        let metrics = Metrics::default();
        let outcomes = [
            HandshakeOutcome::Done,
            HandshakeOutcome::Done,
            HandshakeOutcome::Failed,
            HandshakeOutcome::Late,
            HandshakeOutcome::CrowdedOut,
        ];
        for outcome in outcomes {
            metrics.handshake("operations", outcome);
        }
        says(
            &metrics,
            &[
                r#"dialog_tls_handshakes_total{listener="operations",outcome="done"} 2"#,
                r#"dialog_tls_handshakes_total{listener="operations",outcome="failed"} 1"#,
                r#"dialog_tls_handshakes_total{listener="operations",outcome="late"} 1"#,
                r#"dialog_tls_handshakes_total{listener="operations",outcome="crowded-out"} 1"#,
            ],
        );
    }

    #[test]
    fn of_a_certificate_it_is_said_when_it_ends_and_what_became_of_each_that_came_after_it() {
        let metrics = Metrics::default();
        let ends = Timestamp::constant(1_800_000_000, 999_999_999);
        metrics.certificate_ends("portal", ends);
        says(
            &metrics,
            &[
                r#"dialog_tls_certificate_ends_timestamp_seconds{listener="portal"} 1800000000"#,
                r#"dialog_tls_reloads_total{listener="portal",outcome="taken"} 0"#,
                r#"dialog_tls_reloads_total{listener="portal",outcome="refused"} 0"#,
            ],
        );
        metrics.reloaded("portal", ReloadOutcome::Refused);
        metrics.reloaded("portal", ReloadOutcome::Refused);
        metrics.reloaded("portal", ReloadOutcome::Taken);
        metrics.certificate_ends("portal", Timestamp::constant(1_900_000_000, 0));
        says(
            &metrics,
            &[
                r#"dialog_tls_certificate_ends_timestamp_seconds{listener="portal"} 1900000000"#,
                r#"dialog_tls_reloads_total{listener="portal",outcome="taken"} 1"#,
                r#"dialog_tls_reloads_total{listener="portal",outcome="refused"} 2"#,
            ],
        );
    }
}
