//! The ways in which an office says no.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    house::watch::Screen,
    sim::{
        helserespons::{self, CaseType},
        meldingstjener::{Answer, Receipts},
        world::{FJELLVEIEN, KARI, LEILA},
    },
    story::citizen::office_messages,
};
use serde_json::json;

use crate::visit::{alone, citizen, consultation, inquiry, opened, read, refusal};

#[test]
fn every_no_of_a_doctor_closes_the_dialog_as_declined_in_the_doctors_words() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&KARI)?, None).await?;
        let certificate = json!({
            "request": { "type": "certificate", "purpose": "Førerkort klasse B" },
            "message": { "text": "Jeg trenger helseattest." },
        });
        let said = |text: &str| Some(text.to_owned());
        for (body, answer, words) in [
            (consultation("Avvist"), Answer::Reject { text: said("Ring oss i stedet.") }, "Ring oss i stedet."),
            (consultation("Avvist igjen"), Answer::Reject { text: None }, "Vi kan ikke svare på denne forespørselen."),
            (consultation("Tilgang"), Answer::NoAccess { text: None }, "Du har ikke tilgang til denne tjenesten."),
            (consultation("Feil"), Answer::Fault { text: None }, "Noe gikk galt hos legekontoret."),
            (certificate, Answer::CertificateRefused { text: None }, "Attesten kan dessverre ikke utstedes."),
        ] {
            let dialog = opened(&kari, &body).await?;
            let asked = house.meldingstjener.wait_for_request(|_| true).await?;
            house.meldingstjener.answer(&asked.message.msg_id, &answer)?;
            screen.wait(EventType::DialogClosed, &dialog).await?;
            let done = read(&kari, &dialog).await?;
            ensure!(done["status"] == json!({ "state": "closed", "outcome": "declined" }), "{answer:?}: {done}");
            let messages = office_messages(&done);
            ensure!(messages.len() == 1 && messages[0]["text"] == words, "{answer:?}: {messages:?}");
            ensure!(done["replyAllowed"] == false);
            let call = kari.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Men" }));
            refusal(call, ProblemType::DialogClosed).await?;
        }
        Ok(())
    })
}

#[test]
fn a_message_that_the_record_system_does_not_take_is_shown_as_refused() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&KARI)?, None).await?;
        house.meldingstjener.set_receipts(&FJELLVEIEN, Receipts::Negative { codes: vec!["E10".to_owned()] })?;
        let dialog = opened(&kari, &consultation("Søvn")).await?;
        screen.wait(EventType::MessageNotSent, &dialog).await?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let done = read(&kari, &dialog).await?;
        ensure!(done["status"] == json!({ "state": "closed", "outcome": "declined" }), "{}", done["status"]);
        let activities = done["activities"].as_array().context("activities")?;
        let refused = activities.iter().find(|one| one["kind"]["type"] == "refused").context("it is shown")?;
        ensure!(refused["kind"]["codes"] == json!(["E10"]), "{refused}");
        ensure!(refused["kind"]["message"] == done["messages"][0]["id"], "{refused}");
        ensure!(refused["text"].as_str().is_some_and(|text| text.contains("tok ikke imot")), "{refused}");

        house.meldingstjener.set_receipts(&FJELLVEIEN, Receipts::Honest)?;
        let dialog = opened(&kari, &consultation("Søvn igjen")).await?;
        let delivered = async || {
            let one = read(&kari, &dialog).await?;
            let all = one["activities"].as_array().context("activities")?.clone();
            anyhow::Ok(all.iter().any(|one| one["kind"]["type"] == "delivered"))
        };
        screen.wait(EventType::DialogUpdated, &dialog).await?;
        ensure!(delivered().await?, "a positive receipt is shown too");
        Ok(())
    })
}

#[test]
fn a_vendors_no_before_anything_is_taken_in_leaves_nothing_behind() -> anyhow::Result<()> {
    alone(async |house| {
        let leila = citizen(house, &LEILA)?;
        house.helserespons.set_service("lilletorget", CaseType::Question, false)?;
        let reply = refusal(leila.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::Declined).await?;
        ensure!(!reply.text("/detail")?.is_empty());
        house.helserespons.set_service("lilletorget", CaseType::Question, true)?;
        house.helserespons.set_blocked("lilletorget", LEILA.national_id, true)?;
        refusal(leila.post("/v1/me/dialogs", &[], &inquiry("Hei")), ProblemType::Declined).await?;
        house.helserespons.set_blocked("lilletorget", LEILA.national_id, false)?;
        let list = leila.get("/v1/me/dialogs", &[]).expect(http::StatusCode::OK).await?;
        ensure!(list.json["items"] == json!([]), "{}", list.json);
        ensure!(house.helserespons.cases().is_empty());

        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&LEILA)?, None).await?;
        let dialog = opened(&leila, &consultation("Allergi")).await?;
        let case = house.helserespons.wait_for_case(|_| true).await?;
        let no = helserespons::Answer::Decline { text: "Dette tar vi på telefon.".to_owned() };
        house.helserespons.answer(&case.case_no, &no)?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let done = read(&leila, &dialog).await?;
        ensure!(done["status"] == json!({ "state": "closed", "outcome": "declined" }), "{}", done["status"]);
        ensure!(done.to_string().contains("Dette tar vi på telefon."), "{done}");
        Ok(())
    })
}
