//! The events of one answer, in order, each once.

use std::collections::HashSet;

use dialog_contract::{
    ids::{AttachmentId, PluginId},
    provider::{Disposition, Event, EventBody, OfficeMessage, Settlement},
};
use tokio::time::Instant;

use super::InboundError;
use crate::{
    desk::{Desk, Trail},
    ports::{evidence::Receipt, store::StoreError},
};

/// What became of the events of one answer.
#[derive(Debug, Default)]
pub(super) struct Settled<'a> {
    /// One for each id.
    pub(super) settlements: Vec<Settlement>,
    /// Those that had been settled before: they are not recorded yet.
    pub(super) before: Vec<(&'a Event, Disposition)>,
    /// Of the last record.
    pub(super) receipt: Option<Receipt>,
}

impl Desk {
    /// Settles events in order. What waits for its dialog waits until `until`.
    pub(super) async fn settle_all<'a>(
        &self,
        plugin: &PluginId,
        events: &'a [Event],
        trail: &Trail,
        traceparent: Option<&str>,
        until: Instant,
    ) -> Result<Settled<'a>, InboundError> {
        let mut settled = Settled::default();
        let (mut ids, mut unused) = (HashSet::new(), Vec::new());
        for event in events {
            if !ids.insert(event.id.as_str()) {
                tracing::warn!(%plugin, event = name(event), "an answer holds an event twice; the first counts");
                unused.push(event);
                continue;
            }
            let (disposition, receipt) = self.settle_event(plugin, event, trail, traceparent, until).await?;
            match receipt {
                Some(receipt) => settled.receipt = Some(receipt),
                None => settled.before.push((event, disposition)),
            }
            if disposition != Disposition::Accepted {
                unused.push(event);
            }
            settled.settlements.push(Settlement { event: event.id.clone(), disposition });
        }
        self.drop_unused(unused).await?;
        Ok(settled)
    }

    /// Removes the files of these events that no message has, once what became of the events is committed: a plugin stores them before it hands over the
    /// event, at every delivery anew.
    pub(crate) async fn drop_unused(&self, events: impl IntoIterator<Item = &Event> + Send) -> Result<(), StoreError> {
        for event in events {
            for file in message(event).iter().flat_map(|message| &message.attachments) {
                // An event that was taken in may have come with the same file.
                if self.shelf.attachment(file.id).await?.is_none() {
                    self.drop_blob(file.id).await;
                }
            }
            if let EventBody::Unreadable { raw, .. } = &event.body
                && !self.is_kept(raw.id).await?
            {
                self.drop_blob(AttachmentId::from(raw.id)).await;
            }
        }
        Ok(())
    }

    /// Records an event that had been settled before: it came, and nothing more was done.
    pub(super) async fn record_again(
        &self,
        plugin: &PluginId,
        event: &Event,
        disposition: Disposition,
        trail: &Trail,
    ) -> Result<Receipt, InboundError> {
        let mut trail = trail.clone();
        if let Some(reference) = reference(event)
            && let Some(draft) = self.shelf.dialog_by_reference(plugin, reference).await?
        {
            self.name_dialog(&mut trail, &draft.record).await?;
        }
        trail.detail("event", name(event));
        trail.detail("disposition", fate(disposition));
        trail.detail("before", "true");
        Ok(self.record_delivery(&trail).await?)
    }
}

/// The provider's name of the dialog that an event is about or opens.
fn reference(event: &Event) -> Option<&str> {
    match &event.body {
        EventBody::Message { dialog, .. }
        | EventBody::Opened { dialog, .. }
        | EventBody::Status { dialog, .. }
        | EventBody::Receipt { dialog, .. }
        | EventBody::Renewal { dialog, .. }
        | EventBody::Charged { dialog, .. }
        | EventBody::Video { dialog, .. }
        | EventBody::Results { dialog, .. }
        | EventBody::Collegial { dialog, .. } => Some(dialog),
        EventBody::Appointment { dialog, .. } | EventBody::Notified { dialog, .. } => dialog.as_deref(),
        EventBody::Unreadable { .. }
        | EventBody::Payment { .. }
        | EventBody::Notice { .. }
        | EventBody::AskedActive { .. } => None,
    }
}

/// What the office wrote.
pub(crate) const fn message(event: &Event) -> Option<&OfficeMessage> {
    match &event.body {
        EventBody::Message { message, .. }
        | EventBody::Opened { message, .. }
        | EventBody::Results { message, .. }
        | EventBody::Collegial { message, .. } => Some(message),
        EventBody::Renewal { message, .. } => message.as_ref(),
        EventBody::Status { .. }
        | EventBody::Receipt { .. }
        | EventBody::Appointment { .. }
        | EventBody::Unreadable { .. }
        | EventBody::Payment { .. }
        | EventBody::Charged { .. }
        | EventBody::Video { .. }
        | EventBody::Notified { .. }
        | EventBody::Notice { .. }
        | EventBody::AskedActive { .. } => None,
    }
}

/// Which kind of event it is, for the audit log.
pub(super) const fn name(event: &Event) -> &'static str {
    match event.body {
        EventBody::Message { .. } => "message",
        EventBody::Opened { .. } => "opened",
        EventBody::Status { .. } => "status",
        EventBody::Receipt { .. } => "receipt",
        EventBody::Renewal { .. } => "renewal",
        EventBody::Appointment { .. } => "appointment",
        EventBody::Unreadable { .. } => "unreadable",
        EventBody::Payment { .. } => "payment",
        EventBody::Charged { .. } => "charged",
        EventBody::Video { .. } => "video",
        EventBody::Results { .. } => "results",
        EventBody::Notified { .. } => "notified",
        EventBody::Notice { .. } => "notice",
        EventBody::AskedActive { .. } => "asked-active",
        EventBody::Collegial { .. } => "collegial",
    }
}

/// What became of it, for the audit log.
pub(super) fn fate(disposition: Disposition) -> String {
    match disposition {
        Disposition::Accepted => "accepted".to_owned(),
        Disposition::Duplicate => "duplicate".to_owned(),
        Disposition::Refused(reason) => format!("refused: {reason}"),
    }
}
