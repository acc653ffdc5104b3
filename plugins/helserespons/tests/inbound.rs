//! What the vendor tells: by webhook and in the feed, whole and broken. `golden/changes.json` is written by the simulated
//! vendor's tests, one change of every kind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::testing::{Host, Reply, Request};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{
    AppointmentChangeKind, CitizenIdentity, Closing, DialogStatus, Event, EventBody, Failure, Interpretation,
    NoticeChannel, PaymentState, ReceiptOutcome, RenewalOutcome, Service, VideoState,
};
use helserespons::Helserespons;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{SSN, folder, host, inbound};

const PDF: &[u8] = b"%PDF-1.4 attest";

fn told() -> Vec<Value> {
    let text = std::fs::read_to_string(folder("tests/golden/changes.json")).unwrap();
    let mut all: Value = serde_json::from_str(&text).unwrap();
    all["changes"].as_array_mut().map(std::mem::take).unwrap()
}

fn of_kind(kind: &str) -> Value {
    told().into_iter().find(|change| change["kind"] == kind).unwrap()
}

/// A vendor with these changes in its feed, and a PDF behind every file.
fn vendor(changes: Vec<Value>) -> (Host, Rc<RefCell<Vec<Value>>>) {
    let host = host();
    let feed = Rc::new(RefCell::new(changes));
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| answer(&shown.borrow(), request));
    (host, feed)
}

fn answer(changes: &[Value], request: &Request) -> Reply {
    match request.path.as_str() {
        "/v2/changes" => {
            let after: u64 = request.query("after").unwrap().parse().unwrap();
            let max: usize = request.query("max").unwrap().parse().unwrap();
            let rest = changes.iter().filter(|change| change["seq"].as_u64().unwrap_or(u64::MAX) > after);
            let page: Vec<&Value> = rest.clone().take(max).collect();
            let next = page.last().map_or(after, |change| change["seq"].as_u64().unwrap_or(after));
            let more = rest.count() > page.len();
            Reply::json(200, &json!({ "changes": page, "next": next, "more": more }))
        }
        "/v2/changes/ack" => Reply::status(204),
        path if path.starts_with("/v2/files/") => Reply::body(200, "application/pdf", PDF),
        path => panic!("nobody asks for {path}"),
    }
}

fn delivery(changes: &[Value]) -> Delivery {
    Delivery {
        id: Some("d-1".into()),
        path: "changes".into(),
        headers: Vec::new(),
        body: serde_json::to_vec(&json!({ "changes": changes })).unwrap(),
    }
}

fn received(host: &Host, changes: &[Value]) -> Vec<Event> {
    host.call(|| Helserespons::receive(inbound(), delivery(changes))).unwrap()
}

fn poll(host: &Host, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
    host.call(|| Helserespons::poll(inbound(), cursor, settled))
}

fn one(change: Value) -> Event {
    let (host, _) = vendor(Vec::new());
    received(&host, &[change]).remove(0)
}

#[test]
fn every_change_is_the_same_event_by_webhook_and_in_the_feed() {
    let (host, _) = vendor(told());
    let page = poll(&host, None, Vec::new()).unwrap();
    assert_eq!(page.events.len(), told().len());
    assert!(!page.more);
    let mut backwards = told();
    backwards.reverse();
    let mut pushed = received(&host, &backwards);
    pushed.reverse();
    for (polled, pushed) in page.events.iter().zip(&pushed) {
        assert_eq!((&polled.id, polled.occurred), (&pushed.id, pushed.occurred));
        assert_eq!(std::mem::discriminant(&polled.body), std::mem::discriminant(&pushed.body));
    }
    let mut ids: Vec<_> = pushed.iter().map(|event| &event.id).collect();
    ids.dedup();
    assert_eq!((ids.len(), ids[0].as_str()), (told().len(), "change-1"));
}

#[test]
fn an_answer_keeps_the_dialog_open_and_a_redirect_says_what_to_use() {
    let entries: Vec<Value> = told().into_iter().filter(|change| change["kind"] == "CASE_ENTRY").collect();
    let EventBody::Message(reply) = one(entries[0].clone()).body else { panic!("another event") };
    assert_eq!((reply.status, reply.redirect), (DialogStatus::AwaitingCitizen, None));
    assert_eq!((reply.message.text.as_str(), reply.message.author.as_deref()), ("Ja. Når?", Some("Amina Yusuf")));
    let EventBody::Message(redirect) = one(entries[1].clone()).body else { panic!("another event") };
    assert_eq!(redirect.status, DialogStatus::Closed(Closing::Redirected));
    assert_eq!((redirect.redirect, redirect.dialog), (Some(Service::Consultation), reply.dialog));
}

