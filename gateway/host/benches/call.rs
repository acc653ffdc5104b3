//! The cost of one plugin call without upstream: admitted, instantiated fresh, `dialogs.open` called, its answer checked.
//! Microseconds, p50 and p99, on one core and on two.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "a bench prints"
)]

#[path = "../src/tests/guests.rs"]
mod guests;
#[path = "../src/tests/ports.rs"]
mod ports;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dialog_contract::{
    ids::{DialogId, MessageId},
    provider::{Message, Opening},
};
use dialog_core::ports::providers::{Providers, Target};
use dialog_host::{Host, HostConfig, Limits, PluginConfig, Ports};

const WARM_UP: usize = 500;
const CALLS: usize = 10_000;

fn main() {
    for threads in [1, 2] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        runtime.block_on(measure(threads));
    }
}

async fn measure(threads: usize) {
    let folder = tempfile::tempdir().unwrap();
    let config = HostConfig { cache_dir: folder.path().join("cache"), limits: Limits::default(), plugins: Vec::new() };
    let blobs = Arc::new(ports::MemoryBlobs::default());
    let host =
        Host::new(config, Ports::new(Arc::new(ports::MemoryStore::default()), Arc::new(ports::Residents), blobs))
            .await
            .unwrap();
    host.install(guests::Guest::default().build(), &PluginConfig::default()).await.unwrap();
    let host = Arc::new(host);
    let began = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(CALLS);
                for number in 0..WARM_UP + CALLS {
                    let began = Instant::now();
                    call(&host).await;
                    if number >= WARM_UP {
                        times.push(began.elapsed());
                    }
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await.unwrap());
    }
    let took = began.elapsed();
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e6;
    let each_second = (threads * (WARM_UP + CALLS)) as f64 / took.as_secs_f64();
    println!("{threads} core(s): p50 {:.0} µs, p99 {:.0} µs, {each_second:.0} calls a second", at(0.5), at(0.99));
}

async fn call(host: &Host) {
    let target = Target { plugin: "example".parse().unwrap(), attempt: 1, time_left: Duration::from_secs(5) };
    let message = Message { id: MessageId::new(), subject: None, text: "x".repeat(1000), attachments: Vec::new() };
    let called = host.open(target, ports::citizen_context(), DialogId::new(), Opening::Inquiry { message }).await;
    assert_eq!(called.answer.unwrap().reference, "ok");
}
