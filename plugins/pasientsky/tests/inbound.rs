//! What the vendor tells: by notification and by search, whole and broken. `golden/told.json` is written by the simulated
//! vendor's tests, one resource of every kind of news.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::testing::{Host, Reply, Request};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{
    AppointmentChangeKind, CitizenIdentity, Closing, DialogStatus, Event, EventBody, Failure, Interpretation,
    ReceiptOutcome, RenewalOutcome, Service,
};
use pasientsky::Pasientsky;
use pasientsky::fhir::time;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{NOW, PDF, SSN, answer, fhir, host, inbound, told, vendor, vendor_but};

fn poll(host: &Host, cursor: Option<String>) -> Result<Page, Failure> {
    host.call(|| Pasientsky::poll(inbound(), cursor, Vec::new()))
}

/// All events of the vendor's, in the order that they are told.
fn events() -> Vec<Event> {
    let host = vendor();
    let page = poll(&host, None).unwrap();
    assert!(!page.more);
    page.events
}

fn resources(kind: &str) -> Vec<Value> {
    let all = told()["news"][kind]["entry"].as_array().cloned().unwrap();
    let matches = all.into_iter().filter(|entry| entry["search"]["mode"] == "match");
    matches.map(|entry| entry["resource"].clone()).collect()
}

fn notification(references: &[&str]) -> Delivery {
    let mut body = told()["notification"].clone();
    let parameters = body["entry"][0]["resource"]["parameter"].as_array_mut().unwrap();
    let mut event = parameters[4].clone();
    parameters.truncate(4);
    for reference in references {
        event["part"][2]["valueReference"]["reference"] = json!(reference);
        parameters.push(event.clone());
    }
    delivery(&body)
}

fn delivery(body: &Value) -> Delivery {
    Delivery {
        id: Some("7".into()),
        path: "/notifications".into(),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

fn receive(host: &Host, references: &[&str]) -> Result<Vec<Event>, Failure> {
    host.call(|| Pasientsky::receive(inbound(), notification(references)))
}

fn references(kind: &str) -> Vec<String> {
    resources(kind).iter().map(|one| format!("{kind}/{}", one["id"].as_str().unwrap())).collect()
}

fn message<'a>(events: &'a [Event], text: &str) -> &'a Event {
    let said = |event: &&Event| match &event.body {
        EventBody::Message(body) => body.message.text == text,
        EventBody::Opened(body) => body.message.text == text,
        EventBody::Renewal(body) => body.message.as_ref().is_some_and(|message| message.text == text),
        _ => false,
    };
    events.iter().find(said).unwrap()
}

#[test]
fn an_answer_keeps_the_dialog_open_and_brings_its_file() {
    let host = vendor();
    let events = poll(&host, None).unwrap().events;
    let EventBody::Message(reply) = &message(&events, "Ja. Når?").body else { panic!("another event") };
    assert_eq!(
        (reply.dialog.as_str(), reply.status, reply.redirect),
        ("Task/t-2", DialogStatus::AwaitingCitizen, None)
    );
    assert_eq!(reply.message.author.as_deref(), Some("Amina Yusuf"));
    let file = &reply.message.attachments[0];
    assert_eq!((file.name.as_str(), file.media_type.as_str()), ("Svar.pdf", "application/pdf"));
    assert_eq!(host.bytes(file).unwrap(), PDF);
}

#[test]
fn a_dialogs_end_is_told_once_with_the_message_that_ended_it() {
    let events = events();
    let EventBody::Message(redirect) = &message(&events, "Send en e-konsultasjon.").body else { panic!("another") };
    assert_eq!(
        (redirect.status, redirect.redirect),
        (DialogStatus::Closed(Closing::Redirected), Some(Service::Consultation))
    );
    let EventBody::Message(declined) = &message(&events, "Det gjør vi ikke.").body else { panic!("another event") };
    assert_eq!(declined.status, DialogStatus::Closed(Closing::Declined));
    let wordless: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Status(change) => Some(change.status),
            _ => None,
        })
        .collect();
    assert_eq!(wordless, [DialogStatus::Closed(Closing::Answered)], "one closed without a word");
    let ended = events.iter().filter(|event| event.id.ends_with("-closed")).count();
    assert_eq!(ended, 4);
    let last_message = events.iter().rposition(|event| event.id.starts_with("communication-")).unwrap();
    let first_end = events.iter().position(|event| event.id.ends_with("-closed")).unwrap();
    assert!(last_message < first_end, "what was written is told before the end");
}

