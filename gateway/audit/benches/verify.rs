//! How fast a log verifies, on one core, and how quickly a trace is found.
//!
//! `cargo bench -p dialog-audit --bench verify` verifies logs of a quarter of a million and of a million entries and
//! prints entries a second and the most memory that each took: it must not grow with the log. With a number
//! (`-- 10000000`) it makes one log of that many records and asks the auditor's binary for traces in it, without an
//! index, while it makes one, and with it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and fails loudly")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use dialog_audit::disk::UnsyncedDisk;
use dialog_audit::{Log, LogConfig, Pace, SigningKey, Sizes, VerifierKeys, generate_key};

/// A record of the usual length, about 600 bytes. Each trace has three.
fn record(i: u64) -> String {
    let (trace, kind) = (i / 3, if i.is_multiple_of(3) { "intent" } else { "outcome" });
    let seconds = i / 1000;
    format!(
        r#"{{"version":1,"time":"2026-03-{:02}T{:02}:{:02}:{:02}.{:03}Z","kind":"{kind}","request":"019a0000-0000-7000-8000-{trace:012x}","traceId":"{:032x}","action":"dialog.open","actor":{{"role":"citizen","client":"portal","person":"dhvkOQs4c2WJOHwRNxhR81R0BCSp3V7Xm1ziI{:06}","level":4}},"citizen":"dhvkOQs4c2WJOHwRNxhR81R0BCSp3V7Xm1ziI{:06}","office":8150110,"service":"consultation","dialog":"019a0000-0000-7000-9000-{:012x}","call":{{"plugin":"ddfl","version":"0.1.0","digest":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","attempt":1,"microseconds":41200}},"outcome":{{"status":201,"sent":"yes"}}}}"#,
        1 + seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        i % 1000,
        trace.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        trace % 300_000,
        trace % 300_000,
        trace / 2,
    )
}

/// Makes a log; gives its verifier key.
fn write(dir: &Path, entries: u64) -> String {
    let key = generate_key("bench.test/log").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let config = LogConfig {
        disk: Arc::new(UnsyncedDisk),
        sizes: Sizes { segment_bytes: 64 << 20, ..Sizes::default() },
        pace: Pace { wait_for_tiles: std::time::Duration::from_secs(60), ..Pace::default() },
        ..LogConfig::new(dir, SigningKey::parse(&key.private).unwrap())
    };
    runtime.block_on(async {
        let log = Log::open(config).unwrap();
        const TOGETHER: u64 = 512;
        let writers: Vec<_> = (0..TOGETHER)
            .map(|writer| {
                let log = log.clone();
                tokio::spawn(async move {
                    for i in (writer..entries).step_by(TOGETHER as usize) {
                        log.append(record(i)).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        log.close().await.unwrap();
    });
    key.verifier
}

/// Verifies in a process of its own, whose memory is its alone.
fn verify(dir: &str, vkey: &str) {
    let keys = VerifierKeys::parse(vkey).unwrap();
    let begun = Instant::now();
    let report = dialog_audit::verify(Path::new(dir), &keys, |_| {}).unwrap();
    let rate = report.size as f64 / begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    println!("{:>9} entries verified at {rate:>9.0}/s, most memory {most}", report.size);
}

fn find(dir: &str, vkey: &str, entries: u64) {
    let ask = |i: u64, more: &[&str]| {
        let trace = format!("{:032x}", (i / 3).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let begun = Instant::now();
        let shown = Command::new(env!("CARGO_BIN_EXE_dialog-audit"))
            .args(["show", dir, "--json", "--vkey", vkey, "--trace", &trace])
            .args(more)
            .output()
            .unwrap();
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        (String::from_utf8(shown.stdout).unwrap().lines().count(), begun.elapsed())
    };
    println!("without an index      {:?}", ask(entries / 2, &["--no-index"]));
    println!("while it is made      {:?}", ask(entries / 2, &[]));
    for i in [0, entries / 3, entries / 2, entries - 4] {
        println!("trace of entry {i:>9} {:?}", ask(i, &[]));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, dir, vkey] = arguments.as_slice()
        && mode == "verify"
    {
        return verify(dir, vkey);
    }
    // A log to try other things on: folder, entries.
    if let [_, mode, dir, entries] = arguments.as_slice()
        && mode == "write"
    {
        return println!("{}", write(Path::new(dir), entries.parse().unwrap()));
    }
    // `cargo test --benches` builds and starts benches too; there is nothing to test here.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::TempDir::new_in(std::env::current_dir().unwrap()).unwrap();
    let asked: Option<u64> = arguments.iter().find_map(|argument| argument.parse().ok());
    for entries in asked.map_or(vec![250_000, 1_000_000], |entries| vec![entries]) {
        let dir = folder.path().join(entries.to_string());
        let vkey = write(&dir, entries);
        let itself = std::env::current_exe().unwrap();
        assert!(Command::new(itself).args(["verify", dir.to_str().unwrap(), &vkey]).status().unwrap().success());
        if asked.is_some() {
            find(dir.to_str().unwrap(), &vkey, entries);
        }
    }
}
