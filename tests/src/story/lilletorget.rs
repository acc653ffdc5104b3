//! Leila, at an office where everything goes through the commercial solution.

use anyhow::Context;
use dialog_contract::{event::EventType, problem::ProblemType};
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, office_messages},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        helserespons::{Answer, CaseType, Opening},
        world::{LEILA, LILLETORGET},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut leila = Citizen::log_in(house, &LEILA).await?;
    leila
        .sees_offers(
            tell,
            &[
                ("appointment", "helserespons", "commercial"),
                ("prescription-renewal", "helserespons", "commercial"),
                ("consultation", "helserespons", "commercial"),
                ("inquiry", "helserespons", "commercial"),
                ("certificate", "helserespons", "commercial"),
            ],
        )
        .await?;
    leila.books_changes_and_cancels(tell).await?;
    consultation(tell, house, &mut leila).await?;
    redirected(tell, house, &mut leila).await?;
    one_way(tell, house, &mut leila).await?;
    certificate(tell, house, &mut leila).await
}

async fn consultation(tell: &mut Teller, house: &House, leila: &mut Citizen) -> anyhow::Result<()> {
    let photo = leila.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Eksem", "text": "Eksemet er verre.", "attachments": [photo] },
    });
    let dialog = leila.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let case = house.helserespons.wait_for_case(|case| case.kind == CaseType::Econsult).await?;
    tell.equal("the clinic has the picture", case.entries[0].files.len(), 1)?;
    house
        .helserespons
        .answer(&case.case_no, &Answer::Reply { text: "Prøv en sterkere krem.".to_owned(), files: Vec::new() })?;
    let read = leila.is_answered(tell, "reads the doctor's answer", &dialog).await?;
    tell.equal(
        "it is what the doctor wrote",
        office_messages(&read)[0]["text"].as_str(),
        Some("Prøv en sterkere krem."),
    )?;
    leila.writes(tell, "asks a follow-up", &dialog, "Hvor får jeg den?").await?;
    house.helserespons.wait_for_case(|now| now.case_no == case.case_no && now.text() == "Hvor får jeg den?").await?;
    house
        .helserespons
        .answer(&case.case_no, &Answer::Finish { text: "På apoteket, jeg har sendt resept.".to_owned() })?;
    leila.sees_closed(tell, "sees that the consultation is over", &dialog, "answered").await?;
    Ok(())
}

async fn redirected(tell: &mut Teller, house: &House, leila: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "inquiry" },
        "message": { "text": "Jeg har feber og vondt i halsen." },
    });
    let dialog = leila.opens(tell, "asks a medical question as a contact", &opening).await?;
    let case = house.helserespons.wait_for_case(|case| case.kind == CaseType::Question).await?;
    house.helserespons.answer(
        &case.case_no,
        &Answer::Redirect {
            to: CaseType::Econsult,
            text: "Dette er et medisinsk spørsmål. Send en e-konsultasjon.".to_owned(),
        },
    )?;
    let read = leila.sees_closed(tell, "is told to send an e-consultation instead", &dialog, "redirected").await?;
    tell.equal("to which service", read["status"]["redirectTo"].as_str(), Some("consultation"))
}

async fn one_way(tell: &mut Teller, house: &House, leila: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The office sends Leila a notice");
    let clinic = LILLETORGET.helserespons_clinic.context("the office uses the vendor")?;
    house.helserespons.open(
        clinic,
        LEILA.national_id,
        &Opening {
            kind: CaseType::Question,
            one_way: true,
            heading: Some("Stengt i romjulen".to_owned()),
            text: "Kontoret er stengt mellom jul og nyttår.".to_owned(),
            files: Vec::new(),
        },
    )?;
    let seen: Vec<_> = leila.screen.all().into_iter().map(|event| event.id).collect();
    let known = |event: &dialog_contract::event::Event| seen.contains(&event.id);
    let event = leila
        .screen
        .wait_for("a dialog that the office opens", |event| event.kind == EventType::DialogOpened && !known(event))
        .await?;
    let dialog = event.data.dialog.context("the event names the dialog")?.to_string();
    leila.reads(tell, "reads it", &dialog).await?;
    tell.step("Leila cannot reply to it");
    let call = leila.portal.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Takk" }));
    call.refused(ProblemType::ReplyNotAllowed).await?;
    tell.check("the refusal says that it cannot be replied to", true)
}

async fn certificate(tell: &mut Teller, house: &House, leila: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "certificate", "purpose": "Opptak til studier" },
        "message": { "text": "Jeg trenger en attest." },
    });
    let dialog = leila.opens(tell, "asks for a certificate", &opening).await?;
    let case = house.helserespons.wait_for_case(|case| case.kind == CaseType::Certificate).await?;
    house.helserespons.answer(&case.case_no, &Answer::Certificate { text: "Her er attesten.".to_owned() })?;
    let read = leila.is_answered(tell, "gets it", &dialog).await?;
    let file = office_messages(&read)[0]["attachments"][0]["id"].as_str().context("a file")?.to_owned();
    let call = leila.portal.get("/v1/me/attachments/{attachment}", &[&file]);
    let file = tell.ask("Leila downloads it", call, StatusCode::OK).await?;
    tell.check("it is a PDF", file.bytes.starts_with(b"%PDF-"))
}
