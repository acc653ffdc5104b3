//! Satisfaction surveys of the office's providers. Answers are choices; nobody writes anything.
//!
//! A citizen answers a survey once: a mark of the citizen's is held from the intent on, and let go only where nothing can
//! have reached the provider. It goes with the citizen's erasure. What was chosen is handed to the provider, and counted
//! here without a trace of who chose: by office and provider, for the operator, who sees no count below five.

use std::{collections::HashSet, time::Duration};

use dialog_contract::{
    action::Action,
    ids::{HerId, PluginId},
    problem::ProblemType,
    provider::Interface,
    service::{Locale, Sent, Service},
    survey::{Answer, NewSurveyAnswers, OpenSurvey, Questionnaire, SurveyResults},
};
use uuid::Uuid;

use super::{
    Desk, Outcome,
    calls::target,
    practice::{Offer, Practice},
    trail::Trail,
    validation::Errors,
};
use crate::{
    answer::{Ended, Refusal, Reply},
    identity::CitizenId,
    keys,
    permit::{Citizen, Operator, Permitted},
    ports::store::StoreError,
    record::{self, OperationKind, StoredOperation, SurveyAnswered, SurveyCounts},
    request::Request,
    shelf::Step,
    texts,
};

/// Longest that one provider is waited for; an office has a few.
const WAIT: Duration = Duration::from_secs(4);

/// Surveys that are listed for the operator at once.
const LISTED: usize = 500;

/// Surveys of one office that are counted: each of its providers' for some years.
const COUNTED: usize = 200;

impl Desk {
    /// `GET /v1/me/survey`: 200 with a survey of one of the office's providers that is open for the citizen, 204 where
    /// there is none.
    ///
    /// # Errors
    /// The failure of the first provider that could not be asked, where no other has one.
    pub async fn survey(&self, who: &Permitted<Citizen>, request: &Request) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail(Action::SurveyRead, &who, &asked);
            let ended = desk.open_survey(&who, &asked, &mut trail).await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    /// `POST /v1/me/survey`: 204 when the provider has the answers.
    ///
    /// # Errors
    /// `invalid` for answers that are missing, twice, or not to be chosen; `conflict` where the survey is not open for
    /// the citizen, or no longer; every failure of the provider.
    pub async fn answer_survey(&self, who: &Permitted<Citizen>, request: &Request, new: NewSurveyAnswers) -> Outcome {
        let NewSurveyAnswers { provider, survey, answers } = new;
        // What is asked, and by which agreement, is for the provider to say: see `survey_agreed`.
        let asked = Box::new(Questionnaire { id: survey, title: String::new(), questions: Vec::new() });
        let kind = OperationKind::Survey { provider, service: Service::Inquiry, asked, answers };
        self.operate(who, request, kind).await
    }

