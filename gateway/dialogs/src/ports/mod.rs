//! What the domain asks of the outside. Each port is a trait with a stated life cycle; the crates `dialog-store`,
//! `dialog-host` and `dialog-gateway` implement them, and never know of each other.

pub mod blobs;
pub mod store;
