//! Results of tests: told in the doctor's words and as findings, counted in the inbox, found by a word, and read.

use dialog_contract::ids::EventId;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    citizen::{Citizen, office_messages},
    teller::Teller,
};

/// What was told: the doctor's words, and the name and value of the first finding.
pub type Told<'a> = (&'a str, &'a str, &'a str);

/// Plays the step, after the office has told; `known` are the events before it. Gives the dialog.
pub async fn play(
    tell: &mut Teller,
    citizen: &mut Citizen,
    known: &[EventId],
    (words, name, value): Told<'_>,
) -> anyhow::Result<String> {
    let who = citizen.name;
    let dialog = citizen.is_written_to(known).await?;
    let counted = inbox(tell, citizen, "sees that there are results").await?;
    tell.equal("one is unread", counted["unreadResults"].as_u64(), Some(1))?;
    let read = citizen.reads(tell, "reads them", &dialog).await?;
    tell.equal("they are results", read["service"].as_str(), Some("test-results"))?;
    tell.equal("in the doctor's words", office_messages(&read)[0]["text"].as_str(), Some(words))?;
    let first = &read["results"][0];
    tell.equal("what was found", (first["name"].as_str(), first["value"].as_str()), (Some(name), Some(value)))?;
    tell.equal("nothing can be replied", read["replyAllowed"].as_bool(), Some(false))?;
    tell.check("no event holds what was found", !serde_json::to_string(&citizen.screen.all())?.contains(name))?;
    // Typed in a hurry, and on a keyboard without Norwegian letters.
    let typed = json!({ "text": name.to_uppercase(), "services": ["test-results"] });
    let call = citizen.portal.post("/v1/me/dialogs/search", &[], &typed).without("idempotency-key");
    let found = tell.ask(&format!("{who} finds them by a word"), call, StatusCode::OK).await?;
    let items = found.json["items"].as_array().cloned().unwrap_or_default();
    tell.equal("the same dialog", items.first().and_then(|one| one["id"].as_str()), Some(dialog.as_str()))?;
    let call = citizen.portal.post("/v1/me/dialogs/{dialog}/seen", &[&dialog], &json!({}));
    tell.ask(&format!("{who} has read them"), call, StatusCode::OK).await?;
    let counted = inbox(tell, citizen, "has nothing more to read about tests").await?;
    tell.equal("none is unread", counted["unreadResults"].as_u64(), Some(0))?;
    Ok(dialog)
}

async fn inbox(tell: &mut Teller, citizen: &Citizen, what: &str) -> anyhow::Result<Value> {
    let call = citizen.portal.get("/v1/me/inbox", &[]);
    Ok(tell.ask(&format!("{} {what}", citizen.name), call, StatusCode::OK).await?.json)
}
