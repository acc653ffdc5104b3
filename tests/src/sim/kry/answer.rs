//! What the vendor's clinicians decide.

use super::calendar::{Booking, Channel};
use super::event::About;
use super::patient::Patient;
use super::state::State;
use super::unit::{DOCTORS, practitioner};
use super::visit::{Stage, Status, Visit};
use super::{File, NationalId, SimError};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What an e-consultation costs, in øre, and what a specialist in general practice adds.
const FEE: (u64, u64) = (18_400, 2_700);

/// A clinician's answer to a visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// Writes, and leaves the visit open: the patient may write again.
    Reply {
        /// Text.
        text: String,
        /// Files.
        #[serde(default)]
        files: Vec<File>,
    },
    /// Writes, completes the visit, and sends a bill.
    Finish {
        /// Text.
        text: String,
        /// The clinician is a specialist in general practice.
        #[serde(default)]
        specialist: bool,
    },
    /// Completes the visit without a word to read, and without a bill.
    Close,
    /// Says no, and closes the visit.
    Decline {
        /// Text.
        text: String,
    },
    /// Tells the patient to book a time instead, and closes the visit.
    Redirect {
        /// Text.
        text: String,
    },
    /// Books a time for the patient, by video, and completes the visit.
    Arrange {
        /// Local time.
        begins: DateTime,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// Nobody answered in time.
    Expire,
    /// The record did not take the latest message.
    Reject {
        /// The record's code.
        code: String,
        /// Text.
        text: String,
        /// Whether sending again may succeed.
        retry: bool,
    },
}

/// What a clinician begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// No reply is possible.
    #[serde(default)]
    pub one_way: bool,
    /// Heading.
    #[serde(default)]
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Files.
    #[serde(default)]
    pub files: Vec<File>,
}

/// What a clinician does with a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum BookingAct {
    /// Moves it.
    Move {
        /// Which.
        id: String,
        /// Local time.
        begins: DateTime,
    },
    /// Cancels it.
    Cancel {
        /// Which.
        id: String,
    },
    /// Reminds of it.
    Remind {
        /// Which.
        id: String,
    },
}

/// What happens in a visit's video meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum MeetingAct {
    /// The patient can come into the waiting room.
    Open,
    /// A doctor comes.
    Join,
    /// Somebody else comes: a relative, an interpreter, another clinician.
    Bring {
        /// By name or by role.
        participant: String,
    },
    /// It is over.
    End,
}

fn author() -> String {
    DOCTORS.first().map(|doctor| format!("{} {}", doctor.given_name, doctor.family_name)).unwrap_or_default()
}

impl State {
    /// Answers a visit; gives the numbers of the events.
    pub fn answer(&mut self, id: &str, answer: &Answer) -> Result<Vec<u64>, SimError> {
        let visit = self.visit(id)?.clone();
        if visit.status.is_closed() && !matches!(answer, Answer::Reject { .. }) {
            return Err(SimError::Closed(id.to_owned()));
        }
        match answer {
            Answer::Reply { text, files } => self.write(&visit, text, files.clone(), Status::WithPatient),
            Answer::Decline { text } => self.write(&visit, text, Vec::new(), Status::Declined),
            Answer::Redirect { text } => self.write(&visit, text, Vec::new(), Status::Redirected),
            Answer::Finish { text, specialist } => {
                let events = self.write(&visit, text, Vec::new(), Status::Completed)?;
                let (fee, more) = FEE;
                let (amount, tariffs) = if *specialist { (fee + more, vec!["2ae", "2dd"]) } else { (fee, vec!["2ae"]) };
                self.bill(&visit.patient, Some(&visit.id), amount, tariffs);
                Ok(events)
            }
            Answer::Close => self.close(&visit, Status::Completed),
            Answer::Expire => self.close(&visit, Status::Expired),
            Answer::Arrange { begins, text } => {
                let slot = self.calendar.arranged(*begins, Channel::Video);
                let patient = self.patient(&visit.citizen)?;
                let booking = self.booked(&patient, slot, None);
                let made = self.booking_event("booking.made", &booking, Some(&visit), text.as_deref())?;
                Ok([vec![made], self.close(&visit, Status::Completed)?].concat())
            }
            Answer::Reject { code, text, retry } => {
                let latest = visit.messages.iter().rev().find_map(|message| message.reference.clone());
                let reference = latest.ok_or(SimError::WrongAnswer("reject"))?;
                let facts = json!({ "reference": reference, "code": code, "detail": text, "retryable": retry });
                let related = vec![("visit", "visits", visit.id.clone())];
                Ok(vec![self.tell("message.rejected", About { facts, related, ..About::default() })])
            }
        }
    }

