//! What people at a practice with CGM e-portal do.

use std::sync::Arc;

use async_trait::async_trait;
use dialog_conformance::{Answer, Done, File, Moment, Received, Stage, Topic, Trouble, Unable};
use dialog_contract::{provider::RenewalOutcome, service::Service};

use super::{Trial, account, reachable, spoil};
use crate::sim::{
    cgm_eportal::{self, Alternative, CgmEportalSim, Decision, Document, Item, Opening, Thread, ThreadKind, Verdict},
    world::{KARI, SKOGBRYNET, SOLVEIG, Solution},
};

/// The trial at the office that uses it.
#[must_use]
pub fn trial(sim: &CgmEportalSim) -> Trial {
    Trial {
        office: &SKOGBRYNET,
        citizen: &SOLVEIG,
        other: &KARI,
        agreed: vec![Topic::PrescriptionRenewal, Topic::Inquiry, Topic::Certificate, Topic::SickNoteRenewal],
        stage: Arc::new(Practice(sim.clone())),
    }
}

struct Practice(CgmEportalSim);

impl Practice {
    fn thread(&self, id: &str) -> Done<Thread> {
        let found = self.0.threads().into_iter().find(|thread| thread.id == id);
        found.ok_or_else(|| Unable::failed(format!("no thread {id}")))
    }
}

fn document(file: File) -> Document {
    Document { name: file.name, media_type: "image/png".to_owned(), content: file.bytes }
}

fn alternative(service: Service) -> Done<Alternative> {
    match service {
        Service::Inquiry => Ok(Alternative::Inquiry),
        Service::PrescriptionRenewal => Ok(Alternative::Renewal),
        Service::Certificate => Ok(Alternative::Certificate),
        Service::Consultation => Ok(Alternative::Consultation),
        Service::Appointment => Ok(Alternative::Appointment),
        Service::SickNoteRenewal => Ok(Alternative::SickNote),
        _ => Err(Unable::not_offered("the vendor sends nobody there")),
    }
}

fn decision((item, outcome): (&Item, RenewalOutcome)) -> Decision {
    let verdict = match outcome {
        RenewalOutcome::Renewed => Verdict::Renewed,
        RenewalOutcome::Refused => Verdict::Refused,
        RenewalOutcome::NeedsConsultation => Verdict::ContactFirst,
    };
    Decision { item: item.key.clone(), verdict, comment: None }
}

#[async_trait]
impl Stage for Practice {
    async fn received(&self, dialog: &str) -> Done<Received> {
        let thread = self.thread(dialog)?;
        let posts = || thread.posts.iter().filter(|post| post.portal_message.is_some());
        Ok(Received {
            texts: posts().map(|post| post.text.clone()).collect(),
            files: posts().flat_map(|post| post.documents.iter().map(|(_, one)| one.content.clone())).collect(),
            medicines: thread.items.iter().map(|item| item.name.clone()).collect(),
        })
    }

    async fn answer(&self, dialog: &str, answer: Answer) -> Done {
        let answer = match answer {
            Answer::Reply { text, file } => {
                cgm_eportal::Answer::Reply { text, documents: file.map(document).into_iter().collect() }
            }
            Answer::Finish { text } => cgm_eportal::Answer::Finish { text },
            Answer::Decline { text } => cgm_eportal::Answer::Decline { text },
            Answer::Redirect { to, text } => cgm_eportal::Answer::Redirect { to: alternative(to)?, text },
            Answer::Decide { outcomes } => {
                let items = self.thread(dialog)?.items;
                let decisions = items.iter().zip(outcomes).map(decision).collect();
                cgm_eportal::Answer::Renewal { decisions, text: None }
            }
            Answer::Certify => cgm_eportal::Answer::Certificate { text: "Her er attesten.".to_owned() },
            Answer::Arrange { .. } => return Err(Unable::not_offered("the vendor gives no times")),
        };
        self.0.answer(dialog, &answer).map(drop).map_err(Unable::failed)
    }

    async fn writes_first(&self, text: &str, reply_allowed: bool) -> Done {
        let opening = Opening {
            patient: SOLVEIG.national_id.to_owned(),
            kind: reply_allowed.then_some(ThreadKind::Inquiry),
            title: Some("Fra legekontoret".to_owned()),
            text: text.to_owned(),
            documents: Vec::new(),
        };
        let practice = account(&SKOGBRYNET, Solution::CgmEportal)?;
        self.0.open(practice, &opening).map(drop).map_err(Unable::failed)
    }

    async fn asks(&self) -> Done {
        self.0.ask_again(account(&SKOGBRYNET, Solution::CgmEportal)?).map_err(Unable::failed)
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
