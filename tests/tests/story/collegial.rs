//! Clinicians who talk with each other through a whole gateway: who may, what the patient sees and does not, and that it
//! goes with the patient.

use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    house::{
        House,
        issuer::clinician_claims,
        portal::{Call, Portal},
    },
    sim::{
        helserespons,
        meldingstjener::{Answer, Kind, NationalId, Person, Process, Question},
        world::{BEKKEFARET, Citizen, FJELLVEIEN, HAVNEGATA, KARI, LEILA, LILLETORGET, Office},
    },
    story::citizen::PHOTO,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, invalid, operator, refusal};

const DIALOGS: &str = "/v1/offices/{herId}/collegial-dialogs";
const DIALOG: &str = "/v1/offices/{herId}/collegial-dialogs/{dialog}";
const MESSAGES: &str = "/v1/offices/{herId}/collegial-dialogs/{dialog}/messages";
const CITIZEN: &str = "/v1/offices/{herId}/collegial-dialogs/{dialog}/citizen";
const CLOSE: &str = "/v1/offices/{herId}/collegial-dialogs/{dialog}/close";
const UPLOAD: &str = "/v1/offices/{herId}/collegial-attachments";
const FILE: &str = "/v1/offices/{herId}/collegial-dialogs/{dialog}/attachments/{attachment}";

/// The first clinician of an office.
fn clinician(house: &House, office: &Office) -> anyhow::Result<Portal> {
    let token = house.issuer.clinician(office, &office.gps[0])?;
    Portal::new(house.gateway()?.portal.clone(), Some(token))
}

fn own(office: &Office) -> String {
    office.service_her_id.to_string()
}

fn question(to: &Office, patient: Option<&Citizen>, text: &str) -> Value {
    let mut question =
        json!({ "to": { "office": to.service_her_id }, "message": { "subject": "Vurdering", "text": text } });
    if let Some(patient) = patient {
        question["patient"] = json!(patient.national_id);
    }
    question
}

fn texts(dialog: &Value) -> Vec<&str> {
    dialog["messages"].as_array().into_iter().flatten().filter_map(|message| message["text"].as_str()).collect()
}

/// Reads until the dialog is as it should be: news come within a second or two.
async fn until(call: impl Fn() -> Call, holds: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
    loop {
        tick.tick().await;
        let read = call().expect(StatusCode::OK).await?.json;
        if holds(&read) {
            return Ok(read);
        }
        ensure!(tokio::time::Instant::now() < deadline, "it never came: {read}");
    }
}

