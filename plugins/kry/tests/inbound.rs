//! What the vendor tells: by webhook and in the feed, whole and broken. `golden/events.json` is written by the simulated
//! vendor's tests, one event of every kind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::testing::{Host, Reply, Request};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{
    AppointmentChangeKind, CitizenIdentity, Closing, DialogStatus, EncounterMode, Event, EventBody, Failure,
    PaymentState, ReceiptOutcome, Service, VideoState,
};
use kry::Kry;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{MEDIA_TYPE, NOW, NUMBER, folder, golden, host, inbound, reply};

const PDF: &[u8] = b"%PDF-1.4 henvisning";

/// What the simulated vendor told: events, and what they include.
#[derive(Clone)]
struct Told {
    events: Vec<Value>,
    included: Vec<Value>,
}

fn told() -> Told {
    let text = std::fs::read_to_string(folder("tests/golden/events.json")).unwrap();
    let mut all: Value = serde_json::from_str(&text).unwrap();
    let mut list = |name: &str| all[name].as_array_mut().map(std::mem::take).unwrap();
    Told { events: list("data"), included: list("included") }
}

impl Told {
    fn of_kind(&self, kind: &str) -> Value {
        self.events.iter().find(|event| event["attributes"]["kind"] == kind).cloned().unwrap()
    }

    /// The document of a webhook.
    fn document(&self, event: &Value) -> Value {
        json!({ "data": event, "included": self.included })
    }

    /// Files behind a message of the vendor's.
    fn with_files(&self, number: u64, files: usize) -> (Value, Vec<Value>) {
        let mut event = self.of_kind("visit.message");
        event["id"] = json!(number.to_string());
        let message = format!("msg-of-{number}");
        event["relationships"]["message"]["data"]["id"] = json!(message);
        let names: Vec<Value> =
            (0..files).map(|at| json!({ "type": "attachments", "id": format!("att-{number}-{at}") })).collect();
        let mut included = vec![json!({ "type": "messages", "id": message,
            "attributes": { "text": "Ja. Hvor lenge?", "sentAt": "2026-11-20T09:00:00Z" },
            "relationships": { "attachments": { "data": names } } })];
        included.extend(names.iter().map(|name| {
            json!({ "type": "attachments", "id": name["id"],
                "attributes": { "name": "a.pdf", "mediaType": "application/pdf", "size": PDF.len() } })
        }));
        (event, included)
    }

    fn files(pairs: impl IntoIterator<Item = (u64, usize)>) -> Told {
        let all = told();
        let (events, included): (Vec<_>, Vec<_>) =
            pairs.into_iter().map(|(number, files)| all.with_files(number, files)).unzip();
        Told { events, included: included.concat() }
    }
}

fn number(event: &Value) -> u64 {
    event["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(u64::MAX)
}

/// A vendor with these events in its feed, and a PDF behind every file.
fn vendor(told: Told) -> (Host, Rc<RefCell<Told>>) {
    let host = host();
    let feed = Rc::new(RefCell::new(told));
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| answer(&shown.borrow(), request));
    (host, feed)
}

fn answer(told: &Told, request: &Request) -> Reply {
    match request.path.as_str() {
        "/v1/events" => {
            let after: u64 = request.query("page[after]").unwrap().parse().unwrap();
            let size: usize = request.query("page[size]").unwrap().parse().unwrap();
            let rest: Vec<&Value> = told.events.iter().filter(|event| number(event) > after).collect();
            let page: Vec<&Value> = rest.iter().take(size).copied().collect();
            let next = (rest.len() > page.len()).then_some("/v1/events?page[after]=1");
            reply(200, &json!({ "data": page, "included": told.included, "links": { "next": next } }))
        }
        "/v1/refusals" => Reply::status(204),
        path if path.starts_with("/v1/attachments/") && path.ends_with("/content") => {
            Reply::body(200, "application/pdf", PDF)
        }
        path => panic!("nobody asks for {path}"),
    }
}

