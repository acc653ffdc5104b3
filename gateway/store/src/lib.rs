//! What the gateway must not forget: an ordered, transactional key-value store, and attachments as files.
//!
//! Floor plan
//! - [`SledStore`] (`embedded`): the store on sled, driven by one committer that groups batches into one real fsync.
//! - [`FileBlobs`] (`blobs`): attachments, one file each, hashed while written and verified while read.
//! - `sealed`: both encrypted, above whatever keeps the bytes: [`SealedStore`], [`SealedBlobs`], with the [`KeyRing`] of
//!   all owners' keys and the [`MasterKeys`] that wrap them.
//! - [`memory`]: the same two ports in memory, for the tests of other crates.
//! - [`limits`]: every bound that is not already part of the port, with its reason.
//! - `bounds`: refuses what is over a limit, alike for every store.
//! - `folder`: private folders and the lock that keeps a second process out.
//! - `sync`: the calls that make bytes survive a power cut; tests watch them here.

mod blobs;
mod bounds;
mod embedded;
mod error;
mod folder;
pub mod limits;
pub mod memory;
#[cfg(test)]
mod model;
mod sealed;
mod sync;

pub use blobs::FileBlobs;
pub use embedded::{SledConfig, SledStore};
pub use error::OpenError;
pub use sealed::{KeyRing, MasterKeyError, MasterKeys, Rewrap, SealedBlobs, SealedOpenError, SealedStore};
