//! What the operator is told of all dialogs together: how many wait, and how many answers are overdue.

use std::collections::BTreeMap;

use dialog_contract::{
    provider::{Delivery, DialogStatus, EventBody},
    service::{Sent, Service},
};
use dialog_core::Waiting;

use crate::support::*;

/// Longer than five working days and every holiday in between.
const A_FORTNIGHT: i64 = 14 * 24 * 3600;

#[tokio::test]
async fn what_waits_is_counted_by_service_from_when_the_citizen_asked_until_it_is_through() {
    let world = World::new().await;
    assert_eq!(world.desk.waiting().await.unwrap(), Waiting::default());
    let asked = world.now();
    for opening in [consultation("x"), inquiry("x"), inquiry("y")] {
        world.opens(|| Err(unavailable(Sent::No)));
        world.opened(opening).await;
        world.clock.forward(1);
    }
    let waiting = world.desk.waiting().await.unwrap();
    assert_eq!(waiting.dialogs, BTreeMap::from([(Service::Consultation, 1), (Service::Inquiry, 2)]));
    assert_eq!(waiting.since, Some(asked));
    // An attempt that fails makes nothing younger.
    world.opens(|| Err(unavailable(Sent::No)));
    world.clock.forward(15 * 60);
    world.desk.run_due_work(world.now()).await.unwrap();
    let left = world.desk.waiting().await.unwrap();
    assert_eq!(left.dialogs.values().sum::<u64>(), 1, "two are through");
    assert!(left.since.is_some_and(|since| (asked..asked + std::time::Duration::from_secs(3)).contains(&since)));
    world.clock.forward(15 * 60);
    world.desk.run_due_work(world.now()).await.unwrap();
    assert_eq!(world.desk.waiting().await.unwrap(), Waiting::default());
}

#[tokio::test]
async fn an_answer_is_overdue_from_its_day_on_until_the_office_has_said_something() {
    let world = World::new().await;
    let (answered, closed) = (world.opened(consultation("x")).await, world.opened(consultation("y")).await);
    world.opened(consultation("z")).await;
    world.opened(inquiry("without a day")).await;
    assert!(world.desk.overdue(world.now()).await.unwrap().is_empty(), "not yet");
    world.clock.forward(A_FORTNIGHT);
    let overdue = |count| BTreeMap::from([((office_id(), Service::Consultation), count)]);
    assert_eq!(world.desk.overdue(world.now()).await.unwrap(), overdue(3));
    let body = EventBody::Message {
        dialog: reference(answered.id),
        message: office_message("m1", "Ta det med ro."),
        status: DialogStatus::AwaitingCitizen,
        redirect: None,
    };
    world.providers.deliveries.lock().unwrap().push_back(Box::new(move || Ok(vec![event("e1", body)])));
    let delivery = Delivery { id: None, path: "/".into(), headers: Vec::new(), body: Vec::new() };
    world.desk.receive(&plugin(), &post("/"), delivery).await.unwrap();
    assert_eq!(world.desk.overdue(world.now()).await.unwrap(), overdue(2));
    world.desk.close(&world.kari(), &post("/"), closed.id).await.unwrap();
    assert_eq!(world.desk.overdue(world.now()).await.unwrap(), overdue(1));
    // What the citizen writes now is another question than the one that had a day.
    world.desk.send(&world.kari(), &post("/"), answered.id, text("Takk.")).await.unwrap();
    assert_eq!(world.desk.overdue(world.now()).await.unwrap(), overdue(1));
}
