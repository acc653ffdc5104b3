//! Kry, through the real gateway: its triage form, bookings that nobody else has, its webhooks, and its outages.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    house::{configuration::PUBLIC_URL, rooms::kry::SECRET, watch::Screen},
    sim::{
        helserespons::PayOutcome,
        kry::{Answer, BookingAct, Damage, Opening, Webhook},
        trouble::{Availability, Call, HttpFault},
        world::{LEILA, SIGNE},
    },
    story::{
        citizen::{booking, office_messages},
        kry::opening,
    },
};
use http::StatusCode;
use serde_json::json;

use crate::visit::{alone, citizen, inquiry, invalid, opened, operator, read, refusal};

/// A secret that is none of the vendor's.
const GUESSED: &str = "whsec_Z3Vlc3NlZC1zZWNyZXQtb2YtMzItYnl0ZXMtb3Itc28=";

fn reply(text: &str) -> Answer {
    Answer::Reply { text: text.to_owned(), files: Vec::new() }
}

#[test]
fn answers_that_the_vendor_does_not_take_are_the_citizens_to_mend_and_nothing_was_sent() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        let with = |name: &str, value: serde_json::Value| {
            let mut body = opening("Medisinen gir meg hodepine.");
            body["request"]["form"][name] = value;
            signe.post("/v1/me/dialogs", &[], &body)
        };
        invalid(with("durationDays", json!(-1)), &["/request/form/durationDays"]).await?;
        invalid(with("form", json!("triage-consultation-1")), &["/request/form/form"]).await?;
        let mut without = opening("Medisinen gir meg hodepine.");
        without["request"].as_object_mut().context("a request")?.remove("form");
        invalid(signe.post("/v1/me/dialogs", &[], &without), &["/request/form"]).await?;
        ensure!(house.kry.visits().is_empty(), "the vendor has something");
        opened(&signe, &opening("Medisinen gir meg hodepine.")).await?;
        refusal(signe.post("/v1/me/dialogs", &[], &inquiry("Åpent i julen?")), ProblemType::ServiceNotOffered).await?;
        ensure!(house.kry.violations().is_empty(), "{:?}", house.kry.violations());
        Ok(())
    })
}

#[test]
fn a_doctor_writes_first_moves_a_booking_and_the_citizen_answers() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&SIGNE)?, None).await?;
        let slots = signe.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let video = slots.json["items"].as_array().and_then(|all| all.iter().find(|slot| slot["mode"] == "video"));
        let body = booking(video.context("a time by video")?);
        let booked = signe.post("/v1/me/appointments", &[], &body).expect(StatusCode::CREATED).await?;
        ensure!(booked.text("/location")?.starts_with("https://video.kry.example/"), "{}", booked.json);

        let vendors = house.kry.bookings(SIGNE.national_id).remove(0).id;
        let begins = "2026-12-24T10:00:00".parse()?;
        house.kry.act(&BookingAct::Move { id: vendors, begins }, Some("Legen er opptatt."))?;
        screen.wait_for("a moved appointment", |event| event.kind == EventType::AppointmentMoved).await?;

        let opening = Opening { one_way: false, subject: None, text: "Hvordan går det?".into(), files: Vec::new() };
        let visit = house.kry.open(SIGNE.national_id, &opening)?;
        let event = screen.wait_for("a dialog", |event| event.kind == EventType::DialogOpened).await?;
        let dialog = event.data.dialog.context("a dialog")?.to_string();
        let call = signe.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Bedre, takk." }));
        call.expect(StatusCode::CREATED).await?;
        house.kry.wait_for_visit(|now| now.id == visit && now.text() == "Bedre, takk.").await?;
        ensure!(house.kry.violations().is_empty(), "{:?}", house.kry.violations());
        Ok(())
    })
}

