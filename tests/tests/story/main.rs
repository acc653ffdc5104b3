//! End to end: real processes, real HTTP, real components, real back ends.
//!
//! - [`vendors`]: the tests of the plugins and of the SDK.
//! - [`whole`]: the story that the demo plays.

mod whole;
mod vendors;
