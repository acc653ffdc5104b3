//! The vendor that speaks SOAP, in every kind of trouble: what the citizen sees, that nothing is lost or doubled, that
//! other vendors do not notice.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, limits::Limits, problem::ProblemType};
use dialog_tests::{
    house::{House, portal::Portal, watch::Screen},
    sim::{
        besoklegen::{Answer, Damage},
        trouble::{Availability, Call, HttpFault},
        world::{LEILA, MARTE},
    },
    story::citizen::{booking, office_messages},
};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use crate::visit::{alone, citizen, inquiry, opened, operator, read, refusal};

async fn screen(house: &House) -> anyhow::Result<Screen> {
    Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&MARTE)?, None).await
}

/// Leila's vendor is another: she is served as ever.
async fn others_are_served(house: &House) -> anyhow::Result<()> {
    citizen(house, &LEILA)?.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
    Ok(())
}

/// Opens a dialog that waits in the queue, and gives its id.
async fn queued(marte: &Portal, text: &str) -> anyhow::Result<String> {
    let reply = marte.post("/v1/me/dialogs", &[], &inquiry(text)).send().await?;
    ensure!(reply.status == StatusCode::ACCEPTED, "{} {}", reply.status, reply.json);
    ensure!(reply.json["status"]["state"] == "queued", "{}", reply.json);
    Ok(reply.text("/id")?.to_owned())
}

#[test]
fn what_is_written_while_the_vendor_is_down_or_busy_is_sent_once_when_it_is_back() -> anyhow::Result<()> {
    alone(async |house| {
        let marte = citizen(house, &MARTE)?;
        let mut screen = screen(house).await?;
        house.besoklegen.trouble.set_availability(Availability::Refuse).await?;
        let first = queued(&marte, "Er dere åpne?").await?;
        let down = refusal(marte.get("/v1/me/slots", &[]), ProblemType::ProviderUnavailable).await?;
        ensure!(down.json["sent"] == "no", "{}", down.json);
        others_are_served(house).await?;
        house.besoklegen.trouble.set_availability(Availability::Up).await?;
        screen.wait(EventType::MessageSent, &first).await?;
        house.besoklegen.set_busy(Some(1));
        let second = queued(&marte, "Har dere parkering?").await?;
        house.besoklegen.set_busy(None);
        screen.wait(EventType::MessageSent, &second).await?;
        ensure!(house.besoklegen.cases().len() == 2, "nothing is doubled");
        ensure!(house.besoklegen.violations().is_empty(), "{:?}", house.besoklegen.violations());
        Ok(())
    })
}

#[test]
fn a_clock_ten_minutes_off_and_a_password_that_has_expired_lose_nothing() -> anyhow::Result<()> {
    alone(async |house| {
        let marte = citizen(house, &MARTE)?;
        let mut screen = screen(house).await?;
        house.besoklegen.set_clock_off(SignedDuration::from_mins(10));
        let first = queued(&marte, "Er dere åpne?").await?;
        refusal(marte.get("/v1/me/slots", &[]), ProblemType::ProviderUnavailable).await?;
        others_are_served(house).await?;
        house.besoklegen.set_clock_off(SignedDuration::ZERO);
        screen.wait(EventType::MessageSent, &first).await?;
        let rules = house.besoklegen.violations();
        ensure!(rules.iter().all(|one| one.rule.contains("five minutes off")) && !rules.is_empty(), "{rules:?}");
        house.besoklegen.set_password("another-password");
        refusal(marte.get("/v1/me/appointments", &[]), ProblemType::ProviderUnavailable).await?;
        ensure!(house.besoklegen.cases().len() == 1, "nothing is doubled");
        Ok(())
    })
}

#[test]
fn garbage_is_the_vendors_fault_and_what_was_handed_over_is_uncertain_in_plain_sight() -> anyhow::Result<()> {
    alone(async |house| {
        let marte = citizen(house, &MARTE)?;
        let faults = [HttpFault::MalformedJson, HttpFault::Html, HttpFault::WrongType];
        for fault in faults {
            for template in ["/v1/me/slots", "/v1/me/appointments"] {
                house.besoklegen.trouble.fail_next(Call::Read, fault);
                refusal(marte.get(template, &[]), ProblemType::ProviderFaulty).await?;
                marte.get(template, &[]).expect(StatusCode::OK).await?;
            }
        }
        for (at, fault) in faults.into_iter().enumerate() {
            house.besoklegen.trouble.fail_next(Call::Post, fault);
            let call = marte.post("/v1/me/dialogs", &[], &inquiry(&format!("Spørsmål {at}")));
            let reply = call.refused(ProblemType::ProviderFaulty).await?;
            ensure!(reply.json["sent"] != "no", "{fault:?}: the vendor has it: {}", reply.json);
        }
        ensure!(house.besoklegen.cases().len() == faults.len(), "nothing was sent twice");
        let slots = marte.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let slot = booking(slots.json["items"].get(1).context("a slot")?);
        house.besoklegen.trouble.fail_next(Call::Post, HttpFault::TruncatedBody);
        let reply = marte.post("/v1/me/appointments", &[], &slot).send().await?;
        ensure!(reply.json["sent"] != "no", "{}", reply.json);
        let coming = marte.get("/v1/me/appointments", &[]).expect(StatusCode::OK).await?;
        ensure!(coming.json["items"].as_array().is_some_and(|all| all.len() == 1), "{}", coming.json);
        others_are_served(house).await
    })
}

