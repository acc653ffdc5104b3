//! The plugin and the vendor agree: what the plugin writes (its golden files) is taken in here without a violation, and
//! what the vendor tells is what the plugin's own tests read.

use super::{CLINIC, OPENING, START, by_video, call, open, question, renewal, sim};
use crate::sim::helserespons::{
    Answer, BookingAct, CaseType, Charge, Damage, Decision, HelseresponsSim, LabReport, Opening, Outcome, PayOutcome,
    RoomAct,
};
use crate::sim::world::LEILA;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../plugins/helserespons/tests/golden").join(name)
}

async fn send(sim: &HelseresponsSim, name: &str) -> Value {
    let text = std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap();
    let request: Value = serde_json::from_str(&text).unwrap();
    let query: Vec<(String, String)> = serde_json::from_value(request["query"].clone()).unwrap();
    let path = request["path"].as_str().unwrap();
    let url = reqwest::Url::parse_with_params(&format!("http://x{path}"), &query).unwrap();
    let path = url.query().filter(|query| !query.is_empty()).map_or(path.to_owned(), |query| format!("{path}?{query}"));
    let method: Method = request["method"].as_str().unwrap().parse().unwrap();
    let (status, body) = call(sim, method, &path, Some(&request["body"]).filter(|body| !body.is_null())).await;
    assert!(status.is_success(), "{name}: {status} {body}");
    assert_eq!(sim.violations(), [], "{name}");
    body
}

#[tokio::test]
async fn every_request_of_the_plugin_is_taken_in_without_a_violation() {
    let sim = sim().await;
    // In this order: numbers are given from H-100001 and B-100001 on, and requests name them.
    let openings = send(&sim, "openings").await;
    assert!(openings["openings"].as_array().unwrap().iter().any(|opening| opening["id"] == OPENING));
    assert_eq!(send(&sim, "booking").await["bookingNo"], "B-100001");
    assert_eq!(send(&sim, "bookings-search").await["bookings"].as_array().unwrap().len(), 1);
    assert_eq!(send(&sim, "medications-search").await["medications"].as_array().unwrap().len(), 4);
    for (name, told) in [("digital", &[true][..]), ("digital-not", &[true, false])] {
        send(&sim, name).await;
        assert_eq!(sim.digital(LEILA.national_id), told);
    }
    send(&sim, "case-move-wish").await;
    send(&sim, "case-cancel-wish").await;
    assert_eq!(send(&sim, "booking-move").await["begins"], "2026-11-24T09:00:00+01:00");
    assert_eq!(send(&sim, "booking-cancel").await["state"], "CANCELLED");
    for case in ["case-question", "case-renewal", "case-certificate", "case-booking-wish", "case-consultation"] {
        send(&sim, case).await;
    }
    assert!(send(&sim, "case-on-behalf").await["caseNo"].is_string());
    let consultation = sim.wait_for_case(|case| case.kind == CaseType::Econsult).await.unwrap();
    assert_eq!(consultation.entries[0].files[0].1.name, "utslett \"arm\".png");
    assert_eq!(sim.cases().len(), 8);
}

#[tokio::test]
async fn what_is_owed_is_found_and_paid_as_the_plugin_asks_for_it() {
    let sim = sim().await;
    let case = open(&sim, &question("r1")).await;
    assert_eq!(send(&sim, "fees-search").await, json!({ "fees": [] }));
    sim.charge(&case, &[charge("2ae", 17_900)]).unwrap();
    let owed = send(&sim, "fees-search").await;
    assert_eq!((&owed["fees"][0]["ore"], &owed["fees"][0]["caseNo"]), (&json!(17_900), &json!(case)));
    // The golden file names another number.
    let text = std::fs::read_to_string(golden("fee-pay.json")).unwrap();
    let mut body: Value = serde_json::from_str::<Value>(&text).unwrap()["body"].take();
    let path = format!("/v2/fees/{}/pay", owed["fees"][0]["feeNo"].as_str().unwrap());
    let (status, begun) = super::post(&sim, &path, &body).await;
    assert!(status.is_success(), "{begun}");
    assert_eq!(super::post(&sim, &path, &body).await.1, begun, "the same request, the same payment");
    body["requestId"] = json!("another");
    assert_eq!(super::post(&sim, &path, &body).await.1["code"], "FEE_OPEN");
    sim.end_payment(begun["payNo"].as_str().unwrap(), PayOutcome::Failed).unwrap();
    let again = super::post(&sim, &path, &body).await.1;
    sim.end_payment(again["payNo"].as_str().unwrap(), PayOutcome::Paid).unwrap();
    body["requestId"] = json!("third");
    assert_eq!(super::post(&sim, &path, &body).await.1["code"], "FEE_PAID");
    assert_eq!(send(&sim, "fees-search").await, json!({ "fees": [] }));
    assert_eq!(sim.violations(), []);
}

