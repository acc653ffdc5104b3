//! Dialogs and appointments, from the portal's side.

use super::{
    CLINIC, DIALOG, MONDAY, PATIENT, SLOT, book, booking, code, concept, get, if_none_exist, message, naming, open,
    post, put, question, renewal, sim, task, transaction, uuid, write,
};
use crate::sim::pasientsky::{Answer, Decision, Kind, Opening, Service, SimError};
use crate::sim::world::{LEILA, OLA};
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_slot_is_booked_once_moved_cancelled_and_free_again() {
    let sim = sim().await;
    let (status, made) = book(&sim, &booking(1)).await;
    assert_eq!((status, &made["start"]), (StatusCode::CREATED, &json!(MONDAY.0)));
    let (again, same) = book(&sim, &booking(1)).await;
    assert_eq!((again, same), (StatusCode::OK, made.clone()), "the first result again");
    let (status, body) = book(&sim, &booking(2)).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "slot-taken"));

    let path = format!("/Appointment/{}", made["id"].as_str().unwrap());
    let mut to = made.clone();
    to["slot"] = json!([{ "reference": "Slot/slot-9123458-20261125-0815" }]);
    (to["start"], to["end"]) = (json!("2026-11-25T07:15:00Z"), json!("2026-11-25T07:35:00Z"));
    let (status, moved) = put(&sim, &path, "W/\"1\"", &to).await;
    assert_eq!((status, &moved["start"], &moved["meta"]["versionId"]), (StatusCode::OK, &to["start"], &json!("2")));
    let place = moved["participant"].as_array().unwrap().iter().find(|one| one["actor"]["type"] == "Location").unwrap();
    assert!(
        place["actor"]["display"].as_str().unwrap().starts_with("https://video."),
        "a Wednesday's first is by video"
    );
    let free =
        |id: &str| sim.records(Kind::Slot).iter().any(|slot| slot.id == id && slot.text("/status") == Some("free"));
    assert!(free(SLOT) && !free("slot-9123458-20261125-0815"));

    let mut cancelled = moved.clone();
    cancelled["status"] = json!("cancelled");
    cancelled["cancelationReason"] = json!({ "text": "Frisk" });
    let (status, body) = put(&sim, &path, "W/\"1\"", &cancelled).await;
    assert_eq!((status, code(&body)), (StatusCode::PRECONDITION_FAILED, "version"));
    assert_eq!(put(&sim, &path, "W/\"2\"", &cancelled).await.0, StatusCode::OK);
    assert!(free("slot-9123458-20261125-0815"));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_slot_that_is_not_as_the_patient_saw_it_is_not_booked() {
    let sim = sim().await;
    let mut wanted = booking(1);
    wanted["start"] = json!("2026-11-23T07:20:00Z");
    let (status, body) = book(&sim, &wanted).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "slot-changed"));
    sim.take_slot(SLOT).unwrap();
    assert_eq!(code(&book(&sim, &booking(2)).await.1), "slot-taken");
    assert!(sim.appointments(LEILA.national_id).is_empty());
}

#[tokio::test]
async fn what_is_too_late_or_cancelled_is_refused() {
    let sim = sim().await;
    let (_, made) = book(&sim, &booking(1)).await;
    let path = format!("/Appointment/{}", made["id"].as_str().unwrap());
    let mut cancelled = made.clone();
    cancelled["status"] = json!("cancelled");
    sim.set_late(CLINIC, true).unwrap();
    let (status, body) = put(&sim, &path, "W/\"1\"", &cancelled).await;
    assert_eq!((status, code(&body)), (StatusCode::FORBIDDEN, "too-late"));
    sim.set_late(CLINIC, false).unwrap();
    let (_, read) = put(&sim, &path, "W/\"1\"", &cancelled).await;
    let (status, body) = put(&sim, &path, "W/\"2\"", &read).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "appointment-cancelled"));
}

