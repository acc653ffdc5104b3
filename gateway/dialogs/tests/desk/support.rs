//! The world that the tests play in: one office, its citizens, and ports that do as they are told.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use dialog_contract::{
    appointment::Slot,
    audit::{CallRecord, Record, RecordKind},
    dialog::{Clinician, Dialog, MediaType},
    ids::{DialogId, HerId, HprNumber, NationalIdentityNumber, PluginId, RequestId},
    opening::{NewDialog, NewMessage, Request as Asked},
    practice::{Booking as HowToBook, Office},
    prescription::Prescription,
    problem::Problem,
    provider::{
        Appointment, Booking, Context, Delivery, Event, EventBody, Failure, Fault, Form, InboundPage, Interface,
        Invoice, Message, Notice, NoticeReceipt, OfficeMessage, Opened, Opening, Outage, Payment, PracticeProfile,
        Reason, ServedOffice, Settlement, SlotQuery,
    },
    service::{ConsultationMode, EncounterMode, Locale, ProviderKind, Sent, Service},
    survey::{Answer as Chosen, Questionnaire},
    video::{Room, RoomState},
};
use dialog_core::{
    Desk, DialogFilter, Outcome, Ports,
    answer::{Answer, Refused},
    permit::{self, CLINICIAN_SCOPE, Citizen, OPERATOR_SCOPE, Operator, Permitted, Portal, Representative, Verified},
    ports::{
        clock::Clock,
        directory::{Agreement, Directory, DirectoryError, GpAssignment, NationalProvider, Person, ProviderName},
        evidence::{Evidence, EvidenceError, Receipt},
        keys::{KeyError, Keyring, Owner},
        providers::{Called, Installed, Providers, Target},
        store::{Batch, Entry, Range, Revision, Store, StoreError, Versioned},
        trails::{Beginning, Placed, Trails, TrailsError},
    },
    request::Request,
};
use dialog_store::memory::{MemoryBlobs, MemoryStore};
use jiff::{Timestamp, ToSpan, civil::date};

pub(crate) const KARI: &str = "14838541241";
pub(crate) const OLA: &str = "02917130593";
pub(crate) const NORA: &str = "20881780195";

/// A Monday morning in Oslo.
pub(crate) const NOW: &str = "2026-01-12T09:00:00Z";

pub(crate) fn office_id() -> HerId {
    8_150_101.try_into().unwrap()
}

/// A provider of the whole country is reached here.
pub(crate) fn national_id() -> HerId {
    8_150_801.try_into().unwrap()
}

pub(crate) fn plugin() -> PluginId {
    "ddfl".parse().unwrap()
}

pub(crate) fn gp() -> Clinician {
    Clinician {
        hpr_number: 9_123_407.try_into().unwrap(),
        her_id: Some(8_150_111.try_into().unwrap()),
        given_name: "Sigrid".into(),
        family_name: "Ås".into(),
    }
}

pub(crate) fn substitute() -> Clinician {
    Clinician {
        hpr_number: 9_123_415.try_into().unwrap(),
        her_id: None,
        given_name: "Jonas".into(),
        family_name: "Mørk".into(),
    }
}

/// A clock that stands still until it is told.
pub(crate) struct ToldClock(Mutex<Timestamp>);

impl ToldClock {
    pub(crate) fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(seconds.seconds()).unwrap();
    }
}

impl Clock for ToldClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The store, with a switch.
#[derive(Default)]
pub(crate) struct Switched {
    pub(crate) memory: MemoryStore,
    pub(crate) down: AtomicBool,
    /// The next commits, and what befalls them.
    pub(crate) trouble: Mutex<Option<(u32, Trouble)>>,
    /// The process dies at a commit.
    pub(crate) crash: Mutex<Option<Crash>>,
}

/// What befalls a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Somebody else changed the same data first.
    Conflict,
    /// Somebody else made the very same change first.
    Overtaken,
    /// The store does not answer.
    Silence,
}

impl Switched {
    /// The next `commits` meet `trouble`.
    pub(crate) fn befall(&self, commits: u32, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some((commits, trouble));
    }

    fn befallen(&self) -> Option<Trouble> {
        let mut left = self.trouble.lock().unwrap();
        let (commits, trouble) = (*left)?;
        *left = commits.checked_sub(1).map(|commits| (commits, trouble));
        left.map(|_| trouble)
    }
}

/// At which commit from now on the process dies, from 0, and whether that one is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    pub(crate) after: u32,
    pub(crate) written: bool,
}

#[async_trait]
impl Store for Switched {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        // So that what runs side by side meets.
        tokio::task::yield_now().await;
        self.memory.get(key).await
    }

    async fn scan(&self, range: Range) -> Result<Vec<Entry>, StoreError> {
        self.memory.scan(range).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("switched off".into()));
        }
        match self.befallen() {
            Some(Trouble::Silence) => return Err(StoreError::Unavailable("silent".into())),
            Some(trouble) => {
                let key = batch.writes.first().unwrap().0.clone();
                if trouble == Trouble::Overtaken {
                    self.memory.commit(batch).await?;
                }
                return Err(StoreError::Conflict { key });
            }
            None => {}
        }
        let crash = *self.crash.lock().unwrap();
        match crash {
            Some(Crash { after: 0, written }) => {
                self.down.store(true, Ordering::SeqCst);
                if written {
                    self.memory.commit(batch).await?;
                }
                return Err(StoreError::Unavailable("the process dies".into()));
            }
            Some(Crash { after, written }) => {
                *self.crash.lock().unwrap() = Some(Crash { after: after - 1, written });
            }
            None => {}
        }
        self.memory.commit(batch).await
    }
}

