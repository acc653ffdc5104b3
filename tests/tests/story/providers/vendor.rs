//! A vendor that is slow or answers garbage, and what it pushes.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, limits::Limits, problem::ProblemType};
use dialog_tests::{
    house::{authority, watch::Screen},
    sim::{
        helserespons::{Answer, Damage, Webhook},
        trouble::{Call, HttpFault},
        world::LEILA,
    },
    story::citizen::{booking, office_messages},
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, consultation, inquiry, opened, operator, read, refusal};

#[test]
fn garbage_to_a_question_is_the_vendors_fault_and_nothing_was_sent() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        for fault in [HttpFault::MalformedJson, HttpFault::Html, HttpFault::WrongType] {
            for template in ["/v1/me/slots", "/v1/me/prescriptions", "/v1/me/appointments", "/v1/me/invoices"] {
                house.helserespons.trouble.fail_next(Call::Read, fault);
                refusal(leila.get(template, &[]), ProblemType::ProviderFaulty).await?;
                leila.get(template, &[]).expect(StatusCode::OK).await?;
            }
        }
        Ok(())
    })
}

#[test]
fn garbage_to_what_was_handed_over_leaves_the_dialog_uncertain_in_plain_sight() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        for (at, fault) in [HttpFault::MalformedJson, HttpFault::Html, HttpFault::WrongType].into_iter().enumerate() {
            house.helserespons.trouble.fail_next(Call::Post, fault);
            let call = leila.post("/v1/me/dialogs", &[], &inquiry(&format!("Spørsmål {at}")));
            let reply = call.refused(ProblemType::ProviderFaulty).await?;
            ensure!(reply.json["sent"] != "no", "{fault:?}: the vendor has it: {}", reply.json);
            let list = leila.get("/v1/me/dialogs", &[]).query("status=uncertain").expect(StatusCode::OK).await?;
            ensure!(list.json["items"].as_array().is_some_and(|all| all.len() == at + 1), "{fault:?}: {}", list.json);
        }
        ensure!(house.helserespons.cases().len() == 3, "nothing was sent twice");
        Ok(())
    })
}

#[test]
fn garbage_in_the_vendors_news_is_kept_for_the_operator_and_holds_nothing_up() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        let dialog = opened(&leila, &consultation("Allergi")).await?;
        let case = house.helserespons.wait_for_case(|_| true).await?;
        let say = |text: &str| Answer::Reply { text: text.to_owned(), files: Vec::new() };
        let damages = [Damage::Garbage, Damage::Truncated, Damage::WrongType];
        for damage in damages {
            house.helserespons.damage_next(damage);
            house.helserespons.answer(&case.case_no, &say("Dette leser ingen."))?;
        }
        house.helserespons.answer(&case.case_no, &say("Prøv en annen tablett."))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        let messages = office_messages(&read(&leila, &dialog).await?);
        ensure!(messages.len() == 1 && messages[0]["text"] == "Prøv en annen tablett.", "{messages:?}");
        let kept = operator(house)?.get("/unreadable", &[]).expect(StatusCode::OK).await?.json;
        let items = kept["items"].as_array().context("items")?;
        ensure!(items.len() == damages.len() && items.iter().all(|one| one["plugin"] == "helserespons"), "{kept}");
        ensure!(!kept.to_string().contains(LEILA.national_id), "it names somebody");
        Ok(())
    })
}

#[test]
fn garbage_to_a_booking_says_that_nobody_knows() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        let slots = leila.get("/v1/me/slots", &[]).expect(StatusCode::OK).await?;
        let body = booking(slots.json["items"].get(1).context("a slot")?);
        house.helserespons.trouble.fail_next(Call::Post, HttpFault::Html);
        let reply = leila.post("/v1/me/appointments", &[], &body).refused(ProblemType::ProviderFaulty).await?;
        ensure!(reply.json["sent"] != "no", "{}", reply.json);
        ensure!(reply.text("/detail")?.contains("Vi vet ikke om bestillingen gikk gjennom"), "{}", reply.json);
        // What the citizen is told to do: look.
        let coming = leila.get("/v1/me/appointments", &[]).expect(StatusCode::OK).await?;
        ensure!(coming.json["items"].as_array().is_some_and(|all| all.len() == 1), "{}", coming.json);
        Ok(())
    })
}

