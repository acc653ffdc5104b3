//! Calls of real components: what a call may and may not do, and that the next one and its neighbours are unharmed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use dialog_contract::{
    ids::{DialogId, MessageId, PluginId},
    provider::{Capability, Failure, Interface, Message, Opened, Opening},
    service::Sent,
};
use dialog_core::ports::providers::{Called, Providers, Target};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{
    MemoryBlobs, MemoryStore, Residents, citizen_context,
    guests::{Guest, manifest, opened, opened_at, unavailable},
};
use crate::{
    Grant, Host, HostConfig, Limits, PluginConfig, Ports,
    trace::{Traceparent, with_traceparent},
};

/// Limits of a host that shares its machine with other tests.
pub(crate) fn small() -> Limits {
    Limits { calls_at_once: 8, calls_at_once_per_plugin: 4, call_milliseconds: 2_000, ..Limits::default() }
}

/// A host with one plugin, and what must live as long.
pub(super) struct Running {
    pub(super) host: Arc<Host>,
    pub(super) blobs: Arc<MemoryBlobs>,
    _folder: TempDir,
}

pub(super) async fn running(limits: Limits, guests: Vec<(Guest, PluginConfig)>) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Arc::new(MemoryBlobs::default());
    let config = HostConfig { cache_dir: folder.path().join("cache"), limits, plugins: Vec::new() };
    let ports = Ports::new(Arc::new(MemoryStore::default()), Arc::new(Residents), Arc::clone(&blobs) as _);
    let host = Host::new(config, ports).await.unwrap();
    for (guest, config) in guests {
        host.install(guest.build(), &config).await.unwrap();
    }
    Running { host: Arc::new(host), blobs, _folder: folder }
}

/// Everything granted, nothing bound.
pub(super) fn granted() -> PluginConfig {
    PluginConfig {
        grant: Grant { capabilities: Capability::ALL.to_vec(), ..Grant::default() },
        ..PluginConfig::default()
    }
}

pub(super) fn target(plugin: &str) -> Target {
    Target { plugin: plugin.parse().unwrap(), attempt: 1, time_left: Duration::from_secs(10) }
}

pub(super) fn inquiry() -> Opening {
    Opening::Inquiry {
        message: Message { id: MessageId::new(), subject: None, text: "Hei".to_owned(), attachments: Vec::new() },
    }
}

pub(super) async fn open_of(host: &Host, plugin: &str) -> Called<Opened> {
    host.open(target(plugin), citizen_context(), DialogId::new(), inquiry()).await
}

pub(crate) async fn open(host: &Host) -> Called<Opened> {
    open_of(host, "example").await
}

async fn alone(guest: Guest) -> Running {
    running(small(), vec![(guest, granted())]).await
}

fn faulty(called: &Called<Opened>) -> (&str, Sent) {
    match called.answer.as_ref().unwrap_err() {
        Failure::Faulty(fault) => (&fault.detail, fault.sent),
        other => panic!("not faulty: {other:?}"),
    }
}

/// Counts in a global and in memory, and says the count.
fn counter() -> Guest {
    Guest {
        items: "(global $calls (mut i32) (i32.const 48))".to_owned(),
        open: format!(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (i32.store8 (i32.const 600) (global.get $calls))
             (i32.store8 (i32.const 601) (i32.add (i32.load8_u (i32.const 700)) (i32.const 49)))
             (i32.store8 (i32.const 700) (i32.const 5))
             {}",
            opened_at("(i32.const 600)", "(i32.const 2)")
        ),
        ..Guest::default()
    }
}

fn named(id: &str, guest: Guest) -> Guest {
    let mut guest = guest;
    guest.manifest["id"] = id.into();
    guest
}

#[tokio::test]
async fn a_call_answers_and_leaves_its_evidence() {
    let running = alone(Guest::default()).await;
    let called = open(&running.host).await;
    assert_eq!(called.answer.unwrap().reference, "ok");
    let (record, installation) = (called.record, &running.host.installations()[0]);
    assert_eq!((record.interface, record.function.as_str(), record.attempt), (Interface::Dialogs, "open", 1));
    assert_eq!((&record.digest, &record.grant), (&installation.digest, &installation.grant_sha256));
    assert_eq!(record.memory_bytes, Some(65_536));
    assert!(record.microseconds.is_some_and(|took| took > 0) && record.upstreams.is_empty());
}

