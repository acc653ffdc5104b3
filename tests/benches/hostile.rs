//! How a bystander fares beside a hostile guest: the median of its calls while the guest plays, over the median while it
//! is quiet. Quiet and loud seconds take turns, so that what else the machine does falls on both alike. At most 1.5.
//!
//! `cargo bench -p dialog-tests --bench hostile`

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "a bench prints its figures, and uses a part of the stage"
)]

#[path = "../tests/hostile/server.rs"]
mod server;
#[path = "../tests/hostile/stage.rs"]
mod stage;
#[path = "../tests/hostile/wat.rs"]
mod wat;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use stage::{Function, HOSTILE, OFFICE, call, stage};

/// Most that the bystander's median may grow.
const MOST: f64 = 1.5;

/// How long each quiet or loud turn takes.
const TURN: Duration = Duration::from_millis(500);

/// Turns of each kind.
const TURNS: u32 = 6;

/// What the guest does, again and again, one call at a time.
const DEEDS: [&str; 8] = [
    "do: loop",
    "do: trap",
    "do: take-all-memory",
    "do: recurse",
    "do: log-flood 100000",
    "do: many-large-events",
    "do: ask-the-state",
    "do: get-from /endless",
];

fn main() -> ExitCode {
    let stage = stage();
    println!("{:<28} {:>12} {:>12} {:>8}", "the guest", "quiet, µs", "loud, µs", "times");
    let mut worst = 0.0_f64;
    for told in DEEDS {
        let (quiet, loud) = stage.runtime.block_on(beside(told));
        let times = loud.as_secs_f64() / quiet.as_secs_f64();
        worst = worst.max(times);
        println!("{told:<28} {:>12} {:>12} {times:>8.2}", quiet.as_micros(), loud.as_micros());
    }
    println!("at most {worst:.2} times, of {MOST} that are allowed");
    if worst <= MOST { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The bystander's medians beside a guest, quiet and loud.
async fn beside(told: &'static str) -> (Duration, Duration) {
    let (mut quiet, mut loud) = (Vec::new(), Vec::new());
    for turn in 0..2 * TURNS {
        let over = Arc::new(AtomicBool::new(turn % 2 == 0));
        let until = Arc::clone(&over);
        let guest = tokio::spawn(async move {
            while !until.load(Ordering::Relaxed) {
                let (answer, _) = call(&stage().host, HOSTILE, Function::Open, told, OFFICE, TURN).await;
                drop(answer);
            }
        });
        let times = if turn % 2 == 0 { &mut quiet } else { &mut loud };
        times.extend(tokio::spawn(bystander()).await.unwrap());
        over.store(true, Ordering::Relaxed);
        guest.await.unwrap();
    }
    (median(quiet), median(loud))
}

/// Calls the bystander for a turn; how long each call took.
async fn bystander() -> Vec<Duration> {
    let (until, mut times) = (Instant::now() + TURN, Vec::new());
    while Instant::now() < until {
        let began = Instant::now();
        let (answer, _) = call(&stage().host, "bystander", Function::Open, "hei", OFFICE, Duration::from_secs(5)).await;
        answer.unwrap();
        times.push(began.elapsed());
    }
    times
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
