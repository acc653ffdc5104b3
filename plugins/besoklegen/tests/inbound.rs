//! What the vendor tells: whole, muddled and broken. `golden/told-events.xml` is written by the simulated vendor's tests,
//! one event of every kind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use besoklegen::Besoklegen;
use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::testing::{Host, Reply, Request};
use dialog_plugin_sdk::{
    AppointmentChangeKind, CitizenIdentity, Closing, DialogStatus, Event, EventBody, Failure, ReceiptOutcome,
    RenewalOutcome, Service,
};
use proptest::prelude::*;
use support::{FNR, MESSAGE, NOW, between, fault, golden, host, inbound, operation, reply, sent, told};

const PDF: &[u8] = b"%PDF-1.4 attest";

/// Every event that the vendor told, as XML.
fn events() -> Vec<String> {
    let told = told("events");
    told.split("</Event>").filter(|event| event.contains("<Event>")).map(|event| format!("{event}</Event>")).collect()
}

fn of_kind(kind: &str) -> String {
    events().into_iter().find(|event| event.contains(&format!("<{kind}>"))).unwrap()
}

fn number(event: &str) -> Option<u64> {
    event.contains("<Number>").then(|| between(event, "<Number>", "</Number>").parse().unwrap())
}

/// A vendor with these events in its list, and a PDF behind every document.
fn vendor(events: Vec<String>) -> (Host, Rc<RefCell<Vec<String>>>) {
    let host = host();
    let list = Rc::new(RefCell::new(events));
    let shown = Rc::clone(&list);
    host.upstream("portal", move |request: &Request| answer(&shown.borrow(), request));
    (host, list)
}

fn answer(events: &[String], request: &Request) -> Reply {
    let text = request.text();
    match operation(request) {
        "GetEvents" => {
            let after: u64 = between(text, "<After>", "</After>").parse().unwrap();
            let max: usize = between(text, "<Max>", "</Max>").parse().unwrap();
            let rest: Vec<_> = events.iter().filter(|event| number(event).is_none_or(|is| is > after)).collect();
            let page = rest.iter().take(max);
            let last = page.clone().filter_map(|event| number(event)).max().unwrap_or(after);
            let listed: String = page.map(|event| event.as_str()).collect();
            reply(request, &format!("{listed}<Last>{last}</Last><More>{}</More>", rest.len() > max))
        }
        "GetDocument" => reply(request, &format!("<Content>{}</Content>", STANDARD.encode(PDF))),
        "ConfirmEvents" => reply(request, ""),
        name => panic!("nobody asks for {name}"),
    }
}

fn poll(host: &Host, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
    host.call(|| Besoklegen::poll(inbound(), cursor, settled))
}

fn one(event: String) -> Event {
    let (host, _) = vendor(vec![event]);
    poll(&host, None, Vec::new()).unwrap().events.remove(0)
}

#[test]
fn a_page_is_asked_for_and_confirmed_when_it_is_settled() {
    let (host, _) = vendor(events());
    let page = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.more), (events().len(), false));
    golden("events", &host.requests()[0]);
    drop(host);

    let (host, list) = vendor(events().into_iter().take(3).collect());
    let first = poll(&host, None, Vec::new()).unwrap();
    let refused = Disposition::Refused(RefusalReason::UnknownDialog);
    let settled = vec![
        Settlement { event: first.events[0].id.clone(), disposition: Disposition::Accepted },
        Settlement { event: first.events[1].id.clone(), disposition: refused },
    ];
    list.borrow_mut().clear();
    let second = poll(&host, first.cursor.clone(), settled.clone()).unwrap();
    assert!(second.events.is_empty() && !second.more);
    let confirm = host.requests().into_iter().find(|request| operation(request) == "ConfirmEvents").unwrap();
    golden("confirm", &confirm);
    let asked = host.requests().len();
    poll(&host, second.cursor, Vec::new()).unwrap();
    assert_eq!(host.requests().len(), asked + 1, "what is confirmed is not confirmed again");
    drop(host);

    // Where the vendor does not take it, it is told again, by the same id, and what is new comes all the same.
    let host = support::host();
    host.upstream("portal", |request: &Request| match operation(request) {
        "ConfirmEvents" => fault("Receiver", "Internal", ""),
        _ => answer(&[], request),
    });
    let mut ids = Vec::new();
    let mut cursor = first.cursor;
    for settled in [settled, Vec::new()] {
        cursor = poll(&host, cursor, settled).unwrap().cursor;
        let mut confirms = host.requests().into_iter().filter(|request| operation(request) == "ConfirmEvents");
        ids.push(support::message_id(&confirms.next_back().unwrap()).to_owned());
    }
    assert_eq!(ids[0], ids[1]);
    assert!(host.requests().last().unwrap().text().contains("<After>3</After>"));
}

