//! Ánte, at an office where nobody picks a slot: he writes when it would suit him, and the office finds a time (System X).

use dialog_contract::event::EventType;
use http::StatusCode;
use jiff::{ToSpan as _, civil::DateTime, tz::TimeZone};
use serde_json::{Value, json};

use super::{citizen::Citizen, teller::Teller};
use crate::{
    house::House,
    sim::{
        meldingstjener::{Answer, Kind},
        world::ANTE,
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut ante = Citizen::log_in(house, &ANTE).await?;
    let practice = ante.sees_offers(tell, &[("appointment", "ddfl", "public")]).await?;
    let written = practice["services"].as_array().is_some_and(|services| {
        services.iter().any(|one| one["service"] == "appointment" && one["booking"] == "request")
    });
    tell.check("in writing", written)?;
    let dialog = ante.opens(tell, "writes when a time would suit him", &wish("Kontroll av blodtrykk.")?).await?;
    let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Wish).await?;
    let start = house.meldingstjener.now().local.date().checked_add(6.days())?.at(10, 0, 0, 0);
    let given = Answer::Appointment { start, gp: None, text: Some("Velkommen.".to_owned()) };
    house.meldingstjener.answer(&asked.message.msg_id, &given)?;
    let id = has_a_time(tell, &mut ante, &dialog, start).await?;

    let cancel = json!({ "request": { "type": "appointment-cancel", "appointment": id } });
    let dialog = ante.opens(tell, "cancels it in writing", &cancel).await?;
    let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::CancelWish).await?;
    house.meldingstjener.answer(&asked.message.msg_id, &Answer::Cancelled { text: None })?;
    ante.sees_closed(tell, "sees that it is cancelled", &dialog, "answered").await?;
    ante.hears(EventType::AppointmentCancelled, &id).await?;
    tell.equal("and is told once", ante.screen.count(EventType::AppointmentCancelled, &id), 1)
}

/// A wish for an appointment, in the morning of one of the next days.
pub fn wish(text: &str) -> anyhow::Result<Value> {
    let day = jiff::Zoned::now().date().checked_add(6.days())?;
    let at = |hour: i8| anyhow::Ok(day.at(hour, 0, 0, 0).to_zoned(TimeZone::get("Europe/Oslo")?)?.timestamp());
    Ok(json!({
        "request": { "type": "appointment-request", "preferred": [{ "start": at(9)?, "end": at(12)? }] },
        "message": { "text": text },
    }))
}

/// The office has given a time in answer to the wish; gives the appointment.
pub async fn has_a_time(
    tell: &mut Teller,
    citizen: &mut Citizen,
    dialog: &str,
    start: DateTime,
) -> anyhow::Result<String> {
    citizen.sees_closed(tell, "is given a time", dialog, "answered").await?;
    let call = citizen.portal.get("/v1/me/appointments", &[]);
    let what = format!("{} sees it among the coming appointments", citizen.name);
    let coming = tell.ask(&what, call, StatusCode::OK).await?;
    let at = start.to_zoned(TimeZone::get("Europe/Oslo")?)?.timestamp().to_string();
    let mut all = coming.json["items"].as_array().into_iter().flatten();
    let there = all.find(|one| one["start"] == at).and_then(|one| one["id"].as_str()).map(str::to_owned);
    tell.check("at the time that the office wrote", there.is_some())?;
    Ok(there.unwrap_or_default())
}
