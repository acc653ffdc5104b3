//! The vendor, as a strict plugin and a careless one see it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing unwrap fails the test, which is what it is for")]

mod news;
mod plugin;
mod searches;
mod surveys;
mod token;
mod trouble;
mod writing;

use super::codes::{FNR, concept, naming};
use super::{Config, PasientskySim};
use crate::sim::world::LEILA;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The clinic of [`LEILA`], and who she is there.
const CLINIC: &str = "hs-8150301";
const PATIENT: &str = "Patient/p-1";
/// A Friday.
const START: &str = "2026-11-20T09:00:00Z";
/// A time on the Monday after: 08:15 in Norway.
const SLOT: &str = "slot-9123458-20261123-0815";
const MONDAY: (&str, &str) = ("2026-11-23T07:15:00Z", "2026-11-23T07:35:00Z");
const TOKEN: &str = "a-token";
/// The portal's ids of a dialog and of messages.
const DIALOG: &str = "urn:uuid:019a0000-0000-7000-8000-0000000000d1";

async fn sim() -> PasientskySim {
    let config = Config { start: START.parse().unwrap(), tokens: vec![TOKEN.into()], ..Config::default() };
    PasientskySim::start(config).await.unwrap()
}

/// A UUID of a kind and a number.
fn uuid(kind: &str, number: u32) -> String {
    format!("urn:uuid:{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{kind} {number}").as_bytes()))
}

struct Sent<'a> {
    method: Method,
    path: &'a str,
    headers: &'a [(&'a str, String)],
    body: Option<(&'a str, String)>,
}

async fn send(sim: &PasientskySim, sent: Sent<'_>) -> (StatusCode, Value, Option<String>) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client
        .request(sent.method, format!("{}{}", sim.base_url(), sent.path))
        .bearer_auth(TOKEN)
        .header("accept", "application/fhir+json");
    for (name, value) in sent.headers {
        request = request.header(*name, value);
    }
    if let Some((media_type, body)) = sent.body {
        request = request.header("content-type", media_type).body(body);
    }
    let answer = request.send().await.unwrap();
    let (status, etag) = (answer.status(), answer.headers().get("etag").map(|etag| etag.to_str().unwrap().to_owned()));
    (status, answer.json().await.unwrap_or(Value::Null), etag)
}

async fn get(sim: &PasientskySim, path: &str) -> (StatusCode, Value) {
    let (status, body, _) = send(sim, Sent { method: Method::GET, path, headers: &[], body: None }).await;
    (status, body)
}

async fn search(sim: &PasientskySim, kind: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let (path, body) = (format!("/{kind}/_search"), Some(("application/x-www-form-urlencoded", form)));
    let (status, body, _) = send(sim, Sent { method: Method::POST, path: &path, headers: &[], body }).await;
    (status, body)
}

async fn post(sim: &PasientskySim, path: &str, headers: &[(&str, String)], body: &Value) -> (StatusCode, Value) {
    let body = Some(("application/fhir+json", body.to_string()));
    let (status, body, _) = send(sim, Sent { method: Method::POST, path, headers, body }).await;
    (status, body)
}

async fn put(sim: &PasientskySim, path: &str, etag: &str, body: &Value) -> (StatusCode, Value) {
    let body = Some(("application/fhir+json", body.to_string()));
    let headers = [("if-match", etag.to_owned())];
    let (status, body, _) = send(sim, Sent { method: Method::PUT, path, headers: &headers, body }).await;
    (status, body)
}

/// The vendor's code of a refusal.
fn code(outcome: &Value) -> &str {
    outcome.pointer("/issue/0/details/coding/0/code").and_then(Value::as_str).unwrap_or_default()
}

fn if_none_exist(resource: &Value) -> String {
    let text = |name: &str| resource["identifier"][0][name].as_str().unwrap().to_owned();
    format!("identifier={}|{}", text("system"), text("value"))
}

