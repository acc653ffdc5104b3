//! Direct booking: a question and its answer within the call.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support {
    #[allow(dead_code, reason = "shared by several test files")]
    pub(crate) mod inbox;
}

use ddfl::message::Kind;
use ddfl::plugin::Ddfl;
use ddfl::read::DialogMessage;
use dialog_plugin_sdk::appointments::{Appointments, Booking, SlotQuery};
use dialog_plugin_sdk::inbound::{Disposition, Inbound, Settlement};
use dialog_plugin_sdk::testing::Reply;
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{Appointment, AppointmentChangeKind, EncounterMode, EventBody, Failure, Sent, clock};
use support::inbox::{GP, Inbox, Letter, Store, app_rec, context, inbound_context, settings};

const NINE: i64 = 1_767_686_400_000; // 2026-01-06T08:00:00Z, nine o'clock in Norway
const QUARTER: i64 = 900_000;

fn query() -> SlotQuery {
    SlotQuery { from: 1_767_600_000_000, until: 1_767_600_000_000 + 7 * 86_400_000, clinician: None, mode: None }
}

fn booking(slot: &str) -> Booking {
    Booking { slot: slot.into(), start: NINE, end: NINE + QUARTER, clinician: None, reason: Some("Hoste".into()) }
}

/// An office that answers everything, with these codes for reserving and cancelling.
fn office(reserve: &'static str, cancel: &'static str) -> impl FnMut(&DialogMessage, &mut Store) {
    let mut count = 0;
    move |message, store| {
        count += 1;
        let letter = match message.kind.unwrap() {
            Kind::FindSlots => Letter::to(message, count, "03")
                .appointment("2026-01-06T09:15:00", "2026-01-06T09:30:00", "s2", "")
                .appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", "s1", ""),
            Kind::FindBooked => {
                Letter::to(message, count, "01").appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", "s1", "r1")
            }
            Kind::Reserve => {
                let uid = message.appointments[0].uid.clone();
                let letter = Letter::to(message, count, reserve);
                if reserve == "05" {
                    letter.appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", &uid, &format!("r-{uid}"))
                } else {
                    letter
                }
            }
            Kind::CancelReserved => {
                Letter::to(message, count, cancel).appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", "s1", "r1")
            }
            other => panic!("{other:?}"),
        };
        letter.deliver(store);
    }
}

fn book(inbox: &Inbox, slot: &str) -> Result<Appointment, Failure> {
    inbox.host.call(|| Ddfl::book(context(), booking(slot)))
}

#[test]
fn free_slots_come_in_order_with_their_clinician() {
    let inbox = Inbox::open(office("05", "08"));
    let slots = inbox.host.call(|| Ddfl::slots(context(), query())).unwrap();
    let told: Vec<_> = slots.iter().map(|slot| (slot.id.as_str(), slot.start, slot.end)).collect();
    assert_eq!(
        told,
        [(&*format!("{GP}.s1"), NINE, NINE + QUARTER), (&*format!("{GP}.s2"), NINE + QUARTER, NINE + 2 * QUARTER)]
    );
    assert_eq!(slots[0].clinician.as_ref().unwrap().family_name, "Fastlege");
    assert_eq!((slots[0].mode, slots[0].title.as_str()), (EncounterMode::InPerson, "Konsultasjon"));
    let sent = inbox.sent().pop().unwrap();
    assert_eq!((sent.from_date.as_deref(), sent.to_date.as_deref()), (Some("2026-01-05"), Some("2026-01-12")));
    assert_eq!(sent.ack, Some(false));
    assert!(inbox.inbox()[0].read);
}

