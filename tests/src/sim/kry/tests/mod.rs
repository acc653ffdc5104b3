//! The vendor, as a strict plugin and a careless one see it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing unwrap fails the test, which is what it is for")]

mod bookings;
mod feed;
mod fees;
mod plugin;
mod strict;
mod trouble;
mod visits;

use super::document::MEDIA_TYPE;
use super::{Config, KrySim};
use crate::sim::world::LEILA;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A token that the vendor takes.
const TOKEN: &str = "a token of the tests";
/// A Friday.
const START: &str = "2026-11-20T09:00:00Z";
/// Eight o'clock in Norway, on the Monday after.
const MONDAY: &str = "2026-11-23T07:00:00Z";
/// The id of the time then.
const SLOT: &str = "ts-9123482-20261123-0800-video";
/// How a list of [`LEILA`]'s bookings is asked for, when she is the first patient.
const BOOKINGS: &str = "/v1/bookings?filter[unit]=kry-norge&filter[patient]=pat-100001\
    &filter[from]=2026-11-20T09:00:00Z&include=practitioner&page[size]=100";

async fn sim() -> KrySim {
    let config = Config { start: START.parse().unwrap(), tokens: vec![TOKEN.to_owned()], ..Config::default() };
    KrySim::start(config).await.unwrap()
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn answered(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or(Value::Null))
}

async fn get(sim: &KrySim, path: &str) -> (StatusCode, Value) {
    let request = client().get(format!("{}{path}", sim.base_url())).bearer_auth(TOKEN);
    answered(request.header("accept", MEDIA_TYPE).header("accept-language", "nb")).await
}

/// Sends a document under an idempotency key.
async fn send(sim: &KrySim, method: Method, path: &str, key: &str, document: &Value) -> (StatusCode, Value) {
    let request = client().request(method, format!("{}{path}", sim.base_url())).bearer_auth(TOKEN);
    let request = request.header("accept", MEDIA_TYPE).header("content-type", MEDIA_TYPE);
    answered(request.header("idempotency-key", key).body(document.to_string())).await
}

async fn post(sim: &KrySim, path: &str, key: &str, document: &Value) -> (StatusCode, Value) {
    send(sim, Method::POST, path, key, document).await
}

fn draft(kind: &str, attributes: &Value, related: &[(&str, &str, &str)]) -> Value {
    let mut draft = json!({ "data": { "type": kind, "attributes": attributes } });
    for (name, kind, id) in related {
        draft["data"]["relationships"][*name] = json!({ "data": { "type": kind, "id": id } });
    }
    draft
}

fn person() -> Value {
    json!({ "nationalIdentityNumber": LEILA.national_id, "givenName": LEILA.given_name, "familyName": LEILA.family_name })
}

/// Takes [`LEILA`] in; gives the vendor's id.
async fn patient(sim: &KrySim) -> String {
    let (status, body) = post(sim, "/v1/patients", "none", &draft("patients", &person(), &[])).await;
    assert!(status.is_success(), "{body}");
    body["data"]["id"].as_str().unwrap().to_owned()
}

fn triage() -> Value {
    json!({ "form": "triage-consultation-4", "knownCondition": true, "durationDays": 3, "urgent": false })
}

fn visit(patient: &str) -> Value {
    let attributes = json!({
        "portalReference": "019a0000-0000-7000-8000-0000000000d1",
        "mode": "text",
        "reference": "019a0000-0000-7000-8000-0000000000e1",
        "text": "Medisinen gir meg hodepine.",
        "triage": triage(),
        "attachments": [],
    });
    draft("visits", &attributes, &[("unit", "units", "kry-norge"), ("patient", "patients", patient)])
}

/// Opens a visit under a key; gives its id.
async fn open(sim: &KrySim, key: &str) -> String {
    let patient = patient(sim).await;
    let (status, body) = post(sim, "/v1/visits", key, &visit(&patient)).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body["data"]["id"].as_str().unwrap().to_owned()
}

fn booking(patient: &str, slot: &str, start: &str) -> Value {
    let related = [("unit", "units", "kry-norge"), ("patient", "patients", patient), ("timeslot", "timeslots", slot)];
    draft("bookings", &json!({ "start": start }), &related)
}

/// The first error's code.
fn code(body: &Value) -> &str {
    body.pointer("/errors/0/code").and_then(Value::as_str).unwrap_or_default()
}
