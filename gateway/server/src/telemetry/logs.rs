//! Logs and traces from one set of `tracing` spans.
//!
//! How spans get to a collector stands in [`exporter`]: a slow or dead one never slows a request.

use std::{sync::Arc, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use serde::Deserialize;
use tokio::runtime::Runtime;
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    exporter::{self, Exporting},
    lines::{Dispatched, WithTrace},
    otlp::OtlpConfig,
    stage::Stages,
};

/// `[telemetry]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Which lines: a filter such as `info` or `warn,dialog_host=debug`.
    pub log: String,
    /// How lines look.
    pub format: LogFormat,
    /// Where traces go; nowhere when absent.
    pub otlp: Option<OtlpConfig>,
    /// How many of the traces that begin here are kept, from 0 to 1. Of those that a caller began, the caller decides.
    pub sample: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { log: "info".to_owned(), format: LogFormat::Json, otlp: None, sample: 1.0 }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.log` is not a filter.
    #[error("telemetry.log: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// `telemetry.otlp` cannot be used.
    #[error("telemetry.otlp.{0}")]
    Exporter(String),
    /// Somebody else set a subscriber in this process.
    #[error("{0}")]
    Subscriber(#[from] tracing_subscriber::util::TryInitError),
}

/// The most that is written of a target, whatever the operator's filter says. What libraries tell at their lowest levels
/// holds what passes through them: sled its keys and values, HTTP its header fields.
fn most(target: &str) -> LevelFilter {
    let is_of =
        |library: &str| target.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
    if target.starts_with("dialog_") {
        LevelFilter::TRACE
    } else if is_of("sled") {
        LevelFilter::WARN
    } else {
        LevelFilter::INFO
    }
}

/// What the gateway says itself, and no library.
fn is_ours(meta: &Metadata<'_>) -> bool {
    meta.target().starts_with("dialog_")
}

/// Telemetry, running. Dropping it does not flush; [`Telemetry::shutdown`] does.
pub struct Telemetry {
    provider: SdkTracerProvider,
    /// Outlives the provider, whose last spans go through it.
    runtime: Option<Runtime>,
}

impl Telemetry {
    /// Sets up logs and traces for the process. Must be called once, outside of the asynchronous runtime: the exporter
    /// brings a blocking client of its own.
    pub fn start(config: &TelemetryConfig, node: &str) -> Result<Self, TelemetryError> {
        let resource = Resource::builder()
            .with_service_name("dialog-gateway")
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(opentelemetry::KeyValue::new("service.instance.id", node.to_owned()))
            .build();
        // The caller decides by the flag of its `traceparent`.
        let builder = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample))));
        let (builder, runtime) = match &config.otlp {
            None => (builder, None),
            Some(collector) => {
                let Exporting { processor, runtime } = exporter::start(collector)?;
                (builder.with_span_processor(processor), runtime)
            }
        };
        let provider = builder.build();
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("dialog-gateway"))
            .with_location(false)
            .with_threads(false)
            // Only our own spans, whatever the filter of the log says: a library's could carry a URL.
            .with_filter(filter_fn(is_ours));
        let dispatched = Dispatched::default();
        let lines: Box<dyn Layer<Registry> + Send + Sync> = {
            // Our own spans are always known, so that a line that is written names its trace whatever is not written.
            let filter = EnvFilter::try_new(&config.log)?
                .or(filter_fn(|meta| meta.is_span() && is_ours(meta)))
                .and(filter_fn(|meta| *meta.level() <= most(meta.target())));
            let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
            match config.format {
                LogFormat::Json => {
                    let traced = |inner| WithTrace::new(inner, Arc::clone(&dispatched));
                    lines.json().flatten_event(true).map_event_format(traced).with_filter(filter).boxed()
                }
                LogFormat::Text => lines.compact().with_filter(filter).boxed(),
            }
        };
        tracing_subscriber::registry().with(lines).with(spans).with(Stages::layer()).try_init()?;
        tracing::dispatcher::get_default(|dispatch| {
            // Telemetry starts once.
            let _ = dispatched.set(dispatch.downgrade());
        });
        Ok(Self { provider, runtime })
    }

    /// Sends what waits, for at most five seconds.
    pub fn shutdown(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(Duration::from_secs(5)) {
            tracing::warn!(%error, "the last spans were not exported");
        }
        if let Some(runtime) = self.runtime {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn libraries_never_tell_what_passes_through_them() {
        assert_eq!(most("sled"), LevelFilter::WARN);
        assert_eq!(most("sled::pagecache::logger"), LevelFilter::WARN);
        for library in ["h2::codec", "hyper::proto::h1", "hyper_util", "reqwest::connect", "rustls", "sledge"] {
            assert_eq!(most(library), LevelFilter::INFO, "{library}");
        }
        assert_eq!(most("dialog_host::call"), LevelFilter::TRACE);
    }
}
