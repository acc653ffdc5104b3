//! Helserespons, a commercial vendor, as a plugin: JSON over REST, a key in a header, a change feed and webhooks.
//!
//! The vendor's real interface is not public. The README says what is invented here, and what the vendor would change.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`case`] | written services: the vendor calls a dialog a *case*, and a message an *entry* |
//! | [`consult`] | clinicians who talk with each other |
//! | [`booking`] | openings and bookings in both vocabularies |
//! | [`appointments`] | direct booking |
//! | [`medication`] | which prescriptions can be renewed |
//! | [`payment`] | what is owed, and where to pay |
//! | [`room`] | into a meeting room for video, and out of it |
//! | [`citizens`] | who is digitally active |
//! | [`change`] | one change at the vendor as an event of the contract |
//! | [`inbound`] | the change feed and the webhooks: which changes, and what is confirmed |
//! | [`file`](mod@file) | files in both directions |
//! | [`person`] | patients, and who acts for them |
//! | [`refusal`] | the vendor's errors as failures of the contract |
//! | [`settings`], [`words`] | the office's agreement; what citizens read |

pub mod appointments;
pub mod booking;
pub mod case;
pub mod change;
pub mod citizens;
pub mod consult;
pub mod file;
pub mod inbound;
pub mod medication;
pub mod payment;
pub mod person;
pub mod refusal;
pub mod room;
pub mod settings;
pub mod words;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "api";

/// The plugin.
#[derive(Debug)]
pub struct Helserespons;

dialog_plugin_sdk::export_dialogs!(Helserespons);
dialog_plugin_sdk::export_appointments!(Helserespons);
dialog_plugin_sdk::export_prescriptions!(Helserespons);
dialog_plugin_sdk::export_payments!(Helserespons);
dialog_plugin_sdk::export_inbound!(Helserespons);
dialog_plugin_sdk::export_citizens!(Helserespons);
dialog_plugin_sdk::export_video!(Helserespons);
