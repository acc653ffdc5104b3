//! What is due: calls that wait for a provider to come back, and calls whose maker has died. One path for both, so
//! that the repair after a crash is exercised every day.

use std::time::Duration;

use bytes::Bytes;
use dialog_contract::{
    action::Action,
    ids::DialogId,
    provider::{Failure, Fault, Outage},
    service::Sent,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Desk,
    settling::Came,
    trail::{Trail, Unsettled},
};
use crate::{
    keys,
    ports::store::{Batch, StoreError},
    record::{self, CallKind, CallState, StoredDialog, Work},
    shelf::Step,
};

/// Entries that one run takes up. A run is short so that what becomes due meanwhile is not kept waiting.
const AT_ONCE: usize = 256;

/// Calls that a run makes side by side: half of what the host lets a plugin have, so that one that hangs neither holds
/// up the others' turn for long nor leaves no room for the citizens who are waiting for it.
const SIDE_BY_SIDE: usize = 32;

/// Time that a call from here may take; no citizen waits for it.
const CALL_TIME: Duration = Duration::from_secs(15);

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkDone {
    /// Entries that were due.
    pub due: usize,
    /// There were more than one run takes up: run again at once.
    pub more: bool,
}

/// Whether a call is taken for dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dead {
    /// When its lease is over.
    ByLease,
    /// In any case: this process has made no call yet.
    All,
}

