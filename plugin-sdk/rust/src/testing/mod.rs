//! A host for unit tests: a plugin's functions are called like any others, and what they ask of the gateway is answered
//! from a script.
//!
//! ```
//! use dialog_plugin_sdk::{clock, testing::{Host, Reply}, upstream};
//!
//! let host = Host::install();
//! host.upstream("api", |request| {
//!     assert_eq!(request.path, "/ping");
//!     Reply::json(200, &serde_json::json!({"pong": true}))
//! });
//! assert_eq!(upstream::get("api", "/ping").send().unwrap().status, 200);
//! assert_eq!(host.requests().len(), 1);
//! ```
//!
//! | room | what is in it |
//! | --- | --- |
//! | `host` | the host: its script, and what it saw |
//! | `request` | what a plugin sent, as the remote system would see it |
//! | `context` | contexts to call with |
//! | `capabilities` | the imports, answered by the host of the thread |
//!
//! The gateway enforces more (grants, forbidden headers, limits): `dialog-plugin check` and a run behind the gateway say
//! the rest.

pub(crate) mod capabilities;
mod context;
mod host;
mod request;

pub use context::{context, inbound_context, message, notice, notice_context, office};
pub use host::Host;
pub use request::{CREDENTIALS, Reply, Request};
