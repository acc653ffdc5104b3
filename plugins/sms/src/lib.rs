//! Notices by text message, as a plugin: an SMS gateway with a JSON API, a key in a header, and signed delivery reports.
//!
//! The service is invented; the README says what a real one would change.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`send`](mod@send) | one notice as one text message, and what the service's errors mean |
//! | [`report`] | what the network says of it later |

pub mod report;
pub mod send;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "api";

/// The plugin.
#[derive(Debug)]
pub struct Sms;

dialog_plugin_sdk::export_notices!(Sms);
dialog_plugin_sdk::export_inbound!(Sms);
