//! Satisfaction surveys. An answer is a choice: free text has no place in any of these types.

use serde::{Deserialize, Serialize};

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
