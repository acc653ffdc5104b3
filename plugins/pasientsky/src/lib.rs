//! PasientSky, a commercial vendor, as a plugin: FHIR R4 over REST, conditional creates, versioned updates, subscriptions.
//!
//! The vendor's real interface is not public. The README says what is invented here, and what the vendor would change.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`fhir`] | elements, bundles, instants; nothing of the contract's |
//! | [`ask`] | requests: searches, creates, updates of one version; what a call may spend on them |
//! | [`dialog`], [`renewal`] | written services: the vendor calls a dialog a *Task*, and a message a *Communication* |
//! | [`calendar`], [`appointments`] | slots and appointments in both vocabularies; direct booking |
//! | [`medication`] | which prescriptions can be renewed |
//! | [`event`], [`said`], [`report`] | what the clinic did as events of the contract, results of tests among it |
//! | [`read_mark`] | what the citizen has opened |
//! | [`survey`] | what the clinic asks its patients, by choices alone |
//! | [`inbound`], [`place`] | which news there are, by notification and by search, and how far they were taken in |
//! | [`file`](mod@file) | files in both directions |
//! | [`person`] | patients, and who acts for them |
//! | [`refusal`] | the vendor's errors as failures of the contract |
//! | [`settings`], [`words`] | the office's agreement; what citizens read |

pub mod appointments;
pub mod ask;
pub mod calendar;
pub mod dialog;
pub mod event;
pub mod fhir;
pub mod file;
pub mod inbound;
pub mod medication;
pub mod person;
pub mod place;
pub mod read_mark;
pub mod refusal;
pub mod renewal;
pub mod report;
pub mod said;
pub mod settings;
pub mod survey;
pub mod words;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "fhir";

/// The plugin.
#[derive(Debug)]
pub struct Pasientsky;

dialog_plugin_sdk::export_dialogs!(Pasientsky);
dialog_plugin_sdk::export_appointments!(Pasientsky);
dialog_plugin_sdk::export_prescriptions!(Pasientsky);
dialog_plugin_sdk::export_inbound!(Pasientsky);
dialog_plugin_sdk::export_read_marks!(Pasientsky);
dialog_plugin_sdk::export_feedback!(Pasientsky);

use dialog_plugin_sdk::text::clip;

/// A text cut to so many characters, where there is something to read.
pub(crate) fn written(text: Option<&str>, most: usize) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| clip(text, most))
}
