//! The vendor that speaks FHIR, through the real gateway: when it is down, garbled or slow, and what its notifications may
//! do.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    house::{House, authority, watch::Screen},
    sim::{
        pasientsky::{Answer, Damage, Kind, Opening, Report, Service, Subscription},
        trouble::{Availability, Call, HttpFault},
        world::{EINAR, LEILA},
    },
    story::citizen::{booking, office_messages},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, consultation, inquiry, opened, operator, read, refusal};

/// What the vendor calls the office.
const CLINIC: &str = "hs-8150601";

fn reply(text: &str) -> Answer {
    Answer::Reply { text: text.to_owned(), files: Vec::new() }
}

async fn screen(house: &House) -> anyhow::Result<Screen> {
    Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&EINAR)?, None).await
}

#[test]
fn a_fhir_dialog_goes_to_and_fro_once_by_notification_and_by_search() -> anyhow::Result<()> {
    alone(async |house| {
        let einar = citizen(house, &EINAR)?;
        let mut screen = screen(house).await?;
        let dialog = opened(&einar, &consultation("Feber")).await?;
        let there = house.pasientsky.wait_for_dialog(|_| true).await?;
        house.pasientsky.answer(&there.id, &reply("Hvor lenge?"))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        house.pasientsky.wait_until_pushed(house.pasientsky.notices().len() as u64).await?;
        // Once more, and in another order.
        let mut numbers: Vec<u64> = house.pasientsky.notices().iter().map(|notice| notice.number).collect();
        numbers.reverse();
        ensure!(house.pasientsky.notify(&numbers).await? == 204);
        house.pasientsky.answer(&there.id, &Answer::Finish { text: "Drikk mye.".to_owned() })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let done = read(&einar, &dialog).await?;
        let texts: Vec<_> = office_messages(&done).iter().map(|one| one["text"].clone()).collect();
        ensure!(texts == [json!("Hvor lenge?"), json!("Drikk mye.")], "{done}");
        ensure!(screen.count(EventType::MessageReceived, &dialog) == 2, "a repeated notification was told again");
        ensure!(house.pasientsky.violations().is_empty(), "{:?}", house.pasientsky.violations());
        Ok(())
    })
}

#[test]
fn a_notification_with_another_secret_is_refused_and_one_about_nothing_does_nothing() -> anyhow::Result<()> {
    alone(async |house| {
        let einar = citizen(house, &EINAR)?;
        let mut screen = screen(house).await?;
        let dialog = opened(&einar, &inquiry("Har dere åpent?")).await?;
        let there = house.pasientsky.wait_for_dialog(|_| true).await?;
        let endpoint = house.gateway()?.provider.join("/v1/deliveries/pasientsky/notifications")?.to_string();
        let guessed = Subscription { endpoint: endpoint.clone(), secret: "pasientsky-guessed-secret".to_owned() };
        house.pasientsky.answer(&there.id, &reply("Ja."))?;
        ensure!(house.pasientsky.notify_as(&[1], &guessed).await? == 401);
        let client = authority::client()?.build()?;
        let bare = client.post(&endpoint).body("{}").send().await?;
        ensure!(bare.status() == 401);
        let problem: Value = bare.json().await?;
        ensure!(problem["type"] == ProblemType::Unauthenticated.uri().as_str() && problem["sent"] == "no", "{problem}");
        screen.wait(EventType::MessageReceived, &dialog).await?;
        ensure!(office_messages(&read(&einar, &dialog).await?).len() == 1);
        Ok(())
    })
}

#[test]
fn while_the_fhir_vendor_is_down_what_is_written_waits_and_booking_fails_at_once_and_others_do_not_notice()
-> anyhow::Result<()> {
    alone(async |house| {
        let (einar, leila) = (citizen(house, &EINAR)?, citizen(house, &LEILA)?);
        let mut screen = screen(house).await?;
        let slots = einar.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let body = booking(slots.json["items"].get(1).context("a slot")?);
        house.pasientsky.trouble.set_availability(Availability::Refuse).await?;
        let refused = einar.post("/v1/me/appointments", &[], &body).refused(ProblemType::ProviderUnavailable).await?;
        ensure!(refused.json["sent"] == "no", "{}", refused.json);
        let queued = einar.post("/v1/me/dialogs", &[], &inquiry("Er dere der?")).expect(StatusCode::ACCEPTED).await?;
        ensure!(queued.json["status"]["state"] == "queued", "{}", queued.json);
        leila.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        opened(&leila, &inquiry("Hva med dere?")).await?;
        house.pasientsky.trouble.set_availability(Availability::Up).await?;
        let dialog = queued.text("/id")?.to_owned();
        screen.wait(EventType::MessageSent, &dialog).await?;
        ensure!(house.pasientsky.dialogs().len() == 1, "{:?}", house.pasientsky.dialogs());
        ensure!(house.pasientsky.appointments(EINAR.national_id).is_empty(), "nothing was booked");
        Ok(())
    })
}

