//! Changing what offices agreed with providers: the operator's business. Nothing is deleted that is open: who loses an
//! agreement keeps the dialogs until the agreement's own end.

use dialog_contract::{
    action::Action,
    agreement::{NewTerms, OfficeTerms, ServiceTerms, Terms},
    ids::{HerId, PluginId},
    problem::ProblemType,
    provider::Interface,
    schema,
    service::{Locale, Service},
};

use super::{
    Desk, Outcome, TRIES, Trail,
    agreements::{Standing, digest},
    practice::of_directory,
    validation::Errors,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    permit::{Operator, Permitted},
    ports::{directory::Agreement, store::Revision},
    record::StoredTerms,
    request::Request,
    shelf::Step,
    texts,
};

/// Digits in a row that could be a national identity number.
const NUMBER_DIGITS: usize = 11;

impl Desk {
    /// `GET /v1/offices/{herId}/agreements`.
    ///
    /// # Errors
    /// `not-found` where the directory has no such office.
    pub async fn terms(&self, who: &Permitted<Operator>, request: &Request, office: HerId) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::AgreementsRead, &who, &asked);
            trail.office(office);
            let ended = async {
                let items = desk.standing_at(office, asked.locale).await?.iter().map(shown).collect();
                Ok(Ended::answered(Reply::json(200, &OfficeTerms { office, items })?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `GET /v1/offices/{herId}/agreements/{service}`.
    ///
    /// # Errors
    /// `not-found` where the directory has no such office.
    pub async fn terms_of(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        office: HerId,
        service: Service,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::AgreementsRead, &who, &asked);
            trail.office(office);
            trail.service(service);
            let ended = async {
                let standing = desk.standing_of(office, service, asked.locale).await?;
                let reply = Reply::json(200, &shown(&standing))?;
                Ok(Ended::answered(Reply { etag: Some(standing.revision()), ..reply }))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `PUT /v1/offices/{herId}/agreements/{service}`: holds from the next request on.
    ///
    /// # Errors
    /// `not-found`, `precondition-failed`, and `invalid` with every field that cannot hold.
    pub async fn change_terms(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        office: HerId,
        service: Service,
        new: NewTerms,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::AgreementsChange, &who, &asked);
            trail.office(office);
            trail.service(service);
            let ended = async {
                desk.check_terms(office, service, &new, asked.locale).await?;
                trail.detail("reason", new.reason.as_str());
                let wanted = |_: &Standing| {
                    let terms = new.terms.iter().cloned();
                    Ok(Some(terms.map(|terms| Agreement::of_terms(office, service, terms)).collect()))
                };
                desk.put_terms(&asked, office, service, wanted, &mut trail).await
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `DELETE /v1/offices/{herId}/agreements/{service}`: the directory holds again.
    ///
    /// # Errors
    /// `not-found` and `precondition-failed`.
    pub async fn reset_terms(
        &self,
        who: &Permitted<Operator>,
        request: &Request,
        office: HerId,
        service: Service,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::AgreementsChange, &who, &asked);
            trail.office(office);
            trail.service(service);
            let ended = desk.put_terms(&asked, office, service, |_| Ok(None), &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn put_terms(
        &self,
        request: &Request,
        office: HerId,
        service: Service,
        wanted: impl Fn(&Standing) -> Result<Option<Vec<Agreement>>, Refusal>,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        for _ in 0..TRIES {
            let before = self.standing_of(office, service, request.locale).await?;
            let (step, after) = self.restated(request, office, &before, wanted(&before)?, trail)?;
            let reply = Reply { etag: Some(after.revision()), ..Reply::json(200, &shown(&after))? };
            if let Some(ended) = self.finish(step, trail, reply).await? {
                return Ok(ended);
            }
        }
        Err(Refusal::unavailable(request.locale))
    }

    /// The step that makes `agreements` hold (none: what the directory says), with what then stands.
    pub(crate) fn restated(
        &self,
        request: &Request,
        office: HerId,
        before: &Standing,
        agreements: Option<Vec<Agreement>>,
        trail: &mut Trail,
    ) -> Result<(Step, Standing), Refusal> {
        let locale = request.locale;
        if request.if_match.is_some_and(|seen| seen != before.revision()) {
            return Err(Refusal::new(ProblemType::PreconditionFailed, texts::agreement_changed_since(locale)));
        }
        let mut step = Step::default();
        let stored = StoredTerms {
            agreements: agreements.clone(),
            directory: digest(&before.directory),
            changed: self.now(),
            revision: before.revision() + 1,
        };
        let revision = before.changed.as_ref().map(|(revision, _)| *revision);
        step.terms(revision, office, before.service, &stored).map_err(|error| Refusal::of_store(&error, locale))?;
        let agreements = agreements.unwrap_or_else(|| before.directory.clone());
        trail.detail("before", digest(&before.agreements));
        trail.detail("after", digest(&agreements));
        // Which revision the store gives it is nobody's business here.
        let changed = Some((revision.unwrap_or(Revision(0)), stored));
        Ok((step, Standing { agreements, changed, ..before.clone() }))
    }

    async fn standing_at(&self, office: HerId, locale: Locale) -> Result<Vec<Standing>, Refusal> {
        let unavailable = |error| of_directory(&error, locale);
        if self.directory.office(office).await.map_err(unavailable)?.is_none() {
            return Err(Refusal::not_found(locale));
        }
        self.standing(office).await.map_err(unavailable)
    }

    /// What holds for a service, where nothing does too.
    pub(crate) async fn standing_of(
        &self,
        office: HerId,
        service: Service,
        locale: Locale,
    ) -> Result<Standing, Refusal> {
        let found = self.standing_at(office, locale).await?.into_iter().find(|one| one.service == service);
        let nothing = || Standing { service, agreements: Vec::new(), changed: None, directory: Vec::new() };
        Ok(found.unwrap_or_else(nothing))
    }

    /// Whether terms can hold, with every field that cannot.
    async fn check_terms(
        &self,
        office: HerId,
        service: Service,
        new: &NewTerms,
        locale: Locale,
    ) -> Result<(), Refusal> {
        let mut errors = Errors::new(locale);
        let mut digits = 0;
        for character in new.reason.chars() {
            digits = match character {
                '0'..='9' => digits + 1,
                ' ' => digits,
                _ => 0,
            };
            if digits == NUMBER_DIGITS {
                errors.add("/reason", texts::names_a_person(locale));
            }
        }
        let mut agreements: Vec<Agreement> = Vec::with_capacity(new.terms.len());
        for (at, terms) in new.terms.iter().enumerate() {
            self.check_one((office, service), terms, &format!("/terms/{at}"), &mut errors).await?;
            let agreement = Agreement::of_terms(office, service, terms.clone());
            if agreements.iter().any(|earlier| earlier.overlaps(&agreement)) {
                errors.add(format!("/terms/{at}/validFrom"), texts::terms_overlap(locale));
            }
            agreements.push(agreement);
        }
        errors.into_result()
    }

    async fn check_one(
        &self,
        (office, service): (HerId, Service),
        terms: &Terms,
        at: &str,
        errors: &mut Errors,
    ) -> Result<(), Refusal> {
        let locale = errors.locale();
        let Terms { booking, modes, valid_from, offered_until, valid_until, .. } = terms;
        if (service == Service::Appointment) != booking.is_some() {
            errors.add(format!("{at}/booking"), texts::booking_belongs(locale));
        }
        if service != Service::Consultation && !modes.is_empty() {
            errors.add(format!("{at}/modes"), texts::modes_belong(locale));
        }
        for (name, until) in [("offeredUntil", offered_until), ("validUntil", valid_until)] {
            if valid_from.zip(*until).is_some_and(|(from, until)| from >= until) {
                errors.add(format!("{at}/{name}"), texts::ends_before_it_starts(locale));
            }
        }
        let agreement = Agreement::of_terms(office, service, terms.clone());
        let needs = agreement.needs();
        let served = [Some(&terms.plugin), terms.fallback.as_ref().map(|fallback| &fallback.plugin)];
        let mut served = served.into_iter().flatten().filter_map(|plugin| self.providers.installed(plugin));
        if agreement.meets() && served.any(|installed| !installed.serves(Interface::Video)) {
            errors.add(format!("{at}/modes"), texts::does_not_serve(Interface::Video.as_str(), locale));
        }
        self.check_plugin(&terms.plugin, needs, &terms.settings, at, errors).await?;
        if let Some(fallback) = &terms.fallback {
            let at = format!("{at}/fallback");
            if fallback.plugin == terms.plugin || needs != Interface::Dialogs {
                errors.add(format!("{at}/plugin"), texts::no_fallback(locale));
            } else {
                self.check_plugin(&fallback.plugin, needs, &fallback.settings, &at, errors).await?;
            }
        }
        Ok(())
    }

    async fn check_plugin(
        &self,
        plugin: &PluginId,
        needs: Interface,
        settings: &serde_json::Value,
        at: &str,
        errors: &mut Errors,
    ) -> Result<(), Refusal> {
        let locale = errors.locale();
        let named = self.directory.provider(plugin).await.map_err(|error| of_directory(&error, locale))?;
        let Some(installed) = self.providers.installed(plugin).filter(|_| named.is_some()) else {
            errors.add(format!("{at}/plugin"), texts::not_installed(locale));
            return Ok(());
        };
        if !installed.serves(needs) {
            errors.add(format!("{at}/plugin"), texts::does_not_serve(needs.as_str(), locale));
        }
        for error in schema::held_to(&installed.settings_schema, settings, locale) {
            errors.add(format!("{at}/settings{}", error.pointer), error.detail);
        }
        Ok(())
    }
}

/// As the operator sees it.
fn shown(standing: &Standing) -> ServiceTerms {
    let source = standing.source();
    let changed = standing.changed.as_ref().filter(|(_, stored)| stored.agreements.is_some());
    ServiceTerms {
        service: standing.service,
        source,
        terms: standing.agreements.iter().map(Agreement::terms).collect(),
        file_changed: standing.directory_changed(),
        changed: changed.map(|(_, stored)| stored.changed),
        revision: standing.revision(),
    }
}
