//! Down, slow, held, garbled, busy.

use super::{ask, code, open, question, rules, sim, taken};
use crate::sim::besoklegen::{Answer, Damage};
use crate::sim::trouble::{Availability, Call, HttpFault};
use reqwest::StatusCode;
use serde_json::{Value, json};

const NEWS: &str = "<After>0</After><Max>10</Max>";

#[tokio::test]
async fn a_vendor_that_is_down_refuses_or_says_503_and_comes_back_on_the_same_port() {
    let sim = sim().await;
    sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    assert_eq!(ask(&sim, "GetEvents", NEWS).await.0, StatusCode::SERVICE_UNAVAILABLE);
    sim.trouble.set_availability(Availability::Refuse).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.post(format!("{}/portal", sim.base_url())).send().await.unwrap_err().is_connect());
    sim.trouble.set_availability(Availability::Up).await.unwrap();
    open(&sim, &question()).await;
}

#[tokio::test]
async fn a_held_reply_has_taken_effect_and_a_fault_has_not() {
    let sim = sim().await;
    let held = sim.trouble.hold_next(Call::PostReply);
    let waiting = tokio::spawn({
        let sim = sim.clone();
        async move { ask(&sim, "OpenCase", &question()).await }
    });
    held.reached().await;
    assert_eq!(sim.cases().len(), 1);
    held.release();
    assert_eq!(waiting.await.unwrap().0, StatusCode::OK);
    sim.trouble.fail_next(Call::Post, HttpFault::Status(500));
    let (status, fault) = ask(&sim, "OpenCase", &question()).await;
    assert_eq!((status, code(&fault).as_str(), sim.cases().len()), (StatusCode::INTERNAL_SERVER_ERROR, "Internal", 1));
    sim.trouble.fail_next(Call::News, HttpFault::WrongType);
    let (status, answer) = ask(&sim, "GetEvents", NEWS).await;
    assert_eq!((status, answer.name.as_str()), (StatusCode::OK, "Something"));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_busy_vendor_says_for_how_long_and_takes_nothing() {
    let sim = sim().await;
    sim.set_busy(Some(17));
    let (status, fault) = ask(&sim, "OpenCase", &question()).await;
    let wait = fault.child("Detail").unwrap().children().next().unwrap().text_of("RetryAfter");
    assert_eq!((status, wait.as_deref(), sim.cases().len()), (StatusCode::INTERNAL_SERVER_ERROR, Some("17"), 0));
}

#[tokio::test]
async fn events_come_in_pages_are_confirmed_and_what_was_refused_is_kept() {
    let sim = sim().await;
    for _ in 0..3 {
        open(&sim, &question()).await;
    }
    let page = taken(&sim, "GetEvents", "<After>0</After><Max>2</Max>").await;
    assert_eq!((page.all("Event").count(), page.text_of("More").as_deref()), (2, Some("true")));
    let page = taken(&sim, "GetEvents", "<After>2</After><Max>2</Max>").await;
    assert_eq!((page.text_of("Last").as_deref(), page.text_of("More").as_deref()), (Some("3"), Some("false")));
    let refused = "<Refused><Number>2</Number><Reason>UNKNOWN_CASE</Reason></Refused>";
    taken(&sim, "ConfirmEvents", &format!("<UpTo>3</UpTo>{refused}")).await;
    sim.wait_until_confirmed(3).await.unwrap();
    assert_eq!(sim.refused().get(&2).unwrap(), "UNKNOWN_CASE");
    assert_eq!(sim.violations(), []);
    for wrong in
        ["<UpTo>9</UpTo>", "<UpTo>1</UpTo>", "<UpTo>3</UpTo><Refused><Number>4</Number><Reason>X</Reason></Refused>"]
    {
        ask(&sim, "ConfirmEvents", wrong).await;
    }
    assert_eq!(rules(&sim).len(), 3);
}

#[tokio::test]
async fn events_are_muddled_damaged_and_without_end_when_a_test_wants_it() {
    let sim = sim().await;
    let number = open(&sim, &question()).await;
    for damage in [Damage::Bare, Damage::UnknownKind, Damage::Hollow, Damage::NoNumber] {
        sim.damage_next(damage);
        sim.answer(&number, &Answer::Reply { text: "Hei".into(), files: Vec::new() }).unwrap();
    }
    sim.set_muddled(true);
    sim.set_endless(true);
    let page = taken(&sim, "GetEvents", NEWS).await;
    let numbers: Vec<_> = page.all("Event").map(|event| event.text_of("Number").unwrap_or_default()).collect();
    assert_eq!(numbers, ["", "4", "3", "2", "1", "1", "2", "3", "4", ""]);
    assert_eq!(page.text_of("More").as_deref(), Some("true"));
}

#[tokio::test]
async fn the_control_api_answers_a_case_and_opens_a_notice_while_the_vendor_is_down() {
    let sim = sim().await;
    let number = open(&sim, &question()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let at = |path: &str| format!("{}/control/{path}", sim.control_url());
    let put = client.put(at("availability")).json(&json!("refuse")).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK);
    let cases: Value = client.get(at("cases")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&cases[0]["number"], &cases[0]["subject"]["service"]), (&json!(number), &json!("QUESTION")));
    let answer = json!({ "answer": "redirect", "to": "CONSULTATION", "text": "Send en e-konsultasjon." });
    let told = client.post(at(&format!("cases/{number}/answer"))).json(&answer).send().await.unwrap();
    assert_eq!(told.status(), StatusCode::OK);
    let notice = json!({ "fnr": "23869247251", "oneWay": true, "text": "Vi har flyttet." });
    let told = client.post(at("practices/LILLETORGET/cases")).json(&notice).send().await.unwrap();
    assert_eq!(told.status(), StatusCode::OK);
    let kinds: Vec<_> = sim.events().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["Filed", "Reply", "Notice"]);
    let gone = client.post(at("cases/S-1/answer")).json(&answer).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    for (what, value) in [("endless", json!(true)), ("muddled", json!(true)), ("busy", json!(3)), ("clock", json!(-10))]
    {
        let put = client.put(at(what)).json(&value).send().await.unwrap();
        assert_eq!(put.status(), StatusCode::OK, "{what}");
    }
}
