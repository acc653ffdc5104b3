//! What writing and reading share.
//!
//! - [`code`] — code systems (Volven), their OIDs, and the codes in use.
//! - [`kind`] — what a message is: every request and answer, with its code.
//! - [`process`] — communication processes and their versions.
//! - [`identity`] — HER-ids, national identity numbers, message ids.
//! - [`time`] — instants and the Norwegian wall clock that calendars use.

pub mod code;
pub mod identity;
pub mod kind;
pub mod process;
pub mod time;

pub use code::Code;
pub use identity::{HerId, MessageId, NationalId, OrganisationNumber};
pub use kind::Kind;
pub use process::{Process, Support, Version};
