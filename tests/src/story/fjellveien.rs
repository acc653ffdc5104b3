//! Kari, at an office where everything goes through the public solution, on Infodoc Plenario.

use anyhow::Context;
use dialog_contract::{event::EventType, problem::ProblemType};
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, decisions, office_messages},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        meldingstjener::{Answer, Decision, Kind, Opening},
        world::{FJELLVEIEN, KARI},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut kari = Citizen::log_in(house, &KARI).await?;
    let practice = kari
        .sees_offers(
            tell,
            &[
                ("appointment", "ddfl", "public"),
                ("prescription-renewal", "ddfl", "public"),
                ("consultation", "ddfl", "public"),
                ("inquiry", "ddfl", "public"),
                ("certificate", "ddfl", "public"),
            ],
        )
        .await?;
    tell.equal("it is her GP's office", practice["office"]["name"].as_str(), Some(FJELLVEIEN.service_name))?;
    kari.books_changes_and_cancels(tell).await?;
    consultation(tell, house, &mut kari).await?;
    renewal(tell, house, &mut kari).await?;
    redirected(tell, house, &mut kari).await?;
    one_way(tell, house, &mut kari).await?;
    two_way(tell, house, &mut kari).await?;
    certificate(tell, house, &mut kari).await
}

async fn consultation(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let photo = kari.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Utslett", "text": "Utslettet er tilbake etter kuren.", "attachments": [photo] },
    });
    let dialog = kari.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let request = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Consultation).await?;
    tell.equal("the office has the picture", request.message.attachments.len(), 1)?;
    house.meldingstjener.answer(&request.message.msg_id, &Answer::reply("Smør med kremen to ganger daglig."))?;

    let read = kari.is_answered(tell, "reads the doctor's answer", &dialog).await?;
    let answers = office_messages(&read);
    tell.equal("there is one answer", answers.len(), 1)?;
    tell.equal("it is what the doctor wrote", answers[0]["text"].as_str(), Some("Smør med kremen to ganger daglig."))?;
    tell.equal("it is unopened", read["unopened"].as_u64(), Some(1))?;
    tell.check("it was to be answered within five working days", read["due"].is_string())?;

    let call = kari.portal.post("/v1/me/dialogs/{dialog}/seen", &[&dialog], &json!({}));
    let seen = tell.ask("Kari has seen it", call, StatusCode::OK).await?;
    tell.equal("nothing is unopened", seen.json["unopened"].as_u64(), Some(0))?;

    kari.writes(tell, "asks a follow-up in the same consultation", &dialog, "Hvor lenge?").await?;
    let follow_up = house
        .meldingstjener
        .wait_for_request(|request| {
            request.message.kind == Kind::Reply && request.message.text.as_deref() == Some("Hvor lenge?")
        })
        .await?;
    let references = follow_up.message.references.context("the follow-up refers to its conversation")?;
    tell.equal("it belongs to the same conversation", references.conversation, request.conversation)?;
    house
        .meldingstjener
        .answer(&follow_up.message.msg_id, &Answer::close("En uke. Ta kontakt om det ikke blir bedre."))?;
    kari.sees_closed(tell, "sees that the consultation is over", &dialog, "answered").await?;

    let again = kari.portal.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Takk!" }));
    tell.step("Kari cannot write in it any more");
    again.refused(ProblemType::DialogClosed).await?;
    tell.check("the refusal says that the dialog is closed", true)
}

async fn renewal(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": {
            "type": "prescription-renewal",
            "items": [
                { "id": "resept-1", "medicine": "Metoprolol depottabletter 50 mg", "atc": "C07AB02" },
                { "id": "resept-2", "medicine": "Zopiklon tabletter 7,5 mg", "atc": "N05CF01" },
            ],
        },
    });
    let dialog = kari.opens(tell, "asks to renew two prescriptions", &opening).await?;
    let request = house
        .meldingstjener
        .wait_for_request(|request| matches!(request.message.kind, Kind::RenewalText | Kind::RenewalPrescriptions))
        .await?;
    let answer = Answer::Renewal {
        decisions: vec![
            Decision { item: "Metoprolol".to_owned(), renewed: true, note: None },
            Decision { item: "Zopiklon".to_owned(), renewed: false, note: Some("Bestill time først.".to_owned()) },
        ],
        text: None,
    };
    house.meldingstjener.answer(&request.message.msg_id, &answer)?;
    let read = kari.sees_closed(tell, "sees what became of them", &dialog, "answered").await?;
    tell.check("the office decided", !decisions(&read).is_empty())?;
    let said =
        office_messages(&read).iter().filter_map(|one| one["text"].as_str().map(str::to_owned)).collect::<String>();
    tell.check("one is renewed and one is not", said.contains("Metoprolol") && said.contains("Zopiklon"))
}

