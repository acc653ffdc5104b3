//! Sending further messages.

use std::sync::Arc;

use dialog_contract::{
    dialog::{Status, StatusName},
    provider::{DialogStatus, EventBody, Failure},
    service::{Closing, Sent, Service},
};

use crate::support::*;

#[tokio::test]
async fn a_follow_up_belongs_to_the_same_dialog() {
    let world = World::new().await;
    let opened = world.opened(consultation("It itches.")).await;
    let dialog_name = reference(opened.id);
    world.sends(move || {
        let (message, status) = (office_message("m1", "Use the ointment."), DialogStatus::AwaitingCitizen);
        Ok(vec![event("e1", EventBody::Message { dialog: dialog_name, message, status, redirect: None })])
    });
    let answer = world.desk.send(&world.kari(), &post("/"), opened.id, text("Still.")).await.unwrap();
    let answered = dialog(&answer);
    assert_eq!((answer.status, answered.messages.len(), answered.unopened), (201, 3, 1));
    assert_eq!(answered.status, Status::AwaitingCitizen);
    assert!(answered.revision > opened.revision);
    assert_eq!(world.providers.calls("send")[0].message.as_ref().unwrap().text, "Still.");
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn an_event_that_comes_twice_counts_once() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    for _ in 0..2 {
        let dialog_name = reference(opened.id);
        world.sends(move || {
            let (message, status) = (office_message("m1", "Answer."), DialogStatus::AwaitingCitizen);
            Ok(vec![event("e1", EventBody::Message { dialog: dialog_name, message, status, redirect: None })])
        });
        world.desk.send(&world.kari(), &post("/"), opened.id, text("More.")).await.unwrap();
    }
    let texts: Vec<String> = world.read(opened.id).await.messages.into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["x", "More.", "Answer.", "More."]);
}

#[tokio::test]
async fn a_closed_dialog_takes_no_message() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap();
    assert_eq!(why(world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await), "dialog-closed no");
    assert_eq!(why(world.desk.close(&world.kari(), &post("/"), opened.id).await), "dialog-closed no");
    assert!(world.providers.calls("send").is_empty());
}

#[tokio::test]
async fn others_dialogs_are_not_there() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let ola = world.citizen(OLA);
    assert_eq!(why(world.desk.dialog(&ola, &get(), opened.id).await), "not-found no");
    assert_eq!(why(world.desk.send(&ola, &post("/"), opened.id, text("y")).await), "not-found no");
    assert_eq!(why(world.desk.close(&ola, &post("/"), opened.id).await), "not-found no");
    assert_eq!(why(world.desk.seen(&ola, &post("/"), opened.id).await), "not-found no");
}

#[tokio::test]
async fn a_change_decided_on_an_older_revision_is_refused() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let mut stale = post("/");
    stale.if_match = Some(opened.revision + 1);
    assert_eq!(why(world.desk.send(&world.kari(), &stale, opened.id, text("y")).await), "precondition-failed no");
    assert_eq!(why(world.desk.close(&world.kari(), &stale, opened.id).await), "precondition-failed no");
    assert_eq!(why(world.desk.seen(&world.kari(), &stale, opened.id).await), "precondition-failed no");
    let mut fresh = post("/");
    fresh.if_match = Some(opened.revision);
    world.desk.send(&world.kari(), &fresh, opened.id, text("y")).await.unwrap();
}

#[tokio::test]
async fn a_refused_message_leaves_the_dialog_as_it_was() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.sends(|| Err(Failure::Declined(reason("Please call us."))));
    let outcome = refused(world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await);
    assert_eq!((outcome.problem.name(), &*outcome.detail), ("declined", "Please call us."));
    let after = world.read(opened.id).await;
    assert_eq!((after.messages, after.status), (opened.messages, opened.status));
}

#[tokio::test]
async fn a_message_that_may_have_arrived_stands_in_the_dialog_and_says_so() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.sends(|| Err(faulty(Sent::Unknown)));
    assert_eq!(why(world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await), "provider-faulty unknown");
    let after = world.read(opened.id).await;
    assert_eq!((after.messages.len(), after.status.name()), (2, StatusName::Uncertain));
    // The provider knows the dialog: it goes on.
    let answer = world.desk.send(&world.kari(), &post("/"), opened.id, text("z")).await.unwrap();
    assert_eq!(dialog(&answer).status, Status::AwaitingOffice);
}

