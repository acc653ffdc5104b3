//! One event, one commit: the change, that the event is settled, and its audit record.

use dialog_contract::{
    ids::{HerId, PluginId},
    provider::{CitizenIdentity, Disposition, Event, EventBody, RefusalReason},
    service::Service,
};
use jiff::SignedDuration;
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use super::{
    InboundError,
    page::{fate, name},
};
use crate::{
    desk::{Desk, TRIES, Trail, Unsettled},
    draft::Draft,
    ports::{
        directory::{Agreement, GpAssignment},
        evidence::Receipt,
        store::StoreError,
    },
    record::{Call, CallKind, OwnNotice, Processed, StoredDialog},
    shelf::Step,
};

/// Only an event that has just happened waits for its dialog: an older one's would be there.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// Taken in, or not and why.
type Decided = Result<(), RefusalReason>;

impl Desk {
    /// Settles one event. The second part is the receipt of its record; none where it had been settled before.
    pub(super) async fn settle_event(
        &self,
        plugin: &PluginId,
        event: &Event,
        trail: &Trail,
        traceparent: Option<&str>,
        until: Instant,
    ) -> Result<(Disposition, Option<Receipt>), InboundError> {
        let mut told = trail.clone();
        let ended = self.settle_in_tries(plugin, event, (trail, &mut told), traceparent, until).await;
        if !told.supersedes() {
            return ended;
        }
        // The last record tells of a commit that did not come to be, and none has followed.
        told.detail("event", name(event));
        match &ended {
            Ok((disposition, _)) => {
                told.detail("disposition", fate(*disposition));
                told.detail("before", "true");
            }
            Err(error) => {
                told.detail("disposition", "not settled");
                told.detail("failure", error.to_string());
            }
        }
        let receipt = self.record_delivery(&told).await?;
        ended.map(|(disposition, _)| (disposition, Some(receipt)))
    }

