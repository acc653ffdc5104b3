//! Guidance before sending: what a service is for, what decides, and what the office needs to know.

use dialog_contract::{
    action::Action,
    guidance::{EmergencyNumber, Follows, Guidance, GuidanceChoice, GuidanceQuestion, ShownForm},
    ids::PluginId,
    problem::ProblemType,
    service::{Locale, Service},
};

use super::{
    Desk, Outcome, forms,
    practice::Practice,
    profiles::{FormOf, informed},
    trail::Trail,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    guidance::{self, Choice, Question, Then},
    permit::{Citizen, Permitted},
    request::Request,
    texts,
    told::FRESH,
};

impl Desk {
    /// `GET /v1/me/services/{service}/guidance`: 200 also where the office does not offer the service, and says so.
    ///
    /// # Errors
    /// `service-not-offered` for what is not for citizens; `invalid` where `provider` is no national one; `no-practice`
    /// where the citizen is on no GP's list.
    pub async fn guidance(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        service: Service,
        provider: Option<PluginId>,
    ) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::GuidanceRead, &who, &asked);
            trail.service(service);
            let ended = desk.guide(&who, &asked, (service, provider.as_ref()), &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn guide(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        (service, provider): (Service, Option<&PluginId>),
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let Some(said) = guidance::content().services.get(&service) else {
            let detail = texts::service_not_offered(service, locale);
            return Err(Refusal::new(ProblemType::ServiceNotOffered, detail));
        };
        let practice = self.practice_with(who, service, provider, locale).await?;
        trail.office(practice.office.her_id);
        // As an opening would go now: while the GP is away, perhaps to another office with a form of its own.
        let routed = match provider {
            Some(_) => practice.clone(),
            None => self.routed(practice.clone(), service, None, locale).await?,
        };
        let (offered, form, telephone) = tokio::join!(
            self.offered_service(routed.office.her_id, &routed.agreements, service, locale),
            self.form_shown(&routed, service, request),
            self.telephone(&practice, request),
        );
        let (offered, form, telephone) = (offered?, form?, telephone?);
        let mut questions = Vec::with_capacity(said.questions.len());
        for question in &said.questions {
            questions.push(self.asked(question, &practice, telephone.as_deref(), locale).await?);
        }
        let (form, form_unknown) = match form {
            FormOf::None => (None, false),
            FormOf::Unknown => (None, true),
            FormOf::Known(known) => {
                let shown = known.value.first().map(|form| ShownForm {
                    title: form.title.clone(),
                    schema: form.schema.clone(),
                    required: forms::needed(service),
                    as_of: known.as_of,
                    stale: known.stale,
                });
                (shown, false)
            }
        };
        let numbers = guidance::content().emergency.iter();
        let body = Guidance {
            emergency: numbers
                .map(|number| EmergencyNumber { telephone: number.telephone.clone(), text: number.text.say(locale) })
                .collect(),
            offered,
            about: said.about.say(locale),
            suits: said.suits.iter().map(|line| line.say(locale)).collect(),
            does_not_suit: said.does_not_suit.iter().map(|line| line.say(locale)).collect(),
            questions,
            form,
            form_unknown,
        };
        Ok(Ended::answered(Reply::json(200, &body)?))
    }

    async fn form_shown(&self, practice: &Practice, service: Service, request: &Request) -> Result<FormOf, Refusal> {
        match self.offer(&practice.agreements, service, request.locale).await? {
            Ok(offer) => Ok(self.form_of(&offer.agreement, &practice.office, request, FRESH).await),
            Err(_) => Ok(FormOf::None),
        }
    }

    /// The office's telephone number, from whoever has it.
    async fn telephone(&self, practice: &Practice, request: &Request) -> Result<Option<String>, Refusal> {
        if practice.office.telephone.is_some() {
            return Ok(practice.office.telephone.clone());
        }
        let profile = self.profile(&practice.office, &practice.agreements, request).await?;
        Ok(informed(practice.office.clone(), profile.as_ref(), self.calendar.day(self.now())).telephone)
    }

    async fn asked(
        &self,
        question: &Question,
        practice: &Practice,
        telephone: Option<&str>,
        locale: Locale,
    ) -> Result<GuidanceQuestion, Refusal> {
        let mut choices = Vec::with_capacity(question.choices.len());
        for Choice { id, text, then } in &question.choices {
            let then = match then {
                Then::GoOn {} => Follows::GoOn {},
                Then::UseService { service, text } => {
                    let available = self.offer(&practice.agreements, *service, locale).await?.is_ok();
                    Follows::UseService { service: *service, available, text: text.say(locale) }
                }
                Then::Call { telephone, text } => {
                    Follows::Call { telephone: Some(telephone.clone()), text: text.say(locale) }
                }
                Then::CallOffice { text } => {
                    Follows::Call { telephone: telephone.map(str::to_owned), text: text.say(locale) }
                }
            };
            choices.push(GuidanceChoice { id: id.clone(), text: text.say(locale), then });
        }
        Ok(GuidanceQuestion { id: question.id.clone(), text: question.text.say(locale), choices })
    }
}