/// Whose keys were destroyed, with a switch.
#[derive(Default)]
pub(crate) struct Destroyed {
    pub(crate) owners: Mutex<Vec<Owner>>,
    pub(crate) down: AtomicBool,
}

#[async_trait]
impl Keyring for Destroyed {
    async fn destroy(&self, owner: Owner) -> Result<(), KeyError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(KeyError::Unavailable("switched off".into()));
        }
        self.owners.lock().unwrap().push(owner);
        Ok(())
    }
}

/// The name of the audit log.
pub(crate) const ORIGIN: &str = "gateway.test/log";

/// The audit log, in memory, with a switch.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) records: Mutex<Vec<Record>>,
    pub(crate) down: AtomicBool,
    /// It cannot be read yet.
    pub(crate) unready: AtomicBool,
    /// The logs that it continues, the newest first.
    pub(crate) earlier: Mutex<Vec<EarlierLog>>,
    /// The log that the oldest of them continues, which is not here.
    pub(crate) before: Mutex<Option<String>>,
}

/// A log that has ended.
pub(crate) struct EarlierLog {
    pub(crate) origin: String,
    pub(crate) records: Vec<Record>,
    /// Why it cannot be read.
    pub(crate) trouble: Option<TrailsError>,
}

impl Log {
    pub(crate) fn kinds(&self, action: &str) -> Vec<RecordKind> {
        let records = self.records.lock().unwrap();
        records.iter().filter(|record| record.action == action).map(|record| record.kind).collect()
    }

    pub(crate) fn last(&self) -> Record {
        self.records.lock().unwrap().last().unwrap().clone()
    }

    /// What is in the log is from now on in one that has ended.
    pub(crate) fn succeeded(&self, origin: &str) {
        let records = std::mem::take(&mut *self.records.lock().unwrap());
        self.earlier.lock().unwrap().insert(0, EarlierLog { origin: origin.into(), records, trouble: None });
    }

    /// An ended log cannot be read from now on, or again.
    pub(crate) fn befalls(&self, origin: &str, trouble: Option<TrailsError>) {
        let mut earlier = self.earlier.lock().unwrap();
        earlier.iter_mut().find(|log| log.origin == origin).unwrap().trouble = trouble;
    }

    fn all(&self, origin: &str) -> Result<Vec<Record>, TrailsError> {
        if origin == ORIGIN {
            let unready = self.unready.load(Ordering::SeqCst);
            let all = || self.records.lock().unwrap().clone();
            return if unready { Err(TrailsError::NotYet("the index is being made".into())) } else { Ok(all()) };
        }
        let earlier = self.earlier.lock().unwrap();
        match earlier.iter().find(|log| log.origin == origin) {
            Some(EarlierLog { trouble: Some(trouble), .. }) => Err(trouble.clone()),
            Some(log) => Ok(log.records.clone()),
            None if self.before.lock().unwrap().as_deref() == Some(origin) => {
                Err(TrailsError::Unreadable("it is not here".into()))
            }
            None => Err(TrailsError::Unknown),
        }
    }

    fn placed(&self, origin: &str, is_wanted: impl Fn(&Record) -> bool) -> Result<Vec<Placed>, TrailsError> {
        let placed = self.all(origin)?.into_iter().zip(0..).filter(|(record, _)| is_wanted(record));
        Ok(placed.map(|(record, index)| Placed { index, record }).collect())
    }
}

#[async_trait]
impl Evidence for Log {
    async fn record(&self, record: Record) -> Result<Receipt, EvidenceError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(EvidenceError("disk full".into()));
        }
        let mut records = self.records.lock().unwrap();
        records.push(record);
        Ok(Receipt { origin: ORIGIN.into(), index: records.len() as u64 - 1 })
    }

    fn pseudonym(&self, person: &NationalIdentityNumber) -> String {
        // Not the number, and the same for the same.
        format!("p{}", person.expose().bytes().map(u64::from).fold(7, |sum, byte| sum * 31 + byte))
    }
}

#[async_trait]
impl Trails for Log {
    fn origins(&self) -> Vec<String> {
        let earlier = self.earlier.lock().unwrap();
        [ORIGIN.to_owned()].into_iter().chain(earlier.iter().map(|log| log.origin.clone())).collect()
    }

    async fn beginning(&self, origin: &str) -> Result<Beginning, TrailsError> {
        let origins = self.origins();
        let at = origins.iter().position(|known| known == origin).ok_or(TrailsError::Unknown)?;
        let records = self.all(origin);
        let Some(before) = origins.get(at + 1) else {
            let time = records?.first().map(|record| record.time);
            return Ok(Beginning { time, continues: self.before.lock().unwrap().clone() });
        };
        let time = records.ok().and_then(|records| Some(records.first()?.time));
        Ok(Beginning { time, continues: Some(before.clone()) })
    }

    async fn record(&self, origin: &str, index: u64) -> Result<Option<Record>, TrailsError> {
        Ok(self.all(origin)?.get(usize::try_from(index).unwrap()).cloned())
    }