#[tokio::test]
async fn a_dialog_is_opened_once_answered_written_in_again_and_finished() {
    let sim = sim().await;
    let id = open(&sim, &question(1)).await;
    assert_eq!(open(&sim, &question(1)).await, id, "a repeated one is the same");
    let dialog = sim.wait_for_dialog(|dialog| dialog.id == id).await.unwrap();
    assert_eq!((dialog.service, dialog.text()), (Service::Inquiry, "Har dere åpent i julen?"));
    sim.answer(&id, &Answer::Reply { text: "Ja. Når?".into(), files: Vec::new() }).unwrap();
    assert!(sim.waiting().is_empty());
    let said = sim.records(Kind::Communication).last().unwrap().reference();
    let mut reply = message(2, "inquiry", &format!("Task/{id}"));
    reply["inResponseTo"] = json!([{ "reference": said }]);
    assert_eq!(write(&sim, &reply).await.0, StatusCode::CREATED);
    assert_eq!(write(&sim, &reply).await.0, StatusCode::OK);
    assert_eq!(sim.waiting()[0].messages.len(), 3);
    sim.answer(&id, &Answer::Finish { text: "Vi ses.".into() }).unwrap();
    let mut late = message(3, "inquiry", &format!("Task/{id}"));
    late["inResponseTo"] = json!([{ "reference": sim.records(Kind::Communication).last().unwrap().reference() }]);
    let (status, body) = write(&sim, &late).await;
    assert_eq!((status, code(&body)), (StatusCode::CONFLICT, "task-closed"));
    assert!(matches!(sim.answer(&id, &Answer::Close), Err(SimError::Closed(_))));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_dialog_is_taken_back_by_the_version_that_was_read() {
    let sim = sim().await;
    let id = open(&sim, &question(1)).await;
    let path = format!("/Task/{id}");
    let (_, read) = get(&sim, &path).await;
    let mut back = read.clone();
    back["status"] = json!("cancelled");
    assert_eq!(put(&sim, &path, "W/\"7\"", &back).await.0, StatusCode::PRECONDITION_FAILED);
    let (status, body) = put(&sim, &path, "W/\"1\"", &back).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("cancelled")));
    assert_eq!(sim.violations(), []);
    let other = open(&sim, &question(2)).await;
    let (_, mut read) = get(&sim, &format!("/Task/{other}")).await;
    read["status"] = json!("cancelled");
    read["owner"] = json!({ "reference": "HealthcareService/other" });
    assert_eq!(put(&sim, &format!("/Task/{other}"), "W/\"1\"", &read).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(sim.violations().len(), 1, "nothing else may be changed");
}

#[tokio::test]
async fn a_renewal_is_decided_item_by_item() {
    let sim = sim().await;
    let id = open(&sim, &renewal(1)).await;
    let decide = |item: &str| Answer::Renewal {
        decisions: vec![Decision {
            item: item.into(),
            outcome: "needs-consultation".into(),
            reason: Some("Ta blodprøve.".into()),
        }],
        text: None,
    };
    assert!(matches!(sim.answer(&id, &decide("Zopiklon")), Err(SimError::NoSuchItem(_))));
    sim.answer(&id, &decide("atorva")).unwrap();
    let task = sim.records(Kind::Task).remove(0);
    let decided: Vec<_> = (0..2).map(|at| task.text(&format!("/output/{at}/type/coding/0/code")).unwrap()).collect();
    assert_eq!(decided, ["renewed", "needs-consultation"]);
    assert!(matches!(sim.answer(&open(&sim, &question(2)).await, &decide("x")), Err(SimError::WrongAnswer { .. })));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn strangers_are_unknown_and_barred_ones_and_services_that_are_off_are_refused() {
    let sim = sim().await;
    let mut stranger = question(1);
    for pointer in ["/entry/0/resource/for", "/entry/0/resource/requester"] {
        *stranger.pointer_mut(pointer).unwrap() = json!({ "reference": "Patient/p-9" });
    }
    let (status, body) = post(&sim, "/", &[], &stranger).await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "unknown-patient"));
    sim.set_blocked(CLINIC, LEILA.national_id, true).unwrap();
    assert_eq!(code(&post(&sim, "/", &[], &question(2)).await.1), "patient-blocked");
    sim.set_blocked(CLINIC, LEILA.national_id, false).unwrap();
    sim.set_service(CLINIC, Service::Inquiry, false).unwrap();
    assert_eq!(code(&post(&sim, "/", &[], &question(3)).await.1), "service-off");
    assert!(sim.dialogs().is_empty() && sim.records(Kind::Communication).is_empty(), "all or nothing");
    let opening = Opening { service: Service::Inquiry, one_way: true, topic: None, text: "Hei".into() };
    assert!(matches!(sim.open(CLINIC, OLA.national_id, &opening), Err(SimError::NoSuchCitizen)));
}

