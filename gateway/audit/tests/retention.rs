//! What is in entries goes after its time; the tree stays, and says so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dialog_audit::{
    Fault, Folder, Log, LogConfig, OpenCheck, ReadError, Reader, Removed, Source,
    index::{Index, Key},
    removable, verify,
};
use jiff::Timestamp;
use support::{Case, code, command, complained, json, said};

/// Record `i` is of day `i / 100`, of request `r<i>`.
fn record(i: u64) -> String {
    format!(
        r#"{{"time":"2026-01-{:02}T08:00:00Z","kind":"outcome","request":"r{i:05}","citizen":"c{}"}}"#,
        1 + i / 100,
        i % 7
    )
}

fn day(day: u8) -> Timestamp {
    format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
}

fn retention(to: u64) -> String {
    format!(
        r#"{{"time":"2026-01-20T08:00:00Z","kind":"retention","action":"log.prune","details":{{"to":"{to}","days":"15"}}}}"#
    )
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// Removes what is before `to`, by the book.
async fn remove(log: &Log, to: u64) -> Removed {
    let record = log.append(retention(to)).await.unwrap().index;
    let mut published = log.subscribe();
    drop(published.wait_for(|checkpoint| checkpoint.size > record).await.unwrap());
    let removed = Removed { to, record };
    log.remove(removed).unwrap();
    removed
}

/// A log of 1,500 records without what is older than six days: the first 512.
fn pruned() -> (Case, Removed) {
    let case = Case::new((0..1500).map(record));
    let removed = block(async {
        let log = case.open();
        let to = removable(&log.reader(), day(7)).unwrap();
        assert_eq!(to, 512, "whole bundles of what is older than all of day 7");
        let removed = remove(&log, to).await;
        log.close().await.unwrap();
        removed
    });
    (case, removed)
}

fn bundles(dir: &Path) -> Vec<String> {
    let all =
        fs::read_dir(dir.join("tile/entries")).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap());
    let mut bundles: Vec<String> = all.filter(|name| !name.ends_with(".p")).collect();
    bundles.sort();
    bundles
}

#[test]
fn the_tree_goes_on_verifying_and_says_what_was_removed_and_why() {
    let (case, removed) = pruned();
    assert_eq!(bundles(&case.dir()), ["002", "003", "004"]);
    assert_eq!(fs::read_to_string(case.dir().join("removed")).unwrap(), "512 1500\n");
    let report = verify(&case.dir(), &case.keys(), |_| {}).unwrap();
    assert_eq!(report.size, 1501);
    let said_of = report.removed.unwrap();
    assert_eq!((said_of.to, said_of.record, said_of.details["days"].as_str()), (512, removed.record, "15"));
    let told = command(&["verify", &case.log(), "--vkey", &case.vkey]);
    assert!(
        said(&told).contains("before 512 was removed at 2026-01-20T08:00:00Z, as entry 1500 says (days 15)"),
        "{}",
        said(&told)
    );
    let told = json(&command(&["--json", "verify", &case.log(), "--vkey", &case.vkey]));
    assert_eq!(told["report"]["removed"]["to"], 512);
}

#[test]
fn what_is_there_is_read_and_proven_and_what_is_not_is_named() {
    let (case, _) = pruned();
    let reader = Reader::open(&case.dir(), &case.keys()).unwrap();
    let indexes: Vec<u64> = reader.checked_entries(0..u64::MAX).unwrap().map(|entry| entry.unwrap().index).collect();
    assert_eq!(indexes, (512..1501).collect::<Vec<_>>());
    assert_eq!(
        reader.entries(100..600).map(|entry| entry.unwrap().index).collect::<Vec<_>>(),
        (512..600).collect::<Vec<_>>()
    );
    assert_eq!(reader.entries(0..512).count(), 0);
    reader.proof(512).unwrap().verify(None, &case.keys()).unwrap();
    assert!(matches!(reader.proof(511), Err(ReadError::Removed { index: 511, to: 512 })));
    assert!(reader.consistency_proof(300).is_ok(), "and the history is one");
    let shown = command(&["--json", "show", &case.log(), "--vkey", &case.vkey, "--request", "r00100"]);
    assert_eq!((code(&shown), said(&shown).as_str()), (0, ""), "{}", complained(&shown));
    let shown = command(&["--json", "show", &case.log(), "--vkey", &case.vkey, "--request", "r00600"]);
    assert_eq!(said(&shown).lines().count(), 1);
}

