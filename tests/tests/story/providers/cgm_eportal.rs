//! CGM e-portal: news that are waited for at the vendor, data beside errors, and a vendor that is down, slow, out of order
//! or does not know us any more.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, limits::Limits, problem::ProblemType};
use dialog_tests::{
    house::{House, watch::Screen},
    sim::{
        cgm_eportal::{Answer, Damage, Disorder, ThreadKind},
        trouble::{Availability, Call, HttpFault},
        world::{LEILA, SKOGBRYNET, SOLVEIG, Solution},
    },
    story::citizen::office_messages,
};
use http::StatusCode;
use serde_json::json;

use crate::visit::{alone, citizen, consultation, fields, inquiry, invalid, opened, operator, read, refusal};

fn practice() -> anyhow::Result<&'static str> {
    SKOGBRYNET.account(Solution::CgmEportal).context("the office uses the vendor")
}

async fn screen(house: &House) -> anyhow::Result<Screen> {
    Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&SOLVEIG)?, None).await
}

fn reply(text: &str) -> Answer {
    Answer::Reply { text: text.to_owned(), documents: Vec::new() }
}

#[test]
fn an_answer_comes_at_once_while_the_gateway_waits_at_the_vendor() -> anyhow::Result<()> {
    alone(async |house| {
        let (solveig, mut screen) = (citizen(house, &SOLVEIG)?, screen(house).await?);
        let dialog = opened(&solveig, &inquiry("Har dere åpent i romjulen?")).await?;
        let thread = house.cgm_eportal.wait_for_thread(|_| true).await?;
        // The receipt of the question is settled first: what is waited for then is news.
        house.cgm_eportal.wait_until_confirmed(1).await?;
        house.cgm_eportal.wait_for_long_poll().await?;
        let change = house.cgm_eportal.answer(&thread.id, &reply("Ja."))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        ensure!(office_messages(&read(&solveig, &dialog).await?)[0]["text"] == "Ja.");
        house.cgm_eportal.wait_until_confirmed(change).await?;
        let waits = house.cgm_eportal.waits();
        ensure!(waits.contains(&3) && waits.iter().all(|seconds| *seconds <= 3), "{waits:?}");
        ensure!(house.cgm_eportal.violations().is_empty(), "{:?}", house.cgm_eportal.violations());
        Ok(())
    })
}

#[test]
fn what_is_sent_while_the_vendor_is_down_waits_and_arrives_once() -> anyhow::Result<()> {
    alone(async |house| {
        let (solveig, mut screen) = (citizen(house, &SOLVEIG)?, screen(house).await?);
        for (at, availability) in [Availability::Refuse, Availability::Unavailable].into_iter().enumerate() {
            house.cgm_eportal.trouble.set_availability(availability).await?;
            let call = solveig.post("/v1/me/dialogs", &[], &inquiry(&format!("Spørsmål {at}")));
            let queued = call.expect(StatusCode::ACCEPTED).await?;
            ensure!(queued.json["status"]["state"] == "queued", "{}", queued.json);
            // Nobody else notices.
            opened(&solveig, &consultation("Allergi")).await?;
            opened(&citizen(house, &LEILA)?, &inquiry("Hei")).await?;
            house.cgm_eportal.trouble.set_availability(Availability::Up).await?;
            let dialog = queued.text("/id")?.to_owned();
            screen.wait(EventType::MessageSent, &dialog).await?;
            ensure!(read(&solveig, &dialog).await?["status"]["state"] == "awaiting-office");
            ensure!(house.cgm_eportal.threads().len() == at + 1, "{availability:?}");
        }
        Ok(())
    })
}

#[test]
fn a_slow_vendor_is_not_waited_for_and_gets_what_was_sent_once() -> anyhow::Result<()> {
    alone(async |house| {
        let (solveig, mut screen) = (citizen(house, &SOLVEIG)?, screen(house).await?);
        let begun = Instant::now();
        let trouble = &house.cgm_eportal.trouble;
        let (read_held, post_held) = (trouble.hold_next(Call::Read), trouble.hold_next(Call::PostReply));
        let look = tokio::spawn(solveig.get("/v1/me/prescriptions", &[]).send());
        let write = tokio::spawn(solveig.post("/v1/me/dialogs", &[], &inquiry("Hei")).send());
        let looked = look.await??;
        ensure!(looked.json["type"] == ProblemType::ProviderUnavailable.uri().as_str(), "{}", looked.json);
        ensure!(looked.json["sent"] == "no", "{}", looked.json);
        let written = write.await??;
        ensure!(written.status == StatusCode::ACCEPTED, "{} {}", written.status, written.json);
        ensure!(begun.elapsed() < Duration::from_secs(Limits::V1.request_seconds.into()), "{:?}", begun.elapsed());
        drop((read_held, post_held));
        screen.wait(EventType::MessageSent, written.text("/id")?).await?;
        ensure!(house.cgm_eportal.threads().len() == 1, "{}", house.cgm_eportal.threads().len());
        Ok(())
    })
}

