//! What is sent, what the service's errors and silences mean, and what its reports say.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use dialog_plugin_sdk::inbound::{Delivery, Inbound};
use dialog_plugin_sdk::notices::{NoticeReceipt, Notices};
use dialog_plugin_sdk::testing::{self, Host, Reply};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{EventBody, Failure, NoticeChannel, NoticeOutcome, Sent};
use serde_json::{Value, json};
use sms::Sms;

fn send(reply: Reply) -> (Host, Result<NoticeReceipt, Failure>) {
    let host = Host::install();
    host.upstream("api", move |_| reply.clone());
    let mut ctx = testing::notice_context();
    ctx.installation = r#"{"sender":"Helsenorge"}"#.to_owned();
    let sent = Sms::send(ctx, testing::notice(NoticeChannel::Sms));
    (host, sent)
}

fn failed(reply: Reply) -> Failure {
    send(reply).1.unwrap_err()
}

#[test]
fn a_notice_is_one_message_with_its_id_as_key_and_reference() {
    let (host, sent) = send(Reply::json(202, &json!({ "messageId": "m-1", "parts": 1 })));
    assert_eq!(sent.unwrap().id, "m-1");
    let requests = host.requests();
    let [request] = &requests[..] else { panic!("one request") };
    let notice = testing::notice(NoticeChannel::Sms);
    assert_eq!(request.header("idempotency-key"), Some(notice.id.as_str()));
    assert_eq!(
        request.json::<Value>(),
        json!({
            "to": notice.address, "from": "Helsenorge", "text": notice.text, "reference": notice.id,
            "validUntil": "2026-01-05T08:30:00Z",
        })
    );
}

#[test]
fn what_is_wrong_with_the_number_is_told_from_what_is_wrong_with_the_service() {
    let refused = |status, code: &str| failed(Reply::json(status, &json!({ "code": code, "message": "+4799999901" })));
    assert!(matches!(refused(404, "UNKNOWN_NUMBER"), Failure::NotFound(_)));
    assert!(matches!(refused(403, "BARRED"), Failure::Declined(_)));
    assert!(matches!(refused(422, "NOT_MOBILE"), Failure::Invalid(_)));
    for (status, code) in [(404, "NO_ROUTE"), (422, "TOO_LONG"), (409, "KEY_REUSED")] {
        assert!(matches!(refused(status, code), Failure::Faulty(_)), "{code}");
    }
    for failure in [refused(404, "UNKNOWN_NUMBER"), refused(422, "TOO_LONG")] {
        assert!(!format!("{failure:?}").contains("99999901"), "the service's own words stay out");
    }
}

#[test]
fn what_is_known_of_a_message_follows_from_where_it_broke() {
    for (reply, unavailable, known) in [
        (Reply::error(Cause::Unreachable("refused".into())), true, Sent::No),
        (Reply::error(Cause::Interrupted("timeout".into())), true, Sent::Unknown),
        (Reply::status(500), true, Sent::Unknown),
        (Reply::status(401), true, Sent::No),
        (Reply::status(503).header("retry-after", "17"), true, Sent::No),
        (Reply::body(202, "text/html", "<html>"), false, Sent::Yes),
        (Reply::body(202, "application/json", r#"{"messageId":"#), false, Sent::Yes),
        (Reply::json(202, &json!({ "messageId": "" })), false, Sent::Yes),
    ] {
        let told = match failed(reply) {
            Failure::Unavailable(outage) => (true, outage.sent),
            Failure::Faulty(fault) => (false, fault.sent),
            other => panic!("{other:?}"),
        };
        assert_eq!(told, (unavailable, known));
    }
    let Failure::Unavailable(busy) = failed(Reply::status(429).header("retry-after", "17")) else { panic!() };
    assert_eq!(busy.retry_after, Some(17));
}

#[test]
fn mail_is_not_for_this_plugin() {
    let host = Host::install();
    let mut ctx = testing::notice_context();
    ctx.installation = r#"{"sender":"Helsenorge"}"#.to_owned();
    assert!(matches!(Sms::send(ctx, testing::notice(NoticeChannel::Email)), Err(Failure::Faulty(_))));
    assert!(host.requests().is_empty());
}

fn delivered(path: &str, body: &str) -> Result<Vec<dialog_plugin_sdk::Event>, Failure> {
    let delivery = Delivery { id: None, path: path.to_owned(), headers: Vec::new(), body: body.as_bytes().to_vec() };
    Sms::receive(testing::inbound_context(), delivery)
}

#[test]
fn a_report_says_what_became_of_a_notice_and_one_on_its_way_says_nothing() {
    let report = |id: &str, status: &str| json!({ "id": id, "reference": "n-1", "status": status, "at": "2026-01-05T08:01:00Z" });
    let all = [("1", "DELIVERED"), ("2", "UNDELIVERABLE"), ("3", "BUFFERED"), ("4", "EXPIRED")];
    let body = json!({ "reports": all.map(|(id, status)| report(id, status)) }).to_string();
    let told: Vec<_> = delivered("reports", &body)
        .unwrap()
        .into_iter()
        .map(|event| match event.body {
            EventBody::Notice(told) => (event.id, told.notice, told.outcome),
            other => panic!("{other:?}"),
        })
        .collect();
    let of = |id: &str, outcome| (format!("report-{id}"), "n-1".to_owned(), outcome);
    assert_eq!(
        told,
        [
            of("1", NoticeOutcome::Delivered),
            of("2", NoticeOutcome::Undeliverable),
            of("4", NoticeOutcome::Undeliverable)
        ]
    );
}

#[test]
fn a_delivery_that_makes_no_sense_is_refused_without_its_content() {
    for (path, body) in [
        ("other", "{}"),
        ("reports", "[]"),
        ("reports", r#"{"reports":[{"id":"+4799999901"}]}"#),
        ("reports", r#"{"reports":[{"id":"1","reference":"n","status":"DELIVERED","at":"+4799999901"}]}"#),
    ] {
        let failure = delivered(path, body).unwrap_err();
        assert!(matches!(&failure, Failure::Faulty(_)) && !format!("{failure:?}").contains("99999901"), "{failure:?}");
    }
}
