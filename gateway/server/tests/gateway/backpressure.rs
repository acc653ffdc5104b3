//! A collector that answers late, or does not even read: no request waits for it, what it does not take is counted to the
//! last span, and it gets what comes once it goes on. No clock decides: what is asserted is what is answered while the
//! collector holds back its own answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::AsyncWriteExt as _,
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

use crate::{
    collector::{Collector, running},
    metrics::Scraped,
    running::Running,
    support::{Folder, PARENT_SPAN},
};

/// Requests at once.
const CALLERS: u64 = 16;

/// Requests whose spans fill the queue ten times over.
const MOST: u64 = 5_000;

/// The queue of spans.
const QUEUE: f64 = 2_048.0;

/// The longest that anything here takes, and many times what it needs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What stands before a collector and can stand still, as the system does for a process that was stopped: connections are
/// taken, and nobody reads them until it goes on.
struct Door {
    address: SocketAddr,
    runs: watch::Sender<bool>,
    /// Bytes that the collector was given.
    passed: Arc<AtomicUsize>,
}

impl Door {
    async fn before(collector: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door =
            Self { address: listener.local_addr().unwrap(), runs: watch::Sender::new(true), passed: Arc::default() };
        let (runs, passed) = (door.runs.clone(), Arc::clone(&door.passed));
        tokio::spawn(async move {
            while let Ok((outside, _)) = listener.accept().await {
                let (there, back) = (runs.subscribe(), runs.subscribe());
                let passed = Arc::clone(&passed);
                tokio::spawn(async move {
                    let (from_gateway, to_gateway) = outside.into_split();
                    let (from_collector, to_collector) = TcpStream::connect(collector).await.unwrap().into_split();
                    tokio::spawn(pass(from_collector, to_gateway, back, Arc::default()));
                    pass(from_gateway, to_collector, there, passed).await;
                });
            }
        });
        door
    }
}

/// Passes on what comes, as long as the door runs; not a byte is read before.
async fn pass(from: OwnedReadHalf, mut to: OwnedWriteHalf, mut runs: watch::Receiver<bool>, passed: Arc<AtomicUsize>) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let ready = from.readable().await;
        if ready.is_err() || runs.wait_for(|runs| *runs).await.is_err() {
            return;
        }
        match from.try_read(&mut bytes) {
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(length) if length > 0 => {
                passed.fetch_add(length, Ordering::Relaxed);
                if to.write_all(&bytes[..length]).await.is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}

/// How a collector holds up what sends to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It reads, and answers late.
    Late,
    /// It takes connections, and reads nothing.
    Mute,
}

/// A collector, in good health at first.
struct Patient {
    collector: Collector,
    door: Door,
    fault: Fault,
}

impl Patient {
    async fn new(fault: Fault) -> Self {
        let collector = Collector::open(None).await;
        let door = Door::before(collector.address).await;
        Self { collector, door, fault }
    }

    fn hold(&self, holds: bool) {
        match self.fault {
            Fault::Late => self.collector.collected.hold(holds),
            Fault::Mute => drop(self.door.runs.send_replace(!holds)),
        }
    }

    /// What would change if it gave an answer, or read where it does not.
    fn done(&self) -> (usize, Option<usize>) {
        let (_, answered) = self.collector.collected.batches();
        (answered, (self.fault == Fault::Mute).then(|| self.door.passed.load(Ordering::Relaxed)))
    }

    fn spans(&self) -> usize {
        self.collector.collected.spans().len()
    }

    /// Waits for the span of this request.
    async fn has(&self, trace: u64) -> bool {
        let trace = u128::from(trace).to_be_bytes();
        let is_it = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
            span.name == "GET /v1/me/practice" && span.trace_id == trace
        };
        self.collector.collected.spans().iter().any(is_it)
    }
}

/// Callers of a gateway, who sample each of their requests as a trace of its own; the gateway samples none of its own.
struct Callers {
    running: Running,
    folder: Folder,
    client: reqwest::Client,
    asked: AtomicU64,
}

/// What became of the spans so far.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fate {
    sent: f64,
    failed: f64,
    dropped: f64,
    waiting: f64,
}