    /// `GET /v1/survey-results`: what was answered, by office and provider; of one office where it is named.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn survey_results(&self, who: &Permitted<Operator>, request: &Request, office: Option<HerId>) -> Outcome {
        let (desk, who, asked) = (self.clone(), who.clone(), request.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_operator(Action::SurveyResultsRead, &who, &asked);
            if let Some(office) = office {
                trail.office(office);
            }
            let ended = async {
                let found = desk.survey_counts(office, LISTED + 1).await;
                let mut found = found.map_err(|error| Refusal::of_store(&error, asked.locale))?;
                let more = found.len() > LISTED;
                found.truncate(LISTED);
                let items = found.into_iter().map(SurveyCounts::shown).collect();
                Ok(Ended::answered(Reply::json(200, &SurveyResults { items, more })?))
            }
            .await;
            desk.conclude(trail, ended).await
        })
        .await
    }

    async fn survey_counts(&self, office: Option<HerId>, most: usize) -> Result<Vec<SurveyCounts>, StoreError> {
        let entries = self.shelf.store.scan(keys::all(keys::all_survey_counts(office), most)).await?;
        entries.iter().map(|entry| record::decode("what was answered to a survey", &entry.versioned.value)).collect()
    }

    async fn open_survey(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = request.locale;
        let citizen = self.shelf.secret.citizen(&who.target().national_identity_number);
        let practice = self.practice_of(&who.target().national_identity_number, locale).await?;
        trail.office(practice.office.her_id);
        let mut failed = None;
        for offer in self.surveyors(&practice, locale).await? {
            let survey = match self.survey_of(who, &practice, &offer, request, trail).await {
                Ok(Some(survey)) => survey,
                Ok(None) => continue,
                Err(refusal) => {
                    failed.get_or_insert(refusal);
                    continue;
                }
            };
            if self.survey_mark(citizen, &offer, &survey.id).await.map_err(|e| Refusal::of_store(&e, locale))?.is_none()
            {
                let open = OpenSurvey { provider: offer.provider, survey };
                return Ok(Ended::answered(Reply::json(200, &open)?));
            }
        }
        match failed {
            Some(refusal) => Err(refusal),
            None => {
                let none = Reply { status: 204, body: bytes::Bytes::new(), etag: None, location: None };
                Ok(Ended::answered(none))
            }
        }
    }

    /// The office's providers that have surveys, each once, by the first of its agreements.
    async fn surveyors(&self, practice: &Practice, locale: Locale) -> Result<Vec<Offer>, Refusal> {
        let (mut offers, mut seen) = (Vec::new(), HashSet::new());
        for &service in Service::ALL {
            let Ok(offer) = self.offer(&practice.agreements, service, locale).await? else { continue };
            let installed = self.providers.installed(&offer.agreement.plugin);
            let asks = installed.is_some_and(|installed| installed.serves(Interface::Feedback));
            if asks && seen.insert(offer.agreement.plugin.clone()) {
                offers.push(offer);
            }
        }
        Ok(offers)
    }

    /// What the provider asks this citizen now.
    async fn survey_of(
        &self,
        who: &Permitted<Citizen>,
        practice: &Practice,
        offer: &Offer,
        request: &Request,
        trail: &mut Trail,
    ) -> Result<Option<Questionnaire>, Refusal> {
        let (locale, plugin) = (request.locale, &offer.agreement.plugin);
        trail.plugin(plugin);
        self.remember(who, practice, plugin, locale).await?;
        let key = request.id.to_string();
        let subject = self.subject(who, practice, offer, offer.agreement.service, locale, &key);
        let context = self.context(subject).await.map_err(|failure| Refusal::of_failure(&failure, locale))?;
        let called = self.providers.survey(target(offer, request.time_left().min(WAIT)), context).await;
        trail.call(called.record);
        let found = called.answer.map_err(|failure| Refusal::of_question(&failure, locale))?;
        let Some(survey) = found else { return Ok(None) };
        if ids_are_words(&survey) {
            return Ok(Some(survey));
        }
        tracing::warn!(%plugin, survey = survey.id.len(), "a survey has ids that are no words: it is not shown");
        Ok(None)
    }

    async fn survey_mark(
        &self,
        citizen: CitizenId,
        offer: &Offer,
        survey: &str,
    ) -> Result<Option<SurveyAnswered>, StoreError> {
        let key = keys::survey_answered(citizen, &offer.agreement.plugin, survey);
        let found = self.shelf.store.get(&key).await?;
        found.map(|found| record::decode("that a survey was answered", &found.value)).transpose()
    }

    /// The survey is open for the citizen, and the answers are answers to it.
    pub(crate) async fn survey_agreed(
        &self,
        who: &Permitted<Citizen>,
        request: &Request,
        kind: &OperationKind,
        trail: &mut Trail,
    ) -> Result<(Practice, Offer, OperationKind), Refusal> {
        let locale = trail.locale;
        let closed = || Refusal::new(ProblemType::Conflict, texts::survey_closed(locale));
        let OperationKind::Survey { provider, asked, answers, .. } = kind else {
            return Err(Refusal::internal(locale));
        };
        let practice = self.practice_of(&who.target().national_identity_number, locale).await?;
        trail.office(practice.office.her_id);
        let mut offers = self.surveyors(&practice, locale).await?.into_iter();
        let offer = offers.find(|offer| offer.agreement.plugin == *provider).ok_or_else(closed)?;
        let survey = self.survey_of(who, &practice, &offer, request, trail).await?.ok_or_else(closed)?;
        if survey.id != asked.id {
            return Err(closed());
        }
        fits(&survey, answers, locale)?;
        let agreed = OperationKind::Survey {
            provider: provider.clone(),
            service: offer.agreement.service,
            asked: Box::new(survey),
            answers: answers.clone(),
        };
        Ok((practice, offer, agreed))
    }

    /// Writes into `step` that the operation `id` answers the survey. Whoever comes at the same time has a conflict, and
    /// finds it held.
    pub(crate) async fn hold_survey(
        &self,
        step: &mut Step,
        id: Uuid,
        asked: &Questionnaire,
        (citizen, offer): (CitizenId, &Offer),
        locale: Locale,
    ) -> Result<(), Refusal> {
        let of_store = |error: StoreError| Refusal::of_store(&error, locale);
        if self.survey_mark(citizen, offer, &asked.id).await.map_err(of_store)?.is_some() {
            return Err(Refusal::new(ProblemType::Conflict, texts::survey_answered(locale)));
        }
        let key = keys::survey_answered(citizen, &offer.agreement.plugin, &asked.id);
        let mark = record::encode(&SurveyAnswered { operation: id, at: self.now() }).map_err(of_store)?;
        step.batch.require_absent(key.clone()).put_of(citizen.owner(), key, mark);
        Ok(())
    }

    /// Lets go of a survey where nothing can have reached the provider.
    pub(crate) async fn survey_released(
        &self,
        step: &mut Step,
        id: Uuid,
        operation: &StoredOperation,
        asked: &Questionnaire,
        sent: Sent,
    ) -> Result<(), StoreError> {
        let key = keys::survey_answered(operation.citizen, &operation.plugin, &asked.id);
        if sent == Sent::No
            && let Some(found) = self.shelf.store.get(&key).await?
            && record::decode::<SurveyAnswered>("that a survey was answered", &found.value)?.operation == id
        {
            step.batch.require_at(key.clone(), found.revision).delete(key);
        }
        Ok(())
    }

    /// Counts what was answered; nothing that is written names the citizen.
    pub(crate) async fn survey_counted(
        &self,
        step: &mut Step,
        operation: &StoredOperation,
        asked: &Questionnaire,
        answers: &[Answer],
    ) -> Result<(), StoreError> {
        let (office, plugin): (HerId, &PluginId) = (operation.office, &operation.plugin);
        let key = keys::survey_counts(office, plugin, &asked.id);
        let mut counts = match self.shelf.store.get(&key).await? {
            Some(found) => {
                step.batch.require_at(key.clone(), found.revision);
                record::decode("what was answered to a survey", &found.value)?
            }
            None if self.survey_counts(Some(office), COUNTED).await?.len() == COUNTED => {
                // A provider that gives each citizen a survey of their own is not counted, and fills no store.
                tracing::warn!(%plugin, %office, "the office has too many surveys: one is not counted");
                return Ok(());
            }
            None => {
                step.batch.require_absent(key.clone());
                SurveyCounts::new(office, plugin.clone(), asked)
            }
        };
        counts.count(asked, answers, operation.locale == Locale::Nb);
        step.batch.put(key, record::encode(&counts)?);
        Ok(())
    }
}

