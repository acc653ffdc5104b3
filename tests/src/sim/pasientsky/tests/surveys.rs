//! Surveys: answered once, by what stands there, and never in words.

use super::{CLINIC, PATIENT, START, code, get, if_none_exist, post, sim, uuid};
use crate::sim::pasientsky::PasientskySim;
use crate::sim::pasientsky::codes::{naming, system};
use reqwest::StatusCode;
use serde_json::{Value, json};

fn answers(number: u32, round: u32, item: &Value) -> Value {
    json!({
        "resourceType": "QuestionnaireResponse",
        "identifier": { "system": naming("request"), "value": uuid("survey", number) },
        "questionnaire": format!("https://fhir.pasientsky.example/Questionnaire/survey-{CLINIC}-{round}|1"),
        "status": "completed",
        "subject": { "reference": PATIENT },
        "authored": START,
        "item": item,
    })
}

fn reached(code: &str) -> Value {
    json!({ "linkId": "reached", "answer": [{ "valueCoding": { "system": system("survey-answer"), "code": code } }] })
}

async fn respond(sim: &PasientskySim, answers: &Value) -> (StatusCode, Value) {
    let known = json!({ "identifier": [answers["identifier"]] });
    post(sim, "/QuestionnaireResponse", &[("if-none-exist", if_none_exist(&known))], answers).await
}

#[tokio::test]
async fn a_survey_is_answered_once_and_asked_anew() {
    let sim = sim().await;
    let given = answers(1, 1, &json!([reached("yes"), { "linkId": "satisfied", "answer": [{ "valueInteger": 5 }] }]));
    assert_eq!(respond(&sim, &given).await.0, StatusCode::CREATED);
    assert_eq!(respond(&sim, &given).await.0, StatusCode::OK, "the same again");
    let (status, body) = respond(&sim, &answers(2, 1, &json!([reached("no")]))).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "questionnaire-answered"));
    assert!(sim.survey_answers(CLINIC).values().all(|count| *count == 1));

    sim.ask(CLINIC).unwrap();
    let (status, body) = respond(&sim, &answers(3, 1, &json!([reached("no")]))).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "questionnaire-closed"));
    assert_eq!(respond(&sim, &answers(4, 2, &json!([reached("no")]))).await.0, StatusCode::CREATED);
    let (status, body) = respond(&sim, &answers(5, 3, &json!([reached("no")]))).await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "unknown-questionnaire"));
    sim.end_survey(CLINIC);
    let venue = format!("{}%7C{CLINIC}", naming("healthcare-service"));
    let (_, found) = get(&sim, &format!("/Questionnaire?context={venue}&status=active")).await;
    assert_eq!(found["entry"], Value::Null);
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn words_and_answers_that_nobody_offers_are_violations_and_nothing_is_kept() {
    for (rule, item) in [
        ("a text", json!([{ "linkId": "comment", "answer": [{ "valueString": "Takk!" }] }])),
        ("no choice of it", json!([reached("maybe")])),
        ("no step of it", json!([reached("yes"), { "linkId": "satisfied", "answer": [{ "valueInteger": 6 }] }])),
        ("no question of it", json!([reached("yes"), { "linkId": "age", "answer": [{ "valueInteger": 1 }] }])),
        ("twice", json!([reached("yes"), reached("no")])),
        ("two answers", json!([{ "linkId": "satisfied", "answer": [{ "valueInteger": 1 }, { "valueInteger": 2 }] }])),
        ("one is missing", json!([{ "linkId": "satisfied", "answer": [{ "valueInteger": 1 }] }])),
        ("none", json!([])),
    ] {
        let sim = sim().await;
        assert_eq!(respond(&sim, &answers(1, 1, &item)).await.0, StatusCode::BAD_REQUEST, "{rule}");
        assert_eq!(sim.violations().len(), 1, "{rule}");
        assert!(sim.survey_answers(CLINIC).is_empty(), "{rule}");
    }
}
