//! Satisfaction surveys.

use std::{collections::BTreeMap, sync::Arc};

use dialog_contract::{
    provider::{Failure, Interface},
    service::{Locale, Sent},
    survey::{Answer, Choice, NewSurveyAnswers, OpenSurvey, Question, Questionnaire, SurveyResult, SurveyResults},
};
use dialog_core::{
    Outcome,
    permit::{Citizen, Permitted},
    request::Request,
};

use crate::support::*;

fn asked() -> Questionnaire {
    let choice = |id: &str| Choice { id: id.into(), text: format!("Svar {id}") };
    let question = |id: &str, required| Question {
        id: id.into(),
        text: format!("Spørsmål {id}"),
        choices: vec![choice("yes"), choice("no")],
        required,
    };
    Questionnaire {
        id: "s1".into(),
        title: "Hva synes du?".into(),
        questions: vec![question("a", true), question("b", false)],
    }
}

/// A world whose provider has the survey open for everybody.
async fn world() -> World {
    let world = World::new().await;
    world.exports(Interface::Feedback);
    world
}

fn opens(world: &World, survey: Option<Questionnaire>) {
    world.providers.surveys.lock().unwrap().push_back(Box::new(move || Ok(survey)));
}

fn chosen(answers: &[(&str, &str)]) -> NewSurveyAnswers {
    let answer = |(question, choice): &(&str, &str)| Answer { question: (*question).into(), choice: (*choice).into() };
    NewSurveyAnswers { provider: plugin(), survey: "s1".into(), answers: answers.iter().map(answer).collect() }
}

async fn answer_as(world: &World, who: &Permitted<Citizen>, request: &Request, new: NewSurveyAnswers) -> Outcome {
    opens(world, Some(asked()));
    world.desk.answer_survey(who, request, new).await
}

async fn answer(world: &World, number: &str, answers: &[(&str, &str)]) -> Outcome {
    let outcome = answer_as(world, &world.citizen(number), &post("/v1/me/survey"), chosen(answers)).await;
    world.providers.surveys.lock().unwrap().clear();
    outcome
}

async fn results(world: &World) -> Vec<SurveyResult> {
    let answer = world.desk.survey_results(&world.operator(), &get(), None).await.unwrap();
    let SurveyResults { items, more } = serde_json::from_slice(&answer.body).unwrap();
    assert!(!more);
    items
}

fn counts(result: &SurveyResult) -> BTreeMap<String, Option<u32>> {
    let of = |question: &dialog_contract::survey::QuestionResult| {
        let id = question.id.clone();
        question.choices.iter().map(move |one| (format!("{id} {}", one.id), one.count)).collect::<Vec<_>>()
    };
    result.questions.iter().flat_map(of).collect()
}

#[tokio::test]
async fn a_survey_that_is_open_is_shown_with_who_asks_and_in_the_citizens_language() {
    let world = world().await;
    for locale in Locale::ALL {
        opens(&world, Some(asked()));
        let answer = world.desk.survey(&world.kari(), &Request { locale: *locale, ..get() }).await.unwrap();
        let open: OpenSurvey = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, open.provider.id, open.survey), (200, plugin(), asked()));
    }
    let locales: Vec<Locale> = world.providers.calls("survey").iter().map(|seen| seen.context.locale).collect();
    assert_eq!(locales, Locale::ALL);
}

#[tokio::test]
async fn where_there_is_none_or_nobody_asks_the_answer_is_empty() {
    let world = World::new().await;
    let empty = async |world: &World| {
        let answer = world.desk.survey(&world.kari(), &get()).await.unwrap();
        (answer.status, answer.body.len())
    };
    assert_eq!(empty(&world).await, (204, 0));
    assert!(world.providers.calls("survey").is_empty());
    world.exports(Interface::Feedback);
    assert_eq!(empty(&world).await, (204, 0));
    assert_eq!(world.providers.calls("survey").len(), 1, "one provider of many services is asked once");
    world.providers.surveys.lock().unwrap().push_back(Box::new(|| Err(unavailable(Sent::Unknown))));
    assert_eq!(why(world.desk.survey(&world.kari(), &get()).await), "provider-unavailable no");
}

#[tokio::test]
async fn a_survey_whose_ids_are_sentences_or_may_be_numbers_of_persons_is_not_shown() {
    let world = world().await;
    for id in ["hva synes du", "14838541241", "å", ""] {
        let mut survey = asked();
        survey.questions[1].choices[1].id = id.into();
        opens(&world, Some(survey));
        assert_eq!(world.desk.survey(&world.kari(), &get()).await.unwrap().status, 204, "{id}");
    }
}

