//! The log against disks that lie, fill up and lose power, and against damaged folders.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod endings;
mod flips;
mod histories;
mod naive;
mod publishing;
mod removal;
mod weight;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;
use tlog_tiles::{Hash, check_tree, record_hash};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::*;
use crate::key::{KeyPair, VerifierKeys, generate_key};
use crate::simulated::{Event, SimulatedDisk};
use crate::tree::naive_root;
use crate::verify::{JournalReport, VerifyError, verify};

const NEVER: Duration = Duration::from_secs(3600);

struct Bench {
    folder: TempDir,
    key: KeyPair,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let key = generate_key("example.test/log").unwrap();
        Self { folder: TempDir::new().unwrap(), key, runtime }
    }

    fn keys(&self) -> VerifierKeys {
        VerifierKeys::parse(&self.key.verifier).unwrap()
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Small segments; tiles are written only when something asks for it.
    fn config(&self, dir: &Path) -> LogConfig {
        let mut config = LogConfig::new(dir, SigningKey::parse(&self.key.private).unwrap());
        config.sizes.segment_bytes = 128 * 1024;
        config.pace = Pace { integrate_every: NEVER, retry_after: Duration::ZERO, ..Pace::default() };
        config
    }

    fn open(&self) -> Log {
        Log::open(self.config(&self.dir())).unwrap()
    }

    /// Like `open`, with tiles every few milliseconds.
    fn open_brisk(&self) -> Log {
        let mut config = self.config(&self.dir());
        config.pace.integrate_every = Duration::from_millis(2);
        Log::open(config).unwrap()
    }

    fn append(&self, log: &Log, entry: impl Into<Bytes>) -> u64 {
        self.runtime.block_on(log.append(entry)).unwrap().index
    }

    fn append_many(&self, log: &Log, count: usize) -> Vec<Bytes> {
        let first = log.size();
        let list: Vec<Bytes> = (0..count as u64).map(|i| entry(first + i)).collect();
        self.runtime.block_on(async {
            // Joined in order, so they are queued in order.
            let futures: Vec<_> = list.iter().map(|entry| log.append(entry.clone())).collect();
            for (receipt, index) in futures_in_order(futures).await.into_iter().zip(first..) {
                assert_eq!(receipt.unwrap().index, index);
            }
        });
        list
    }

    fn wait_until_published(&self, log: &Log, size: u64) {
        // What is signed is accounted for; it is public a moment before that.
        let (mut published, mut signed) = (log.subscribe(), log.subscribe_signed());
        self.runtime.block_on(async {
            published.wait_for(|checkpoint| checkpoint.size >= size).await.unwrap();
            signed.wait_for(|checkpoint| checkpoint.size >= size).await.unwrap();
        });
    }

    fn close(&self, log: Log) {
        self.runtime.block_on(log.close()).unwrap();
    }

    fn verify(&self, dir: &Path) -> Result<crate::Report, VerifyError> {
        verify(dir, &self.keys(), |_| {})
    }

    fn stored(&self, dir: &Path) -> Vec<Vec<u8>> {
        let reader = Reader::open(dir, &self.keys()).unwrap();
        reader.entries(0..u64::MAX).map(|entry| entry.unwrap().data).collect()
    }
}

async fn futures_in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in pinned.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// An entry of its own second.
fn entry(index: u64) -> Bytes {
    // Lengths vary, so that entries and groups fall on sectors in every way.
    let filling = "abcdefghij".repeat((index * 7 % 61) as usize);
    format!("{{\"time\":\"{}\",\"index\":{index},\"filling\":\"{filling}\"}}", second(index)).into()
}

/// When an entry is of.
fn second(index: u64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + index as i64).unwrap()
}

fn root_of<E: AsRef<[u8]>>(entries: &[E]) -> Hash {
    let leaves: Vec<Hash> = entries.iter().map(|entry| record_hash(entry.as_ref())).collect();
    naive_root(&leaves)
}

/// What SIGKILL would leave, without what had not got its name yet.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        if item.file_name().to_string_lossy().ends_with(crate::layout::UNFINISHED) {
            continue;
        }
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).unwrap();
        }
    }
}

