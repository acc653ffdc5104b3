//! A practice's survey, and what patients answered: choices, counted, and never who chose.

use super::NationalId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};

/// The survey's id.
pub const SURVEY: &str = "SV-2026";

/// The lowest and the highest value of a scale.
const SCALE: std::ops::RangeInclusive<i64> = 0..=10;

/// A language of texts for patients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Language {
    /// Bokmål.
    Nb,
    /// Nynorsk.
    Nn,
    /// English.
    En,
}

impl Language {
    fn pick(self, [nb, nn, en]: [&'static str; 3]) -> &'static str {
        match self {
            Language::Nb => nb,
            Language::Nn => nn,
            Language::En => en,
        }
    }
}

enum Kind {
    Choice(&'static [(&'static str, [&'static str; 3])]),
    Scale([&'static str; 3], [&'static str; 3]),
    /// Asked in the vendor's own portal.
    FreeText,
}

struct Question {
    id: &'static str,
    text: [&'static str; 3],
    required: bool,
    kind: Kind,
}

const QUESTIONS: [Question; 4] = [
    Question {
        id: "reached",
        text: ["Fikk du svar raskt nok?", "Fekk du svar raskt nok?", "Were you answered soon enough?"],
        required: true,
        kind: Kind::Choice(&[
            ("yes", ["Ja", "Ja", "Yes"]),
            ("partly", ["Delvis", "Delvis", "Partly"]),
            ("no", ["Nei", "Nei", "No"]),
        ]),
    },
    Question {
        id: "satisfied",
        text: [
            "Hvor fornøyd er du med legekontoret?",
            "Kor nøgd er du med legekontoret?",
            "How satisfied are you with the office?",
        ],
        required: true,
        kind: Kind::Scale(
            ["svært misfornøyd", "svært misnøgd", "very dissatisfied"],
            ["svært fornøyd", "svært nøgd", "very satisfied"],
        ),
    },
    Question {
        id: "channel",
        text: [
            "Hvordan vil du helst ha kontakt?",
            "Korleis vil du helst ha kontakt?",
            "How do you prefer to be in touch?",
        ],
        required: false,
        kind: Kind::Choice(&[
            ("digital", ["Digitalt", "Digitalt", "Digitally"]),
            ("phone", ["Telefon", "Telefon", "By telephone"]),
            ("visit", ["Oppmøte", "Oppmøte", "In person"]),
        ]),
    },
    Question {
        id: "comment",
        text: ["Er det noe mer du vil si?", "Er det noko meir du vil seie?", "Is there anything else?"],
        required: false,
        kind: Kind::FreeText,
    },
];

/// An answer as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Which question.
    pub question: String,
    /// Of a choice.
    #[serde(default)]
    pub choice: Option<String>,
    /// Of a scale.
    #[serde(default)]
    pub value: Option<i64>,
}

/// A practice's survey.
#[derive(Debug, Default)]
pub struct Survey {
    /// Whether it is open.
    pub open: bool,
    /// Whether it asks for free text that must be written: then the contract cannot carry it.
    pub demands_text: bool,
    /// How often each answer was given, by question and answer.
    pub counted: BTreeMap<(String, String), u64>,
    answered: HashSet<NationalId>,
}

/// Why answers are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It is not open.
    Closed,
    /// The patient has answered.
    Answered,
    /// An answer does not fit its question, or one is missing: which rule.
    Wrong(&'static str),
}

impl Survey {
    /// One that is open, and that nobody has answered.
    pub fn opened() -> Survey {
        Survey { open: true, ..Survey::default() }
    }

    /// Opens it for everybody, those too who have answered.
    pub fn ask_again(&mut self) {
        self.open = true;
        self.answered.clear();
    }

    /// Whether it is open for a patient.
    pub fn is_open_for(&self, patient: &NationalId) -> bool {
        self.open && !self.answered.contains(patient)
    }

    /// As the schema has it.
    pub fn json(&self, language: Language) -> Value {
        let questions: Vec<Value> = QUESTIONS.iter().map(|question| self.question(question, language)).collect();
        let title =
            ["Hva synes du om legekontoret?", "Kva synest du om legekontoret?", "What do you think of the office?"];
        json!({ "id": SURVEY, "title": language.pick(title), "questions": questions })
    }

    fn question(&self, question: &Question, language: Language) -> Value {
        let mut shown = json!({
            "id": question.id, "text": language.pick(question.text), "required": question.required,
            "choices": null, "scale": null,
        });
        shown["kind"] = match question.kind {
            Kind::Choice(choices) => {
                let choice = |(id, text): &(&str, [&'static str; 3])| json!({ "id": id, "text": language.pick(*text) });
                shown["choices"] = choices.iter().map(choice).collect();
                json!("CHOICE")
            }
            Kind::Scale(low, high) => {
                shown["scale"] = json!({
                    "from": SCALE.start(), "to": SCALE.end(),
                    "fromText": language.pick(low), "toText": language.pick(high),
                });
                json!("SCALE")
            }
            Kind::FreeText => {
                shown["required"] = json!(self.demands_text);
                json!("FREE_TEXT")
            }
        };
        shown
    }

    /// Takes a patient's answers, once.
    pub fn take(&mut self, patient: &NationalId, answers: &[Given]) -> Result<(), NotTaken> {
        if !self.open {
            return Err(NotTaken::Closed);
        }
        if self.answered.contains(patient) {
            return Err(NotTaken::Answered);
        }
        let mut counted = BTreeMap::new();
        for given in answers {
            let question = QUESTIONS.iter().find(|question| question.id == given.question);
            let answer = match (question.map(|question| &question.kind), &given.choice, given.value) {
                (Some(Kind::Choice(choices)), Some(choice), None) if choices.iter().any(|(id, _)| id == choice) => {
                    choice.clone()
                }
                (Some(Kind::Scale(..)), None, Some(value)) if SCALE.contains(&value) => value.to_string(),
                _ => return Err(NotTaken::Wrong("an answer does not fit a question")),
            };
            if counted.insert(given.question.clone(), answer).is_some() {
                return Err(NotTaken::Wrong("a question is answered twice"));
            }
        }
        if QUESTIONS.iter().any(|question| question.required && !counted.contains_key(question.id)) {
            return Err(NotTaken::Wrong("a question that must be answered is not"));
        }
        self.answered.insert(patient.clone());
        for answer in counted {
            *self.counted.entry(answer).or_default() += 1;
        }
        Ok(())
    }
}
