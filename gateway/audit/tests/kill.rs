//! A process that appends from many tasks is killed, again and again: what it acknowledged is
//! there, in order, and the tree only ever grows.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dialog_audit::{Log, LogConfig, Reader, SignedCheckpoint, SigningKey, VerifierKeys, generate_key, verify};
use tlog_tiles::check_tree;

const DIR: &str = "DIALOG_AUDIT_TEST_DIR";
const KEY: &str = "DIALOG_AUDIT_TEST_KEY";
const ROUND: &str = "DIALOG_AUDIT_TEST_ROUND";

fn config(dir: &Path, key: &str) -> LogConfig {
    let mut config = LogConfig::new(dir, SigningKey::parse(key).unwrap());
    config.sizes.segment_bytes = 256 * 1024;
    config.pace.integrate_every = Duration::from_millis(5);
    config
}

#[test]
#[ignore = "the process that acknowledged_entries_survive_sigkill starts and kills"]
fn append_until_killed() {
    let dir = std::env::var_os(DIR).unwrap();
    let round = std::env::var(ROUND).unwrap();
    let key = std::env::var(KEY).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let log = Log::open(config(Path::new(&dir), &key)).unwrap();
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let (log, round) = (log.clone(), round.clone());
                tokio::spawn(async move {
                    for serial in 0_u64.. {
                        let entry = format!("round {round} task {task} serial {serial}");
                        let receipt = log.append(entry.clone()).await.unwrap();
                        let line = format!("ack {} {entry}\n", receipt.index);
                        std::io::stdout().write_all(line.as_bytes()).unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn acknowledged_entries_survive_sigkill() {
    let folder = tempfile::TempDir::new().unwrap();
    let dir = folder.path().join("log");
    let key = generate_key("example.test/log").unwrap();
    let keys = VerifierKeys::parse(&key.verifier).unwrap();
    let mut acknowledged: BTreeMap<u64, String> = BTreeMap::new();
    let mut earlier: Option<SignedCheckpoint> = None;

    for round in 0..8_usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["append_until_killed", "--exact", "--ignored", "--nocapture"])
            .env(DIR, &dir)
            .env(KEY, key.private.as_str())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        // Killed at another moment each time, within a few groups or after many.
        let until = 1 + round * 97;
        for line in lines {
            let line = line.unwrap();
            // A line that the kill cut short is not an acknowledgement that anyone got.
            let Some((index, entry)) = line.strip_prefix("ack ").and_then(|rest| rest.split_once(' ')) else {
                continue;
            };
            if entry.matches(' ').count() == 5 {
                acknowledged.insert(index.parse().unwrap(), entry.to_owned());
                seen += 1;
            }
            if seen == until {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= until, "the child ended early in round {round}");

        // What is there verifies before anything is mended, and after.
        let found = verify(&dir, &keys, |_| {}).unwrap();
        if let Some(earlier) = &earlier {
            assert!(found.size >= earlier.size, "the checkpoint went back");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let log = Log::open(config(&dir, &key.private)).unwrap();
            log.close().await.unwrap();
        });
        verify(&dir, &keys, |_| {}).unwrap();

        let reader = Reader::open(&dir, &keys).unwrap();
        let stored: Vec<String> =
            reader.entries(0..u64::MAX).map(|entry| String::from_utf8(entry.unwrap().data).unwrap()).collect();
        for (index, entry) in &acknowledged {
            // The last digits of a line may be lost with the process; what is left is a prefix.
            let there = &stored[usize::try_from(*index).unwrap()];
            assert!(there.starts_with(entry.as_str()), "entry {index}: {there} is not {entry}");
        }
        let newest = reader.checkpoint().clone();
        if let Some(old) = earlier.filter(|old| old.size > 0) {
            let proof = reader.consistency_proof(old.size).unwrap();
            check_tree(&proof, newest.size, newest.root, old.size, old.root).unwrap();
        }
        earlier = Some(newest);
    }
    assert!(acknowledged.len() > 8 * 97);
}