    /// As [`Desk::settle_event`], with the trail of the last try.
    async fn settle_in_tries(
        &self,
        plugin: &PluginId,
        event: &Event,
        (trail, told): (&Trail, &mut Trail),
        traceparent: Option<&str>,
        until: Instant,
    ) -> Result<(Disposition, Option<Receipt>), InboundError> {
        let mut does_not_fit = false;
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
            told.begin_again(trail);
            let decided = self.decide(plugin, event, &mut step, told, traceparent, until).await?;
            let disposition = match decided {
                Ok(()) if !does_not_fit => Disposition::Accepted,
                Ok(()) => Disposition::Refused(RefusalReason::Invalid),
                Err(reason) => Disposition::Refused(reason),
            };
            if let Disposition::Refused(reason) = disposition {
                let rule = if does_not_fit { "a dialog is at most 4 MiB" } else { rule(event, reason) };
                // To a question a no is an answer like the other.
                if !(is_question(event) && reason != RefusalReason::NoAgreement) {
                    tracing::warn!(%plugin, event = name(event), %reason, rule, "an event was not taken in");
                }
                step = Step::default();
            }
            step.processed(plugin, &event.id, Processed { at: self.now(), disposition })?;
            told.detail("event", name(event));
            told.detail("disposition", fate(disposition));
            match self.commit_with_delivery(step, told).await {
                Ok(receipt) => return Ok((disposition, Some(receipt))),
                Err(Unsettled::Conflict) => {}
                // It will not fit the next time either, and would hold up everything behind it for ever.
                Err(Unsettled::Store(StoreError::TooLarge { .. })) if !does_not_fit => does_not_fit = true,
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
        until: Instant,
    ) -> Result<Decided, InboundError> {
        if self.shelf.brings_known_file(event).await? {
            return Ok(Err(RefusalReason::Invalid));
        }
        match &event.body {
            EventBody::Message { dialog, .. }
            | EventBody::Status { dialog, .. }
            | EventBody::Receipt { dialog, .. }
            | EventBody::Renewal { dialog, .. }
            | EventBody::Charged { dialog, .. }
            | EventBody::Video { dialog, .. }
            | EventBody::Appointment { dialog: Some(dialog), .. } => {
                let Some(mut draft) = self.awaited(plugin, dialog, event, until).await? else {
                    return Ok(Err(RefusalReason::UnknownDialog));
                };
                self.name_dialog(trail, &draft.record).await?;
                if let Err(reason) = self.may_reach(plugin, &draft.record, event).await? {
                    return Ok(Err(reason));
                }
                draft.traceparent = traceparent.map(str::to_owned);
                let now = self.now();
                let specialists = match event.body {
                    EventBody::Charged { .. } => self.specialists(draft.record.dialog.office.her_id).await?,
                    _ => Vec::new(),
                };
                let applied = self.shelf.apply(&mut draft, step, event, &specialists, now).await?;
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
                    observations: &[],
                    reply_allowed: *reply_allowed,
                };
                self.open_for_office(plugin, opening, citizen, step, trail, traceparent).await
            }
            EventBody::Results { dialog, office, citizen, message, observations, reply_allowed } => {
                let opening = super::opened::Opening {
                    reference: dialog,
                    office: *office,
                    service: Service::TestResults,
                    message,
                    observations,
                    reply_allowed: *reply_allowed,
                };
                self.open_for_office(plugin, opening, citizen, step, trail, traceparent).await
            }
            EventBody::Collegial { dialog, office, to, to_hpr_number, patient, message } => {
                let opening = super::collegial::Opening {
                    reference: dialog,
                    office: *office,
                    to: (*to, *to_hpr_number),
                    patient: patient.as_ref(),
                    message,
                };
                self.open_with_colleague(plugin, opening, step, trail, traceparent).await
            }
            EventBody::Appointment { dialog: None, office, citizen, kind, appointment, .. } => {
                let noted = (*kind, appointment, event.occurred);
                self.note_standing(plugin, (*office, citizen), noted, step, trail, traceparent).await
            }
            EventBody::Unreadable { office, reason, raw } => {
                if let Some(office) = office {
                    trail.office(*office);
                }
                self.keep_unreadable(plugin, *office, reason, *raw, step)?;
                Ok(Ok(()))
            }
            EventBody::Payment { payment, state } => {
                let fresh = self.now().duration_since(event.occurred) <= FRESH;
                let waiting = fresh.then_some(until);
                Ok(self.note_payment(plugin, (payment, state), step, trail, (traceparent, waiting)).await?)
            }
            EventBody::Notified { dialog, appointment, citizen, channel, at } => {
                let Some(assignment) = self.identified(plugin, citizen).await? else {
                    return Ok(Err(RefusalReason::UnknownCitizen));
                };
                let number = &assignment.person.national_identity_number;
                trail.citizen(self.evidence.pseudonym(number));
                trail.detail("channel", channel.as_str());
                let (plugin, dialog, appointment) = (plugin.clone(), dialog.clone(), appointment.clone());
                let own = OwnNotice { plugin, dialog, appointment, at: *at };
                self.note_own_notice(self.shelf.secret.citizen(number), &own, step)?;
                Ok(Ok(()))
            }
            EventBody::Notice { notice, outcome } => {
                Ok(self.note_report(plugin, (*notice, *outcome), step, trail).await?)
            }
            EventBody::AskedActive { office, citizen } => self.asked_active(plugin, (*office, citizen), trail).await,
        }
    }

    /// The dialog that an event is about, waited for where the event may have overtaken the commit of the dialog or of the
    /// message that it is about.
    async fn awaited(
        &self,
        plugin: &PluginId,
        reference: &str,
        event: &Event,
        until: Instant,
    ) -> Result<Option<Draft>, StoreError> {
        let mut committed = self.shelf.sequence.follow();
        let found = self.shelf.dialog_by_reference(plugin, reference).await?;
        let come = |found: &Option<Draft>| found.as_ref().is_some_and(|draft| !overtakes(event, draft));
        if come(&found) || self.now().duration_since(event.occurred) > FRESH {
            return Ok(found);
        }
        loop {
            // Every opening and every sending tells the portal, so an event of the feed is the moment to look again.
            match tokio::time::timeout_at(until, committed.recv()).await {
                Ok(Ok(told)) if told.event.data.dialog.is_none() => {}
                Ok(Ok(_) | Err(RecvError::Lagged(_))) => {
                    let found = self.shelf.dialog_by_reference(plugin, reference).await?;
                    if come(&found) {
                        return Ok(found);
                    }
                }
                Ok(Err(RecvError::Closed)) | Err(_) => return self.shelf.dialog_by_reference(plugin, reference).await,
            }
        }
    }

