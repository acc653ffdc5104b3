//! Witnesses of the audit log.
//!
//! - [`bench`]: a log, some witnesses, and what asks them, without a gateway around.
//! - [`answers`]: every answer that a witness can give, and what comes of it.
//! - [`forks`]: witnesses that have seen another tree, and those that merely say so.
//! - [`quorum`]: a whole gateway with three witnesses, of which two must sign.

mod answers;
mod bench;
mod forks;
mod quorum;
