//! A thousand reloads under load, in a process of their own: what it holds in the end is what the reloads left behind.
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
use dialog_contract::{
    audit::{Actor, ActorRole},
    plugin::PluginState,
};
use dialog_gateway::packages::By;
use serde_json::json;

use crate::support::{Folder, House, inquiry};

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
    let actor = Actor { role: ActorRole::Operator, client: "ops".to_owned(), person: None, level: None };
    let by = By { actor, request: None, trace_id: None };
    let packages = &house.gateway.packages;
    for version in ["1.0.0", "1.1.0"] {
        let plugin = packages.install(guest::build_as(version), &by).await.unwrap().plugin;
        assert_eq!(plugin.state, PluginState::Serving);
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
    let mut warm = (0, 0);
    for reload in 0..RELOADS {
        let changed = if reload % 2 == 0 {
            packages.rollback(&"example".parse().unwrap(), &by).await
        } else {
            packages.install(guest::build_as("1.1.0"), &by).await
        };
        let version = changed.unwrap().plugin.current.unwrap().version;
        assert_eq!(version, if reload % 2 == 0 { "1.0.0" } else { "1.1.0" });
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