#[test]
fn a_renewal_is_decided_item_by_item() {
    let events = events();
    let EventBody::Renewal(answer) = &message(&events, "Hentes på apoteket.").body else { panic!("another event") };
    let decided: Vec<_> = answer.decisions.iter().map(|one| (one.item.as_deref().unwrap(), one.outcome)).collect();
    assert_eq!(
        decided,
        [
            ("MedicationRequest/mr-p-1-1", RenewalOutcome::Renewed),
            ("MedicationRequest/mr-p-1-2", RenewalOutcome::NeedsConsultation)
        ]
    );
    assert_eq!(answer.decisions[1].reason.as_deref(), Some("Ta blodprøve."));
    assert_eq!(answer.status, DialogStatus::Closed(Closing::Answered));
}

#[test]
fn a_one_way_message_allows_no_reply_and_an_opened_dialog_does() {
    let events = events();
    for (text, allowed, kind) in
        [("Vi har flyttet.", false, "Communication/"), ("Kan du komme til kontroll?", true, "Task/")]
    {
        let EventBody::Opened(opened) = &message(&events, text).body else { panic!("{text}") };
        assert_eq!((opened.reply_allowed, opened.office, opened.service), (allowed, 8_150_301, Service::Inquiry));
        assert!(opened.citizen == CitizenIdentity::NationalIdentityNumber(SSN.into()));
        assert!(opened.message.subject.as_deref() == Some("Hei") && opened.dialog.starts_with(kind));
    }
}

#[test]
fn what_was_filed_and_what_was_not_are_receipts_of_the_citizens_message() {
    let events = events();
    let receipts: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Receipt(receipt) => Some((event.id.rsplit('-').next().unwrap(), receipt)),
            _ => None,
        })
        .collect();
    let (refused, filed): (Vec<_>, Vec<_>) = receipts.iter().partition(|(what, _)| *what == "rejected");
    assert!(filed.len() >= 4 && filed.iter().all(|(_, receipt)| receipt.outcome == ReceiptOutcome::Delivered));
    let ReceiptOutcome::Refused(why) = &refused[0].1.outcome else { panic!("another outcome") };
    assert_eq!((why[0].code.as_str(), why[0].text.as_str(), why[0].resendable), ("E21", "Ukjent pasient.", false));
    assert!(receipts.iter().all(|(_, receipt)| receipt.message.len() == 36));
}

#[test]
fn appointments_of_the_clinics_are_booked_moved_and_cancelled() {
    let told: Vec<_> = events()
        .into_iter()
        .filter_map(|event| match event.body {
            EventBody::Appointment(change) => Some(change),
            _ => None,
        })
        .collect();
    let kinds: Vec<_> = told.iter().map(|change| (change.kind, change.appointment.cancellable)).collect();
    assert_eq!(
        kinds,
        [
            (AppointmentChangeKind::Booked, true),
            (AppointmentChangeKind::Moved, true),
            (AppointmentChangeKind::Cancelled, false)
        ]
    );
    assert_eq!(told[2].text.as_deref(), Some("Legen er syk."));
    assert!(told.iter().all(|change| change.office == 8_150_301 && change.appointment.clinician.is_some()));
}

#[test]
fn a_notification_in_any_order_and_twice_gives_the_events_of_a_search() {
    let all = events_of(&events());
    let host = vendor();
    let mut named: Vec<String> =
        ["Communication", "Task", "Appointment"].iter().flat_map(|kind| references(kind)).collect();
    named.reverse();
    let twice: Vec<&str> = named.iter().chain(&named).map(String::as_str).collect();
    for _ in 0..2 {
        assert_eq!(events_of(&receive(&host, &twice).unwrap()), all);
    }
    for one in &named {
        for event in events_of(&receive(&host, &[one]).unwrap()) {
            assert!(all.contains(&event), "{event}");
        }
    }
}

