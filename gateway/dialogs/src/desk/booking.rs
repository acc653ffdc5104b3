//! Direct booking: slots, booking, changing and cancelling. It answers at once or fails at once and says what it knows
//! of whether anything was booked; nothing of it is ever queued.

use std::time::Duration;

use dialog_contract::{
    appointment::{NewBooking, NewCancellation, Slot, SlotQuery},
    ids::AppointmentId,
    limits::Limits,
    page::Page,
    practice::Booking,
    problem::ProblemType,
    provider::{self, AppointmentChangeKind, Failure, Fault, Outage},
    service::{Locale, Sent, Service},
};
use jiff::{Timestamp, ToSpan as _};
use uuid::Uuid;

use super::{
    Desk, Outcome, TRIES,
    calls::{Made, SETTLING_TIME, Subject},
    practice::{Offer, Practice},
    replies::Before,
    trail::{Trail, Unsettled},
    validation::Errors,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    apply::{AppointmentOf, told},
    permit::{Citizen, Permitted},
    ports::{providers::Target, store::StoreError},
    record::{OperationKind, StoredAppointment, StoredOperation},
    request::Request,
    shelf::{News, Step},
    texts,
};

/// Slots on the one page.
const SLOTS: usize = 500;

/// How far `from` may lie back: a portal's clock and its citizen's thumb.
const GRACE_SECONDS: i64 = 60;

/// Time that the repair of an operation may take.
const REPAIR_TIME: Duration = Duration::from_secs(15);

