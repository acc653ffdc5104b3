//! The plugin and the vendor agree: what the plugin writes (its golden files) is taken in here without a violation, and
//! what the vendor tells is what the plugin's own tests read.

use super::{
    MONDAY, SLOT, START, TOKEN, answered, booking, client, draft, open, patient, post, sim, visit as visit_draft,
};
use crate::sim::helserespons::PayOutcome;
use crate::sim::kry::{Answer, BookingAct, Damage, File, KrySim, MeetingAct, Opening};
use crate::sim::world::LEILA;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../plugins/kry/tests/golden").join(name)
}

/// Sends a request of the plugin's, in which `known` ids stand in the place of those that its tests made up.
async fn send(sim: &KrySim, name: &str, known: &[(&str, &str)]) -> Value {
    let mut text = std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap();
    for (theirs, ours) in known {
        text = text.replace(theirs, ours);
    }
    let request: Value = serde_json::from_str(&text).unwrap();
    let query: Vec<(String, String)> = serde_json::from_value(request["query"].clone()).unwrap();
    let headers: Vec<(String, String)> = serde_json::from_value(request["headers"].clone()).unwrap();
    let method: Method = request["method"].as_str().unwrap().parse().unwrap();
    let url = format!("{}{}", sim.base_url(), request["path"].as_str().unwrap());
    let mut sent = client().request(method, url).query(&query).bearer_auth(TOKEN);
    for (name, value) in headers {
        sent = sent.header(name, value);
    }
    if !request["body"].is_null() {
        sent = sent.body(request["body"].to_string());
    }
    let (status, body) = answered(sent).await;
    assert!(status.is_success(), "{name}: {status} {body}");
    assert_eq!(sim.violations(), [], "{name}");
    body
}

#[tokio::test]
async fn every_request_of_the_plugin_is_taken_in_without_a_violation() {
    let sim = sim().await;
    assert_eq!(send(&sim, "patient", &[]).await["data"]["id"], "pat-100001");
    let times = send(&sim, "timeslots", &[]).await;
    assert!(times["data"].as_array().unwrap().iter().any(|time| time["id"] == SLOT));
    assert_eq!(send(&sim, "unit", &[]).await["included"].as_array().unwrap().len(), 2);
    assert_eq!(send(&sim, "triage-forms", &[]).await["data"].as_array().unwrap().len(), 1);

    let made = send(&sim, "booking", &[]).await;
    let booking = [("bok-1", made["data"]["id"].as_str().unwrap())];
    assert_eq!(send(&sim, "bookings", &[]).await["data"].as_array().unwrap().len(), 1);
    let moved = send(&sim, "booking-move", &booking).await;
    assert_eq!(moved["data"]["attributes"]["start"], "2026-11-24T09:00:00Z");
    assert_eq!(send(&sim, "booking-cancel", &booking).await["data"]["attributes"]["status"], "cancelled");

    for name in ["visit-text", "visit-image", "visit-on-behalf", "visit-video"] {
        send(&sim, name, &[]).await;
    }
    let visits = sim.visits();
    assert_eq!(visits[1].messages[0].files[0].1.name, "utslett \"arm\".png");
    assert!(visits[2].represented);
    let visit = [("vis-1", visits[0].id.as_str())];
    sim.answer(&visits[0].id, &Answer::Reply { text: "Hvor lenge?".into(), files: Vec::new() }).unwrap();
    send(&sim, "message", &visit).await;
    send(&sim, "visit-withdraw", &visit).await;
    let by_video = [("vis-1", visits[3].id.as_str())];
    sim.meet(&visits[3].id, &MeetingAct::Open).unwrap();
    assert_eq!(send(&sim, "meeting-access", &by_video).await["data"]["attributes"]["state"], "waiting");
    let meeting = |sim: &KrySim| sim.visits()[3].meeting.clone().unwrap();
    assert!(meeting(&sim).patient_in);
    send(&sim, "meeting-exit", &by_video).await;
    assert!(!meeting(&sim).patient_in);

    sim.answer(&visits[1].id, &Answer::Finish { text: "God bedring.".into(), specialist: false }).unwrap();
    assert_eq!(send(&sim, "invoices", &[]).await["data"].as_array().unwrap().len(), 1);
    send(&sim, "payment", &[("inv-1", &sim.invoices()[0].id)]).await;
    assert_eq!(sim.payments()[0].return_url, "https://portal.example/paid");

    assert_eq!(send(&sim, "events-page", &[]).await["data"].as_array().unwrap().len(), sim.events().len());
    send(&sim, "refusal", &[]).await;
    assert_eq!(sim.refused().get(&2).unwrap(), "unknown-visit");
}

