//! What comes of a call to a dialog's provider: the one place that decides whether a dialog is open, queued, refused,
//! uncertain or over, for the request that made the call, for later attempts, and for the repair after a crash.

use dialog_contract::{
    dialog::{ActivityKind, AuthorRole, Message, Status},
    event::EventType,
    ids::{DialogId, MessageId},
    problem::ProblemType,
    provider::{Event, EventBody, Failure},
    service::{Closing, Locale, Sent},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Desk, TRIES,
    calls::Taken,
    trail::{Trail, Unsettled},
};
use crate::{
    answer::{Ended, Refusal, Reply},
    draft::Draft,
    ports::store::StoreError,
    record::{Call, CallKind, CallState, StoredDialog, Use},
    shelf::Step,
    texts,
};

/// First pause between attempts, in seconds: a restart of a provider's service takes about as long.
const FIRST_PAUSE_SECONDS: u64 = 5;

/// Longest pause between attempts, in seconds: a provider that comes back is met within a quarter of an hour.
const LONGEST_PAUSE_SECONDS: u64 = 15 * 60;

/// What came of a call.
#[derive(Debug, Clone)]
pub(crate) enum Came {
    /// The plugin was called.
    Called(Result<Taken, Failure>),
    /// It was not: nothing reached the provider, and nothing is kept of it.
    Never(Refusal),
}

/// What the request that made the call is told.
pub(crate) type Verdict = Result<u16, Refusal>;

impl Desk {
    /// Settles the first call of a dialog, if it still is the one with this key.
    pub(crate) async fn settle(
        &self,
        id: DialogId,
        key: &str,
        came: &Came,
        trail: &mut Trail,
    ) -> Result<Ended, Refusal> {
        let locale = trail.locale;
        let of_store = |error: StoreError| Refusal::of_store(&error, locale).with_sent(sent(came));
        for _ in 0..TRIES {
            let Some(mut draft) = self.shelf.dialog(id).await.map_err(of_store)? else { break };
            let Some(call) = draft.record.calls.front().filter(|call| call.key == key).cloned() else { break };
            draft.traceparent.clone_from(&call.traceparent);
            let (mut step, now) = (Step::default(), self.now());
            // Where the plugin was not even asked, it is not the provider that is away.
            let behind = if trail.called() { self.behind(&draft, &call, came).await.map_err(of_store)? } else { None };
            let verdict = match behind {
                Some(behind) => self.fall_back(&mut draft, &mut step, behind, now).await,
                None => self.judge(&mut draft, &mut step, &call, came, now).await,
            };
            let verdict = verdict.map_err(of_store)?;
            let record = step.dialog(draft, now).map_err(of_store)?;
            let ended = match verdict {
                Ok(status) => Ok(reply(status, &call, &record, locale)?),
                Err(refusal) => {
                    let body = trail.problem(&refusal);
                    Err((refusal, body))
                }
            };
            let by_reference = ended.as_ref().map_err(|(refusal, body)| (refusal, &body[..]));
            if let Some(waiting) = &call.reply {
                self.settle_reply(&mut step, waiting, by_reference).await.map_err(of_store)?;
            }
            let outcome = by_reference.map(|reply| (reply, Some(sent(came))));
            match self.commit_with_outcome(step, trail, outcome).await {
                Ok(receipt) => {
                    if let Came::Called(Ok(taken)) = came {
                        self.sweep(&taken.events).await;
                    }
                    return Ok(match ended {
                        Ok(reply) => Ended::Answered { reply, receipt: Some(receipt), replayed: false },
                        Err((refusal, body)) => {
                            Ended::Refused { refusal, body, receipt: Some(receipt), replayed: false }
                        }
                    });
                }
                Err(Unsettled::Conflict) => {}
                Err(Unsettled::Store(error)) => return Err(of_store(error)),
                Err(Unsettled::NoEvidence) => return Err(Refusal::unavailable(locale).with_sent(sent(came))),
            }
        }
        // Somebody else settled it, or never stops changing the dialog: the lease will tell.
        Err(Refusal::new(ProblemType::Unavailable, texts::still_working(locale)).with_sent(sent(came)))
    }

    /// Files of events that were not taken in are nobody's. A crash before this costs their room.
    async fn sweep(&self, events: &[Event]) {
        if let Err(error) = self.drop_unused(events).await {
            tracing::warn!(%error, "files that no message has could not be removed");
        }
    }

