//! Calls of plugins: how many, how long, how much memory, how they ended, and how many there may be.

use dialog_host::observe::{CallEnded, Outcome, Standing};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::{Traced, count, exemplar::Exemplar, observe, seconds, short_seconds};

/// A call of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    /// The plugin's id.
    provider: String,
    /// `interface.function`.
    function: String,
    /// `answered`, or how it failed.
    outcome: &'static str,
}

/// A function of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FunctionLabels {
    /// The plugin's id.
    provider: String,
    /// `interface.function`.
    function: String,
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    /// The plugin's id.
    provider: String,
}

pub(super) struct Plugins {
    calls: Family<CallLabels, Counter>,
    seconds: Family<CallLabels, Traced>,
    guest: Family<FunctionLabels, Traced>,
    wait: Family<ProviderLabels, Traced>,
    memory: Family<ProviderLabels, Histogram>,
    refusals: Family<ProviderLabels, Counter>,
    instances: Family<ProviderLabels, Gauge>,
    instances_in_all: Gauge,
    limit: Gauge,
    limit_of_one: Gauge,
}

/// From 64 KiB, the least that a module has, to 128 MiB; a call may have 64 MiB where the operator says nothing else.
fn bytes() -> Histogram {
    Histogram::new(exponential_buckets(65_536.0, 2.0, 12))
}

