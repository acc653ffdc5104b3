//! What the vendor's errors and silences mean to the citizen: the fault matrix, as far as the plugin alone shows it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use std::cell::Cell;

use dialog_plugin_sdk::appointments::{Appointments, Booking, SlotQuery};
use dialog_plugin_sdk::dialogs::{Dialogs, Inquiry, Opening};
use dialog_plugin_sdk::prescriptions::Prescriptions;
use dialog_plugin_sdk::testing::{Reply, Request};
use dialog_plugin_sdk::upstream::{Cause, Method};
use dialog_plugin_sdk::{Appointment, EncounterMode, Failure, Locale, Sent};
use pasientsky::Pasientsky;
use serde_json::{Value, json};
use support::{DIALOG, LONG, NOW, SLOT, SSN, context, fhir, message, outcome, sent, told, vendor, vendor_but, writes};

fn wanted() -> Booking {
    Booking { slot: "slot-9123458-20261123-0815".into(), start: SLOT, end: SLOT + LONG, clinician: None, reason: None }
}

fn book() -> Result<Appointment, Failure> {
    Pasientsky::book(context(), wanted())
}

fn open() -> Result<(), Failure> {
    let opening = Opening::Inquiry(Inquiry { message: message(1, "Hei", Vec::new()) });
    Pasientsky::open(context(), DIALOG.into(), opening).map(|_| ())
}

fn known() -> Appointment {
    Appointment {
        id: "a-1".into(),
        start: SLOT,
        end: SLOT + LONG,
        clinician: None,
        mode: EncounterMode::InPerson,
        title: "Legetime".into(),
        location: None,
        instructions: None,
        cancellable: true,
        changeable: true,
    }
}

fn when_written(reply: Reply) -> impl Fn(&Request) -> Option<Reply> {
    move |request| writes(request).then(|| reply.clone())
}

fn refused(status: u16, code: &str) -> Failure {
    let _host = vendor_but(when_written(fhir(status, &outcome(code, None))));
    book().unwrap_err()
}

#[test]
fn each_code_of_the_vendor_has_its_failure_and_the_vendors_own_words_stay_out() {
    for code in ["slot-taken", "slot-changed", "appointment-cancelled", "task-closed"] {
        let Failure::Conflict(reason) = refused(409, code) else { panic!("{code}") };
        assert!(reason.code == code && reason.text.contains("Ingenting"), "{reason:?}");
    }
    for code in ["service-off", "patient-blocked", "too-late"] {
        assert!(matches!(refused(403, code), Failure::Declined(reason) if reason.code == code));
    }
    for code in ["unknown-task", "unknown-appointment", "unknown-patient"] {
        assert!(matches!(refused(404, code), Failure::NotFound(reason) if reason.code == code));
    }
    for (status, code) in [(404, "no-such-route"), (409, "other"), (400, "rule"), (422, "other"), (415, "media-type")] {
        let failure = refused(status, code);
        assert!(matches!(&failure, Failure::Faulty(fault) if fault.detail.ends_with(code)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No), "{code}");
        assert!(!format!("{failure:?}").contains("internal"));
    }
    assert!(!format!("{:?}", refused(400, &format!("x{SSN}"))).contains(SSN));
}

