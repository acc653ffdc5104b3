//! Leila, at an office where everything goes through the commercial solution.

use anyhow::Context;
use serde_json::json;

use super::{
    citizen::{Citizen, office_messages},
    payment, results,
    teller::Teller,
    vendor::Clinic,
    video::{self, Rooms},
};
use crate::{
    house::House,
    sim::{
        helserespons::{Answer, CaseType, LabReport},
        world::{LEILA, LILLETORGET, Solution},
    },
    trial,
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
                ("payment", "helserespons", "commercial"),
            ],
        )
        .await?;
    let clinic = Clinic::of(house, &LILLETORGET, &LEILA)?;
    leila.books_changes_and_cancels(tell, &|| clinic.booked()).await?;
    consultation(tell, house, &clinic, &mut leila).await?;
    clinic.renews_one_of_two(tell, &mut leila).await?;
    let again = clinic.redirects(tell, &mut leila).await?;
    clinic.answers_again(tell, &mut leila, &again).await?;
    clinic.sends_notice(tell, &mut leila).await?;
    clinic.issues_certificate(tell, &mut leila).await?;
    by_video(tell, house, &mut leila).await?;
    tested(tell, house, &mut leila).await
}

async fn by_video(tell: &mut Teller, house: &House, leila: &mut Citizen) -> anyhow::Result<()> {
    let body = json!({
        "request": { "type": "consultation", "mode": "video" },
        "message": { "text": "Jeg vil vise dere utslettet." },
    });
    let sim = &house.helserespons;
    let rooms = Rooms {
        stage: trial::helserespons::stage(sim),
        host: "rom.helserespons.example",
        follow: &|url| Ok(sim.follow(url)?),
        inside: &|| sim.cases().iter().any(|case| case.room.as_ref().is_some_and(|room| room.patient_in)),
    };
    let reference = async || Ok(sim.wait_for_case(|case| case.mode.as_deref() == Some("VIDEO")).await?.case_no);
    video::play(tell, leila, &body, rooms, reference).await
}

async fn tested(tell: &mut Teller, house: &House, leila: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The clinic tells Leila what the laboratory found");
    let known = leila.known();
    let words = "Langtidsblodsukkeret er for høyt.";
    let report = LabReport {
        heading: "Prøvesvar".to_owned(),
        text: words.to_owned(),
        findings: vec![json!({
            "analysis": "HbA1c", "answer": "58", "unit": "mmol/mol", "flag": "HIGH",
            "sampledAt": "2026-11-18T07:40:00Z",
        })],
    };
    let clinic = LILLETORGET.account(Solution::Helserespons).context("an account")?;
    house.helserespons.report(clinic, LEILA.national_id, &report)?;
    results::play(tell, leila, &known, (words, "HbA1c", "58")).await.map(drop)
}

async fn consultation(
    tell: &mut Teller,
    house: &House,
    clinic: &Clinic<'_>,
    leila: &mut Citizen,
) -> anyhow::Result<()> {
    let photo = leila.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Eksem", "text": "Eksemet er verre.", "attachments": [photo] },
    });
    let dialog = leila.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let case = clinic.case(CaseType::Econsult).await?;
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
    payment::play(tell, house, leila, (&dialog, &case.case_no)).await
}
