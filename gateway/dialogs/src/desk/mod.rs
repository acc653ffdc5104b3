//! The use cases. One method for each request of the portal's API, each taking the permit that it needs and the
//! [`Request`], each returning an [`Answer`] or a [`Refused`], with the outcome in the audit log before it returns.
//!
//! The path of a change: look for the idempotency key, decide what is meant and whether it may be, commit the intent
//! (store and audit log side by side), call the plugin, judge what came back, commit the outcome (side by side), reply.
//! A change that has begun is carried to its end in a task of its own, also where the caller goes away.
//!
//! - [`trail`]: the audit records of a request; [`replies`]: idempotency.
//! - [`citizens`]: who is asking; [`practice`]: who their office is and what it offers; [`profiles`]: what providers tell
//!   of it; [`validation`]: whether an opening makes sense, [`forms`]: whether it answers the provider's form.
//! - [`opening`], [`resending`], [`sending`], [`closing`], [`reading`]: dialogs; [`attachments`]: their files.
//! - [`calls`]: calls to a dialog's provider; [`settling`]: what comes of one; [`fallback`]: who takes what it cannot;
//!   [`queue`]: trying again, and the repair after a crash.
//! - [`booking`]: appointments booked, changed and cancelled; [`operations`]: the calls of that, and of payments, and
//!   what comes of them.
//! - [`slots`], [`appointments`], [`prescriptions`]: the look-ups around dialogs.
//! - [`guidance`]: what a citizen is told before sending.
//! - [`payments`]: what the citizen owes, and payments of it.
//! - [`inbox`]: how much there is; [`searching`]: finding a dialog; [`marks`]: telling providers what was read.
//! - [`video`]: into a video meeting, and out of it.
//! - [`notices`]: how the citizen wants to be told; [`notifying`]: telling them.
//! - [`surveys`]: what citizens think of their office, in choices, and how often each was chosen.
//! - [`choices`]: what a citizen chooses about themselves; [`errands`]: what follows from it, for others.
//! - [`access`]: what the audit log holds about the caller; [`receipts`]: the proof of it.
//! - [`agreements`]: what offices agreed, over what the directory says; [`terms`]: the operator changes it; [`offices`]:
//!   the office decides within it, and says who is away.
//! - [`handover`]: what is open with a provider that an office has left.
//! - [`collegial`]: clinicians who talk with each other.
//! - [`counts`]: how much waits, and how much is overdue, for the operator.
//! - [`feed`]: what the portal is told; [`purge`]: what is forgotten; [`erasure`]: who is.

mod access;
mod agreements;
mod appointments;
mod attachments;
mod booking;
mod calls;
mod choices;
mod citizens;
mod closing;
mod collegial;
mod counts;
mod erasure;
mod errands;
mod fallback;
mod feed;
mod forms;
mod guidance;
mod handover;
mod inbox;
mod marks;
mod notices;
mod notifying;
mod offices;
mod opening;
mod operations;
mod payments;
mod practice;
mod prescriptions;
mod profiles;
mod purge;
mod queue;
mod reading;
mod receipts;
mod replies;
mod resending;
mod searching;
mod sending;
mod settling;
mod slots;
mod surveys;
mod terms;
mod trail;
mod validation;
mod video;

use std::{future::Future, sync::Arc, time::Instant};

use jiff::Timestamp;
use tracing::Instrument as _;

pub use self::{
    access::AccessFilter,
    attachments::Download,
    choices::Choosable,
    collegial::CollegialFilter,
    counts::{ErrandsWaiting, MOST_COUNTED, NoticesWaiting, Overdue, Waiting},
    errands::{ErrandKind, ErrandOutcome, ErrandsDone},
    feed::{Follow, FollowedEvent},
    notifying::{FOLDED_INTO_ONE, NoticeFate, NoticeTold, NoticesDone},
    purge::{Purged, Retention},
    queue::WorkDone,
    reading::DialogFilter,
    receipts::RecordPlace,
};
pub(crate) use self::{
    calls::SETTLING_TIME,
    collegial::exported,
    trail::{Trail, Unsettled},
};
use crate::{
    answer::{About, Answer, Refusal, Refused},
    calendar::{Calendar, NoTimeZone},
    inbound::Polls,
    notices::NoticeRules,
    ports::{
        archive::Archive,
        blobs::Blobs,
        clock::Clock,
        directory::Directory,
        evidence::Evidence,
        keys::Keyring,
        providers::Providers,
        store::{Store, StoreError},
        trails::Trails,
    },
    request::Request,
    shelf::Shelf,
    texts,
};

/// Times that a step is decided anew because another request changed the same data first. Two requests at once are
/// common, five never seen; beyond that the caller is told to come back.
pub(crate) const TRIES: usize = 8;

