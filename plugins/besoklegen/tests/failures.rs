//! What the vendor's faults and silences mean to the citizen.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use besoklegen::Besoklegen;
use dialog_plugin_sdk::appointments::{Appointments, Booking};
use dialog_plugin_sdk::dialogs::{Certificate, Dialogs, Inquiry, Opening};
use dialog_plugin_sdk::practice::Practice;
use dialog_plugin_sdk::testing::{Reply, Request};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{Appointment, Failure, Locale, Sent};
use support::{DIALOG, FNR, SLOT, SOAP_TYPE, always, answering, context, envelope, fault, host, message, sent, told};

fn book() -> Result<Appointment, Failure> {
    let wanted = Booking { slot: "OP-1".into(), start: SLOT, end: SLOT + 1, clinician: None, reason: None };
    Besoklegen::book(context(), wanted)
}

fn open() -> Result<(), Failure> {
    let opening = Opening::Inquiry(Inquiry { message: message("Hei", Vec::new()) });
    Besoklegen::open(context(), DIALOG.into(), opening).map(|_| ())
}

fn refused(who: &str, code: &str) -> Failure {
    let _host = always(fault(who, code, ""));
    book().unwrap_err()
}

#[test]
fn each_fault_of_the_vendor_has_its_failure_and_the_vendors_own_words_stay_out() {
    for code in ["SlotTaken", "SlotMoved", "BookingCancelled", "CaseClosed"] {
        let Failure::Conflict(reason) = refused("Sender", code) else { panic!("{code}") };
        assert!(reason.code == code && reason.text.contains("Ingenting"), "{reason:?}");
    }
    for code in ["ServiceOff", "PatientBlocked", "TooLate"] {
        assert!(matches!(refused("Sender", code), Failure::Declined(reason) if reason.code == code));
    }
    for code in ["UnknownCase", "UnknownBooking", "UnknownPatient"] {
        assert!(matches!(refused("Sender", code), Failure::NotFound(reason) if reason.code == code));
    }
    for code in ["UnknownPractice", "BadMessage", "MessageIdReused", "SomethingNew"] {
        let failure = refused("Sender", code);
        assert!(matches!(&failure, Failure::Faulty(fault) if fault.detail.contains(code)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No), "{code}");
        assert!(!format!("{failure:?}").contains("internal"));
    }
    assert!(!format!("{:?}", refused("Sender", &format!("X{FNR}"))).contains(FNR));
}

#[test]
fn credentials_that_have_expired_and_clocks_that_differ_are_the_operators_and_nothing_was_sent() {
    for code in ["FailedAuthentication", "InvalidSecurity", "MessageExpired"] {
        let failure = refused("Sender", code);
        assert!(matches!(&failure, Failure::Unavailable(outage) if outage.detail.contains(code)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No), "{code}");
    }
    let _host = always(Reply::error(Cause::Credentials));
    assert_eq!(sent(&open().unwrap_err()), Some(Sent::No));
}

#[test]
fn a_busy_vendor_says_when_to_come_back_and_nothing_was_sent() {
    for (reply, wait) in [
        (fault("Receiver", "Busy", "<RetryAfter>17</RetryAfter>"), Some(17)),
        (fault("Receiver", "Busy", "").header("retry-after", "18"), Some(18)),
        (fault("Receiver", "Busy", "<RetryAfter>soon</RetryAfter>"), None),
        (Reply::status(503).header("retry-after", "19"), Some(19)),
        (Reply::status(429).header("retry-after", "20"), Some(20)),
        (Reply::status(429), None),
    ] {
        let _host = always(reply);
        let Failure::Unavailable(outage) = open().unwrap_err() else { panic!("{wait:?}") };
        assert_eq!((outage.retry_after, outage.sent), (wait, Sent::No));
    }
}

#[test]
fn what_is_known_of_a_request_follows_from_where_it_broke() {
    let soap = |text: &str| Reply::body(200, SOAP_TYPE, text);
    let bodiless = "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body/></e:Envelope>";
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>";
    for (reply, unavailable, known) in [
        (Reply::error(Cause::Unreachable("refused".into())), true, Sent::No),
        (Reply::error(Cause::Interrupted("timeout".into())), true, Sent::Unknown),
        (Reply::error(Cause::TooLarge), false, Sent::Yes),
        (Reply::status(500), true, Sent::Unknown),
        (Reply::status(502), true, Sent::Unknown),
        (fault("Receiver", "Internal", ""), true, Sent::Unknown),
        (Reply::body(500, SOAP_TYPE, "<e:Envelope"), true, Sent::Unknown),
        (Reply::body(500, SOAP_TYPE, bodiless), true, Sent::Unknown),
        (Reply::status(401), true, Sent::No),
        (Reply::status(404), false, Sent::No),
        (Reply::body(200, "text/html", "<html>maintenance</html>"), false, Sent::Yes),
        (Reply::body(200, "text/xml", bodiless), false, Sent::Yes),
        (soap("<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-"), false, Sent::Yes),
        (soap(bodiless), false, Sent::Yes),
        (soap(bomb), false, Sent::Yes),
        (soap(""), false, Sent::Yes),
        (Reply::body(200, SOAP_TYPE, b"\xff\xfe".to_vec()), false, Sent::Yes),
    ] {
        let _host = always(reply.clone());
        let failure = open().unwrap_err();
        assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{reply:?} {failure:?}");
        assert_eq!(sent(&failure), Some(known), "{reply:?} {failure:?}");
    }
}