#[test]
fn garbage_of_the_fhir_vendors_is_its_fault_and_what_it_has_it_has_once() -> anyhow::Result<()> {
    alone(async |house| {
        let einar = citizen(house, &EINAR)?;
        for fault in [HttpFault::MalformedJson, HttpFault::Html, HttpFault::WrongType] {
            for template in ["/v1/me/slots", "/v1/me/prescriptions", "/v1/me/appointments"] {
                house.pasientsky.trouble.fail_next(Call::Read, fault);
                refusal(einar.get(template, &[]), ProblemType::ProviderFaulty).await?;
                einar.get(template, &[]).expect(StatusCode::OK).await?;
            }
        }
        for (at, fault) in [HttpFault::MalformedJson, HttpFault::Html, HttpFault::WrongType].into_iter().enumerate() {
            house.pasientsky.trouble.fail_next(Call::Post, fault);
            let call = einar.post("/v1/me/dialogs", &[], &inquiry(&format!("Spørsmål {at}")));
            let reply = call.refused(ProblemType::ProviderFaulty).await?;
            ensure!(reply.json["sent"] != "no", "{fault:?}: the vendor has it: {}", reply.json);
        }
        ensure!(house.pasientsky.dialogs().len() == 3, "nothing was sent twice");
        Ok(())
    })
}

#[test]
fn tokens_of_the_fhir_vendors_that_expire_are_fetched_anew_and_nobody_notices() -> anyhow::Result<()> {
    alone(async |house| {
        let einar = citizen(house, &EINAR)?;
        for at in 0..3 {
            house.pasientsky.expire_tokens();
            opened(&einar, &inquiry(&format!("Spørsmål {at}"))).await?;
        }
        ensure!(house.pasientsky.dialogs().len() == 3);
        ensure!(house.pasientsky.violations().is_empty(), "{:?}", house.pasientsky.violations());
        Ok(())
    })
}

#[test]
fn garbage_in_the_fhir_vendors_news_is_kept_for_the_operator_and_holds_nothing_up() -> anyhow::Result<()> {
    alone(async |house| {
        let einar = citizen(house, &EINAR)?;
        let mut screen = screen(house).await?;
        let dialog = opened(&einar, &consultation("Allergi")).await?;
        let there = house.pasientsky.wait_for_dialog(|_| true).await?;
        let damages = [Damage::Garbage, Damage::Truncated, Damage::WrongType, Damage::UnknownCode];
        for damage in damages {
            house.pasientsky.damage_next(damage);
            let opening = Opening {
                service: Service::Inquiry,
                one_way: true,
                topic: None,
                text: "Dette leser ingen.".to_owned(),
            };
            house.pasientsky.open(CLINIC, EINAR.national_id, &opening)?;
        }
        house.pasientsky.answer(&there.id, &reply("Prøv en annen tablett."))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        house.pasientsky.wait_until_pushed(house.pasientsky.notices().len() as u64).await?;
        let kept = operator(house)?.get("/unreadable", &[]).expect(StatusCode::OK).await?.json;
        let items = kept["items"].as_array().context("items")?;
        ensure!(items.len() == damages.len() && items.iter().all(|one| one["plugin"] == "pasientsky"), "{kept}");
        ensure!(!kept.to_string().contains(EINAR.national_id), "it names somebody");
        ensure!(house.pasientsky.records(Kind::Communication).len() == 1 + damages.len() + 1);
        Ok(())
    })
}

#[test]
fn what_was_read_while_the_fhir_vendor_was_down_is_told_when_it_is_back_and_the_citizen_waits_for_nothing()
-> anyhow::Result<()> {
    alone(async |house| {
        let einar = citizen(house, &EINAR)?;
        let mut screen = screen(house).await?;
        let finding = json!({ "code": { "text": "Ferritin" }, "valueString": "12" });
        let report =
            Report { topic: "Prøvesvar".to_owned(), text: "Jernlageret er lavt.".to_owned(), findings: vec![finding] };
        let said = house.pasientsky.report(CLINIC, EINAR.national_id, &report)?;
        let event = screen.wait_for("results", |event| event.kind == EventType::DialogOpened).await?;
        ensure!(event.data.service == dialog_contract::service::Service::TestResults);
        let dialog = event.data.dialog.context("a dialog")?.to_string();
        let told = read(&einar, &dialog).await?;
        ensure!(told["results"][0]["name"] == "Ferritin" && told["unopened"] == 1, "{told}");

        house.pasientsky.trouble.set_availability(Availability::Refuse).await?;
        let seen = einar.post("/v1/me/dialogs/{dialog}/seen", &[&dialog], &json!({}));
        ensure!(seen.expect(StatusCode::OK).await?.json["unopened"] == 0);
        house.pasientsky.trouble.set_availability(Availability::Up).await?;
        house.pasientsky.wait_until_received(&said).await?;
        ensure!(house.pasientsky.violations().is_empty(), "{:?}", house.pasientsky.violations());
        Ok(())
    })
}
