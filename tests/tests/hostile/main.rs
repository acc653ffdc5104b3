//! Hostile guests: plugins that nobody should install, each run for real, and each held to five things. It is contained:
//! the call fails as it should, or is refused what it asked for. The next call works. A bystander, another plugin, is
//! called all the while and answers. The operator is told, with plugin, version, call and trace. And there is evidence of
//! the call, for the audit log.
//!
//! Floor plan
//! - [`stage`]: the host, the bystander, what the operator reads, and the five things, in one place.
//! - [`wat`]: guests in WebAssembly text, for what Rust cannot say; those in Rust are in `tests/guests`.
//! - [`server`]: a server that does every bad thing that an upstream can do.
//! - The guests by what they are hostile with: [`time`], [`memory`], [`output`], [`upstream`], [`state`], [`logs`],
//!   [`packages`], [`between_calls`]. These run in a host on stores in memory.
//! - [`citizens`]: the same guests behind a whole gateway in a process of its own: what citizens are told, what stands in
//!   the audit log.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod between_calls;
mod citizens;
mod logs;
mod memory;
mod output;
mod packages;
mod server;
mod stage;
mod state;
mod time;
mod upstream;
mod wat;