#[test]
fn twice_and_out_of_order_is_once_and_in_order() {
    let (host, list) = vendor(events());
    let straight = poll(&host, None, Vec::new()).unwrap();
    let mut muddled = events();
    muddled.reverse();
    muddled.extend(events());
    *list.borrow_mut() = muddled;
    let page = poll(&host, None, Vec::new()).unwrap();
    let ids = |page: &Page| {
        let ids = page.events.iter().map(|event| event.id.clone());
        ids.filter(|id| id.starts_with("event-")).collect::<Vec<_>>()
    };
    assert_eq!(ids(&page), ids(&straight));
    let again = poll(&host, page.cursor, Vec::new()).unwrap();
    assert!(ids(&again).is_empty(), "{:?}", ids(&again));
}

#[test]
fn an_answer_keeps_the_dialog_open_and_a_redirect_says_what_to_use() {
    let replies: Vec<String> = events().into_iter().filter(|event| event.contains("<Reply>")).collect();
    let EventBody::Message(reply) = one(replies[0].clone()).body else { panic!("another event") };
    assert_eq!((reply.status, reply.redirect), (DialogStatus::AwaitingCitizen, None));
    assert_eq!((reply.message.text.as_str(), reply.message.author.as_deref()), ("Ja. Når?", Some("Amina Yusuf")));
    let EventBody::Message(redirect) = one(replies[1].clone()).body else { panic!("another event") };
    assert_eq!(redirect.status, DialogStatus::Closed(Closing::Redirected));
    assert_eq!((redirect.redirect, redirect.dialog), (Some(Service::Consultation), reply.dialog));
}

#[test]
fn a_renewal_is_decided_line_by_line_and_as_a_whole() {
    let EventBody::Renewal(answer) = one(of_kind("RenewalDecided")).body else { panic!("another event") };
    let decided: Vec<_> = answer.decisions.iter().map(|one| (one.item.as_deref(), one.outcome)).collect();
    assert_eq!(decided, [(Some("a"), RenewalOutcome::Renewed), (Some("b"), RenewalOutcome::NeedsConsultation)]);
    assert_eq!(answer.decisions[1].reason.as_deref(), Some("Ta blodprøve."));
    assert_eq!(answer.message.unwrap().text, "Hentes på apoteket.");
    assert_eq!(answer.status, DialogStatus::Closed(Closing::Answered));
    let whole = of_kind("RenewalDecided").replace("<Line>a</Line>", "");
    let EventBody::Renewal(answer) = one(whole).body else { panic!("another event") };
    assert_eq!(answer.decisions[0].item, None);
}

#[test]
fn a_certificate_is_fetched_and_kept_and_a_state_is_told() {
    let event = events().into_iter().find(|event| event.contains("<Document>")).unwrap();
    let (host, _) = vendor(vec![event]);
    let page = poll(&host, None, Vec::new()).unwrap();
    let EventBody::Message(message) = &page.events[0].body else { panic!("another event") };
    let attachment = &message.message.attachments[0];
    assert_eq!((attachment.name.as_str(), attachment.media_type.as_str()), ("Helseattest.pdf", "application/pdf"));
    assert_eq!(host.bytes(attachment).unwrap(), PDF);
    drop(host);
    let EventBody::Status(change) = one(of_kind("StateChanged")).body else { panic!("another event") };
    assert_eq!((change.status, change.reason), (DialogStatus::Closed(Closing::Answered), None));
}