#[test]
fn a_renewal_is_decided_item_by_item() {
    let EventBody::Renewal(answer) = one(of_kind("RENEWAL_DECIDED")).body else { panic!("another event") };
    let decided: Vec<_> = answer.decisions.iter().map(|one| (one.item.as_deref().unwrap(), one.outcome)).collect();
    assert_eq!(decided, [("M-TORG-1", RenewalOutcome::Renewed), ("M-TORG-2", RenewalOutcome::NeedsConsultation)]);
    assert_eq!(answer.decisions[1].reason.as_deref(), Some("Ta blodprøve."));
    assert_eq!(answer.message.unwrap().text, "Hentes på apoteket.");
    assert_eq!(answer.status, DialogStatus::Closed(Closing::Answered));
}

#[test]
fn a_notice_allows_no_reply_and_an_opened_case_does() {
    for (kind, allowed) in [("NOTICE", false), ("CASE_OPENED", true)] {
        let EventBody::Opened(opened) = one(of_kind(kind)).body else { panic!("{kind}") };
        assert_eq!((opened.reply_allowed, opened.office, opened.service), (allowed, 8_150_301, Service::Inquiry));
        assert!(opened.citizen == CitizenIdentity::NationalIdentityNumber(SSN.into()));
        assert_eq!(opened.message.subject.as_deref(), Some("Hei"));
    }
}

#[test]
fn filings_and_rejections_are_receipts_of_the_citizens_message() {
    let EventBody::Receipt(filed) = one(of_kind("ENTRY_FILED")).body else { panic!("another event") };
    assert_eq!((filed.outcome, filed.message.as_str()), (ReceiptOutcome::Delivered, support::MESSAGE));
    let EventBody::Receipt(rejected) = one(of_kind("ENTRY_REJECTED")).body else { panic!("another event") };
    let ReceiptOutcome::Refused(why) = rejected.outcome else { panic!("another outcome") };
    assert_eq!((why[0].code.as_str(), why[0].text.as_str(), why[0].resendable), ("E21", "Ukjent pasient.", false));
}

#[test]
fn bookings_by_the_clinic_are_appointments_with_and_without_a_dialog() {
    for (kind, change, dialog) in [
        ("BOOKING_MADE", AppointmentChangeKind::Booked, true),
        ("BOOKING_MOVED", AppointmentChangeKind::Moved, false),
        ("BOOKING_CANCELLED", AppointmentChangeKind::Cancelled, false),
        ("BOOKING_REMINDER", AppointmentChangeKind::Reminder, false),
    ] {
        let EventBody::Appointment(told) = one(of_kind(kind)).body else { panic!("{kind}") };
        assert_eq!((told.kind, told.dialog.is_some(), told.office), (change, dialog, 8_150_301), "{kind}");
        assert_eq!(told.appointment.cancellable, change != AppointmentChangeKind::Cancelled, "{kind}");
    }
}

#[test]
fn a_certificate_is_fetched_and_kept() {
    let change = told().into_iter().find(|one| !one["entry"]["files"].as_array().is_none_or(Vec::is_empty)).unwrap();
    let (host, _) = vendor(Vec::new());
    let EventBody::Message(message) = received(&host, &[change]).remove(0).body else { panic!("another event") };
    let attachment = &message.message.attachments[0];
    assert_eq!((attachment.name.as_str(), attachment.media_type.as_str()), ("Helseattest.pdf", "application/pdf"));
    assert_eq!(host.bytes(attachment).unwrap(), PDF);
}

fn with_files(seq: u64, files: usize) -> Value {
    let mut change = of_kind("CASE_ENTRY");
    change["seq"] = json!(seq);
    let file = |n: usize| json!({ "id": format!("F-{seq}-{n}"), "name": "a.pdf", "type": "application/pdf", "size": PDF.len() });
    change["entry"]["files"] = (0..files).map(file).collect();
    change
}

#[test]
fn a_file_that_is_gone_leaves_a_note_and_the_answer_is_shown() {
    for reply in [Reply::status(404), Reply::error(Cause::TooLarge), Reply::body(200, "application/pdf", PDF)] {
        let host = host();
        host.upstream("api", move |_: &Request| reply.clone());
        let mut change = with_files(1, 1);
        change["entry"]["files"][0]["type"] = json!("text/html");
        let EventBody::Message(told) = received(&host, &[change]).remove(0).body else { panic!("another event") };
        assert!(told.message.attachments.is_empty());
        assert!(told.message.text.starts_with("Ja. Når?\n\n[Et vedlegg"), "{}", told.message.text);
    }
}

