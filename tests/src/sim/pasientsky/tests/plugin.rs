//! The plugin and the vendor agree: what the plugin writes (its golden files) is taken in here without a violation, and
//! what the vendor answers is what the plugin's own tests read (`told.json`).

use super::{
    CLINIC, DIALOG, PATIENT, START, Sent, book, booking, get, message, open, person, question, renewal, search, send,
    sim, write,
};
use crate::sim::pasientsky::codes::{naming, system};
use crate::sim::pasientsky::subscription::notification;
use crate::sim::pasientsky::{
    Answer, AppointmentAct, Damage, Decision, File, Kind, Opening, PasientskySim, Report, Service,
};
use crate::sim::world::LEILA;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::PathBuf;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../plugins/pasientsky/tests/golden").join(name)
}

/// Sends a request of the plugin's, changed where it must be.
async fn play(sim: &PasientskySim, name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let text = std::fs::read_to_string(golden(&format!("{name}.json"))).unwrap();
    let mut request: Value = serde_json::from_str(&text).unwrap();
    change(&mut request);
    let query: Vec<(String, String)> = serde_json::from_value(request["query"].clone()).unwrap();
    let path = request["path"].as_str().unwrap();
    let url = reqwest::Url::parse_with_params(&format!("http://x{path}"), &query).unwrap();
    let path = url.query().filter(|query| !query.is_empty()).map_or(path.to_owned(), |query| format!("{path}?{query}"));
    let named = request["headers"].as_object().unwrap().iter();
    let headers: Vec<(&str, String)> = named
        .filter(|(name, _)| !matches!(name.as_str(), "accept" | "content-type"))
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap().to_owned()))
        .collect();
    assert!(path.starts_with("/Binary/") || request["headers"]["accept"] == "application/fhir+json", "{name}");
    let body = match &request["body"] {
        Value::Null => None,
        Value::String(form) => Some(form.clone()),
        value => Some(value.to_string()),
    };
    let body = body.map(|body| (request["headers"]["content-type"].as_str().unwrap(), body));
    let method: Method = request["method"].as_str().unwrap().parse().unwrap();
    let (status, body, _) = send(sim, Sent { method, path: &path, headers: &headers, body }).await;
    assert!(status.is_success(), "{name}: {status} {body} {:?}", sim.violations());
    assert_eq!(sim.violations(), [], "{name}");
    body
}

