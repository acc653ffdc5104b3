//! Reading and writing what the domain keeps. One step of a use case is one batch: the dialog, its indexes, what is
//! due, the events, and whatever else the step brings, all or nothing.

use std::sync::Arc;

use bytes::Bytes;
use dialog_contract::{
    audit::ActorRole,
    dialog::StatusName,
    event::{Event, EventData, EventType},
    ids::{
        AppointmentId, AttachmentId, DialogId, HerId, HprNumber, InvoiceId, NoticeId, PaymentId, PluginId, RequestId,
    },
    service::Service,
};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    answer_times::{AnswerTimes, FirstAnswer},
    draft::Draft,
    identity::{CitizenId, Secret},
    keys,
    notices::{Template, decided},
    ports::{
        clock::Clock,
        store::{Batch, Range, Revision, Store, StoreError, Versioned},
    },
    record::{
        self, NoticeState, NoticeWork, Owed, OwnNotice, Pending, ReplyKey, StoredAppointment, StoredAttachment,
        StoredChoices, StoredCitizen, StoredDialog, StoredErrand, StoredEvent, StoredInvoice, StoredMark, StoredNotice,
        StoredOperation, StoredPayment, StoredPreferences, StoredReply, Subject, Task, ToldOverdue, Use, Work,
    },
    sequence::{Place, Sequence, Told},
};

/// Changed agreements that are read at once: some hundred kilobytes.
const OFFICES_AT_ONCE: usize = 500;

/// Most clinicians of an office: `office.json` says so.
const CLINICIANS: usize = 200;

/// The store, as the use cases see it.
#[derive(Clone)]
pub(crate) struct Shelf {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) secret: Secret,
    pub(crate) sequence: Arc<Sequence>,
    /// Changes with every payment that is begun: for who waits for one.
    pub(crate) payments: Arc<watch::Sender<u64>>,
    /// How soon offices answer.
    pub(crate) answer_times: Arc<AnswerTimes>,
    /// The gateway's public URL: the source of its events.
    source: Arc<str>,
    /// How long what a citizen is to be told waits for more of it; none where nobody is told anything.
    pub(crate) fold: Option<SignedDuration>,
}

/// What the portal is to be told.
#[derive(Debug, Clone)]
pub(crate) struct News {
    pub(crate) kind: EventType,
    pub(crate) citizen: CitizenId,
    pub(crate) office: HerId,
    pub(crate) service: Service,
    /// The dialog, its revision and its status.
    pub(crate) dialog: Option<(DialogId, u64, StatusName)>,
    pub(crate) appointment: Option<AppointmentId>,
    pub(crate) payment: Option<PaymentId>,
    pub(crate) traceparent: Option<String>,
}

/// Everything that changes together.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Preconditions and writes beside those of the methods.
    pub(crate) batch: Batch,
    news: Vec<News>,
    /// The appointments that it writes, each as read at its revision.
    appointments: Vec<(Option<Revision>, StoredAppointment)>,
    /// On whose behalf it is done, where anybody is to be told of it.
    by: Option<ActorRole>,
    /// What citizens are to be told of that the feed does not say.
    telling: Vec<(Template, CitizenId, HerId, DialogId)>,
    /// Offices' first answers.
    answers: Vec<FirstAnswer>,
}

