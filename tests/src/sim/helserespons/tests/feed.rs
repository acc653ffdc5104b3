//! The feed and the webhooks.

use super::{CLINIC, get, open, post, question, sim};
use crate::sim::helserespons::webhook::signature;
use crate::sim::helserespons::{Answer, Damage, SimError, Webhook};
use crate::sim::trouble::Availability;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post as route;
use serde_json::json;
use std::sync::{Arc, Mutex};

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A receiver that answers the first `failing` deliveries with 503.
async fn receiver(failing: usize) -> (Webhook, Received) {
    let received: Received = Arc::default();
    let app = Router::new()
        .route(
            "/changes",
            route(move |State(all): State<Received>, headers: HeaderMap, body: String| async move {
                let mut all = all.lock().unwrap();
                all.push((headers, body));
                if all.len() <= failing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
            }),
        )
        .with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/changes", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (Webhook { url, secret: "hemmelig".into() }, received)
}

#[tokio::test]
async fn a_change_is_pushed_signed_until_it_is_taken() {
    let (webhook, received) = receiver(1).await;
    let sim = sim().await;
    sim.set_webhook(Some(webhook.clone()));
    open(&sim, &question("r1")).await;
    sim.wait_until_pushed(1).await.unwrap();
    let statuses: Vec<_> = sim.pushed().iter().map(|pushed| (pushed.seq, pushed.status)).collect();
    assert_eq!(statuses, [(1, Some(503)), (1, Some(204))]);
    assert_eq!(sim.deliver_again(1).await.unwrap(), 204);
    let received = received.lock().unwrap();
    let (headers, body) = &received[0];
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
    let expected = signature(&webhook.secret, header("x-helserespons-timestamp"), body);
    assert_eq!(header("x-helserespons-signature"), expected);
    assert_eq!(received.len(), 3);
    for (others, other) in received.iter() {
        assert_eq!(other, body);
        assert_eq!(others.get("x-helserespons-delivery"), headers.get("x-helserespons-delivery"));
    }
}

#[test]
fn the_signature_is_hmac_sha_256_of_timestamp_dot_body() {
    // As `printf '1700000000.{}' | openssl dgst -sha256 -hmac key` has it.
    let known = "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
    let made = signature("key", "1700000000", "{}");
    assert_eq!(made, known);
    assert_ne!(made, signature("key", "1700000001", "{}"));
    assert_ne!(made, signature("kex", "1700000000", "{}"));
}

#[tokio::test]
async fn what_has_waited_is_pushed_when_the_vendor_is_up_again() {
    let (webhook, received) = receiver(0).await;
    let sim = sim().await;
    open(&sim, &question("r1")).await;
    sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    sim.set_webhook(Some(webhook));
    let (status, _) = get(&sim, "/v2/changes?after=0&max=10").await;
    assert_eq!((status, received.lock().unwrap().len()), (StatusCode::SERVICE_UNAVAILABLE, 0));
    sim.trouble.set_availability(Availability::Up).await.unwrap();
    sim.wait_until_pushed(1).await.unwrap();
}

#[tokio::test]
async fn what_was_confirmed_in_the_feed_is_not_pushed() {
    let sim = sim().await;
    open(&sim, &question("r1")).await;
    let (_, page) = get(&sim, "/v2/changes?after=0&max=10").await;
    assert_eq!((&page["next"], &page["more"]), (&json!(1), &json!(false)));
    let (status, _) = post(&sim, "/v2/changes/ack", &json!({ "upTo": 1, "refused": [] })).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (webhook, received) = receiver(0).await;
    sim.set_webhook(Some(webhook));
    let no = sim.cases()[0].case_no.clone();
    sim.answer(&no, &Answer::Close).unwrap();
    sim.wait_until_pushed(2).await.unwrap();
    assert_eq!(received.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_feed_is_paged_and_what_was_refused_is_kept() {
    let sim = sim().await;
    for number in 0..3 {
        open(&sim, &question(&format!("r{number}"))).await;
    }
    let (_, page) = get(&sim, "/v2/changes?after=0&max=2").await;
    assert_eq!((page["changes"].as_array().unwrap().len(), &page["more"]), (2, &json!(true)));
    let (_, page) = get(&sim, "/v2/changes?after=2&max=2").await;
    assert_eq!((&page["next"], &page["more"]), (&json!(3), &json!(false)));
    let ack = json!({ "upTo": 3, "refused": [{ "seq": 2, "reason": "UNKNOWN_CASE" }] });
    post(&sim, "/v2/changes/ack", &ack).await;
    assert_eq!(sim.acknowledged(), 3);
    assert_eq!(sim.refused().get(&2).unwrap(), "UNKNOWN_CASE");
    assert_eq!(sim.violations(), []);
    post(&sim, "/v2/changes/ack", &json!({ "upTo": 9, "refused": [] })).await;
    assert_eq!(sim.violations().len(), 1);
}

#[tokio::test]
async fn a_damaged_change_keeps_its_number() {
    let sim = sim().await;
    for (number, damage) in
        [(1, Damage::Garbage), (2, Damage::Truncated), (3, Damage::WrongType), (4, Damage::UnknownKind)]
    {
        sim.damage_next(damage);
        open(&sim, &question(&format!("r{number}"))).await;
        assert_eq!(sim.changes()[number - 1].body["seq"], number);
    }
    assert_eq!(sim.changes()[3].body["kind"], "SOMETHING_NEW");
    assert!(matches!(sim.deliver_again(1).await, Err(SimError::NoWebhook)));
    assert!(sim.slots(CLINIC).is_ok());
}
