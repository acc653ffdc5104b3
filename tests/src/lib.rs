//! What the tests and the demo are made of.
//!
//! - [`sim`]: the simulated back ends behind the plugins, real HTTP servers with a control API each.

pub mod sim;
