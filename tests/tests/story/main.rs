//! End to end: real processes, real HTTP, real components, real back ends.
//!
//! - [`house_rules`]: what no compiler checks.
//! - [`vendors`]: the tests of the plugins and of the SDK.
//! - [`whole`]: the story that the demo plays.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they skip"
)]

mod house_rules;
mod vendors;
mod whole;
