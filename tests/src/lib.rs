//! What the tests and the demo are made of.
//!
//! - [`sim`]: the world outside: who lives in it, and the back ends behind the plugins.
//! - [`house`]: a whole gateway with its back ends, in a process of its own.
//! - [`witness`]: a witness of the audit log.
//! - [`story`]: what `cargo demo -- --check` plays.
//! - [`trial`]: every plugin before the checks of `dialog-conformance`.
//! - [`standards`]: the national schemas, where they lie beside the project.

pub mod house;
pub mod sim;
pub mod standards;
pub mod story;
pub mod trial;
pub mod witness;
