//! Free slots for direct booking, and how far ahead they are booked.

use dialog_contract::{
    action::Action,
    appointment::{Slot, SlotQuery},
    limits::Limits,
    page::Page,
    provider,
    service::{Locale, Service},
};
use jiff::{Timestamp, ToSpan as _};

use super::{Desk, Outcome, calls::target, trail::Trail, validation::Errors};
use crate::{
    answer::{Ended, Refusal, Reply},
    permit::{Citizen, Permitted},
    request::Request,
    texts,
};

/// Slots on the one page.
const SLOTS: usize = 500;

/// How far `from` may lie back: a portal's clock and its citizen's thumb.
const GRACE_SECONDS: i64 = 60;

impl Desk {
    /// `GET /v1/me/slots`: 200 with one page, in order of start.
    ///
    /// # Errors
    /// `service-not-offered` also where the office takes written requests; `invalid` for times in the past or more
    /// than four weeks ahead; every failure of the provider.
    pub async fn slots(&self, who: &Permitted<Citizen>, request: &Request, query: SlotQuery) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::AppointmentsSlots, &who, &asked);
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
        let (practice, offer) = self.direct_booking(who, query.provider.as_ref(), trail).await?;
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
}

/// The latest start of an appointment that can be booked now.
pub(crate) fn horizon(now: Timestamp) -> Timestamp {
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
