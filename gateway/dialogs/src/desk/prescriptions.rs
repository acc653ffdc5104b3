//! Prescriptions that the citizen can ask to have renewed.

use dialog_contract::{action::Action, page::Page, problem::ProblemType, provider::Interface, service::Service};

use super::{Desk, Outcome, calls::target, trail::Trail};
use crate::{
    answer::{Ended, Refusal, Reply},
    permit::{Citizen, Permitted},
    request::Request,
    texts,
};

impl Desk {
    /// `GET /v1/me/prescriptions`: 200 with one page.
    ///
    /// # Errors
    /// `service-not-offered` also where the office renews prescriptions but its solution cannot list them; every
    /// failure of the provider.
    pub async fn prescriptions(&self, who: &Permitted<Citizen>, request: &Request) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::PrescriptionsRenewable, &who, &asked);
            let ended = desk.renewable(&who, &asked, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn renewable(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let (locale, service) = (request.locale, Service::PrescriptionRenewal);
        trail.service(service);
        let practice = self.practice_of(&who.target().national_identity_number, locale).await?;
        trail.office(practice.office.her_id);
        let offer = self.offered(&practice, service, locale).await?;
        trail.plugin(&offer.agreement.plugin);
        let installed = self.providers.installed(&offer.agreement.plugin);
        if !installed.is_some_and(|installed| installed.serves(Interface::Prescriptions)) {
            let detail = texts::prescriptions_not_listed(locale);
            return Err(Refusal::new(ProblemType::ServiceNotOffered, detail));
        }
        self.remember(who, &practice, &offer.agreement.plugin, locale).await?;
        let key = request.id.to_string();
        let context = self.context(self.subject(who, &practice, &offer, service, locale, &key)).await;
        let context = context.map_err(|failure| Refusal::of_failure(&failure, locale))?;
        let called = self.providers.renewable(target(&offer, request.time_left()), context).await;
        trail.call(called.record);
        let items = called.answer.map_err(|failure| Refusal::of_question(&failure, locale))?;
        Ok(Ended::answered(Reply::json(200, &Page { items, next: None })?))
    }
}