fn files(dir: &Path, under: &str) -> Vec<String> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(dir.join(under)).unwrap() {
        let item = item.unwrap();
        let name = item.file_name().into_string().unwrap();
        let path = if under.is_empty() { name } else { format!("{under}/{name}") };
        if item.file_type().unwrap().is_dir() {
            found.extend(files(dir, &path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn segments(dir: &Path) -> Vec<String> {
    let mut found = files(dir, "journal");
    found.retain(|file| is_segment(Path::new(file)));
    found
}

#[test]
fn a_new_log_has_a_signed_checkpoint_from_the_first_moment() {
    let bench = Bench::new();
    let log = bench.open();
    assert_eq!((log.size(), log.latest_index()), (0, None));
    assert!(log.checkpoint().starts_with("example.test/log\n0\n47DEQpj8HBSa"));
    let report = bench.verify(&bench.dir()).unwrap();
    assert_eq!((report.size, report.journal), (0, JournalReport::InUse));
    bench.close(log);
    assert_eq!(files(&bench.dir(), ""), ["checkpoint", "journal/lock"]);
}

#[test]
fn what_is_appended_is_in_the_closed_log_in_order_and_verifies() {
    let bench = Bench::new();
    let log = bench.open();
    let list = bench.append_many(&log, 600);
    assert_eq!(log.latest_index(), Some(599));
    bench.close(log.clone());
    assert!(matches!(bench.runtime.block_on(log.append("late")), Err(LogError::Closed)));
    assert_eq!(
        files(&bench.dir(), ""),
        [
            "checkpoint",
            "journal/lock",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/88",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/88",
        ]
    );
    let mut steps = Vec::new();
    let report = verify(&bench.dir(), &bench.keys(), |progress| steps.push(progress.done)).unwrap();
    assert_eq!(steps, [256, 512, 600]);
    assert_eq!(report.size, 600);
    assert_eq!(report.root, root_of(&list).to_string());
    assert_eq!(report.journal, JournalReport::Read { entries: 0, torn: None });
    assert_eq!(bench.stored(&bench.dir()), list);
}

#[test]
fn tiles_and_checkpoints_follow_on_their_own_and_are_consistent() {
    let bench = Bench::new();
    let log = bench.open_brisk();
    let mut list = Vec::new();
    let mut earlier = Vec::new();
    for count in [1, 2, 250, 3, 1, 300] {
        list.extend(bench.append_many(&log, count));
        bench.wait_until_published(&log, list.len() as u64);
        let checkpoint = log.published();
        assert!(checkpoint.root == root_of(&list[..checkpoint.size as usize]));
        earlier.push(checkpoint);
    }
    let reader = log.reader();
    let newest = reader.checkpoint().clone();
    for old in &earlier {
        let proof = reader.consistency_proof(old.size).unwrap();
        check_tree(&proof, newest.size, newest.root, old.size, old.root).unwrap();
    }
    for index in [0, 1, 255, 256, 300, 556] {
        let proof = Proof::parse(&log.proof(index).unwrap().to_string()).unwrap();
        let proven = proof.verify(None, &bench.keys()).unwrap();
        assert_eq!(proven.entry, list[index as usize]);
    }
    assert!(matches!(log.proof(557), Err(ReadError::Beyond { index: 557, size: 557 })));
    bench.close(log);
    // Partial tiles of published trees stay until the full tile is there.
    let left = files(&bench.dir(), "tile/0");
    assert_eq!(left.first().map(String::as_str), Some("tile/0/000"));
    assert!(left.contains(&"tile/0/002.p/45".to_owned()), "{left:?}");
    assert!(!left.iter().any(|file| file.starts_with("tile/0/000.p")), "{left:?}");
    bench.verify(&bench.dir()).unwrap();
}

#[test]
fn entries_of_any_length_up_to_the_limit_are_taken() {
    let bench = Bench::new();
    let log = bench.open();
    let longest = vec![b'x'; crate::limits::MAX_ENTRY_BYTES];
    let list = [Vec::new(), vec![0; 5000], longest.clone(), b"{}".to_vec()];
    for entry in &list {
        bench.append(&log, entry.clone());
    }
    let too_long = bench.runtime.block_on(log.append([longest, vec![b'x']].concat()));
    assert!(matches!(too_long, Err(LogError::TooLarge { length: 65_536 })));
    bench.close(log);
    assert_eq!(bench.stored(&bench.dir()), list);
    bench.verify(&bench.dir()).unwrap();
}

#[test]
fn the_lock_refuses_a_second_opener() {
    let bench = Bench::new();
    let log = bench.open();
    let second = Log::open(bench.config(&bench.dir()));
    assert!(matches!(second, Err(OpenError::Locked { .. })), "{second:?}");
    bench.append(&log, "still mine");
    bench.close(log);
    let reopened = bench.open();
    assert_eq!(reopened.size(), 1);
}

#[test]
fn dropping_a_log_loses_nothing() {
    let bench = Bench::new();
    let log = bench.open();
    let list = bench.append_many(&log, 40);
    drop(log);
    assert_eq!(Reader::open(&bench.dir(), &bench.keys()).unwrap().checkpoint().size, 0);
    let log = bench.open();
    assert_eq!(log.recovery(), &Recovery { carried_over: 40, torn: None });
    assert!(log.published().root == root_of(&list));
}

#[test]
fn no_append_resolves_before_its_fsync() {
    let bench = Bench::new();
    let disk = SimulatedDisk::default();
    let mut config = bench.config(&bench.dir());
    config.disk = Arc::new(disk.clone());
    let log = Log::open(config).unwrap();
    bench.runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..16_u64 {
            let (log, disk) = (log.clone(), disk.clone());
            tasks.spawn(async move {
                for i in 0..8 {
                    let entry = entry(task * 8 + i);
                    let receipt = log.append(entry.clone()).await.unwrap();
                    assert!(disk.is_durable(&entry), "entry {} is not flushed", receipt.index);
                    assert!(log.size() > receipt.index);
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    });
    // One group is flushed before the next is written.
    let journal: Vec<Event> = disk.events().into_iter().filter(|event| is_segment(event.file())).collect();
    for pair in journal.chunks(2) {
        assert!(matches!(pair, [Event::Write { .. }, Event::Sync { .. }]), "{journal:?}");
    }
    let left = TempDir::new().unwrap();
    disk.after_power_cut(&bench.dir(), left.path(), 1);
    assert_eq!(Log::open(bench.config(left.path())).unwrap().size(), 128);
}

fn is_segment(path: &Path) -> bool {
    path.file_name().and_then(|name| crate::layout::segment_number(name.to_str()?)).is_some()
}

#[test]
fn many_callers_share_few_flushes() {
    let bench = Bench::new();
    let log = bench.open();
    bench.runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..200_u64 {
            let log = log.clone();
            tasks.spawn(async move {
                for i in 0..10 {
                    log.append(entry(task * 10 + i)).await.unwrap();
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    });
    let status = log.status();
    assert_eq!(status.size, 2000);
    assert!(status.groups <= 500, "{} flushes for 2000 entries", status.groups);
    bench.close(log);
    bench.verify(&bench.dir()).unwrap();
}

#[test]
fn a_full_disk_refuses_appends_and_the_log_recovers_when_room_returns() {
    let bench = Bench::new();
    let disk = SimulatedDisk::default();
    let mut config = bench.config(&bench.dir());
    config.disk = Arc::new(disk.clone());
    config.pace.integrate_every = Duration::from_millis(1);
    let log = Log::open(config).unwrap();
    let mut accepted = bench.append_many(&log, 10);
    bench.wait_until_published(&log, 10);

    disk.set_room(Some(1000));
    let mut refused = 0;
    for attempt in 0..50 {
        let entry = Bytes::from(format!("during {attempt} {}", "x".repeat(3000)));
        match bench.runtime.block_on(log.append(entry.clone())) {
            Ok(receipt) => {
                assert_eq!(receipt.index, accepted.len() as u64);
                accepted.push(entry);
            }
            Err(LogError::Unavailable { reason }) => {
                assert!(!reason.is_empty());
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 50, "nothing fits in the room that is left");
    assert!(log.status().append_failure.is_some());
    // Reading goes on.
    log.proof(3).unwrap().verify(None, &bench.keys()).unwrap();

    disk.set_room(None);
    let after = bench.append_many(&log, 20);
    accepted.extend(after);
    assert!(log.status().append_failure.is_none());
    bench.close(log);
    assert_eq!(bench.stored(&bench.dir()), accepted);
    bench.verify(&bench.dir()).unwrap();
}

#[test]
fn a_log_that_could_not_be_written_says_that_it_can_be_before_anybody_asks() {
    // For want of room, and because a flush failed once.
    for by_flush in [false, true] {
        let bench = Bench::new();
        let disk = SimulatedDisk::default();
        let mut config = bench.config(&bench.dir());
        config.disk = Arc::new(disk.clone());
        config.pace.integrate_every = Duration::from_millis(5);
        // What the log has found out itself, nobody waits for.
        config.pace.retry_after = NEVER;
        let log = Log::open(config).unwrap();
        let mut accepted = bench.append_many(&log, 3);
        bench.wait_until_published(&log, 3);
        if by_flush {
            disk.fail_syncs(1);
            // Whichever thread flushes next: the writer does, if the tiler has not.
            while bench.runtime.block_on(log.append("refused")).is_ok() {
                accepted.push("refused".into());
                disk.fail_syncs(1);
            }
        } else {
            disk.set_room(Some(0));
            while bench.runtime.block_on(log.append(vec![b'x'; 60_000])).is_ok() {}
            assert!(log.status().append_failure.is_some());
            disk.set_room(None);
        }
        let begun = std::time::Instant::now();
        while log.status().append_failure.is_some() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", log.status());
            std::thread::yield_now();
        }
        accepted.extend(bench.append_many(&log, 5));
        bench.close(log);
        assert_eq!(bench.stored(&bench.dir()), accepted, "{by_flush}");
        bench.verify(&bench.dir()).unwrap();
        // Segments that were made to see whether they could be are not left behind.
        assert!(segments(&bench.dir()).is_empty(), "{:?}", segments(&bench.dir()));
    }
}

#[test]
fn tiles_that_cannot_be_written_are_written_later_and_lose_nothing() {
    let bench = Bench::new();
    let disk = SimulatedDisk::default();
    let mut config = bench.config(&bench.dir());
    config.disk = Arc::new(disk.clone());
    config.sizes.backlog_bytes = 200_000;
    config.pace.integrate_every = Duration::from_millis(1);
    let log = Log::open(config).unwrap();
    let mut accepted = bench.append_many(&log, 300);
    bench.wait_until_published(&log, 300);
    // Something that is not a folder stands where the entries belong.
    let (blocked, aside) = (bench.dir().join("tile/entries"), bench.folder.path().join("aside"));
    std::fs::rename(&blocked, &aside).unwrap();
    std::fs::write(&blocked, "in the way").unwrap();
    loop {
        let next = entry(accepted.len() as u64);
        match bench.runtime.block_on(log.append(next.clone())) {
            Ok(_) => accepted.push(next),
            Err(LogError::Unavailable { reason }) => {
                assert!(reason.contains("tiles are behind"), "{reason}");
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(log.published().size, 300);
    std::fs::remove_file(&blocked).unwrap();
    std::fs::rename(&aside, &blocked).unwrap();
    bench.wait_until_published(&log, accepted.len() as u64);
    accepted.extend(bench.append_many(&log, 5));
    bench.close(log);
    assert_eq!(bench.stored(&bench.dir()), accepted);
}

#[test]
fn appends_slow_down_to_what_the_tiles_can_take() {
    let bench = Bench::new();
    let mut config = bench.config(&bench.dir());
    config.sizes.backlog_bytes = 5_000;
    config.sizes.group_entries = 10;
    let log = Log::open(config).unwrap();
    let list = bench.append_many(&log, 1000);
    // Nothing was due, yet the tiler kept up: what is left is at most what may wait, and a group.
    let status = log.status();
    assert!(status.backlog_bytes <= 5_000 + 10 * 700, "{status:?}");
    bench.close(log);
    assert_eq!(bench.stored(&bench.dir()), list);
}

#[test]
fn a_group_whose_flush_failed_is_given_up_even_if_the_disk_has_it() {
    let bench = Bench::new();
    let disk = SimulatedDisk::default();
    let mut config = bench.config(&bench.dir());
    config.disk = Arc::new(disk.clone());
    let log = Log::open(config).unwrap();
    // The flush that fails is to be the writer's: the segment that is made ahead of its use is there, and the first append
    // takes it once that has had its own. No other is made before it is half full.
    let begun = std::time::Instant::now();
    while segments(&bench.dir()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::yield_now();
    }
    let mut accepted = bench.append_many(&log, 3);
    disk.fail_syncs(1);
    let failed = bench.runtime.block_on(log.append("not acknowledged"));
    assert!(matches!(failed, Err(LogError::Unavailable { .. })));
    assert_eq!(log.size(), 3);
    accepted.extend(bench.append_many(&log, 3));
    // The process ends here, with both segments in the journal.
    let left = TempDir::new().unwrap();
    copy(&bench.dir(), left.path());
    assert!(segments(left.path()).len() >= 2);
    let reopened = Log::open(bench.config(left.path())).unwrap();
    bench.close(reopened);
    assert_eq!(bench.stored(left.path()), accepted);
}

#[test]
fn a_flipped_byte_in_any_file_is_found_and_named() {
    let bench = Bench::new();
    let log = bench.open_brisk();
    for count in [1, 100, 200, 300, 7] {
        bench.append_many(&log, count);
        bench.wait_until_published(&log, log.size());
    }
    bench.close(log);
    let log = bench.open();
    bench.append_many(&log, 60);
    // 608 entries are in tiles, 60 in the journal only.
    let intact = TempDir::new().unwrap();
    copy(&bench.dir(), intact.path());
    let report = bench.verify(intact.path()).unwrap();
    assert_eq!((report.size, report.journal), (608, JournalReport::Read { entries: 60, torn: None }));

    let names = files(intact.path(), "");
    assert!(names.iter().any(|name| name.starts_with("tile/entries/002.p/")), "{names:?}");
    let mut flips = 0;
    for name in names.iter().filter(|name| *name != "journal/lock") {
        let path = intact.path().join(name);
        let good = std::fs::read(&path).unwrap();
        let used = good.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for at in [0, 1, used / 3, used / 2, used * 2 / 3, used - 2, used - 1] {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            let named = match bench.verify(intact.path()) {
                Err(VerifyError::Damaged(damage)) => damage.file,
                Err(VerifyError::Checkpoint(_)) => "checkpoint".to_owned(),
                other => panic!("{name} at {at}: {other:?}"),
            };
            assert_eq!(&named, name, "byte {at}");
            flips += 1;
        }
        for length in [0, good.len() - 1, good.len() + 1] {
            let mut bad = good.clone();
            bad.resize(length, b'x');
            std::fs::write(&path, &bad).unwrap();
            let found = bench.verify(intact.path());
            assert!(found.is_err(), "{name} with {length} bytes: {found:?}");
        }
        std::fs::write(&path, &good).unwrap();
    }
    assert!(flips > 50);
    bench.verify(intact.path()).unwrap();
    assert_eq!(Log::open(bench.config(intact.path())).unwrap().size(), 668);
}

#[test]
fn the_damaged_entry_is_named_by_its_index() {
    let bench = Bench::new();
    let log = bench.open();
    let list = bench.append_many(&log, 700);
    bench.close(log);
    let path = bench.dir().join("tile/entries/001");
    let good = std::fs::read(&path).unwrap();
    let before: usize = list[256..300].iter().map(|entry| entry.len() + 2).sum();
    // In the entry's length, and in its text.
    for at in [before + 1, before + 5] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let Err(VerifyError::Damaged(damage)) = bench.verify(&bench.dir()) else { panic!() };
        assert_eq!((damage.file.as_str(), damage.index), ("tile/entries/001", Some(300)));
    }
}

#[test]
fn a_damaged_log_is_not_extended() {
    let bench = Bench::new();
    let log = bench.open();
    bench.append_many(&log, 600);
    bench.close(log);
    for name in ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"] {
        let path = bench.dir().join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[33] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let Err(OpenError::Damaged(damage)) = Log::open(bench.config(&bench.dir())) else { panic!("{name}") };
        assert_eq!(damage.file, name);
        std::fs::remove_file(&path).unwrap();
        let Err(OpenError::Damaged(damage)) = Log::open(bench.config(&bench.dir())) else { panic!("{name}") };
        assert_eq!(damage.file, name);
        std::fs::write(&path, &good).unwrap();
    }
    // A full bundle is read when everything is to be checked.
    let path = bench.dir().join("tile/entries/000");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, [&good[..100], b"?", &good[101..]].concat()).unwrap();
    let mut config = bench.config(&bench.dir());
    config.check = OpenCheck::Everything;
    assert!(matches!(Log::open(config), Err(OpenError::Damaged(damage)) if damage.file == "tile/entries/000"));
    std::fs::write(&path, &good).unwrap();
    assert_eq!(bench.open().size(), 600);
}

#[test]
fn a_checkpoint_that_went_back_or_away_is_refused() {
    let bench = Bench::new();
    let log = bench.open();
    bench.append_many(&log, 10);
    bench.close(log);
    let old = std::fs::read(bench.dir().join("checkpoint")).unwrap();
    let log = bench.open();
    bench.append_many(&log, 10);
    bench.close(log);
    std::fs::write(bench.dir().join("checkpoint"), old).unwrap();
    let Err(OpenError::Damaged(damage)) = Log::open(bench.config(&bench.dir())) else { panic!() };
    assert_eq!((damage.file.as_str(), damage.index), ("tile/0/000.p/20", Some(10)));
    std::fs::remove_file(bench.dir().join("checkpoint")).unwrap();
    let Err(OpenError::Damaged(damage)) = Log::open(bench.config(&bench.dir())) else { panic!() };
    assert_eq!(damage.file, "checkpoint");
}

#[test]
fn a_missing_or_shortened_segment_is_damage_not_a_torn_tail() {
    let bench = Bench::new();
    let log = bench.open();
    // Several segments of 128 KiB.
    let text = "y".repeat(30_000);
    for _ in 0..12 {
        bench.append(&log, text.clone());
    }
    let left = TempDir::new().unwrap();
    let names = segments(&bench.dir());
    assert!(names.len() >= 3, "{names:?}");
    for (gone, named) in [(0, 1), (1, 2)] {
        let dir = left.path().join(gone.to_string());
        copy(&bench.dir(), &dir);
        std::fs::remove_file(dir.join(&names[gone])).unwrap();
        let Err(OpenError::Damaged(damage)) = Log::open(bench.config(&dir)) else { panic!() };
        assert_eq!(damage.file, names[named]);
    }
    let dir = left.path().join("short");
    copy(&bench.dir(), &dir);
    let path = dir.join(&names[1]);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 512]).unwrap();
    let Err(OpenError::Damaged(damage)) = Log::open(bench.config(&dir)) else { panic!() };
    assert_eq!(damage.file, names[1]);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Log::open(bench.config(&dir)).unwrap().recovery().carried_over, 12);
}

#[test]
fn another_logs_folder_and_unfit_configurations_are_refused() {
    let bench = Bench::new();
    bench.close(bench.open());
    let other = generate_key("other.test/log").unwrap();
    let mut config = bench.config(&bench.dir());
    config.signers.push(SigningKey::parse(&other.private).unwrap());
    assert!(matches!(Log::open(config), Err(OpenError::Config(_))));
    let config = LogConfig::new(bench.dir(), SigningKey::parse(&other.private).unwrap());
    assert!(matches!(Log::open(config), Err(OpenError::Checkpoint(CheckpointError::Untrusted))));
    let mut config = bench.config(&bench.dir());
    config.signers.clear();
    assert!(matches!(Log::open(config), Err(OpenError::Config(_))));
    let mut config = bench.config(&bench.dir());
    config.sizes.segment_bytes = 4096;
    assert!(matches!(Log::open(config), Err(OpenError::Config(_))));
}

#[derive(Clone, Debug)]
enum Step {
    Append { callers: usize, each: usize },
    Close,
    Drop,
    PowerCut { after: u64, callers: usize, each: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_usize..9, 1_usize..40).prop_map(|(callers, each)| Step::Append { callers, each }),
        1 => Just(Step::Close),
        1 => Just(Step::Drop),
        3 => (1_u64..80, 1_usize..9, 1_usize..20)
            .prop_map(|(after, callers, each)| Step::PowerCut { after, callers, each }),
    ]
}

/// Appends from several callers; returns what was acknowledged while there was power, by index,
/// and all that was tried.
fn append_from(
    bench: &Bench,
    log: &Log,
    disk: &SimulatedDisk,
    callers: usize,
    each: usize,
    serial: &mut u64,
) -> (Vec<(u64, Bytes)>, Vec<Bytes>) {
    let mut tasks = JoinSet::new();
    let mut tried = Vec::new();
    for _ in 0..callers {
        let list: Vec<Bytes> = (0..each as u64).map(|i| entry(*serial + i)).collect();
        *serial += each as u64;
        tried.extend(list.clone());
        let (log, disk) = (log.clone(), disk.clone());
        tasks.spawn_on(
            async move {
                let mut acknowledged = Vec::new();
                for entry in list {
                    let receipt = log.append(entry.clone()).await.unwrap();
                    if !disk.has_lost_power() {
                        acknowledged.push((receipt.index, entry));
                    }
                }
                acknowledged
            },
            bench.runtime.handle(),
        );
    }
    let acknowledged = bench.runtime.block_on(tasks.join_all()).into_iter().flatten().collect();
    (acknowledged, tried)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 40, ..ProptestConfig::default() })]
    /// Whatever happens between, the tree is that of the acknowledged entries in their order,
    /// with at most some of the appends that were under way at a power cut.
    #[test]
    fn any_appends_reopenings_and_power_cuts_give_the_root_of_a_naive_tree(
        steps in prop::collection::vec(step(), 1..8), seed: u64
    ) {
        let bench = Bench::new();
        let mut dir = bench.folder.path().join("0");
        let mut known: Vec<Vec<u8>> = Vec::new();
        let mut serial = 0;
        let open = |dir: &Path, disk: &SimulatedDisk| {
            let mut config = bench.config(dir);
            config.disk = Arc::new(disk.clone());
            config.pace.integrate_every = Duration::from_millis(1);
            config.sizes.step_entries = 100;
            Log::open(config).unwrap()
        };
        let mut disk = SimulatedDisk::default();
        let mut log = open(&dir, &disk);
        for (number, step) in steps.iter().enumerate() {
            let before = log.published();
            match step {
                Step::Append { callers, each } => {
                    let (mut acknowledged, _) =
                        append_from(&bench, &log, &disk, *callers, *each, &mut serial);
                    acknowledged.sort();
                    for (index, entry) in acknowledged {
                        prop_assert_eq!(index, known.len() as u64);
                        known.push(entry.to_vec());
                    }
                    continue;
                }
                Step::Close => bench.close(log),
                Step::Drop => drop(log),
                Step::PowerCut { after, callers, each } => {
                    disk.cut_at(disk.operations() + after);
                    let (acknowledged, tried) =
                        append_from(&bench, &log, &disk, *callers, *each, &mut serial);
                    drop(log);
                    let next = bench.folder.path().join(format!("{}", number + 1));
                    std::fs::create_dir(&next).unwrap();
                    disk.after_power_cut(&dir, &next, seed ^ number as u64);
                    // A disk that has been on again knows what it holds.
                    let reopened = Log::open(bench.config(&next)).unwrap();
                    bench.close(reopened);
                    let stored = bench.stored(&next);
                    prop_assert!(stored.starts_with(&known));
                    for (index, entry) in acknowledged {
                        prop_assert_eq!(&stored[index as usize], &entry);
                    }
                    for entry in &stored[known.len()..] {
                        prop_assert!(tried.iter().any(|tried| tried == entry));
                    }
                    known = stored;
                    dir = next;
                }
            }
            disk = SimulatedDisk::holding(&dir);
            log = open(&dir, &disk);
            prop_assert_eq!(log.size(), known.len() as u64);
            prop_assert!(log.published().root == root_of(&known));
            prop_assert!(log.published().size >= before.size);
            prop_assert!(root_of(&known[..before.size as usize]) == before.root);
        }
        bench.close(log);
        let report = bench.verify(&dir).unwrap();
        prop_assert_eq!(report.size, known.len() as u64);
        prop_assert_eq!(report.root, root_of(&known).to_string());
    }
}
