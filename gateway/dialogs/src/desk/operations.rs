//! Operations on appointments: the call to the provider, what comes of it, and the repair of one whose maker has died.

use std::time::Duration;

use dialog_contract::{
    action::Action,
    appointment::NewBooking,
    problem::ProblemType,
    provider::{self, AppointmentChangeKind, Failure, Fault, Outage},
    service::{Locale, Sent, Service},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Desk, TRIES,
    calls::{Made, SETTLING_TIME, Subject},
    trail::{Trail, Unsettled},
};
use crate::{
    answer::{Ended, Refusal, Reply},
    apply::{AppointmentOf, told},
    ports::{providers::Target, store::StoreError},
    record::{OperationKind, StoredAppointment, StoredOperation},
    shelf::{News, Step},
    texts,
};

/// Time that the repair of an operation may take.
const REPAIR_TIME: Duration = Duration::from_secs(15);

impl Desk {
    /// Makes the call of an operation, whose intent is durable.
    pub(crate) async fn call_operation(
        &self,
        operation: &StoredOperation,
        time_left: Duration,
    ) -> Made<Option<provider::Appointment>> {
        let subject = Subject {
            plugin: &operation.plugin,
            office: operation.office,
            service: Service::Appointment,
            citizen: operation.citizen,
            representative: operation.representative,
            clinician: None,
            locale: operation.locale,
            key: &operation.key,
        };
        let context = match self.context(subject).await {
            Ok(context) => context,
            Err(failure) => return Made { answer: Err(failure), record: None },
        };
        let time_left = time_left.saturating_sub(SETTLING_TIME);
        let target = Target { plugin: operation.plugin.clone(), attempt: operation.attempts, time_left };
        let known = match &operation.kind {
            OperationKind::Book { .. } => None,
            OperationKind::Change { appointment, .. } | OperationKind::Cancel { appointment, .. } => {
                match self.shelf.appointment(*appointment).await {
                    Ok(Some((_, stored))) => Some(stored.appointment),
                    Ok(None) | Err(_) => None,
                }
            }
        };
        let gone = || {
            let detail = "the appointment is not in the store".into();
            Made {
                answer: Err(Failure::Unavailable(Outage { retry_after: None, sent: Sent::No, detail })),
                record: None,
            }
        };
        match (&operation.kind, known) {
            (OperationKind::Book { booking }, _) => {
                let called = self.providers.book(target, context, wanted(booking)).await;
                Made { answer: called.answer.map(Some), record: Some(called.record) }
            }
            (OperationKind::Change { booking, .. }, Some(known)) => {
                let called = self.providers.change(target, context, known, wanted(booking)).await;
                Made { answer: called.answer.map(Some), record: Some(called.record) }
            }
            (OperationKind::Cancel { cancellation, .. }, Some(known)) => {
                let called = self.providers.cancel(target, context, known, cancellation.reason.clone()).await;
                Made { answer: called.answer.map(|()| None), record: Some(called.record) }
            }
            (OperationKind::Change { .. } | OperationKind::Cancel { .. }, None) => gone(),
        }
    }

    /// Settles an operation, if nobody has.
    pub(crate) async fn settle_operation(
        &self,
        id: Uuid,
        answer: &Result<Option<provider::Appointment>, Failure>,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = trail.locale;
        let sent = answer.as_ref().map_or_else(Failure::sent, |_| Sent::Yes);
        let of_store = |error: StoreError| Refusal::of_store(&error, locale).with_sent(sent);
        for _ in 0..TRIES {
            let found = self.shelf.operation(id).await.map_err(of_store)?;
            let Some((revision, operation)) = found else { break };
            let (mut step, now) = (Step::default(), self.now());
            step.operation_done(revision, id, &operation);
            let ended = match answer {
                Ok(appointment) => {
                    let stored = self.operated(&mut step, &operation, appointment.clone(), now).await;
                    let (status, stored) = stored.map_err(of_store)?;
                    Ok(Reply::json(status, &stored.shown())?)
                }
                Err(failure) => {
                    let refusal = not_booked(failure, locale);
                    let body = trail.problem(&refusal);
                    Err((refusal, body))
                }
            };
            let by_reference = ended.as_ref().map_err(|(refusal, body)| (refusal, &body[..]));
            self.settle_reply(&mut step, &operation.reply, by_reference).await.map_err(of_store)?;
            match self.commit_with_outcome(step, trail, by_reference.map(|reply| (reply, Some(sent)))).await {
                Ok(receipt) => {
                    return Ok(match ended {
                        Ok(reply) => Ended::Answered { reply, receipt: Some(receipt), replayed: false },
                        Err((refusal, body)) => {
                            Ended::Refused { refusal, body, receipt: Some(receipt), replayed: false }
                        }
                    });
                }
                Err(Unsettled::Conflict) => {}
                Err(Unsettled::Store(error)) => return Err(of_store(error)),
                Err(Unsettled::NoEvidence) => return Err(Refusal::unavailable(locale).with_sent(sent)),
            }
        }
        Err(Refusal::new(ProblemType::Unavailable, texts::still_working(locale)).with_sent(sent))
    }

