//! What people at a practice decide.

use super::case::{Case, CaseState, Line, Message, Service, Subject};
use super::reception;
use super::soap::VENDOR;
use super::state::State;
use super::{Booking, File, NationalId, SimError};
use crate::sim::meldingstjener::pdf::pdf;
use crate::sim::meldingstjener::tree::Element;
use crate::sim::world::Gp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// Minutes of a time that a practice gives.
const MINUTES: i64 = 20;

/// What a doctor decides about one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is renewed.
    Renewed,
    /// It is not.
    Refused,
    /// The doctor must see the patient first.
    SeeDoctor,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Renewed => "RENEWED",
            Outcome::Refused => "REFUSED",
            Outcome::SeeDoctor => "SEE_DOCTOR",
        }
    }
}

/// A decision about one line of a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// The line: its reference, or the beginning of its medicine.
    pub line: String,
    /// What was decided.
    pub outcome: Outcome,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A practice's answer to a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Answer {
    /// Writes, and leaves the case open: the patient may write again.
    Reply {
        /// Text.
        text: String,
        /// Files.
        #[serde(default)]
        files: Vec<File>,
    },
    /// Writes, and closes the case as answered.
    Finish {
        /// Text.
        text: String,
    },
    /// Closes the case without a message.
    Close,
    /// Says no, and closes the case.
    Decline {
        /// Text.
        text: String,
    },
    /// Tells the patient to use another service, and closes the case.
    Redirect {
        /// Which.
        to: Service,
        /// Text.
        text: String,
    },
    /// Decides on a renewal, and closes the case: lines that are not named are renewed; with no decision at all the whole
    /// is decided as one.
    Renewal {
        /// What was decided.
        decisions: Vec<Decision>,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// Issues a certificate, or a sick note, as a PDF, and closes the case.
    Issue {
        /// Text.
        text: String,
    },
    /// The record system did not take the latest message.
    Reject {
        /// The record system's code.
        code: String,
        /// Text.
        text: String,
        /// Whether sending again may succeed.
        retry: bool,
    },
}

impl Answer {
    fn name(&self) -> &'static str {
        match self {
            Answer::Reply { .. } => "reply",
            Answer::Finish { .. } => "finish",
            Answer::Close => "close",
            Answer::Decline { .. } => "decline",
            Answer::Redirect { .. } => "redirect",
            Answer::Renewal { .. } => "renewal",
            Answer::Issue { .. } => "issue",
            Answer::Reject { .. } => "reject",
        }
    }
}

/// What a practice opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// A notice: no reply is possible.
    #[serde(default)]
    pub one_way: bool,
    /// Subject.
    #[serde(default)]
    pub subject: Option<String>,
    /// Text.
    pub text: String,
    /// Files.
    #[serde(default)]
    pub files: Vec<File>,
}

/// What a practice does with a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum BookingAct {
    /// Makes one.
    Make {
        /// Whose.
        fnr: String,
        /// Local time.
        begins: DateTime,
    },
    /// Moves one.
    Move {
        /// Which.
        booking: String,
        /// Local time.
        begins: DateTime,
    },
    /// Cancels one.
    Cancel {
        /// Which.
        booking: String,
    },
    /// Reminds of one.
    Remind {
        /// Which.
        booking: String,
    },
}

