//! What an office's providers tell of it: practical information and forms, asked for within a short time and kept for a
//! while ([`crate::told`]). Nothing of a citizen's goes with the question.
//!
//! Whose word counts: who the office and its clinicians are, and its telephone and address, is for the directory to say,
//! and for the provider where the directory says nothing. What changes from day to day (directions, website, hours, forms
//! of consultation, payment, accessibility, working days) is for the provider to say, and for the directory where the
//! provider says nothing. Languages and absences are those of both. A provider adds no clinician to an office.
//!
//! A provider that cannot be asked costs a page nothing but [`WAIT`].

use std::time::Duration;

use dialog_contract::{
    action::Action,
    dialog::Provider,
    ids::PluginId,
    limits::returned,
    practice::{self, Absence, Information, Practitioner},
    provider::{Context, Form, Interface, Office, PracticeProfile},
    service::{Locale, Service},
};
use jiff::{SignedDuration, civil::Date};

use super::Desk;
use crate::{
    answer::Refusal,
    keys::{Fixed, fixed},
    ports::{
        directory::Agreement,
        providers::{Called, Target},
    },
    request::Request,
    told::{FRESH, Known, Told},
};

/// Longest that a page waits for a provider to tell.
const WAIT: Duration = Duration::from_secs(3);

/// Parts of a request's time that are left when the question may begin: the rest is for what the request is about.
const SHARE: u32 = 3;

/// What providers told.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    profiles: Told<PracticeProfile>,
    forms: Told<Vec<Form>>,
}

/// What the provider of an office told, and who it is.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) provider: Provider,
    pub(crate) known: Known<PracticeProfile>,
}

/// What is known of a provider's form for a service.
#[derive(Debug)]
pub(crate) enum FormOf {
    /// It has none.
    None,
    /// This one.
    Known(Known<Vec<Form>>),
    /// It could not be asked.
    Unknown,
}

impl Desk {
    /// What a provider of the office's tells of it; none where none can, or could be asked.
    pub(crate) async fn profile(
        &self,
        office: &practice::Office,
        agreements: &[Agreement],
        request: &Request,
    ) -> Result<Option<Profile>, Refusal> {
        for &service in Service::ALL {
            let Ok(offer) = self.offer(agreements, service, request.locale).await? else { continue };
            if !self.tells(&offer.agreement.plugin) {
                continue;
            }
            let agreement = offer.agreement;
            let ask = self.ask(&agreement, office, request, |desk, target, context| async move {
                desk.providers.profile(target, context).await
            });
            let ask = async { ask.await.map(|profile| (profile.clone(), weight(&profile))) };
            let key = self.key("profile", &agreement, request.locale);
            let known = self.profiles.profiles.get(key, self.now(), FRESH, ask).await;
            return Ok(known.map(|known| Profile { provider: offer.provider, known }));
        }
        Ok(None)
    }

    /// The form for the agreement's service; `wanted`: how old it may be where the provider can be asked.
    pub(crate) async fn form_of(
        &self,
        agreement: &Agreement,
        office: &practice::Office,
        request: &Request,
        wanted: SignedDuration,
    ) -> FormOf {
        if !self.tells(&agreement.plugin) {
            return FormOf::None;
        }
        let ask = self.ask(agreement, office, request, |desk, target, context| async move {
            desk.providers.forms(target, context).await
        });
        let service = agreement.service;
        let ask = async {
            let mut forms = ask.await?;
            forms.retain(|form| form.service == service);
            let bytes = forms.iter().map(|form| form.title.len() + 4 * form.schema.to_string().len()).sum::<usize>();
            Some((forms, bytes + 64))
        };
        let key = self.key("forms", agreement, request.locale);
        match self.profiles.forms.get(key, self.now(), wanted, ask).await {
            Some(known) if known.value.is_empty() => FormOf::None,
            Some(known) => FormOf::Known(known),
            None => FormOf::Unknown,
        }
    }

    fn tells(&self, plugin: &PluginId) -> bool {
        self.providers.installed(plugin).is_some_and(|installed| installed.serves(Interface::Practice))
    }

    /// Everything that what is told depends on: another version, or other settings, may tell otherwise.
    fn key(&self, what: &str, agreement: &Agreement, locale: Locale) -> Fixed {
        let digest = self.providers.installed(&agreement.plugin).map(|installed| installed.digest).unwrap_or_default();
        fixed(&[
            what.as_bytes(),
            agreement.plugin.as_str().as_bytes(),
            digest.as_bytes(),
            &agreement.office.get().to_be_bytes(),
            agreement.service.as_str().as_bytes(),
            agreement.settings.to_string().as_bytes(),
            locale.as_str().as_bytes(),
        ])
    }