#[test]
fn an_index_forgets_what_was_removed() {
    let case = Case::new((0..1500).map(record));
    let dir = case.folder.path().join("index");
    block(async {
        let log = case.open();
        let mut index = Index::open(&dir, &log.reader()).unwrap();
        index.follow(&log.reader()).unwrap();
        assert_eq!(index.find(&log.reader(), Key::Request("r00100"), 0..u64::MAX).unwrap(), [100]);
        remove(&log, 512).await;
        index.forget(512).unwrap();
        index.follow(&log.reader()).unwrap();
        assert!(index.find(&log.reader(), Key::Request("r00100"), 0..u64::MAX).unwrap().is_empty());
        assert_eq!(index.find(&log.reader(), Key::Request("r00600"), 0..u64::MAX).unwrap(), [600]);
        log.close().await.unwrap();
    });
}

#[test]
fn a_bundle_that_nobody_said_was_removed_is_missing() {
    let (case, _) = pruned();
    fs::remove_file(case.dir().join("tile/entries/002")).unwrap();
    let why = verify(&case.dir(), &case.keys(), |_| {}).unwrap_err().to_string();
    assert!(why.contains("tile/entries/002") && why.contains("512"), "{why}");
    let why = Reader::open(&case.dir(), &case.keys()).unwrap().entries(0..u64::MAX).next().unwrap().unwrap_err();
    assert!(matches!(why, ReadError::Damaged(_)), "{why}");
}

#[test]
fn a_file_that_says_more_than_the_log_is_not_believed() {
    let (case, _) = pruned();
    for (text, reason) in [
        ("768 1500\n", "entry 1500 does not say"),
        ("512 1499\n", "entry 1499 does not say"),
        ("512 1501\n", "not under the checkpoint"),
        ("512 99999999999999999999\n", "does not name an entry and a record"),
        ("512 1500", "does not name an entry and a record"),
        (&"1".repeat(100), "longer than"),
    ] {
        fs::write(case.dir().join("removed"), text).unwrap();
        let why = verify(&case.dir(), &case.keys(), |_| {}).unwrap_err().to_string();
        assert!(why.contains("removed") && why.contains(reason), "{text:?}: {why}");
        // Nor is it where the log is opened, or read with the tree beside it.
        let everything = LogConfig { check: OpenCheck::Everything, ..LogConfig::new(case.dir(), case.signer()) };
        let why = Log::open(everything).unwrap_err().to_string();
        assert!(why.contains("removed") && why.contains(reason), "{text:?}: {why}");
        let reader = Reader::open(&case.dir(), &case.keys()).unwrap();
        let read = reader.checked_entries(0..u64::MAX).unwrap().next().unwrap();
        assert!(matches!(read, Err(ReadError::Damaged(_) | ReadError::Beyond { .. })), "{text:?}: {read:?}");
    }
    // Without the file nothing was removed, and everything is missing.
    fs::remove_file(case.dir().join("removed")).unwrap();
    let why = verify(&case.dir(), &case.keys(), |_| {}).unwrap_err().to_string();
    assert!(why.contains("tile/entries/000") && why.contains("missing"), "{why}");
}

/// A log whose file `removed` says now this, now that.
#[derive(Debug)]
struct Fickle {
    folder: Folder,
    says: [&'static str; 2],
    asked: AtomicUsize,
}

impl Source for Fickle {
    fn place(&self) -> String {
        self.folder.place()
    }

    fn read(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
        if file == "removed" {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(self.says[asked % 2].as_bytes().to_vec()));
        }
        Source::read(&self.folder, file, limit)
    }
}

