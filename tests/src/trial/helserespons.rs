//! What people at a clinic of Helserespons do.

use std::sync::Arc;

use async_trait::async_trait;
use dialog_conformance::{Answer, Done, File, Meeting, Moment, Received, Stage, Topic, Trouble, Unable};
use dialog_contract::{provider::RenewalOutcome, service::Service};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::{Trial, account, reachable, spoil};
use crate::sim::{
    helserespons::{
        self, BookingAct, Case, CaseType, Consult, Decision, HelseresponsSim, LabReport, Opening, Outcome, Question,
        RoomAct,
    },
    world::{FJELLVEIEN, KARI, LEILA, LILLETORGET, Solution},
};

/// The trial at an office where everything goes through it.
#[must_use]
pub fn trial(sim: &HelseresponsSim) -> Trial {
    Trial {
        office: &LILLETORGET,
        citizen: &LEILA,
        other: &KARI,
        agreed: vec![
            Topic::Booking,
            Topic::AppointmentRequest,
            Topic::PrescriptionRenewal,
            Topic::ConsultationText,
            Topic::ConsultationImage,
            Topic::ConsultationVideo,
            Topic::Inquiry,
            Topic::Certificate,
            Topic::Payment,
            Topic::TestResults,
            Topic::Collegial,
        ],
        stage: stage(sim),
    }
}

/// What people there do.
#[must_use]
pub fn stage(sim: &HelseresponsSim) -> Arc<dyn Stage> {
    Arc::new(Clinic(sim.clone()))
}

/// What stands before a consult's number in the plugin's references.
const CONSULT: &str = "consult/";

struct Clinic(HelseresponsSim);

impl Clinic {
    fn case(&self, number: &str) -> Done<Case> {
        let found = self.0.cases().into_iter().find(|case| case.case_no == number);
        found.ok_or_else(|| Unable::failed(format!("no case {number}")))
    }

    fn consult(&self, number: &str) -> Done<Consult> {
        let found = self.0.consults().into_iter().find(|consult| consult.consult_no == number);
        found.ok_or_else(|| Unable::failed(format!("no consult {number}")))
    }

    /// The office writes in a consult.
    fn writes(&self, number: &str, answer: Answer) -> Done {
        let (text, ends) = match answer {
            Answer::Reply { text, file: None } => (text, false),
            Answer::Finish { text } => (text, true),
            _ => return Err(Unable::not_offered("a consult is written in and ended, and no more")),
        };
        self.0.reply_in_consult(number, &text, ends).map_err(Unable::failed)
    }

    fn answers(&self, number: &str, answer: &helserespons::Answer) -> Done {
        self.0.answer(number, answer).map(drop).map_err(Unable::failed)
    }

    fn acts(&self, act: &BookingAct) -> Done {
        self.0.act(account(&LILLETORGET, Solution::Helserespons)?, act, None).map(drop).map_err(Unable::failed)
    }
}

fn file(file: File) -> helserespons::File {
    helserespons::File { name: file.name, media_type: "image/png".to_owned(), content: file.bytes }
}

fn service(service: Service) -> Done<CaseType> {
    match service {
        Service::Consultation => Ok(CaseType::Econsult),
        Service::Inquiry => Ok(CaseType::Question),
        Service::Appointment => Ok(CaseType::BookingWish),
        Service::PrescriptionRenewal => Ok(CaseType::Renewal),
        Service::Certificate => Ok(CaseType::Certificate),
        _ => Err(Unable::not_offered("the vendor has no such service")),
    }
}

/// In Norway.
pub(super) fn local(at: Timestamp) -> Done<jiff::civil::DateTime> {
    Ok(at.to_zoned(TimeZone::get("Europe/Oslo").map_err(Unable::failed)?).datetime())
}

#[async_trait]
impl Stage for Clinic {
    async fn received(&self, dialog: &str) -> Done<Received> {
        if let Some(number) = dialog.strip_prefix(CONSULT) {
            let said = self.consult(number)?.said;
            return Ok(Received {
                texts: said.iter().filter(|one| one.entry.from_patient).map(|one| one.entry.body.clone()).collect(),
                ..Received::default()
            });
        }
        let case = self.case(dialog)?;
        let entries = || case.entries.iter().filter(|entry| entry.from_patient);
        Ok(Received {
            texts: entries().map(|entry| entry.body.clone()).collect(),
            files: entries().flat_map(|entry| entry.files.iter().map(|(_, file)| file.content.clone())).collect(),
            medicines: case.lines.iter().map(|line| line.name.clone()).collect(),
        })
    }

