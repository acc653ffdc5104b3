//! One event, one commit: the change, that the event is settled, and its audit record.

use std::time::Duration;

use dialog_contract::{
    ids::PluginId,
    provider::{CitizenIdentity, Disposition, Event, EventBody, RefusalReason},
};
use jiff::SignedDuration;

use super::{InboundError, fate, name};
use crate::{
    desk::{Desk, TRIES, Trail, Unsettled},
    draft::Draft,
    ports::{
        directory::{Agreement, GpAssignment},
        evidence::Receipt,
        store::StoreError,
    },
    record::Processed,
    shelf::Step,
};

/// How long an event waits for the dialog that it is about.
const PATIENCE: Duration = Duration::from_secs(5);

/// Only for an event that has just happened: an older one's dialog would be there.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

impl Desk {
    /// Settles one event. The second part is the receipt of its record, where something was recorded.
    pub(super) async fn settle_event(
        &self,
        plugin: &PluginId,
        event: &Event,
        trail: &Trail,
        traceparent: Option<String>,
    ) -> Result<(Disposition, Option<Receipt>), InboundError> {
        for _ in 0..TRIES {
            if let Some(earlier) = self.shelf.processed(plugin, &event.id).await? {
                // A refusal stays one: to take it for a duplicate would tell the vendor that the citizen has it.
                let again = match earlier.disposition {
                    Disposition::Refused(reason) => Disposition::Refused(reason),
                    Disposition::Accepted | Disposition::Duplicate => Disposition::Duplicate,
                };
                return Ok((again, None));
            }
            let mut step = Step::default();
            let mut trail = trail.clone();
            let decided = self.decide(plugin, event, &mut step, &mut trail, traceparent.as_deref()).await?;
            let disposition = match decided {
                Ok(()) => Disposition::Accepted,
                Err(reason) => {
                    tracing::warn!(%plugin, event = name(event), %reason, "an event was not taken in");
                    step = Step::default();
                    Disposition::Refused(reason)
                }
            };
            step.processed(plugin, &event.id, Processed { at: self.now(), disposition })?;
            trail.detail("event", name(event));
            trail.detail("disposition", fate(disposition));
            match self.commit_with_delivery(step, &trail).await {
                Ok(receipt) => return Ok((disposition, Some(receipt))),
                Err(Unsettled::Conflict) => {}
                Err(Unsettled::Store(error)) => return Err(error.into()),
                Err(Unsettled::NoEvidence) => {
                    return Err(StoreError::Unavailable("the audit log cannot be written".to_owned()).into());
                }
            }
        }
        Err(InboundError::Contended)
    }

    async fn decide(
        &self,
        plugin: &PluginId,
        event: &Event,
        step: &mut Step,
        trail: &mut Trail,
        traceparent: Option<&str>,
    ) -> Result<Result<(), RefusalReason>, InboundError> {
        match &event.body {
            EventBody::Message { dialog, .. }
            | EventBody::Status { dialog, .. }
            | EventBody::Receipt { dialog, .. }
            | EventBody::Renewal { dialog, .. }
            | EventBody::Appointment { dialog: Some(dialog), .. } => {
                let Some(mut draft) = self.awaited(plugin, dialog, event).await? else {
                    return Ok(Err(RefusalReason::UnknownDialog));
                };
                let dialog = &draft.record.dialog;
                trail.dialog(dialog.id);
                trail.office(dialog.office.her_id);
                trail.service(dialog.service);
                self.name_citizen(trail, draft.record.citizen).await?;
                draft.traceparent = traceparent.map(str::to_owned).or_else(|| draft.traceparent.take());
                let now = self.now();
                let applied = self.shelf.apply(&mut draft, step, event, now).await?;
                if applied.is_ok() {
                    step.dialog(draft, now)?;
                }
                Ok(applied)
            }
            EventBody::Opened { dialog, office, citizen, service, message, reply_allowed } => {
                let opening = super::opened::Opening {
                    reference: dialog,
                    office: *office,
                    service: *service,
                    message,
                    reply_allowed: *reply_allowed,
                };
                self.open_for_office(plugin, opening, citizen, step, trail, traceparent).await
            }
            EventBody::Appointment { dialog: None, office, citizen, kind, appointment, .. } => {
                self.note_standing(plugin, (*office, citizen), (*kind, appointment), step, trail, traceparent).await
            }
            EventBody::Unreadable { office, reason, raw } => {
                if let Some(office) = office {
                    trail.office(*office);
                }
                self.keep_unreadable(plugin, *office, reason, *raw, step)?;
                Ok(Ok(()))
            }
        }
    }

    /// The dialog that an event is about, waited for where the event may have overtaken its commit.
    async fn awaited(&self, plugin: &PluginId, reference: &str, event: &Event) -> Result<Option<Draft>, StoreError> {
        let mut committed = self.shelf.sequence.follow();
        let found = self.shelf.dialog_by_reference(plugin, reference).await?;
        if found.is_some() || self.now().duration_since(event.occurred) > FRESH {
            return Ok(found);
        }
        let wait = async {
            // Every opening tells the portal, so an event of the feed is the moment to look again.
            while committed.recv().await.is_ok() {
                if let Some(draft) = self.shelf.dialog_by_reference(plugin, reference).await? {
                    return Ok(Some(draft));
                }
            }
            Ok(None)
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => self.shelf.dialog_by_reference(plugin, reference).await,
        }
    }

    /// The citizen whom a provider names, as the directory knows them now.
    pub(super) async fn identified(
        &self,
        plugin: &PluginId,
        identity: &CitizenIdentity,
    ) -> Result<Option<GpAssignment>, InboundError> {
        let number = match identity {
            CitizenIdentity::NationalIdentityNumber(number) => number.clone(),
            CitizenIdentity::Reference(reference) => {
                let Some(citizen) = self.shelf.citizen_by_reference(plugin, reference).await? else {
                    return Ok(None);
                };
                let Some(stored) = self.shelf.citizen(citizen).await? else { return Ok(None) };
                stored.national_identity_number
            }
        };
        Ok(self.directory.assignment(&number).await?)
    }

    /// The office's agreement with the plugin: for this service, or else for any.
    pub(super) async fn agreement_with(
        &self,
        plugin: &PluginId,
        office: dialog_contract::ids::HerId,
        service: dialog_contract::service::Service,
    ) -> Result<Option<Agreement>, InboundError> {
        let now = self.now();
        let mut found = self.directory.agreements(office).await?;
        found.retain(|agreement| agreement.plugin == *plugin && agreement.valid_at(now));
        let same = found.iter().position(|agreement| agreement.service == service);
        Ok(match same {
            Some(at) => Some(found.swap_remove(at)),
            None => found.into_iter().next(),
        })
    }
}
