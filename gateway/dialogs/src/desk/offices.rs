//! What an office decides by itself, within what it agreed: a service on or off, direct booking or written requests, the
//! forms of consultation, and who is away when and takes over the inbox. Who the provider is, and its settings, are the
//! operator's to change.

use dialog_contract::{
    action::Action,
    agreement::{ClinicianAbsences, Leave, NewAbsences, NewOfficeChoice, OfficeChoice, OfficeChoices, OverdueAnswers},
    dialog::{OfficeName, Provider},
    ids::{HerId, HprNumber},
    practice::{Booking, Office, Practitioner},
    problem::ProblemType,
    provider::Interface,
    service::{Locale, Service},
};
use jiff::Timestamp;

use super::{
    Desk, Outcome, TRIES, Trail,
    agreements::{Standing, leave},
    practice::of_directory,
    validation::Errors,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    permit::{OfficeStaff, Permitted},
    ports::directory::{Agreement, DirectoryError},
    record::StoredAbsences,
    request::Request,
    shelf::Step,
    texts,
};

impl Desk {
    /// `GET /v1/offices/{herId}/choices`.
    ///
    /// # Errors
    /// `not-found` where it is not the caller's own office.
    pub async fn office_choices(&self, who: &Permitted<OfficeStaff>, request: &Request, office: HerId) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_office(Action::AgreementsRead, &who, &asked);
            trail.office(office);
            let ended = desk.chosen_by_office(&who, office, asked.locale).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `PUT /v1/offices/{herId}/choices/{service}`: holds from the next request on.
    ///
    /// # Errors
    /// `not-found` where it is not the caller's own office, or the office agreed with nobody; `precondition-failed`;
    /// `invalid` where the provider does not serve what is chosen.
    pub async fn choose_for_office(
        &self,
        who: &Permitted<OfficeStaff>,
        request: &Request,
        office: HerId,
        service: Service,
        new: NewOfficeChoice,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_office(Action::AgreementsChange, &who, &asked);
            trail.office(office);
            trail.service(service);
            let ended = desk.choose_one(&who, &asked, (office, service), &new, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `PUT /v1/offices/{herId}/absences/{hprNumber}`: holds from the next request on.
    ///
    /// # Errors
    /// `not-found` where it is not the caller's own office, or no clinician of it; `precondition-failed`; `invalid`
    /// with every field that cannot hold.
    pub async fn set_absences(
        &self,
        who: &Permitted<OfficeStaff>,
        request: &Request,
        office: HerId,
        clinician: HprNumber,
        new: NewAbsences,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_office(Action::AbsencesChange, &who, &asked);
            trail.office(office);
            let ended = desk.put_absences(&who, &asked, (office, clinician), new, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// The caller's own office; any other is not there.
    async fn own_office(&self, who: &Permitted<OfficeStaff>, office: HerId, locale: Locale) -> Result<Office, Refusal> {
        let found = self.office_now(office).await.map_err(|error| of_directory(&error, locale))?;
        let own = found.filter(|office| office.organisation_number == who.target().organisation);
        own.ok_or_else(|| Refusal::not_found(locale))
    }

    async fn chosen_by_office(
        &self,
        who: &Permitted<OfficeStaff>,
        office: HerId,
        locale: Locale,
    ) -> Result<Ended, Refusal> {
        let unavailable = |error: DirectoryError| of_directory(&error, locale);
        let found = self.own_office(who, office, locale).await?;
        let mut services = Vec::new();
        for standing in self.standing(office).await.map_err(unavailable)? {
            services.extend(self.office_choice(&standing).await.map_err(unavailable)?);
        }
        let changed = self.shelf.absences_of(office).await.map_err(|error| Refusal::of_store(&error, locale))?;
        let clinicians = found.practitioners.iter().map(|Practitioner { clinician, absences, .. }| {
            let stored = changed.iter().find(|(number, ..)| *number == clinician.hpr_number).map(|(.., stored)| stored);
            ClinicianAbsences {
                clinician: clinician.clone(),
                absences: match stored {
                    Some(stored) => stored.absences.clone(),
                    None => absences.iter().map(leave).collect(),
                },
                revision: stored.map_or(0, |stored| stored.revision),
            }
        });
        let clinicians = clinicians.collect();
        let office = OfficeName { her_id: found.her_id, name: found.name.clone() };
        let overdue = self.overdue(self.now()).await.map_err(|error| Refusal::of_store(&error, locale))?;
        let overdue = overdue.into_iter().filter(|((owing, _), _)| *owing == found.her_id);
        let overdue = overdue.map(|((_, service), dialogs)| OverdueAnswers { service, dialogs }).collect();
        Ok(Ended::answered(Reply::json(200, &OfficeChoices { office, services, clinicians, overdue })?))
    }

    /// As the office sees what holds: of what is offered now, or is next.
    async fn office_choice(&self, standing: &Standing) -> Result<Option<OfficeChoice>, DirectoryError> {
        let now = self.now();
        let Some(shown) = current(&standing.agreements, now) else { return Ok(None) };
        let Some(named) = self.directory.provider(&shown.plugin).await? else { return Ok(None) };
        Ok(Some(OfficeChoice {
            service: standing.service,
            provider: Provider { id: named.id, name: named.name, kind: named.kind },
            enabled: shown.enabled,
            booking: shown.booking(),
            modes: shown.consultation_modes(),
            revision: standing.revision(),
        }))
    }

    async fn choose_one(
        &self,
        who: &Permitted<OfficeStaff>,
        request: &Request,
        (office, service): (HerId, Service),
        new: &NewOfficeChoice,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let (locale, now) = (request.locale, self.now());
        for _ in 0..TRIES {
            self.own_office(who, office, locale).await?;
            let before = self.standing_of(office, service, locale).await?;
            if current(&before.agreements, now).is_none() {
                return Err(Refusal::not_found(locale));
            }
            let mut agreements = before.agreements.clone();
            // What is over stays as it was; what holds, or is to come, is as the office chose.
            for agreement in agreements.iter_mut().filter(|one| !over(one, now)) {
                agreement.enabled = new.enabled;
                agreement.booking = new.booking.or(agreement.booking);
                agreement.modes = new.modes.clone().unwrap_or_else(|| agreement.modes.clone());
            }
            self.check_choice(service, new, &agreements, now, locale)?;
            let (step, after) = self.restated(request, office, &before, Some(agreements), trail)?;
            let choice = self.office_choice(&after).await.map_err(|error| of_directory(&error, locale))?;
            let choice = choice.ok_or_else(|| Refusal::not_found(locale))?;
            let reply = Reply { etag: Some(after.revision()), ..Reply::json(200, &choice)? };
            if let Some(ended) = self.finish(step, trail, reply).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// What is chosen belongs to the service, and the providers serve it.
    fn check_choice(
        &self,
        service: Service,
        new: &NewOfficeChoice,
        agreements: &[Agreement],
        now: Timestamp,
        locale: Locale,
    ) -> Result<(), Refusal> {
        let mut errors = Errors::new(locale);
        if new.booking.is_some() && service != Service::Appointment {
            errors.add("/booking", texts::booking_belongs(locale));
        }
        if new.modes.is_some() && service != Service::Consultation {
            errors.add("/modes", texts::modes_belong(locale));
        }
        let serves =
            |one: &Agreement, what| self.providers.installed(&one.plugin).is_some_and(|found| found.serves(what));
        let standing = || agreements.iter().filter(|one| !over(one, now));
        let unserved = standing().find(|one| !serves(one, one.needs()));
        if let Some(one) = unserved.filter(|_| new.enabled) {
            let pointer = if new.booking.is_some() { "/booking" } else { "/enabled" };
            errors.add(pointer, texts::does_not_serve(one.needs().as_str(), locale));
        }
        if new.modes.is_some() && standing().any(|one| one.meets() && !serves(one, Interface::Video)) {
            errors.add("/modes", texts::does_not_serve(Interface::Video.as_str(), locale));
        }
        // A written service cannot be answered by who stands behind a provider of slots.
        if new.booking == Some(Booking::Direct) && agreements.iter().any(|one| one.fallback.is_some()) {
            errors.add("/booking", texts::no_fallback(locale));
        }
        errors.into_result()
    }

    async fn put_absences(
        &self,
        who: &Permitted<OfficeStaff>,
        request: &Request,
        (office, clinician): (HerId, HprNumber),
        new: NewAbsences,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let found = self.own_office(who, office, locale).await?;
        let of_office = found.practitioners.iter().find(|one| one.clinician.hpr_number == clinician);
        let clinician = of_office.ok_or_else(|| Refusal::not_found(locale))?.clinician.clone();
        let absences = self.check_absences(&found, clinician.hpr_number, new.absences, locale).await?;
        for _ in 0..TRIES {
            let all = self.shelf.absences_of(office).await.map_err(|error| Refusal::of_store(&error, locale))?;
            let before = all.into_iter().find(|(number, ..)| *number == clinician.hpr_number);
            let (revision, number) = before.map_or((None, 0), |(_, at, stored)| (Some(at), stored.revision));
            if request.if_match.is_some_and(|seen| seen != number) {
                return Err(Refusal::new(ProblemType::PreconditionFailed, texts::agreement_changed_since(locale)));
            }
            let stored = StoredAbsences { absences: absences.clone(), revision: number + 1 };
            let mut step = Step::default();
            step.absences(revision, office, clinician.hpr_number, &stored)
                .map_err(|error| Refusal::of_store(&error, locale))?;
            let shown = ClinicianAbsences {
                clinician: clinician.clone(),
                absences: absences.clone(),
                revision: stored.revision,
            };
            trail.detail("clinician", clinician.hpr_number.to_string());
            trail.detail("absences", absences.len().to_string());
            let reply = Reply { etag: Some(stored.revision), ..Reply::json(200, &shown)? };
            if let Some(ended) = self.finish(step, trail, reply).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(locale))
    }

    /// Absences that can hold, with substitutes as the directory names them.
    async fn check_absences(
        &self,
        office: &Office,
        clinician: HprNumber,
        absences: Vec<Leave>,
        locale: Locale,
    ) -> Result<Vec<Leave>, Refusal> {
        let mut errors = Errors::new(locale);
        let mut checked: Vec<Leave> = Vec::with_capacity(absences.len());
        for (at, mut absence) in absences.into_iter().enumerate() {
            let at = format!("/absences/{at}");
            if absence.until < absence.from {
                errors.add(format!("{at}/until"), texts::ends_before_it_starts(locale));
            }
            if checked.iter().any(|other| other.from <= absence.until && absence.from <= other.until) {
                errors.add(format!("{at}/from"), texts::absences_overlap(locale));
            }
            let elsewhere = match absence.office.filter(|other| *other != office.her_id) {
                None => {
                    absence.office = None;
                    None
                }
                Some(other) => {
                    let found = self.directory.office(other).await.map_err(|error| of_directory(&error, locale))?;
                    if found.is_none() || absence.substitute.is_none() {
                        errors.add(format!("{at}/office"), texts::no_such_substitute(locale));
                    }
                    found
                }
            };
            if let Some(substitute) = &mut absence.substitute {
                let at_office = elsewhere.as_ref().unwrap_or(office);
                let known =
                    at_office.practitioners.iter().find(|one| one.clinician.hpr_number == substitute.hpr_number);
                match known {
                    Some(known) => *substitute = known.clinician.clone(),
                    // A locum of one's own need not be on any list; at another office nobody else has an inbox.
                    None if elsewhere.is_some() => {
                        errors.add(format!("{at}/substitute/hprNumber"), texts::no_such_substitute(locale));
                    }
                    None => {}
                }
                if substitute.hpr_number == clinician {
                    errors.add(format!("{at}/substitute/hprNumber"), texts::no_such_substitute(locale));
                }
            }
            checked.push(absence);
        }
        errors.into_result()?;
        Ok(checked)
    }
}

/// Nothing new is begun by it any more.
fn over(agreement: &Agreement, now: Timestamp) -> bool {
    agreement.offers_until().is_some_and(|until| until <= now)
}

/// The agreement by which new things are begun now, or else the next.
fn current(agreements: &[Agreement], now: Timestamp) -> Option<&Agreement> {
    let ahead = agreements.iter().filter(|one| !over(one, now));
    ahead.min_by_key(|one| one.valid_from.unwrap_or(Timestamp::MIN).max(now))
}
