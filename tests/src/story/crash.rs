//! The gateway is killed in the middle of sending, and started again: nothing is lost, nothing is done twice, and the log
//! verifies.

use std::collections::BTreeSet;

use anyhow::Context;
use dialog_contract::{
    audit::{Record, RecordKind},
    event::EventType,
    ids::RequestId,
};
use serde_json::json;

use super::{citizen::Citizen, teller::Teller};
use crate::{
    house::House,
    sim::{
        meldingstjener::{Answer, Kind},
        trouble::Call,
        world::KARI,
    },
};

/// Plays the chapter, which ends with the gateway stopped.
pub async fn play(tell: &mut Teller, house: &mut House) -> anyhow::Result<()> {
    let mut kari = Citizen::log_in(house, &KARI).await?;
    tell.step("Kari sends an e-consultation; the message has reached Meldingstjener when the gateway is killed");
    let held = house.meldingstjener.trouble.hold_next(Call::PostReply);
    let opening = json!({
        "request": { "type": "consultation", "mode": "text" },
        "message": { "subject": "Søvn", "text": "Jeg sover fortsatt dårlig." },
    });
    let call = kari.portal.post("/v1/me/dialogs", &[], &opening);
    let sending = tokio::spawn(call.send());
    held.reached().await;
    house.kill_gateway().await?;
    held.release();
    tell.check("Kari got no answer", sending.await?.is_err())?;

    tell.step("The gateway starts again and repairs what was left unfinished");
    house.start_gateway().await?;
    kari.reconnect(house).await?;
    let request = house
        .meldingstjener
        .wait_for_request(|request| {
            request.message.kind == Kind::Consultation && request.message.subject.as_deref() == Some("Søvn")
        })
        .await?;
    let dialogs = kari.portal.get("/v1/me/dialogs", &[]).query("service=consultation&status=awaiting-office");
    let dialogs = tell.ask("Kari finds the consultation", dialogs, http::StatusCode::OK).await?;
    let dialog = dialogs
        .json
        .pointer("/items/0/id")
        .and_then(|id| id.as_str())
        .with_context(|| format!("the consultation is there: {}", dialogs.json))?
        .to_owned();
    let same = |message: &&crate::sim::meldingstjener::Logged| {
        !message.to_portal && message.document_id.as_deref() == Some(request.message.msg_id.as_str())
    };
    tell.equal("the office has it once", house.meldingstjener.messages().iter().filter(same).count(), 1)?;

    house.meldingstjener.answer(&request.message.msg_id, &Answer::close("Vi tar en prat neste uke."))?;
    kari.sees_closed(tell, "gets the answer all the same", &dialog, "answered").await?;
    tell.equal("she was told once", kari.screen.count(EventType::DialogClosed, &dialog), 1)?;

    tell.step("The gateway stops in good order, and the audit log verifies without it");
    house.stop_gateway().await?;
    let keys = dialog_audit::VerifierKeys::parse(&house.audit_key()?)?;
    let report = dialog_audit::verify(&house.audit(), &keys, |_| {})?;
    let nothing_left = dialog_audit::JournalReport::Read { entries: 0, torn: None };
    tell.equal("everything is under the signed checkpoint", report.journal, nothing_left)?;
    let (intents, outcomes) = requests(house, &keys, report.size)?;
    tell.check(&format!("{} changes were recorded before they were tried", intents.len()), !intents.is_empty())?;
    let open: Vec<_> = intents.difference(&outcomes).collect();
    tell.equal("each has its outcome in the log, also the one that was killed", open, Vec::new())
}

/// The requests whose intent is in the audit log, and those whose outcome is.
fn requests(
    house: &House,
    keys: &dialog_audit::VerifierKeys,
    size: u64,
) -> anyhow::Result<(BTreeSet<RequestId>, BTreeSet<RequestId>)> {
    let (mut intents, mut outcomes) = (BTreeSet::new(), BTreeSet::new());
    for entry in dialog_audit::Reader::open(&house.audit(), keys)?.entries(0..size) {
        let record: Record = serde_json::from_slice(&entry?.data)?;
        match (record.kind, record.request) {
            (RecordKind::Intent, Some(request)) => intents.insert(request),
            (RecordKind::Outcome, Some(request)) => outcomes.insert(request),
            _ => continue,
        };
    }
    Ok((intents, outcomes))
}