#[test]
fn slots_that_cannot_be_booked_here_and_now_are_left_out() {
    let inbox = Inbox::open(|message, store| {
        let event = |uid: &str, more: &str| {
            format!(
                "<vevent><properties><dtstart><date-time>2026-01-06T09:00:00</date-time></dtstart><dtend><date-time>2026-01-06T09:15:00</date-time></dtend><uid><text>{uid}</text></uid>{more}</properties></vevent>"
            )
        };
        let events = [
            event("call", "<categories><text>MustCall</text></categories>"),
            event("later", "<x-available-at><date-time>2026-01-06T08:00:00</date-time></x-available-at>"),
            event("open", "<x-available-at><date-time>2026-01-05T08:00:00</date-time></x-available-at>"),
            event("video", "<categories><text>Video</text></categories>"),
        ]
        .concat();
        Letter::to(message, 1, "03")
            .document(&format!("<icalendar><vcalendar><components>{events}</components></vcalendar></icalendar>"))
            .deliver(store);
    });
    let slots = inbox.host.call(|| Ddfl::slots(context(), query())).unwrap();
    let told: Vec<_> = slots.iter().map(|slot| (slot.id.rsplit('.').next().unwrap(), slot.mode)).collect();
    assert_eq!(told, [("open", EncounterMode::InPerson), ("video", EncounterMode::Video)]);
    let mut video = query();
    video.mode = Some(EncounterMode::Video);
    let mut ctx = context();
    ctx.idempotency_key = "k2".into();
    let slots = inbox.host.call(|| Ddfl::slots(ctx, video)).unwrap();
    assert_eq!(slots.len(), 1);
}

#[test]
fn a_slot_is_booked_and_its_answer_receipted() {
    let inbox = Inbox::open(office("05", "08"));
    let booked = book(&inbox, &format!("{GP}.s1")).unwrap();
    assert_eq!((booked.id.as_str(), booked.start, booked.end), ("r-s1", NINE, NINE + QUARTER));
    assert!(booked.cancellable && booked.changeable);
    let sent = inbox.sent().pop().unwrap();
    assert_eq!(sent.kind, Some(Kind::Reserve));
    assert_eq!(sent.text.as_deref(), Some("Hoste"));
    assert_eq!(sent.appointments[0].uid, "s1");
    assert_eq!(sent.appointments[0].contact.unwrap().get(), GP);
    assert_eq!(inbox.inbox()[0].app_recs, [(1, vec![])]);
    assert!(inbox.inbox()[0].read);
    assert!(inbox.host.requests().len() <= 16);
}

#[test]
fn a_slot_that_is_taken_is_a_conflict_and_nothing_is_booked() {
    let inbox = Inbox::open(office("06", "08"));
    assert!(matches!(book(&inbox, &format!("{GP}.s1")), Err(Failure::Conflict(_))));
    assert!(matches!(book(&Inbox::silent_again(inbox), "no slot of ours"), Err(Failure::Conflict(_))));
}

trait Again {
    fn silent_again(inbox: Inbox) -> Inbox;
}

impl Again for Inbox {
    fn silent_again(inbox: Inbox) -> Inbox {
        drop(inbox);
        Inbox::silent()
    }
}

#[test]
fn a_no_is_declined_in_the_offices_words() {
    for (code, expected) in [("26", "26"), ("30", "30")] {
        let inbox = Inbox::open(office(code, "08"));
        let failure = book(&inbox, &format!("{GP}.s1")).unwrap_err();
        assert!(matches!(failure, Failure::Declined(reason) if reason.code == expected));
    }
}

#[test]
fn a_negative_receipt_ends_the_wait() {
    let inbox = Inbox::open(|message, store| app_rec(store, 1, &message.id, 2, &["T10"]));
    let before = clock::now();
    let failure = book(&inbox, &format!("{GP}.s1")).unwrap_err();
    let Failure::Faulty(fault) = failure else { panic!("{failure:?}") };
    assert!(fault.detail.contains("T10"), "{}", fault.detail);
    assert_eq!(fault.sent, Sent::Yes);
    assert!(clock::now() - before < 1_000);
}

#[test]
fn an_office_that_does_not_answer_is_waited_for_within_the_deadline_and_the_requests() {
    let inbox = Inbox::silent();
    let before = clock::now();
    let failure = book(&inbox, &format!("{GP}.s1")).unwrap_err();
    let Failure::Unavailable(outage) = failure else { panic!("{failure:?}") };
    assert_eq!(outage.sent, Sent::Unknown);
    assert!(clock::now() - before <= 15_000);
    assert!(clock::now() - before >= 10_000);
    assert!(inbox.host.requests().len() <= 16);
    drop(inbox);
    let inbox = Inbox::silent();
    let failure = inbox.host.call(|| Ddfl::slots(context(), query())).unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(outage) if outage.sent == Sent::No));
}