#[tokio::test]
async fn what_breaks_the_interface_is_a_violation_and_has_no_effect() {
    let sim = sim().await;
    let changed = |pointer: &str, value: Value| {
        let mut bundle = question(7);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        bundle.pointer_mut(parent).unwrap()[name] = value;
        bundle
    };
    let representative = json!([{
        "resourceType": "RelatedPerson", "id": "representative",
        "identifier": [{ "system": super::FNR, "value": LEILA.national_id }],
        "patient": { "reference": PATIENT },
        "relationship": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "PRN" }] }],
        "name": [{ "family": "Torg", "given": ["Leila"] }],
    }]);
    let disguised = json!([{ "contentString": "Hei" }, { "contentAttachment":
        { "contentType": "image/png", "title": "bilde.png", "data": "JVBERi0xLjQ=" } }]);
    let mut items = renewal(8);
    items["entry"][0]["resource"]["input"] = json!([]);
    for (wrong, rule) in [
        (changed("/entry/0/resource/extra", json!(1)), "elements"),
        (changed("/entry/0/resource/status", json!("draft")), "not requested"),
        (changed("/entry/0/resource/code", concept("service", "surgery")), "of no service"),
        (changed("/entry/0/resource/contained", representative), "or the patient"),
        (changed("/entry/0/request/ifNoneExist", json!("identifier=x|y")), "If-None-Exist"),
        (changed("/entry/1/resource/partOf", json!([{ "reference": "Task/t-1" }])), "not of its dialog"),
        (changed("/entry/1/resource/payload", disguised), "another type"),
        (changed("/entry/1/resource/category", json!([concept("service", "renewal")])), "of another service"),
        (items, "input does not name"),
        (transaction(&[&task(9, "inquiry")]), "without a message"),
        (transaction(&[&message(9, "inquiry", "Task/t-1")]), "does not create"),
    ] {
        let before = sim.violations().len();
        let (status, body) = post(&sim, "/", &[], &wrong).await;
        assert!(status.is_client_error(), "{rule}: {body}");
        let violations = sim.violations();
        assert_eq!(violations.len(), before + 1, "{rule}");
        assert!(violations[before].rule.contains(rule), "{rule}: {violations:?}");
    }
    assert!(sim.dialogs().is_empty());
    assert!(!format!("{:?}", sim.violations()).contains(LEILA.national_id));
}

#[tokio::test]
async fn an_identifier_names_one_resource() {
    let sim = sim().await;
    let id = open(&sim, &question(1)).await;
    let mut other = question(1);
    other["entry"][0]["resource"]["code"] = concept("service", "consultation");
    assert_eq!(post(&sim, "/", &[], &other).await.0, StatusCode::BAD_REQUEST);
    let mut later = question(1);
    later["entry"][0]["resource"]["authoredOn"] = json!("2026-11-20T09:00:07Z");
    assert_eq!(open(&sim, &later).await, id, "a later attempt at the same");
    assert_eq!(sim.dialogs().len(), 1);
    let reply = message(2, "inquiry", &format!("Task/{id}"));
    let (status, _) = post(&sim, "/Communication", &[], &reply).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "without If-None-Exist");
    assert_eq!(sim.violations().len(), 2);
    assert!(if_none_exist(&reply).contains(&naming("portal-message")) && DIALOG != uuid("message", 2));
}

#[tokio::test]
async fn an_answer_names_the_clinics_latest_message() {
    let sim = sim().await;
    let id = open(&sim, &question(1)).await;
    sim.answer(&id, &Answer::Reply { text: "Når?".into(), files: Vec::new() }).unwrap();
    let (status, _) = write(&sim, &message(2, "inquiry", &format!("Task/{id}"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(sim.violations()[0].rule.contains("inResponseTo"));
}