    /// Changes the dialog by what came of its first call.
    async fn judge(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        call: &Call,
        came: &Came,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let answer = match came {
            Came::Called(answer) => answer,
            Came::Never(refusal) => return self.refuse(draft, step, call, refusal.clone(), now).await,
        };
        let locale = draft.record.locale;
        match answer {
            Ok(taken) => self.accept(draft, step, call, taken, now).await,
            Err(failure) => {
                let refusal = Refusal::of_failure(failure, locale);
                let idempotent =
                    || self.providers.installed(&draft.record.plugin).is_some_and(|found| found.idempotent);
                let queued_before = call.attempts > 1 || shown(draft, call);
                match (failure, failure.sent()) {
                    (Failure::Unavailable(outage), Sent::No) => {
                        self.wait(draft, step, call, outage.retry_after, false, now).await
                    }
                    (Failure::Unavailable(outage), _) if idempotent() => {
                        self.wait(draft, step, call, outage.retry_after, true, now).await
                    }
                    // What waits already outlives a provider that answers nonsense, as long as nothing was sent.
                    (Failure::Faulty(_), Sent::No) if queued_before => {
                        self.wait(draft, step, call, None, false, now).await
                    }
                    (Failure::Unavailable(_) | Failure::Faulty(_), Sent::Unknown | Sent::Yes) => {
                        self.doubt(draft, step, call, refusal, now).await
                    }
                    _ => self.refuse(draft, step, call, refusal, now).await,
                }
            }
        }
    }

    async fn accept(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        call: &Call,
        taken: &Taken,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let locale = draft.record.locale;
        draft.record.calls.pop_front();
        let status = match &call.kind {
            CallKind::Open => {
                let reference = taken.reference.clone().unwrap_or_default();
                let known = self.shelf.dialog_by_reference(&draft.record.plugin, &reference).await?;
                if reference.is_empty() || known.is_some_and(|other| other.record.dialog.id != draft.record.dialog.id) {
                    // One citizen's answers would come before another: the provider has it, and cannot be understood.
                    tracing::error!(plugin = %draft.record.plugin, dialog = %draft.record.dialog.id, "the plugin gave a reference that is empty or another dialog's");
                    let detail = texts::provider_faulty(Sent::Yes, locale);
                    let refusal = Refusal::new(ProblemType::ProviderFaulty, detail).with_sent(Sent::Yes);
                    draft.record.calls.push_front(call.clone());
                    return self.doubt(draft, step, call, refusal, now).await;
                }
                draft.record.reference = Some(reference);
                // It will not be sent again: what was large in it need not be kept.
                draft.record.request = draft.record.request.as_ref().map(super::opening::shown);
                if draft.record.visible {
                    draft.news(sent_news(call));
                } else {
                    draft.record.visible = true;
                    draft.news(EventType::DialogOpened);
                }
                draft.activity(now, ActivityKind::Sent { message: None }, texts::sent);
                201
            }
            CallKind::Send { message, shown } => {
                if !shown {
                    draft.message(message.as_ref().clone());
                }
                draft.activity(now, ActivityKind::Sent { message: Some(message.id) }, texts::sent);
                draft.news(sent_news(call));
                201
            }
            CallKind::Close => {
                draft.close(withdrawn(&draft.record), None, None, now);
                200
            }
        };
        if draft.record.calls.is_empty() {
            draft.status(Status::AwaitingOffice, None, now);
        }
        let charges = taken.events.iter().any(|event| matches!(event.body, EventBody::Charged { .. }));
        let specialists = if charges {
            let found = self.specialists(draft.record.dialog.office.her_id).await;
            found.map_err(|error| StoreError::Unavailable(error.to_string()))?
        } else {
            Vec::new()
        };
        self.shelf.apply_all(draft, step, &taken.events, &specialists, now).await?;
        Ok(Ok(status))
    }

    /// The provider cannot take it now: it waits and is tried again, until its deadline.
    async fn wait(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        call: &Call,
        retry_after: Option<u32>,
        maybe_sent: bool,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let locale = draft.record.locale;
        let maybe_sent = call.maybe_sent || maybe_sent;
        let next = now.checked_add(pause(call.attempts, retry_after)).unwrap_or(call.give_up);
        if next >= call.give_up {
            return self.give_up(draft, step, &Call { maybe_sent, ..call.clone() }, now).await;
        }
        if draft.record.closed() && !maybe_sent && !matches!(call.kind, CallKind::Close) {
            // The dialog ended while this was on its way, and nothing was sent: nothing is sent any more.
            let refusal = Refusal::new(ProblemType::DialogClosed, texts::dialog_closed(locale));
            return self.refuse(draft, step, call, refusal, now).await;
        }
        let first = call.attempts <= 1 && !shown(draft, call);
        if let Some(waiting) = draft.record.calls.front_mut() {
            waiting.state = CallState::Waiting { next };
            waiting.maybe_sent = maybe_sent;
            waiting.reply = None;
        }
        let status = match &call.kind {
            CallKind::Open => {
                if !draft.record.visible {
                    draft.record.visible = true;
                    draft.news(EventType::DialogOpened);
                }
                202
            }
            CallKind::Send { message, shown } => {
                if !shown {
                    draft.message(message.as_ref().clone());
                    if let Some(Call { kind: CallKind::Send { shown, .. }, .. }) = draft.record.calls.front_mut() {
                        *shown = true;
                    }
                }
                202
            }
            CallKind::Close => {
                // The citizen is done with it now; the office is told when it can be.
                draft.close(withdrawn(&draft.record), None, None, now);
                return Ok(Ok(200));
            }
        };
        if first || draft.record.dialog.status != Status::Queued {
            let queued = ActivityKind::Queued { message: call.message() };
            draft.activity(now, queued, texts::queued);
            draft.status(Status::Queued, None, now);
        }
        Ok(Ok(status))
    }

