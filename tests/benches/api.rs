//! Requests a second through the whole gateway: real HTTP, real tokens, real plugins, store and audit log durable before
//! each reply. The load comes from this very machine and shares its processors: the figures are a lower bound.
//!
//! `cargo bench -p dialog-tests --bench api`

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints its figures")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use dialog_tests::{
    house::{House, Plan, portal::Portal},
    sim::world::{CITIZENS, KARI, LEILA},
};
use http::StatusCode;
use serde_json::json;

/// How long each row is measured, after a second of warming up.
const MEASURED: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let house = House::open(Plan::free(folder.path(), Path::new(env!("CARGO_BIN_EXE_demo")))).await?;
    let base = house.gateway()?.portal.clone();
    let portal = |who| -> anyhow::Result<Portal> { Portal::new(base.clone(), Some(house.issuer.citizen(who)?)) };
    let everybody = CITIZENS.iter().take(3).map(portal).collect::<anyhow::Result<Vec<_>>>()?;
    println!("{:<44} {:>8} {:>12} {:>9} {:>9}", "request", "callers", "requests/s", "p50 ms", "p99 ms");
    for callers in [1, 16, 64] {
        row("GET /v1/me/practice", callers, &everybody, |portal| portal.get("/v1/me/practice", &[])).await?;
    }
    let opening = json!({ "request": { "type": "inquiry" }, "message": { "text": "Har dere åpent i romjulen?" } });
    for (what, who) in [("commercial", &LEILA), ("public", &KARI)] {
        for callers in [1, 16, 64] {
            let opening = opening.clone();
            row(&format!("POST /v1/me/dialogs ({what})"), callers, &[portal(who)?], move |portal| {
                portal.post("/v1/me/dialogs", &[], &opening)
            })
            .await?;
        }
    }
    Ok(())
}

async fn row(
    what: &str,
    callers: usize,
    portals: &[Portal],
    call: impl Fn(&Portal) -> dialog_tests::house::portal::Call + Clone + Send + Sync + 'static,
) -> anyhow::Result<()> {
    let from = Instant::now() + Duration::from_secs(1);
    let until = from + MEASURED;
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (portal, call) = (portals[caller % portals.len()].clone(), call.clone());
        tasks.spawn(async move {
            let (mut times, mut shed) = (Vec::new(), 0);
            while Instant::now() < until {
                let began = Instant::now();
                let reply = call(&portal).send_unchecked().await?;
                if reply == StatusCode::SERVICE_UNAVAILABLE || reply == StatusCode::ACCEPTED {
                    shed += 1;
                } else {
                    anyhow::ensure!(reply.is_success(), "{reply}");
                    if began >= from {
                        times.push(began.elapsed());
                    }
                }
            }
            Ok((times, shed))
        });
    }
    let (mut times, mut shed) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (mine, turned_away) = done.context("a caller")??;
        times.extend(mine);
        shed += turned_away;
    }
    times.sort_unstable();
    let at = |percent: usize| {
        times
            .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let rate = times.len() as f64 / MEASURED.as_secs_f64();
    let note = if shed > 0 { format!("  ({shed} queued or shed)") } else { String::new() };
    println!("{what:<44} {callers:>8} {rate:>12.0} {:>9.2} {:>9.2}{note}", at(50), at(99));
    Ok(())
}
