//! Meeting rooms of consultations by video: who is there, and the links that lead there.

use super::api::{self, Answered, Shares};
use super::request::{self, Door, Refused};
use super::state::State;
use super::{NationalId, SimError};
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Minutes for which a link is good.
const MINUTES: i64 = 10;

/// How far a meeting has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has opened the room.
    #[default]
    Expected,
    /// Patients can wait there.
    Waiting,
    /// A doctor is there.
    Open,
    /// It is over.
    Over,
}

/// A link into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub url: String,
    /// Until when somebody can come in by it.
    pub until: Timestamp,
    /// Somebody has.
    pub used: bool,
}

/// The room of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// How far the meeting has come.
    pub stage: Stage,
    /// The patient is there.
    pub patient_in: bool,
    /// The links that were given.
    pub links: Vec<Link>,
}

/// What happens in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum RoomAct {
    /// The clinic opens it.
    Open,
    /// A doctor comes.
    Join,
    /// Somebody else comes: a relative, an interpreter, another clinician.
    Bring {
        /// By name or by role.
        guest: String,
    },
    /// It is over.
    End,
}

impl State {
    /// Something happens in the room of a case; gives the number of the change.
    pub fn meet(&mut self, case_no: &str, act: &RoomAct) -> Result<u64, SimError> {
        let case = self.case(case_no)?;
        let wrong = SimError::WrongAnswer { answer: "meet", kind: case.kind.word() };
        let room = case.room.as_mut().ok_or(wrong)?;
        let (event, guest) = match act {
            RoomAct::Open => {
                room.stage = Stage::Waiting;
                ("OPENED", None)
            }
            RoomAct::Join => {
                room.stage = Stage::Open;
                ("DOCTOR_IN", None)
            }
            RoomAct::Bring { guest } => ("GUEST_IN", Some(guest)),
            RoomAct::End => {
                room.stage = Stage::Over;
                room.patient_in = false;
                ("CLOSED", None)
            }
        };
        let clinic = case.clinic;
        let mut content = json!({ "caseNo": case_no, "event": event });
        if let Some(guest) = guest {
            content["guest"] = json!(guest);
        }
        Ok(self.tell(clinic, "ROOM", content))
    }

    /// A browser follows a link, which leads into the room once, and while it is good.
    pub fn follow(&mut self, url: &str) -> Result<(), SimError> {
        let now = self.now();
        let rooms = self.cases.iter_mut().filter_map(|case| case.room.as_mut());
        let room = rooms.into_iter().find(|room| room.links.iter().any(|link| link.url == url));
        let room = room.ok_or(SimError::NoWayIn("no room has this link"))?;
        if !matches!(room.stage, Stage::Waiting | Stage::Open) {
            return Err(SimError::NoWayIn("the room is closed"));
        }
        let link = room.links.iter_mut().find(|link| link.url == url).filter(|link| !link.used && link.until > now);
        link.ok_or(SimError::NoWayIn("the link is used, or has expired"))?.used = true;
        room.patient_in = true;
        Ok(())
    }

    /// Lets every link expire that was given.
    pub fn expire_links(&mut self) {
        let now = self.now();
        for link in self.cases.iter_mut().filter_map(|case| case.room.as_mut()).flat_map(|room| &mut room.links) {
            link.until = link.until.min(now);
        }
    }

    /// The room of a case that is open and this citizen's, where the meeting lasts.
    fn room(&mut self, case_no: &str, citizen: &NationalId) -> Result<&mut Room, Refused> {
        api::open_case_of(self, case_no, citizen)?;
        let case = self.case(case_no).map_err(|_| Refused::unknown("UNKNOWN_CASE"))?;
        let room = case.room.as_mut().ok_or(Refused::unknown("NO_ROOM"))?;
        match room.stage {
            Stage::Expected => Err(Refused::forbidden("ROOM_NOT_OPEN")),
            Stage::Over => Err(Refused::forbidden("ROOM_CLOSED")),
            Stage::Waiting | Stage::Open => Ok(room),
        }
    }

    fn enter(&mut self, case_no: &str, citizen: &NationalId) -> Answered {
        self.room(case_no, citizen)?;
        let until = self.now().saturating_add(MINUTES.minutes()).unwrap_or(Timestamp::MAX);
        // Nobody guesses it: the number alone would be.
        let url = format!("https://rom.helserespons.example/{}?billett={}", self.number("R"), uuid::Uuid::new_v4());
        let room = self.room(case_no, citizen)?;
        room.links.push(Link { url: url.clone(), until, used: false });
        let present = room.stage == Stage::Open;
        let body = json!({ "caseNo": case_no, "link": url, "validUntil": until, "doctorPresent": present });
        Ok((StatusCode::CREATED, body))
    }

    fn leave(&mut self, case_no: &str, citizen: &NationalId) -> Answered {
        self.room(case_no, citizen)?.patient_in = false;
        Ok((StatusCode::OK, json!({ "caseNo": case_no })))
    }
}

fn door(
    shared: &super::Shared,
    route: &str,
    (no, body): (&str, &[u8]),
    act: fn(&mut State, &str, &NationalId) -> Answered,
) -> Response {
    api::answer(shared.with(|state| {
        let wanted: Door = request::read(state, route, body)?;
        api::once(state, &format!("{route} {no}"), (&wanted.request_id, body), |state| {
            request::number(state, route, &wanted.ssn)?;
            request::on_behalf(state, route, &wanted.ssn, wanted.on_behalf.as_ref())?;
            act(state, no, &wanted.ssn)
        })
    }))
}

/// `POST /v2/cases/{no}/room/enter`
pub async fn enter(axum::extract::State(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    door(&shared, "POST room/enter", (&no, &body), State::enter)
}

/// `POST /v2/cases/{no}/room/leave`
pub async fn leave(axum::extract::State(shared): Shares, Path(no): Path<String>, body: Bytes) -> Response {
    door(&shared, "POST room/leave", (&no, &body), State::leave)
}
