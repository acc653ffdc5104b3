//! The client's side of C2SP tlog-witness, without the network: a log submits its checkpoints, each with a proof that it
//! continues what the witness knows, and gets cosignatures.
//!
//! * `submission`: what is sent.
//! * `reply`: what the answer says.
//! * `evidence`: whether a claim that the log has forked holds.
//! * `state`: what is known of one witness, and so what to send it next, when, and what its answer means.
//!
//! Nothing of it waits or fails on a request's path: whoever carries the messages does so at a pace of its own, and only
//! ever submits the newest checkpoint, so that a witness that is away makes nothing grow.

mod evidence;
mod reply;
mod state;
mod submission;

pub use evidence::contradicts;
pub use reply::{Kept, Reply};
pub use state::{Asked, Meaning, Standing, Witness};
pub use submission::{TooManyHashes, submission};
