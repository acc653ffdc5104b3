//! The domain: services, dialogs, routing, deadlines and permissions, with every wall to the outside as a port.
//!
//! Floor plan
//! - [`media`]: which kind of file some bytes are, by their content.
//! - [`ports`]: what the domain asks of the outside, as traits: store, blobs, directory, providers, audit, clock.

pub mod media;
pub mod ports;
