//! What the portal is told.

use std::sync::Arc;

use dialog_contract::event::Event;
use futures_util::StreamExt;

use crate::support::*;

#[tokio::test]
async fn a_follower_reads_on_from_its_cursor_and_misses_nothing() {
    let world = World::new().await;
    let read = async |cursor: Option<String>| {
        page::<Event>(&world.desk.feed(&world.portal(), &get(), cursor, Some(2)).await.unwrap())
    };
    let (none, start) = read(None).await;
    assert!(none.is_empty() && start.is_some(), "also an empty page has a cursor");
    for _ in 0..3 {
        world.opened(consultation("x")).await;
    }
    let (first, next) = read(start).await;
    let (second, next) = read(next).await;
    let (none, next) = read(next).await;
    assert_eq!((first.len(), second.len(), none.len()), (2, 1, 0));
    world.opened(consultation("y")).await;
    let (more, _) = read(next).await;
    assert_eq!(more.len(), 1);
    let all: Vec<Event> = [first, second, more].concat();
    assert!(all.is_sorted_by_key(|event| event.id));
    let event = &all[0];
    assert_eq!((event.specversion.as_str(), event.source.as_str()), ("1.0", "https://gateway.test"));
    assert_eq!(event.subject, format!("/v1/me/dialogs/{}", event.data.dialog.unwrap()));
    assert!(event.traceparent.is_some());
    let practice = world.desk.practice(&world.kari(), &get()).await.unwrap();
    let practice: dialog_contract::practice::Practice = serde_json::from_slice(&practice.body).unwrap();
    assert_eq!(event.data.citizen, practice.citizen, "the feed names the citizen as the practice does");
}

#[tokio::test]
async fn a_bad_cursor_is_named() {
    let world = World::new().await;
    let outcome = refused(world.desk.feed(&world.portal(), &get(), Some("zzz".into()), None).await);
    assert_eq!(outcome.problem.name(), "malformed");
    assert!(outcome.detail.contains("cursor"));
    let refused = world.desk.follow(&world.kari(), &get(), Some("not-an-event")).await.unwrap_err();
    assert_eq!(refused.problem.name(), "malformed");
    assert!(refused.detail.contains("Last-Event-ID"));
}

#[tokio::test]
async fn a_citizen_follows_their_own_events_as_they_happen_and_resumes() {
    let world = World::new().await;
    let mut follow = world.desk.follow(&world.kari(), &get(), None).await.unwrap();
    let opened = world.opened(consultation("x")).await;
    world.desk.open(&world.citizen(OLA), &post("/"), consultation("other")).await.unwrap();
    world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap();
    let first = follow.events.next().await.unwrap();
    let second = follow.events.next().await.unwrap();
    assert_eq!(first.data.dialog, Some(opened.id));
    assert_eq!(second.kind.as_str(), "no.dialog.dialog.closed.v1");
    drop(follow);
    let id = first.id.to_string();
    let mut resumed = world.desk.follow(&world.kari(), &get(), Some(&id)).await.unwrap();
    assert_eq!(resumed.events.next().await.unwrap(), second);
    world.opened(consultation("later")).await;
    assert_eq!(resumed.events.next().await.unwrap().kind.as_str(), "no.dialog.dialog.opened.v1");
}

#[tokio::test]
async fn a_follower_that_fell_far_behind_reads_the_store_and_misses_nothing() {
    let world = World::new().await;
    let opened = world.opened(consultation("x")).await;
    let mut follow = world.desk.follow(&world.kari(), &get(), None).await.unwrap();
    // Two events a round, more than the live channel holds.
    let rounds = 600;
    let mut ids = Vec::new();
    for _ in 0..rounds {
        let opened = world.opened(inquiry("y")).await;
        world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap();
        ids.extend([opened.id, opened.id]);
    }
    for expected in ids {
        assert_eq!(follow.events.next().await.unwrap().data.dialog, Some(expected));
    }
    drop(opened);
}

#[tokio::test]
async fn a_stream_ends_with_the_token_that_it_was_granted_for() {
    let world = World::new().await;
    let kari = world.kari();
    world.clock.forward(2 * 3600);
    let mut follow = world.desk.follow(&kari, &get(), None).await.unwrap();
    assert!(follow.events.next().await.is_none());
}

#[tokio::test]
async fn followers_miss_nothing_of_what_is_committed_side_by_side() {
    let world = Arc::new(World::new().await);
    let opens: Vec<_> = (0..50)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.opened(consultation("x")).await.id })
        })
        .collect();
    let (mut seen, mut cursor) = (Vec::new(), None);
    let mut opened = Vec::new();
    for open in opens {
        let answer = world.desk.feed(&world.portal(), &get(), cursor.take(), None).await.unwrap();
        let (events, next) = page::<Event>(&answer);
        seen.extend(events);
        cursor = next;
        opened.push(open.await.unwrap());
    }
    while seen.len() < 50 {
        let answer = world.desk.feed(&world.portal(), &get(), cursor.take(), None).await.unwrap();
        let (events, next) = page::<Event>(&answer);
        assert!(!events.is_empty(), "{} of 50 events seen", seen.len());
        seen.extend(events);
        cursor = next;
    }
    let mut told: Vec<_> = seen.iter().map(|event| event.data.dialog.unwrap()).collect();
    told.sort();
    opened.sort();
    assert_eq!(told, opened);
    assert!(seen.is_sorted_by_key(|event| event.id));
}

#[tokio::test]
async fn events_are_forgotten_after_thirty_days() {
    let world = World::new().await;
    world.opened(consultation("old")).await;
    world.clock.forward(29 * 24 * 3600);
    assert_eq!(world.desk.purge().await.unwrap().events, 0);
    world.opened(consultation("new")).await;
    world.clock.forward(2 * 24 * 3600);
    assert_eq!(world.desk.purge().await.unwrap().events, 1);
    assert_eq!(world.feed().await.len(), 1);
    let id = "019bb0d4-2c00-7000-8000-000000000000";
    let mut follow = world.desk.follow(&world.kari(), &get(), Some(id)).await.unwrap();
    let event = follow.events.next().await.unwrap();
    assert_eq!(world.feed().await, [event], "the citizen's own list is purged alike");
}