#[test]
fn faults_of_the_vendors_are_told_apart_and_nothing_is_lost_or_doubled() -> anyhow::Result<()> {
    alone(async |house| {
        let (solveig, mut screen) = (citizen(house, &SOLVEIG)?, screen(house).await?);
        let trouble = &house.cgm_eportal.trouble;
        for fault in [HttpFault::MalformedJson, HttpFault::Html, HttpFault::WrongType] {
            trouble.fail_next(Call::Read, fault);
            refusal(solveig.get("/v1/me/prescriptions", &[]), ProblemType::ProviderFaulty).await?;
            solveig.get("/v1/me/prescriptions", &[]).expect(StatusCode::OK).await?;
        }
        // The vendor did not take it: it is sent again by itself.
        for status in [429, 500, 503] {
            trouble.fail_next(Call::Post, HttpFault::Status(status));
            let call = solveig.post("/v1/me/dialogs", &[], &inquiry(&format!("Etter {status}")));
            let queued = call.expect(StatusCode::ACCEPTED).await?;
            screen.wait(EventType::MessageSent, queued.text("/id")?).await?;
        }
        // The vendor took it, and said so half.
        trouble.fail_next(Call::Post, HttpFault::TruncatedBody);
        let queued = solveig.post("/v1/me/dialogs", &[], &inquiry("Halvt")).expect(StatusCode::ACCEPTED).await?;
        screen.wait(EventType::MessageSent, queued.text("/id")?).await?;
        ensure!(house.cgm_eportal.threads().len() == 4, "{}", house.cgm_eportal.threads().len());
        // The vendor took it, and what it said makes no sense.
        for (at, fault) in [HttpFault::MalformedJson, HttpFault::Html, HttpFault::WrongType].into_iter().enumerate() {
            trouble.fail_next(Call::Post, fault);
            let call = solveig.post("/v1/me/dialogs", &[], &inquiry(&format!("Uklart {at}")));
            let told = call.refused(ProblemType::ProviderFaulty).await?;
            ensure!(told.json["sent"] != "no", "{fault:?}: {}", told.json);
            ensure!(house.cgm_eportal.threads().len() == 5 + at, "{fault:?}");
        }
        ensure!(house.cgm_eportal.violations().is_empty(), "{:?}", house.cgm_eportal.violations());
        Ok(())
    })
}

#[test]
fn a_sick_note_is_renewed_and_one_that_needs_a_visit_is_refused_where_it_stands() -> anyhow::Result<()> {
    alone(async |house| {
        let (solveig, mut screen) = (citizen(house, &SOLVEIG)?, screen(house).await?);
        let practice = practice()?;
        let present = house.cgm_eportal.sick_note(practice, SOLVEIG.national_id)?.context("a sick note")?;
        let ask = |until: jiff::civil::Date, degree: u8| {
            json!({
                "request": { "type": "sick-note-renewal", "validUntil": until, "degree": degree },
                "message": { "text": "Ryggen." },
            })
        };
        let other = present.until.tomorrow()?;
        for (opening, pointer) in [(ask(other, 50), "/request/validUntil"), (ask(present.until, 80), "/request/degree")]
        {
            invalid(solveig.post("/v1/me/dialogs", &[], &opening), &[pointer]).await?;
        }
        let dialog = opened(&solveig, &ask(present.until, 50)).await?;
        let thread = house.cgm_eportal.wait_for_thread(|thread| thread.kind == ThreadKind::SickNote).await?;
        ensure!(thread.degree == Some(50), "{thread:?}");
        house.cgm_eportal.answer(&thread.id, &Answer::SickNote { days: 14, text: Some("God bedring.".to_owned()) })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let said = office_messages(&read(&solveig, &dialog).await?);
        let text = said.first().and_then(|one| one["text"].as_str()).unwrap_or_default();
        ensure!(text.starts_with("God bedring.\n\nNy sykmelding: "), "{text}");
        ensure!(text.ends_with("Den er sendt til NAV og til arbeidsgiveren din, Elverum Trelast AS."), "{text}");
        // Nobody has a sick note without being seen for good.
        house.cgm_eportal.set_sick_note(practice, SOLVEIG.national_id, None)?;
        let call = solveig.post("/v1/me/dialogs", &[], &ask(present.until, 50));
        refusal(call, ProblemType::Declined).await?;
        ensure!(house.cgm_eportal.threads().len() == 1);
        ensure!(house.cgm_eportal.violations().is_empty(), "{:?}", house.cgm_eportal.violations());
        Ok(())
    })
}

#[test]
fn what_stands_beside_an_error_has_happened_and_what_an_error_stands_for_has_not() -> anyhow::Result<()> {
    alone(async |house| {
        let solveig = citizen(house, &SOLVEIG)?;
        let practice = practice()?;
        house.cgm_eportal.set_states_known(practice, false)?;
        opened(&solveig, &inquiry("Hei")).await?;
        house.cgm_eportal.set_service(practice, ThreadKind::Inquiry, false)?;
        let call = solveig.post("/v1/me/dialogs", &[], &inquiry("Hei igjen"));
        let told = refusal(call, ProblemType::Declined).await?;
        ensure!(told.text("/detail")?.contains("slått av denne tjenesten"), "{}", told.json);
        house.cgm_eportal.set_rules_answer(practice, false)?;
        refusal(solveig.get("/v1/me/prescriptions", &[]), ProblemType::ProviderUnavailable).await?;
        ensure!(house.cgm_eportal.threads().len() == 1);
        Ok(())
    })
}

