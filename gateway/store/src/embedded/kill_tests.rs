//! A process that is killed in the middle of its commits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use dialog_core::ports::store::{Batch, Range, Revision, Store};

use super::*;

/// Tells the test that it is the child, and where its store is.
const FOLDER: &str = "DIALOG_STORE_TEST_FOLDER";
const ROUND: &str = "DIALOG_STORE_TEST_ROUND";
const CHILD: &str = "embedded::kill_tests::commits_until_it_is_killed";
const TASKS: u32 = 16;
const PARTS: [&str; 3] = ["head", "middle", "tail"];

fn key(id: &str, part: &str) -> Bytes {
    format!("{id}/{part}").into()
}

/// Three keys that belong together, one of them longer than a piece now and then, and a key that all rounds rewrite.
fn batch(round: &str, task: u32, number: u32) -> (String, Batch) {
    let id = format!("{round}-{task}-{number}");
    let mut batch = Batch::default();
    for part in PARTS {
        let length = if part == "tail" && number % 8 == 7 { 3 * crate::limits::PIECE_BYTES } else { 700 };
        let mut value = id.clone().into_bytes();
        value.resize(length, b'.');
        batch.put(key(&id, part), value);
    }
    batch.put(format!("hot-{task}"), vec![b'h'; 2000]);
    (id, batch)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of a_killed_process_leaves_every_acknowledged_batch_whole"]
async fn commits_until_it_is_killed() {
    let (folder, round) = (std::env::var(FOLDER).unwrap(), std::env::var(ROUND).unwrap());
    let store = Arc::new(SledStore::open(folder, SledConfig::default()).await.unwrap());
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, round) = (Arc::clone(&store), round.clone());
            tokio::spawn(async move {
                for number in 0..100_000 {
                    let (id, batch) = batch(&round, task, number);
                    let revision = store.commit(batch).await.unwrap();
                    let line = format!("acknowledged {id} {}\n", revision.0);
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Starts a child, kills it after `enough` acknowledgements, and returns all that it gave.
fn kill_after(enough: usize, folder: &Path, round: usize) -> HashMap<String, Revision> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = HashMap::new();
    let mut killed = false;
    let lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    for line in lines {
        let line = String::from_utf8(line.unwrap()).unwrap();
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        // The test harness writes to the same pipe: it may have begun the line.
        let Some(at) = words.iter().position(|word| *word == "acknowledged") else { continue };
        if let [id, revision] = words[at + 1..] {
            acknowledged.insert(id.to_owned(), Revision(revision.parse().unwrap()));
        }
        if acknowledged.len() >= enough && !killed {
            // SIGKILL: nothing of the child runs after this.
            child.kill().unwrap();
            killed = true;
        }
    }
    let status = child.wait().unwrap();
    assert!(killed && !status.success(), "the child ended by itself: {status}");
    acknowledged
}

#[tokio::test]
async fn a_killed_process_leaves_every_acknowledged_batch_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = HashMap::new();
    for round in 0..4 {
        let before = acknowledged.values().max().copied().unwrap_or(Revision(0));
        let new = kill_after(200 + 150 * round, folder.path(), round);
        assert!(new.values().all(|revision| *revision > before), "revisions go on after a kill");
        acknowledged.extend(new);

        let store = SledStore::open(folder.path(), SledConfig::default()).await.unwrap();
        let everything = Range { from: Bytes::new(), until: None, limit: usize::MAX, reverse: false };
        let mut found: HashMap<String, Vec<(String, Revision)>> = HashMap::new();
        for entry in store.scan(everything).await.unwrap() {
            let name = String::from_utf8(entry.key.to_vec()).unwrap();
            let Some((id, part)) = name.split_once('/') else { continue };
            assert!(entry.versioned.value.starts_with(id.as_bytes()));
            found.entry(id.to_owned()).or_default().push((part.to_owned(), entry.versioned.revision));
        }
        for (id, parts) in &found {
            let names: Vec<_> = parts.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, PARTS, "half of batch {id} is there");
            assert!(parts.iter().all(|(_, revision)| *revision == parts[0].1), "batch {id} is mixed");
        }
        for (id, revision) in &acknowledged {
            let parts = found.get(id).unwrap_or_else(|| panic!("batch {id} was acknowledged and is gone"));
            assert_eq!(parts[0].1, *revision);
        }
        let mut next = Batch::default();
        next.put("after", "the kill");
        let next = store.commit(next).await.unwrap();
        assert!(acknowledged.values().all(|revision| *revision < next));
        store.close().await;
    }
}
