//! The HTTP surface.
//!
//! The path of one request, in the order in which it is walked:
//! 1. [`envelope`]: request id, trace, language, a deadline for the whole request; afterwards its line and its metrics.
//! 2. [`caller`]: the token becomes a `Permitted<Citizen>`, or that of another role. Nothing behind runs without one.
//! 3. [`body`]: `Idempotency-Key`, size, depth, JSON Schema.
//! 4. The handlers of one noun each, which only call the domain: [`practice`], [`dialogs`], [`attachments`],
//!    [`inbox`], [`appointments`], [`payments`], [`notices`], [`surveys`], [`choices`], [`events`], [`access`],
//!    [`collegial`]; on the provider listener [`deliveries`], on the operations listener [`operations`], [`plugins`], [`log`].
//! 5. [`reply`]: what leaves, and the problem where something is refused.
//!
//! [`routes`] is the table of them all.

pub mod access;
pub mod agreements;
pub mod appointments;
pub mod attachments;
pub mod body;
pub mod caller;
pub mod choices;
pub mod collegial;
pub mod deliveries;
pub mod dialogs;
pub mod envelope;
pub mod events;
pub mod inbox;
pub mod log;
pub mod notices;
pub mod operations;
pub mod payments;
pub mod plugins;
pub mod practice;
pub mod query;
pub mod reply;
pub mod routes;
pub mod streams;
pub mod surveys;
