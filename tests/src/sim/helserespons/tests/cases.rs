//! Cases and bookings, from the portal's side.

use super::{CLINIC, MONDAY, OPENING, booking, get, open, patient, post, question, renewal, sim};
use crate::sim::helserespons::{Answer, CaseState, Decision, Opening, Outcome, SimError};
use crate::sim::world::{LEILA, OLA};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test]
async fn an_opening_is_booked_once_moved_cancelled_and_free_again() {
    let sim = sim().await;
    let bookings = "/v2/clinics/lilletorget/bookings";
    let (status, made) = post(&sim, bookings, &booking("r1")).await;
    assert_eq!((status, &made["begins"]), (StatusCode::CREATED, &json!(MONDAY)));
    assert_eq!(post(&sim, bookings, &booking("r1")).await, (status, made.clone()), "the first result again");
    let (status, body) = post(&sim, bookings, &booking("r2")).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("OPENING_TAKEN")));

    let no = made["bookingNo"].as_str().unwrap();
    let mut to = booking("r3");
    to["opening"] = json!("OP-9123458-20261123-0900");
    to["begins"] = json!("2026-11-23T09:00:00+01:00");
    let (status, moved) = post(&sim, &format!("/v2/bookings/{no}/move"), &to).await;
    assert_eq!((status, &moved["begins"], &moved["bookingNo"]), (StatusCode::OK, &to["begins"], &json!(no)));
    let free = |id: &str| sim.slots(CLINIC).unwrap().iter().any(|slot| slot.id == id && !slot.taken);
    assert!(free(OPENING) && !free("OP-9123458-20261123-0900"));

    let search = json!({ "ssn": LEILA.national_id, "from": "2026-11-20T10:00:00+01:00" });
    let (_, found) = post(&sim, &format!("{bookings}/search"), &search).await;
    assert_eq!(found["bookings"].as_array().unwrap().len(), 1);
    let cancel = json!({ "requestId": "r4", "ssn": LEILA.national_id });
    let (status, cancelled) = post(&sim, &format!("/v2/bookings/{no}/cancel"), &cancel).await;
    assert_eq!((status, &cancelled["state"]), (StatusCode::OK, &json!("CANCELLED")));
    assert!(free("OP-9123458-20261123-0900"));
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn an_opening_that_is_not_as_the_patient_saw_it_is_not_booked() {
    let sim = sim().await;
    let mut wanted = booking("r1");
    wanted["begins"] = json!("2026-11-23T08:20:00+01:00");
    let (status, body) = post(&sim, "/v2/clinics/lilletorget/bookings", &wanted).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("OPENING_CHANGED")));
    sim.take_opening(CLINIC, OPENING).unwrap();
    let (_, body) = post(&sim, "/v2/clinics/lilletorget/bookings", &booking("r2")).await;
    assert_eq!(body["code"], "OPENING_TAKEN");
    assert!(sim.bookings(CLINIC, LEILA.national_id).unwrap().is_empty());
}

#[tokio::test]
async fn openings_of_a_span_and_a_doctor_are_told_in_local_time() {
    let sim = sim().await;
    let path = "/v2/clinics/havnegata/openings?from=2026-11-20T10:00:00%2B01:00&to=2026-11-25T00:00:00%2B01:00";
    let (status, all) = get(&sim, path).await;
    assert_eq!((status, all["openings"].as_array().unwrap().len()), (StatusCode::OK, 2 * 2 * 5));
    let (_, one) = get(&sim, &format!("{path}&doctor=9123431")).await;
    assert_eq!(one["openings"].as_array().unwrap().len(), 2 * 5);
    assert_eq!(one["openings"][0]["doctor"]["first"], "Ingrid");
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_case_is_answered_written_in_again_and_finished() {
    let sim = sim().await;
    let no = open(&sim, &question("r1")).await;
    let case = sim.wait_for_case(|case| case.case_no == no).await.unwrap();
    assert_eq!((case.clinic, case.text()), (CLINIC, "Har dere åpent i julen?"));
    sim.answer(&no, &Answer::Reply { text: "Ja. Når?".into(), files: Vec::new() }).unwrap();
    assert!(sim.waiting().is_empty());
    let entry = json!({
        "requestId": "r2", "entryId": "019a0000-0000-7000-8000-0000000000e2", "ssn": LEILA.national_id,
        "body": "Romjulen.", "files": [],
    });
    let (status, _) = post(&sim, &format!("/v2/cases/{no}/entries"), &entry).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(sim.waiting().len(), 1);
    sim.answer(&no, &Answer::Finish { text: "Vi ses.".into() }).unwrap();
    let mut late = entry;
    late["requestId"] = json!("r3");
    let (status, body) = post(&sim, &format!("/v2/cases/{no}/entries"), &late).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("CASE_CLOSED")));
    assert!(matches!(sim.answer(&no, &Answer::Close), Err(SimError::Closed(_))));
    let kinds: Vec<_> = sim.changes().iter().map(|change| change.kind).collect();
    assert_eq!(kinds, ["ENTRY_FILED", "CASE_ENTRY", "ENTRY_FILED", "CASE_ENTRY"]);
    assert_eq!(sim.violations(), []);
}

