//! What people at a clinic decide.

use super::case::{Case, CaseState, CaseType, File};
use super::state::State;
use super::{NationalId, SimError};
use crate::sim::meldingstjener::pdf::pdf;
use crate::sim::world::Gp;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Minutes of a time that a clinic gives.
const MINUTES: i64 = 20;

/// What a doctor decides about one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is renewed.
    Renewed,
    /// It is not.
    Refused,
    /// The clinic must see the patient first.
    ControlNeeded,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Outcome::Renewed => "RENEWED",
            Outcome::Refused => "REFUSED",
            Outcome::ControlNeeded => "CONTROL_NEEDED",
        }
    }
}

/// A decision about one line of a renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Decision {
    /// The line: its `ref`, or the beginning of its medicine.
    pub line: String,
    /// What was decided.
    pub outcome: Outcome,
    /// Why.
    #[serde(default)]
    pub comment: Option<String>,
}

/// A clinic's answer to a case.
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
    /// Closes the case without a word to read.
    Close,
    /// Says no, and closes the case.
    Decline {
        /// Text.
        text: String,
    },
    /// Tells the patient to use another service, and closes the case.
    Redirect {
        /// Which.
        to: CaseType,
        /// Text.
        text: String,
    },
    /// Decides on lines of a renewal, and closes the case; lines that are not named are renewed.
    Renewal {
        /// What was decided.
        decisions: Vec<Decision>,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// Issues a certificate as a PDF, and closes the case.
    Certificate {
        /// Text.
        text: String,
    },
    /// Gives a time (of a wish to book or move), and closes the case.
    Arrange {
        /// Local time.
        begins: DateTime,
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// Cancels the booking that a wish is about, and closes the case.
    CancelBooking {
        /// Text.
        #[serde(default)]
        text: Option<String>,
    },
    /// The clinic's record system did not take the latest entry.
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
            Answer::Certificate { .. } => "certificate",
            Answer::Arrange { .. } => "arrange",
            Answer::CancelBooking { .. } => "cancel-booking",
            Answer::Reject { .. } => "reject",
        }
    }
}

/// What a clinic opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// What it is about. A one-way message has none.
    #[serde(default = "question")]
    pub kind: CaseType,
    /// A notice: no reply is possible.
    #[serde(default)]
    pub one_way: bool,
    /// Heading.
    #[serde(default)]
    pub heading: Option<String>,
    /// Text.
    pub text: String,
    /// Files.
    #[serde(default)]
    pub files: Vec<File>,
}

/// What tests found, and what the doctor says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabReport {
    /// Heading.
    pub heading: String,
    /// The doctor's words.
    pub text: String,
    /// As the vendor writes them: `analysis`, `answer`, `unit`, `normal`, `flag`, `sampledAt`, ...
    pub findings: Vec<Value>,
}

fn question() -> CaseType {
    CaseType::Question
}

/// What a clinic does with a booking, without a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum BookingAct {
    /// Makes one.
    Make {
        /// Whose.
        ssn: String,
        /// Local time.
        begins: DateTime,
    },
    /// Moves one.
    Move {
        /// Which.
        booking_no: String,
        /// Local time.
        begins: DateTime,
    },
    /// Cancels one.
    Cancel {
        /// Which.
        booking_no: String,
    },
    /// Reminds of one.
    Remind {
        /// Which.
        booking_no: String,
    },
}