#[test]
fn an_answer_is_found_among_other_messages_and_they_stay_unread() {
    let mut answer = office("05", "08");
    let inbox = Inbox::open(move |message, store| {
        let mut other = Letter::new(90, "DIALOG_INNBYGGER_EKONTAKT", "EKI").text("Noe annet");
        other.request = true;
        other.deliver(store);
        answer(message, store);
        store.deliver(GP, "broken", b"<MsgHead>".to_vec(), false);
    });
    assert!(book(&inbox, &format!("{GP}.s1")).is_ok());
    let read: Vec<bool> = inbox.inbox().iter().map(|one| one.read).collect();
    assert_eq!(read, [false, true, false]);
}

#[test]
fn a_change_reserves_first_and_cancels_then() {
    let inbox = Inbox::open(office("05", "08"));
    let old = book(&inbox, &format!("{GP}.s1")).unwrap();
    let mut ctx = context();
    ctx.idempotency_key = "k2".into();
    let new = inbox.host.call(|| Ddfl::change(ctx, old, booking(&format!("{GP}.s2")))).unwrap();
    assert_eq!(new.id, "r-s2");
    assert_eq!(new.instructions, None);
    let kinds: Vec<_> = inbox.sent().iter().map(|sent| sent.kind.unwrap()).collect();
    assert_eq!(kinds, [Kind::Reserve, Kind::Reserve, Kind::CancelReserved]);
    let cancelled = inbox.sent().pop().unwrap();
    assert_eq!(cancelled.appointments[0].uid, "s1");
    assert_eq!(cancelled.appointments[0].related_to.as_deref(), Some("r-s1"));
}

#[test]
fn a_change_whose_second_half_fails_says_so() {
    let inbox = Inbox::open(office("05", "09"));
    let old = book(&inbox, &format!("{GP}.s1")).unwrap();
    let mut ctx = context();
    ctx.idempotency_key = "k2".into();
    let new = inbox.host.call(|| Ddfl::change(ctx, old, booking(&format!("{GP}.s2")))).unwrap();
    assert_eq!(new.id, "r-s2");
    assert!(new.instructions.unwrap().contains("den gamle kunne ikke avbestilles"));
}

#[test]
fn a_change_whose_new_slot_is_taken_keeps_the_old_appointment() {
    let inbox = Inbox::open(office("06", "08"));
    let old = Appointment {
        id: "r1".into(),
        start: NINE,
        end: NINE + QUARTER,
        clinician: None,
        mode: EncounterMode::InPerson,
        title: "Konsultasjon".into(),
        location: None,
        instructions: None,
        cancellable: true,
        changeable: true,
    };
    let failure = inbox.host.call(|| Ddfl::change(context(), old.clone(), booking(&format!("{GP}.s2"))));
    assert!(matches!(failure, Err(Failure::Conflict(_))));
    assert_eq!(inbox.sent().len(), 1);
    drop(inbox);
    let inbox = Inbox::open(office("05", "09"));
    let failure = inbox.host.call(|| Ddfl::cancel(context(), old.clone(), None));
    assert!(matches!(failure, Err(Failure::Declined(reason)) if reason.code == "09"));
    drop(inbox);
    let inbox = Inbox::open(office("05", "08"));
    inbox.host.call(|| Ddfl::cancel(context(), old, Some("Frisk".into()))).unwrap();
    assert_eq!(inbox.sent()[0].text.as_deref(), Some("Frisk"));
}

#[test]
fn coming_appointments_are_asked_of_the_whole_office() {
    let inbox = Inbox::open(office("05", "08"));
    let coming = inbox.host.call(|| Ddfl::upcoming(context())).unwrap();
    assert_eq!(coming.len(), 1);
    assert_eq!(coming[0].id, "r1");
    assert_eq!(inbox.sent()[0].kind, Some(Kind::FindBooked));
    let mut ctx = context();
    ctx.settings = settings(&["DIALOG_INNBYGGER_TIMERESERVASJON@1.1"]);
    assert!(matches!(inbox.host.call(|| Ddfl::upcoming(ctx)), Err(Failure::Declined(_))));
}