impl State {
    /// Answers a case; gives the number of the event.
    pub fn answer(&mut self, number: &str, answer: &Answer) -> Result<u64, SimError> {
        let case = self.case(number)?.clone();
        if case.state.is_closed() && !matches!(answer, Answer::Reject { .. }) {
            return Err(SimError::Closed(number.to_owned()));
        }
        let wrong = || SimError::WrongAnswer { answer: answer.name(), service: case.subject.service().word() };
        match answer {
            Answer::Reply { text, files } => self.reply(&case, text, files.clone(), CaseState::WithPatient, None),
            Answer::Finish { text } => self.reply(&case, text, Vec::new(), CaseState::Done, None),
            Answer::Decline { text } => self.reply(&case, text, Vec::new(), CaseState::Declined, None),
            Answer::Redirect { to, text } => self.reply(&case, text, Vec::new(), CaseState::Redirected, Some(*to)),
            Answer::Close => {
                self.case(number)?.state = CaseState::Done;
                let what = Element::new(VENDOR, "StateChanged").field("Case", number).field("State", "DONE");
                Ok(self.tell(case.practice, what))
            }
            Answer::Issue { text } => {
                let (name, line) = match &case.subject {
                    Subject::Certificate { purpose, .. } => ("Helseattest.pdf", format!("Helseattest {purpose}")),
                    Subject::SickNote { degree, .. } => ("Sykmelding.pdf", format!("Sykmelding {degree} prosent")),
                    _ => return Err(wrong()),
                };
                let file = File { name: name.into(), media_type: "application/pdf".into(), content: pdf(&line) };
                self.reply(&case, text, vec![file], CaseState::Done, None)
            }
            Answer::Renewal { decisions, text } => match &case.subject {
                Subject::Renewal { lines } => self.decide(&case, lines, decisions, text.as_deref()),
                _ => Err(wrong()),
            },
            Answer::Reject { code, text, retry } => {
                let latest = case.messages.iter().rev().find(|message| message.from_patient);
                let what = Element::new(VENDOR, "NotFiled")
                    .field("Case", number)
                    .field("MessageId", &latest.ok_or_else(wrong)?.id)
                    .field("Code", code)
                    .field("Text", text)
                    .field("Retry", retry.to_string());
                Ok(self.tell(case.practice, what))
            }
        }
    }

    /// The practice opens a case or sends a one-way message; gives its number.
    pub fn open(&mut self, practice: &str, citizen: &NationalId, opening: &Opening) -> Result<String, SimError> {
        let known = self.practice(practice)?;
        let (practice, doctor) = (known.name, known.doctor(None, citizen));
        known.citizen(citizen).ok_or(SimError::NoSuchCitizen)?;
        let Opening { one_way, subject, text, files } = opening;
        let message = self.written(subject.clone(), text.clone(), files.clone(), doctor.map(author));
        if *one_way {
            let number = self.number("N");
            let what = Element::new(VENDOR, "Notice").field("Id", &number).field("Fnr", citizen.reveal());
            self.tell(practice, what.with(message.xml()));
            return Ok(number);
        }
        let number = self.number("S");
        let what = Element::new(VENDOR, "Opened").field("Case", &number).field("Service", Service::Question.word());
        self.tell(practice, what.field("Fnr", citizen.reveal()).with(message.xml()));
        self.cases.push(Case {
            number: number.clone(),
            practice,
            subject: Subject::Question,
            state: CaseState::WithPatient,
            citizen: citizen.clone(),
            by_proxy: false,
            portal_ref: None,
            doctor: doctor.and_then(|gp| gp.hpr.parse().ok()),
            messages: vec![message],
        });
        Ok(number)
    }

