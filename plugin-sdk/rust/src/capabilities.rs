//! The thin layer below the public modules: the gateway's imports in a component, the test host elsewhere.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::capabilities::dialog::provider::{attachments, clock, log, state, upstream};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::capabilities::{attachments, clock, log, state, upstream};