#[test]
fn colleagues_talk_and_the_patient_sees_only_what_is_shared_and_who_read_it() -> anyhow::Result<()> {
    alone(async |house| {
        let (amina, leila) = (clinician(house, &LILLETORGET)?, citizen(house, &LEILA)?);
        let her_id = own(&LILLETORGET);
        let upload = amina
            .post(UPLOAD, &[&her_id], &Value::Null)
            .query("name=utslett.jpg")
            .header("content-type", "application/octet-stream")
            .body(PHOTO);
        let file = upload.expect(StatusCode::CREATED).await?.text("/id")?.to_owned();
        let mut asked = question(&FJELLVEIEN, Some(&LEILA), "Hva tenker du om utslettet?");
        asked["to"]["clinician"] = json!(FJELLVEIEN.gps[0].hpr.parse::<u32>()?);
        asked["message"]["attachments"] = json!([file]);
        let opened = amina.post(DIALOGS, &[&her_id], &asked).expect(StatusCode::CREATED).await?;
        let dialog = opened.text("/id")?.to_owned();
        ensure!(opened.headers["location"] == format!("/v1/offices/{her_id}/collegial-dialogs/{dialog}"));
        ensure!(opened.json["provider"]["id"] == "ddfl" && opened.json["due"].is_string(), "{}", opened.json);
        ensure!(opened.json["between"]["patient"]["givenName"] == LEILA.given_name);

        let request =
            house.meldingstjener.wait_for_request(|request| request.message.process == Process::Helsepersonell).await?;
        let author = request.message.author.clone().context("it is signed")?;
        ensure!(author.office == LILLETORGET.service_her_id && author.hpr == LILLETORGET.gps[0].hpr, "{author:?}");
        ensure!(request.message.kind == Kind::Consultation && request.message.attachments.len() == 1);
        ensure!(request.message.wanted_gp.as_deref() == Some(FJELLVEIEN.gps[0].hpr));
        house.meldingstjener.answer(&request.message.msg_id, &Answer::reply("Det ligner et eksem."))?;
        let read = || amina.get(DIALOG, &[&her_id, &dialog]);
        let answered = until(read, |read| texts(read).len() == 2).await?;
        ensure!(answered["messages"][1]["author"]["role"] == "office", "{answered}");
        amina.get(FILE, &[&her_id, &dialog, &file]).expect(StatusCode::OK).await?;

        // The patient sees nothing of it, but who read about them.
        let list = leila.get("/v1/me/dialogs", &[]).expect(StatusCode::OK).await?;
        ensure!(list.json["items"] == json!([]), "{}", list.json);
        refusal(leila.get("/v1/me/dialogs/{dialog}", &[&dialog]), ProblemType::NotFound).await?;
        refusal(leila.get("/v1/me/attachments/{attachment}", &[&file]), ProblemType::NotFound).await?;
        let log = |what: &str| leila.get("/v1/me/access-log", &[]).query(&format!("what={what}"));
        let told = |log: &Value, words: &str| {
            let items = log["items"].as_array().into_iter().flatten();
            items.filter_map(|one| one["text"].as_str()).any(|text| text.contains(words))
        };
        // A record is in the log that people read when it is in the tree, a moment later.
        let seen = async {
            let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
            loop {
                tick.tick().await;
                let changes = log("change").expect(StatusCode::OK).await?.json;
                let readings = log("read").expect(StatusCode::OK).await?.json;
                if told(&changes, "spurte en kollega om deg") && told(&readings, "leste en samtale mellom behandlere") {
                    return Ok::<(), anyhow::Error>(());
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), seen).await.context("she never sees who read")??;

        let joining = json!({ "message": { "text": "Vi tar med Leila." } });
        let joined = amina.post(CITIZEN, &[&her_id, &dialog], &joining).expect(StatusCode::ACCEPTED).await?;
        ensure!(joined.json["between"]["citizenSince"].is_string(), "{}", joined.json);
        let again = amina.post(CITIZEN, &[&her_id, &dialog], &joining);
        refusal(again, ProblemType::Conflict).await?;
        let shown = leila.get("/v1/me/dialogs/{dialog}", &[&dialog]).expect(StatusCode::OK).await?.json;
        ensure!(texts(&shown) == ["Vi tar med Leila."], "{shown}");
        ensure!(shown["messages"][0]["author"]["role"] == "clinician", "{shown}");
        ensure!(shown["between"].get("patient").is_none() && shown.get("subject").is_none(), "{shown}");
        refusal(leila.get("/v1/me/attachments/{attachment}", &[&file]), ProblemType::NotFound).await?;
        let found =
            leila.post("/v1/me/dialogs/search", &[], &json!({ "text": "eksem" })).expect(StatusCode::OK).await?;
        ensure!(found.json["items"] == json!([]), "what is not shared is not found either: {}", found.json);

        // All three write, and all three read.
        let call =
            leila.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Det klør mest om natta." }));
        let sent = call.send().await?;
        ensure!(matches!(sent.status, StatusCode::CREATED | StatusCode::ACCEPTED), "{}", sent.json);
        let patient = |request: &dialog_tests::sim::meldingstjener::Request| {
            request.message.process == Process::Helsepersonell && request.message.kind == Kind::Reply
        };
        let reply = house.meldingstjener.wait_for_request(patient).await?;
        ensure!(reply.message.author.is_none() && reply.conversation == request.conversation);
        house.meldingstjener.answer(&reply.message.msg_id, &Answer::reply("Da prøver vi en salve."))?;
        let at_leila = || leila.get("/v1/me/dialogs/{dialog}", &[&dialog]);
        let shown = until(at_leila, |read| texts(read).contains(&"Da prøver vi en salve.")).await?;
        ensure!(texts(&shown).len() == 3, "{shown}");
        let read = until(|| amina.get(DIALOG, &[&her_id, &dialog]), |read| texts(read).len() == 5).await?;
        let roles: Vec<&str> = read["messages"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["author"]["role"].as_str())
            .collect();
        ensure!(roles == ["clinician", "office", "clinician", "citizen", "office"], "{roles:?}");
        let close = leila.post("/v1/me/dialogs/{dialog}/close", &[&dialog], &json!({}));
        refusal(close, ProblemType::ReplyNotAllowed).await?;

        let closed = amina.post(CLOSE, &[&her_id, &dialog], &json!({})).expect(StatusCode::OK).await?;
        ensure!(closed.json["status"] == json!({ "state": "closed", "outcome": "answered" }), "{}", closed.json);
        let ended = |request: &dialog_tests::sim::meldingstjener::Request| request.message.kind == Kind::ColleagueEnd;
        house.meldingstjener.wait_for_request(ended).await?;
        let more = amina.post(MESSAGES, &[&her_id, &dialog], &json!({ "text": "Takk" }));
        refusal(more, ProblemType::DialogClosed).await?;
        ensure!(house.meldingstjener.violations().is_empty(), "{:?}", house.meldingstjener.violations());

        // It goes with the patient.
        let erasure = json!({ "nationalIdentityNumber": LEILA.national_id });
        operator(house)?.post("/v1/erasures", &[], &erasure).expect(StatusCode::NO_CONTENT).await?;
        refusal(amina.get(DIALOG, &[&her_id, &dialog]), ProblemType::NotFound).await?;
        let list = amina.get(DIALOGS, &[&her_id]).expect(StatusCode::OK).await?;
        ensure!(list.json["items"] == json!([]), "{}", list.json);
        Ok(())
    })
}

#[test]
fn a_colleague_elsewhere_asks_first_and_is_answered_also_about_nobody() -> anyhow::Result<()> {
    alone(async |house| {
        let (amina, her_id) = (clinician(house, &LILLETORGET)?, own(&LILLETORGET));
        for patient in [Some(&LEILA), None] {
            let text = if patient.is_some() { "Kjenner du til allergien?" } else { "Har dere plass til flere?" };
            let question = Question {
                to: LILLETORGET,
                clinician: Some(LILLETORGET.gps[0].hpr.to_owned()),
                patient: patient.map(|patient| Person {
                    given_name: patient.given_name.to_owned(),
                    family_name: patient.family_name.to_owned(),
                    national_id: NationalId::new(patient.national_id),
                }),
                subject: "Spørsmål".to_owned(),
                text: text.to_owned(),
            };
            house.meldingstjener.ask_colleague(&FJELLVEIEN, &question)?;
            let open =
                |list: &Value| {
                    list["items"].as_array().into_iter().flatten().any(|one| {
                        one["status"]["state"] == "awaiting-citizen" && one["aboutPatient"] == patient.is_some()
                    })
                };
            let list = until(|| amina.get(DIALOGS, &[&her_id]), open).await?;
            let items = list["items"].as_array().context("items")?;
            let found = items.iter().find(|one| one["aboutPatient"] == patient.is_some()).context("the dialog")?;
            let dialog = found["id"].as_str().context("id")?.to_owned();
            let read = amina.get(DIALOG, &[&her_id, &dialog]).expect(StatusCode::OK).await?.json;
            ensure!(texts(&read) == [text] && read["office"]["herId"] == FJELLVEIEN.service_her_id, "{read}");
            ensure!(read["between"]["patient"].is_object() == patient.is_some(), "{read}");
            let answer = json!({ "text": format!("Svar på: {text}") });
            amina.post(MESSAGES, &[&her_id, &dialog], &answer).expect(StatusCode::CREATED).await?;
            let said = format!("Svar på: {text}");
            let answered = |request: &dialog_tests::sim::meldingstjener::Request| {
                request.message.kind == Kind::ColleagueAnswer && request.message.text.as_deref() == Some(&said)
            };
            house.meldingstjener.wait_for_request(answered).await?;
            if patient.is_none() {
                let joining = json!({ "message": { "text": "Hei" } });
                refusal(amina.post(CITIZEN, &[&her_id, &dialog], &joining), ProblemType::Conflict).await?;
            }
        }
        ensure!(house.meldingstjener.violations().is_empty(), "{:?}", house.meldingstjener.violations());
        Ok(())
    })
}

#[test]
fn only_a_clinician_of_the_office_opens_reads_and_writes() -> anyhow::Result<()> {
    alone(async |house| {
        let (amina, her_id) = (clinician(house, &LILLETORGET)?, own(&LILLETORGET));
        let asked = question(&FJELLVEIEN, Some(&LEILA), "Hva tenker du?");
        let opened = amina.post(DIALOGS, &[&her_id], &asked).expect(StatusCode::CREATED).await?;
        let dialog = opened.text("/id")?.to_owned();

        let base = house.gateway()?.portal.clone();
        let with = |claims: Value| Portal::new(base.clone(), Some(house.issuer.bound(claims)?));
        let good = || clinician_claims(&LILLETORGET, LILLETORGET.gps[0].hpr);
        let mut without = good();
        without.as_object_mut().context("claims")?.remove("helseid://claims/hpr/hpr_number");
        let without = with(without)?;
        refusal(without.get(DIALOG, &[&her_id, &dialog]), ProblemType::NotPermitted).await?;
        refusal(without.post(DIALOGS, &[&her_id], &asked), ProblemType::NotPermitted).await?;
        let mut scope = good();
        scope["scope"] = json!("dialog:office");
        refusal(with(scope)?.get(DIALOGS, &[&her_id]), ProblemType::NotPermitted).await?;
        // A clinician of the organisation whom the directory does not have at the office.
        let elsewhere = with(clinician_claims(&LILLETORGET, HAVNEGATA.gps[0].hpr))?;
        let reply = refusal(elsewhere.get(DIALOGS, &[&her_id]), ProblemType::NotPermitted).await?;
        ensure!(reply.text("/detail")?.contains("HPR"), "{}", reply.json);
        // Another office's clinician: neither this office nor its dialog is there.
        let stranger = clinician(house, &HAVNEGATA)?;
        refusal(stranger.get(DIALOG, &[&her_id, &dialog]), ProblemType::NotFound).await?;
        refusal(stranger.get(DIALOG, &[&own(&HAVNEGATA), &dialog]), ProblemType::NotFound).await?;
        let write = stranger.post(MESSAGES, &[&own(&HAVNEGATA), &dialog], &json!({ "text": "Hei" }));
        refusal(write, ProblemType::NotFound).await?;

        let nowhere = question(&LILLETORGET, None, "Meg selv?");
        invalid(amina.post(DIALOGS, &[&her_id], &nowhere), &["/to/office"]).await?;
        let mut nobody = asked.clone();
        nobody["patient"] = json!("17845398062");
        invalid(amina.post(DIALOGS, &[&her_id], &nobody), &["/patient"]).await?;
        let mut mistyped = asked.clone();
        mistyped["patient"] = json!("41838541241");
        invalid(amina.post(DIALOGS, &[&her_id], &mistyped), &["/patient"]).await?;
        let mut not_there = asked.clone();
        not_there["to"]["clinician"] = json!(9_999_999);
        invalid(amina.post(DIALOGS, &[&her_id], &not_there), &["/to/clinician"]).await?;
        let no_agreement = question(&BEKKEFARET, None, "Tar dere imot?");
        refusal(amina.post(DIALOGS, &[&her_id], &no_agreement), ProblemType::ServiceNotOffered).await?;

        // The same key asks once.
        let key = uuid::Uuid::new_v4().to_string();
        let ask =
            || amina.post(DIALOGS, &[&her_id], &asked).header("idempotency-key", &key).expect(StatusCode::CREATED);
        let (first, second) = (ask().await?, ask().await?);
        ensure!(first.json["id"] == second.json["id"], "one key, one dialog");
        let stale = amina.post(MESSAGES, &[&her_id, &dialog], &json!({ "text": "Mer" })).header("if-match", "\"0\"");
        refusal(stale, ProblemType::PreconditionFailed).await?;
        Ok(())
    })
}

#[test]
fn a_commercial_provider_carries_it_both_ways_and_the_patient_too() -> anyhow::Result<()> {
    alone(async |house| {
        let (sigrid, kari, her_id) = (clinician(house, &FJELLVEIEN)?, citizen(house, &KARI)?, own(&FJELLVEIEN));
        let mut asked = question(&HAVNEGATA, Some(&KARI), "Kan dere se på EKG-et?");
        asked["to"]["clinician"] = json!(HAVNEGATA.gps[1].hpr.parse::<u32>()?);
        let opened = sigrid.post(DIALOGS, &[&her_id], &asked).expect(StatusCode::CREATED).await?;
        ensure!(opened.json["provider"]["id"] == "helserespons", "{}", opened.json);
        let dialog = opened.text("/id")?.to_owned();
        let consult = house.helserespons.wait_for_consult(|one| one.said.len() == 1).await?;
        let from = consult.said[0].from.clone().context("it is signed")?;
        ensure!(
            from.her_id == FJELLVEIEN.service_her_id && from.last_name == FJELLVEIEN.gps[0].family_name,
            "{from:?}"
        );
        ensure!(consult.patient.is_some() && consult.to.is_some());
        house.helserespons.reply_in_consult(&consult.consult_no, "Det ser greit ut.", false)?;
        until(|| sigrid.get(DIALOG, &[&her_id, &dialog]), |read| texts(read).len() == 2).await?;

        let joining = json!({ "message": { "text": "Kari, EKG-et er fint." }, "history": true });
        sigrid.post(CITIZEN, &[&her_id, &dialog], &joining).expect(StatusCode::ACCEPTED).await?;
        let shown = kari.get("/v1/me/dialogs/{dialog}", &[&dialog]).expect(StatusCode::OK).await?.json;
        ensure!(texts(&shown).len() == 3 && shown["between"].get("patient").is_none(), "with what was before: {shown}");
        house.helserespons.wait_for_consult(|one| one.said.len() == 3).await?;
        let arrived = |read: &Value| read["status"]["state"] == "awaiting-office";
        until(|| sigrid.get(DIALOG, &[&her_id, &dialog]), arrived).await?;
        kari.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Takk!" }))
            .expect(StatusCode::CREATED)
            .await?;
        let consult = house.helserespons.wait_for_consult(|one| one.said.len() == 4).await?;
        ensure!(consult.said[3].from.is_none(), "the patient is no clinician");
        house.helserespons.reply_in_consult(&consult.consult_no, "Bare hyggelig.", true)?;
        let over = |read: &Value| read["status"]["state"] == "closed";
        until(|| kari.get("/v1/me/dialogs/{dialog}", &[&dialog]), over).await?;

        for patient in [Some(LEILA.national_id.to_owned()), None] {
            let text = format!("Spørsmål om noen: {}", patient.is_some());
            let (about, to) = (patient.is_some(), LILLETORGET);
            let question = helserespons::Question { to, hpr: None, patient, text: text.clone() };
            house.helserespons.ask_colleague("havnegata", &question)?;
            let (amina, lilletorget) = (clinician(house, &LILLETORGET)?, own(&LILLETORGET));
            let is_it = |one: &&Value| one["aboutPatient"] == about && one["status"]["state"] == "awaiting-citizen";
            let come = |list: &Value| list["items"].as_array().into_iter().flatten().any(|one| is_it(&one));
            let list = until(|| amina.get(DIALOGS, &[&lilletorget]), come).await?;
            let found = list["items"].as_array().into_iter().flatten().find(is_it).context("the dialog")?.clone();
            let dialog = found["id"].as_str().context("id")?;
            let answer = json!({ "text": "Det vet jeg." });
            amina.post(MESSAGES, &[&lilletorget, dialog], &answer).expect(StatusCode::CREATED).await?;
            house.helserespons.wait_for_consult(|one| one.said.len() == 2 && one.said[0].entry.body == text).await?;
            amina.post(CLOSE, &[&lilletorget, dialog], &json!({})).expect(StatusCode::OK).await?;
        }
        ensure!(house.helserespons.violations().is_empty(), "{:?}", house.helserespons.violations());
        Ok(())
    })
}