#[tokio::test]
async fn messages_wait_their_turn_behind_one_that_is_queued() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.sends(|| Err(unavailable(Sent::No)));
    let first = world.desk.send(&world.kari(), &post("/"), opened.id, text("first")).await.unwrap();
    let second = world.desk.send(&world.kari(), &post("/"), opened.id, text("second")).await.unwrap();
    assert_eq!((first.status, second.status), (202, 202));
    assert_eq!(world.providers.calls("send").len(), 1, "the second must not overtake the first");
    world.clock.forward(16 * 60);
    world.desk.run_due_work(world.now()).await.unwrap();
    world.desk.run_due_work(world.now()).await.unwrap();
    let sent: Vec<String> = world.providers.calls("send").into_iter().map(|call| call.message.unwrap().text).collect();
    assert_eq!(sent, ["first", "first", "second"]);
    assert_eq!(world.read(opened.id).await.status, Status::AwaitingOffice);
}

#[tokio::test]
async fn two_messages_at_once_are_both_kept() {
    let world = Arc::new(World::new().await);
    let opened = world.opened(consultation("x")).await;
    let sends = (0..8).map(|number| {
        let world = Arc::clone(&world);
        let id = opened.id;
        tokio::spawn(async move {
            let words = format!("number {number}");
            world.desk.send(&world.kari(), &post("/"), id, text(&words)).await
        })
    });
    let mut accepted = 0;
    for send in sends.collect::<Vec<_>>() {
        match send.await.unwrap() {
            Ok(_) => accepted += 1,
            // Beyond the bound of tries a citizen may be asked to come back, never told a lie.
            Err(refused) => assert_eq!(refused.sent, Sent::No),
        }
    }
    for _ in 0..10 {
        world.desk.run_due_work(world.now()).await.unwrap();
    }
    let after = world.read(opened.id).await;
    assert_eq!(after.messages.len(), 1 + accepted);
    assert_eq!(world.providers.calls("send").len(), accepted, "each is sent once");
    assert_eq!(after.status, Status::AwaitingOffice);
}

#[tokio::test]
async fn a_dialog_in_a_solution_that_the_office_has_left_takes_no_message() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.agree(Service::Consultation, |agreement| agreement.enabled = false);
    world.desk.send(&world.kari(), &post("/"), opened.id, text("Switched off since.")).await.unwrap();
    world.agree(Service::Consultation, |agreement| agreement.plugin = "helserespons".parse().unwrap());
    let outcome = refused(world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await);
    assert_eq!(outcome.problem.name(), "reply-not-allowed");
    assert!(outcome.detail.contains("no longer uses"), "{}", outcome.detail);
}

#[tokio::test]
async fn what_the_office_wrote_is_seen_once_and_stays_so() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let dialog_name = reference(opened.id);
    world.sends(move || {
        let (message, status) = (office_message("m1", "Answer."), DialogStatus::Closed(Closing::Answered));
        Ok(vec![event("e1", EventBody::Message { dialog: dialog_name, message, status, redirect: None })])
    });
    world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await.unwrap();
    let before = world.read(opened.id).await;
    world.clock.forward(60);
    let seen = dialog(&world.desk.seen(&world.kari(), &post("/"), opened.id).await.unwrap());
    assert_eq!((seen.unopened, seen.messages[2].seen), (0, Some(world.now())));
    assert_eq!(seen.revision, before.revision + 1);
    assert_eq!(seen.updated, before.updated, "reading is no news in the dialog");
    world.clock.forward(60);
    let again = dialog(&world.desk.seen(&world.kari(), &post("/"), opened.id).await.unwrap());
    assert_eq!(again, seen);
}

#[tokio::test]
async fn a_dialog_that_is_full_takes_no_more_and_says_so() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let long = "𝄞".repeat(8_000);
    let mut state = opened.clone();
    while state.reply_allowed {
        assert!(state.messages.len() < 200);
        state = dialog(&world.desk.send(&world.kari(), &post("/"), opened.id, text(&long)).await.unwrap());
    }
    let outcome = refused(world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await);
    assert_eq!(outcome.problem.name(), "reply-not-allowed");
    assert!(outcome.detail.contains("Open a new one"), "{}", outcome.detail);
}