async fn redirected(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "inquiry" },
        "message": { "subject": "Spørsmål", "text": "Jeg har vondt i kneet når jeg går i trapper." },
    });
    let dialog = kari.opens(tell, "asks a medical question as a contact", &opening).await?;
    let request = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Contact).await?;
    house.meldingstjener.answer(&request.message.msg_id, &Answer::AdviseConsultation { text: None })?;
    let read = kari.is_answered(tell, "is told to send an e-consultation instead", &dialog).await?;
    let said =
        office_messages(&read).iter().filter_map(|one| one["text"].as_str().map(str::to_lowercase)).collect::<String>();
    tell.check("the office says so in plain words", said.contains("konsultasjon"))
}

async fn one_way(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The office sends Kari a one-way message (EKI)");
    let known = kari.screen.all().len();
    house.meldingstjener.open(
        &FJELLVEIEN,
        KARI.national_id,
        &Opening {
            medical: false,
            one_way: true,
            subject: "Vaksinen er kommet".to_owned(),
            text: "Vaksinen du har bestilt, er kommet. Bestill time hos sykepleier.".to_owned(),
            attachments: Vec::new(),
        },
    )?;
    let dialog = opened_by_office(kari, known).await?;
    let read = kari.reads(tell, "reads it", &dialog).await?;
    tell.equal("no reply is offered", read["replyAllowed"].as_bool(), Some(false))?;
    tell.step("Kari cannot reply to it");
    let call = kari.portal.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Takk!" }));
    let refusal = call.refused(ProblemType::ReplyNotAllowed).await?;
    tell.check("the refusal says why", !refusal.text("/detail")?.is_empty())?;
    tell.equal("nothing was sent", refusal.text("/sent")?, "no")
}

async fn two_way(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The office opens a dialogue with Kari");
    let known = kari.screen.all().len();
    house.meldingstjener.open(
        &FJELLVEIEN,
        KARI.national_id,
        &Opening {
            medical: false,
            one_way: false,
            subject: "Timen din".to_owned(),
            text: "Kan du komme en time senere på torsdag?".to_owned(),
            attachments: Vec::new(),
        },
    )?;
    let dialog = opened_by_office(kari, known).await?;
    kari.writes(tell, "replies", &dialog, "Ja, det passer fint.").await?;
    let reply = house.meldingstjener.wait_for_message(|message| message.label == "22").await?;
    tell.check("the reply reached the office as the citizen's answer (22)", !reply.to_portal)
}

async fn certificate(tell: &mut Teller, house: &House, kari: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "certificate", "purpose": "Førerkort klasse B" },
        "message": { "text": "Jeg trenger helseattest til førerkortet." },
    });
    let dialog = kari.opens(tell, "asks for a health certificate", &opening).await?;
    let request = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Certificate).await?;
    let answer = Answer::CertificateIssued { text: None, certificate: None };
    house.meldingstjener.answer(&request.message.msg_id, &answer)?;
    let read = kari.is_answered(tell, "gets the certificate", &dialog).await?;
    let files: Vec<_> = office_messages(&read)
        .iter()
        .flat_map(|one| one["attachments"].as_array().cloned().unwrap_or_default())
        .collect();
    tell.equal("there is one file", files.len(), 1)?;
    let id = files[0]["id"].as_str().context("the file has an id")?;
    let call = kari.portal.get("/v1/me/attachments/{attachment}", &[id]);
    let file = tell.ask("Kari downloads it", call, StatusCode::OK).await?;
    tell.check("it is a PDF", file.bytes.starts_with(b"%PDF-"))?;
    tell.equal("it is as long as was said", Some(file.bytes.len() as u64), files[0]["size"].as_u64())
}

/// The dialog of the first `dialog.opened` event after the first `known` events.
async fn opened_by_office(kari: &mut Citizen, known: usize) -> anyhow::Result<String> {
    let before: Vec<_> = kari.screen.all().into_iter().take(known).map(|event| event.id).collect();
    let event = kari
        .screen
        .wait_for("a dialog that the office opens", |event| {
            event.kind == EventType::DialogOpened && !before.contains(&event.id)
        })
        .await?;
    Ok(event.data.dialog.context("the event names the dialog")?.to_string())
}