    /// A no. What the dialog did not yet show leaves no trace in it; what waited in plain sight is said not to be sent.
    async fn refuse(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        call: &Call,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let locale = draft.record.locale;
        draft.record.calls.pop_front();
        match &call.kind {
            CallKind::Open if !draft.record.visible => {
                self.not_resent(&draft.record, step).await?;
                draft.discarded = true;
            }
            CallKind::Open => {
                not_sent(draft, None, |_| refusal.detail.clone(), now);
                self.drop_rest(draft, step, now).await?;
                draft.close(Closing::Declined, None, Some(refusal.detail.clone()), now);
            }
            CallKind::Send { shown: false, .. } => self.release(step, call.unshown_attachments()).await?,
            CallKind::Send { message, .. } => {
                not_sent(draft, Some(message.id), |_| refusal.detail.clone(), now);
                if draft.record.calls.is_empty() {
                    draft.status(Status::AwaitingCitizen, None, now);
                }
            }
            CallKind::Close if refusal.problem == ProblemType::NotFound => {
                // The provider has no such dialog any more: it is as closed as it can be.
                draft.close(withdrawn(&draft.record), None, None, now);
                return Ok(Ok(200));
            }
            CallKind::Close => {}
        }
        tracing::info!(dialog = %draft.record.dialog.id, problem = refusal.problem.name(), locale = %locale, "a call was refused");
        Ok(Err(refusal))
    }

    /// Nobody knows whether the provider has it, and asking again might do it twice.
    async fn doubt(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        call: &Call,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let locale = draft.record.locale;
        draft.record.calls.pop_front();
        match &call.kind {
            CallKind::Open => {
                if !draft.record.visible {
                    draft.record.visible = true;
                    draft.news(EventType::DialogOpened);
                }
                self.drop_rest(draft, step, now).await?;
            }
            CallKind::Send { message, shown: false } => draft.message(message.as_ref().clone()),
            CallKind::Send { .. } => {}
            // A closing is no message: the dialog stays as it is, and the citizen may ask again.
            CallKind::Close => return Ok(Err(refusal)),
        }
        let kind = ActivityKind::Uncertain { message: call.message() };
        draft.activity(now, kind, texts::uncertain);
        draft.status(Status::Uncertain, None, now);
        draft.news(EventType::MessageNotSent);
        Ok(Err(Refusal { detail: texts::uncertain(locale).into(), ..refusal }))
    }

    /// The deadline has passed while the provider could not be reached.
    async fn give_up(
        &self,
        draft: &mut Draft,
        step: &mut Step,
        call: &Call,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let locale = draft.record.locale;
        let refusal = Refusal::new(ProblemType::ProviderUnavailable, texts::gave_up(locale));
        if call.maybe_sent && !matches!(call.kind, CallKind::Close) {
            return self.doubt(draft, step, call, refusal.with_sent(Sent::Unknown), now).await;
        }
        draft.record.calls.pop_front();
        match &call.kind {
            CallKind::Open => {
                if !draft.record.visible {
                    draft.record.visible = true;
                    draft.news(EventType::DialogOpened);
                }
                not_sent(draft, None, texts::gave_up, now);
                self.drop_rest(draft, step, now).await?;
                draft.close(Closing::Expired, None, None, now);
            }
            CallKind::Send { message, shown } => {
                if !shown {
                    draft.message(message.as_ref().clone());
                }
                not_sent(draft, Some(message.id), texts::gave_up, now);
                if draft.record.calls.is_empty() {
                    draft.status(Status::AwaitingCitizen, None, now);
                }
            }
            CallKind::Close => {
                tracing::warn!(dialog = %draft.record.dialog.id, plugin = %draft.record.plugin, "the provider was never told that the dialog is closed");
            }
        }
        Ok(Err(refusal))
    }

