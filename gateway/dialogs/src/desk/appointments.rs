//! The citizen's appointments: those that the provider tells of, under the gateway's own ids, and those that other
//! providers told of before.

use std::collections::HashSet;

use dialog_contract::{
    action::Action,
    appointment::Appointment,
    ids::AppointmentId,
    page::Page,
    practice::Booking,
    problem::ProblemType,
    service::{Locale, Service},
};

use super::{Desk, Outcome, TRIES, calls::target, trail::Trail};
use crate::{
    answer::{Ended, Refusal, Reply},
    identity::CitizenId,
    keys,
    permit::{Citizen, Permitted},
    ports::store::{Range, StoreError},
    record::StoredAppointment,
    request::Request,
    shelf::Step,
    texts,
};

/// Appointments of one citizen that a list looks at, the latest made first.
const LOOKED_AT: usize = 200;

impl Desk {
    /// `GET /v1/me/appointments`: 200 with those that are to come, in order of start. Where the office takes written
    /// requests, those that it has told of.
    ///
    /// # Errors
    /// `no-practice`, and every failure of the provider.
    pub async fn appointments(&self, who: &Permitted<Citizen>, request: &Request) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::AppointmentsUpcoming, &who, &asked);
            let ended = desk.upcoming(&who, &asked, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn upcoming(&self, who: &Permitted<Citizen>, request: &Request, trail: &mut Trail) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        trail.service(Service::Appointment);
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let practice = self.practice_of(&who.target().national_identity_number, locale).await?;
        trail.office(practice.office.her_id);
        let offer = self.offer(&practice.agreements, Service::Appointment, locale).await?;
        let direct = offer.ok().filter(|offer| offer.agreement.booking() == Some(Booking::Direct));
        let (mut coming, mut live) = (Vec::new(), None);
        if let Some(offer) = direct {
            trail.plugin(&offer.agreement.plugin);
            self.remember(who, &practice, &offer.agreement.plugin, locale).await?;
            let key = request.id.to_string();
            let subject = self.subject(who, &practice, &offer, Service::Appointment, locale, &key);
            let context = self.context(subject).await;
            let context = context.map_err(|failure| Refusal::of_failure(&failure, locale))?;
            let called = self.providers.upcoming(target(&offer, request.time_left()), context).await;
            trail.call(called.record);
            let found = called.answer.map_err(|failure| Refusal::of_question(&failure, locale))?;
            let (office, provider) = (practice.office_name(), offer.provider.clone());
            let seen = |appointment| StoredAppointment {
                id: AppointmentId::new(),
                citizen,
                office: office.clone(),
                provider: provider.clone(),
                appointment,
                cancelled: false,
                seen: self.now(),
                occurred: None,
            };
            coming = self.name(found.into_iter().map(seen).collect(), locale).await?;
            live = Some(offer.agreement.plugin);
        }
        // What the provider that was just asked did not name is not to come, whatever was heard of it before.
        for stored in self.known_appointments(citizen).await.map_err(of_store)?.0 {
            if live.as_ref() != Some(&stored.provider.id) && !stored.cancelled && stored.appointment.end > self.now() {
                coming.push(stored);
            }
        }
        coming.sort_by_key(|stored| (stored.appointment.start, stored.id));
        let items: Vec<Appointment> = coming.iter().map(StoredAppointment::shown).collect();
        Ok(Ended::answered(Reply::json(200, &Page { items, next: None })?))
    }

    /// Gives appointments the ids under which the portal knows them, new ones where it does not.
    async fn name(&self, found: Vec<StoredAppointment>, locale: Locale) -> Result<Vec<StoredAppointment>, Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        for _ in 0..TRIES {
            let (mut step, mut named, mut references) = (Step::default(), Vec::new(), HashSet::new());
            for new in &found {
                if !references.insert(new.appointment.id.clone()) {
                    continue;
                }
                let (plugin, reference) = (&new.provider.id, &new.appointment.id);
                let known = self.shelf.appointment_by_reference(plugin, new.citizen, reference).await;
                match known.map_err(of_store)? {
                    Some((_, known)) if known.appointment == new.appointment && !known.cancelled => named.push(known),
                    Some((revision, known)) => {
                        let changed = StoredAppointment { id: known.id, occurred: known.occurred, ..new.clone() };
                        step.appointment(Some(revision), &changed).map_err(of_store)?;
                        named.push(changed);
                    }
                    None => {
                        step.appointment(None, new).map_err(of_store)?;
                        named.push(new.clone());
                    }
                }
            }
            if step.batch.writes.is_empty() {
                return Ok(named);
            }
            match self.shelf.commit(step).await {
                Ok(_) => return Ok(named),
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(of_store(error)),
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// The appointments that were made last, and whether these are all.
    pub(crate) async fn known_appointments(
        &self,
        citizen: CitizenId,
    ) -> Result<(Vec<StoredAppointment>, bool), StoreError> {
        let prefix = keys::appointments_of(citizen);
        let entries = self.shelf.store.scan(Range { reverse: true, ..keys::all(prefix, LOOKED_AT) }).await?;
        let (mut known, all) = (Vec::with_capacity(entries.len()), entries.len() < LOOKED_AT);
        for entry in entries {
            if let Some(id) = keys::appointment_of_listed(&entry.key) {
                known.extend(self.shelf.appointment(id).await?.map(|(_, stored)| stored));
            }
        }
        Ok((known, all))
    }

    /// The citizen's own appointment; anybody else's is not there.
    pub(crate) async fn own_appointment(
        &self,
        id: AppointmentId,
        citizen: CitizenId,
        locale: Locale,
    ) -> Result<StoredAppointment, Refusal> {
        let found = self.shelf.appointment(id).await.map_err(|error| Refusal::of_store(&error, locale))?;
        let own = found.map(|(_, stored)| stored).filter(|stored| stored.citizen == citizen);
        own.ok_or_else(|| Refusal::not_found(locale))
    }

    /// Whether the citizen may still cancel (or else change) it.
    pub(crate) fn may_still(&self, stored: &StoredAppointment, cancel: bool, locale: Locale) -> Result<(), Refusal> {
        if stored.cancelled || stored.appointment.start <= self.now() {
            return Err(Refusal::new(ProblemType::Conflict, texts::appointment_over(locale)));
        }
        let may = if cancel { stored.appointment.cancellable } else { stored.appointment.changeable };
        if may {
            return Ok(());
        }
        Err(Refusal::new(ProblemType::Declined, texts::call_the_office(locale)))
    }
}
