//! Bad input gets a clear, specific refusal, and nothing is sent.
//!
//! - [`bodies`]: fields, types, sizes, JSON. [`places`]: paths, methods, queries, cursors, other people's ids.
//! - [`keys`]: idempotency keys and preconditions. [`tokens`]: who calls. [`files`]: attachments.
//! - [`offers`]: what the office does not offer, and times that cannot be. [`words`]: in which language it is said.

mod bodies;
mod files;
mod keys;
mod offers;
mod places;
mod tokens;
mod words;