#[test]
fn a_slow_vendor_is_not_waited_for_and_gets_what_was_sent_once() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        let begun = Instant::now();
        let (read_held, post_held) =
            (house.helserespons.trouble.hold_next(Call::Read), house.helserespons.trouble.hold_next(Call::PostReply));
        let look = tokio::spawn(leila.get("/v1/me/prescriptions", &[]).send());
        let write = tokio::spawn(leila.post("/v1/me/dialogs", &[], &consultation("Allergi")).send());
        let looked = look.await??;
        ensure!(looked.json["type"] == ProblemType::ProviderUnavailable.uri().as_str(), "{}", looked.json);
        ensure!(looked.json["sent"] == "no", "{}", looked.json);
        let written = write.await??;
        ensure!(written.status == StatusCode::ACCEPTED, "{} {}", written.status, written.json);
        ensure!(written.json["status"]["state"] == "queued", "{}", written.json);
        let limit = Duration::from_secs(Limits::V1.request_seconds.into());
        ensure!(begun.elapsed() < limit, "answered after {:?}", begun.elapsed());
        drop((read_held, post_held));
        let dialog = written.text("/id")?.to_owned();
        screen.wait(EventType::MessageSent, &dialog).await?;
        ensure!(read(&leila, &dialog).await?["status"]["state"] == "awaiting-office");
        ensure!(house.helserespons.cases().len() == 1, "the vendor has it {} times", house.helserespons.cases().len());
        Ok(())
    })
}

#[test]
fn a_webhook_with_a_wrong_signature_is_refused_and_recorded_and_one_that_is_repeated_does_nothing() -> anyhow::Result<()>
{
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        let dialog = opened(&leila, &consultation("Allergi")).await?;
        let case = house.helserespons.wait_for_case(|_| true).await?;
        let reply = Answer::Reply { text: "Prøv en annen tablett.".to_owned(), files: Vec::new() };
        let changes = house.helserespons.answer(&case.case_no, &reply)?;
        let seq = *changes.first().context("a change")?;
        screen.wait(EventType::MessageReceived, &dialog).await?;

        let base = &house.gateway()?.provider;
        let url = base.join("/v1/deliveries/helserespons/changes")?.to_string();
        let forged = Webhook { url: url.clone(), secret: "guessed".to_owned() };
        ensure!(house.helserespons.deliver(seq, &forged).await? == 401);
        let client = authority::client()?.build()?;
        let bare = client.post(&url).header("content-type", "application/json").body("{\"changes\":[]}").send().await?;
        ensure!(bare.status() == 401);
        let problem: Value = bare.json().await?;
        ensure!(problem["type"] == ProblemType::Unauthenticated.uri().as_str() && problem["sent"] == "no", "{problem}");
        for path in ["/v1/deliveries/ddfl/changes", "/v1/deliveries/nobody/changes", "/v1/deliveries/X/changes"] {
            ensure!(client.post(base.join(path)?).body("{}").send().await?.status() == 404, "{path}");
        }

        for _ in 0..2 {
            ensure!(house.helserespons.deliver_again(seq).await? == 204);
        }
        // What is told after them shows that they told nothing.
        house.helserespons.answer(&case.case_no, &Answer::Finish { text: "God bedring.".to_owned() })?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let done = read(&leila, &dialog).await?;
        ensure!(office_messages(&done).len() == 2, "{done}");
        ensure!(screen.count(EventType::MessageReceived, &dialog) == 2, "a repeated delivery was told again");

        house.stop_gateway().await?;
        let keys = dialog_audit::VerifierKeys::parse(&house.audit_key()?)?;
        let reader = dialog_audit::Reader::open(&house.audit(), &keys)?;
        let mut why = Vec::new();
        for entry in reader.entries(0..u64::MAX) {
            let record: Value = serde_json::from_slice(&entry?.data)?;
            if record["kind"] == "token-refused" {
                ensure!(
                    record["outcome"] == json!({ "status": 401, "problem": "unauthenticated", "sent": "no" }),
                    "{record}"
                );
                why.push(record["details"]["why"].as_str().unwrap_or_default().to_owned());
            }
        }
        ensure!(
            why == [
                "a delivery for helserespons: the signature does not match",
                "a delivery for helserespons: the timestamp header is missing or not a number of seconds",
            ],
            "{why:?}"
        );
        Ok(())
    })
}
