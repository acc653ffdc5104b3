//! What the vendor tells in its feed, whole and broken. `golden/answers/changes.json` is written by the simulated vendor's
//! tests: one change of every type, and one of every damage.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use cgm_eportal::CgmEportal;
use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::testing::{Host, Reply, Request};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{
    CitizenIdentity, Closing, DialogStatus, Event, EventBody, Failure, ReceiptOutcome, RenewalOutcome, Service, log,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{NUMBER, host, inbound, reply, told};

const PDF: &[u8] = b"%PDF-1.4 attest";
/// The same in base64.
const PDF_BASE64: &str = "JVBERi0xLjQgYXR0ZXN0";

/// What the simulated vendor told: edges, and errors in place of some.
fn all() -> (Vec<Value>, Vec<Value>) {
    let mut answer = told("changes");
    let edges = answer["data"]["changes"]["edges"].as_array_mut().map(std::mem::take).unwrap();
    (edges, answer["errors"].as_array_mut().map(std::mem::take).unwrap())
}

fn of_type(kind: &str) -> Value {
    all().0.into_iter().find(|edge| edge["node"]["__typename"] == kind).unwrap()
}

/// What is wrong with a vendor's feed.
#[derive(Default)]
struct Feed {
    edges: Vec<Value>,
    /// An error in place of the change with this number.
    code: Option<(u64, &'static str)>,
    shuffled: bool,
    endless: bool,
    /// Answers to anything else than the feed.
    other: Option<Reply>,
}

/// A vendor with this feed, and a PDF behind every document.
fn vendor(feed: Feed) -> (Host, Rc<RefCell<Feed>>) {
    let host = host();
    let feed = Rc::new(RefCell::new(feed));
    let shown = Rc::clone(&feed);
    host.upstream("api", move |request: &Request| answer(&shown.borrow(), request));
    (host, feed)
}

fn telling(edges: Vec<Value>) -> (Host, Rc<RefCell<Feed>>) {
    vendor(Feed { edges, ..Feed::default() })
}

fn answer(feed: &Feed, request: &Request) -> Reply {
    let body: Value = request.json();
    let variables = &body["variables"];
    match (request.header("x-operation-name"), &feed.other) {
        (Some("Changes"), _) => reply(200, &changes(feed, variables)),
        (_, Some(other)) => other.clone(),
        (Some("ConfirmChanges"), None) => {
            let through = &variables["input"]["through"];
            reply(200, &json!({ "data": { "confirmChanges": { "through": through } } }))
        }
        (Some("Document"), None) => reply(200, &json!({ "data": { "document": { "content": PDF_BASE64 } } })),
        (other, None) => panic!("nobody asks for {other:?}"),
    }
}

fn changes(feed: &Feed, variables: &Value) -> Value {
    let number = |edge: &Value| edge["number"].as_u64().unwrap_or(u64::MAX);
    let (after, first) = (variables["after"].as_u64().unwrap(), variables["first"].as_u64().unwrap());
    let rest: Vec<&Value> = feed.edges.iter().filter(|edge| number(edge) > after).collect();
    let mut page: Vec<Value> = rest.iter().take(usize::try_from(first).unwrap()).map(|edge| (*edge).clone()).collect();
    let through = page.last().map_or(after, number);
    let more = feed.endless || rest.len() > page.len();
    if feed.shuffled {
        page = page.into_iter().rev().flat_map(|edge| [edge.clone(), edge]).collect();
    }
    let mut errors = Vec::new();
    for (position, edge) in page.iter_mut().enumerate() {
        if let Some((_, code)) = feed.code.filter(|(at, _)| *at == number(edge)) {
            edge["node"] = Value::Null;
            errors.push(json!({ "path": ["changes", "edges", position, "node"], "extensions": { "code": code } }));
        }
    }
    json!({ "data": { "changes": { "edges": page, "through": through, "more": more } }, "errors": errors })
}

fn poll_with(host: &Host, ctx: InboundContext, cursor: Option<String>) -> Result<Page, Failure> {
    host.call(|| CgmEportal::poll(ctx, cursor, Vec::new()))
}

fn poll(host: &Host, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
    host.call(|| CgmEportal::poll(inbound(), cursor, settled))
}

fn one(mut edge: Value) -> Event {
    edge["number"] = json!(1);
    let (host, _) = telling(vec![edge]);
    poll(&host, None, Vec::new()).unwrap().events.remove(0)
}

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

#[test]
fn every_change_is_an_event_whose_id_is_its_number() {
    let host = host();
    host.upstream("api", |request: &Request| match request.header("x-operation-name") {
        Some("Changes") => reply(200, &told("changes")),
        _ => reply(200, &json!({ "data": { "document": { "content": PDF_BASE64 } } })),
    });
    let page = poll(&host, None, Vec::new()).unwrap();
    // The one before the last is there, but not yet: what follows it waits.
    let (edges, _) = all();
    let expected: Vec<String> = (1..edges.len()).map(|number| format!("change-{number}")).collect();
    assert_eq!((ids(&page.events), page.more), (expected.iter().map(String::as_str).collect(), false));
    let odd = page.events.iter().filter(|event| matches!(event.body, EventBody::Unreadable(_))).count();
    assert_eq!(odd, 4, "gone, of a wrong type, truncated, of a type that nobody knows");
}

#[test]
fn an_answer_keeps_the_dialog_open_and_a_redirect_says_what_to_use() {
    let posts: Vec<Value> = all()
        .0
        .into_iter()
        .filter(|edge| edge["node"]["post"]["author"].is_string() && edge["node"]["__typename"] == "PostAdded")
        .collect();
    let EventBody::Message(told) = one(posts[0].clone()).body else { panic!("another event") };
    assert_eq!((told.status, told.redirect), (DialogStatus::AwaitingCitizen, None));
    assert_eq!((told.message.text.as_str(), told.message.author.as_deref()), ("Ja. Når?", Some("Amina Yusuf")));
    let EventBody::Message(redirect) = one(posts[1].clone()).body else { panic!("another event") };
    assert_eq!(redirect.status, DialogStatus::Closed(Closing::Redirected));
    assert_eq!((redirect.redirect, redirect.dialog), (Some(Service::Consultation), told.dialog));
}

#[test]
fn each_alternative_is_a_service() {
    for (word, service) in [
        ("INQUIRY", Service::Inquiry),
        ("RENEWAL", Service::PrescriptionRenewal),
        ("CERTIFICATE", Service::Certificate),
        ("APPOINTMENT", Service::Appointment),
        ("SICK_NOTE", Service::SickNoteRenewal),
    ] {
        let mut edge = all().0.into_iter().find(|edge| edge["node"]["useInstead"].is_string()).unwrap();
        edge["node"]["useInstead"] = json!(word);
        assert!(matches!(one(edge).body, EventBody::Message(told) if told.redirect == Some(service)), "{word}");
    }
}

#[test]
fn a_renewal_is_decided_item_by_item() {
    let EventBody::Renewal(answer) = one(of_type("RenewalDecided")).body else { panic!("another event") };
    let decided: Vec<_> = answer.decisions.iter().map(|one| (one.item.as_deref().unwrap(), one.outcome)).collect();
    assert_eq!(decided, [("RX-TORG-1", RenewalOutcome::Renewed), ("RX-TORG-2", RenewalOutcome::NeedsConsultation)]);
    assert_eq!(answer.decisions[1].reason.as_deref(), Some("Ta blodprøve."));
    assert_eq!(answer.message.unwrap().text, "Hentes på apoteket.");
    assert_eq!(answer.status, DialogStatus::Closed(Closing::Answered));
}

#[test]
fn a_sick_note_says_its_days_its_degree_and_who_got_it() {
    let issued = of_type("SickNoteIssued");
    assert!(!issued.to_string().to_lowercase().contains("diagno"), "{issued}");
    let EventBody::Message(told) = one(issued.clone()).body else { panic!("another event") };
    assert_eq!(told.status, DialogStatus::Closed(Closing::Answered));
    assert_eq!(
        told.message.text,
        "God bedring.\n\nNy sykmelding: 26.11.2026 til 9.12.2026, 50 prosent. Den er sendt til NAV og til arbeidsgiveren \
         din, Elverum Trelast AS."
    );
    let said = |change: &dyn Fn(&mut Value)| {
        let mut edge = issued.clone();
        change(&mut edge["node"]);
        one(edge).body
    };
    let text = |body: EventBody| match body {
        EventBody::Message(told) => told.message.text,
        other => panic!("{other:?}"),
    };
    let alone = said(&|node| {
        node["words"] = Value::Null;
        node["sickNote"]["employer"] = Value::Null;
        node["sickNote"]["informed"] = json!(["NAV"]);
    });
    assert_eq!(text(alone), "Ny sykmelding: 26.11.2026 til 9.12.2026, 50 prosent. Den er sendt til NAV.");
    let kept = said(&|node| node["sickNote"]["informed"] = json!(["NAV"]));
    assert!(text(kept).ends_with("Arbeidsgiveren din, Elverum Trelast AS, har ikke fått den."));
    for broken in [
        json!({ "degree": 0 }),
        json!({ "degree": 101 }),
        json!({ "until": "2026-11-25" }),
        json!({ "from": "i morgen" }),
        json!({ "employer": "A\nB" }),
        json!({ "informed": ["EVERYBODY"] }),
    ] {
        let body = said(&|node| {
            for (name, value) in broken.as_object().unwrap() {
                node["sickNote"][name] = value.clone();
            }
        });
        assert!(matches!(body, EventBody::Unreadable(_)), "{broken}");
    }
}

#[test]
fn a_notice_allows_no_reply_and_an_opened_thread_does() {
    for (kind, allowed) in [("NoticeSent", false), ("ThreadOpened", true)] {
        let EventBody::Opened(opened) = one(of_type(kind)).body else { panic!("{kind}") };
        assert_eq!((opened.reply_allowed, opened.office, opened.service), (allowed, 8_150_301, Service::Inquiry));
        assert!(opened.citizen == CitizenIdentity::NationalIdentityNumber(NUMBER.into()));
        assert_eq!(opened.message.subject.as_deref(), Some("Hei"));
    }
}

#[test]
fn filings_and_rejections_are_receipts_and_an_end_without_words_is_a_status() {
    let EventBody::Receipt(filed) = one(of_type("PostFiled")).body else { panic!("another event") };
    assert_eq!((filed.outcome, filed.message.as_str()), (ReceiptOutcome::Delivered, support::MESSAGE));
    let EventBody::Receipt(rejected) = one(of_type("PostRejected")).body else { panic!("another event") };
    let ReceiptOutcome::Refused(why) = rejected.outcome else { panic!("another outcome") };
    assert_eq!((why[0].code.as_str(), why[0].text.as_str(), why[0].resendable), ("E21", "Ukjent pasient.", false));
    let EventBody::Status(ended) = one(of_type("ThreadStateChanged")).body else { panic!("another event") };
    assert_eq!(
        (ended.status, ended.reason.as_deref()),
        (DialogStatus::Closed(Closing::Expired), Some("Ingen svarte."))
    );
}

fn with_documents(number: u64, documents: usize) -> Value {
    let mut edge = of_type("PostAdded");
    edge["number"] = json!(number);
    let document = |n: usize| json!({ "id": format!("D-{number}-{n}"), "name": "a.pdf", "mediaType": "application/pdf", "size": PDF.len() });
    edge["node"]["post"]["documents"] = (0..documents).map(document).collect();
    edge
}

#[test]
fn a_document_is_fetched_in_the_call_that_hands_the_post_over() {
    let (host, _) = telling(vec![with_documents(1, 1)]);
    let page = poll(&host, None, Vec::new()).unwrap();
    let EventBody::Message(told) = &page.events[0].body else { panic!("another event") };
    let attachment = &told.message.attachments[0];
    assert_eq!((attachment.name.as_str(), attachment.media_type.as_str()), ("a.pdf", "application/pdf"));
    assert_eq!(host.bytes(attachment).unwrap(), PDF);
}

#[test]
fn a_document_that_is_gone_leaves_a_note_and_the_answer_is_shown() {
    let whole = |content: &str| reply(200, &json!({ "data": { "document": { "content": content } } }));
    for (other, media_type, size) in [
        (reply(200, &support::refusal("document", "DOCUMENT_NOT_FOUND")), "application/pdf", 1),
        (Reply::error(Cause::TooLarge), "application/pdf", 1),
        (whole("not base64"), "application/pdf", 1),
        (whole(PDF_BASE64), "text/html", 1),
        (whole(PDF_BASE64), "application/pdf", 6 * 1024 * 1024),
    ] {
        let mut edge = with_documents(1, 1);
        edge["node"]["post"]["documents"][0]["mediaType"] = json!(media_type);
        edge["node"]["post"]["documents"][0]["size"] = json!(size);
        let (host, _) = vendor(Feed { edges: vec![edge], other: Some(other), ..Feed::default() });
        let EventBody::Message(told) = poll(&host, None, Vec::new()).unwrap().events.remove(0).body else {
            panic!("another event")
        };
        assert!(told.message.attachments.is_empty());
        assert!(told.message.text.contains("\n\n[Et vedlegg"), "{}", told.message.text);
    }
}

#[test]
fn what_does_not_come_now_waits_for_an_hour_and_lets_the_earlier_ones_through() {
    let filed = |number: u64| {
        let mut edge = of_type("PostFiled");
        edge["number"] = json!(number);
        edge
    };
    let stuck = [
        Feed { edges: vec![filed(1), filed(2), filed(3)], code: Some((2, "NOT_YET")), ..Feed::default() },
        Feed {
            edges: vec![filed(1), with_documents(2, 1), filed(3)],
            other: Some(Reply::status(503)),
            ..Feed::default()
        },
    ];
    for feed in stuck {
        let (host, feed) = vendor(feed);
        let page = poll(&host, None, Vec::new()).unwrap();
        assert_eq!((ids(&page.events), page.more), (vec!["change-1"], false));
        let later = |minutes: i64, cursor: Option<String>| {
            let now = support::NOW + minutes * 60_000;
            host.set_now(now);
            poll_with(&host, InboundContext { now, ..inbound() }, cursor).unwrap()
        };
        let page = later(59, page.cursor);
        assert!(page.events.is_empty());
        let given_up = later(61, page.cursor.clone());
        assert_eq!(ids(&given_up.events), ["change-2", "change-3"], "nobody waits for longer");
        feed.borrow_mut().code = None;
        feed.borrow_mut().other = None;
        let come = later(59, page.cursor);
        assert_eq!(ids(&come.events), ["change-2", "change-3"]);
        assert!(!matches!(come.events[0].body, EventBody::Unreadable(_)));
    }
}

#[test]
fn a_page_ends_where_the_calls_requests_end_and_goes_on_in_the_next() {
    let (host, _) = telling((1..=4).map(|number| with_documents(number, 6)).collect());
    let first = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((first.events.len(), first.more), (2, true));
    assert!(host.requests().len() <= 16);
    let second = poll(&host, first.cursor, Vec::new()).unwrap();
    assert_eq!((ids(&second.events), second.more), (vec!["change-3", "change-4"], false));
}

#[test]
fn changes_out_of_order_and_twice_are_taken_once_in_the_vendors_order() {
    let filed = |number: u64| {
        let mut edge = of_type("PostFiled");
        edge["number"] = json!(number);
        edge
    };
    let (host, feed) = telling((1..=5).map(filed).collect());
    let straight = poll(&host, None, Vec::new()).unwrap();
    feed.borrow_mut().shuffled = true;
    let shuffled = poll(&host, None, Vec::new()).unwrap();
    assert_eq!(shuffled, straight);
    assert_eq!(ids(&shuffled.events), ["change-1", "change-2", "change-3", "change-4", "change-5"]);
    // The same page again, as after a crash: the same events.
    assert_eq!(poll(&host, None, Vec::new()).unwrap().events, straight.events);
    // What was handed over before and comes again in a later page is not handed over again.
    let cursor = straight.cursor;
    let again = host.call(|| {
        let edges = vec![filed(4), filed(6), filed(5)];
        host.upstream("api", move |_: &Request| {
            reply(200, &json!({ "data": { "changes": { "edges": edges, "through": 6, "more": false } } }))
        });
        CgmEportal::poll(inbound(), cursor, Vec::new())
    });
    assert_eq!(ids(&again.unwrap().events), ["change-6"]);
}

#[test]
fn a_clock_that_is_ten_minutes_off_changes_no_order_and_loses_nothing() {
    for minutes in [-10, 10] {
        let mut edges: Vec<Value> = (1..=2).map(|number| with_documents(number, 0)).collect();
        // The later change says that it is earlier, and both are not of our time.
        for (edge, second) in edges.iter_mut().zip([30, 0]) {
            let at = format!("2026-11-20T{}:{second:02}Z", if minutes < 0 { "08:50" } else { "09:10" });
            edge["node"]["at"] = json!(at);
        }
        let (host, _) = telling(edges);
        let page = poll(&host, None, Vec::new()).unwrap();
        assert_eq!(ids(&page.events), ["change-1", "change-2"]);
        assert_eq!(page.events[1].occurred, support::NOW + minutes * 60_000);
    }
}

/// For how many seconds the vendor was asked to hold the request open.
fn wait(ctx: InboundContext) -> i64 {
    let (host, _) = telling(Vec::new());
    poll_with(&host, ctx, None).unwrap();
    host.requests()[0].json::<Value>()["variables"]["wait"].as_i64().unwrap()
}

#[test]
fn the_vendor_may_hold_the_request_as_long_as_the_call_and_the_operator_allow() {
    let installed = |seconds: u32| format!(r#"{{"longPollSeconds":{seconds}}}"#);
    assert_eq!(wait(inbound()), 3, "five seconds, less what is left to do");
    for (left, seconds, expected) in
        [(60_000, 20, 20), (60_000, 7, 7), (10_000, 20, 8), (2_499, 20, 0), (1_000, 20, 0), (0, 20, 0), (60_000, 0, 0)]
    {
        let ctx = InboundContext { time_left: left, installation: installed(seconds), ..inbound() };
        assert_eq!(wait(ctx), expected, "{left} ms left");
    }
}

#[test]
fn what_confirming_takes_is_not_waited_for_again() {
    let (host, _) = telling(vec![with_documents(1, 0)]);
    let page = poll(&host, None, Vec::new()).unwrap();
    // Two seconds of the call are gone before the feed is asked.
    let ctx = inbound();
    host.set_now(ctx.now + 2_000);
    poll_with(&host, ctx, page.cursor).unwrap();
    assert_eq!(host.requests().last().unwrap().json::<Value>()["variables"]["wait"], 1);
}

#[test]
fn what_was_settled_is_confirmed_once_and_refusals_are_told() {
    let edges: Vec<Value> = (1..=3).map(|number| with_documents(number, 0)).collect();
    let (host, feed) = telling(edges);
    let confirmations = || {
        let requests = host.requests();
        let told = requests.into_iter().filter(|request| request.header("x-operation-name") == Some("ConfirmChanges"));
        told.collect::<Vec<Request>>()
    };
    let page = poll(&host, None, Vec::new()).unwrap();
    assert!(confirmations().is_empty(), "nothing is settled yet");
    let settled = vec![
        Settlement { event: "change-1".into(), disposition: Disposition::Accepted },
        Settlement { event: "change-2".into(), disposition: Disposition::Refused(RefusalReason::UnknownDialog) },
    ];
    // The vendor does not take the confirmation: it is told again, and what is new is not held up.
    feed.borrow_mut().other = Some(Reply::status(500));
    let page = poll(&host, page.cursor, settled).unwrap();
    feed.borrow_mut().other = None;
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    poll(&host, page.cursor, Vec::new()).unwrap();
    let told = confirmations();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].body, told[1].body);
    let input = &told[1].json::<Value>()["variables"]["input"];
    assert_eq!(*input, json!({ "through": 3, "refused": [{ "number": 2, "reason": "THREAD_UNKNOWN" }] }));
    assert!(host.lines().iter().any(|(level, line)| *level == log::Level::Warn && line.contains("not confirmed yet")));
}

#[test]
fn what_cannot_be_understood_is_kept_for_the_operator_and_holds_up_nothing() {
    let mut strange = of_type("NoticeSent");
    strange["node"]["practice"] = json!("havnegata");
    let mut nobody = of_type("NoticeSent");
    nobody["node"]["patient"]["nationalId"] = json!("23869247252");
    let mut nowhere = with_documents(1, 0);
    nowhere["node"]["thread"]["state"] = Value::Null;
    let mut timeless = of_type("PostFiled");
    timeless["node"]["at"] = json!("2026-11-20T09:00:00");
    let odd =
        [strange, nobody, nowhere, timeless, with_documents(1, 11), json!({ "node": "x" }), json!({ "node": null })];
    for edge in odd {
        let mut edge = edge;
        edge["number"] = json!(7);
        let (host, _) = telling(vec![edge.clone()]);
        let page = poll(&host, None, Vec::new()).unwrap();
        let EventBody::Unreadable(odd) = &page.events[0].body else { panic!("{edge}") };
        assert_eq!(page.events[0].id, "change-7");
        let kept: Value = serde_json::from_slice(&host.bytes(&odd.raw).unwrap()).unwrap();
        assert_eq!((&kept["number"], &kept["node"]), (&json!(7), &edge["node"]));
        assert!(!odd.reason.contains("havnegata") && !odd.reason.contains("2386924"), "{}", odd.reason);
        assert!(host.lines().iter().all(|(_, line)| !line.contains("2386924") && !line.contains("havnegata")));
    }
    let (host, _) = vendor(Feed { edges: vec![with_documents(1, 0)], code: Some((1, "GONE")), ..Feed::default() });
    let page = poll(&host, None, Vec::new()).unwrap();
    assert!(matches!(&page.events[0].body, EventBody::Unreadable(odd) if odd.reason.contains("gone at the vendor")));
}

#[test]
fn a_feed_that_makes_no_sense_is_faulty_and_the_cursor_stays() {
    let feed = |feed: Value| json!({ "data": { "changes": feed } });
    let edge = |number: Value| json!({ "number": number, "node": of_type("PostFiled")["node"] });
    for answer in [
        json!({}),
        feed(json!({ "edges": {}, "through": 1, "more": false })),
        feed(json!({ "edges": [], "through": -1, "more": false })),
        feed(json!({ "edges": [edge(json!(null))], "through": 1, "more": false })),
        feed(json!({ "edges": [edge(json!(2))], "through": 1, "more": false })),
        feed(json!({ "edges": vec![edge(json!(1)); 101], "through": 1, "more": true })),
    ] {
        let host = support::answering(&answer);
        assert!(matches!(poll(&host, None, Vec::new()), Err(Failure::Faulty(_))), "{answer}");
    }
    let (host, _) = telling(vec![with_documents(3, 0)]);
    let page = poll(&host, None, Vec::new()).unwrap();
    drop(host);
    let host = support::answering(&feed(json!({ "edges": [], "through": 2, "more": false })));
    assert!(matches!(poll(&host, page.cursor, Vec::new()), Err(Failure::Faulty(_))), "the feed goes back");
}

#[test]
fn a_feed_that_says_without_end_that_there_is_more_is_not_asked_in_a_circle() {
    let (host, _) = vendor(Feed { edges: vec![with_documents(1, 0)], endless: true, ..Feed::default() });
    let page = poll(&host, None, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.more), (1, true));
    let page = poll(&host, page.cursor, Vec::new()).unwrap();
    assert_eq!((page.events.len(), page.more), (0, false));
}

