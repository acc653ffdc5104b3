//! What comes from providers, pushed or fetched: each event is settled once, durably, and only then is the plugin told
//! what became of it, so that it can confirm it to its vendor.
//!
//! - this file: asking a plugin, and being told by one.
//! - [`polling`]: one poll a plugin at a time, and what is said of those that fail.
//! - [`page`]: the events of one answer, in order; [`settle`]: one event, one commit.
//! - [`opened`]: dialogs that the office opens; [`collegial`]: those that it opens with colleagues elsewhere; [`standing`]:
//!   appointments that no dialog asked for; [`paid`]: payments; [`asked`]: whether somebody is digitally active.
//! - [`unreadable`]: what could not be understood, kept for the operator.
//!
//! An answer's cursor is kept, and given back, only once all of its events are settled. A crash anywhere in between
//! leads to the same events once more; those that were settled are recognised by their ids, and told as duplicates, or
//! refused for the reason that they were refused for. Nothing is lost, nothing is done twice.
//!
//! An event may come before the commit of the dialog that it is about, because providers can be quicker than disks.
//! One that names an unknown dialog therefore waits a moment for it.
//!
//! A poll that brings no events and changes nothing writes nothing, neither to the store nor to the audit log: a plugin
//! that is asked every second would otherwise fill both with silence. One that brings events leaves a record for each.
//! One that only tells the plugin what became of the last ones leaves a single record, because the plugin confirms them
//! to its vendor then. A poll that fails is recorded when it first does and when the failure becomes another, and once
//! more when polls work again. Every delivery of a vendor's is recorded, also one that brings nothing new.

mod asked;
mod collegial;
mod opened;
mod page;
mod paid;
mod polling;
mod settle;
mod standing;
mod unreadable;

use std::time::Duration;

use dialog_contract::{
    action::Action,
    ids::{PluginId, RequestId},
    problem::ProblemType,
    provider::{Delivery, Event, Failure, Fault, InboundPage, Interface, Office, ServedOffice},
    service::{Locale, Sent},
};
use tokio::time::Instant;
use tracing::Instrument as _;

pub use self::unreadable::Unreadable;
use self::{page::Settled, polling::Health};
pub(crate) use self::{page::message, polling::Polls};
use crate::{
    answer::{Refusal, Refused},
    desk::{Desk, SETTLING_TIME, Trail, unrecorded},
    keys,
    ports::{
        directory::DirectoryError,
        evidence::{EvidenceError, Receipt},
        providers::Target,
        store::{Batch, Expected, Revision, StoreError},
    },
    record::{self, Position},
    request::Request,
};

/// Time that a poll may take: the host's own limit is shorter.
const POLL_TIME: Duration = Duration::from_secs(15);

/// How long the events of one answer wait, all together, for dialogs that they are about. A commit takes milliseconds;
/// a vendor that names dialogs which do not exist costs this much of its own time and no more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most events of one answer: `inbound.wit` says so.
const MOST_EVENTS: usize = 100;

/// Largest cursor, in bytes: `inbound.wit` says so.
const MOST_CURSOR_BYTES: usize = 64 * 1024;

/// Longest id of a delivery that is recorded, in bytes: vendors use UUIDs and short numbers.
const DELIVERY_ID_BYTES: usize = 128;

/// Why a provider's news could not be taken in. They are asked for again.
#[derive(Debug, thiserror::Error)]
pub enum InboundError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The audit log.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The plugin.
    #[error("the plugin: {0}")]
    Plugin(Failure),
    /// Others changed the same data again and again.
    #[error("the same data changes too often")]
    Contended,
    /// A defect of the gateway's: the work broke off in the middle.
    #[error("the work broke off")]
    BrokeOff,
}

