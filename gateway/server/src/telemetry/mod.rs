//! What operators see: logs, traces and metrics. None of them ever holds content, tokens or national identity numbers.
//!
//! - [`logs`]: lines on standard error, and spans to an OTLP collector where one is configured; [`lines`]: what is the same
//!   of all lines.
//! - [`exporter`]: spans on their way to a collector; [`otlp`]: to which.
//! - [`stage`]: where the time of a request goes.
//! - [`panics`]: where a defect is, without what it says.
//! - [`trace_context`]: W3C trace context in and out.
//! - [`metrics`]: counters, gauges and histograms for Prometheus.

pub mod exporter;
pub mod lines;
pub mod logs;
pub mod metrics;
pub mod otlp;
pub mod panics;
pub mod stage;
pub mod trace_context;