impl Callers {
    async fn of(patient: &Patient, protocol: &str) -> Self {
        let folder = Folder::new();
        let otlp = json!({ "url": format!("http://{}", patient.door.address), "protocol": protocol });
        let running = running(&folder, json!({ "otlp": otlp, "sample": 0.0 })).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running, folder, client, asked: AtomicU64::new(0) }
    }

    /// Asks so many times at once, and has all replies; gives the trace of the last.
    async fn ask(&self, times: u64) -> u64 {
        let token = self.folder.issuer.citizen();
        let mut replies = JoinSet::new();
        for _ in 0..times {
            let trace = 1 + self.asked.fetch_add(1, Ordering::Relaxed);
            let request = self.client.get(format!("{}/v1/me/practice", self.running.portal)).bearer_auth(&token);
            replies.spawn(request.header("traceparent", format!("00-{trace:032x}-{PARENT_SPAN}-01")).send());
        }
        while let Some(reply) = replies.join_next().await {
            assert_eq!(reply.unwrap().unwrap().status(), 200);
        }
        self.asked()
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    async fn fate(&self) -> Fate {
        let reply = self.client.get(format!("{}/metrics", self.running.operations)).send().await.unwrap();
        let samples = Scraped::read(&reply.text().await.unwrap()).samples;
        let ended = |outcome: &str| samples[&format!(r#"dialog_spans_total{{outcome="{outcome}"}}"#)];
        let (sent, failed, dropped) = (ended("sent"), ended("failed"), ended("dropped"));
        Fate { sent, failed, dropped, waiting: samples["dialog_spans_waiting"] }
    }

    /// Looks until it is so: the gateway is another process, and sends at its own pace.
    async fn until(&self, is_so: impl Fn(Fate) -> bool) -> Fate {
        loop {
            let fate = self.fate().await;
            if is_so(fate) {
                return fate;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// One story of a collector that stands still and goes on.
async fn story(fault: Fault, protocol: &str) {
    let patient = Patient::new(fault).await;
    let callers = Callers::of(&patient, protocol).await;
    // In good health it gets everything: so many spans has a request.
    let mut spans = Vec::new();
    for _ in 0..2 {
        let trace = callers.ask(1).await;
        while !patient.has(trace).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        spans.push(patient.spans());
    }
    let of_one = spans[1] - spans[0];
    assert_eq!(spans[0], of_one, "every request has as many");
    let healthy = callers.until(|fate| fate.sent == spans[1] as f64).await;
    assert_eq!(healthy, Fate { sent: healthy.sent, failed: 0.0, dropped: 0.0, waiting: 0.0 });

    patient.hold(true);
    let before = patient.done();
    while callers.fate().await.dropped == 0.0 {
        callers.ask(CALLERS).await;
        assert!(callers.asked() < MOST, "there is no end of the queue: {:?}", callers.fate().await);
    }
    // There is no room left, and the collector has one batch in its hands. Whoever waited for room or for the collector
    // would wait until that batch is given up, which is counted: then nobody would have a reply before.
    let mut shown = false;
    while !shown {
        let began = callers.fate().await;
        callers.ask(CALLERS).await;
        let ended = callers.fate().await;
        assert!(ended.waiting <= QUEUE, "{ended:?}");
        shown = ended.failed == began.failed && ended.dropped > began.dropped;
        assert!(callers.asked() < MOST, "no reply came while the collector held back its answer: {ended:?}");
    }
    let held = callers.fate().await;
    assert_eq!((held.sent, patient.done()), (healthy.sent, before), "it held back its answer all the while");
    if fault == Fault::Late {
        let (arrived, answered) = patient.collector.collected.batches();
        assert!(arrived > answered, "{arrived} batches, {answered} answered");
    }

    patient.hold(false);
    // What comes now arrives, once there is room again.
    loop {
        let trace = callers.ask(1).await;
        callers.until(|fate| fate.waiting == 0.0).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if patient.has(trace).await {
            break;
        }
    }
    // Nothing was lost without being counted.
    let all = (callers.asked() as usize * of_one) as f64;
    let end = callers.until(|fate| fate.sent + fate.failed + fate.dropped >= all).await;
    assert_eq!((end.sent + end.failed + end.dropped, end.waiting), (all, 0.0), "{end:?}");
    // A batch that was given up may have been read after all; one that was acknowledged is there.
    let collected = patient.spans() as f64;
    assert!(end.sent > held.sent && end.sent <= collected && collected < all, "{collected} are there: {end:?}");
    callers.running.stop().await;
}

async fn stories(fault: Fault) {
    for protocol in ["http", "grpc"] {
        let told = tokio::time::timeout(PATIENCE, story(fault, protocol)).await;
        assert!(told.is_ok(), "{fault:?} {protocol}: requests waited for the collector, or it got nothing any more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_a_collector_that_answers_late_still_holds_back_its_answer() {
    stories(Fault::Late).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_a_collector_takes_connections_and_never_reads() {
    stories(Fault::Mute).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_ends_in_good_order_though_its_collector_holds_everything_back() {
    let mut ends = JoinSet::new();
    for fault in [Fault::Late, Fault::Mute] {
        for protocol in ["http", "grpc"] {
            ends.spawn(async move {
                let patient = Patient::new(fault).await;
                patient.hold(true);
                let callers = Callers::of(&patient, protocol).await;
                callers.ask(CALLERS).await;
                let stopped = tokio::time::timeout(Duration::from_secs(60), callers.running.stop()).await;
                assert!(stopped.is_ok(), "{fault:?} {protocol}");
                assert_eq!(patient.spans(), 0, "it was held back to the end");
            });
        }
    }
    while let Some(end) = ends.join_next().await {
        end.unwrap();
    }
}
