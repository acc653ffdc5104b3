//! The vendor's kit: from a Rust crate to a component that the gateway takes.
//!
//! Floor plan
//! - [`build`]: compiles plugins and packs them into components; what the demo and the tests call too
//! - [`toolchain`]: finds a compiler for `wasm32-unknown-unknown`, in a fixed order
//! - [`manifest`]: `plugin.toml`, which becomes JSON inside the component
//! - [`check`]: says whether a component conforms, and which rule it breaks
//! - [`sign`]: a vendor's keys, and packages signed with them
//! - [`scaffold`]: a new plugin that builds and conforms
//! - [`contract`]: the WIT package that this kit speaks
//! - [`command`]: other programs, with time and output bounded

pub mod build;
pub mod check;
pub mod command;
pub mod contract;
pub mod manifest;
pub mod scaffold;
pub mod sign;
pub mod toolchain;
