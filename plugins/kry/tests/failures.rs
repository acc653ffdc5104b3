//! What the vendor's errors and silences mean to the citizen: the fault matrix, as far as plugin and vendor alone show it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use dialog_plugin_sdk::appointments::{Appointments, Booking, SlotQuery};
use dialog_plugin_sdk::dialogs::{Consultation, ConsultationMode, Dialogs, Opening};
use dialog_plugin_sdk::payments::Payments;
use dialog_plugin_sdk::practice::Practice;
use dialog_plugin_sdk::testing::{Host, Reply};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{Failure, Locale, Sent};
use kry::Kry;
use serde_json::{Value, json};
use support::{
    DIALOG, MEDIA_TYPE, NOW, NUMBER, SLOT, SLOT_ID, answering, booking, context, host, message, refusing, reply, sent,
    vendor,
};

fn book() -> Result<dialog_plugin_sdk::Appointment, Failure> {
    let wanted = Booking { slot: SLOT_ID.into(), start: SLOT, end: SLOT + 1, clinician: None, reason: None };
    Kry::book(context(), wanted)
}

fn open() -> Result<(), Failure> {
    let form = Some(r#"{"form":"triage-consultation-4"}"#.to_owned());
    let message = message("Hei", Vec::new());
    let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Text, message, form });
    Kry::open(context(), DIALOG.into(), opening).map(|_| ())
}

fn refused(status: u16, code: &str) -> Failure {
    let _host = refusing(status, code, &[]);
    book().unwrap_err()
}

#[test]
fn each_code_of_the_vendor_has_its_failure_and_the_vendors_own_words_stay_out() {
    for code in ["slot-taken", "slot-changed", "booking-cancelled", "visit-closed", "invoice-paid", "payment-open"] {
        let Failure::Conflict(reason) = refused(409, code) else { panic!("{code}") };
        assert!(reason.code == code && !reason.text.contains("internal"), "{reason:?}");
    }
    for code in ["service-off", "patient-blocked", "too-late"] {
        assert!(matches!(refused(403, code), Failure::Declined(reason) if reason.code == code));
    }
    for code in ["unknown-visit", "unknown-booking", "unknown-invoice"] {
        assert!(matches!(refused(404, code), Failure::NotFound(reason) if reason.code == code));
    }
    for (status, code) in
        [(404, "unknown-unit"), (409, "type-or-id"), (400, "relationships"), (422, "idempotency-key-reused")]
    {
        let failure = refused(status, code);
        assert!(matches!(&failure, Failure::Faulty(fault) if fault.detail.ends_with(code)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No), "{code}");
        assert!(!format!("{failure:?}").contains("internal"));
    }
    assert!(!format!("{:?}", refused(400, &format!("X{NUMBER}"))).contains(NUMBER));
}

#[test]
fn a_refusal_is_told_in_the_citizens_language() {
    let _host = refusing(409, "slot-taken", &[]);
    let mut ctx = context();
    ctx.locale = Locale::En;
    let wanted = Booking { slot: SLOT_ID.into(), start: SLOT, end: SLOT + 1, clinician: None, reason: None };
    let Failure::Conflict(reason) = Kry::book(ctx, wanted).unwrap_err() else { panic!("another failure") };
    assert_eq!(reason.text, "The time is no longer free. Nothing was booked.");
}

fn pointed(code: &str, pointers: &[&str]) -> Failure {
    let _host = refusing(422, code, pointers);
    open().unwrap_err()
}

#[test]
fn what_the_citizen_can_mend_is_pointed_at_in_what_the_citizen_sent() {
    for (code, pointer, ours) in [
        ("invalid-attribute", "/data/attributes/text", "/message/text"),
        ("invalid-attribute", "/data/attributes/attachments/0", "/message/attachments/0"),
        ("invalid-attribute", "/data/attributes/triage/durationDays", "/request/form/durationDays"),
        ("triage-required", "/data/attributes/triage", "/request/form"),
        ("triage-outdated", "/data/attributes/triage/form", "/request/form/form"),
    ] {
        let Failure::Invalid(errors) = pointed(code, &[pointer]) else { panic!("{pointer}") };
        assert_eq!(errors[0].pointer, ours);
    }
    let several = ["/data/attributes/triage/urgent", "/data/attributes/text"];
    let Failure::Invalid(errors) = pointed("invalid-attribute", &several) else { panic!("another failure") };
    assert_eq!(errors.len(), 2);
}

#[test]
fn what_only_the_plugin_can_mend_is_its_fault() {
    for pointers in [
        &["/data/attributes/portalReference"][..],
        &["/data/attributes/textual"],
        &["/data/attributes/text", "/data/relationships/patient"],
        &[],
    ] {
        assert!(matches!(pointed("invalid-attribute", pointers), Failure::Faulty(_)), "{pointers:?}");
    }
}

