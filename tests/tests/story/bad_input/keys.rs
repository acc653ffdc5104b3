//! Idempotency keys, preconditions, and dialogs that have ended.

use std::collections::HashSet;

use anyhow::ensure;
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    house::watch::Screen,
    sim::{
        helserespons,
        meldingstjener::Opening,
        trouble::Call,
        world::{FJELLVEIEN, KARI, LEILA, NORA},
    },
};
use http::StatusCode;
use serde_json::json;

use crate::visit::{alone, citizen, inquiry, marked, opened, read, refusal, shared};

#[test]
fn a_post_without_a_usable_key_is_refused() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        for (template, ids) in [
            ("/v1/me/dialogs", &[][..]),
            ("/v1/me/attachments", &[]),
            ("/v1/me/appointments", &[]),
            ("/v1/me/dialogs/{dialog}/close", &["019a0000-0000-7000-8000-0000000000b1"]),
            ("/v1/me/appointments/{appointment}/cancel", &["019a0000-0000-7000-8000-0000000000c1"]),
            ("/v1/me/invoices/{invoice}/pay", &["019a0000-0000-7000-8000-0000000000f1"]),
        ] {
            let call = kari.post(template, ids, &inquiry("Hei")).without("idempotency-key");
            refusal(call, ProblemType::IdempotencyKeyMissing).await?;
        }
        for key in ["a b", "", &"x".repeat(129)] {
            let call = kari.post("/v1/me/dialogs", &[], &inquiry("Hei")).header("idempotency-key", key);
            let reply = refusal(call, ProblemType::Malformed).await?;
            ensure!(reply.text("/detail")?.contains("Idempotency-Key"), "{}", reply.json);
        }
        let two = kari.post("/v1/me/dialogs", &[], &inquiry("Hei")).also("idempotency-key", "en-til");
        refusal(two, ProblemType::Malformed).await?;
        Ok(())
    })
}

#[test]
fn a_repeated_request_gets_the_same_answer_and_the_office_gets_it_once() -> anyhow::Result<()> {
    shared(async |house| {
        let leila = citizen(house, &LEILA)?;
        let key = format!("bestilling/{}~!", uuid::Uuid::new_v4());
        let text = format!("Kan jeg få timen på papir? {key}");
        let send = |text: &str| leila.post("/v1/me/dialogs", &[], &inquiry(text)).header("idempotency-key", &key);
        let first = send(&text).expect(StatusCode::CREATED).await?;
        ensure!(!first.headers.contains_key("idempotency-replayed"));
        for _ in 0..2 {
            let again = send(&text).expect(StatusCode::CREATED).await?;
            ensure!(again.bytes == first.bytes, "another body");
            ensure!(again.headers["idempotency-replayed"] == "true");
            for name in ["etag", "location"] {
                ensure!(again.headers.get(name) == first.headers.get(name), "another {name}");
            }
            ensure!(again.headers["x-request-id"] != first.headers["x-request-id"], "the request has its own id");
        }
        let cases = house.helserespons.cases().into_iter().filter(|case| case.text() == text).count();
        ensure!(cases == 1, "the vendor has {cases} cases");

        refusal(send("Noe annet"), ProblemType::IdempotencyKeyReused).await?;
        let elsewhere = leila.post(
            "/v1/me/appointments",
            &[],
            &json!({
                "slot": "a", "start": "2030-01-01T08:00:00Z", "end": "2030-01-01T09:00:00Z",
            }),
        );
        refusal(elsewhere.header("idempotency-key", &key), ProblemType::IdempotencyKeyReused).await?;
        // Keys are a citizen's own.
        let kari = citizen(house, &KARI)?.post("/v1/me/dialogs", &[], &inquiry(&text)).header("idempotency-key", &key);
        let other = kari.expect(StatusCode::CREATED).await?;
        ensure!(other.text("/id")? != first.text("/id")?);
        Ok(())
    })
}

#[test]
fn a_request_that_is_still_running_is_not_begun_again() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let held = house.meldingstjener.trouble.hold_next(Call::PostReply);
        let send = |text: &str| kari.post("/v1/me/dialogs", &[], &inquiry(text)).header("idempotency-key", "en-gang");
        let sending = tokio::spawn(send("Er timen min bekreftet?").send());
        held.reached().await;
        let running = send("Er timen min bekreftet?").refused(ProblemType::StillRunning).await?;
        ensure!(running.json["sent"] == "unknown", "{}", running.json);
        ensure!(running.headers.contains_key("retry-after"));
        refusal(send("Noe annet"), ProblemType::IdempotencyKeyReused).await?;
        held.release();
        let first = sending.await??;
        ensure!(first.status == StatusCode::CREATED, "{}", first.json);
        let again = send("Er timen min bekreftet?").expect(StatusCode::CREATED).await?;
        ensure!(again.bytes == first.bytes);
        let sent = house.meldingstjener.messages().iter().filter(|message| message.label == "HE").count();
        ensure!(sent == 1, "the office has {sent}");
        Ok(())
    })
}

