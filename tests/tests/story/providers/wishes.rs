//! Written appointment requests: asked for, given, moved, cancelled.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    house::watch::Screen,
    sim::{
        meldingstjener::{Answer, Kind},
        world::ANTE,
    },
    story::citizen::office_messages,
};
use http::StatusCode;
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::{Value, json};

use crate::visit::{alone, citizen, opened, read, refusal};

#[test]
fn a_wish_becomes_an_appointment_that_is_moved_and_cancelled_in_writing() -> anyhow::Result<()> {
    alone(async |house| {
        let ante = citizen(house, &ANTE)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&ANTE)?, None).await?;
        let oslo = TimeZone::get("Europe/Oslo")?;
        let day = house.meldingstjener.now().local.date();
        let at = |days: i64, hour: i8| anyhow::Ok(day.checked_add(days.days())?.at(hour, 0, 0, 0));
        let instant = |local: jiff::civil::DateTime| anyhow::Ok(local.to_zoned(oslo.clone())?.timestamp());
        let coming = async || {
            let page = ante.get("/v1/me/appointments", &[]).expect(StatusCode::OK).await?;
            anyhow::Ok(page.json["items"].as_array().context("items")?.clone())
        };
        let starts = |one: &Value| anyhow::Ok(one["start"].as_str().context("a start")?.parse::<Timestamp>()?);
        ensure!(coming().await?.is_empty());

        let (from, until) = (instant(at(6, 9)?)?, instant(at(6, 12)?)?);
        let wish = json!({
            "request": { "type": "appointment-request", "preferred": [{ "start": from, "end": until }] },
            "message": { "text": "Kontroll av blodtrykk." },
        });
        let dialog = opened(&ante, &wish).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Wish).await?;
        ensure!(asked.message.text.as_deref().is_some_and(|text| text.contains("blodtrykk")));
        let given = Answer::Appointment { start: at(6, 10)?, gp: None, text: Some("Velkommen.".to_owned()) };
        house.meldingstjener.answer(&asked.message.msg_id, &given)?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let booked = screen.wait_for("a booking", |event| event.kind == EventType::AppointmentBooked).await?;
        let done = read(&ante, &dialog).await?;
        ensure!(done["status"] == json!({ "state": "closed", "outcome": "answered" }), "{}", done["status"]);
        ensure!(office_messages(&done)[0]["text"] == "Velkommen.", "{done}");
        let activities = done["activities"].as_array().context("activities")?;
        ensure!(
            activities.iter().any(|one| one["kind"]["type"] == "appointment" && one["kind"]["change"] == "booked"),
            "{activities:?}"
        );
        let all = coming().await?;
        ensure!(all.len() == 1 && starts(&all[0])? == instant(at(6, 10)?)?, "{all:?}");
        let id = all[0]["id"].as_str().context("an id")?.to_owned();
        ensure!(booked.subject.ends_with(&id), "the event is about {}", booked.subject);

        // Booking as if there were slots to pick is refused; in writing it can be moved.
        let direct = ante.post("/v1/me/appointments/{appointment}/cancel", &[&id], &json!({}));
        refusal(direct, ProblemType::ServiceNotOffered).await?;
        let change = json!({
            "request": { "type": "appointment-change", "appointment": id },
            "message": { "text": "Jeg må jobbe den dagen." },
        });
        let dialog = opened(&ante, &change).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::ChangeWish).await?;
        house.meldingstjener.answer(&asked.message.msg_id, &Answer::Changed { start: at(8, 11)?, text: None })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        screen.wait(EventType::AppointmentMoved, &id).await?;
        let all = coming().await?;
        ensure!(all.len() == 1 && starts(&all[0])? == instant(at(8, 11)?)? && all[0]["id"] == id.as_str(), "{all:?}");

        // The office says no to one change, and the appointment stands.
        let dialog = opened(&ante, &change).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::ChangeWish).await?;
        house.meldingstjener.answer(&asked.message.msg_id, &Answer::NotChanged { text: None })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let read_again = read(&ante, &dialog).await?;
        ensure!(read_again["status"] == json!({ "state": "closed", "outcome": "declined" }), "{read_again}");
        ensure!(coming().await? == all);

        let cancel = json!({ "request": { "type": "appointment-cancel", "appointment": id } });
        let dialog = opened(&ante, &cancel).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::CancelWish).await?;
        house.meldingstjener.answer(&asked.message.msg_id, &Answer::Cancelled { text: None })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        screen.wait(EventType::AppointmentCancelled, &id).await?;
        ensure!(coming().await?.is_empty());
        refusal(ante.post("/v1/me/dialogs", &[], &cancel), ProblemType::Conflict).await?;
        let violations = house.meldingstjener.violations();
        ensure!(violations.is_empty(), "{violations:?}");
        Ok(())
    })
}

#[test]
fn an_office_without_a_time_says_so() -> anyhow::Result<()> {
    alone(async |house| {
        let ante = citizen(house, &ANTE)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&ANTE)?, None).await?;
        let wish =
            json!({ "request": { "type": "appointment-request" }, "message": { "text": "Jeg trenger en time." } });
        let dialog = opened(&ante, &wish).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Wish).await?;
        house.meldingstjener.answer(&asked.message.msg_id, &Answer::NotAvailable { text: None })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let done = read(&ante, &dialog).await?;
        ensure!(done["status"] == json!({ "state": "closed", "outcome": "declined" }), "{}", done["status"]);
        ensure!(office_messages(&done)[0]["text"] == "Vi har ingen ledig time.", "{done}");
        Ok(())
    })
}
