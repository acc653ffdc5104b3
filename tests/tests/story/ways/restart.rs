//! What a stop or a crash leaves: everything.

use anyhow::{Context, ensure};
use dialog_contract::event::EventType;
use dialog_tests::{
    house::watch::Screen,
    sim::{
        helserespons,
        meldingstjener::{Answer, Kind, ReceiptStatus},
        world::{CITIZENS, KARI, LEILA},
    },
    story::citizen::{PHOTO, booking, office_messages},
};
use http::StatusCode;
use serde_json::json;

use crate::visit::{alone, citizen, consultation, inquiry, opened, portal, read, upload};

#[test]
fn a_crash_loses_no_dialog_appointment_file_event_or_reply() -> anyhow::Result<()> {
    alone(async |house| {
        let (kari, leila) = (citizen(house, &KARI)?, citizen(house, &LEILA)?);
        let file = upload(&leila, "a.jpg", PHOTO).header("idempotency-key", "fil").expect(StatusCode::CREATED).await?;
        let body = json!({
            "request": { "type": "inquiry" },
            "message": { "text": "Se bildet.", "attachments": [file.text("/id")?] },
        });
        let sent = leila.post("/v1/me/dialogs", &[], &body).header("idempotency-key", "dialog");
        let sent = sent.expect(StatusCode::CREATED).await?;
        let slots = leila.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let slot = booking(slots.json["items"].get(2).context("a slot")?);
        let booked = leila.post("/v1/me/appointments", &[], &slot).header("idempotency-key", "time");
        let booked = booked.expect(StatusCode::CREATED).await?;
        // What a doctor's receipt makes of a dialog comes when it comes: this one is closed, and stays as it is.
        let dialog = opened(&kari, &inquiry("Når åpner dere?")).await?;
        let closed = kari.post("/v1/me/dialogs/{dialog}/close", &[&dialog], &json!({}));
        let closed = closed.header("idempotency-key", "slutt").expect(StatusCode::OK).await?;
        let feed = portal(house)?.get("/v1/events", &[]).query("limit=100").expect(StatusCode::OK).await?;

        house.kill_gateway().await?;
        house.start_gateway().await?;
        let base = house.gateway()?.portal.clone();
        let (kari, leila) = (kari.at(base.clone()), leila.at(base.clone()));
        let again = upload(&leila, "a.jpg", PHOTO).header("idempotency-key", "fil").expect(StatusCode::CREATED).await?;
        ensure!(again.bytes == file.bytes && again.headers["idempotency-replayed"] == "true");
        let again = leila.post("/v1/me/dialogs", &[], &body).header("idempotency-key", "dialog");
        let again = again.expect(StatusCode::CREATED).await?;
        ensure!(again.bytes == sent.bytes && again.headers["idempotency-replayed"] == "true");
        let again = leila.post("/v1/me/appointments", &[], &slot).header("idempotency-key", "time");
        let again = again.expect(StatusCode::CREATED).await?;
        ensure!(again.bytes == booked.bytes && again.headers["idempotency-replayed"] == "true");
        let again = kari.post("/v1/me/dialogs/{dialog}/close", &[&dialog], &json!({}));
        let again = again.header("idempotency-key", "slutt").expect(StatusCode::OK).await?;
        ensure!(again.bytes == closed.bytes && again.headers["idempotency-replayed"] == "true");

        let live: Vec<_> = house.helserespons.bookings("lilletorget", LEILA.national_id)?;
        ensure!(live.len() == 1, "{} bookings", live.len());
        ensure!(house.helserespons.cases().len() == 1, "{} cases", house.helserespons.cases().len());
        let back = leila.get("/v1/me/attachments/{attachment}", &[file.text("/id")?]).expect(StatusCode::OK).await?;
        ensure!(back.bytes == PHOTO);
        let coming = leila.get("/v1/me/appointments", &[]).expect(StatusCode::OK).await?;
        ensure!(coming.json["items"] == json!([booked.json]), "{}", coming.json);
        let known = read(&leila, sent.text("/id")?).await?;
        ensure!(known["messages"] == sent.json["messages"], "{known}");
        ensure!(read(&kari, &dialog).await?["status"] == closed.json["status"]);
        let later = portal(house)?.get("/v1/events", &[]).query("limit=100").expect(StatusCode::OK).await?;
        let (before, after) =
            (feed.json["items"].as_array().context("events")?, later.json["items"].as_array().context("events")?);
        ensure!(after.starts_with(before), "the feed tells another story");
        let goes_on = portal(house)?.get("/v1/events", &[]).query(&format!("cursor={}", feed.text("/next")?));
        let goes_on = goes_on.expect(StatusCode::OK).await?;
        ensure!(
            goes_on.json["items"].as_array().context("events")?[..] == after[before.len()..],
            "a cursor from before"
        );
        Ok(())
    })
}

