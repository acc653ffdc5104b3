//! What Kry's clinicians do.

use std::sync::Arc;

use async_trait::async_trait;
use dialog_conformance::{Answer, Done, File, Meeting, Moment, Received, Stage, Topic, Trouble, Unable};
use dialog_contract::service::Service;

use super::{Trial, helserespons::local, reachable, spoil};
use crate::sim::{
    kry::{self, BookingAct, KrySim, MeetingAct, Opening, Visit},
    world::{KRY, LEILA, SIGNE},
};

/// The trial at the vendor's own office.
#[must_use]
pub fn trial(sim: &KrySim) -> Trial {
    // The checks know no vendor's form: what they open has none. That the form is asked for, the story and the vendor's
    // own tests show.
    sim.switch(|on| on.triage = false);
    Trial {
        office: &KRY,
        citizen: &SIGNE,
        other: &LEILA,
        agreed: vec![
            Topic::Booking,
            Topic::ConsultationText,
            Topic::ConsultationImage,
            Topic::ConsultationVideo,
            Topic::Payment,
        ],
        stage: stage(sim),
    }
}

/// What its clinicians do.
#[must_use]
pub fn stage(sim: &KrySim) -> Arc<dyn Stage> {
    Arc::new(Unit(sim.clone()))
}

struct Unit(KrySim);

impl Unit {
    fn visit(&self, id: &str) -> Done<Visit> {
        let found = self.0.visits().into_iter().find(|visit| visit.id == id);
        found.ok_or_else(|| Unable::failed(format!("no visit {id}")))
    }

    fn acts(&self, act: &BookingAct) -> Done {
        self.0.act(act, None).map(drop).map_err(Unable::failed)
    }
}

fn file(file: File) -> kry::File {
    kry::File { name: file.name, media_type: "image/png".to_owned(), content: file.bytes }
}

#[async_trait]
impl Stage for Unit {
    async fn received(&self, dialog: &str) -> Done<Received> {
        let visit = self.visit(dialog)?;
        let messages = || visit.messages.iter().filter(|message| message.author.is_none());
        Ok(Received {
            texts: messages().map(|message| message.text.clone()).collect(),
            files: messages().flat_map(|message| message.files.iter().map(|(_, file)| file.content.clone())).collect(),
            medicines: Vec::new(),
        })
    }

    async fn answer(&self, dialog: &str, answer: Answer) -> Done {
        let answer = match answer {
            Answer::Reply { text, file: with } => {
                kry::Answer::Reply { text, files: with.map(file).into_iter().collect() }
            }
            Answer::Finish { text } => kry::Answer::Finish { text, specialist: false },
            Answer::Decline { text } => kry::Answer::Decline { text },
            Answer::Redirect { to: Service::Appointment, text } => kry::Answer::Redirect { text },
            Answer::Arrange { start } => kry::Answer::Arrange { begins: local(start)?, text: None },
            Answer::Redirect { .. } | Answer::Decide { .. } | Answer::Certify => {
                return Err(Unable::not_offered("the vendor has no such answer"));
            }
        };
        self.0.answer(dialog, &answer).map(drop).map_err(Unable::failed)
    }

    async fn writes_first(&self, text: &str, reply_allowed: bool) -> Done {
        let subject = Some("Fra Kry".to_owned());
        let opening = Opening { one_way: !reply_allowed, subject, text: text.to_owned(), files: Vec::new() };
        self.0.open(SIGNE.national_id, &opening).map(drop).map_err(Unable::failed)
    }

    async fn meets(&self, dialog: &str, happens: Meeting) -> Done {
        let act = match happens {
            Meeting::Opens => MeetingAct::Open,
            Meeting::ClinicianComes => MeetingAct::Join,
            Meeting::Comes(participant) => MeetingAct::Bring { participant },
            Meeting::Ends => MeetingAct::End,
        };
        self.0.meet(dialog, &act).map(drop).map_err(Unable::failed)
    }

    async fn owes(&self, amount: u64) -> Done {
        self.0.owe(SIGNE.national_id, amount).map_err(Unable::failed)
    }

    async fn takes_slot(&self, slot: &str) -> Done {
        self.0.take_timeslot(slot).map_err(Unable::failed)
    }

    async fn cancels_appointment(&self, appointment: &str) -> Done {
        self.acts(&BookingAct::Cancel { id: appointment.to_owned() })
    }

    async fn reminds(&self, appointment: &str) -> Done {
        self.acts(&BookingAct::Remind { id: appointment.to_owned() })
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