fn delivery(document: &Value) -> Delivery {
    Delivery {
        id: Some("evt_1".into()),
        path: "events".into(),
        headers: vec![("content-type".into(), MEDIA_TYPE.into())],
        body: serde_json::to_vec(document).unwrap(),
    }
}

fn received(host: &Host, document: &Value) -> Event {
    let mut events = host.call(|| Kry::receive(inbound(), delivery(document))).unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

fn one(kind: &str) -> EventBody {
    let told = told();
    let (host, _) = vendor(told.clone());
    received(&host, &told.document(&told.of_kind(kind))).body
}

fn poll(host: &Host, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
    host.call(|| Kry::poll(inbound(), cursor, settled))
}

#[test]
fn every_event_is_the_same_by_webhook_and_in_the_feed_and_in_whatever_order() {
    let told = told();
    let (host, _) = vendor(told.clone());
    let page = poll(&host, None, Vec::new()).unwrap();
    let requests = host.requests();
    golden("events-page", requests.iter().find(|request| request.path == "/v1/events").unwrap());
    assert_eq!((page.events.len(), page.more), (told.events.len(), false));
    let mut pushed: Vec<Event> = told.events.iter().rev().map(|event| received(&host, &told.document(event))).collect();
    pushed.reverse();
    for (polled, pushed) in page.events.iter().zip(&pushed) {
        assert_eq!((&polled.id, polled.occurred), (&pushed.id, pushed.occurred));
        assert_eq!(std::mem::discriminant(&polled.body), std::mem::discriminant(&pushed.body));
    }
    let mut ids: Vec<_> = pushed.iter().map(|event| &event.id).collect();
    ids.dedup();
    assert_eq!((ids.len(), ids[0].as_str()), (told.events.len(), "event-1"));
}

#[test]
fn a_feed_out_of_order_and_with_what_was_seen_is_handed_over_by_the_vendors_numbers_once() {
    let mut told = told();
    let first = poll(&vendor(told.clone()).0, None, Vec::new()).unwrap();
    told.events.reverse();
    let (host, feed) = vendor(told);
    let page = poll(&host, None, Vec::new()).unwrap();
    let ids = |page: &Page| page.events.iter().map(|event| event.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&page), ids(&first));
    // The vendor repeats all of it.
    let all = json!({ "data": feed.borrow().events, "included": feed.borrow().included });
    host.upstream("api", move |_: &Request| reply(200, &all));
    assert_eq!(poll(&host, page.cursor, Vec::new()).unwrap().events, []);
}

#[test]
fn an_answer_keeps_the_dialog_open_and_a_redirect_says_what_to_use() {
    let told = told();
    let messages: Vec<&Value> =
        told.events.iter().filter(|event| event["attributes"]["kind"] == "visit.message").collect();
    let (host, _) = vendor(told.clone());
    let of = |event: &Value| match received(&host, &told.document(event)).body {
        EventBody::Message(message) => message,
        _ => panic!("another event"),
    };
    let (reply, redirect) = (of(messages[0]), of(messages[1]));
    assert_eq!((reply.status, reply.redirect), (DialogStatus::AwaitingCitizen, None));
    assert_eq!(reply.message.text, "Ja. Hvor lenge?");
    assert_eq!(reply.message.author.as_deref(), Some("Mariam Haugen"));
    let attachment = &reply.message.attachments[0];
    assert_eq!((attachment.name.as_str(), attachment.media_type.as_str()), ("Henvisning.pdf", "application/pdf"));
    assert_eq!(host.bytes(attachment).unwrap(), PDF);
    assert_eq!(redirect.status, DialogStatus::Closed(Closing::Redirected));
    assert_eq!((redirect.redirect, redirect.dialog), (Some(Service::Appointment), reply.dialog));
}

