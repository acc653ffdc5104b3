//! The plugin: the contract's functions, in terms of messages.
//!
//! - [`dialogs`] — the citizen opens a dialog, writes in it, ends it.
//! - [`appointments`] — direct booking: a question and its answer within the call.
//! - [`citizens`] — who is digitally active, told to the office.
//! - [`inbound`] — what record systems send, as events; receipts, once the gateway has settled them.
//! - [`event`] — one message from a record system as events of the contract.
//! - [`exchange`] — a message and the answer to it, waited for.
//! - [`address`] — who sends, who receives, whom it is about.
//! - [`appointment`] — appointments and slots in both vocabularies.
//! - [`settings`] — what the office agreed and the operator set.
//! - [`medicine`] — what became of each medicine of a renewal.
//! - [`memory`] — what is kept between calls.
//! - [`colleague`] — clinicians who talk with each other.
//! - [`transport`] — Meldingstjener.
//! - [`words`] — what citizens read.

pub mod address;
pub mod appointment;
pub mod appointments;
pub mod citizens;
pub mod colleague;
pub mod dialogs;
pub mod event;
pub mod exchange;
pub mod inbound;
pub mod medicine;
pub mod memory;
pub mod settings;
pub mod transport;
pub mod words;

/// The plugin.
#[derive(Debug)]
pub struct Ddfl;

dialog_plugin_sdk::export_dialogs!(Ddfl);
dialog_plugin_sdk::export_appointments!(Ddfl);
dialog_plugin_sdk::export_inbound!(Ddfl);
dialog_plugin_sdk::export_citizens!(Ddfl);
