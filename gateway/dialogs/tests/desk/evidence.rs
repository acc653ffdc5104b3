//! The audit log: every request leaves its outcome, every change its intent before; without the log nothing is done.

use std::sync::atomic::Ordering;

use dialog_contract::audit::{ActorRole, RecordKind};
use dialog_core::DialogFilter;

use crate::support::*;

#[tokio::test]
async fn a_change_leaves_intent_and_outcome_and_a_read_its_outcome() {
    let world = World::new().await;
    let answer = world.desk.open(&world.kari(), &post("/"), consultation("secret rash")).await.unwrap();
    assert_eq!(world.log.kinds("dialog.open"), [RecordKind::Intent, RecordKind::Outcome]);
    assert_eq!(answer.receipt.index, 1);
    let outcome = world.log.last();
    assert_eq!(outcome.outcome.unwrap().status, Some(201));
    assert_eq!(outcome.call.unwrap().function, "open");
    assert_eq!(outcome.dialog, Some(dialog(&answer).id));
    assert_eq!(outcome.actor.role, ActorRole::Citizen);
    assert!(outcome.reply_sha256.is_some() && outcome.request_sha256.is_some());
    let id = dialog(&answer).id;
    world.desk.dialog(&world.kari(), &get(), id).await.unwrap();
    world.desk.dialogs(&world.kari(), &get(), DialogFilter::default()).await.unwrap();
    assert_eq!(world.log.kinds("dialog.read"), [RecordKind::Outcome]);
    assert_eq!(world.log.kinds("dialogs.list"), [RecordKind::Outcome]);
    for action in ["dialog.send", "dialog.seen", "dialog.close"] {
        match action {
            "dialog.send" => drop(world.desk.send(&world.kari(), &post("/"), id, text("y")).await.unwrap()),
            "dialog.seen" => drop(world.desk.seen(&world.kari(), &post("/"), id).await.unwrap()),
            _ => drop(world.desk.close(&world.kari(), &post("/"), id).await.unwrap()),
        }
        assert_eq!(world.log.kinds(action), [RecordKind::Intent, RecordKind::Outcome], "{action}");
    }
}

#[tokio::test]
async fn a_refusal_has_its_outcome_too() {
    let world = World::new().await;
    let missing = uuid::Uuid::now_v7().into();
    let outcome = refused(world.desk.dialog(&world.kari(), &get(), missing).await);
    assert_eq!(outcome.receipt.unwrap().index, 0);
    assert_eq!(world.log.last().outcome.unwrap().problem.as_deref(), Some("not-found"));
}

#[tokio::test]
async fn no_record_holds_content_or_a_number() {
    let world = World::new().await;
    world.opened(consultation("secret rash")).await;
    world.desk.practice(&world.kari(), &get()).await.unwrap();
    let records = serde_json::to_string(&*world.log.records.lock().unwrap()).unwrap();
    assert!(!records.contains("secret rash") && !records.contains(KARI));
    assert!(!records.contains("Kari"));
}

#[tokio::test]
async fn without_the_audit_log_nothing_is_done() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let calls = world.providers.seen.lock().unwrap().len();
    world.log.down.store(true, Ordering::SeqCst);
    let key = post("/");
    assert_eq!(why(world.desk.open(&world.kari(), &key, consultation("y")).await), "unavailable no");
    assert_eq!(why(world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await), "unavailable no");
    assert_eq!(why(world.desk.close(&world.kari(), &post("/"), opened.id).await), "unavailable no");
    assert_eq!(why(world.desk.seen(&world.kari(), &post("/"), opened.id).await), "unavailable no");
    assert_eq!(why(world.desk.dialog(&world.kari(), &get(), opened.id).await), "unavailable no");
    let booking = booking_at(&world, 24);
    assert_eq!(why(world.desk.book(&world.kari(), &post("/"), booking).await), "unavailable no");
    assert_eq!(world.providers.seen.lock().unwrap().len(), calls, "no provider was called");
    world.log.down.store(false, Ordering::SeqCst);
    assert_eq!(world.listed().await, [opened]);
    // Nothing was done under the key: the same request may be tried again.
    assert_eq!(world.desk.open(&world.kari(), &key, consultation("y")).await.unwrap().status, 201);
}

#[tokio::test]
async fn a_reply_whose_outcome_cannot_be_recorded_does_not_leave() {
    let world = World::new().await;
    let log = std::sync::Arc::clone(&world.log);
    world.opens(move || {
        log.down.store(true, Ordering::SeqCst);
        Ok(Vec::new())
    });
    let key = post("/");
    let outcome = refused(world.desk.open(&world.kari(), &key, consultation("x")).await);
    assert_eq!((outcome.problem.name(), outcome.sent.as_str()), ("unavailable", "yes"));
    assert!(outcome.receipt.is_none());
    world.log.down.store(false, Ordering::SeqCst);
    // It was done, and is answered now that it can be.
    let again = world.desk.open(&world.kari(), &key, consultation("x")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(world.providers.calls("open").len(), 1);
}

fn booking_at(world: &World, hours: i64) -> dialog_contract::appointment::NewBooking {
    use jiff::ToSpan;
    let start = world.now() + hours.hours();
    dialog_contract::appointment::NewBooking {
        slot: "s1".into(),
        start,
        end: start + 20.minutes(),
        clinician: None,
        reason: None,
        provider: None,
    }
}
