//! Einar, at an office where everything goes through the vendor that speaks FHIR.

use anyhow::Context;
use dialog_conformance::Topic;
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, decisions, office_messages},
    results, survey,
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        pasientsky::{Answer, Decision, Dialog, Kind, Opening, Record, Report, Service},
        world::{BEKKEFARET, EINAR, Solution},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut einar = Citizen::log_in(house, &EINAR).await?;
    einar
        .sees_offers(
            tell,
            &[
                ("appointment", "pasientsky", "commercial"),
                ("prescription-renewal", "pasientsky", "commercial"),
                ("consultation", "pasientsky", "commercial"),
                ("inquiry", "pasientsky", "commercial"),
            ],
        )
        .await?;
    let stands = |one: &&Record| one.text("/status") == Some("booked");
    let booked = || Ok(house.pasientsky.appointments(EINAR.national_id).iter().filter(stands).count());
    einar.books_changes_and_cancels(tell, &booked).await?;
    consultation(tell, house, &mut einar).await?;
    renewal(tell, house, &mut einar).await?;
    redirected(tell, house, &mut einar).await?;
    in_words(tell, house, &mut einar).await?;
    asked_about_the_office(tell, house, &einar).await?;
    tested(tell, house, &mut einar).await?;
    one_way(tell, house, &mut einar).await
}

async fn asked_about_the_office(tell: &mut Teller, house: &House, einar: &Citizen) -> anyhow::Result<()> {
    let clinic = BEKKEFARET.account(Solution::Pasientsky).context("the office uses the vendor")?;
    let four = ("satisfied".to_owned(), "4".to_owned());
    let counted = || Ok(house.pasientsky.survey_answers(clinic).get(&four).copied());
    survey::play(tell, einar, &[("reached", "c.yes"), ("satisfied", "i.4")], &counted).await
}

/// Results, and the clinic sees that they were read.
async fn tested(tell: &mut Teller, house: &House, einar: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The clinic tells Einar what the laboratory found");
    let known = einar.known();
    let words = "Jernlageret er lavt. Resten er fint.";
    let report = Report {
        topic: "Svar på blodprøver".to_owned(),
        text: words.to_owned(),
        findings: vec![json!({
            "code": { "text": "Ferritin" },
            "valueQuantity": { "value": 12.5, "unit": "µg/L" },
            "referenceRange": [{ "low": { "value": 15 }, "high": { "value": 200 } }],
        })],
    };
    let clinic = BEKKEFARET.account(Solution::Pasientsky).context("an account")?;
    let said = house.pasientsky.report(clinic, EINAR.national_id, &report)?;
    results::play(tell, einar, &known, (words, "Ferritin", "12,5")).await?;
    tell.step("The clinic is told that Einar has read them");
    house.pasientsky.wait_until_received(&said).await?;
    let all = house.pasientsky.records(Kind::Communication);
    let marked = all.iter().filter(|one| one.id == said && one.text("/received").is_some()).count();
    tell.equal("the message is received", marked, 1)?;
    tell.shows(Topic::ReadMarks, Solution::Pasientsky.plugin());
    Ok(())
}

async fn dialog(house: &House, service: Service) -> anyhow::Result<Dialog> {
    Ok(house.pasientsky.wait_for_dialog(|dialog| dialog.service == service).await?)
}

async fn consultation(tell: &mut Teller, house: &House, einar: &mut Citizen) -> anyhow::Result<()> {
    let photo = einar.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Feber", "text": "Jeg fryser om natten.", "attachments": [photo] },
    });
    let id = einar.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let there = dialog(house, Service::Consultation).await?;
    tell.equal("the clinic has the picture", there.files.len(), 1)?;
    let reply = Answer::Reply { text: "Hvor lenge har det vart?".to_owned(), files: Vec::new() };
    house.pasientsky.answer(&there.id, &reply)?;
    let read = einar.is_answered(tell, "reads the doctor's question", &id).await?;
    let text = office_messages(&read)[0]["text"].as_str().map(str::to_owned);
    tell.equal("it is what the doctor wrote", text.as_deref(), Some("Hvor lenge har det vart?"))?;
    einar.writes(tell, "answers", &id, "I tre dager.").await?;
    house.pasientsky.wait_for_dialog(|now| now.id == there.id && now.text() == "I tre dager.").await?;
    house.pasientsky.answer(&there.id, &Answer::Finish { text: "Drikk mye, og hvil.".to_owned() })?;
    einar.sees_closed(tell, "sees that the consultation is over", &id, "answered").await?;
    Ok(())
}

