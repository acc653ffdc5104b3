//! Down, slow, held, garbled.

use super::{OPENING, booking, call, get, open, post, question, sim};
use crate::sim::trouble::{Availability, Call, HttpFault};
use crate::sim::world::LEILA;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn a_vendor_that_is_down_refuses_or_says_503_and_comes_back_on_the_same_port() {
    let sim = sim().await;
    sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    let (status, _) = get(&sim, "/v2/changes?after=0&max=1").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    sim.trouble.set_availability(Availability::Refuse).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let error = client.get(format!("{}/v2/changes", sim.base_url())).send().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    sim.trouble.set_availability(Availability::Up).await.unwrap();
    open(&sim, &question("r1")).await;
}

#[tokio::test]
async fn a_held_reply_has_taken_effect_and_a_repeat_gets_the_first_result() {
    let sim = sim().await;
    let held = sim.trouble.hold_next(Call::PostReply);
    let waiting = tokio::spawn({
        let sim = sim.clone();
        async move { post(&sim, "/v2/clinics/lilletorget/bookings", &booking("r1")).await }
    });
    held.reached().await;
    assert!(sim.slots("lilletorget").unwrap().iter().any(|slot| slot.id == OPENING && slot.taken));
    let again = post(&sim, "/v2/clinics/lilletorget/bookings", &booking("r1")).await;
    held.release();
    assert_eq!(waiting.await.unwrap(), again);
    assert_eq!(again.0, StatusCode::CREATED);
}

#[tokio::test]
async fn faults_hit_the_calls_that_they_are_meant_for() {
    let sim = sim().await;
    sim.trouble.fail_next(Call::Post, HttpFault::Status(500));
    sim.trouble.fail_next(Call::Post, HttpFault::WrongType);
    sim.trouble.fail_next(Call::Read, HttpFault::Html);
    let changes = get(&sim, "/v2/changes?after=0&max=1").await;
    assert_eq!(changes.0, StatusCode::OK);
    let (status, _) = post(&sim, "/v2/clinics/lilletorget/cases", &question("r1")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(sim.cases().is_empty(), "no effect");
    let (status, body) = post(&sim, "/v2/clinics/lilletorget/cases", &question("r1")).await;
    assert_eq!((status, &body["caseNo"]), (StatusCode::CREATED, &json!(42)));
    assert_eq!(sim.cases().len(), 1, "it took effect");
    let (_, body) =
        post(&sim, "/v2/clinics/lilletorget/medications/search", &json!({ "ssn": LEILA.national_id })).await;
    assert_eq!(body, Value::Null, "a page for people");
}

#[tokio::test]
async fn another_key_is_refused_and_a_wrong_route_is_told_of() {
    let sim = sim().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{}/v2/changes?after=0&max=1", sim.base_url())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(call(&sim, Method::DELETE, "/v1/cases", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(sim.violations().len(), 2);
}

#[tokio::test]
async fn the_control_api_answers_a_case_and_opens_a_notice_while_the_vendor_is_down() {
    let sim = sim().await;
    let no = open(&sim, &question("r1")).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let at = |path: &str| format!("{}/control/{path}", sim.control_url());
    let put = client.put(at("availability")).json(&json!("refuse")).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK);
    let cases: Value = client.get(at("cases")).send().await.unwrap().json().await.unwrap();
    assert_eq!(cases[0]["caseNo"], no);
    let answer = json!({ "answer": "redirect", "to": "ECONSULT", "text": "Send en e-konsultasjon." });
    let told = client.post(at(&format!("cases/{no}/answer"))).json(&answer).send().await.unwrap();
    assert_eq!(told.status(), StatusCode::OK);
    let notice = json!({ "ssn": "23869247251", "oneWay": true, "text": "Vi har flyttet." });
    let told = client.post(at("clinics/lilletorget/cases")).json(&notice).send().await.unwrap();
    assert_eq!(told.status(), StatusCode::OK);
    let kinds: Vec<_> = sim.changes().iter().map(|change| change.kind).collect();
    assert_eq!(kinds, ["ENTRY_FILED", "CASE_ENTRY", "NOTICE"]);
    let gone = client.post(at("cases/H-1/answer")).json(&answer).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_control_api_makes_a_clinic_too_late_and_lets_it_file_nothing() {
    let sim = sim().await;
    let (_, made) = post(&sim, "/v2/clinics/lilletorget/bookings", &booking("r1")).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (what, value) in [("late", true), ("filing", false)] {
        let url = format!("{}/control/clinics/lilletorget/{what}", sim.control_url());
        assert_eq!(client.put(url).json(&value).send().await.unwrap().status(), StatusCode::OK, "{what}");
    }
    let cancel = json!({ "requestId": "r2", "ssn": LEILA.national_id });
    let path = format!("/v2/bookings/{}/cancel", made["bookingNo"].as_str().unwrap());
    let (status, body) = post(&sim, &path, &cancel).await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("TOO_LATE")));
    open(&sim, &question("r3")).await;
    assert!(sim.changes().is_empty(), "nobody is told of a filing");
}
