//! What offices answer while the way back is in trouble.

use anyhow::{Context, ensure};
use dialog_contract::event::EventType;
use dialog_tests::{
    sim::{trouble::Call, world::Solution},
    story::citizen::office_messages,
};

use super::{
    fault::{ALL, Fault},
    vendor::Vendor,
};
use crate::visit::{alone, opened, read};

pub(super) fn play(solution: Solution) -> anyhow::Result<()> {
    alone(async |house| {
        let mut vendor = Vendor::visit(house, solution).await?;
        for (at, fault) in ALL.into_iter().enumerate() {
            answered(&mut vendor, fault, &format!("Spørsmål nummer {at}: har dere åpent i romjulen?"))
                .await
                .with_context(|| format!("{fault:?}"))?;
        }
        vendor.is_content()
    })
}

async fn answered(vendor: &mut Vendor<'_>, fault: Fault, text: &str) -> anyhow::Result<()> {
    let dialog = opened(&vendor.citizen, &vendor.body(text)).await?;
    let before = vendor.seen().await?;
    let begun = fault.begin(vendor.trouble(), Call::News).await?;
    vendor.answer(text, "Ja, hver dag.").await?;
    vendor.others_are_served().await?;
    // Whoever asks for news meets the trouble within a second. Where one reply is spoilt or slow, a delivery may have
    // brought the news before, and nobody need have met it.
    if begun.is_away() {
        vendor.tells(&before, |before, now| now.failures > before.failures).await?;
    }
    begun.end(vendor.trouble()).await?;
    vendor.screen.wait(EventType::MessageReceived, &dialog).await?;
    // What is told after it shows that nothing came between.
    vendor
        .citizen
        .post("/v1/me/dialogs/{dialog}/messages", &[&dialog], &serde_json::json!({ "text": "Takk." }))
        .send()
        .await?;
    let now = read(&vendor.citizen, &dialog).await?;
    let answers = office_messages(&now);
    ensure!(answers.len() == 1 && answers[0]["text"] == "Ja, hver dag.", "{now}");
    ensure!(vendor.screen.count(EventType::MessageReceived, &dialog) == 1, "told again");
    Ok(())
}
