//! What goes wrong in a back end's transport when a test wants it to: down, slow, held, garbled. One room for all of them.
//!
//! - [`faults`]: what is wrong now and next, and which calls it is meant for
//! - [`gate`]: a call that is held
//! - [`passage`]: what every call to a back end goes through; its [`Manners`] are what differs from one to another
//! - steering: [`handle`] (for tests), [`control`] (over HTTP)

pub mod control;
pub mod faults;
pub mod gate;
pub mod handle;
pub mod passage;

pub use faults::{Availability, Call, Faults, HttpFault};
pub use gate::Held;
pub use handle::Trouble;
pub use passage::{Manners, apply};