    async fn of_person(
        &self,
        origin: &str,
        person: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Placed>, TrailsError> {
        let is_about = |record: &Record| {
            record.citizen.as_deref() == Some(person) || record.actor.person.as_deref() == Some(person)
        };
        let mut found = self.placed(origin, is_about)?;
        found.retain(|placed| before.is_none_or(|before| placed.index < before));
        found.reverse();
        found.truncate(limit);
        Ok(found)
    }

    async fn of_request(&self, origin: &str, request: RequestId, after: u64) -> Result<Vec<Placed>, TrailsError> {
        let mut found = self.placed(origin, |record| record.request == Some(request))?;
        found.retain(|placed| placed.index > after);
        Ok(found)
    }

    async fn proof(&self, origin: &str, index: u64) -> Result<Option<String>, TrailsError> {
        let is_there = (index as usize) < self.all(origin)?.len();
        Ok(is_there.then(|| format!("proof of {index} in {origin}")))
    }
}

/// A mobile number and a mail address.
pub(crate) type Reached = (Option<String>, Option<String>);

/// The directory, which tests may rewrite.
pub(crate) struct Register {
    pub(crate) agreements: Mutex<Vec<Agreement>>,
    pub(crate) office: Mutex<Office>,
    /// Citizens who have not said yes to digital dialog.
    pub(crate) inactive: Mutex<HashSet<String>>,
    /// Who is there beside the GPs.
    pub(crate) national: Mutex<Vec<NationalProvider>>,
    /// Citizens whose GP is at another office.
    pub(crate) elsewhere: Mutex<HashSet<String>>,
    /// Citizens' mobile numbers and mail addresses; nobody has any without being told.
    pub(crate) reached: Mutex<HashMap<String, Reached>>,
    /// Of whom it was to forget what it keeps.
    pub(crate) forgotten: Mutex<Vec<String>>,
}

pub(crate) fn person(number: &str) -> Person {
    let (given_name, family_name) = match number {
        KARI => ("Kari", "Fjell"),
        NORA => ("Nora", "Fjell"),
        _ => ("Ola", "Brygge"),
    };
    Person {
        national_identity_number: number.parse().unwrap(),
        given_name: given_name.into(),
        family_name: family_name.into(),
        mobile: None,
        email: None,
        digitally_active: true,
    }
}

#[async_trait]
impl Directory for Register {
    async fn assignment(&self, citizen: &NationalIdentityNumber) -> Result<Option<GpAssignment>, DirectoryError> {
        let known = [KARI, OLA, NORA].contains(&citizen.expose());
        let digitally_active = !self.inactive.lock().unwrap().contains(citizen.expose());
        let elsewhere = self.elsewhere.lock().unwrap().contains(citizen.expose());
        let (mobile, email) = self.reached.lock().unwrap().get(citizen.expose()).cloned().unwrap_or_default();
        Ok(known.then(|| GpAssignment {
            person: Person { digitally_active, mobile, email, ..person(citizen.expose()) },
            general_practitioner: gp(),
            office: if elsewhere { 8_150_901.try_into().unwrap() } else { office_id() },
        }))
    }

    async fn office(&self, office: HerId) -> Result<Option<Office>, DirectoryError> {
        let mut found = self.office.lock().unwrap().clone();
        found.her_id = office;
        if office == national_id() {
            found.practitioners[0].clinician = substitute();
            found.practitioners[0].absences.clear();
        }
        Ok([office_id(), national_id()].contains(&office).then_some(found))
    }

    async fn agreements(&self, office: HerId) -> Result<Vec<Agreement>, DirectoryError> {
        let agreements = self.agreements.lock().unwrap();
        Ok(agreements.iter().filter(|agreement| agreement.office == office).cloned().collect())
    }

    async fn agreements_with(&self, plugin: &PluginId) -> Result<Vec<Agreement>, DirectoryError> {
        let agreements = self.agreements.lock().unwrap();
        Ok(agreements.iter().filter(|agreement| agreement.plugin == *plugin).cloned().collect())
    }

    async fn provider(&self, plugin: &PluginId) -> Result<Option<ProviderName>, DirectoryError> {
        let (name, kind) = ("Digital dialog fastlege".into(), ProviderKind::Public);
        Ok(Some(ProviderName { id: plugin.clone(), name, kind }))
    }

    async fn forget(&self, citizen: &NationalIdentityNumber) -> Result<(), DirectoryError> {
        self.forgotten.lock().unwrap().push(citizen.expose().to_owned());
        Ok(())
    }

    async fn national(&self) -> Result<Vec<NationalProvider>, DirectoryError> {
        Ok(self.national.lock().unwrap().clone())
    }
}

/// A call that a plugin got.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) function: &'static str,
    pub(crate) key: String,
    pub(crate) attempt: u32,
    pub(crate) context: Context,
    pub(crate) opening: Option<Opening>,
    pub(crate) message: Option<Message>,
}

/// What a plugin is to do.
pub(crate) type Act<T> = Box<dyn FnOnce() -> Result<T, Failure> + Send>;

/// What a plugin answers to `inbound.poll`, by the cursor and what it is told of the events of its last answer.
pub(crate) type Feed = Box<dyn FnMut(Option<String>, Vec<Settlement>) -> Result<InboundPage, Failure> + Send>;