    /// The practice does something with a booking; gives the number of the event.
    pub fn act(&mut self, practice: &str, act: &BookingAct, text: Option<&str>) -> Result<u64, SimError> {
        let practice = self.practice(practice)?.name;
        let (kind, booking) = match act {
            BookingAct::Make { fnr, begins } => {
                let citizen = NationalId::new(fnr.as_str());
                let known = self.practice(practice)?;
                known.citizen(&citizen).ok_or(SimError::NoSuchCitizen)?;
                let doctor = known.doctor(None, &citizen).ok_or(SimError::NoSuchCitizen)?;
                let slot = known.calendar.arranged(doctor, *begins, MINUTES);
                ("MADE", self.booked(practice, &citizen, slot, None)?)
            }
            BookingAct::Move { booking, begins } => {
                let known = self.practice(practice)?;
                let old = one(known.calendar.booking(booking), booking)?.clone();
                let doctor = known.doctor(Some(old.slot.hpr), &old.citizen).ok_or(SimError::NoSuchCitizen)?;
                let slot = known.calendar.arranged(doctor, *begins, MINUTES);
                known.calendar.give_back(&old.slot.id);
                let moved = one(known.calendar.booking(booking), booking)?;
                moved.slot = slot;
                ("MOVED", moved.clone())
            }
            BookingAct::Cancel { booking } => {
                let calendar = &mut self.practice(practice)?.calendar;
                let struck = one(calendar.booking(booking), booking)?;
                struck.cancelled = true;
                let struck = struck.clone();
                calendar.give_back(&struck.slot.id);
                ("CANCELLED", struck)
            }
            BookingAct::Remind { booking } => {
                ("REMINDER", one(self.practice(practice)?.calendar.booking(booking), booking)?.clone())
            }
        };
        let known = self.practice(practice)?;
        let mut what = Element::new(VENDOR, "BookingChanged")
            .field("Kind", kind)
            .with(reception::xml(&booking, known.office.address, known.late))
            .field("Fnr", booking.citizen.reveal());
        if let Some(text) = text {
            what = what.field("Text", text);
        }
        Ok(self.tell(practice, what))
    }

    fn reply(
        &mut self,
        case: &Case,
        text: &str,
        files: Vec<File>,
        state: CaseState,
        instead: Option<Service>,
    ) -> Result<u64, SimError> {
        let message = self.by_practice(case, text, files)?;
        let mut what =
            Element::new(VENDOR, "Reply").field("Case", &case.number).with(message.xml()).field("State", state.word());
        if let Some(service) = instead {
            what = what.field("UseInstead", service.word());
        }
        let kept = self.case(&case.number)?;
        kept.messages.push(message);
        kept.state = state;
        Ok(self.tell(case.practice, what))
    }

    fn decide(
        &mut self,
        case: &Case,
        lines: &[Line],
        decisions: &[Decision],
        text: Option<&str>,
    ) -> Result<u64, SimError> {
        let about = |decision: &Decision, line: &Line| {
            line.reference == decision.line || line.medicine.to_lowercase().starts_with(&decision.line.to_lowercase())
        };
        if let Some(stray) = decisions.iter().find(|one| !lines.iter().any(|line| about(one, line))) {
            return Err(SimError::NoSuchLine(stray.line.clone()));
        }
        let told = |line: Option<&Line>| {
            let decision = line.and_then(|line| decisions.iter().find(|decision| about(decision, line)));
            let mut xml = Element::new(VENDOR, "Decision");
            if let Some(line) = line {
                xml = xml.field("Line", &line.reference);
            }
            xml = xml.field("Outcome", decision.map_or(Outcome::Renewed, |one| one.outcome).word());
            match decision.and_then(|one| one.reason.as_deref()) {
                Some(reason) => xml.field("Reason", reason),
                None => xml,
            }
        };
        let mut what = Element::new(VENDOR, "RenewalDecided").field("Case", &case.number);
        what = if decisions.is_empty() {
            what.with(told(None))
        } else {
            what.with_all(lines.iter().map(|line| told(Some(line))))
        };
        let message = text.map(|text| self.by_practice(case, text, Vec::new())).transpose()?;
        what = what.with_all(message.as_ref().map(Message::xml)).field("State", "DONE");
        let kept = self.case(&case.number)?;
        kept.messages.extend(message);
        kept.state = CaseState::Done;
        Ok(self.tell(case.practice, what))
    }

    fn by_practice(&mut self, case: &Case, text: &str, files: Vec<File>) -> Result<Message, SimError> {
        let doctor = self.practice(case.practice)?.doctor(case.doctor, &case.citizen);
        Ok(self.written(None, text.to_owned(), files, doctor.map(author)))
    }
}

fn one<'a>(booking: Option<&'a mut Booking>, number: &str) -> Result<&'a mut Booking, SimError> {
    booking.filter(|booking| !booking.cancelled).ok_or_else(|| SimError::NoSuchBooking(number.to_owned()))
}

fn author(gp: &Gp) -> String {
    format!("{} {}", gp.given_name, gp.family_name)
}