impl InboundError {
    /// Which kind of failure it is, for telling one from another.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Store(_) => "store",
            Self::Directory(_) => "directory",
            Self::Evidence(_) => "audit-log",
            Self::Plugin(Failure::Invalid(_)) => "invalid",
            Self::Plugin(Failure::Declined(_)) => "declined",
            Self::Plugin(Failure::Conflict(_)) => "conflict",
            Self::Plugin(Failure::NotFound(_)) => "not-found",
            Self::Plugin(Failure::Unavailable(_)) => "unavailable",
            Self::Plugin(Failure::Faulty(_)) => "faulty",
            Self::Contended => "contended",
            Self::BrokeOff => "broke-off",
        }
    }

    /// What a vendor that delivers is told.
    fn refusal(&self) -> Refusal {
        match self {
            Self::Plugin(Failure::NotFound(_)) => Refusal::not_found(Locale::En),
            Self::Plugin(Failure::Unavailable(outage)) => {
                let refusal = Refusal::unavailable(Locale::En);
                Refusal { retry_after: outage.retry_after.or(refusal.retry_after), ..refusal }
            }
            Self::Plugin(_) => {
                Refusal::new(ProblemType::ProviderFaulty, "The plugin could not make sense of the delivery.")
            }
            _ => Refusal::unavailable(Locale::En),
        }
    }
}

impl Desk {
    /// Asks a plugin for news and settles them; true where there is more. Where a poll of the same plugin is under way
    /// already, nothing is done: that one brings the news. What has begun is carried to its end, also where the caller
    /// goes away.
    ///
    /// # Errors
    /// Where the plugin fails, or the store, the directory or the audit log does not answer. Nothing is lost: what was
    /// not settled comes again.
    pub async fn poll(&self, plugin: &PluginId) -> Result<bool, InboundError> {
        let Some(mut health) = self.polls.begin(plugin) else { return Ok(false) };
        let (desk, plugin) = (self.clone(), plugin.clone());
        let work = async move { desk.polled(&plugin, &mut health).await };
        tokio::spawn(work.instrument(tracing::Span::current())).await.unwrap_or_else(|broken| {
            tracing::error!(panicked = broken.is_panic(), "a poll broke off");
            Err(InboundError::BrokeOff)
        })
    }

    async fn polled(&self, plugin: &PluginId, health: &mut Health) -> Result<bool, InboundError> {
        let mut trail = self.trail_of_provider(Action::InboundPoll, plugin, RequestId::new(), &trace_id());
        let ended = self.take_page(plugin, &mut trail).await;
        match &ended {
            Ok(_) => self.record_recovery(health, trail).await,
            Err(error) => self.record_trouble(health, trail, error).await,
        }
        ended
    }

    async fn take_page(&self, plugin: &PluginId, trail: &mut Trail) -> Result<bool, InboundError> {
        let offices = self.served(plugin).await?;
        let (revision, position) = match self.shelf.position(plugin).await? {
            Some((revision, position)) => (Some(revision), position),
            None => (None, Position::default()),
        };
        let target = Target { plugin: plugin.clone(), attempt: 1, time_left: POLL_TIME };
        let called = self.providers.poll(target, offices, position.cursor.clone(), position.settled.clone()).await;
        trail.call(called.record);
        let InboundPage { events, cursor, more } = called.answer.map_err(InboundError::Plugin)?;
        within_bounds(&events, cursor.as_deref())?;
        let until = Instant::now() + PATIENCE;
        let Settled { settlements, before, receipt: _ } = self.settle_all(plugin, &events, trail, None, until).await?;
        let next = Position { cursor, settled: settlements };
        if next == position {
            // A plugin that says that there is more, and stands still, is not asked in a circle.
            return Ok(false);
        }
        for (event, disposition) in before {
            self.record_again(plugin, event, disposition, trail).await?;
        }
        if next.settled.is_empty() && !position.settled.is_empty() {
            let mut told = trail.clone();
            told.detail("told", position.settled.len().to_string());
            self.record_delivery(&told).await?;
        }
        self.advance(plugin, revision, &next).await?;
        Ok(more)
    }

    /// Settles what a vendor pushed; its signature has been checked. The receipt is of the last record.
    ///
    /// # Errors
    /// `not-found` where the plugin takes no deliveries, `provider-faulty` where it cannot make sense of this one,
    /// `unavailable` where it was not settled: the vendor is to send it again.
    pub async fn receive(&self, plugin: &PluginId, request: &Request, delivery: Delivery) -> Result<Receipt, Refused> {
        let (desk, asked, plugin) = (self.clone(), request.clone(), plugin.clone());
        self.run(request, async move {
            let mut trail = desk.trail_of_provider(Action::InboundReceive, &plugin, asked.id, &asked.trace_id);
            if let Some(id) = delivery.id.as_ref().filter(|id| recordable(id)) {
                trail.detail("delivery", id.as_str());
            }
            match desk.received(&plugin, &asked, delivery, &mut trail).await {
                Ok(receipt) => Ok(receipt),
                Err(error) => {
                    tracing::warn!(%plugin, %error, "a delivery was not taken in");
                    trail.detail("failure", error.to_string());
                    let recorded = desk.record_delivery(&trail).await;
                    let receipt = recorded.inspect_err(|error| tracing::error!(%error, "no delivery recorded")).ok();
                    Err(Refused { receipt, ..unrecorded(error.refusal(), &asked) })
                }
            }
        })
        .await
    }

