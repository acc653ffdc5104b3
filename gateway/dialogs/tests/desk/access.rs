//! What the audit log holds about the caller: told in plain words, proven, and nobody else's.

use std::sync::atomic::Ordering;

use dialog_contract::{
    access_log::{AccessActor, AccessKind, AccessLogEntry, AccessLogPage, AccessOutcome},
    service::{Locale, Sent},
};
use dialog_core::{AccessFilter, Outcome, RecordPlace, ports::trails::TrailsError, request::Request};

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

/// A record of the present log.
fn at(index: u64) -> RecordPlace {
    RecordPlace { origin: None, index }
}

#[tokio::test]
async fn a_receipt_is_for_ones_own_records_and_anothers_looks_like_none() {
    let world = World::new().await;
    let answer = world.desk.open(&world.kari_for_nora(), &post("/"), consultation("x")).await.unwrap();
    let index = answer.receipt.index;
    for who in [world.kari_for_nora(), world.kari()] {
        let proof = world.desk.receipt(&who, &get(), at(index)).await.unwrap();
        assert_eq!(proof.body, format!("proof of {index} in {ORIGIN}"));
    }
    let stranger = world.citizen(OLA);
    let of_another = refused(world.desk.receipt(&stranger, &get(), at(index)).await);
    let of_none = refused(world.desk.receipt(&stranger, &get(), at(u64::MAX >> 16)).await);
    assert_eq!((of_another.problem, of_another.detail), (of_none.problem, of_none.detail));
    // The portal has its own, and no citizen's.
    let feed = world.desk.feed(&world.portal(), &get(), None, None).await.unwrap();
    world.desk.receipt_of_portal(&world.portal(), &get(), at(feed.receipt.index)).await.unwrap();
    assert_eq!(why(world.desk.receipt_of_portal(&world.portal(), &get(), at(index)).await), "not-found no");
}

#[tokio::test]
async fn while_the_log_cannot_be_read_yet_the_citizen_is_told_when_to_come_back() {
    let world = World::new().await;
    world.log.unready.store(true, Ordering::SeqCst);
    let refused = refused(world.desk.access_log(&world.kari(), &get(), AccessFilter::default()).await);
    assert_eq!((refused.problem.name(), refused.retry_after), ("unavailable", Some(5)));
}

/// Kari opens a dialog and reads it twice, each in a log of its own: the oldest first, a minute apart. The filter leaves
/// out what comes after: that the log is read is in the log too.
async fn three_logs() -> (World, AccessFilter) {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    for ended in ["gateway.test/first", "gateway.test/second"] {
        world.log.succeeded(ended);
        world.clock.forward(60);
        world.desk.dialog(&world.kari(), &get(), dialog.id).await.unwrap();
    }
    world.clock.forward(1);
    let until_now = AccessFilter { to: Some(world.now()), ..AccessFilter::default() };
    (world, until_now)
}

/// Page after page: what is on them, and which logs they miss.
async fn paged(world: &World, filter: &AccessFilter) -> (Vec<(String, u64)>, Vec<String>) {
    let (mut cursor, mut seen, mut missing) = (None, Vec::new(), Vec::new());
    for _ in 0..50 {
        let filter = AccessFilter { cursor, ..filter.clone() };
        let page = told(world.desk.access_log(&world.kari(), &get(), filter).await);
        seen.extend(page.items.into_iter().map(|entry| (entry.origin, entry.receipt)));
        missing.extend(page.missing.into_iter().map(|log| log.origin));
        cursor = page.next;
        if cursor.is_none() {
            return (seen, missing);
        }
    }
    panic!("a list without an end");
}

#[tokio::test]
async fn the_list_goes_on_through_the_logs_before_whatever_the_pages_size() {
    let (world, until_now) = three_logs().await;
    let mut lists = Vec::new();
    for limit in [1, 2, 3, 100] {
        let (seen, missing) = paged(&world, &AccessFilter { limit: Some(limit), ..until_now.clone() }).await;
        assert_eq!(missing, [""; 0]);
        lists.push(seen);
    }
    let origins: Vec<&str> = lists[0].iter().map(|(origin, _)| origin.as_str()).collect();
    assert_eq!(origins, [ORIGIN, "gateway.test/second", "gateway.test/first"]);
    assert!(lists.iter().all(|list| *list == lists[0]), "{lists:?}");
    let changes = AccessFilter { what: Some(AccessKind::Change), ..until_now };
    assert_eq!(paged(&world, &changes).await.0[0].0, "gateway.test/first");
}

