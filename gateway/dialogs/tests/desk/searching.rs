//! Searching the citizen's own dialogs.

use dialog_contract::{
    dialog::{Dialog, StatusName},
    inbox::DialogSearch,
    provider::{DialogStatus, EventBody},
    service::Service,
};

use crate::{
    inbound::{old, settled},
    results::results,
    support::*,
};

async fn found(world: &World, search: DialogSearch) -> (Vec<Dialog>, Option<String>) {
    page(&world.desk.search(&world.kari(), &get(), search).await.unwrap())
}

async fn firsts(world: &World, search: DialogSearch) -> Vec<String> {
    found(world, search).await.0.iter().map(|dialog| dialog.messages[0].text.clone()).collect()
}

fn words(text: &str) -> DialogSearch {
    DialogSearch { text: Some(text.into()), ..DialogSearch::default() }
}

/// Three dialogs: a sore that was answered, a question about the opening hours, and results.
async fn world() -> World {
    let world = World::new().await;
    let sore = world.opened(consultation("Jeg har et sår på hånden")).await;
    world.clock.forward(60);
    world.opened(inquiry("Har dere åpent på lørdag?")).await;
    world.clock.forward(60);
    let (dialog, message) = (reference(sore.id), office_message("m1", "Bruk Brulidine på såret."));
    let said = EventBody::Message { dialog, message, status: DialogStatus::AwaitingCitizen, redirect: None };
    settled(&world, vec![old("e1", said), results("r1", KARI, false)]).await;
    world
}

#[tokio::test]
async fn words_are_found_in_messages_and_findings_without_case_and_marks() {
    let world = world().await;
    assert_eq!(firsts(&world, words("SAR hand")).await, ["Jeg har et sår på hånden"]);
    // One word of the citizen's, one of the office's.
    assert_eq!(firsts(&world, words("hånden brulidine")).await, ["Jeg har et sår på hånden"]);
    assert_eq!(firsts(&world, words("lordag")).await, ["Har dere åpent på lørdag?"]);
    assert_eq!(firsts(&world, words("ferritin")).await, ["Jernlageret er lavt."]);
    assert!(firsts(&world, words("hånden ferritin")).await.is_empty(), "each word in the same dialog");
    assert_eq!(firsts(&world, DialogSearch::default()).await.len(), 3);
}

#[tokio::test]
async fn a_search_is_on_record_without_anything_that_words_could_be_tried_against() {
    let world = world().await;
    found(&world, words("ferritin")).await;
    let record = world.log.last();
    assert_eq!(record.action, "dialogs.search");
    assert!(record.request_sha256.is_none() && record.citizen.is_some());
}

#[tokio::test]
async fn a_search_is_narrowed_by_service_status_provider_and_time() {
    let world = world().await;
    let of = async |search| firsts(&world, search).await;
    let services = vec![Service::TestResults, Service::Inquiry];
    assert_eq!(of(DialogSearch { services, ..Default::default() }).await.len(), 2);
    let statuses = vec![StatusName::AwaitingCitizen];
    assert_eq!(of(DialogSearch { statuses, ..Default::default() }).await, ["Jeg har et sår på hånden"]);
    let providers = vec!["another".parse().unwrap()];
    assert!(of(DialogSearch { providers, ..Default::default() }).await.is_empty());
    let now = world.now();
    let earlier = now - jiff::SignedDuration::from_secs(30);
    assert_eq!(of(DialogSearch { until: Some(earlier), ..Default::default() }).await, ["Har dere åpent på lørdag?"]);
    assert_eq!(of(DialogSearch { from: Some(earlier), ..Default::default() }).await.len(), 2);
    let turned = DialogSearch { from: Some(now), until: Some(earlier), ..Default::default() };
    assert_eq!(pointers(world.desk.search(&world.kari(), &get(), turned).await), ["/until"]);
}

#[tokio::test]
async fn pages_of_a_search_follow_each_other_and_belong_to_one_citizen() {
    let world = world().await;
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let search = DialogSearch { limit: Some(1), cursor, ..words("a") };
        let (items, next) = found(&world, search).await;
        all.extend(items.into_iter().map(|dialog| dialog.id));
        cursor = next;
        if cursor.is_none() {
            break;
        }
        let anothers = DialogSearch { cursor: cursor.clone(), ..words("a") };
        assert_eq!(why(world.desk.search(&world.citizen(OLA), &get(), anothers).await), "malformed no");
    }
    let (once, _) = found(&world, words("a")).await;
    assert_eq!(all, once.iter().map(|dialog| dialog.id).collect::<Vec<_>>());
    assert_eq!(all.len(), 3);
    // A cursor of the list is of no use in a search.
    let filter = dialog_core::DialogFilter { limit: Some(1), ..Default::default() };
    let (_, listed) = page::<Dialog>(&world.desk.dialogs(&world.kari(), &get(), filter).await.unwrap());
    let mixed = DialogSearch { cursor: listed, ..words("a") };
    assert_eq!(why(world.desk.search(&world.kari(), &get(), mixed).await), "malformed no");
}

#[tokio::test]
async fn the_words_of_a_search_are_in_no_record_and_nobody_elses_dialogs_are_found() {
    let world = world().await;
    let (items, _) = page::<Dialog>(&world.desk.search(&world.citizen(OLA), &get(), words("sår")).await.unwrap());
    assert!(items.is_empty());
    assert_eq!(found(&world, words("brulidine")).await.0.len(), 1);
    let records = serde_json::to_string(&*world.log.records.lock().unwrap()).unwrap();
    assert!(!records.to_lowercase().contains("brulidine"));
}