#[test]
fn a_one_way_message_allows_no_reply_and_a_visit_that_a_clinician_opens_does() {
    let told = told();
    let opened: Vec<&Value> =
        told.events.iter().filter(|event| event["attributes"]["kind"] == "visit.opened").collect();
    let (host, _) = vendor(told.clone());
    for (event, allowed) in opened.iter().zip([true, false]) {
        let EventBody::Opened(opened) = received(&host, &told.document(event)).body else { panic!("another event") };
        assert_eq!((opened.reply_allowed, opened.office), (allowed, 8_150_901));
        assert_eq!(opened.service, Service::Consultation);
        assert!(opened.citizen == CitizenIdentity::NationalIdentityNumber(NUMBER.into()));
        assert_eq!(opened.message.subject.as_deref(), Some("Hei"));
    }
}

#[test]
fn filings_and_rejections_are_receipts_of_the_citizens_message() {
    let EventBody::Receipt(filed) = one("message.filed") else { panic!("another event") };
    assert_eq!((filed.outcome, filed.message.as_str()), (ReceiptOutcome::Delivered, support::MESSAGE));
    let EventBody::Receipt(rejected) = one("message.rejected") else { panic!("another event") };
    let ReceiptOutcome::Refused(why) = rejected.outcome else { panic!("another outcome") };
    assert_eq!((why[0].code.as_str(), why[0].text.as_str(), why[0].resendable), ("E21", "Ukjent pasient.", false));
}

#[test]
fn a_status_without_a_word_closes_the_dialog() {
    let EventBody::Status(status) = one("visit.status") else { panic!("another event") };
    assert_eq!(status.status, DialogStatus::Closed(Closing::Answered));
}

#[test]
fn bookings_by_a_clinician_are_appointments_as_they_were_then() {
    for (kind, change, dialog) in [
        ("booking.made", AppointmentChangeKind::Booked, true),
        ("booking.moved", AppointmentChangeKind::Moved, false),
        ("booking.cancelled", AppointmentChangeKind::Cancelled, false),
        ("booking.reminder", AppointmentChangeKind::Reminder, false),
    ] {
        let EventBody::Appointment(told) = one(kind) else { panic!("{kind}") };
        assert_eq!((told.kind, told.dialog.is_some(), told.office), (change, dialog, 8_150_901), "{kind}");
        assert_eq!(told.appointment.cancellable, change != AppointmentChangeKind::Cancelled, "{kind}");
        assert_eq!(told.appointment.mode, EncounterMode::Video);
        assert_eq!(told.appointment.clinician.unwrap().hpr_number, 9_123_482);
    }
}

#[test]
fn a_file_that_is_gone_leaves_a_note_and_the_answer_is_shown() {
    let told = Told::files([(1, 1)]);
    for reply in [Reply::status(404), Reply::error(Cause::TooLarge), Reply::body(200, "text/html", PDF)] {
        let host = host();
        host.upstream("api", move |_: &Request| reply.clone());
        let mut told = told.clone();
        told.included[1]["attributes"]["mediaType"] = json!("text/html");
        let EventBody::Message(message) = received(&host, &told.document(&told.events[0])).body else {
            panic!("other")
        };
        assert!(message.message.attachments.is_empty());
        assert!(message.message.text.starts_with("Ja. Hvor lenge?\n\n[Et vedlegg"), "{}", message.message.text);
    }
}

#[test]
fn a_file_that_does_not_come_now_keeps_the_event_for_later_and_lets_the_earlier_ones_through() {
    let (host, feed) = vendor(Told::files([(1, 0), (2, 1)]));
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| {
        if request.path.ends_with("/content") { Reply::status(503) } else { answer(&shown.borrow(), request) }
    });
    let page = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.more), (1, false));
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.more), (0, false));
    let later = |hours: i64, cursor: Option<String>| {
        let ctx = InboundContext { now: NOW + hours * 3_600_000 - 1, ..inbound() };
        Kry::poll(ctx, cursor, Vec::new()).unwrap()
    };
    assert!(later(1, page.cursor.clone()).events.is_empty(), "within the hour");
    let given_up = later(2, page.cursor.clone());
    assert!(matches!(&given_up.events[0].body, EventBody::Message(told) if told.message.text.contains("[Et vedlegg")));
    host.upstream("api", move |request: &Request| answer(&feed.borrow(), request));
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.events[0].id.as_str()), (1, "event-2"));
}

