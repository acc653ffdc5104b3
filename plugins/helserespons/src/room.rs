//! Video: the vendor keeps a meeting room for each consultation by video, and lets patients in by a link that is made for
//! the occasion, good once and for some minutes.

use dialog_plugin_sdk::text::line;
use dialog_plugin_sdk::upstream::{self, Request};
use dialog_plugin_sdk::video::{Room, RoomState, Video};
use dialog_plugin_sdk::{Context, Failure, VideoState, time};
use serde::{Deserialize, Serialize};

use crate::person::{self, OnBehalf};
use crate::{Helserespons, UPSTREAM, refusal};

/// Characters of a URL, by the contract.
const MAX_URL: usize = 2_048;
/// Characters of who came to a meeting, by the contract.
const MAX_GUEST: usize = 120;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Door<'a> {
    request_id: &'a str,
    ssn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf: Option<OnBehalf<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entered {
    case_no: String,
    link: String,
    valid_until: String,
    doctor_present: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Left {
    case_no: String,
}

impl Video for Helserespons {
    fn join(ctx: Context, reference: String) -> Result<Room, Failure> {
        let door = door(&ctx)?;
        let answer = refusal::sent(at(&reference, "enter").json(&door).send(), ctx.locale, &[])?;
        let Entered { case_no, link, valid_until, doctor_present } = answer.json()?;
        if case_no != reference {
            return Err(answer.unreadable("leads into another case's room"));
        }
        if !link.starts_with("https://") || link.len() > MAX_URL {
            return Err(answer.unreadable("holds a link that is not https, or over 2,048 characters"));
        }
        let expires = time::instant(&valid_until).ok_or_else(|| answer.unreadable("holds a time that is none"))?;
        Ok(Room { url: link, expires, state: if doctor_present { RoomState::Open } else { RoomState::Waiting } })
    }

    fn leave(ctx: Context, reference: String) -> Result<(), Failure> {
        let door = door(&ctx)?;
        let answer = refusal::sent(at(&reference, "leave").json(&door).send(), ctx.locale, &[])?;
        let Left { case_no } = answer.json()?;
        if case_no == reference { Ok(()) } else { Err(answer.unreadable("is about another case's room")) }
    }
}

fn at(reference: &str, door: &str) -> Request {
    upstream::post(UPSTREAM, "/v2/cases").segment(reference).segment("room").segment(door)
}

fn door(ctx: &Context) -> Result<Door<'_>, Failure> {
    let on_behalf = person::on_behalf(ctx)?;
    Ok(Door { request_id: &ctx.idempotency_key, ssn: person::ssn(ctx)?, on_behalf })
}

/// What happened in a room, as a change tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Happened {
    /// The clinic opened it: patients can wait there.
    Opened,
    /// A doctor is there.
    DoctorIn,
    /// Somebody else is there.
    GuestIn,
    /// It is over.
    Closed,
}

impl Happened {
    /// As the contract has it. None where somebody came of whom nothing is said.
    #[must_use]
    pub fn state(self, guest: Option<&str>) -> Option<VideoState> {
        Some(match self {
            Self::Opened => VideoState::WaitingRoomOpen,
            Self::DoctorIn => VideoState::ClinicianJoined,
            Self::GuestIn => VideoState::ParticipantJoined(line(guest?, MAX_GUEST)?),
            Self::Closed => VideoState::Ended,
        })
    }
}
