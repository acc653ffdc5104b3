//! The stage that guests play on: a host with the hostile plugin and a bystander, and the five things that every guest is
//! held to ([`Stage::plays`]).
//!
//! One stage for all tests of the process, on a runtime of its own with two threads, so that guests meet each other as
//! plugins do. A call's lines are told from others' by its trace.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use dialog_contract::{
    audit::CallRecord,
    ids::{DialogId, MessageId, NationalIdentityNumber},
    provider::{
        Appointment, Booking, Capability, Citizen, Context, Delivery, Failure, Message, Office, Opening, ServedOffice,
        SlotQuery,
    },
    service::{EncounterMode, Locale},
};
use dialog_core::{
    KnownCitizens,
    ports::{
        providers::{Called, Providers, Target},
        store::Store,
    },
};
use dialog_host::{
    Grant, Host, HostConfig, Limits, PluginConfig, Ports,
    trace::{Traceparent, with_traceparent},
};
use dialog_store::memory::{MemoryBlobs, MemoryStore};
use dialog_tests::house::plugins;
use jiff::Timestamp;
use serde_json::json;
use tokio::runtime::Runtime;
use tracing::field::{Field, Visit};
use tracing_subscriber::{Layer, layer::SubscriberExt as _};

/// The plugin that does every bad thing that Rust can say.
pub(crate) const HOSTILE: &str = "hostile";

/// The plugin that is called all the while.
const BYSTANDER: &str = "bystander";

/// The office that calls concern where a test does not say.
pub(crate) const OFFICE: u32 = 8_150_301;

/// How long a call may take that is to run out of time.
const SHORT: Duration = Duration::from_millis(500);

/// How long every other call may take: it ends by itself.
const LONG: Duration = Duration::from_secs(20);

/// Calls of the bystander beside every call of a guest, at least.
const BESIDE: u64 = 3;

/// A function of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Open,
    Send,
    Close,
    Slots,
    Book,
    Change,
    Cancel,
    Upcoming,
    Renewable,
    Profile,
    Forms,
    Outstanding,
    Pay,
    Survey,
    Submit,
    Join,
    Leave,
    Seen,
    Receive,
    Poll,
}

impl Function {
    pub(crate) const ALL: [Self; 20] = [
        Self::Open,
        Self::Send,
        Self::Close,
        Self::Slots,
        Self::Book,
        Self::Change,
        Self::Cancel,
        Self::Upcoming,
        Self::Renewable,
        Self::Profile,
        Self::Forms,
        Self::Outstanding,
        Self::Pay,
        Self::Survey,
        Self::Submit,
        Self::Join,
        Self::Leave,
        Self::Seen,
        Self::Receive,
        Self::Poll,
    ];
}

