//! Down, slow, held, garbled.

use super::{SLOT, TOKEN, book, booking, get, open, post, question, sim};
use crate::sim::pasientsky::Kind;
use crate::sim::trouble::{Availability, Call, HttpFault};
use crate::sim::world::LEILA;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_vendor_that_is_down_refuses_or_says_503_and_comes_back_on_the_same_port() {
    let sim = sim().await;
    sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    let (status, outcome) = get(&sim, "/metadata").await;
    assert_eq!((status, &outcome["resourceType"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("OperationOutcome")));
    sim.trouble.set_availability(Availability::Refuse).await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(client.get(sim.base_url()).send().await.unwrap_err().is_connect());
    sim.trouble.set_availability(Availability::Up).await.unwrap();
    open(&sim, &question(1)).await;
}

#[tokio::test]
async fn a_held_reply_has_taken_effect_and_a_repeat_gets_the_first_result() {
    let sim = sim().await;
    let held = sim.trouble.hold_next(Call::PostReply);
    let waiting = tokio::spawn({
        let sim = sim.clone();
        async move { book(&sim, &booking(1)).await }
    });
    held.reached().await;
    assert!(sim.records(Kind::Slot).iter().any(|slot| slot.id == SLOT && slot.text("/status") == Some("busy")));
    let again = book(&sim, &booking(1)).await;
    held.release();
    let first = waiting.await.unwrap();
    assert_eq!((first.0, again.0, first.1), (StatusCode::CREATED, StatusCode::OK, again.1));
}

#[tokio::test]
async fn faults_hit_the_calls_that_they_are_meant_for() {
    let sim = sim().await;
    sim.trouble.fail_next(Call::Post, HttpFault::Status(500));
    sim.trouble.fail_next(Call::Post, HttpFault::WrongType);
    sim.trouble.fail_next(Call::News, HttpFault::Html);
    assert_eq!(get(&sim, "/metadata").await.0, StatusCode::OK);
    assert_eq!(post(&sim, "/", &[], &question(1)).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(sim.dialogs().is_empty(), "no effect");
    let (status, body) = post(&sim, "/", &[], &question(1)).await;
    assert_eq!((status, &body["type"]), (StatusCode::OK, &json!(7)));
    assert_eq!(sim.dialogs().len(), 1, "it took effect");
    let (_, body) = get(&sim, "/Task?_id=t-1&_tag=x").await;
    assert_eq!(body, Value::Null, "a page for people");
}

#[tokio::test]
async fn another_media_type_or_route_is_told_of() {
    let sim = sim().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let at = |path: &str| format!("{}{path}", sim.base_url());
    let plain =
        client.get(at("/metadata")).bearer_auth(TOKEN).header("accept", "application/json").send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::NOT_ACCEPTABLE);
    let json = client.post(at("/")).bearer_auth(TOKEN).header("accept", "application/fhir+json").json(&question(1));
    assert_eq!(json.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(get(&sim, "/Task/t-1/$close/now").await.0, StatusCode::NOT_FOUND);
    assert_eq!(sim.violations().len(), 3);
}

#[tokio::test]
async fn the_control_api_answers_and_opens_while_the_vendor_is_down() {
    let sim = sim().await;
    let id = open(&sim, &question(1)).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let at = |path: &str| format!("{}/control/{path}", sim.control_url());
    for (path, value) in [
        ("availability", json!("refuse")),
        ("clinics/hs-8150301/late", json!(true)),
        ("clinics/hs-8150301/filing", json!(false)),
        ("clinics/hs-8150301/services/renewal", json!(false)),
        ("endless-pages", json!(false)),
        ("subscription", Value::Null),
    ] {
        assert_eq!(client.put(at(path)).json(&value).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    let waiting: Value = client.get(at("dialogs")).send().await.unwrap().json().await.unwrap();
    assert_eq!(waiting[0]["id"], id);
    for (path, body) in [
        (format!("dialogs/{id}/answer"), json!({ "answer": "redirect", "to": "consultation", "text": "Send en." })),
        ("clinics/hs-8150301/dialogs".into(), json!({ "number": LEILA.national_id, "oneWay": true, "text": "Hei." })),
        (
            "clinics/hs-8150301/appointments".into(),
            json!({ "act": "make", "number": LEILA.national_id, "begins": "2026-11-26T14:30:00" }),
        ),
        (format!("slots/{SLOT}/take"), Value::Null),
    ] {
        let told = client.post(at(&path)).json(&body).send().await.unwrap();
        assert_eq!(told.status(), StatusCode::OK, "{path}");
    }
    let gone = client.post(at("dialogs/t-99/answer")).json(&json!({ "answer": "close" })).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let violations: Value = client.get(at("violations")).send().await.unwrap().json().await.unwrap();
    assert_eq!(violations, json!([]));
}
