//! The national registers are down, or a gateway is killed while it copies a dialog to the personal archive.

use anyhow::ensure;
use dialog_contract::event::EventType;
use dialog_tests::{
    house::House,
    sim::{
        meldingstjener::{Answer, Kind, NationalId, message::Person},
        trouble::{Availability, Call},
        world::{ELVEBREDDEN, FJELLVEIEN, KARI, LEILA, OLA},
    },
    story::citizen::Citizen,
};
use http::StatusCode;
use serde_json::json;

use crate::visit::{citizen, inquiry, national, opened, operator, read};

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
