//! The host with the subject in it: what checks call, what they hear of, and the files that go along.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use dialog_contract::{
    appointment::Slot,
    dialog::{Attachment, MediaType},
    ids::{AttachmentId, DialogId, InvalidId, MessageId, PluginId},
    prescription::Prescription,
    provider::{
        Appointment, Booking, CitizenIdentity, Context, Disposition, Event, EventBody, Failure, Form, InboundPage,
        Invoice, Message, Opened, Opening, Payment, PracticeProfile, Representative, ServedOffice, Settlement,
        SlotQuery,
    },
    service::{Locale, Representation},
    survey::{Answer, Questionnaire},
    video::Room,
};
use dialog_core::{
    media,
    ports::{
        blobs::Blobs,
        citizens::Citizens,
        keys::Owner,
        providers::{Providers, Target},
        store::StoreError,
    },
};
use dialog_host::{
    Host, HostConfig, HostError, Limits, Ports,
    package::{Package, PackageError},
};
use dialog_store::memory::{MemoryBlobs, MemoryStore};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::{
    Stage, Subject, Topic,
    check::{Checked, Ended, broken, told},
};

/// What a call may take.
const TIME: Duration = Duration::from_secs(15);

/// Times that the plugin is asked for news before what was waited for is said not to come: what an office did lies there
/// already, and a plugin may need a few looks to fetch and confirm.
const LOOKS: usize = 8;

/// Pages of one look.
const PAGES: usize = 20;

/// Where a citizen comes back to after paying.
const RETURN: &str = "https://portal.example/payments";

/// Whose everything is: there is one citizen, and the one who acts for the citizen.
const OWNER: Owner = Owner::Citizen([7; 16]);

