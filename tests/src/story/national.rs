//! Nora and what the country has once: her personal archive, the word to her office that she reads what it sends, and the
//! register of who is whose GP.

use anyhow::Context;
use dialog_contract::event::EventType;
use http::StatusCode;
use serde_json::{Value, json};

use super::{citizen::Citizen, teller::Teller};
use crate::{
    house::House,
    sim::{
        meldingstjener::{Answer, Kind, Opening, ReceiptStatus},
        world::{FJELLVEIEN, KARI, LILLETORGET, NORA},
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut nora = Citizen::log_in(house, &NORA).await?;
    let dialog = archive(tell, house, &mut nora).await?;
    digital(tell, house, &nora).await?;
    register(tell, house, &nora, &dialog).await
}

async fn archive(tell: &mut Teller, house: &House, nora: &mut Citizen) -> anyhow::Result<String> {
    let call = nora.portal.get("/v1/me/archive", &[]);
    let before = tell.ask("Nora sees whether she has copies in her personal archive", call, StatusCode::OK).await?;
    tell.equal("she has none", &before.json, &json!({ "on": false, "available": true }))?;
    let call = nora.portal.put("/v1/me/archive", &[], &json!({ "on": true })).header("if-match", "\"0\"");
    let chosen = tell.ask("Nora chooses to have them", call, StatusCode::OK).await?;
    tell.equal("it holds", chosen.json["on"].as_bool(), Some(true))?;

    let inquiry = json!({ "request": { "type": "inquiry" }, "message": { "text": "Har dere leker på venterommet?" } });
    let dialog = nora.opens(tell, "asks the office something", &inquiry).await?;
    tell.step("The office answers, and that was all");
    let hers = |request: &crate::sim::meldingstjener::Request| request.message.kind == Kind::Contact;
    let asked = house.meldingstjener.wait_for_request(hers).await?;
    let mut known = nora.known();
    house.meldingstjener.answer(&asked.message.msg_id, &Answer::close("Ja, mange."))?;
    let kept = house.national.wait_for_document(&dialog).await?;
    // The answer itself is news, and so is that the archive has it.
    let archived = loop {
        let news = nora.screen.wait_for("the receipt of the archive", |event| {
            event.kind == EventType::DialogUpdated && event.subject.ends_with(&dialog) && !known.contains(&event.id)
        });
        known.push(news.await?.id);
        let read = nora.portal.get("/v1/me/dialogs/{dialog}", &[&dialog]).expect(StatusCode::OK).await?;
        if read.json["archived"].is_object() {
            break read.json["archived"].clone();
        }
    };
    nora.reads(tell, "reads it, with the receipt of her archive", &dialog).await?;
    let reference = archived["reference"].as_str().context("a receipt has a reference")?;
    tell.equal("the archive has it under that name", reference, format!("Bundle/{}", kept.id).as_str())?;
    tell.equal("it is Nora's", kept.citizen.as_str(), NORA.national_id)?;
    let of_hers = |document: &&crate::sim::national::Kept| document.identifier == kept.identifier;
    tell.equal("once", house.national.documents().iter().filter(of_hers).count(), 1)?;
    tell.check("with what the office wrote", kept.bundle.to_string().contains("Ja, mange."))?;
    Ok(dialog)
}

async fn digital(tell: &mut Teller, house: &House, nora: &Citizen) -> anyhow::Result<()> {
    let choose = |on: bool| nora.portal.put("/v1/me/digital-dialog", &[], &json!({ "on": on }));
    tell.ask("Nora ceases to be digitally active", choose(false), StatusCode::OK).await?;
    let told = house.meldingstjener.wait_for_digital(&FJELLVEIEN, NORA.national_id, 1).await?;
    tell.equal("her office's record system is told (SDAB)", told, vec![false])?;
    tell.step("The office writes to her all the same");
    let letter = Opening {
        medical: false,
        one_way: true,
        subject: "Stengt".to_owned(),
        text: "Vi holder stengt på fredag.".to_owned(),
        attachments: Vec::new(),
    };
    let sent = house.meldingstjener.open(&FJELLVEIEN, NORA.national_id, &letter)?;
    let (status, errors) = house.meldingstjener.wait_for_receipt(&sent).await?;
    let codes: Vec<&str> = errors.iter().map(|error| error.error_code.as_str()).collect();
    tell.equal("it is refused", status, ReceiptStatus::Rejected)?;
    tell.equal("with the code that forbids to send it again", codes, vec!["E35"])?;
    tell.step("The record system asks which of Kari and Nora can be written to (SIDAB)");
    let them = [KARI.national_id, NORA.national_id];
    let question = house.meldingstjener.ask_digital(&FJELLVEIEN, &them)?;
    let active = house.meldingstjener.wait_for_digital_answer(&FJELLVEIEN, &question).await?;
    tell.equal("Kari, and not her (28)", active == [KARI.national_id], true)?;
    tell.ask("Nora becomes digitally active again", choose(true), StatusCode::OK).await?;
    let told = house.meldingstjener.wait_for_digital(&FJELLVEIEN, NORA.national_id, 2).await?;
    tell.equal("her office is told, once of each change", told, vec![false, true])
}

async fn register(tell: &mut Teller, house: &House, nora: &Citizen, dialog: &str) -> anyhow::Result<()> {
    tell.step("Nora gets another GP, by the register");
    let gp = LILLETORGET.gps.first().context("an office has a GP")?;
    house.national.assign(&NORA, &LILLETORGET, gp);
    house.national.wait_until_followed().await?;
    let call = nora.portal.get("/v1/me/practice", &[]);
    let practice = tell.ask("Nora sees her new office", call, StatusCode::OK).await?;
    let office = |value: &Value| value.as_u64().and_then(|her_id| u32::try_from(her_id).ok());
    tell.equal("it is the register's", office(&practice.json["office"]["herId"]), Some(LILLETORGET.service_her_id))?;
    let read = nora.reads(tell, "still has what she wrote with the old one", dialog).await?;
    tell.equal("where it was", office(&read["office"]["herId"]), Some(FJELLVEIEN.service_her_id))
}
