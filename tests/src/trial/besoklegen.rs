//! What people at a practice with Besøklegen do.

use std::sync::Arc;

use async_trait::async_trait;
use dialog_conformance::{Answer, Done, File, Moment, Received, Stage, Topic, Trouble, Unable};
use dialog_contract::{provider::RenewalOutcome, service::Service};
use serde_json::{Value, json};

use super::{Trial, account, reachable, spoil};
use crate::sim::{
    besoklegen::{self, BesoklegenSim, BookingAct, Case, Decision, Opening, Outcome, Subject, case},
    world::{KARI, MARTE, SOLSIDEN, Solution},
};

/// The trial at an office where everything goes through it.
#[must_use]
pub fn trial(sim: &BesoklegenSim) -> Trial {
    Trial {
        office: &SOLSIDEN,
        citizen: &MARTE,
        other: &KARI,
        agreed: vec![
            Topic::Booking,
            Topic::PrescriptionRenewal,
            Topic::ConsultationText,
            Topic::ConsultationImage,
            Topic::Inquiry,
            Topic::SickNoteRenewal,
            Topic::Certificate,
            Topic::PracticalInformation,
        ],
        stage: Arc::new(Surgery(sim.clone())),
    }
}

struct Surgery(BesoklegenSim);

impl Surgery {
    fn case(&self, number: &str) -> Done<Case> {
        let found = self.0.cases().into_iter().find(|case| case.number == number);
        found.ok_or_else(|| Unable::failed(format!("no case {number}")))
    }

    fn lines(&self, number: &str) -> Done<Vec<case::Line>> {
        match self.case(number)?.subject {
            Subject::Renewal { lines } => Ok(lines),
            _ => Ok(Vec::new()),
        }
    }

    fn acts(&self, act: &BookingAct) -> Done {
        self.0.act(account(&SOLSIDEN, Solution::Besoklegen)?, act, None).map(drop).map_err(Unable::failed)
    }
}

fn file(file: File) -> besoklegen::File {
    besoklegen::File { name: file.name, media_type: "image/png".to_owned(), content: file.bytes }
}

fn service(service: Service) -> Done<case::Service> {
    match service {
        Service::Appointment => Ok(case::Service::Booking),
        Service::PrescriptionRenewal => Ok(case::Service::Renewal),
        Service::Consultation => Ok(case::Service::Consultation),
        Service::Inquiry => Ok(case::Service::Question),
        Service::SickNoteRenewal => Ok(case::Service::SickNote),
        Service::Certificate => Ok(case::Service::Certificate),
        Service::Collegial | Service::Payment | Service::TestResults => {
            Err(Unable::not_offered("the vendor has no such service"))
        }
    }
}

#[async_trait]
impl Stage for Surgery {
    async fn received(&self, dialog: &str) -> Done<Received> {
        let case = self.case(dialog)?;
        let messages = || case.messages.iter().filter(|message| message.from_patient);
        Ok(Received {
            texts: messages().map(|message| message.text.clone()).collect(),
            files: messages().flat_map(|message| message.files.iter().map(|(_, file)| file.content.clone())).collect(),
            medicines: self.lines(dialog)?.into_iter().map(|line| line.medicine).collect(),
        })
    }

    async fn answer(&self, dialog: &str, answer: Answer) -> Done {
        let answer = match answer {
            Answer::Reply { text, file: with } => {
                besoklegen::Answer::Reply { text, files: with.map(file).into_iter().collect() }
            }
            Answer::Finish { text } => besoklegen::Answer::Finish { text },
            Answer::Decline { text } => besoklegen::Answer::Decline { text },
            Answer::Redirect { to, text } => besoklegen::Answer::Redirect { to: service(to)?, text },
            Answer::Decide { outcomes } => {
                let decision = |(line, outcome): (case::Line, RenewalOutcome)| Decision {
                    line: line.reference,
                    outcome: match outcome {
                        RenewalOutcome::Renewed => Outcome::Renewed,
                        RenewalOutcome::Refused => Outcome::Refused,
                        RenewalOutcome::NeedsConsultation => Outcome::SeeDoctor,
                    },
                    reason: None,
                };
                let decisions = self.lines(dialog)?.into_iter().zip(outcomes).map(decision).collect();
                besoklegen::Answer::Renewal { decisions, text: None }
            }
            Answer::Arrange { .. } => return Err(Unable::not_offered("patients book for themselves")),
            Answer::Certify => besoklegen::Answer::Issue { text: "Her er attesten.".to_owned() },
        };
        self.0.answer(dialog, &answer).map(drop).map_err(Unable::failed)
    }

    async fn writes_first(&self, text: &str, reply_allowed: bool) -> Done {
        let opening = Opening {
            one_way: !reply_allowed,
            subject: Some("Fra legekontoret".to_owned()),
            text: text.to_owned(),
            files: Vec::new(),
        };
        let practice = account(&SOLSIDEN, Solution::Besoklegen)?;
        self.0.open(practice, MARTE.national_id, &opening).map(drop).map_err(Unable::failed)
    }

    async fn takes_slot(&self, slot: &str) -> Done {
        self.0.take_slot(account(&SOLSIDEN, Solution::Besoklegen)?, slot).map_err(Unable::failed)
    }

    async fn cancels_appointment(&self, appointment: &str) -> Done {
        self.acts(&BookingAct::Cancel { booking: appointment.to_owned() })
    }

    async fn reminds(&self, appointment: &str) -> Done {
        self.acts(&BookingAct::Remind { booking: appointment.to_owned() })
    }

    fn form(&self, service: Service) -> Option<Value> {
        (service == Service::Certificate).then(|| {
            json!({
                "classes": ["B"], "glasses": true, "diabetes": false, "epilepsy": false, "heart": false,
                "consciousness": false, "medicines": "Ingen",
            })
        })
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