/// Plugins that do as they are told; without being told they accept.
pub(crate) struct Scripted {
    pub(crate) installed: Mutex<HashMap<PluginId, Installed>>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) opens: Mutex<VecDeque<Act<Vec<Event>>>>,
    pub(crate) sends: Mutex<VecDeque<Act<Vec<Event>>>>,
    pub(crate) closes: Mutex<VecDeque<Act<Vec<Event>>>>,
    pub(crate) books: Mutex<VecDeque<Act<Appointment>>>,
    pub(crate) cancels: Mutex<VecDeque<Act<()>>>,
    pub(crate) upcoming: Mutex<Vec<Appointment>>,
    pub(crate) slots: Mutex<Vec<Slot>>,
    /// What `outstanding` does first, before it tells of [`Self::invoices`].
    pub(crate) owed: Mutex<VecDeque<Act<Vec<Invoice>>>>,
    pub(crate) invoices: Mutex<Vec<Invoice>>,
    pub(crate) pays: Mutex<VecDeque<Act<Payment>>>,
    pub(crate) joins: Mutex<VecDeque<Act<Room>>>,
    /// What `mark_seen` does, and of which messages it was told.
    pub(crate) marks: Mutex<VecDeque<Act<()>>>,
    pub(crate) marked: Mutex<Vec<String>>,
    pub(crate) notifies: Mutex<VecDeque<Act<NoticeReceipt>>>,
    /// Every notice that a notifier was given, also those that it did not take.
    pub(crate) notices: Mutex<Vec<(PluginId, Notice)>>,
    pub(crate) deliveries: Mutex<VecDeque<Act<Vec<Event>>>>,
    /// What `profile` tells; nothing without being told.
    pub(crate) profiles: Mutex<VecDeque<Act<PracticeProfile>>>,
    /// What `forms` tells; none without being told.
    pub(crate) forms: Mutex<VecDeque<Act<Vec<Form>>>>,
    /// What `survey` tells; none without being told.
    pub(crate) surveys: Mutex<VecDeque<Act<Option<Questionnaire>>>>,
    pub(crate) submits: Mutex<VecDeque<Act<()>>>,
    /// What was handed in, by survey.
    pub(crate) submitted: Mutex<Vec<(String, Vec<Chosen>)>>,
    pub(crate) actives: Mutex<VecDeque<Act<()>>>,
    /// What `citizens.active` was told, in order.
    pub(crate) told_active: Mutex<Vec<bool>>,
    pub(crate) feed: Mutex<Option<Feed>>,
    /// Of whom plugins were to forget.
    pub(crate) forgotten: Mutex<Vec<Owner>>,
    /// What they find then; nothing without being told.
    pub(crate) remembers: Mutex<VecDeque<Result<usize, StoreError>>>,
    /// With which offices `inbound` was called last.
    pub(crate) served: Mutex<Vec<ServedOffice>>,
    /// Dialogs that `open` was called for.
    pub(crate) dialogs: Mutex<Vec<DialogId>>,
    /// Calls wait here before they act: a permit lets one through. None waits.
    pub(crate) gate: Mutex<Option<Arc<tokio::sync::Semaphore>>>,
    /// A permit for each call that has come.
    pub(crate) arrived: Arc<tokio::sync::Semaphore>,
}

impl Scripted {
    fn new() -> Self {
        let installed = Installed {
            id: plugin(),
            version: "1.0.0".into(),
            digest: "00".repeat(32),
            exports: vec![
                Interface::Dialogs,
                Interface::Appointments,
                Interface::Prescriptions,
                Interface::Payments,
                Interface::Inbound,
                Interface::Video,
                Interface::ReadMarks,
                Interface::Citizens,
            ],
            idempotent: false,
            settings_schema: serde_json::json!({}),
        };
        Self {
            installed: Mutex::new(HashMap::from([(plugin(), installed)])),
            seen: Mutex::default(),
            opens: Mutex::default(),
            sends: Mutex::default(),
            closes: Mutex::default(),
            books: Mutex::default(),
            cancels: Mutex::default(),
            upcoming: Mutex::default(),
            slots: Mutex::default(),
            owed: Mutex::default(),
            invoices: Mutex::default(),
            pays: Mutex::default(),
            joins: Mutex::default(),
            marks: Mutex::default(),
            marked: Mutex::default(),
            notifies: Mutex::default(),
            notices: Mutex::default(),
            deliveries: Mutex::default(),
            profiles: Mutex::default(),
            forms: Mutex::default(),
            surveys: Mutex::default(),
            submits: Mutex::default(),
            submitted: Mutex::default(),
            actives: Mutex::default(),
            told_active: Mutex::default(),
            feed: Mutex::default(),
            forgotten: Mutex::default(),
            remembers: Mutex::default(),
            served: Mutex::default(),
            dialogs: Mutex::default(),
            gate: Mutex::default(),
            arrived: Arc::new(tokio::sync::Semaphore::new(0)),
        }
    }

    pub(crate) fn calls(&self, function: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.function == function).cloned().collect()
    }

    async fn note(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
        self.pass().await;
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
    }
}

fn record(function: &str, interface: Interface, target: &Target) -> CallRecord {
    CallRecord {
        plugin: target.plugin.clone(),
        version: "1.0.0".into(),
        digest: "00".repeat(32),
        contract: "dialog:provider@1.0.0".into(),
        grant: "11".repeat(32),
        interface,
        function: function.into(),
        attempt: target.attempt,
        microseconds: Some(10),
        memory_bytes: None,
        upstreams: Vec::new(),
    }
}

fn seen(function: &'static str, target: &Target, context: &Context) -> Seen {
    Seen {
        function,
        key: context.idempotency_key.clone(),
        attempt: target.attempt,
        context: context.clone(),
        opening: None,
        message: None,
    }
}

fn next<T>(acts: &Mutex<VecDeque<Act<T>>>, otherwise: impl FnOnce() -> T) -> Result<T, Failure> {
    let act = acts.lock().unwrap().pop_front();
    act.map_or_else(|| Ok(otherwise()), |act| act())
}

