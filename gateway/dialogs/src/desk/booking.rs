//! Direct booking: booking, changing and cancelling; and the way of every operation, also of a payment or a survey. It
//! answers at once or fails at once, and says what it knows of whether anything was done; nothing of it is ever queued.

use dialog_contract::{
    appointment::{NewBooking, NewCancellation},
    ids::{AppointmentId, PluginId},
    practice::Booking,
    problem::ProblemType,
    provider::{Failure, Outage},
    service::{Locale, Sent, Service},
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Desk, Outcome, TRIES,
    practice::{Offer, Practice, of_directory},
    replies::Before,
    slots::horizon,
    trail::{Trail, Unsettled},
    validation::Errors,
};
use crate::{
    answer::{Ended, Refusal},
    identity::CitizenId,
    permit::{Citizen, Permitted},
    ports::store::StoreError,
    record::{OperationKind, StoredOperation},
    request::Request,
    shelf::Step,
    texts,
};

impl Desk {
    /// `POST /v1/me/appointments`: 201 with the appointment.
    ///
    /// # Errors
    /// As [`Desk::slots`]; `conflict` where the slot is gone. `sent` says whether anything can have been booked.
    pub async fn book(&self, who: &Permitted<Citizen>, request: &Request, booking: NewBooking) -> Outcome {
        self.operate(who, request, OperationKind::Book { booking }).await
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
        self.operate(who, request, OperationKind::Change { appointment, booking }).await
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
        self.operate(who, request, OperationKind::Cancel { appointment, cancellation }).await
    }

    /// Carries an operation out: once for an idempotency key, with its intent durable before the provider is asked.
    pub(crate) async fn operate(&self, who: &Permitted<Citizen>, request: &Request, kind: OperationKind) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(kind.action(), &who, &asked);
            if matches!(kind, OperationKind::Survey { .. }) {
                trail.conceal_request();
            }
            let ended = desk.operation(&who, &asked, kind, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn operation(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        mut kind: OperationKind,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let keyed = self.keyed(citizen, request, &request.body_sha256)?;
        for _ in 0..TRIES {
            let over = match self.before(&keyed, locale).await? {
                Before::Nothing(over) => over,
                Before::Ended(ended) => return Ok(ended),
            };
            let beside = self.beside_of(&kind, citizen, locale).await?;
            let (practice, offer) = match &kind {
                OperationKind::Pay { .. } => self.payment_agreed(who, beside.as_ref(), trail).await?,
                OperationKind::Survey { .. } => {
                    let (practice, offer, agreed) = self.survey_agreed(who, request, &kind, trail).await?;
                    kind = agreed;
                    (practice, offer)
                }
                _ => self.direct_booking(who, beside.as_ref(), trail).await?,
            };
            let (id, mut step) = (Uuid::now_v7(), Step::default());
            match &kind {
                OperationKind::Pay { invoice, .. } => {
                    self.hold_invoice(&mut step, id, *invoice, (citizen, &offer), locale).await?;
                }
                OperationKind::Survey { asked, .. } => {
                    self.hold_survey(&mut step, id, asked, (citizen, &offer), locale).await?;
                }
                _ => self.may(&kind, citizen, &offer, locale).await?,
            }
            let operation = StoredOperation {
                kind: kind.clone(),
                citizen,
                representative: self.acting(who),
                office: practice.office.her_id,
                plugin: offer.agreement.plugin.clone(),
                key: id.to_string(),
                attempts: 1,
                lease: self.lease(),
                reply: keyed.key.clone(),
                locale,
                request: request.id,
                trace_id: request.trace_id.clone(),
                traceparent: request.traceparent.clone(),
            };
            self.know(&mut step, who, &practice, &offer.agreement.plugin).map_err(of_store)?;
            step.operation(None, id, &operation).map_err(of_store)?;
            self.reply_begins(&mut step, over, &keyed).map_err(of_store)?;
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

    /// The national provider beside the GP that an operation goes to; none where it is the GP's office.
    async fn beside_of(
        &self,
        kind: &OperationKind,
        citizen: CitizenId,
        locale: Locale,
    ) -> Result<Option<PluginId>, Refusal> {
        let (plugin, office) = match kind {
            OperationKind::Book { booking } => return Ok(booking.provider.clone()),
            OperationKind::Survey { .. } => return Ok(None),
            OperationKind::Change { appointment, booking } => {
                let stored = self.own_appointment(*appointment, citizen, locale).await?;
                if booking.provider.as_ref().is_some_and(|provider| *provider != stored.provider.id) {
                    let mut errors = Errors::new(locale);
                    errors.add("/provider", texts::stays_with_its_provider(locale));
                    errors.into_result()?;
                }
                (stored.provider.id, stored.office.her_id)
            }
            OperationKind::Cancel { appointment, .. } => {
                let stored = self.own_appointment(*appointment, citizen, locale).await?;
                (stored.provider.id, stored.office.her_id)
            }
            OperationKind::Pay { invoice, .. } => {
                let stored = self.own_invoice(*invoice, citizen, locale).await?.1;
                (stored.provider.id, stored.office.her_id)
            }
        };
        let national = self.directory.national().await.map_err(|error| of_directory(&error, locale))?;
        Ok(national.into_iter().any(|one| one.provider == plugin && one.office == office).then_some(plugin))
    }

    /// The office, or the national provider beside it, lets citizens book directly.
    pub(crate) async fn direct_booking(
        &self,
        who: &Permitted<Citizen>,
        provider: Option<&PluginId>,
        trail: &mut Trail,
    ) -> Result<(Practice, Offer), Refusal> {
        trail.service(Service::Appointment);
        let practice = self.practice_with(who, Service::Appointment, provider, trail.locale).await?;
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
        citizen: CitizenId,
        offer: &Offer,
        locale: Locale,
    ) -> Result<(), Refusal> {
        let (appointment, cancel) = match kind {
            OperationKind::Book { .. } | OperationKind::Pay { .. } | OperationKind::Survey { .. } => (None, false),
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
            OperationKind::Cancel { .. } | OperationKind::Pay { .. } | OperationKind::Survey { .. } => Ok(()),
        }
    }
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
