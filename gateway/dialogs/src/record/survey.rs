//! What was answered to a survey: that a citizen has, which goes with the citizen, and how often each answer was chosen,
//! which names nobody and cannot be traced to anybody.

use dialog_contract::{
    ids::{HerId, PluginId},
    survey::{Answer, ChoiceResult, QuestionResult, Questionnaire, SurveyResult},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A count below this is withheld: of fewer it would tell of persons.
pub(crate) const ENOUGH: u32 = 5;

/// Questions of one survey that are counted: a survey has thirty, and may be changed once.
const QUESTIONS: usize = 60;

/// Choices of one question that are counted: a question has eleven, and may be changed once.
const CHOICES: usize = 22;

/// That a citizen has answered a survey, or is about to: the operation says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SurveyAnswered {
    pub(crate) operation: Uuid,
    pub(crate) at: Timestamp,
}

/// What was answered to one survey at one office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SurveyCounts {
    pub(crate) office: HerId,
    pub(crate) provider: PluginId,
    pub(crate) survey: String,
    pub(crate) title: String,
    pub(crate) answered: u32,
    pub(crate) questions: Vec<QuestionCounts>,
}

/// One question's part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuestionCounts {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) choices: Vec<ChoiceCount>,
}

/// One choice's part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChoiceCount {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) count: u32,
}

impl SurveyCounts {
    /// None of a survey yet.
    pub(crate) fn new(office: HerId, provider: PluginId, asked: &Questionnaire) -> Self {
        let (survey, title) = (asked.id.clone(), asked.title.clone());
        Self { office, provider, survey, title, answered: 0, questions: Vec::new() }
    }

    /// Counts one citizen's answers. `renew`: the texts are in the language that the operator reads, and replace those
    /// that are there.
    pub(crate) fn count(&mut self, asked: &Questionnaire, answers: &[Answer], renew: bool) {
        if renew {
            self.title.clone_from(&asked.title);
        }
        for question in &asked.questions {
            let known = self.questions.iter().position(|known| known.id == question.id);
            let place = match known {
                Some(place) => place,
                None if self.questions.len() < QUESTIONS => {
                    let (id, text) = (question.id.clone(), question.text.clone());
                    self.questions.push(QuestionCounts { id, text, choices: Vec::new() });
                    self.questions.len() - 1
                }
                None => continue,
            };
            let Some(counts) = self.questions.get_mut(place) else { continue };
            if renew {
                counts.text.clone_from(&question.text);
            }
            for choice in &question.choices {
                let chosen = answers.iter().any(|one| one.question == question.id && one.choice == choice.id);
                let room = counts.choices.len() < CHOICES;
                match counts.choices.iter_mut().find(|known| known.id == choice.id) {
                    Some(known) => {
                        known.count = known.count.saturating_add(u32::from(chosen));
                        if renew {
                            known.text.clone_from(&choice.text);
                        }
                    }
                    None if room => {
                        let (id, text) = (choice.id.clone(), choice.text.clone());
                        counts.choices.push(ChoiceCount { id, text, count: u32::from(chosen) });
                    }
                    None => {}
                }
            }
        }
        self.answered = self.answered.saturating_add(1);
    }

    /// As the operator sees it. How many answered is told in whole fives, so that a count that is withheld is not what
    /// is left of it.
    pub(crate) fn shown(self) -> SurveyResult {
        let choice = |one: ChoiceCount| ChoiceResult {
            id: one.id,
            text: one.text,
            count: Some(one.count).filter(|count| *count >= ENOUGH),
        };
        let question = |one: QuestionCounts| QuestionResult {
            id: one.id,
            text: one.text,
            choices: one.choices.into_iter().map(choice).collect(),
        };
        SurveyResult {
            office: self.office,
            provider: self.provider,
            survey: self.survey,
            title: self.title,
            at_least: self.answered / ENOUGH * ENOUGH,
            questions: self.questions.into_iter().map(question).collect(),
        }
    }
}