/// Whether a survey's ids are such as the API takes back: words, never sentences, never what may name a person.
fn ids_are_words(survey: &Questionnaire) -> bool {
    let is_word = |id: &str| {
        let number = id.len() == 11 && id.bytes().all(|byte| byte.is_ascii_digit());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._~=-".contains(&byte);
        !id.is_empty() && id.len() <= 64 && id.bytes().all(plain) && !number
    };
    let mut questions = survey.questions.iter();
    is_word(&survey.id)
        && questions.all(|question| is_word(&question.id) && question.choices.iter().all(|one| is_word(&one.id)))
}

/// Each answer is to a question of the survey, once, and one that can be chosen; what must be answered is.
fn fits(survey: &Questionnaire, answers: &[Answer], locale: Locale) -> Result<(), Refusal> {
    let (mut errors, mut seen) = (Errors::new(locale), HashSet::new());
    for (at, answer) in answers.iter().enumerate() {
        match survey.questions.iter().find(|question| question.id == answer.question) {
            None => errors.add(format!("/answers/{at}/question"), texts::no_such_question(locale)),
            Some(_) if !seen.insert(&answer.question) => {
                errors.add(format!("/answers/{at}/question"), texts::used_twice(locale));
            }
            Some(question) if question.choices.iter().all(|choice| choice.id != answer.choice) => {
                errors.add(format!("/answers/{at}/choice"), texts::no_such_choice(locale));
            }
            Some(_) => {}
        }
    }
    for question in survey.questions.iter().filter(|question| question.required && !seen.contains(&question.id)) {
        errors.add("/answers", texts::question_required(&question.text, locale));
    }
    errors.into_result()
}