#[test]
fn a_notice_allows_no_reply_and_an_opened_case_does() {
    for (kind, allowed) in [("Notice", false), ("Opened", true)] {
        let EventBody::Opened(opened) = one(of_kind(kind)).body else { panic!("{kind}") };
        assert_eq!((opened.reply_allowed, opened.office, opened.service), (allowed, 8_150_301, Service::Inquiry));
        assert!(opened.citizen == CitizenIdentity::NationalIdentityNumber(FNR.into()));
        assert_eq!(opened.message.subject.as_deref(), Some("Hei"));
    }
}

#[test]
fn filings_and_refusals_are_receipts_of_the_citizens_message() {
    let EventBody::Receipt(filed) = one(of_kind("Filed")).body else { panic!("another event") };
    assert_eq!((filed.outcome, filed.message.as_str()), (ReceiptOutcome::Delivered, MESSAGE));
    let EventBody::Receipt(refused) = one(of_kind("NotFiled")).body else { panic!("another event") };
    let ReceiptOutcome::Refused(why) = refused.outcome else { panic!("another outcome") };
    assert_eq!((why[0].code.as_str(), why[0].text.as_str(), why[0].resendable), ("E21", "Ukjent pasient.", false));
}

#[test]
fn bookings_by_the_practice_are_appointments() {
    for (kind, change) in [
        ("MADE", AppointmentChangeKind::Booked),
        ("MOVED", AppointmentChangeKind::Moved),
        ("CANCELLED", AppointmentChangeKind::Cancelled),
        ("REMINDER", AppointmentChangeKind::Reminder),
    ] {
        let event = events().into_iter().find(|event| event.contains(&format!("<Kind>{kind}</Kind>"))).unwrap();
        let EventBody::Appointment(told) = one(event).body else { panic!("{kind}") };
        assert_eq!((told.kind, told.office), (change, 8_150_301), "{kind}");
        assert_eq!(told.appointment.cancellable, change != AppointmentChangeKind::Cancelled, "{kind}");
    }
}

#[test]
fn what_cannot_be_understood_is_kept_for_the_operator_and_holds_up_nothing() {
    let (host, _) = vendor(events());
    let page = poll(&host, None, Vec::new()).unwrap();
    let mut ids = Vec::new();
    for event in &page.events {
        if let EventBody::Unreadable(unreadable) = &event.body {
            ids.push(event.id.clone());
            let raw = host.bytes(&unreadable.raw).unwrap();
            assert!(raw.starts_with(b"<Event>") && raw.ends_with(b"</Event>"));
            assert!(!unreadable.reason.contains(FNR) && !unreadable.reason.contains("Borte"));
        }
    }
    assert_eq!(ids.len(), 4, "{ids:?}");
    assert_eq!(ids.iter().filter(|id| id.starts_with("odd-")).count(), 1, "one has no number");
    for (_, line) in host.lines() {
        assert!(!line.contains(FNR) && !line.contains("Borte"), "{line}");
    }
    drop(host);
    for (from, to) in [
        ("LILLETORGET", "NOWHERE"),
        ("2026-11-20T09:00:00Z", "yesterday"),
        (FNR, "23869247252"),
        ("<Opened>", "<Opened><Extra/>"),
        ("</Practice>", "</Practice><Extra/>"),
        ("QUESTION", "HOROSCOPE"),
    ] {
        let event = of_kind("Opened").replace(from, to);
        let taken = one(event);
        let understood = matches!(taken.body, EventBody::Opened(_));
        assert_eq!(understood, from == "<Opened>", "an element more is read past: {from}");
        assert!(taken.id.starts_with("event-"));
    }
}

