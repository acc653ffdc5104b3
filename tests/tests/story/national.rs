//! The national registers are down, or a gateway is killed while it copies a dialog to the personal archive.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use dialog_contract::event::EventType;
use dialog_tests::{
    house::House,
    sim::{
        meldingstjener::{Answer, Kind, NationalId, Opening, ReceiptStatus, message::Person},
        trouble::{Availability, Call},
        world::{ELVEBREDDEN, FJELLVEIEN, KARI, LEILA, NORA, OLA},
    },
    story::citizen::Citizen,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, inquiry, national, opened, operator, read};

/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(200);

/// Longer than anything takes that is not broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kari asks her office something, and the office answers and closes. Gives the dialog.
async fn answered(house: &House, kari: &Citizen) -> anyhow::Result<String> {
    let dialog = opened(&kari.portal, &inquiry("Har dere åpent i romjulen?")).await?;
    let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Contact).await?;
    house.meldingstjener.answer(&asked.message.msg_id, &Answer::close("Nei."))?;
    Ok(dialog)
}

/// Waits until the dialog says that the archive has it, and gives the archive's name of it.
async fn archived(kari: &mut Citizen, dialog: &str) -> anyhow::Result<String> {
    let mut known = Vec::new();
    loop {
        let read = kari.portal.get("/v1/me/dialogs/{dialog}", &[dialog]).expect(StatusCode::OK).await?;
        if let Some(reference) = read.json["archived"]["reference"].as_str() {
            return Ok(reference.to_owned());
        }
        let news = kari.screen.wait_for("the receipt of the archive", |event| {
            event.kind == EventType::DialogUpdated && event.subject.ends_with(dialog) && !known.contains(&event.id)
        });
        known.push(news.await?.id);
    }
}

#[test]
fn a_gateway_that_is_killed_while_it_copies_a_dialog_copies_it_once() -> anyhow::Result<()> {
    national(async |house| {
        let mut kari = Citizen::log_in(house, &KARI).await?;
        kari.portal.put("/v1/me/archive", &[], &json!({ "on": true })).expect(StatusCode::OK).await?;
        let held = house.national.trouble.hold_next(Call::Post);
        let dialog = answered(house, &kari).await?;
        // The archive has the request, and the gateway no answer.
        held.reached().await;
        house.kill_gateway().await?;
        held.release();
        house.start_gateway().await?;
        kari.reconnect(house).await?;
        let reference = archived(&mut kari, &dialog).await?;
        let kept = house.national.wait_for_document(&dialog).await?;
        ensure!(reference == format!("Bundle/{}", kept.id), "{reference}");
        ensure!(house.national.documents().len() == 1, "{:?}", house.national.documents());
        ensure!(house.national.violations().is_empty(), "{:?}", house.national.violations());
        Ok(())
    })
}