#[test]
fn while_the_vendor_is_down_a_consultation_waits_a_booking_fails_and_others_do_not_notice() -> anyhow::Result<()> {
    alone(async |house| {
        let (signe, leila) = (citizen(house, &SIGNE)?, citizen(house, &LEILA)?);
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&SIGNE)?, None).await?;
        house.kry.trouble.set_availability(Availability::Refuse).await?;
        refusal(signe.get("/v1/me/slots", &[]), ProblemType::ProviderUnavailable).await?;
        let body = opening("Medisinen gir meg hodepine.");
        let queued = signe.post("/v1/me/dialogs", &[], &body).expect(StatusCode::ACCEPTED).await?;
        ensure!(queued.json["status"]["state"] == "queued", "{}", queued.json);
        leila.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        house.kry.trouble.set_availability(Availability::Up).await?;
        let dialog = queued.text("/id")?.to_owned();
        screen.wait(EventType::MessageSent, &dialog).await?;
        ensure!(house.kry.visits().len() == 1, "the vendor has it {} times", house.kry.visits().len());
        Ok(())
    })
}

#[test]
fn expired_tokens_are_fetched_anew_and_nobody_notices() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        signe.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        house.kry.expire_tokens();
        signe.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        house.kry.expire_tokens();
        opened(&signe, &opening("Medisinen gir meg hodepine.")).await?;
        ensure!(house.kry.visits().len() == 1 && house.kry.violations().is_empty(), "{:?}", house.kry.violations());
        Ok(())
    })
}

#[test]
fn a_reply_that_is_lost_or_garbled_books_once_and_says_that_nobody_knows() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        let slots = signe.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        for (at, fault) in [HttpFault::TruncatedBody, HttpFault::Html, HttpFault::WrongType, HttpFault::MalformedJson]
            .into_iter()
            .enumerate()
        {
            house.kry.trouble.fail_next(Call::Post, fault);
            let body = booking(slots.json["items"].get(at).context("a slot")?);
            let reply = signe.post("/v1/me/appointments", &[], &body).send().await?;
            ensure!(reply.status.is_server_error() && reply.json["sent"] != "no", "{fault:?}: {}", reply.json);
            ensure!(house.kry.bookings(SIGNE.national_id).len() == at + 1, "{fault:?}");
        }
        Ok(())
    })
}

#[test]
fn free_times_that_never_end_are_told_as_far_as_they_are_read() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        house.kry.switch(|on| on.endless = true);
        let slots = signe.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        ensure!(slots.json["items"].as_array().is_some_and(|all| !all.is_empty()), "{}", slots.json);
        refusal(signe.get("/v1/me/appointments", &[]), ProblemType::ProviderFaulty).await?;
        Ok(())
    })
}

#[test]
fn a_webhook_is_taken_while_its_secret_changes_and_not_forged_late_or_twice() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&SIGNE)?, None).await?;
        let dialog = opened(&signe, &opening("Medisinen gir meg hodepine.")).await?;
        let visit = house.kry.wait_for_visit(|_| true).await?;
        let events = house.kry.answer(&visit.id, &reply("Ta den om kvelden."))?;
        let number = *events.first().context("an event")?;
        screen.wait(EventType::MessageReceived, &dialog).await?;

        let url = house.gateway()?.provider.join("/v1/deliveries/kry/events")?.to_string();
        let signed = |secrets: &[&str], clock_off| Webhook {
            url: url.clone(),
            secrets: secrets.iter().map(|&secret| secret.to_owned()).collect(),
            clock_off,
        };
        for (webhook, expected) in [
            (signed(&[GUESSED], 0), 401),
            (signed(&[SECRET], -600), 401),
            (signed(&[SECRET], 600), 401),
            (signed(&[], 0), 401),
            (signed(&[GUESSED, SECRET], 0), 204),
            (signed(&[SECRET, GUESSED], -240), 204),
            (signed(&[SECRET], 0), 204),
        ] {
            let status = house.kry.deliver(number, &webhook).await?;
            ensure!(status == expected, "{status} to {:?} and {} s", webhook.secrets, webhook.clock_off);
        }
        house.kry.answer(&visit.id, &Answer::Close)?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        ensure!(office_messages(&read(&signe, &dialog).await?).len() == 1, "told twice");
        ensure!(screen.count(EventType::MessageReceived, &dialog) == 1, "told twice");
        Ok(())
    })
}

