//! What comes from providers, pushed or fetched: each event is settled once, durably, and only then is the plugin told
//! what became of it, so that it can confirm it to its vendor.
//!
//! - this file: asking a plugin, and being told by one.
//! - [`settle`]: one event, one commit.
//! - [`opened`]: dialogs that the office opens; [`standing`]: appointments that no dialog asked for.
//! - [`unreadable`]: what could not be understood, kept for the operator.
//!
//! An event may come before the commit of the dialog that it is about, because providers can be quicker than disks.
//! One that names an unknown dialog therefore waits a moment for it.

mod opened;
mod settle;
mod standing;
mod unreadable;

use std::time::Duration;

use dialog_contract::{
    ids::{PluginId, RequestId},
    problem::ProblemType,
    provider::{Delivery, Disposition, Event, Office, ServedOffice, Settlement},
    service::Locale,
};

pub use self::unreadable::Unreadable;
use crate::{
    answer::{Refusal, Refused},
    desk::{Desk, SETTLING_TIME, unrecorded},
    keys,
    ports::{
        directory::DirectoryError,
        evidence::{EvidenceError, Receipt},
        providers::Target,
        store::{Batch, Expected, Revision, StoreError},
    },
    record::{self, Position},
    request::Request,
};

/// Time that a poll may take: the host's own limit is shorter.
const POLL_TIME: Duration = Duration::from_secs(15);

/// Why a provider's news could not be taken in. They are asked for again.
#[derive(Debug, thiserror::Error)]
pub enum InboundError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The audit log.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The plugin.
    #[error("the plugin: {0}")]
    Plugin(dialog_contract::provider::Failure),
    /// Others changed the same data again and again.
    #[error("the same data changes too often")]
    Contended,
}

impl Desk {
    /// Asks a plugin for news and settles them; true where there is more. One call a plugin at a time.
    ///
    /// # Errors
    /// Where the plugin fails, or the store, the directory or the audit log does not answer. Nothing is lost: what was
    /// not settled comes again.
    pub async fn poll(&self, plugin: &PluginId) -> Result<bool, InboundError> {
        let offices = self.served(plugin).await?;
        let (revision, position) = match self.shelf.position(plugin).await? {
            Some((revision, position)) => (Some(revision), position),
            None => (None, Position::default()),
        };
        let target = Target { plugin: plugin.clone(), attempt: 1, time_left: POLL_TIME };
        let called = self.providers.poll(target, offices, position.cursor.clone(), position.settled.clone()).await;
        let mut trail = self.trail_of_provider("inbound.poll", plugin, RequestId::new(), &trace_id());
        trail.call(called.record);
        let page = match called.answer {
            Ok(page) => page,
            Err(failure) => {
                trail.detail("failure", failure.to_string());
                self.record_delivery(&trail).await?;
                return Err(InboundError::Plugin(failure));
            }
        };
        let mut settled = Vec::with_capacity(page.events.len());
        for event in &page.events {
            let disposition = self.settle_event(plugin, event, &trail, None).await?.0;
            settled.push(Settlement { event: event.id.clone(), disposition });
        }
        let next = Position { cursor: page.cursor, settled };
        if next != position {
            self.advance(plugin, revision, &next).await?;
        }
        Ok(page.more)
    }

    /// Settles what a vendor pushed; its signature has been checked. The receipt is of the last record.
    ///
    /// # Errors
    /// `not-found` where the plugin takes no deliveries, `provider-faulty` where it cannot make sense of this one,
    /// `unavailable` where it was not settled: the vendor is to send it again.
    pub async fn receive(&self, plugin: &PluginId, request: &Request, delivery: Delivery) -> Result<Receipt, Refused> {
        let (desk, asked, plugin) = (self.clone(), request.clone(), plugin.clone());
        self.run(request, async move {
            desk.received(&plugin, &asked, delivery).await.map_err(|error| {
                tracing::warn!(%plugin, %error, "a delivery was not taken in");
                let refusal = match error {
                    InboundError::Plugin(dialog_contract::provider::Failure::Faulty(_)) => {
                        Refusal::new(ProblemType::ProviderFaulty, "The plugin could not make sense of the delivery.")
                    }
                    InboundError::Plugin(dialog_contract::provider::Failure::NotFound(_)) => {
                        Refusal::not_found(Locale::En)
                    }
                    _ => Refusal::unavailable(Locale::En),
                };
                unrecorded(refusal, &asked)
            })
        })
        .await
    }