#[async_trait]
impl Providers for Scripted {
    fn installed(&self, plugin: &PluginId) -> Option<Installed> {
        self.installed.lock().unwrap().get(plugin).cloned()
    }

    fn all(&self) -> Vec<Installed> {
        self.installed.lock().unwrap().values().cloned().collect()
    }

    async fn forget(&self, owner: Owner) -> Result<usize, StoreError> {
        self.forgotten.lock().unwrap().push(owner);
        self.remembers.lock().unwrap().pop_front().unwrap_or(Ok(0))
    }

    async fn open(&self, target: Target, ctx: Context, dialog: DialogId, opening: Opening) -> Called<Opened> {
        self.dialogs.lock().unwrap().push(dialog);
        self.note(Seen { opening: Some(opening), ..seen("open", &target, &ctx) }).await;
        let answer = next(&self.opens, Vec::new).map(|events| Opened { reference: reference(dialog), events });
        Called { answer, record: record("open", Interface::Dialogs, &target) }
    }

    async fn send(&self, target: Target, ctx: Context, _: String, message: Message) -> Called<Vec<Event>> {
        self.note(Seen { message: Some(message), ..seen("send", &target, &ctx) }).await;
        Called { answer: next(&self.sends, Vec::new), record: record("send", Interface::Dialogs, &target) }
    }

    async fn close(&self, target: Target, ctx: Context, _: String) -> Called<Vec<Event>> {
        self.note(seen("close", &target, &ctx)).await;
        Called { answer: next(&self.closes, Vec::new), record: record("close", Interface::Dialogs, &target) }
    }

    async fn slots(&self, target: Target, ctx: Context, _: SlotQuery) -> Called<Vec<Slot>> {
        self.note(seen("slots", &target, &ctx)).await;
        let slots = self.slots.lock().unwrap().clone();
        Called { answer: Ok(slots), record: record("slots", Interface::Appointments, &target) }
    }

    async fn book(&self, target: Target, ctx: Context, booking: Booking) -> Called<Appointment> {
        self.note(seen("book", &target, &ctx)).await;
        let answer = next(&self.books, || appointment(&booking.slot, booking.start));
        Called { answer, record: record("book", Interface::Appointments, &target) }
    }

    async fn change(&self, target: Target, ctx: Context, old: Appointment, new: Booking) -> Called<Appointment> {
        self.note(seen("change", &target, &ctx)).await;
        let answer = next(&self.books, || Appointment { id: old.id, ..appointment("x", new.start) });
        Called { answer, record: record("change", Interface::Appointments, &target) }
    }

    async fn cancel(&self, target: Target, ctx: Context, _: Appointment, _: Option<String>) -> Called<()> {
        self.note(seen("cancel", &target, &ctx)).await;
        Called { answer: next(&self.cancels, || ()), record: record("cancel", Interface::Appointments, &target) }
    }

    async fn upcoming(&self, target: Target, ctx: Context) -> Called<Vec<Appointment>> {
        self.note(seen("upcoming", &target, &ctx)).await;
        let upcoming = self.upcoming.lock().unwrap().clone();
        Called { answer: Ok(upcoming), record: record("upcoming", Interface::Appointments, &target) }
    }

    async fn renewable(&self, target: Target, ctx: Context) -> Called<Vec<Prescription>> {
        self.note(seen("renewable", &target, &ctx)).await;
        Called { answer: Ok(Vec::new()), record: record("renewable", Interface::Prescriptions, &target) }
    }

    async fn profile(&self, target: Target, ctx: Context) -> Called<PracticeProfile> {
        self.note(seen("profile", &target, &ctx)).await;
        let answer = next(&self.profiles, PracticeProfile::default);
        Called { answer, record: record("profile", Interface::Practice, &target) }
    }

    async fn forms(&self, target: Target, ctx: Context) -> Called<Vec<Form>> {
        self.note(seen("forms", &target, &ctx)).await;
        Called { answer: next(&self.forms, Vec::new), record: record("forms", Interface::Practice, &target) }
    }

    async fn outstanding(&self, target: Target, ctx: Context) -> Called<Vec<Invoice>> {
        self.note(seen("outstanding", &target, &ctx)).await;
        let answer = next(&self.owed, || self.invoices.lock().unwrap().clone());
        Called { answer, record: record("outstanding", Interface::Payments, &target) }
    }

    async fn pay(&self, target: Target, ctx: Context, invoice: String, _: String) -> Called<Payment> {
        self.note(seen("pay", &target, &ctx)).await;
        let answer = next(&self.pays, || payment(&format!("pay-{invoice}")));
        Called { answer, record: record("pay", Interface::Payments, &target) }
    }

    async fn survey(&self, target: Target, ctx: Context) -> Called<Option<Questionnaire>> {
        self.note(seen("survey", &target, &ctx)).await;
        Called { answer: next(&self.surveys, || None), record: record("survey", Interface::Feedback, &target) }
    }

    async fn submit(&self, target: Target, ctx: Context, survey: String, answers: Vec<Chosen>) -> Called<()> {
        self.submitted.lock().unwrap().push((survey, answers));
        self.note(seen("submit", &target, &ctx)).await;
        Called { answer: next(&self.submits, || ()), record: record("submit", Interface::Feedback, &target) }
    }

    async fn join(&self, target: Target, ctx: Context, _: String) -> Called<Room> {
        self.note(seen("join", &target, &ctx)).await;
        let expires = NOW.parse::<Timestamp>().unwrap().checked_add(15.minutes()).unwrap();
        let url = "https://meet.example/hemmelig".to_owned();
        let answer = next(&self.joins, || Room { url, expires, state: RoomState::Waiting });
        Called { answer, record: record("join", Interface::Video, &target) }
    }

