//! What goes wrong at a vendor: it is down, or a slot is gone. Nothing is lost, nobody is told twice, and the citizen
//! always knows whether anything was sent.

use anyhow::Context;
use dialog_contract::{event::EventType, problem::ProblemType};
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, booking},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        helserespons::{Availability, CaseType},
        meldingstjener::Kind,
        world::{KARI, LEILA, LILLETORGET},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    vendor_down(tell, house).await?;
    slot_gone(tell, house).await
}

async fn vendor_down(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut leila = Citizen::log_in(house, &LEILA).await?;
    let kari = Citizen::log_in(house, &KARI).await?;
    tell.step("The commercial vendor goes down");
    house.helserespons.set_availability(Availability::Refuse).await?;

    let opening = json!({
        "request": { "type": "consultation", "mode": "text" },
        "message": { "subject": "Allergi", "text": "Tablettene virker ikke lenger." },
    });
    let call = leila.portal.post("/v1/me/dialogs", &[], &opening);
    let queued = tell.ask("Leila sends an e-consultation all the same", call, StatusCode::ACCEPTED).await?;
    tell.equal("it is queued", queued.text("/status/state")?, "queued")?;
    let dialog = queued.text("/id")?.to_owned();

    tell.step("Leila cannot book now, and is told that nothing was booked");
    let refusal = leila.portal.get("/v1/me/slots", &[]).refused(ProblemType::ProviderUnavailable).await?;
    tell.equal("nothing was sent", refusal.text("/sent")?, "no")?;

    let inquiry = json!({ "request": { "type": "inquiry" }, "message": { "text": "Har dere åpent på lørdag?" } });
    kari.opens(tell, "does not notice, at another office", &inquiry).await?;
    let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Contact).await?;
    house.meldingstjener.answer(&asked.message.msg_id, &crate::sim::meldingstjener::Answer::close("Nei."))?;

    tell.step("The vendor is up again, and has the consultation without anybody sending it again");
    house.helserespons.set_availability(Availability::Up).await?;
    leila.hears(EventType::MessageSent, &dialog).await?;
    let with_subject = |case: &crate::sim::helserespons::Case| {
        case.kind == CaseType::Econsult && case.entries.iter().any(|entry| entry.heading.as_deref() == Some("Allergi"))
    };
    house.helserespons.wait_for_case(with_subject).await?;
    let cases = house.helserespons.cases().iter().filter(|case| with_subject(case)).count();
    tell.equal("the vendor has it once", cases, 1)?;
    tell.equal("Leila was told once", leila.screen.count(EventType::MessageSent, &dialog), 1)
}

async fn slot_gone(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let leila = Citizen::log_in(house, &LEILA).await?;
    let call = leila.portal.get("/v1/me/slots", &[]);
    let slots = tell.ask("Leila looks at free slots", call, StatusCode::OK).await?;
    let slot = slots.json["items"][0].clone();
    tell.step("Somebody else takes the slot that Leila is looking at");
    let clinic = LILLETORGET.helserespons_clinic.context("the office uses the vendor")?;
    house.helserespons.take_opening(clinic, slot["id"].as_str().context("the slot has an id")?)?;
    let before = house.helserespons.bookings(clinic, LEILA.national_id)?.len();
    let refusal = leila.portal.post("/v1/me/appointments", &[], &booking(&slot)).refused(ProblemType::Conflict).await?;
    tell.equal("nothing was sent that counts", refusal.text("/sent")?, "no")?;
    tell.equal("nothing is booked", house.helserespons.bookings(clinic, LEILA.national_id)?.len(), before)
}
