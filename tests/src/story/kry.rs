//! Signe, whose doctor is a vendor's: everything by video, by telephone or in writing.

use anyhow::Context;
use dialog_contract::event::EventType;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    citizen::{Citizen, office_messages},
    teller::Teller,
    video::{self, Rooms},
};
use crate::{
    house::{House, configuration::PUBLIC_URL},
    sim::{
        helserespons::PayOutcome,
        kry::{Answer, Opening},
        world::SIGNE,
    },
    trial,
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut signe = Citizen::log_in(house, &SIGNE).await?;
    let offers = ["appointment", "consultation", "payment"].map(|service| (service, "kry", "commercial"));
    signe.sees_offers(tell, &offers).await?;
    let booked = || Ok(house.kry.bookings(SIGNE.national_id).iter().filter(|booking| !booking.cancelled).count());
    signe.books_changes_and_cancels(tell, &booked).await?;
    information(tell, &signe).await?;
    guidance(tell, &signe).await?;
    consultation(tell, house, &mut signe).await?;
    picture(tell, house, &mut signe).await?;
    redirect(tell, house, &mut signe).await?;
    by_video(tell, house, &mut signe).await?;
    notice(tell, house, &mut signe).await
}

/// An e-consultation, with answers to the vendor's triage form.
#[must_use]
pub fn opening(text: &str) -> Value {
    let form = json!({ "form": "triage-consultation-4", "knownCondition": true, "durationDays": 3, "urgent": false });
    json!({ "request": { "type": "consultation", "mode": "text", "form": form }, "message": { "text": text } })
}

/// What the vendor tells everyone.
async fn information(tell: &mut Teller, signe: &Citizen) -> anyhow::Result<()> {
    let call = signe.portal.get("/v1/me/practice", &[]);
    let page = tell.ask("Signe reads what the vendor tells everyone", call, StatusCode::OK).await?.json;
    tell.equal("the vendor told it", page["information"]["told"]["provider"]["id"].as_str(), Some("kry"))?;
    let doctors = page["information"]["practitioners"].as_array().map_or(0, Vec::len);
    tell.check("and names its doctors", doctors > 0)
}

/// What to know before sending: whom to call first, what decides, and the vendor's own form.
async fn guidance(tell: &mut Teller, signe: &Citizen) -> anyhow::Result<()> {
    let call = signe.portal.get("/v1/me/services/{service}/guidance", &["consultation"]);
    let guidance = tell.ask("Signe reads what an e-consultation is for", call, StatusCode::OK).await?.json;
    tell.equal("emergencies come first", guidance["emergency"][0]["telephone"].as_str(), Some("113"))?;
    let unfit = guidance["doesNotSuit"].as_array().context("what it does not suit")?;
    tell.check("it is not for what worsens", unfit.iter().any(|line| line == "Akutt forverring"))?;
    let questions = guidance["questions"].as_array().context("questions")?;
    let known = questions.iter().find(|one| one["id"] == "known").context("whether it is known")?;
    let other = &known["choices"][1]["then"];
    tell.equal("what is new needs a time", other["service"].as_str(), Some("appointment"))?;
    tell.equal("which she can book here", other["available"].as_bool(), Some(true))?;
    tell.equal("the vendor's form", guidance["form"]["title"].as_str(), Some("Før konsultasjonen"))?;
    tell.equal("it is needed", guidance["form"]["required"].as_bool(), Some(true))?;
    tell.equal("what it costs", guidance["offered"]["prices"][0]["tariff"].as_str(), Some("2ae"))
}

async fn consultation(tell: &mut Teller, house: &House, signe: &mut Citizen) -> anyhow::Result<()> {
    let what = "answers the vendor's triage form and sends an e-consultation";
    let dialog = signe.opens(tell, what, &opening("Medisinen gir meg hodepine.")).await?;
    let visit = house.kry.wait_for_visit(|visit| visit.text() == "Medisinen gir meg hodepine.").await?;
    let days = visit.triage.as_ref().and_then(|triage| triage["durationDays"].as_i64());
    tell.equal("the vendor has the answers as they were given", days, Some(3))?;
    house.kry.answer(&visit.id, &Answer::Reply { text: "Ta den om kvelden.".to_owned(), files: Vec::new() })?;
    let read = signe.is_answered(tell, "reads the doctor's answer", &dialog).await?;
    tell.equal("it is what the doctor wrote", office_messages(&read)[0]["text"].as_str(), Some("Ta den om kvelden."))?;
    signe.writes(tell, "asks a follow-up", &dialog, "Også i helgen?").await?;
    house.kry.wait_for_visit(|now| now.id == visit.id && now.text() == "Også i helgen?").await?;
    house.kry.answer(&visit.id, &Answer::Finish { text: "Ja, hver dag.".to_owned(), specialist: false })?;
    signe.sees_closed(tell, "sees that the consultation is over", &dialog, "answered").await?;
    pays(tell, house, signe, &dialog).await
}

