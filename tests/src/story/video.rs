//! A consultation by video, through any vendor that has them: the waiting room, an interpreter as the third, and what was
//! said in it as a message.

use std::sync::Arc;

use anyhow::Context;
use dialog_conformance::{Answer, Meeting, Stage};
use dialog_contract::{event::EventType, problem::ProblemType};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    citizen::{Citizen, office_messages},
    teller::Teller,
};
use crate::house::portal::Portal;

/// What the doctor writes afterwards.
const SUMMARY: &str = "Vi så på utslettet sammen. Bruk kremen i to uker.";

/// The vendor's side of a meeting.
pub struct Rooms<'a> {
    /// What people do there.
    pub stage: Arc<dyn Stage>,
    /// Where its ways in lead.
    pub host: &'static str,
    /// The citizen's browser goes to an address that was given.
    pub follow: &'a dyn Fn(&str) -> anyhow::Result<()>,
    /// Whether the citizen is inside, as the vendor knows it.
    pub inside: &'a dyn Fn() -> bool,
}

/// Plays the step: the citizen opens with `body`, and `reference` waits for the consultation to reach the vendor.
pub async fn play(
    tell: &mut Teller,
    citizen: &mut Citizen,
    body: &Value,
    rooms: Rooms<'_>,
    reference: impl AsyncFnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let name = citizen.name;
    let dialog = citizen.opens(tell, "asks for a consultation by video", body).await?;
    let there = reference().await?;
    let join = |portal: &Portal| portal.post("/v1/me/dialogs/{dialog}/video/join", &[&dialog], &json!({}));
    let what = format!("{name} cannot come in before the waiting room is open");
    let early = tell.refused(&what, join(&citizen.portal), ProblemType::Declined).await?;
    tell.equal("nothing was sent", early.text("/sent")?, "no")?;
    rooms.stage.meets(&there, Meeting::Opens).await?;
    citizen.screen.wait(EventType::VideoChanged, &dialog).await?;
    let once = uuid::Uuid::new_v4().to_string();
    let call = join(&citizen.portal).header("idempotency-key", &once);
    let way = tell.ask(&format!("{name} comes into the waiting room"), call, StatusCode::OK).await?;
    tell.equal("where one waits", way.text("/state")?, "waiting")?;
    let url = way.text("/url")?.to_owned();
    tell.check("over TLS, at the vendor", url.starts_with(&format!("https://{}/", rooms.host)))?;
    let call = join(&citizen.portal).header("idempotency-key", &once);
    let again = tell.ask(&format!("{name} asks again, as a browser does"), call, StatusCode::OK).await?;
    tell.equal("the same way in", again.text("/url")?, url.as_str())?;
    (rooms.follow)(&url)?;
    tell.check("the vendor sees who waits", (rooms.inside)())?;

    tell.step("An interpreter comes, and then the doctor");
    rooms.stage.meets(&there, Meeting::Comes("Tolk".to_owned())).await?;
    rooms.stage.meets(&there, Meeting::ClinicianComes).await?;
    let read = loop {
        let known = citizen.known();
        let read = citizen.reads(tell, "looks at the meeting", &dialog).await?;
        if read["video"]["state"] == "in-progress" {
            break read;
        }
        let comes = citizen
            .screen
            .wait_for("the doctor", |event| event.kind == EventType::VideoChanged && !known.contains(&event.id));
        comes.await?;
    };
    tell.equal("who else is there", &read["video"]["participants"], &json!(["Tolk"]))?;
    tell.check("the way in stands nowhere in the dialog", !read.to_string().contains(rooms.host))?;
    let leave = citizen.portal.post("/v1/me/dialogs/{dialog}/video/leave", &[&dialog], &json!({}));
    tell.ask(&format!("{name} leaves the meeting"), leave, StatusCode::NO_CONTENT).await?;
    tell.check("the vendor knows", !(rooms.inside)())?;

    tell.step("The doctor ends the meeting and writes what was agreed");
    rooms.stage.meets(&there, Meeting::Ends).await?;
    rooms.stage.answer(&there, Answer::Finish { text: SUMMARY.to_owned() }).await?;
    let read = citizen.sees_closed(tell, "reads the summary", &dialog, "answered").await?;
    let summary = office_messages(&read).first().context("a message")?["text"].clone();
    tell.equal("it is a message", summary.as_str(), Some(SUMMARY))?;
    tell.equal("the meeting is over", read["video"]["state"].as_str(), Some("ended"))?;
    let what = format!("{name} cannot come in any more");
    tell.refused(&what, join(&citizen.portal), ProblemType::DialogClosed).await?;
    tell.check("no event has the way in", !serde_json::to_string(&citizen.screen.all())?.contains(rooms.host))
}
