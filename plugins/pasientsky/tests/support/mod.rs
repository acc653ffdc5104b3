//! A clinic, a patient and the vendor's answers. Nobody here exists.
//!
//! What the vendor answers stands in `golden/told.json`, which the simulated vendor's tests write.
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
pub(crate) const SSN: &str = "23869247251";
/// Another's number: synthetic.
pub(crate) const OTHER: &str = "02917130593";
/// The gateway's id of a dialog.
pub(crate) const DIALOG: &str = "019a0000-0000-7000-8000-0000000000d1";
/// The smallest PNG there is.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\xdac\xfc\xcf\xc0P\x0f\x00\x04\x85\x01\x80\x84\xa9\x8c!\x00\x00\x00\x00IEND\xaeB`\x82";
/// What stands in every file of the vendor's.
pub(crate) const PDF: &[u8] = b"%PDF-1.4 svar";
/// 2026-11-20T09:00:00Z, a Friday.
pub(crate) const NOW: i64 = 1_795_165_200_000;
/// 2026-11-23T08:15:00+01:00.
pub(crate) const SLOT: i64 = 1_795_418_100_000;
/// The clinic's survey.
pub(crate) const SURVEY: &str = "survey-hs-8150301-1";
/// Twenty minutes.
pub(crate) const LONG: i64 = 1_200_000;
const SETTINGS: &str = r#"{"healthcareService":"hs-8150301"}"#;

pub(crate) fn doctor() -> Clinician {
    Clinician { hpr_number: 9_123_458, her_id: None, given_name: "Amina".into(), family_name: "Yusuf".into() }
}

