//! The operator's gateway: configuration, listeners, authentication, handlers, telemetry, wiring.
//!
//! Floor plan
//! - [`config`]: the operator's file. [`check`]: what is wrong with it. [`start`]: from it to a running gateway, and to its end in good order.
//! - [`listener`] with its [`limits`] and [`tls`], [`http`]: the HTTP surface; `http` is also the map of a request's path.
//! - [`abuse`]: who asks too often, too slowly or for nothing.
//! - [`auth`]: access tokens to permits. [`webhook`]: what vendors push.
//! - [`gateway`]: what every handler reaches. [`background`]: what happens without being asked.
//! - [`evidence`], [`trails`]: the audit log, as the domain writes to it and reads from it. [`log_reading`]: who reads it
//!   over HTTP. [`retention`]: what goes from it after its time.
//! - [`log`]: the audit log as it is configured. [`witnesses`]: who must sign it too before it is public.
//! - Behind the domain's ports: [`directory`], [`archive`], [`evidence`]; the store and the plugin host are crates of their own.
//! - [`operate`]: what an operator does with the plugins of a gateway that runs.
//! - [`return_origins`]: where a payment service may send a citizen back to.
//! - [`encryption`]: the keys of what is kept. [`telemetry`]: logs, traces, metrics.

pub mod abuse;
pub mod archive;
pub mod auth;
pub mod background;
pub mod check;
pub mod config;
pub mod directory;
pub mod encryption;
pub mod evidence;
pub mod gateway;
pub mod http;
pub mod limits;
pub mod listener;
pub mod log;
pub mod log_reading;
pub mod operate;
pub mod retention;
pub mod return_origins;
pub mod start;
pub mod telemetry;
pub mod tls;
pub mod trails;
pub mod webhook;
pub mod witnesses;

/// What a process does that was started to compile a plugin: for every binary that runs a gateway.
pub use dialog_host::compile;
/// What changes installed plugins.
pub use dialog_host::packages;

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
