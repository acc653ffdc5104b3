//! What the domain asks of the outside. Each port is a trait with a stated life cycle; the crates `dialog-store`,
//! `dialog-host` and `dialog-gateway` implement them, and never know of each other.
//!
//! - [`store`]: the ordered, transactional key-value store; [`blobs`]: attachments on disk; [`keys`]: whose key
//!   encrypts what.
//! - [`providers`]: calls to plugins; [`citizens`]: whose it is what plugins keep.
//! - [`directory`]: who is whose GP, offices, agreements.
//! - [`archive`]: the citizen's personal archive.
//! - [`evidence`]: the audit log, written to; [`trails`]: the same, read from.
//! - [`clock`]: the time.

pub mod archive;
pub mod blobs;
pub mod citizens;
pub mod clock;
pub mod directory;
pub mod evidence;
pub mod keys;
pub mod providers;
pub mod store;
pub mod trails;
