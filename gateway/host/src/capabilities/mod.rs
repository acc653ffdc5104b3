//! What a plugin may import, one room each: its state during a call, its policy, its enforcement. Nothing is ambient:
//! what is not granted is not linked.
//!
//! Floor plan
//! - [`upstream`]: HTTP to named remote systems. - [`state`]: a small memory. - [`clock`]: the time, and waiting.
//! - [`log`]: lines for the operator. - [`attachments`]: bytes of files. - [`refusals`]: what a guest may not have.

pub(crate) mod attachments;
mod clock;
pub(crate) mod log;
pub(crate) mod refusals;
pub(crate) mod state;
pub(crate) mod upstream;

use dialog_contract::provider::Capability;
use wasmtime::component::{HasSelf, Linker};

use crate::{bindings::host, call::Call};

/// A linker with what was granted, and the shared types.
pub(crate) fn link(engine: &wasmtime::Engine, granted: &[Capability]) -> wasmtime::Result<Linker<Call>> {
    let mut linker = Linker::new(engine);
    for capability in granted {
        match capability {
            Capability::Upstream => host::upstream::add_to_linker::<_, HasSelf<Call>>(&mut linker, |call| call)?,
            Capability::State => host::state::add_to_linker::<_, HasSelf<Call>>(&mut linker, |call| call)?,
            Capability::Clock => host::clock::add_to_linker::<_, HasSelf<Call>>(&mut linker, |call| call)?,
            Capability::Log => host::log::add_to_linker::<_, HasSelf<Call>>(&mut linker, |call| call)?,
            Capability::Attachments => host::attachments::add_to_linker::<_, HasSelf<Call>>(&mut linker, |call| call)?,
        }
    }
    host::types::add_to_linker::<_, HasSelf<Call>>(&mut linker, |call| call)?;
    Ok(linker)
}

impl host::types::Host for Call {}
