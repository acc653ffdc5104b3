//! Besøklegen, a commercial vendor, as a plugin: SOAP 1.2 at one address, WS-Security, and a list of events that is polled.
//!
//! The vendor's real interface is not public. The README says what is invented here, and what the vendor would change.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`case`] | written services: the vendor calls a dialog a *case* |
//! | [`booking`] | slots and bookings in both vocabularies |
//! | [`appointments`] | direct booking |
//! | [`practice`] | practical information, and the vendor's forms |
//! | [`event`](mod@event) | one event at the vendor as an event of the contract |
//! | [`inbound`] | the list of events: which ones, and what is confirmed |
//! | [`document`] | files in both directions |
//! | [`person`] | patients, and who acts for them |
//! | [`soap`] | one exchange: envelope, headers, answer |
//! | [`fault`] | the vendor's faults as failures of the contract |
//! | [`xml`] | XML, in and out |
//! | [`settings`], [`words`] | the office's agreement; what citizens read |

pub mod appointments;
pub mod booking;
pub mod case;
pub mod document;
pub mod event;
pub mod fault;
pub mod inbound;
pub mod person;
pub mod practice;
pub mod settings;
pub mod soap;
pub mod words;
pub mod xml;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "portal";

/// The plugin.
#[derive(Debug)]
pub struct Besoklegen;

/// Why something of the vendor's cannot be understood. Never its content.
pub type Odd = &'static str;

dialog_plugin_sdk::export_dialogs!(Besoklegen);
dialog_plugin_sdk::export_appointments!(Besoklegen);
dialog_plugin_sdk::export_practice!(Besoklegen);
dialog_plugin_sdk::export_inbound!(Besoklegen);