impl State {
    /// Answers a case; gives the numbers of the changes.
    pub fn answer(&mut self, case_no: &str, answer: &Answer) -> Result<Vec<u64>, SimError> {
        let case = self.case(case_no)?.clone();
        if case.state.is_closed() && !matches!(answer, Answer::Reject { .. }) {
            return Err(SimError::Closed(case_no.to_owned()));
        }
        let wrong = || SimError::WrongAnswer { answer: answer.name(), kind: case.kind.word() };
        match answer {
            Answer::Reply { text, files } => self.write(&case, text, files.clone(), CaseState::WithPatient, None),
            Answer::Finish { text } => self.write(&case, text, Vec::new(), CaseState::Done, None),
            Answer::Decline { text } => self.write(&case, text, Vec::new(), CaseState::Declined, None),
            Answer::Redirect { to, text } => self.write(&case, text, Vec::new(), CaseState::Redirected, Some(*to)),
            Answer::Close => self.close(&case, None),
            Answer::Certificate { text } => {
                if case.kind != CaseType::Certificate {
                    return Err(wrong());
                }
                let content = pdf(&format!("Helseattest {}", case.purpose.as_deref().unwrap_or_default()));
                let file = File { name: "Helseattest.pdf".into(), media_type: "application/pdf".into(), content };
                self.write(&case, text, vec![file], CaseState::Done, None)
            }
            Answer::Renewal { decisions, text } => {
                if case.kind != CaseType::Renewal {
                    return Err(wrong());
                }
                self.decide(&case, decisions, text.as_deref())
            }
            Answer::Arrange { begins, text } => {
                let seq = match (case.kind, &case.booking_no) {
                    (CaseType::BookingWish, _) => {
                        let booking = self.make(case.clinic, &case.citizen, case.doctor, *begins)?;
                        self.booking_change(&case, "BOOKING_MADE", booking, text.as_deref())
                    }
                    (CaseType::MoveWish, Some(no)) => {
                        let (_, booking) = self.reschedule(no, *begins)?;
                        self.booking_change(&case, "BOOKING_MOVED", booking, text.as_deref())
                    }
                    _ => return Err(wrong()),
                };
                Ok([vec![seq], self.close(&case, None)?].concat())
            }
            Answer::CancelBooking { text } => {
                let Some(no) = &case.booking_no else { return Err(wrong()) };
                let (_, booking) = self.strike(no)?;
                let seq = self.booking_change(&case, "BOOKING_CANCELLED", booking, text.as_deref());
                Ok([vec![seq], self.close(&case, None)?].concat())
            }
            Answer::Reject { code, text, retry } => {
                let latest = case.entries.iter().rev().find_map(|entry| entry.entry_id.clone());
                let entry_id = latest.ok_or_else(wrong)?;
                let content =
                    json!({ "caseNo": case.case_no, "entryId": entry_id, "code": code, "text": text, "retry": retry });
                Ok(vec![self.tell(case.clinic, "ENTRY_REJECTED", content)])
            }
        }
    }

    /// The clinic opens a case or sends a one-way message; gives its number.
    pub fn open(&mut self, clinic: &str, citizen: &NationalId, opening: &Opening) -> Result<String, SimError> {
        let known = self.clinic(clinic)?;
        let (clinic, gp) = (known.name, known.office.gps.first());
        known.citizen(citizen).ok_or(SimError::NoSuchCitizen)?;
        let author = gp.map(author);
        let entry = self.entry(false, opening.heading.clone(), opening.text.clone(), opening.files.clone(), author);
        let patient = json!({ "ssn": citizen.reveal() });
        if opening.one_way {
            let no = self.number("N");
            self.tell(clinic, "NOTICE", json!({ "noticeNo": no, "patient": patient, "entry": entry.json() }));
            return Ok(no);
        }
        let no = self.number("H");
        let content = json!({ "caseNo": no, "type": opening.kind, "patient": patient, "entry": entry.json() });
        self.tell(clinic, "CASE_OPENED", content);
        self.cases.push(Case {
            case_no: no.clone(),
            clinic,
            kind: opening.kind,
            state: CaseState::WithPatient,
            citizen: citizen.clone(),
            on_behalf: false,
            portal_ref: None,
            doctor: gp.and_then(|gp| gp.hpr.parse().ok()),
            mode: None,
            purpose: None,
            booking_no: None,
            wishes: Vec::new(),
            lines: Vec::new(),
            room: None,
            entries: vec![entry],
        });
        Ok(no)
    }

