//! The clinic's survey: a *Questionnaire*, which each patient answers once by a *QuestionnaireResponse*.
//!
//! The contract has choices alone, so that nobody writes what is sensitive: a question for a text is left out, and a survey
//! that demands one is not shown. What was chosen comes back under the names given here: `c.` and the vendor's code, `i.`
//! and the step of a scale; it is found again in the questionnaire as it is then, so that nothing else can be sent.

use std::collections::HashSet;

use dialog_plugin_sdk::feedback::{Answer, Choice, Feedback, Question, Questionnaire};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::upstream::Body;
use dialog_plugin_sdk::{Context, Failure, Locale, Sent, ids, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Pasientsky;
use crate::ask::{self, Budget, Search, Want};
use crate::fhir::element::{Coding, Identifier, Reference, is_id, naming};
use crate::fhir::time;
use crate::settings::Settings;
use crate::words::Words;
use crate::{person, refusal};

/// Questions of a survey, by the contract.
const MAX_QUESTIONS: usize = 30;
/// Choices of a question, by the contract.
const CHOICES: std::ops::RangeInclusive<usize> = 2..=11;
/// Characters of ids, by the contract.
const MAX_ID: usize = 64;
/// Characters of a question, by the contract.
const MAX_QUESTION: usize = 300;
/// Characters of a title and of a choice, by the contract.
const MAX_LINE: usize = 200;
/// Characters of an address and a version.
const MAX_CANONICAL: usize = 500;
/// Surveys of a clinic that are looked at: a call has a bounded number of requests.
const MAX_SURVEYS: usize = 6;
/// Pages of a clinic's surveys.
const PAGES: u32 = 2;
/// Words in another language than the resource's own, by HL7.
const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";

/// A survey as the vendor has it.
#[derive(Deserialize)]
struct Asked {
    id: String,
    url: String,
    #[serde(default)]
    version: Option<String>,
    status: String,
    title: String,
    #[serde(default, rename = "_title")]
    more: More,
    item: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    link_id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
    #[serde(default, rename = "_text")]
    more: More,
    #[serde(default)]
    required: bool,
    /// A question that depends on others.
    #[serde(default)]
    enable_when: Vec<Value>,
    #[serde(default)]
    answer_option: Vec<Offer>,
}

/// One answer that a question has: a code, or a step of a scale.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    #[serde(default)]
    value_coding: Option<Code>,
    #[serde(default)]
    value_integer: Option<i32>,
}

#[derive(Deserialize)]
struct Code {
    system: String,
    code: String,
    #[serde(default)]
    display: String,
    #[serde(default, rename = "_display")]
    more: More,
}

