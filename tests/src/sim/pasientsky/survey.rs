//! A clinic's survey: a Questionnaire, and the QuestionnaireResponses of patients, one each. What must be chosen is chosen
//! from what stands there; a text is asked for in the vendor's own portal, and cannot come from elsewhere.

use super::SimError;
use super::codes::{Kind, Origin, naming, system};
use super::outcome::Refused;
use super::record::Record;
use super::resource::{Coding, Identifier, Reference};
use super::rules::{self, identified, rule};
use super::state::State;
use super::write::{Written, existing, known, remember};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Words in another language than the element's own, by HL7.
const TRANSLATION: &str = "http://hl7.org/fhir/StructureDefinition/translation";
/// For what a resource is meant, by HL7.
const USAGE: &str = "http://terminology.hl7.org/CodeSystem/usage-context-type";

/// A patient's answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewResponse {
    /// `QuestionnaireResponse`.
    pub resource_type: String,
    /// Of the request.
    pub identifier: Identifier,
    /// Address and version of the questionnaire.
    pub questionnaire: String,
    /// `completed`.
    pub status: String,
    /// Patient.
    pub subject: Reference,
    /// When.
    pub authored: Timestamp,
    /// Answers, a question each.
    pub item: Vec<Answered>,
}

/// The answer to one question.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answered {
    /// Which.
    pub link_id: String,
    /// One.
    pub answer: Vec<Chosen>,
}

/// What was chosen: there is no place for a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chosen {
    /// A code.
    #[serde(default)]
    pub value_coding: Option<Coding>,
    /// A step of a scale.
    #[serde(default)]
    pub value_integer: Option<i64>,
}

/// A text in the clinic's language, and in two others.
fn worded(element: &str, [nb, nn, en]: [&str; 3]) -> Value {
    let other = |language: &str, text: &str| {
        json!({ "url": TRANSLATION, "extension": [
            { "url": "lang", "valueCode": language }, { "url": "content", "valueString": text },
        ] })
    };
    json!({ element: nb, format!("_{element}"): { "extension": [other("nn", nn), other("en", en)] } })
}

fn with(mut one: Value, more: Value) -> Value {
    if let (Some(one), Value::Object(more)) = (one.as_object_mut(), more) {
        one.extend(more);
    }
    one
}

fn option(code: &str, words: [&str; 3]) -> Value {
    let coding = json!({ "system": system("survey-answer"), "code": code });
    json!({ "valueCoding": with(coding, worded("display", words)) })
}

/// Three questions, of which one is for a text.
fn items() -> Value {
    let reached = json!({ "linkId": "reached", "type": "choice", "required": true, "answerOption": [
        option("yes", ["Ja", "Ja", "Yes"]),
        option("partly", ["Delvis", "Delvis", "Partly"]),
        option("no", ["Nei", "Nei", "No"]),
    ] });
    let steps: Vec<Value> = (1..=5).map(|step| json!({ "valueInteger": step })).collect();
    let satisfied = json!({ "linkId": "satisfied", "type": "choice", "required": false, "answerOption": steps });
    let comment = json!({ "linkId": "comment", "type": "text", "required": false });
    json!([
        with(
            reached,
            worded("text", ["Fikk du svar raskt nok?", "Fekk du svar raskt nok?", "Were you answered soon enough?"])
        ),
        with(
            satisfied,
            worded(
                "text",
                [
                    "Hvor fornøyd er du med legekontoret, fra 1 til 5?",
                    "Kor nøgd er du med legekontoret, frå 1 til 5?",
                    "How satisfied are you with the office, from 1 to 5?",
                ]
            )
        ),
        with(
            comment,
            worded("text", ["Er det noe mer du vil si?", "Er det noko meir du vil seie?", "Is there anything else?"])
        ),
    ])
}

/// Whether a questionnaire is of a clinic.
pub(super) fn is_of(questionnaire: &Record, clinic: &str) -> bool {
    let venues = questionnaire.body["useContext"].as_array();
    venues.into_iter().flatten().any(|one| {
        let coding = &one["valueCodeableConcept"]["coding"][0];
        coding["system"] == naming("healthcare-service") && coding["code"] == clinic
    })
}

/// Address and version.
pub(super) fn canonical(questionnaire: &Record) -> Option<String> {
    Some(format!("{}|{}", questionnaire.text("/url")?, questionnaire.text("/version")?))
}

/// Takes a patient's answers, once.
pub fn respond(state: &mut State, route: &str, condition: Option<&str>, value: &Value) -> Result<Written, Refused> {
    const KIND: Kind = Kind::QuestionnaireResponse;
    let new: NewResponse = rules::read(state, route, value)?;
    let identifier = [new.identifier.clone()];
    identified(state, route, &identifier, &["request"])?;
    if let Some(known) = existing(state, route, KIND, (condition, &identifier), value)? {
        return Ok(known);
    }
    let fits = new.resource_type == KIND.name() && new.status == "completed" && !new.item.is_empty();
    rule(state, route, fits, "QuestionnaireResponse: not completed, or without an answer")?;
    let asked = state.of(Kind::Questionnaire).find(|one| canonical(one).as_deref() == Some(&new.questionnaire));
    let asked = asked.cloned().ok_or(Refused::unknown("unknown-questionnaire"))?;
    let venue = asked.text("/useContext/0/valueCodeableConcept/coding/0/code").unwrap_or_default();
    known(state, &new.subject.reference, &format!("HealthcareService/{venue}"))?;
    if asked.text("/status") != Some("active") {
        return Err(Refused::conflict("questionnaire-closed"));
    }
    let answered = |one: &Record| {
        one.text("/questionnaire") == Some(&new.questionnaire) && one.refers("/subject", &new.subject.reference)
    };
    if state.of(KIND).any(answered) {
        return Err(Refused::conflict("questionnaire-answered"));
    }
    chosen(state, route, &asked, &new.item)?;
    let id = state.number("qr");
    let mut body = value.clone();
    if let Some(elements) = body.as_object_mut() {
        elements.remove("resourceType");
    }
    state.put(KIND, &id, body, Origin::Portal);
    remember(state, KIND, &identifier, &id, value);
    Ok(Written { kind: KIND, id, created: true })
}

