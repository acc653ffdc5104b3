//! Operations on appointments, payments that are begun, and answers to surveys: the call to the provider, what comes of
//! it, and the repair of one whose maker has died.

use std::time::Duration;

use dialog_contract::{
    appointment::NewBooking,
    event::EventType,
    ids::{InvoiceId, PaymentId},
    payment::{PaymentBegun, PaymentStatus},
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
    record::{OperationKind, StoredAppointment, StoredOperation, StoredPayment},
    shelf::{News, Step},
    texts,
};

/// Time that the repair of an operation may take.
const REPAIR_TIME: Duration = Duration::from_secs(15);

/// What the provider gave.
#[derive(Debug, Clone)]
pub(crate) enum Operated {
    /// The appointment as it is now.
    Appointment(Box<provider::Appointment>),
    /// It is cancelled.
    Cancelled,
    /// Where to pay.
    Payment(provider::Payment),
    /// It has the answers.
    Submitted,
}

impl Desk {
    /// Makes the call of an operation, whose intent is durable.
    pub(crate) async fn call_operation(&self, operation: &StoredOperation, time_left: Duration) -> Made<Operated> {
        let subject = Subject {
            plugin: &operation.plugin,
            office: operation.office,
            service: operation.kind.service(),
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
            OperationKind::Book { .. } | OperationKind::Pay { .. } | OperationKind::Survey { .. } => None,
            OperationKind::Change { appointment, .. } | OperationKind::Cancel { appointment, .. } => {
                match self.shelf.appointment(*appointment).await {
                    Ok(Some((_, stored))) => Some(stored.appointment),
                    Ok(None) | Err(_) => None,
                }
            }
        };
        let gone = || {
            let detail = "what it is about is not in the store".into();
            Made {
                answer: Err(Failure::Unavailable(Outage { retry_after: None, sent: Sent::No, detail })),
                record: None,
            }
        };
        match (&operation.kind, known) {
            (OperationKind::Book { booking }, _) => {
                let called = self.providers.book(target, context, wanted(booking)).await;
                Made { answer: called.answer.map(appointment), record: Some(called.record) }
            }
            (OperationKind::Pay { invoice, return_url }, _) => match self.shelf.invoice(*invoice).await {
                Ok(Some((_, stored))) => {
                    let called = self.providers.pay(target, context, stored.invoice.id, return_url.clone()).await;
                    Made { answer: called.answer.map(Operated::Payment), record: Some(called.record) }
                }
                Ok(None) | Err(_) => gone(),
            },
            (OperationKind::Survey { asked, answers, .. }, _) => {
                let called = self.providers.submit(target, context, asked.id.clone(), answers.clone()).await;
                Made { answer: called.answer.map(|()| Operated::Submitted), record: Some(called.record) }
            }
            (OperationKind::Change { booking, .. }, Some(known)) => {
                let called = self.providers.change(target, context, known, wanted(booking)).await;
                Made { answer: called.answer.map(appointment), record: Some(called.record) }
            }
            (OperationKind::Cancel { cancellation, .. }, Some(known)) => {
                let called = self.providers.cancel(target, context, known, cancellation.reason.clone()).await;
                Made { answer: called.answer.map(|()| Operated::Cancelled), record: Some(called.record) }
            }
            (OperationKind::Change { .. } | OperationKind::Cancel { .. }, None) => gone(),
        }
    }

