//! What a provider's event does to a dialog: the same whether it came at once with the answer to a call, or later
//! through `inbound`.

use std::collections::HashSet;

use dialog_contract::{
    dialog::{ActivityKind, Attachment, Author, AuthorRole, Message, OfficeName, Provider, Status},
    event::EventType,
    ids::{AppointmentId, HprNumber, MessageId},
    provider::{
        Appointment, AppointmentChangeKind, CitizenIdentity, DialogStatus, Disposition, Event, EventBody,
        OfficeMessage, ReceiptOutcome, RefusalReason,
    },
    service::{Closing, Service},
};
use jiff::Timestamp;

use crate::{
    draft::Draft,
    fees,
    identity::CitizenId,
    inbound::message,
    meeting,
    ports::store::StoreError,
    record::{KnownAs, Processed, StoredAppointment, StoredAttachment, StoredDialog, Use},
    shelf::{News, Shelf, Step},
    texts,
};

/// Whose an appointment is and through whom it was made.
#[derive(Debug, Clone)]
pub(crate) struct AppointmentOf {
    pub(crate) citizen: CitizenId,
    pub(crate) office: OfficeName,
    pub(crate) provider: Provider,
    pub(crate) traceparent: Option<String>,
    /// When the provider says that it happened; none where the gateway did it.
    pub(crate) occurred: Option<Timestamp>,
}

