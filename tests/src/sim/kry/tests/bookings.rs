//! Times and bookings, in pages.

use super::{BOOKINGS, MONDAY, SLOT, booking, code, draft, get, patient, post, send, sim};
use crate::sim::kry::{BookingAct, Channel};
use crate::sim::world::LEILA;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const TIMES: &str = "/v1/timeslots?filter[unit]=kry-norge&filter[from]=2026-11-21T00:00:00Z\
    &filter[until]=2026-12-12T00:00:00Z&include=practitioner";

#[tokio::test]
async fn times_come_in_pages_that_link_onwards_until_the_last() {
    let sim = sim().await;
    let mut path = format!("{TIMES}&filter[channel]=phone&page[size]=30");
    let (mut seen, mut pages) = (Vec::new(), 0);
    while pages < 10 {
        let (status, body) = get(&sim, &path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        seen.extend(body["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        assert_eq!(body["included"].as_array().unwrap().len(), 2, "each doctor once");
        pages += 1;
        let Some(next) = body.pointer("/links/next").and_then(Value::as_str) else { break };
        path = next.to_owned();
    }
    assert_eq!((pages, seen.len()), (3, 84));
    seen.dedup();
    assert_eq!(seen.len(), 84);
    assert!(seen.iter().all(|id| id.ends_with("phone")));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn endless_pages_always_link_onwards() {
    let sim = sim().await;
    sim.switch(|on| on.endless = true);
    let (mut path, mut links) = (format!("{TIMES}&page[size]=100"), Vec::new());
    for _ in 0..8 {
        let (_, body) = get(&sim, &path).await;
        path = body.pointer("/links/next").and_then(Value::as_str).unwrap().to_owned();
        assert!(!links.contains(&path), "each to another page");
        links.push(path.clone());
    }
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_time_is_booked_once_moved_and_cancelled() {
    let sim = sim().await;
    let patient = patient(&sim).await;
    let wanted = booking(&patient, SLOT, MONDAY);
    let (status, made) = post(&sim, "/v1/bookings", "k1", &wanted).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(post(&sim, "/v1/bookings", "k1", &wanted).await.1, made, "the same key, the same booking");
    let (status, body) = post(&sim, "/v1/bookings", "k2", &wanted).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "slot-taken"));
    let id = made["data"]["id"].as_str().unwrap();
    let path = format!("/v1/bookings/{id}");
    let other = "ts-9123490-20261124-1230-phone";
    let moved = |start: &str| {
        let related = [("patient", "patients", patient.as_str()), ("timeslot", "timeslots", other)];
        let mut draft = draft("bookings", &json!({ "start": start }), &related);
        draft["data"]["id"] = json!(id);
        draft
    };
    let (status, body) = send(&sim, Method::PATCH, &path, "k3", &moved("2026-11-24T12:00:00Z")).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "slot-changed"));
    let (status, body) = send(&sim, Method::PATCH, &path, "k4", &moved("2026-11-24T11:30:00Z")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body.pointer("/data/attributes/channel"), Some(&json!("phone")));
    assert!(sim.timeslots().iter().any(|slot| slot.id == SLOT && !slot.taken), "the old time is free");
    let (_, list) = get(&sim, BOOKINGS).await;
    assert_eq!(list.pointer("/data/0/id"), Some(&json!(id)));
    let mut cancel = draft("bookings", &json!({ "status": "cancelled" }), &[("patient", "patients", &patient)]);
    cancel["data"]["id"] = json!(id);
    let (status, body) = send(&sim, Method::PATCH, &path, "k5", &cancel).await;
    assert_eq!((status, &body["data"]["attributes"]["status"]), (StatusCode::OK, &json!("cancelled")));
    let (status, body) = send(&sim, Method::PATCH, &path, "k6", &cancel).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "booking-cancelled"));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn what_a_clinician_does_with_a_booking_is_told_as_it_was_then() {
    let sim = sim().await;
    let patient = patient(&sim).await;
    post(&sim, "/v1/bookings", "k1", &booking(&patient, SLOT, MONDAY)).await;
    let id = sim.bookings(LEILA.national_id)[0].id.clone();
    sim.act(&BookingAct::Move { id: id.clone(), begins: "2026-11-25T10:00:00".parse().unwrap() }, None).unwrap();
    sim.act(&BookingAct::Cancel { id: id.clone() }, Some("Legen er syk.")).unwrap();
    let told: Vec<Value> = sim.events().iter().map(|event| event.resource["attributes"]["booking"].clone()).collect();
    assert_eq!((&told[0]["status"], &told[1]["status"]), (&json!("confirmed"), &json!("cancelled")));
    assert_eq!(told[0]["start"], "2026-11-25T09:00:00Z");
    assert_eq!(sim.bookings(LEILA.national_id)[0].slot.channel, Channel::Video);
    sim.switch(|on| on.late = true);
    assert!(sim.act(&BookingAct::Remind { id: "bok-7".into() }, None).is_err());
}

#[tokio::test]
async fn it_is_too_late_when_the_vendor_says_so() {
    let sim = sim().await;
    let patient = patient(&sim).await;
    let (_, made) = post(&sim, "/v1/bookings", "k1", &booking(&patient, SLOT, MONDAY)).await;
    sim.switch(|on| on.late = true);
    let id = made["data"]["id"].as_str().unwrap();
    let mut cancel = draft("bookings", &json!({ "status": "cancelled" }), &[("patient", "patients", &patient)]);
    cancel["data"]["id"] = json!(id);
    let (status, body) = send(&sim, Method::PATCH, &format!("/v1/bookings/{id}"), "k2", &cancel).await;
    assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "too-late"));
}
