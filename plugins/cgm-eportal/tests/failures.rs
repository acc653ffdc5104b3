//! What the vendor's errors and silences mean to the citizen: data and errors are judged together.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

mod support;

use cgm_eportal::CgmEportal;
use dialog_plugin_sdk::dialogs::{Dialogs, Inquiry, Opening, Renewal, RenewalItem};
use dialog_plugin_sdk::prescriptions::Prescriptions;
use dialog_plugin_sdk::testing::Reply;
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{Failure, Locale, Sent};
use serde_json::{Value, json};
use support::{DIALOG, GRAPHQL, NUMBER, answering, context, done, host, message, refusal, reply, sent, told};

fn open() -> Result<String, Failure> {
    let opening = Opening::Inquiry(Inquiry { message: message("Hei", Vec::new()) });
    CgmEportal::open(context(), DIALOG.into(), opening).map(|opened| opened.reference)
}

fn refused(code: &str) -> Failure {
    let _host = answering(&refusal("openThread", code));
    open().unwrap_err()
}

#[test]
fn each_code_of_the_vendor_has_its_failure_and_the_vendors_own_words_stay_out() {
    for code in ["SERVICE_OFF", "PATIENT_BLOCKED"] {
        assert!(matches!(refused(code), Failure::Declined(reason) if reason.code == code));
    }
    for code in ["THREAD_NOT_FOUND", "PATIENT_NOT_FOUND", "SURVEY_NOT_FOUND"] {
        assert!(matches!(refused(code), Failure::NotFound(reason) if reason.code == code));
    }
    for code in ["THREAD_CLOSED", "SURVEY_CLOSED", "SURVEY_ANSWERED"] {
        assert!(matches!(refused(code), Failure::Conflict(reason) if reason.code == code));
    }
    for (code, known) in [
        ("THROTTLED", Sent::No),
        ("MAINTENANCE", Sent::No),
        ("CLIENT_UNKNOWN", Sent::No),
        ("INTERNAL_SERVER_ERROR", Sent::Unknown),
        ("TIMEOUT", Sent::Unknown),
    ] {
        let failure = refused(code);
        assert!(matches!(&failure, Failure::Unavailable(outage) if outage.detail.ends_with(code)), "{failure:?}");
        assert_eq!(sent(&failure), Some(known), "{code}");
    }
    for code in ["PRACTICE_NOT_FOUND", "CLIENT_MUTATION_ID_REUSED", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"] {
        let failure = refused(code);
        assert!(matches!(&failure, Failure::Faulty(fault) if fault.detail.ends_with(code)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::No), "{code}");
        assert!(!format!("{failure:?}").contains("internal"));
    }
    assert!(!format!("{:?}", refused(&format!("X{NUMBER}"))).contains(NUMBER));
}

#[test]
fn a_refusal_is_told_in_the_citizens_language() {
    for (locale, text) in [
        (Locale::Nb, "Legekontoret har slått av denne tjenesten. Ingenting er sendt."),
        (Locale::Nn, "Legekontoret har slått av denne tenesta. Ingenting er sendt."),
        (Locale::En, "The office has switched this service off. Nothing was sent."),
    ] {
        let _host = answering(&told("service-off"));
        let mut ctx = context();
        ctx.locale = locale;
        let opening = Opening::Inquiry(Inquiry { message: message("Hei", Vec::new()) });
        let Failure::Declined(reason) = CgmEportal::open(ctx, DIALOG.into(), opening).unwrap_err() else {
            panic!("another failure")
        };
        assert_eq!((reason.code.as_str(), reason.text.as_str()), ("SERVICE_OFF", text));
    }
}

#[test]
fn an_item_that_the_practices_rule_bars_is_pointed_at() {
    let _host = answering(&told("renewal-not-allowed"));
    let item =
        |id: &str| RenewalItem { id: id.into(), medicine: "A".into(), atc: None, note: None, eprescription: None };
    let renewal = Renewal { items: vec![item("RX-TORG-1"), item("RX-TORG-5")], message: None };
    let failure = CgmEportal::open(context(), DIALOG.into(), Opening::PrescriptionRenewal(renewal)).unwrap_err();
    let Failure::Invalid(errors) = failure else { panic!("another failure") };
    assert_eq!((errors.len(), errors[0].pointer.as_str()), (1, "/request/items/1"));
    assert!(errors[0].detail.contains("fornyer ikke"));
}

#[test]
fn what_the_citizen_can_mend_is_pointed_at_and_what_only_the_plugin_can_is_faulty() {
    let fields = |fields: Value| {
        let mut answer = refusal("openThread", "INPUT_INVALID");
        answer["errors"][0]["extensions"]["fields"] = fields;
        answer
    };
    for (field, pointer) in [("/post/text", "/message/text"), ("/documents/0", "/message/attachments/0")] {
        let _host = answering(&fields(json!([field])));
        let Failure::Invalid(errors) = open().unwrap_err() else { panic!("{field}") };
        assert_eq!(errors[0].pointer, pointer);
    }
    for wrong in [json!(["/portalDialog"]), json!(["/post/text", "/practice"]), json!([]), json!(null)] {
        let _host = answering(&fields(wrong));
        assert!(matches!(open().unwrap_err(), Failure::Faulty(_)));
    }
    let _host = answering(&refusal("openThread", "DOCUMENTS_TOO_LARGE"));
    assert!(matches!(open().unwrap_err(), Failure::Invalid(errors) if errors[0].pointer == "/message/attachments"));
}

#[test]
fn a_thread_that_stands_beside_an_error_was_opened() {
    let host = answering(&told("thread-beside-an-error"));
    assert!(open().unwrap().starts_with("T-"));
    let lines = host.lines();
    assert!(lines.len() == 1 && lines[0].1.contains("RECORD_SYSTEM_SILENT"), "{lines:?}");
}

