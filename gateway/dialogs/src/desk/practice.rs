//! Who the citizen's GP and office are, what the office offers, through whom, at what price and how soon.

use dialog_contract::{
    action::Action,
    agreement::Leave,
    dialog::{Clinician, OfficeName, Provider},
    ids::{HerId, HprNumber, NationalIdentityNumber, PluginId},
    limits::Limits,
    practice::{self, Away, NationalOffer, OfferedService, Practitioner, Price, WhyNot},
    problem::ProblemType,
    provider::Interface,
    service::{ConsultationMode, Locale, Service},
};
use jiff::civil::Date;

use super::{
    Desk, Outcome,
    profiles::{away, information, informed},
    validation::Errors,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    draft::Draft,
    permit::{Citizen, Permitted},
    ports::directory::{Agreement, DirectoryError, GpAssignment, NationalProvider},
    request::Request,
    texts,
};

/// Everything that routing a citizen's request needs.
#[derive(Debug, Clone)]
pub(crate) struct Practice {
    pub(crate) assignment: GpAssignment,
    pub(crate) office: practice::Office,
    pub(crate) agreements: Vec<Agreement>,
    /// The GP, or who stands in today; none with a provider that is no office of the citizen's.
    pub(crate) clinician: Option<Clinician>,
    /// Why the GP does not answer today.
    pub(crate) leave: Option<Leave>,
    /// It is the citizen's own GP's office, or who stands in for the GP.
    pub(crate) own_gp: bool,
}

/// A service that the citizen can use now.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) agreement: Agreement,
    pub(crate) provider: Provider,
}

impl Practice {
    pub(crate) fn office_name(&self) -> OfficeName {
        OfficeName { her_id: self.office.her_id, name: self.office.name.clone() }
    }
}

impl Agreement {
    /// How consultations can be held; an office that did not choose writes.
    pub(crate) fn consultation_modes(&self) -> Vec<ConsultationMode> {
        match self.service {
            Service::Consultation if self.modes.is_empty() => vec![ConsultationMode::Text],
            Service::Consultation => self.modes.clone(),
            _ => Vec::new(),
        }
    }

    /// What it costs, in the caller's language.
    fn prices(&self, locale: Locale) -> Vec<Price> {
        let told = self.prices.iter().map(|price| Price {
            amount: price.amount,
            tariff: price.tariff.clone(),
            text: match locale {
                Locale::Nb => price.nb.clone(),
                Locale::Nn => price.nn.clone(),
                Locale::En => price.en.clone(),
            },
        });
        told.collect()
    }
}

/// The directory did not answer.
pub(crate) fn of_directory(error: &DirectoryError, locale: Locale) -> Refusal {
    tracing::error!(%error, "the directory");
    Refusal::unavailable(locale)
}

