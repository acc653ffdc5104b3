//! Between the contract's types and the bindings. What goes in is converted; what comes out is untrusted, and checked on
//! the way: lengths, counts, identifiers, times, control characters, order, and the size of it all.
//!
//! Floor plan
//! - [`answer`]: the check itself: places, rules, budget. - [`failure`]: how a call fails.
//! - [`context`]: who calls and for whom. - [`dialogs`]: openings and messages. - [`events`]: what happened;
//!   [`results`]: what tests found.
//! - [`appointments`], [`prescriptions`], [`practice`], [`payments`], [`feedback`], [`inbound`], [`video`], [`notices`]:
//!   the other interfaces.

pub(crate) mod answer;
pub(crate) mod appointments;
pub(crate) mod context;
pub(crate) mod dialogs;
pub(crate) mod events;
pub(crate) mod failure;
pub(crate) mod feedback;
pub(crate) mod inbound;
pub(crate) mod notices;
pub(crate) mod payments;
pub(crate) mod practice;
pub(crate) mod prescriptions;
pub(crate) mod results;
pub(crate) mod video;
