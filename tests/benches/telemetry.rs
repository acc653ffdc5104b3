//! What the spans of a request cost whoever sent it: a read through the whole gateway, without a collector, with one that
//! takes them, with one of which nothing is sampled, and with one that is dead. The rows take turns, so that what else this
//! machine does meets all of them.
//!
//! `cargo bench -p dialog-tests --bench telemetry`

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints its figures")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use axum::{Router, http::StatusCode, routing::post};
use dialog_tests::{
    house::{House, Plan, authority, portal::Portal},
    sim::world::KARI,
};
use tokio::{net::TcpListener, task::JoinSet};
use uuid::Uuid;

/// How often each row has its turn.
const ROUNDS: usize = 6;

/// How long a turn is measured.
const TURN: Duration = Duration::from_secs(1);

/// Between two turns: what the one before has left to be sent must not be paid for by the next.
const SETTLES: Duration = Duration::from_millis(1_500);

/// Requests before the first turn: they fill a dead collector's queue.
const WARM: usize = 500;

/// A gateway, and how it is asked.
struct Row {
    what: &'static str,
    house: House,
    portal: Portal,
    /// As `traceparent` says it.
    flags: &'static str,
    times: Vec<Duration>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (live, dead) = (live().await?, dead().await?);
    let folder = tempfile::tempdir()?;
    let mut rows = Vec::new();
    for (what, collector, flags) in [
        ("no collector", None, "01"),
        ("sampled, to a collector", Some(&live), "01"),
        ("not sampled", Some(&live), "00"),
        ("sampled, to a dead collector", Some(&dead), "01"),
    ] {
        let mut plan = Plan::free(&folder.path().join(rows.len().to_string()), Path::new(env!("CARGO_BIN_EXE_demo")));
        plan.otlp = collector.cloned();
        let house = House::open(plan).await?;
        let portal = Portal::new(house.gateway()?.portal.clone(), Some(house.issuer.citizen(&KARI)?))?;
        rows.push(Row { what, house, portal, flags, times: Vec::new() });
    }
    println!(
        "{:<32} {:>8} {:>9} {:>9} {:>9} {:>12}",
        "GET /v1/me/practice", "callers", "requests", "p50 ms", "p99 ms", "p50 more µs"
    );
    for callers in [1, 16] {
        for row in &rows {
            for _ in 0..WARM {
                row.ask().await?;
            }
        }
        for round in 0..ROUNDS {
            let from = round % rows.len();
            for at in (from..rows.len()).chain(0..from) {
                tokio::time::sleep(SETTLES).await;
                rows[at].turn(callers).await?;
            }
        }
        let usual = percentile(&mut rows[0].times, 50);
        for row in &mut rows {
            let (half, most) = (percentile(&mut row.times, 50), percentile(&mut row.times, 99));
            let (what, count) = (row.what, row.times.len());
            println!("{what:<32} {callers:>8} {count:>9} {half:>9.2} {most:>9.2} {:>12.0}", (half - usual) * 1e3);
            row.times.clear();
        }
    }
    println!("\n{:<32} {:>12} {:>12} {:>12}", "spans", "sent", "failed", "dropped");
    for row in &rows {
        let [sent, failed, dropped] = row.spans().await?;
        println!("{:<32} {sent:>12} {failed:>12} {dropped:>12}", row.what);
    }
    Ok(())
}

impl Row {
    /// One request, in a trace of its own; how long it took.
    async fn ask(&self) -> anyhow::Result<Duration> {
        ask(&self.portal, self.flags).await
    }

    async fn turn(&mut self, callers: usize) -> anyhow::Result<()> {
        let until = Instant::now() + TURN;
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let (portal, flags) = (self.portal.clone(), self.flags);
            tasks.spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < until {
                    times.push(ask(&portal, flags).await?);
                }
                anyhow::Ok(times)
            });
        }
        while let Some(done) = tasks.join_next().await {
            self.times.extend(done.context("a caller")??);
        }
        Ok(())
    }

    /// What became of its spans: sent, failed, dropped.
    async fn spans(&self) -> anyhow::Result<[u64; 3]> {
        let url = self.house.gateway()?.operations.join("/metrics")?;
        let text = authority::client()?.build()?.get(url).send().await?.error_for_status()?.text().await?;
        let mut found = [0; 3];
        for (count, outcome) in found.iter_mut().zip(["sent", "failed", "dropped"]) {
            let sample = format!(r#"dialog_spans_total{{outcome="{outcome}"}} "#);
            *count = text.lines().find_map(|line| line.strip_prefix(&sample)).context(sample.clone())?.parse()?;
        }
        Ok(found)
    }
}

async fn ask(portal: &Portal, flags: &str) -> anyhow::Result<Duration> {
    let parent = format!("00-{}-00f067aa0ba902b7-{flags}", Uuid::new_v4().simple());
    let call = portal.get("/v1/me/practice", &[]).header("traceparent", &parent);
    let began = Instant::now();
    let status = call.send_unchecked().await?;
    anyhow::ensure!(status == StatusCode::OK, "{status}");
    Ok(began.elapsed())
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// A collector that takes what comes, and looks at none of it.
async fn live() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().route("/v1/traces", post(async |_: bytes::Bytes| StatusCode::OK));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// A collector that takes connections, and never says a word.
async fn dead() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    Ok(url)
}