fn written(text: &str) -> Opening {
    Opening { one_way: false, subject: Some("Hei".into()), text: text.into(), files: Vec::new() }
}

#[tokio::test]
async fn every_kind_of_event_is_as_the_plugins_tests_read_it() {
    let sim = sim().await;
    let visit = open(&sim, "k1").await;
    sim.answer(&visit, &Answer::Reject { code: "E21".into(), text: "Ukjent pasient.".into(), retry: false }).unwrap();
    let file = File {
        name: "Henvisning.pdf".into(),
        media_type: "application/pdf".into(),
        content: b"%PDF-1.4 henvisning".to_vec(),
    };
    sim.answer(&visit, &Answer::Reply { text: "Ja. Hvor lenge?".into(), files: vec![file] }).unwrap();
    sim.answer(&visit, &Answer::Redirect { text: "Bestill en time.".into() }).unwrap();
    let visit = open(&sim, "k2").await;
    let begins = "2026-11-25T14:00:00".parse().unwrap();
    sim.answer(&visit, &Answer::Arrange { begins, text: Some("Velkommen.".into()) }).unwrap();
    sim.open(LEILA.national_id, &written("Hvordan går det?")).unwrap();
    sim.open(LEILA.national_id, &Opening { one_way: true, ..written("Vi har nye åpningstider.") }).unwrap();
    let patient = patient(&sim).await;
    post(&sim, "/v1/bookings", "k3", &booking(&patient, SLOT, MONDAY)).await;
    let id = sim.bookings(LEILA.national_id)[1].id.clone();
    let begins = "2026-11-26T10:00:00".parse().unwrap();
    sim.act(&BookingAct::Move { id: id.clone(), begins }, None).unwrap();
    sim.act(&BookingAct::Remind { id: id.clone() }, None).unwrap();
    sim.act(&BookingAct::Cancel { id }, Some("Legen er syk.")).unwrap();
    for damage in [Damage::Garbage, Damage::Truncated, Damage::WrongType, Damage::UnknownKind, Damage::NotIncluded] {
        sim.damage_next(damage);
        sim.open(LEILA.national_id, &written("Borte.")).unwrap();
    }
    let mut by_video = visit_draft(&patient);
    by_video["data"]["attributes"]["mode"] = json!("video");
    let (_, made) = post(&sim, "/v1/visits", "k4", &by_video).await;
    let visit = made["data"]["id"].as_str().unwrap().to_owned();
    let tolk = MeetingAct::Bring { participant: "Tolk".into() };
    for act in [MeetingAct::Open, tolk, MeetingAct::Join, MeetingAct::End] {
        sim.meet(&visit, &act).unwrap();
    }
    for outcome in [PayOutcome::Paid, PayOutcome::Failed, PayOutcome::Expired, PayOutcome::Refunded] {
        sim.owe(LEILA.national_id, 18_400).unwrap();
        let owed = sim.invoices().pop().unwrap().id;
        let related = [("patient", "patients", patient.as_str()), ("invoice", "invoices", owed.as_str())];
        let begins = draft("payments", &json!({ "returnUrl": "https://portal.example/paid" }), &related);
        post(&sim, "/v1/payments", &owed, &begins).await;
        sim.end_payment(&sim.payments().pop().unwrap().id, outcome).unwrap();
    }
    let events = sim.events();
    let mut data: Vec<Value> = events.iter().map(|event| event.resource.clone()).collect();
    let mut included: Vec<Value> = Vec::new();
    for one in events.into_iter().flat_map(|event| event.included) {
        if !included.iter().any(|known| known["type"] == one["type"] && known["id"] == one["id"]) {
            included.push(one);
        }
    }
    data.iter_mut().chain(&mut included).for_each(still);
    let text = format!("{}\n", serde_json::to_string_pretty(&json!({ "data": data, "included": included })).unwrap());
    let file = golden("events.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default());
    assert_eq!(sim.violations(), []);
}

/// Every moment at which something was written becomes the same one.
fn still(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if matches!(name.as_str(), "occurredAt" | "sentAt" | "paidAt") && member.is_string() {
                    *member = json!(START);
                } else {
                    still(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(still),
        _ => {}
    }
}
