//! A unit, a patient and the vendor's answers. Nobody here exists.
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
/// The vendor's id of the patient.
pub(crate) const PATIENT: &str = "pat-100001";
/// The gateway's id of a dialog.
pub(crate) const DIALOG: &str = "019a0000-0000-7000-8000-0000000000d1";
/// The contract's id of a message.
pub(crate) const MESSAGE: &str = "019a0000-0000-7000-8000-0000000000e1";
/// The smallest PNG there is.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\xdac\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82";
/// 2026-11-20T09:00:00Z, a Friday.
pub(crate) const NOW: i64 = 1_795_165_200_000;
/// 2026-11-23T07:00:00Z, eight o'clock in Norway.
pub(crate) const SLOT: i64 = 1_795_417_200_000;
/// The id of the time then.
pub(crate) const SLOT_ID: &str = "ts-9123482-20261123-0800-video";
/// The media type of the vendor's documents.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.api+json";

pub(crate) fn context() -> Context {
    let mut ctx = testing::context();
    ctx.now = NOW;
    ctx.office.her_id = 8_150_901;
    ctx.settings = r#"{"unit":"kry-norge"}"#.to_owned();
    ctx.clinician = Some(Clinician {
        hpr_number: 9_123_482,
        her_id: Some(8_150_911),
        given_name: "Mariam".into(),
        family_name: "Haugen".into(),
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
    let mut ctx = context();
    ctx.idempotency_key = format!("key-{key}");
    ctx
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
    ctx.offices[0].office.her_id = 8_150_901;
    ctx.offices[0].settings = r#"{"unit":"kry-norge"}"#.to_owned();
    ctx
}

pub(crate) fn host() -> Host {
    let host = Host::install();
    host.set_now(NOW);
    host
}

/// A document as the vendor answers one.
pub(crate) fn reply(status: u16, document: &Value) -> Reply {
    Reply::body(status, MEDIA_TYPE, document.to_string())
}

pub(crate) fn patient() -> Reply {
    reply(200, &json!({ "data": { "type": "patients", "id": PATIENT, "attributes": {} } }))
}

/// A vendor that knows the patient, and answers every other request as `answer` says.
pub(crate) fn vendor(mut answer: impl FnMut(&Request) -> Reply + 'static) -> Host {
    let host = host();
    host.upstream("api", move |request| if request.path == "/v1/patients" { patient() } else { answer(request) });
    host
}

/// A vendor that knows the patient, and answers every other request the same.
pub(crate) fn answering(status: u16, document: &Value) -> Host {
    let document = document.clone();
    vendor(move |_| reply(status, &document))
}

/// A vendor's refusal.
pub(crate) fn refusing(status: u16, code: &str, pointers: &[&str]) -> Host {
    let error = |pointer: Option<&&str>| {
        let mut error = json!({ "status": status.to_string(), "code": code, "detail": format!("internal {NUMBER}") });
        if let Some(pointer) = pointer {
            error["source"] = json!({ "pointer": pointer });
        }
        error
    };
    let errors: Vec<Value> =
        if pointers.is_empty() { vec![error(None)] } else { pointers.iter().map(|one| error(Some(one))).collect() };
    answering(status, &json!({ "errors": errors }))
}

pub(crate) fn message(text: &str, attachments: Vec<Attachment>) -> Message {
    Message { id: MESSAGE.into(), subject: None, text: text.into(), attachments }
}

pub(crate) fn doctor() -> Value {
    json!({ "type": "practitioners", "id": "pra-9123482",
        "attributes": { "hprNumber": 9_123_482, "givenName": "Mariam", "familyName": "Haugen" } })
}

pub(crate) fn booking() -> Value {
    json!({
        "data": {
            "type": "bookings",
            "id": "bok-1",
            "attributes": {
                "status": "confirmed",
                "start": "2026-11-23T07:00:00Z",
                "durationMinutes": 20,
                "channel": "video",
                "label": "Videokonsultasjon",
                "joinUrl": "https://video.kry.example/bok-1",
                "preparation": "Åpne lenken fem minutter før.",
                "cancellable": true,
                "movable": true,
                "somethingNew": { "that": "nobody reads" },
            },
            "relationships": { "practitioner": { "data": { "type": "practitioners", "id": "pra-9123482" } } },
        },
        "included": [doctor()],
    })
}

/// The only request that was sent, beside the one that finds the patient.
pub(crate) fn only(host: &Host) -> Request {
    let mut requests = host.requests();
    requests.retain(|request| request.path != "/v1/patients");
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

/// Compares a request with its golden file, which the simulated vendor's tests send to the vendor.
/// `UPDATE_GOLDEN=1` writes it anew.
pub(crate) fn golden(name: &str, request: &Request) {
    for (_, value) in request.headers.iter().chain(&request.query) {
        assert!(!value.contains(NUMBER) && !value.contains(OTHER), "{name}: a number in a header or a URL");
    }
    assert!(!request.path.contains(NUMBER), "{name}");
    let method = match request.method {
        Method::Get => "GET",
        Method::Patch => "PATCH",
        _ => "POST",
    };
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| json!([name.to_ascii_lowercase(), value])).collect();
    headers.sort_by_key(Value::to_string);
    let written = json!({
        "method": method,
        "path": request.path,
        "query": request.query,
        "headers": headers,
        "body": (!request.body.is_empty()).then(|| request.json::<Value>()),
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&written).unwrap());
    let file = folder("tests/golden").join(format!("{name}.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{name}");
}