#[test]
fn attachments_that_are_too_large_are_pointed_at() {
    let _host = refusing(413, "attachments-too-large", &[]);
    assert!(matches!(open().unwrap_err(), Failure::Invalid(errors) if errors[0].pointer == "/message/attachments"));
}

#[test]
fn a_busy_vendor_says_when_to_come_back_or_does_not_and_nothing_was_sent() {
    for status in [429, 503] {
        let host = vendor(move |_| Reply::status(status).header("retry-after", "17"));
        let Failure::Unavailable(outage) = open().unwrap_err() else { panic!("{status}") };
        assert_eq!((outage.retry_after, outage.sent), (Some(17), Sent::No));
        drop(host);
        for header in ["Fri, 20 Nov 2026 09:00:17 GMT", "-1", "soon"] {
            let _host = vendor(move |_| Reply::status(status).header("retry-after", header));
            let Failure::Unavailable(outage) = open().unwrap_err() else { panic!("{status}") };
            assert_eq!((outage.retry_after, outage.sent), (None, Sent::No), "{header}");
        }
    }
}

#[test]
fn what_is_known_of_a_request_follows_from_where_it_broke() {
    let visit = |visit: Value| reply(201, &json!({ "data": visit }));
    for (reply, unavailable, known) in [
        (Reply::error(Cause::Unreachable("refused".into())), true, Sent::No),
        (Reply::error(Cause::Interrupted("timeout".into())), true, Sent::Unknown),
        (Reply::error(Cause::Credentials), true, Sent::No),
        (Reply::error(Cause::TooLarge), false, Sent::Yes),
        (Reply::status(500), true, Sent::Unknown),
        (Reply::status(401), true, Sent::No),
        (Reply::body(200, "text/html", "<html>maintenance"), false, Sent::Yes),
        (Reply::body(201, "application/json", r#"{"data":{"type":"visits","id":"vis-1"}}"#), false, Sent::Yes),
        (Reply::body(201, MEDIA_TYPE, r#"{"data":{"type":"#), false, Sent::Yes),
        (visit(json!({ "type": "visits", "id": 42 })), false, Sent::Yes),
        (visit(json!({ "type": "visits", "id": "" })), false, Sent::Yes),
        (visit(json!({ "type": "bookings", "id": "vis-1" })), false, Sent::Yes),
        (visit(json!([])), false, Sent::Yes),
        (visit(json!(null)), false, Sent::Yes),
    ] {
        let _host = vendor(move |_| reply.clone());
        let failure = open().unwrap_err();
        assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{failure:?}");
        assert_eq!(sent(&failure), Some(known), "{failure:?}");
    }
}

#[test]
fn nothing_was_sent_where_the_patient_was_not_even_found() {
    for reply in [
        Reply::error(Cause::Interrupted("timeout".into())),
        Reply::status(500),
        reply(200, &json!({ "data": { "type": "patients", "id": "" } })),
    ] {
        let host = host();
        host.upstream("api", move |_| reply.clone());
        assert_eq!(sent(&open().unwrap_err()), Some(Sent::No));
        assert_eq!(host.requests().len(), 1, "what the citizen wrote stays here");
    }
    let host = host();
    host.upstream("api", |_| reply(403, &json!({ "errors": [{ "code": "patient-blocked" }] })));
    assert!(matches!(open().unwrap_err(), Failure::Declined(_)));
}

#[test]
fn a_look_hands_nothing_over_whatever_happens() {
    for reply in [Reply::error(Cause::Interrupted("timeout".into())), Reply::status(500), reply(200, &json!({}))] {
        let _host = vendor(move |_| reply.clone());
        assert_eq!(sent(&Kry::upcoming(context()).unwrap_err()), Some(Sent::No));
        assert_eq!(sent(&Kry::outstanding(context()).unwrap_err()), Some(Sent::No));
        assert_eq!(sent(&Kry::forms(context()).unwrap_err()), Some(Sent::No));
        assert_eq!(sent(&Kry::profile(context()).unwrap_err()), Some(Sent::No));
    }
}

#[test]
fn a_booking_that_makes_no_sense_is_not_shown_as_booked() {
    let wrong = |name: &str, value: Value| {
        let mut body = booking();
        body["data"]["attributes"][name] = value;
        body
    };
    for body in [
        wrong("status", json!("cancelled")),
        wrong("status", json!("perhaps")),
        wrong("start", json!("2026-11-23T08:15:00")),
        wrong("durationMinutes", json!(0)),
        wrong("durationMinutes", json!(1_000_000)),
        wrong("channel", json!("smoke")),
        json!({ "data": [] }),
        json!({ "data": null }),
        json!([]),
    ] {
        let _host = answering(201, &body);
        let failure = book().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{body}");
        assert_eq!(sent(&failure), Some(Sent::Yes), "{body}");
    }
}

#[test]
fn a_doctor_that_is_not_included_is_not_named_and_the_booking_stands() {
    let mut body = booking();
    body["included"] = json!([7, { "type": "practitioners" }]);
    let _host = answering(201, &body);
    assert_eq!(book().unwrap().clinician, None);
}

#[test]
fn what_the_citizen_wants_may_have_happened_already() {
    let host = refusing(409, "visit-closed", &[]);
    assert_eq!(Kry::close(context(), "vis-1".into()).unwrap(), []);
    drop(host);
    let _host = refusing(409, "visit-closed", &[]);
    let failure = Kry::send(context(), "vis-1".into(), message("Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Conflict(_)));
}

#[test]
fn a_reference_that_would_lead_elsewhere_is_not_sent() {
    let host = answering(200, &booking());
    let failure = Kry::close(context(), "../bookings".into()).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)));
    assert!(host.requests().iter().all(|request| request.path == "/v1/patients"));
}

#[test]
fn answers_that_are_no_object_are_the_citizens_to_mend() {
    let host = answering(201, &booking());
    for form in ["[]", "7", "{"] {
        let message = message("Hei", Vec::new());
        let form = Some(form.to_owned());
        let opening = Opening::Consultation(Consultation { mode: ConsultationMode::Text, message, form });
        let failure = Kry::open(context(), DIALOG.into(), opening).unwrap_err();
        assert!(matches!(failure, Failure::Invalid(errors) if errors[0].pointer == "/request/form"));
    }
    assert!(host.requests().is_empty());
}

/// A vendor whose pages link onwards as `link` says.
fn pages(data: Value, link: impl Fn(usize) -> Value + 'static) -> Host {
    let mut asked = 0;
    vendor(move |_| {
        asked += 1;
        reply(200, &json!({ "data": data, "links": { "next": link(asked) } }))
    })
}

fn asked(host: &Host) -> Vec<Option<String>> {
    let requests = host.requests();
    let pages = requests.iter().filter(|request| request.path != "/v1/patients");
    pages.map(|request| request.query("page[cursor]").map(str::to_owned)).collect()
}

fn slots() -> Result<usize, Failure> {
    let query = SlotQuery { from: NOW, until: NOW + 86_400_000, clinician: None, mode: None };
    Kry::slots(context(), query).map(|slots| slots.len())
}

#[test]
fn pages_are_followed_by_their_cursor_alone_wherever_the_link_leads() {
    let host = pages(json!([]), |asked| match asked {
        1 => json!("https://evil.example/v2/other?page%5Bcursor%5D=p100&filter[unit]=another"),
        2 => json!({ "href": "/v1/timeslots?page[cursor]=p200" }),
        _ => json!(null),
    });
    assert_eq!(slots().unwrap(), 0);
    assert_eq!(asked(&host), [None, Some("p100".into()), Some("p200".into())]);
    let units = host.requests().iter().map(|one| one.query("filter[unit]").unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(units, ["kry-norge"; 3]);
    assert!(host.requests().iter().all(|one| one.path == "/v1/timeslots"));
}

#[test]
fn pages_that_never_end_are_bounded_free_times_are_told_as_far_and_what_must_be_whole_is_faulty() {
    let endless = |asked: usize| json!(format!("?page[cursor]=p{asked}"));
    let host = pages(json!([]), endless);
    assert_eq!(slots().unwrap(), 0);
    assert_eq!(asked(&host).len(), 5);
    drop(host);
    let host = pages(json!([]), endless);
    assert!(matches!(Kry::upcoming(context()), Err(Failure::Faulty(_))));
    assert_eq!(asked(&host).len(), 5);
    drop(host);
    let _host = pages(json!([]), endless);
    assert!(matches!(Kry::outstanding(context()), Err(Failure::Faulty(_))));
}

#[test]
fn pages_that_go_in_a_circle_or_lead_nowhere_are_faulty() {
    for link in [json!("?page[cursor]=p1"), json!("/v1/timeslots"), json!("?page[cursor]="), json!("?page[cursor]=%0a")]
    {
        let host = pages(json!([]), move |_| link.clone());
        assert!(matches!(slots(), Err(Failure::Faulty(_))));
        assert!(asked(&host).len() <= 2);
    }
    let _host = pages(json!(vec![7; 101]), |_| json!(null));
    assert!(matches!(slots(), Err(Failure::Faulty(_))), "more than were asked for");
}
