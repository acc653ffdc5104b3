//! What is sent, what the service's errors and silences mean, and what its list says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use dialog_plugin_sdk::inbound::{Inbound, Page};
use dialog_plugin_sdk::notices::{NoticeReceipt, Notices};
use dialog_plugin_sdk::testing::{self, Host, Reply};
use dialog_plugin_sdk::upstream::Cause;
use dialog_plugin_sdk::{EventBody, Failure, NoticeChannel, NoticeOutcome, Sent};
use epost::Epost;
use serde_json::json;

fn send(reply: Reply) -> (Host, Result<NoticeReceipt, Failure>) {
    let host = Host::install();
    host.upstream("mail", move |_| reply.clone());
    let mut ctx = testing::notice_context();
    ctx.installation = r#"{"from":"ikke-svar@portal.example"}"#.to_owned();
    let sent = Epost::send(ctx, testing::notice(NoticeChannel::Email));
    (host, sent)
}

fn failed(reply: Reply) -> Failure {
    send(reply).1.unwrap_err()
}

#[test]
fn a_notice_is_one_form_with_its_id() {
    let (host, sent) = send(Reply::json(200, &json!({ "queued": true, "message": "q-1" })));
    assert_eq!(sent.unwrap().id, "q-1");
    let requests = host.requests();
    let [request] = &requests[..] else { panic!("one request") };
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    let text = request.text();
    assert!(text.starts_with("from=ikke-svar%40portal.example&to=kari%40example.test&subject=Nytt+i+portalen&text="));
    assert!(text.ends_with("&external_id=0198c0de-0000-7000-8000-00000000000b&expires=1767601800"), "{text}");
}

#[test]
fn what_is_wrong_with_the_address_is_told_from_what_is_wrong_with_the_service() {
    let refused = |status, error: &str| failed(Reply::json(status, &json!({ "error": error })));
    assert!(matches!(refused(400, "recipient"), Failure::Invalid(_)));
    assert!(matches!(refused(409, "suppressed"), Failure::Declined(_)));
    assert!(matches!(refused(400, "subject"), Failure::Faulty(_)));
}

#[test]
fn what_is_known_of_a_mail_follows_from_where_it_broke() {
    for (reply, unavailable, known) in [
        (Reply::error(Cause::Unreachable("refused".into())), true, Sent::No),
        (Reply::error(Cause::Interrupted("timeout".into())), true, Sent::Unknown),
        (Reply::status(502), true, Sent::Unknown),
        (Reply::status(401), true, Sent::No),
        (Reply::status(429), true, Sent::No),
        (Reply::body(200, "text/plain", "OK"), false, Sent::Yes),
        (Reply::json(200, &json!({ "queued": true })), false, Sent::Yes),
    ] {
        let told = match failed(reply) {
            Failure::Unavailable(outage) => (true, outage.sent),
            Failure::Faulty(fault) => (false, fault.sent),
            other => panic!("{other:?}"),
        };
        assert_eq!(told, (unavailable, known));
    }
}

#[test]
fn a_text_message_is_not_for_this_plugin() {
    let host = Host::install();
    assert!(matches!(
        Epost::send(testing::notice_context(), testing::notice(NoticeChannel::Sms)),
        Err(Failure::Faulty(_))
    ));
    assert!(host.requests().is_empty());
}

fn poll(cursor: Option<&str>, reply: Reply) -> (Host, Result<Page, Failure>) {
    let host = Host::install();
    host.upstream("mail", move |_| reply.clone());
    let page = Epost::poll(testing::inbound_context(), cursor.map(str::to_owned), Vec::new());
    (host, page)
}

#[test]
fn bounces_are_asked_for_from_the_last_one_on() {
    let entry =
        |n: u64, kind: &str| json!({ "n": n, "external_id": format!("n-{n}"), "kind": kind, "at": 1_767_600_000 });
    let list = json!({ "bounces": [entry(8, "soft"), entry(9, "hard"), entry(11, "delivered")], "more": true });
    let (host, page) = poll(Some("7"), Reply::json(200, &list));
    let page = page.unwrap();
    assert_eq!((page.cursor.as_deref(), page.more), (Some("11"), true));
    assert_eq!((host.requests()[0].query("after"), host.requests()[0].query("limit")), (Some("7"), Some("100")));
    let told: Vec<_> = page
        .events
        .into_iter()
        .map(|event| match event.body {
            EventBody::Notice(told) => (event.id, told.notice, told.outcome),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            ("bounce-9".to_owned(), "n-9".to_owned(), NoticeOutcome::Undeliverable),
            ("bounce-11".to_owned(), "n-11".to_owned(), NoticeOutcome::Delivered),
        ]
    );
}

#[test]
fn a_list_that_never_ends_or_goes_back_is_not_followed() {
    let (_host, page) = poll(Some("7"), Reply::json(200, &json!({ "bounces": [], "more": true })));
    assert!(!page.unwrap().more);
    drop(_host);
    let entry = |n: u64| json!({ "n": n, "external_id": "n", "kind": "hard", "at": 0 });
    for bounces in [json!([entry(7)]), json!([entry(9), entry(8)]), json!([entry(8), entry(8)])] {
        let (host, page) = poll(Some("7"), Reply::json(200, &json!({ "bounces": bounces, "more": false })));
        assert!(matches!(page, Err(Failure::Faulty(_))));
        drop(host);
    }
    let (_host, page) = poll(Some("nonsense"), Reply::status(503).header("retry-after", "9"));
    assert!(matches!(page, Err(Failure::Unavailable(outage)) if outage.retry_after == Some(9)));
}