/// How a guest's call must end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ends {
    /// It is stopped at its deadline.
    OutOfTime,
    /// It is stopped by the engine, with these words.
    Trapped(&'static str),
    /// It is stopped because it took more memory than it may have.
    OutOfMemory,
    /// What it returned is refused, at this place and by this rule.
    Broke(&'static str),
    /// With a failure of its own, of which the operator reads this.
    Failed(&'static str),
    /// With this answer; nothing needs to be told.
    Answered(&'static str),
    /// With this answer, and the operator reads that it was refused what it asked for, by this rule.
    Refused(&'static str, &'static str),
    /// With this answer, and the operator reads this message with this in it.
    Told(&'static str, &'static str, &'static str),
}

/// One guest: whose it is, what it is told to do, in which function, and how that must end.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    pub(crate) plugin: String,
    pub(crate) told: String,
    pub(crate) function: Function,
    pub(crate) ends: Ends,
    /// The calls after which the plugin must work again.
    pub(crate) recovers: Recovers,
}

/// How a plugin works again.
#[derive(Debug, Clone)]
pub(crate) enum Recovers {
    /// The next call of this function does.
    With(Function),
    /// It does no harm only when another version takes its place: this one.
    ByUpgrade(Vec<u8>),
}

/// The hostile plugin, told to do this when a dialog is opened.
pub(crate) fn guest(told: &str, ends: Ends) -> Guest {
    in_function(Function::Open, told, ends)
}

/// The hostile plugin, told to do this in a function.
pub(crate) fn in_function(function: Function, told: &str, ends: Ends) -> Guest {
    Guest { plugin: HOSTILE.to_owned(), told: told.to_owned(), function, ends, recovers: Recovers::With(function) }
}

/// A line that the operator reads.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) level: tracing::Level,
    pub(crate) target: String,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Line {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Everything that the operator could read, as it is written.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

impl<S: tracing::Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let of_ours = event.metadata().target().starts_with("dialog_");
        if !of_ours {
            return;
        }
        let mut line = Line {
            level: *event.metadata().level(),
            target: event.metadata().target().to_owned(),
            fields: BTreeMap::new(),
        };
        event.record(&mut line);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// The host and all that stands around it.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) host: Arc<Host>,
    pub(crate) server: crate::server::Server,
    lines: Lines,
    traces: AtomicU64,
    _folder: tempfile::TempDir,
}

/// The stage of this process.
pub(crate) fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(|| {
        let lines = Lines::default();
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines.clone())).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let guests = plugins::guests().unwrap();
        let (host, server, folder) = runtime.block_on(async {
            let server = crate::server::Server::start().await;
            let folder = tempfile::tempdir().unwrap();
            let limits = Limits {
                call_milliseconds: 20_000,
                calls_at_once: 96,
                calls_at_once_per_plugin: 48,
                permit_wait_milliseconds: 5_000,
                breaker_failures: 1_000,
                ..Limits::default()
            };
            let config = HostConfig { cache_dir: plugins::cache(), limits, plugins: Vec::new() };
            let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
            let citizens = KnownCitizens::open(Arc::clone(&store)).await.unwrap();
            let ports = Ports::new(store, Arc::new(citizens), Arc::new(MemoryBlobs::new()));
            let host = Arc::new(Host::new(config, ports).await.unwrap());
            for (id, file) in &guests {
                let config = if id == HOSTILE { server.bound() } else { granted() };
                host.install(std::fs::read(file).unwrap(), &config).await.unwrap();
            }
            (host, server, folder)
        });
        Stage { runtime, host, server, lines, traces: AtomicU64::new(1), _folder: folder }
    })
}

/// Everything granted, nothing bound.
pub(crate) fn granted() -> PluginConfig {
    PluginConfig {
        grant: Grant { capabilities: Capability::ALL.to_vec(), ..Grant::default() },
        ..PluginConfig::default()
    }
}

/// The component of a guest in Rust.
pub(crate) fn component(id: &str) -> Vec<u8> {
    let guests = plugins::guests().unwrap();
    let (_, file): &(String, std::path::PathBuf) = guests.iter().find(|(known, _)| known == id).unwrap();
    std::fs::read(Path::new(file)).unwrap()
}

/// The same component under another id: its manifest is the last section of the file, as the kit writes it.
pub(crate) fn under_another_name(component: Vec<u8>, id: &str) -> Vec<u8> {
    let mut found = None;
    for payload in wasmparser::Parser::new(0).parse_all(&component) {
        if let wasmparser::Payload::CustomSection(section) = payload.unwrap()
            && section.name() == "dialog-manifest"
        {
            found = Some((section.range().start, serde_json::from_slice::<serde_json::Value>(section.data()).unwrap()));
        }
    }
    let (begin, mut manifest) = found.unwrap();
    // Before the section's content stand its kind and its length, of one to five bytes.
    let length = component.len() - begin;
    let head = 1 + (1..=5).find(|bytes| length < 1 << (7 * bytes)).unwrap();
    manifest["id"] = id.into();
    crate::wat::with_manifest(component[..begin - head].to_vec(), &manifest)
}

