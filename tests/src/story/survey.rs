//! A vendor's survey: choices alone, once, and counted without a name.

use anyhow::Context;
use http::StatusCode;
use serde_json::{Value, json};

use super::{citizen::Citizen, teller::Teller};

/// Plays the step: the citizen gives these answers, each a question and a choice of it; `counted` says how often the vendor
/// has the last of them.
pub async fn play(
    tell: &mut Teller,
    citizen: &Citizen,
    answers: &[(&str, &str)],
    counted: &dyn Fn() -> anyhow::Result<Option<u64>>,
) -> anyhow::Result<()> {
    let name = citizen.name;
    let call = citizen.portal.get("/v1/me/survey", &[]);
    let open = tell.ask(&format!("{name} is asked about the office"), call, StatusCode::OK).await?.json;
    let title = Some("Hva synes du om legekontoret?");
    tell.equal("in the citizen's language", open["survey"]["title"].as_str(), title)?;
    let questions = open["survey"]["questions"].as_array().context("questions")?;
    tell.check("no question is for free text", questions.iter().all(|one| one["choices"].is_array()))?;
    let answers: Value = answers.iter().map(|(one, choice)| json!({ "question": one, "choice": choice })).collect();
    let body = json!({ "provider": open["provider"]["id"], "survey": open["survey"]["id"], "answers": answers });
    let call = citizen.portal.post("/v1/me/survey", &[], &body);
    tell.ask(&format!("{name} answers by choosing"), call, StatusCode::NO_CONTENT).await?;
    tell.equal("the vendor has it", counted()?, Some(1))?;
    let call = citizen.portal.get("/v1/me/survey", &[]);
    tell.ask(&format!("{name} is not asked again"), call, StatusCode::NO_CONTENT).await?;
    Ok(())
}