/// What the consultation cost, paid at the vendor's payment service.
async fn pays(tell: &mut Teller, house: &House, signe: &mut Citizen, dialog: &str) -> anyhow::Result<()> {
    let call = signe.portal.get("/v1/me/invoices", &[]);
    let owed = tell.ask("Signe sees what the consultation cost", call, StatusCode::OK).await?.json;
    let invoice = &owed["items"][0];
    tell.equal("which consultation", invoice["dialog"].as_str(), Some(dialog))?;
    let id = invoice["id"].as_str().context("the invoice has an id")?;
    let body = json!({ "returnUrl": format!("{PUBLIC_URL}/betaling/ferdig") });
    let call = signe.portal.post("/v1/me/invoices/{invoice}/pay", &[id], &body);
    let begun = tell.ask("Signe begins to pay", call, StatusCode::CREATED).await?;
    tell.check("at the vendor", begun.text("/redirect")?.starts_with("https://pay.kry.example/"))?;
    let there = house.kry.payments().pop().context("the vendor has a payment")?;
    house.kry.end_payment(&there.id, PayOutcome::Paid)?;
    signe.hears(EventType::PaymentUpdated, begun.text("/id")?).await?;
    let call = signe.portal.get("/v1/me/payments", &[]);
    let list = tell.ask("Signe has the receipt", call, StatusCode::OK).await?.json;
    tell.equal("it is paid", list["items"][0]["status"].as_str(), Some("paid"))
}

/// A consultation with a picture.
async fn picture(tell: &mut Teller, house: &House, signe: &mut Citizen) -> anyhow::Result<()> {
    let photo = signe.uploads_photo(tell).await?;
    let mut body = opening("Er dette farlig?");
    body["request"]["mode"] = json!("image");
    body["message"]["attachments"] = json!([photo]);
    let dialog = signe.opens(tell, "sends an e-consultation with a picture", &body).await?;
    let visit = house.kry.wait_for_visit(|visit| visit.text() == "Er dette farlig?").await?;
    tell.equal("the doctor has the picture", visit.messages[0].files.len(), 1)?;
    house.kry.answer(&visit.id, &Answer::Finish { text: "Nei, det går over.".to_owned(), specialist: false })?;
    signe.sees_closed(tell, "reads that it is nothing", &dialog, "answered").await.map(drop)
}

async fn redirect(tell: &mut Teller, house: &House, signe: &mut Citizen) -> anyhow::Result<()> {
    let dialog = signe.opens(tell, "writes what a doctor must see", &opening("Foten er hoven.")).await?;
    let visit = house.kry.wait_for_visit(|visit| visit.text() == "Foten er hoven.").await?;
    house.kry.answer(&visit.id, &Answer::Redirect { text: "Bestill en videotime.".to_owned() })?;
    let read = signe.sees_closed(tell, "is told to book a time instead", &dialog, "redirected").await?;
    tell.equal("the dialog says which service", read["status"]["redirectTo"].as_str(), Some("appointment"))
}

async fn by_video(tell: &mut Teller, house: &House, signe: &mut Citizen) -> anyhow::Result<()> {
    let mut body = opening("Jeg vil vise deg utslettet.");
    body["request"]["mode"] = json!("video");
    let inside = || house.kry.visits().iter().any(|one| one.meeting.as_ref().is_some_and(|meeting| meeting.patient_in));
    let stage = trial::kry::stage(&house.kry);
    // The vendor lets in whom it has given an address.
    let rooms = Rooms { stage, host: "meet.kry.example", follow: &|_| Ok(()), inside: &inside };
    let reference = async || Ok(house.kry.wait_for_visit(|visit| visit.mode == "video").await?.id);
    video::play(tell, signe, &body, rooms, reference).await
}

async fn notice(tell: &mut Teller, house: &House, signe: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The vendor sends a one-way message");
    let known = signe.known();
    let subject = Some("Åpningstider".to_owned());
    let text = "Vi har nye åpningstider.".to_owned();
    house.kry.open(SIGNE.national_id, &Opening { one_way: true, subject, text, files: Vec::new() })?;
    signe.cannot_reply(tell, &known).await
}