/// Why there is nothing to check.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The file is no plugin.
    #[error("the file is not a plugin: {0}")]
    Package(#[from] PackageError),
    /// The host cannot be made, or does not take the plugin.
    #[error(transparent)]
    Host(#[from] HostError),
    /// No folder for compiled plugins.
    #[error("the folder for compiled plugins cannot be used: {0}")]
    Folder(#[from] std::io::Error),
    /// It is not named as a plugin is.
    #[error(transparent)]
    Id(#[from] InvalidId),
}

/// Both citizens are known, by all their names.
struct Known;

#[async_trait]
impl Citizens for Known {
    async fn owner(&self, _: &PluginId, _: &CitizenIdentity) -> Result<Option<Owner>, StoreError> {
        Ok(Some(OWNER))
    }
}

/// What has been heard of the provider.
#[derive(Default)]
struct Feed {
    cursor: Option<String>,
    settled: Vec<Settlement>,
    heard: Vec<Event>,
}

/// A subject, installed.
pub(crate) struct Run {
    pub(crate) subject: Subject,
    pub(crate) package: Package,
    id: PluginId,
    host: Host,
    blobs: Arc<MemoryBlobs>,
    feed: Mutex<Feed>,
    keys: AtomicU64,
}

impl Run {
    pub(crate) async fn of(subject: Subject) -> Result<Self, SetUpError> {
        // Checks make trouble on purpose, one after the other: nobody is to be given up for it.
        let limits = Limits { breaker_failures: 1_000, ..Limits::default() };
        let package = Package::read(&subject.component, &limits)?;
        let id = package.manifest.id.clone();
        let blobs = Arc::new(MemoryBlobs::new());
        let ports = Ports::new(Arc::new(MemoryStore::new()), Arc::new(Known), Arc::clone(&blobs) as Arc<dyn Blobs>);
        let config = HostConfig { cache_dir: subject.cache.clone(), limits, plugins: Vec::new() };
        let host = Host::new(config, ports).await?;
        host.install(subject.component.clone(), &subject.config).await?;
        Ok(Self { subject, package, id, host, blobs, feed: Mutex::default(), keys: AtomicU64::new(1) })
    }

    pub(crate) fn plugin(&self) -> (String, String) {
        (self.package.manifest.id.to_string(), self.package.manifest.version.clone())
    }

    pub(crate) fn stage(&self) -> &dyn Stage {
        self.subject.stage.as_ref()
    }

    /// Whether the plugin has what a topic is about; why not.
    pub(crate) fn offers(&self, topic: Topic) -> Result<(), String> {
        if let Some(service) = topic.service()
            && !self.package.manifest.services.contains(&service)
        {
            return Err(format!("the manifest does not name {}", service.as_str()));
        }
        if let Some(interface) = topic.interface()
            && !self.package.exports.contains(&interface)
        {
            return Err(format!("{} is not exported", interface.as_str()));
        }
        if topic.service().is_some() && !self.subject.agreed.contains(&topic) {
            return Err("the office has not agreed it".to_owned());
        }
        Ok(())
    }

    fn target(&self, attempt: u32) -> Target {
        Target { plugin: self.id.clone(), attempt, time_left: TIME }
    }

    /// A request of the citizen's own, with a key that no other has.
    pub(crate) fn context(&self) -> Context {
        let Subject { office, settings, clinician, citizen, .. } = &self.subject;
        Context {
            idempotency_key: format!("conformance-{:08}", self.keys.fetch_add(1, Ordering::Relaxed)),
            locale: Locale::Nb,
            office: office.clone(),
            clinician: clinician.clone(),
            citizen: Some(citizen.clone()),
            representative: None,
            settings: settings.clone(),
            colleague: None,
        }
    }

    /// A request that another makes for the citizen.
    pub(crate) fn represented(&self) -> Context {
        let other = self.subject.other.clone();
        let representative = Representative {
            reference: other.reference,
            national_identity_number: other.national_identity_number,
            given_name: other.given_name,
            family_name: other.family_name,
            role: Representation::Parent,
        };
        Context { representative: Some(representative), ..self.context() }
    }

    pub(crate) async fn open(&self, ctx: Context, dialog: DialogId, opening: Opening) -> Result<Opened, Failure> {
        let opened = self.host.open(self.target(1), ctx, dialog, opening).await.answer?;
        self.note(&opened.events).await;
        Ok(opened)
    }

    pub(crate) async fn send(&self, ctx: Context, reference: &str, message: Message) -> Result<(), Failure> {
        let events = self.host.send(self.target(1), ctx, reference.to_owned(), message).await.answer?;
        self.note(&events).await;
        Ok(())
    }

    pub(crate) async fn close(&self, ctx: Context, reference: &str) -> Result<(), Failure> {
        let events = self.host.close(self.target(1), ctx, reference.to_owned()).await.answer?;
        self.note(&events).await;
        Ok(())
    }

    pub(crate) async fn slots(&self, query: SlotQuery) -> Result<Vec<Slot>, Failure> {
        self.host.slots(self.target(1), self.context(), query).await.answer
    }

    pub(crate) async fn book(&self, ctx: Context, booking: Booking) -> Result<Appointment, Failure> {
        self.host.book(self.target(1), ctx, booking).await.answer
    }

    pub(crate) async fn change(&self, appointment: Appointment, booking: Booking) -> Result<Appointment, Failure> {
        self.host.change(self.target(1), self.context(), appointment, booking).await.answer
    }

    pub(crate) async fn cancel(&self, appointment: Appointment) -> Result<(), Failure> {
        self.host.cancel(self.target(1), self.context(), appointment, Some("Jeg er frisk.".to_owned())).await.answer
    }

    pub(crate) async fn upcoming(&self, ctx: Context) -> Result<Vec<Appointment>, Failure> {
        self.host.upcoming(self.target(1), ctx).await.answer
    }

    pub(crate) async fn renewable(&self) -> Result<Vec<Prescription>, Failure> {
        self.host.renewable(self.target(1), self.context()).await.answer
    }

    /// What the office tells everyone: asked by nobody in particular.
    pub(crate) async fn profile(&self) -> Result<PracticeProfile, Failure> {
        let ctx = Context { citizen: None, clinician: None, ..self.context() };
        self.host.profile(self.target(1), ctx).await.answer
    }

    pub(crate) async fn forms(&self, locale: Locale) -> Result<Vec<Form>, Failure> {
        self.host.forms(self.target(1), Context { locale, ..self.context() }).await.answer
    }

    pub(crate) async fn outstanding(&self) -> Result<Vec<Invoice>, Failure> {
        self.host.outstanding(self.target(1), self.context()).await.answer
    }

    pub(crate) async fn pay(&self, ctx: Context, invoice: &str) -> Result<Payment, Failure> {
        self.host.pay(self.target(1), ctx, invoice.to_owned(), RETURN.to_owned()).await.answer
    }

    pub(crate) async fn join(&self, reference: &str) -> Result<Room, Failure> {
        self.host.join(self.target(1), self.context(), reference.to_owned()).await.answer
    }

    pub(crate) async fn leave(&self, reference: &str) -> Result<(), Failure> {
        self.host.leave(self.target(1), self.context(), reference.to_owned()).await.answer
    }

    pub(crate) async fn mark_seen(&self, reference: &str, message: &str) -> Result<(), Failure> {
        self.host.mark_seen(self.target(1), self.context(), reference.to_owned(), message.to_owned()).await.answer
    }

    pub(crate) async fn survey(&self, locale: Locale) -> Result<Option<Questionnaire>, Failure> {
        self.host.survey(self.target(1), Context { locale, ..self.context() }).await.answer
    }

    pub(crate) async fn submit(&self, survey: &str, answers: Vec<Answer>) -> Result<(), Failure> {
        self.host.submit(self.target(1), self.context(), survey.to_owned(), answers).await.answer
    }

    /// One page of news, as the gateway asks for it: with the cursor of the last call that succeeded, and what became of
    /// its events. What fails changes nothing of that.
    async fn page(&self, feed: &mut Feed) -> Result<InboundPage, Failure> {
        let offices =
            vec![ServedOffice { office: self.subject.office.clone(), settings: self.subject.settings.clone() }];
        let page = self.host.poll(self.target(1), offices, feed.cursor.clone(), feed.settled.clone()).await.answer?;
        feed.settled = page.events.iter().map(|event| settlement(&feed.heard, event)).collect();
        feed.cursor.clone_from(&page.cursor);
        feed.heard.extend(page.events.iter().cloned());
        Ok(page)
    }

    /// Asks for news until there is no more of it for now.
    pub(crate) async fn look(&self) -> Result<(), Failure> {
        let mut feed = self.feed.lock().await;
        for _ in 0..PAGES {
            if !self.page(&mut feed).await?.more {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One page, asked for twice with the same cursor: what the gateway does when it was killed before it had made the
    /// first durable.
    pub(crate) async fn page_twice(&self) -> Result<[Vec<Event>; 2], Failure> {
        let mut feed = self.feed.lock().await;
        let (cursor, settled) = (feed.cursor.clone(), feed.settled.clone());
        let first = self.page(&mut feed).await?.events;
        (feed.cursor, feed.settled) = (cursor, settled);
        let again = self.page(&mut feed).await?.events;
        Ok([first, again])
    }

    /// Waits for something that happened at the provider, or has been heard of already.
    pub(crate) async fn news(&self, what: &str, mut wanted: impl FnMut(&EventBody) -> bool) -> Checked<Event> {
        for _ in 0..LOOKS {
            self.look().await.map_err(|failure| {
                Ended::Broken(format!("the plugin was asked for news, of {what}: {}", told(&failure)))
            })?;
            if let Some(found) = self.heard().await.into_iter().find(|event| wanted(&event.body)) {
                return Ok(found);
            }
        }
        broken(format!("no news of {what} came; the last were: {}", names(&self.heard().await)))
    }

    /// Everything that was heard of, each as often as it came.
    pub(crate) async fn heard(&self) -> Vec<Event> {
        self.feed.lock().await.heard.clone()
    }

    async fn note(&self, events: &[Event]) {
        self.feed.lock().await.heard.extend(events.iter().cloned());
    }

    /// A file of the citizen's, uploaded.
    pub(crate) async fn upload(&self, name: &str, bytes: &[u8]) -> Checked<Attachment> {
        let id = AttachmentId::new();
        let piece: Result<Bytes, _> = Ok(Bytes::copy_from_slice(bytes));
        let stored = self.blobs.put(id.uuid(), Box::pin(stream::once(async { piece })), bytes.len() as u64).await;
        let stored = stored.map_err(|error| Ended::Broken(format!("the suite cannot keep a file: {error}")))?;
        let Some(media_type) = media::sniff_bytes(bytes) else { return broken("the suite's file is of no known kind") };
        let sha256 = stored.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Attachment { id, media_type, name: name.to_owned(), size: stored.size, sha256 })
    }

    /// The bytes of a file that came from the provider, and what they are.
    pub(crate) async fn download(&self, file: &Attachment) -> Checked<(MediaType, Vec<u8>)> {
        let gone = |error| Ended::Broken(format!("the file {} is not there: {error}", file.name));
        let mut pieces = self.blobs.open(file.id.uuid(), 0).await.map_err(gone)?;
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece.map_err(gone)?);
        }
        Ok((file.media_type, bytes))
    }
}

/// What the gateway would say of an event: taken in, or known.
fn settlement(heard: &[Event], event: &Event) -> Settlement {
    let known = heard.iter().any(|other| other.id == event.id);
    let disposition = if known { Disposition::Duplicate } else { Disposition::Accepted };
    Settlement { event: event.id.clone(), disposition }
}

/// Kinds and ids of the latest events.
fn names(events: &[Event]) -> String {
    let kind = |body: &EventBody| match body {
        EventBody::Message { .. } => "message",
        EventBody::Opened { .. } => "opened",
        EventBody::Status { .. } => "status",
        EventBody::Receipt { .. } => "receipt",
        EventBody::Renewal { .. } => "renewal",
        EventBody::Appointment { .. } => "appointment",
        EventBody::Unreadable { .. } => "unreadable",
        EventBody::Payment { .. } => "payment",
        EventBody::Charged { .. } => "charged",
        EventBody::Video { .. } => "video",
        EventBody::Results { .. } => "results",
        EventBody::Notified { .. } => "notified",
        EventBody::Notice { .. } => "notice",
        EventBody::AskedActive { .. } => "asked-active",
        EventBody::Collegial { .. } => "collegial",
    };
    let last = events.len().saturating_sub(6);
    let names: Vec<_> = events[last..].iter().map(|event| format!("{} {}", kind(&event.body), event.id)).collect();
    if names.is_empty() { "none at all".to_owned() } else { names.join(", ") }
}

/// A message of the citizen's.
pub(crate) fn message(text: &str) -> Message {
    Message { id: MessageId::new(), subject: None, text: text.to_owned(), attachments: Vec::new() }
}

/// A moment so many hours from now, on the whole minute.
pub(crate) fn in_hours(hours: i64) -> Timestamp {
    let now = Timestamp::now().as_second();
    Timestamp::from_second(now - now.rem_euclid(60) + 3_600 * hours).unwrap_or(Timestamp::MAX)
}