#[tokio::test]
async fn a_renewal_is_decided_line_by_line() {
    let sim = sim().await;
    let no = open(&sim, &renewal("r1")).await;
    let decisions = |line: &str| {
        let comment = Some("Ta blodprøve.".to_owned());
        vec![Decision { line: line.into(), outcome: Outcome::ControlNeeded, comment }]
    };
    let stray = sim.answer(&no, &Answer::Renewal { decisions: decisions("Zopiklon"), text: None });
    assert!(matches!(stray, Err(SimError::NoSuchLine(_))));
    sim.answer(&no, &Answer::Renewal { decisions: decisions("atorva"), text: None }).unwrap();
    let changes = sim.changes();
    let lines = &changes.last().unwrap().body["lines"];
    assert_eq!((&lines[0]["decision"], &lines[1]["decision"]), (&json!("RENEWED"), &json!("CONTROL_NEEDED")));
    assert_eq!(sim.cases()[0].state, CaseState::Done);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_case_is_refused() {
    let sim = sim().await;
    let no = open(&sim, &question("r1")).await;
    for answer in [
        Answer::Certificate { text: "Se vedlegg.".into() },
        Answer::Renewal { decisions: Vec::new(), text: None },
        Answer::CancelBooking { text: None },
    ] {
        assert!(matches!(sim.answer(&no, &answer), Err(SimError::WrongAnswer { .. })), "{answer:?}");
    }
    assert_eq!(sim.changes().len(), 1, "only the filing");
}

#[tokio::test]
async fn citizens_of_other_offices_are_unknown_and_barred_ones_are_refused() {
    let sim = sim().await;
    let mut stranger = question("r1");
    stranger["patient"] = json!({ "ssn": OLA.national_id, "firstName": OLA.given_name, "lastName": OLA.family_name });
    let (status, body) = post(&sim, "/v2/clinics/lilletorget/cases", &stranger).await;
    assert_eq!((status, &body["code"]), (StatusCode::NOT_FOUND, &json!("UNKNOWN_PATIENT")));
    sim.set_blocked(CLINIC, LEILA.national_id, true).unwrap();
    let (status, body) = post(&sim, "/v2/clinics/lilletorget/cases", &question("r2")).await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("PATIENT_BLOCKED")));
    sim.set_blocked(CLINIC, LEILA.national_id, false).unwrap();
    open(&sim, &question("r3")).await;
    let opening = Opening {
        kind: crate::sim::helserespons::CaseType::Question,
        one_way: true,
        heading: None,
        text: "Hei".into(),
        files: Vec::new(),
    };
    assert!(matches!(sim.open(CLINIC, OLA.national_id, &opening), Err(SimError::NoSuchCitizen)));
}

#[tokio::test]
async fn what_breaks_the_interface_is_a_violation_and_has_no_effect() {
    let sim = sim().await;
    let cases = "/v2/clinics/lilletorget/cases";
    let with = |name: &str, value: serde_json::Value| {
        let mut case = question(&format!("r-{name}"));
        case[name] = value;
        case
    };
    let disguised = json!([{ "name": "bilde.png", "type": "image/png", "content": "JVBERi0xLjQ=" }]);
    for (wrong, rule) in [
        (with("extra", json!(1)), "unreadable body"),
        (with("patient", json!({ "ssn": "12345678901", "firstName": "A", "lastName": "B" })), "national identity"),
        (with("requestId", json!("")), "requestId"),
        (with("mode", json!("TEXT")), "mode goes with"),
        (with("lines", json!([{ "ref": "1", "name": "x" }])), "lines go with"),
        (with("files", disguised), "another type"),
    ] {
        let before = sim.violations().len();
        let (status, body) = post(&sim, cases, &wrong).await;
        assert!(status.is_client_error(), "{rule}: {body}");
        let violations = sim.violations();
        assert_eq!(violations.len(), before + 1, "{rule}");
        assert!(violations[before].rule.contains(rule), "{violations:?}");
    }
    assert!(sim.cases().is_empty());
    let (status, _) = get(&sim, &format!("/v2/clinics/lilletorget/openings?from={}", LEILA.national_id)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(!format!("{:?}", sim.violations()).contains(LEILA.national_id));
    let mut again = question("r1");
    open(&sim, &again).await;
    again["body"] = json!("Noe annet.");
    let (status, body) = post(&sim, cases, &again).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("REQUEST_ID_REUSED")));
    assert_eq!(sim.cases().len(), 1);
    assert_eq!(patient()["ssn"], LEILA.national_id);
}
