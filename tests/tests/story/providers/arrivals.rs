//! What arrives from record systems: twice, broken, or as a test.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, ids::NationalIdentityNumber};
use dialog_tests::{
    house::{House, watch::Screen},
    sim::{
        meldingstjener::{Answer, Damage, Kind, NationalId, Opening, ReceiptStatus, Receipts, message::Person},
        world::{ELVEBREDDEN, FJELLVEIEN, HAVNEGATA, KARI},
    },
    story::citizen::office_messages,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::visit::{alone, citizen, consultation, opened, operator, read};

async fn unreadable(house: &House) -> anyhow::Result<Vec<Value>> {
    let list = operator(house)?.get("/unreadable", &[]).expect(StatusCode::OK).await?;
    Ok(list.json["items"].as_array().context("items")?.clone())
}

fn letter(subject: &str) -> Opening {
    Opening {
        medical: false,
        one_way: false,
        subject: subject.to_owned(),
        text: "Kan du komme en time senere?".to_owned(),
        attachments: Vec::new(),
    }
}

#[test]
fn a_communication_test_is_answered() -> anyhow::Result<()> {
    alone(async |house| {
        for office in [&FJELLVEIEN, &HAVNEGATA, &ELVEBREDDEN] {
            house.meldingstjener.test(office)?;
            let answer = house
                .meldingstjener
                .wait_for_message(|message| message.label == "RKT" && message.office_her_id == office.her_id)
                .await?;
            ensure!(!answer.to_portal);
        }
        let violations = house.meldingstjener.violations();
        ensure!(violations.is_empty(), "{violations:?}");
        ensure!(unreadable(house).await?.is_empty());
        Ok(())
    })
}

#[test]
fn what_cannot_be_read_is_kept_receipted_as_refused_and_shown_to_the_operator_alone() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&KARI)?, None).await?;
        let mut known = 0;
        for damage in [Damage::TruncatedXml, Damage::OtherXml, Damage::NotXml] {
            house.meldingstjener.damage_next(damage);
            house.meldingstjener.open(&FJELLVEIEN, KARI.national_id, &letter("Ødelagt"))?;
            house.meldingstjener.wait_until_read().await?;
            let all = unreadable(house).await?;
            known += 1;
            let refused = |state: &dialog_tests::sim::meldingstjener::state::State| {
                let receipts = state.messages.iter().filter(|one| one.to_portal).filter_map(|one| one.receipt.as_ref());
                let refused = receipts.filter(|receipt| receipt.status == ReceiptStatus::Rejected);
                (refused.filter(|receipt| !receipt.errors.is_empty()).count() == known).then_some(())
            };
            house.meldingstjener.wait_until("a negative receipt", refused).await?;
            ensure!(all.len() == known, "{damage:?}: {all:?}");
            ensure!(all[0]["plugin"] == "ddfl" && all[0]["size"].as_u64().is_some_and(|size| size > 0), "{:?}", all[0]);
            ensure!(all[0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{:?}", all[0]);
            let text = all[0].to_string();
            ensure!(!text.contains(KARI.national_id) && !text.contains("en time senere"), "content is shown: {text}");
        }
        // A whole message goes through behind them, and is receipted as it should.
        let good = house.meldingstjener.open(&FJELLVEIEN, KARI.national_id, &letter("Timen din"))?;
        screen.wait_for("the letter", |event| event.kind == EventType::DialogOpened).await?;
        let (status, _) = house.meldingstjener.wait_for_receipt(&good).await?;
        ensure!(status == ReceiptStatus::Ok);
        let list = kari.get("/v1/me/dialogs", &[]).expect(StatusCode::OK).await?;
        ensure!(list.json["items"].as_array().is_some_and(|all| all.len() == 1), "{}", list.json);
        ensure!(list.json["items"][0]["subject"] == "Timen din");

        house.kill_gateway().await?;
        house.start_gateway().await?;
        ensure!(unreadable(house).await?.len() == known, "a restart forgets what could not be read");
        Ok(())
    })
}

#[test]
fn what_an_office_cannot_fetch_waits_for_it_and_is_shown_as_delivered_only_then() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&KARI)?, None).await?;
        house.meldingstjener.set_online(&FJELLVEIEN, false)?;
        let dialog = opened(&kari, &consultation("Søvn")).await?;
        let delivered = async || {
            let one = read(&kari, &dialog).await?;
            let activities = one["activities"].as_array().context("activities")?.clone();
            anyhow::Ok(activities.iter().any(|one| one["kind"]["type"] == "delivered"))
        };
        ensure!(!delivered().await?, "nobody has fetched it");
        house.meldingstjener.set_online(&FJELLVEIEN, true)?;
        screen.wait(EventType::DialogUpdated, &dialog).await?;
        ensure!(delivered().await?);
        Ok(())
    })
}

