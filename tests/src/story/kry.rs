//! Signe, whose doctor is a vendor's: everything by video, by telephone or in writing.

use serde_json::{Value, json};

use super::{
    citizen::{Citizen, office_messages},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        kry::{Answer, Opening},
        world::SIGNE,
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut signe = Citizen::log_in(house, &SIGNE).await?;
    signe.sees_offers(tell, &[("appointment", "kry", "commercial"), ("consultation", "kry", "commercial")]).await?;
    let booked = || Ok(house.kry.bookings(SIGNE.national_id).iter().filter(|booking| !booking.cancelled).count());
    signe.books_changes_and_cancels(tell, &booked).await?;
    consultation(tell, house, &mut signe).await?;
    redirect(tell, house, &mut signe).await?;
    notice(tell, house, &mut signe).await
}

/// An e-consultation, with answers to the vendor's triage form.
#[must_use]
pub fn opening(text: &str) -> Value {
    let form = json!({ "form": "triage-consultation-4", "knownCondition": true, "durationDays": 3, "urgent": false });
    json!({ "request": { "type": "consultation", "mode": "text", "form": form }, "message": { "text": text } })
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
    Ok(())
}

async fn redirect(tell: &mut Teller, house: &House, signe: &mut Citizen) -> anyhow::Result<()> {
    let dialog = signe.opens(tell, "writes what a doctor must see", &opening("Foten er hoven.")).await?;
    let visit = house.kry.wait_for_visit(|visit| visit.text() == "Foten er hoven.").await?;
    house.kry.answer(&visit.id, &Answer::Redirect { text: "Bestill en videotime.".to_owned() })?;
    let read = signe.sees_closed(tell, "is told to book a time instead", &dialog, "redirected").await?;
    tell.equal("the dialog says which service", read["status"]["redirectTo"].as_str(), Some("appointment"))
}

async fn notice(tell: &mut Teller, house: &House, signe: &mut Citizen) -> anyhow::Result<()> {
    tell.step("The vendor sends a one-way message");
    let known = signe.known();
    let subject = Some("Åpningstider".to_owned());
    let text = "Vi har nye åpningstider.".to_owned();
    house.kry.open(SIGNE.national_id, &Opening { one_way: true, subject, text, files: Vec::new() })?;
    signe.cannot_reply(tell, &known).await
}