#[test]
fn of_many_equal_requests_at_once_one_is_made() -> anyhow::Result<()> {
    shared(async |house| {
        let leila = citizen(house, &LEILA)?;
        let key = uuid::Uuid::new_v4().to_string();
        let text = format!("Kan jeg få ny time? {key}");
        let mut sending = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let call = leila.post("/v1/me/dialogs", &[], &inquiry(&text)).header("idempotency-key", &key);
            sending.spawn(call.send());
        }
        let mut made = HashSet::new();
        while let Some(reply) = sending.join_next().await {
            let reply = reply??;
            match reply.status {
                StatusCode::CREATED => {
                    made.insert(reply.text("/id")?.to_owned());
                }
                status => ensure!(
                    status == StatusCode::CONFLICT && reply.json["type"] == ProblemType::StillRunning.uri().as_str(),
                    "{status} {}",
                    reply.json
                ),
            }
        }
        ensure!(made.len() == 1, "{made:?}");
        let cases = house.helserespons.cases().into_iter().filter(|case| case.text() == text).count();
        ensure!(cases == 1, "the vendor has {cases} cases");
        Ok(())
    })
}

#[test]
fn a_dialog_is_changed_as_it_was_read_and_not_otherwise() -> anyhow::Result<()> {
    shared(async |house| {
        let leila = citizen(house, &LEILA)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        let id = opened(&leila, &inquiry("Kan jeg få svar i dag?")).await?;
        // The vendor says by itself that it has filed it: after that the dialog is still.
        screen.wait(EventType::DialogUpdated, &id).await?;
        let tag = leila.get("/v1/me/dialogs/{dialog}", &[&id]).expect(StatusCode::OK).await?;
        let tag = tag.headers["etag"].to_str()?.to_owned();
        let send = |tag: &str| {
            leila.post("/v1/me/dialogs/{dialog}/messages", &[&id], &json!({ "text": "Hei" })).header("if-match", tag)
        };
        let sent = send(&tag).expect(StatusCode::CREATED).await?;
        ensure!(sent.headers["etag"] != tag.as_str());
        refusal(send(&tag), ProblemType::PreconditionFailed).await?;
        ensure!(read(&leila, &id).await?["messages"].as_array().is_some_and(|all| all.len() == 2));
        Ok(())
    })
}

#[test]
fn a_dialog_that_has_changed_since_is_not_changed() -> anyhow::Result<()> {
    shared(async |house| {
        let kari = citizen(house, &KARI)?;
        let opened =
            kari.post("/v1/me/dialogs", &[], &inquiry("Kan jeg komme innom?")).expect(StatusCode::CREATED).await?;
        let id = opened.text("/id")?.to_owned();
        ensure!(opened.headers["location"] == format!("/v1/me/dialogs/{id}").as_str());
        // What the office's receipt makes of it may come at any time: the tag of what is read is what counts.
        let send = |tag: &str| {
            kari.post("/v1/me/dialogs/{dialog}/messages", &[&id], &json!({ "text": "Hei" })).header("if-match", tag)
        };
        for template in
            ["/v1/me/dialogs/{dialog}/messages", "/v1/me/dialogs/{dialog}/close", "/v1/me/dialogs/{dialog}/seen"]
        {
            let body = if template.ends_with("messages") { json!({ "text": "Hei" }) } else { json!({}) };
            let call = kari.post(template, &[&id], &body).header("if-match", "\"999\"");
            refusal(call, ProblemType::PreconditionFailed).await?;
        }
        for tag in ["7", "\"seven\"", "W/\"1\""] {
            refusal(send(tag), ProblemType::Malformed).await?;
        }
        let read = read(&kari, &id).await?;
        ensure!(read["messages"].as_array().is_some_and(|all| all.len() == 1), "{read}");
        Ok(())
    })
}