    /// Asks within the time that there is. That it was asked is on record; what is not is not used.
    fn ask<T, F>(
        &self,
        agreement: &Agreement,
        office: &practice::Office,
        request: &Request,
        call: impl FnOnce(Self, Target, Context) -> F + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = Called<T>> + Send,
    {
        let (desk, plugin, office_id) = (self.clone(), agreement.plugin.clone(), office.her_id);
        let context = Context {
            idempotency_key: request.id.to_string(),
            locale: request.locale,
            office: Office {
                her_id: office.her_id,
                organisation_her_id: office.organisation_her_id,
                organisation_number: office.organisation_number.clone(),
                name: office.name.clone(),
            },
            clinician: None,
            citizen: None,
            representative: None,
            settings: agreement.settings.clone(),
            colleague: None,
        };
        let request = request.clone();
        async move {
            let time_left = WAIT.min(request.time_left() / SHARE);
            let target = Target { plugin: plugin.clone(), attempt: 1, time_left };
            let mut trail = desk.trail_of_gateway(Action::PracticeFetch, request.id, &request.trace_id, request.locale);
            trail.office(office_id);
            trail.plugin(&plugin);
            let called = tokio::time::timeout(time_left, call(desk.clone(), target, context)).await;
            let Ok(Called { answer, record }) = called else {
                tracing::warn!(%plugin, office = %office_id, "a provider did not tell of itself in time");
                return None;
            };
            trail.call(record);
            let failed = answer.as_ref().err();
            if let Some(failure) = failed {
                tracing::warn!(%plugin, office = %office_id, %failure, "a provider could not tell of itself");
            }
            let recorded = desk.record_question(&trail, failed).await;
            answer.ok().filter(|_| recorded)
        }
    }
}

/// About how many bytes a profile has in memory.
fn weight(profile: &PracticeProfile) -> usize {
    let texts = [
        &profile.telephone,
        &profile.address,
        &profile.directions,
        &profile.website,
        &profile.payment,
        &profile.accessibility,
    ];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let people: usize =
        profile.practitioners.iter().map(|one| 400 + 60 * one.languages.len() + 250 * one.absences.len()).sum();
    500 + texts + people + 80 * profile.hours.len()
}

/// The office as its provider tells of it; see above for whose word counts.
pub(crate) fn informed(office: practice::Office, profile: Option<&Profile>, today: Date) -> practice::Office {
    let Some(Profile { provider, known }) = profile else { return practice::Office { told: None, ..office } };
    let said: &PracticeProfile = &known.value;
    let practitioners = office.practitioners.into_iter().map(|own| {
        let number = own.clinician.hpr_number;
        match said.practitioners.iter().find(|told| told.clinician.hpr_number == number) {
            Some(told) => both(own, told, today),
            None => own,
        }
    });
    practice::Office {
        telephone: office.telephone.or_else(|| said.telephone.clone()),
        address: office.address.or_else(|| said.address.clone()),
        directions: said.directions.clone().or(office.directions),
        website: said.website.clone().or(office.website),
        hours: if said.hours.is_empty() { office.hours } else { said.hours.clone() },
        practitioners: practitioners.collect(),
        modes: if said.modes.is_empty() { office.modes } else { said.modes.clone() },
        payment: said.payment.clone().or(office.payment),
        accessibility: said.accessibility.clone().or(office.accessibility),
        told: Some(practice::Told { provider: provider.clone(), as_of: known.as_of, stale: known.stale }),
        ..office
    }
}

fn both(own: Practitioner, told: &Practitioner, today: Date) -> Practitioner {
    let Practitioner { clinician, mut weekdays, mut languages, mut absences, specialist } = own;
    if !told.weekdays.is_empty() {
        weekdays.clone_from(&told.weekdays);
    }
    languages.extend(told.languages.iter().filter(|tag| !languages.contains(tag)).cloned().collect::<Vec<_>>());
    languages.truncate(returned::LANGUAGES);
    let coming = told.absences.iter().filter(|absence| absence.until >= today && !absences.contains(absence));
    absences.extend(coming.cloned().collect::<Vec<_>>());
    absences.sort_by_key(|absence| (absence.from, absence.until));
    absences.truncate(returned::ABSENCES);
    Practitioner { clinician, weekdays, languages, absences, specialist }
}

/// What an office tells everyone.
pub(crate) fn information(office: practice::Office) -> Information {
    Information {
        telephone: office.telephone,
        address: office.address,
        directions: office.directions,
        website: office.website,
        hours: office.hours,
        practitioners: office.practitioners,
        modes: office.modes,
        payment: office.payment,
        accessibility: office.accessibility,
        told: office.told,
    }
}

/// The absence of today; of several one that says who stands in.
pub(crate) fn away(practitioner: &Practitioner, today: Date) -> Option<Absence> {
    let now = || practitioner.absences.iter().filter(|absence| (absence.from..=absence.until).contains(&today));
    now().find(|absence| absence.substitute.is_some()).or_else(|| now().next()).cloned()
}