    async fn received(
        &self,
        plugin: &PluginId,
        request: &Request,
        delivery: Delivery,
    ) -> Result<Receipt, InboundError> {
        let offices = self.served(plugin).await?;
        let time_left = request.time_left().saturating_sub(SETTLING_TIME);
        let target = Target { plugin: plugin.clone(), attempt: 1, time_left };
        let id = delivery.id.clone();
        let called = self.providers.receive(target, offices, delivery).await;
        let mut trail = self.trail_of_provider("inbound.receive", plugin, request.id, &request.trace_id);
        trail.call(called.record);
        if let Some(id) = id {
            trail.detail("delivery", id);
        }
        let events = match called.answer {
            Ok(events) => events,
            Err(failure) => {
                trail.detail("failure", failure.to_string());
                self.record_delivery(&trail).await?;
                return Err(InboundError::Plugin(failure));
            }
        };
        let mut last = None;
        for event in &events {
            last = self.settle_event(plugin, event, &trail, request.traceparent.clone()).await?.1.or(last);
        }
        match last {
            Some(receipt) => Ok(receipt),
            None => Ok(self.record_delivery(&trail).await?),
        }
    }

    /// The offices with an agreement with the plugin, each with its settings once.
    async fn served(&self, plugin: &PluginId) -> Result<Vec<ServedOffice>, DirectoryError> {
        let mut served: Vec<ServedOffice> = Vec::new();
        for agreement in self.directory.agreements_with(plugin).await? {
            let known =
                |one: &&ServedOffice| one.office.her_id == agreement.office && one.settings == agreement.settings;
            if served.iter().any(|one| known(&one)) {
                continue;
            }
            let Some(office) = self.directory.office(agreement.office).await? else { continue };
            served.push(ServedOffice {
                office: Office {
                    her_id: office.her_id,
                    organisation_her_id: office.organisation_her_id,
                    organisation_number: office.organisation_number,
                    name: office.name,
                },
                settings: agreement.settings,
            });
        }
        Ok(served)
    }

    /// Where the next poll goes on: the cursor is given back, and every event's fate told.
    async fn advance(&self, plugin: &PluginId, before: Option<Revision>, next: &Position) -> Result<(), StoreError> {
        let key = keys::position(plugin);
        let mut batch = Batch::default();
        batch.preconditions.push((key.clone(), before.map_or(Expected::Absent, Expected::At)));
        batch.put(key, record::encode(next)?);
        self.shelf.store.commit(batch).await.map(|_| ())
    }
}

/// What a poll does belongs to a trace of its own, which nobody began.
fn trace_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Which kind of event it is, for the audit log.
const fn name(event: &Event) -> &'static str {
    use dialog_contract::provider::EventBody;
    match event.body {
        EventBody::Message { .. } => "message",
        EventBody::Opened { .. } => "opened",
        EventBody::Status { .. } => "status",
        EventBody::Receipt { .. } => "receipt",
        EventBody::Renewal { .. } => "renewal",
        EventBody::Appointment { .. } => "appointment",
        EventBody::Unreadable { .. } => "unreadable",
    }
}

/// What became of it, for the audit log.
fn fate(disposition: Disposition) -> String {
    match disposition {
        Disposition::Accepted => "accepted".to_owned(),
        Disposition::Duplicate => "duplicate".to_owned(),
        Disposition::Refused(reason) => format!("refused: {reason}"),
    }
}