#[test]
fn a_root_that_is_null_because_of_a_part_of_it_may_have_been_done() {
    let mut answer = refusal("openThread", "SERVICE_OFF");
    answer["errors"][0]["path"] = json!(["openThread", "thread", "id"]);
    let _host = answering(&answer);
    let failure = open().unwrap_err();
    assert!(matches!(failure, Failure::Unavailable(_)));
    assert_eq!(sent(&failure), Some(Sent::Unknown));
}

#[test]
fn neither_data_nor_an_error_is_no_answer() {
    for answer in [
        json!({}),
        json!({ "data": null }),
        json!({ "data": {} }),
        json!({ "data": { "openThread": null }, "errors": [] }),
    ] {
        let _host = answering(&answer);
        let failure = open().unwrap_err();
        assert!(matches!(failure, Failure::Faulty(_)), "{failure:?}");
        assert_eq!(sent(&failure), Some(Sent::Unknown));
    }
}

#[test]
fn a_busy_vendor_says_when_to_come_back_or_does_not_and_nothing_was_sent() {
    for status in [429, 503] {
        for (wait, known) in [(Some("17"), Some(17)), (None, None), (Some("tomorrow"), None)] {
            let host = host();
            host.upstream("api", move |_| {
                let busy = reply(status, &refusal("openThread", "THROTTLED"));
                wait.map_or(busy.clone(), |wait| busy.header("retry-after", wait))
            });
            let Failure::Unavailable(outage) = open().unwrap_err() else { panic!("{status}") };
            assert_eq!((outage.retry_after, outage.sent), (known, Sent::No));
        }
    }
    // As an error of GraphQL, with status 200.
    let mut answer = refusal("openThread", "THROTTLED");
    answer["errors"][0]["extensions"]["retryAfter"] = json!(30);
    let _host = answering(&answer);
    let Failure::Unavailable(outage) = open().unwrap_err() else { panic!("another failure") };
    assert_eq!((outage.retry_after, outage.sent), (Some(30), Sent::No));
}

/// What goes wrong in a transport: the answer, whether that is an outage, and what is known of what was sent.
fn faults() -> Vec<(Reply, bool, Sent)> {
    let whole = done("openThread", "WITH_PRACTICE").to_string();
    vec![
        (Reply::error(Cause::Unreachable("refused".into())), true, Sent::No),
        (Reply::error(Cause::Interrupted("timeout".into())), true, Sent::Unknown),
        (Reply::error(Cause::Credentials), true, Sent::No),
        (Reply::error(Cause::TooLarge), false, Sent::Yes),
        (Reply::status(500), true, Sent::Unknown),
        (reply(500, &refusal("openThread", "INTERNAL_SERVER_ERROR")), true, Sent::Unknown),
        (Reply::status(504), true, Sent::Unknown),
        // Expired credentials: the handshake is refused, or the registration is gone.
        (reply(403, &refusal("openThread", "CLIENT_UNKNOWN")), true, Sent::No),
        (Reply::status(401), true, Sent::No),
        // The vendor's own words for a request that it could not execute.
        (reply(400, &told("not-by-the-schema")), false, Sent::No),
        // Truncated, of another media type, of another schema.
        (Reply::body(200, GRAPHQL, &whole[..whole.len() / 2]), false, Sent::Yes),
        (Reply::body(200, "text/html", "<html>maintenance</html>"), false, Sent::Unknown),
        (Reply::body(200, "text/html", whole), false, Sent::Unknown),
        (Reply::status(200), false, Sent::Unknown),
        (reply(200, &json!([])), false, Sent::Unknown),
        (reply(200, &json!({ "data": { "openThread": { "thread": { "id": 42 } } } })), false, Sent::Yes),
        (reply(200, &json!({ "data": { "openThread": { "thread": { "id": "" } } } })), false, Sent::Yes),
        (reply(200, &json!({ "data": { "openThread": "x" }, "errors": "none" })), false, Sent::Yes),
    ]
}

#[test]
fn what_is_known_of_a_mutation_follows_from_where_it_broke() {
    for (answer, unavailable, known) in faults() {
        let host = host();
        let shown = answer.clone();
        host.upstream("api", move |_| shown.clone());
        let failure = open().unwrap_err();
        assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{answer:?}: {failure:?}");
        assert_eq!(sent(&failure), Some(known), "{answer:?}: {failure:?}");
        assert!(!format!("{failure:?} {:?}", host.lines()).contains(NUMBER));
    }
}

#[test]
fn a_query_hands_nothing_over_whatever_happens() {
    for (answer, _, _) in faults() {
        let host = host();
        let shown = answer.clone();
        host.upstream("api", move |_| shown.clone());
        assert_eq!(sent(&CgmEportal::renewable(context()).unwrap_err()), Some(Sent::No), "{answer:?}");
    }
}

#[test]
fn what_the_citizen_wants_may_have_happened_already() {
    let host = answering(&told("thread-closed"));
    assert_eq!(CgmEportal::close(context(), "T-1".into()).unwrap(), []);
    drop(host);
    let _host = answering(&refusal("addPost", "THREAD_CLOSED"));
    let failure = CgmEportal::send(context(), "T-1".into(), message("Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Conflict(_)));
}

#[test]
fn an_answer_about_another_thread_is_not_believed() {
    let _host = answering(&done("addPost", "WITH_PRACTICE"));
    let failure = CgmEportal::send(context(), "T-2".into(), message("Hei", Vec::new())).unwrap_err();
    assert!(matches!(failure, Failure::Faulty(_)));
    assert_eq!(sent(&failure), Some(Sent::Yes));
}
