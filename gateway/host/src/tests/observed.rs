//! What whoever keeps metrics is told of calls, and what they see when they ask.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, routing::post};
use serde_json::json;
use tokio::{net::TcpListener, sync::Notify};

use super::{
    MemoryBlobs, MemoryStore, Residents,
    calls::{granted, open, small},
    guests::{Guest, Sender},
};
use crate::{
    Host, HostConfig, Limits, PluginConfig, Ports,
    observe::{CallEnded, Observer, Outcome, Standing, UpstreamEnded},
};

/// What is kept of a call that has ended.
#[derive(Debug, Clone, Copy)]
struct Ended {
    outcome: Outcome,
    took: Duration,
    waited: Duration,
    guest: Duration,
    refused: u32,
}

/// What is kept of a request to an upstream: how long it took, and before it could leave.
type Asked = (Duration, Option<Duration>);

#[derive(Default)]
struct Watcher {
    calls: Mutex<Vec<Ended>>,
    asked: Mutex<Vec<Asked>>,
}

impl Observer for Watcher {
    fn called(&self, call: &CallEnded<'_>) {
        let CallEnded { outcome, took, waited, guest, refused, .. } = *call;
        self.calls.lock().unwrap().push(Ended { outcome, took, waited, guest, refused });
    }

    fn upstream(&self, request: &UpstreamEnded<'_>) {
        self.asked.lock().unwrap().push((request.took, request.waited));
    }
}

async fn host(limits: Limits, guest: &Guest, config: PluginConfig) -> (Arc<Host>, Arc<Watcher>, tempfile::TempDir) {
    let (folder, watcher) = (tempfile::tempdir().unwrap(), Arc::<Watcher>::default());
    let ports = Ports {
        observer: Arc::clone(&watcher) as Arc<dyn Observer>,
        ..Ports::new(Arc::new(MemoryStore::default()), Arc::new(Residents), Arc::new(MemoryBlobs::default()))
    };
    let host_config = HostConfig { cache_dir: folder.path().join("cache"), limits, plugins: Vec::new() };
    let host = Host::new(host_config, ports).await.unwrap();
    host.install(guest.build(), &config).await.unwrap();
    (Arc::new(host), watcher, folder)
}

#[tokio::test]
async fn a_call_that_waits_is_under_way_and_its_wait_is_not_the_guests_time() {
    let (arrived, go) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let (told, waits) = (Arc::clone(&arrived), Arc::clone(&go));
    let app = Router::new().route(
        "/x",
        post(async move || {
            told.notify_one();
            waits.notified().await;
            // Longer than the guest computes.
            tokio::time::sleep(Duration::from_millis(200)).await;
            "ok"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let bound = json!({ "api": { "base-url": format!("http://{address}"), "allow-networks": ["loopback"] } });
    let config = PluginConfig { upstreams: serde_json::from_value(bound).unwrap(), ..granted() };
    let limits = Limits { calls_at_once_per_plugin: 1, permit_wait_milliseconds: 0, ..small() };
    let (host, watcher, _folder) = host(limits, &Sender::default().guest(), config).await;
    let under_way = |standing: &Standing| {
        let plugin = &standing.plugins[0];
        (standing.calls, plugin.calls, plugin.upstreams[0].requests, plugin.upstreams[0].breaker_open)
    };
    assert_eq!(under_way(&host.standing()), (0, 0, 0, false));
    let calling = tokio::spawn({
        let host = Arc::clone(&host);
        async move { open(&host).await }
    });
    arrived.notified().await;
    let standing = host.standing();
    assert_eq!(under_way(&standing), (1, 1, 1, false));
    assert_eq!((standing.most_calls, standing.most_calls_of_one, standing.most_requests), (8, 1, 32));
    open(&host).await.answer.unwrap_err();
    go.notify_one();
    calling.await.unwrap().answer.unwrap();
    assert_eq!(under_way(&host.standing()), (0, 0, 0, false));

    let calls = watcher.calls.lock().unwrap().clone();
    assert_eq!(calls.iter().map(|call| call.outcome).collect::<Vec<_>>(), [Outcome::Shed, Outcome::Answered]);
    assert!(calls[0].guest.is_zero() && calls[0].waited == calls[0].took, "{calls:?}");
    let called = calls[1];
    assert!(!called.guest.is_zero() && called.guest < Duration::from_millis(150), "{called:?}");
    assert!(called.took > Duration::from_millis(200) && called.waited < called.took, "{called:?}");
    let (took, waited) = watcher.asked.lock().unwrap()[0];
    assert!(waited.is_some_and(|waited| waited < took) && took <= called.took, "{took:?} {waited:?}");
}

#[tokio::test]
async fn a_guest_that_computes_takes_the_time_that_it_is_said_to_take_and_what_it_may_not_have_is_counted() {
    let spins = Guest { open: "(loop $again (br $again)) (i32.const 16)".to_owned(), ..Guest::default() };
    let limits = Limits { call_milliseconds: 200, ..small() };
    let (spinning, watcher, _folder) = host(limits, &spins, PluginConfig::default()).await;
    open(&spinning).await.answer.unwrap_err();
    let spun = watcher.calls.lock().unwrap()[0];
    assert_eq!(spun.outcome, Outcome::TimedOut);
    assert!(spun.guest > Duration::from_millis(50) && spun.guest <= spun.took, "{spun:?}");

    // Nothing is bound: each request is refused.
    let asks = Sender { times: 3, ..Sender::default() };
    let (asking, watcher, _folder) = host(small(), &asks.guest(), granted()).await;
    open(&asking).await.answer.unwrap();
    assert_eq!(watcher.calls.lock().unwrap()[0].refused, 3);
    assert!(watcher.asked.lock().unwrap().is_empty(), "nothing left the gateway");
}
