//! The vendor, as a strict plugin and a careless one see it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing unwrap fails the test, which is what it is for")]

mod cases;
mod feed;
mod plugin;
mod rooms;
mod trouble;

use super::{Config, HelseresponsSim};
use crate::sim::world::LEILA;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The clinic of [`LEILA`].
const CLINIC: &str = "lilletorget";
/// A Friday.
const START: &str = "2026-11-20T09:00:00Z";
/// A local time with its offset, on the Monday after.
const MONDAY: &str = "2026-11-23T08:15:00+01:00";
/// The id of the opening at that time.
const OPENING: &str = "OP-9123458-20261123-0815";

async fn sim() -> HelseresponsSim {
    HelseresponsSim::start(Config { start: START.parse().unwrap(), ..Config::default() }).await.unwrap()
}

async fn call(sim: &HelseresponsSim, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request =
        client.request(method, format!("{}{path}", sim.base_url())).header("x-api-key", "helserespons-key");
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or(Value::Null))
}

async fn post(sim: &HelseresponsSim, path: &str, body: &Value) -> (StatusCode, Value) {
    call(sim, Method::POST, path, Some(body)).await
}

async fn get(sim: &HelseresponsSim, path: &str) -> (StatusCode, Value) {
    call(sim, Method::GET, path, None).await
}

fn patient() -> Value {
    json!({ "ssn": LEILA.national_id, "firstName": LEILA.given_name, "lastName": LEILA.family_name })
}

fn question(request_id: &str) -> Value {
    json!({
        "requestId": request_id,
        "portalRef": "019a0000-0000-7000-8000-0000000000d1",
        "type": "QUESTION",
        "patient": patient(),
        "entryId": "019a0000-0000-7000-8000-0000000000e1",
        "body": "Har dere åpent i julen?",
        "files": [],
    })
}

fn renewal(request_id: &str) -> Value {
    let mut case = question(request_id);
    case["type"] = json!("RENEWAL");
    case["lines"] = json!([
        { "ref": "M-TORG-1", "name": "Metoprolol 50 mg" },
        { "ref": "M-TORG-2", "name": "Atorvastatin 20 mg" },
    ]);
    case
}

fn by_video(request_id: &str) -> Value {
    let mut case = question(request_id);
    case["type"] = json!("ECONSULT");
    case["mode"] = json!("VIDEO");
    case
}

fn booking(request_id: &str) -> Value {
    json!({ "requestId": request_id, "opening": OPENING, "begins": MONDAY, "patient": patient() })
}

async fn open(sim: &HelseresponsSim, case: &Value) -> String {
    let (status, body) = post(sim, "/v2/clinics/lilletorget/cases", case).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body["caseNo"].as_str().unwrap().to_owned()
}