impl Shelf {
    /// Applies the events that came with the answer to a call of this dialog, each once. One that is not about the
    /// dialog, or breaks its rules, is left out, and the operator told.
    pub(crate) async fn apply_all(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        events: &[Event],
        specialists: &[HprNumber],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut seen, mut files) = (HashSet::new(), HashSet::new());
        for event in events {
            if !seen.insert(event.id.as_str()) {
                continue;
            }
            let plugin = draft.record.plugin.clone();
            if self.processed(&plugin, &event.id).await?.is_some() {
                continue;
            }
            let brought: Vec<_> = message(event).iter().flat_map(|message| &message.attachments).collect();
            let repeated = brought.iter().any(|file| files.contains(&file.id));
            let applied = if repeated || self.brings_known_file(event).await? {
                Err(RefusalReason::Invalid)
            } else {
                self.apply(draft, step, event, specialists, now).await?
            };
            let disposition = match applied {
                Ok(()) => {
                    files.extend(brought.iter().map(|file| file.id));
                    Disposition::Accepted
                }
                Err(reason) => {
                    tracing::warn!(%plugin, %reason, dialog = %draft.record.dialog.id, "an event was not taken in");
                    Disposition::Refused(reason)
                }
            };
            step.processed(&plugin, &event.id, Processed { at: now, disposition })?;
        }
        Ok(())
    }

    /// Whether an event brings a file that the store knows. A file belongs to one message; its key would be a conflict
    /// each time.
    pub(crate) async fn brings_known_file(&self, event: &Event) -> Result<bool, StoreError> {
        for file in message(event).iter().flat_map(|message| &message.attachments) {
            if self.attachment(file.id).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Applies one event to the dialog that it is about. Refused where the dialog's rules do not allow it; then
    /// neither draft nor step was changed. Whether it was settled before is the caller's to ask; `specialists` are those
    /// of the dialog's office, for fees.
    pub(crate) async fn apply(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        event: &Event,
        specialists: &[HprNumber],
        now: Timestamp,
    ) -> Result<Result<(), RefusalReason>, StoreError> {
        let about = match &event.body {
            EventBody::Message { dialog, .. }
            | EventBody::Status { dialog, .. }
            | EventBody::Receipt { dialog, .. }
            | EventBody::Renewal { dialog, .. }
            | EventBody::Charged { dialog, .. }
            | EventBody::Video { dialog, .. } => Some(dialog),
            EventBody::Appointment { dialog, .. } => dialog.as_ref(),
            EventBody::Opened { .. }
            | EventBody::Unreadable { .. }
            | EventBody::Payment { .. }
            | EventBody::Results { .. }
            | EventBody::Notified { .. }
            | EventBody::Notice { .. }
            | EventBody::AskedActive { .. }
            | EventBody::Collegial { .. } => None,
        };
        if about.is_none() || about != draft.record.reference.as_ref() {
            return Ok(Err(RefusalReason::UnknownDialog));
        }
        match &event.body {
            EventBody::Message { message, status, redirect, .. } => {
                if draft.record.closed() {
                    return Ok(Err(RefusalReason::DialogClosed));
                }
                office_message(draft, step, message, now)?;
                stand(draft, *status, *redirect, None, now);
            }
            EventBody::Status { status, reason, .. } => {
                if draft.record.closed() {
                    return Ok(Err(RefusalReason::DialogClosed));
                }
                stand(draft, *status, None, reason.clone(), now);
            }
            EventBody::Receipt { message, outcome, .. } => {
                let position = draft.record.dialog.messages.iter().position(|sent| sent.id == *message);
                let Some(position) = position else { return Ok(Err(RefusalReason::Invalid)) };
                receipt(draft, *message, position, outcome, event.occurred, now);
            }
            EventBody::Renewal { decisions, message, status, .. } => {
                if draft.record.closed() {
                    return Ok(Err(RefusalReason::DialogClosed));
                }
                if draft.record.dialog.service != Service::PrescriptionRenewal {
                    return Ok(Err(RefusalReason::Invalid));
                }
                let kind = ActivityKind::RenewalDecided { decisions: decisions.clone() };
                draft.activity(event.occurred, kind, |locale| texts::renewal_decided(decisions, locale));
                draft.news(EventType::DialogUpdated);
                if let Some(message) = message {
                    office_message(draft, step, message, now)?;
                }
                stand(draft, *status, None, None, now);
            }
            EventBody::Appointment { kind, appointment, text, citizen, .. } => {
                let named = match citizen {
                    CitizenIdentity::NationalIdentityNumber(number) => Some(self.secret.citizen(number)),
                    CitizenIdentity::Reference(name) => self.citizen_by_reference(&draft.record.plugin, name).await?,
                };
                if named != Some(draft.record.citizen) {
                    let unknown = named.is_none();
                    return Ok(Err(if unknown { RefusalReason::UnknownCitizen } else { RefusalReason::Invalid }));
                }
                let whose = AppointmentOf {
                    citizen: draft.record.citizen,
                    office: draft.record.dialog.office.clone(),
                    provider: draft.record.dialog.provider.clone(),
                    traceparent: draft.traceparent.clone(),
                    occurred: Some(event.occurred),
                };
                let stored = self.note_appointment(step, whose, *kind, appointment.clone(), now).await?;
                let happened = ActivityKind::Appointment { change: *kind, appointment: Box::new(stored.shown()) };
                draft.activity(event.occurred, happened, |locale| {
                    text.clone().unwrap_or_else(|| texts::appointment(*kind, locale).into())
                });
                draft.news(EventType::DialogUpdated);
            }
            EventBody::Charged { fees, .. } => match fees::allowed(&draft.record.dialog, fees, specialists) {
                Ok(Some(fees)) => {
                    draft.record.dialog.fees = fees;
                    draft.news(EventType::DialogUpdated);
                    step.owes(&draft.record);
                }
                // They were charged before.
                Ok(None) => {}
                Err(rule) => {
                    let (plugin, dialog) = (&draft.record.plugin, draft.record.dialog.id);
                    tracing::warn!(%plugin, %dialog, rule, "a fee is not allowed");
                    return Ok(Err(RefusalReason::FeeNotAllowed));
                }
            },
            EventBody::Video { state, .. } => {
                if let Err(reason) = meeting::happened(draft, state, event.occurred) {
                    return Ok(Err(reason));
                }
            }
            EventBody::Opened { .. }
            | EventBody::Unreadable { .. }
            | EventBody::Payment { .. }
            | EventBody::Results { .. }
            | EventBody::Notified { .. }
            | EventBody::Notice { .. }
            | EventBody::AskedActive { .. }
            | EventBody::Collegial { .. } => {
                return Ok(Err(RefusalReason::Invalid));
            }
        }
        Ok(Ok(()))
    }

    /// Keeps what became of an appointment, under the gateway's own id, and tells the portal.
    pub(crate) async fn note_appointment(
        &self,
        step: &mut Step,
        whose: AppointmentOf,
        kind: AppointmentChangeKind,
        appointment: Appointment,
        now: Timestamp,
    ) -> Result<StoredAppointment, StoreError> {
        let AppointmentOf { citizen, office, provider, traceparent, occurred } = whose;
        // One answer may tell of a new appointment twice: the store does not have it yet.
        let known = match step.written_appointment(&provider.id, citizen, &appointment.id) {
            Some(written) => Some(written),
            None => {
                let stored = self.appointment_by_reference(&provider.id, citizen, &appointment.id).await?;
                stored.map(|(revision, stored)| (Some(revision), stored))
            }
        };
        // Providers push and are asked: what happened earlier may come later, and must not undo what is known.
        if let Some((_, later)) = known.as_ref().filter(|(_, known)| occurred.is_some() && known.occurred > occurred) {
            return Ok(later.clone());
        }
        let (revision, id, occurred) = match known {
            Some((revision, known)) => (revision, known.id, occurred.or(known.occurred)),
            None => (None, AppointmentId::new(), occurred),
        };
        let cancelled = kind == AppointmentChangeKind::Cancelled;
        let stored = StoredAppointment { id, citizen, office, provider, appointment, cancelled, seen: now, occurred };
        step.appointment(revision, &stored)?;
        step.tell(News {
            kind: told(kind),
            citizen,
            office: stored.office.her_id,
            service: Service::Appointment,
            dialog: None,
            appointment: Some(id),
            payment: None,
            traceparent,
        });
        Ok(stored)
    }
}

/// How the portal is told of what happened to an appointment.
pub(crate) const fn told(kind: AppointmentChangeKind) -> EventType {
    match kind {
        AppointmentChangeKind::Booked => EventType::AppointmentBooked,
        AppointmentChangeKind::Moved => EventType::AppointmentMoved,
        AppointmentChangeKind::Cancelled => EventType::AppointmentCancelled,
        AppointmentChangeKind::Reminder => EventType::AppointmentReminder,
    }
}

/// Adds what the office wrote, and lets the citizen read its attachments.
pub(crate) fn office_message(
    draft: &mut Draft,
    step: &mut Step,
    message: &OfficeMessage,
    now: Timestamp,
) -> Result<(), StoreError> {
    for attachment in &message.attachments {
        keep_attachment(step, &draft.record, attachment.clone(), now)?;
    }
    let id = MessageId::new();
    draft.record.known_as.push(KnownAs { message: id, id: message.id.clone() });
    draft.message(Message {
        id,
        author: Author { role: AuthorRole::Office, name: message.author.clone(), hpr_number: None },
        subject: message.subject.clone(),
        text: message.text.clone(),
        attachments: message.attachments.clone(),
        sent: message.sent,
        seen: None,
    });
    Ok(())
}

fn keep_attachment(
    step: &mut Step,
    record: &StoredDialog,
    attachment: Attachment,
    now: Timestamp,
) -> Result<(), StoreError> {
    let used = Use::In { dialog: record.dialog.id };
    step.attachment(None, StoredAttachment { attachment, citizen: record.citizen, used, expires: now }, used)
}

/// Sets where the dialog stands, as the provider says it. What still waits to be sent keeps it queued.
fn stand(draft: &mut Draft, status: DialogStatus, redirect: Option<Service>, reason: Option<String>, now: Timestamp) {
    match status {
        DialogStatus::Closed(outcome) => {
            let redirect = redirect.filter(|_| outcome == Closing::Redirected);
            draft.close(outcome, redirect, reason, now);
        }
        _ if !draft.record.calls.is_empty() && draft.record.dialog.status == Status::Queued => {}
        DialogStatus::AwaitingOffice => {
            draft.status(Status::AwaitingOffice, reason, now);
        }
        DialogStatus::AwaitingCitizen => {
            draft.status(Status::AwaitingCitizen, reason, now);
        }
    }
}

fn receipt(
    draft: &mut Draft,
    message: MessageId,
    position: usize,
    outcome: &ReceiptOutcome,
    occurred: Timestamp,
    now: Timestamp,
) {
    match outcome {
        ReceiptOutcome::Delivered => {
            draft.activity(occurred, ActivityKind::Delivered { message }, texts::delivered);
            draft.news(EventType::DialogUpdated);
            if draft.record.dialog.status == Status::Uncertain {
                draft.status(Status::AwaitingOffice, None, now);
            }
        }
        ReceiptOutcome::Refused(refusals) => {
            let codes = refusals.iter().map(|refusal| refusal.code.clone()).collect();
            let reasons: Vec<&str> = refusals.iter().map(|refusal| refusal.text.as_str()).collect();
            let (reasons, resendable) = (reasons.join("; "), refusals.iter().any(|refusal| refusal.resendable));
            draft.activity(occurred, ActivityKind::Refused { message, codes }, |locale| {
                texts::not_taken_in(&reasons, resendable, locale)
            });
            draft.news(EventType::MessageNotSent);
            let answered = draft.record.dialog.messages.iter().any(|message| message.author.role == AuthorRole::Office);
            if position == 0 && !answered {
                // The office never had what the dialog began with.
                draft.close(Closing::Declined, None, None, now);
            } else {
                draft.status(Status::AwaitingCitizen, None, now);
            }
        }
    }
}
