//! Direct booking.

use dialog_contract::{
    appointment::{Appointment, NewBooking, NewCancellation, Slot, SlotQuery},
    opening::{NewDialog, Request as Asked},
    practice::Booking,
    provider::Failure,
    service::{EncounterMode, Sent, Service},
};
use jiff::{Timestamp, ToSpan};

use crate::support::*;

fn booking(start: Timestamp) -> NewBooking {
    NewBooking {
        slot: "s1".into(),
        start,
        end: start + 20.minutes(),
        clinician: Some(gp()),
        reason: None,
        provider: None,
    }
}

fn shown(body: &[u8]) -> Appointment {
    serde_json::from_slice(body).unwrap()
}

async fn booked(world: &World) -> Appointment {
    let answer = world.desk.book(&world.kari(), &post("/"), booking(world.now() + 24.hours())).await.unwrap();
    assert_eq!(answer.status, 201);
    shown(&answer.body)
}

const ALL: SlotQuery = SlotQuery { from: None, until: None, clinician: None, mode: None, provider: None };

#[tokio::test]
async fn slots_come_in_order_of_start_and_only_those_asked_for() {
    let world = World::new().await;
    let slot = |id: &str, start: Timestamp| Slot {
        id: id.into(),
        start,
        end: start + 20.minutes(),
        clinician: None,
        mode: EncounterMode::InPerson,
        title: "Time".into(),
    };
    let now = world.now();
    *world.providers.slots.lock().unwrap() = vec![
        slot("late", now + 48.hours()),
        slot("early", now + 2.hours()),
        slot("past", now - 2.hours()),
        slot("far", now + 900.hours()),
    ];
    let answer = world.desk.slots(&world.kari(), &get(), ALL).await.unwrap();
    let ids: Vec<String> = page::<Slot>(&answer).0.into_iter().map(|slot| slot.id).collect();
    assert_eq!(ids, ["early", "late"]);
}

#[tokio::test]
async fn slots_in_the_past_or_over_four_weeks_ahead_cannot_be_asked_for_or_booked() {
    let world = World::new().await;
    let now = world.now();
    let ask = async |query| world.desk.slots(&world.kari(), &get(), query).await;
    assert_eq!(pointers(ask(SlotQuery { from: Some(now - 1.hour()), ..ALL }).await), ["/from"]);
    assert_eq!(pointers(ask(SlotQuery { until: Some(now + (28 * 24 + 1).hours()), ..ALL }).await), ["/until"]);
    let (from, until) = (Some(now + 2.hours()), Some(now + 1.hour()));
    assert_eq!(pointers(ask(SlotQuery { from, until, ..ALL }).await), ["/until"]);
    ask(SlotQuery { from: Some(now - 1.second()), until: Some(now + (28 * 24).hours()), ..ALL }).await.unwrap();
    let book = async |start| world.desk.book(&world.kari(), &post("/"), booking(start)).await;
    assert_eq!(pointers(book(now - 1.hour()).await), ["/start"]);
    assert_eq!(pointers(book(now + (28 * 24 + 1).hours()).await), ["/start"]);
    let backwards = NewBooking { end: now + 1.hour(), ..booking(now + 2.hours()) };
    assert_eq!(pointers(world.desk.book(&world.kari(), &post("/"), backwards).await), ["/end"]);
    assert!(world.providers.calls("book").is_empty());
}

#[tokio::test]
async fn an_appointment_is_booked_moved_and_cancelled_under_one_id() {
    let world = World::new().await;
    let first = booked(&world).await;
    let later = world.now() + 72.hours();
    let answer = world.desk.change(&world.kari(), &post("/"), first.id, booking(later)).await.unwrap();
    let moved = shown(&answer.body);
    assert_eq!((answer.status, moved.id, moved.start), (200, first.id, later));
    let cancel = async || world.desk.cancel(&world.kari(), &post("/"), first.id, NewCancellation::default()).await;
    let cancelled = shown(&cancel().await.unwrap().body);
    assert_eq!((cancelled.id, cancelled.start, cancelled.cancellable), (first.id, later, false));
    assert_eq!(why(cancel().await), "conflict no");
    assert_eq!(
        world.event_kinds().await,
        ["no.dialog.appointment.booked.v1", "no.dialog.appointment.moved.v1", "no.dialog.appointment.cancelled.v1"]
    );
}

#[tokio::test]
async fn a_slot_that_is_gone_books_nothing_and_says_so() {
    let world = World::new().await;
    world.books(|| Err(Failure::Conflict(reason("The time is taken."))));
    let outcome = refused(world.desk.book(&world.kari(), &post("/"), booking(world.now() + 2.hours())).await);
    assert_eq!((outcome.problem.name(), outcome.sent), ("conflict", Sent::No));
    assert_eq!(outcome.detail, "The time is taken. Nothing was booked or changed.");
    assert!(world.feed().await.is_empty());
}

