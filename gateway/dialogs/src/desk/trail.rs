//! The audit records of one request: an intent before a change is tried, an outcome before the reply leaves.
//!
//! The two durable writes of a step, store and audit log, run side by side. So an outcome may be durable in the log
//! while the store refuses its step, because another request came first, or does not answer. Such a record tells what
//! did not come to be. The next record of the same request names it, as the detail `supersedes` with its index; it is
//! durable before anything else leaves, also where the tries run out or the store stays silent: then it tells that
//! refusal. The last record is thus what the citizen was told. A chain of lost races is a chain of such records; an
//! intent supersedes nothing, because it tells of nothing that was done.
//!
//! Two ends leave no record of their own, and no receipt: the log itself does not answer, or the process dies between
//! the writes. Nothing but a refusal without a receipt has left then.

use dialog_contract::{
    action::Action,
    audit::{Actor, ActorRole, CallRecord, OutcomeRecord, Record, RecordKind, RepresentationRecord},
    ids::{DialogId, HerId, PluginId, RequestId},
    problem::ProblemType,
    provider::Failure,
    service::{Locale, Sent, Service},
};

use super::Desk;
use crate::{
    answer::{About, Answer, Ended, Refusal, Refused, Reply, hex, sha256_hex},
    permit::{Citizen, Clinician, OfficeStaff, Operator, Permitted, Portal},
    ports::{
        evidence::{EvidenceError, Receipt},
        store::{Revision, StoreError},
    },
    request::Request,
    shelf::Step,
};

/// What is known so far of a request that is under way.
#[derive(Debug, Clone)]
pub(crate) struct Trail {
    record: Record,
    about: About,
    /// The index of the record that tells an outcome which did not come to be.
    superseded: Option<u64>,
    pub(crate) request: RequestId,
    pub(crate) trace_id: String,
    pub(crate) locale: Locale,
}

/// A refusal with its problem as it leaves.
type Told<'a> = (&'a Refusal, &'a [u8]);

type Committed = Result<Revision, StoreError>;
type Recorded = Result<Receipt, EvidenceError>;

/// Why a step did not happen.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// Another request changed the same data first: decide anew.
    Conflict,
    /// The store cannot be written.
    Store(StoreError),
    /// The audit log cannot be written; the store's part was written.
    NoEvidence,
}

impl Trail {
    fn new(action: Action, actor: Actor, request: RequestId, trace_id: &str, locale: Locale) -> Self {
        let record = Record {
            request: Some(request),
            trace_id: Some(trace_id.to_owned()),
            ..Record::new(jiff::Timestamp::UNIX_EPOCH, RecordKind::Outcome, action, actor)
        };
        Self { record, about: About::default(), superseded: None, request, trace_id: trace_id.to_owned(), locale }
    }

    /// What it turned out to be.
    pub(crate) fn action(&mut self, action: Action) {
        self.record.action = action.to_string();
    }

    pub(crate) fn office(&mut self, office: HerId) {
        self.record.office = Some(office);
        self.about.office = Some(office);
    }

    pub(crate) fn service(&mut self, service: Service) {
        self.record.service = Some(service);
        self.about.service = Some(service);
    }

    pub(crate) fn plugin(&mut self, plugin: &PluginId) {
        self.about.plugin = Some(plugin.clone());
    }

    pub(crate) fn dialog(&mut self, dialog: DialogId) {
        self.record.dialog = Some(dialog);
    }

    /// For whom, by pseudonym.
    pub(crate) fn citizen(&mut self, pseudonym: String) {
        self.record.citizen = Some(pseudonym);
    }

    pub(crate) fn call(&mut self, call: CallRecord) {
        self.record.call = Some(call);
    }

    /// Without the hash of what was asked: a few words, choices or settings are so little that all could be tried against it.
    pub(crate) fn conceal_request(&mut self) {
        self.record.request_sha256 = None;
    }

    /// Whether a plugin was called.
    pub(crate) const fn called(&self) -> bool {
        self.record.call.is_some()
    }

    /// Something without content that the fixed fields do not say.
    pub(crate) fn detail(&mut self, name: &str, value: impl Into<String>) {
        self.record.details.insert(name.into(), value.into());
    }

    /// An earlier record of this request tells an outcome that is not the request's: the next one says so.
    pub(crate) const fn supersede(&mut self, receipt: &Receipt) {
        self.superseded = Some(receipt.index);
    }

    /// Whether a record stands that none has superseded yet.
    pub(crate) const fn supersedes(&self) -> bool {
        self.superseded.is_some()
    }