#[test]
fn a_list_that_makes_no_sense_is_not_believed_and_one_that_never_ends_is_left() {
    for elements in [
        "<Last>0</Last><More>true</More>",
        "<Last>zero</Last><More>false</More>",
        "<Last>0</Last><More>perhaps</More>",
        "<More>false</More>",
        "<Event><Number>7</Number></Event><Last>5</Last><More>false</More>",
        &format!("{}<Last>99</Last><More>false</More>", "<Event/>".repeat(51)),
    ] {
        let host = support::answering(elements);
        let failure = poll(&host, None, Vec::new()).unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{elements}");
        drop(host);
    }
    // Each call asks for one page: how often it is asked again is the gateway's.
    let host = support::host();
    host.upstream("portal", |request: &Request| {
        let after: u64 = between(request.text(), "<After>", "</After>").parse().unwrap();
        reply(request, &format!("<Last>{}</Last><More>true</More>", after + 1))
    });
    let page = poll(&host, None, Vec::new()).unwrap();
    assert!(page.more && page.events.is_empty());
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn an_outage_changes_nothing() {
    for given in [Reply::status(500), Reply::status(429), fault("Sender", "MessageExpired", ""), Reply::status(503)] {
        let host = support::always(given);
        let failure = poll(&host, Some(r#"{"after":3,"confirmed":3}"#.into()), Vec::new()).unwrap_err();
        assert!(matches!(failure, Failure::Unavailable(_)) && sent(&failure).is_some());
        drop(host);
    }
}

fn with_documents(event: u64, documents: usize) -> String {
    let listed: String = (0..documents)
        .map(|at| {
            let size = PDF.len();
            format!("<Document><Id>D-{event}-{at}</Id><Name>a.pdf</Name><Type>application/pdf</Type><Size>{size}</Size></Document>")
        })
        .collect();
    let reply = of_kind("Reply").replace("</Message>", &format!("{listed}</Message>"));
    let old = number(&reply).unwrap();
    reply.replace(&format!("<Number>{old}<"), &format!("<Number>{event}<"))
}

#[test]
fn a_page_ends_where_the_call_has_no_request_left_for_documents() {
    let (host, _) = vendor(vec![with_documents(1, 10), with_documents(2, 10)]);
    let first = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((first.events.len(), first.more), (1, true));
    let second = poll(&host, first.cursor, Vec::new()).unwrap();
    assert_eq!((second.events.len(), second.more), (1, false));
    assert!(host.requests().len() <= 2 * 16);
}

#[test]
fn a_document_that_is_gone_leaves_a_note_and_one_that_does_not_come_is_waited_for() {
    let with = |given: Reply| {
        let host = support::host();
        let events = vec![with_documents(1, 1), of_kind("Notice")];
        host.upstream("portal", move |request: &Request| match operation(request) {
            "GetDocument" => given.clone(),
            _ => answer(&events, request),
        });
        host
    };
    let host = with(fault("Sender", "UnknownDocument", ""));
    let page = poll(&host, None, Vec::new()).unwrap();
    let EventBody::Message(message) = &page.events[0].body else { panic!("another event") };
    assert!(message.message.attachments.is_empty() && message.message.text.contains("kunne ikke hentes"));
    drop(host);

    let host = with(Reply::status(503));
    let page = poll(&host, None, Vec::new()).unwrap();
    assert!(page.events.is_empty() && !page.more, "it waits, and those after it");
    let mut late = inbound();
    late.now = NOW + 61 * 60 * 1000;
    let page = host.call(|| Besoklegen::poll(late, page.cursor, Vec::new())).unwrap();
    assert_eq!(page.events.len(), 2, "after an hour it is given up");
}

#[test]
fn nothing_is_delivered_by_this_vendor() {
    let host = host();
    let delivery = Delivery { id: None, path: "events".into(), headers: Vec::new(), body: Vec::new() };
    assert!(matches!(Besoklegen::receive(inbound(), delivery), Err(Failure::Faulty(_))));
    drop(host);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn an_event_with_anything_replaced_is_an_event_or_kept(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        with in "[<>/&a-zA-Z0-9 æ]{0,8}",
    ) {
        let events = events();
        let event = &events[which.index(events.len())];
        let places: Vec<usize> = event.char_indices().map(|(at, _)| at).collect();
        let at = places[at.index(places.len())];
        let mut changed = event.clone();
        changed.replace_range(at..at + event[at..].chars().next().unwrap().len_utf8(), &with);
        let host = support::host();
        host.upstream("portal", move |request: &Request| match operation(request) {
            "GetDocument" => reply(request, "<Content>JVBERi0xLjQ=</Content>"),
            _ => reply(request, &format!("{changed}<Last>999</Last><More>false</More>")),
        });
        match host.call(|| Besoklegen::poll(inbound(), None, Vec::new())) {
            Ok(page) => prop_assert!(page.events.len() <= 2),
            Err(failure) => {
                let told = format!("{failure:?}");
                prop_assert!(!told.contains(FNR));
            }
        }
        for (_, line) in host.lines() {
            prop_assert!(!line.contains(FNR));
        }
        drop(host);
    }
}