    /// The clinic tells a citizen what tests found; gives the report's number.
    pub fn report(&mut self, clinic: &str, citizen: &NationalId, report: &LabReport) -> Result<String, SimError> {
        let known = self.clinic(clinic)?;
        let (clinic, gp) = (known.name, known.office.gps.first());
        known.citizen(citizen).ok_or(SimError::NoSuchCitizen)?;
        let author = gp.map(author);
        let entry = self.entry(false, Some(report.heading.clone()), report.text.clone(), Vec::new(), author);
        let no = self.number("L");
        let patient = json!({ "ssn": citizen.reveal() });
        let content = json!({ "reportNo": no, "patient": patient, "entry": entry.json(), "findings": report.findings });
        self.tell(clinic, "LAB_REPORT", content);
        Ok(no)
    }

    /// The clinic does something with a booking; gives the number of the change.
    pub fn act(&mut self, clinic: &str, act: &BookingAct, text: Option<&str>) -> Result<u64, SimError> {
        let clinic = self.clinic(clinic)?.name;
        let (kind, citizen, booking) = match act {
            BookingAct::Make { ssn, begins } => {
                let citizen = NationalId::new(ssn.as_str());
                self.clinic(clinic)?.citizen(&citizen).ok_or(SimError::NoSuchCitizen)?;
                let booking = self.make(clinic, &citizen, None, *begins)?;
                ("BOOKING_MADE", citizen, booking)
            }
            BookingAct::Move { booking_no, begins } => {
                let (citizen, booking) = self.reschedule(booking_no, *begins)?;
                ("BOOKING_MOVED", citizen, booking)
            }
            BookingAct::Cancel { booking_no } => {
                let (citizen, booking) = self.strike(booking_no)?;
                ("BOOKING_CANCELLED", citizen, booking)
            }
            BookingAct::Remind { booking_no } => {
                let calendar = &mut self.clinic(clinic)?.calendar;
                let missing = || SimError::NoSuchBooking(booking_no.clone());
                let booking = calendar.booking(booking_no).ok_or_else(missing)?.clone();
                ("BOOKING_REMINDER", booking.citizen.clone(), calendar.json(&booking))
            }
        };
        let content = json!({ "booking": booking, "patient": { "ssn": citizen.reveal() }, "text": text });
        Ok(self.tell(clinic, kind, content))
    }

    /// The vendor sends the patient of a booking a text message of its own, and says so; gives the number of the change.
    pub fn text_about(&mut self, clinic: &str, booking_no: &str) -> Result<u64, SimError> {
        let calendar = &mut self.clinic(clinic)?.calendar;
        let missing = || SimError::NoSuchBooking(booking_no.to_owned());
        let booking = calendar.booking(booking_no).ok_or_else(missing)?.clone();
        let (clinic, at) = (self.clinic(clinic)?.name, self.now());
        self.texts.push(booking.citizen.clone());
        let patient = json!({ "ssn": booking.citizen.reveal() });
        let content = json!({ "patient": patient, "sentAt": at, "bookingNo": booking_no });
        Ok(self.tell(clinic, "SMS_SENT", content))
    }

    fn write(
        &mut self,
        case: &Case,
        text: &str,
        files: Vec<File>,
        state: CaseState,
        instead: Option<CaseType>,
    ) -> Result<Vec<u64>, SimError> {
        let author = self.doctor(case)?.map(author);
        let entry = self.entry(false, None, text.to_owned(), files, author);
        let content = json!({ "caseNo": case.case_no, "entry": entry.json(), "state": state, "useInstead": instead });
        let kept = self.case(&case.case_no)?;
        kept.entries.push(entry);
        kept.state = state;
        Ok(vec![self.tell(case.clinic, "CASE_ENTRY", content)])
    }

    fn close(&mut self, case: &Case, text: Option<&str>) -> Result<Vec<u64>, SimError> {
        self.case(&case.case_no)?.state = CaseState::Done;
        let content = json!({ "caseNo": case.case_no, "state": CaseState::Done, "text": text });
        Ok(vec![self.tell(case.clinic, "CASE_STATE", content)])
    }

