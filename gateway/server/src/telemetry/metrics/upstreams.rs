//! What plugins ask of remote systems, and how those stand.

use dialog_host::observe::{Standing, UpstreamEnded};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::{Traced, count, exemplar::Exemplar, observe, seconds, short_seconds};

/// A request of a plugin to a remote system.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    /// The plugin's id.
    provider: String,
    /// The upstream's name.
    upstream: String,
    /// The HTTP status, or the contract's error.
    result: String,
}

/// A remote system.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    /// The plugin's id.
    provider: String,
    /// The upstream's name.
    upstream: String,
}

pub(super) struct Upstreams {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<UpstreamLabels, Traced>,
    wait: Family<UpstreamLabels, Traced>,
    connections: Family<UpstreamLabels, Gauge>,
    limit: Gauge,
    open: Family<UpstreamLabels, Gauge>,
}

impl Upstreams {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register("upstream_requests", "Requests of plugins to remote systems", requests.clone());
        let request_seconds = Family::<UpstreamLabels, Traced>::new_with_constructor(seconds);
        let help = "How long requests to remote systems take";
        registry.register_with_unit("upstream_request", help, Unit::Seconds, request_seconds.clone());
        let wait = Family::<UpstreamLabels, Traced>::new_with_constructor(short_seconds);
        let help = "How long requests to remote systems wait for their turn and for a token";
        registry.register_with_unit("upstream_wait", help, Unit::Seconds, wait.clone());
        let connections = Family::default();
        let help = "Connections to remote systems with a request under way";
        registry.register("upstream_connections_in_use", help, connections.clone());
        let limit = Gauge::default();
        let help = "Connections to one remote system that may have a request under way";
        registry.register("upstream_connections_limit", help, limit.clone());
        let open = Family::default();
        registry.register("breaker_open", "Whether an upstream's breaker is open", open.clone());
        Self { requests, seconds: request_seconds, wait, connections, limit, open }
    }

    pub(super) fn asked(&self, request: &UpstreamEnded<'_>) {
        let (provider, upstream) = (request.plugin.to_string(), request.upstream.to_owned());
        let labels = UpstreamLabels { provider: provider.clone(), upstream: upstream.clone() };
        let exemplar = Exemplar::here();
        if let Some(waited) = request.waited {
            observe(&self.wait.get_or_create(&labels), waited, exemplar.clone());
        }
        observe(&self.seconds.get_or_create(&labels), request.took, exemplar);
        let result = request.result.map_or_else(str::to_owned, |status| status.to_string());
        self.requests.get_or_create(&RequestLabels { provider, upstream, result }).inc();
    }

    pub(super) fn stand(&self, standing: &Standing) {
        self.connections.clear();
        self.open.clear();
        for plugin in &standing.plugins {
            for upstream in &plugin.upstreams {
                let labels = UpstreamLabels { provider: plugin.plugin.to_string(), upstream: upstream.name.clone() };
                self.connections.get_or_create(&labels).set(count(upstream.requests));
                self.open.get_or_create(&labels).set(upstream.breaker_open.into());
            }
        }
        self.limit.set(count(standing.most_requests));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use dialog_host::observe::{PluginStanding, UpstreamStanding};

    use super::{
        super::{
            Metrics,
            exposition::{says, silent},
        },
        *,
    };

    #[test]
    fn a_request_is_counted_by_its_status_or_by_why_there_is_none() {
        let (metrics, example) = (Metrics::default(), "example".parse().unwrap());
        let ended = |result, waited: Option<u64>| {
            let waited = waited.map(Duration::from_millis);
            let took = Duration::from_millis(500);
            metrics.upstreams.asked(&UpstreamEnded {
                plugin: &example,
                upstream: "api",
                method: "POST",
                result,
                took,
                waited,
            });
        };
        ended(Ok(200), Some(125));
        ended(Ok(200), Some(250));
        ended(Ok(503), Some(0));
        // It never had its turn.
        ended(Err("unavailable"), None);
        says(
            &metrics,
            &[
                r#"dialog_upstream_requests_total{provider="example",upstream="api",result="200"} 2"#,
                r#"dialog_upstream_requests_total{provider="example",upstream="api",result="503"} 1"#,
                r#"dialog_upstream_requests_total{provider="example",upstream="api",result="unavailable"} 1"#,
                r#"dialog_upstream_request_seconds_count{provider="example",upstream="api"} 4"#,
                r#"dialog_upstream_request_seconds_sum{provider="example",upstream="api"} 2.0"#,
                r#"dialog_upstream_wait_seconds_count{provider="example",upstream="api"} 3"#,
                r#"dialog_upstream_wait_seconds_sum{provider="example",upstream="api"} 0.375"#,
            ],
        );
    }

    #[test]
    fn connections_and_breakers_are_said_as_they_stand_and_of_an_upstream_that_went_nothing() {
        let metrics = Metrics::default();
        let upstream =
            |name: &str, requests, breaker_open| UpstreamStanding { name: name.to_owned(), requests, breaker_open };
        let standing = |upstreams| Standing {
            most_requests: 32,
            plugins: vec![PluginStanding { plugin: "example".parse().unwrap(), calls: 0, upstreams }],
            ..Standing::default()
        };
        metrics.upstreams.stand(&standing(vec![upstream("api", 5, false), upstream("files", 0, true)]));
        says(
            &metrics,
            &[
                r#"dialog_upstream_connections_in_use{provider="example",upstream="api"} 5"#,
                r#"dialog_upstream_connections_in_use{provider="example",upstream="files"} 0"#,
                "dialog_upstream_connections_limit 32",
                r#"dialog_breaker_open{provider="example",upstream="api"} 0"#,
                r#"dialog_breaker_open{provider="example",upstream="files"} 1"#,
            ],
        );
        metrics.upstreams.stand(&standing(vec![upstream("files", 1, false)]));
        says(
            &metrics,
            &[
                r#"dialog_upstream_connections_in_use{provider="example",upstream="files"} 1"#,
                r#"dialog_breaker_open{provider="example",upstream="files"} 0"#,
            ],
        );
        silent(
            &metrics,
            &[
                r#"dialog_upstream_connections_in_use{provider="example",upstream="api"}"#,
                r#"dialog_breaker_open{provider="example",upstream="api"}"#,
            ],
        );
    }
}
