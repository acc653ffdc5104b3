//! Ola asks what is on record about him, and proves it: who did what, and the receipt of one of these.

use anyhow::Context;
use dialog_contract::{access_log::AccessLogPage, problem::ProblemType};
use http::StatusCode;

use super::{citizen::Citizen, teller::Teller};
use crate::{
    house::House,
    sim::world::{HAVNEGATA, KARI, OLA},
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let ola = Citizen::log_in(house, &OLA).await?;
    let call = ola.portal.get("/v1/me/access-log", &[]).query("limit=100").header("accept-language", "nb");
    let reply = tell.ask("Ola reads who has read or changed what is his", call, StatusCode::OK).await?;
    let page: AccessLogPage = serde_json::from_value(reply.json)?;
    for text in [
        "Du åpnet en samtale med legekontoret.",
        "Legekontoret sendte noe nytt i en samtale, om en time eller om en betaling.",
        "Du bestilte en time.",
    ] {
        tell.check(&format!("it says: {text}"), page.items.iter().any(|entry| entry.text == text))?;
    }
    let opened = page.items.iter().find(|entry| entry.text.starts_with("Du åpnet en samtale"));
    let opened = opened.context("he has opened a dialog")?;
    tell.equal("at his office", opened.office.as_deref(), Some(HAVNEGATA.service_name))?;
    tell.check("through a provider", opened.through.is_some())?;

    let receipt = opened.receipt.to_string();
    let call = ola.portal.get("/v1/me/receipts/{index}", &[&receipt]);
    let reply = tell.ask("Ola fetches the proof that it is in the audit log", call, StatusCode::OK).await?;
    let proof = dialog_audit::Proof::parse(std::str::from_utf8(&reply.bytes)?)?;
    let proven = proof.verify(None, &dialog_audit::VerifierKeys::parse(&house.audit_key()?)?)?;
    tell.equal("it verifies with the log's key alone", proven.index, opened.receipt)?;
    let record: dialog_contract::audit::Record = serde_json::from_slice(&proven.entry)?;
    tell.equal("and is of what he did", record.action.as_str(), "dialog.open")?;

    let kari = Citizen::log_in(house, &KARI).await?;
    let call = kari.portal.get("/v1/me/receipts/{index}", &[&receipt]);
    tell.refused("Kari asks for the same and is told that there is none", call, ProblemType::NotFound).await?;
    Ok(())
}