#[tokio::test]
async fn nothing_in_globals_or_memory_outlives_a_call() {
    let running = alone(counter()).await;
    for _ in 0..20 {
        assert_eq!(open(&running.host).await.answer.unwrap().reference, "11");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_endless_loop_is_stopped_at_its_deadline_and_others_are_served_meanwhile() {
    let endless = Guest { open: "(loop $for_ever (br $for_ever)) unreachable".to_owned(), ..Guest::default() };
    let limits = Limits { call_milliseconds: 300, ..small() };
    let guests = vec![(named("endless", endless), granted()), (named("bystander", counter()), granted())];
    // One thread: the loop must give it up for the bystander to be served at all.
    let running = running(limits, guests).await;
    let spawn = |plugin| {
        let host = Arc::clone(&running.host);
        tokio::spawn(async move { open_of(&host, plugin).await })
    };
    let began = Instant::now();
    let looping = spawn("endless");
    assert_eq!(spawn("bystander").await.unwrap().answer.unwrap().reference, "11");
    assert!(!looping.is_finished(), "the bystander was served only after the loop");
    let called = looping.await.unwrap();
    assert_eq!(faulty(&called), ("the plugin did not answer within 300 ms", Sent::No));
    let took = began.elapsed();
    assert!((Duration::from_millis(250)..Duration::from_millis(1500)).contains(&took), "{took:?}");
    assert_eq!(open_of(&running.host, "bystander").await.answer.unwrap().reference, "11");
}

#[tokio::test]
async fn the_callers_deadline_holds_where_it_is_shorter() {
    let endless = Guest { open: "(loop $for_ever (br $for_ever)) unreachable".to_owned(), ..Guest::default() };
    let running = alone(endless).await;
    let target = Target { time_left: Duration::from_millis(100), ..target("example") };
    let called = running.host.open(target, citizen_context(), DialogId::new(), inquiry()).await;
    assert_eq!(faulty(&called).0, "the plugin did not answer within 100 ms");
}

#[tokio::test]
async fn a_call_that_only_waits_is_stopped_too() {
    let waiting = Guest {
        imports: r#"(import "dialog:provider/clock@1.0.0" "wait" (func $wait (param i32)))"#.to_owned(),
        open: "(loop $for_ever (call $wait (i32.const 60000)) (br $for_ever)) unreachable".to_owned(),
        ..Guest::default()
    };
    let running = running(Limits { call_milliseconds: 200, ..small() }, vec![(waiting, granted())]).await;
    assert_eq!(faulty(&open(&running.host).await).0, "the plugin did not answer within 200 ms");
}

#[tokio::test]
async fn a_trap_is_a_fault_and_the_next_call_works() {
    let trapping = Guest { open: "unreachable".to_owned(), ..Guest::default() };
    let running =
        running(small(), vec![(named("trapping", trapping), granted()), (named("bystander", counter()), granted())])
            .await;
    for _ in 0..5 {
        let called = open_of(&running.host, "trapping").await;
        assert_eq!(
            faulty(&called),
            ("the plugin trapped: wasm trap: wasm `unreachable` instruction executed", Sent::No)
        );
        assert_eq!(open_of(&running.host, "bystander").await.answer.unwrap().reference, "11");
    }
}

#[tokio::test]
async fn deep_recursion_is_a_trap_and_not_the_gateways_end() {
    let deep = Guest {
        items: "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))".to_owned(),
        open: "(call $deep (i32.const 1))".to_owned(),
        ..Guest::default()
    };
    let running = alone(deep).await;
    assert!(faulty(&open(&running.host).await).0.contains("call stack exhausted"));
}

#[tokio::test]
async fn memory_over_the_limit_is_refused_and_the_guest_that_cannot_go_on_is_told_apart() {
    let greedy = Guest {
        open: "(loop $more (br_if $more (i32.ne (memory.grow $memory (i32.const 16)) (i32.const -1)))) unreachable"
            .to_owned(),
        ..Guest::default()
    };
    let running = alone(greedy).await;
    let called = open(&running.host).await;
    assert_eq!(faulty(&called).0, "the plugin needs more than 67108864 bytes of memory");
    assert!(called.record.memory_bytes.unwrap() <= 64 * 1024 * 1024);
}

#[tokio::test]
async fn memories_of_several_instances_share_one_limit() {
    // Three memories of 30 MiB each are within every memory's own bound, and over the sum.
    let component = wat::parse_str(
        r#"(component
            (core module $m (memory 480))
            (core instance (instantiate $m))
            (core instance (instantiate $m))
            (core instance (instantiate $m))
            (component $guest)
            (instance $d)
            (export "dialog:provider/practice@1.0.0" (instance $d)))"#,
    );
    // The contract's functions are not there, so that the engine's own check of the same sum is used directly.
    let engine = crate::engine::Engine::new(&small()).unwrap();
    let component = wasmtime::component::Component::new(engine.wasmtime(), component.unwrap()).unwrap();
    let mut store = wasmtime::Store::new(engine.wasmtime(), crate::memory::Meter::new(&small()));
    store.limiter(|meter| meter);
    store.set_epoch_deadline(1_000_000);
    let linker = wasmtime::component::Linker::new(engine.wasmtime());
    assert!(linker.instantiate_async(&mut store, &component).await.is_err());
    assert!(store.data().exceeded());
}

#[tokio::test]
async fn an_answer_that_breaks_the_contract_is_refused_with_place_and_rule() {
    let running = alone(Guest { open: opened(""), ..Guest::default() }).await;
    let detail = "the answer of dialogs.open breaks the contract at answer.reference: empty";
    assert_eq!(faulty(&open(&running.host).await), (detail, Sent::No));
}

#[tokio::test]
async fn a_pointer_out_of_memory_is_a_fault() {
    let running = alone(Guest { open: opened_at("(i32.const -8)", "(i32.const 64)"), ..Guest::default() }).await;
    assert!(faulty(&open(&running.host).await).0.starts_with("the plugin trapped"));
}

#[tokio::test]
async fn an_answer_of_gigabytes_costs_the_gateway_no_gigabytes() {
    // A list of events whose length is a lie would make the host read all memory many times over.
    let lying = format!("{} drop (i32.store (i32.const 32) (i32.const 0x0fffffff)) (i32.const 16)", opened("ok"));
    let running = alone(Guest { open: lying, ..Guest::default() }).await;
    assert!(faulty(&open(&running.host).await).0.starts_with("the plugin trapped"));
}

#[tokio::test]
async fn a_failure_that_the_plugin_says_is_handed_on() {
    let running = alone(Guest { open: unavailable(), ..Guest::default() }).await;
    match open(&running.host).await.answer.unwrap_err() {
        Failure::Unavailable(outage) => assert_eq!((outage.sent, outage.retry_after), (Sent::No, None)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_not_installed_or_not_exported_is_unavailable_and_nothing_was_sent() {
    let running = alone(Guest::default()).await;
    let nobody = open_of(&running.host, "nobody").await;
    let other = running.host.renewable(target("example"), citizen_context()).await;
    for (failure, detail) in [
        (nobody.answer.unwrap_err(), "the plugin is not installed"),
        (other.answer.unwrap_err(), "the plugin does not export prescriptions"),
    ] {
        match failure {
            Failure::Unavailable(outage) => assert_eq!((outage.detail.as_str(), outage.sent), (detail, Sent::No)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn calls_over_the_permits_of_a_plugin_are_shed_and_its_neighbour_is_unharmed() {
    let waiting = Guest {
        imports: r#"(import "dialog:provider/clock@1.0.0" "wait" (func $wait (param i32)))"#.to_owned(),
        open: format!("(call $wait (i32.const 600)) {}", opened("ok")),
        ..Guest::default()
    };
    let limits = Limits { calls_at_once: 4, calls_at_once_per_plugin: 2, permit_wait_milliseconds: 50, ..small() };
    let running =
        running(limits, vec![(named("slow", waiting), granted()), (named("bystander", counter()), granted())]).await;
    let all = futures_util::future::join_all((0..5).map(|_| open_of(&running.host, "slow")));
    let (all, bystander) = tokio::join!(all, open_of(&running.host, "bystander"));
    assert_eq!(bystander.answer.unwrap().reference, "11");
    let shed = all.iter().filter(|called| {
        matches!(&called.answer, Err(Failure::Unavailable(outage))
            if outage.detail == "too many calls at once" && outage.sent == Sent::No && outage.retry_after == Some(1))
    });
    assert_eq!((shed.count(), all.iter().filter(|called| called.answer.is_ok()).count()), (3, 2));
    assert!(open_of(&running.host, "slow").await.answer.is_ok());
}

#[tokio::test]
async fn calls_over_the_permits_of_all_are_shed_whichever_plugin_they_are_for() {
    // One more than there are, shared by two plugins that stay below their own; all there are by default is 256.
    assert_eq!((Limits::default().calls_at_once, Limits::default().calls_at_once_per_plugin), (256, 64));
    let waiting = || Guest {
        imports: r#"(import "dialog:provider/clock@1.0.0" "wait" (func $wait (param i32)))"#.to_owned(),
        open: format!("(call $wait (i32.const 600)) {}", opened("ok")),
        ..Guest::default()
    };
    let limits = Limits { calls_at_once: 3, calls_at_once_per_plugin: 2, permit_wait_milliseconds: 50, ..small() };
    let running =
        running(limits, vec![(named("one", waiting()), granted()), (named("other", waiting()), granted())]).await;
    let all =
        futures_util::future::join_all(["one", "one", "other", "other"].map(|plugin| open_of(&running.host, plugin)));
    let all = all.await;
    let shed = all.iter().filter(|called| {
        matches!(&called.answer, Err(Failure::Unavailable(outage))
            if outage.detail == "too many calls at once" && outage.sent == Sent::No)
    });
    assert_eq!((shed.count(), all.iter().filter(|called| called.answer.is_ok()).count()), (1, 3));
    assert!(open_of(&running.host, "one").await.answer.is_ok());
    assert!(open_of(&running.host, "other").await.answer.is_ok());
}

#[tokio::test]
async fn a_new_version_takes_over_while_calls_of_the_old_end_as_they_began() {
    let waiting = Guest {
        imports: r#"(import "dialog:provider/clock@1.0.0" "wait" (func $wait (param i32)))"#.to_owned(),
        open: format!("(call $wait (i32.const 300)) {}", opened("old")),
        ..Guest::default()
    };
    let running = alone(waiting).await;
    let host = Arc::clone(&running.host);
    let old = tokio::spawn(async move { open(&host).await });
    tokio::task::yield_now().await;
    let mut new = Guest { open: opened("new"), ..Guest::default() };
    new.manifest["version"] = "2.0.0".into();
    running.host.install(new.build(), &granted()).await.unwrap();
    let called = open(&running.host).await;
    assert_eq!((called.answer.unwrap().reference.as_str(), called.record.version.as_str()), ("new", "2.0.0"));
    let called = old.await.unwrap();
    assert_eq!((called.answer.unwrap().reference.as_str(), called.record.version.as_str()), ("old", "1.0.0"));
}

/// Sets the key `a` to `1`, then ends as told.
fn keeping(then: &str) -> Guest {
    Guest {
        imports: r#"(import "dialog:provider/state@1.0.0" "set" (func $set (param i32 i32 i32 i32 i32)))
            (import "dialog:provider/state@1.0.0" "get" (func $get (param i32 i32 i32)))"#
            .to_owned(),
        items: r#"(data (i32.const 1024) "a") (data (i32.const 1030) "1")"#.to_owned(),
        open: format!(
            "(call $get (i32.const 1024) (i32.const 1) (i32.const 1100))
             (call $set (i32.const 1024) (i32.const 1) (i32.const 1030) (i32.const 1) (i32.const 1200))
             {then}"
        ),
        ..Guest::default()
    }
}

#[tokio::test]
async fn state_is_kept_by_a_call_that_succeeds_and_forgotten_by_one_that_fails() {
    // `get` gives result<option<list<u8>>>: at 1104 whether there is a value.
    let seen = "(i32.store8 (i32.const 600) (i32.add (i32.const 48) (i32.load8_u (i32.const 1104))))";
    let say = format!("{seen} {}", opened_at("(i32.const 600)", "(i32.const 1)"));
    let running = running(small(), vec![(keeping(&unavailable()), granted())]).await;
    assert!(open(&running.host).await.answer.is_err());
    running.host.install(keeping("unreachable").build(), &granted()).await.unwrap();
    assert!(open(&running.host).await.answer.is_err());
    running.host.install(keeping(&say).build(), &granted()).await.unwrap();
    assert_eq!(open(&running.host).await.answer.unwrap().reference, "0");
    assert_eq!(open(&running.host).await.answer.unwrap().reference, "1");
}

#[tokio::test]
async fn a_file_that_a_failed_call_created_is_deleted() {
    let creating = Guest {
        imports: r#"(import "dialog:provider/attachments@1.0.0" "create"
            (func $create (param i32 i32 i32 i32 i32 i32 i32)))"#
            .to_owned(),
        items: r#"(data (i32.const 1024) "application/octet-stream")"#.to_owned(),
        open: format!(
            "(call $create (i32.const 1024) (i32.const 3) (i32.const 1024) (i32.const 24) (i32.const 1024) (i32.const 9)
                (i32.const 1104))
             (if (i32.load8_u (i32.const 1104)) (then unreachable))
             {}",
            unavailable()
        ),
        ..Guest::default()
    };
    let running = alone(creating).await;
    match open(&running.host).await.answer.unwrap_err() {
        Failure::Unavailable(_) => {}
        other => panic!("{other:?}"),
    }
    running.blobs.until(<[_]>::is_empty).await;
}

#[tokio::test]
async fn a_plugin_that_logs_without_end_fills_no_log() {
    let logging = Guest {
        imports: r#"(import "dialog:provider/log@1.0.0" "write" (func $write (param i32 i32 i32)))"#.to_owned(),
        open: format!(
            "(local.set $i (i32.const 5000))
             (loop $again
                (call $write (i32.const 1) (i32.const 0) (i32.const 30000))
                (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                (br_if $again (local.get $i)))
             {}",
            opened("ok")
        ),
        ..Guest::default()
    };
    let running = alone(logging).await;
    assert_eq!(open(&running.host).await.answer.unwrap().reference, "ok");
}

/// What was logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_guests_panic_reaches_the_operator_with_plugin_call_and_trace_and_no_citizens_number() {
    let number = super::ports::synthetic_number();
    let panicking = Guest {
        imports: r#"(import "dialog:provider/log@1.0.0" "write" (func $write (param i32 i32 i32)))"#.to_owned(),
        items: format!(r#"(data (i32.const 1024) "panic: for {}\0aERROR a forged line")"#, number.expose()),
        open: "(call $write (i32.const 3) (i32.const 1024) (i32.const 42)) unreachable".to_owned(),
        ..Guest::default()
    };
    let running = alone(panicking).await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let parent = Traceparent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    let called = with_traceparent(parent, open(&running.host)).await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("dialog_host")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].contains("dialog_host::guest") && lines[0].contains("panic: for [national identity number]\\nERROR")
    );
    for line in &lines {
        for part in ["plugin=example", "version=1.0.0", "call=", "0af7651916cd43dd8448eb211c80319c", "ERROR"] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
    assert!(!text.contains(number.expose()));
    assert!(!faulty(&called).0.contains("panic"), "the guest's words are not for the citizen");
}

#[test]
fn the_manifest_of_the_guests_is_one() {
    let id: PluginId = manifest()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.as_str(), "example");
}