    /// Takes over what another trail knows, and still supersedes what this one has to.
    pub(crate) fn begin_again(&mut self, from: &Self) {
        *self = Self { superseded: self.superseded, ..from.clone() };
    }

    fn intent(&self, now: jiff::Timestamp) -> Record {
        Record { time: now, kind: RecordKind::Intent, call: None, outcome: None, ..self.record.clone() }
    }

    fn outcome(
        &self,
        now: jiff::Timestamp,
        status: Option<u16>,
        problem: Option<ProblemType>,
        sent: Option<Sent>,
        body: Option<&[u8]>,
    ) -> Record {
        Record {
            time: now,
            kind: RecordKind::Outcome,
            outcome: Some(OutcomeRecord { status, problem: problem.map(|problem| problem.name().into()), sent }),
            reply_sha256: body.map(sha256_hex),
            ..self.superseding()
        }
    }

    fn delivery(&self, now: jiff::Timestamp) -> Record {
        Record { time: now, kind: RecordKind::Delivery, ..self.superseding() }
    }

    fn superseding(&self) -> Record {
        let mut record = self.record.clone();
        if let Some(index) = self.superseded {
            record.details.insert("supersedes".into(), index.to_string());
        }
        record
    }

    /// The problem as it leaves.
    pub(crate) fn problem(&self, refusal: &Refusal) -> bytes::Bytes {
        refusal.body(self.request, &self.trace_id, self.locale)
    }
}

impl Desk {
    /// A request of a citizen's.
    pub(crate) fn trail(&self, action: Action, who: &Permitted<Citizen>, request: &Request) -> Trail {
        let Citizen { national_identity_number, representative } = who.target();
        let citizen = self.evidence.pseudonym(national_identity_number);
        let acting = representative.as_ref().map(|representative| RepresentationRecord {
            representative: self.evidence.pseudonym(&representative.national_identity_number),
            role: representative.role,
        });
        let actor = Actor {
            role: ActorRole::Citizen,
            client: who.verified().client.clone(),
            person: Some(acting.as_ref().map_or_else(|| citizen.clone(), |acting| acting.representative.clone())),
            level: Some(who.verified().level),
        };
        let mut trail = Trail::new(action, actor, request.id, &request.trace_id, request.locale);
        trail.record.citizen = Some(citizen);
        trail.record.representation = acting;
        trail.record.request_sha256 = Some(hex(&request.body_sha256));
        trail
    }

    /// A request of the portal's own.
    pub(crate) fn trail_of_portal(&self, action: Action, who: &Permitted<Portal>, request: &Request) -> Trail {
        let client = who.verified().client.clone();
        let actor = Actor { role: ActorRole::Portal, client, person: None, level: None };
        Trail::new(action, actor, request.id, &request.trace_id, request.locale)
    }

    /// A request of an operator's. Without the hash of its body: where that names a person, all people could be tried
    /// against it.
    pub(crate) fn trail_of_operator(&self, action: Action, who: &Permitted<Operator>, request: &Request) -> Trail {
        let person = who.target().person.as_ref().map(|person| self.evidence.pseudonym(person));
        let level = person.is_some().then(|| who.verified().level);
        let actor = Actor { role: ActorRole::Operator, client: who.verified().client.clone(), person, level };
        Trail::new(action, actor, request.id, &request.trace_id, request.locale)
    }

    /// A request of an office's own people.
    pub(crate) fn trail_of_office(&self, action: Action, who: &Permitted<OfficeStaff>, request: &Request) -> Trail {
        let person = Some(self.evidence.pseudonym(&who.target().person));
        let level = Some(who.verified().level);
        let actor = Actor { role: ActorRole::Office, client: who.verified().client.clone(), person, level };
        let mut trail = Trail::new(action, actor, request.id, &request.trace_id, request.locale);
        trail.record.request_sha256 = Some(hex(&request.body_sha256));
        trail
    }

    /// A request of a clinician's.
    pub(crate) fn trail_of_clinician(&self, action: Action, who: &Permitted<Clinician>, request: &Request) -> Trail {
        let person = Some(self.evidence.pseudonym(&who.target().person));
        let level = Some(who.verified().level);
        let actor = Actor { role: ActorRole::Office, client: who.verified().client.clone(), person, level };
        let mut trail = Trail::new(action, actor, request.id, &request.trace_id, request.locale);
        // Of a body that names a patient and little else, all people could be tried against the hash.
        trail.detail("hpr", who.target().hpr_number.to_string());
        trail
    }

    /// A request that needs no login.
    pub(crate) fn trail_of_anyone(&self, action: Action, request: &Request) -> Trail {
        let actor = Actor { role: ActorRole::Unknown, client: "anyone".into(), person: None, level: None };
        Trail::new(action, actor, request.id, &request.trace_id, request.locale)
    }

