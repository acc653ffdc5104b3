//! Satisfaction surveys. An answer is a choice: free text has no place in any of these types. JSON by
//! `schemas/json/survey.json`, `new-survey-answers.json` and `survey-results.json`.

use serde::{Deserialize, Serialize};

use crate::{
    dialog::Provider,
    ids::{HerId, PluginId},
};

/// The body of `GET /v1/me/survey`: one that is open for the citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenSurvey {
    /// Who asks, for the office.
    pub provider: Provider,
    /// What is asked.
    pub survey: Questionnaire,
}

/// The body of `POST /v1/me/survey`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSurveyAnswers {
    /// Who asks.
    pub provider: PluginId,
    /// [`Questionnaire::id`].
    pub survey: String,
    /// Each question at most once.
    pub answers: Vec<Answer>,
}

/// The body of `GET /v1/survey-results` on the operations listener: counts, and of nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SurveyResults {
    /// By office, provider and survey.
    pub items: Vec<SurveyResult>,
    /// There are more than are listed: ask office by office.
    pub more: bool,
}

/// What citizens of one office answered to one survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SurveyResult {
    /// Of which office.
    pub office: HerId,
    /// Through which provider.
    pub provider: PluginId,
    /// [`Questionnaire::id`].
    pub survey: String,
    /// [`Questionnaire::title`], as it was last asked in Bokmål, or first in another language.
    pub title: String,
    /// How many have answered, down to a whole multiple of five; less than five is none.
    pub at_least: u32,
    /// In the order that they were first asked.
    pub questions: Vec<QuestionResult>,
}

/// What was answered to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuestionResult {
    /// [`Question::id`].
    pub id: String,
    /// [`Question::text`].
    pub text: String,
    /// In the order that they were first offered.
    pub choices: Vec<ChoiceResult>,
}

/// How often one answer was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChoiceResult {
    /// [`Choice::id`].
    pub id: String,
    /// [`Choice::text`].
    pub text: String,
    /// How often, from five on; less is withheld, so that nobody is recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// A survey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Questionnaire {
    /// The provider's id.
    pub id: String,
    /// In the citizen's language.
    pub title: String,
    /// One to thirty, in the order that they are asked.
    pub questions: Vec<Question>,
}

/// One question with its choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// Unique in the survey.
    pub id: String,
    /// In the citizen's language.
    pub text: String,
    /// Two to eleven.
    pub choices: Vec<Choice>,
    /// It must be answered.
    pub required: bool,
}

/// One possible answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Choice {
    /// Unique in the question.
    pub id: String,
    /// In the citizen's language.
    pub text: String,
}

/// A choice made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// [`Question::id`].
    pub question: String,
    /// [`Choice::id`].
    pub choice: String,
}
