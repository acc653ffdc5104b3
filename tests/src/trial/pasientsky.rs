//! What people at a clinic of PasientSky do.

use std::sync::Arc;

use async_trait::async_trait;
use dialog_conformance::{Answer, Done, Moment, Received, Stage, Topic, Trouble, Unable};
use dialog_contract::{provider::RenewalOutcome, service::Service};
use serde_json::json;

use super::{Trial, account, reachable, spoil};
use crate::sim::{
    pasientsky::{self, AppointmentAct, Decision, Dialog, File, Kind, Opening, PasientskySim, Report},
    world::{BEKKEFARET, EINAR, KARI, Solution},
};

/// The trial at an office where everything that it has goes through it.
#[must_use]
pub fn trial(sim: &PasientskySim) -> Trial {
    Trial {
        office: &BEKKEFARET,
        citizen: &EINAR,
        other: &KARI,
        agreed: vec![
            Topic::Booking,
            Topic::PrescriptionRenewal,
            Topic::ConsultationText,
            Topic::ConsultationImage,
            Topic::Inquiry,
            Topic::TestResults,
        ],
        stage: Arc::new(Clinic(sim.clone())),
    }
}

struct Clinic(PasientskySim);

impl Clinic {
    fn dialog(&self, reference: &str) -> Done<Dialog> {
        let id = reference.strip_prefix("Task/").unwrap_or(reference);
        let found = self.0.dialogs().into_iter().find(|dialog| dialog.id == id);
        found.ok_or_else(|| Unable::failed(format!("no dialog {reference}")))
    }

    fn clinic(&self) -> Done<&'static str> {
        account(&BEKKEFARET, Solution::Pasientsky)
    }
}

fn service(service: Service) -> Done<pasientsky::Service> {
    match service {
        Service::Consultation => Ok(pasientsky::Service::Consultation),
        Service::Inquiry => Ok(pasientsky::Service::Inquiry),
        Service::PrescriptionRenewal => Ok(pasientsky::Service::Renewal),
        _ => Err(Unable::not_offered("the vendor has no such service")),
    }
}

#[async_trait]
impl Stage for Clinic {
    async fn received(&self, dialog: &str) -> Done<Received> {
        let dialog = self.dialog(dialog)?;
        let texts = dialog.messages.iter().filter(|(patient, _)| *patient).map(|(_, text)| text.clone()).collect();
        let medicines = dialog.items.iter().map(|(_, medicine)| medicine.clone()).collect();
        Ok(Received { texts, files: dialog.files, medicines })
    }

    async fn answer(&self, dialog: &str, answer: Answer) -> Done {
        let dialog = self.dialog(dialog)?;
        let answer = match answer {
            Answer::Reply { text, file } => {
                let with = |file: dialog_conformance::File| File {
                    title: file.name,
                    content_type: "image/png".to_owned(),
                    content: file.bytes,
                };
                pasientsky::Answer::Reply { text, files: file.map(with).into_iter().collect() }
            }
            Answer::Finish { text } => pasientsky::Answer::Finish { text },
            Answer::Decline { text } => pasientsky::Answer::Decline { text },
            Answer::Redirect { to, text } => pasientsky::Answer::Redirect { to: service(to)?, text },
            Answer::Decide { outcomes } => {
                let decision = |((item, _), outcome): (&(String, String), RenewalOutcome)| Decision {
                    item: item.clone(),
                    outcome: match outcome {
                        RenewalOutcome::Renewed => "renewed",
                        RenewalOutcome::Refused => "refused",
                        RenewalOutcome::NeedsConsultation => "needs-consultation",
                    }
                    .to_owned(),
                    reason: None,
                };
                let decisions = dialog.items.iter().zip(outcomes).map(decision).collect();
                pasientsky::Answer::Renewal { decisions, text: None }
            }
            Answer::Arrange { .. } => return Err(Unable::not_offered("the vendor takes no written wishes")),
            Answer::Certify => return Err(Unable::not_offered("the vendor issues no certificates")),
        };
        self.0.answer(&dialog.id, &answer).map_err(Unable::failed)
    }

    async fn writes_first(&self, text: &str, reply_allowed: bool) -> Done {
        let opening = Opening {
            service: pasientsky::Service::Inquiry,
            one_way: !reply_allowed,
            topic: Some("Fra legekontoret".to_owned()),
            text: text.to_owned(),
        };
        self.0.open(self.clinic()?, EINAR.national_id, &opening).map(drop).map_err(Unable::failed)
    }

    async fn tells_results(&self, words: &str, name: &str, answer: &str) -> Done {
        let finding = json!({ "code": { "text": name }, "valueString": answer });
        let report = Report { topic: "Prøvesvar".to_owned(), text: words.to_owned(), findings: vec![finding] };
        let clinic = account(&BEKKEFARET, Solution::Pasientsky)?;
        self.0.report(clinic, EINAR.national_id, &report).map(drop).map_err(Unable::failed)
    }

    async fn knows_read(&self, message: &str) -> Done<bool> {
        let all = self.0.records(Kind::Communication);
        let found = all.iter().find(|one| one.reference() == message);
        let found = found.ok_or_else(|| Unable::failed(format!("no message {message}")))?;
        Ok(found.text("/received").is_some())
    }

    async fn asks(&self) -> Done {
        self.0.ask(self.clinic()?).map_err(Unable::failed)
    }

    async fn takes_slot(&self, slot: &str) -> Done {
        self.0.take_slot(slot).map_err(Unable::failed)
    }

    async fn cancels_appointment(&self, appointment: &str) -> Done {
        let act = AppointmentAct::Cancel { id: appointment.to_owned(), text: None };
        self.0.act(self.clinic()?, &act).map(drop).map_err(Unable::failed)
    }

    async fn reminds(&self, _: &str) -> Done {
        Err(Unable::not_offered("the vendor leaves reminders to the portal"))
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
