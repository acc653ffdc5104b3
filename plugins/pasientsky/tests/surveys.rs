//! The clinic's survey: choices alone, whatever the vendor asks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use dialog_plugin_sdk::feedback::{Answer, Feedback, Questionnaire};
use dialog_plugin_sdk::testing::Reply;
use dialog_plugin_sdk::{Context, Failure, Locale, Sent};
use pasientsky::Pasientsky;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{SURVEY, context, fhir, golden, keyed, outcome, sent, told, vendor, vendor_but, writes};

fn survey() -> Result<Option<Questionnaire>, Failure> {
    Pasientsky::survey(context())
}

fn answer(question: &str, choice: &str) -> Answer {
    Answer { question: question.into(), choice: choice.into() }
}

/// A vendor whose survey is changed in one place, wherever it is read.
fn asking(path: &str, value: &Value) -> dialog_plugin_sdk::testing::Host {
    let mut survey = told()["survey"].clone();
    *survey.pointer_mut(path).unwrap() = value.clone();
    let mut all = told()["surveys"].clone();
    all["entry"][0]["resource"] = survey.clone();
    vendor_but(move |request| match request.path.as_str() {
        "/Questionnaire" => Some(fhir(200, &all)),
        path if path.starts_with("/Questionnaire/") => Some(fhir(200, &survey).header("etag", "W/\"1\"")),
        _ => None,
    })
}

