//! Read marks: what the citizen has seen, told to the providers that can take it. In the background and at least once;
//! given up after a day, with a line for the operator and nothing for the citizen, who is not asked to wait for it.

use std::time::Duration;

use dialog_contract::{
    action::Action,
    ids::MessageId,
    provider::{Failure, Interface},
    service::Sent,
};
use jiff::{Timestamp, ToSpan as _};
use uuid::Uuid;

use super::{
    Desk,
    calls::Subject,
    settling::pause,
    trail::{Trail, Unsettled},
};
use crate::{
    answer::{Refusal, Reply},
    ports::{providers::Target, store::StoreError},
    record::{StoredDialog, StoredMark, StoredRepresentative},
    request::Request,
    shelf::Step,
};

/// Hours for which a read mark is tried: what was read yesterday no longer helps who waits for it.
const HOURS: i64 = 24;

/// Read marks of one request, of the newest messages: a dialog with more that nobody opened is a backlog, and who reads
/// its end has read it.
const AT_ONCE: usize = 50;

/// Time that a provider has to take one.
const CALL_TIME: Duration = Duration::from_secs(5);

/// What becomes of one.
enum Fate {
    /// The provider has it.
    Told,
    /// The provider does not want it.
    Refused,
    /// It is tried again then.
    Again(Timestamp),
}

impl Desk {
    /// Writes into `step` that the dialog's provider is to be told what was just opened, where it can take that.
    pub(crate) fn owe_marks(
        &self,
        step: &mut Step,
        record: &StoredDialog,
        representative: Option<StoredRepresentative>,
        request: &Request,
        opened: &[MessageId],
    ) -> Result<(), StoreError> {
        let installed = self.providers.installed(&record.plugin);
        if !installed.is_some_and(|found| found.serves(Interface::ReadMarks)) || record.reference.is_none() {
            return Ok(());
        }
        let now = self.now();
        let known = record.known_as.iter().filter(|known| opened.contains(&known.message));
        for known in known.rev().take(AT_ONCE) {
            let mark = StoredMark {
                citizen: record.citizen,
                dialog: record.dialog.id,
                representative,
                message: known.id.clone(),
                attempts: 0,
                due: now,
                give_up: now.checked_add(HOURS.hours()).unwrap_or(Timestamp::MAX),
                locale: request.locale,
                request: request.id,
                trace_id: request.trace_id.clone(),
            };
            step.mark(None, Uuid::now_v7(), &mark)?;
        }
        Ok(())
    }

    /// Tells a provider of a read mark that is due.
    pub(crate) async fn take_up_mark(&self, id: Uuid) -> Result<(), StoreError> {
        let Some((revision, mark)) = self.shelf.mark(id).await? else { return Ok(()) };
        let now = self.now();
        if mark.due > now {
            // Somebody else has taken it up since.
            return Ok(());
        }
        let record = self.shelf.dialog(mark.dialog).await?.map(|draft| draft.record);
        let takes = |record: &StoredDialog| {
            let installed = self.providers.installed(&record.plugin);
            installed.is_some_and(|found| found.serves(Interface::ReadMarks))
        };
        let alive = record.filter(|record| now < mark.give_up && takes(record));
        let Some((record, reference)) = alive.and_then(|record| record.reference.clone().map(|named| (record, named)))
        else {
            tracing::info!(dialog = %mark.dialog, attempts = mark.attempts, "a read mark was given up");
            let mut step = Step::default();
            step.mark_done(revision, id, &mark);
            return match self.shelf.commit(step).await {
                Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
                Err(error) => Err(error),
            };
        };
        let mut trail = self.trail_of_mark(&record, &mark).await?;
        let held = StoredMark { attempts: mark.attempts + 1, due: self.lease(), ..mark.clone() };
        let mut step = Step::default();
        step.mark(Some((revision, &mark)), id, &held)?;
        match self.commit_with_intent(step, &trail).await {
            Ok(()) => {}
            Err(Unsettled::Store(error)) => return Err(error),
            // Somebody else has it, or the lease brings it back.
            Err(Unsettled::Conflict | Unsettled::NoEvidence) => return Ok(()),
        }
        let answer = self.tell_mark(&record, reference, &held, id, &mut trail).await;
        self.settle_mark(id, answer, &mut trail).await
    }

    async fn trail_of_mark(&self, record: &StoredDialog, mark: &StoredMark) -> Result<Trail, StoreError> {
        let mut trail = self.trail_of_gateway(Action::DialogSeen, mark.request, &mark.trace_id, mark.locale);
        self.name_citizen(&mut trail, mark.citizen).await?;
        trail.office(record.dialog.office.her_id);
        trail.service(record.dialog.service);
        trail.dialog(mark.dialog);
        trail.plugin(&record.plugin);
        Ok(trail)
    }

    async fn tell_mark(
        &self,
        record: &StoredDialog,
        reference: String,
        mark: &StoredMark,
        id: Uuid,
        trail: &mut Trail,
    ) -> Result<(), Failure> {
        let key = id.to_string();
        let subject = Subject {
            plugin: &record.plugin,
            office: record.dialog.office.her_id,
            service: record.dialog.service,
            citizen: mark.citizen,
            representative: mark.representative,
            clinician: record.dialog.clinician.as_ref(),
            locale: mark.locale,
            key: &key,
        };
        let context = self.context(subject).await?;
        let target = Target { plugin: record.plugin.clone(), attempt: mark.attempts, time_left: CALL_TIME };
        let called = self.providers.mark_seen(target, context, reference, mark.message.clone()).await;
        trail.call(called.record);
        called.answer
    }

    async fn settle_mark(&self, id: Uuid, answer: Result<(), Failure>, trail: &mut Trail) -> Result<(), StoreError> {
        let Some((revision, mark)) = self.shelf.mark(id).await? else { return Ok(()) };
        let fate = match &answer {
            Ok(()) => Fate::Told,
            Err(Failure::Unavailable(outage)) => Fate::Again(self.again(&mark, outage.retry_after)),
            Err(Failure::Faulty(_)) => Fate::Again(self.again(&mark, None)),
            Err(_) => Fate::Refused,
        };
        let mut step = Step::default();
        match fate {
            Fate::Told | Fate::Refused => step.mark_done(revision, id, &mark),
            Fate::Again(due) => step.mark(Some((revision, &mark)), id, &StoredMark { due, ..mark.clone() })?,
        }
        let reply = Reply { status: 204, body: bytes::Bytes::new(), etag: None, location: None };
        let ended = match &answer {
            Ok(()) => Ok(()),
            Err(failure) => {
                let refusal = Refusal::of_failure(failure, mark.locale);
                let body = trail.problem(&refusal);
                Err((refusal, body))
            }
        };
        let outcome = match &ended {
            Ok(()) => Ok((&reply, Some(Sent::Yes))),
            Err((refusal, body)) => Err((refusal, &body[..])),
        };
        match self.commit_with_outcome(step, trail, outcome).await {
            // The lease brings back what could not be settled.
            Ok(_) | Err(Unsettled::Conflict | Unsettled::NoEvidence) => Ok(()),
            Err(Unsettled::Store(error)) => Err(error),
        }
    }

    fn again(&self, mark: &StoredMark, retry_after: Option<u32>) -> Timestamp {
        self.now().checked_add(pause(mark.attempts, retry_after)).unwrap_or(mark.give_up)
    }
}
