//! What the vendor's errors and silences mean to the citizen.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use dialog_plugin_sdk::appointments::{Appointments, Booking};
use dialog_plugin_sdk::dialogs::{Dialogs, Inquiry, Opening};
use dialog_plugin_sdk::testing::Reply;
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{Failure, Locale, Sent};
use helserespons::Helserespons;
use serde_json::{Value, json};
use support::{DIALOG, SLOT, SSN, answering, booking, context, host, message, sent};

fn book() -> Result<dialog_plugin_sdk::Appointment, Failure> {
    let wanted = Booking { slot: "OP-1".into(), start: SLOT, end: SLOT + 1, clinician: None, reason: None };
    Helserespons::book(context(), wanted)
}

fn open() -> Result<(), Failure> {
    let opening = Opening::Inquiry(Inquiry { message: message("Hei", Vec::new()) });
    Helserespons::open(context(), DIALOG.into(), opening).map(|_| ())
}

fn refused(status: u16, code: &str) -> Failure {
    let _host = answering(status, &json!({ "code": code, "message": format!("internal {SSN}") }));
    book().unwrap_err()
}

#[test]
fn each_code_of_the_vendor_has_its_failure_and_the_vendors_own_words_stay_out() {
    for (status, code) in
        [(409, "OPENING_TAKEN"), (409, "OPENING_CHANGED"), (409, "BOOKING_CANCELLED"), (409, "CASE_CLOSED")]
    {
        let Failure::Conflict(reason) = refused(status, code) else { panic!("{code}") };
        assert!(reason.code == code && reason.text.contains("Ingenting"), "{reason:?}");
    }
    for code in ["SERVICE_OFF", "PATIENT_BLOCKED", "TOO_LATE"] {
        assert!(matches!(refused(403, code), Failure::Declined(reason) if reason.code == code));
    }
    for code in ["UNKNOWN_CASE", "UNKNOWN_BOOKING", "UNKNOWN_PATIENT"] {
        assert!(matches!(refused(404, code), Failure::NotFound(reason) if reason.code == code));
    }
    for (status, code) in [(404, "UNKNOWN_CLINIC"), (409, "REQUEST_ID_REUSED"), (400, "MEMBERS"), (422, "OTHER")] {
        let failure = refused(status, code);
        assert!(matches!(&failure, Failure::Faulty(fault) if fault.detail.ends_with(code)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No), "{code}");
        assert!(!format!("{failure:?}").contains("internal"));
    }
    assert!(!format!("{:?}", refused(400, &format!("X{SSN}"))).contains(SSN));
}

#[test]
fn a_refusal_is_told_in_the_citizens_language() {
    let _host = answering(409, &json!({ "code": "OPENING_TAKEN" }));
    let mut ctx = context();
    ctx.locale = Locale::En;
    let wanted = Booking { slot: "OP-1".into(), start: SLOT, end: SLOT + 1, clinician: None, reason: None };
    let Failure::Conflict(reason) = Helserespons::book(ctx, wanted).unwrap_err() else { panic!("another failure") };
    assert_eq!(reason.text, "The slot is no longer free. Nothing was booked.");
}

#[test]
fn a_field_that_the_citizen_can_mend_is_pointed_at_and_another_is_the_plugins_fault() {
    let fields = |field: &str| json!({ "code": "FIELD_INVALID", "fields": [{ "field": field, "message": "x" }] });
    for (field, pointer) in [("/body", "/message/text"), ("/files/0", "/message/attachments")] {
        let _host = answering(422, &fields(field));
        let Failure::Invalid(errors) = open().unwrap_err() else { panic!("{field}") };
        assert_eq!(errors[0].pointer, pointer);
    }
    let _host = answering(422, &fields("/portalRef"));
    assert!(matches!(open().unwrap_err(), Failure::Faulty(_)));
}

#[test]
fn a_busy_vendor_says_when_to_come_back_and_nothing_was_sent() {
    for status in [429, 503] {
        let host = host();
        host.upstream("api", move |_| Reply::status(status).header("retry-after", "17"));
        let Failure::Unavailable(outage) = open().unwrap_err() else { panic!("{status}") };
        assert_eq!((outage.retry_after, outage.sent), (Some(17), Sent::No));
    }
}

#[test]
fn what_is_known_of_a_request_follows_from_where_it_broke() {
    for (reply, unavailable, known) in [
        (Reply::error(Cause::Unreachable("refused".into())), true, Sent::No),
        (Reply::error(Cause::Interrupted("timeout".into())), true, Sent::Unknown),
        (Reply::status(500), true, Sent::Unknown),
        (Reply::status(401), true, Sent::No),
        (Reply::body(201, "text/html", "<html>maintenance"), false, Sent::Yes),
        (Reply::body(201, "application/json", r#"{"caseNo":"#), false, Sent::Yes),
        (Reply::json(201, &json!({ "caseNo": 42 })), false, Sent::Yes),
        (Reply::json(201, &json!({ "caseNo": "" })), false, Sent::Yes),
    ] {
        let host = host();
        host.upstream("api", move |_| reply.clone());
        let failure = open().unwrap_err();
        assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{failure:?}");
        assert_eq!(sent(&failure), Some(known), "{failure:?}");
    }
}

#[test]
fn a_search_hands_nothing_over_whatever_happens() {
    for reply in [Reply::error(Cause::Interrupted("timeout".into())), Reply::status(500), Reply::json(200, &json!({}))]
    {
        let host = host();
        host.upstream("api", move |_| reply.clone());
        assert_eq!(sent(&Helserespons::upcoming(context()).unwrap_err()), Some(Sent::No));
    }
}

#[test]
fn a_booking_that_makes_no_sense_is_not_shown_as_booked() {
    let wrong = |name: &str, value: Value| {
        let mut body = booking();
        body[name] = value;
        body
    };
    for body in [
        wrong("state", json!("CANCELLED")),
        wrong("state", json!("PERHAPS")),
        wrong("begins", json!("2026-11-23T08:15:00")),
        wrong("minutes", json!(0)),
        wrong("minutes", json!(1_000_000)),
        wrong("bookingNo", json!("")),
        wrong("channel", json!("SMOKE")),
        json!([]),
    ] {
        let _host = answering(201, &body);
        let failure = book().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{body}");
        assert_eq!(sent(&failure), Some(Sent::Yes), "{body}");
    }
}

#[test]
fn what_the_citizen_wants_may_have_happened_already() {
    let host = answering(409, &json!({ "code": "CASE_CLOSED" }));
    assert_eq!(Helserespons::close(context(), "H-1".into()).unwrap(), []);
    drop(host);
    let _host = answering(409, &json!({ "code": "CASE_CLOSED" }));
    let failure = Helserespons::send(context(), "H-1".into(), message("Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Conflict(_)));
}

#[test]
fn a_reference_that_would_lead_elsewhere_is_not_sent() {
    let host = answering(201, &json!({ "caseNo": "H-1" }));
    let failure = Helserespons::send(context(), "../bookings".into(), message("Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)) && host.requests().is_empty());
}