#[test]
fn an_answer_that_comes_before_the_receipt_of_what_it_answers_is_shown_and_the_receipt_after_it() -> anyhow::Result<()>
{
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&KARI)?, None).await?;
        house.meldingstjener.set_receipts(&FJELLVEIEN, Receipts::None)?;
        let dialog = opened(&kari, &consultation("Søvn")).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Consultation).await?;
        house.meldingstjener.answer(&asked.message.msg_id, &Answer::reply("Prøv å stå opp."))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        let answered = read(&kari, &dialog).await?;
        house.meldingstjener.receipt_late(&asked.message.msg_id)?;
        house.meldingstjener.wait_until_read().await?;
        // And the same receipt once more.
        house.meldingstjener.receipt_late(&asked.message.msg_id)?;
        house.meldingstjener.wait_until_read().await?;
        house.meldingstjener.set_receipts(&FJELLVEIEN, Receipts::Honest)?;
        let text = json!({ "text": "Takk." });
        kari.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &text).expect(StatusCode::CREATED).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Reply).await?;
        house.meldingstjener.answer(&asked.message.msg_id, &Answer::close("Lykke til."))?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let now = read(&kari, &dialog).await?;
        ensure!(answered["status"]["state"] == "awaiting-citizen", "{}", answered["status"]);
        let question = now["messages"][0]["id"].clone();
        let delivered = now["activities"].as_array().into_iter().flatten();
        let times = delivered.filter(|one| one["kind"]["type"] == "delivered" && one["kind"]["message"] == question);
        ensure!(times.count() == 1, "{}", now["activities"]);
        ensure!(office_messages(&now).len() == 2 && screen.count(EventType::MessageReceived, &dialog) == 2, "{now}");
        let violations = house.meldingstjener.violations();
        ensure!(violations.is_empty(), "{violations:?}");
        Ok(())
    })
}

#[test]
fn a_letter_about_nobody_here_is_receipted_as_refused() -> anyhow::Result<()> {
    alone(async |house| {
        // Known to the office, and on no doctor's list.
        let number = (0..100_000_u32)
            .map(|serial| format!("158581{serial:05}"))
            .find(|text| text.parse::<NationalIdentityNumber>().is_ok())
            .context("a number that is valid")?;
        let person = Person {
            given_name: "Liv".to_owned(),
            family_name: "Dal".to_owned(),
            national_id: NationalId::new(&number),
        };
        house.meldingstjener.register(&FJELLVEIEN, person)?;
        let sent = house.meldingstjener.open(&FJELLVEIEN, &number, &letter("Timen din"))?;
        let (status, errors) = house.meldingstjener.wait_for_receipt(&sent).await?;
        ensure!(status == ReceiptStatus::Rejected && !errors.is_empty(), "{status:?} {errors:?}");
        Ok(())
    })
}

#[test]
fn a_message_that_comes_twice_is_shown_and_receipted_once() -> anyhow::Result<()> {
    alone(async |house| {
        let kari = citizen(house, &KARI)?;
        let mut screen = Screen::open(&house.gateway()?.portal, &house.issuer.citizen(&KARI)?, None).await?;
        let dialog = opened(&kari, &consultation("Søvn")).await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Consultation).await?;
        house.meldingstjener.duplicate_next();
        let answer = house.meldingstjener.answer(&asked.message.msg_id, &Answer::reply("Prøv å stå opp."))?;
        screen.wait(EventType::MessageReceived, &dialog).await?;
        house.meldingstjener.wait_until_read().await?;
        // And once more, long after it was read.
        house.meldingstjener.redeliver(&answer)?;
        house.meldingstjener.wait_until_read().await?;
        let one = read(&kari, &dialog).await?;
        ensure!(office_messages(&one).len() == 1 && one["unopened"] == 1, "{one}");
        // What comes after all of it is heard: so nothing of the duplicates was, which came before.
        kari.post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &json!({ "text": "Takk." }))
            .expect(StatusCode::CREATED)
            .await?;
        let asked = house.meldingstjener.wait_for_request(|request| request.message.kind == Kind::Reply).await?;
        house.meldingstjener.answer(&asked.message.msg_id, &Answer::close("Lykke til."))?;
        screen.wait(EventType::DialogClosed, &dialog).await?;
        let received = screen.count(EventType::MessageReceived, &dialog);
        ensure!(received == 2, "{received} messages were told of");
        let (status, errors) = house.meldingstjener.wait_for_receipt(&answer).await?;
        ensure!((status, errors.len()) == (ReceiptStatus::Ok, 0), "{errors:?}");
        house.meldingstjener.wait_until_read().await?;
        let violations = house.meldingstjener.violations();
        ensure!(violations.is_empty(), "{violations:?}");
        Ok(())
    })
}