impl Desk {
    /// `GET /v1/me/practice`: the citizen's GP and office, who stands in, what the office tells everyone, and every
    /// service, on or off. A provider that does not tell of itself is left out.
    ///
    /// # Errors
    /// `no-practice` where the citizen is on no GP's list.
    pub async fn practice(&self, who: &Permitted<Citizen>, request: &Request) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::PracticeRead, &who, &asked);
            let ended = async {
                let number = &who.target().national_identity_number;
                let practice = desk.practice_of(number, asked.locale).await?;
                trail.office(practice.office.her_id);
                let (services, beside_your_gp, profile) = tokio::join!(
                    desk.services(practice.office.her_id, &practice.agreements, asked.locale),
                    desk.beside(asked.locale),
                    desk.profile(&practice.office, &practice.agreements, &asked),
                );
                let (services, beside_your_gp, profile) = (services?, beside_your_gp?, profile?);
                let (office, today) = (practice.office_name(), desk.calendar.day(desk.now()));
                let told = informed(practice.office, profile.as_ref(), today);
                let general_practitioner = practitioner(&told, &practice.assignment.general_practitioner);
                let citizen = desk.shelf.secret.portal_name(desk.shelf.secret.citizen(number));
                let away = desk.away(practice.leave, &general_practitioner, today, asked.locale).await?;
                let information = information(told);
                let body = practice::Practice {
                    citizen,
                    general_practitioner,
                    office,
                    services,
                    away,
                    information,
                    beside_your_gp,
                };
                Ok(Ended::answered(Reply::json(200, &body)?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `GET /v1/offices/{herId}`: practical information, open to all.
    ///
    /// # Errors
    /// `not-found` where the directory has no such office.
    pub async fn office(&self, office: HerId, request: &Request) -> Outcome {
        let (desk, asked) = (self.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_anyone(Action::OfficeRead, &asked);
            trail.office(office);
            let ended = async {
                let found = desk.office_now(office).await;
                let found = found.map_err(|error| of_directory(&error, asked.locale))?;
                let found = found.ok_or_else(|| Refusal::not_found(asked.locale))?;
                let agreements = desk.agreements(office).await;
                let agreements = agreements.map_err(|error| of_directory(&error, asked.locale))?;
                let (services, profile) = tokio::join!(
                    desk.services(office, &agreements, asked.locale),
                    desk.profile(&found, &agreements, &asked),
                );
                let (services, profile) = (services?, profile?);
                let found = informed(found, profile.as_ref(), desk.calendar.day(desk.now()));
                Ok(Ended::answered(Reply::json(200, &practice::Office { services, ..found })?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// The citizen's practice, for routing.
    #[tracing::instrument(name = "route", skip_all)]
    pub(crate) async fn practice_of(
        &self,
        citizen: &NationalIdentityNumber,
        locale: Locale,
    ) -> Result<Practice, Refusal> {
        let unavailable = |error: DirectoryError| of_directory(&error, locale);
        let assignment = self.directory.assignment(citizen).await.map_err(unavailable)?;
        let Some(assignment) = assignment else {
            return Err(Refusal::new(ProblemType::NoPractice, texts::no_practice(locale)));
        };
        let office = self.office_now(assignment.office).await.map_err(unavailable)?;
        let Some(office) = office else {
            tracing::error!(office = %assignment.office, "the directory names an office that it does not have");
            return Err(Refusal::new(ProblemType::NoPractice, texts::no_practice(locale)));
        };
        let agreements = self.agreements(assignment.office).await.map_err(unavailable)?;
        let (gp, today) = (assignment.general_practitioner.hpr_number, self.calendar.day(self.now()));
        let leave = self.leave_of(&office, gp, today).await.map_err(unavailable)?;
        let substitute = leave.as_ref().and_then(|leave| leave.substitute.clone());
        let clinician = Some(substitute.unwrap_or_else(|| assignment.general_practitioner.clone()));
        Ok(Practice { assignment, office, agreements, clinician, leave, own_gp: true })
    }

    /// Where a new dialog of this service goes: to the provider that the citizen chose beside the GP; to the office of
    /// who stands in, where that is another and offers the service; else to the citizen's own office.
    ///
    /// # Errors
    /// `invalid` where there is no such provider beside the GP.
    pub(crate) async fn routed(
        &self,
        practice: Practice,
        service: Service,
        provider: Option<&PluginId>,
        locale: Locale,
    ) -> Result<Practice, Refusal> {
        let unavailable = |error: DirectoryError| of_directory(&error, locale);
        let (elsewhere, own_gp) = match provider {
            Some(provider) => {
                let national = self.directory.national().await.map_err(unavailable)?;
                let Some(chosen) = national.into_iter().find(|one| one.provider == *provider) else {
                    let mut errors = Errors::new(locale);
                    errors.add("/provider", texts::no_such_national(locale));
                    errors.into_result()?;
                    return Ok(practice);
                };
                (chosen.office, false)
            }
            None => match practice.leave.as_ref().and_then(|leave| leave.office) {
                Some(office) => (office, true),
                None => return Ok(practice),
            },
        };
        let Some(office) = self.office_now(elsewhere).await.map_err(unavailable)? else {
            tracing::error!(office = %elsewhere, "the directory names an office that it does not have");
            // What is meant for another never goes to one's own GP.
            let not_offered =
                || Refusal::new(ProblemType::ServiceNotOffered, texts::service_not_offered(service, locale));
            return if own_gp { Ok(practice) } else { Err(not_offered()) };
        };
        let agreements = self.agreements(elsewhere).await.map_err(unavailable)?;
        if own_gp && self.offer(&agreements, service, locale).await?.is_err() {
            return Ok(practice);
        }
        let clinician = practice.clinician.filter(|_| own_gp);
        Ok(Practice { office, agreements, clinician, own_gp, ..practice })
    }

    /// Where what is asked for goes: to the citizen's own office, or to the provider that they chose beside the GP.
    ///
    /// # Errors
    /// As [`Desk::practice_of`] and [`Desk::routed`].
    pub(crate) async fn practice_with(
        &self,
        who: &Permitted<Citizen>,
        service: Service,
        provider: Option<&PluginId>,
        locale: Locale,
    ) -> Result<Practice, Refusal> {
        let practice = self.practice_of(&who.target().national_identity_number, locale).await?;
        match provider {
            Some(_) => self.routed(practice, service, provider, locale).await,
            None => Ok(practice),
        }
    }

    /// Who answers in a dialog from now on, where that is another than before: the GP is away, or is back.
    pub(crate) async fn answering(&self, draft: &mut Draft, locale: Locale) -> Result<(), Refusal> {
        let Some(gp) = draft.record.general_practitioner.clone() else { return Ok(()) };
        let unavailable = |error: DirectoryError| of_directory(&error, locale);
        let office = self.directory.office(draft.record.dialog.office.her_id).await.map_err(unavailable)?;
        let Some(office) = office else { return Ok(()) };
        let now = self.now();
        let leave = self.leave_of(&office, gp.hpr_number, self.calendar.day(now)).await.map_err(unavailable)?;
        let answering = leave.and_then(|leave| leave.substitute).unwrap_or(gp);
        if draft.record.dialog.clinician.as_ref() != Some(&answering) {
            draft.clinician(answering, now);
        }
        Ok(())
    }

    /// Why the GP does not answer today: by what routing goes by, else by what the office or its provider tells.
    async fn away(
        &self,
        leave: Option<Leave>,
        gp: &Practitioner,
        today: Date,
        locale: Locale,
    ) -> Result<Option<Away>, Refusal> {
        let Some(Leave { until, substitute, office, .. }) = leave else {
            let told = away(gp, today);
            return Ok(told.map(|told| Away { until: told.until, substitute: told.substitute, office: None }));
        };
        let office = match office {
            Some(office) => self.directory.office(office).await.map_err(|error| of_directory(&error, locale))?,
            None => None,
        };
        let office = office.map(|office| OfficeName { her_id: office.her_id, name: office.name });
        Ok(Some(Away { until, substitute, office }))
    }

    /// What providers beside the GP offer.
    async fn beside(&self, locale: Locale) -> Result<Vec<NationalOffer>, Refusal> {
        let unavailable = |error: DirectoryError| of_directory(&error, locale);
        let mut offers = Vec::new();
        for NationalProvider { provider, office } in self.directory.national().await.map_err(unavailable)? {
            let named = self.directory.provider(&provider).await.map_err(unavailable)?;
            let found = self.directory.office(office).await.map_err(unavailable)?;
            let (Some(named), Some(found)) = (named, found) else { continue };
            let agreements = self.agreements(office).await.map_err(unavailable)?;
            let mut services = self.services(office, &agreements, locale).await?;
            services.retain(|offered| offered.available);
            offers.push(NationalOffer {
                consent: texts::national_consent(&named.name, locale),
                provider: Provider { id: named.id, name: named.name, kind: named.kind },
                office: OfficeName { her_id: found.her_id, name: found.name },
                services,
            });
        }
        Ok(offers)
    }

    /// The service, if the office offers it now and its plugin can serve it; else why not.
    pub(crate) async fn offer(
        &self,
        agreements: &[Agreement],
        service: Service,
        locale: Locale,
    ) -> Result<Result<Offer, WhyNot>, Refusal> {
        // No citizen speaks as a clinician.
        if service == Service::Collegial {
            return Ok(Err(WhyNot::NotForCitizens));
        }
        self.offer_to_anyone(agreements, service, locale).await
    }

    /// As [`Desk::offer`], whoever asks.
    pub(crate) async fn offer_to_anyone(
        &self,
        agreements: &[Agreement],
        service: Service,
        locale: Locale,
    ) -> Result<Result<Offer, WhyNot>, Refusal> {
        let now = self.now();
        let of_service = || agreements.iter().filter(|agreement| agreement.service == service);
        let agreed = of_service().find(|agreement| agreement.enabled && agreement.offered_at(now));
        let Some(agreement) = agreed else {
            return Ok(Err(if of_service().any(|agreement| agreement.offered_at(now)) {
                WhyNot::SwitchedOff
            } else if of_service().next().is_some() {
                WhyNot::NotNow
            } else {
                WhyNot::NotAgreed
            }));
        };
        let installed = self.providers.installed(&agreement.plugin);
        if !installed.as_ref().is_some_and(|installed| installed.serves(agreement.needs())) {
            return Ok(Err(WhyNot::ProviderMissing));
        }
        let named = self.directory.provider(&agreement.plugin).await;
        let Some(named) = named.map_err(|error| of_directory(&error, locale))? else {
            return Ok(Err(WhyNot::ProviderMissing));
        };
        let provider = Provider { id: named.id, name: named.name, kind: named.kind };
        let mut agreement = agreement.clone();
        if agreement.meets() && !installed.is_some_and(|installed| installed.serves(Interface::Video)) {
            agreement.modes.retain(|mode| *mode != ConsultationMode::Video);
            if agreement.modes.is_empty() {
                return Ok(Err(WhyNot::ProviderMissing));
            }
        }
        Ok(Ok(Offer { agreement, provider }))
    }

    /// As [`Desk::offer`], refused where it is not offered.
    #[tracing::instrument(name = "route", skip_all)]
    pub(crate) async fn offered(
        &self,
        practice: &Practice,
        service: Service,
        locale: Locale,
    ) -> Result<Offer, Refusal> {
        self.offer(&practice.agreements, service, locale)
            .await?
            .map_err(|_| Refusal::new(ProblemType::ServiceNotOffered, texts::service_not_offered(service, locale)))
    }

    /// The office's specialists in general practice.
    pub(crate) async fn specialists(&self, office: HerId) -> Result<Vec<HprNumber>, DirectoryError> {
        let practitioners = self.directory.office(office).await?.map(|office| office.practitioners).unwrap_or_default();
        let specialists = practitioners.into_iter().filter(|practitioner| practitioner.specialist);
        Ok(specialists.map(|practitioner| practitioner.clinician.hpr_number).collect())
    }

    async fn services(
        &self,
        office: HerId,
        agreements: &[Agreement],
        locale: Locale,
    ) -> Result<Vec<OfferedService>, Refusal> {
        let mut services = Vec::with_capacity(Service::ALL.len());
        for &service in Service::ALL {
            services.push(self.offered_service(office, agreements, service, locale).await?);
        }
        Ok(services)
    }

    /// A service as the office offers it, or that it does not and why.
    pub(crate) async fn offered_service(
        &self,
        office: HerId,
        agreements: &[Agreement],
        service: Service,
        locale: Locale,
    ) -> Result<OfferedService, Refusal> {
        let none = OfferedService {
            service,
            available: false,
            provider: None,
            booking: None,
            modes: Vec::new(),
            answered_within_working_days: None,
            why_not: None,
            prices: Vec::new(),
            answer_time: None,
        };
        let offer = match self.offer(agreements, service, locale).await? {
            Ok(offer) => offer,
            Err(why_not) => return Ok(OfferedService { why_not: Some(why_not), ..none }),
        };
        let times = self.shelf.answer_times.of(&*self.shelf.store, office, service).await;
        let times = times.map_err(|error| Refusal::of_store(&error, locale))?;
        Ok(OfferedService {
            available: true,
            provider: Some(offer.provider),
            booking: offer.agreement.booking(),
            answered_within_working_days: (service == Service::Consultation)
                .then(|| u8::try_from(Limits::V1.consultation_working_days).ok())
                .flatten(),
            modes: offer.agreement.consultation_modes(),
            prices: offer.agreement.prices(locale),
            answer_time: times.median(self.now()),
            ..none
        })
    }
}

/// The GP as the office presents them.
fn practitioner(office: &practice::Office, gp: &Clinician) -> Practitioner {
    let found = office.practitioners.iter().find(|practitioner| practitioner.clinician.hpr_number == gp.hpr_number);
    found.cloned().unwrap_or_else(|| Practitioner {
        clinician: gp.clone(),
        weekdays: Vec::new(),
        languages: Vec::new(),
        absences: Vec::new(),
        specialist: false,
    })
}