#[tokio::test]
async fn answers_reach_the_provider_and_are_counted_without_a_trace_of_who_chose() {
    let world = world().await;
    let outcome = answer(&world, KARI, &[("a", "yes"), ("b", "no")]).await.unwrap();
    assert_eq!((outcome.status, outcome.body.len()), (204, 0));
    let submitted = world.providers.submitted.lock().unwrap().clone();
    assert_eq!(submitted, [("s1".to_owned(), chosen(&[("a", "yes"), ("b", "no")]).answers)]);
    let [result] = &results(&world).await[..] else { panic!("one survey") };
    assert_eq!((result.office, &result.provider, result.at_least), (office_id(), &plugin(), 0));
    assert!(counts(result).values().all(Option::is_none), "one answer tells nothing");
    let record = world.log.last();
    assert_eq!((record.action, record.citizen), ("survey-results.read".parse().unwrap(), None));
    assert_eq!(world.log.kinds("survey.submit").len(), 2, "intent and outcome");
    let records = world.log.records.lock().unwrap();
    let mut about = records.iter().filter(|record| record.action == "survey.submit");
    assert!(about.all(|record| record.request_sha256.is_none()), "by which what was chosen could be tried");
    let records = serde_json::to_string(&*records).unwrap();
    assert!(!records.contains("Svar") && !records.contains("\"s1\""), "nor which survey it was");
}

#[tokio::test]
async fn a_count_is_told_from_five_on_and_cannot_be_reckoned_from_the_others() {
    let world = world().await;
    let people = ["14838541241", "02917130593", "20881780195"];
    // Three people are all that the directory has: the same survey under other names for the rest.
    let mut told = Vec::new();
    for nth in 0..7_u32 {
        let number = people[nth as usize % 3];
        world.desk.erase(&world.operator(), &post("/"), &number.parse().unwrap()).await.unwrap();
        answer(&world, number, &[("a", if nth < 6 { "yes" } else { "no" })]).await.unwrap();
        let result = results(&world).await.remove(0);
        told.push((result.at_least, counts(&result)["a yes"]));
        assert_eq!((counts(&result)["a no"], counts(&result)["b yes"]), (None, None));
    }
    let few = (0, None);
    assert_eq!(told, [few, few, few, few, (5, Some(5)), (5, Some(6)), (5, Some(6))]);
}

#[tokio::test]
async fn answers_are_checked_against_the_survey_before_anything_is_sent() {
    let world = world().await;
    for (answers, wrong) in [
        (&[("b", "yes")][..], &["/answers"][..]),
        (&[("a", "yes"), ("c", "yes")], &["/answers/1/question"]),
        (&[("a", "perhaps")], &["/answers/0/choice"]),
        (&[("a", "yes"), ("a", "no")], &["/answers/1/question"]),
        (&[("x", "y"), ("b", "z")], &["/answers/0/question", "/answers/1/choice", "/answers"]),
    ] {
        assert_eq!(pointers(answer(&world, KARI, answers).await), wrong);
    }
    assert!(world.providers.calls("submit").is_empty() && results(&world).await.is_empty());
    let named = refused(answer(&world, KARI, &[("b", "yes")]).await);
    assert!(named.errors[0].detail.contains("Spørsmål a"), "{}", named.errors[0].detail);
}

#[tokio::test]
async fn a_survey_is_answered_once_by_each_citizen() {
    let world = world().await;
    let request = post_as("/v1/me/survey", "k");
    answer_as(&world, &world.kari(), &request, chosen(&[("a", "yes")])).await.unwrap();
    let again = answer_as(&world, &world.kari(), &request, chosen(&[("a", "yes")])).await.unwrap();
    assert!(again.replayed && again.status == 204);
    world.providers.surveys.lock().unwrap().clear();
    let second = refused(answer(&world, KARI, &[("a", "no")]).await);
    assert_eq!((second.problem.name(), second.sent), ("conflict", Sent::No));
    assert!(second.detail.contains("already answered"), "{}", second.detail);
    opens(&world, Some(asked()));
    assert_eq!(world.desk.survey(&world.kari(), &get()).await.unwrap().status, 204, "not shown again");
    answer(&world, OLA, &[("a", "no")]).await.unwrap();
    assert_eq!(world.providers.calls("submit").len(), 2);
}

