//! What a plugin says of itself. Its form and its rules are the contract's ([`dialog_contract::manifest`]): what the kit
//! lets through by them, the gateway takes.
//!
//! Floor plan
//! - [`source`]: `plugin.toml`, where a vendor writes it

pub mod source;