/// A synthetic national identity number (80 added to the month) with right check digits; another for each `place`.
pub(crate) fn synthetic_number(place: usize) -> NationalIdentityNumber {
    (0..100_000_u32).filter_map(|tail| format!("178545{tail:05}").parse().ok()).nth(place).unwrap()
}

fn office(her_id: u32) -> Office {
    Office {
        her_id: her_id.try_into().unwrap(),
        organisation_her_id: 8_150_300.try_into().unwrap(),
        organisation_number: "974760673".parse().unwrap(),
        name: "Lilletorget legegruppe".to_owned(),
    }
}

fn context(her_id: u32, told: &str) -> Context {
    Context {
        idempotency_key: "key-1".to_owned(),
        locale: Locale::Nb,
        office: office(her_id),
        clinician: None,
        citizen: Some(Citizen {
            reference: "citizen-1".to_owned(),
            national_identity_number: synthetic_number(0),
            given_name: "Line".to_owned(),
            family_name: "Danser".to_owned(),
            mobile: None,
        }),
        representative: None,
        settings: json!({ "do": told }),
        colleague: None,
    }
}

fn message(text: &str) -> Message {
    Message { id: MessageId::new(), subject: None, text: text.to_owned(), attachments: Vec::new() }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_900_000_000 + 60 * minutes).unwrap()
}

fn booking() -> Booking {
    Booking { slot: "s1".to_owned(), start: at(0), end: at(20), clinician: None, reason: None }
}

fn appointment() -> Appointment {
    Appointment {
        id: "a1".to_owned(),
        start: at(0),
        end: at(20),
        clinician: None,
        mode: EncounterMode::InPerson,
        title: "Time".to_owned(),
        location: None,
        instructions: None,
        cancellable: true,
        changeable: true,
    }
}

/// An answer in a few words, and the evidence.
pub(crate) type Ended = (Result<String, Failure>, CallRecord);

fn ended<T>(called: Called<T>, words: impl FnOnce(T) -> String) -> Ended {
    (called.answer.map(words), called.record)
}

/// Calls a function of a plugin, told what to do.
pub(crate) async fn call(
    host: &Host,
    plugin: &str,
    function: Function,
    told: &str,
    her_id: u32,
    time: Duration,
) -> Ended {
    let target = Target { plugin: plugin.parse().unwrap(), attempt: 1, time_left: time };
    let ctx = context(her_id, told);
    let count = |what: &'static str| move |count: usize| format!("{count} {what}");
    match function {
        Function::Open => {
            let (dialog, opening) = (DialogId::new(), Opening::Inquiry { message: message(told) });
            // The hostile plugin's references end with the dialog's id, and what it says comes before.
            ended(host.open(target, ctx, dialog, opening).await, |opened| {
                let said = opened.reference.strip_suffix(&format!(" {dialog}")).map(str::to_owned);
                said.unwrap_or(opened.reference)
            })
        }
        Function::Send => {
            ended(host.send(target, ctx, "d1".to_owned(), message(told)).await, |events| count("events")(events.len()))
        }
        Function::Close => {
            ended(host.close(target, ctx, "d1".to_owned()).await, |events| count("events")(events.len()))
        }
        Function::Slots => {
            let query = SlotQuery { from: at(0), until: at(20_000), clinician: None, mode: None };
            ended(host.slots(target, ctx, query).await, |slots| count("slots")(slots.len()))
        }
        Function::Book => ended(host.book(target, ctx, booking()).await, |booked| booked.id),
        Function::Change => ended(host.change(target, ctx, appointment(), booking()).await, |booked| booked.id),
        Function::Cancel => ended(host.cancel(target, ctx, appointment(), None).await, |()| "cancelled".to_owned()),
        Function::Upcoming => ended(host.upcoming(target, ctx).await, |all| count("appointments")(all.len())),
        Function::Renewable => ended(host.renewable(target, ctx).await, |all| count("prescriptions")(all.len())),
        Function::Profile => ended(host.profile(target, ctx).await, |told| count("hours")(told.hours.len())),
        Function::Forms => ended(host.forms(target, ctx).await, |all| count("forms")(all.len())),
        Function::Outstanding => ended(host.outstanding(target, ctx).await, |all| count("invoices")(all.len())),
        Function::Pay => {
            let back = "https://portal.example/back".to_owned();
            ended(host.pay(target, ctx, "i1".to_owned(), back).await, |payment| payment.id)
        }
        Function::Join => ended(host.join(target, ctx, "r1".to_owned()).await, |room| room.url),
        Function::Leave => ended(host.leave(target, ctx, "r1".to_owned()).await, |()| "left".to_owned()),
        Function::Seen => {
            ended(host.mark_seen(target, ctx, "r1".to_owned(), "m1".to_owned()).await, |()| "seen".to_owned())
        }
        Function::Survey => {
            ended(host.survey(target, ctx).await, |survey| survey.map(|survey| survey.id).unwrap_or_default())
        }
        Function::Submit => {
            ended(host.submit(target, ctx, "s1".to_owned(), Vec::new()).await, |()| "handed in".to_owned())
        }
        Function::Receive => {
            let delivery =
                Delivery { id: None, path: "/".to_owned(), headers: Vec::new(), body: told.as_bytes().to_vec() };
            ended(host.receive(target, served(her_id, told), delivery).await, |events| count("events")(events.len()))
        }
        Function::Poll => ended(host.poll(target, served(her_id, told), None, Vec::new()).await, |page| {
            count("events")(page.events.len())
        }),
    }
}

