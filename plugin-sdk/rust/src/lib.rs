//! Plugins of the dialog gateway, in Rust: implement a trait, export it, build with `dialog-plugin build`.
//!
//! ```no_run
//! use dialog_plugin_sdk::{Context, Failure, payments::{Invoice, Payment, Payments}, upstream};
//! use serde::Deserialize;
//!
//! struct Vendor;
//!
//! #[derive(Deserialize)]
//! struct Page {
//!     id: String,
//!     url: String,
//!     expires: i64,
//! }
//!
//! impl Payments for Vendor {
//!     fn outstanding(_: Context) -> Result<Vec<Invoice>, Failure> {
//!         Ok(Vec::new())
//!     }
//!
//!     fn pay(ctx: Context, invoice: String, return_url: String) -> Result<Payment, Failure> {
//!         let page: Page = upstream::post("api", "/invoices")
//!             .segment(invoice)
//!             .segment("payments")
//!             .query("return", return_url)
//!             .header("idempotency-key", ctx.idempotency_key)
//!             .send()?
//!             .success()?
//!             .json()?;
//!         Ok(Payment { redirect: page.url, id: page.id, expires: page.expires })
//!     }
//! }
//!
//! dialog_plugin_sdk::export_payments!(Vendor);
//! # fn main() {}
//! ```
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`types`] | what every interface shares; all of it stands at the root too |
//! | [`dialogs`] … [`notices`] | one an interface of the contract: its trait and its types |
//! | [`upstream`], [`state`], [`clock`], [`mod@log`], [`attachments`] | what a plugin may ask of the gateway |
//! | [`feed`], [`files`], [`mod@text`], [`time`], [`words!`] | what most plugins need: a numbered feed taken in order and confirmed, files fetched within a call's requests, texts cut to the contract's lengths, local time, texts in three languages |
//! | `failure`, [`ids`], `settings` | building failures, stable identifiers, reading settings |
//! | [`export`] | the macros' machinery, and the panic hook |
//! | `testing` | a host for unit tests, where the plugin is compiled for the machine itself |
//!
//! There is no WASI: in a component `std::time`, `std::fs`, `std::net`, `std::env` and random numbers do not work. Time
//! comes from [`clock`] and the context, identifiers are derived with [`ids`].

pub mod attachments;
#[doc(hidden)]
pub mod bindings;
mod capabilities;
pub mod clock;
pub mod export;
mod failure;
pub mod feed;
pub mod files;
pub mod ids;
pub mod log;
mod person;
mod settings;
pub mod state;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod text;
#[cfg(feature = "time")]
pub mod time;
pub mod upstream;
mod words;

pub use types::*;

/// What every interface shares: who calls, for whom, dialogs and their messages, and how a call can fail.
pub mod types {
    pub use crate::{
        bindings::capabilities::dialog::provider::types::*,
        person::{Citizen, CitizenIdentity, Representative},
    };
}

macro_rules! interfaces {
    ($($(#[$doc:meta])* $module:ident $trait:ident),* $(,)?) => {$(
        $(#[$doc])*
        pub mod $module {
            pub use crate::bindings::$module::exports::dialog::provider::$module::{Guest as $trait, *};
        }
    )*};
}

interfaces!(
    /// Written services: the citizen opens a dialog, messages go to and fro, and it ends.
    dialogs Dialogs,
    /// Direct booking: the office publishes free slots, the citizen picks one.
    appointments Appointments,
    /// Which prescriptions the citizen can ask the office to renew.
    prescriptions Prescriptions,
    /// Practical information, open to all, and the provider's own forms.
    practice Practice,
    /// Fees that the citizen owes the office.
    payments Payments,
    /// A satisfaction survey, without free text.
    feedback Feedback,
    /// Two-way: how what happens at the provider reaches the gateway.
    inbound Inbound,
    /// Consultations by video: the way into the meeting.
    video Video,
    /// Read marks: what the citizen has seen.
    read_marks ReadMarks,
    /// Notices by text message or mail: an address and a text, and nothing of what it is about.
    notices Notices,
    /// What changes about a citizen that providers must know.
    citizens Citizens,
);