#[tokio::test]
async fn a_page_that_comes_to_a_log_in_the_making_ends_there_and_the_next_waits_for_it() {
    let (world, until_now) = three_logs().await;
    world.log.befalls("gateway.test/second", Some(TrailsError::NotYet("its index is being made".into())));
    let first = told(world.desk.access_log(&world.kari(), &get(), until_now.clone()).await);
    assert_eq!((first.items.len(), first.missing.len()), (1, 0));
    let next = AccessFilter { cursor: first.next, ..until_now };
    let waits = refused(world.desk.access_log(&world.kari(), &get(), next.clone()).await);
    assert_eq!((waits.problem.name(), waits.retry_after), ("unavailable", Some(5)));
    world.log.befalls("gateway.test/second", None);
    let rest = told(world.desk.access_log(&world.kari(), &get(), next).await);
    let origins: Vec<&str> = rest.items.iter().map(|entry| entry.origin.as_str()).collect();
    assert_eq!(origins, ["gateway.test/second", "gateway.test/first"]);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_named_once_and_what_is_older_is_told() {
    let (world, until_now) = three_logs().await;
    world.log.befalls("gateway.test/second", Some(TrailsError::Unreadable("it is not where it was".into())));
    *world.log.before.lock().unwrap() = Some("gateway.test/zero".into());
    for limit in [1, 100] {
        let (seen, missing) = paged(&world, &AccessFilter { limit: Some(limit), ..until_now.clone() }).await;
        let origins: Vec<&str> = seen.iter().map(|(origin, _)| origin.as_str()).collect();
        assert_eq!(origins, [ORIGIN, "gateway.test/first"]);
        assert_eq!(missing, ["gateway.test/second", "gateway.test/zero"]);
    }
    // Of the log before one that cannot be read, not even the name is known.
    world.log.befalls("gateway.test/first", Some(TrailsError::Unreadable("it is not where it was".into())));
    let (seen, missing) = paged(&world, &until_now).await;
    assert_eq!((seen.len(), missing), (1, vec!["gateway.test/second".into(), "gateway.test/first".into()]));
    // What is asked for lies wholly in the present log: nothing of it is missing.
    let begun = world.log.records.lock().unwrap()[0].time;
    let (seen, missing) = paged(&world, &AccessFilter { from: Some(begun), ..until_now }).await;
    assert_eq!((seen.len(), missing.len()), (1, 0));
}

#[tokio::test]
async fn a_receipt_of_an_earlier_log_is_found_by_its_name_and_another_name_by_none() {
    let (world, until_now) = three_logs().await;
    *world.log.before.lock().unwrap() = Some("gateway.test/zero".into());
    let of = |origin: &str, index| RecordPlace { origin: Some(origin.into()), index };
    let own = paged(&world, &until_now).await.0;
    for (origin, index) in own {
        let proof = world.desk.receipt(&world.kari(), &get(), of(&origin, index)).await.unwrap();
        assert_eq!(proof.body, format!("proof of {index} in {origin}"));
        let strange = world.desk.receipt(&world.citizen(OLA), &get(), of(&origin, index)).await;
        assert_eq!(why(strange), "not-found no");
    }
    let unknown = refused(world.desk.receipt(&world.kari(), &get(), of("elsewhere.test/log", 0)).await);
    let beyond = refused(world.desk.receipt(&world.kari(), &get(), of("gateway.test/first", 900)).await);
    assert_eq!((unknown.problem, beyond.problem.name()), (beyond.problem, "not-found"));
    assert_ne!(unknown.detail, beyond.detail, "it says that the log is not known");
    // One that has been moved away: nobody knows until when.
    for origin in ["gateway.test/zero", "gateway.test/second"] {
        world.log.befalls("gateway.test/second", Some(TrailsError::Unreadable("it is not where it was".into())));
        let away = refused(world.desk.receipt(&world.kari(), &get(), of(origin, 0)).await);
        assert_eq!((away.problem.name(), away.retry_after), ("unavailable", None), "{origin}");
    }
}