    async fn leave(&self, target: Target, ctx: Context, _: String) -> Called<()> {
        self.note(seen("leave", &target, &ctx)).await;
        Called { answer: Ok(()), record: record("leave", Interface::Video, &target) }
    }

    async fn mark_seen(&self, target: Target, ctx: Context, _: String, message: String) -> Called<()> {
        self.note(seen("seen", &target, &ctx)).await;
        let answer = next(&self.marks, || ());
        if answer.is_ok() {
            self.marked.lock().unwrap().push(message);
        }
        Called { answer, record: record("seen", Interface::ReadMarks, &target) }
    }

    async fn receive(&self, target: Target, offices: Vec<ServedOffice>, _: Delivery) -> Called<Vec<Event>> {
        *self.served.lock().unwrap() = offices;
        Called { answer: next(&self.deliveries, Vec::new), record: record("receive", Interface::Inbound, &target) }
    }

    async fn poll(
        &self,
        target: Target,
        offices: Vec<ServedOffice>,
        cursor: Option<String>,
        settled: Vec<Settlement>,
    ) -> Called<InboundPage> {
        *self.served.lock().unwrap() = offices;
        self.pass().await;
        let answer = match &mut *self.feed.lock().unwrap() {
            Some(feed) => feed(cursor, settled),
            None => Ok(InboundPage { events: Vec::new(), cursor, more: false }),
        };
        Called { answer, record: record("poll", Interface::Inbound, &target) }
    }

    async fn notify(&self, target: Target, notice: Notice) -> Called<NoticeReceipt> {
        let receipt = NoticeReceipt { id: format!("sent-{}", notice.id) };
        let answer = next(&self.notifies, || receipt);
        self.notices.lock().unwrap().push((target.plugin.clone(), notice));
        Called { answer, record: record("send", Interface::Notices, &target) }
    }

    async fn active(&self, target: Target, ctx: Context, active: bool) -> Called<()> {
        self.note(seen("active", &target, &ctx)).await;
        self.told_active.lock().unwrap().push(active);
        Called { answer: next(&self.actives, || ()), record: record("active", Interface::Citizens, &target) }
    }
}

/// The scripted provider's name of a dialog.
pub(crate) fn reference(dialog: DialogId) -> String {
    format!("ref-{dialog}")
}

pub(crate) fn appointment(id: &str, start: Timestamp) -> Appointment {
    Appointment {
        id: id.into(),
        start,
        end: start.checked_add(20.minutes()).unwrap(),
        clinician: Some(gp()),
        mode: EncounterMode::InPerson,
        title: "Time hos lege".into(),
        location: None,
        instructions: None,
        cancellable: true,
        changeable: true,
    }
}

/// What the scripted provider says is owed, by that name.
pub(crate) fn owed(id: &str) -> Invoice {
    Invoice {
        id: id.into(),
        amount: 20_400,
        tariffs: vec!["2ae".into()],
        text: "E-konsultasjon".into(),
        due: None,
        dialog: None,
    }
}

/// A payment by that name, which can be made for an hour.
pub(crate) fn payment(id: &str) -> Payment {
    Payment {
        redirect: format!("https://pay.example/{id}"),
        id: id.into(),
        expires: NOW.parse::<Timestamp>().unwrap().checked_add(1.hour()).unwrap(),
    }
}

pub(crate) fn unavailable(sent: Sent) -> Failure {
    Failure::Unavailable(Outage { retry_after: None, sent, detail: "down".into() })
}

pub(crate) fn faulty(sent: Sent) -> Failure {
    Failure::Faulty(Fault { sent, detail: "nonsense".into() })
}

pub(crate) fn reason(text: &str) -> Reason {
    Reason { code: "x".into(), text: text.into() }
}

pub(crate) fn office_message(id: &str, text: &str) -> OfficeMessage {
    OfficeMessage {
        id: id.into(),
        subject: None,
        text: text.into(),
        attachments: Vec::new(),
        author: Some("Sigrid Ås".into()),
        sent: NOW.parse().unwrap(),
    }
}

pub(crate) fn event(id: &str, body: EventBody) -> Event {
    Event { id: id.into(), occurred: NOW.parse().unwrap(), body }
}

pub(crate) fn agreement(service: Service) -> Agreement {
    Agreement {
        office: office_id(),
        service,
        plugin: plugin(),
        enabled: true,
        booking: (service == Service::Appointment).then_some(HowToBook::Direct),
        modes: if service == Service::Consultation { ConsultationMode::ALL.to_vec() } else { Vec::new() },
        own_notices: Vec::new(),
        attachments: if service == Service::Inquiry { vec![MediaType::Pdf] } else { Vec::new() },
        settings: serde_json::json!({"clinic": "a"}),
        valid_from: None,
        valid_until: None,
        prices: Vec::new(),
        offered_until: None,
        fallback: None,
    }
}

fn office() -> Office {
    Office {
        her_id: office_id(),
        organisation_her_id: 8_150_100.try_into().unwrap(),
        organisation_number: "310001015".parse().unwrap(),
        name: "Fjellveien legesenter".into(),
        telephone: None,
        address: None,
        directions: None,
        website: None,
        hours: Vec::new(),
        practitioners: vec![dialog_contract::practice::Practitioner {
            clinician: gp(),
            weekdays: vec![1, 2, 3],
            languages: vec!["nb".into()],
            absences: vec![dialog_contract::practice::Absence {
                from: date(2026, 2, 2),
                until: date(2026, 2, 6),
                substitute: Some(substitute()),
            }],
            specialist: false,
        }],
        modes: Vec::new(),
        payment: None,
        accessibility: None,
        services: Vec::new(),
        told: None,
    }
}

