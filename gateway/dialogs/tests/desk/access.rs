//! What the audit log holds about the caller: told in plain words, proven, and nobody else's.

use std::sync::atomic::Ordering;

use dialog_contract::{
    access_log::{AccessActor, AccessKind, AccessLogEntry, AccessLogPage, AccessOutcome},
    service::{Locale, Sent},
};
use dialog_core::{AccessFilter, Outcome, request::Request};

use crate::support::*;

fn told(outcome: Outcome) -> AccessLogPage {
    serde_json::from_slice(&outcome.unwrap().body).unwrap()
}

fn norwegian() -> Request {
    Request { locale: Locale::Nb, ..get() }
}

async fn whole(
    world: &World,
    who: &dialog_core::permit::Permitted<dialog_core::permit::Citizen>,
) -> Vec<AccessLogEntry> {
    told(world.desk.access_log(who, &norwegian(), AccessFilter::default()).await).items
}

#[tokio::test]
async fn a_citizen_reads_who_did_what_in_plain_words_the_newest_first() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    world.desk.dialog(&world.kari(), &get(), dialog.id).await.unwrap();
    let entries = whole(&world, &world.kari()).await;
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["Du leste en samtale.", "Du åpnet en samtale med legekontoret."]);
    let opened = &entries[1];
    assert_eq!((opened.who, opened.what), (AccessActor::You, AccessKind::Change));
    assert_eq!(opened.office.as_deref(), Some(world.directory.office.lock().unwrap().name.as_str()));
    assert!(opened.through.is_some());
    // The next reading tells of this one.
    assert_eq!(whole(&world, &world.kari()).await[0].text, "Du så denne loggen.");
}

#[tokio::test]
async fn a_child_sees_what_a_parent_did_and_a_parent_under_their_own_name_only_what_they_did() {
    let world = World::new().await;
    world.desk.open(&world.kari_for_nora(), &post("/"), consultation("x")).await.unwrap();
    let for_nora = whole(&world, &world.kari_for_nora()).await;
    assert_eq!(for_nora[0].text, "En forelder åpnet en samtale med legekontoret på dine vegne.");
    assert_eq!(for_nora[0].who, AccessActor::Representative);
    let own = whole(&world, &world.kari()).await;
    assert!(own.iter().all(|entry| entry.text.ends_with("på vegne av en annen.")), "{own:?}");
    assert_eq!(own.len(), 2);
}

#[tokio::test]
async fn what_did_not_come_to_be_is_not_told() {
    let world = World::new().await;
    let store = std::sync::Arc::clone(&world.store);
    world.opens(move || {
        store.befall(1, Trouble::Conflict);
        Ok(Vec::new())
    });
    drop(world.desk.open(&world.kari(), &post("/"), consultation("x")).await);
    let superseding =
        world.log.records.lock().unwrap().iter().filter(|record| record.details.contains_key("supersedes")).count();
    assert!(superseding > 0, "a race was lost");
    let opened = whole(&world, &world.kari()).await;
    assert_eq!(opened.iter().filter(|entry| entry.what == AccessKind::Change).count(), 1, "{opened:?}");
}

#[tokio::test]
async fn each_end_is_told_and_what_the_office_sent_too() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    world.sends(|| Err(unavailable(Sent::Unknown)));
    drop(world.desk.send(&world.kari(), &post("/"), dialog.id, text("y")).await);
    world.desk.dialog(&world.kari(), &get(), uuid::Uuid::now_v7().into()).await.unwrap_err();
    let entries = whole(&world, &world.kari()).await;
    assert_eq!((entries[0].outcome, entries[0].what), (AccessOutcome::Refused, AccessKind::Read));
    let sent = &entries[1];
    assert!(matches!(sent.outcome, AccessOutcome::Uncertain | AccessOutcome::Done), "{sent:?}");
}

#[tokio::test]
async fn pages_lose_and_repeat_nothing_while_the_log_grows() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    for _ in 0..7 {
        world.desk.dialog(&world.kari(), &get(), dialog.id).await.unwrap();
    }
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let filter = AccessFilter { limit: Some(3), cursor, ..AccessFilter::default() };
        let page = told(world.desk.access_log(&world.kari(), &get(), filter).await);
        assert!(page.items.len() <= 3);
        seen.extend(page.items.iter().map(|entry| entry.receipt));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let mut unique = seen.clone();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (8, 8));
    assert!(seen.is_sorted_by(|one, next| one > next), "{seen:?}");
}

#[tokio::test]
async fn a_filter_picks_and_a_cursor_of_anothers_log_is_refused() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    world.clock.forward(60);
    world.desk.dialog(&world.kari(), &get(), dialog.id).await.unwrap();
    let with = async |filter| told(world.desk.access_log(&world.kari(), &get(), filter).await).items.len();
    let now = world.now();
    assert_eq!(with(AccessFilter { what: Some(AccessKind::Change), ..AccessFilter::default() }).await, 1);
    assert_eq!(with(AccessFilter { to: Some(now), ..AccessFilter::default() }).await, 1);
    assert_eq!(with(AccessFilter { through: Some(plugin()), ..AccessFilter::default() }).await, 1);
    assert_eq!(with(AccessFilter { through: Some("other".parse().unwrap()), ..AccessFilter::default() }).await, 0);
    let filter = AccessFilter { limit: Some(1), ..AccessFilter::default() };
    let cursor = told(world.desk.access_log(&world.kari(), &get(), filter).await).next;
    let filter = AccessFilter { cursor, ..AccessFilter::default() };
    assert_eq!(why(world.desk.access_log(&world.kari_for_nora(), &get(), filter).await), "malformed no");
}

#[tokio::test]
async fn a_receipt_is_for_ones_own_records_and_anothers_looks_like_none() {
    let world = World::new().await;
    let answer = world.desk.open(&world.kari_for_nora(), &post("/"), consultation("x")).await.unwrap();
    let index = answer.receipt.index;
    for who in [world.kari_for_nora(), world.kari()] {
        let proof = world.desk.receipt(&who, &get(), index).await.unwrap();
        assert_eq!(proof.body, format!("proof of {index}"));
    }
    let stranger = world.citizen(OLA);
    let of_another = refused(world.desk.receipt(&stranger, &get(), index).await);
    let of_none = refused(world.desk.receipt(&stranger, &get(), u64::MAX >> 16).await);
    assert_eq!((of_another.problem, of_another.detail), (of_none.problem, of_none.detail));
    // The portal has its own, and no citizen's.
    let feed = world.desk.feed(&world.portal(), &get(), None, None).await.unwrap();
    world.desk.receipt_of_portal(&world.portal(), &get(), feed.receipt.index).await.unwrap();
    assert_eq!(why(world.desk.receipt_of_portal(&world.portal(), &get(), index).await), "not-found no");
}

#[tokio::test]
async fn while_the_log_cannot_be_read_yet_the_citizen_is_told_when_to_come_back() {
    let world = World::new().await;
    world.log.unready.store(true, Ordering::SeqCst);
    let refused = refused(world.desk.access_log(&world.kari(), &get(), AccessFilter::default()).await);
    assert_eq!((refused.problem.name(), refused.retry_after), ("unavailable", Some(5)));
}
