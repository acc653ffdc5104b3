//! Lists of dialogs.

use dialog_contract::{
    dialog::{Dialog, StatusName},
    provider::{DialogStatus, EventBody},
    service::Service,
};
use dialog_core::DialogFilter;

use crate::support::*;

async fn titles(world: &World, filter: DialogFilter) -> (Vec<String>, Option<String>) {
    let answer = world.desk.dialogs(&world.kari(), &get(), filter).await.unwrap();
    let (dialogs, next) = page::<Dialog>(&answer);
    (dialogs.into_iter().map(|dialog| dialog.messages[0].text.clone()).collect(), next)
}

#[tokio::test]
async fn dialogs_are_listed_newest_change_first_page_by_page() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        world.clock.forward(1);
        ids.push(world.opened(consultation(&number.to_string())).await.id);
    }
    world.clock.forward(1);
    world.desk.send(&world.kari(), &post("/"), ids[1], text("more")).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let (page, next) = titles(&world, DialogFilter { cursor, limit: Some(2), ..Default::default() }).await;
        assert!(page.len() <= 2);
        seen.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["1", "4", "3", "2", "0"]);
}

#[tokio::test]
async fn a_list_can_be_filtered() {
    let world = World::new().await;
    world.opened(consultation("consultation")).await;
    let answered = world.opened(inquiry("answered")).await;
    let dialog_name = reference(answered.id);
    world.sends(move || {
        let (message, status) = (office_message("m1", "Answer."), DialogStatus::AwaitingCitizen);
        Ok(vec![event("e1", EventBody::Message { dialog: dialog_name, message, status, redirect: None })])
    });
    world.desk.send(&world.kari(), &post("/"), answered.id, text("y")).await.unwrap();
    let of = |filter| titles(&world, filter);
    let service = Some(Service::Consultation);
    assert_eq!(of(DialogFilter { service, ..Default::default() }).await.0, ["consultation"]);
    let status = Some(StatusName::AwaitingCitizen);
    assert_eq!(of(DialogFilter { status, ..Default::default() }).await.0, ["answered"]);
    assert_eq!(of(DialogFilter { unopened: true, ..Default::default() }).await.0, ["answered"]);
    world.desk.seen(&world.kari(), &post("/"), answered.id).await.unwrap();
    assert!(of(DialogFilter { unopened: true, ..Default::default() }).await.0.is_empty());
}

#[tokio::test]
async fn a_bad_cursor_or_limit_is_named() {
    let world = World::new().await;
    world.opened(consultation("a")).await;
    world.opened(consultation("b")).await;
    let (_, cursor) = titles(&world, DialogFilter { limit: Some(1), ..Default::default() }).await;
    let ask = |who, filter| {
        let desk = world.desk.clone();
        async move { refused(desk.dialogs(&who, &get(), filter).await) }
    };
    let made_up = DialogFilter { cursor: Some("AAAA".into()), ..Default::default() };
    let of_another = DialogFilter { cursor, ..Default::default() };
    for (who, filter) in [(world.kari(), made_up), (world.citizen(OLA), of_another)] {
        let outcome = ask(who, filter).await;
        assert_eq!(outcome.problem.name(), "malformed");
        assert!(outcome.detail.contains("cursor"), "{}", outcome.detail);
    }
    for limit in [0, 101] {
        let outcome = ask(world.kari(), DialogFilter { limit: Some(limit), ..Default::default() }).await;
        assert!(outcome.detail.contains("limit"), "{}", outcome.detail);
    }
}

#[tokio::test]
async fn a_citizen_sees_only_their_own() {
    let world = World::new().await;
    world.opened(consultation("mine")).await;
    let answer = world.desk.dialogs(&world.citizen(OLA), &get(), DialogFilter::default()).await.unwrap();
    assert!(page::<Dialog>(&answer).0.is_empty());
}
