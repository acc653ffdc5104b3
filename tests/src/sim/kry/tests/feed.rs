//! The feed and the webhooks.

use super::{draft, get, open, post, sim};
use crate::sim::kry::webhook::signature;
use crate::sim::kry::{Answer, Damage, SimError, Webhook};
use crate::sim::trouble::Availability;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post as route;
use serde_json::json;
use std::sync::{Arc, Mutex};

type Received = Arc<Mutex<Vec<(HeaderMap, String)>>>;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEXT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A receiver that answers the first `failing` deliveries with 503.
async fn receiver(failing: usize) -> (Webhook, Received) {
    let received: Received = Arc::default();
    let app = Router::new()
        .route(
            "/events",
            route(move |State(all): State<Received>, headers: HeaderMap, body: String| async move {
                let mut all = all.lock().unwrap();
                all.push((headers, body));
                if all.len() <= failing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
            }),
        )
        .with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (Webhook { url, secrets: vec![SECRET.to_owned()], clock_off: 0 }, received)
}

#[tokio::test]
async fn an_event_is_pushed_signed_until_it_is_taken() {
    let (webhook, received) = receiver(1).await;
    let sim = sim().await;
    sim.set_webhook(Some(webhook));
    open(&sim, "k1").await;
    sim.wait_until_pushed(1).await.unwrap();
    let statuses: Vec<_> = sim.pushed().iter().map(|pushed| (pushed.number, pushed.status)).collect();
    assert_eq!(statuses, [(1, Some(503)), (1, Some(204))]);
    assert_eq!(sim.deliver_again(1).await.unwrap(), 204);
    let received = received.lock().unwrap();
    let header = |headers: &HeaderMap, name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(received.len(), 3);
    for (headers, body) in received.iter() {
        let (id, time) = (header(headers, "webhook-id"), header(headers, "webhook-timestamp"));
        assert_eq!((id.as_str(), body), ("evt_1", &received[0].1), "the same event at every attempt");
        assert_eq!(header(headers, "webhook-signature"), signature(SECRET, &id, &time, body));
        assert_eq!(header(headers, "content-type"), "application/vnd.api+json");
    }
}

#[test]
fn the_signature_is_that_of_the_specifications_own_examples() {
    let made = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
    assert_eq!(made, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    let made = signature(NEXT, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553", body);
    assert_eq!(made, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
}

#[tokio::test]
async fn while_a_secret_changes_deliveries_are_signed_with_both_and_a_clock_can_be_off() {
    let (webhook, received) = receiver(0).await;
    let sim = sim().await;
    open(&sim, "k1").await;
    let rotating = Webhook { secrets: vec![NEXT.to_owned(), SECRET.to_owned()], clock_off: -600, ..webhook };
    assert_eq!(sim.deliver(1, &rotating).await.unwrap(), 204);
    let received = received.lock().unwrap();
    let (headers, body) = &received[0];
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap();
    let time = header("webhook-timestamp");
    let both = format!("{} {}", signature(NEXT, "evt_1", time, body), signature(SECRET, "evt_1", time, body));
    assert_eq!(header("webhook-signature"), both);
    let off = jiff::Timestamp::now().as_second() - time.parse::<i64>().unwrap();
    assert!((600..630).contains(&off), "{off}");
}

#[tokio::test]
async fn what_has_waited_is_pushed_when_the_vendor_is_up_again() {
    let (webhook, received) = receiver(0).await;
    let sim = sim().await;
    open(&sim, "k1").await;
    sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    sim.set_webhook(Some(webhook));
    let (status, _) = get(&sim, "/v1/events?page[after]=0&page[size]=10").await;
    assert_eq!((status, received.lock().unwrap().len()), (StatusCode::SERVICE_UNAVAILABLE, 0));
    sim.trouble.set_availability(Availability::Up).await.unwrap();
    sim.wait_until_pushed(1).await.unwrap();
}

#[tokio::test]
async fn the_feed_is_paged_by_number_and_what_was_refused_is_kept() {
    let sim = sim().await;
    let id = open(&sim, "k1").await;
    sim.answer(&id, &Answer::Reply { text: "Hvor lenge?".into(), files: Vec::new() }).unwrap();
    sim.answer(&id, &Answer::Close).unwrap();
    let (_, page) = get(&sim, "/v1/events?page[after]=0&page[size]=2").await;
    assert_eq!((page["data"].as_array().unwrap().len(), page["included"].as_array().unwrap().len()), (2, 1));
    let next = page.pointer("/links/next").unwrap().as_str().unwrap().to_owned();
    let (_, page) = get(&sim, &next).await;
    assert_eq!((&page["data"][0]["id"], &page["links"]["next"]), (&json!("3"), &json!(null)));
    let refusal = |event: &str| draft("refusals", &json!({ "reason": "unknown-visit" }), &[("event", "events", event)]);
    assert_eq!(post(&sim, "/v1/refusals", "k2", &refusal("2")).await.0, StatusCode::NO_CONTENT);
    assert_eq!(sim.wait_until_refused(2).await.unwrap(), "unknown-visit");
    assert_eq!(sim.violations(), []);
    post(&sim, "/v1/refusals", "k3", &refusal("9")).await;
    assert_eq!(sim.violations().len(), 1);
}

#[tokio::test]
async fn a_damaged_event_keeps_its_number() {
    let sim = sim().await;
    let damages = [Damage::Garbage, Damage::Truncated, Damage::WrongType, Damage::UnknownKind, Damage::NotIncluded];
    for (at, damage) in damages.into_iter().enumerate() {
        sim.damage_next(damage);
        open(&sim, &format!("k{at}")).await;
        assert_eq!(sim.events()[at].resource["id"], (at + 1).to_string());
    }
    assert_eq!(sim.events()[3].resource["attributes"]["kind"], "something.new");
    assert!(matches!(sim.deliver_again(1).await, Err(SimError::NoWebhook)));
}