/// Everything, wired.
pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) store: Arc<Switched>,
    pub(crate) blobs: Arc<MemoryBlobs>,
    pub(crate) keyring: Arc<Destroyed>,
    pub(crate) directory: Arc<Register>,
    pub(crate) providers: Arc<Scripted>,
    pub(crate) log: Arc<Log>,
    pub(crate) clock: Arc<ToldClock>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(Switched::default());
        let blobs = Arc::new(MemoryBlobs::new());
        let keyring = Arc::new(Destroyed::default());
        let agreements = Service::ALL.iter().map(|service| agreement(*service)).collect();
        let directory = Arc::new(Register {
            agreements: Mutex::new(agreements),
            office: Mutex::new(office()),
            inactive: Mutex::default(),
            national: Mutex::default(),
            elsewhere: Mutex::default(),
            reached: Mutex::default(),
            forgotten: Mutex::default(),
        });
        let providers = Arc::new(Scripted::new());
        let log = Arc::new(Log::default());
        let clock = Arc::new(ToldClock(Mutex::new(NOW.parse().unwrap())));
        let desk = start(&store, &blobs, &keyring, &directory, &providers, &log, &clock).await;
        Self { desk, store, blobs, keyring, directory, providers, log, clock }
    }

    /// Another process on the same store.
    pub(crate) async fn restarted(&self) -> Desk {
        start(&self.store, &self.blobs, &self.keyring, &self.directory, &self.providers, &self.log, &self.clock).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A plugin is a provider beside the GPs, for inquiries.
    pub(crate) fn nationally(&self, provider: PluginId) {
        let office = national_id();
        let settings = serde_json::json!({ "clinic": "n" });
        let agreed = Agreement { office, plugin: provider.clone(), settings, ..agreement(Service::Inquiry) };
        self.directory.agreements.lock().unwrap().push(agreed);
        self.directory.national.lock().unwrap().push(NationalProvider { provider, office });
    }

    pub(crate) fn idempotent(&self) {
        for installed in self.providers.installed.lock().unwrap().values_mut() {
            installed.idempotent = true;
        }
    }

    /// The provider has one interface more.
    pub(crate) fn exports(&self, interface: Interface) {
        for installed in self.providers.installed.lock().unwrap().values_mut() {
            installed.exports.push(interface);
        }
    }

    pub(crate) fn agree(&self, service: Service, change: impl Fn(&mut Agreement)) {
        let mut agreements = self.directory.agreements.lock().unwrap();
        agreements.iter_mut().filter(|agreement| agreement.service == service).for_each(change);
    }

    pub(crate) fn opens(&self, act: impl FnOnce() -> Result<Vec<Event>, Failure> + Send + 'static) {
        self.providers.opens.lock().unwrap().push_back(Box::new(act));
    }

    pub(crate) fn sends(&self, act: impl FnOnce() -> Result<Vec<Event>, Failure> + Send + 'static) {
        self.providers.sends.lock().unwrap().push_back(Box::new(act));
    }

    pub(crate) fn closes(&self, act: impl FnOnce() -> Result<Vec<Event>, Failure> + Send + 'static) {
        self.providers.closes.lock().unwrap().push_back(Box::new(act));
    }

    pub(crate) fn books(&self, act: impl FnOnce() -> Result<Appointment, Failure> + Send + 'static) {
        self.providers.books.lock().unwrap().push_back(Box::new(act));
    }

    pub(crate) fn pays(&self, act: impl FnOnce() -> Result<Payment, Failure> + Send + 'static) {
        self.providers.pays.lock().unwrap().push_back(Box::new(act));
    }

    pub(crate) fn citizen(&self, number: &str) -> Permitted<Citizen> {
        let citizen = Citizen { national_identity_number: number.parse().unwrap(), representative: None };
        Permitted::<Citizen>::grant(verified(4, self.now()), citizen, self.now()).unwrap()
    }

    pub(crate) fn kari(&self) -> Permitted<Citizen> {
        self.citizen(KARI)
    }

    /// Kari, for Nora.
    pub(crate) fn kari_for_nora(&self) -> Permitted<Citizen> {
        let citizen = Citizen {
            national_identity_number: NORA.parse().unwrap(),
            representative: Some(Representative {
                national_identity_number: KARI.parse().unwrap(),
                given_name: "Kari".into(),
                family_name: "Fjell".into(),
                role: dialog_contract::service::Representation::Parent,
            }),
        };
        Permitted::<Citizen>::grant(verified(4, self.now()), citizen, self.now()).unwrap()
    }

    pub(crate) fn portal(&self) -> Permitted<Portal> {
        Permitted::<Portal>::grant(verified(0, self.now()), Portal, self.now()).unwrap()
    }

    /// A clinician of the organisation, by HPR number.
    pub(crate) fn clinician(&self, hpr_number: HprNumber) -> Permitted<permit::Clinician> {
        let verified = Verified { scopes: vec![CLINICIAN_SCOPE.into()], ..verified(4, self.now()) };
        let organisation = office().organisation_number;
        let clinician = permit::Clinician { person: OLA.parse().unwrap(), hpr_number, organisation };
        Permitted::<permit::Clinician>::grant(verified, clinician, self.now()).unwrap()
    }

    /// A machine of the operator's.
    pub(crate) fn operator(&self) -> Permitted<Operator> {
        let verified = Verified { scopes: vec![OPERATOR_SCOPE.into()], ..verified(0, self.now()) };
        Permitted::<Operator>::grant(verified, Operator { person: None }, self.now()).unwrap()
    }

    /// Opens a dialog and returns it; whatever the provider was told to do, the portal must get a dialog.
    pub(crate) async fn opened(&self, new: NewDialog) -> Dialog {
        dialog(&self.desk.open(&self.kari(), &post("/v1/me/dialogs"), new).await.unwrap())
    }

    pub(crate) async fn read(&self, id: DialogId) -> Dialog {
        dialog(&self.desk.dialog(&self.kari(), &get(), id).await.unwrap())
    }

    pub(crate) async fn listed(&self) -> Vec<Dialog> {
        let answer = self.desk.dialogs(&self.kari(), &get(), DialogFilter::default()).await.unwrap();
        page::<Dialog>(&answer).0
    }

    pub(crate) async fn feed(&self) -> Vec<dialog_contract::event::Event> {
        let answer = self.desk.feed(&self.portal(), &get(), None, Some(100)).await.unwrap();
        page(&answer).0
    }

    pub(crate) async fn event_kinds(&self) -> Vec<&'static str> {
        self.feed().await.iter().map(|event| event.kind.as_str()).collect()
    }
}