    /// Settles an operation, if nobody has.
    pub(crate) async fn settle_operation(
        &self,
        id: Uuid,
        answer: &Result<Operated, Failure>,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = trail.locale;
        let sent = answer.as_ref().map_or_else(Failure::sent, |_| Sent::Yes);
        let of_store = |error: StoreError| Refusal::of_store(&error, locale).with_sent(sent);
        // Answers to one survey are counted in one place: one after the other, so that they do not meet there.
        let _counting = match answer {
            Ok(Operated::Submitted) => Some(self.counting.lock().await),
            _ => None,
        };
        for _ in 0..TRIES {
            let found = self.shelf.operation(id).await.map_err(of_store)?;
            let Some((revision, operation)) = found else { break };
            let (mut step, now) = (Step::default(), self.now());
            step.operation_done(revision, id, &operation);
            let ended = match self.taken(&operation, answer).await.map_err(of_store)? {
                Ok(operated) => {
                    let made = self.operated(&mut step, &operation, operated, now).await;
                    match made.map_err(of_store)? {
                        Shown::Appointment(status, stored) => Ok(Reply::json(status, &stored.shown())?),
                        Shown::Payment(begun) => Ok(Reply::json(201, &begun)?),
                        Shown::Nothing => {
                            Ok(Reply { status: 204, body: bytes::Bytes::new(), etag: None, location: None })
                        }
                    }
                }
                Err(failure) => {
                    self.released(&mut step, id, &operation, sent).await.map_err(of_store)?;
                    let refusal = not_done(&failure, &operation.kind, locale);
                    let body = trail.problem(&refusal);
                    Err((refusal, body))
                }
            };
            let by_reference = ended.as_ref().map_err(|(refusal, body)| (refusal, &body[..]));
            self.settle_reply(&mut step, &operation.reply, by_reference).await.map_err(of_store)?;
            match self.commit_with_outcome(step, trail, by_reference.map(|reply| (reply, Some(sent)))).await {
                Ok(receipt) => {
                    if matches!(operation.kind, OperationKind::Pay { .. }) {
                        self.shelf.payments.send_modify(|begun| *begun = begun.wrapping_add(1));
                    }
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

    /// What the provider gave, if it can be believed: a payment by the name of another's, or of one that is paid, is a
    /// fault.
    async fn taken(
        &self,
        operation: &StoredOperation,
        answer: &Result<Operated, Failure>,
    ) -> Result<Result<Operated, Failure>, StoreError> {
        let (Ok(Operated::Payment(payment)), OperationKind::Pay { invoice, .. }) = (answer, &operation.kind) else {
            return Ok(answer.clone());
        };
        let known = self.shelf.payment_by_reference(&operation.plugin, &payment.id).await?;
        let usable = known.is_none_or(|(_, known)| {
            let same = known.citizen == operation.citizen && known.invoice == *invoice;
            same && !matches!(known.status, PaymentStatus::Paid | PaymentStatus::Refunded)
        });
        if usable {
            return Ok(answer.clone());
        }
        tracing::error!(plugin = %operation.plugin, "the plugin gave a payment the name of another, or of one that is paid");
        let detail = "the payment has the name of another, or of one that is paid".into();
        Ok(Err(Failure::Faulty(Fault { sent: Sent::Yes, detail })))
    }

    /// Lets go of what an operation held and did nothing with: the invoice that it was to pay, the survey that it was to
    /// answer.
    async fn released(
        &self,
        step: &mut Step,
        id: Uuid,
        operation: &StoredOperation,
        sent: Sent,
    ) -> Result<(), StoreError> {
        if let OperationKind::Survey { asked, .. } = &operation.kind {
            return self.survey_released(step, id, operation, asked, sent).await;
        }
        let OperationKind::Pay { invoice, .. } = &operation.kind else { return Ok(()) };
        if let Some((revision, mut stored)) = self.shelf.invoice(*invoice).await?
            && stored.beginning == Some(id)
        {
            stored.beginning = None;
            step.invoice(Some(revision), &stored)?;
        }
        Ok(())
    }

    /// Writes the payment that was begun. A provider that gives the payment that it gave before has not begun another.
    async fn begun(
        &self,
        step: &mut Step,
        operation: &StoredOperation,
        invoice: InvoiceId,
        payment: provider::Payment,
        now: Timestamp,
    ) -> Result<PaymentBegun, StoreError> {
        let gone = || StoreError::Damaged("the invoice of an operation is missing".to_owned());
        let (revision, mut stored) = self.shelf.invoice(invoice).await?.ok_or_else(gone)?;
        let provider::Payment { redirect, id: reference, expires } = payment;
        let (before, begun) = match self.shelf.payment_by_reference(&operation.plugin, &reference).await? {
            Some((revision, known)) => (
                Some(revision),
                StoredPayment { redirect: redirect.clone(), expires, status: PaymentStatus::Open, ..known },
            ),
            None => {
                let begun = StoredPayment {
                    id: PaymentId::new(),
                    citizen: operation.citizen,
                    office: stored.office.clone(),
                    provider: stored.provider.clone(),
                    invoice,
                    amount: stored.invoice.amount,
                    text: stored.invoice.text.clone(),
                    reference,
                    redirect: redirect.clone(),
                    begun: now,
                    expires,
                    status: PaymentStatus::Open,
                    receipt: None,
                };
                (None, begun)
            }
        };
        step.payment(before, &begun)?;
        stored.beginning = None;
        stored.payment = Some(begun.id);
        step.invoice(Some(revision), &stored)?;
        Ok(PaymentBegun { id: begun.id, redirect, expires })
    }

    /// Writes what an operation did.
    async fn operated(
        &self,
        step: &mut Step,
        operation: &StoredOperation,
        operated: Operated,
        now: Timestamp,
    ) -> Result<Shown, StoreError> {
        let missing = |what: &str| StoreError::Damaged(format!("{what} of an operation is missing"));
        let of = |kind: EventType| News {
            kind,
            citizen: operation.citizen,
            office: operation.office,
            service: Service::Appointment,
            dialog: None,
            appointment: None,
            payment: None,
            traceparent: operation.traceparent.clone(),
        };
        match (&operation.kind, operated) {
            (OperationKind::Book { .. }, Operated::Appointment(appointment)) => {
                let whose = self.whose(operation).await?;
                let booked = AppointmentChangeKind::Booked;
                let stored = self.shelf.note_appointment(step, whose, booked, *appointment, now).await?;
                Ok(Shown::Appointment(201, Box::new(stored)))
            }
            (OperationKind::Change { appointment: id, .. }, Operated::Appointment(appointment)) => {
                let found = self.shelf.appointment(*id).await?;
                let (revision, mut stored) = found.ok_or_else(|| missing("the appointment"))?;
                stored.appointment = *appointment;
                stored.seen = now;
                step.appointment(Some(revision), &stored)?;
                step.tell(News { appointment: Some(*id), ..of(told(AppointmentChangeKind::Moved)) });
                Ok(Shown::Appointment(200, Box::new(stored)))
            }
            (OperationKind::Cancel { appointment: id, .. }, Operated::Cancelled) => {
                let found = self.shelf.appointment(*id).await?;
                let (revision, as_it_was) = found.ok_or_else(|| missing("the appointment"))?;
                let cancelled = StoredAppointment { cancelled: true, seen: now, ..as_it_was };
                step.appointment(Some(revision), &cancelled)?;
                step.tell(News { appointment: Some(*id), ..of(told(AppointmentChangeKind::Cancelled)) });
                Ok(Shown::Appointment(200, Box::new(cancelled)))
            }
            (OperationKind::Pay { invoice, .. }, Operated::Payment(payment)) => {
                self.begun(step, operation, *invoice, payment, now).await.map(Shown::Payment)
            }
            (OperationKind::Survey { asked, answers, .. }, Operated::Submitted) => {
                self.survey_counted(step, operation, asked, answers).await.map(|()| Shown::Nothing)
            }
            _ => Err(missing("the answer")),
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
        let mut trail =
            self.trail_of_gateway(operation.kind.action(), operation.request, &operation.trace_id, operation.locale);
        self.name_citizen(&mut trail, operation.citizen).await?;
        trail.office(operation.office);
        if let Some(service) = operation.kind.about() {
            trail.service(service);
        }
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

/// What the portal is shown of an operation.
enum Shown {
    /// With the reply's status.
    Appointment(u16, Box<StoredAppointment>),
    Payment(PaymentBegun),
    /// There is nothing to show.
    Nothing,
}

fn appointment(appointment: provider::Appointment) -> Operated {
    Operated::Appointment(Box::new(appointment))
}

fn wanted(booking: &NewBooking) -> provider::Booking {
    let NewBooking { slot, start, end, clinician, reason, provider: _ } = booking.clone();
    provider::Booking { slot, start, end, clinician, reason }
}

/// What the citizen is told of what did not succeed: always whether anything was booked or charged.
fn not_done(failure: &Failure, kind: &OperationKind, locale: Locale) -> Refusal {
    let refusal = Refusal::of_failure(failure, locale);
    let detail = match failure {
        Failure::Invalid(_) => return refusal,
        _ => match (kind, failure.sent()) {
            (OperationKind::Pay { .. }, Sent::No) => texts::nothing_paid(locale),
            (OperationKind::Pay { .. }, _) => texts::perhaps_begun(locale),
            (OperationKind::Survey { .. }, Sent::No) => texts::nothing_answered(locale),
            (OperationKind::Survey { .. }, _) => texts::perhaps_answered(locale),
            (_, Sent::No) => texts::nothing_booked(locale),
            _ => texts::perhaps_booked(locale),
        },
    };
    let detail = match failure {
        Failure::Declined(reason) | Failure::Conflict(reason) | Failure::NotFound(reason) => {
            format!("{} {detail}", reason.text)
        }
        _ => detail.into(),
    };
    Refusal { detail, ..refusal }
}
