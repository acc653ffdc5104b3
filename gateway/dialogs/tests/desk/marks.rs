//! Read marks: told to the provider in the background, at least once, for a day, and never waited for.

use dialog_contract::{
    audit::RecordKind,
    dialog::Dialog,
    provider::{DialogStatus, EventBody, Failure, Interface},
    service::Sent,
};

use crate::{
    inbound::{old, settled},
    support::*,
};

/// A dialog in which the office has written these messages, unopened.
async fn unread(world: &World, messages: &[&str]) -> Dialog {
    let dialog = world.opened(inquiry("Har dere åpent?")).await;
    let events = messages.iter().map(|id| {
        let (dialog, message) = (reference(dialog.id), office_message(id, "Ja."));
        let status = DialogStatus::AwaitingCitizen;
        old(&format!("e-{id}"), EventBody::Message { dialog, message, status, redirect: None })
    });
    settled(world, events.collect()).await;
    dialog
}

async fn seen(world: &World, dialog: &Dialog) {
    world.desk.seen(&world.kari(), &post("/seen"), dialog.id).await.unwrap();
}

fn marked(world: &World) -> Vec<String> {
    let mut marked = world.providers.marked.lock().unwrap().clone();
    marked.sort();
    marked
}

async fn work(world: &World) -> usize {
    world.desk.run_due_work(world.now()).await.unwrap().due
}

#[tokio::test]
async fn what_the_citizen_has_opened_is_told_by_the_providers_own_names_and_once() {
    let world = World::new().await;
    let dialog = unread(&world, &["m1", "m2"]).await;
    seen(&world, &dialog).await;
    assert!(world.providers.calls("seen").is_empty(), "nobody waits for it");
    work(&world).await;
    assert_eq!(marked(&world), ["m1", "m2"]);
    // What was opened before is no news.
    seen(&world, &dialog).await;
    assert_eq!(work(&world).await, 0);
    assert_eq!(world.providers.calls("seen").len(), 2);
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_when_it_is_back_and_given_up_after_a_day() {
    let world = World::new().await;
    let dialog = unread(&world, &["m1"]).await;
    world.providers.marks.lock().unwrap().push_back(Box::new(|| Err(unavailable(Sent::No))));
    seen(&world, &dialog).await;
    work(&world).await;
    assert!(marked(&world).is_empty());
    assert_eq!(work(&world).await, 0, "not at once again");
    world.clock.forward(3600);
    work(&world).await;
    assert_eq!(marked(&world), ["m1"]);

    let dialog = unread(&world, &["m9"]).await;
    seen(&world, &dialog).await;
    world.clock.forward(24 * 3600);
    let asked = world.providers.calls("seen").len();
    assert_eq!(work(&world).await, 1);
    assert_eq!((world.providers.calls("seen").len(), work(&world).await), (asked, 0), "given up, and gone");
}

#[tokio::test]
async fn a_provider_that_does_not_want_it_is_not_asked_again() {
    let world = World::new().await;
    let dialog = unread(&world, &["m1"]).await;
    let failure = Failure::NotFound(reason("Ukjent melding."));
    world.providers.marks.lock().unwrap().push_back(Box::new(|| Err(failure)));
    seen(&world, &dialog).await;
    work(&world).await;
    world.clock.forward(3600);
    assert_eq!((work(&world).await, world.providers.calls("seen").len()), (0, 1));
}

#[tokio::test]
async fn a_provider_that_takes_none_is_told_nothing() {
    let world = World::new().await;
    for installed in world.providers.installed.lock().unwrap().values_mut() {
        installed.exports.retain(|export| *export != Interface::ReadMarks);
    }
    let dialog = unread(&world, &["m1"]).await;
    seen(&world, &dialog).await;
    assert_eq!(work(&world).await, 0);
}

#[tokio::test]
async fn a_mark_whose_maker_died_is_told_by_the_next_process_when_its_lease_is_over() {
    let world = World::new().await;
    let dialog = unread(&world, &["m1"]).await;
    seen(&world, &dialog).await;
    let next = world.restarted().await;
    next.recover().await.unwrap();
    assert!(marked(&world).is_empty(), "starting waits for no read mark");
    next.run_due_work(world.now()).await.unwrap();
    assert_eq!(marked(&world), ["m1"]);
}

#[tokio::test]
async fn each_telling_is_in_the_audit_log_and_holds_no_words() {
    let world = World::new().await;
    let dialog = unread(&world, &["m1"]).await;
    seen(&world, &dialog).await;
    work(&world).await;
    let kinds = world.log.kinds("dialog.seen");
    assert_eq!(kinds, [RecordKind::Intent, RecordKind::Outcome, RecordKind::Intent, RecordKind::Outcome]);
    let last = world.log.last();
    assert_eq!(last.call.map(|call| (call.interface, call.function)), Some((Interface::ReadMarks, "seen".to_owned())));
    assert_eq!(last.dialog, Some(dialog.id));
}

#[tokio::test]
async fn a_mark_of_an_erased_citizen_is_told_to_nobody() {
    let world = World::new().await;
    let dialog = unread(&world, &["m1"]).await;
    seen(&world, &dialog).await;
    world.desk.erase(&world.operator(), &post("/"), &KARI.parse().unwrap()).await.unwrap();
    assert_eq!(work(&world).await, 0);
    assert!(marked(&world).is_empty());
}
