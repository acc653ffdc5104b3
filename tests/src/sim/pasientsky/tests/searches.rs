//! Searches: what they find, how they are paged, and what they must not hold.

use super::{CLINIC, MONDAY, PATIENT, book, booking, code, get, open, person, question, search, sim};
use crate::sim::pasientsky::codes::{HPR, system};
use crate::sim::world::LEILA;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde_json::{Value, json};

fn slots(more: &str) -> String {
    format!(
        "/Slot?schedule.actor=HealthcareService/{CLINIC}&status=free&start=ge2026-11-20T09:00:00Z\
         &start=lt2026-11-25T00:00:00Z{more}"
    )
}

fn resources(bundle: &Value, kind: &str) -> Vec<Value> {
    let all = bundle["entry"].as_array().cloned().unwrap_or_default();
    all.into_iter().map(|entry| entry["resource"].clone()).filter(|one| one["resourceType"] == kind).collect()
}

#[tokio::test]
async fn free_slots_are_found_with_their_calendars_and_doctors() {
    let sim = sim().await;
    let path = slots("&_include=Slot:schedule&_include:iterate=Schedule:actor");
    let (status, found) = get(&sim, &path).await;
    assert_eq!((status, resources(&found, "Slot").len()), (StatusCode::OK, 10));
    assert_eq!(resources(&found, "Slot")[0]["start"], MONDAY.0);
    assert_eq!((resources(&found, "Schedule").len(), resources(&found, "Practitioner").len()), (1, 1));
    let doctor = |number: &str| slots(&format!("&schedule.actor:Practitioner.identifier={HPR}|{number}"));
    assert_eq!(resources(&get(&sim, &doctor("9123458")).await.1, "Slot").len(), 10);
    assert_eq!(resources(&get(&sim, &doctor("9123431")).await.1, "Slot").len(), 0);
    book(&sim, &booking(1)).await;
    assert_eq!(resources(&get(&sim, &path).await.1, "Slot").len(), 9);
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_long_answer_is_paged_and_each_page_leads_to_the_next() {
    let sim = sim().await;
    let (_, mut page) = get(&sim, &slots("&_count=4")).await;
    let mut seen: Vec<Value> = resources(&page, "Slot");
    while let Some(next) = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next") {
        let url = next["url"].as_str().unwrap().to_owned();
        let path = url.strip_prefix(&sim.base_url()).unwrap();
        page = get(&sim, path).await.1;
        seen.extend(resources(&page, "Slot"));
    }
    assert_eq!(seen.len(), 10);
    sim.set_endless_pages(true);
    let (_, page) = get(&sim, &slots("&_count=4")).await;
    let url = page["link"][1]["url"].as_str().unwrap().to_owned();
    let (_, again) = get(&sim, url.strip_prefix(&sim.base_url()).unwrap()).await;
    assert_eq!(resources(&again, "Slot"), resources(&page, "Slot"), "pages that never end");
    assert!(again["link"][1]["url"] != page["link"][1]["url"]);
    let (status, _) = get(&sim, "/Slot?_page=nonsense").await;
    assert_eq!((status, sim.violations().len()), (StatusCode::GONE, 1));
}

#[tokio::test]
async fn who_a_search_is_about_stands_in_its_body() {
    let sim = sim().await;
    let (_, found) = search(&sim, "Patient", &[("identifier", &person())]).await;
    assert_eq!(resources(&found, "Patient")[0]["id"], "p-1");
    book(&sim, &booking(1)).await;
    let form = [
        ("patient", PATIENT),
        ("status", "booked"),
        ("date", "ge2026-11-20T09:00:00Z"),
        ("_include", "Appointment:actor"),
    ];
    let (_, found) = search(&sim, "Appointment", &form).await;
    assert_eq!((resources(&found, "Appointment").len(), resources(&found, "Practitioner").len()), (1, 1));
    let (_, found) = search(&sim, "MedicationRequest", &[("patient", PATIENT), ("status", "active")]).await;
    assert_eq!(resources(&found, "MedicationRequest").len(), 4);
    assert_eq!(sim.violations(), []);

    let (status, body) = get(&sim, &format!("/Patient?identifier={}", LEILA.national_id)).await;
    assert_eq!((status, code(&body)), (StatusCode::BAD_REQUEST, "person-in-url"));
    assert!(!format!("{:?}", sim.violations()).contains(LEILA.national_id));
    for (kind, form) in [
        ("Patient", vec![("identifier", LEILA.national_id)]),
        ("Patient", vec![("identifier", "urn:oid:2.16.578.1.12.4.1.4.1|12345678901")]),
        ("Appointment", vec![("patient", PATIENT)]),
        ("MedicationRequest", vec![("patient", PATIENT), ("status", "active"), ("_sort", "date")]),
    ] {
        let before = sim.violations().len();
        assert!(search(&sim, kind, &form).await.0.is_client_error(), "{form:?}");
        assert_eq!(sim.violations().len(), before + 1, "{form:?}");
    }
}

#[tokio::test]
async fn news_are_what_the_clinic_did_oldest_first() {
    let sim = sim().await;
    for number in 0..3 {
        open(&sim, &question(number)).await;
    }
    let origin = format!("{}%7Cclinic", system("origin"));
    let path = format!(
        "/Communication?_tag={origin}&_lastUpdated=ge2026-11-20T09:00:00Z&_sort=_lastUpdated&_count=2\
         &_include=Communication:part-of&_include=Communication:subject"
    );
    let (status, page) = get(&sim, &path).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let filed = resources(&page, "Communication");
    assert_eq!(
        (filed.len(), &filed[0]["status"], &filed[0]["meta"]["versionId"]),
        (2, &json!("completed"), &json!("2"))
    );
    let at = |one: &Value| one["meta"]["lastUpdated"].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(at(&filed[0]) < at(&filed[1]));
    assert_eq!((resources(&page, "Task").len(), resources(&page, "Patient").len()), (2, 1));
    let task = format!("/Task?_tag={origin}&_lastUpdated=ge2026-11-20T09:00:00Z&_sort=_lastUpdated");
    let (_, tasks) = get(&sim, &task).await;
    assert!(tasks.get("entry").is_none(), "the portal made them: {tasks}");
    assert_eq!(sim.violations(), []);
    for wrong in
        ["/Task?_lastUpdated=ge2026-11-20T09:00:00Z&_sort=_lastUpdated", "/Task", "/Slot?status=free", "/Group?_id=1"]
    {
        let before = sim.violations().len();
        assert!(get(&sim, wrong).await.0.is_client_error(), "{wrong}");
        assert_eq!(sim.violations().len(), before + 1, "{wrong}");
    }
}
