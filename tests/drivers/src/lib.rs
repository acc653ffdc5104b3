//! Drivers: each hands bytes to the real readers of one kind of untrusted input and asserts what they promise. libFuzzer
//! calls them with inputs of its own (`tests/fuzz`), the replay in `cargo test` with the kept ones.
//!
//! Floor plan
//! - [`package`], [`manifest`]: a vendor's file. [`message`]: what record systems send. [`audit`]: a log's folder;
//!   `pruned`: one that entries were removed from.
//! - `token`, `proof`: who calls. `output`: what a plugin returns. `path`, `headers`: what it asks of an upstream.
//! - [`input`]: bytes taken apart. [`seal`]: a key that the drivers sign with. [`seeds`]: inputs to begin with.
//! - [`replay`]: kept inputs and their like, without a fuzzer.

#![allow(clippy::panic, reason = "a driver says which promise was broken by failing")]

pub mod audit;
#[cfg(feature = "gateway")]
pub mod headers;
pub mod input;
pub mod manifest;
pub mod message;
#[cfg(feature = "gateway")]
pub mod output;
pub mod package;
#[cfg(feature = "gateway")]
pub mod path;
#[cfg(feature = "gateway")]
pub mod proof;
mod pruned;
pub mod replay;
pub mod seal;
pub mod seeds;
#[cfg(feature = "gateway")]
pub mod token;

/// What a driver does with an input: nothing, or a panic that says which promise was broken.
pub type Drive = fn(&[u8]);

/// Every target by its name, which is also that of its corpus and its dictionary.
pub const TARGETS: &[(&str, Drive)] = &[
    ("audit", audit::drive),
    ("manifest", manifest::drive),
    ("message", message::drive),
    ("package", package::drive),
    #[cfg(feature = "gateway")]
    ("headers", headers::drive),
    #[cfg(feature = "gateway")]
    ("output", output::drive),
    #[cfg(feature = "gateway")]
    ("path", path::drive),
    #[cfg(feature = "gateway")]
    ("proof", proof::drive),
    #[cfg(feature = "gateway")]
    ("token", token::drive),
];
