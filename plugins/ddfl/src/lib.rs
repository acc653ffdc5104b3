//! Digital Dialog Fastlege (DDFL), the public solution, as a plugin.
//!
//! - [`message`] — what both directions share: codes, processes, identifiers, time.
//! - [`write`](mod@write) — strict: a request becomes a HITS 1217 message, or a reason why it cannot.
//! - [`read`] — liberal: bytes from a record system become one typed [`read::Incoming`].
//! - [`xml`] — the two halves of XML that the above stand on: a bounded tree and a writer of segments.
//!
//! - [`plugin`] — the contract's functions, on top of all this.
//!
//! The standard is HITS 1217:2018 (Implementasjonsguide Digital Dialog). Section numbers in the
//! documentation refer to it.

pub mod message;
pub mod plugin;
pub mod read;
pub mod write;
pub mod xml;
