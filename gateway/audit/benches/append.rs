//! Durable appends a second, beside a plain preallocated file with group fsync on the same disk.
//!
//! The two take turns, so that a disk that slows down slows both. Each line: callers, who,
//! appends a second, latency p50 and p99 in microseconds, appends a flush.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails loudly")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialog_audit::{Log, LogConfig, SigningKey, generate_key};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

const ENTRY_BYTES: usize = 600;
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

#[derive(Default)]
struct Measured {
    latencies: Vec<Duration>,
    elapsed: Duration,
    flushes: u64,
}

impl Measured {
    fn print(&mut self, callers: usize, who: &str) -> f64 {
        self.latencies.sort_unstable();
        let count = self.latencies.len();
        let at = |part: f64| self.latencies[((count - 1) as f64 * part) as usize].as_micros();
        let rate = count as f64 / self.elapsed.as_secs_f64();
        let grouped = count as f64 / self.flushes as f64;
        println!(
            "{callers:>4} callers  {who:<10} {rate:>9.0}/s  p50 {:>6} us  p99 {:>6} us  {grouped:>6.1} a flush",
            at(0.5),
            at(0.99)
        );
        rate
    }
}

type Job = (Bytes, oneshot::Sender<()>);

/// What the log is compared with: entries one after the other into a zero-filled file, one
/// `fdatasync` for all that wait.
fn plain(path: &Path) -> (mpsc::Sender<Job>, std::thread::JoinHandle<u64>) {
    const LENGTH: u64 = 64 * 1024 * 1024;
    let file = File::create(path).unwrap();
    let zeros = vec![0_u8; 1024 * 1024];
    for at in (0..LENGTH).step_by(zeros.len()) {
        file.write_all_at(&zeros, at).unwrap();
    }
    file.sync_all().unwrap();
    let (sender, mut receiver) = mpsc::channel::<Job>(1024);
    let thread = std::thread::spawn(move || {
        let (mut at, mut flushes) = (0, 0);
        let (mut buffer, mut waiting) = (Vec::new(), Vec::new());
        while let Some(first) = receiver.blocking_recv() {
            let mut next = Some(first);
            while let Some((entry, done)) = next {
                buffer.extend_from_slice(&entry);
                waiting.push(done);
                next = (waiting.len() < 1024).then(|| receiver.try_recv().ok()).flatten();
            }
            if at + buffer.len() as u64 > LENGTH {
                at = 0;
            }
            file.write_all_at(&buffer, at).unwrap();
            file.sync_data().unwrap();
            at += buffer.len() as u64;
            flushes += 1;
            buffer.clear();
            for done in waiting.drain(..) {
                done.send(()).unwrap();
            }
        }
        flushes
    });
    (sender, thread)
}

fn drive<F, A>(runtime: &Runtime, callers: usize, measured: &mut Measured, append: F)
where
    F: Fn(Bytes) -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let entry = Bytes::from(vec![b'e'; ENTRY_BYTES]);
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (append, entry) = (append.clone(), entry.clone());
            runtime.spawn(async move {
                let mut latencies = Vec::new();
                while begun.elapsed() < ROUND {
                    let asked = Instant::now();
                    append(entry.clone()).await;
                    latencies.push(asked.elapsed());
                }
                latencies
            })
        })
        .collect();
    for task in tasks {
        measured.latencies.extend(runtime.block_on(task).unwrap());
    }
    measured.elapsed += begun.elapsed();
}

fn main() {
    // `cargo test --benches` builds and starts benches too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let folder = tempfile::TempDir::new_in(std::env::current_dir().unwrap()).unwrap();
    let key = generate_key("bench.test/log").unwrap();
    for callers in [1, 16, 64, 256] {
        let (mut ours, mut theirs) = (Measured::default(), Measured::default());
        let dir = folder.path().join(format!("log-{callers}"));
        let config = LogConfig::new(&dir, SigningKey::parse(&key.private).unwrap());
        let log = Log::open(config).unwrap();
        let (plain, thread) = plain(&folder.path().join("plain"));
        for _ in 0..ROUNDS {
            let appender = log.clone();
            drive(&runtime, callers, &mut ours, move |entry| {
                let log = appender.clone();
                async move {
                    log.append(entry).await.unwrap();
                }
            });
            let plain = Arc::new(plain.clone());
            drive(&runtime, callers, &mut theirs, move |entry| {
                let plain = Arc::clone(&plain);
                async move {
                    let (done, written) = oneshot::channel();
                    plain.send((entry, done)).await.unwrap();
                    written.await.unwrap();
                }
            });
        }
        ours.flushes = log.status().groups;
        drop(plain);
        theirs.flushes = thread.join().unwrap();
        let rate = ours.print(callers, "log");
        let plain = theirs.print(callers, "plain file");
        println!("{:>4}          ratio {:.2}", "", rate / plain);
        runtime.block_on(log.close()).unwrap();
        if callers == 256 {
            let keys = dialog_audit::VerifierKeys::parse(&key.verifier).unwrap();
            let begun = Instant::now();
            let report = dialog_audit::verify(&dir, &keys, |_| {}).unwrap();
            let rate = report.size as f64 / begun.elapsed().as_secs_f64();
            println!("verified {} entries of {ENTRY_BYTES} bytes at {rate:.0}/s", report.size);
        }
    }
}
