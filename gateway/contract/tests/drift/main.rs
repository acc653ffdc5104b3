//! The contract is written three times: as WIT for plugins, as JSON Schema for the portal and the auditors, as Rust
//! types for us. These tests fail when one of them changes alone.
//!
//! - `listing`: what the compiler knows of a Rust type.
//! - `lists`: closed lists, in all three.
//! - `wit`: the records and variants of the WIT package, and that everything in it is documented.
//! - `schemas`: the JSON Schemas, their examples, and the limits in them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]
// A test's crate has no users.
#![allow(missing_docs, unreachable_pub, reason = "a test's crate has no users")]

mod listing;
mod lists;
mod schemas;
mod wit;