#[test]
fn a_page_ends_where_the_calls_requests_end_and_goes_on_in_the_next() {
    let (host, _) = vendor(Told::files((1..=4).map(|number| (number, 5))));
    let first = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((first.events.len(), first.more), (2, true));
    assert!(host.requests().len() <= 16);
    let second = poll(&host, first.cursor, Vec::new()).unwrap();
    let ids: Vec<_> = second.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!((ids, second.more), (vec!["event-3", "event-4"], false));
}

fn refused(event: &str, reason: RefusalReason) -> Settlement {
    Settlement { event: event.into(), disposition: Disposition::Refused(reason) }
}

#[test]
fn what_was_refused_is_told_once_and_told_again_where_the_vendor_was_away() {
    let (host, feed) = vendor(told());
    let page = poll(&host, None, Vec::new()).unwrap();
    let refusals = |host: &Host| {
        let requests = host.requests().into_iter();
        requests.filter(|request| request.path == "/v1/refusals").collect::<Vec<_>>()
    };
    let settled = vec![
        Settlement { event: "event-1".into(), disposition: Disposition::Accepted },
        refused("event-2", RefusalReason::UnknownDialog),
    ];
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| {
        if request.path == "/v1/refusals" { Reply::status(500) } else { answer(&shown.borrow(), request) }
    });
    let page = poll(&host, page.cursor, settled).unwrap();
    host.upstream("api", move |request: &Request| answer(&feed.borrow(), request));
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    poll(&host, page.cursor, Vec::new()).unwrap();
    let told = refusals(&host);
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].header("idempotency-key"), told[1].header("idempotency-key"));
    golden("refusal", &told[1]);
}

#[test]
fn many_refusals_are_told_over_several_calls_and_one_that_the_vendor_never_takes_is_let_go() {
    let (host, feed) = vendor(told());
    let settled = (1..=5).map(|number| refused(&format!("event-{number}"), RefusalReason::Invalid)).collect();
    host.upstream("api", move |request: &Request| {
        if request.path == "/v1/refusals" { Reply::status(404) } else { answer(&feed.borrow(), request) }
    });
    let page = poll(&host, None, settled).unwrap();
    let count = || host.requests().iter().filter(|request| request.path == "/v1/refusals").count();
    assert_eq!(count(), 3);
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    poll(&host, page.cursor, Vec::new()).unwrap();
    assert_eq!(count(), 5);
}

#[test]
fn what_cannot_be_understood_is_kept_for_the_operator_and_holds_up_nothing() {
    let (host, _) = vendor(told());
    let page = poll(&host, None, Vec::new()).unwrap();
    let odd: Vec<_> = page
        .events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Unreadable(odd) => Some((event.id.as_str(), odd)),
            _ => None,
        })
        .collect();
    assert_eq!(odd.len(), 5, "as many as the vendor damaged");
    for (id, odd) in odd {
        let number = id.strip_prefix("event-").unwrap();
        let raw: Value = serde_json::from_slice(&host.bytes(&odd.raw).unwrap()).unwrap();
        assert_eq!(raw["data"]["id"], number);
        assert!(!odd.reason.contains("Borte") && !odd.reason.contains(NUMBER), "{}", odd.reason);
        assert_eq!(odd.office, Some(8_150_901));
    }
    assert!(host.lines().iter().all(|(_, line)| !line.contains(NUMBER) && !line.contains("Borte")));
}