fn served(her_id: u32, told: &str) -> Vec<ServedOffice> {
    vec![ServedOffice { office: office(her_id), settings: json!({ "do": told }) }]
}

impl Stage {
    /// Has every guest play, all at once, and holds each to the five things.
    pub(crate) fn plays(&'static self, guests: Vec<Guest>) {
        self.runtime.block_on(async {
            let playing: Vec<_> =
                guests.into_iter().map(|guest| (guest.told.clone(), tokio::spawn(self.play(guest)))).collect();
            let mut wrong = Vec::new();
            for (told, guest) in playing {
                // A panic in a call would be the host's: it ends the task, and the test.
                match guest.await {
                    Ok(Ok(())) => {}
                    Ok(Err(why)) => wrong.push(format!("{told}: {why}")),
                    Err(panicked) => wrong.push(format!("{told}: {panicked}")),
                }
            }
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        });
    }

    /// Calls with a trace of its own, and gives what the operator could read of it.
    pub(crate) async fn traced(
        &self,
        plugin: &str,
        function: Function,
        told: &str,
        her_id: u32,
        time: Duration,
    ) -> (Ended, Vec<Line>) {
        let trace = format!("{:032x}", self.traces.fetch_add(1, Ordering::Relaxed));
        let parent = Traceparent::parse(&format!("00-{trace}-00000000000000ff-01"));
        let ended = with_traceparent(parent, call(&self.host, plugin, function, told, her_id, time)).await;
        let lines = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.iter().filter(|line| line.field("trace_id") == trace).cloned().collect();
        (ended, lines)
    }

    /// The hostile plugin, called for an office; what it says.
    pub(crate) async fn says(&self, told: &str, her_id: u32) -> Result<String, Failure> {
        self.traced(HOSTILE, Function::Open, told, her_id, LONG).await.0.0
    }