#[test]
fn a_vendor_that_does_not_answer_is_an_outage_and_the_cursor_stays() {
    for (answer, wait) in [
        (Reply::error(Cause::Unreachable("refused".into())), None),
        (Reply::error(Cause::Interrupted("timeout".into())), None),
        (Reply::status(500), None),
        (Reply::status(429).header("retry-after", "17"), Some(17)),
        (Reply::status(429), None),
    ] {
        let host = host();
        host.upstream("api", move |_: &Request| answer.clone());
        let Failure::Unavailable(outage) = poll(&host, None, Vec::new()).unwrap_err() else {
            panic!("another failure")
        };
        assert_eq!((outage.retry_after, outage.sent), (wait, dialog_plugin_sdk::Sent::No));
    }
}

#[test]
fn a_cursor_of_another_version_begins_anew() {
    let (host, _) = telling(vec![with_documents(1, 0)]);
    assert_eq!(poll(&host, Some("v0:17".into()), Vec::new()).unwrap().events.len(), 1);
}

#[test]
fn nobody_delivers_anything() {
    let (host, _) = telling(Vec::new());
    let delivery = Delivery { id: None, path: "changes".into(), headers: Vec::new(), body: b"{}".to_vec() };
    assert!(matches!(CgmEportal::receive(inbound(), delivery), Err(Failure::Faulty(_))));
    assert!(host.requests().is_empty());
}