impl Desk {
    /// `GET /v1/me/slots`: 200 with one page, in order of start.
    ///
    /// # Errors
    /// `service-not-offered` also where the office takes written requests; `invalid` for times in the past or more
    /// than four weeks ahead; every failure of the provider.
    pub async fn slots(&self, who: &Permitted<Citizen>, request: &Request, query: SlotQuery) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail("appointments.slots", &who, &asked);
            let ended = desk.free_slots(&who, &asked, &query, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn free_slots(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        query: &SlotQuery,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let (practice, offer) = self.direct_booking(who, trail).await?;
        let (from, until) = asked_range(query, self.now(), locale)?;
        self.remember(who, &practice, &offer.agreement.plugin, locale).await?;
        let key = request.id.to_string();
        let context = self.context(self.subject(who, &practice, &offer, Service::Appointment, locale, &key)).await;
        let context = context.map_err(|failure| Refusal::of_failure(&failure, locale))?;
        let target = target(&offer, request.time_left());
        let wanted = provider::SlotQuery { from, until, clinician: query.clinician, mode: query.mode };
        let called = self.providers.slots(target, context, wanted).await;
        trail.call(called.record);
        let mut slots = called.answer.map_err(|failure| Refusal::of_question(&failure, locale))?;
        // A slot that was not asked for could not be booked either.
        slots.retain(|slot| slot.start >= from && slot.start < until);
        slots.sort_by_key(|slot| slot.start);
        slots.truncate(SLOTS);
        Ok(Ended::answered(Reply::json(200, &Page::<Slot> { items: slots, next: None })?))
    }

    /// `POST /v1/me/appointments`: 201 with the appointment.
    ///
    /// # Errors
    /// As [`Desk::slots`]; `conflict` where the slot is gone. `sent` says whether anything can have been booked.
    pub async fn book(&self, who: &Permitted<Citizen>, request: &Request, booking: NewBooking) -> Outcome {
        self.operate(who, request, "appointments.book", OperationKind::Book { booking }).await
    }

    /// `POST /v1/me/appointments/{appointment}/change`: 200 with the appointment at its new time.
    ///
    /// # Errors
    /// As [`Desk::book`], and `not-found` also for appointments of others. Unless `sent` is `unknown`, the old time
    /// stands.
    pub async fn change(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        appointment: AppointmentId,
        booking: NewBooking,
    ) -> Outcome {
        self.operate(who, request, "appointments.change", OperationKind::Change { appointment, booking }).await
    }

    /// `POST /v1/me/appointments/{appointment}/cancel`: 200 with the appointment as it was.
    ///
    /// # Errors
    /// As [`Desk::change`].
    pub async fn cancel(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        appointment: AppointmentId,
        cancellation: NewCancellation,
    ) -> Outcome {
        self.operate(who, request, "appointments.cancel", OperationKind::Cancel { appointment, cancellation }).await
    }

    async fn operate(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        action: &'static str,
        kind: OperationKind,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(action, &who, &asked);
            let ended = desk.operation(&who, &asked, kind, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn operation(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        kind: OperationKind,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let reply_key = self.reply_key(citizen, request)?;
        let fingerprint = request.fingerprint(&request.body_sha256);
        for _ in 0..TRIES {
            let over = match self.before(&reply_key, &fingerprint, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let (practice, offer) = self.direct_booking(who, trail).await?;
            self.may(&kind, citizen, &offer, locale).await?;
            let id = Uuid::now_v7();
            let operation = StoredOperation {
                kind: kind.clone(),
                citizen,
                representative: self.acting(who),
                office: practice.office.her_id,
                plugin: offer.agreement.plugin.clone(),
                key: id.to_string(),
                attempts: 1,
                lease: self.lease(),
                reply: reply_key.clone(),
                locale,
                request: request.id,
                trace_id: request.trace_id.clone(),
                traceparent: request.traceparent.clone(),
            };
            let mut step = Step::default();
            self.know(&mut step, who, &practice, &offer.agreement.plugin).map_err(of_store)?;
            step.operation(None, id, &operation).map_err(of_store)?;
            step.reply(over, &reply_key, &self.reply_running(&fingerprint)).map_err(of_store)?;
            match self.commit_with_intent(step, trail).await {
                Ok(()) => {
                    let made = self.call_operation(&operation, request.time_left()).await;
                    if let Some(record) = made.record {
                        trail.call(record);
                    }
                    return self.settle_operation(id, &made.answer, trail).await;
                }
                Err(Unsettled::Conflict) => {}
                Err(Unsettled::Store(error)) => return Err(of_store(error)),
                Err(Unsettled::NoEvidence) => {
                    let detail = "the audit log cannot be written".into();
                    let outage = Outage { retry_after: None, sent: Sent::No, detail };
                    let ended = self.settle_operation(id, &Err(Failure::Unavailable(outage)), trail).await;
                    if let Ok(Ended::Refused { receipt: Some(receipt), .. }) = &ended {
                        // What is told is not that the provider could not do it.
                        trail.supersede(receipt);
                    }
                    return Err(Refusal::unavailable(locale));
                }
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// The office lets citizens book directly.
    pub(crate) async fn direct_booking(
        &self,
        who: &Permitted<Citizen>,
        trail: &mut Trail,
    ) -> Result<(Practice, Offer), Refusal> {
        trail.service(Service::Appointment);
        let practice = self.practice_of(&who.target().national_identity_number, trail.locale).await?;
        trail.office(practice.office.her_id);
        let offer = self.offered(&practice, Service::Appointment, trail.locale).await?;
        trail.plugin(&offer.agreement.plugin);
        if offer.agreement.booking() != Some(Booking::Direct) {
            let detail = texts::write_a_request(trail.locale);
            return Err(Refusal::new(ProblemType::ServiceNotOffered, detail));
        }
        Ok((practice, offer))
    }

    async fn may(
        &self,
        kind: &OperationKind,
        citizen: crate::identity::CitizenId,
        offer: &Offer,
        locale: Locale,
    ) -> Result<(), Refusal> {
        let (appointment, cancel) = match kind {
            OperationKind::Book { .. } => (None, false),
            OperationKind::Change { appointment, .. } => (Some(*appointment), false),
            OperationKind::Cancel { appointment, .. } => (Some(*appointment), true),
        };
        if let Some(id) = appointment {
            let stored = self.own_appointment(id, citizen, locale).await?;
            self.may_still(&stored, cancel, locale)?;
            if stored.provider.id != offer.agreement.plugin {
                return Err(Refusal::new(ProblemType::Conflict, texts::provider_left(locale)));
            }
        }
        match kind {
            OperationKind::Book { booking } | OperationKind::Change { booking, .. } => {
                bookable(booking, self.now(), locale)
            }
            OperationKind::Cancel { .. } => Ok(()),
        }
    }

    async fn call_operation(
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
    async fn settle_operation(
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
            OperationKind::Book { .. } => "appointments.book",
            OperationKind::Change { .. } => "appointments.change",
            OperationKind::Cancel { .. } => "appointments.cancel",
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

    /// A call about the citizen that no dialog or operation stands for.
    pub(crate) fn subject<'a>(
        &self,
        who: &Permitted<Citizen>,
        practice: &'a Practice,
        offer: &'a Offer,
        service: Service,
        locale: Locale,
        key: &'a str,
    ) -> Subject<'a> {
        Subject {
            plugin: &offer.agreement.plugin,
            office: practice.office.her_id,
            service,
            citizen: self.shelf.secret.citizen(&who.target().national_identity_number),
            representative: self.acting(who),
            clinician: Some(&practice.clinician),
            locale,
            key,
        }
    }

    /// As [`Desk::know`], for calls that write nothing else: a write only where something is new.
    pub(crate) async fn remember(
        &self,
        who: &Permitted<Citizen>,
        practice: &Practice,
        plugin: &dialog_contract::ids::PluginId,
        locale: Locale,
    ) -> Result<(), Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let Citizen { national_identity_number, representative } = who.target();
        let acting = representative.as_ref().map(|acting| &acting.national_identity_number);
        let mut all_known = true;
        for number in [Some(national_identity_number), acting].into_iter().flatten() {
            let reference = self.shelf.secret.reference(plugin, number);
            all_known &= self.shelf.citizen_by_reference(plugin, &reference).await.map_err(of_store)?.is_some();
        }
        if all_known {
            return Ok(());
        }
        let mut step = Step::default();
        self.know(&mut step, who, practice, plugin).map_err(of_store)?;
        self.shelf.commit(step).await.map(|_| ()).map_err(of_store)
    }
}

pub(crate) fn target(offer: &Offer, time_left: Duration) -> Target {
    let time_left = time_left.saturating_sub(SETTLING_TIME);
    Target { plugin: offer.agreement.plugin.clone(), attempt: 1, time_left }
}

fn wanted(booking: &NewBooking) -> provider::Booking {
    let NewBooking { slot, start, end, clinician, reason } = booking.clone();
    provider::Booking { slot, start, end, clinician, reason }
}

fn horizon(now: Timestamp) -> Timestamp {
    let hours = i64::from(Limits::V1.slot_days_ahead) * 24;
    now.checked_add(hours.hours()).unwrap_or(Timestamp::MAX)
}

fn asked_range(query: &SlotQuery, now: Timestamp, locale: Locale) -> Result<(Timestamp, Timestamp), Refusal> {
    let mut errors = Errors::new(locale);
    let (from, until) = (query.from.unwrap_or(now), query.until.unwrap_or(horizon(now)));
    let grace = GRACE_SECONDS.seconds();
    if from < now.checked_sub(grace).unwrap_or(Timestamp::MIN) {
        errors.add("/from", texts::in_the_past(locale));
    }
    if until > horizon(now).checked_add(grace).unwrap_or(Timestamp::MAX) {
        errors.add("/until", texts::too_far_ahead(locale));
    }
    let (from, until) = (from.max(now), until.min(horizon(now)));
    if until <= from {
        errors.add("/until", texts::ends_before_it_starts(locale));
    }
    errors.into_result().map(|()| (from, until))
}

fn bookable(booking: &NewBooking, now: Timestamp, locale: Locale) -> Result<(), Refusal> {
    let mut errors = Errors::new(locale);
    if booking.start < now {
        errors.add("/start", texts::in_the_past(locale));
    } else if booking.start > horizon(now) {
        errors.add("/start", texts::too_far_ahead(locale));
    }
    if booking.end <= booking.start {
        errors.add("/end", texts::ends_before_it_starts(locale));
    }
    errors.into_result()
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
