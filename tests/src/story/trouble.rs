//! What goes wrong at a vendor: it is down, or a slot is gone. Nothing is lost, nobody is told twice, and the citizen
//! always knows whether anything was sent.

use anyhow::Context;
use dialog_contract::{event::EventType, problem::ProblemType};
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, booking},
    teller::Teller,
    vendor::Clinic,
};
use crate::{
    house::House,
    sim::{
        helserespons::CaseType,
        meldingstjener::Kind,
        trouble::Availability,
        world::{FJELLVEIEN, KARI, LEILA, LILLETORGET},
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
    let clinic = Clinic::of(house, &LILLETORGET, &LEILA)?;
    let slots = tell.ask("Leila looks at free slots", leila.portal.get("/v1/me/slots", &[]), StatusCode::OK).await?;
    let slot = slots.json["items"][0].clone();
    tell.step("The commercial vendor goes down");
    house.helserespons.trouble.set_availability(Availability::Refuse).await?;

    let opening = json!({
        "request": { "type": "consultation", "mode": "text" },
        "message": { "subject": "Allergi", "text": "Tablettene virker ikke lenger." },
    });
    let call = leila.portal.post("/v1/me/dialogs", &[], &opening);
    let queued = tell.ask("Leila sends an e-consultation all the same", call, StatusCode::ACCEPTED).await?;
    tell.equal("it is queued", queued.text("/status/state")?, "queued")?;
    let dialog = queued.text("/id")?.to_owned();

    let booked = clinic.booked()?;
    let call = leila.portal.post("/v1/me/appointments", &[], &booking(&slot));
    let refusal = tell.refused("Leila cannot book now", call, ProblemType::ProviderUnavailable).await?;
    tell.equal("nothing was sent", refusal.text("/sent")?, "no")?;
    tell.check("she is told that nothing was booked", refusal.text("/detail")?.contains("Ingenting er"))?;

    let inquiry = json!({ "request": { "type": "inquiry" }, "message": { "text": "Har dere åpent på lørdag?" } });
    kari.opens(tell, "does not notice, at another office", &inquiry).await?;
    let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Contact).await?;
    house.meldingstjener.answer(&asked.message.msg_id, &crate::sim::meldingstjener::Answer::close("Nei."))?;

    tell.step("The vendor is up again, and has the consultation without anybody sending it again");
    house.helserespons.trouble.set_availability(Availability::Up).await?;
    leila.hears(EventType::MessageSent, &dialog).await?;
    let with_subject = |case: &crate::sim::helserespons::Case| {
        case.kind == CaseType::Econsult && case.entries.iter().any(|entry| entry.heading.as_deref() == Some("Allergi"))
    };
    house.helserespons.wait_for_case(with_subject).await?;
    let cases = house.helserespons.cases().iter().filter(|case| with_subject(case)).count();
    tell.equal("the vendor has it once", cases, 1)?;
    tell.equal("Leila was told once", leila.screen.count(EventType::MessageSent, &dialog), 1)?;
    tell.equal("nothing was booked", clinic.booked()?, booked)
}

async fn slot_gone(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let leila = Citizen::log_in(house, &LEILA).await?;
    let clinic = Clinic::of(house, &LILLETORGET, &LEILA)?;
    let taken = |slot: &str| Ok(house.helserespons.take_opening(clinic.name, slot)?);
    misses_a_slot(tell, &leila, &taken, &|| clinic.booked()).await?;

    let kari = Citizen::log_in(house, &KARI).await?;
    // The plugin's id of a slot is the doctor's HER-id, a full stop, and the record system's own.
    let taken = |slot: &str| {
        let (_, uid) = slot.split_once('.').context("a slot of the plugin's")?;
        Ok(house.meldingstjener.take_slot(&FJELLVEIEN, uid)?)
    };
    let booked = || Ok(house.meldingstjener.appointments(&FJELLVEIEN, KARI.national_id)?.len());
    misses_a_slot(tell, &kari, &taken, &booked).await
}

async fn misses_a_slot(
    tell: &mut Teller,
    citizen: &Citizen,
    take: &(dyn Fn(&str) -> anyhow::Result<()> + Sync),
    booked: &(dyn Fn() -> anyhow::Result<usize> + Sync),
) -> anyhow::Result<()> {
    let name = citizen.name;
    let call = citizen.portal.get("/v1/me/slots", &[]);
    let slots = tell.ask(&format!("{name} looks at free slots"), call, StatusCode::OK).await?;
    let slot = slots.json["items"][0].clone();
    let before = booked()?;
    tell.step(format!("Somebody else takes the slot that {name} is looking at"));
    take(slot["id"].as_str().context("the slot has an id")?)?;
    let call = citizen.portal.post("/v1/me/appointments", &[], &booking(&slot));
    tell.refused(&format!("{name} is told that it is gone"), call, ProblemType::Conflict).await?;
    tell.equal("nothing is booked", booked()?, before)
}
