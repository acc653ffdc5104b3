//! The operator's gateway: configuration, listeners, authentication, handlers, telemetry, wiring.
//!
//! Floor plan
//! - [`auth`]: access tokens to permits.
//! - [`directory`]: the embedded directory, from a file into the store.
//! - [`pseudonym`]: keyed pseudonyms of people.
//! - [`telemetry`]: logs, traces, metrics.

pub mod auth;
pub mod directory;
pub mod pseudonym;
pub mod telemetry;