#[test]
fn an_event_of_a_strange_unit_or_about_nobody_is_unreadable() {
    let all = told();
    let mut strange = all.of_kind("visit.opened");
    strange["relationships"]["unit"]["data"]["id"] = json!("kry-sverige");
    let mut nobody = all.clone();
    for one in &mut nobody.included {
        if one["type"] == "patients" {
            one["attributes"]["nationalIdentityNumber"] = json!("23869247252");
        }
    }
    let (many, included) = all.with_files(1, 11);
    let (host, _) = vendor(all.clone());
    for document in [
        all.document(&strange),
        nobody.document(&all.of_kind("visit.opened")),
        json!({ "data": many, "included": included }),
        json!({ "data": {} }),
        json!({ "data": { "type": "visits", "id": "1" } }),
        json!({ "data": { "type": "events", "id": "one" } }),
    ] {
        assert!(matches!(received(&host, &document).body, EventBody::Unreadable(_)), "{document}");
    }
}

#[test]
fn a_delivery_that_is_none_is_refused_and_nothing_is_kept() {
    let (host, _) = vendor(told());
    let empty = json!({});
    for body in [&b"not json"[..], b"[]", b"{}", br#"{"data":[]}"#, br#"{"data":null}"#, b"\xff\xfe"] {
        let delivery = Delivery { body: body.to_vec(), ..delivery(&empty) };
        assert!(matches!(Kry::receive(inbound(), delivery), Err(Failure::Faulty(_))));
    }
    let elsewhere = Delivery { path: "other".into(), ..delivery(&empty) };
    assert!(matches!(Kry::receive(inbound(), elsewhere), Err(Failure::Faulty(_))));
    assert!(host.requests().is_empty());
}