fn count(bundle: &Value) -> usize {
    bundle["entry"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn every_request_of_the_plugin_is_taken_in_without_a_violation() {
    let sim = sim().await;
    let as_it_is = |_: &mut Value| {};
    assert_eq!(play(&sim, "patient-search", as_it_is).await["entry"][0]["resource"]["id"], "p-1");
    assert!(count(&play(&sim, "slots", as_it_is).await) > 2);
    assert_eq!(play(&sim, "booking", as_it_is).await["id"], "a-1");
    assert_eq!(play(&sim, "booking", as_it_is).await["id"], "a-1", "a second attempt");
    // The appointment and its doctor.
    assert_eq!(count(&play(&sim, "appointments-search", as_it_is).await), 2);
    assert_eq!(count(&play(&sim, "prescriptions-search", as_it_is).await), 4);
    for (name, entries) in [
        ("open-consultation", 2),
        ("open-inquiry", 2),
        ("open-renewal", 1),
        ("open-renewal-with-words", 2),
        ("open-on-behalf", 2),
    ] {
        assert_eq!(count(&play(&sim, name, as_it_is).await), entries, "{name}");
        play(&sim, name, as_it_is).await;
    }
    assert_eq!(count(&play(&sim, "surveys", as_it_is).await), 1);
    assert_eq!(play(&sim, "survey", as_it_is).await["id"], "survey-hs-8150301-1");
    assert_eq!(count(&play(&sim, "survey-answered", as_it_is).await), 0);
    play(&sim, "survey-answers", as_it_is).await;
    play(&sim, "survey-answers", as_it_is).await;
    assert_eq!(count(&play(&sim, "survey-answered", as_it_is).await), 1, "a second attempt");
    let answers = sim.survey_answers(CLINIC);
    let counted: Vec<_> =
        answers.iter().map(|((one, answer), times)| (one.as_str(), answer.as_str(), *times)).collect();
    assert_eq!(counted, [("reached", "partly", 1), ("satisfied", "4", 1)]);
    let dialogs = sim.dialogs();
    assert_eq!(dialogs.len(), 5, "each once");
    assert_eq!((dialogs[0].service, dialogs[2].items.len()), (Service::Consultation, 2));
    assert_eq!(dialogs.iter().filter(|dialog| dialog.represented).count(), 1);
    let files = sim
        .records(Kind::Communication)
        .into_iter()
        .filter_map(|one| one.text("/payload/1/contentAttachment/title").map(str::to_owned));
    assert_eq!(files.collect::<Vec<_>>(), ["utslett \"arm\".png"]);
    for name in ["news-tasks", "news-messages", "news-appointments"] {
        play(&sim, name, as_it_is).await;
    }
}

/// A booking, a dialog that the clinic has answered, with a file.
async fn talk(sim: &PasientskySim) {
    let (status, made) = book(sim, &booking(1)).await;
    assert_eq!((status, &made["id"]), (StatusCode::CREATED, &json!("a-1")));
    assert_eq!(open(sim, &question(1)).await, "t-2");
    let file =
        File { title: "Svar.pdf".into(), content_type: "application/pdf".into(), content: b"%PDF-1.4 svar".to_vec() };
    sim.answer("t-2", &Answer::Reply { text: "Ja. Når?".into(), files: vec![file] }).unwrap();
}

#[tokio::test]
async fn what_the_plugin_writes_after_reading_is_taken_in() {
    for (name, path) in [
        ("message", ""),
        ("withdrawal", "/Task/t-2"),
        ("read-mark", "/Communication/MESSAGE"),
        ("move", "/Appointment/a-1"),
        ("cancellation", "/Appointment/a-1"),
    ] {
        let sim = sim().await;
        talk(&sim).await;
        play(&sim, "messages-of-a-dialog", |_| {}).await;
        let path = path.replace("MESSAGE", &answered_with(&sim));
        let present = if path.is_empty() { Value::Null } else { get(&sim, &path).await.1 };
        let written = play(&sim, name, |request| {
            // Only the moment differs from what the plugin's tests read.
            if !present.is_null() {
                assert_eq!(request["headers"]["if-match"], format!("W/{}", present["meta"]["versionId"]));
                request["body"]["meta"]["lastUpdated"] = present["meta"]["lastUpdated"].clone();
                if present["sent"].is_string() {
                    request["body"]["sent"] = present["sent"].clone();
                }
            }
        })
        .await;
        match name {
            "message" => assert_eq!(sim.waiting()[0].messages.len(), 3),
            "read-mark" => assert_eq!(written["received"], "2026-11-20T09:00:00Z"),
            "move" => assert_eq!(written["start"], "2026-11-24T08:00:00Z"),
            _ => assert_eq!(written["status"], "cancelled"),
        }
    }
}

/// The id of what the clinic answered in [`talk`].
fn answered_with(sim: &PasientskySim) -> String {
    let all = sim.records(Kind::Communication);
    all.iter().find(|one| one.text("/payload/0/contentString") == Some("Ja. Når?")).unwrap().id.clone()
}

/// Iron that is low, blood that is as it should be, and a culture in words.
fn report() -> Report {
    let concept = |text: &str, code: &str| json!({ "text": text, "coding": [{ "system": "urn:oid:2.16.578.1.12.4.1.1.7280", "code": code }] });
    let means = |code: &str| {
        let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
        json!([{ "coding": [{ "system": system, "code": code }] }])
    };
    let quantity = |value: Value, unit: &str| json!({ "value": value, "unit": unit });
    let between = |low: Value, high: Value| json!([{ "low": { "value": low }, "high": { "value": high } }]);
    Report {
        topic: "Svar på blodprøver".into(),
        text: "Jernlageret er lavt. Resten er fint.".into(),
        findings: vec![
            json!({ "code": concept("Ferritin", "NPU19763"), "valueQuantity": quantity(json!(12), "µg/L"),
                "interpretation": means("L"), "referenceRange": between(json!(15), json!(200)) }),
            json!({ "code": concept("Hemoglobin", "NPU28309"), "valueQuantity": quantity(json!(13.2), "g/dL"),
                "interpretation": means("N"), "referenceRange": between(json!(11.7), json!(15.3)) }),
            json!({ "code": { "text": "Urin, dyrkning" }, "valueString": "Ingen vekst",
                "note": [{ "text": "Dyrket i to døgn." }] }),
        ],
    }
}

fn said(text: &str, one_way: bool) -> Opening {
    Opening { service: Service::Inquiry, one_way, topic: Some("Hei".into()), text: text.into() }
}

#[tokio::test]
async fn every_answer_is_as_the_plugins_tests_read_it() {
    let sim = sim().await;
    talk(&sim).await;
    let mut told = json!({});
    told["patient"] = search(&sim, "Patient", &[("identifier", &person())]).await.1;
    let slots = format!(
        "/Slot?schedule.actor=HealthcareService/{CLINIC}&status=free&start=ge2026-11-20T09:00:00Z\
         &start=lt2026-11-24T00:00:00Z&_include=Slot:schedule&_include:iterate=Schedule:actor"
    );
    told["slots"] = get(&sim, &slots).await.1;
    told["appointment"] = get(&sim, "/Appointment/a-1").await.1;
    told["task"] = get(&sim, "/Task/t-2").await.1;
    told["message"] = get(&sim, &format!("/Communication/{}", answered_with(&sim))).await.1;
    let form = [
        ("patient", PATIENT),
        ("status", "booked"),
        ("date", "ge2026-11-20T09:00:00Z"),
        ("_include", "Appointment:actor"),
    ];
    told["appointments"] = search(&sim, "Appointment", &form).await.1;
    told["prescriptions"] = search(&sim, "MedicationRequest", &[("patient", PATIENT), ("status", "active")]).await.1;
    let origin = format!("{}%7Cclinic", system("origin"));
    let venue = format!("{}%7C{CLINIC}", naming("healthcare-service"));
    told["surveys"] = get(&sim, &format!("/Questionnaire?context={venue}&status=active")).await.1;
    told["survey"] = get(&sim, "/Questionnaire/survey-hs-8150301-1").await.1;
    let asked = "https://fhir.pasientsky.example/Questionnaire/survey-hs-8150301-1|1";
    let form = [("patient", PATIENT), ("questionnaire", asked)];
    told["unanswered"] = search(&sim, "QuestionnaireResponse", &form).await.1;
    told["talk"] = get(&sim, &format!("/Communication?part-of=Task/t-2&_tag={origin}&_sort=-sent")).await.1;
    told["opened"] = super::post(&sim, "/", &[], &question(1)).await.1;

    let id = open(&sim, &renewal(2)).await;
    let decisions = vec![Decision {
        item: "MedicationRequest/mr-p-1-2".into(),
        outcome: "needs-consultation".into(),
        reason: Some("Ta blodprøve.".into()),
    }];
    sim.answer(&id, &Answer::Renewal { decisions, text: Some("Hentes på apoteket.".into()) }).unwrap();
    for (number, answer) in [
        (3, Answer::Redirect { to: Service::Consultation, text: "Send en e-konsultasjon.".into() }),
        (4, Answer::Reject { code: "E21".into(), text: "Ukjent pasient.".into() }),
        (5, Answer::Close),
        (6, Answer::Decline { text: "Det gjør vi ikke.".into() }),
    ] {
        let id = open(&sim, &question(number)).await;
        sim.answer(&id, &answer).unwrap();
    }
    sim.open(CLINIC, LEILA.national_id, &said("Kan du komme til kontroll?", false)).unwrap();
    sim.open(CLINIC, LEILA.national_id, &said("Vi har flyttet.", true)).unwrap();
    let begins = |time: &str| format!("2026-11-26T{time}:00").parse().unwrap();
    let make = |time: &str| AppointmentAct::Make { number: LEILA.national_id.into(), begins: begins(time) };
    sim.act(CLINIC, &make("14:30")).unwrap();
    let id = sim.act(CLINIC, &make("15:00")).unwrap();
    sim.act(CLINIC, &AppointmentAct::Move { id, begins: begins("10:45") }).unwrap();
    let id = sim.act(CLINIC, &make("15:30")).unwrap();
    sim.act(CLINIC, &AppointmentAct::Cancel { id, text: Some("Legen er syk.".into()) }).unwrap();
    sim.report(CLINIC, LEILA.national_id, &report()).unwrap();
    for damage in [Damage::Garbage, Damage::Truncated, Damage::WrongType, Damage::UnknownCode] {
        sim.damage_next(damage);
        sim.open(CLINIC, LEILA.national_id, &said("Borte.", true)).unwrap();
    }
    for (kind, includes) in [
        ("Task", ""),
        ("Communication", "&_include=Communication:part-of&_include=Communication:subject"),
        ("Appointment", "&_include=Appointment:patient&_include=Appointment:actor"),
    ] {
        let path = format!(
            "/{kind}?_tag={origin}&_lastUpdated=ge2026-01-01T00:00:00Z&_sort=_lastUpdated&_count=100{includes}"
        );
        told["news"][kind] = get(&sim, &path).await.1;
    }
    let notices = sim.notices();
    told["notification"] = notification(&notices.iter().take(3).collect::<Vec<_>>());
    told["handshake"] = notification(&[]);
    sim.take_slot("slot-9123458-20261123-0900").unwrap();
    let mut taken = booking(9);
    taken["slot"] = json!([{ "reference": "Slot/slot-9123458-20261123-0900" }]);
    told["refusal"] = book(&sim, &taken).await.1;
    let mut blank = message(10, "inquiry", "Task/t-2");
    let latest = sim
        .records(Kind::Communication)
        .into_iter()
        .find(|one| one.text("/payload/0/contentString") == Some("Ja. Når?"));
    blank["inResponseTo"] = json!([{ "reference": latest.unwrap().reference() }]);
    blank["payload"] = json!([{ "contentString": " " }]);
    told["rejected"] = write(&sim, &blank).await.1;
    assert_eq!(sim.violations(), []);
    assert!(told.to_string().contains(DIALOG));

    still(&mut told, &sim.base_url());
    let text = format!("{}\n", serde_json::to_string_pretty(&told).unwrap());
    let file = golden("told.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert!(
        text == std::fs::read_to_string(&file).unwrap_or_default(),
        "told.json is another: UPDATE_GOLDEN=1 writes it"
    );
}

/// Every moment becomes the same one, and the server's address one without a port.
fn still(value: &mut Value, base: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match name.as_str() {
                    "lastUpdated" | "lastModified" | "received" | "timestamp" | "valueInstant" => {
                        *member = json!(START)
                    }
                    "sent" | "authoredOn" if member.as_str().is_some_and(|at| at.starts_with("2026-11-20")) => {
                        *member = json!(START);
                    }
                    _ => still(member, base),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| still(item, base)),
        Value::String(text) => *text = text.replace(base, "https://api.pasientsky.example/fhir/r4"),
        _ => {}
    }
}
