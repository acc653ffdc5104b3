//! One key, one request, done once.

use std::sync::Arc;

use dialog_contract::{provider::Failure, service::Sent};

use crate::support::*;

#[tokio::test]
async fn a_change_without_a_key_is_refused() {
    let world = World::new().await;
    let mut keyless = post("/");
    keyless.idempotency_key = None;
    let outcome = world.desk.open(&world.kari(), &keyless, consultation("x")).await;
    assert_eq!(why(outcome), "idempotency-key-missing no");
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_reply_and_calls_nobody() {
    let world = World::new().await;
    let first = world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap();
    let second = world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap();
    assert!(!first.replayed && second.replayed);
    assert_eq!(
        (first.status, first.body, first.etag, first.location),
        (second.status, second.body, second.etag, second.location)
    );
    assert_ne!(first.receipt, second.receipt, "each reply has an outcome of its own");
    assert_eq!(world.providers.calls("open").len(), 1);
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn a_no_is_the_same_no_again() {
    let world = World::new().await;
    world.opens(|| Err(Failure::Declined(reason("No."))));
    let first = refused(world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await);
    let second = refused(world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await);
    assert!(second.replayed);
    assert_eq!((first.problem, first.body, first.detail), (second.problem, second.body, second.detail));
    assert_eq!(world.providers.calls("open").len(), 1);
}

#[tokio::test]
async fn a_key_cannot_be_used_for_something_else() {
    let world = World::new().await;
    world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap();
    let mut other = post_as("/", "k");
    other.body_sha256 = [2; 32];
    assert_eq!(why(world.desk.open(&world.kari(), &other, consultation("y")).await), "idempotency-key-reused no");
    let other_path = post_as("/other", "k");
    assert_eq!(why(world.desk.open(&world.kari(), &other_path, consultation("x")).await), "idempotency-key-reused no");
    assert_eq!(world.providers.calls("open").len(), 1);
}

#[tokio::test]
async fn two_citizens_may_have_the_same_key() {
    let world = World::new().await;
    world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap();
    let other = world.desk.open(&world.citizen(OLA), &post_as("/", "k"), consultation("x")).await.unwrap();
    assert!(!other.replayed);
}

#[tokio::test]
async fn a_request_that_is_still_running_is_said_to_be() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let first = {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await })
    };
    world.providers.arrived.acquire().await.unwrap().forget();
    let second = world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await;
    assert_eq!(why(second), "still-running unknown");
    assert!(world.listed().await.is_empty(), "a dialog is not shown while its opening is first tried");
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().unwrap().status, 201);
    assert_eq!(world.providers.calls("open").len(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_what_has_begun() {
    let world = Arc::new(World::new().await);
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    *world.providers.gate.lock().unwrap() = Some(Arc::clone(&gate));
    let caller = {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await })
    };
    world.providers.arrived.acquire().await.unwrap().forget();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    let answer = loop {
        match world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await {
            Ok(answer) => break answer,
            Err(refused) => assert_eq!(refused.problem.name(), "still-running"),
        }
        tokio::task::yield_now().await;
    };
    assert!(answer.replayed);
    assert_eq!(world.providers.calls("open").len(), 1);
}

#[tokio::test]
async fn a_key_is_forgotten_after_two_days() {
    let world = World::new().await;
    world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap();
    world.clock.forward(47 * 3600);
    assert_eq!(world.desk.purge().await.unwrap().replies, 0);
    assert!(world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap().replayed);
    world.clock.forward(2 * 3600);
    assert!(!world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap().replayed);
    assert_eq!(world.desk.purge().await.unwrap().replies, 0, "the key is in use again");
    world.clock.forward(49 * 3600);
    assert_eq!(world.desk.purge().await.unwrap().replies, 1);
}

#[tokio::test]
async fn a_booking_that_never_reached_the_provider_may_be_tried_again_under_its_key() {
    use jiff::ToSpan;
    let world = World::new().await;
    let start = world.now() + 24.hours();
    let booking = dialog_contract::appointment::NewBooking {
        slot: "s1".into(),
        start,
        end: start + 20.minutes(),
        clinician: None,
        reason: None,
        provider: None,
    };
    world.books(|| Err(unavailable(Sent::No)));
    let first = world.desk.book(&world.kari(), &post_as("/", "k"), booking.clone()).await;
    assert_eq!(why(first), "provider-unavailable no");
    assert_eq!(world.desk.book(&world.kari(), &post_as("/", "k"), booking).await.unwrap().status, 201);
}
