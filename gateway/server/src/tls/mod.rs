//! TLS of the listeners.
//!
//! - [`peer`]: who is at the other end, for whoever binds a token to a certificate.

pub mod peer;
