//! Amina asks a colleague at another office about Leila, brings Leila in, and ends it; then a colleague there asks her.

use std::time::Duration;

use anyhow::ensure;
use http::StatusCode;
use serde_json::{Value, json};

use super::{citizen::Citizen, teller::Teller};
use crate::{
    house::{House, portal::Portal},
    sim::{
        helserespons::Consult,
        meldingstjener::{Answer, Kind, Process, Question},
        world::{FJELLVEIEN, HAVNEGATA, LEILA, LILLETORGET},
    },
};

const DIALOGS: &str = "/v1/offices/{herId}/collegial-dialogs";
const DIALOG: &str = "/v1/offices/{herId}/collegial-dialogs/{dialog}";

/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(50);

/// How long news may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let amina = house.issuer.clinician(&LILLETORGET, &LILLETORGET.gps[0])?;
    let amina = Portal::new(house.gateway()?.portal.clone(), Some(amina))?;
    let mut leila = Citizen::log_in(house, &LEILA).await?;
    asks(tell, house, &amina, &mut leila).await?;
    is_asked(tell, house, &amina).await?;
    asks_a_vendors_office(tell, house, &amina).await
}

async fn asks(tell: &mut Teller, house: &House, amina: &Portal, leila: &mut Citizen) -> anyhow::Result<()> {
    let her_id = LILLETORGET.service_her_id.to_string();
    let question = json!({
        "to": { "office": FJELLVEIEN.service_her_id },
        "patient": LEILA.national_id,
        "message": { "subject": "Vurdering", "text": "Hva tenker du om blodtrykket?" },
    });
    let call = amina.post(DIALOGS, &[&her_id], &question);
    let opened = tell.ask("Amina asks a colleague at another office about Leila", call, StatusCode::CREATED).await?;
    let dialog = opened.text("/id")?.to_owned();
    let asked = |text: &'static str| {
        move |request: &crate::sim::meldingstjener::Request| {
            request.message.process == Process::Helsepersonell && request.message.text.as_deref() == Some(text)
        }
    };
    let request = house.meldingstjener.wait_for_request(asked("Hva tenker du om blodtrykket?")).await?;
    let author = request.message.author.as_ref().map(|author| author.office);
    tell.equal("the colleague sees from where", author, Some(LILLETORGET.service_her_id))?;
    house.meldingstjener.answer(&request.message.msg_id, &Answer::reply("Mål det hjemme i en uke."))?;
    is_answered(amina, &her_id, &dialog).await?;
    let read = amina.get(DIALOG, &[&her_id, &dialog]);
    let read = tell.ask("Amina reads what the colleague answers", read, StatusCode::OK).await?;
    tell.equal("through the office's own solution", read.text("/provider/id")?, "ddfl")?;
    let list = leila.portal.get("/v1/me/dialogs", &[]);
    let list = tell.ask("Leila looks at her dialogs", list, StatusCode::OK).await?;
    let hers = list.json["items"].as_array().into_iter().flatten().any(|one| one["id"] == dialog.as_str());
    tell.check("what clinicians say to each other is not there", !hers)?;

    let joining = json!({ "message": { "text": "Vi tar med Leila selv." } });
    let call = amina.post("/v1/offices/{herId}/collegial-dialogs/{dialog}/citizen", &[&her_id, &dialog], &joining);
    tell.ask("Amina brings Leila in", call, StatusCode::ACCEPTED).await?;
    let read = leila.reads(tell, "reads what is shared with her", &dialog).await?;
    tell.equal("and nothing before it", read["messages"].as_array().map(Vec::len), Some(1))?;
    house.meldingstjener.wait_for_request(asked("Vi tar med Leila selv.")).await?;
    let arrived = |read: &Value| read["status"]["state"] == "awaiting-office";
    comes(amina, DIALOG, &[&her_id, &dialog], arrived).await?;
    leila.writes(tell, "writes to both", &dialog, "Det var 150 i går.").await?;
    let reply = house
        .meldingstjener
        .wait_for_request(|request| request.message.kind == Kind::Reply && asked("Det var 150 i går.")(request))
        .await?;
    tell.check("the patient's words are told from a clinician's", reply.message.author.is_none())?;
    let call = amina.post("/v1/offices/{herId}/collegial-dialogs/{dialog}/close", &[&her_id, &dialog], &json!({}));
    tell.ask("Amina ends it", call, StatusCode::OK).await?;
    leila.sees_closed(tell, "sees that it is over", &dialog, "answered").await?;
    Ok(())
}

