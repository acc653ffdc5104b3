//! Bookings and practical information, from the portal's side.

use super::{MONDAY, PRACTICE, SLOT, again, ask, code, patient, sim, taken};
use crate::sim::world::{LEILA, OLA};
use reqwest::StatusCode;
use uuid::Uuid;

fn wanted(slot: &str, start: &str) -> String {
    format!("<Slot>{slot}</Slot><Start>{start}</Start>{}", patient())
}

fn book(slot: &str, start: &str) -> String {
    format!("<Practice>{PRACTICE}</Practice>{}", wanted(slot, start))
}

#[tokio::test]
async fn a_slot_is_booked_once_moved_cancelled_and_free_again() {
    let sim = sim().await;
    let id = Uuid::now_v7();
    let first = again(&sim, "BookSlot", &book(SLOT, MONDAY), id).await;
    let booking = first.1.child("Booking").unwrap();
    assert_eq!((first.0, booking.text_of("Start").as_deref()), (StatusCode::OK, Some(MONDAY)));
    assert_eq!(again(&sim, "BookSlot", &book(SLOT, MONDAY), id).await, first, "the first result again");
    assert_eq!(code(&ask(&sim, "BookSlot", &book(SLOT, MONDAY)).await.1), "SlotTaken");

    let number = booking.text_of("Number").unwrap();
    let later = ("OP-9123458-20261123-0900", "2026-11-23T09:00:00+01:00");
    let moved = taken(&sim, "MoveBooking", &format!("<Booking>{number}</Booking>{}", wanted(later.0, later.1))).await;
    let moved = moved.child("Booking").unwrap();
    assert_eq!((moved.text_of("Start").as_deref(), moved.text_of("Number")), (Some(later.1), Some(number.clone())));
    let free = |id: &str| sim.slots(PRACTICE).unwrap().iter().any(|slot| slot.id == id && !slot.taken);
    assert!(free(SLOT) && !free(later.0));

    let find = format!(
        "<Practice>{PRACTICE}</Practice><Fnr>{}</Fnr><From>2026-11-20T10:00:00+01:00</From>",
        LEILA.national_id
    );
    assert_eq!(taken(&sim, "FindBookings", &find).await.all("Booking").count(), 1);
    let cancel = format!("<Booking>{number}</Booking><Fnr>{}</Fnr>", LEILA.national_id);
    sim.set_late(PRACTICE, true).unwrap();
    assert_eq!(code(&ask(&sim, "CancelBooking", &cancel).await.1), "TooLate");
    sim.set_late(PRACTICE, false).unwrap();
    let cancelled = taken(&sim, "CancelBooking", &cancel).await;
    assert_eq!(cancelled.child("Booking").unwrap().text_of("State").as_deref(), Some("CANCELLED"));
    assert!(free(later.0));
    assert_eq!(code(&ask(&sim, "CancelBooking", &cancel).await.1), "BookingCancelled");
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_slot_that_is_not_as_the_patient_saw_it_is_not_booked() {
    let sim = sim().await;
    assert_eq!(code(&ask(&sim, "BookSlot", &book(SLOT, "2026-11-23T08:20:00+01:00")).await.1), "SlotMoved");
    sim.take_slot(PRACTICE, SLOT).unwrap();
    assert_eq!(code(&ask(&sim, "BookSlot", &book(SLOT, MONDAY)).await.1), "SlotTaken");
    assert!(sim.bookings(PRACTICE, LEILA.national_id).unwrap().is_empty());
}

#[tokio::test]
async fn slots_are_told_from_a_place_on_and_by_channel() {
    let sim = sim().await;
    let span = format!(
        "<Practice>{PRACTICE}</Practice><From>2026-11-20T10:00:00+01:00</From><Until>2027-01-15T00:00:00+01:00</Until>"
    );
    let first = taken(&sim, "FindSlots", &span).await;
    assert_eq!((first.all("Slot").count(), first.text_of("Cursor")), (39 * 5, None), "all of eight weeks but a day");
    let rest = taken(&sim, "FindSlots", &format!("{span}<Cursor>S190</Cursor>")).await;
    assert_eq!(rest.all("Slot").count(), 39 * 5 - 190);
    let by_phone = taken(&sim, "FindSlots", &format!("{span}<Channel>PHONE</Channel>")).await;
    assert!(by_phone.all("Slot").count() > 10);
    assert!(by_phone.all("Slot").all(|slot| slot.text_of("Channel").as_deref() == Some("PHONE")));
    sim.set_endless(true);
    let endless = taken(&sim, "FindSlots", &format!("{span}<Cursor>S5000</Cursor>")).await;
    assert_eq!((endless.all("Slot").count(), endless.text_of("Cursor").as_deref()), (0, Some("S5001")));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_practice_tells_of_itself_in_three_languages() {
    let sim = sim().await;
    let mut payments = Vec::new();
    for language in ["nb", "nn", "en"] {
        let content = format!("<Practice>{PRACTICE}</Practice><Language>{language}</Language>");
        let told = taken(&sim, "GetPractice", &content).await;
        assert_eq!((told.all("Hours").count(), told.all("Doctor").count()), (5, 1));
        payments.push(told.text_of("Directions").unwrap());
        let form = taken(&sim, "GetForms", &content).await;
        assert_eq!(form.child("Form").unwrap().text_of("Service").as_deref(), Some("CERTIFICATE"));
    }
    payments.dedup();
    assert_eq!(payments.len(), 3);
}

#[tokio::test]
async fn who_is_not_the_practices_patient_or_is_barred_books_nothing() {
    let sim = sim().await;
    let stranger = book(SLOT, MONDAY).replace(LEILA.national_id, OLA.national_id);
    assert_eq!(code(&ask(&sim, "BookSlot", &stranger).await.1), "UnknownPatient");
    sim.set_blocked(PRACTICE, LEILA.national_id, true).unwrap();
    assert_eq!(code(&ask(&sim, "BookSlot", &book(SLOT, MONDAY)).await.1), "PatientBlocked");
    sim.set_blocked(PRACTICE, LEILA.national_id, false).unwrap();
    sim.set_service(PRACTICE, crate::sim::besoklegen::Service::Booking, false).unwrap();
    assert_eq!(code(&ask(&sim, "BookSlot", &book(SLOT, MONDAY)).await.1), "ServiceOff");
    let elsewhere = book(SLOT, MONDAY).replace(PRACTICE, "NOWHERE");
    assert_eq!(code(&ask(&sim, "BookSlot", &elsewhere).await.1), "UnknownPractice");
}