#[test]
fn an_archive_that_is_down_gets_its_copy_when_it_is_up_and_nobody_else_notices() -> anyhow::Result<()> {
    national(async |house| {
        let mut kari = Citizen::log_in(house, &KARI).await?;
        kari.portal.put("/v1/me/archive", &[], &json!({ "on": true })).expect(StatusCode::OK).await?;
        house.national.trouble.set_availability(Availability::Refuse).await?;
        let dialog = answered(house, &kari).await?;
        kari.hears(EventType::DialogClosed, &dialog).await?;
        // The registers are behind the same listener: Kari and Ola, of whom they never spoke, are served all the same.
        opened(&citizen(house, &OLA)?, &inquiry("Har dere parkering?")).await?;
        // Tokens do not outlive the night, and are fetched anew.
        house.national.expire_tokens();
        house.national.trouble.set_availability(Availability::Up).await?;
        archived(&mut kari, &dialog).await?;
        ensure!(house.national.documents().len() == 1);
        let metrics = operator(house)?.get("/metrics", &[]).answer().await?.text().await?;
        let says = |name: &str, labels: &[&str]| {
            metrics.lines().any(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
        };
        ensure!(says("dialog_errands_total", &["errand=\"archive\"", "outcome=\"done\""]));
        ensure!(says("dialog_register_age_seconds", &["register=\"gp\""]));
        Ok(())
    })
}

#[test]
fn who_is_digitally_active_is_told_to_a_vendor_that_was_down() -> anyhow::Result<()> {
    national(async |house| {
        let leila = citizen(house, &LEILA)?;
        house.helserespons.trouble.set_availability(Availability::Refuse).await?;
        let choose = |on: bool| leila.put("/v1/me/digital-dialog", &[], &json!({ "on": on }));
        choose(false).expect(StatusCode::OK).await?;
        house.helserespons.trouble.set_availability(Availability::Up).await?;
        ensure!(house.helserespons.wait_for_digital(LEILA.national_id, 1).await? == [false]);
        choose(true).expect(StatusCode::OK).await?;
        ensure!(house.helserespons.wait_for_digital(LEILA.national_id, 2).await? == [false, true]);
        Ok(())
    })
}

#[test]
fn an_office_that_asks_who_is_digitally_active_is_answered_and_the_citizen_sees_that_it_asked() -> anyhow::Result<()> {
    national(async |house| {
        let kari = citizen(house, &KARI)?;
        let ask = || house.meldingstjener.ask_digital(&FJELLVEIEN, &[KARI.national_id, NORA.national_id]);
        let first = ask()?;
        let told = house.meldingstjener.wait_for_digital_answer(&FJELLVEIEN, &first).await?;
        ensure!(told == [KARI.national_id, NORA.national_id]);
        for who in [&KARI, &NORA] {
            let call = citizen(house, who)?.put("/v1/me/digital-dialog", &[], &json!({ "on": false }));
            call.expect(StatusCode::OK).await?;
        }
        let second = ask()?;
        ensure!(house.meldingstjener.wait_for_digital_answer(&FJELLVEIEN, &second).await?.is_empty(), "nobody: 29");
        // A question is answered, not refused: both answers and both receipts are positive.
        for question in [&first, &second] {
            let (status, errors) = house.meldingstjener.wait_for_receipt(question).await?;
            ensure!(status == ReceiptStatus::Ok && errors.is_empty(), "{status:?} {errors:?}");
        }
        let says = |one: &Value| {
            one["text"].as_str().is_some_and(|text| text == "Legekontoret spurte om det kan skrive digitalt til deg.")
        };
        // A record is in the log that people read when it is in the tree, a moment later.
        let seen = async {
            let mut tick = tokio::time::interval(LOOK);
            loop {
                tick.tick().await;
                let log = kari.get("/v1/me/access-log", &[]).expect(StatusCode::OK).await?.json;
                let asked = log["items"].as_array().into_iter().flatten().filter(|one| says(one)).count();
                ensure!(asked <= 2, "{log}");
                if asked == 2 {
                    return Ok(());
                }
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.context("she does not see both questions")??;
        ensure!(house.meldingstjener.violations().is_empty(), "{:?}", house.meldingstjener.violations());
        Ok(())
    })
}

#[test]
fn what_the_directory_file_changes_is_told_once_and_the_office_cannot_write_to_her_any_more() -> anyhow::Result<()> {
    alone(async |house| {
        house.arrange(|directory| {
            for citizen in directory["citizens"].as_array_mut().into_iter().flatten() {
                if citizen["nationalIdentityNumber"] == KARI.national_id {
                    citizen["digitallyActive"] = json!(false);
                }
            }
        });
        house.stop_gateway().await?;
        house.start_gateway().await?;
        ensure!(house.meldingstjener.wait_for_digital(&FJELLVEIEN, KARI.national_id, 1).await? == [false]);
        let letter = Opening {
            medical: false,
            one_way: true,
            subject: "Stengt".to_owned(),
            text: "Vi holder stengt på fredag.".to_owned(),
            attachments: Vec::new(),
        };
        let sent = house.meldingstjener.open(&FJELLVEIEN, KARI.national_id, &letter)?;
        let (status, errors) = house.meldingstjener.wait_for_receipt(&sent).await?;
        let codes: Vec<&str> = errors.iter().map(|error| error.error_code.as_str()).collect();
        ensure!((status, codes.as_slice()) == (ReceiptStatus::Rejected, &["E35"][..]), "{codes:?}");
        // The same file again, after a crash, says nothing new.
        house.kill_gateway().await?;
        house.start_gateway().await?;
        house.arrange(|_| {});
        house.stop_gateway().await?;
        house.start_gateway().await?;
        ensure!(house.meldingstjener.wait_for_digital(&FJELLVEIEN, KARI.national_id, 2).await? == [false, true]);
        Ok(())
    })
}

#[test]
fn a_new_gp_gets_new_dialogs_and_open_ones_stay_where_they_are() -> anyhow::Result<()> {
    national(async |house| {
        let kari = citizen(house, &KARI)?;
        let before = opened(&kari, &inquiry("Har dere åpent på lørdag?")).await?;
        let person = Person {
            given_name: KARI.given_name.to_owned(),
            family_name: KARI.family_name.to_owned(),
            national_id: NationalId::new(KARI.national_id),
        };
        house.meldingstjener.register(&ELVEBREDDEN, person)?;
        house.national.assign(&KARI, &ELVEBREDDEN, &ELVEBREDDEN.gps[0]);
        house.national.wait_until_followed().await?;
        let after = read(&kari, &opened(&kari, &inquiry("Jeg er ny her.")).await?).await?;
        ensure!(after["office"]["herId"] == ELVEBREDDEN.service_her_id, "{}", after["office"]);
        house.meldingstjener.wait_for_request(|one| one.message.text.as_deref() == Some("Jeg er ny her.")).await?;
        let open = read(&kari, &before).await?;
        ensure!(open["office"]["herId"] == FJELLVEIEN.service_her_id, "{}", open["office"]);
        let text = json!({ "text": "Gjelder det også på søndag?" });
        kari.post("/v1/me/dialogs/{dialog}/messages", &[&before], &text).expect(StatusCode::CREATED).await?;
        house
            .meldingstjener
            .wait_for_request(|one| one.message.text.as_deref() == Some("Gjelder det også på søndag?"))
            .await?;
        Ok(())
    })
}