/// The outside, as the domain needs it.
#[derive(Clone)]
pub struct Ports {
    /// What must not be forgotten.
    pub store: Arc<dyn Store>,
    /// The bytes of attachments.
    pub blobs: Arc<dyn Blobs>,
    /// The keys that both are encrypted under.
    pub keyring: Arc<dyn Keyring>,
    /// Who is whose GP, offices, agreements.
    pub directory: Arc<dyn Directory>,
    /// The plugin host.
    pub providers: Arc<dyn Providers>,
    /// The audit log, written to.
    pub evidence: Arc<dyn Evidence>,
    /// The audit log, read from.
    pub trails: Arc<dyn Trails>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The domain: every use case is a method. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Desk {
    pub(crate) shelf: Shelf,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) keyring: Arc<dyn Keyring>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) providers: Arc<dyn Providers>,
    pub(crate) evidence: Arc<dyn Evidence>,
    pub(crate) trails: Arc<dyn Trails>,
    pub(crate) calendar: Calendar,
    pub(crate) polls: Arc<Polls>,
    pub(crate) profiles: Arc<profiles::Profiles>,
    /// Held while answers to a survey are counted.
    pub(crate) counting: Arc<tokio::sync::Mutex<()>>,
    pub(crate) retention: Retention,
    /// None where citizens are told nothing.
    pub(crate) notices: Option<Arc<NoticeRules>>,
    pub(crate) archive: Option<Arc<dyn Archive>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

/// Why the domain cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store does not answer, or holds what cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The time zone is unknown.
    #[error(transparent)]
    TimeZone(#[from] NoTimeZone),
}

impl Desk {
    /// Opens the desk on what the store holds. `source` is the gateway's public URL, the source of its events.
    ///
    /// Call [`Desk::recover`] before any listener opens, and [`Desk::run_due_work`] every second or so from then on.
    ///
    /// # Errors
    /// Where the store cannot be read, or the time zone is unknown.
    pub async fn open_on(ports: Ports, source: &str) -> Result<Self, StartError> {
        let Ports { store, blobs, keyring, directory, providers, evidence, trails, clock } = ports;
        let shelf = Shelf::open(store, clock, source.into()).await?;
        let calendar = Calendar::new()?;
        let (polls, profiles, counting, retention) = Default::default();
        let notices = None;
        Ok(Self {
            shelf,
            blobs,
            keyring,
            directory,
            providers,
            evidence,
            trails,
            calendar,
            polls,
            profiles,
            counting,
            retention,
            notices,
            archive: None,
        })
    }

    /// The same desk, with citizens' personal archive to copy to.
    #[must_use]
    pub fn archiving(mut self, archive: Arc<dyn Archive>) -> Self {
        self.archive = Some(archive);
        self
    }

    /// The same desk, keeping things for as long as the operator says.
    #[must_use]
    pub const fn keeping(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shelf.now()
    }

    /// Carries `work` to its end, also where the caller goes away, and answers at the deadline at the latest.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        request: &Request,
        work: impl Future<Output = Result<T, Refused>> + Send + 'static,
    ) -> Result<T, Refused> {
        let task = tokio::spawn(work.instrument(tracing::Span::current()));
        // What the request left of its time to plugins and store ends before the deadline; this is the last resort.
        match tokio::time::timeout_at(Instant::into(request.deadline), task).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(broken)) => {
                tracing::error!(request = %request.id, panicked = broken.is_panic(), "a use case broke off");
                let refusal = Refusal::internal(request.locale).with_sent(dialog_contract::service::Sent::Unknown);
                Err(unrecorded(refusal, request))
            }
            Err(_) => {
                tracing::error!(request = %request.id, "the deadline passed before the outcome was recorded");
                let detail = texts::still_working(request.locale);
                let refusal = Refusal::new(dialog_contract::problem::ProblemType::Unavailable, detail)
                    .with_sent(dialog_contract::service::Sent::Unknown);
                Err(unrecorded(Refusal { retry_after: Some(5), ..refusal }, request))
            }
        }
    }
}

/// A refusal whose outcome is not (or not yet) in the audit log.
pub(crate) fn unrecorded(refusal: Refusal, request: &Request) -> Refused {
    let body = refusal.body(request.id, &request.trace_id, request.locale);
    let Refusal { problem, detail, errors, sent, retry_after } = refusal;
    Refused {
        problem,
        body,
        detail,
        errors,
        sent,
        retry_after,
        receipt: None,
        replayed: false,
        about: About::default(),
    }
}

/// What a use case returns.
pub type Outcome = Result<Answer, Refused>;
