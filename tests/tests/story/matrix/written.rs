//! What citizens write while their provider is in trouble.

use anyhow::{Context, ensure};
use dialog_contract::{event::EventType, problem::ProblemType};
use dialog_tests::{
    house::portal::Reply,
    sim::{trouble::Call, world::Solution},
    story::citizen::office_messages,
};
use http::StatusCode;

use super::{
    fault::{ALL, Fault},
    vendor::Vendor,
};
use crate::visit::{alone, read};

pub(super) fn play(solution: Solution) -> anyhow::Result<()> {
    alone(async |house| {
        let mut vendor = Vendor::visit(house, solution).await?;
        for (at, fault) in ALL.into_iter().enumerate() {
            written(&mut vendor, fault, &format!("Spørsmål nummer {at}: har dere åpent i romjulen?"))
                .await
                .with_context(|| format!("{fault:?}"))?;
        }
        vendor.is_content()
    })
}

async fn written(vendor: &mut Vendor<'_>, fault: Fault, text: &str) -> anyhow::Result<()> {
    let failures = vendor.failures().await?;
    // A slow one has done what it was asked, and says nothing.
    let call = if fault == Fault::Slow { Call::PostReply } else { Call::Post };
    let begun = fault.begin(vendor.trouble(), call).await?;
    let reply = vendor.citizen.post("/v1/me/dialogs", &[], &vendor.body(text)).send().await?;
    vendor.others_are_served().await?;
    ensure!(vendor.failures().await? > failures, "the operator is not told");
    begun.end(vendor.trouble()).await?;
    if reply.status == StatusCode::ACCEPTED {
        waits_and_arrives_once(vendor, &reply, text).await
    } else {
        // Nothing that is known not to have arrived is given up.
        ensure!(fault.may_have_worked(), "{} {}", reply.status, reply.json);
        is_uncertain_in_plain_sight(vendor, &reply, text).await
    }
}

async fn waits_and_arrives_once(vendor: &mut Vendor<'_>, reply: &Reply, text: &str) -> anyhow::Result<()> {
    ensure!(reply.json["status"]["state"] == "queued", "{}", reply.json);
    let dialog = reply.text("/id")?.to_owned();
    vendor.screen.wait(EventType::MessageSent, &dialog).await?;
    vendor.answer(text, "Ja, hver dag.").await?;
    vendor.screen.wait(EventType::MessageReceived, &dialog).await?;
    let now = read(&vendor.citizen, &dialog).await?;
    let answers = office_messages(&now);
    ensure!(answers.len() == 1 && answers[0]["text"] == "Ja, hver dag.", "{now}");
    ensure!(vendor.having(text) == 1, "the vendor has it {} times", vendor.having(text));
    Ok(())
}

async fn is_uncertain_in_plain_sight(vendor: &Vendor<'_>, reply: &Reply, text: &str) -> anyhow::Result<()> {
    ensure!(reply.json["type"] == ProblemType::ProviderFaulty.uri().as_str(), "{}", reply.json);
    ensure!(reply.json["sent"] != "no", "the vendor may have it: {}", reply.json);
    ensure!(!reply.text("/detail")?.is_empty(), "{}", reply.json);
    let list = vendor.citizen.get("/v1/me/dialogs", &[]).query("status=uncertain").expect(StatusCode::OK).await?;
    let mine = |item: &&serde_json::Value| item["messages"][0]["text"] == text || item.to_string().contains(text);
    let shown = list.json["items"].as_array().map_or(0, |items| items.iter().filter(mine).count());
    ensure!(shown == 1, "shown {shown} times: {}", list.json);
    ensure!(vendor.having(text) == 1, "the vendor has it {} times", vendor.having(text));
    Ok(())
}
