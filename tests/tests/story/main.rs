//! End to end: real processes, real HTTP, real components, real back ends.
//!
//! - [`whole`]: the story that the demo plays.

mod whole;
