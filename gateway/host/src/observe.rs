//! What the host tells whoever keeps metrics. The host knows no metrics library; the server implements [`Observer`].

use std::time::Duration;

use dialog_contract::{ids::PluginId, provider::Interface};

/// Told of what happens, as it happens.
///
/// Called from any task, also at once; an implementation only counts, and never waits. Every method has a default that
/// does nothing.
pub trait Observer: Send + Sync + 'static {
    /// A call has ended.
    fn called(&self, call: &CallEnded<'_>) {
        let _ = call;
    }

    /// An upstream request has ended.
    fn upstream(&self, request: &UpstreamEnded<'_>) {
        let _ = request;
    }

    /// A plugin's code was made ready.
    fn prepared(&self, plugin: &PluginId, how: Prepared, took: Duration) {
        let _ = (plugin, how, took);
    }

    /// An upstream's breaker opened (true) or closed (false).
    fn breaker(&self, plugin: &PluginId, upstream: &str, open: bool) {
        let _ = (plugin, upstream, open);
    }
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}

/// A call that has ended.
#[derive(Debug, Clone)]
pub struct CallEnded<'a> {
    /// Which plugin.
    pub plugin: &'a PluginId,
    /// Which interface.
    pub interface: Interface,
    /// Which function.
    pub function: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, the wait for permits included.
    pub took: Duration,
    /// The most memory that it held, in bytes.
    pub memory_bytes: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// With a failure of the contract's list.
    Failed,
    /// The guest trapped; a panic is a trap.
    Trapped,
    /// Its time ran out.
    TimedOut,
    /// It ran into its memory limit, and trapped.
    OutOfMemory,
    /// What it returned breaks the contract.
    BrokeContract,
    /// It was not begun: too many calls at once.
    Shed,
    /// It was not begun: no such plugin, or the plugin does not export the interface.
    NotInstalled,
    /// The gateway itself could not do its part: store or blobs.
    Internal,
}

impl Outcome {
    /// As metrics name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Trapped => "trapped",
            Self::TimedOut => "timed-out",
            Self::OutOfMemory => "out-of-memory",
            Self::BrokeContract => "broke-contract",
            Self::Shed => "shed",
            Self::NotInstalled => "not-installed",
            Self::Internal => "internal",
        }
    }
}

/// An upstream request that has ended.
#[derive(Debug, Clone)]
pub struct UpstreamEnded<'a> {
    /// Which plugin.
    pub plugin: &'a PluginId,
    /// Which of its upstreams.
    pub upstream: &'a str,
    /// HTTP method.
    pub method: &'a str,
    /// HTTP status, or the name of the contract's error.
    pub result: Result<u16, &'static str>,
    /// How long.
    pub took: Duration,
}

/// How a plugin's code was made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prepared {
    /// Compiled.
    Compiled,
    /// Found in the cache.
    Cached,
}