#[test]
fn a_dialog_that_has_not_changed_is_not_sent_again() -> anyhow::Result<()> {
    shared(async |house| {
        let leila = citizen(house, &LEILA)?;
        let id = opened(&leila, &inquiry("Når stenger dere?")).await?;
        leila.post("/v1/me/dialogs/{dialog}/close", &[&id], &json!({})).expect(StatusCode::OK).await?;
        let get = || leila.get("/v1/me/dialogs/{dialog}", &[&id]);
        let mut first = get().expect(StatusCode::OK).await?;
        let again = loop {
            let tag = first.headers["etag"].to_str()?.to_owned();
            ensure!(tag == format!("\"{}\"", first.json["revision"]), "{tag}");
            let again = get().header("if-none-match", &tag).send().await?;
            if again.status == StatusCode::NOT_MODIFIED {
                ensure!(again.headers["etag"] == tag.as_str());
                break again;
            }
            // The office's receipt came in between: it is sent again because it has changed.
            ensure!(
                again.status == StatusCode::OK && again.json["revision"].as_u64() > first.json["revision"].as_u64()
            );
            first = again;
        };
        marked(&again.headers)?;
        ensure!(again.bytes.is_empty());
        get().header("if-none-match", "\"0\"").expect(StatusCode::OK).await?;
        Ok(())
    })
}

#[test]
fn a_dialog_that_has_ended_takes_no_reply() -> anyhow::Result<()> {
    shared(async |house| {
        let leila = citizen(house, &LEILA)?;
        let text = format!("Har dere ledig parkering? {}", uuid::Uuid::new_v4());
        let id = opened(&leila, &inquiry(&text)).await?;
        let closed = leila.post("/v1/me/dialogs/{dialog}/close", &[&id], &json!({})).expect(StatusCode::OK).await?;
        ensure!(closed.json["status"] == json!({ "state": "closed", "outcome": "withdrawn" }), "{}", closed.json);
        for template in ["/v1/me/dialogs/{dialog}/messages", "/v1/me/dialogs/{dialog}/close"] {
            let body = if template.ends_with("messages") { json!({ "text": "Hei" }) } else { json!({}) };
            refusal(leila.post(template, &[&id], &body), ProblemType::DialogClosed).await?;
        }
        let entries =
            house.helserespons.cases().into_iter().find(|case| case.entries.iter().any(|one| one.body == text));
        ensure!(entries.is_some_and(|case| case.entries.len() == 1), "the vendor got something more");
        Ok(())
    })
}

#[test]
fn a_one_way_message_takes_no_reply_whoever_sent_it() -> anyhow::Result<()> {
    shared(async |house| {
        // Nora and Leila: whose streams nothing else here waits on.
        let base = house.gateway()?.portal.clone();
        let mut noras = Screen::open(&base, &house.issuer.citizen(&NORA)?, None).await?;
        let opening = Opening {
            medical: false,
            one_way: true,
            subject: "Vaksinen er kommet".to_owned(),
            text: "Bestill time hos sykepleier.".to_owned(),
            attachments: Vec::new(),
        };
        house.meldingstjener.open(&FJELLVEIEN, NORA.national_id, &opening)?;
        let event = noras.wait_for("a dialog", |event| event.kind == EventType::DialogOpened).await?;
        let (nora, id) = (citizen(house, &NORA)?, event.subject.trim_start_matches("/v1/me/dialogs/").to_owned());
        let reply = || nora.post("/v1/me/dialogs/{dialog}/messages", &[&id], &json!({ "text": "Takk" }));
        let refused = refusal(reply(), ProblemType::ReplyNotAllowed).await?;
        ensure!(refused.text("/detail")?.contains("engangsmelding"), "{}", refused.json);

        let mut leilas = Screen::open(&base, &house.issuer.citizen(&LEILA)?, None).await?;
        let heading = "Vi har flyttet";
        let notice: helserespons::Opening =
            serde_json::from_value(json!({ "oneWay": true, "heading": heading, "text": "Velkommen innom." }))?;
        house.helserespons.open("lilletorget", LEILA.national_id, &notice)?;
        let leila = citizen(house, &LEILA)?;
        // Other tests open dialogs for Leila too: this one is the office's own.
        let mut looked_at = HashSet::new();
        loop {
            let event = leilas
                .wait_for("the notice", |event| {
                    event.kind == EventType::DialogOpened && !looked_at.contains(&event.subject)
                })
                .await?;
            let id = event.subject.trim_start_matches("/v1/me/dialogs/");
            if read(&leila, id).await?["subject"] == heading {
                let call = leila.post("/v1/me/dialogs/{dialog}/messages", &[id], &json!({ "text": "Takk" }));
                refusal(call, ProblemType::ReplyNotAllowed).await?;
                return Ok(());
            }
            looked_at.insert(event.subject);
        }
    })
}
