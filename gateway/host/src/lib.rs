//! Runs providers' plugins: WebAssembly components behind the contract of `schemas/wit`. The only crate that knows the
//! engine.
//!
//! The threat: a plugin is code of someone else's. It may be broken, greedy or hostile; it must not see another citizen's
//! data, reach what it was not bound to, take more than its share, or make the gateway say what is not so. Hence a fresh
//! instance for every call, no ambient authority, a limit on everything, and no word of its answer believed unchecked.
//!
//! Floor plan
//! - [`host`]: what the server uses: set up, install, remove. [`Host`] implements the domain's port `Providers`.
//! - Before a call: [`package`] reads a file, `complexity` counts what is in it, [`trust`] says whose it must be,
//!   [`grant`] what the operator answers, [`manifest`] holds settings to their schema; [`compile`] makes machine code of
//!   it, apart from serving, `compiled` keeps that, `registry` holds what is installed. [`packages`]: installing, granting
//!   and rolling back while calls are under way.
//! - A call: `providers` is the port, `call` the path of one call, `engine` and `memory` its bounds, `convert` what goes
//!   in and what is believed of what comes out.
//! - What a guest can reach: `capabilities`, and below it [`upstream`].
//! - [`limits`]: every limit. [`mod@file`]: what the operator names, read in bounds. [`secret`]: where secrets come from. [`trace`], [`observe`]: what others see of it.
//!   `scrub`: what a guest writes, made fit for a log. `bindings`: the WIT package, generated. [`fuzzing`]: doors for the fuzz
//!   targets.

mod bindings;
mod call;
mod capabilities;
pub mod compile;
mod compiled;
mod complexity;
mod convert;
mod engine;
pub mod file;
#[doc(hidden)]
pub mod fuzzing;
pub mod grant;
pub mod host;
pub mod limits;
pub mod manifest;
mod memory;
pub mod observe;
pub mod package;
pub mod packages;
mod providers;
mod registry;
mod scrub;
pub mod secret;
#[cfg(test)]
mod tests;
pub mod trace;
pub mod trust;
pub mod upstream;

pub use compiled::CacheError;
pub use grant::Grant;
pub use host::{
    Host, HostConfig, HostError, InstallError, Installation, PluginConfig, Ports, Ready, TaskTrace, TraceSource,
};
pub use limits::Limits;
pub use upstream::config::UpstreamBinding;
