//! What a guest asked for and may not have. The guest gets its error and goes on; the operator is told, because a guest
//! that asks for what it may not have is broken or hostile. The first of a call one by one, the rest as a count.

use crate::{call::Identity, limits::REFUSALS_TOLD};

/// The refusals of one call.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    count: u32,
}

impl Refusals {
    /// A function of the contract refused something by this rule, which holds nothing of the guest's that was not
    /// scrubbed.
    pub(crate) fn tell(&mut self, who: &Identity, function: &str, rule: &str) {
        self.count = self.count.saturating_add(1);
        if self.count <= REFUSALS_TOLD {
            tracing::warn!(
                plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(), function, rule,
                "a plugin asked for what it may not have"
            );
        }
    }

    /// How many there were.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// Says how many were not told one by one.
    pub(crate) fn close(&self, who: &Identity) {
        if let Some(more) = self.count.checked_sub(REFUSALS_TOLD).filter(|more| *more > 0) {
            tracing::warn!(
                plugin = %who.plugin, version = %who.version, call = %who.call, trace_id = who.trace_id(), more,
                "a plugin went on to ask for what it may not have"
            );
        }
    }
}
