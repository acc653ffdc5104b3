//! A small witness that follows C2SP tlog-witness to the letter, written without a line of what it is a test of: it reads
//! notes, verifies proofs and signs on its own.
//!
//! - [`note`]: signed notes and checkpoints, read strictly.
//! - [`proof`]: consistency proofs, by the algorithm of RFC 9162.
//! - [`book`]: what it has signed of each log, on disk before it answers.
//! - [`sign`]: its key, of either kind.
//! - [`handle`]: the running witness, and how it can be made to misbehave.

pub mod book;
pub mod handle;
pub mod note;
pub mod proof;
pub mod sign;

pub use handle::{Manner, Witness};
pub use sign::Kind;

#[cfg(test)]
mod tests;
