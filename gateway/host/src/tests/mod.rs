//! What the unit tests of several rooms need, and the tests of whole calls: real components in the real engine, against
//! real HTTP servers.
//!
//! - [`ports`]: a store and blobs in memory, and a citizen who does not exist. - [`guests`]: small plugins.
//! - [`installs`], [`calls`], [`upstreams`], [`tls`], [`observed`]: the tests.

pub(crate) mod calls;
pub(crate) mod guests;
mod installs;
mod observed;
mod ports;
mod tls;
mod upstreams;

pub(crate) use ports::{MemoryBlobs, MemoryStore, Residents, citizen_context};
