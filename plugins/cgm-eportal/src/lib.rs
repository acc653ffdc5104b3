//! CGM e-portal, a commercial vendor, as a plugin: GraphQL behind mutual TLS, and a feed that is long polled.
//!
//! The vendor's real interface is not public. The README says what is invented here, and what the vendor would change.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`operation`] | every GraphQL document that is sent |
//! | [`graphql`] | asking, and judging an answer: data and errors together |
//! | [`refusal`] | the vendor's codes as failures of the contract |
//! | [`thread`] | written services: the vendor calls a dialog a *thread*, and a message a *post* |
//! | [`medication`] | which prescriptions can be renewed |
//! | [`survey`] | the practice's survey, as far as it has no free text |
//! | [`change`] | one change at the vendor as an event of the contract |
//! | [`inbound`] | the feed: how long it is waited for, which changes, what is confirmed |
//! | [`document`] | files in both directions |
//! | [`person`] | patients, and who acts for them |
//! | [`settings`], [`words`] | the office's agreement; what citizens read |

pub mod change;
pub mod document;
pub mod graphql;
pub mod inbound;
pub mod medication;
pub mod operation;
pub mod person;
pub mod refusal;
pub mod settings;
pub mod survey;
pub mod thread;
pub mod words;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "api";

/// The plugin.
#[derive(Debug)]
pub struct CgmEportal;

dialog_plugin_sdk::export_dialogs!(CgmEportal);
dialog_plugin_sdk::export_prescriptions!(CgmEportal);
dialog_plugin_sdk::export_feedback!(CgmEportal);
dialog_plugin_sdk::export_inbound!(CgmEportal);
