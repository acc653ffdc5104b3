//! Notices by mail, as a plugin: a mail service that takes forms, with a bearer token, and is asked for what bounced.
//!
//! The service is invented; the README says what a real one would change.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`send`](mod@send) | one notice as one mail, and what the service's errors mean |
//! | [`form`] | `application/x-www-form-urlencoded`, as browsers write it |
//! | [`bounce`] | what became of it |

pub mod bounce;
pub mod form;
pub mod send;

/// The upstream's name in the manifest.
pub const UPSTREAM: &str = "mail";

/// The plugin.
#[derive(Debug)]
pub struct Epost;

dialog_plugin_sdk::export_notices!(Epost);
dialog_plugin_sdk::export_inbound!(Epost);