    /// A clinician begins a visit or sends a one-way message to somebody who has been here; gives its id.
    pub fn open(&mut self, citizen: &NationalId, opening: &Opening) -> Result<String, SimError> {
        let patient = self.patient(citizen)?;
        let Opening { subject, text, files, one_way } = opening.clone();
        let message = self.message(None, subject, text, files, Some(author()));
        let id = self.number("vis");
        let about = About {
            facts: json!({ "replyAllowed": !one_way }),
            related: vec![
                ("visit", "visits", id.clone()),
                ("message", "messages", message.id.clone()),
                ("patient", "patients", patient.id.clone()),
            ],
            included: [vec![message.resource(), patient.numbered()], message.attachments()].concat(),
        };
        self.tell("visit.opened", about);
        self.visits.push(Visit {
            id: id.clone(),
            status: Status::WithPatient,
            citizen: patient.citizen,
            patient: patient.id,
            represented: false,
            portal_reference: None,
            mode: "text",
            meeting: None,
            triage: None,
            one_way,
            messages: vec![message],
        });
        Ok(id)
    }

    /// A clinician does something with a booking; gives the number of the event.
    pub fn act(&mut self, act: &BookingAct, text: Option<&str>) -> Result<u64, SimError> {
        let missing = |id: &str| SimError::NoSuchBooking(id.to_owned());
        let (kind, booking) = match act {
            BookingAct::Move { id, begins } => {
                let channel = self.calendar.booking(id).ok_or_else(|| missing(id))?.slot.channel;
                let slot = self.calendar.arranged(*begins, channel);
                let booking = self.calendar.booking(id).ok_or_else(|| missing(id))?;
                let old = std::mem::replace(&mut booking.slot, slot);
                let booking = booking.clone();
                self.calendar.give_back(&old.id);
                ("booking.moved", booking)
            }
            BookingAct::Cancel { id } => {
                let booking = self.calendar.booking(id).ok_or_else(|| missing(id))?;
                booking.cancelled = true;
                let booking = booking.clone();
                self.calendar.give_back(&booking.slot.id);
                ("booking.cancelled", booking)
            }
            BookingAct::Remind { id } => {
                ("booking.reminder", self.calendar.booking(id).ok_or_else(|| missing(id))?.clone())
            }
        };
        self.booking_event(kind, &booking, None, text)
    }

    /// Something happens in a visit's video meeting; gives the number of the event.
    pub fn meet(&mut self, id: &str, act: &MeetingAct) -> Result<u64, SimError> {
        let meeting = self.visit(id)?.meeting.as_mut().ok_or(SimError::WrongAnswer("meet"))?;
        let (kind, facts) = match act {
            MeetingAct::Open => {
                meeting.stage = Stage::Waiting;
                ("meeting.opened", json!({}))
            }
            MeetingAct::Join => {
                meeting.stage = Stage::Open;
                ("meeting.clinician-joined", json!({}))
            }
            MeetingAct::Bring { participant } => ("meeting.participant-joined", json!({ "participant": participant })),
            MeetingAct::End => {
                meeting.stage = Stage::Over;
                ("meeting.ended", json!({}))
            }
        };
        let related = vec![("visit", "visits", id.to_owned())];
        Ok(self.tell(kind, About { facts, related, ..About::default() }))
    }

    fn patient(&self, citizen: &NationalId) -> Result<Patient, SimError> {
        self.patients.iter().find(|patient| patient.citizen == *citizen).cloned().ok_or(SimError::NoSuchPatient)
    }

    fn write(&mut self, visit: &Visit, text: &str, files: Vec<File>, status: Status) -> Result<Vec<u64>, SimError> {
        let message = self.message(None, None, text.to_owned(), files, Some(author()));
        let mut facts = json!({ "status": status });
        if status == Status::Redirected {
            facts["redirectTo"] = json!("booking");
        }
        let about = About {
            facts,
            related: vec![("visit", "visits", visit.id.clone()), ("message", "messages", message.id.clone())],
            included: [vec![message.resource()], message.attachments()].concat(),
        };
        let kept = self.visit(&visit.id)?;
        kept.messages.push(message);
        kept.status = status;
        Ok(vec![self.tell("visit.message", about)])
    }

    fn close(&mut self, visit: &Visit, status: Status) -> Result<Vec<u64>, SimError> {
        self.visit(&visit.id)?.status = status;
        let facts = json!({ "status": status });
        let related = vec![("visit", "visits", visit.id.clone())];
        Ok(vec![self.tell("visit.status", About { facts, related, ..About::default() })])
    }

    fn booking_event(
        &mut self,
        kind: &'static str,
        booking: &Booking,
        visit: Option<&Visit>,
        text: Option<&str>,
    ) -> Result<u64, SimError> {
        let patient = self.patient(&booking.citizen)?;
        let mut snapshot = booking.snapshot();
        snapshot["id"] = json!(booking.id);
        snapshot["practitioner"] = super::unit::doctor(booking.slot.hpr)
            .map_or(Value::Null, |doctor| practitioner(doctor)["attributes"].clone());
        let mut related = vec![("patient", "patients", patient.id.clone())];
        related.extend(visit.map(|visit| ("visit", "visits", visit.id.clone())));
        let about =
            About { facts: json!({ "booking": snapshot, "text": text }), related, included: vec![patient.numbered()] };
        Ok(self.tell(kind, about))
    }
}
