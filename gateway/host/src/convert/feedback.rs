//! Surveys.

use std::collections::BTreeSet;

use dialog_contract::{
    limits::returned,
    survey::{self, Choice, Question, Questionnaire},
};

use super::answer::{Answer, At, Violation, violation};
use crate::bindings::feedback::exports::dialog::provider::feedback as wit;

/// The survey that is open, if any.
pub(crate) fn survey(
    told: Option<wit::Questionnaire>,
    answer: &mut Answer<'_>,
) -> Result<Option<Questionnaire>, Violation> {
    let Some(told) = told else { return Ok(None) };
    let (at, most) = (At::Answer, returned::SURVEY_ID_CHARACTERS);
    let at_questions = at.field("questions");
    answer.list(&at_questions, &told.questions, returned::QUESTIONS)?;
    if told.questions.is_empty() {
        return violation(&at_questions, "empty");
    }
    let id = answer.id(&at.field("id"), told.id, most)?;
    let title = answer.name(&at.field("title"), told.title, returned::CHOICE_CHARACTERS)?;
    let mut seen = BTreeSet::new();
    let questions = told.questions.into_iter().enumerate().map(|(index, told)| {
        let at = at_questions.item(index);
        let id = unique(&at.field("id"), told.id, &mut seen, answer)?;
        Ok(Question {
            id,
            text: answer.name(&at.field("text"), told.text, returned::QUESTION_CHARACTERS)?,
            choices: choices(&at.field("choices"), told.choices, answer)?,
            required: told.required,
        })
    });
    Ok(Some(Questionnaire { id, title, questions: questions.collect::<Result<_, _>>()? }))
}

/// A choice made.
pub(crate) fn answer(answer: survey::Answer) -> wit::Answer {
    wit::Answer { question: answer.question, choice: answer.choice }
}

fn choices(at: &At<'_>, told: Vec<wit::Choice>, answer: &mut Answer<'_>) -> Result<Vec<Choice>, Violation> {
    answer.list(at, &told, *returned::CHOICES.end())?;
    if told.len() < *returned::CHOICES.start() {
        return violation(at, format!("under {} items", returned::CHOICES.start()));
    }
    let mut seen = BTreeSet::new();
    told.into_iter()
        .enumerate()
        .map(|(index, told)| {
            let at = at.item(index);
            let id = unique(&at.field("id"), told.id, &mut seen, answer)?;
            Ok(Choice { id, text: answer.name(&at.field("text"), told.text, returned::CHOICE_CHARACTERS)? })
        })
        .collect()
}

/// An id that none before it has.
fn unique(at: &At<'_>, id: String, seen: &mut BTreeSet<String>, answer: &mut Answer<'_>) -> Result<String, Violation> {
    let id = answer.id(at, id, returned::SURVEY_ID_CHARACTERS)?;
    if seen.insert(id.clone()) { Ok(id) } else { violation(at, "another has it") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::{super::answer::tests::checked, *};

    fn choice(id: &str) -> wit::Choice {
        wit::Choice { id: id.to_owned(), text: "Ja".to_owned() }
    }

    fn question(id: &str) -> wit::Question {
        let choices = vec![choice("yes"), choice("no")];
        wit::Question { id: id.to_owned(), text: "Ble du hørt?".to_owned(), choices, required: true }
    }

    fn told() -> wit::Questionnaire {
        wit::Questionnaire {
            id: "s1".to_owned(),
            title: "Hvordan var det?".to_owned(),
            questions: vec![question("q1"), question("q2")],
        }
    }

    #[test]
    fn a_survey_comes_through_and_none_is_none() {
        let read = checked(|answer| survey(Some(told()), answer)).unwrap().unwrap();
        assert_eq!((read.questions.len(), read.questions[1].choices[1].id.as_str()), (2, "no"));
        assert_eq!(checked(|answer| survey(None, answer)).unwrap(), None);
    }

    #[test]
    fn no_value_of_a_survey_gets_past_its_rule() {
        let wrong = |change: fn(&mut wit::Questionnaire)| {
            let mut changed = told();
            change(&mut changed);
            checked(|answer| survey(Some(changed), answer)).unwrap_err().to_string()
        };
        for (error, rule) in [
            (wrong(|told| told.id.clear()), "answer.id: empty"),
            (wrong(|told| told.title = "x".repeat(201)), "answer.title: over 200 characters"),
            (wrong(|told| told.questions.clear()), "answer.questions: empty"),
            (wrong(|told| told.questions = vec![question("q"); 31]), "answer.questions: 31 items, over 30"),
            (wrong(|told| told.questions[1] = question("q1")), "answer.questions[1].id: another has it"),
            (wrong(|told| told.questions[0].text = "x".repeat(301)), "answer.questions[0].text: over 300 characters"),
            (wrong(|told| told.questions[0].id = "x".repeat(65)), "answer.questions[0].id: over 64 characters"),
            (wrong(|told| drop(told.questions[0].choices.pop())), "answer.questions[0].choices: under 2 items"),
            (
                wrong(|told| told.questions[0].choices = vec![choice("a"); 12]),
                "answer.questions[0].choices: 12 items, over 11",
            ),
            (
                wrong(|told| told.questions[0].choices[1] = choice("yes")),
                "answer.questions[0].choices[1].id: another has it",
            ),
            (wrong(|told| told.questions[0].choices[1].text.clear()), "answer.questions[0].choices[1].text: empty"),
        ] {
            assert_eq!(error, rule);
        }
    }
}