#[test]
fn an_answer_is_read_once_whatever_is_told_twice_out_of_order_or_broken() -> anyhow::Result<()> {
    alone(async |house| {
        let marte = citizen(house, &MARTE)?;
        let mut screen = screen(house).await?;
        let dialog = opened(
            &marte,
            &json!({
                "request": { "type": "sick-note-renewal", "validUntil": "2026-12-01", "degree": 50 },
                "message": { "text": "Ryggen." },
            }),
        )
        .await?;
        let case = house.besoklegen.wait_for_case(|_| true).await?;
        house.besoklegen.set_muddled(true);
        let say = |text: &str| Answer::Reply { text: text.to_owned(), files: Vec::new() };
        let damages = [Damage::Bare, Damage::UnknownKind, Damage::Hollow, Damage::NoNumber];
        for damage in damages {
            house.besoklegen.damage_next(damage);
            house.besoklegen.answer(&case.number, &say("Dette leser ingen."))?;
        }
        house.besoklegen.answer(&case.number, &say("Hvordan går det?"))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        let last = house.besoklegen.answer(&case.number, &Answer::Finish { text: "God bedring.".to_owned() })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        house.besoklegen.wait_until_confirmed(last).await?;
        let messages = office_messages(&read(&marte, &dialog).await?);
        let texts: Vec<_> = messages.iter().filter_map(|one| one["text"].as_str()).collect();
        ensure!(texts == ["Hvordan går det?", "God bedring."], "{texts:?}");
        let kept = operator(house)?.get("/unreadable", &[]).expect(StatusCode::OK).await?.json;
        let items = kept["items"].as_array().context("items")?;
        ensure!(items.len() == damages.len() && items.iter().all(|one| one["plugin"] == "besoklegen"), "{kept}");
        ensure!(!kept.to_string().contains(MARTE.national_id), "it names somebody");
        ensure!(house.besoklegen.violations().is_empty(), "{:?}", house.besoklegen.violations());
        Ok(())
    })
}

#[test]
fn a_list_of_slots_that_never_ends_is_left_and_the_citizen_sees_what_was_found() -> anyhow::Result<()> {
    alone(async |house| {
        house.besoklegen.set_endless(true);
        let slots = citizen(house, &MARTE)?.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        ensure!(slots.json["items"].as_array().is_some_and(|all| !all.is_empty()), "{}", slots.json);
        others_are_served(house).await?;
        ensure!(house.besoklegen.violations().is_empty(), "{:?}", house.besoklegen.violations());
        Ok(())
    })
}

#[test]
fn a_vendor_that_does_not_answer_is_not_waited_for_and_gets_what_was_written_once() -> anyhow::Result<()> {
    alone(async |house| {
        let marte = citizen(house, &MARTE)?;
        let mut screen = screen(house).await?;
        let begun = Instant::now();
        let trouble = &house.besoklegen.trouble;
        let (read_held, post_held) = (trouble.hold_next(Call::Read), trouble.hold_next(Call::PostReply));
        let look = tokio::spawn(marte.get("/v1/me/slots", &[]).send());
        let write = tokio::spawn(marte.post("/v1/me/dialogs", &[], &inquiry("Er dere åpne?")).send());
        others_are_served(house).await?;
        let looked = look.await??;
        ensure!(looked.json["type"] == ProblemType::ProviderUnavailable.uri().as_str(), "{}", looked.json);
        ensure!(looked.json["sent"] == "no", "{}", looked.json);
        let written = write.await??;
        ensure!(written.status == StatusCode::ACCEPTED, "{} {}", written.status, written.json);
        let limit = Duration::from_secs(Limits::V1.request_seconds.into());
        ensure!(begun.elapsed() < limit, "answered after {:?}", begun.elapsed());
        drop((read_held, post_held));
        // The vendor has it already, and knows the repetition by its id.
        screen.wait(EventType::MessageSent, written.text("/id")?).await?;
        ensure!(house.besoklegen.cases().len() == 1, "the vendor has it {} times", house.besoklegen.cases().len());
        ensure!(house.besoklegen.violations().is_empty(), "{:?}", house.besoklegen.violations());
        Ok(())
    })
}
