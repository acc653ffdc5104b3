//! Kry, a commercial vendor with doctors of its own, as a plugin: JSON:API 1.1, OAuth 2.0, an event feed and Standard
//! Webhooks.
//!
//! The vendor's real interface is not public. The README says what is invented here, and what the vendor would change.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`document`] | JSON:API documents: read at the edge, and written |
//! | [`paging`] | lists that come in pages, which may not end |
//! | [`refusal`] | the vendor's errors as failures of the contract |
//! | [`visit`] | written services: the vendor calls a dialog a *visit* |
//! | [`booking`] | times and bookings in both vocabularies |
//! | [`appointments`] | direct booking |
//! | [`practice`] | practical information, and the triage form |
//! | [`payments`] | fees |
//! | [`meeting`] | into a video meeting, and out of it |
//! | [`event`] | one event at the vendor as an event of the contract |
//! | [`inbound`] | the event feed and the webhooks: which events, and what is told back |
//! | [`file`](mod@file) | files in both directions |
//! | [`person`] | patients, who acts for them, and doctors |
//! | [`settings`], [`words`] | the office's agreement; what citizens read |

pub mod appointments;
pub mod booking;
pub mod document;
pub mod event;
pub mod file;
pub mod inbound;
pub mod meeting;
pub mod paging;
pub mod payments;
pub mod person;
pub mod practice;
pub mod refusal;
pub mod settings;
pub mod visit;
pub mod words;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "api";

/// The plugin.
#[derive(Debug)]
pub struct Kry;

dialog_plugin_sdk::export_dialogs!(Kry);
dialog_plugin_sdk::export_appointments!(Kry);
dialog_plugin_sdk::export_practice!(Kry);
dialog_plugin_sdk::export_payments!(Kry);
dialog_plugin_sdk::export_video!(Kry);
dialog_plugin_sdk::export_inbound!(Kry);