fn task(number: u32, service: &str) -> Value {
    json!({
        "resourceType": "Task",
        "identifier": [
            { "system": naming("request"), "value": uuid("request", number) },
            { "system": naming("portal-dialog"), "value": DIALOG },
        ],
        "status": "requested",
        "intent": "proposal",
        "code": concept("service", service),
        "for": { "reference": PATIENT },
        "requester": { "reference": PATIENT },
        "owner": { "reference": format!("HealthcareService/{CLINIC}") },
        "authoredOn": START,
    })
}

fn message(number: u32, service: &str, part_of: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "identifier": [{ "system": naming("portal-message"), "value": uuid("message", number) }],
        "partOf": [{ "reference": part_of }],
        "status": "in-progress",
        "category": [concept("service", service)],
        "subject": { "reference": PATIENT },
        "recipient": [{ "reference": format!("HealthcareService/{CLINIC}") }],
        "sender": { "reference": PATIENT },
        "sent": START,
        "payload": [{ "contentString": "Har dere åpent i julen?" }],
    })
}

fn transaction(resources: &[&Value]) -> Value {
    let entries: Vec<Value> = resources
        .iter()
        .map(|resource| {
            json!({
                "fullUrl": uuid("entry", 1),
                "request": { "method": "POST", "url": resource["resourceType"], "ifNoneExist": if_none_exist(resource) },
                "resource": resource,
            })
        })
        .collect();
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

fn question(number: u32) -> Value {
    transaction(&[&task(number, "inquiry"), &message(number, "inquiry", &uuid("entry", 1))])
}

fn renewal(number: u32) -> Value {
    let mut task = task(number, "renewal");
    let wanted = |at: u32, medicine: &str| {
        json!({
            "resourceType": "MedicationRequest",
            "id": format!("item-{at}"),
            "identifier": [{ "system": naming("portal-item"), "value": format!("MedicationRequest/mr-p-1-{at}") }],
            "status": "draft",
            "intent": "proposal",
            "medicationCodeableConcept": { "text": medicine },
            "subject": { "reference": PATIENT },
            "priorPrescription": { "reference": format!("MedicationRequest/mr-p-1-{at}") },
        })
    };
    task["contained"] = json!([wanted(1, "Metoprolol 50 mg"), wanted(2, "Atorvastatin 20 mg")]);
    let input = |at: u32| json!({ "type": concept("task-part", "renew"), "valueReference": { "reference": format!("#item-{at}") } });
    task["input"] = json!([input(1), input(2)]);
    transaction(&[&task])
}

fn booking(number: u32) -> Value {
    json!({
        "resourceType": "Appointment",
        "identifier": [{ "system": naming("request"), "value": uuid("booking", number) }],
        "status": "booked",
        "slot": [{ "reference": format!("Slot/{SLOT}") }],
        "start": MONDAY.0,
        "end": MONDAY.1,
        "participant": [
            { "actor": { "reference": PATIENT }, "status": "accepted" },
            { "actor": { "reference": format!("HealthcareService/{CLINIC}") }, "status": "accepted" },
        ],
    })
}

async fn book(sim: &PasientskySim, appointment: &Value) -> (StatusCode, Value) {
    post(sim, "/Appointment", &[("if-none-exist", if_none_exist(appointment))], appointment).await
}

async fn write(sim: &PasientskySim, message: &Value) -> (StatusCode, Value) {
    post(sim, "/Communication", &[("if-none-exist", if_none_exist(message))], message).await
}

/// Opens a dialog; gives the Task's id.
async fn open(sim: &PasientskySim, bundle: &Value) -> String {
    let (status, body) = post(sim, "/", &[], bundle).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let location = body["entry"][0]["response"]["location"].as_str().unwrap();
    location.strip_prefix("Task/").unwrap().split('/').next().unwrap().to_owned()
}

fn person() -> String {
    format!("{FNR}|{}", LEILA.national_id)
}
