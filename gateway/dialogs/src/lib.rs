//! The domain: services, dialogs, routing, deadlines and permissions, with every wall to the outside as a port.
//!
//! Floor plan
//! - [`ports`]: what the domain asks of the outside, as traits: store, blobs, directory, providers, audit, clock.

pub mod ports;
