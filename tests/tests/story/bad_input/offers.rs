//! What the office does not offer, and times that cannot be.

use anyhow::{Context, ensure};
use dialog_contract::problem::ProblemType;
use dialog_tests::{
    sim::world::{ANTE, FJELLVEIEN, KARI},
    story::citizen::booking,
};
use http::StatusCode;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::visit::{arranged, citizen, consultation, inquiry, invalid, opened, refusal, shared};

/// Kari's office has switched off renewals, and its agreement about contacts is over.
fn switched_off(directory: &mut Value) {
    for agreement in directory["agreements"].as_array_mut().into_iter().flatten() {
        if agreement["office"] == FJELLVEIEN.service_her_id {
            match agreement["service"].as_str() {
                Some("prescription-renewal") => agreement["enabled"] = json!(false),
                Some("inquiry") => agreement["validUntil"] = json!("2020-01-01T00:00:00Z"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_service_that_is_switched_off_is_neither_offered_nor_accepted() -> anyhow::Result<()> {
    arranged(switched_off, async |house| {
        let kari = citizen(house, &KARI)?;
        let practice = kari.get("/v1/me/practice", &[]).expect(StatusCode::OK).await?;
        let available = |service: &str| {
            let all = practice.json["services"].as_array().cloned().unwrap_or_default();
            all.iter().find(|one| one["service"] == service).map(|one| one["available"].clone())
        };
        for (service, expected) in [
            ("prescription-renewal", false),
            ("inquiry", false),
            ("sick-note-renewal", false),
            ("consultation", true),
            ("appointment", true),
        ] {
            ensure!(available(service) == Some(json!(expected)), "{service}: {}", practice.json);
        }
        let renewal =
            json!({ "request": { "type": "prescription-renewal", "items": [{ "id": "1", "medicine": "Paracet" }] } });
        let sick_note = json!({
            "request": { "type": "sick-note-renewal", "validUntil": "2099-01-01", "degree": 50 },
            "message": { "text": "Ryggen er bedre." },
        });
        let collegial = json!({
            "request": { "type": "collegial", "fromHprNumber": 9_123_407, "to": [8_150_110] },
            "message": { "text": "Hei" },
        });
        for body in [&renewal, &inquiry("Hei"), &sick_note, &collegial] {
            refusal(kari.post("/v1/me/dialogs", &[], body), ProblemType::ServiceNotOffered).await?;
        }
        refusal(kari.get("/v1/me/prescriptions", &[]), ProblemType::ServiceNotOffered).await?;
        opened(&kari, &consultation("Søvn")).await?;
        let sent = house.meldingstjener.messages().iter().filter(|message| !message.to_portal).count();
        ensure!(sent == 1, "the office got {sent} messages, of which one was right");
        Ok(())
    })
}

#[test]
fn a_written_request_is_refused_where_slots_are_picked_and_the_reverse() -> anyhow::Result<()> {
    shared(async |house| {
        let (kari, ante) = (citizen(house, &KARI)?, citizen(house, &ANTE)?);
        let wish =
            json!({ "request": { "type": "appointment-request" }, "message": { "text": "Jeg trenger en time." } });
        let reply = refusal(kari.post("/v1/me/dialogs", &[], &wish), ProblemType::ServiceNotOffered).await?;
        ensure!(reply.text("/detail")?.contains("Velg en ledig time"), "{}", reply.json);

        let reply = refusal(ante.get("/v1/me/slots", &[]), ProblemType::ServiceNotOffered).await?;
        ensure!(reply.text("/detail")?.contains("Skriv en forespørsel"), "{}", reply.json);
        let start = Timestamp::now().checked_add(72.hours())?;
        let body = json!({ "slot": "a", "start": start, "end": start.checked_add(20.minutes())? });
        refusal(ante.post("/v1/me/appointments", &[], &body), ProblemType::ServiceNotOffered).await?;
        Ok(())
    })
}

#[test]
fn wishes_in_the_past_or_that_end_before_they_start_are_named() -> anyhow::Result<()> {
    shared(async |house| {
        let ante = citizen(house, &ANTE)?;
        let (past, soon) = (Timestamp::now().checked_sub(1.hours())?, Timestamp::now().checked_add(48.hours())?);
        let wish = |start: Timestamp, end: Timestamp| {
            json!({
                "request": { "type": "appointment-request", "preferred": [{ "start": start, "end": end }] },
                "message": { "text": "Jeg trenger en time." },
            })
        };
        let post = |body: &Value| ante.post("/v1/me/dialogs", &[], body);
        invalid(post(&wish(past, soon)), &["/request/preferred/0/start"]).await?;
        invalid(post(&wish(soon, soon)), &["/request/preferred/0/end"]).await?;
        invalid(post(&wish(soon, past)), &["/request/preferred/0/end"]).await?;
        let mut local = wish(soon, soon);
        local["request"]["preferred"][0]["start"] = json!("2030-01-01T08:00:00");
        invalid(post(&local), &["/request/preferred/0/start"]).await?;
        Ok(())
    })
}

#[test]
fn slots_in_the_past_or_over_four_weeks_ahead_are_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let now = Timestamp::now();
        let at = |hours: i64| now.checked_add(hours.hours());
        let slots = |query: String| kari.get("/v1/me/slots", &[]).query(&query);
        invalid(slots(format!("from={}", at(-2)?)), &["/from"]).await?;
        invalid(slots(format!("until={}", at(29 * 24)?)), &["/until"]).await?;
        invalid(slots(format!("from={}&until={}", at(48)?, at(24)?)), &["/until"]).await?;
        invalid(slots(format!("from={}", at(40 * 24)?)), &["/until"]).await?;
        invalid(slots(format!("from={}&until={}", at(-48)?, at(60 * 24)?)), &["/from", "/until"]).await?;
        let within = slots(format!("from={}&until={}", at(24)?, at(27 * 24)?)).expect(StatusCode::OK).await?;
        ensure!(within.json["items"].as_array().is_some_and(|all| !all.is_empty()), "{}", within.json);
        Ok(())
    })
}

#[test]
fn bookings_in_the_past_or_over_four_weeks_ahead_are_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let slots = kari.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let good = booking(slots.json["items"].get(5).context("a slot")?);
        let now = Timestamp::now();
        let at = |hours: i64| now.checked_add(hours.hours());
        for (start, end, field) in [
            (at(-2)?, at(-1)?, "/start"),
            (at(29 * 24)?, at(29 * 24 + 1)?, "/start"),
            (at(48)?, at(47)?, "/end"),
            (at(48)?, at(48)?, "/end"),
        ] {
            let mut body = good.clone();
            (body["start"], body["end"]) = (json!(start), json!(end));
            invalid(kari.post("/v1/me/appointments", &[], &body), &[field]).await?;
        }
        let mut long = good.clone();
        long["reason"] = json!("x".repeat(1001));
        invalid(kari.post("/v1/me/appointments", &[], &long), &["/reason"]).await?;
        Ok(())
    })
}

#[test]
fn a_slot_that_the_office_does_not_have_is_a_conflict_and_nothing_is_booked() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let before = house.meldingstjener.appointments(&FJELLVEIEN, KARI.national_id)?;
        let slots = kari.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let mut body = booking(slots.json["items"].get(6).context("a slot")?);
        body["slot"] = json!("no-such-slot");
        refusal(kari.post("/v1/me/appointments", &[], &body), ProblemType::Conflict).await?;
        ensure!(house.meldingstjener.appointments(&FJELLVEIEN, KARI.national_id)? == before);
        Ok(())
    })
}