/// What stands beside a text: the same in other languages.
#[derive(Default, Deserialize)]
#[serde(default)]
struct More {
    extension: Vec<Extension>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extension {
    url: String,
    #[serde(default)]
    extension: Vec<Extension>,
    #[serde(default)]
    value_code: Option<String>,
    #[serde(default)]
    value_string: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    resource_type: &'static str,
    identifier: Identifier,
    questionnaire: String,
    status: &'static str,
    subject: Reference,
    authored: String,
    item: Vec<Answered>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    link_id: String,
    answer: [Chosen; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Chosen {
    ValueCoding(Coding),
    ValueInteger(i32),
}

impl Feedback for Pasientsky {
    fn survey(ctx: Context) -> Result<Option<Questionnaire>, Failure> {
        let settings: Settings = ctx.settings()?;
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        let venue = format!("{}|{}", naming("healthcare-service"), settings.healthcare_service);
        let search = Search::of("Questionnaire").with("context", venue).with("status", "active");
        let (found, _) = search.all(PAGES, &mut budget, ctx.locale)?;
        for resource in found.iter().take(MAX_SURVEYS) {
            let asked = Asked::of(resource)?;
            let Some(shown) = asked.shown(ctx.locale)? else { continue };
            let answered = Search::about("QuestionnaireResponse")
                .with("patient", &patient.reference)
                .with("questionnaire", asked.canonical())
                .with("_count", "1");
            if answered.page(&mut budget, ctx.locale)?.matches.is_empty() {
                return Ok(Some(shown));
            }
        }
        Ok(None)
    }

    fn submit(ctx: Context, survey: String, answers: Vec<Answer>) -> Result<(), Failure> {
        if !is_id(&survey) {
            return Err(Words::UnknownSurvey.not_found(ctx.locale));
        }
        let mut budget = Budget::of(&ctx);
        let patient = person::patient(&ctx, &mut budget)?;
        let read = ask::read(("Questionnaire", &survey), &mut budget, ctx.locale);
        let (resource, _) = read.map_err(refusal::of_a_search)?;
        let asked = Asked::of(&resource)?;
        if asked.status != "active" {
            return Err(Words::SurveyClosed.conflict(ctx.locale));
        }
        let chosen: Option<Vec<Answered>> = answers.iter().map(|answer| asked.chosen(answer)).collect();
        let value = format!("urn:uuid:{}", ids::derived("survey", &[&ctx.idempotency_key]));
        let identifier = Identifier { system: naming("request"), value };
        let condition = format!("{}|{}", identifier.system, identifier.value);
        let response = Response {
            resource_type: "QuestionnaireResponse",
            identifier,
            questionnaire: asked.canonical(),
            status: "completed",
            subject: Reference::to(&patient.reference),
            authored: time::written(ctx.now)?,
            item: chosen.ok_or_else(|| Words::SurveyChanged.conflict(ctx.locale))?,
        };
        let body: Body = serde_json::to_vec(&response).map_err(|_| ask::unwritable())?.into();
        ask::create("QuestionnaireResponse", &condition, body, Want::Nothing, &mut budget, (ctx.locale, &[])).map(drop)
    }
}

impl Asked {
    fn of(resource: &Value) -> Result<Self, Failure> {
        let read = Self::deserialize(resource).map_err(|_| odd("is of another shape"))?;
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'|');
        if !is_id(&read.id) || !plain(&read.url) || !read.version.as_deref().is_none_or(plain) {
            return Err(odd("has an id, an address or a version that is none"));
        }
        if read.canonical().len() > MAX_CANONICAL {
            return Err(odd("has an address of over 500 characters"));
        }
        Ok(read)
    }

    /// Address and version, as responses name it.
    fn canonical(&self) -> String {
        match &self.version {
            Some(version) => format!("{}|{version}", self.url),
            None => self.url.clone(),
        }
    }

    /// As the contract asks it. None where it demands what the contract cannot carry.
    fn shown(&self, locale: Locale) -> Result<Option<Questionnaire>, Failure> {
        if self.item.iter().any(|item| item.required && !item.is_a_choice()) {
            log::warn!("a survey demands what is no choice: it is not shown");
            return Ok(None);
        }
        let questions: Option<Vec<Question>> =
            self.item.iter().filter(|item| item.is_a_choice()).map(|item| item.asked(locale)).collect();
        let questions =
            questions.ok_or_else(|| odd("has a question without a text, or without two to eleven choices"))?;
        let names: HashSet<&str> = questions.iter().map(|question| question.id.as_str()).collect();
        let title = clip(self.more.text(&self.title, locale).trim(), MAX_LINE);
        if names.len() != questions.len() || title.is_empty() {
            return Err(odd("has no title, or two questions with the same id"));
        }
        if questions.is_empty() || questions.len() > MAX_QUESTIONS {
            log::warn!("a survey has no question that is a choice, or over {MAX_QUESTIONS}: it is not shown");
            return Ok(None);
        }
        Ok(Some(Questionnaire { id: self.id.clone(), title, questions }))
    }

    /// An answer of the contract's as the vendor has it. None where the survey has no such question or choice.
    fn chosen(&self, answer: &Answer) -> Option<Answered> {
        let item = self.item.iter().find(|item| item.is_a_choice() && item.link_id == answer.question)?;
        let offer = item.answer_option.iter().find(|offer| offer.name().as_deref() == Some(&answer.choice))?;
        let chosen = match (&offer.value_coding, offer.value_integer) {
            (Some(Code { system, code, .. }), None) => {
                Chosen::ValueCoding(Coding { system: system.clone(), code: code.clone() })
            }
            (None, Some(step)) => Chosen::ValueInteger(step),
            _ => return None,
        };
        Some(Answered { link_id: item.link_id.clone(), answer: [chosen] })
    }
}

impl Item {
    /// Whether it is chosen from what stands there, whatever else was answered.
    fn is_a_choice(&self) -> bool {
        self.kind == "choice" && self.enable_when.is_empty()
    }

    /// As the contract asks it. None where it cannot be.
    fn asked(&self, locale: Locale) -> Option<Question> {
        let choices: Vec<Choice> = self.answer_option.iter().map(|offer| offer.shown(locale)).collect::<Option<_>>()?;
        let names: HashSet<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
        let usable = is_name(&self.link_id) && CHOICES.contains(&choices.len()) && names.len() == choices.len();
        let text = clip(self.more.text(&self.text, locale).trim(), MAX_QUESTION);
        (usable && !text.is_empty()).then(|| Question {
            id: self.link_id.clone(),
            text,
            choices,
            required: self.required,
        })
    }
}

impl Offer {
    /// Its name in the contract.
    fn name(&self) -> Option<String> {
        let name = match (&self.value_coding, self.value_integer) {
            (Some(Code { code, .. }), None) if !code.is_empty() => format!("c.{code}"),
            (None, Some(step)) => format!("i.{step}"),
            _ => return None,
        };
        is_name(&name).then_some(name)
    }

    fn shown(&self, locale: Locale) -> Option<Choice> {
        let text = match (&self.value_coding, self.value_integer) {
            (Some(code), _) => clip(code.more.text(&code.display, locale).trim(), MAX_LINE),
            (None, step) => step?.to_string(),
        };
        let id = self.name()?;
        (!text.is_empty()).then_some(Choice { id, text })
    }
}

impl More {
    /// A text in a language, where it stands there in that language.
    fn text<'a>(&'a self, own: &'a str, locale: Locale) -> &'a str {
        let language = match locale {
            Locale::Nb => "nb",
            Locale::Nn => "nn",
            Locale::En => "en",
        };
        let translated = self.extension.iter().filter(|one| one.url == TRANSLATION).find_map(|one| {
            let part = |name: &str| one.extension.iter().find(|part| part.url == name);
            let spoken = part("lang")?.value_code.as_deref()?;
            let fits = spoken == language || spoken.strip_prefix(language).is_some_and(|rest| rest.starts_with('-'));
            part("content")?.value_string.as_deref().filter(|text| fits && !text.trim().is_empty())
        });
        translated.unwrap_or(own)
    }
}

fn is_name(id: &str) -> bool {
    !id.is_empty() && id.chars().count() <= MAX_ID && !id.chars().any(char::is_control)
}

fn odd(why: &str) -> Failure {
    Failure::faulty(Sent::No, format!("a Questionnaire {why}"))
}