#[test]
fn a_file_that_does_not_come_now_keeps_the_change_for_later_and_lets_the_earlier_ones_through() {
    let (host, feed) = vendor(vec![of_kind("ENTRY_FILED"), with_files(2, 1)]);
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| {
        if request.path.starts_with("/v2/files/") { Reply::status(503) } else { answer(&shown.borrow(), request) }
    });
    let page = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.more), (1, false));
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.more), (0, false));
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| answer(&shown.borrow(), request));
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.events[0].id.as_str()), (1, "change-2"));
}

#[test]
fn a_file_that_does_not_come_for_an_hour_is_given_up_and_what_waited_behind_it_is_shown() {
    let (host, feed) = vendor(vec![with_files(1, 1), with_files(2, 0)]);
    host.upstream("api", move |request: &Request| {
        if request.path.starts_with("/v2/files/") { Reply::status(500) } else { answer(&feed.borrow(), request) }
    });
    let page = poll(&host, None, Vec::new()).unwrap();
    assert!(page.events.is_empty());
    let later = |hours: i64, cursor: Option<String>| {
        let ctx = InboundContext { now: support::NOW + hours * 3_600_000 - 1, ..inbound() };
        Helserespons::poll(ctx, cursor, Vec::new()).unwrap()
    };
    let page = later(1, page.cursor);
    assert!(page.events.is_empty(), "within the hour");
    let page = later(2, page.cursor);
    let EventBody::Message(told) = &page.events[0].body else { panic!("another event") };
    assert!(page.events.len() == 2 && told.message.text.contains("[Et vedlegg"));
}

#[test]
fn a_page_ends_where_the_calls_requests_end_and_goes_on_in_the_next() {
    let (host, _) = vendor((1..=4).map(|seq| with_files(seq, 6)).collect());
    let first = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((first.events.len(), first.more), (2, true));
    assert!(host.requests().len() <= 16);
    let second = poll(&host, first.cursor, Vec::new()).unwrap();
    let ids: Vec<_> = second.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!((ids, second.more), (vec!["change-3", "change-4"], false));
}

#[test]
fn what_was_settled_is_confirmed_once_and_refusals_are_told() {
    let (host, feed) = vendor(told());
    let page = poll(&host, None, Vec::new()).unwrap();
    assert!(!host.requests().iter().any(|request| request.path.ends_with("/ack")), "nothing is settled yet");
    let last = told().len() as u64;
    let settled = vec![
        Settlement { event: "change-1".into(), disposition: Disposition::Accepted },
        Settlement { event: "change-2".into(), disposition: Disposition::Refused(RefusalReason::UnknownDialog) },
    ];
    // The vendor does not take the confirmation: it is told again.
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| {
        if request.path.ends_with("/ack") { Reply::status(500) } else { answer(&shown.borrow(), request) }
    });
    let page = poll(&host, page.cursor, settled).unwrap();
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| answer(&shown.borrow(), request));
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    let acks: Vec<Value> =
        host.requests().iter().filter(|request| request.path.ends_with("/ack")).map(Request::json).collect();
    let expected = json!({ "upTo": last, "refused": [{ "seq": 2, "reason": "UNKNOWN_CASE" }] });
    assert_eq!(acks, [expected.clone(), expected]);
    poll(&host, page.cursor, Vec::new()).unwrap();
    assert_eq!(host.requests().iter().filter(|request| request.path.ends_with("/ack")).count(), 2);
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
    assert_eq!(odd.len(), 4, "as many as the vendor damaged");
    for (id, odd) in odd {
        let seq: u64 = id.strip_prefix("change-").unwrap().parse().unwrap();
        let raw: Value = serde_json::from_slice(&host.bytes(&odd.raw).unwrap()).unwrap();
        assert_eq!(raw["seq"], seq);
        assert!(!odd.reason.contains("Borte") && !odd.reason.contains(SSN), "{}", odd.reason);
    }
    assert!(host.lines().iter().all(|(_, line)| !line.contains(SSN) && !line.contains("Borte")));
}

