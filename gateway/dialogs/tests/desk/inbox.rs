//! The inbox in numbers, and what is overdue.

use dialog_contract::{
    inbox::Inbox,
    provider::{DialogStatus, EventBody},
    service::{Locale, Service},
};
use dialog_core::{DialogFilter, request::Request};

use crate::{
    inbound::{old, settled},
    results::results,
    support::*,
};

/// Longer than five working days and every holiday in between.
const A_FORTNIGHT: i64 = 14 * 24 * 3600;

async fn inbox(world: &World, number: &str) -> Inbox {
    let answer = world.desk.inbox(&world.citizen(number), &get()).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn an_inbox_counts_what_is_unread_awaited_overdue_and_to_come() {
    let world = World::new().await;
    let empty = inbox(&world, KARI).await;
    assert_eq!((empty.unread, empty.services.len(), empty.complete), (0, 0, true));
    let answered = world.opened(consultation("x")).await;
    world.opened(consultation("y")).await;
    let (dialog, message) = (reference(answered.id), office_message("m1", "Hvor lenge?"));
    let said = EventBody::Message { dialog, message, status: DialogStatus::AwaitingCitizen, redirect: None };
    settled(&world, vec![old("e1", said), results("r1", KARI, false)]).await;
    world.clock.forward(A_FORTNIGHT);
    let start = world.now() + jiff::SignedDuration::from_hours(48);
    let booking = dialog_contract::appointment::NewBooking {
        slot: "s1".into(),
        start,
        end: start + jiff::SignedDuration::from_mins(20),
        clinician: Some(gp()),
        reason: None,
        provider: None,
    };
    world.desk.book(&world.kari(), &post("/"), booking).await.unwrap();
    let counted = inbox(&world, KARI).await;
    assert_eq!((counted.unread, counted.unread_results, counted.awaiting_citizen), (2, 1, 1));
    assert_eq!((counted.overdue, counted.coming_appointments, counted.complete), (1, 1, true));
    let services: Vec<_> = counted.services.iter().map(|of| (of.service, of.dialogs, of.unread, of.overdue)).collect();
    assert_eq!(services, [(Service::Consultation, 2, 1, 1), (Service::TestResults, 1, 1, 0)]);
    // Another citizen has none of it.
    assert_eq!(inbox(&world, OLA).await, empty);
    world.desk.seen(&world.kari(), &post("/"), answered.id).await.unwrap();
    assert_eq!(inbox(&world, KARI).await.unread, 1);
}

#[tokio::test]
async fn an_overdue_dialog_says_so_until_the_office_has_answered() {
    let world = World::new().await;
    let dialog = world.opened(consultation("x")).await;
    world.opened(inquiry("without a day")).await;
    let overdue = async || {
        let filter = DialogFilter { overdue: true, ..Default::default() };
        let answer = world.desk.dialogs(&world.kari(), &get(), filter).await.unwrap();
        page::<dialog_contract::dialog::Dialog>(&answer).0.iter().map(|one| (one.id, one.overdue)).collect::<Vec<_>>()
    };
    assert!(!world.read(dialog.id).await.overdue && overdue().await.is_empty());
    world.clock.forward(A_FORTNIGHT);
    let read = world.read(dialog.id).await;
    assert!(read.overdue && read.revision == dialog.revision, "time alone is no change");
    assert_eq!(overdue().await, [(dialog.id, true)]);
    let (dialog_as_known, message) = (reference(dialog.id), office_message("m1", "Ta det med ro."));
    let status = DialogStatus::AwaitingCitizen;
    let said = EventBody::Message { dialog: dialog_as_known, message, status, redirect: None };
    settled(&world, vec![old("e1", said)]).await;
    assert!(!world.read(dialog.id).await.overdue && overdue().await.is_empty());
}

#[tokio::test]
async fn what_happened_is_told_in_the_language_of_whoever_reads_it() {
    let world = World::new().await;
    let opened = world.opened(inquiry("When do you open?")).await;
    world.desk.close(&world.kari(), &post("/"), opened.id).await.unwrap();
    let mut told = Vec::new();
    for locale in [Locale::Nb, Locale::Nn, Locale::En] {
        let request = Request { locale, ..get() };
        let answer = world.desk.dialog(&world.kari(), &request, opened.id).await.unwrap();
        let one: dialog_contract::dialog::Dialog = serde_json::from_slice(&answer.body).unwrap();
        let answer = world.desk.dialogs(&world.kari(), &request, DialogFilter::default()).await.unwrap();
        assert_eq!(page::<dialog_contract::dialog::Dialog>(&answer).0[0].activities, one.activities, "{locale}");
        told.push(one.activities);
    }
    let [nb, nn, en] = &told[..] else { panic!() };
    assert!(nb.len() >= 3 && nb.len() == nn.len() && nb.len() == en.len());
    for (at, one) in nb.iter().enumerate() {
        assert!(one.kind == en[at].kind && one.text != en[at].text, "{} as in {}", one.text, en[at].text);
    }
    assert!(nb[0].text.starts_with("Du ") && nn[0].text.starts_with("Du ") && en[0].text.starts_with("You "));
    assert_ne!(nb, nn);
}
