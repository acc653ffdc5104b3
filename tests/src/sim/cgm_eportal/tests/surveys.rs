//! A practice's survey.

use super::*;

async fn survey(vendor: &Vendor, language: &str) -> Value {
    let variables = json!({ "practice": PRACTICE, "patient": LEILA.national_id, "language": language });
    let (status, answer) = vendor.ask(SURVEY, &variables).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null));
    answer["data"]["survey"].clone()
}

fn answers(id: &str, answers: &Value) -> Value {
    json!({
        "clientMutationId": id, "practice": PRACTICE, "survey": "SV-2026", "patient": LEILA.national_id, "answers": answers,
    })
}

#[tokio::test]
async fn a_survey_is_asked_in_three_languages_and_answered_once() {
    let vendor = vendor().await;
    let shown = survey(&vendor, "EN").await;
    assert_eq!(
        (&shown["title"], &shown["questions"][1]["scale"]["to"]),
        (&json!("What do you think of the office?"), &json!(10))
    );
    assert_eq!(survey(&vendor, "NN").await["questions"][1]["text"], "Kor nøgd er du med legekontoret?");
    let given = json!([{ "question": "reached", "choice": "partly" }, { "question": "satisfied", "value": 8 }]);
    assert_eq!(vendor.done(SUBMIT, &answers("r1", &given)).await, json!({ "accepted": true }));
    assert!(survey(&vendor, "NB").await.is_null());
    assert_eq!(vendor.refusal(SUBMIT, &answers("r2", &given)).await, "SURVEY_ANSWERED");
    let counted = vendor.survey_answers(PRACTICE).unwrap();
    let expected = [(("reached", "partly"), 1), (("satisfied", "8"), 1)];
    assert!(
        counted.iter().map(|((question, answer), count)| ((question.as_str(), answer.as_str()), *count)).eq(expected)
    );
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn answers_that_do_not_fit_their_questions_are_violations() {
    let vendor = vendor().await;
    let reached = json!({ "question": "reached", "choice": "yes" });
    let satisfied = json!({ "question": "satisfied", "value": 8 });
    for given in [
        json!([reached]),
        json!([reached, reached, satisfied]),
        json!([reached, { "question": "satisfied", "value": 11 }]),
        json!([reached, { "question": "satisfied", "choice": "8" }]),
        json!([{ "question": "reached", "choice": "perhaps" }, satisfied]),
        json!([reached, satisfied, { "question": "comment", "choice": "x" }]),
        json!([reached, satisfied, { "question": "else", "value": 1 }]),
    ] {
        let before = vendor.violations().len();
        assert_eq!(vendor.refusal(SUBMIT, &answers("r1", &given)).await, "BAD_USER_INPUT", "{given}");
        assert_eq!(vendor.violations().len(), before + 1);
    }
    assert!(vendor.survey_answers(PRACTICE).unwrap().is_empty());
}

#[tokio::test]
async fn a_survey_that_is_closed_is_not_shown_and_takes_nothing() {
    let vendor = vendor().await;
    vendor.set_survey(PRACTICE, false, false).unwrap();
    assert!(survey(&vendor, "NB").await.is_null());
    assert_eq!(vendor.refusal(SUBMIT, &answers("r1", &json!([]))).await, "SURVEY_CLOSED");
    let mut other = answers("r2", &json!([]));
    other["survey"] = json!("SV-1999");
    assert_eq!(vendor.refusal(SUBMIT, &other).await, "SURVEY_NOT_FOUND");
}
