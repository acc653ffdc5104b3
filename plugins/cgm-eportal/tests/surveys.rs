//! The practice's survey: choices alone, whatever the vendor asks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use cgm_eportal::CgmEportal;
use dialog_plugin_sdk::feedback::{Answer, Feedback, Questionnaire};
use dialog_plugin_sdk::{Failure, Locale, Sent};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{answering, context, golden, keyed, only, refusal, sent, told};

fn survey() -> Result<Option<Questionnaire>, Failure> {
    CgmEportal::survey(context())
}

fn answer(question: &str, choice: &str) -> Answer {
    Answer { question: question.into(), choice: choice.into() }
}

#[test]
fn choices_are_shown_scales_become_choices_and_free_text_is_left_out() {
    let _host = answering(&told("survey"));
    let shown = survey().unwrap().unwrap();
    assert_eq!((shown.id.as_str(), shown.title.as_str()), ("SV-2026", "Hva synes du om legekontoret?"));
    let asked: Vec<_> = shown.questions.iter().map(|one| (one.id.as_str(), one.required, one.choices.len())).collect();
    assert_eq!(asked, [("reached", true, 3), ("satisfied", true, 11), ("channel", false, 3)]);
    let scale = &shown.questions[1].choices;
    assert_eq!((scale[0].id.as_str(), scale[0].text.as_str()), ("s.0", "0 – svært misfornøyd"));
    assert_eq!((scale[7].id.as_str(), scale[7].text.as_str()), ("s.7", "7"));
    assert_eq!((scale[10].id.as_str(), scale[10].text.as_str()), ("s.10", "10 – svært fornøyd"));
    assert_eq!(shown.questions[0].choices[1].id, "c.partly");
}

#[test]
fn a_survey_is_asked_for_in_the_citizens_language() {
    for (locale, language) in [(Locale::Nb, "NB"), (Locale::Nn, "NN"), (Locale::En, "EN")] {
        let host = answering(&json!({ "data": { "survey": null } }));
        let mut ctx = context();
        ctx.locale = locale;
        assert_eq!(CgmEportal::survey(ctx).unwrap(), None);
        assert_eq!(only(&host).json::<Value>()["variables"]["language"], language);
    }
}

#[test]
fn answers_go_back_as_the_vendor_has_them() {
    let host = answering(&json!({ "data": { "submitSurvey": { "accepted": true } } }));
    let answers = vec![answer("reached", "c.partly"), answer("satisfied", "s.8")];
    CgmEportal::submit(keyed("key-survey"), "SV-2026".into(), answers).unwrap();
    golden("survey-answers", &only(&host));
    for stray in ["partly", "s.eight", "s.99999999999", ""] {
        let failure = CgmEportal::submit(context(), "SV-2026".into(), vec![answer("reached", stray)]).unwrap_err();
        assert_eq!(sent(&failure), Some(Sent::No), "{stray}");
    }
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn a_survey_that_is_over_or_answered_says_so() {
    for (code, conflict) in [("SURVEY_CLOSED", true), ("SURVEY_ANSWERED", true), ("SURVEY_NOT_FOUND", false)] {
        let _host = answering(&refusal("submitSurvey", code));
        let failure = CgmEportal::submit(context(), "SV-2026".into(), vec![answer("a", "s.1")]).unwrap_err();
        assert_eq!(matches!(failure, Failure::Conflict(_)), conflict, "{failure:?}");
        assert!(conflict || matches!(failure, Failure::NotFound(_)));
    }
    let _host = answering(&json!({ "data": { "submitSurvey": { "accepted": false } } }));
    let failure = CgmEportal::submit(context(), "SV-2026".into(), vec![answer("a", "s.1")]).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)));
}

#[test]
fn a_survey_that_demands_free_text_is_not_shown() {
    let host = answering(&told("survey-demanding-text"));
    assert_eq!(survey().unwrap(), None);
    assert_eq!(host.lines().len(), 1);
}

fn changed(path: &str, value: Value) -> Value {
    let mut answer = told("survey");
    *answer.pointer_mut(&format!("/data/survey{path}")).unwrap() = value;
    answer
}

#[test]
fn a_survey_that_the_contract_cannot_carry_is_faulty_and_one_of_too_many_questions_is_not_shown() {
    let question = |n: usize| {
        let scale = json!({ "from": 1, "to": 5 });
        json!({ "id": format!("q{n}"), "kind": "SCALE", "text": "?", "required": false, "scale": scale })
    };
    for answer in [
        changed("/id", json!("")),
        changed("/questions/1/id", json!("reached")),
        changed("/questions/0/choices", json!([{ "id": "yes", "text": "Ja" }])),
        changed("/questions/0/choices/1/id", json!("yes")),
        changed("/questions/0/choices/1/id", json!("x".repeat(63))),
        changed("/questions/0/text", json!(" ")),
        changed("/questions/0/kind", json!("DRAWING")),
        changed("/questions/1/scale/to", json!(11)),
        changed("/questions/1/scale/to", json!(0)),
        changed("/questions/1/scale/to", json!(i32::MAX)),
        changed("/questions/1/scale/from", json!(i32::MIN)),
        changed("/questions", json!({})),
    ] {
        let _host = answering(&answer);
        let failure = survey().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No));
    }
    let _host = answering(&changed("/questions", (0..31).map(question).collect()));
    assert_eq!(survey().unwrap(), None);
}

proptest! {
    #[test]
    fn what_is_shown_is_within_the_contract_whatever_the_vendor_writes(
        title in "\\PC{0,400}",
        text in "\\PC{0,400}",
        label in "\\PC{0,400}",
        id in "\\PC{0,80}",
        from in -20_i32..20,
        to in -20_i32..20,
    ) {
        let mut answer = changed("/title", json!(title));
        let questions = &mut answer["data"]["survey"]["questions"];
        questions[0]["text"] = json!(text);
        questions[0]["choices"][0]["text"] = json!(label);
        questions[0]["choices"][0]["id"] = json!(id);
        questions[1]["scale"] = json!({ "from": from, "to": to, "fromText": label });
        let _host = answering(&answer);
        if let Ok(Some(shown)) = survey() {
            prop_assert!(shown.title.chars().count() <= 200);
            for question in &shown.questions {
                prop_assert!((1..=300).contains(&question.text.chars().count()));
                prop_assert!((2..=11).contains(&question.choices.len()));
                for choice in &question.choices {
                    prop_assert!((1..=64).contains(&choice.id.chars().count()));
                    prop_assert!((1..=200).contains(&choice.text.chars().count()));
                }
            }
        }
    }
}