async fn is_asked(tell: &mut Teller, house: &House, amina: &Portal) -> anyhow::Result<()> {
    let her_id = LILLETORGET.service_her_id.to_string();
    let question = Question {
        to: LILLETORGET,
        clinician: None,
        patient: None,
        subject: "Kapasitet".to_owned(),
        text: "Har dere plass til flere på lista?".to_owned(),
    };
    house.meldingstjener.ask_colleague(&FJELLVEIEN, &question)?;
    let list = comes(amina, DIALOGS, &[&her_id], |list| list["items"][0]["aboutPatient"] == false).await?;
    let dialog = list["items"][0]["id"].as_str().unwrap_or_default().to_owned();
    let call = amina.post(
        "/v1/offices/{herId}/collegial-dialogs/{dialog}/messages",
        &[&her_id, &dialog],
        &json!({ "text": "Ja, ti plasser." }),
    );
    tell.ask("A colleague asks Amina about nobody in particular, and she answers", call, StatusCode::CREATED).await?;
    let answered = |request: &crate::sim::meldingstjener::Request| {
        request.message.kind == Kind::ColleagueAnswer && request.message.text.as_deref() == Some("Ja, ti plasser.")
    };
    let answer = house.meldingstjener.wait_for_request(answered).await?;
    tell.check("it is about no patient", answer.message.patient.is_none())
}

/// The same question to an office whose solution is a vendor's.
async fn asks_a_vendors_office(tell: &mut Teller, house: &House, amina: &Portal) -> anyhow::Result<()> {
    let her_id = LILLETORGET.service_her_id.to_string();
    let question = json!({
        "to": { "office": HAVNEGATA.service_her_id }, "message": { "text": "Har dere erfaring med appen?" },
    });
    let call = amina.post(DIALOGS, &[&her_id], &question);
    let opened = tell.ask("Amina asks at an office with another solution", call, StatusCode::CREATED).await?;
    let dialog = opened.text("/id")?.to_owned();
    let asked = |consult: &Consult| consult.said.iter().any(|said| said.entry.body == "Har dere erfaring med appen?");
    let consult = house.helserespons.wait_for_consult(asked).await?;
    tell.check("it is about no patient", consult.patient.is_none())?;
    house.helserespons.reply_in_consult(&consult.consult_no, "Ja, god.", true)?;
    is_answered(amina, &her_id, &dialog).await?;
    let read = amina.get(DIALOG, &[&her_id, &dialog]);
    let read = tell.ask("Amina reads the answer in the same list", read, StatusCode::OK).await?;
    tell.equal("through the vendor", read.text("/provider/id")?, "helserespons")?;
    tell.equal("it is over", read.text("/status/state")?, "closed")
}

async fn is_answered(who: &Portal, her_id: &str, dialog: &str) -> anyhow::Result<Value> {
    let two = |read: &Value| read["messages"].as_array().is_some_and(|all| all.len() == 2);
    comes(who, DIALOG, &[her_id, dialog], two).await
}

/// Reads until it is as it should be.
async fn comes(
    who: &Portal,
    template: &'static str,
    ids: &[&str],
    holds: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        let read = who.get(template, ids).expect(StatusCode::OK).await?.json;
        if holds(&read) {
            return Ok(read);
        }
        ensure!(tokio::time::Instant::now() < deadline, "it never came: {read}");
    }
}