#[tokio::test]
async fn booking_is_never_queued() {
    let world = World::new().await;
    world.books(|| Err(unavailable(Sent::No)));
    let outcome = refused(world.desk.book(&world.kari(), &post("/"), booking(world.now() + 2.hours())).await);
    assert_eq!((outcome.problem.name(), outcome.sent), ("provider-unavailable", Sent::No));
    assert!(outcome.detail.contains("Nothing was booked"), "{}", outcome.detail);
    world.books(|| Err(unavailable(Sent::Unknown)));
    let outcome = refused(world.desk.book(&world.kari(), &post("/"), booking(world.now() + 2.hours())).await);
    assert_eq!(outcome.sent, Sent::Unknown);
    assert!(outcome.detail.contains("We do not know"), "{}", outcome.detail);
    world.clock.forward(3600);
    world.desk.run_due_work(world.now()).await.unwrap();
    assert_eq!(world.providers.calls("book").len(), 2);
}

#[tokio::test]
async fn where_the_office_takes_requests_nothing_can_be_booked() {
    let world = World::new().await;
    world.agree(Service::Appointment, |agreement| agreement.booking = Some(Booking::Request));
    let outcome = refused(world.desk.book(&world.kari(), &post("/"), booking(world.now() + 2.hours())).await);
    assert_eq!(outcome.problem.name(), "service-not-offered");
    assert!(outcome.detail.contains("Write a request"), "{}", outcome.detail);
    assert_eq!(why(world.desk.slots(&world.kari(), &get(), ALL).await), "service-not-offered no");
}

#[tokio::test]
async fn others_appointments_are_not_there() {
    let world = World::new().await;
    let appointment = booked(&world).await;
    let ola = world.citizen(OLA);
    let cancelled = world.desk.cancel(&ola, &post("/"), appointment.id, NewCancellation::default()).await;
    assert_eq!(why(cancelled), "not-found no");
    let changed = world.desk.change(&ola, &post("/"), appointment.id, booking(world.now() + 2.hours())).await;
    assert_eq!(why(changed), "not-found no");
}

#[tokio::test]
async fn coming_appointments_keep_their_ids_and_follow_the_provider() {
    let world = World::new().await;
    let start = world.now() + 24.hours();
    *world.providers.upcoming.lock().unwrap() = vec![appointment("b", start + 1.hour()), appointment("a", start)];
    let list = async || page::<Appointment>(&world.desk.appointments(&world.kari(), &get()).await.unwrap()).0;
    let first = list().await;
    assert_eq!(first.iter().map(|appointment| appointment.start).collect::<Vec<_>>(), [start, start + 1.hour()]);
    assert_eq!(list().await, first);
    *world.providers.upcoming.lock().unwrap() = vec![appointment("a", start + 2.hours())];
    let moved = list().await;
    assert_eq!((moved.len(), moved[0].id, moved[0].start), (1, first[0].id, start + 2.hours()));
    // What was only ever listed can be cancelled.
    world.desk.cancel(&world.kari(), &post("/"), moved[0].id, NewCancellation::default()).await.unwrap();
}

#[tokio::test]
async fn an_appointment_that_the_office_keeps_is_not_changed_here() {
    let world = World::new().await;
    let start = world.now() + 24.hours();
    let kept = dialog_contract::provider::Appointment { cancellable: false, ..appointment("a", start) };
    *world.providers.upcoming.lock().unwrap() = vec![kept];
    let listed = page::<Appointment>(&world.desk.appointments(&world.kari(), &get()).await.unwrap()).0;
    let cancelled = world.desk.cancel(&world.kari(), &post("/"), listed[0].id, NewCancellation::default()).await;
    assert_eq!(why(cancelled), "declined no");
    assert!(world.providers.calls("cancel").is_empty());
}

#[tokio::test]
async fn a_written_change_names_the_appointment_as_the_provider_does() {
    let world = World::new().await;
    let appointment = booked(&world).await;
    world.agree(Service::Appointment, |agreement| agreement.booking = Some(Booking::Request));
    let ask = |appointment| NewDialog {
        request: Asked::AppointmentChange { appointment, preferred: Vec::new() },
        message: Some(text("Later, please.")),
        continues: None,
        provider: None,
    };
    world.opened(ask(appointment.id)).await;
    let Some(dialog_contract::provider::Opening::AppointmentChange { appointment: named, .. }) =
        world.providers.calls("open").remove(0).opening
    else {
        panic!("not a change")
    };
    assert_eq!(named, "s1");
    let unknown = dialog_contract::ids::AppointmentId::new();
    assert_eq!(why(world.desk.open(&world.kari(), &post("/"), ask(unknown)).await), "not-found no");
}