#[test]
fn an_answer_to_something_else_or_with_something_missing_is_not_believed() {
    let host = host();
    host.upstream("portal", |request: &Request| {
        let other = envelope(
            request,
            "<OpenCaseResponse xmlns=\"urn:besoklegen:portal:v3\"><Case>S-1</Case></OpenCaseResponse>",
        );
        Reply::body(200, SOAP_TYPE, other.replace("urn:uuid:", "urn:uuid:0"))
    });
    let failure = open().unwrap_err();
    assert!(matches!(&failure, Failure::Faulty(fault) if fault.detail.contains("not about the request")));
    assert_eq!(sent(&failure), Some(Sent::Yes));
    drop(host);
    for content in [
        "<BookSlotResponse xmlns=\"urn:besoklegen:portal:v3\"><Case>S-1</Case></BookSlotResponse>",
        "<OpenCaseResponse xmlns=\"urn:other\"><Case>S-1</Case></OpenCaseResponse>",
        "<OpenCaseResponse xmlns=\"urn:besoklegen:portal:v3\"/>",
        "<OpenCaseResponse xmlns=\"urn:besoklegen:portal:v3\"><Case> </Case></OpenCaseResponse>",
    ] {
        let host = support::host();
        host.upstream("portal", move |request: &Request| Reply::body(200, SOAP_TYPE, envelope(request, content)));
        let failure = open().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)) && sent(&failure) == Some(Sent::Yes), "{content}: {failure:?}");
    }
}

#[test]
fn a_question_hands_nothing_over_whatever_happens() {
    for reply in [
        Reply::error(Cause::Interrupted("timeout".into())),
        Reply::error(Cause::TooLarge),
        Reply::status(500),
        fault("Receiver", "Internal", ""),
        Reply::body(200, "text/html", "<html>"),
        Reply::body(200, SOAP_TYPE, "<a/>"),
    ] {
        let _host = always(reply);
        assert_eq!(sent(&Besoklegen::upcoming(context()).unwrap_err()), Some(Sent::No));
        assert_eq!(sent(&Besoklegen::profile(context()).unwrap_err()), Some(Sent::No));
        assert_eq!(sent(&Besoklegen::forms(context()).unwrap_err()), Some(Sent::No));
    }
}

#[test]
fn a_refusal_is_told_in_the_citizens_language() {
    let _host = always(fault("Sender", "SlotTaken", ""));
    let mut ctx = context();
    ctx.locale = Locale::En;
    let wanted = Booking { slot: "OP-1".into(), start: SLOT, end: SLOT + 1, clinician: None, reason: None };
    let Failure::Conflict(reason) = Besoklegen::book(ctx, wanted).unwrap_err() else { panic!("another failure") };
    assert_eq!(reason.text, "The slot is no longer free. Nothing was booked.");
}

#[test]
fn a_field_that_the_citizen_can_mend_is_pointed_at_and_another_is_the_plugins_fault() {
    let certificate = || {
        let message = message("Hei", Vec::new());
        Opening::Certificate(Certificate { purpose: "Førerkort".into(), message, form: None })
    };
    for (field, pointer) in
        [("Form", "/request/form"), ("Text", "/message/text"), ("Attachment", "/message/attachments")]
    {
        let _host = always(fault("Sender", "FieldInvalid", &format!("<Field>{field}</Field>")));
        let Failure::Invalid(errors) = Besoklegen::open(context(), DIALOG.into(), certificate()).unwrap_err() else {
            panic!("{field}")
        };
        assert_eq!(errors[0].pointer, pointer);
    }
    for problem in ["<Field>PortalRef</Field>", "<Field>Text</Field><Field>Fnr</Field>", ""] {
        let _host = always(fault("Sender", "FieldInvalid", problem));
        assert!(matches!(open().unwrap_err(), Failure::Faulty(_)), "{problem}");
    }
    let _host = always(fault("Sender", "DocumentsTooLarge", ""));
    let Failure::Invalid(errors) = open().unwrap_err() else { panic!("another failure") };
    assert_eq!(errors[0].pointer, "/message/attachments");
}

#[test]
fn a_booking_that_makes_no_sense_is_not_shown_as_booked() {
    let whole = told("booking");
    for (from, to) in [
        ("BOOKED", "CANCELLED"),
        ("BOOKED", "PERHAPS"),
        ("2026-11-23T08:15:00+01:00", "2026-11-23T08:15:00"),
        ("2026-11-23T08:35:00+01:00", "2026-11-23T08:15:00+01:00"),
        ("2026-11-23T08:35:00+01:00", "2026-11-25T08:15:00+01:00"),
        ("PRACTICE", "SMOKE"),
        ("<MayMove>true", "<MayMove>maybe"),
        ("Booking>", "Other>"),
    ] {
        let _host = answering(&whole.replace(from, to));
        let failure = book().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{to}");
        assert_eq!(sent(&failure), Some(Sent::Yes), "{to}");
    }
}

#[test]
fn what_the_citizen_wants_may_have_happened_already() {
    let host = always(fault("Sender", "CaseClosed", ""));
    assert_eq!(Besoklegen::close(context(), "S-1".into()).unwrap(), []);
    let failure = Besoklegen::send(context(), "S-1".into(), message("Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Conflict(_)));
    drop(host);
    let host = answering(&told("booking"));
    let booked = book().unwrap();
    let failure = Besoklegen::cancel(context(), booked.clone(), None).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)), "a booking that stands is not cancelled");
    drop(host);
    let _host = always(fault("Sender", "BookingCancelled", ""));
    assert_eq!(Besoklegen::cancel(context(), booked, None), Ok(()));
}
