//! A whole house to test in: issuer, back ends, plugins, and a gateway in a process of its own, which can be killed.
//!
//! - [`issuer`]: logs citizens in: signs access tokens, and publishes its keys.
//! - [`directory`]: the directory file that says who is whose GP and what the offices agreed.
//! - [`configuration`]: the operator's file for this house.
//! - [`gateway`]: the gateway's process.
//! - [`watch`]: a citizen's screen, which follows the events.
//! - [`portal`]: the national portal: calls the API, and holds every reply against the OpenAPI document.

pub mod configuration;
pub mod directory;
pub mod gateway;
pub mod issuer;
pub mod portal;
pub mod watch;
