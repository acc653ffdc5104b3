//! What the host tells whoever keeps metrics: what has ended, by [`Observer`]; what is under way, by [`Standing`] when it
//! is asked. The host knows no metrics library; the server does both.

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
    /// How long it waited for its permits; all of it where it was not begun.
    pub waited: Duration,
    /// How long it was worked on: the guest's code, and what the host did for it between its waits.
    pub guest: Duration,
    /// The most memory that it held, in bytes.
    pub memory_bytes: u64,
    /// What it asked for and may not have, counted.
    pub refused: u32,
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
    /// Every way to end.
    pub const ALL: [Self; 9] = [
        Self::Answered,
        Self::Failed,
        Self::Trapped,
        Self::TimedOut,
        Self::OutOfMemory,
        Self::BrokeContract,
        Self::Shed,
        Self::NotInstalled,
        Self::Internal,
    ];

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
    /// How long, waits included.
    pub took: Duration,
    /// How long before its first byte could leave: for its turn, and for a token. None where none could.
    pub waited: Option<Duration>,
}

/// What is under way at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Calls under way, of versions that were replaced meanwhile too.
    pub calls: u64,
    /// As many as there may be.
    pub most_calls: u64,
    /// As many as there may be of one plugin.
    pub most_calls_of_one: u64,
    /// Requests that may be under way to one upstream.
    pub most_requests: u64,
    /// The plugins that are installed, by id.
    pub plugins: Vec<PluginStanding>,
}

/// How an installed plugin stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginStanding {
    /// Which.
    pub plugin: PluginId,
    /// Calls of this version under way.
    pub calls: u64,
    /// Its upstreams, by name.
    pub upstreams: Vec<UpstreamStanding>,
}

/// How an upstream stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamStanding {
    /// The plugin's name of it.
    pub name: String,
    /// Requests to it under way, each on a connection of its own.
    pub requests: u64,
    /// Whether its breaker is open, or on probation.
    pub breaker_open: bool,
}

/// How a plugin's code was made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prepared {
    /// Compiled.
    Compiled,
    /// Found in the cache.
    Cached,
}
