//! What became of payments.
//!
//! The plugin that a payment was begun with may tell of it also when the office has left it since, and of whoever the
//! citizen is by now: the money is the citizen's, and so is the word of where it is.

use dialog_contract::{
    event::EventType,
    ids::PluginId,
    provider::{PaymentState, RefusalReason},
    service::Service,
};

use tokio::time::Instant;

use crate::{
    desk::{Desk, Trail},
    ports::store::{Revision, StoreError},
    record::StoredPayment,
    shelf::{News, Step},
};

impl Desk {
    pub(super) async fn note_payment(
        &self,
        plugin: &PluginId,
        (payment, state): (&str, &PaymentState),
        step: &mut Step,
        trail: &mut Trail,
        (traceparent, waiting): (Option<&str>, Option<Instant>),
    ) -> Result<Result<(), RefusalReason>, StoreError> {
        trail.service(Service::Payment);
        let Some((revision, known)) = self.awaited_payment(plugin, payment, waiting).await? else {
            return Ok(Err(RefusalReason::UnknownPayment));
        };
        trail.office(known.office.her_id);
        self.name_citizen(trail, known.citizen).await?;
        let Some(next) = known.after(state) else { return Ok(Ok(())) };
        step.payment(Some(revision), &next)?;
        step.tell(News {
            kind: EventType::PaymentUpdated,
            citizen: next.citizen,
            office: next.office.her_id,
            service: Service::Payment,
            dialog: None,
            appointment: None,
            payment: Some(next.id),
            traceparent: traceparent.map(str::to_owned),
        });
        Ok(Ok(()))
    }

    /// The payment that is told of; one that has just happened is waited for, because a vendor can be quicker than the
    /// commit of what it began.
    async fn awaited_payment(
        &self,
        plugin: &PluginId,
        payment: &str,
        waiting: Option<Instant>,
    ) -> Result<Option<(Revision, StoredPayment)>, StoreError> {
        let mut begun = self.shelf.payments.subscribe();
        loop {
            let found = self.shelf.payment_by_reference(plugin, payment).await?;
            let Some(until) = waiting.filter(|_| found.is_none()) else { return Ok(found) };
            if !matches!(tokio::time::timeout_at(until, begun.changed()).await, Ok(Ok(()))) {
                return self.shelf.payment_by_reference(plugin, payment).await;
            }
        }
    }
}
