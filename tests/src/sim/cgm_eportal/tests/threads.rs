//! Threads and medications, from the portal's side.

use super::*;
use crate::sim::cgm_eportal::{
    Alternative, Answer, Decision, Opening, SickNote, SimError, ThreadKind, ThreadState, Verdict,
};

#[tokio::test]
async fn a_thread_is_answered_written_in_again_and_finished() {
    let vendor = vendor().await;
    let id = vendor.opened(&inquiry("r1")).await;
    let thread = vendor.wait_for_thread(|thread| thread.id == id).await.unwrap();
    assert_eq!((thread.practice, thread.text()), (PRACTICE, "Har dere åpent i julen?"));
    vendor.answer(&id, &Answer::Reply { text: "Ja. Når?".into(), documents: Vec::new() }).unwrap();
    assert!(vendor.waiting().is_empty());
    let post = json!({ "portalMessage": "019a0000-0000-7000-8000-0000000000e2", "text": "Romjulen." });
    let mut input =
        json!({ "clientMutationId": "r2", "thread": id, "patient": LEILA.national_id, "post": post, "documents": [] });
    assert_eq!(vendor.done(ADD, &input).await["thread"]["state"], "WITH_PRACTICE");
    assert_eq!(vendor.waiting().len(), 1);
    vendor.answer(&id, &Answer::Finish { text: "Vi ses.".into() }).unwrap();
    input["clientMutationId"] = json!("r3");
    assert_eq!(vendor.refusal(ADD, &input).await, "THREAD_CLOSED");
    let again = vendor.answer(&id, &Answer::Finish { text: "Igjen.".into() });
    assert!(matches!(again, Err(SimError::Closed(_))));
    let kinds: Vec<_> = vendor.sim.changes().iter().map(|change| change.kind).collect();
    assert_eq!(kinds, ["PostFiled", "PostAdded", "PostFiled", "PostAdded"]);
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn a_thread_is_withdrawn_by_its_own_patient_alone() {
    let vendor = vendor().await;
    let id = vendor.opened(&inquiry("r1")).await;
    let other = json!({ "clientMutationId": "r2", "thread": id, "patient": "02917130593" });
    assert_eq!(vendor.refusal(WITHDRAW, &other).await, "THREAD_NOT_FOUND");
    let own = json!({ "clientMutationId": "r3", "thread": id, "patient": LEILA.national_id });
    assert_eq!(vendor.done(WITHDRAW, &own).await["thread"]["state"], "WITHDRAWN");
    assert_eq!(vendor.threads()[0].state, ThreadState::Withdrawn);
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn a_renewal_is_decided_item_by_item() {
    let vendor = vendor().await;
    let id = vendor.opened(&renewal("r1")).await;
    let decision = |item: &str| Decision {
        item: item.into(),
        verdict: Verdict::ContactFirst,
        comment: Some("Ta blodprøve.".into()),
    };
    let stray = Answer::Renewal { decisions: vec![decision("Paracet")], text: None };
    assert!(matches!(vendor.answer(&id, &stray), Err(SimError::NoSuchItem(_))));
    vendor.answer(&id, &Answer::Renewal { decisions: vec![decision("simva")], text: None }).unwrap();
    let answer = vendor.changes(1, 0, 10).await;
    let decided = &answer["data"]["changes"]["edges"][0]["node"]["decisions"];
    let expected = json!([
        { "key": "RX-TORG-1", "verdict": "RENEWED", "comment": null },
        { "key": "RX-TORG-2", "verdict": "CONTACT_FIRST", "comment": "Ta blodprøve." },
    ]);
    assert_eq!(decided, &expected);
    let wrong =
        vendor.answer(&vendor.opened(&inquiry("r2")).await, &Answer::Renewal { decisions: Vec::new(), text: None });
    assert!(matches!(wrong, Err(SimError::WrongAnswer { .. })));
}

#[tokio::test]
async fn the_practices_rule_holds_for_what_is_asked_for_and_the_item_is_named() {
    let vendor = vendor().await;
    let mut barred = renewal("r1");
    barred["items"] = json!([
        { "key": "019a0000-0000-7000-8000-0000000000f1", "name": "Noe annet" },
        { "key": "RX-TORG-5", "name": "Oksazepam 15 mg" },
    ]);
    let (_, answer) = vendor.ask(OPEN, &json!({ "input": barred })).await;
    let told = json!({ "code": "RENEWAL_NOT_ALLOWED", "fields": ["/items/1"] });
    assert_eq!((&answer["data"]["openThread"], &answer["errors"][0]["extensions"]), (&Value::Null, &told));
    assert_eq!(answer["errors"][0]["path"], json!(["openThread"]));
    assert!(vendor.threads().is_empty());
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn medications_come_in_pages_with_the_practices_rule() {
    let vendor = vendor().await;
    let page = async |after: Value| {
        let variables = json!({ "practice": PRACTICE, "patient": LEILA.national_id, "first": 3, "after": after });
        vendor.ask(MEDICATIONS, &variables).await.1["data"]["medications"].clone()
    };
    let first = page(Value::Null).await;
    assert_eq!((first["edges"].as_array().unwrap().len(), &first["pageInfo"]["hasNextPage"]), (3, &json!(true)));
    let second = page(first["pageInfo"]["endCursor"].clone()).await;
    assert_eq!(
        second["edges"][0]["node"]["renewal"],
        json!({ "rule": "CONTACT_FIRST", "note": "Legen vil snakke med deg først." })
    );
    assert_eq!((second["edges"].as_array().unwrap().len(), &second["pageInfo"]["hasNextPage"]), (2, &json!(false)));
    assert_eq!(vendor.violations(), []);
    assert!(page(json!("elsewhere")).await.is_null());
    assert_eq!(vendor.violations().len(), 1);
}

#[tokio::test]
async fn where_a_part_is_missing_the_rest_stands_and_an_error_has_its_path() {
    let vendor = vendor().await;
    vendor.set_states_known(PRACTICE, false).unwrap();
    vendor.set_rules_answer(PRACTICE, false).unwrap();
    let (_, answer) = vendor.ask(OPEN, &json!({ "input": inquiry("r1") })).await;
    assert_eq!(answer["data"]["openThread"]["thread"], json!({ "id": vendor.threads()[0].id, "state": null }));
    assert_eq!(answer["errors"][0]["path"], json!(["openThread", "thread", "state"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "RECORD_SYSTEM_SILENT");
    let variables = json!({ "practice": PRACTICE, "patient": LEILA.national_id, "first": 50, "after": null });
    let (_, answer) = vendor.ask(MEDICATIONS, &variables).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 5);
    assert_eq!(answer["errors"][4]["path"], json!(["medications", "edges", 4, "node", "renewal"]));
    assert_eq!(answer["data"]["medications"]["edges"][0]["node"]["name"], "Amlodipin");
}

#[tokio::test]
async fn a_service_that_is_switched_off_takes_nothing() {
    let vendor = vendor().await;
    vendor.set_service(PRACTICE, ThreadKind::Certificate, false).unwrap();
    assert_eq!(vendor.refusal(OPEN, &certificate("r1")).await, "SERVICE_OFF");
    vendor.opened(&inquiry("r1")).await;
    vendor.set_service(PRACTICE, ThreadKind::Certificate, true).unwrap();
    vendor.opened(&certificate("r2")).await;
}

#[tokio::test]
async fn a_certificate_is_a_pdf_that_can_be_fetched() {
    let vendor = vendor().await;
    let id = vendor.opened(&certificate("r1")).await;
    vendor.answer(&id, &Answer::Certificate { text: "Se vedlegget.".into() }).unwrap();
    let answer = vendor.changes(1, 0, 1).await;
    let document = &answer["data"]["changes"]["edges"][0]["node"]["post"]["documents"][0];
    assert_eq!(document["name"], "Helseattest.pdf");
    let (_, answer) = vendor.ask(DOCUMENT, &json!({ "id": document["id"] })).await;
    // "%PDF-1.4" in base64.
    assert!(answer["data"]["document"]["content"].as_str().unwrap().starts_with("JVBERi0xLj"));
    assert_eq!(code(&vendor.ask(DOCUMENT, &json!({ "id": "D-1" })).await.1), "DOCUMENT_NOT_FOUND");
}

#[tokio::test]
async fn a_sick_note_is_renewed_from_the_day_after_and_nav_and_the_employer_get_it() {
    let vendor = vendor().await;
    let id = vendor.opened(&sick_note("r1")).await;
    vendor.answer(&id, &Answer::SickNote { days: 14, text: None }).unwrap();
    let (_, answer) = vendor
        .ask(
            "query Changes($after: Long!) { changes(after: $after) { through more edges { number node { __typename \
             ... on SickNoteIssued { thread { state } sickNote { from until degree employer informed } } } } } }",
            &json!({ "after": 1 }),
        )
        .await;
    let node = &answer["data"]["changes"]["edges"][0]["node"];
    let note = json!({
        "from": "2026-11-26", "until": "2026-12-09", "degree": 50,
        "employer": "Elverum Trelast AS", "informed": ["NAV", "EMPLOYER"],
    });
    assert_eq!((&node["sickNote"], &node["thread"]["state"]), (&note, &json!("ANSWERED")));
    let wrong = vendor.answer(&vendor.opened(&inquiry("r2")).await, &Answer::SickNote { days: 14, text: None });
    assert!(matches!(wrong, Err(SimError::WrongAnswer { .. })));
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn what_the_doctor_must_see_the_patient_for_is_not_renewed_unseen() {
    let vendor = vendor().await;
    let asked = |id: &str, until: &str, degree: u8| {
        let mut thread = sick_note(id);
        thread["sickNote"] = json!({ "currentUntil": until, "degree": degree });
        thread
    };
    assert_eq!(vendor.refusal(OPEN, &asked("r1", "2026-11-26", 50)).await, "SICK_NOTE_OTHER_DAY");
    assert_eq!(vendor.refusal(OPEN, &asked("r2", "2026-11-25", 60)).await, "SICK_NOTE_NEEDS_VISIT");
    let known = vendor.sick_note(PRACTICE, LEILA.national_id).unwrap().unwrap();
    let long = SickNote { since: "2026-09-30".parse().unwrap(), ..known.clone() };
    vendor.set_sick_note(PRACTICE, LEILA.national_id, Some(long)).unwrap();
    assert_eq!(vendor.refusal(OPEN, &asked("r3", "2026-11-25", 50)).await, "SICK_NOTE_NEEDS_VISIT");
    let old = SickNote { until: "2026-11-12".parse().unwrap(), ..known.clone() };
    vendor.set_sick_note(PRACTICE, LEILA.national_id, Some(old)).unwrap();
    assert_eq!(vendor.refusal(OPEN, &asked("r4", "2026-11-12", 50)).await, "SICK_NOTE_NOT_FOUND");
    vendor.set_sick_note(PRACTICE, LEILA.national_id, None).unwrap();
    assert_eq!(vendor.refusal(OPEN, &asked("r5", "2026-11-25", 50)).await, "SICK_NOTE_NOT_FOUND");
    vendor.set_sick_note(PRACTICE, LEILA.national_id, Some(known)).unwrap();
    assert_eq!(vendor.violations(), []);
    // What no note can be is the plugin's fault.
    assert_eq!(vendor.refusal(OPEN, &asked("r6", "2026-11-25", 0)).await, "BAD_USER_INPUT");
    let mut stray = inquiry("r7");
    stray["sickNote"] = json!({ "currentUntil": "2026-11-25", "degree": 50 });
    assert_eq!(vendor.refusal(OPEN, &stray).await, "BAD_USER_INPUT");
    assert_eq!(vendor.violations().len(), 2);
    assert!(vendor.threads().is_empty());
}

#[tokio::test]
async fn a_practice_opens_a_thread_sends_a_notice_and_redirects() {
    let vendor = vendor().await;
    let opening = |kind| Opening {
        patient: LEILA.national_id.into(),
        kind,
        title: None,
        text: "Kan du komme til kontroll?".into(),
        documents: Vec::new(),
    };
    let id = vendor.open(PRACTICE, &opening(Some(ThreadKind::Inquiry))).unwrap();
    vendor.open(PRACTICE, &opening(None)).unwrap();
    let to = Alternative::Appointment;
    vendor.answer(&id, &Answer::Redirect { to, text: "Bestill time.".into() }).unwrap();
    let answer = vendor.changes(0, 0, 10).await;
    let edges = &answer["data"]["changes"]["edges"];
    let kinds: Vec<&Value> = edges.as_array().unwrap().iter().map(|edge| &edge["node"]["__typename"]).collect();
    assert_eq!(kinds, ["ThreadOpened", "NoticeSent", "PostAdded"]);
    assert_eq!(edges[2]["node"]["useInstead"], "APPOINTMENT");
    let stranger = Opening { patient: "02917130593".into(), ..opening(None) };
    assert!(matches!(vendor.open(PRACTICE, &stranger), Err(SimError::NoSuchCitizen)));
}
