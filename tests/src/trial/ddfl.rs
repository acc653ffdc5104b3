//! What people at an office with the public solution do, on Infodoc Plenario.

use std::sync::Arc;

use async_trait::async_trait;
use dialog_conformance::{Answer, Done, File, Moment, Received, Stage, Topic, Trouble, Unable};
use dialog_contract::{provider::RenewalOutcome, service::Service};

use super::{Trial, helserespons::local, reachable, spoil};
use crate::sim::{
    meldingstjener::{
        self, Attachment, Decision, MeldingstjenerSim, NationalId, Notice, Opening, Person, Question, Request,
    },
    world::{FJELLVEIEN, KARI, LILLETORGET, NORA},
};

/// The trial at an office where everything goes through it.
#[must_use]
pub fn trial(sim: &MeldingstjenerSim) -> Trial {
    Trial {
        office: &FJELLVEIEN,
        citizen: &KARI,
        other: &NORA,
        agreed: vec![
            Topic::Booking,
            Topic::AppointmentRequest,
            Topic::PrescriptionRenewal,
            Topic::ConsultationText,
            Topic::ConsultationImage,
            Topic::Inquiry,
            Topic::Certificate,
            Topic::Collegial,
        ],
        stage: Arc::new(Surgery(sim.clone())),
    }
}

struct Surgery(MeldingstjenerSim);

impl Surgery {
    /// The messages of a dialog.
    fn messages(&self, conversation: &str) -> Vec<Request> {
        self.0.requests().into_iter().filter(|request| request.conversation == conversation).collect()
    }

    /// The latest message of the citizen's that waits for an answer.
    fn answers(&self, conversation: &str, answer: &meldingstjener::Answer) -> Done {
        let open = self.messages(conversation).into_iter().rev().find(|request| !request.answered);
        let request = open.ok_or_else(|| Unable::failed("no message waits in this dialog"))?;
        match self.0.answer(&request.message.msg_id, answer) {
            Err(meldingstjener::SimError::WrongAnswer { answer, code }) => {
                Err(Unable::not_offered(format!("the guide has no {answer} to {code}")))
            }
            other => other.map(drop).map_err(Unable::failed),
        }
    }
}

fn attachment(file: File) -> Attachment {
    Attachment { mime_type: "image/png".to_owned(), description: file.name, content: file.bytes }
}

#[async_trait]
impl Stage for Surgery {
    async fn received(&self, dialog: &str) -> Done<Received> {
        let messages = self.messages(dialog);
        Ok(Received {
            texts: messages.iter().filter_map(|request| request.message.text.clone()).collect(),
            files: messages
                .iter()
                .flat_map(|request| request.message.attachments.iter().map(|file| file.content.clone()))
                .collect(),
            // In free text the medicines are named in the text.
            medicines: messages.iter().filter_map(|request| request.message.text.clone()).collect(),
        })
    }

    async fn answer(&self, dialog: &str, answer: Answer) -> Done {
        let answer = match answer {
            Answer::Reply { text, file } => {
                meldingstjener::Answer::Reply { text, attachments: file.map(attachment).into_iter().collect() }
            }
            Answer::Finish { text } => meldingstjener::Answer::Close { text: Some(text) },
            Answer::Decline { text } => meldingstjener::Answer::Reject { text: Some(text) },
            Answer::Redirect { to: Service::Consultation, text } => {
                meldingstjener::Answer::AdviseConsultation { text: Some(text) }
            }
            Answer::Redirect { .. } => return Err(Unable::not_offered("the guide knows no other redirection")),
            Answer::Decide { outcomes } => {
                if outcomes.contains(&RenewalOutcome::NeedsConsultation) {
                    return Err(Unable::not_offered("the guide has no such decision"));
                }
                let named = self.messages(dialog).into_iter().find_map(|request| request.message.text);
                let text = named.unwrap_or_default();
                let medicines = MEDICINES.iter().filter(|name| text.contains(**name));
                let decision = |(name, outcome): (&&str, RenewalOutcome)| Decision {
                    item: (*name).to_owned(),
                    renewed: outcome == RenewalOutcome::Renewed,
                    note: None,
                };
                meldingstjener::Answer::Renewal {
                    decisions: medicines.zip(outcomes).map(decision).collect(),
                    text: None,
                }
            }
            Answer::Arrange { start } => {
                meldingstjener::Answer::Appointment { start: local(start)?, gp: None, text: None }
            }
            Answer::Certify => meldingstjener::Answer::CertificateIssued { text: None, certificate: None },
        };
        self.answers(dialog, &answer)
    }

    async fn writes_first(&self, text: &str, reply_allowed: bool) -> Done {
        let opening = Opening {
            medical: false,
            one_way: !reply_allowed,
            subject: "Fra legekontoret".to_owned(),
            text: text.to_owned(),
            attachments: Vec::new(),
        };
        self.0.open(&FJELLVEIEN, KARI.national_id, &opening).map(drop).map_err(Unable::failed)
    }

    async fn asks_colleague(&self, text: &str) -> Done {
        let question = Question {
            to: LILLETORGET,
            clinician: None,
            patient: Some(Person {
                given_name: KARI.given_name.to_owned(),
                family_name: KARI.family_name.to_owned(),
                national_id: NationalId::new(KARI.national_id),
            }),
            subject: "Spørsmål".to_owned(),
            text: text.to_owned(),
        };
        self.0.ask_colleague(&FJELLVEIEN, &question).map(drop).map_err(Unable::failed)
    }

    async fn signed(&self, dialog: &str) -> Done<Vec<u32>> {
        let authors = self.messages(dialog).into_iter().filter_map(|request| request.message.author);
        authors.map(|author| author.hpr.parse().map_err(Unable::failed)).collect()
    }

    async fn takes_slot(&self, slot: &str) -> Done {
        // The plugin puts the clinician before the record system's own id.
        let uid = slot.split_once('.').map_or(slot, |(_, uid)| uid);
        self.0.take_slot(&FJELLVEIEN, uid).map_err(Unable::failed)
    }

    async fn cancels_appointment(&self, appointment: &str) -> Done {
        let notice = Notice::Cancelled { appointment: appointment.to_owned() };
        self.0.notice(&FJELLVEIEN, KARI.national_id, &notice).map(drop).map_err(Unable::failed)
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

/// The medicines that the checks ask for in free text, in that order.
const MEDICINES: [&str; 2] = ["Enalapril", "Levaxin"];
