//! What is written down of packages: every change, and every refusal.

use std::collections::BTreeMap;

use dialog_contract::{
    action::Action,
    audit::{Record, RecordKind},
};
use dialog_core::ports::evidence::Receipt;

use super::{
    By, Packages,
    error::{PackagesError, Refused},
};

impl Packages {
    pub(super) async fn record(
        &self,
        by: &By,
        action: Action,
        about: BTreeMap<&'static str, String>,
    ) -> Result<Receipt, PackagesError> {
        let record = Record {
            request: by.request,
            trace_id: by.trace_id.clone(),
            details: about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..Record::new(self.ports.clock.now(), RecordKind::Plugin, action, by.actor.clone())
        };
        Ok(self.ports.evidence.record(record).await?)
    }

    /// Records a refusal. Words of a file are bounded, and hold no control characters.
    pub(super) async fn refuse(
        &self,
        by: &By,
        action: Action,
        mut about: BTreeMap<&'static str, String>,
        error: PackagesError,
    ) -> Refused {
        let refused = Refused::unrecorded(error);
        let reason = refused.error.reason();
        tracing::warn!(%action, reason, why = refused.why, "refused");
        about.extend([("refused", action.to_string()), ("reason", reason.to_owned()), ("why", refused.why.clone())]);
        let receipt = self.record(by, Action::PluginRefuse, about).await.map_err(|error| {
            tracing::error!(%error, "that a package was refused could not be recorded");
        });
        Refused { receipt: receipt.ok(), ..refused }
    }
}
