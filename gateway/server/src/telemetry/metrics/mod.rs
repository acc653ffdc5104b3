//! Counters, gauges and histograms for Prometheus (OpenMetrics). Labels are closed lists, ids of plugins, names of
//! upstreams and witnesses, and the offices with the most overdue: their number is bounded. No label is about a person.
//!
//! Floor plan: a room for each thing that is measured.
//! - [`requests`]: what callers ask, and what it comes to.
//! - [`plugins`], [`upstreams`]: the providers, and the systems behind them.
//! - [`log`]: the audit log and its witnesses. [`queue`]: what waits, and what is overdue.
//!   [`notices`]: what citizens are told outside the portal.
//! - [`registers`]: the national registers. [`errands`]: what the gateway owes others.
//! - [`doors`]: connections, certificates, and who asks too often. [`disk`]: room that is left. [`spans`]: traces.
//! - [`exemplar`]: from a measurement to the trace that it was made in.
//!
//! What ends is counted as it ends; what an alert waits for is counted from 0 on, because Prometheus sees no increase in
//! a series that begins with 1. What stands is looked at when somebody asks, by [`Metrics::text`]: it cannot drift
//! from what is the case.

pub mod disk;
pub mod doors;
pub mod errands;
pub mod exemplar;
#[cfg(test)]
mod exposition;
pub mod log;
pub mod notices;
pub mod plugins;
pub mod queue;
pub mod registers;
pub mod requests;
pub mod spans;
pub mod upstreams;

use std::{
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use dialog_audit::Log;
use dialog_host::{
    Host,
    observe::{CallEnded, Observer, UpstreamEnded},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{exemplar::HistogramWithExemplars, histogram::exponential_buckets},
    registry::Registry,
};

use self::{
    disk::Disks, doors::Doors, errands::Errands, exemplar::Exemplar, log::LogMetrics, notices::Notices,
    plugins::Plugins, queue::Queue, registers::Registers, requests::Requests, spans::Exported, upstreams::Upstreams,
};

/// What is looked at when somebody asks.
pub struct Watched {
    /// Where plugins run.
    pub host: Weak<Host>,
    /// The audit log.
    pub log: Log,
    /// The folders that must not fill, by what is kept there.
    pub folders: Vec<(&'static str, PathBuf)>,
}

/// Every metric of the gateway.
pub struct Metrics {
    registry: Registry,
    requests: Requests,
    plugins: Plugins,
    upstreams: Upstreams,
    log: LogMetrics,
    queue: Queue,
    notices: Notices,
    registers: Registers,
    errands: Errands,
    doors: Doors,
    disks: Disks,
    spans: Exported,
    watched: OnceLock<Watched>,
    /// Held while what stands is looked at and written, so that no answer holds half of it.
    writing: Mutex<()>,
}

/// A histogram that leads to traces.
type Traced = HistogramWithExemplars<Exemplar>;

/// From half a millisecond to 16 seconds: a look-up without provider is below one, a synchronous DDFL process ends at 15.
fn seconds() -> Traced {
    Traced::new(exponential_buckets(0.0005, 2.0, 16))
}

/// From 50 microseconds to 1.6 seconds: what the gateway does itself.
fn short_seconds() -> Traced {
    Traced::new(exponential_buckets(0.000_05, 2.0, 16))
}

/// Measures in seconds.
fn observe(histogram: &Traced, took: Duration, exemplar: Option<Exemplar>) {
    histogram.observe(took.as_secs_f64(), exemplar, Some(std::time::SystemTime::now()));
}

/// A count as a gauge has it.
fn count(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("dialog");
        Self {
            requests: Requests::new(&mut registry),
            plugins: Plugins::new(&mut registry),
            upstreams: Upstreams::new(&mut registry),
            log: LogMetrics::new(&mut registry),
            queue: Queue::new(&mut registry),
            notices: Notices::new(&mut registry),
            registers: Registers::new(&mut registry),
            errands: Errands::new(&mut registry),
            doors: Doors::new(&mut registry),
            disks: Disks::new(&mut registry),
            spans: Exported::new(&mut registry),
            watched: OnceLock::new(),
            writing: Mutex::default(),
            registry,
        }
    }
}

impl Metrics {
    /// Looks at these from now on whenever somebody asks. Said once, when all of it is open.
    pub fn watch(&self, watched: Watched) {
        // A gateway is assembled once.
        let _ = self.watched.set(watched);
    }

    /// The OpenMetrics text. Asks the file systems how much room there is; blocks.
    #[must_use]
    pub fn text(&self) -> String {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.spans.stand();
        self.registers.stand();
        if let Some(watched) = self.watched.get() {
            if let Some(host) = watched.host.upgrade() {
                let standing = host.standing();
                self.plugins.stand(&standing);
                self.upstreams.stand(&standing);
            }
            self.log.stand(&watched.log.status());
            self.disks.stand(&watched.folders);
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Observer for Metrics {
    fn called(&self, call: &CallEnded<'_>) {
        self.plugins.called(call);
    }

    fn upstream(&self, request: &UpstreamEnded<'_>) {
        self.upstreams.asked(request);
    }
}
