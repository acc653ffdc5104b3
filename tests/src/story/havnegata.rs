//! Ola, at an office that uses the public solution for consultations (on CGM Allmenn, an old record system) and the
//! commercial one for the rest.

use anyhow::Context;
use http::StatusCode;
use serde_json::json;

use super::{
    citizen::{Citizen, decisions, office_messages},
    teller::Teller,
};
use crate::{
    house::House,
    sim::{
        helserespons::{self, CaseType, Decision, Outcome},
        meldingstjener::{self, Kind},
        world::OLA,
    },
};

/// Plays the chapter.
pub async fn play(tell: &mut Teller, house: &House) -> anyhow::Result<()> {
    let mut ola = Citizen::log_in(house, &OLA).await?;
    ola.sees_offers(
        tell,
        &[
            ("appointment", "helserespons", "commercial"),
            ("prescription-renewal", "helserespons", "commercial"),
            ("consultation", "ddfl", "public"),
            ("inquiry", "helserespons", "commercial"),
        ],
    )
    .await?;
    ola.books_changes_and_cancels(tell).await?;
    consultation(tell, house, &mut ola).await?;
    renewal(tell, house, &mut ola).await
}

async fn consultation(tell: &mut Teller, house: &House, ola: &mut Citizen) -> anyhow::Result<()> {
    let photo = ola.uploads_photo(tell).await?;
    let opening = json!({
        "request": { "type": "consultation", "mode": "image" },
        "message": { "subject": "Føflekk", "text": "Har den forandret seg? Åpne bildet.", "attachments": [photo] },
    });
    let dialog = ola.opens(tell, "sends an e-consultation with a picture", &opening).await?;
    let request = house
        .meldingstjener
        .wait_for_request(|request| {
            request.message.kind == Kind::Consultation && request.message.subject.as_deref() == Some("Føflekk")
        })
        .await?;
    tell.equal("the office has the picture", request.message.attachments.len(), 1)?;
    // The record system writes ISO-8859-1: the answer's letters show whether it was read.
    let said = "Den ser ufarlig ut. Følg med på størrelsen.";
    house.meldingstjener.answer(&request.message.msg_id, &meldingstjener::Answer::reply(said))?;
    let read = ola.is_answered(tell, "reads the answer of an old record system", &dialog).await?;
    tell.equal("every letter is right", office_messages(&read)[0]["text"].as_str(), Some(said))?;
    ola.writes(tell, "asks a follow-up", &dialog, "Hvor ofte bør jeg måle?").await?;
    let follow_up = house
        .meldingstjener
        .wait_for_request(|request| request.message.text.as_deref().is_some_and(|text| text.contains("måle")))
        .await?;
    house.meldingstjener.answer(&follow_up.message.msg_id, &meldingstjener::Answer::close("En gang i måneden."))?;
    ola.sees_closed(tell, "sees that the consultation is over", &dialog, "answered").await?;
    Ok(())
}

async fn renewal(tell: &mut Teller, house: &House, ola: &mut Citizen) -> anyhow::Result<()> {
    let call = ola.portal.get("/v1/me/prescriptions", &[]);
    let list = tell.ask("Ola sees which prescriptions can be renewed", call, StatusCode::OK).await?;
    let items: Vec<_> = list.json["items"]
        .as_array()
        .context("a list of prescriptions")?
        .iter()
        .filter(|one| one["renewability"] == "renewable")
        .take(2)
        .map(|one| json!({ "id": one["id"], "medicine": one["medicine"] }))
        .collect();
    tell.equal("two can be renewed", items.len(), 2)?;
    let opening = json!({ "request": { "type": "prescription-renewal", "items": items } });
    let dialog = ola.opens(tell, "asks to renew two", &opening).await?;
    let case = house.helserespons.wait_for_case(|case| case.kind == CaseType::Renewal && case.waits()).await?;
    let (first, second) = (&case.lines[0].reference, &case.lines[1].reference);
    house.helserespons.answer(
        &case.case_no,
        &helserespons::Answer::Renewal {
            decisions: vec![
                Decision { line: first.clone(), outcome: Outcome::Renewed, comment: None },
                Decision {
                    line: second.clone(),
                    outcome: Outcome::ControlNeeded,
                    comment: Some("Ta blodprøve først.".to_owned()),
                },
            ],
            text: None,
        },
    )?;
    let read = ola.sees_closed(tell, "sees what became of each", &dialog, "answered").await?;
    let decided = decisions(&read);
    tell.check("one is renewed", decided.iter().any(|(item, outcome)| item == first && outcome == "renewed"))?;
    tell.check(
        "the other needs a consultation first",
        decided.iter().any(|(item, outcome)| item == second && outcome == "needs-consultation"),
    )
}
