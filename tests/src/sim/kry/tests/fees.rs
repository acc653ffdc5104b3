//! Invoices and payments.

use super::{code, draft, get, open, patient, post, sim};
use crate::sim::helserespons::PayOutcome;
use crate::sim::kry::Answer;
use reqwest::StatusCode;
use serde_json::{Value, json};

const OWED: &str = "/v1/invoices?filter[unit]=kry-norge&filter[patient]=pat-100001&filter[status]=open&sort=issuedAt\
    &page[size]=100";

fn payment(invoice: &str, url: &str) -> Value {
    let related = [("patient", "patients", "pat-100001"), ("invoice", "invoices", invoice)];
    draft("payments", &json!({ "returnUrl": url }), &related)
}

#[tokio::test]
async fn a_completed_visit_is_billed_and_paid_once() {
    let sim = sim().await;
    let id = open(&sim, "k1").await;
    sim.answer(&id, &Answer::Finish { text: "God bedring.".into(), specialist: true }).unwrap();
    let (status, owed) = get(&sim, OWED).await;
    assert_eq!(status, StatusCode::OK, "{owed}");
    let invoice = &owed["data"][0];
    assert_eq!(invoice["attributes"]["tariffs"], json!(["2ae", "2dd"]));
    assert_eq!(invoice.pointer("/relationships/visit/data/id"), Some(&json!(id)));
    let invoice = invoice["id"].as_str().unwrap();
    let wanted = payment(invoice, "https://portal.example/paid");
    let (status, begun) = post(&sim, "/v1/payments", "k2", &wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{begun}");
    assert_eq!(post(&sim, "/v1/payments", "k2", &wanted).await.1, begun);
    let (status, body) = post(&sim, "/v1/payments", "k3", &wanted).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "payment-open"));
    let event = sim.end_payment(begun["data"]["id"].as_str().unwrap(), PayOutcome::Paid).unwrap();
    assert!(sim.events()[event as usize - 1].resource["attributes"]["receipt"].is_string());
    assert_eq!(get(&sim, OWED).await.1["data"], json!([]));
    let (status, body) = post(&sim, "/v1/payments", "k4", &wanted).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "invoice-paid"));
    assert_eq!(sim.payments().len(), 1);
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_payment_of_nothing_or_back_to_an_open_address_is_refused() {
    let sim = sim().await;
    patient(&sim).await;
    let (status, body) = post(&sim, "/v1/payments", "k1", &payment("inv-1", "https://portal.example/")).await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "unknown-invoice"));
    assert_eq!(sim.violations(), []);
    post(&sim, "/v1/payments", "k2", &payment("inv-1", "http://portal.example/")).await;
    assert_eq!(sim.violations().len(), 1);
}
