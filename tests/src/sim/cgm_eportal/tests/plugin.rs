//! The plugin and the vendor agree: what the plugin writes (its golden files) is taken in here without a violation, and
//! what the vendor tells is what the plugin's own tests read.

use super::*;
use crate::sim::cgm_eportal::{Alternative, Answer, Damage, Decision, Opening, ThreadKind, Verdict};
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../plugins/cgm-eportal/tests/golden").join(format!("{name}.json"))
}

fn written(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(golden(name)).unwrap()).unwrap()
}

/// Sends what the plugin wrote, changed where a test needs it.
async fn send_as(vendor: &Vendor, name: &str, change: impl FnOnce(&mut Value)) -> (StatusCode, Value) {
    let mut request = written(name);
    let text = |name: &str| request[name].as_str().unwrap().to_owned();
    let sent = vendor
        .client
        .post(format!("{}/graphql", vendor.base_url()))
        .header("accept", text("accept"))
        .header("content-type", text("contentType"))
        .header("x-operation-name", text("operation"));
    change(&mut request["body"]["variables"]);
    let answer = sent.body(request["body"].to_string()).send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap())
}

/// Sends what the plugin wrote, which the vendor must like.
async fn send(vendor: &Vendor, name: &str) -> Value {
    let (status, answer) = send_as(vendor, name, |_| {}).await;
    assert_eq!((status, &answer["errors"]), (StatusCode::OK, &Value::Null), "{name}: {answer}");
    assert_eq!(vendor.violations(), [], "{name}");
    answer
}

