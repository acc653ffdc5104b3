//! What waits is tried again until it is through, refused, or out of time.

use dialog_contract::{
    dialog::{Status, StatusName},
    provider::Failure,
    service::{Closing, Sent},
};

use crate::support::*;

/// Lets the longest pause between attempts pass, and tries what is due.
async fn next_attempt(world: &World) {
    world.clock.forward(15 * 60 + 1);
    world.desk.run_due_work(world.now()).await.unwrap();
}

#[tokio::test]
async fn a_queued_dialog_is_sent_once_the_provider_is_back_and_told_once() {
    let world = World::new().await;
    world.opens(|| Err(unavailable(Sent::No)));
    world.opens(|| Err(unavailable(Sent::No)));
    let queued = world.opened(consultation("x")).await;
    assert_eq!(world.desk.run_due_work(world.now()).await.unwrap().due, 0, "not at once");
    next_attempt(&world).await;
    assert_eq!(world.read(queued.id).await.status, Status::Queued);
    next_attempt(&world).await;
    let sent = world.read(queued.id).await;
    assert_eq!(sent.status, Status::AwaitingOffice);
    let calls = world.providers.calls("open");
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(calls.iter().all(|call| call.key == queued.id.to_string()), "one key for every attempt");
    let told = activities(&sent);
    assert_eq!(told.iter().filter(|kind| *kind == "queued").count(), 1, "nobody is told twice: {told:?}");
    let kinds = world.event_kinds().await;
    assert_eq!(kinds.iter().filter(|kind| kind.contains("opened")).count(), 1);
    assert_eq!(kinds.iter().filter(|kind| kind.contains("message.sent")).count(), 1);
    next_attempt(&world).await;
    assert_eq!(world.providers.calls("open").len(), 3);
}

#[tokio::test]
async fn after_four_days_the_citizen_is_told_that_it_was_not_sent() {
    let world = World::new().await;
    let down = || world.opens(|| Err(unavailable(Sent::No)));
    down();
    let queued = world.opened(consultation("x")).await;
    world.clock.forward(95 * 3600);
    down();
    world.desk.run_due_work(world.now()).await.unwrap();
    assert_eq!(world.read(queued.id).await.status, Status::Queued);
    world.clock.forward(3600);
    world.desk.run_due_work(world.now()).await.unwrap();
    let over = world.read(queued.id).await;
    assert_eq!(over.status, Status::Closed { outcome: Closing::Expired, redirect_to: None });
    assert!(activities(&over).contains(&"not-sent".into()));
    assert_eq!(world.providers.calls("open").len(), 2, "no attempt after the deadline");
    assert!(world.event_kinds().await.ends_with(&["no.dialog.message.not-sent.v1", "no.dialog.dialog.closed.v1"]));
}

#[tokio::test]
async fn a_no_to_what_waited_closes_the_dialog_with_the_offices_reason() {
    let world = World::new().await;
    world.opens(|| Err(unavailable(Sent::No)));
    let queued = world.opened(consultation("x")).await;
    world.opens(|| Err(Failure::Declined(reason("We are full."))));
    next_attempt(&world).await;
    let over = world.read(queued.id).await;
    assert_eq!(over.status, Status::Closed { outcome: Closing::Declined, redirect_to: None });
    assert!(over.activities.iter().any(|activity| activity.text == "We are full."));
}

#[tokio::test]
async fn nonsense_from_a_provider_that_got_nothing_does_not_end_what_waits() {
    let world = World::new().await;
    world.opens(|| Err(unavailable(Sent::No)));
    let queued = world.opened(consultation("x")).await;
    world.opens(|| Err(faulty(Sent::No)));
    next_attempt(&world).await;
    assert_eq!(world.read(queued.id).await.status, Status::Queued);
    next_attempt(&world).await;
    assert_eq!(world.read(queued.id).await.status, Status::AwaitingOffice);
}

#[tokio::test]
async fn what_may_have_arrived_is_repeated_only_where_the_provider_recognises_it() {
    let world = World::new().await;
    world.idempotent();
    world.opens(|| Err(unavailable(Sent::Unknown)));
    let queued = world.opened(consultation("x")).await;
    assert_eq!(queued.status, Status::Queued);
    next_attempt(&world).await;
    assert_eq!(world.read(queued.id).await.status, Status::AwaitingOffice);

    let other = World::new().await;
    other.opens(|| Err(unavailable(Sent::Unknown)));
    assert_eq!(
        why(other.desk.open(&other.kari(), &post("/"), consultation("x")).await),
        "provider-unavailable unknown"
    );
    next_attempt(&other).await;
    assert_eq!(other.providers.calls("open").len(), 1);
    assert_eq!(other.listed().await[0].status.name(), StatusName::Uncertain);
}

#[tokio::test]
async fn a_follow_up_that_could_not_be_sent_in_time_leaves_the_dialog_open() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.sends(|| Err(unavailable(Sent::No)));
    world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await.unwrap();
    world.clock.forward(97 * 3600);
    world.desk.run_due_work(world.now()).await.unwrap();
    let after = world.read(opened.id).await;
    assert_eq!(after.status, Status::AwaitingCitizen);
    assert!(after.reply_allowed && activities(&after).contains(&"not-sent".into()));
}

#[tokio::test]
async fn a_retry_leaves_its_evidence_in_the_gateways_name() {
    let world = World::new().await;
    world.opens(|| Err(unavailable(Sent::No)));
    world.opened(consultation("x")).await;
    next_attempt(&world).await;
    let record = world.log.last();
    assert_eq!(record.action, "dialog.open");
    assert_eq!(record.actor.role, dialog_contract::audit::ActorRole::Gateway);
    assert_eq!(record.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"), "the trace of the request");
    assert!(record.citizen.is_some());
}