#[test]
fn a_change_of_a_strange_clinic_or_about_nobody_is_unreadable() {
    let mut strange = of_kind("NOTICE");
    strange["clinic"] = json!("havnegata");
    let mut nobody = of_kind("NOTICE");
    nobody["patient"]["ssn"] = json!("23869247252");
    let mut many = with_files(1, 11);
    many["entry"]["id"] = json!("E-1");
    for change in [strange, nobody, many, json!("x"), json!({})] {
        assert!(matches!(one(change.clone()).body, EventBody::Unreadable(_)), "{change}");
    }
}

#[test]
fn a_delivery_that_is_none_is_refused_and_nothing_is_kept() {
    let (host, _) = vendor(Vec::new());
    for body in [&b"not json"[..], b"[]", b"{}", br#"{"changes":{}}"#, b"\xff\xfe"] {
        let delivery = Delivery { body: body.to_vec(), ..delivery(&[]) };
        assert!(matches!(Helserespons::receive(inbound(), delivery), Err(Failure::Faulty(_))));
    }
    let many = delivery(&vec![of_kind("ENTRY_FILED"); 101]);
    assert!(matches!(Helserespons::receive(inbound(), many), Err(Failure::Faulty(_))));
    let elsewhere = Delivery { path: "other".into(), ..delivery(&[]) };
    assert!(matches!(Helserespons::receive(inbound(), elsewhere), Err(Failure::Faulty(_))));
    assert!(host.requests().is_empty());
}

#[test]
fn a_feed_that_makes_no_sense_is_faulty_and_the_cursor_stays() {
    let filed = of_kind("ENTRY_FILED");
    let mut second = filed.clone();
    second["seq"] = json!(2);
    for body in [
        json!({}),
        json!({ "changes": {}, "next": 1, "more": false }),
        json!({ "changes": [], "next": -1, "more": false }),
        json!({ "changes": [filed, filed], "next": 1, "more": false }),
        json!({ "changes": [second, filed], "next": 2, "more": false }),
        json!({ "changes": [{}], "next": 1, "more": false }),
        json!({ "changes": [second], "next": 1, "more": false }),
        json!({ "changes": [], "next": 0, "more": true }),
        json!({ "changes": vec![&filed; 51], "next": 51, "more": true }),
    ] {
        let host = support::answering(200, &body);
        assert!(matches!(poll(&host, None, Vec::new()), Err(Failure::Faulty(_))), "{body}");
    }
}

#[test]
fn a_cursor_of_another_version_begins_anew() {
    let (host, _) = vendor(vec![of_kind("ENTRY_FILED")]);
    let page = poll(&host, Some("v0:17".into()), Vec::new()).unwrap();
    assert_eq!(page.events.len(), 1);
}