/// Each answer must be one of its question's, each question be answered once, and those answered that must be.
fn chosen(state: &mut State, route: &str, asked: &Record, given: &[Answered]) -> Result<(), Refused> {
    let questions = asked.body["item"].as_array().cloned().unwrap_or_default();
    let is_one_of_its = |one: &Answered| {
        let question = questions.iter().find(|question| question["linkId"] == one.link_id.as_str());
        let [chosen] = one.answer.as_slice() else { return false };
        question.and_then(|question| question["answerOption"].as_array()).into_iter().flatten().any(|option| {
            match (&chosen.value_coding, chosen.value_integer) {
                (Some(Coding { system, code }), None) => {
                    option["valueCoding"]["system"] == system.as_str() && option["valueCoding"]["code"] == code.as_str()
                }
                (None, Some(step)) => option["valueInteger"] == step,
                _ => false,
            }
        })
    };
    rule(state, route, given.iter().all(is_one_of_its), "an answer that its question does not have")?;
    let times = |id: &str| given.iter().filter(|one| one.link_id == id).count();
    rule(state, route, given.iter().all(|one| times(&one.link_id) == 1), "a question is answered twice")?;
    let needed = |question: &Value| question["required"] == true;
    let whole =
        questions.iter().filter(|one| needed(one)).all(|one| one["linkId"].as_str().is_some_and(|id| times(id) == 1));
    rule(state, route, whole, "a question that must be answered is not")
}

impl State {
    /// A clinic asks its patients, those too who have answered before: its survey so far is over, and this is a new one.
    pub fn ask(&mut self, clinic: &str) -> Result<(), SimError> {
        let clinic = self.clinic(clinic)?.id.clone();
        self.end_survey(&clinic);
        let round = self.of(Kind::Questionnaire).filter(|one| is_of(one, &clinic)).count() + 1;
        let id = format!("survey-{clinic}-{round}");
        let venue = json!([{
            "code": { "system": USAGE, "code": "venue" },
            "valueCodeableConcept": { "coding": [{ "system": naming("healthcare-service"), "code": clinic }] },
        }]);
        let title =
            ["Hva synes du om legekontoret?", "Kva synest du om legekontoret?", "What do you think of the office?"];
        let body = json!({
            "url": format!("https://fhir.pasientsky.example/Questionnaire/{id}"),
            "version": "1",
            "language": "nb",
            "status": "active",
            "subjectType": ["Patient"],
            "useContext": venue,
            "item": items(),
        });
        self.put(Kind::Questionnaire, &id, with(body, worded("title", title)), Origin::Clinic);
        Ok(())
    }

    /// A clinic asks no more.
    pub fn end_survey(&mut self, clinic: &str) {
        let open = |one: &&Record| is_of(one, clinic) && one.text("/status") == Some("active");
        let ids: Vec<String> = self.of(Kind::Questionnaire).filter(open).map(|one| one.id.clone()).collect();
        for id in ids {
            self.amend(Kind::Questionnaire, &id, Origin::Clinic, |one| one["status"] = json!("retired"));
        }
    }

    /// A clinic's survey as it is now demands that a text be written, or does not.
    pub fn demand_text(&mut self, clinic: &str, demanded: bool) -> Result<(), SimError> {
        let clinic = self.clinic(clinic)?.id.clone();
        let open = |one: &&Record| is_of(one, &clinic) && one.text("/status") == Some("active");
        let ids: Vec<String> = self.of(Kind::Questionnaire).filter(open).map(|one| one.id.clone()).collect();
        for id in ids {
            self.amend(Kind::Questionnaire, &id, Origin::Clinic, |one| one["item"][2]["required"] = json!(demanded));
        }
        Ok(())
    }

    /// How often each answer to a clinic's surveys was given, by question and answer.
    pub fn counted(&self, clinic: &str) -> BTreeMap<(String, String), u64> {
        let asked: Vec<String> =
            self.of(Kind::Questionnaire).filter(|one| is_of(one, clinic)).filter_map(canonical).collect();
        let mut counted = BTreeMap::new();
        let of_it = |one: &&Record| one.text("/questionnaire").is_some_and(|to| asked.iter().any(|known| known == to));
        for item in
            self.of(Kind::QuestionnaireResponse).filter(of_it).filter_map(|one| one.body["item"].as_array()).flatten()
        {
            let answer = &item["answer"][0];
            let answer = match answer["valueCoding"]["code"].as_str() {
                Some(code) => code.to_owned(),
                None => answer["valueInteger"].to_string(),
            };
            let question = item["linkId"].as_str().unwrap_or_default().to_owned();
            *counted.entry((question, answer)).or_default() += 1;
        }
        counted
    }
}
