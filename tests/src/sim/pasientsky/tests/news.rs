//! Subscriptions, and what the clinic does.

use super::{CLINIC, book, booking, get, open, question, sim};
use crate::sim::pasientsky::subscription::SECRET_HEADER;
use crate::sim::pasientsky::{
    Answer, AppointmentAct, Damage, Kind, Opening, Origin, PasientskySim, Service, SimError, Subscription,
};
use crate::sim::trouble::Availability;
use crate::sim::world::LEILA;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post as route;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

type Received = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

/// A receiver that answers the first `failing` notifications with 503.
async fn receiver(failing: usize) -> (Subscription, Received) {
    let received: Received = Arc::default();
    let take = move |State(all): State<Received>, headers: HeaderMap, body: String| async move {
        let mut all = all.lock().unwrap();
        all.push((headers, serde_json::from_str(&body).unwrap()));
        if all.len() <= failing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
    };
    let app = Router::new().route("/notifications", route(take)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/notifications", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (Subscription { endpoint, secret: "hemmelig".into() }, received)
}

fn said(text: &str, one_way: bool) -> Opening {
    Opening { service: Service::Inquiry, one_way, topic: Some("Hei".into()), text: text.into() }
}

fn focus(notification: &Value) -> &Value {
    &notification["entry"][0]["resource"]["parameter"][4]["part"][2]["valueReference"]["reference"]
}

#[tokio::test]
async fn a_change_is_notified_by_its_id_alone_until_it_is_taken() {
    let (subscription, received) = receiver(1).await;
    let sim = sim().await;
    sim.set_subscription(Some(subscription));
    sim.open(CLINIC, LEILA.national_id, &said("Vi har flyttet.", true)).unwrap();
    sim.wait_until_pushed(1).await.unwrap();
    let statuses: Vec<_> = sim.pushed().iter().map(|pushed| (pushed.number, pushed.status)).collect();
    assert_eq!(statuses, [(1, Some(503)), (1, Some(204))]);
    assert_eq!(sim.notify(&[1]).await.unwrap(), 204);
    assert!(matches!(sim.notify(&[9]).await, Err(SimError::NoSuchNotice(9))));
    let received = received.lock().unwrap();
    let (headers, body) = &received[0];
    assert_eq!(headers.get(SECRET_HEADER).unwrap(), "hemmelig");
    assert!(focus(body).as_str().unwrap().starts_with("Communication/c-"));
    let text = body.to_string();
    assert!(!text.contains("flyttet") && !text.contains(LEILA.national_id) && !text.contains("Patient"), "{text}");
    assert!(received.len() == 3 && received.iter().all(|(_, other)| other == body));
}

#[tokio::test]
async fn several_changes_are_notified_at_once_and_in_any_order() {
    let (subscription, received) = receiver(0).await;
    let sim = sim().await;
    for text in ["En.", "To."] {
        sim.open(CLINIC, LEILA.national_id, &said(text, true)).unwrap();
    }
    assert!(matches!(sim.notify(&[1]).await, Err(SimError::NoSubscription)));
    assert_eq!(sim.notify_as(&[2, 1], &subscription).await.unwrap(), 204);
    let body = received.lock().unwrap()[0].1.clone();
    assert_eq!(focus(&body), &json!(sim.notices()[1].focus));
    assert!(sim.notices().iter().all(|notice| notice.pushed));
}

#[tokio::test]
async fn what_has_waited_is_notified_when_the_vendor_is_up_again() {
    let (subscription, received) = receiver(0).await;
    let sim = sim().await;
    sim.open(CLINIC, LEILA.national_id, &said("Hei.", true)).unwrap();
    sim.trouble.set_availability(Availability::Unavailable).await.unwrap();
    sim.set_subscription(Some(subscription));
    let (status, _) = get(&sim, "/metadata").await;
    assert_eq!((status.as_u16(), received.lock().unwrap().len()), (503, 0));
    sim.trouble.set_availability(Availability::Up).await.unwrap();
    sim.wait_until_pushed(1).await.unwrap();
}

fn latest(sim: &PasientskySim, kind: Kind) -> Value {
    sim.records(kind).last().unwrap().json()
}

#[tokio::test]
async fn an_answer_that_ends_a_dialog_is_named_by_the_task() {
    let sim = sim().await;
    let id = open(&sim, &question(1)).await;
    sim.answer(&id, &Answer::Redirect { to: Service::Consultation, text: "Send en e-konsultasjon.".into() }).unwrap();
    let (task, said) = (latest(&sim, Kind::Task), latest(&sim, Kind::Communication));
    assert_eq!(
        (&task["status"], &task["output"][0]["valueReference"]["reference"]),
        (&json!("completed"), &json!(format!("Communication/{}", said["id"].as_str().unwrap())))
    );
    assert_eq!(said["sender"]["display"], "Amina Yusuf");
    assert_eq!(task["meta"]["tag"][0]["code"], Origin::Clinic.code());
    let kinds: Vec<_> = sim.notices().iter().map(|notice| notice.focus.split('/').next().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["Communication", "Communication", "Task"], "filed, said, done");
}

#[tokio::test]
async fn a_clinic_makes_moves_and_cancels_appointments() {
    let sim = sim().await;
    book(&sim, &booking(1)).await;
    assert!(sim.notices().is_empty(), "the portal made it");
    let begins = "2026-11-26T14:30:00".parse().unwrap();
    let make = AppointmentAct::Make { number: LEILA.national_id.into(), begins };
    let id = sim.act(CLINIC, &make).unwrap();
    let begins = "2026-11-26T10:45:00".parse().unwrap();
    sim.act(CLINIC, &AppointmentAct::Move { id: id.clone(), begins }).unwrap();
    assert_eq!(latest(&sim, Kind::Appointment)["start"], "2026-11-26T09:45:00Z");
    sim.act(CLINIC, &AppointmentAct::Cancel { id, text: Some("Legen er syk.".into()) }).unwrap();
    let cancelled = latest(&sim, Kind::Appointment);
    assert_eq!((&cancelled["status"], &cancelled["meta"]["versionId"]), (&json!("cancelled"), &json!("3")));
    assert_eq!((sim.notices().len(), sim.appointments(LEILA.national_id).len()), (3, 2));
}

#[tokio::test]
async fn a_damaged_resource_keeps_its_kind_id_and_version() {
    let sim = sim().await;
    for damage in [Damage::Garbage, Damage::Truncated, Damage::WrongType, Damage::UnknownCode] {
        sim.damage_next(damage);
        sim.open(CLINIC, LEILA.national_id, &said("Borte.", true)).unwrap();
        let shown = latest(&sim, Kind::Communication);
        assert!(shown["id"].is_string() && shown["meta"]["versionId"] == "1");
        assert_eq!(shown.to_string().contains("Borte"), damage == Damage::UnknownCode);
    }
    sim.open(CLINIC, LEILA.national_id, &said("Hel.", true)).unwrap();
    assert_eq!(latest(&sim, Kind::Communication)["payload"][0]["contentString"], "Hel.");
}