/// Every moment becomes the same one.
fn still(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "at" && member.is_string() {
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

/// Compares an answer with what the plugin's tests read. `UPDATE_GOLDEN=1` writes it anew.
fn kept(name: &str, mut answer: Value) {
    still(&mut answer);
    let text = format!("{}\n", serde_json::to_string_pretty(&answer).unwrap());
    let file = golden(&format!("answers/{name}"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{name}");
}

#[tokio::test]
async fn every_request_of_the_plugin_is_taken_in_without_a_violation() {
    let vendor = vendor().await;
    assert_eq!(send(&vendor, "medications").await["data"]["medications"]["edges"].as_array().unwrap().len(), 5);
    for thread in ["inquiry", "renewal", "renewal-with-words", "certificate", "on-behalf", "sick-note"] {
        send(&vendor, &format!("thread-{thread}")).await;
    }
    let kinds: Vec<_> = vendor.waiting().iter().map(|thread| (thread.kind, thread.on_behalf)).collect();
    let (inquiry, renewal) = (ThreadKind::Inquiry, ThreadKind::Renewal);
    assert_eq!(
        kinds,
        [
            (inquiry, false),
            (renewal, false),
            (renewal, false),
            (ThreadKind::Certificate, false),
            (inquiry, true),
            (ThreadKind::SickNote, false)
        ]
    );
    assert_eq!(vendor.threads()[5].degree, Some(50));
    assert_eq!(vendor.threads()[0].posts[0].documents[0].1.name, "skjema \"to\".png");
    assert_eq!(vendor.threads()[1].items[0].note.as_deref(), Some("Ti igjen."));
    send(&vendor, "survey").await;
    assert_eq!(send(&vendor, "survey-answers").await["data"]["submitSurvey"]["accepted"], true);
    // What the golden files name is not what this vendor has given.
    let id = vendor.threads()[0].id.clone();
    for name in ["post", "withdraw"] {
        let (_, answer) = send_as(&vendor, name, |variables| variables["input"]["thread"] = json!(id)).await;
        assert_eq!(answer["errors"], Value::Null, "{name}");
    }
    let (_, answer) = send_as(&vendor, "changes", |variables| variables["wait"] = json!(0)).await;
    assert_eq!(answer["data"]["changes"]["edges"].as_array().unwrap().len(), 6);
    let (_, answer) = send_as(&vendor, "changes-after", |variables| variables["wait"] = json!(0)).await;
    assert_eq!(answer["data"]["changes"]["edges"].as_array().unwrap().len(), 3);
    send(&vendor, "confirm").await;
    assert_eq!((vendor.confirmed(), vendor.sim.refused()[&2].as_str()), (3, "THREAD_UNKNOWN"));
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn a_document_that_the_plugin_asks_for_is_given() {
    let vendor = vendor().await;
    let id = vendor.opened(&certificate("r1")).await;
    vendor.answer(&id, &Answer::Certificate { text: "Se vedlegget.".into() }).unwrap();
    let given = vendor.threads()[0].posts[1].documents[0].0.clone();
    let (_, answer) = send_as(&vendor, "document", |variables| variables["id"] = json!(given)).await;
    assert!(answer["data"]["document"]["content"].as_str().unwrap().starts_with("JVBERi0"));
    assert_eq!(vendor.violations(), []);
}

fn opening(kind: Option<ThreadKind>, text: &str) -> Opening {
    let (patient, title) = (LEILA.national_id.into(), Some("Hei".into()));
    Opening { patient, kind, title, text: text.into(), documents: Vec::new() }
}

#[tokio::test]
async fn every_type_of_change_is_as_the_plugins_tests_read_it() {
    let vendor = vendor().await;
    let id = vendor.opened(&inquiry("r1")).await;
    vendor.answer(&id, &Answer::Reject { code: "E21".into(), text: "Ukjent pasient.".into(), retry: false }).unwrap();
    vendor.answer(&id, &Answer::Reply { text: "Ja. Når?".into(), documents: Vec::new() }).unwrap();
    let redirect = Answer::Redirect { to: Alternative::Consultation, text: "Send en e-konsultasjon.".into() };
    vendor.answer(&id, &redirect).unwrap();
    let id = vendor.opened(&renewal("r2")).await;
    let decisions = vec![Decision {
        item: "RX-TORG-2".into(),
        verdict: Verdict::ContactFirst,
        comment: Some("Ta blodprøve.".into()),
    }];
    vendor.answer(&id, &Answer::Renewal { decisions, text: Some("Hentes på apoteket.".into()) }).unwrap();
    let id = vendor.opened(&certificate("r3")).await;
    vendor.answer(&id, &Answer::Certificate { text: "Se vedlegget.".into() }).unwrap();
    let id = vendor.opened(&inquiry("r4")).await;
    vendor.answer(&id, &Answer::Close { expired: true, reason: Some("Ingen svarte.".into()) }).unwrap();
    vendor.open(PRACTICE, &opening(Some(ThreadKind::Inquiry), "Kan du komme til kontroll?")).unwrap();
    vendor.open(PRACTICE, &opening(None, "Vi har flyttet.")).unwrap();
    let id = vendor.opened(&sick_note("r5")).await;
    vendor.answer(&id, &Answer::SickNote { days: 14, text: Some("God bedring.".into()) }).unwrap();
    // What comes last is not there yet, and holds up nothing before it.
    for damage in [Damage::Gone, Damage::WrongType, Damage::Truncated, Damage::UnknownType, Damage::NotYet] {
        vendor.damage_next(damage);
        vendor.open(PRACTICE, &opening(None, "Borte.")).unwrap();
    }
    let (_, answer) = send_as(&vendor, "changes", |_| {}).await;
    kept("changes", answer);
    assert_eq!(vendor.violations(), []);
}

#[tokio::test]
async fn what_the_vendor_tells_whole_in_part_and_in_place_of_an_answer_is_as_the_plugins_tests_read_it() {
    let vendor = vendor().await;
    kept("medications", send(&vendor, "medications").await);
    vendor.set_rules_answer(PRACTICE, false).unwrap();
    kept("medications-without-rules", send_as(&vendor, "medications", |_| {}).await.1);
    kept("survey", send(&vendor, "survey").await);
    vendor.set_survey(PRACTICE, true, true).unwrap();
    kept("survey-demanding-text", send(&vendor, "survey").await);
    vendor.set_states_known(PRACTICE, false).unwrap();
    kept("thread-beside-an-error", send_as(&vendor, "thread-inquiry", |_| {}).await.1);
    vendor.set_states_known(PRACTICE, true).unwrap();
    let (_, answer) = send_as(&vendor, "thread-renewal", |variables| {
        variables["input"]["clientMutationId"] = json!("r2");
        variables["input"]["items"][1]["key"] = json!("RX-TORG-5");
    })
    .await;
    kept("renewal-not-allowed", answer);
    let id = vendor.threads()[0].id.clone();
    vendor.answer(&id, &Answer::Finish { text: "Ja.".into() }).unwrap();
    kept("thread-closed", send_as(&vendor, "withdraw", |variables| variables["input"]["thread"] = json!(id)).await.1);
    let raised = |variables: &mut Value| variables["input"]["sickNote"]["degree"] = json!(80);
    kept("sick-note-needs-visit", send_as(&vendor, "thread-sick-note", raised).await.1);
    vendor.set_service(PRACTICE, ThreadKind::Certificate, false).unwrap();
    kept("service-off", send_as(&vendor, "thread-certificate", |_| {}).await.1);
    assert_eq!(vendor.violations(), []);
    let (status, answer) = send_as(&vendor, "survey", |variables| variables["language"] = json!("SE")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    kept("not-by-the-schema", answer);
}