    /// What waited behind an opening that will not be sent will not be sent either.
    async fn drop_rest(&self, draft: &mut Draft, step: &mut Step, now: Timestamp) -> Result<(), StoreError> {
        for call in std::mem::take(&mut draft.record.calls) {
            match &call.kind {
                CallKind::Send { message, shown: true } => {
                    not_sent(draft, Some(message.id), texts::not_sent, now);
                }
                _ => self.release(step, call.unshown_attachments()).await?,
            }
        }
        Ok(())
    }

    /// Lets attachments of a message that is not kept be used again.
    pub(crate) async fn release(
        &self,
        step: &mut Step,
        files: Vec<dialog_contract::ids::AttachmentId>,
    ) -> Result<(), StoreError> {
        for id in files {
            if let Some((revision, stored)) = self.shelf.attachment(id).await? {
                step.attachment(Some(revision), stored, Use::Unused)?;
            }
        }
        Ok(())
    }
}

/// How a dialog ends when the citizen closes it: what was answered stays answered.
pub(crate) fn withdrawn(record: &StoredDialog) -> Closing {
    let answered = record.dialog.messages.iter().any(|message| message.author.role == AuthorRole::Office);
    if answered { Closing::Answered } else { Closing::Withdrawn }
}

/// What the citizen hears of what was sent: what a clinician wrote is no message of theirs.
const fn sent_news(call: &Call) -> EventType {
    if call.by.is_some() { EventType::DialogUpdated } else { EventType::MessageSent }
}

fn shown(draft: &Draft, call: &Call) -> bool {
    match &call.kind {
        CallKind::Open => draft.record.visible,
        CallKind::Send { shown, .. } => *shown,
        CallKind::Close => draft.record.closed(),
    }
}

pub(crate) fn not_sent<T: Into<String>>(
    draft: &mut Draft,
    message: Option<MessageId>,
    why: impl Fn(Locale) -> T,
    now: Timestamp,
) {
    draft.activity(now, ActivityKind::NotSent { message }, why);
    // Of a clinician's message the clinician is told.
    let written = |one: &Message| Some(one.id) == message && one.author.role == AuthorRole::Clinician;
    if !draft.record.dialog.messages.iter().any(written) {
        draft.news(EventType::MessageNotSent);
    }
}

fn sent(came: &Came) -> Sent {
    match came {
        Came::Called(Ok(_)) => Sent::Yes,
        Came::Called(Err(failure)) => failure.sent(),
        Came::Never(_) => Sent::No,
    }
}

pub(crate) fn reply(status: u16, call: &Call, record: &StoredDialog, locale: Locale) -> Result<Reply, Refusal> {
    let id = record.dialog.id;
    let (place, reply) = match record.dialog.between.as_ref().filter(|_| call.by.is_some()) {
        Some(between) => {
            let place = format!("/v1/offices/{}/collegial-dialogs/{id}", between.office.her_id);
            (place, Reply::json(status, &record.in_language(locale))?)
        }
        None => (format!("/v1/me/dialogs/{id}"), Reply::json(status, &record.for_citizen(locale))?),
    };
    let location = matches!(call.kind, CallKind::Open).then_some(place);
    Ok(Reply { etag: Some(record.dialog.revision), location, ..reply })
}

/// How long to wait before the next attempt: doubling, with half of it left to chance so that what failed together
/// does not come back together, and never before the provider asks for it.
pub(crate) fn pause(attempts: u32, retry_after: Option<u32>) -> SignedDuration {
    let doubled = FIRST_PAUSE_SECONDS.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let milliseconds = doubled.min(LONGEST_PAUSE_SECONDS) * 1000;
    let jittered = milliseconds / 2 + rand::random_range(0..=milliseconds / 2);
    // A provider cannot push itself out of the deadline.
    let asked = u64::from(retry_after.unwrap_or(0)).min(4 * LONGEST_PAUSE_SECONDS) * 1000;
    SignedDuration::from_millis(i64::try_from(jittered.max(asked)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_grow_from_seconds_to_a_quarter_of_an_hour(attempts in 1_u32..100_000) {
            let pause = pause(attempts, None).as_millis();
            prop_assert!((2_500..=900_000).contains(&pause));
            if attempts > 9 {
                prop_assert!(pause >= 450_000);
            }
        }

        #[test]
        fn a_provider_that_asks_for_time_gets_it_up_to_an_hour(attempts in 1_u32..20, seconds in 0_u32..1_000_000) {
            let pause = pause(attempts, Some(seconds)).as_millis();
            prop_assert!(pause >= i128::from(seconds.min(3600)) * 1000);
            prop_assert!(pause <= 3_600_000);
        }
    }
}
