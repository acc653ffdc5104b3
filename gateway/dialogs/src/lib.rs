//! The domain: services, dialogs, routing, deadlines and permissions, with every wall to the outside as a port.
//!
//! Floor plan
//! - [`ports`]: what the domain asks of the outside, as traits: store, blobs, directory, providers, audit, clock.
//! - [`media`]: which kind of file some bytes are, by their content.
//! - `record`: what is kept, as it lies in the store; `keys`: where each lies; `shelf`: reading it, and writing it one
//!   step at a time.
//! - `draft`: a dialog that is being changed, with the rules of a dialog's life.
//! - `sequence`: the order of the portal's events, such that a follower misses none.
//! - `identity`: how people are named where their national identity number has no business.
//! - `texts`: what citizens read, in three languages.

mod draft;
mod identity;
mod keys;
pub mod media;
pub mod ports;
mod record;
mod sequence;
mod shelf;
mod texts;