async fn renewal(tell: &mut Teller, house: &House, einar: &mut Citizen) -> anyhow::Result<()> {
    let call = einar.portal.get("/v1/me/prescriptions", &[]);
    let list = tell.ask("Einar sees which prescriptions can be renewed", call, StatusCode::OK).await?;
    let all = list.json["items"].as_array().context("a list of prescriptions")?;
    let items: Vec<_> = all
        .iter()
        .filter(|one| one["renewability"] == "renewable")
        .take(2)
        .map(|one| json!({ "id": one["id"], "medicine": one["medicine"] }))
        .collect();
    tell.equal("two can be renewed", items.len(), 2)?;
    let opening = json!({ "request": { "type": "prescription-renewal", "items": items } });
    let id = einar.opens(tell, "asks to renew two", &opening).await?;
    let there = dialog(house, Service::Renewal).await?;
    let (first, second) = (there.items[0].0.clone(), there.items[1].0.clone());
    let decision = |item: &str, outcome: &str, reason: Option<&str>| Decision {
        item: item.to_owned(),
        outcome: outcome.to_owned(),
        reason: reason.map(str::to_owned),
    };
    let decided =
        vec![decision(&first, "renewed", None), decision(&second, "needs-consultation", Some("Ta blodprøve først."))];
    house.pasientsky.answer(&there.id, &Answer::Renewal { decisions: decided, text: None })?;
    let read = einar.sees_closed(tell, "sees what became of each", &id, "answered").await?;
    tell.equal(
        "one is renewed, the other needs a consultation first",
        decisions(&read),
        vec![(first, "renewed".to_owned()), (second, "needs-consultation".to_owned())],
    )
}

async fn redirected(tell: &mut Teller, house: &House, einar: &mut Citizen) -> anyhow::Result<()> {
    let opening = json!({ "request": { "type": "inquiry" }, "message": { "text": "Jeg har vondt i halsen." } });
    let id = einar.opens(tell, "asks a medical question as a contact", &opening).await?;
    let there = dialog(house, Service::Inquiry).await?;
    let text = "Dette er et medisinsk spørsmål. Send en e-konsultasjon.".to_owned();
    house.pasientsky.answer(&there.id, &Answer::Redirect { to: Service::Consultation, text })?;
    let read = einar.sees_closed(tell, "is told to send an e-consultation instead", &id, "redirected").await?;
    tell.equal("to which service", read["status"]["redirectTo"].as_str(), Some("consultation"))
}

/// A consultation in words alone, and a practical question.
async fn in_words(tell: &mut Teller, house: &House, einar: &mut Citizen) -> anyhow::Result<()> {
    let consultation = json!({ "type": "consultation", "mode": "text" });
    for (service, request, asked, told) in [
        (Service::Consultation, consultation, "Kan jeg trene med feber?", "Vent til du er feberfri."),
        (Service::Inquiry, json!({ "type": "inquiry" }), "Har dere parkering?", "Ja, bak huset."),
    ] {
        let opening = json!({ "request": request, "message": { "text": asked } });
        let id = einar.opens(tell, &format!("asks: {asked}"), &opening).await?;
        let there = dialog(house, service).await?;
        house.pasientsky.answer(&there.id, &Answer::Finish { text: told.to_owned() })?;
        let read = einar.sees_closed(tell, "is answered", &id, "answered").await?;
        tell.equal("in these words", office_messages(&read)[0]["text"].as_str(), Some(told))?;
    }
    Ok(())
}

async fn one_way(tell: &mut Teller, house: &House, einar: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The office sends Einar a one-way message");
    let known = einar.known();
    let clinic = BEKKEFARET.account(Solution::Pasientsky).context("the office uses the vendor")?;
    let opening = Opening {
        service: Service::Inquiry,
        one_way: true,
        topic: Some("Stengt i romjulen".to_owned()),
        text: "Kontoret er stengt mellom jul og nyttår.".to_owned(),
    };
    house.pasientsky.open(clinic, EINAR.national_id, &opening)?;
    einar.cannot_reply(tell, &known).await
}
