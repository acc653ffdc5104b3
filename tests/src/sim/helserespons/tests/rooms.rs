//! Meeting rooms: open while the meeting lasts, and every link good once.

use super::{by_video, open, post, question, sim};
use crate::sim::helserespons::{Answer, HelseresponsSim, RoomAct};
use crate::sim::world::{KARI, LEILA};
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn door(sim: &HelseresponsSim, no: &str, request_id: &str, door: &str) -> (StatusCode, Value) {
    let body = json!({ "requestId": request_id, "ssn": LEILA.national_id });
    post(sim, &format!("/v2/cases/{no}/room/{door}"), &body).await
}

fn inside(sim: &HelseresponsSim) -> bool {
    sim.cases().iter().any(|case| case.room.as_ref().is_some_and(|room| room.patient_in))
}

#[tokio::test]
async fn a_link_leads_in_once_and_while_it_is_good() {
    let sim = sim().await;
    let no = open(&sim, &by_video("r1")).await;
    let (status, body) = door(&sim, &no, "r2", "enter").await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("ROOM_NOT_OPEN")));
    sim.meet(&no, &RoomAct::Open).unwrap();
    let (status, first) = door(&sim, &no, "r3", "enter").await;
    assert_eq!((status, &first["doctorPresent"]), (StatusCode::CREATED, &json!(false)));
    assert_eq!(door(&sim, &no, "r3", "enter").await.1, first, "the same request, the same link");
    let link = first["link"].as_str().unwrap();
    assert!(!inside(&sim), "a link is not a visit");
    sim.follow(link).unwrap();
    assert!(inside(&sim));
    assert!(sim.follow(link).is_err(), "a second time");
    assert_eq!(door(&sim, &no, "r4", "leave").await.0, StatusCode::OK);
    assert!(!inside(&sim));

    sim.meet(&no, &RoomAct::Join).unwrap();
    let (_, second) = door(&sim, &no, "r5", "enter").await;
    assert_eq!(second["doctorPresent"], json!(true));
    sim.expire_links();
    assert!(sim.follow(second["link"].as_str().unwrap()).is_err(), "too late");
    let (_, third) = door(&sim, &no, "r6", "enter").await;
    sim.meet(&no, &RoomAct::End).unwrap();
    assert!(sim.follow(third["link"].as_str().unwrap()).is_err(), "after the meeting");
    let (status, body) = door(&sim, &no, "r7", "enter").await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("ROOM_CLOSED")));
    sim.answer(&no, &Answer::Finish { text: "Bruk kremen i to uker.".into() }).unwrap();
    assert_eq!(door(&sim, &no, "r8", "enter").await.1["code"], "CASE_CLOSED");
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_room_is_its_patients_alone_and_a_case_in_writing_has_none() {
    let sim = sim().await;
    let (no, written) = (open(&sim, &by_video("r1")).await, open(&sim, &question("r2")).await);
    sim.meet(&no, &RoomAct::Open).unwrap();
    let body = json!({ "requestId": "r3", "ssn": KARI.national_id });
    assert_eq!(post(&sim, &format!("/v2/cases/{no}/room/enter"), &body).await.1["code"], "UNKNOWN_CASE");
    assert_eq!(door(&sim, &written, "r4", "enter").await.1["code"], "NO_ROOM");
    assert!(sim.meet(&written, &RoomAct::Open).is_err());
}
