//! The gateway's clock.

use crate::{capabilities, types::Instant};

/// Now, in milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> Instant {
    capabilities::clock::now()
}

/// Waits, at most until the call's deadline.
pub fn wait(milliseconds: u32) {
    capabilities::clock::wait(milliseconds);
}