#[test]
fn long_texts_are_cut_and_a_page_stays_below_what_a_call_may_return() {
    let long = |seq: u64| {
        let mut change = with_files(seq, 0);
        change["entry"]["body"] = json!("æ".repeat(40_000));
        change
    };
    let (host, _) = vendor((1..=30).map(long).collect());
    let page = poll(&host, None, Vec::new()).unwrap();
    let bytes: usize = page
        .events
        .iter()
        .map(|event| match &event.body {
            EventBody::Message(told) => told.message.text.len(),
            _ => 0,
        })
        .sum();
    assert!(bytes < 800 * 1024 && page.more && !page.events.is_empty(), "{bytes}");
    let EventBody::Message(told) = &page.events[0].body else { panic!("another event") };
    assert_eq!(told.message.text.chars().count(), 32_000);
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

proptest! {
    #[test]
    fn whatever_stands_in_a_change_it_becomes_one_event(which in 0_usize..16, member in 0_usize..8, value in any_json()) {
        let all = told();
        let mut change = all[which % all.len()].clone();
        if let Some(members) = change.as_object_mut() {
            let names: Vec<String> = members.keys().cloned().collect();
            members.insert(names[member % names.len()].clone(), value);
        }
        let (host, _) = vendor(Vec::new());
        let events = Helserespons::receive(inbound(), delivery(&[change]));
        prop_assert_eq!(events.map(|events| events.len()), Ok(1));
        drop(host);
    }
}

#[test]
fn a_context_without_offices_knows_no_clinic() {
    let (_host, _) = vendor(Vec::new());
    let ctx = InboundContext { offices: Vec::new(), ..inbound() };
    let events = Helserespons::receive(ctx, delivery(&[of_kind("NOTICE")])).unwrap();
    assert!(matches!(&events[0].body, EventBody::Unreadable(odd) if odd.office.is_none()));
}

#[test]
fn fees_and_payments_are_told_of_as_the_vendor_has_them() {
    let EventBody::Charged(charged) = one(of_kind("FEES_CHARGED")).body else { panic!("another event") };
    let fees: Vec<_> = charged.fees.iter().map(|fee| (fee.tariff.as_str(), fee.amount, fee.clinician)).collect();
    assert_eq!(fees, [("2ae", 17_900, Some(9_123_458)), ("2dd", 12_000, Some(9_123_458))]);
    let EventBody::Payment(payment) = one(of_kind("PAYMENT")).body else { panic!("another event") };
    let PaymentState::Paid(receipt) = payment.state else { panic!("another state") };
    assert!(payment.payment.starts_with("P-") && receipt.number.starts_with("K-"));
}

#[test]
fn a_fee_or_a_payment_that_the_contract_would_refuse_is_kept_for_the_operator() {
    for (kind, pointer, wrong) in [
        ("FEES_CHARGED", "/fees", json!([])),
        ("FEES_CHARGED", "/fees/0/ore", json!(0)),
        ("FEES_CHARGED", "/fees/1/tariff", json!("2AE")),
        ("FEES_CHARGED", "/fees/0/hpr", json!(0)),
        ("PAYMENT", "/payNo", json!("")),
        ("PAYMENT", "/receipt", json!(null)),
        ("PAYMENT", "/paidAt", json!("i dag")),
        ("PAYMENT", "/state", json!("MAYBE")),
    ] {
        let mut change = of_kind(kind);
        *change.pointer_mut(pointer).unwrap() = wrong;
        assert!(matches!(one(change).body, EventBody::Unreadable(_)), "{kind} {pointer}");
    }
}

#[test]
fn a_text_message_of_the_vendors_own_is_told_of_so_that_nobody_is_told_twice() {
    let EventBody::Notified(told) = one(of_kind("SMS_SENT")).body else { panic!("another event") };
    assert!(told.appointment.is_some_and(|booking| booking.starts_with("B-")) && told.dialog.is_none());
    assert_eq!(told.channel, NoticeChannel::Sms);
    let mut change = of_kind("SMS_SENT");
    change["sentAt"] = json!("i dag");
    assert!(matches!(one(change).body, EventBody::Unreadable(_)));
}

#[test]
fn a_report_of_the_laboratorys_is_told_with_every_finding() {
    let told = |change: &Value| {
        let _host = host();
        Helserespons::receive(inbound(), delivery(std::slice::from_ref(change))).unwrap().remove(0).body
    };
    let change = of_kind("LAB_REPORT");
    let EventBody::Results(report) = told(&change) else { panic!("another event") };
    assert!(!report.reply_allowed && report.message.text == "Langtidsblodsukkeret er for høyt.");
    let [sugar, strep] = &report.observations[..] else { panic!("{:?}", report.observations) };
    assert_eq!((sugar.name.as_str(), sugar.value.as_str(), sugar.unit.as_deref()), ("HbA1c", "58", Some("mmol/mol")));
    assert_eq!((sugar.interpretation, sugar.code.as_deref()), (Some(Interpretation::High), Some("NPU27300")));
    assert_eq!((strep.value.as_str(), strep.interpretation), ("Negativ", Some(Interpretation::Normal)));
    for (pointer, value) in [
        ("/findings", json!([])),
        ("/findings", json!(vec![change["findings"][0].clone(); 201])),
        ("/findings/0/analysis", json!(" ")),
        ("/findings/0/answer", json!("\n")),
        ("/findings/0/sampledAt", json!("i går")),
        ("/findings/0/flag", json!("ODD")),
    ] {
        let mut wrong = change.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(matches!(told(&wrong), EventBody::Unreadable(_)), "{pointer}");
    }
}

#[test]
fn what_happens_in_a_room_is_told_as_it_is() {
    let all: Vec<Value> = told().into_iter().filter(|change| change["kind"] == "ROOM").collect();
    let states: Vec<VideoState> = all
        .iter()
        .map(|change| match one(change.clone()).body {
            EventBody::Video(told) => {
                assert_eq!(json!(told.dialog), change["caseNo"]);
                told.state
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let guest = VideoState::ParticipantJoined("Tolk".into());
    assert_eq!(states, [VideoState::WaitingRoomOpen, guest, VideoState::ClinicianJoined, VideoState::Ended]);
    for guest in [json!(null), json!("\n"), json!(7)] {
        let mut nobody = all[1].clone();
        nobody["guest"] = guest;
        assert!(matches!(one(nobody).body, EventBody::Unreadable(_)));
    }
}