#[test]
fn long_texts_are_cut_and_a_page_stays_below_what_a_call_may_return() {
    let long = |number: u64| {
        let mut edge = with_documents(number, 0);
        edge["node"]["post"]["text"] = json!("æ".repeat(40_000));
        edge
    };
    let (host, _) = telling((1..=30).map(long).collect());
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
    fn whatever_stands_in_a_change_it_becomes_one_event(which in 0_usize..24, member in 0_usize..10, value in any_json()) {
        let edges: Vec<Value> = all().0.into_iter().filter(|edge| edge["node"].is_object()).collect();
        let mut edge = edges[which % edges.len()].clone();
        edge["number"] = json!(1);
        if let Some(members) = edge["node"].as_object_mut() {
            let names: Vec<String> = members.keys().cloned().collect();
            members.insert(names[member % names.len()].clone(), value);
        }
        let (host, _) = telling(vec![edge]);
        let page = poll(&host, None, Vec::new());
        prop_assert_eq!(page.map(|page| page.events.len()), Ok(1));
    }

    #[test]
    fn whatever_the_vendor_answers_the_poll_ends_and_prints_nobody(answer in any_json()) {
        let host = support::answering(&json!({ "data": { "changes": answer }, "errors": [{ "path": [answer] }] }));
        let _ = poll(&host, None, Vec::new());
        prop_assert!(host.lines().iter().all(|(_, line)| !line.contains(NUMBER)));
    }
}