    async fn answer(&self, dialog: &str, answer: Answer) -> Done {
        if let Some(number) = dialog.strip_prefix(CONSULT) {
            return self.writes(number, answer);
        }
        let answer = match answer {
            Answer::Reply { text, file: with } => {
                helserespons::Answer::Reply { text, files: with.map(file).into_iter().collect() }
            }
            Answer::Finish { text } => helserespons::Answer::Finish { text },
            Answer::Decline { text } => helserespons::Answer::Decline { text },
            Answer::Redirect { to, text } => helserespons::Answer::Redirect { to: service(to)?, text },
            Answer::Decide { outcomes } => {
                let decision = |(line, outcome): (&helserespons::Line, RenewalOutcome)| Decision {
                    line: line.reference.clone(),
                    outcome: match outcome {
                        RenewalOutcome::Renewed => Outcome::Renewed,
                        RenewalOutcome::Refused => Outcome::Refused,
                        RenewalOutcome::NeedsConsultation => Outcome::ControlNeeded,
                    },
                    comment: None,
                };
                let lines = self.case(dialog)?.lines;
                helserespons::Answer::Renewal {
                    decisions: lines.iter().zip(outcomes).map(decision).collect(),
                    text: None,
                }
            }
            Answer::Arrange { start } => helserespons::Answer::Arrange { begins: local(start)?, text: None },
            Answer::Certify => helserespons::Answer::Certificate { text: "Her er attesten.".to_owned() },
        };
        self.answers(dialog, &answer)
    }

    async fn writes_first(&self, text: &str, reply_allowed: bool) -> Done {
        let opening = Opening {
            kind: CaseType::Question,
            one_way: !reply_allowed,
            heading: Some("Fra legekontoret".to_owned()),
            text: text.to_owned(),
            files: Vec::new(),
        };
        let clinic = account(&LILLETORGET, Solution::Helserespons)?;
        self.0.open(clinic, LEILA.national_id, &opening).map(drop).map_err(Unable::failed)
    }

    async fn tells_results(&self, words: &str, name: &str, answer: &str) -> Done {
        let finding = json!({ "analysis": name, "answer": answer, "sampledAt": "2026-01-05T07:40:00Z" });
        let report = LabReport { heading: "Prøvesvar".to_owned(), text: words.to_owned(), findings: vec![finding] };
        let clinic = account(&LILLETORGET, Solution::Helserespons)?;
        self.0.report(clinic, LEILA.national_id, &report).map(drop).map_err(Unable::failed)
    }

    async fn meets(&self, dialog: &str, happens: Meeting) -> Done {
        let act = match happens {
            Meeting::Opens => RoomAct::Open,
            Meeting::ClinicianComes => RoomAct::Join,
            Meeting::Comes(guest) => RoomAct::Bring { guest },
            Meeting::Ends => RoomAct::End,
        };
        self.0.meet(dialog, &act).map(drop).map_err(Unable::failed)
    }

    async fn asks_colleague(&self, text: &str) -> Done {
        let patient = Some(LEILA.national_id.to_owned());
        let question = Question { to: FJELLVEIEN, hpr: None, patient, text: text.to_owned() };
        let clinic = account(&LILLETORGET, Solution::Helserespons)?;
        self.0.ask_colleague(clinic, &question).map(drop).map_err(Unable::failed)
    }

    async fn signed(&self, dialog: &str) -> Done<Vec<u32>> {
        let number = dialog.strip_prefix(CONSULT).unwrap_or(dialog);
        Ok(self.consult(number)?.said.into_iter().filter_map(|one| one.from.map(|from| from.hpr)).collect())
    }

    async fn takes_slot(&self, slot: &str) -> Done {
        self.0.take_opening(account(&LILLETORGET, Solution::Helserespons)?, slot).map_err(Unable::failed)
    }

    async fn cancels_appointment(&self, appointment: &str) -> Done {
        self.acts(&BookingAct::Cancel { booking_no: appointment.to_owned() })
    }

    async fn reminds(&self, appointment: &str) -> Done {
        self.acts(&BookingAct::Remind { booking_no: appointment.to_owned() })
    }

    async fn owes(&self, amount: u64) -> Done {
        let clinic = account(&LILLETORGET, Solution::Helserespons)?;
        self.0.owe(clinic, LEILA.national_id, amount).map_err(Unable::failed)
    }

    async fn reachable(&self, yes: bool) -> Done {
        reachable(&self.0.trouble, yes).await
    }

    async fn trouble(&self, moment: Moment, trouble: Trouble) -> Done {
        spoil(&self.0.trouble, moment, trouble);
        Ok(())
    }

    async fn violations(&self) -> Vec<String> {
        self.0.violations().iter().map(|one| format!("{one:?}")).collect()
    }
}