    /// Whether the plugin may still say something in a dialog: the office's agreement with it is in force, and the
    /// citizen has not left digital dialog since; what the office then writes must reach them as a letter (E35).
    async fn may_reach(
        &self,
        plugin: &PluginId,
        record: &StoredDialog,
        event: &Event,
    ) -> Result<Decided, InboundError> {
        if self.agreement_with(plugin, record.dialog.office.her_id, record.dialog.service).await?.is_none() {
            return Ok(Err(RefusalReason::NoAgreement));
        }
        if matches!(event.body, EventBody::Status { .. } | EventBody::Receipt { .. } | EventBody::Charged { .. }) {
            return Ok(Ok(()));
        }
        // What the citizen does not see does not have to reach them.
        if !record.reaches_citizen() {
            return Ok(Ok(()));
        }
        let Some(stored) = self.shelf.citizen(record.citizen).await? else { return Ok(Ok(())) };
        // Whoever is on no list any more is asked for nothing: the dialog is theirs all the same.
        let assignment = self.directory.assignment(&stored.national_identity_number).await?;
        Ok(match assignment {
            Some(assignment) if !self.digitally_active(&assignment.person).await? => {
                Err(RefusalReason::NotDigitallyActive)
            }
            _ => Ok(()),
        })
    }

    /// Says in the audit log which dialog it is about, and whose.
    pub(super) async fn name_dialog(&self, trail: &mut Trail, record: &StoredDialog) -> Result<(), StoreError> {
        trail.dialog(record.dialog.id);
        trail.office(record.dialog.office.her_id);
        trail.service(record.dialog.service);
        self.name_citizen(trail, record.citizen).await
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

    /// The office's agreement with the plugin that is in force: for this service, or else for any. Also where the GP
    /// switched the service off: that is about what citizens may begin.
    pub(super) async fn agreement_with(
        &self,
        plugin: &PluginId,
        office: HerId,
        service: Service,
    ) -> Result<Option<Agreement>, InboundError> {
        let now = self.now();
        let mut found = self.agreements(office).await?;
        found.retain(|agreement| agreement.plugin == *plugin && agreement.valid_at(now));
        let same = found.iter().position(|agreement| agreement.service == service);
        Ok(match same {
            Some(at) => Some(found.swap_remove(at)),
            None => found.into_iter().next(),
        })
    }
}

/// Whether it asks something, and tells nothing.
const fn is_question(event: &Event) -> bool {
    matches!(event.body, EventBody::AskedActive { .. })
}

/// The rule that an event breaks, for the operator.
const fn rule(event: &Event, reason: RefusalReason) -> &'static str {
    match (reason, &event.body) {
        (RefusalReason::UnknownDialog, _) => "it names a dialog that the plugin opened or was given",
        (RefusalReason::UnknownCitizen, _) => "it names a citizen who is on a GP's list",
        (RefusalReason::NotDigitallyActive, _) => "it is for a citizen who has said yes to digital dialog",
        (RefusalReason::NoAgreement, EventBody::Collegial { .. }) => {
            "the office has an agreement for the service collegial"
        }
        (RefusalReason::Invalid, EventBody::Collegial { .. }) => {
            "a new dialog has a reference of its own, and is for another office that the directory knows"
        }
        (RefusalReason::NoAgreement, EventBody::Opened { .. } | EventBody::Results { .. }) => {
            "the office has an agreement, and only the citizen's own may open what can be answered"
        }
        (RefusalReason::NoAgreement, _) => "the office has an agreement in force with the plugin",
        (RefusalReason::DialogClosed, _) => "what is closed stays closed",
        (RefusalReason::UnknownPayment, _) => "it names a payment that was begun with the plugin",
        (RefusalReason::FeeNotAllowed, _) => {
            "a closed e-consultation is charged once, 2ae where it was answered, and 2dd with it by a specialist"
        }
        (RefusalReason::Invalid, EventBody::Receipt { .. }) => "a receipt names a message of the dialog",
        (RefusalReason::Invalid, EventBody::Renewal { .. }) => {
            "a renewal is answered in a dialog about one, and a file belongs to one message"
        }
        (RefusalReason::Invalid, EventBody::Opened { .. } | EventBody::Results { .. }) => {
            "a new dialog has a reference of its own, and a file belongs to one message"
        }
        (RefusalReason::Invalid, EventBody::Video { .. }) => "a consultation has a meeting, of at most ten others",
        (RefusalReason::Invalid, EventBody::Notice { .. }) => "it names a notice that the plugin was given",
        (RefusalReason::Invalid, EventBody::Appointment { .. }) => "an appointment is of the dialog's citizen",
        (RefusalReason::Invalid, _) => "a file belongs to one message",
    }
}

/// Whether an event is about a message that is still on its way: the vendor confirmed it before we knew that it was sent.
fn overtakes(event: &Event, draft: &Draft) -> bool {
    let EventBody::Receipt { message, .. } = &event.body else { return false };
    let sending =
        |call: &Call| matches!(&call.kind, CallKind::Send { message: sent, shown: false } if sent.id == *message);
    draft.record.calls.iter().any(sending)
}