    /// What the gateway does by itself, because of an earlier request.
    pub(crate) fn trail_of_gateway(&self, action: Action, request: RequestId, trace_id: &str, locale: Locale) -> Trail {
        let actor = Actor { role: ActorRole::Gateway, client: "gateway".into(), person: None, level: None };
        Trail::new(action, actor, request, trace_id, locale)
    }

    /// Names the citizen in a trail of the gateway's.
    pub(crate) async fn name_citizen(
        &self,
        trail: &mut Trail,
        citizen: crate::identity::CitizenId,
    ) -> Result<(), StoreError> {
        if let Some(citizen) = self.shelf.citizen(citizen).await? {
            trail.record.citizen = Some(self.evidence.pseudonym(&citizen.national_identity_number));
        }
        Ok(())
    }

    /// Records that a change is about to be tried that writes nothing yet.
    #[tracing::instrument(name = "intent", skip_all)]
    pub(crate) async fn record_intent(&self, trail: &Trail) -> Result<(), Refusal> {
        match self.evidence.record(trail.intent(self.now())).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::error!(%error, request = %trail.request, "no intent recorded");
                Err(Refusal::unavailable(trail.locale))
            }
        }
    }

    /// Records that a provider was asked something that changes nothing and is about nobody; false where it could not be.
    pub(crate) async fn record_question(&self, trail: &Trail, failure: Option<&Failure>) -> bool {
        let problem = failure.map(|failure| Refusal::of_question(failure, trail.locale).problem);
        let record = trail.outcome(self.now(), None, problem, None, None);
        match self.evidence.record(record).await {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(%error, request = %trail.request, "no question recorded");
                false
            }
        }
    }

    /// Commits a step side by side with the record of its intent.
    #[tracing::instrument(name = "intent", skip_all)]
    pub(crate) async fn commit_with_intent(&self, step: Step, trail: &Trail) -> Result<(), Unsettled> {
        let (committed, recorded) = self.write_both(step, trail.intent(self.now())).await;
        settled(committed, recorded).map(|_| ())
    }

    /// Commits a step side by side with the record of its outcome.
    pub(crate) async fn commit_with_outcome(
        &self,
        step: Step,
        trail: &mut Trail,
        outcome: Result<(&Reply, Option<Sent>), Told<'_>>,
    ) -> Result<Receipt, Unsettled> {
        let now = self.now();
        let record = match outcome {
            Ok((reply, sent)) => trail.outcome(now, Some(reply.status), None, sent, Some(&reply.body)),
            Err((refusal, body)) => {
                let Refusal { problem, sent, .. } = refusal;
                trail.outcome(now, Some(problem.status()), Some(*problem), Some(*sent), Some(body))
            }
        };
        self.commit_with_end(step, record, trail).await
    }

    /// What a provider delivered.
    pub(crate) fn trail_of_provider(
        &self,
        action: Action,
        plugin: &PluginId,
        request: RequestId,
        trace_id: &str,
    ) -> Trail {
        let actor = Actor { role: ActorRole::Provider, client: plugin.to_string(), person: None, level: None };
        let mut trail = Trail::new(action, actor, request, trace_id, Locale::Nb);
        trail.plugin(plugin);
        trail
    }

    /// Commits what a delivery brought, side by side with its record.
    pub(crate) async fn commit_with_delivery(&self, step: Step, trail: &mut Trail) -> Result<Receipt, Unsettled> {
        let record = trail.delivery(self.now());
        self.commit_with_end(step, record, trail).await
    }

    /// Commits what became of a notice, side by side with its record.
    pub(crate) async fn commit_with_notice(
        &self,
        step: Step,
        trail: &mut Trail,
        failed: Option<(ProblemType, Sent)>,
    ) -> Result<Receipt, Unsettled> {
        let (problem, sent) = failed.map_or((None, Sent::Yes), |(problem, sent)| (Some(problem), sent));
        let record = trail.outcome(self.now(), None, problem, Some(sent), None);
        self.commit_with_end(step, record, trail).await
    }

    /// Records a delivery that brought nothing to commit.
    #[tracing::instrument(name = "outcome", skip_all)]
    pub(crate) async fn record_delivery(&self, trail: &Trail) -> Result<Receipt, EvidenceError> {
        self.evidence.record(trail.delivery(self.now())).await
    }

    /// Commits a step with the record of what it came to, and notes where that record tells of nothing.
    #[tracing::instrument(name = "outcome", skip_all)]
    async fn commit_with_end(&self, step: Step, record: Record, trail: &mut Trail) -> Result<Receipt, Unsettled> {
        let (committed, recorded) = self.write_both(step, record).await;
        match (&committed, &recorded) {
            (Ok(_), Ok(_)) => trail.superseded = None,
            (Err(_), Ok(receipt)) => trail.supersede(receipt),
            (_, Err(_)) => {}
        }
        settled(committed, recorded)
    }

    async fn write_both(&self, mut step: Step, record: Record) -> (Committed, Recorded) {
        step.by(record.actor.role);
        tokio::join!(self.shelf.commit(step), self.evidence.record(record))
    }

    /// Records an outcome that brought nothing to commit.
    #[tracing::instrument(name = "outcome", skip_all)]
    async fn record_outcome(&self, record: Record) -> Recorded {
        self.evidence.record(record).await
    }

    /// The end of what the gateway did by itself. Nobody waits for an answer, so a refusal leaves a record only where
    /// an earlier one tells otherwise; what could not be settled now is settled when its lease is over.
    pub(crate) async fn conclude_unasked(&self, trail: &Trail, ended: Result<Ended, Refusal>) {
        let Err(refusal) = ended else { return };
        let problem = refusal.problem;
        tracing::warn!(problem = problem.name(), "a call could not be settled; it is when its lease is over");
        if trail.supersedes() {
            let record = trail.outcome(self.now(), None, Some(problem), Some(refusal.sent), None);
            if let Err(error) = self.evidence.record(record).await {
                tracing::error!(%error, request = %trail.request, "no outcome recorded");
            }
        }
    }

    /// The end of every request: whatever has no receipt yet gets its outcome recorded; then it may leave.
    pub(crate) async fn conclude(&self, trail: Trail, ended: Result<Ended, Refusal>) -> super::Outcome {
        let ended = ended.unwrap_or_else(|refusal| {
            let body = trail.problem(&refusal);
            Ended::Refused { refusal, body, receipt: None, replayed: false }
        });
        let mut trail = trail;
        let now = self.now();
        match ended {
            Ended::Answered { reply, receipt, replayed } => {
                let receipt = match receipt {
                    Some(receipt) => receipt,
                    None => {
                        if replayed {
                            trail.detail("replayed", "true");
                        }
                        let record = trail.outcome(now, Some(reply.status), None, None, Some(&reply.body));
                        match self.record_outcome(record).await {
                            Ok(receipt) => receipt,
                            Err(error) => {
                                tracing::error!(%error, request = %trail.request, "no outcome recorded");
                                let refusal = Refusal::unavailable(trail.locale);
                                let body = trail.problem(&refusal);
                                return Err(refused(refusal, body, None, false, trail.about));
                            }
                        }
                    }
                };
                let Reply { status, body, etag, location } = reply;
                Ok(Answer { status, body, etag, location, receipt, replayed, about: trail.about })
            }
            Ended::Refused { refusal, body, receipt, replayed } => {
                let receipt = match receipt {
                    Some(receipt) => Some(receipt),
                    None => {
                        if replayed {
                            trail.detail("replayed", "true");
                        }
                        let Refusal { problem, sent, .. } = refusal;
                        let record = trail.outcome(now, Some(problem.status()), Some(problem), Some(sent), Some(&body));
                        match self.record_outcome(record).await {
                            Ok(receipt) => Some(receipt),
                            Err(error) => {
                                tracing::error!(%error, request = %trail.request, "no outcome recorded");
                                // Not even a refusal leaves unrecorded, but for the one that says so.
                                let refusal = Refusal::unavailable(trail.locale).with_sent(refusal.sent);
                                let body = trail.problem(&refusal);
                                return Err(refused(refusal, body, None, false, trail.about));
                            }
                        }
                    }
                };
                Err(refused(refusal, body, receipt, replayed, trail.about))
            }
        }
    }
}

fn settled(committed: Committed, recorded: Recorded) -> Result<Receipt, Unsettled> {
    match (committed, recorded) {
        (Ok(_), Ok(receipt)) => Ok(receipt),
        (Err(StoreError::Conflict { .. }), Ok(_)) => Err(Unsettled::Conflict),
        (Err(error), _) => Err(Unsettled::Store(error)),
        (Ok(_), Err(error)) => {
            tracing::error!(%error, "the audit log cannot be written");
            Err(Unsettled::NoEvidence)
        }
    }
}

fn refused(refusal: Refusal, body: bytes::Bytes, receipt: Option<Receipt>, replayed: bool, about: About) -> Refused {
    let Refusal { problem, detail, errors, sent, retry_after } = refusal;
    Refused { problem, body, detail, errors, sent, retry_after, receipt, replayed, about }
}
