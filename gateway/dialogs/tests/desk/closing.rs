//! The citizen ends a dialog.

use dialog_contract::{
    dialog::Status,
    provider::{DialogStatus, EventBody, Failure},
    service::{Closing, Sent},
};

use crate::support::*;

fn closed(outcome: Closing) -> Status {
    Status::Closed { outcome, redirect_to: None }
}

#[tokio::test]
async fn a_closed_dialog_is_withdrawn() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let answer = world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap();
    let after = dialog(&answer);
    assert_eq!((answer.status, after.status, after.reply_allowed), (200, closed(Closing::Withdrawn), false));
    assert_eq!(world.providers.calls("close").len(), 1);
    assert_eq!(world.event_kinds().await, ["no.dialog.dialog.opened.v1", "no.dialog.dialog.closed.v1"]);
}

#[tokio::test]
async fn what_was_answered_stays_answered() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let dialog_name = reference(opened.id);
    world.sends(move || {
        let (message, status) = (office_message("m1", "Answer."), DialogStatus::AwaitingCitizen);
        Ok(vec![event("e1", EventBody::Message { dialog: dialog_name, message, status, redirect: None })])
    });
    world.desk.send(&world.kari(), &post("/"), opened.id, text("y")).await.unwrap();
    let after = dialog(&world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap());
    assert_eq!(after.status, closed(Closing::Answered));
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_later_and_the_citizen_is_done_now() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.closes(|| Err(unavailable(Sent::No)));
    let answer = world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap();
    assert_eq!((answer.status, dialog(&answer).status), (200, closed(Closing::Withdrawn)));
    world.clock.forward(16 * 60);
    world.desk.run_due_work(world.now()).await.unwrap();
    assert_eq!(world.providers.calls("close").len(), 2);
    world.clock.forward(16 * 60);
    assert_eq!(world.desk.run_due_work(world.now()).await.unwrap().due, 0);
}

#[tokio::test]
async fn what_was_never_sent_is_not_sent_after_the_citizen_took_it_back() {
    let world = World::new().await;
    world.opens(|| Err(unavailable(Sent::No)));
    let queued = world.opened(consultation("x")).await;
    let after = dialog(&world.desk.close(&world.kari(), &post("/"), queued.id).await.unwrap());
    assert_eq!(after.status, closed(Closing::Withdrawn));
    assert!(activities(&after).contains(&"not-sent".into()));
    world.clock.forward(16 * 60);
    world.desk.run_due_work(world.now()).await.unwrap();
    assert_eq!(world.providers.seen.lock().unwrap().len(), 1, "only the first attempt");
}

#[tokio::test]
async fn an_office_that_says_no_keeps_the_dialog_open() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.closes(|| Err(Failure::Declined(reason("We are writing to you."))));
    assert_eq!(why(world.desk.close(&world.kari(), &post("/"), opened.id).await), "declined no");
    assert_eq!(world.read(opened.id).await.status, Status::AwaitingOffice);
    world.closes(|| Err(Failure::NotFound(reason("Gone."))));
    let after = dialog(&world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap());
    assert_eq!(after.status, closed(Closing::Withdrawn), "what the provider no longer has is closed");
}

#[tokio::test]
async fn a_dialog_in_a_solution_that_the_office_has_left_can_still_be_closed() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    world.directory.agreements.lock().unwrap().clear();
    let after = dialog(&world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap());
    assert_eq!(after.status, closed(Closing::Withdrawn));
    assert!(world.providers.calls("close").is_empty());
}

#[tokio::test]
async fn an_uncertain_dialog_can_be_put_away() {
    let world = World::new().await;
    world.opens(|| Err(faulty(Sent::Unknown)));
    refused(world.desk.open(&world.kari(), &post("/"), consultation("x")).await);
    let id = world.listed().await[0].id;
    let after = dialog(&world.desk.close(&world.kari(), &post("/"), id).await.unwrap());
    assert_eq!(after.status, closed(Closing::Withdrawn));
    assert!(world.providers.calls("close").is_empty(), "the provider has no name for it");
}
