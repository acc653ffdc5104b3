//! Visits: opened, written in, answered, closed.

use super::{code, draft, open, patient, post, send, sim, triage, visit};
use crate::sim::kry::{Answer, Opening, Status};
use crate::sim::world::LEILA;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn a_visit_goes_to_and_fro_until_it_is_completed() {
    let sim = sim().await;
    let id = open(&sim, "k1").await;
    sim.answer(&id, &Answer::Reply { text: "Hvor lenge?".into(), files: Vec::new() }).unwrap();
    assert_eq!(sim.visits()[0].status, Status::WithPatient);
    let attributes =
        json!({ "reference": "019a0000-0000-7000-8000-0000000000e2", "text": "Tre dager.", "attachments": [] });
    let related = [("visit", "visits", id.as_str()), ("patient", "patients", "pat-100001")];
    let (status, body) = post(&sim, "/v1/messages", "k2", &draft("messages", &attributes, &related)).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    assert_eq!(body.pointer("/data/relationships/visit/data/id"), Some(&json!(id)));
    assert_eq!(sim.visits()[0].text(), "Tre dager.");
    sim.answer(&id, &Answer::Finish { text: "God bedring.".into(), specialist: true }).unwrap();
    let (status, body) = post(&sim, "/v1/messages", "k3", &draft("messages", &attributes, &related)).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "visit-closed"));
    let kinds: Vec<_> = sim.events().iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["message.filed", "visit.message", "message.filed", "visit.message"]);
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn answers_to_the_triage_form_are_held_against_the_version_that_they_name() {
    let sim = sim().await;
    let patient = patient(&sim).await;
    let with = |answers: Option<Value>| {
        let mut visit = visit(&patient);
        let attributes = visit["data"]["attributes"].as_object_mut().unwrap();
        attributes.remove("triage");
        attributes.extend(answers.map(|answers| ("triage".to_owned(), answers)));
        visit
    };
    let changed = |name: &str, value: Value| {
        let mut answers = triage();
        answers[name] = value;
        Some(answers)
    };
    for (at, (answers, expected, pointer)) in [
        (None, "triage-required", "/data/attributes/triage"),
        (changed("form", json!("triage-consultation-1")), "triage-outdated", "/data/attributes/triage/form"),
        (changed("durationDays", json!(-1)), "invalid-attribute", "/data/attributes/triage/durationDays"),
        (changed("urgent", json!(true)), "invalid-attribute", "/data/attributes/triage/urgent"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, body) = post(&sim, "/v1/visits", &format!("k{at}"), &with(answers)).await;
        assert_eq!((status, code(&body)), (StatusCode::UNPROCESSABLE_ENTITY, expected), "{body}");
        assert_eq!(body.pointer("/errors/0/source/pointer"), Some(&json!(pointer)));
    }
    let (status, _) = post(&sim, "/v1/visits", "old", &with(changed("form", json!("triage-consultation-3")))).await;
    assert_eq!(status, StatusCode::CREATED, "the version before is still taken");
    sim.switch(|on| on.triage = false);
    assert_eq!(post(&sim, "/v1/visits", "none", &with(None)).await.0, StatusCode::CREATED);
    assert_eq!(sim.violations(), [], "what a citizen can mend is no violation");
}

#[tokio::test]
async fn a_visit_is_withdrawn_by_its_patient_alone_and_once() {
    let sim = sim().await;
    let id = open(&sim, "k1").await;
    let withdraw = |patient: &str| {
        let mut draft = draft("visits", &json!({ "status": "withdrawn" }), &[("patient", "patients", patient)]);
        draft["data"]["id"] = json!(id);
        draft
    };
    let path = format!("/v1/visits/{id}");
    let (status, _) = send(&sim, Method::PATCH, &path, "k2", &withdraw("pat-100001")).await;
    assert_eq!((status, sim.visits()[0].status), (StatusCode::OK, Status::Withdrawn));
    let (status, body) = send(&sim, Method::PATCH, &path, "k3", &withdraw("pat-100001")).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "visit-closed"));
    assert_eq!(sim.violations(), []);
    let (status, _) = send(&sim, Method::PATCH, &path, "k4", &withdraw("pat-7")).await;
    assert_eq!((status, sim.violations().len()), (StatusCode::NOT_FOUND, 1));
}

#[tokio::test]
async fn a_clinician_begins_a_visit_with_somebody_who_has_been_here() {
    let sim = sim().await;
    let opening = Opening { one_way: false, subject: None, text: "Hvordan går det?".into(), files: Vec::new() };
    assert!(sim.open(LEILA.national_id, &opening).is_err(), "nobody has this number here");
    patient(&sim).await;
    let id = sim.open(LEILA.national_id, &opening).unwrap();
    let event = &sim.events()[0];
    assert_eq!(event.resource.pointer("/relationships/visit/data/id"), Some(&json!(id)));
    let patient = event.included.iter().find(|one| one["type"] == "patients").unwrap();
    assert_eq!(patient.pointer("/attributes/nationalIdentityNumber"), Some(&json!(LEILA.national_id)));
}

#[tokio::test]
async fn a_service_that_is_off_and_a_patient_who_is_barred_are_told() {
    let sim = sim().await;
    let patient = patient(&sim).await;
    sim.switch(|on| on.consultations = false);
    let (status, body) = post(&sim, "/v1/visits", "k1", &visit(&patient)).await;
    assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "service-off"));
    sim.switch(|on| on.consultations = true);
    sim.set_blocked(LEILA.national_id, true).unwrap();
    let (status, body) = post(&sim, "/v1/visits", "k1", &visit(&patient)).await;
    assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "patient-blocked"));
    assert_eq!(sim.violations(), []);
}
