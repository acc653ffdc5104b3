//! Down, slow, held, garbled; and the control API.

use super::{BOOKINGS, MONDAY, SLOT, booking, client, code, get, open, patient, post, sim, visit};
use crate::sim::trouble::{Availability, Call, HttpFault};
use crate::sim::world::LEILA;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_vendor_that_is_down_refuses_or_says_503_and_comes_back_on_the_same_port() {
    let sim = sim().await;
    sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    let (status, body) = get(&sim, BOOKINGS).await;
    assert_eq!((status, code(&body)), (StatusCode::SERVICE_UNAVAILABLE, "maintenance"));
    sim.trouble.set_availability(Availability::Refuse).await.unwrap();
    let error = client().get(format!("{}{BOOKINGS}", sim.base_url())).send().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    sim.trouble.set_availability(Availability::Up).await.unwrap();
    open(&sim, "k1").await;
}

#[tokio::test]
async fn a_held_reply_has_taken_effect_and_a_repeat_gets_the_first_result() {
    let sim = sim().await;
    let patient = patient(&sim).await;
    let wanted = booking(&patient, SLOT, MONDAY);
    let held = sim.trouble.hold_next(Call::PostReply);
    let waiting = tokio::spawn({
        let (sim, wanted) = (sim.clone(), wanted.clone());
        async move { post(&sim, "/v1/bookings", "k1", &wanted).await }
    });
    held.reached().await;
    assert!(sim.timeslots().iter().any(|slot| slot.id == SLOT && slot.taken));
    let again = post(&sim, "/v1/bookings", "k1", &wanted).await;
    held.release();
    assert_eq!(waiting.await.unwrap(), again);
    assert_eq!(again.0, StatusCode::CREATED);
}

#[tokio::test]
async fn faults_hit_the_calls_that_they_are_meant_for() {
    let sim = sim().await;
    let patient = patient(&sim).await;
    sim.trouble.fail_next(Call::Post, HttpFault::Status(500));
    sim.trouble.fail_next(Call::Post, HttpFault::WrongType);
    sim.trouble.fail_next(Call::Read, HttpFault::Html);
    assert_eq!(get(&sim, "/v1/events?page[after]=0&page[size]=1").await.0, StatusCode::OK);
    let (status, body) = post(&sim, "/v1/visits", "k1", &visit(&patient)).await;
    assert_eq!((status, code(&body)), (StatusCode::INTERNAL_SERVER_ERROR, "trouble"));
    assert!(sim.visits().is_empty(), "no effect");
    let (status, body) = post(&sim, "/v1/visits", "k1", &visit(&patient)).await;
    assert_eq!((status, &body["data"]["type"]), (StatusCode::CREATED, &json!(42)));
    assert_eq!(sim.visits().len(), 1, "it took effect");
    assert_eq!(get(&sim, BOOKINGS).await, (StatusCode::OK, Value::Null), "a page for people");
}

#[tokio::test]
async fn the_control_api_answers_and_opens_while_the_vendor_is_down() {
    let sim = sim().await;
    let id = open(&sim, "k1").await;
    let at = |path: &str| format!("{}/control/{path}", sim.control_url());
    let put = client().put(at("availability")).json(&json!("refuse")).send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK);
    let visits: Value = client().get(at("visits")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&visits[0]["id"], &visits[0]["triage"]["durationDays"]), (&json!(id), &json!(3)));
    let answer = json!({ "answer": "redirect", "text": "Bestill en time." });
    let told = client().post(at(&format!("visits/{id}/answer"))).json(&answer).send().await.unwrap();
    assert_eq!(told.status(), StatusCode::OK);
    let notice = json!({ "number": LEILA.national_id, "oneWay": true, "text": "Vi har nye åpningstider." });
    assert_eq!(client().post(at("visits")).json(&notice).send().await.unwrap().status(), StatusCode::OK);
    let kinds: Vec<_> = sim.events().iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["message.filed", "visit.message", "visit.opened"]);
    for (path, expected) in [("switches/late", StatusCode::OK), ("switches/nothing", StatusCode::NOT_FOUND)] {
        assert_eq!(client().put(at(path)).json(&json!(true)).send().await.unwrap().status(), expected);
    }
    let gone = client().post(at("visits/vis-1/answer")).json(&answer).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}
