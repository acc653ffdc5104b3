//! The practice's survey.
//!
//! The vendor has three kinds of questions: choices, scales and free text. The contract has choices alone, so that nobody
//! writes what is sensitive: a scale becomes choices, a question for free text is left out, and a survey that demands one
//! is not shown. What was chosen comes back under the names given here: `c.` and the vendor's choice, `s.` and the value.

use dialog_plugin_sdk::feedback::{self, Feedback, Questionnaire};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::{Context, Failure, Locale, Sent, log};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

use crate::CgmEportal;
use crate::graphql::{self, Answer};
use crate::operation::{SUBMIT_SURVEY, SURVEY};
use crate::person;
use crate::settings::Settings;

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
/// What stands before the vendor's choice in the name of a choice.
const CHOICE: &str = "c.";
/// What stands before a value of a scale in the name of a choice.
const SCALE: &str = "s.";

#[derive(Serialize)]
struct Wanted<'a> {
    practice: &'a str,
    patient: &'a str,
    language: &'static str,
}

#[derive(Deserialize)]
struct Survey {
    id: String,
    title: String,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    id: String,
    kind: String,
    text: String,
    required: bool,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    scale: Option<Scale>,
}

#[derive(Deserialize)]
struct Choice {
    id: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Scale {
    from: i32,
    to: i32,
    #[serde(default)]
    from_text: Option<String>,
    #[serde(default)]
    to_text: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Submit<'a> {
    client_mutation_id: &'a str,
    practice: &'a str,
    survey: &'a str,
    patient: &'a str,
    answers: Vec<Given<'a>>,
}

#[derive(Serialize)]
struct Given<'a> {
    question: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<i32>,
}

#[derive(Deserialize)]
struct Submitted {
    accepted: bool,
}

impl Feedback for CgmEportal {
    fn survey(ctx: Context) -> Result<Option<Questionnaire>, Failure> {
        let settings: Settings = ctx.settings()?;
        let language = match ctx.locale {
            Locale::Nb => "NB",
            Locale::Nn => "NN",
            Locale::En => "EN",
        };
        let wanted = Wanted { practice: &settings.practice, patient: person::national_id(&ctx)?, language };
        let (survey, _) = graphql::query(SURVEY, &wanted)?.judged::<Survey>(ctx.locale, &[])?;
        survey.map_or(Ok(None), questionnaire)
    }

    fn submit(ctx: Context, survey: String, answers: Vec<feedback::Answer>) -> Result<(), Failure> {
        let settings: Settings = ctx.settings()?;
        let submit = Submit {
            client_mutation_id: &ctx.idempotency_key,
            practice: &settings.practice,
            survey: &survey,
            patient: person::national_id(&ctx)?,
            answers: answers.iter().map(given).collect::<Result<_, _>>()?,
        };
        let (Submitted { accepted }, _) = graphql::mutate(SUBMIT_SURVEY, &submit)?.expect(ctx.locale, &[])?;
        if accepted { Ok(()) } else { Err(Answer::senseless(SUBMIT_SURVEY, "is neither a yes nor an error")) }
    }
}

fn questionnaire(survey: Survey) -> Result<Option<Questionnaire>, Failure> {
    if survey.questions.iter().any(|question| question.kind == "FREE_TEXT" && question.required) {
        log::warn!("a survey demands free text: it is not shown");
        return Ok(None);
    }
    let asked = survey.questions.into_iter().filter(|question| question.kind != "FREE_TEXT");
    let questions: Vec<_> = asked.map(Question::asked).collect::<Option<_>>().ok_or_else(|| {
        Answer::senseless(SURVEY, "has a question that is neither a choice nor a scale of two to eleven")
    })?;
    let ids: HashSet<&str> = questions.iter().map(|question| question.id.as_str()).collect();
    if ids.len() != questions.len() || !is_id(&survey.id, MAX_ID) {
        return Err(Answer::senseless(SURVEY, "has no usable id, or two questions with the same"));
    }
    if questions.len() > MAX_QUESTIONS {
        log::warn!("a survey has over {MAX_QUESTIONS} questions: it is not shown");
        return Ok(None);
    }
    let title = clip(survey.title.trim(), MAX_LINE);
    Ok(Some(Questionnaire { id: survey.id, title, questions }).filter(|survey| !survey.questions.is_empty()))
}

impl Question {
    /// As the contract asks it. None where it cannot be.
    fn asked(self) -> Option<feedback::Question> {
        let choices: Vec<feedback::Choice> = match (self.kind.as_str(), self.choices, self.scale) {
            ("CHOICE", Some(choices), _) => choices.into_iter().map(Choice::shown).collect::<Option<_>>()?,
            ("SCALE", _, Some(scale)) => scale.shown()?,
            _ => return None,
        };
        let names: HashSet<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
        let usable = is_id(&self.id, MAX_ID) && CHOICES.contains(&choices.len()) && names.len() == choices.len();
        let text = clip(self.text.trim(), MAX_QUESTION);
        (usable && !text.is_empty()).then_some(feedback::Question {
            id: self.id,
            text,
            choices,
            required: self.required,
        })
    }
}

impl Choice {
    fn shown(self) -> Option<feedback::Choice> {
        let text = clip(self.text.trim(), MAX_LINE);
        let usable = is_id(&self.id, MAX_ID - CHOICE.len()) && !text.is_empty();
        usable.then(|| feedback::Choice { id: format!("{CHOICE}{}", self.id), text })
    }
}

impl Scale {
    /// A choice for each value; the ends say what they mean.
    fn shown(self) -> Option<Vec<feedback::Choice>> {
        let values = i64::from(self.to) - i64::from(self.from) + 1;
        usize::try_from(values).ok().filter(|values| CHOICES.contains(values))?;
        let text = |value: i32| {
            let meaning = match value {
                _ if value == self.from => self.from_text.as_deref(),
                _ if value == self.to => self.to_text.as_deref(),
                _ => None,
            };
            match meaning.map(str::trim).filter(|meaning| !meaning.is_empty()) {
                Some(meaning) => clip(&format!("{value} – {meaning}"), MAX_LINE),
                None => value.to_string(),
            }
        };
        let choice = |value| feedback::Choice { id: format!("{SCALE}{value}"), text: text(value) };
        Some((self.from..=self.to).map(choice).collect())
    }
}

fn is_id(id: &str, most: usize) -> bool {
    !id.is_empty() && id.chars().count() <= most && !id.chars().any(char::is_control)
}

/// What was chosen, as the vendor has it.
fn given(answer: &feedback::Answer) -> Result<Given<'_>, Failure> {
    let question = &answer.question;
    if let Some(choice) = answer.choice.strip_prefix(CHOICE) {
        return Ok(Given { question, choice: Some(choice), value: None });
    }
    let value = answer.choice.strip_prefix(SCALE).and_then(|value| value.parse().ok());
    let unknown = || Failure::faulty(Sent::No, "an answer whose choice is none of this plugin's");
    Ok(Given { question, choice: None, value: Some(value.ok_or_else(unknown)?) })
}