impl Desk {
    /// Settles what the process that ran before left unfinished: its calls are repeated under the same idempotency key
    /// where the provider promises to recognise it, else they are said to be uncertain. Called once at start, before
    /// any listener.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn recover(&self) -> Result<WorkDone, StoreError> {
        let (mut from, mut done) = (keys::all_work(), WorkDone::default());
        loop {
            let range = crate::ports::store::Range { from, ..keys::all(keys::all_work(), AT_ONCE) };
            let entries = self.shelf.store.scan(range).await?;
            let Some(last) = entries.last().map(|entry| entry.key.clone()) else { return Ok(done) };
            let mut left = Vec::new();
            for entry in entries {
                let work: Work = record::decode("what is due", &entry.versioned.value)?;
                // Read marks wait for nobody, and have their time.
                if !matches!(work, Work::Dialog { running: false, .. } | Work::Mark) {
                    left.push((entry.key, work));
                }
            }
            done.due += left.len();
            self.take_up(left, Dead::All).await;
            from = super::reading::after(&[&last]);
        }
    }

    /// Tries again what is due. Call it every second or so, and again at once while there is more.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn run_due_work(&self, now: Timestamp) -> Result<WorkDone, StoreError> {
        let entries = self.shelf.store.scan(keys::until(keys::all_work(), now, AT_ONCE)).await?;
        let done = WorkDone { due: entries.len(), more: entries.len() == AT_ONCE };
        let mut due = Vec::with_capacity(entries.len());
        for entry in entries {
            due.push((entry.key, record::decode("what is due", &entry.versioned.value)?));
        }
        self.take_up(due, Dead::ByLease).await;
        if let Err(error) = self.shelf.answer_times.keep(&*self.shelf.store, now).await {
            tracing::warn!(%error, "how soon offices answer could not be written; the next run does");
        }
        Ok(done)
    }

    async fn take_up(&self, due: Vec<(Bytes, Work)>, dead: Dead) {
        let due = due.into_iter().filter_map(|(key, work)| Some((keys::subject_of_work(&key)?, key, work)));
        let tasks = stream::iter(due).map(|(subject, key, work)| {
            let desk = self.clone();
            // A task of its own: a shutdown that drops the run does not tear a step apart.
            tokio::spawn(async move {
                let ended = async {
                    let is_there = match work {
                        Work::Dialog { .. } => desk.shelf.dialog(DialogId::from(subject)).await?.is_some(),
                        Work::Operation => desk.shelf.operation(subject).await?.is_some(),
                        Work::Mark => desk.shelf.mark(subject).await?.is_some(),
                    };
                    match work {
                        // What is due goes with what it is due for, in one step; unless that went with its citizen's
                        // key. It would be looked for every second, for ever.
                        _ if !is_there => desk.forget_work(key, work, subject).await,
                        Work::Dialog { .. } => desk.take_up_dialog(DialogId::from(subject), dead).await,
                        Work::Operation => desk.take_up_operation(subject, dead == Dead::All).await,
                        Work::Mark => desk.take_up_mark(subject).await,
                    }
                }
                .await;
                if let Err(error) = ended {
                    tracing::error!(%error, %subject, "what is due could not be taken up; it stays due");
                }
            })
        });
        tasks.buffer_unordered(SIDE_BY_SIDE).for_each(|_| async {}).await;
    }

    /// Removes what is due for a dialog, an operation or a read mark that is not there.
    async fn forget_work(&self, key: Bytes, work: Work, subject: Uuid) -> Result<(), StoreError> {
        let due_for = match work {
            Work::Dialog { .. } => keys::dialog(DialogId::from(subject)),
            Work::Operation => keys::operation(subject),
            Work::Mark => keys::mark(subject),
        };
        let mut batch = Batch::default();
        batch.require_absent(due_for).delete(key);
        match self.shelf.store.commit(batch).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn take_up_dialog(&self, id: DialogId, dead: Dead) -> Result<(), StoreError> {
        let Some(mut draft) = self.shelf.dialog(id).await? else { return Ok(()) };
        let Some(call) = draft.record.calls.front().cloned() else { return Ok(()) };
        let now = self.now();
        let crashed = match call.state {
            CallState::Running { lease } if dead == Dead::All || lease <= now => true,
            CallState::Waiting { next } if next <= now => false,
            // Somebody else has taken it up since.
            _ => return Ok(()),
        };
        let mut trail = self.trail_of_dialog(&draft.record, &call).await?;
        let idempotent = self.providers.installed(&draft.record.plugin).is_some_and(|found| found.idempotent);
        if crashed && !idempotent {
            let detail = "the gateway stopped while the call was under way".into();
            let fault = Failure::Faulty(Fault { sent: Sent::Unknown, detail });
            trail.detail("repair", "uncertain");
            let ended = self.settle(id, &call.key, &Came::Called(Err(fault)), &mut trail).await;
            self.conclude_unasked(&trail, ended).await;
            return Ok(());
        }
        if now >= call.give_up {
            let detail = "the deadline has passed".into();
            let outage = Failure::Unavailable(Outage { retry_after: None, sent: Sent::No, detail });
            let ended = self.settle(id, &call.key, &Came::Called(Err(outage)), &mut trail).await;
            self.conclude_unasked(&trail, ended).await;
            return Ok(());
        }
        if crashed {
            trail.detail("repair", "repeated");
        }
        if let Some(first) = draft.record.calls.front_mut() {
            first.attempts += 1;
            first.maybe_sent |= crashed;
            first.state = CallState::Running { lease: self.lease() };
        }
        let mut step = Step::default();
        let record = step.dialog(draft, now)?;
        match self.commit_with_intent(step, &trail).await {
            Ok(()) => {
                let ended = self.make_first(&record, CALL_TIME, &mut trail).await;
                self.conclude_unasked(&trail, ended).await;
            }
            Err(Unsettled::Conflict) => {}
            Err(Unsettled::Store(error)) => return Err(error),
            // The lease brings it back.
            Err(Unsettled::NoEvidence) => {}
        }
        Ok(())
    }

    async fn trail_of_dialog(&self, record: &StoredDialog, call: &record::Call) -> Result<Trail, StoreError> {
        let action = match (&call.kind, call.by.is_some()) {
            (CallKind::Open, false) => Action::DialogOpen,
            (CallKind::Send { .. }, false) => Action::DialogSend,
            (CallKind::Close, false) => Action::DialogClose,
            (CallKind::Open, true) => Action::CollegialOpen,
            (CallKind::Send { .. }, true) => Action::CollegialSend,
            (CallKind::Close, true) => Action::CollegialClose,
        };
        let mut trail = self.trail_of_gateway(action, call.request, &call.trace_id, record.locale);
        self.name_citizen(&mut trail, record.citizen).await?;
        trail.office(record.dialog.office.her_id);
        trail.service(record.dialog.service);
        trail.dialog(record.dialog.id);
        trail.plugin(&record.plugin);
        Ok(trail)
    }
}
