//! A practice, a patient and the vendor's answers. Nobody here exists.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, reason = "fixtures of several test files")]

use std::path::PathBuf;

use dialog_plugin_sdk::inbound::InboundContext;
use dialog_plugin_sdk::testing::{self, Host, Reply, Request};
use dialog_plugin_sdk::upstream::Method;
use dialog_plugin_sdk::{
    Attachment, Citizen, Clinician, Context, Failure, Message, Representation, Representative, Sent,
};
use serde_json::{Value, json};

/// The patient's number: synthetic.
pub(crate) const NUMBER: &str = "23869247251";
/// Another's number: synthetic.
pub(crate) const OTHER: &str = "02917130593";
/// The gateway's id of a dialog.
pub(crate) const DIALOG: &str = "019a0000-0000-7000-8000-0000000000d1";
/// The contract's id of a message.
pub(crate) const MESSAGE: &str = "019a0000-0000-7000-8000-0000000000e1";
/// The smallest PNG there is.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\xdac\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82";
/// 2026-11-20T09:00:00Z, a Friday.
pub(crate) const NOW: i64 = 1_795_165_200_000;
/// The media type of the vendor's answers.
pub(crate) const GRAPHQL: &str = "application/graphql-response+json; charset=utf-8";

pub(crate) fn context() -> Context {
    let mut ctx = testing::context();
    ctx.now = NOW;
    ctx.office.her_id = 8_150_301;
    ctx.settings = r#"{"practice":"lilletorget"}"#.to_owned();
    ctx.clinician = Some(Clinician {
        hpr_number: 9_123_458,
        her_id: Some(8_150_311),
        given_name: "Amina".into(),
        family_name: "Yusuf".into(),
    });
    ctx.citizen = Some(Citizen {
        reference: "citizen-1".into(),
        national_identity_number: Some(NUMBER.into()),
        given_name: "Leila".into(),
        family_name: "Torg".into(),
        mobile: Some("+4790000000".into()),
    });
    ctx
}

pub(crate) fn keyed(key: &str) -> Context {
    Context { idempotency_key: key.to_owned(), ..context() }
}

pub(crate) fn represented(mut ctx: Context) -> Context {
    ctx.representative = Some(Representative {
        reference: "citizen-2".into(),
        national_identity_number: Some(OTHER.into()),
        given_name: "Ola".into(),
        family_name: "Brygge".into(),
        role: Representation::PowerOfAttorney,
    });
    ctx
}

pub(crate) fn inbound() -> InboundContext {
    let mut ctx = testing::inbound_context();
    ctx.now = NOW;
    ctx.offices[0].office.her_id = 8_150_301;
    ctx.offices[0].settings = r#"{"practice":"lilletorget"}"#.to_owned();
    ctx
}

pub(crate) fn host() -> Host {
    let host = Host::install();
    host.set_now(NOW);
    host
}

/// An answer of the vendor's.
pub(crate) fn reply(status: u16, body: &Value) -> Reply {
    Reply::body(status, GRAPHQL, body.to_string())
}

/// A vendor that answers every request the same, with status 200.
pub(crate) fn answering(body: &Value) -> Host {
    let (host, body) = (host(), body.clone());
    host.upstream("api", move |_: &Request| reply(200, &body));
    host
}

/// A refusal in place of a field of the root.
pub(crate) fn refusal(field: &str, code: &str) -> Value {
    json!({ "data": { field: null }, "errors": [
        { "message": format!("internal {NUMBER}"), "path": [field], "extensions": { "code": code } },
    ] })
}

/// The answer to a mutation that was done.
pub(crate) fn done(field: &str, state: &str) -> Value {
    json!({ "data": { field: { "thread": { "id": "T-100001", "state": state, "new": { "that": "nobody reads" } } } } })
}

pub(crate) fn message(text: &str, attachments: Vec<Attachment>) -> Message {
    Message { id: MESSAGE.into(), subject: None, text: text.into(), attachments }
}

/// The only request that was sent.
pub(crate) fn only(host: &Host) -> Request {
    let mut requests = host.requests();
    assert_eq!(requests.len(), 1, "one request");
    requests.remove(0)
}

/// Whether the provider has the request, by a failure.
pub(crate) fn sent(failure: &Failure) -> Option<Sent> {
    match failure {
        Failure::Unavailable(outage) => Some(outage.sent),
        Failure::Faulty(fault) => Some(fault.sent),
        _ => None,
    }
}

pub(crate) fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// An answer that the simulated vendor's tests have written.
pub(crate) fn told(name: &str) -> Value {
    let text = std::fs::read_to_string(folder("tests/golden/answers").join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Compares a request with its golden file, which the simulated vendor's tests send to the vendor.
/// `UPDATE_GOLDEN=1` writes it anew.
pub(crate) fn golden(name: &str, request: &Request) {
    for (_, value) in &request.headers {
        assert!(!value.contains(NUMBER) && !value.contains(OTHER), "{name}: a number in a header");
    }
    assert!(request.method == Method::Post && request.path == "/graphql" && request.query.is_empty(), "{name}");
    let written = json!({
        "accept": request.header("accept"),
        "operation": request.header("x-operation-name"),
        "contentType": request.header("content-type"),
        "body": request.json::<Value>(),
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&written).unwrap());
    let file = folder("tests/golden").join(format!("{name}.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{name}");
}