fn events_of(events: &[Event]) -> Vec<String> {
    let mut ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    ids.sort();
    ids
}

#[test]
fn the_end_of_a_dialog_brings_what_was_written_before_it() {
    let host = vendor();
    let ended = resources("Task").into_iter().find(|task| task["status"] == "rejected").unwrap();
    let id = ended["id"].as_str().unwrap();
    let told = receive(&host, &[&format!("Task/{id}")]).unwrap();
    let kinds: Vec<_> = told.iter().map(|event| event.id.split('-').next().unwrap()).collect();
    assert_eq!(kinds, ["communication", "task"], "the citizen's message was filed, then the end");
}

#[test]
fn a_notification_of_nothing_or_of_something_strange_does_nothing() {
    let host = vendor();
    assert_eq!(Pasientsky::receive(inbound(), delivery(&told()["handshake"])).unwrap(), []);
    assert!(host.requests().is_empty());
    assert_eq!(receive(&host, &["Task/none"]).unwrap(), [], "what is not there is not told");
    for body in ["not json", "[]", "{}", r#"{"resourceType":"Bundle"}"#, r#"{"resourceType":"Bundle","entry":[]}"#] {
        let delivery = Delivery { body: body.as_bytes().to_vec(), ..notification(&[]) };
        assert!(matches!(Pasientsky::receive(inbound(), delivery), Err(Failure::Faulty(_))), "{body}");
    }
    for reference in ["Patient/p-1", "Task/../x", "x", ""] {
        assert!(matches!(receive(&host, &[reference]), Err(Failure::Faulty(_))), "{reference}");
    }
    let many: Vec<String> = (0..21).map(|id| format!("Task/t-{id}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(receive(&host, &many), Err(Failure::Faulty(_))));
    let elsewhere = Delivery { path: "other".into(), ..notification(&["Task/t-2"]) };
    assert!(matches!(Pasientsky::receive(inbound(), elsewhere), Err(Failure::Faulty(_))));
}

#[test]
fn a_notification_while_the_vendor_is_down_is_to_be_delivered_again() {
    for (reply, unavailable) in [
        (Reply::error(Cause::Unreachable("refused".into())), true),
        (fhir(503, &json!({})).header("retry-after", "5"), true),
        (Reply::body(200, "text/html", "<html>"), false),
    ] {
        let host = vendor_but(move |_| Some(reply.clone()));
        let failure = receive(&host, &["Task/t-2"]).unwrap_err();
        assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{failure:?}");
    }
}

#[test]
fn what_was_taken_in_is_not_told_again_and_what_is_new_is() {
    let host = vendor();
    let first = poll(&host, None).unwrap();
    let second = poll(&host, first.cursor.clone()).unwrap();
    assert!(second.events.is_empty() && !second.more);
    assert_eq!(second.cursor, first.cursor);
    let asked = host.requests().into_iter().rfind(|request| request.path == "/Task").unwrap();
    assert_eq!(asked.query("_lastUpdated"), Some("ge2026-11-20T08:59:30Z"), "a little before the newest");
    drop(host);
    let host = vendor_but(|request| {
        (request.path == "/Task").then(|| {
            let mut told = told()["news"]["Task"].clone();
            for entry in told["entry"].as_array_mut().unwrap() {
                entry["resource"]["meta"]["versionId"] = json!("99");
            }
            fhir(200, &told)
        })
    });
    let third = poll(&host, first.cursor).unwrap();
    let known = events_of(&first.events);
    assert!(!third.events.is_empty() && third.events.iter().all(|event| known.contains(&event.id)), "one end, one id");
}

#[test]
fn a_clock_ten_minutes_off_loses_nothing_and_doubles_nothing() {
    for minutes in [-10, 10] {
        let (there, host) = (told(), support::host());
        let shown = Rc::new(RefCell::new(shifted(&there, minutes)));
        let vendors = Rc::clone(&shown);
        host.upstream("fhir", move |request: &Request| answer(&vendors.borrow(), request));
        let first = poll(&host, None).unwrap();
        assert_eq!(first.events.len(), 16 + 4, "{minutes}");
        assert!(poll(&host, first.cursor.clone()).unwrap().events.is_empty());
        // Something new, a minute later by the vendor's clock.
        let mut later = shifted(&there, minutes + 1);
        for (_, news) in later["news"].as_object_mut().unwrap() {
            for entry in news["entry"].as_array_mut().unwrap() {
                entry["resource"]["meta"]["versionId"] = json!("9");
            }
        }
        *shown.borrow_mut() = later;
        let next = poll(&host, first.cursor).unwrap();
        assert_eq!(next.events.len(), 16 + 4, "{minutes}");
    }
}

fn shifted(told: &Value, minutes: i64) -> Value {
    let at = time::written(NOW + minutes * 60_000).unwrap();
    let text = told.to_string().replace(r#""lastUpdated":"2026-11-20T09:00:00Z""#, &format!(r#""lastUpdated":"{at}""#));
    serde_json::from_str(&text).unwrap()
}

/// A vendor whose news of messages are these, in pages of two.
fn paged(messages: Vec<Value>) -> Host {
    vendor_but(move |request| {
        if request.path != "/Communication" || request.query("_id").is_some() {
            return None;
        }
        let from: usize = request.query("_page").map_or(0, |page| page.trim_start_matches("p-").parse().unwrap());
        let since = request.query("_lastUpdated").map(|since| time::instant(since.trim_start_matches("ge")).unwrap());
        let updated = |one: &Value| time::instant(one["meta"]["lastUpdated"].as_str().unwrap()).unwrap();
        let wanted: Vec<&Value> =
            messages.iter().filter(|one| since.is_none_or(|since| updated(one) >= since)).collect();
        let mut bundle = told()["news"]["Communication"].clone();
        let entries = bundle["entry"].as_array_mut().unwrap();
        entries.retain(|entry| entry["search"]["mode"] == "include");
        for one in wanted.iter().skip(from).take(2) {
            entries.insert(0, json!({ "resource": one, "search": { "mode": "match" } }));
        }
        if wanted.len() > from + 2 {
            bundle["link"] = json!([{ "relation": "next", "url": format!("Communication?_page=p-{}", from + 2) }]);
        }
        Some(fhir(200, &bundle))
    })
}

fn one_way(number: i64, at: i64) -> Value {
    let mut one = resources("Communication")
        .into_iter()
        .find(|one| one["payload"][0]["contentString"] == "Vi har flyttet.")
        .unwrap();
    one["id"] = json!(format!("c-{}", 1_000 + number));
    one["meta"]["lastUpdated"] = json!(time::written(at).unwrap());
    one
}

#[test]
fn a_long_list_is_taken_in_page_by_page_each_once_and_dialogs_end_after_it() {
    let all: Vec<Value> = (0..7).map(|number| one_way(number, NOW + number * 60_000)).collect();
    let host = paged(all);
    let (mut cursor, mut told) = (None, Vec::new());
    for _ in 0..10 {
        let page = poll(&host, cursor).unwrap();
        let ends = page.events.iter().any(|event| event.id.ends_with("-closed"));
        assert!(!(ends && page.more && told.len() < 7), "a dialog ended before all was told");
        told.extend(page.events.into_iter().filter(|event| event.id.starts_with("communication-c-1")));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    let ids: Vec<_> = told.iter().map(|event| event.id.as_str()).collect();
    let expected: Vec<String> = (0..7).map(|number| format!("communication-c-{}", 1_000 + number)).collect();
    assert_eq!(ids, expected);
}

#[test]
fn many_at_the_same_moment_are_all_told() {
    let host = paged((0..7).map(|number| one_way(number, NOW)).collect());
    let (mut cursor, mut ids) = (None, Vec::new());
    for _ in 0..10 {
        let page = poll(&host, cursor).unwrap();
        ids.extend(page.events.iter().filter(|event| event.id.contains("c-100")).map(|event| event.id.clone()));
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    ids.sort();
    assert_eq!(ids.len(), 7);
    ids.dedup();
    assert_eq!(ids.len(), 7);
}

#[test]
fn news_whose_pages_never_end_are_bounded() {
    let host = vendor_but(|request| {
        (request.path == "/Task").then(|| {
            let mut told = told()["news"]["Task"].clone();
            told["link"] = json!([{ "relation": "next", "url": "Task?_page=again" }]);
            fhir(200, &told)
        })
    });
    let first = poll(&host, None).unwrap();
    assert!(first.more);
    let before = host.requests().len();
    let failure = poll(&host, first.cursor).unwrap_err();
    assert!(matches!(&failure, Failure::Faulty(fault) if fault.detail.contains("without an end")), "{failure:?}");
    assert!(host.requests().len() - before <= 10);
}

#[test]
fn news_out_of_order_are_told_oldest_first() {
    let mut all: Vec<Value> = (0..2).map(|number| one_way(number, NOW + number * 60_000)).collect();
    all.reverse();
    let host = paged(all);
    let page = poll(&host, None).unwrap();
    let ids: Vec<_> = page.events.iter().map(|event| event.id.as_str()).filter(|id| id.contains("c-100")).collect();
    assert_eq!(ids, ["communication-c-1000", "communication-c-1001"]);
}

#[test]
fn a_file_that_is_gone_leaves_a_note_and_the_answer_is_shown() {
    for reply in [Reply::status(404), Reply::error(Cause::TooLarge)] {
        let host = vendor_but(move |request| request.path.starts_with("/Binary").then(|| reply.clone()));
        let events = poll(&host, None).unwrap().events;
        let note = "Ja. Når?\n\n[Et vedlegg fra legekontoret kunne ikke hentes. Be legekontoret sende det på nytt.]";
        let EventBody::Message(told) = &message(&events, note).body else { panic!("another event") };
        assert!(told.message.attachments.is_empty());
    }
}

#[test]
fn a_file_that_does_not_come_now_keeps_the_message_for_later_and_is_given_up_after_an_hour() {
    let host = vendor_but(|request| request.path.starts_with("/Binary").then(|| Reply::status(503)));
    let first = poll(&host, None).unwrap();
    assert_eq!((first.events.len(), first.more), (1, false), "the receipt before it");
    assert!(poll(&host, first.cursor.clone()).is_err(), "nothing before it any more");
    let ctx = InboundContext { now: NOW + 3_600_000, ..inbound() };
    host.set_now(ctx.now);
    let page = Pasientsky::poll(ctx, first.cursor, Vec::new()).unwrap();
    let EventBody::Message(told) = &page.events[0].body else { panic!("another event") };
    assert!(told.message.text.contains("[Et vedlegg"));
}

#[test]
fn what_cannot_be_understood_is_kept_for_the_operator_and_holds_up_nothing() {
    let host = vendor();
    let page = poll(&host, None).unwrap();
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
        let raw: Value = serde_json::from_slice(&host.bytes(&odd.raw).unwrap()).unwrap();
        assert!(id.contains(raw["id"].as_str().unwrap()) && id.ends_with("-unreadable"));
        assert!(!odd.reason.contains("Borte") && !odd.reason.contains(SSN), "{}", odd.reason);
    }
    assert!(host.lines().iter().all(|(_, line)| !line.contains(SSN) && !line.contains("Borte")));
}

#[test]
fn something_of_a_strange_office_or_about_nobody_is_unreadable() {
    let strange = told().to_string().replace("hs-8150301", "hs-1");
    let nobody = told().to_string().replace(SSN, "23869247252");
    for text in [strange, nobody] {
        let (host, told) = (support::host(), serde_json::from_str::<Value>(&text).unwrap());
        host.upstream("fhir", move |request: &Request| answer(&told, request));
        let events = poll(&host, None).unwrap().events;
        assert!(!events.iter().any(|event| matches!(event.body, EventBody::Opened(_) | EventBody::Appointment(_))));
        let odd = events.iter().filter(|event| matches!(event.body, EventBody::Unreadable(_))).count();
        assert_eq!(odd, 4 + 3 + 3, "two openings, results and three appointments more");
    }
}

#[test]
fn refusals_are_counted_for_the_operator_and_a_strange_cursor_begins_anew() {
    let host = vendor();
    let refused =
        Settlement { event: "task-1-closed".into(), disposition: Disposition::Refused(RefusalReason::DialogClosed) };
    let page = host.call(|| Pasientsky::poll(inbound(), Some("v0:17".into()), vec![refused])).unwrap();
    assert_eq!(page.events.len(), 16 + 4);
    assert!(host.lines().iter().any(|(_, line)| line.starts_with("1 of the last events")));
    assert!(page.cursor.unwrap().len() < 64 * 1024);
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
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_stands_in_a_resource_the_others_are_told(kind in 0_usize..3, which in 0_usize..20, member in 0_usize..16, value in any_json()) {
        let kind = ["Task", "Communication", "Appointment"][kind];
        let mut all = told();
        let entries = all["news"][kind]["entry"].as_array_mut().unwrap();
        let at = which % entries.len();
        if let Some(members) = entries[at]["resource"].as_object_mut() {
            let names: Vec<String> = members.keys().cloned().collect();
            members.insert(names[member % names.len()].clone(), value);
        }
        let host = support::host();
        host.upstream("fhir", move |request: &Request| answer(&all, request));
        let page = poll(&host, None).unwrap();
        prop_assert!(page.events.len() >= 8, "{}", page.events.len());
        let again = poll(&host, page.cursor).unwrap();
        prop_assert!(again.events.is_empty());
    }
}

/// The message that tells of results, with one element of the report or of its first finding as it is wanted.
fn reported(change: impl FnOnce(&mut Value)) -> EventBody {
    let (mut all, host) = (told(), host());
    let about = |entry: &Value| entry["resource"]["about"].is_array();
    let entries = all["news"]["Communication"]["entry"].as_array_mut().unwrap();
    let at = entries.iter().position(about).unwrap();
    change(&mut entries[at]["resource"]);
    let id = format!("Communication/{}", entries[at]["resource"]["id"].as_str().unwrap());
    host.upstream("fhir", move |request: &Request| answer(&all, request));
    receive(&host, &[&id]).unwrap().remove(0).body
}

#[test]
fn a_report_is_told_with_the_doctors_words_and_every_finding() {
    let EventBody::Results(told) = reported(|_| {}) else { panic!("another event") };
    assert!(told.dialog.starts_with("Communication/") && !told.reply_allowed);
    assert_eq!(told.message.text, "Jernlageret er lavt. Resten er fint.");
    let [iron, blood, culture] = &told.observations[..] else { panic!("{:?}", told.observations) };
    assert_eq!((iron.name.as_str(), iron.value.as_str(), iron.unit.as_deref()), ("Ferritin", "12", Some("µg/L")));
    assert_eq!((iron.reference_range.as_deref(), iron.code.as_deref()), (Some("15–200"), Some("NPU19763")));
    assert_eq!(iron.interpretation, Some(Interpretation::Low));
    assert_eq!((blood.value.as_str(), blood.interpretation), ("13,2", Some(Interpretation::Normal)));
    assert_eq!((culture.value.as_str(), culture.unit.as_deref()), ("Ingen vekst", None));
    assert_eq!(culture.comment.as_deref(), Some("Dyrket i to døgn."));
}

#[test]
fn a_report_of_which_something_cannot_be_understood_is_kept_whole_for_the_operator() {
    for (pointer, value) in [
        ("/contained/0/result", json!([])),
        ("/contained/0/result/0/reference", json!("#nowhere")),
        ("/contained/1/effectiveDateTime", json!("yesterday")),
        ("/contained/1/code/text", json!(" ")),
        ("/contained/1/valueQuantity", json!("12")),
        ("/contained/3/valueString", json!("")),
    ] {
        let told = reported(|message| *message.pointer_mut(pointer).unwrap() = value);
        assert!(matches!(told, EventBody::Unreadable(_)), "{pointer}: {told:?}");
    }
}