#[test]
fn the_refusals_of_the_simulated_vendor_are_understood() {
    let told = told();
    let _host = vendor_but(when_written(fhir(409, &told["refusal"])));
    assert!(matches!(book().unwrap_err(), Failure::Conflict(reason) if reason.code == "slot-taken"));
    drop(_host);
    let _host = vendor_but(when_written(fhir(422, &told["rejected"])));
    let failure = Pasientsky::send(context(), "Task/t-2".into(), message(2, "Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Invalid(fields) if fields[0].pointer == "/text"));
}

#[test]
fn a_refusal_is_told_in_the_citizens_language() {
    let _host = vendor_but(when_written(fhir(409, &outcome("slot-taken", None))));
    for (locale, text) in [
        (Locale::En, "The slot is no longer free. Nothing was booked."),
        (Locale::Nn, "Timen er ikkje lenger ledig. Ingenting er bestilt."),
    ] {
        let mut ctx = context();
        ctx.locale = locale;
        let Failure::Conflict(reason) = Pasientsky::book(ctx, wanted()).unwrap_err() else { panic!("another") };
        assert_eq!(reason.text, text);
    }
}

#[test]
fn an_element_that_the_citizen_can_mend_is_pointed_at_and_another_is_the_plugins_fault() {
    for (expression, pointer) in [
        ("Communication.payload[0].content", "/message/text"),
        ("Communication.topic", "/message/subject"),
        ("Communication.payload[1]", "/message/attachments"),
    ] {
        let _host = vendor_but(when_written(fhir(422, &outcome("value-rejected", Some(expression)))));
        let Failure::Invalid(errors) = open().unwrap_err() else { panic!("{expression}") };
        assert_eq!(errors[0].pointer, pointer);
    }
    for expression in [Some("Task.owner"), None] {
        let _host = vendor_but(when_written(fhir(422, &outcome("value-rejected", expression))));
        assert!(matches!(open().unwrap_err(), Failure::Faulty(_)));
    }
    let _host = vendor_but(when_written(fhir(413, &outcome("attachments-too-large", None))));
    assert!(matches!(open().unwrap_err(), Failure::Invalid(fields) if fields[0].pointer == "/message/attachments"));
}

#[test]
fn a_busy_vendor_says_when_to_come_back_or_does_not_and_nothing_was_sent() {
    for status in [429, 503] {
        for wait in [Some("17"), None, Some("Fri, 20 Nov 2026 10:00:00 GMT")] {
            let reply = fhir(status, &outcome("throttled", None));
            let reply = wait.iter().fold(reply, |reply, wait| reply.header("retry-after", wait));
            let _host = vendor_but(when_written(reply));
            let Failure::Unavailable(outage) = open().unwrap_err() else { panic!("{status}") };
            assert_eq!((outage.retry_after, outage.sent), (wait.and_then(|wait| wait.parse().ok()), Sent::No));
        }
    }
}

#[test]
fn what_is_known_of_a_request_follows_from_where_it_broke() {
    let whole = told()["opened"].to_string();
    for (reply, unavailable, known) in [
        (Reply::error(Cause::Unreachable("refused".into())), true, Sent::No),
        (Reply::error(Cause::Credentials), true, Sent::No),
        (Reply::error(Cause::Interrupted("timeout".into())), true, Sent::Unknown),
        (Reply::error(Cause::TooLarge), false, Sent::Yes),
        (Reply::status(500), true, Sent::Unknown),
        (Reply::status(504), true, Sent::Unknown),
        (fhir(401, &outcome("token", None)), true, Sent::No),
        (Reply::body(200, "text/html", "<html>maintenance"), false, Sent::Yes),
        (Reply::body(200, "application/fhir+json", &whole[..whole.len() / 2]), false, Sent::Yes),
        (Reply::body(200, "application/xml", whole.clone()), false, Sent::Yes),
        (Reply::body(200, "application/fhir+json", ""), false, Sent::Yes),
        (fhir(200, &json!({ "resourceType": "Bundle", "type": 7, "entry": {} })), false, Sent::Yes),
        (fhir(200, &json!({ "type": "transaction-response", "entry": [] })), false, Sent::Yes),
        (fhir(200, &told()["slots"]), false, Sent::Yes),
    ] {
        let _host = vendor_but(when_written(reply));
        let failure = open().unwrap_err();
        assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{failure:?}");
        assert_eq!(sent(&failure), Some(known), "{failure:?}");
    }
}

#[test]
fn a_transaction_that_was_not_done_in_full_is_not_taken_for_one() {
    for (pointer, value) in [
        ("/entry/1/response/status", json!("409 Conflict")),
        ("/entry/0/response/location", json!("Task/../x")),
        ("/entry/0/response/location", json!("Communication/c-1")),
        ("/type", json!("batch-response")),
    ] {
        let mut opened = told()["opened"].clone();
        *opened.pointer_mut(pointer).unwrap() = value;
        let _host = vendor_but(when_written(fhir(200, &opened)));
        assert_eq!(sent(&open().unwrap_err()), Some(Sent::Yes), "{pointer}");
    }
}

#[test]
fn what_only_reads_hands_nothing_over_whatever_happens() {
    let replies = || {
        [
            Reply::error(Cause::Interrupted("timeout".into())),
            Reply::status(500),
            Reply::status(418),
            fhir(200, &json!({})),
            Reply::body(200, "text/html", "<html>"),
        ]
    };
    for reply in replies() {
        let host = vendor_but(move |_| Some(reply.clone()));
        let query = SlotQuery { from: NOW, until: NOW + 86_400_000, clinician: None, mode: None };
        let failures = [
            Pasientsky::upcoming(context()).unwrap_err(),
            Pasientsky::renewable(context()).unwrap_err(),
            Pasientsky::slots(context(), query).unwrap_err(),
            open().unwrap_err(),
            book().unwrap_err(),
            Pasientsky::cancel(context(), known(), None).unwrap_err(),
        ];
        for failure in failures {
            assert_eq!(sent(&failure), Some(Sent::No), "{failure:?}");
        }
        assert!(!host.requests().iter().any(writes), "nobody writes for a patient who was not found");
    }
}

#[test]
fn a_patient_whom_the_vendor_does_not_know_or_has_twice_gets_no_dialog() {
    let patients = |change: fn(&mut Value)| {
        let mut found = told()["patient"].clone();
        change(&mut found);
        let host = vendor_but(move |request| request.path.starts_with("/Patient").then(|| fhir(200, &found)));
        let failure = open().unwrap_err();
        assert_eq!(host.requests().len(), 1);
        failure
    };
    assert!(matches!(patients(|found| found["entry"] = json!([])), Failure::NotFound(_)));
    assert!(matches!(patients(|found| found["entry"][0]["resource"]["active"] = json!(false)), Failure::NotFound(_)));
    let twice = patients(|found| {
        let other = found["entry"][0].clone();
        found["entry"].as_array_mut().unwrap().push(other);
    });
    assert!(matches!(twice, Failure::Faulty(_)));
    assert!(matches!(patients(|found| found["entry"][0]["resource"]["id"] = json!("../x")), Failure::Faulty(_)));
}

#[test]
fn an_appointment_or_a_dialog_of_somebody_elses_is_not_found_and_not_written() {
    let stranger = told().to_string().replace("Patient/p-1", "Patient/p-2");
    let stranger: Value = serde_json::from_str(&stranger).unwrap();
    let host = vendor_but(move |request| {
        let of = |name: &str| Some(fhir(200, &stranger[name]).header("etag", "W/\"1\""));
        match request.path.as_str() {
            "/Appointment/a-1" => of("appointment"),
            "/Task/t-2" => of("task"),
            _ => None,
        }
    });
    for failure in [
        Pasientsky::cancel(context(), known(), None).unwrap_err(),
        Pasientsky::change(context(), known(), wanted()).unwrap_err(),
        Pasientsky::close(context(), "Task/t-2".into()).unwrap_err(),
        Pasientsky::send(context(), "Task/t-2".into(), message(3, "Hei", Vec::new())).unwrap_err(),
    ] {
        assert!(matches!(failure, Failure::NotFound(_)), "{failure:?}");
    }
    assert!(!host.requests().iter().any(writes));
}

#[test]
fn who_is_overtaken_reads_again_and_gives_up_in_time() {
    let times = Cell::new(0);
    let host = vendor_but(move |request| {
        if request.method != Method::Put {
            return None;
        }
        times.set(times.get() + 1);
        (times.get() < 2).then(|| fhir(412, &outcome("version", None)))
    });
    Pasientsky::cancel(context(), known(), None).unwrap();
    assert_eq!(host.requests().iter().filter(|request| writes(request)).count(), 2);
    drop(host);
    let host = vendor_but(|request| (request.method == Method::Put).then(|| fhir(412, &outcome("version", None))));
    let failure = Pasientsky::cancel(context(), known(), None).unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)));
    assert_eq!((sent(&failure), host.requests().iter().filter(|one| writes(one)).count()), (Some(Sent::No), 3));
}