fn charge(tariff: &str, ore: u64) -> Charge {
    Charge { tariff: tariff.to_owned(), ore, hpr: Some(9_123_458) }
}

#[tokio::test]
async fn an_entry_and_a_withdrawal_of_the_plugins_are_taken_in() {
    let sim = sim().await;
    // The golden files name H-100001, and an entry's number is taken before the case's.
    let no = open(&sim, &question("r1")).await;
    for (name, path) in [("entry", "entries"), ("case-withdraw", "cancel")] {
        let text = std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap();
        let request: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(request["path"], format!("/v2/cases/H-100001/{path}"));
        let (status, body) = super::post(&sim, &format!("/v2/cases/{no}/{path}"), &request["body"]).await;
        assert!(status.is_success(), "{name}: {body}");
    }
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn the_way_into_a_room_and_out_of_it_is_asked_for_as_the_vendor_wants() {
    let sim = sim().await;
    let no = open(&sim, &by_video("r1")).await;
    sim.meet(&no, &RoomAct::Open).unwrap();
    for (name, door) in [("room-enter", "enter"), ("room-enter-on-behalf", "enter"), ("room-leave", "leave")] {
        let text = std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap();
        let request: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(request["path"], format!("/v2/cases/H-100001/room/{door}"));
        let (status, body) = super::post(&sim, &format!("/v2/cases/{no}/room/{door}"), &request["body"]).await;
        assert!(status.is_success() && body["caseNo"] == no, "{name}: {body}");
    }
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn consults_of_the_plugins_are_opened_gone_on_with_and_ended() {
    for (opening, steps) in [
        ("consult", &[("consult-entry", "entries"), ("consult-patient", "entries"), ("consult-end", "end")][..]),
        ("consult-about-nobody", &[("consult-entry", "entries"), ("consult-end", "end")]),
    ] {
        let sim = sim().await;
        let no = send(&sim, opening).await["consultNo"].as_str().unwrap().to_owned();
        for (name, path) in steps {
            let text = std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap();
            let request: Value = serde_json::from_str(&text).unwrap();
            // The golden files name the first consult of a vendor that has seen nothing else.
            assert_eq!(request["path"], format!("/v2/consults/K-100001/{path}"));
            let (status, body) = super::post(&sim, &format!("/v2/consults/{no}/{path}"), &request["body"]).await;
            assert!(status.is_success() && body["consultNo"] == no, "{opening}, {name}: {body}");
        }
        assert_eq!(sim.violations(), []);
    }
}

fn written(text: &str) -> Opening {
    Opening {
        kind: CaseType::Question,
        one_way: false,
        heading: Some("Hei".into()),
        text: text.into(),
        files: Vec::new(),
    }
}

#[tokio::test]
async fn every_kind_of_change_is_as_the_plugins_tests_read_it() {
    let sim = sim().await;
    let case = open(&sim, &question("r1")).await;
    sim.answer(&case, &Answer::Reject { code: "E21".into(), text: "Ukjent pasient.".into(), retry: false }).unwrap();
    sim.answer(&case, &Answer::Reply { text: "Ja. Når?".into(), files: Vec::new() }).unwrap();
    sim.answer(&case, &Answer::Redirect { to: CaseType::Econsult, text: "Send en e-konsultasjon.".into() }).unwrap();
    let no = open(&sim, &renewal("r2")).await;
    let decisions = vec![Decision {
        line: "M-TORG-2".into(),
        outcome: Outcome::ControlNeeded,
        comment: Some("Ta blodprøve.".into()),
    }];
    sim.answer(&no, &Answer::Renewal { decisions, text: Some("Hentes på apoteket.".into()) }).unwrap();
    let mut attest = question("r3");
    attest["type"] = json!("CERTIFICATE");
    attest["purpose"] = json!("Forerkort");
    let no = open(&sim, &attest).await;
    sim.answer(&no, &Answer::Certificate { text: "Se vedlegget.".into() }).unwrap();
    let mut wish = question("r4");
    wish["type"] = json!("BOOKING_WISH");
    let no = open(&sim, &wish).await;
    let begins = "2026-11-25T14:30:00".parse().unwrap();
    sim.answer(&no, &Answer::Arrange { begins, text: Some("Velkommen.".into()) }).unwrap();
    sim.open(CLINIC, LEILA.national_id, &written("Kan du komme til kontroll?")).unwrap();
    sim.open(CLINIC, LEILA.national_id, &Opening { one_way: true, ..written("Vi har flyttet.") }).unwrap();
    let booking = sim.bookings(CLINIC, LEILA.national_id).unwrap().remove(0).booking_no;
    let begins = "2026-11-26T10:45:00".parse().unwrap();
    sim.act(CLINIC, &BookingAct::Move { booking_no: booking.clone(), begins }, None).unwrap();
    sim.act(CLINIC, &BookingAct::Remind { booking_no: booking.clone() }, None).unwrap();
    sim.act(CLINIC, &BookingAct::Cancel { booking_no: booking }, Some("Legen er syk.")).unwrap();
    let report = LabReport {
        heading: "Prøvesvar".into(),
        text: "Langtidsblodsukkeret er for høyt.".into(),
        findings: vec![
            json!({ "analysis": "HbA1c", "npu": "NPU27300", "answer": "58", "unit": "mmol/mol", "normal": "20–42",
                "flag": "HIGH", "sampledAt": "2026-11-18T07:40:00Z", "remark": "Tas på nytt om tre måneder." }),
            json!({ "analysis": "Strep A", "answer": "Negativ", "flag": "OK", "sampledAt": "2026-11-18T07:45:00Z" }),
        ],
    };
    sim.report(CLINIC, LEILA.national_id, &report).unwrap();
    for damage in [Damage::Garbage, Damage::Truncated, Damage::WrongType, Damage::UnknownKind] {
        sim.damage_next(damage);
        sim.open(CLINIC, LEILA.national_id, &written("Borte.")).unwrap();
    }
    sim.charge(&case, &[charge("2ae", 17_900), charge("2dd", 12_000)]).unwrap();
    let (_, owed) =
        super::post(&sim, "/v2/clinics/lilletorget/fees/search", &json!({ "ssn": LEILA.national_id })).await;
    let path = format!("/v2/fees/{}/pay", owed["fees"][0]["feeNo"].as_str().unwrap());
    let wanted = json!({ "requestId": "r9", "ssn": LEILA.national_id, "returnUrl": "https://portal.example/" });
    let (_, begun) = super::post(&sim, &path, &wanted).await;
    sim.end_payment(begun["payNo"].as_str().unwrap(), PayOutcome::Paid).unwrap();
    let booking = sim.bookings(CLINIC, LEILA.national_id).unwrap().remove(0).booking_no;
    sim.text_about(CLINIC, &booking).unwrap();
    let case = open(&sim, &by_video("r10")).await;
    let tolk = RoomAct::Bring { guest: "Tolk".into() };
    for act in [RoomAct::Open, tolk, RoomAct::Join, RoomAct::End] {
        sim.meet(&case, &act).unwrap();
    }
    assert_eq!(sim.texts_to(LEILA.national_id), 1);
    let mut changes: Vec<Value> = sim.changes().into_iter().map(|change| change.body).collect();
    changes.iter_mut().for_each(still);
    let text = format!("{}\n", serde_json::to_string_pretty(&json!({ "changes": changes })).unwrap());
    let file = golden("changes.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default());
}

/// Every moment becomes the same one.
fn still(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "at" || name == "paidAt" || name == "sentAt" {
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