#[tokio::test]
async fn of_two_who_answer_at_once_one_reaches_the_provider() {
    let world = world().await;
    opens(&world, Some(asked()));
    opens(&world, Some(asked()));
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let begin = || {
        let (desk, kari) = (world.desk.clone(), world.kari());
        tokio::spawn(async move { desk.answer_survey(&kari, &post("/v1/me/survey"), chosen(&[("a", "yes")])).await })
    };
    let (first, second) = (begin(), begin());
    gate.add_permits(4);
    let ended = [first.await.unwrap(), second.await.unwrap()];
    let statuses: Vec<bool> = ended.iter().map(Result::is_ok).collect();
    assert!(statuses.contains(&true) && statuses.contains(&false), "{statuses:?}");
    assert_eq!(world.providers.calls("submit").len(), 1);
}

#[tokio::test]
async fn what_did_not_reach_the_provider_may_be_answered_again_and_what_may_have_is_not() {
    let world = world().await;
    let fails = |failure: Failure| world.providers.submits.lock().unwrap().push_back(Box::new(move || Err(failure)));
    fails(unavailable(Sent::No));
    let down = refused(answer(&world, KARI, &[("a", "yes")]).await);
    assert_eq!((down.problem.name(), down.sent), ("provider-unavailable", Sent::No));
    assert!(down.detail.contains("not handed in"), "{}", down.detail);
    fails(unavailable(Sent::Unknown));
    let lost = refused(answer(&world, KARI, &[("a", "yes")]).await);
    assert_eq!(lost.sent, Sent::Unknown);
    assert!(lost.detail.contains("need not answer again"), "{}", lost.detail);
    assert_eq!(why(answer(&world, KARI, &[("a", "yes")]).await), "conflict no");
    assert!(results(&world).await.is_empty(), "what nobody knows to be answered is not counted");
}

#[tokio::test]
async fn a_survey_that_has_closed_or_is_anothers_takes_no_answers() {
    let world = world().await;
    let closed = world.desk.answer_survey(&world.kari(), &post("/v1/me/survey"), chosen(&[("a", "yes")])).await;
    assert_eq!(why(closed), "conflict no");
    opens(&world, Some(Questionnaire { id: "s2".into(), ..asked() }));
    let other = world.desk.answer_survey(&world.kari(), &post("/v1/me/survey"), chosen(&[("a", "yes")])).await;
    assert_eq!(why(other), "conflict no");
    let elsewhere = NewSurveyAnswers { provider: "elsewhere".parse().unwrap(), ..chosen(&[("a", "yes")]) };
    assert_eq!(why(answer_as(&world, &world.kari(), &post("/v1/me/survey"), elsewhere).await), "conflict no");
    assert!(world.providers.calls("submit").is_empty());
}

#[tokio::test]
async fn after_a_crash_an_answer_that_may_have_arrived_is_told_as_unknown_and_counted_by_nobody() {
    let world = world().await;
    // The intent is written, and the process dies before the outcome is.
    *world.store.crash.lock().unwrap() = Some(Crash { after: 2, written: false });
    answer(&world, KARI, &[("a", "yes")]).await.unwrap_err();
    *world.store.crash.lock().unwrap() = None;
    world.store.down.store(false, std::sync::atomic::Ordering::SeqCst);
    let desk = world.restarted().await;
    desk.recover().await.unwrap();
    assert_eq!(world.providers.calls("submit").len(), 1, "not handed in twice");
    assert!(results(&world).await.is_empty());
    assert_eq!(why(answer(&world, KARI, &[("a", "yes")]).await), "conflict no");
}

#[tokio::test]
async fn that_somebody_answered_goes_with_their_erasure_and_the_counts_stay() {
    let world = world().await;
    answer(&world, KARI, &[("a", "yes")]).await.unwrap();
    world.desk.erase(&world.operator(), &post("/"), &KARI.parse().unwrap()).await.unwrap();
    assert_eq!(world.log.last().details["surveys"], "1");
    assert_eq!(results(&world).await.len(), 1);
    opens(&world, Some(asked()));
    assert_eq!(world.desk.survey(&world.kari(), &get()).await.unwrap().status, 200, "nobody knows that she has");
}

#[tokio::test]
async fn results_are_told_office_by_office() {
    let world = world().await;
    answer(&world, KARI, &[("a", "yes")]).await.unwrap();
    let of = async |office: u32| {
        let office = Some(office.try_into().unwrap());
        let answer = world.desk.survey_results(&world.operator(), &get(), office).await.unwrap();
        serde_json::from_slice::<SurveyResults>(&answer.body).unwrap().items.len()
    };
    assert_eq!((of(office_id().get()).await, of(8_150_901).await), (1, 0));
}