    /// Writes what an operation did.
    async fn operated(
        &self,
        step: &mut Step,
        operation: &StoredOperation,
        appointment: Option<provider::Appointment>,
        now: Timestamp,
    ) -> Result<(u16, StoredAppointment), StoreError> {
        let missing = |what: &str| StoreError::Damaged(format!("{what} of an operation is missing"));
        let of = |kind| News {
            kind: told(kind),
            citizen: operation.citizen,
            office: operation.office,
            service: Service::Appointment,
            dialog: None,
            appointment: None,
            traceparent: operation.traceparent.clone(),
        };
        match &operation.kind {
            OperationKind::Book { .. } => {
                let appointment = appointment.ok_or_else(|| missing("the appointment"))?;
                let whose = self.whose(operation).await?;
                let booked = AppointmentChangeKind::Booked;
                let stored = self.shelf.note_appointment(step, whose, booked, appointment, now).await?;
                Ok((201, stored))
            }
            OperationKind::Change { appointment: id, .. } => {
                let found = self.shelf.appointment(*id).await?;
                let (revision, mut stored) = found.ok_or_else(|| missing("the appointment"))?;
                stored.appointment = appointment.ok_or_else(|| missing("the appointment"))?;
                stored.seen = now;
                step.appointment(Some(revision), &stored)?;
                step.tell(News { appointment: Some(*id), ..of(AppointmentChangeKind::Moved) });
                Ok((200, stored))
            }
            OperationKind::Cancel { appointment: id, .. } => {
                let found = self.shelf.appointment(*id).await?;
                let (revision, as_it_was) = found.ok_or_else(|| missing("the appointment"))?;
                let cancelled = StoredAppointment { cancelled: true, seen: now, ..as_it_was };
                step.appointment(Some(revision), &cancelled)?;
                step.tell(News { appointment: Some(*id), ..of(AppointmentChangeKind::Cancelled) });
                Ok((200, cancelled))
            }
        }
    }

    async fn whose(&self, operation: &StoredOperation) -> Result<AppointmentOf, StoreError> {
        let unavailable = |error: crate::ports::directory::DirectoryError| StoreError::Unavailable(error.to_string());
        let office = self.directory.office(operation.office).await.map_err(unavailable)?;
        let provider = self.directory.provider(&operation.plugin).await.map_err(unavailable)?;
        let (Some(office), Some(provider)) = (office, provider) else {
            return Err(StoreError::Unavailable("the directory lost an office or a provider".into()));
        };
        Ok(AppointmentOf {
            citizen: operation.citizen,
            office: dialog_contract::dialog::OfficeName { her_id: office.her_id, name: office.name },
            provider: dialog_contract::dialog::Provider { id: provider.id, name: provider.name, kind: provider.kind },
            traceparent: operation.traceparent.clone(),
            occurred: None,
        })
    }

    /// Repairs an operation whose maker has died: repeated where the provider recognises it, else unknown.
    pub(crate) async fn take_up_operation(&self, id: Uuid, dead: bool) -> Result<(), StoreError> {
        let Some((revision, operation)) = self.shelf.operation(id).await? else { return Ok(()) };
        if !dead && operation.lease > self.now() {
            return Ok(());
        }
        let action = match operation.kind {
            OperationKind::Book { .. } => Action::AppointmentsBook,
            OperationKind::Change { .. } => Action::AppointmentsChange,
            OperationKind::Cancel { .. } => Action::AppointmentsCancel,
        };
        let mut trail = self.trail_of_gateway(action, operation.request, &operation.trace_id, operation.locale);
        self.name_citizen(&mut trail, operation.citizen).await?;
        trail.office(operation.office);
        trail.service(Service::Appointment);
        trail.plugin(&operation.plugin);
        let unknown = |detail: &str| Failure::Faulty(Fault { sent: Sent::Unknown, detail: detail.into() });
        let idempotent = self.providers.installed(&operation.plugin).is_some_and(|found| found.idempotent);
        let answer = if idempotent {
            let again = StoredOperation { attempts: operation.attempts + 1, lease: self.lease(), ..operation.clone() };
            let mut step = Step::default();
            step.operation(Some((revision, &operation)), id, &again)?;
            trail.detail("repair", "repeated");
            match self.commit_with_intent(step, &trail).await {
                Ok(()) => {}
                Err(Unsettled::Store(error)) => return Err(error),
                // Somebody else has it, or the lease brings it back.
                Err(Unsettled::Conflict | Unsettled::NoEvidence) => return Ok(()),
            }
            let made = self.call_operation(&again, REPAIR_TIME).await;
            if let Some(record) = made.record {
                trail.call(record);
            }
            match made.answer {
                // The first attempt may have been sent: that the second was not says nothing of the first.
                Err(Failure::Unavailable(_) | Failure::Faulty(_)) => Err(unknown("the repeated call failed too")),
                other => other,
            }
        } else {
            trail.detail("repair", "uncertain");
            Err(unknown("the gateway stopped while the call was under way"))
        };
        let ended = self.settle_operation(id, &answer, &mut trail).await;
        self.conclude_unasked(&trail, ended).await;
        Ok(())
    }
}

fn wanted(booking: &NewBooking) -> provider::Booking {
    let NewBooking { slot, start, end, clinician, reason } = booking.clone();
    provider::Booking { slot, start, end, clinician, reason }
}

/// What the citizen is told of a booking that did not succeed: always whether anything was booked.
fn not_booked(failure: &Failure, locale: Locale) -> Refusal {
    let refusal = Refusal::of_failure(failure, locale);
    let detail = match failure {
        Failure::Invalid(_) => return refusal,
        _ if failure.sent() == Sent::No => texts::nothing_booked(locale),
        _ => texts::perhaps_booked(locale),
    };
    let detail = match failure {
        Failure::Declined(reason) | Failure::Conflict(reason) | Failure::NotFound(reason) => {
            format!("{} {detail}", reason.text)
        }
        _ => detail.into(),
    };
    Refusal { detail, ..refusal }
}
