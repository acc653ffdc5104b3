//! A citizen's answers to a provider's form, held against the form before anything is sent.
//!
//! The form is the provider's, told at most ten minutes ago ([`super::profiles`]). Answers that do not fit one of over half
//! a minute are held against what the provider says now: it may have changed its form since. Where the provider cannot be
//! asked, the form that it last told counts; where none is known, the request goes on, waits for the provider as any other
//! does, and is the provider's to refuse.
//!
//! A consultation needs the answers where its provider has a form. A certificate needs them for some purposes and not for
//! others, and the contract has one form for all: given, they must fit; whether they are missing is for the provider to
//! say.

use dialog_contract::{
    form,
    limits::returned,
    opening::Request as Asked,
    provider::{FieldError, Form},
    service::{Locale, Service},
};
use jiff::SignedDuration;
use serde_json::Value;

use super::{
    Desk,
    practice::{Offer, Practice},
    profiles::FormOf,
};
use crate::{answer::Refusal, request::Request, texts, told::FRESH};

/// Age of a form by which answers are refused without asking again.
const JUST_TOLD: SignedDuration = SignedDuration::from_secs(30);

/// Where the answers are in the request.
const AT: &str = "/request/form";

/// Most bytes of answers, as JSON: as many as the form itself may have.
const ANSWER_BYTES: usize = returned::FORM_BYTES;

/// Whether a request of this service is refused without answers to the form that its provider has.
pub(crate) const fn needed(service: Service) -> bool {
    matches!(service, Service::Consultation)
}

impl Desk {
    /// Whether the answers in the request are what the provider asks for.
    #[tracing::instrument(name = "form", skip_all)]
    pub(crate) async fn answered_as_asked(
        &self,
        asked: &Asked,
        practice: &Practice,
        offer: &Offer,
        request: &Request,
    ) -> Result<(), Refusal> {
        let answers = match asked {
            Asked::Consultation { form, .. } | Asked::Certificate { form, .. } => form,
            _ => return Ok(()),
        };
        for wanted in [FRESH, JUST_TOLD] {
            let form = self.form_of(&offer.agreement, &practice.office, request, wanted).await;
            let last = match &form {
                FormOf::None | FormOf::Unknown => true,
                FormOf::Known(known) => self.now().duration_since(known.as_of) < JUST_TOLD,
            };
            match judge(form, answers.as_ref(), offer.agreement.service, request.locale).await {
                Err(errors) if last || wanted == JUST_TOLD => return Err(Refusal::invalid(request.locale, errors)),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
        Ok(())
    }
}

async fn judge(form: FormOf, answers: Option<&Value>, service: Service, locale: Locale) -> Result<(), Vec<FieldError>> {
    let error = |detail: String| Err(vec![FieldError { pointer: AT.into(), detail }]);
    let known = match (form, answers) {
        (FormOf::Unknown, _) | (FormOf::None, None) => return Ok(()),
        (FormOf::None, Some(_)) => return error(texts::no_form_here(locale).into()),
        (FormOf::Known(known), _) => known,
    };
    let Some(form) = known.value.iter().find(|form| form.service == service) else { return Ok(()) };
    let Some(answers) = answers else {
        return if needed(service) { error(texts::form_missing(&form.title, locale)) } else { Ok(()) };
    };
    let (Form { schema, .. }, answers) = (form.clone(), answers.clone());
    if answers.to_string().len() > ANSWER_BYTES {
        return error(texts::form_too_large(locale).into());
    }
    // The schema is the provider's, and may take its time.
    let checked = tokio::task::spawn_blocking(move || form::check(&schema, &answers, AT, locale)).await;
    checked.unwrap_or_else(|_| error(texts::internal(locale).into()))
}
