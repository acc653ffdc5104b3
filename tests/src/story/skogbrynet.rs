//! Solveig, at an office that has e-consultations through the public solution and the rest through CGM e-portal.

use anyhow::Context;
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, decisions, office_messages},
    survey,
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        cgm_eportal::{Alternative, Answer, Decision, Opening, Thread, ThreadKind, Verdict},
        world::{SKOGBRYNET, SOLVEIG, Solution},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut solveig = Citizen::log_in(house, &SOLVEIG).await?;
    solveig
        .sees_offers(
            tell,
            &[
                ("consultation", "ddfl", "public"),
                ("prescription-renewal", "cgm-eportal", "commercial"),
                ("inquiry", "cgm-eportal", "commercial"),
                ("certificate", "cgm-eportal", "commercial"),
                ("sick-note-renewal", "cgm-eportal", "commercial"),
            ],
        )
        .await?;
    renewal(tell, house, &mut solveig).await?;
    question(tell, house, &mut solveig).await?;
    redirect(tell, house, &mut solveig).await?;
    certificate(tell, house, &mut solveig).await?;
    sick_note(tell, house, &mut solveig).await?;
    asked_about_the_office(tell, house, &solveig).await?;
    notice(tell, house, &mut solveig).await
}

async fn asked(house: &House, kind: ThreadKind) -> anyhow::Result<Thread> {
    Ok(house.cgm_eportal.wait_for_thread(|thread| thread.kind == kind).await?)
}

/// Two that the practice's rule lets be renewed are asked for, and one is.
async fn renewal(tell: &mut Teller, house: &House, solveig: &mut Citizen) -> anyhow::Result<()> {
    let call = solveig.portal.get("/v1/me/prescriptions", &[]);
    let list = tell.ask("Solveig sees what her office renews, and what it does not", call, StatusCode::OK).await?;
    let list = list.json["items"].as_array().context("a list of prescriptions")?.clone();
    let rules: Vec<_> = list.iter().filter_map(|one| one["renewability"].as_str()).collect();
    let expected = vec!["renewable", "renewable", "renewable", "needs-consultation", "not-renewable"];
    tell.equal("the practice's rule for each", rules, expected)?;
    let items: Vec<_> =
        list.iter().take(2).map(|one| json!({ "id": one["id"], "medicine": one["medicine"] })).collect();
    let opening = json!({ "request": { "type": "prescription-renewal", "items": items } });
    let dialog = solveig.opens(tell, "asks to renew two", &opening).await?;
    let thread = asked(house, ThreadKind::Renewal).await?;
    let (first, second) = (thread.items[0].key.clone(), thread.items[1].key.clone());
    let comment = Some("Ta blodprøve først.".to_owned());
    let decisions_made = vec![Decision { item: second.clone(), verdict: Verdict::ContactFirst, comment }];
    house.cgm_eportal.answer(&thread.id, &Answer::Renewal { decisions: decisions_made, text: None })?;
    let read = solveig.sees_closed(tell, "sees what became of each", &dialog, "answered").await?;
    tell.equal(
        "one is renewed, the other needs a consultation first",
        decisions(&read),
        vec![(first, "renewed".to_owned()), (second, "needs-consultation".to_owned())],
    )
}

/// A question goes to and fro; the answers come while the gateway waits at the vendor.
async fn question(tell: &mut Teller, house: &House, solveig: &mut Citizen) -> anyhow::Result<()> {
    let photo = solveig.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "inquiry" },
        "message": { "subject": "Skjema", "text": "Er dette rett skjema?", "attachments": [photo] },
    });
    let dialog = solveig.opens(tell, "asks a practical question with a picture", &opening).await?;
    let thread = asked(house, ThreadKind::Inquiry).await?;
    tell.equal("the practice has the picture", thread.posts[0].documents.len(), 1)?;
    house.cgm_eportal.wait_for_long_poll().await?;
    let reply = Answer::Reply { text: "Nei, det heter NAV 08-07.".to_owned(), documents: Vec::new() };
    house.cgm_eportal.answer(&thread.id, &reply)?;
    let read = solveig.is_answered(tell, "reads the answer", &dialog).await?;
    let answer = office_messages(&read)[0]["text"].clone();
    tell.equal("it is what the practice wrote", answer.as_str(), Some("Nei, det heter NAV 08-07."))?;
    solveig.writes(tell, "asks once more", &dialog, "Hvor finner jeg det?").await?;
    let again = |now: &Thread| now.id == thread.id && now.text() == "Hvor finner jeg det?";
    house.cgm_eportal.wait_for_thread(again).await?;
    house.cgm_eportal.answer(&thread.id, &Answer::Finish { text: "På nav.no.".to_owned() })?;
    solveig.sees_closed(tell, "sees that the question is answered", &dialog, "answered").await?;
    Ok(())
}