#[test]
fn codes_and_steps_are_choices_and_a_text_is_not_asked_for() {
    let host = vendor();
    let shown = survey().unwrap().unwrap();
    assert_eq!((shown.id.as_str(), shown.title.as_str()), (SURVEY, "Hva synes du om legekontoret?"));
    let asked: Vec<_> = shown.questions.iter().map(|one| (one.id.as_str(), one.required, one.choices.len())).collect();
    assert_eq!(asked, [("reached", true, 3), ("satisfied", false, 5)]);
    let choices = |at: usize| {
        let choices = shown.questions[at].choices.iter();
        choices.map(|one| (one.id.as_str(), one.text.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(choices(0)[1], ("c.partly", "Delvis"));
    assert_eq!(choices(1)[4], ("i.5", "5"));
    let requests = host.requests();
    assert_eq!(requests.len(), 3, "the patient, the surveys, and whether it is answered");
    golden("patient-search", &requests[0]);
    golden("surveys", &requests[1]);
    golden("survey-answered", &requests[2]);
}

#[test]
fn a_survey_speaks_the_citizens_language_and_its_own_where_it_must() {
    let asked = |locale| {
        let shown = Pasientsky::survey(Context { locale, ..context() }).unwrap().unwrap();
        (shown.title, shown.questions[0].text.clone(), shown.questions[0].choices[0].text.clone())
    };
    let host = vendor();
    let said = |title: &str, text: &str, choice: &str| (title.to_owned(), text.to_owned(), choice.to_owned());
    assert_eq!(asked(Locale::Nn), said("Kva synest du om legekontoret?", "Fekk du svar raskt nok?", "Ja"));
    assert_eq!(asked(Locale::En), said("What do you think of the office?", "Were you answered soon enough?", "Yes"));
    drop(host);
    let _host = asking("/_title", &json!({ "extension": [{ "url": "urn:other" }] }));
    assert_eq!(asked(Locale::En).0, "Hva synes du om legekontoret?");
}

#[test]
fn who_has_answered_is_not_asked_and_a_clinic_that_asks_nothing_has_no_survey() {
    let nothing = told()["unanswered"].clone();
    let mut answered = nothing.clone();
    let response = json!({ "resourceType": "QuestionnaireResponse", "id": "qr-1" });
    answered["entry"] = json!([{ "resource": response, "search": { "mode": "match" } }]);
    let host =
        vendor_but(move |request| (request.path == "/QuestionnaireResponse/_search").then(|| fhir(200, &answered)));
    assert_eq!(survey().unwrap(), None);
    drop(host);
    let _host = vendor_but(move |request| (request.path == "/Questionnaire").then(|| fhir(200, &nothing)));
    assert_eq!(survey().unwrap(), None);
}

#[test]
fn answers_go_back_as_the_vendor_has_them() {
    let host = vendor();
    let answers = vec![answer("reached", "c.partly"), answer("satisfied", "i.4")];
    Pasientsky::submit(keyed("key-survey"), SURVEY.into(), answers).unwrap();
    let requests = host.requests();
    golden("survey", &requests[1]);
    golden("survey-answers", &requests[2]);
    assert_eq!(requests.len(), 3);
}

#[test]
fn what_the_survey_does_not_offer_is_not_sent() {
    let host = vendor();
    for (question, choice) in
        [("reached", "c.maybe"), ("reached", "partly"), ("satisfied", "i.6"), ("comment", "c.yes"), ("age", "i.1")]
    {
        let failure = Pasientsky::submit(context(), SURVEY.into(), vec![answer(question, choice)]).unwrap_err();
        assert!(matches!(failure, Failure::Conflict(_)), "{question} {choice}: {failure:?}");
    }
    assert!(!host.requests().iter().any(writes));
    drop(host);
    let host = asking("/status", &json!("retired"));
    let failure = Pasientsky::submit(context(), SURVEY.into(), vec![answer("reached", "c.yes")]).unwrap_err();
    assert!(matches!(failure, Failure::Conflict(_)) && !host.requests().iter().any(writes), "{failure:?}");
    let failure = Pasientsky::submit(context(), "../Patient/p-1".into(), vec![answer("reached", "c.yes")]).unwrap_err();
    assert!(matches!(failure, Failure::NotFound(_)));
}

#[test]
fn a_survey_that_is_over_answered_or_gone_says_so_and_one_that_cannot_be_reached_has_nothing() {
    for (status, code, conflict) in [
        (409, "questionnaire-closed", true),
        (409, "questionnaire-answered", true),
        (404, "unknown-questionnaire", false),
    ] {
        let _host = vendor_but(move |request| writes(request).then(|| fhir(status, &outcome(code, None))));
        let failure = Pasientsky::submit(context(), SURVEY.into(), vec![answer("reached", "c.yes")]).unwrap_err();
        assert_eq!(matches!(failure, Failure::Conflict(_)), conflict, "{failure:?}");
        assert!(conflict || matches!(failure, Failure::NotFound(_)), "{failure:?}");
    }
    for down in ["/Patient/_search", "/Questionnaire/survey-hs-8150301-1"] {
        let _host = vendor_but(move |request| (request.path == down).then(|| Reply::status(503)));
        let failure = Pasientsky::submit(context(), SURVEY.into(), vec![answer("reached", "c.yes")]).unwrap_err();
        assert!(matches!(failure, Failure::Unavailable(_)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No));
    }
}

#[test]
fn a_survey_that_demands_what_is_no_choice_is_not_shown() {
    for (path, value) in
        [("/item/2/required", json!(true)), ("/item/0/type", json!("open-choice")), ("/item", json!([]))]
    {
        let host = asking(path, &value);
        assert_eq!(survey().unwrap(), None, "{path}");
        assert_eq!(host.lines().len(), 1, "{path}");
    }
}

#[test]
fn a_survey_that_the_contract_cannot_carry_is_faulty() {
    let step = json!({ "valueInteger": 1 });
    for (path, value) in [
        ("/id", json!("..")),
        ("/url", json!("")),
        ("/version", json!("1|2")),
        ("/title", json!(" ")),
        ("/item/1/linkId", json!("reached")),
        ("/item/0/answerOption", json!([step])),
        ("/item/0/answerOption", json!([step, step])),
        ("/item/0/answerOption/0", json!({ "valueString": "Ja" })),
        ("/item/0/answerOption/0/valueCoding/code", json!("x".repeat(63))),
        ("/item/0/text", json!(7)),
        ("/item", json!({})),
    ] {
        let _host = asking(path, &value);
        let failure = survey().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{path}: {failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No));
    }
}

proptest! {
    #[test]
    fn what_is_shown_is_within_the_contract_whatever_the_vendor_writes(
        text in "\\PC{0,400}",
        code in "\\PC{0,80}",
        id in "\\PC{0,80}",
        steps in prop::collection::vec(any::<i32>(), 0..14),
    ) {
        let steps: Vec<Value> = steps.into_iter().map(|step| json!({ "valueInteger": step })).collect();
        let own = json!({ "system": "s", "code": code, "display": text });
        let option = json!({ "valueCoding": { "system": "s", "code": "other", "display": "Nei" } });
        let _host = asking("/item", &json!([
            { "linkId": id, "type": "choice", "text": text, "answerOption": [{ "valueCoding": own }, option] },
            { "linkId": "steps", "type": "choice", "text": "?", "answerOption": steps },
        ]));
        if let Ok(Some(shown)) = survey() {
            for question in &shown.questions {
                prop_assert!((1..=64).contains(&question.id.chars().count()));
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
