//! Idempotency: one key, one request, done once. What was answered is answered again; what was never begun may be
//! tried again under the same key.

use dialog_contract::{
    limits::Limits,
    problem::{Problem, ProblemType},
    service::{Locale, Sent},
};
use jiff::{Timestamp, ToSpan as _};

use super::Desk;
use crate::{
    answer::{Ended, Refusal, Reply},
    identity::CitizenId,
    ports::store::{Revision, StoreError},
    record::{Progress, ReplyKey, StoredReply, problem_of},
    request::Request,
    shelf::Step,
    texts,
};

/// A change of a citizen's under its idempotency key.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) key: ReplyKey,
    fingerprint: String,
}

/// What stands under an idempotency key.
pub(crate) enum Before {
    /// Nothing: go ahead, and write the entry over what was at this revision.
    Nothing(Option<Revision>),
    /// The same request was answered before.
    Ended(Ended),
}

impl Desk {
    /// The change that a request asks for; `body_sha256` tells it from others under the same key.
    pub(crate) fn keyed(
        &self,
        citizen: CitizenId,
        request: &Request,
        body_sha256: &[u8; 32],
    ) -> Result<Keyed, Refusal> {
        match &request.idempotency_key {
            Some(key) => Ok(Keyed {
                key: ReplyKey { citizen, key: key.as_str().into() },
                fingerprint: request.fingerprint(body_sha256),
            }),
            None => {
                let detail = texts::idempotency_key_missing(request.locale);
                Err(Refusal::new(ProblemType::IdempotencyKeyMissing, detail))
            }
        }
    }

    /// Whether the request was made before.
    pub(crate) async fn before(&self, keyed: &Keyed, locale: Locale) -> Result<Before, Refusal> {
        let found = self.shelf.reply(&keyed.key).await.map_err(|error| Refusal::of_store(&error, locale))?;
        let Some((revision, stored)) = found else { return Ok(Before::Nothing(None)) };
        if stored.expires <= self.now() && stored.progress != Progress::Running {
            return Ok(Before::Nothing(Some(revision)));
        }
        if stored.fingerprint != keyed.fingerprint {
            let detail = texts::idempotency_key_reused(locale);
            return Err(Refusal::new(ProblemType::IdempotencyKeyReused, detail));
        }
        match stored.progress {
            Progress::Running => {
                let refusal = Refusal::new(ProblemType::StillRunning, texts::still_running(locale));
                Err(Refusal { retry_after: Some(2), ..refusal }.with_sent(Sent::Unknown))
            }
            Progress::Answered { status, body, etag, location } => {
                let reply = Reply { status, body: body.into(), etag, location };
                Ok(Before::Ended(Ended::Answered { reply, receipt: None, replayed: true }))
            }
            Progress::Refused { body, retry_after } => {
                let problem: Problem = serde_json::from_str(&body).map_err(|_| Refusal::internal(locale))?;
                let refusal = Refusal {
                    problem: problem_of(&problem.kind),
                    detail: problem.detail,
                    errors: problem.errors,
                    sent: problem.sent,
                    retry_after,
                };
                Ok(Before::Ended(Ended::Refused { refusal, body: body.into(), receipt: None, replayed: true }))
            }
        }
    }

    /// When an entry that is written now is forgotten.
    fn reply_expires(&self) -> Timestamp {
        let hours = i64::from(Limits::V1.idempotency_key_hours);
        self.now().checked_add(hours.hours()).unwrap_or(Timestamp::MAX)
    }

    /// Writes into `step` that a change begins now, over what was at this revision.
    pub(crate) fn reply_begins(
        &self,
        step: &mut Step,
        over: Option<Revision>,
        keyed: &Keyed,
    ) -> Result<(), StoreError> {
        self.reply_is(step, over, keyed, Progress::Running)
    }

    /// Writes into `step` what a change that calls nobody is answered with, over what was at this revision.
    pub(crate) fn reply_stands(
        &self,
        step: &mut Step,
        over: Option<Revision>,
        keyed: &Keyed,
        reply: &Reply,
    ) -> Result<(), StoreError> {
        self.reply_is(step, over, keyed, answered(reply))
    }

    /// As [`Desk::reply_stands`], for an answer that is good only until then: afterwards the same key is as new.
    pub(crate) fn reply_stands_until(
        &self,
        step: &mut Step,
        over: Option<Revision>,
        keyed: &Keyed,
        reply: &Reply,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let (fingerprint, progress) = (keyed.fingerprint.clone(), answered(reply));
        let expires = until.min(self.reply_expires());
        step.reply(over, &keyed.key, &StoredReply { fingerprint, expires, progress })
    }

    fn reply_is(
        &self,
        step: &mut Step,
        over: Option<Revision>,
        keyed: &Keyed,
        progress: Progress,
    ) -> Result<(), StoreError> {
        let fingerprint = keyed.fingerprint.clone();
        step.reply(over, &keyed.key, &StoredReply { fingerprint, expires: self.reply_expires(), progress })
    }

    /// Writes into `step` what the request under `key` came to. A refusal because the provider or the gateway could
    /// not do it, with nothing sent, is forgotten: the same request may be tried again.
    pub(crate) async fn settle_reply(
        &self,
        step: &mut Step,
        key: &ReplyKey,
        outcome: Result<&Reply, (&Refusal, &[u8])>,
    ) -> Result<(), StoreError> {
        let Some((revision, stored)) = self.shelf.reply(key).await? else { return Ok(()) };
        let progress = match outcome {
            Ok(reply) => answered(reply),
            Err((refusal, _)) if nothing_done(refusal) => {
                step.forget_reply(revision, key, &stored);
                return Ok(());
            }
            Err((refusal, body)) => {
                Progress::Refused { body: String::from_utf8_lossy(body).into_owned(), retry_after: refusal.retry_after }
            }
        };
        step.reply(Some(revision), key, &StoredReply { progress, ..stored })
    }
}

/// What is kept of an answer under its idempotency key.
fn answered(reply: &Reply) -> Progress {
    Progress::Answered {
        status: reply.status,
        body: String::from_utf8_lossy(&reply.body).into_owned(),
        etag: reply.etag,
        location: reply.location.clone(),
    }
}

fn nothing_done(refusal: &Refusal) -> bool {
    refusal.sent == Sent::No && matches!(refusal.problem, ProblemType::ProviderUnavailable | ProblemType::Unavailable)
}