    fn decide(&mut self, case: &Case, decisions: &[Decision], text: Option<&str>) -> Result<Vec<u64>, SimError> {
        let about = |decision: &Decision, line: &super::Line| {
            line.reference == decision.line || line.name.to_lowercase().starts_with(&decision.line.to_lowercase())
        };
        if let Some(stray) = decisions.iter().find(|one| !case.lines.iter().any(|line| about(one, line))) {
            return Err(SimError::NoSuchLine(stray.line.clone()));
        }
        let lines: Vec<Value> = case
            .lines
            .iter()
            .map(|line| {
                let decision = decisions.iter().find(|decision| about(decision, line));
                json!({
                    "ref": line.reference,
                    "decision": decision.map_or(Outcome::Renewed, |one| one.outcome).word(),
                    "comment": decision.and_then(|one| one.comment.as_deref()),
                })
            })
            .collect();
        let author = self.doctor(case)?.map(author);
        let entry = text.map(|text| self.entry(false, None, text.to_owned(), Vec::new(), author));
        let json = entry.as_ref().map(super::Entry::json);
        let kept = self.case(&case.case_no)?;
        kept.entries.extend(entry);
        kept.state = CaseState::Done;
        let content = json!({ "caseNo": case.case_no, "lines": lines, "entry": json, "state": CaseState::Done });
        Ok(vec![self.tell(case.clinic, "RENEWAL_DECIDED", content)])
    }

    fn booking_change(&mut self, case: &Case, kind: &'static str, booking: Value, text: Option<&str>) -> u64 {
        let content = json!({
            "booking": booking,
            "patient": { "ssn": case.citizen.reveal() },
            "caseNo": case.case_no,
            "text": text,
        });
        self.tell(case.clinic, kind, content)
    }

    fn make(
        &mut self,
        clinic: &str,
        citizen: &NationalId,
        hpr: Option<u32>,
        begins: DateTime,
    ) -> Result<Value, SimError> {
        let of = |gp: &&&'static Gp| hpr.is_some_and(|hpr| gp.hpr.parse() == Ok(hpr));
        let known = self.clinic(clinic)?;
        let gps: Vec<&'static Gp> = known.office.gps.iter().collect();
        let gp = gps.iter().find(of).or(gps.first()).ok_or(SimError::NoSuchCitizen)?;
        let slot = known.calendar.arranged(gp, begins, MINUTES);
        self.booked(clinic, citizen, slot, None)
    }

    fn reschedule(&mut self, no: &str, begins: DateTime) -> Result<(NationalId, Value), SimError> {
        let missing = || SimError::NoSuchBooking(no.to_owned());
        let clinic = self.clinic_of_booking(no).ok_or_else(missing)?;
        let gps = clinic.office.gps;
        let calendar = &mut clinic.calendar;
        let old = calendar.booking(no).ok_or_else(missing)?.slot.clone();
        let gp = gps.iter().find(|gp| gp.hpr.parse() == Ok(old.hpr)).ok_or_else(missing)?;
        let slot = calendar.arranged(gp, begins, old.minutes);
        calendar.give_back(&old.id);
        let booking = calendar.booking(no).ok_or_else(missing)?;
        booking.slot = slot;
        let booking = booking.clone();
        Ok((booking.citizen.clone(), calendar.json(&booking)))
    }

    fn strike(&mut self, no: &str) -> Result<(NationalId, Value), SimError> {
        let missing = || SimError::NoSuchBooking(no.to_owned());
        let calendar = &mut self.clinic_of_booking(no).ok_or_else(missing)?.calendar;
        let booking = calendar.booking(no).ok_or_else(missing)?;
        booking.cancelled = true;
        let booking = booking.clone();
        calendar.give_back(&booking.slot.id);
        Ok((booking.citizen.clone(), calendar.json(&booking)))
    }

    fn doctor(&mut self, case: &Case) -> Result<Option<&'static Gp>, SimError> {
        let gps = self.clinic(case.clinic)?.office.gps;
        let own = gps.iter().find(|gp| case.doctor.is_some_and(|hpr| gp.hpr.parse() == Ok(hpr)));
        Ok(own.or(gps.first()))
    }
}

fn author(gp: &Gp) -> String {
    format!("{} {}", gp.given_name, gp.family_name)
}