    async fn play(&self, guest: Guest) -> Result<(), String> {
        // Unharmed: the bystander is called before, during and after.
        let over = Arc::new(AtomicBool::new(false));
        let beside = tokio::spawn(beside(Arc::clone(&self.host), Arc::clone(&over)));
        let time = if matches!(guest.ends, Ends::OutOfTime) { SHORT } else { LONG };
        let ((answer, record), lines) = self.traced(&guest.plugin, guest.function, &guest.told, OFFICE, time).await;
        over.store(true, Ordering::Relaxed);
        beside.await.map_err(|error| format!("the bystander: {error}"))??;
        // Contained, and told.
        check(&guest, &answer, &lines)?;
        for line in &lines {
            let complete = line.field("plugin") == guest.plugin
                && line.field("call").len() == 36
                && line.field("version") == record.version;
            if !complete {
                return Err(format!("a line without plugin, version or call: {line:?}"));
            }
        }
        // Evidence.
        let evident = record.plugin.as_str() == guest.plugin
            && record.digest.len() == 64
            && record.grant.len() == 64
            && record.microseconds.is_some()
            && record.memory_bytes.is_some_and(|bytes| bytes <= self.host.limits().memory_bytes);
        if !evident {
            return Err(format!("the evidence is not whole: {record:?}"));
        }
        // The next call works.
        let function = match guest.recovers {
            Recovers::With(function) => function,
            Recovers::ByUpgrade(better) => {
                self.host.install(better, &granted()).await.map_err(|error| error.to_string())?;
                guest.function
            }
        };
        let (next, _) = call(&self.host, &guest.plugin, function, "", OFFICE, LONG).await;
        next.map(drop).map_err(|failure| format!("the next call failed: {failure}"))
    }
}

/// Calls the bystander until the guest is over, and some times in any case. Every call must succeed.
async fn beside(host: Arc<Host>, over: Arc<AtomicBool>) -> Result<(), String> {
    let mut calls = 0;
    while calls < BESIDE || !over.load(Ordering::Relaxed) {
        let text = format!("hei {calls}");
        let (answer, _) = call(&host, BYSTANDER, Function::Open, &text, OFFICE, LONG).await;
        match answer {
            Ok(reference) if reference.ends_with(&format!(" {OFFICE} 3")) => calls += 1,
            other => return Err(format!("the bystander was harmed: {other:?}")),
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Whether a call ended as it must, and the operator was told as must be.
fn check(guest: &Guest, answer: &Result<String, Failure>, lines: &[Line]) -> Result<(), String> {
    let faulty = |words: &str| match answer {
        Err(Failure::Faulty(fault)) if fault.detail.contains(words) => Ok(()),
        other => Err(format!("ended with {other:?} and not with a fault {words:?}")),
    };
    let answered = |words: &str| match answer {
        Ok(said) if said == words => Ok(()),
        other => Err(format!("ended with {other:?} and not with the answer {words:?}")),
    };
    let told = |message: &str, holds: &str| {
        let found = lines
            .iter()
            .any(|line| line.field("message") == message && line.fields.values().any(|value| value.contains(holds)));
        if found { Ok(()) } else { Err(format!("the operator does not read {message:?} with {holds:?}: {lines:?}")) }
    };
    match guest.ends {
        Ends::OutOfTime => {
            faulty("the plugin did not answer within 500 ms")?;
            told("a plugin call ran out of time", "500")
        }
        Ends::Trapped(words) => {
            faulty("the plugin trapped: ")?;
            told("a plugin call was stopped", "trapped")?;
            told("a plugin call was stopped", words)
        }
        Ends::OutOfMemory => {
            faulty("the plugin needs more than 67108864 bytes of memory")?;
            told("a plugin call was stopped", "out-of-memory")
        }
        Ends::Broke(rule) => {
            faulty(&format!("breaks the contract at {rule}"))?;
            told("a plugin's answer breaks the contract", rule)
        }
        Ends::Failed(words) => match answer {
            Err(failure) if failure.to_string().contains(words) => told("a plugin call failed", words),
            other => Err(format!("ended with {other:?} and not with a failure {words:?}")),
        },
        Ends::Answered(words) => answered(words),
        Ends::Refused(words, rule) => {
            answered(words)?;
            told("a plugin asked for what it may not have", rule)
        }
        Ends::Told(words, message, holds) => {
            answered(words)?;
            told(message, holds)
        }
    }
}