#[test]
fn what_cannot_be_understood_is_kept_for_the_operator_and_holds_nothing_up() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&SIGNE)?, None).await?;
        let dialog = opened(&signe, &opening("Medisinen gir meg hodepine.")).await?;
        let visit = house.kry.wait_for_visit(|_| true).await?;
        let damages = [Damage::Garbage, Damage::Truncated, Damage::WrongType, Damage::NotIncluded];
        for damage in damages {
            house.kry.damage_next(damage);
            house.kry.answer(&visit.id, &reply("Dette leser ingen."))?;
        }
        house.kry.answer(&visit.id, &reply("Ta den om kvelden."))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        let messages = office_messages(&read(&signe, &dialog).await?);
        ensure!(messages.len() == 1 && messages[0]["text"] == "Ta den om kvelden.", "{messages:?}");
        let kept = operator(house)?.get("/unreadable", &[]).expect(StatusCode::OK).await?.json;
        let items = kept["items"].as_array().context("items")?;
        ensure!(items.len() == damages.len() && items.iter().all(|one| one["plugin"] == "kry"), "{kept}");
        ensure!(!kept.to_string().contains(SIGNE.national_id), "it names somebody");
        Ok(())
    })
}

#[test]
fn what_a_consultation_cost_is_paid_once_and_what_became_of_it_is_told_with_the_receipt() -> anyhow::Result<()> {
    alone(async |house| {
        let signe = citizen(house, &SIGNE)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&SIGNE)?, None).await?;
        let dialog = opened(&signe, &opening("Medisinen gir meg hodepine.")).await?;
        let visit = house.kry.wait_for_visit(|_| true).await?.id;
        house.kry.answer(&visit, &Answer::Finish { text: "Ta den om kvelden.".to_owned(), specialist: false })?;
        let owed = signe.get("/v1/me/invoices", &[]).expect(StatusCode::OK).await?.json;
        let invoice = &owed["items"][0];
        ensure!(invoice["amount"] == 18_400 && invoice["tariffs"] == json!(["2ae"]), "{owed}");
        ensure!(invoice["dialog"] == dialog.as_str() && invoice["provider"]["id"] == "kry", "{owed}");
        let id = invoice["id"].as_str().context("an id")?;
        let body = json!({ "returnUrl": format!("{PUBLIC_URL}/betaling/ferdig") });
        let pay = || signe.post("/v1/me/invoices/{invoice}/pay", &[id], &body);

        let begun = pay().expect(StatusCode::CREATED).await?;
        refusal(pay(), ProblemType::Conflict).await?;
        house.kry.end_payment(&house.kry.payments()[0].id, PayOutcome::Failed)?;
        screen.wait(EventType::PaymentUpdated, begun.text("/id")?).await?;
        let again = pay().expect(StatusCode::CREATED).await?;
        ensure!(again.text("/redirect")?.starts_with("https://pay.kry.example/"), "{}", again.json);
        let payments = house.kry.payments();
        ensure!(payments.len() == 2, "{payments:?}");
        house.kry.end_payment(&payments[1].id, PayOutcome::Paid)?;
        screen.wait(EventType::PaymentUpdated, again.text("/id")?).await?;
        let told = signe.get("/v1/me/payments", &[]).expect(StatusCode::OK).await?.json;
        let of = |id: &str| told["items"].as_array()?.iter().find(|one| one["id"] == id).cloned();
        let (failed, paid) = (of(begun.text("/id")?).context("one")?, of(again.text("/id")?).context("the other")?);
        ensure!(failed["status"] == "failed" && paid["status"] == "paid", "{told}");
        ensure!(paid["receipt"]["number"].as_str().is_some_and(|number| number.starts_with("rec-")), "{told}");
        let owed = signe.get("/v1/me/invoices", &[]).expect(StatusCode::OK).await?.json;
        ensure!(owed["items"] == json!([]), "{owed}");
        ensure!(house.kry.violations().is_empty(), "{:?}", house.kry.violations());
        Ok(())
    })
}