#[test]
fn a_source_that_changes_its_word_is_believed_in_nothing() {
    let (case, _) = pruned();
    for n in ["002", "003"] {
        fs::remove_file(case.dir().join("tile/entries").join(n)).unwrap();
    }
    // What was removed, and more than that; two removals, of which each covers the other's record.
    for says in [["512 1500\n", "1024 1500\n"], ["256 600\n", "768 1000\n"]] {
        for first in 0..2 {
            let asked = AtomicUsize::new(first);
            let source = Arc::new(Fickle { folder: Folder::new(&case.dir()), says, asked });
            let reader = Reader::of(source, Some(&case.keys())).unwrap();
            let read = reader.checked_entries(512..1501).unwrap().next().unwrap();
            assert!(matches!(read, Err(ReadError::Damaged(_) | ReadError::Removed { .. })), "{says:?}: {read:?}");
        }
    }
}

#[test]
fn nothing_is_removed_that_the_log_has_not_said_in_public() {
    let case = Case::new((0..1500).map(record));
    block(async {
        let log = case.open();
        for removed in [Removed { to: 512, record: 1499 }, Removed { to: 512, record: 4000 }] {
            assert!(log.remove(removed).is_err());
        }
        let other = log.append(retention(256)).await.unwrap().index;
        let mut published = log.subscribe();
        drop(published.wait_for(|checkpoint| checkpoint.size > other).await.unwrap());
        assert!(log.remove(Removed { to: 512, record: other }).is_err(), "it says less");
        log.close().await.unwrap();
    });
    assert_eq!(bundles(&case.dir()).len(), 5);
    assert!(!case.dir().join("removed").exists());
}

#[test]
fn a_removal_that_was_broken_off_is_finished_and_the_log_is_extended_and_pruned_again() {
    let (case, _) = pruned();
    // As after a crash: the file is written, and a bundle still there.
    fs::write(case.dir().join("tile/entries/001"), b"anything").unwrap();
    block(async {
        let log = case.open();
        assert_eq!(log.finish_removal().unwrap(), 1);
        log.close().await.unwrap();
    });
    case.append((1500..2000).map(record));
    block(async {
        let log = case.open();
        let to = removable(&log.reader(), day(16)).unwrap();
        // The record of the first removal is of day 20, and has to stay.
        assert_eq!(to, 1280);
        remove(&log, to).await;
        log.close().await.unwrap();
    });
    let report = verify(&case.dir(), &case.keys(), |_| {}).unwrap();
    assert_eq!(report.removed.map(|removal| (removal.to, removal.record)), Some((1280, 2001)));
    assert_eq!(bundles(&case.dir()), ["005", "006"]);
    let everything = LogConfig { check: OpenCheck::Everything, ..LogConfig::new(case.dir(), case.signer()) };
    block(async { Log::open(everything).unwrap().close().await.unwrap() });
}

#[test]
fn a_log_over_http_says_what_was_removed_as_its_folder_does() {
    let (case, _) = pruned();
    let server = support::serve(&case.dir(), |_, _| None);
    let told = command(&["--json", "verify", &server.url, "--vkey", &case.vkey]);
    assert_eq!(code(&told), 0, "{}", complained(&told));
    assert_eq!(json(&told)["report"]["removed"]["record"], 1500);
}

#[test]
fn what_has_no_time_and_what_the_log_ends_with_stay() {
    let young = Case::new((0..600).map(record));
    assert_eq!(removable(&Reader::open(&young.dir(), &young.keys()).unwrap(), day(30)).unwrap(), 512);
    let whole = Case::new((0..512).map(record));
    assert_eq!(removable(&Reader::open(&whole.dir(), &whole.keys()).unwrap(), day(30)).unwrap(), 256);
    let timeless = Case::new((0..900).map(|i| if i == 300 { "{}".to_owned() } else { record(i) }));
    assert_eq!(removable(&Reader::open(&timeless.dir(), &timeless.keys()).unwrap(), day(30)).unwrap(), 256);
    let empty = Case::new([]);
    assert_eq!(removable(&Reader::open(&empty.dir(), &empty.keys()).unwrap(), day(30)).unwrap(), 0);
}
