//! A crash between intent and outcome, played by a store that takes no writes from the moment of the call on.

use std::sync::{Arc, atomic::Ordering};

use dialog_contract::{appointment::NewBooking, dialog::Status, page::Page, service::Sent};
use jiff::ToSpan;

use crate::support::*;

fn crash_in_open(world: &World) {
    let store = Arc::clone(&world.store);
    world.opens(move || {
        store.down.store(true, Ordering::SeqCst);
        Ok(Vec::new())
    });
}

async fn crashed_opening(world: &World) {
    crash_in_open(world);
    let outcome = refused(world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await);
    assert_eq!((outcome.problem.name(), outcome.sent), ("unavailable", Sent::Yes));
    world.store.down.store(false, Ordering::SeqCst);
}

#[tokio::test]
async fn a_provider_that_recognises_it_is_asked_again_under_the_same_key() {
    let mut world = World::new().await;
    world.idempotent();
    crashed_opening(&world).await;
    world.desk = world.restarted().await;
    assert!(world.listed().await.is_empty());
    assert_eq!(world.desk.recover().await.unwrap().due, 1);
    let calls = world.providers.calls("open");
    assert_eq!((calls.len(), &calls[0].key), (2, &calls[1].key));
    let [kept] = &world.listed().await[..] else { panic!("one dialog") };
    assert_eq!(kept.status, Status::AwaitingOffice);
    let again = world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap();
    assert!(again.replayed);
    assert_eq!((again.status, dialog(&again).id), (201, kept.id));
    assert_eq!(world.desk.recover().await.unwrap().due, 0);
}

#[tokio::test]
async fn one_that_does_not_is_not_asked_and_the_dialog_says_uncertain() {
    let mut world = World::new().await;
    crashed_opening(&world).await;
    world.desk = world.restarted().await;
    world.desk.recover().await.unwrap();
    assert_eq!(world.providers.calls("open").len(), 1);
    let [kept] = &world.listed().await[..] else { panic!("one dialog") };
    assert_eq!(kept.status, Status::Uncertain);
    assert!(kept.activities.iter().any(|activity| activity.text.contains("We do not know")));
    let again = refused(world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await);
    assert!(again.replayed);
    assert_eq!((again.problem.name(), again.sent), ("provider-faulty", Sent::Unknown));
}

#[tokio::test]
async fn a_call_that_was_left_behind_without_a_restart_is_settled_when_its_lease_is_over() {
    let world = World::new().await;
    crashed_opening(&world).await;
    world.clock.forward(59);
    assert_eq!(world.desk.run_due_work(world.now()).await.unwrap().due, 0);
    let running = world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await;
    assert_eq!(why(running), "still-running unknown");
    world.clock.forward(2);
    assert_eq!(world.desk.run_due_work(world.now()).await.unwrap().due, 1);
    assert_eq!(world.listed().await[0].status, Status::Uncertain);
}

#[tokio::test]
async fn a_crash_while_a_message_is_sent_keeps_the_message() {
    let mut world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let store = Arc::clone(&world.store);
    world.sends(move || {
        store.down.store(true, Ordering::SeqCst);
        Ok(Vec::new())
    });
    refused(world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await);
    world.store.down.store(false, Ordering::SeqCst);
    world.desk = world.restarted().await;
    world.desk.recover().await.unwrap();
    let after = world.read(opened.id).await;
    assert_eq!((after.messages.len(), after.status), (2, Status::Uncertain));
}

#[tokio::test]
async fn a_crash_before_anything_was_begun_leaves_nothing() {
    let mut world = World::new().await;
    world.store.down.store(true, Ordering::SeqCst);
    assert_eq!(why(world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await), "unavailable no");
    world.store.down.store(false, Ordering::SeqCst);
    world.desk = world.restarted().await;
    assert_eq!(world.desk.recover().await.unwrap().due, 0);
    assert!(world.providers.seen.lock().unwrap().is_empty());
    assert_eq!(world.desk.open(&world.kari(), &post_as("/", "k"), consultation("x")).await.unwrap().status, 201);
}

#[tokio::test]
async fn a_restart_loses_nothing_and_repeats_nothing_that_was_settled() {
    let mut world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let (feed, calls) = (world.feed().await, world.providers.seen.lock().unwrap().len());
    world.desk = world.restarted().await;
    assert_eq!(world.desk.recover().await.unwrap().due, 0);
    assert_eq!(world.read(opened.id).await, opened);
    assert_eq!(world.feed().await, feed);
    assert_eq!(world.providers.seen.lock().unwrap().len(), calls);
    world.opened(consultation("y")).await;
    let ids: Vec<_> = world.feed().await.iter().map(|event| event.id).collect();
    assert!(ids.is_sorted() && ids.len() == 2, "the sequence goes on: {ids:?}");
}

fn booking(world: &World) -> NewBooking {
    let start = world.now() + 24.hours();
    NewBooking { slot: "s1".into(), start, end: start + 20.minutes(), clinician: None, reason: None, provider: None }
}

async fn crashed_booking(world: &World) {
    let (store, start) = (Arc::clone(&world.store), booking(world).start);
    world.books(move || {
        store.down.store(true, Ordering::SeqCst);
        Ok(appointment("a1", start))
    });
    refused(world.desk.book(&world.kari(), &post_as("/", "k"), booking(world)).await);
    world.store.down.store(false, Ordering::SeqCst);
}

#[tokio::test]
async fn a_crashed_booking_is_repeated_where_the_provider_recognises_it() {
    let mut world = World::new().await;
    world.idempotent();
    crashed_booking(&world).await;
    world.desk = world.restarted().await;
    world.desk.recover().await.unwrap();
    let calls = world.providers.calls("book");
    assert_eq!((calls.len(), &calls[0].key), (2, &calls[1].key));
    let again = world.desk.book(&world.kari(), &post_as("/", "k"), booking(&world)).await.unwrap();
    assert!(again.replayed && again.status == 201);
    assert_eq!(world.event_kinds().await, ["no.dialog.appointment.booked.v1"]);
}

#[tokio::test]
async fn a_crashed_booking_is_else_said_to_be_unknown() {
    let mut world = World::new().await;
    crashed_booking(&world).await;
    world.desk = world.restarted().await;
    world.desk.recover().await.unwrap();
    assert_eq!(world.providers.calls("book").len(), 1);
    let again = refused(world.desk.book(&world.kari(), &post_as("/", "k"), booking(&world)).await);
    assert!(again.replayed && again.sent == Sent::Unknown);
    assert!(again.detail.contains("Look at your appointments"), "{}", again.detail);
    let answer = world.desk.appointments(&world.kari(), &get()).await.unwrap();
    let listed: Page<dialog_contract::appointment::Appointment> = serde_json::from_slice(&answer.body).unwrap();
    assert!(listed.items.is_empty(), "the provider is asked, and has none");
}