impl Shelf {
    /// Opens what the store holds: makes the installation's secret at the first start, goes on with the events.
    pub(crate) async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        source: Arc<str>,
    ) -> Result<Self, StoreError> {
        let secret = Secret::load(&*store).await?;
        let last = store.scan(Range { reverse: true, ..keys::all(keys::events(), 1) }).await?;
        let last = match last.first() {
            Some(entry) => Some(record::decode::<StoredEvent>("an event", &entry.versioned.value)?.event.id),
            None => None,
        };
        let sequence = Arc::new(Sequence::after(last));
        let (payments, answer_times) = Default::default();
        Ok(Self { store, clock, secret, sequence, payments, answer_times, source, fold: None })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn read<T: DeserializeOwned>(
        &self,
        what: &'static str,
        key: &[u8],
    ) -> Result<Option<(Revision, T)>, StoreError> {
        match self.store.get(key).await? {
            Some(Versioned { revision, value }) => Ok(Some((revision, record::decode(what, &value)?))),
            None => Ok(None),
        }
    }

    /// A dialog, ready to be changed.
    pub(crate) async fn dialog(&self, id: DialogId) -> Result<Option<Draft>, StoreError> {
        let found = self.read::<StoredDialog>("a dialog", &keys::dialog(id)).await?;
        Ok(found.map(|(revision, record)| Draft::of(revision, record)))
    }

    /// The dialog that a plugin calls `reference`, ready to be changed.
    pub(crate) async fn dialog_by_reference(
        &self,
        plugin: &PluginId,
        reference: &str,
    ) -> Result<Option<Draft>, StoreError> {
        match self.read::<DialogId>("a dialog's id", &keys::dialog_by_reference(plugin, reference)).await? {
            Some((_, id)) => self.dialog(id).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn citizen(&self, id: CitizenId) -> Result<Option<StoredCitizen>, StoreError> {
        Ok(self.read("a citizen", &keys::citizen(id)).await?.map(|(_, citizen)| citizen))
    }

    /// The citizen whom a plugin calls `reference`.
    pub(crate) async fn citizen_by_reference(
        &self,
        plugin: &PluginId,
        reference: &str,
    ) -> Result<Option<CitizenId>, StoreError> {
        let key = keys::citizen_by_reference(plugin, reference);
        Ok(self.read("a citizen's id", &key).await?.map(|(_, citizen)| citizen))
    }

    pub(crate) async fn attachment(
        &self,
        id: AttachmentId,
    ) -> Result<Option<(Revision, StoredAttachment)>, StoreError> {
        self.read("an attachment", &keys::attachment(id)).await
    }

    pub(crate) async fn appointment(
        &self,
        id: AppointmentId,
    ) -> Result<Option<(Revision, StoredAppointment)>, StoreError> {
        self.read("an appointment", &keys::appointment(id)).await
    }

    /// The appointment that a plugin calls `reference`, for this citizen.
    pub(crate) async fn appointment_by_reference(
        &self,
        plugin: &PluginId,
        citizen: CitizenId,
        reference: &str,
    ) -> Result<Option<(Revision, StoredAppointment)>, StoreError> {
        let key = keys::appointment_by_reference(plugin, citizen, reference);
        match self.read::<AppointmentId>("an appointment's id", &key).await? {
            Some((_, id)) => self.appointment(id).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn invoice(&self, id: InvoiceId) -> Result<Option<(Revision, StoredInvoice)>, StoreError> {
        self.read("an invoice", &keys::invoice(id)).await
    }

    /// The invoice that a plugin calls `reference`, for this citizen.
    pub(crate) async fn invoice_by_reference(
        &self,
        plugin: &PluginId,
        citizen: CitizenId,
        reference: &str,
    ) -> Result<Option<(Revision, StoredInvoice)>, StoreError> {
        let key = keys::invoice_by_reference(plugin, citizen, reference);
        match self.read::<InvoiceId>("an invoice's id", &key).await? {
            Some((_, id)) => self.invoice(id).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn payment(&self, id: PaymentId) -> Result<Option<(Revision, StoredPayment)>, StoreError> {
        self.read("a payment", &keys::payment(id)).await
    }

    /// The payment that a plugin calls `reference`.
    pub(crate) async fn payment_by_reference(
        &self,
        plugin: &PluginId,
        reference: &str,
    ) -> Result<Option<(Revision, StoredPayment)>, StoreError> {
        match self.read::<PaymentId>("a payment's id", &keys::payment_by_reference(plugin, reference)).await? {
            Some((_, id)) => self.payment(id).await,
            None => Ok(None),
        }
    }

    pub(crate) async fn notice(&self, id: NoticeId) -> Result<Option<(Revision, StoredNotice)>, StoreError> {
        self.read("a notice", &keys::notice(id)).await
    }

    /// How a citizen wants to be told; none where they have said nothing.
    pub(crate) async fn notice_preferences(
        &self,
        citizen: CitizenId,
    ) -> Result<Option<(Revision, StoredPreferences)>, StoreError> {
        self.read("a citizen's preferences", &keys::notice_preferences(citizen)).await
    }

    pub(crate) async fn told_overdue(&self) -> Result<Option<(Revision, ToldOverdue)>, StoreError> {
        self.read("what was told of overdue answers", &keys::told_overdue()).await
    }

    pub(crate) async fn operation(&self, id: uuid::Uuid) -> Result<Option<(Revision, StoredOperation)>, StoreError> {
        self.read("an operation", &keys::operation(id)).await
    }

    pub(crate) async fn mark(&self, id: uuid::Uuid) -> Result<Option<(Revision, StoredMark)>, StoreError> {
        self.read("a read mark", &keys::mark(id)).await
    }

    /// What a citizen chose, and at which revision; nothing where they never did.
    pub(crate) async fn choices(&self, citizen: CitizenId) -> Result<(Option<Revision>, StoredChoices), StoreError> {
        let found = self.read("a citizen's choices", &keys::choices(citizen)).await?;
        Ok(found.map_or((None, StoredChoices::default()), |(revision, choices)| (Some(revision), choices)))
    }

    pub(crate) async fn reply(&self, key: &ReplyKey) -> Result<Option<(Revision, StoredReply)>, StoreError> {
        self.read("a reply", &key.at()).await
    }

    pub(crate) async fn processed(
        &self,
        plugin: &PluginId,
        event: &str,
    ) -> Result<Option<record::Processed>, StoreError> {
        Ok(self.read("a processed event", &keys::processed(plugin, event)).await?.map(|(_, processed)| processed))
    }

    pub(crate) async fn position(&self, plugin: &PluginId) -> Result<Option<(Revision, record::Position)>, StoreError> {
        self.read("a poll's position", &keys::position(plugin)).await
    }

    /// What was changed of an office's agreements, service by service, with the revision for the store.
    pub(crate) async fn terms_of(
        &self,
        office: HerId,
    ) -> Result<Vec<(Service, Revision, record::StoredTerms)>, StoreError> {
        let mut all = Vec::new();
        for entry in self.store.scan(keys::all(keys::terms_of(office), Service::ALL.len() + 1)).await? {
            let Some((_, service)) = keys::office_and_service_of_terms(&entry.key) else { continue };
            all.push((service, entry.versioned.revision, record::decode("terms", &entry.versioned.value)?));
        }
        Ok(all)
    }

    /// What was changed of all offices' agreements.
    pub(crate) async fn all_terms(&self) -> Result<Vec<(HerId, Service, record::StoredTerms)>, StoreError> {
        let (mut range, mut all) = (keys::all(keys::all_terms(), OFFICES_AT_ONCE), Vec::new());
        loop {
            let entries = self.store.scan(range.clone()).await?;
            for entry in &entries {
                let Some((office, service)) = keys::office_and_service_of_terms(&entry.key) else { continue };
                all.push((office, service, record::decode("terms", &entry.versioned.value)?));
            }
            match entries.last() {
                Some(last) if entries.len() == OFFICES_AT_ONCE => range.from = [&last.key[..], b"\0"].concat().into(),
                _ => return Ok(all),
            }
        }
    }

    /// When clinicians of an office's are away, where that was changed.
    pub(crate) async fn absences_of(
        &self,
        office: HerId,
    ) -> Result<Vec<(HprNumber, Revision, record::StoredAbsences)>, StoreError> {
        let mut all = Vec::new();
        for entry in self.store.scan(keys::all(keys::absences_of(office), CLINICIANS)).await? {
            let Some(clinician) = keys::clinician_of_absences(&entry.key) else { continue };
            all.push((clinician, entry.versioned.revision, record::decode("absences", &entry.versioned.value)?));
        }
        Ok(all)
    }

    /// Commits a step, with its events at the places where the feed will show them. A caller that goes away while
    /// this waits must not drop it: run it in a task of its own.
    pub(crate) async fn commit(&self, step: Step) -> Result<Revision, StoreError> {
        let Step { mut batch, news, appointments: _, by, telling, answers } = step;
        let now = self.now();
        self.decide_notices(&mut batch, &news, by, &telling, now)?;
        let places = self.sequence.take(news.len(), now);
        let told: Vec<_> =
            places.iter().zip(news).map(|(place, news)| (*place, self.told(*place, news, now))).collect();
        for (_, Told { citizen, event }) in &told {
            match record::encode(&StoredEvent { citizen: *citizen, event: event.clone() }) {
                Ok(value) => {
                    batch.put_of(citizen.owner(), keys::event(event.id), value.clone());
                    batch.put_of(citizen.owner(), keys::event_of(*citizen, event.id), value);
                }
                Err(error) => {
                    self.sequence.abandoned(&places);
                    return Err(error);
                }
            }
        }
        let committed = self.store.commit(batch).await;
        match &committed {
            Ok(_) => {
                self.sequence.committed(told);
                answers.into_iter().for_each(|answer| self.answer_times.seen(answer, now));
            }
            Err(
                StoreError::Conflict { .. }
                | StoreError::TooLarge { .. }
                | StoreError::NoKey(_)
                | StoreError::Damaged(_),
            ) => {
                self.sequence.abandoned(&places);
            }
            // Nobody knows whether it will be there after a restart: see `sequence`.
            Err(StoreError::Unavailable(_)) => {}
        }
        committed
    }

    /// Writes what citizens are to be told of, with the events themselves: neither is there without the other.
    fn decide_notices(
        &self,
        batch: &mut Batch,
        news: &[News],
        by: Option<ActorRole>,
        telling: &[(Template, CitizenId, HerId, DialogId)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (Some(fold), Some(by)) = (self.fold, by) else { return Ok(()) };
        let told = news.iter().filter_map(|news| {
            let about = match (news.dialog, news.appointment) {
                (Some((dialog, ..)), _) => Subject::Dialog(dialog),
                (None, Some(appointment)) => Subject::Appointment(appointment),
                (None, None) => return None,
            };
            Some((news.citizen, Pending { template: decided(news.kind, by)?, office: news.office, about, at: now }))
        });
        let telling = telling.iter().map(|(template, citizen, office, dialog)| {
            let about = Subject::Dialog(*dialog);
            (*citizen, Pending { template: *template, office: *office, about, at: now })
        });
        for (citizen, pending) in told.chain(telling) {
            // Somebody waits in a waiting room: it waits for nothing else.
            let fold = if pending.template.is_for_now() { SignedDuration::ZERO } else { fold };
            pend(batch, citizen, &pending, now.checked_add(fold).unwrap_or(now))?;
        }
        Ok(())
    }

    fn told(&self, place: Place, news: News, time: Timestamp) -> Told {
        let News { kind, citizen, office, service, dialog, appointment, payment, traceparent } = news;
        let subject = match (dialog, appointment, payment) {
            (Some((dialog, ..)), ..) => format!("/v1/me/dialogs/{dialog}"),
            (None, Some(appointment), _) => format!("/v1/me/appointments/{appointment}"),
            (None, None, Some(payment)) => format!("/v1/me/payments/{payment}"),
            (None, None, None) => "/v1/me".into(),
        };
        let event = Event {
            specversion: "1.0".into(),
            id: place.event_id(),
            source: self.source.to_string(),
            kind,
            subject,
            time,
            datacontenttype: "application/json".into(),
            traceparent,
            data: EventData {
                citizen: self.secret.portal_name(citizen),
                office,
                service,
                dialog: dialog.map(|(id, ..)| id),
                revision: dialog.map(|(_, revision, _)| revision),
                status: dialog.map(|(_, _, status)| status),
                appointment,
                payment,
            },
        };
        Told { citizen, event }
    }
}

/// Notes something that a citizen is to be told of, and when it becomes a notice.
pub(crate) fn pend(batch: &mut Batch, citizen: CitizenId, pending: &Pending, due: Timestamp) -> Result<(), StoreError> {
    let key = keys::pending_notice(citizen, uuid::Uuid::now_v7());
    batch.put_of(citizen.owner(), key, record::encode(pending)?);
    batch.put(keys::fold_work(due, citizen), record::encode(&NoticeWork::Fold { citizen })?);
    Ok(())
}

impl Step {
    /// On whose behalf it is done: whoever did something is not told of it.
    pub(crate) const fn by(&mut self, role: ActorRole) {
        self.by = Some(role);
    }

    /// The office has charged for a dialog: its citizen is to be told.
    pub(crate) fn owes(&mut self, record: &StoredDialog) {
        self.telling.push((Template::Payment, record.citizen, record.dialog.office.her_id, record.dialog.id));
    }

    /// Writes a notice as it was read at `revision` (none where it is new), with when it is looked at.
    pub(crate) fn notice(
        &mut self,
        before: Option<(Revision, &StoredNotice)>,
        notice: &StoredNotice,
    ) -> Result<(), StoreError> {
        let key = keys::notice(notice.id);
        match before {
            Some((revision, before)) => {
                self.batch.require_at(key.clone(), revision).delete(keys::notice_work(before.due, notice.id));
            }
            None => {
                self.batch.require_absent(key.clone());
                self.batch.put(keys::notice_of(notice.citizen, notice.id), &b""[..]);
            }
        }
        let work = record::encode(&NoticeWork::Send {
            notice: notice.id,
            sent: matches!(notice.state, NoticeState::Sent { .. }),
        })?;
        self.batch.put(keys::notice_work(notice.due, notice.id), work);
        self.batch.put_of(notice.citizen.owner(), key, record::encode(notice)?);
        Ok(())
    }

    /// Removes a notice: there is nothing more to be done about it.
    pub(crate) fn notice_done(&mut self, revision: Revision, notice: &StoredNotice) {
        let key = keys::notice(notice.id);
        self.batch.require_at(key.clone(), revision).delete(key);
        self.batch.delete(keys::notice_of(notice.citizen, notice.id));
        self.batch.delete(keys::notice_work(notice.due, notice.id));
    }

    /// Notes that a provider has told a citizen itself.
    pub(crate) fn own_notice(
        &mut self,
        citizen: CitizenId,
        own: &OwnNotice,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::own_notice(citizen, uuid::Uuid::now_v7());
        self.batch.put_of(citizen.owner(), key, record::encode(own)?);
        self.batch.put(keys::fold_work(until, citizen), record::encode(&NoticeWork::Fold { citizen })?);
        Ok(())
    }

    /// Writes a dialog with its indexes, what is due in it, and its news; returns it as it now is.
    pub(crate) fn dialog(&mut self, mut draft: Draft, now: Timestamp) -> Result<StoredDialog, StoreError> {
        draft.finish(now);
        let Draft { before, record, news, traceparent, discarded } = draft;
        let id = record.dialog.id;
        let key = keys::dialog(id);
        match &before {
            Some((revision, before)) => {
                self.batch.require_at(key.clone(), *revision);
                if let Some((due, _)) = before.due() {
                    self.batch.delete(keys::work(due, id.uuid()));
                }
                if let Some(due) = before.owed() {
                    self.batch.delete(keys::owed(due, id));
                }
                if before.reaches_citizen() {
                    self.batch.delete(keys::listed(before.citizen, before.dialog.updated, id));
                }
                if let Some(key) = before.collegial() {
                    self.batch.delete(key);
                }
            }
            None => {
                self.batch.require_absent(key.clone());
            }
        }
        if discarded {
            if let Some((key, _)) = before.as_ref().and_then(|(_, before)| before.open_with()) {
                self.batch.delete(key);
            }
            if let Some(about) = record.about() {
                self.batch.delete(about);
            }
            self.batch.delete(key);
            return Ok(record);
        }
        if let Some(about) = record.about().filter(|_| before.is_none()) {
            self.batch.put(about, &b""[..]);
        }
        if let Some(key) = record.collegial() {
            self.batch.put(key, &b""[..]);
        }
        self.batch.put_of(record.citizen.owner(), key, record::encode(&record)?);
        // What the office opened waits for nobody's answer.
        let asked = record.request.is_some() && record.office_answered();
        if asked && before.as_ref().is_some_and(|(_, before)| !before.office_answered()) {
            let after = now.duration_since(record.dialog.opened);
            let (office, service) = (record.dialog.office.her_id, record.dialog.service);
            self.answers.push(FirstAnswer { office, service, after });
        }
        let was_closed = before.as_ref().is_some_and(|(_, before)| before.closed());
        if record.reaches_citizen() && record.closed() && !was_closed {
            // Whether the citizen wants a copy is asked when it is taken up.
            let task = Task::Archive { dialog: id };
            let (request, trace_id) = (RequestId::new(), Uuid::new_v4().simple().to_string());
            let errand = StoredErrand { citizen: record.citizen, task, attempts: 0, since: now, request, trace_id };
            self.errand(now, &errand)?;
        }
        let opens =
            record.waiting_room_is_open() && !before.as_ref().is_some_and(|(_, before)| before.waiting_room_is_open());
        if record.visible && opens {
            self.telling.push((Template::WaitingRoom, record.citizen, record.dialog.office.her_id, id));
        }
        if let Some((due, running)) = record.due() {
            let since = record.calls.front().map(|call| call.begun);
            let work = Work::Dialog { running, since, service: Some(record.dialog.service) };
            self.batch.put(keys::work(due, id.uuid()), record::encode(&work)?);
        }
        if let Some(due) = record.owed() {
            let owed = Owed { office: record.dialog.office.her_id, service: record.dialog.service };
            self.batch.put_of(record.citizen.owner(), keys::owed(due, id), record::encode(&owed)?);
        }
        let (was, is) = (before.as_ref().and_then(|(_, before)| before.open_with()), record.open_with());
        if was != is {
            if let Some((key, _)) = was {
                self.batch.delete(key);
            }
            if let Some((key, marked)) = is {
                self.batch.put(key, if marked { &b"marked"[..] } else { &b""[..] });
            }
        }
        if record.reaches_citizen() {
            let listed = keys::listed(record.citizen, record.dialog.updated, id);
            self.batch.put_of(record.citizen.owner(), listed, record::encode(&record.listed())?);
        }
        let known_as = before.as_ref().and_then(|(_, before)| before.reference.as_ref());
        if let Some(reference) = record.reference.as_ref().filter(|reference| known_as != Some(reference)) {
            let key = keys::dialog_by_reference(&record.plugin, reference);
            // Two dialogs under one reference would put one citizen's answer before another.
            self.batch.require_absent(key.clone()).put_of(record.citizen.owner(), key, record::encode(&id)?);
        }
        if record.reaches_citizen() {
            let dialog = Some((id, record.dialog.revision, record.dialog.status.name()));
            self.news.extend(news.into_iter().map(|kind| News {
                kind,
                citizen: record.citizen,
                office: record.dialog.office.her_id,
                service: record.dialog.service,
                dialog,
                appointment: None,
                payment: None,
                traceparent: traceparent.clone(),
            }));
        }
        Ok(record)
    }

    /// Tells the portal of something that is not a dialog's.
    pub(crate) fn tell(&mut self, news: News) {
        self.news.push(news);
    }

    /// Writes a citizen, and the name under which a plugin knows them.
    pub(crate) fn citizen(
        &mut self,
        id: CitizenId,
        citizen: &StoredCitizen,
        plugin: &PluginId,
        reference: &str,
    ) -> Result<(), StoreError> {
        self.batch.put_of(id.owner(), keys::citizen(id), record::encode(citizen)?);
        self.batch.put_of(id.owner(), keys::citizen_by_reference(plugin, reference), record::encode(&id)?);
        Ok(())
    }

    /// Writes an attachment as it was read at `revision` (none where it is new), with what it is now used for.
    pub(crate) fn attachment(
        &mut self,
        revision: Option<Revision>,
        stored: StoredAttachment,
        used: Use,
    ) -> Result<(), StoreError> {
        let stored = StoredAttachment { used, ..stored };
        let key = keys::attachment(stored.attachment.id);
        match revision {
            Some(revision) => self.batch.require_at(key.clone(), revision),
            None => self.batch.require_absent(key.clone()),
        };
        let unused = keys::attachment_unused(stored.expires, stored.attachment.id);
        match used {
            Use::Unused => self.batch.put(unused, &b""[..]),
            Use::In { .. } => self.batch.delete(unused),
        };
        self.batch.put_of(stored.citizen.owner(), key, record::encode(&stored)?);
        Ok(())
    }

    /// Writes an appointment, with the ways to find it.
    pub(crate) fn appointment(
        &mut self,
        revision: Option<Revision>,
        stored: &StoredAppointment,
    ) -> Result<(), StoreError> {
        let key = keys::appointment(stored.id);
        let reference = keys::appointment_by_reference(&stored.provider.id, stored.citizen, &stored.appointment.id);
        match revision {
            Some(revision) => self.batch.require_at(key.clone(), revision),
            None => self.batch.require_absent(key.clone()).require_absent(reference.clone()),
        };
        let owner = stored.citizen.owner();
        self.batch.put_of(owner, key, record::encode(stored)?);
        self.batch.put_of(owner, reference, record::encode(&stored.id)?);
        self.batch.put(keys::appointment_of(stored.citizen, stored.id), &b""[..]);
        self.appointments.retain(|(_, earlier)| earlier.id != stored.id);
        self.appointments.push((revision, stored.clone()));
        Ok(())
    }

    /// The appointment that a plugin calls `reference`, for this citizen, as this step writes it, with the revision
    /// that it was read at.
    pub(crate) fn written_appointment(
        &self,
        plugin: &PluginId,
        citizen: CitizenId,
        reference: &str,
    ) -> Option<(Option<Revision>, StoredAppointment)> {
        let same = |stored: &StoredAppointment| {
            stored.provider.id == *plugin && stored.citizen == citizen && stored.appointment.id == reference
        };
        self.appointments.iter().find(|(_, stored)| same(stored)).cloned()
    }

    /// Writes an invoice, with the ways to find it.
    pub(crate) fn invoice(&mut self, revision: Option<Revision>, stored: &StoredInvoice) -> Result<(), StoreError> {
        let key = keys::invoice(stored.id);
        let reference = keys::invoice_by_reference(&stored.provider.id, stored.citizen, &stored.invoice.id);
        match revision {
            Some(revision) => self.batch.require_at(key.clone(), revision),
            None => self.batch.require_absent(key.clone()).require_absent(reference.clone()),
        };
        let owner = stored.citizen.owner();
        self.batch.put_of(owner, key, record::encode(stored)?);
        self.batch.put_of(owner, reference, record::encode(&stored.id)?);
        self.batch.put(keys::invoice_of(stored.citizen, stored.id), &b""[..]);
        Ok(())
    }

    /// Writes a payment, with the ways to find it.
    pub(crate) fn payment(&mut self, revision: Option<Revision>, stored: &StoredPayment) -> Result<(), StoreError> {
        let key = keys::payment(stored.id);
        let reference = keys::payment_by_reference(&stored.provider.id, &stored.reference);
        match revision {
            Some(revision) => self.batch.require_at(key.clone(), revision),
            // Two payments by one name would tell one citizen that another has paid.
            None => self.batch.require_absent(key.clone()).require_absent(reference.clone()),
        };
        let owner = stored.citizen.owner();
        self.batch.put_of(owner, key, record::encode(stored)?);
        self.batch.put_of(owner, reference, record::encode(&stored.id)?);
        self.batch.put(keys::payment_of(stored.citizen, stored.id), &b""[..]);
        Ok(())
    }

    /// Writes what a citizen chose, as it was read at `revision` (none where it is new).
    pub(crate) fn choices(
        &mut self,
        revision: Option<Revision>,
        citizen: CitizenId,
        choices: &StoredChoices,
    ) -> Result<(), StoreError> {
        let key = keys::choices(citizen);
        match revision {
            Some(revision) => self.batch.require_at(key.clone(), revision),
            None => self.batch.require_absent(key.clone()),
        };
        self.batch.put_of(citizen.owner(), key, record::encode(choices)?);
        Ok(())
    }

    /// Writes a new errand.
    pub(crate) fn errand(&mut self, due: Timestamp, errand: &StoredErrand) -> Result<(), StoreError> {
        self.errand_again(due, Uuid::now_v7(), errand)
    }

    /// Writes when an errand is tried next.
    pub(crate) fn errand_again(&mut self, due: Timestamp, id: Uuid, errand: &StoredErrand) -> Result<(), StoreError> {
        self.batch.put_of(errand.citizen.owner(), keys::errand(due, id), record::encode(errand)?);
        Ok(())
    }

    /// Removes an errand as it was read at `revision`.
    pub(crate) fn errand_done(&mut self, key: Bytes, revision: Revision) {
        self.batch.require_at(key.clone(), revision).delete(key);
    }

    /// Writes an operation as it was read at `revision` (none where it is new), with when it is looked after.
    pub(crate) fn operation(
        &mut self,
        before: Option<(Revision, &StoredOperation)>,
        id: uuid::Uuid,
        operation: &StoredOperation,
    ) -> Result<(), StoreError> {
        let key = keys::operation(id);
        match before {
            Some((revision, before)) => {
                self.batch.require_at(key.clone(), revision).delete(keys::work(before.lease, id));
            }
            None => {
                self.batch.require_absent(key.clone());
            }
        }
        self.batch.put(keys::work(operation.lease, id), record::encode(&Work::Operation)?);
        self.batch.put_of(operation.citizen.owner(), key, record::encode(operation)?);
        Ok(())
    }

    /// Removes an operation: it is settled.
    pub(crate) fn operation_done(&mut self, revision: Revision, id: uuid::Uuid, operation: &StoredOperation) {
        let key = keys::operation(id);
        self.batch.require_at(key.clone(), revision);
        self.batch.delete(key).delete(keys::work(operation.lease, id));
    }

    /// Writes a read mark as it was read at `revision` (none where it is new), with when it is tried.
    pub(crate) fn mark(
        &mut self,
        before: Option<(Revision, &StoredMark)>,
        id: uuid::Uuid,
        mark: &StoredMark,
    ) -> Result<(), StoreError> {
        let key = keys::mark(id);
        match before {
            Some((revision, before)) => {
                self.batch.require_at(key.clone(), revision).delete(keys::work(before.due, id));
            }
            None => {
                self.batch.require_absent(key.clone());
            }
        }
        self.batch.put(keys::work(mark.due, id), record::encode(&Work::Mark)?);
        self.batch.put_of(mark.citizen.owner(), key, record::encode(mark)?);
        Ok(())
    }

    /// Removes a read mark: the provider knows, or never will.
    pub(crate) fn mark_done(&mut self, revision: Revision, id: uuid::Uuid, mark: &StoredMark) {
        let key = keys::mark(id);
        self.batch.require_at(key.clone(), revision);
        self.batch.delete(key).delete(keys::work(mark.due, id));
    }

    /// Writes an idempotency entry as it was read at `revision` (none where it is new).
    pub(crate) fn reply(
        &mut self,
        revision: Option<Revision>,
        key: &ReplyKey,
        reply: &StoredReply,
    ) -> Result<(), StoreError> {
        let at = key.at();
        match revision {
            Some(revision) => self.batch.require_at(at.clone(), revision),
            None => self.batch.require_absent(at.clone()),
        };
        self.batch.put(keys::reply_expiry(reply.expires, &at), &b""[..]);
        self.batch.put_of(key.citizen.owner(), at, record::encode(reply)?);
        Ok(())
    }

    /// Forgets an idempotency entry: nothing was done under it.
    pub(crate) fn forget_reply(&mut self, revision: Revision, key: &ReplyKey, reply: &StoredReply) {
        let at = key.at();
        self.batch.require_at(at.clone(), revision);
        self.batch.delete(keys::reply_expiry(reply.expires, &at)).delete(at);
    }

    /// Writes what holds for a service of an office, as it was read at `revision` (none where it is new).
    pub(crate) fn terms(
        &mut self,
        revision: Option<Revision>,
        office: HerId,
        service: Service,
        terms: &record::StoredTerms,
    ) -> Result<(), StoreError> {
        self.over(revision, keys::terms(office, service), terms)
    }

    /// Writes when a clinician is away, as it was read at `revision` (none where it is new).
    pub(crate) fn absences(
        &mut self,
        revision: Option<Revision>,
        office: HerId,
        clinician: HprNumber,
        absences: &record::StoredAbsences,
    ) -> Result<(), StoreError> {
        self.over(revision, keys::absences(office, clinician), absences)
    }

    fn over<T: serde::Serialize>(
        &mut self,
        revision: Option<Revision>,
        key: bytes::Bytes,
        value: &T,
    ) -> Result<(), StoreError> {
        match revision {
            Some(revision) => self.batch.require_at(key.clone(), revision),
            None => self.batch.require_absent(key.clone()),
        };
        self.batch.put(key, record::encode(value)?);
        Ok(())
    }

    /// Marks a provider's event as settled; a batch that settles it a second time is a conflict.
    pub(crate) fn processed(
        &mut self,
        plugin: &PluginId,
        event: &str,
        processed: record::Processed,
    ) -> Result<(), StoreError> {
        let key = keys::processed(plugin, event);
        self.batch.require_absent(key.clone());
        self.batch.put(keys::processed_at(processed.at, &key), &b""[..]);
        self.batch.put(key, record::encode(&processed)?);
        Ok(())
    }
}