/// What is not for this service is sent on to the one that it is for, though another provider has it.
async fn redirect(tell: &mut Teller, house: &House, solveig: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({ "request": { "type": "inquiry" }, "message": { "text": "Jeg har feber." } });
    let dialog = solveig.opens(tell, "asks a medical question as a contact", &opening).await?;
    let thread = asked(house, ThreadKind::Inquiry).await?;
    let text = "Send en e-konsultasjon.".to_owned();
    house.cgm_eportal.answer(&thread.id, &Answer::Redirect { to: Alternative::Consultation, text })?;
    let read = solveig.sees_closed(tell, "is told to use the e-consultation", &dialog, "redirected").await?;
    tell.equal("to which service", read["status"]["redirectTo"].as_str(), Some("consultation"))
}

async fn certificate(tell: &mut Teller, house: &House, solveig: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({
        "request": { "type": "certificate", "purpose": "Opptak til studier" },
        "message": { "text": "Jeg trenger en attest." },
    });
    let dialog = solveig.opens(tell, "asks for a certificate", &opening).await?;
    let thread = asked(house, ThreadKind::Certificate).await?;
    house.cgm_eportal.answer(&thread.id, &Answer::Certificate { text: "Her er attesten.".to_owned() })?;
    let read = solveig.is_answered(tell, "gets it", &dialog).await?;
    solveig.downloads_certificate(tell, &read).await
}

/// A sick note is renewed by the record's own, and Solveig reads who got it. What it is for is nobody's to tell.
async fn sick_note(tell: &mut Teller, house: &House, solveig: &mut Citizen) -> anyhow::Result<()> {
    let practice = SKOGBRYNET.account(Solution::CgmEportal).context("the office uses the vendor")?;
    let present = house.cgm_eportal.sick_note(practice, SOLVEIG.national_id)?.context("a sick note")?;
    let opening = json!({
        "request": { "type": "sick-note-renewal", "validUntil": present.until, "degree": present.degree },
        "message": { "text": "Ryggen er bedre, men ikke bra nok." },
    });
    let dialog = solveig.opens(tell, "asks to have her sick note renewed", &opening).await?;
    let thread = asked(house, ThreadKind::SickNote).await?;
    let text = Some("God bedring.".to_owned());
    house.cgm_eportal.answer(&thread.id, &Answer::SickNote { days: 14, text })?;
    let read = solveig.sees_closed(tell, "has a new sick note", &dialog, "answered").await?;
    let said = office_messages(&read)[0]["text"].as_str().unwrap_or_default().to_owned();
    tell.check("she reads the degree and who got it", {
        said.contains("50 prosent") && said.contains("NAV") && said.contains("Elverum Trelast AS")
    })
}

async fn asked_about_the_office(tell: &mut Teller, house: &House, solveig: &Citizen) -> anyhow::Result<()> {
    let practice = SKOGBRYNET.account(Solution::CgmEportal).context("the office uses the vendor")?;
    let eight = ("satisfied".to_owned(), "8".to_owned());
    let counted = || Ok(house.cgm_eportal.survey_answers(practice)?.get(&eight).copied());
    survey::play(tell, solveig, &[("reached", "c.yes"), ("satisfied", "s.8")], &counted).await
}

async fn notice(tell: &mut Teller, house: &House, solveig: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The office sends Solveig a one-way message");
    let known = solveig.known();
    let practice = SKOGBRYNET.account(Solution::CgmEportal).context("the office uses the vendor")?;
    house.cgm_eportal.open(
        practice,
        &Opening {
            patient: SOLVEIG.national_id.to_owned(),
            kind: None,
            title: Some("Influensavaksine".to_owned()),
            text: "Vaksinen er kommet.".to_owned(),
            documents: Vec::new(),
        },
    )?;
    solveig.cannot_reply(tell, &known).await
}
