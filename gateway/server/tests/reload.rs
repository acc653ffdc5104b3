//! A thousand reloads over the operations API under load, in a process of their own: what it holds in the end is what the
//! reloads left behind.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "shares what the gateway's other tests are made of")]

#[path = "gateway/guest.rs"]
mod guest;
#[path = "gateway/support.rs"]
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use axum::{Router, routing::post};
use serde_json::{Value, json};

use crate::support::{Folder, House, Reply, inquiry, send};

const RELOADS: u32 = 1_000;

/// Reloads after which everything that is kept for good is there: pools, caches, the store's pages.
const WARM: u32 = 200;

/// Requests that are under way at any time.
const CALLERS: usize = 4;

/// Mappings of machine code that belong to no file: one for each component that is loaded, and the engine's own.
fn code_mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("r-xp") && line.split_whitespace().count() == 5).count()
}

/// Memory that is really in use, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Installs a package, as an operator does.
async fn install(house: &House, package: Vec<u8>) -> Reply {
    let request = house.post_operations("/v1/plugins").header("content-type", "application/wasm").body(package);
    send(request, "POST /v1/plugins").await
}

/// Goes back from what was last seen.
async fn roll_back(house: &House, seen: &str) -> Reply {
    let request = house.post_operations("/v1/plugins/example/rollback").header("if-match", seen);
    send(request, "POST /v1/plugins/{plugin}/rollback").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_under_load_fail_no_request_and_leave_no_memory_behind() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    let number = Arc::new(AtomicU64::new(0));
    let router = Router::new().route(
        "/x",
        post(move || {
            let number = number.fetch_add(1, Ordering::Relaxed);
            async move { format!("r-{number}") }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let house = House::open_with(Folder::new(), |config| {
        config["plugins"] = json!([{
            "id": "example", "grant": { "capabilities": ["upstream"] },
            "upstreams": { "api": { "base-url": upstream, "allow-networks": ["loopback"] } },
        }]);
    })
    .await;
    let house = Arc::new(house);
    let mut seen = String::new();
    for (version, status) in [("1.0.0", 201), ("1.1.0", 200)] {
        let reply = install(&house, guest::build_as(version)).await;
        assert_eq!((reply.status, &reply.body["state"]), (status, &json!("serving")), "{}", reply.body);
        seen = reply.header("etag").to_owned();
    }

    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (house, done, answered) = (Arc::clone(&house), Arc::clone(&done), Arc::clone(&answered));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let reply = house.post("/v1/me/dialogs").body(inquiry("Når åpner dere?")).send().await.unwrap();
                    let status = reply.status();
                    assert_eq!(status, 201, "{}", reply.text().await.unwrap());
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let (mut warm, upgrade) = ((0, 0), guest::build_as("1.1.0"));
    for reload in 0..RELOADS {
        let (version, reply) = if reload % 2 == 0 {
            ("1.0.0", roll_back(&house, &seen).await)
        } else {
            ("1.1.0", install(&house, upgrade.clone()).await)
        };
        assert_eq!((reply.status, &reply.body["current"]["version"]), (200, &Value::from(version)), "{}", reply.body);
        seen = reply.header("etag").to_owned();
        if reload == WARM {
            warm = (code_mappings(), resident());
        }
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    let (mappings, resident) = (code_mappings(), resident());
    assert!(answered.load(Ordering::Relaxed) > u64::from(RELOADS) / 4, "there was hardly any load");
    // A version whose last calls are ending is there beside the one that serves.
    assert!(mappings <= warm.0 + 2, "{} mappings of code after {WARM} reloads, {mappings} in the end", warm.0);
    assert!(resident <= warm.1 + 96, "{} MiB after {WARM} reloads, {resident} MiB in the end", warm.1);
}