    async fn received(
        &self,
        plugin: &PluginId,
        request: &Request,
        delivery: Delivery,
        trail: &mut Trail,
    ) -> Result<Receipt, InboundError> {
        let installed = self.providers.installed(plugin);
        if installed.is_some_and(|installed| !installed.serves(Interface::Inbound)) {
            let (code, text) = ("no-inbound".to_owned(), "The plugin takes no deliveries.".to_owned());
            return Err(InboundError::Plugin(Failure::NotFound(dialog_contract::provider::Reason { code, text })));
        }
        let offices = self.served(plugin).await?;
        let time_left = request.time_left().saturating_sub(SETTLING_TIME);
        let target = Target { plugin: plugin.clone(), attempt: 1, time_left };
        let called = self.providers.receive(target, offices, delivery).await;
        trail.call(called.record);
        let events = called.answer.map_err(InboundError::Plugin)?;
        within_bounds(&events, None)?;
        let until = Instant::now() + PATIENCE.min(request.time_left().saturating_sub(SETTLING_TIME));
        let Settled { settlements: _, before, mut receipt } =
            self.settle_all(plugin, &events, trail, request.traceparent.as_deref(), until).await?;
        for (event, disposition) in before {
            receipt = Some(self.record_again(plugin, event, disposition, trail).await?);
        }
        match receipt {
            Some(receipt) => Ok(receipt),
            None => Ok(self.record_delivery(trail).await?),
        }
    }

    /// The offices with an agreement with the plugin that is in force, each with its settings once.
    async fn served(&self, plugin: &PluginId) -> Result<Vec<ServedOffice>, DirectoryError> {
        let now = self.now();
        let mut served: Vec<ServedOffice> = Vec::new();
        for agreement in self.agreements_with(plugin).await? {
            let known =
                |one: &&ServedOffice| one.office.her_id == agreement.office && one.settings == agreement.settings;
            if !agreement.valid_at(now) || served.iter().any(|one| known(&one)) {
                continue;
            }
            let Some(office) = self.directory.office(agreement.office).await? else { continue };
            served.push(ServedOffice {
                office: Office {
                    her_id: office.her_id,
                    organisation_her_id: office.organisation_her_id,
                    organisation_number: office.organisation_number,
                    name: office.name,
                },
                settings: agreement.settings,
            });
        }
        Ok(served)
    }

    /// Where the next poll goes on: the cursor is given back, and every event's fate told.
    async fn advance(&self, plugin: &PluginId, before: Option<Revision>, next: &Position) -> Result<(), StoreError> {
        let key = keys::position(plugin);
        let mut batch = Batch::default();
        batch.preconditions.push((key.clone(), before.map_or(Expected::Absent, Expected::At)));
        batch.put(key, record::encode(next)?);
        self.shelf.store.commit(batch).await.map(|_| ())
    }
}

/// The host checks an answer against the contract; these two bounds are what a page costs here.
fn within_bounds(events: &[Event], cursor: Option<&str>) -> Result<(), InboundError> {
    let faulty =
        |detail: &str| Err(InboundError::Plugin(Failure::Faulty(Fault { sent: Sent::No, detail: detail.to_owned() })));
    if events.len() > MOST_EVENTS {
        return faulty("more than 100 events in one answer");
    }
    if cursor.is_some_and(|cursor| cursor.len() > MOST_CURSOR_BYTES) {
        return faulty("a cursor of more than 64 KiB");
    }
    Ok(())
}

/// What a poll does belongs to a trace of its own, which nobody began.
fn trace_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A vendor's id of a delivery is text from outside.
fn recordable(id: &str) -> bool {
    (1..=DELIVERY_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}