async fn start(
    store: &Arc<Switched>,
    blobs: &Arc<MemoryBlobs>,
    keyring: &Arc<Destroyed>,
    directory: &Arc<Register>,
    providers: &Arc<Scripted>,
    evidence: &Arc<Log>,
    clock: &Arc<ToldClock>,
) -> Desk {
    let ports = Ports {
        store: Arc::<Switched>::clone(store),
        blobs: Arc::<MemoryBlobs>::clone(blobs),
        keyring: Arc::<Destroyed>::clone(keyring),
        directory: Arc::<Register>::clone(directory),
        providers: Arc::<Scripted>::clone(providers),
        evidence: Arc::<Log>::clone(evidence),
        trails: Arc::<Log>::clone(evidence),
        clock: Arc::<ToldClock>::clone(clock),
    };
    Desk::open_on(ports, "https://gateway.test").await.unwrap()
}

fn verified(level: u8, now: Timestamp) -> Verified {
    Verified {
        issuer: "https://login.test".into(),
        client: "portal".into(),
        level,
        scopes: vec!["dialog:citizen".into(), "dialog:events".into()],
        expires: now.checked_add(1.hour()).unwrap(),
    }
}

fn request(method: &str, path: &str, key: Option<&str>) -> Request {
    Request {
        id: RequestId::new(),
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        locale: Locale::En,
        deadline: Instant::now() + Duration::from_secs(20),
        method: method.into(),
        path: path.into(),
        body_sha256: [1; 32],
        idempotency_key: key.map(|key| key.parse().unwrap()),
        if_match: None,
    }
}

pub(crate) fn get() -> Request {
    request("GET", "/", None)
}

/// A change under a key of its own.
pub(crate) fn post(path: &str) -> Request {
    request("POST", path, Some(&uuid::Uuid::now_v7().to_string()))
}

/// A change under this key.
pub(crate) fn post_as(path: &str, key: &str) -> Request {
    request("POST", path, Some(key))
}

pub(crate) fn text(text: &str) -> NewMessage {
    NewMessage { subject: None, text: text.into(), attachments: Vec::new() }
}

pub(crate) fn consultation(words: &str) -> NewDialog {
    let request = Asked::Consultation { mode: ConsultationMode::Text, form: None };
    NewDialog { request, message: Some(text(words)), continues: None, provider: None }
}

pub(crate) fn inquiry(words: &str) -> NewDialog {
    NewDialog { request: Asked::Inquiry {}, message: Some(text(words)), continues: None, provider: None }
}

pub(crate) fn dialog(answer: &Answer) -> Dialog {
    let dialog: Dialog = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.etag, Some(dialog.revision), "the ETag is the revision");
    dialog
}

pub(crate) fn page<T: serde::de::DeserializeOwned>(answer: &Answer) -> (Vec<T>, Option<String>) {
    let page: dialog_contract::page::Page<T> = serde_json::from_slice(&answer.body).unwrap();
    (page.items, page.next)
}

/// The refusal, whose body must be the problem that it says it is.
pub(crate) fn refused(outcome: Outcome) -> Refused {
    let refused = outcome.unwrap_err();
    let problem: Problem = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(problem.kind, refused.problem.uri());
    assert_eq!(problem.status, refused.problem.status());
    assert_eq!((problem.sent, &problem.errors), (refused.sent, &refused.errors));
    assert!(!problem.detail.is_empty());
    refused
}

/// As `problem-name sent`.
pub(crate) fn why(outcome: Outcome) -> String {
    let refused = refused(outcome);
    format!("{} {}", refused.problem.name(), refused.sent)
}

pub(crate) fn pointers(outcome: Outcome) -> Vec<String> {
    let refused = refused(outcome);
    assert_eq!(refused.problem.name(), "invalid");
    refused.errors.into_iter().map(|error| error.pointer).collect()
}

pub(crate) fn activities(dialog: &Dialog) -> Vec<String> {
    let kinds = dialog.activities.iter().map(|activity| serde_json::to_value(&activity.kind).unwrap());
    kinds.map(|kind| kind["type"].as_str().unwrap().to_owned()).collect()
}