#[test]
fn what_the_citizen_wants_may_have_happened_already() {
    let reply = || fhir(409, &outcome("task-closed", None));
    let _host = vendor_but(when_written(reply()));
    assert_eq!(Pasientsky::close(context(), "Task/t-2".into()).unwrap(), []);
    let failure = Pasientsky::send(context(), "Task/t-2".into(), message(4, "Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Conflict(_)));
    drop(_host);
    let _host = vendor_but(when_written(fhir(409, &outcome("appointment-cancelled", None))));
    Pasientsky::cancel(context(), known(), None).unwrap();
}

#[test]
fn pages_that_never_end_are_bounded() {
    let told = told();
    for name in ["slots", "appointments", "prescriptions"] {
        let mut endless = told[name].clone();
        endless["link"] = json!([{ "relation": "next", "url": "https://elsewhere.example/steal?_page=p-1" }]);
        let host = vendor_but(move |request| {
            let asked = request.query("_page").is_some()
                || ["/Slot", "/Appointment/_search", "/MedicationRequest/_search"].contains(&request.path.as_str());
            asked.then(|| fhir(200, &endless))
        });
        let query = SlotQuery { from: NOW, until: NOW + 14 * 86_400_000, clinician: None, mode: None };
        match name {
            "slots" => assert_eq!(Pasientsky::slots(context(), query).unwrap().len(), 4, "each once"),
            "appointments" => assert!(matches!(Pasientsky::upcoming(context()), Err(Failure::Faulty(_)))),
            _ => assert!(matches!(Pasientsky::renewable(context()), Err(Failure::Faulty(_)))),
        }
        assert!(host.requests().len() <= 7, "{name}");
        assert!(
            host.requests().iter().all(|request| !request.path.contains("steal")),
            "the link itself is not followed"
        );
    }
}

#[test]
fn a_call_without_time_asks_nothing_more() {
    let host = vendor();
    host.set_now(NOW + 4_500);
    let failure = open().unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)) && host.requests().is_empty());
}

#[test]
fn an_appointment_that_makes_no_sense_is_not_shown_as_booked() {
    for (pointer, value) in [
        ("/status", json!("cancelled")),
        ("/status", json!("perhaps")),
        ("/start", json!("2026-11-23T08:15:00")),
        ("/end", json!("2026-11-23T07:15:00Z")),
        ("/end", json!("2027-11-23T07:15:00Z")),
        ("/id", json!("")),
        ("/serviceType/0/coding/0/code", json!("smoke")),
        ("/participant", json!("nobody")),
    ] {
        let mut made = told()["appointment"].clone();
        *made.pointer_mut(pointer).unwrap() = value;
        let _host = vendor_but(when_written(fhir(201, &made)));
        let failure = book().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{pointer}");
        assert_eq!(sent(&failure), Some(Sent::Yes), "{pointer}");
    }
    // And one that is left out of a list would look cancelled.
    let mut list = told()["appointments"].clone();
    list["entry"][0]["resource"]["start"] = json!("soon");
    let _host = vendor_but(move |request| (request.path == "/Appointment/_search").then(|| fhir(200, &list)));
    assert!(matches!(Pasientsky::upcoming(context()), Err(Failure::Faulty(_))));
}