impl Plugins {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let calls = Family::default();
        registry.register("provider_calls", "Calls of plugins", calls.clone());
        let call_seconds = Family::<CallLabels, Traced>::new_with_constructor(seconds);
        registry.register_with_unit("provider_call", "How long plugin calls take", Unit::Seconds, call_seconds.clone());
        let guest = Family::<FunctionLabels, Traced>::new_with_constructor(short_seconds);
        let help = "How long plugin calls are worked on: the guest's code, and none of what it waits for";
        registry.register_with_unit("plugin_guest", help, Unit::Seconds, guest.clone());
        let wait = Family::<ProviderLabels, Traced>::new_with_constructor(short_seconds);
        let help = "How long plugin calls wait for their turn";
        registry.register_with_unit("plugin_wait", help, Unit::Seconds, wait.clone());
        let memory = Family::<ProviderLabels, Histogram>::new_with_constructor(bytes);
        registry.register_with_unit("plugin_memory", "The most memory of a plugin call", Unit::Bytes, memory.clone());
        let refusals = Family::default();
        registry.register("plugin_refusals", "What plugins asked for and may not have", refusals.clone());
        let instances = Family::default();
        registry.register("plugin_instances", "Plugin calls under way, by plugin", instances.clone());
        let instances_in_all = Gauge::default();
        registry.register("plugin_instances_in_all", "Plugin calls under way", instances_in_all.clone());
        let limit = Gauge::default();
        registry.register("plugin_instances_limit", "Plugin calls that may be under way", limit.clone());
        let limit_of_one = Gauge::default();
        let help = "Calls of one plugin that may be under way";
        registry.register("plugin_instances_limit_of_one", help, limit_of_one.clone());
        Self {
            calls,
            seconds: call_seconds,
            guest,
            wait,
            memory,
            refusals,
            instances,
            instances_in_all,
            limit,
            limit_of_one,
        }
    }

    pub(super) fn called(&self, call: &CallEnded<'_>) {
        let of_plugin = ProviderLabels { provider: call.plugin.to_string() };
        let provider = || of_plugin.provider.clone();
        let function = format!("{}.{}", call.interface, call.function);
        let exemplar = Exemplar::here();
        let ended = |outcome: Outcome| CallLabels {
            provider: provider(),
            function: function.clone(),
            outcome: outcome.as_str(),
        };
        let labels = ended(call.outcome);
        if self.calls.get(&labels).is_none() {
            for outcome in Outcome::ALL {
                drop(self.calls.get_or_create(&ended(outcome)));
            }
        }
        self.calls.get_or_create(&labels).inc();
        observe(&self.seconds.get_or_create(&labels), call.took, exemplar.clone());
        observe(&self.wait.get_or_create(&of_plugin), call.waited, exemplar.clone());
        // What was not begun was never worked on.
        if !call.guest.is_zero() {
            let labels = FunctionLabels { provider: provider(), function: function.clone() };
            observe(&self.guest.get_or_create(&labels), call.guest, exemplar);
            self.memory.get_or_create(&of_plugin).observe(call.memory_bytes as f64);
        }
        self.refusals.get_or_create(&of_plugin).inc_by(call.refused.into());
    }

    pub(super) fn stand(&self, standing: &Standing) {
        self.instances.clear();
        for plugin in &standing.plugins {
            let labels = ProviderLabels { provider: plugin.plugin.to_string() };
            self.instances.get_or_create(&labels).set(count(plugin.calls));
            drop(self.refusals.get_or_create(&labels));
        }
        self.instances_in_all.set(count(standing.calls));
        self.limit.set(count(standing.most_calls));
        self.limit_of_one.set(count(standing.most_calls_of_one));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use dialog_contract::{ids::PluginId, provider::Interface};
    use dialog_host::observe::PluginStanding;

    use super::{
        super::{
            Metrics,
            exposition::{says, silent},
        },
        *,
    };

    const QUARTER: Duration = Duration::from_millis(250);

    fn ended(plugin: &PluginId, outcome: Outcome) -> CallEnded<'_> {
        CallEnded {
            plugin,
            interface: Interface::Dialogs,
            function: "open",
            outcome,
            took: 4 * QUARTER,
            waited: QUARTER,
            guest: 2 * QUARTER,
            memory_bytes: 131_072,
            refused: 3,
        }
    }

    #[test]
    fn a_call_is_counted_by_how_it_ended_and_every_other_way_to_end_from_zero_on() {
        let (metrics, example) = (Metrics::default(), "example".parse().unwrap());
        metrics.plugins.called(&ended(&example, Outcome::Trapped));
        let calls = |outcome: Outcome, count: u64| {
            let labels = format!(r#"provider="example",function="dialogs.open",outcome="{}""#, outcome.as_str());
            says(&metrics, &[&format!("dialog_provider_calls_total{{{labels}}} {count}")]);
        };
        for outcome in Outcome::ALL {
            calls(outcome, u64::from(outcome == Outcome::Trapped));
        }
        metrics.plugins.called(&ended(&example, Outcome::Trapped));
        metrics.plugins.called(&ended(&example, Outcome::OutOfMemory));
        for outcome in Outcome::ALL {
            calls(outcome, if outcome == Outcome::Trapped { 2 } else { u64::from(outcome == Outcome::OutOfMemory) });
        }
    }

    #[test]
    fn a_call_has_its_time_its_wait_its_guests_time_its_memory_and_what_it_may_not_have() {
        let (metrics, example) = (Metrics::default(), "example".parse().unwrap());
        for _ in 0..2 {
            metrics.plugins.called(&ended(&example, Outcome::Answered));
        }
        let of_call = r#"provider="example",function="dialogs.open",outcome="answered""#;
        says(
            &metrics,
            &[
                &format!("dialog_provider_call_seconds_count{{{of_call}}} 2"),
                &format!("dialog_provider_call_seconds_sum{{{of_call}}} 2.0"),
                r#"dialog_plugin_wait_seconds_sum{provider="example"} 0.5"#,
                r#"dialog_plugin_wait_seconds_count{provider="example"} 2"#,
                r#"dialog_plugin_guest_seconds_sum{provider="example",function="dialogs.open"} 1.0"#,
                r#"dialog_plugin_guest_seconds_count{provider="example",function="dialogs.open"} 2"#,
                r#"dialog_plugin_memory_bytes_sum{provider="example"} 262144.0"#,
                r#"dialog_plugin_memory_bytes_bucket{le="65536.0",provider="example"} 0"#,
                r#"dialog_plugin_memory_bytes_bucket{le="131072.0",provider="example"} 2"#,
                r#"dialog_plugin_refusals_total{provider="example"} 6"#,
            ],
        );
    }

    #[test]
    fn a_call_that_was_not_begun_has_waited_and_no_more() {
        let (metrics, example) = (Metrics::default(), "example".parse().unwrap());
        let never = CallEnded { guest: Duration::ZERO, memory_bytes: 0, refused: 0, ..ended(&example, Outcome::Shed) };
        metrics.plugins.called(&never);
        says(
            &metrics,
            &[
                r#"dialog_provider_calls_total{provider="example",function="dialogs.open",outcome="shed"} 1"#,
                r#"dialog_plugin_wait_seconds_sum{provider="example"} 0.25"#,
                r#"dialog_plugin_refusals_total{provider="example"} 0"#,
            ],
        );
        silent(&metrics, &["dialog_plugin_guest_seconds_count{", "dialog_plugin_memory_bytes_count{"]);
    }

    #[test]
    fn what_is_under_way_is_said_as_it_stands_and_of_a_plugin_that_went_nothing() {
        let metrics = Metrics::default();
        let plugin = |id: &str, calls| PluginStanding { plugin: id.parse().unwrap(), calls, upstreams: Vec::new() };
        let limits = Standing { most_calls: 256, most_calls_of_one: 64, most_requests: 32, ..Standing::default() };
        let plugins = vec![plugin("ddfl", 2), plugin("example", 0)];
        // One is of a version that was replaced meanwhile.
        metrics.plugins.stand(&Standing { calls: 3, plugins, ..limits.clone() });
        says(
            &metrics,
            &[
                r#"dialog_plugin_instances{provider="ddfl"} 2"#,
                r#"dialog_plugin_instances{provider="example"} 0"#,
                "dialog_plugin_instances_in_all 3",
                "dialog_plugin_instances_limit 256",
                "dialog_plugin_instances_limit_of_one 64",
                // An alert waits for it, before there was any call.
                r#"dialog_plugin_refusals_total{provider="example"} 0"#,
            ],
        );
        metrics.plugins.stand(&Standing { calls: 1, plugins: vec![plugin("example", 1)], ..limits });
        says(&metrics, &[r#"dialog_plugin_instances{provider="example"} 1"#, "dialog_plugin_instances_in_all 1"]);
        silent(&metrics, &[r#"dialog_plugin_instances{provider="ddfl"}"#]);
    }
}