#[test]
fn what_offices_write_while_the_gateway_is_down_comes_when_it_is_up() -> anyhow::Result<()> {
    alone(async |house| {
        let (kari, leila) = (citizen(house, &KARI)?, citizen(house, &LEILA)?);
        let karis = opened(&kari, &consultation("Søvn")).await?;
        let leilas = opened(&leila, &consultation("Allergi")).await?;
        let request =
            house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Consultation).await?;
        let case = house.helserespons.wait_for_case(|_| true).await?;
        let feed = portal(house)?.get("/v1/events", &[]).query("limit=100").expect(StatusCode::OK).await?;
        let last =
            feed.json["items"].as_array().and_then(|all| all.last()?["id"].as_str()).context("an event")?.to_owned();
        house.stop_gateway().await?;

        let answer = house.meldingstjener.answer(&request.message.msg_id, &Answer::reply("Prøv å stå opp."))?;
        let finish = helserespons::Answer::Finish { text: "Kom innom.".to_owned() };
        house.helserespons.answer(&case.case_no, &finish)?;

        house.start_gateway().await?;
        let base = house.gateway()?.portal.clone();
        let mut karis_screen = Screen::open(&base, &house.issuer.citizen(&KARI)?, Some(&last)).await?;
        let mut leilas_screen = Screen::open(&base, &house.issuer.citizen(&LEILA)?, Some(&last)).await?;
        karis_screen.wait(EventType::MessageReceived, &karis).await?;
        leilas_screen.wait(EventType::DialogClosed, &leilas).await?;
        let (status, errors) = house.meldingstjener.wait_for_receipt(&answer).await?;
        ensure!((status, errors.len()) == (ReceiptStatus::Ok, 0), "{errors:?}");
        let said = |dialog: &serde_json::Value| {
            office_messages(dialog)
                .iter()
                .map(|one| one["text"].as_str().unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        };
        ensure!(said(&read(&kari.at(base.clone()), &karis).await?) == ["Prøv å stå opp."]);
        ensure!(said(&read(&leila.at(base), &leilas).await?) == ["Kom innom."]);
        Ok(())
    })
}

#[test]
fn neither_the_gateways_log_nor_the_audit_log_names_a_citizen() -> anyhow::Result<()> {
    alone(async |house| {
        for who in [&KARI, &LEILA] {
            let portal = citizen(house, who)?;
            let dialog = opened(&portal, &consultation("Hemmelig-emne")).await?;
            read(&portal, &dialog).await?;
            portal.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
            portal.get("/v1/me/dialogs", &[]).query(&format!("service={}", who.national_id)).send().await?;
            portal.get("/v1/me/dialogs/{dialog}", &[who.national_id]).send().await?;
        }
        house.stop_gateway().await?;
        let keys = dialog_audit::VerifierKeys::parse(&house.audit_key()?)?;
        let reader = dialog_audit::Reader::open(&house.audit(), &keys)?;
        let mut written = std::fs::read_to_string(house.log())?;
        let mut records = 0;
        for entry in reader.entries(0..u64::MAX) {
            written.push_str(std::str::from_utf8(&entry?.data)?);
            records += 1;
        }
        ensure!(records > 10, "only {records} records");
        for who in &CITIZENS {
            ensure!(!written.contains(who.national_id), "the number of {} is written", who.given_name);
        }
        ensure!(
            !written.contains("Hemmelig-emne") && !written.contains("Det er ikke blitt bedre"),
            "content is written"
        );
        Ok(())
    })
}