#[test]
fn a_feed_that_makes_no_sense_is_faulty_and_one_that_is_away_is_unavailable() {
    let filed = told().of_kind("message.filed");
    let next = json!({ "next": "/v1/events?page[after]=0" });
    for document in [
        json!({}),
        json!({ "data": {} }),
        json!({ "data": [{}] }),
        json!({ "data": [{ "type": "events", "id": 7 }] }),
        json!({ "data": [{ "type": "events", "id": "-1" }] }),
        json!({ "data": [], "links": next }),
        json!({ "data": vec![&filed; 51] }),
    ] {
        let host = host();
        let shown = document.clone();
        host.upstream("api", move |_: &Request| reply(200, &shown));
        assert!(matches!(poll(&host, None, Vec::new()), Err(Failure::Faulty(_))), "{document}");
    }
    for (reply, unavailable) in [
        (Reply::status(500), true),
        (Reply::status(429).header("retry-after", "3"), true),
        (Reply::status(401), true),
        (Reply::error(Cause::Interrupted("cut".into())), true),
        (Reply::body(200, "text/html", "<html>"), false),
        (Reply::body(200, MEDIA_TYPE, r#"{"data":["#), false),
    ] {
        let host = host();
        host.upstream("api", move |_: &Request| reply.clone());
        let failure = poll(&host, None, Vec::new()).unwrap_err();
        assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{failure:?}");
    }
}

#[test]
fn a_cursor_of_another_version_begins_anew() {
    let (host, _) = vendor(Told::files([(1, 0)]));
    assert_eq!(poll(&host, Some("v0:17".into()), Vec::new()).unwrap().events.len(), 1);
}

#[test]
fn long_texts_are_cut_and_a_page_stays_below_what_a_call_may_return() {
    let mut told = Told::files((1..=30).map(|number| (number, 0)));
    for message in &mut told.included {
        message["attributes"]["text"] = json!("æ".repeat(40_000));
    }
    let (host, _) = vendor(told);
    let page = poll(&host, None, Vec::new()).unwrap();
    let texts = page.events.iter().map(|event| match &event.body {
        EventBody::Message(told) => told.message.text.chars().count(),
        _ => 0,
    });
    let texts: Vec<usize> = texts.collect();
    assert!(texts.iter().sum::<usize>() * 2 < 800 * 1024 && page.more, "{texts:?}");
    assert_eq!(texts[0], 32_000);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Puts a value in the place of a member, somewhere.
fn spoil(value: &mut Value, mut place: usize, with: &Value) {
    let mut at = value;
    loop {
        if place == 0 || at.as_object().is_none_or(serde_json::Map::is_empty) {
            *at = with.clone();
            return;
        }
        let Some(members) = at.as_object_mut() else { return };
        let count = members.len();
        let name = members.keys().nth(place % count).cloned().unwrap_or_default();
        place /= count;
        at = members.entry(name).or_insert(Value::Null);
    }
}

proptest! {
    #[test]
    fn whatever_stands_in_an_event_or_in_what_it_includes_it_becomes_one_event(
        which in 0_usize..32, place in 0_usize..200, value in any_json(), inside in any::<bool>(),
    ) {
        let mut all = told();
        let mut event = all.events[which % all.events.len()].clone();
        if inside {
            let at = which % all.included.len();
            spoil(&mut all.included[at], place, &value);
        } else {
            spoil(&mut event, place, &value);
        }
        let document = all.document(&event);
        prop_assume!(document["data"].is_object());
        let (host, _) = vendor(told());
        let events = Kry::receive(inbound(), delivery(&document));
        prop_assert_eq!(events.map(|events| events.len()), Ok(1));
        drop(host);
    }

    #[test]
    fn whatever_document_comes_it_is_taken_or_refused(document in any_json()) {
        let (host, _) = vendor(told());
        let _ = Kry::receive(inbound(), delivery(&document));
        drop(host);
    }
}

#[test]
fn a_context_without_offices_knows_no_unit() {
    let told = told();
    let (_host, _) = vendor(told.clone());
    let ctx = InboundContext { offices: Vec::new(), ..inbound() };
    let events = Kry::receive(ctx, delivery(&told.document(&told.of_kind("visit.opened")))).unwrap();
    assert!(matches!(&events[0].body, EventBody::Unreadable(odd) if odd.office.is_none()));
}

#[test]
fn what_happens_in_a_meeting_is_told_as_it_is() {
    let state = |kind: &str| match one(kind) {
        EventBody::Video(change) => change.state,
        other => panic!("{other:?}"),
    };
    assert_eq!(state("meeting.opened"), VideoState::WaitingRoomOpen);
    assert_eq!(state("meeting.clinician-joined"), VideoState::ClinicianJoined);
    assert_eq!(state("meeting.participant-joined"), VideoState::ParticipantJoined("Tolk".into()));
    assert_eq!(state("meeting.ended"), VideoState::Ended);
    let told = told();
    let mut nobody = told.of_kind("meeting.participant-joined");
    nobody["attributes"]["participant"] = json!("\n");
    let (host, _) = vendor(told.clone());
    assert!(matches!(received(&host, &told.document(&nobody)).body, EventBody::Unreadable(_)));
}

#[test]
fn how_a_payment_ended_is_told_and_one_that_is_paid_has_its_receipt() {
    let told = told();
    let ended: Vec<&Value> =
        told.events.iter().filter(|event| event["attributes"]["kind"] == "payment.ended").collect();
    let (host, _) = vendor(told.clone());
    let states: Vec<PaymentState> = ended
        .iter()
        .map(|event| match received(&host, &told.document(event)).body {
            EventBody::Payment(change) => {
                assert_eq!(json!(change.payment), event["relationships"]["payment"]["data"]["id"]);
                change.state
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let [PaymentState::Paid(receipt), PaymentState::Failed, PaymentState::Expired, PaymentState::Refunded] =
        &states[..]
    else {
        panic!("{states:?}")
    };
    assert!(receipt.number.starts_with("rec-"), "{}", receipt.number);
    let paid = ended[0];
    for (at, with) in [
        ("/attributes/receipt", json!(" ")),
        ("/attributes/receipt", json!("1".repeat(65))),
        ("/attributes/paidAt", json!("soon")),
        ("/attributes/outcome", json!("lost")),
        ("/relationships/payment", json!(null)),
        ("/relationships/payment/data/id", json!("p".repeat(129))),
    ] {
        let mut odd = paid.clone();
        *odd.pointer_mut(at).unwrap() = with;
        assert!(matches!(received(&host, &told.document(&odd)).body, EventBody::Unreadable(_)), "{at}");
    }
}