#[test]
fn the_poll_leaves_young_answers_alone_and_tells_late_ones() {
    let inbox = Inbox::silent();
    let failure = book(&inbox, &format!("{GP}.s1"));
    assert!(failure.is_err());
    let mut late =
        Letter::to(&inbox.sent()[0], 1, "05").appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", "s1", "r1");
    late.generated = "2026-01-05T08:00:14Z".into();
    late.deliver(&mut inbox.store.borrow_mut());
    let mut slots = Letter::to(&inbox.sent()[0], 2, "04");
    slots.ack = "N";
    slots.deliver(&mut inbox.store.borrow_mut());
    let page = inbox.host.call(|| Ddfl::poll(inbound_context(&inbox.host), None, Vec::new())).unwrap();
    assert!(page.events.is_empty() && !page.more, "{page:?}");
    let requests = inbox.host.requests().len();
    let page = inbox.host.call(|| Ddfl::poll(inbound_context(&inbox.host), page.cursor.clone(), Vec::new())).unwrap();
    assert_eq!(inbox.host.requests().len() - requests, 1, "what is left alone is not fetched again");
    clock::wait(70_000);
    let page = inbox.host.call(|| Ddfl::poll(inbound_context(&inbox.host), page.cursor.clone(), Vec::new())).unwrap();
    let [event] = page.events.as_slice() else { panic!("{page:?}") };
    let EventBody::Appointment(booked) = &event.body else { panic!("{event:?}") };
    assert_eq!(booked.kind, AppointmentChangeKind::Booked);
    assert_eq!(booked.dialog, None);
    let settled = vec![Settlement { event: event.id.clone(), disposition: Disposition::Accepted }];
    inbox.host.call(|| Ddfl::poll(inbound_context(&inbox.host), page.cursor.clone(), settled)).unwrap();
    let inbox = inbox.inbox();
    assert!(inbox.iter().all(|one| one.read));
    assert_eq!((inbox[0].app_recs.len(), inbox[1].app_recs.len()), (1, 0));
}

#[test]
fn notices_of_the_office_become_appointments() {
    let cases = [
        ("05", AppointmentChangeKind::Booked),
        ("07", AppointmentChangeKind::Moved),
        ("08", AppointmentChangeKind::Cancelled),
        ("11", AppointmentChangeKind::Reminder),
    ];
    for (code, kind) in cases {
        let inbox = Inbox::silent();
        let mut notice = Letter::new(1, "DIALOG_INNBYGGER_TIMERESERVASJON", code);
        notice.request = true;
        notice
            .appointment("2026-01-06T09:00:00", "2026-01-06T09:15:00", "s1", "r1")
            .deliver(&mut inbox.store.borrow_mut());
        let page = inbox.host.call(|| Ddfl::poll(inbound_context(&inbox.host), None, Vec::new())).unwrap();
        let [event] = page.events.as_slice() else { panic!("{page:?}") };
        let EventBody::Appointment(told) = &event.body else { panic!("{event:?}") };
        assert_eq!((told.kind, told.dialog.clone()), (kind, None));
        assert_eq!(told.appointment.id, "r1");
        assert_eq!(told.text.is_some(), code == "11");
    }
}

#[test]
fn a_call_that_is_repeated_after_a_crash_finds_its_answer_again() {
    let inbox = Inbox::open(office("05", "08"));
    // The call is stopped after the answer was found: the receipt is not given, and nothing is kept.
    inbox.store.borrow_mut().document_failures.push(Reply::error(Cause::Interrupted("stopped".into())));
    assert!(book(&inbox, &format!("{GP}.s1")).is_err());
    assert!(!inbox.inbox()[0].read);
    let booked = book(&inbox, &format!("{GP}.s1")).unwrap();
    assert_eq!(booked.id, "r-s1");
    let raw = inbox.store.borrow().raw.clone();
    assert_eq!(raw[0], raw[1], "the message is repeated as it was");
}

#[test]
fn a_slow_office_leaves_enough_requests_to_cancel_the_old_appointment() {
    let mut answers = office("05", "08");
    let inbox = Inbox::open(move |message, store| {
        // The answer to the reservation comes among other messages of the office.
        if message.kind == Some(Kind::Reserve) {
            for id in 0..4 {
                let mut other = Letter::new(50 + id, "DIALOG_INNBYGGER_EKONTAKT", "EKI").text("Noe annet");
                other.request = true;
                other.deliver(store);
            }
        }
        answers(message, store);
    });
    let old = book(&inbox, &format!("{GP}.s1")).unwrap();
    let mut ctx = context();
    ctx.idempotency_key = "k2".into();
    let before = inbox.host.requests().len();
    let new = inbox.host.call(|| Ddfl::change(ctx, old, booking(&format!("{GP}.s2")))).unwrap();
    assert_eq!(new.instructions, None);
    assert!(inbox.host.requests().len() - before <= 16);
}
