//! What operators see: logs, traces and metrics. None of them ever holds content, tokens or national identity numbers.
//!
//! - [`logs`]: lines on standard error, and spans to an OTLP collector where one is configured.
//! - [`panics`]: where a defect is, without what it says.
//! - [`trace_context`]: W3C trace context in and out.
//! - [`metrics`]: counters and histograms for Prometheus.

pub mod logs;
pub mod metrics;
pub mod panics;
pub mod trace_context;
