//! End to end: real processes, real HTTP, real components, real back ends.
//!
//! - [`visit`]: houses for tests, shared and of their own. [`bad_input`]: what is refused, and how.
//!   [`ways`]: further ways through the API. [`providers`]: what providers do beside the story.
//! - [`callers`]: who calls, for whom, and how they show it.
//! - [`matrix`]: every provider in every kind of trouble.
//! - [`canary`]: what is secret is nowhere to be found. [`erasure`]: who is erased is gone.
//! - [`evidence`]: what people are told of the audit log about themselves, and the proofs of it.
//! - [`succession`]: what they are told of the logs before, once an audit log has ended and another goes on.
//! - [`kills`]: a gateway that is killed under load, again and again. [`full_disk`]: one whose audit log has no room.
//! - [`national`]: the national registers and the personal archive, in good days and bad.
//! - [`demo`]: the demo, as somebody runs it who tries the gateway.
//! - [`listeners`]: TLS, seen from outside. [`conformance`]: the API, held against its document by `schemathesis`.
//! - [`tools`]: tools that nobody here wrote.
//! - [`house_rules`]: what no compiler checks.
//! - [`packages`]: plugins that come, wait, serve and go while the gateway runs.
//! - [`routing`]: what offices agreed, changed while everything runs.
//! - [`collegial`]: clinicians who talk with each other, and the patient whom they bring in.
//! - [`retention`]: what is in the audit log goes when its time has come.
//! - [`vendors`]: the tests of the plugins and of the SDK.
//! - [`auditor`]: the auditor's tool, at the door of a whole gateway.
//! - [`witnesses`]: who must sign the audit log before it is public.
//! - [`whole`]: the story that the demo plays.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they skip"
)]

mod auditor;
mod bad_input;
mod callers;
mod canary;
mod collegial;
mod conformance;
mod demo;
mod erasure;
mod evidence;
mod full_disk;
mod house_rules;
mod kills;
mod listeners;
mod matrix;
mod national;
mod packages;
mod providers;
mod retention;
mod routing;
mod succession;
mod tools;
mod vendors;
mod visit;
mod ways;
mod whole;
mod witnesses;