pub(crate) fn context() -> Context {
    let mut ctx = testing::context();
    ctx.now = NOW;
    ctx.office.her_id = 8_150_301;
    ctx.settings = SETTINGS.to_owned();
    ctx.clinician = Some(doctor());
    ctx.citizen = Some(Citizen {
        reference: "citizen-1".into(),
        national_identity_number: Some(SSN.into()),
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
    ctx.offices[0].settings = SETTINGS.to_owned();
    ctx
}

pub(crate) fn host() -> Host {
    let host = Host::install();
    host.set_now(NOW);
    host
}

/// What the vendor answers.
pub(crate) fn told() -> Value {
    let text = std::fs::read_to_string(folder("tests/golden").join("told.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn fhir(status: u16, body: &Value) -> Reply {
    Reply::body(status, "application/fhir+json;charset=utf-8", body.to_string())
}

fn versioned(status: u16, body: &Value) -> Reply {
    fhir(status, body).header("etag", &format!("W/{}", body["meta"]["versionId"]))
}

/// The vendor as it is when all goes well.
pub(crate) fn answer(told: &Value, request: &Request) -> Reply {
    let written = || serde_json::from_slice::<Value>(&request.body).unwrap();
    match (request.method, request.path.as_str()) {
        (Method::Post, "/Patient/_search") => fhir(200, &told["patient"]),
        (Method::Post, "/Appointment/_search") => fhir(200, &told["appointments"]),
        (Method::Post, "/MedicationRequest/_search") => fhir(200, &told["prescriptions"]),
        (Method::Get, "/Slot") => fhir(200, &told["slots"]),
        (Method::Get, "/Questionnaire") => fhir(200, &told["surveys"]),
        (Method::Get, path) if path == format!("/Questionnaire/{SURVEY}") => versioned(200, &told["survey"]),
        (Method::Post, "/QuestionnaireResponse/_search") => fhir(200, &told["unanswered"]),
        (Method::Post, "/QuestionnaireResponse") => Reply::status(201),
        (Method::Post, "/") => {
            let mut opened = told["opened"].clone();
            opened["entry"].as_array_mut().unwrap().truncate(written()["entry"].as_array().unwrap().len());
            fhir(200, &opened)
        }
        (Method::Post, "/Appointment") => versioned(201, &told["appointment"]),
        (Method::Post, "/Communication") => Reply::status(201),
        (Method::Get, "/Appointment/a-1") => versioned(200, &told["appointment"]),
        (Method::Get, "/Task/t-2") => versioned(200, &told["task"]),
        (Method::Get, path) if path == format!("/Communication/{}", told["message"]["id"].as_str().unwrap()) => {
            versioned(200, &told["message"])
        }
        (Method::Put, _) => {
            let mut next = written();
            let version: u64 = next["meta"]["versionId"].as_str().unwrap().parse().unwrap();
            next["meta"]["versionId"] = json!((version + 1).to_string());
            versioned(200, &next)
        }
        (Method::Get, "/Communication") if request.query("part-of") == Some("Task/t-2") => fhir(200, &told["talk"]),
        (Method::Get, path) if path.starts_with("/Binary/") => Reply::body(200, "application/pdf", PDF),
        (Method::Get, path) => fhir(200, &news(told, path.trim_start_matches('/'), request)),
        (_, path) => panic!("nobody asks for {path}"),
    }
}

/// The news of a kind, or those among them that are asked for.
fn news(told: &Value, kind: &str, request: &Request) -> Value {
    let mut bundle = told["news"][kind].clone();
    let ids = request.query("_id");
    let dialogs = request.query("part-of");
    let wanted = |entry: &Value| {
        let resource = &entry["resource"];
        let among = |list: &str, one: &str| list.split(',').any(|known| known == one);
        entry["search"]["mode"] == "include"
            || (ids.is_none_or(|ids| resource["id"].as_str().is_some_and(|id| among(ids, id)))
                && dialogs
                    .is_none_or(|all| resource["partOf"][0]["reference"].as_str().is_some_and(|one| among(all, one))))
    };
    if let Some(entries) = bundle["entry"].as_array_mut() {
        entries.retain(wanted);
    }
    bundle
}

/// A vendor that is as `told.json` says.
pub(crate) fn vendor() -> Host {
    let (host, told) = (host(), told());
    host.upstream("fhir", move |request: &Request| answer(&told, request));
    host
}

/// A vendor that is as `told.json` says, but for some requests.
pub(crate) fn vendor_but(but: impl Fn(&Request) -> Option<Reply> + 'static) -> Host {
    let (host, told) = (host(), told());
    host.upstream("fhir", move |request: &Request| but(request).unwrap_or_else(|| answer(&told, request)));
    host
}

/// Whether a request hands something over, and is no search.
pub(crate) fn writes(request: &Request) -> bool {
    request.method != Method::Get && !request.path.ends_with("/_search")
}

pub(crate) fn message(number: u32, text: &str, attachments: Vec<Attachment>) -> Message {
    Message { id: format!("019a0000-0000-7000-8000-{number:012}"), subject: None, text: text.into(), attachments }
}

/// An OperationOutcome with a code of the vendor's.
pub(crate) fn outcome(code: &str, expression: Option<&str>) -> Value {
    json!({ "resourceType": "OperationOutcome", "issue": [{
        "severity": "error",
        "code": "processing",
        "details": { "coding": [{ "system": "https://fhir.pasientsky.example/CodeSystem/refusal", "code": code }] },
        "diagnostics": format!("internal {SSN}"),
        "expression": expression.map(|one| vec![one]).unwrap_or_default(),
    }] })
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

/// The last request, which must be of the name.
pub(crate) fn last(host: &Host) -> Request {
    host.requests().pop().unwrap()
}

/// Compares a request with its golden file, which the simulated vendor's tests send to the vendor.
/// `UPDATE_GOLDEN=1` writes it anew.
pub(crate) fn golden(name: &str, request: &Request) {
    for (_, value) in &request.headers {
        assert!(!value.contains(SSN) && !value.contains(OTHER), "{name}: a number in a header");
    }
    assert!(!request.path.contains(SSN) && request.query.iter().all(|(_, value)| !value.contains(SSN)), "{name}");
    let body = match request.header("content-type") {
        None => Value::Null,
        Some("application/x-www-form-urlencoded") => json!(request.text()),
        Some(_) => request.json(),
    };
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let written = json!({
        "method": format!("{:?}", request.method).rsplit("::").next().unwrap().to_ascii_uppercase(),
        "path": request.path,
        "query": request.query,
        "headers": headers,
        "body": body,
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&written).unwrap());
    let file = folder("tests/golden").join(format!("{name}.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{name}");
}