#[test]
fn a_medicine_that_the_offices_rule_bars_is_named() -> anyhow::Result<()> {
    alone(async |house| {
        let solveig = citizen(house, &SOLVEIG)?;
        let items = json!([
            { "id": "RX-SKOG-1", "medicine": "Amlodipin" },
            { "id": "RX-SKOG-5", "medicine": "Oksazepam" },
        ]);
        let body = json!({ "request": { "type": "prescription-renewal", "items": items } });
        let told = refusal(solveig.post("/v1/me/dialogs", &[], &body), ProblemType::Invalid).await?;
        let named = fields(&told);
        ensure!(named.len() == 1 && named[0].0 == "/request/items/1", "{named:?}");
        ensure!(named[0].1.contains("fornyer ikke denne"), "{named:?}");
        Ok(())
    })
}

#[test]
fn news_out_of_order_twice_and_damaged_are_told_once_and_kept_for_the_operator() -> anyhow::Result<()> {
    alone(async |house| {
        let (solveig, mut screen) = (citizen(house, &SOLVEIG)?, screen(house).await?);
        let dialog = opened(&solveig, &inquiry("Hei")).await?;
        let thread = house.cgm_eportal.wait_for_thread(|_| true).await?;
        house.cgm_eportal.trouble.set_availability(Availability::Unavailable).await?;
        house.cgm_eportal.set_disorder(Disorder::Shuffled);
        let damages = [Damage::Gone, Damage::WrongType, Damage::Truncated, Damage::UnknownType];
        house.cgm_eportal.answer(&thread.id, &reply("Den første."))?;
        for damage in damages {
            house.cgm_eportal.damage_next(damage);
            house.cgm_eportal.answer(&thread.id, &reply("Dette leser ingen."))?;
        }
        house.cgm_eportal.answer(&thread.id, &reply("Den andre."))?;
        let last = house.cgm_eportal.answer(&thread.id, &Answer::Finish { text: "Den siste.".to_owned() })?;
        house.cgm_eportal.trouble.set_availability(Availability::Up).await?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let read = read(&solveig, &dialog).await?;
        let messages = office_messages(&read);
        let texts: Vec<_> = messages.iter().filter_map(|message| message["text"].as_str()).collect();
        ensure!(texts == ["Den første.", "Den andre.", "Den siste."], "{texts:?}");
        house.cgm_eportal.wait_until_confirmed(last).await?;
        let kept = operator(house)?.get("/unreadable", &[]).expect(StatusCode::OK).await?.json;
        let items = kept["items"].as_array().context("items")?;
        ensure!(items.len() == damages.len() && items.iter().all(|one| one["plugin"] == "cgm-eportal"), "{kept}");
        ensure!(!kept.to_string().contains(SOLVEIG.national_id), "it names somebody");
        Ok(())
    })
}

#[test]
fn a_change_that_the_vendor_does_not_give_yet_is_told_when_it_does() -> anyhow::Result<()> {
    alone(async |house| {
        let (solveig, mut screen) = (citizen(house, &SOLVEIG)?, screen(house).await?);
        let dialog = opened(&solveig, &inquiry("Hei")).await?;
        let thread = house.cgm_eportal.wait_for_thread(|_| true).await?;
        house.cgm_eportal.damage_next(Damage::NotYet);
        let late = house.cgm_eportal.answer(&thread.id, &reply("Sent, men godt."))?;
        house.cgm_eportal.wait_until_confirmed(late - 1).await?;
        house.cgm_eportal.mend();
        screen.wait(EventType::MessageReceived, &dialog).await?;
        ensure!(office_messages(&read(&solveig, &dialog).await?)[0]["text"] == "Sent, men godt.");
        let kept = operator(house)?.get("/unreadable", &[]).expect(StatusCode::OK).await?.json;
        ensure!(kept["items"].as_array().is_some_and(Vec::is_empty), "{kept}");
        Ok(())
    })
}

#[test]
fn a_vendor_that_does_not_know_us_any_more_is_an_outage_and_nothing_is_lost() -> anyhow::Result<()> {
    alone(async |house| {
        let solveig = citizen(house, &SOLVEIG)?;
        house.cgm_eportal.forget_clients();
        let told = refusal(solveig.get("/v1/me/prescriptions", &[]), ProblemType::ProviderUnavailable).await?;
        ensure!(!told.json.to_string().contains("certificate"), "{}", told.json);
        let call = solveig.post("/v1/me/dialogs", &[], &inquiry("Hei"));
        let queued = call.expect(StatusCode::ACCEPTED).await?;
        ensure!(queued.json["status"]["state"] == "queued", "{}", queued.json);
        Ok(())
    })
}
