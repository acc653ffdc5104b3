//! Leila is told by text message, once, and only of what she wants to be told: at an office whose provider has text messages
//! of its own too.

use anyhow::Context;
use http::{Method, StatusCode};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::{citizen::Citizen, teller::Teller};
use crate::{
    house::{House, directory::mobile, notifiers::PORTAL_LINK, rooms},
    sim::{
        helserespons::{BookingAct, CaseType, Opening},
        world::{HAVNEGATA, LEILA, LILLETORGET, OLA, Solution},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let leila = Citizen::log_in(house, &LEILA).await?;
    let (sms, telephone) = (&house.notifiers()?.sms, mobile(&LEILA));
    // The telephone may still ring for what came before.
    prefers(tell, &leila, "wants to be told of appointments alone", json!(["sms"]), json!(["appointment"])).await?;
    let to_her = || sms.arrived().into_iter().filter(|one| one.to == telephone);
    let before = to_her().count();

    let booked = books(tell, &leila, 0).await?;
    let told = sms.nth(&telephone, before + 1).await?;
    let text = &told[before].text;
    tell.step(format!("Leila's telephone shows: {text}"));
    tell.check("that she has an appointment", text.starts_with("Du har time hos "))?;
    tell.check("and where to see more", text.ends_with(PORTAL_LINK))?;
    tell.check("and not with whom or why", !text.contains(LEILA.given_name) && !text.contains("Amina"))?;

    prefers(tell, &leila, "wants not to be told at all", json!([]), json!(["appointment"])).await?;
    books(tell, &leila, 1).await?;
    somebody_else_is_told(tell, house).await?;
    prefers(tell, &leila, "wants to be told of appointments again", json!(["sms", "email"]), json!(["appointment"]))
        .await?;

    tell.step("The vendor tells Leila itself, by its own text message, that her appointment is moved");
    let clinic =
        rooms::settings(&LILLETORGET, Solution::Helserespons)["clinic"].as_str().unwrap_or_default().to_owned();
    let bookings = house.helserespons.bookings(&clinic, LEILA.national_id)?;
    let start: Timestamp = booked["start"].as_str().context("a start")?.parse()?;
    let begins = start.in_tz("Europe/Oslo")?.datetime();
    let ours = bookings.iter().find(|one| !one.cancelled && one.slot.begins == begins).context("the first booking")?;
    house.helserespons.text_about(&clinic, &ours.booking_no)?;
    let begins = begins.checked_add(7.days())?;
    house.helserespons.act(&clinic, &BookingAct::Move { booking_no: ours.booking_no.clone(), begins }, None)?;

    // What is told afterwards shows that what came before is not.
    let last = books(tell, &leila, 2).await?;
    sms.nth(&telephone, before + 2).await?;
    let all: Vec<String> = to_her().skip(before).map(|one| one.text).collect();
    tell.step(format!("Leila's telephone has shown in all: {}", all.join(" | ")));
    tell.equal("the first appointment and the last, once each", all.len(), 2)?;
    tell.check("none of them of what the vendor told", all.iter().all(|text| text.starts_with("Du har time hos ")))?;
    tell.equal("the vendor has told her once", house.helserespons.texts_to(LEILA.national_id), 1)?;
    let call = leila.portal.get("/v1/me/access-log", &[]).query("limit=100").header("accept-language", "nb");
    let log = tell.ask("Leila reads who has told her what", call, StatusCode::OK).await?;
    let entries = log.json["items"].as_array().context("a list")?;
    tell.check("it is on record", entries.iter().any(|entry| entry["text"] == "Tjenesten selv sendte deg et varsel."))?;
    tell.check("with the time of the last", last["start"].is_string())?;
    tell.equal("the telephones and mailboxes have nothing against it", house.notifiers()?.violations(), Vec::new())
}

/// What is told to one shows that what was due before, to another, has been decided.
async fn somebody_else_is_told(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    tell.step("Meanwhile the office sends Ola a message to which no reply is possible");
    let (sms, telephone) = (&house.notifiers()?.sms, mobile(&OLA));
    let before = sms.arrived().iter().filter(|one| one.to == telephone).count();
    let settings = rooms::settings(&HAVNEGATA, Solution::Helserespons);
    let text = "Vi har flyttet.".to_owned();
    let opening = Opening { kind: CaseType::Question, one_way: true, heading: None, text, files: Vec::new() };
    house.helserespons.open(settings["clinic"].as_str().unwrap_or_default(), OLA.national_id, &opening)?;
    let told = sms.nth(&telephone, before + 1).await?;
    let text = &told[before].text;
    tell.check("he is told that there is one", text.starts_with("Du har en ny melding fra "))?;
    tell.check("and not what it says", !text.contains("flyttet"))
}

async fn prefers(
    tell: &mut Teller,
    citizen: &Citizen,
    what: &str,
    channels: Value,
    kinds: Value,
) -> anyhow::Result<()> {
    let known = citizen.portal.get("/v1/me/notice-preferences", &[]).expect(StatusCode::OK).await?;
    let tag = known.headers.get("etag").context("an ETag")?.to_str()?.to_owned();
    let body = json!({ "channels": channels, "kinds": kinds, "locale": "nb" });
    let call = citizen
        .portal
        .call(Method::PUT, "/v1/me/notice-preferences", &[])
        .header("content-type", "application/json")
        .header("if-match", &tag)
        .body(body.to_string());
    let reply = tell.ask(&format!("{} {what}", citizen.name), call, StatusCode::OK).await?;
    tell.equal("so it is", &reply.json["channels"], &channels)?;
    tell.equal("both ways would reach her", &reply.json["reachable"], &json!(["sms", "email"]))
}

/// Books the first free time that is not taken, and gives the appointment.
async fn books(tell: &mut Teller, citizen: &Citizen, nth: usize) -> anyhow::Result<Value> {
    let slots = citizen.portal.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?.json;
    let slot = slots["items"].as_array().and_then(|all| all.get(nth)).context("a free slot")?.clone();
    let body = super::citizen::booking(&slot);
    let call = citizen.portal.post("/v1/me/appointments", &[], &body);
    Ok(tell.ask(&format!("{} books an appointment", citizen.name), call, StatusCode::CREATED).await?.json)
}
