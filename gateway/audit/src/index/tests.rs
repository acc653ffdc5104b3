#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use tempfile::TempDir;

use super::*;
use crate::disk::UnsyncedDisk;
use crate::key::{SigningKey, VerifierKeys, generate_key};
use crate::log::{Log, LogConfig};
use crate::records::Record;

/// Entry `i` is of trace `i / 3`, dialog `i / 10` and citizen `i % 7`; every 50th is no record.
fn entry(i: u64, salt: &str) -> String {
    if i % 50 == 49 {
        return format!("no record {i} {salt}");
    }
    format!(
        r#"{{"time":"2026-01-01T{:02}:{:02}:00Z","traceId":"{salt}t{:06}","dialog":"d{:06}","citizen":"c{}","actor":{{"person":"p{}"}}}}"#,
        i / 60 / 60 % 24,
        i / 60 % 60,
        i / 3,
        i / 10,
        i % 7,
        i % 5
    )
}

struct Case {
    folder: TempDir,
    key: String,
    vkey: String,
    salt: &'static str,
    size: u64,
}

impl Case {
    fn new(size: u64, salt: &'static str) -> Self {
        let pair = generate_key("example.test/log").unwrap();
        let folder = TempDir::new().unwrap();
        let mut case = Self { folder, key: pair.private.to_string(), vkey: pair.verifier.clone(), salt, size: 0 };
        case.grow(size);
        case
    }

    fn grow(&mut self, size: u64) {
        let (from, salt) = (self.size, self.salt);
        let config = LogConfig {
            disk: std::sync::Arc::new(UnsyncedDisk),
            ..LogConfig::new(self.log(), SigningKey::parse(&self.key).unwrap())
        };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let log = Log::open(config).unwrap();
            let mut next = from;
            // In order: appends of one task, side by side.
            while next < size {
                let end = size.min(next + 1000);
                let mut appends: Vec<_> = (next..end).map(|i| Box::pin(log.append(entry(i, salt)))).collect();
                std::future::poll_fn(|context| {
                    appends.retain_mut(|append| append.as_mut().poll(context).is_pending());
                    if appends.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                })
                .await;
                next = end;
            }
            log.close().await.unwrap();
        });
        self.size = size;
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("log.index")
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.log(), &VerifierKeys::parse(&self.vkey).unwrap()).unwrap()
    }

    /// What is found and is right.
    fn right(&self, index: &Index, key: Key<'_>, pointer: &str) -> Vec<u64> {
        let reader = self.reader();
        let mut entries = reader.entries(0..u64::MAX);
        let found = index.find(&reader, key, 0..u64::MAX).unwrap();
        assert!(found.is_sorted());
        found
            .into_iter()
            .filter(|at| {
                entries.seek(*at);
                let entry = entries.next().unwrap().unwrap();
                assert_eq!(entry.index, *at);
                Record::read(&entry.data).is_some_and(|record| record.text(pointer) == Some(key.value()))
            })
            .collect()
    }
}

fn of(size: u64, keep: impl Fn(u64) -> bool) -> Vec<u64> {
    (0..size).filter(|i| i % 50 != 49 && keep(*i)).collect()
}

#[test]
fn a_deleted_index_is_made_anew_and_says_the_same_while_the_log_grows() {
    let mut case = Case::new(SEGMENT_ENTRIES + 700, "");
    let mut index = Index::open(&case.dir(), &case.reader()).unwrap();
    assert_eq!(index.missing(), 1);
    // Without a segment everything is searched through.
    let trace = format!("t{:06}", 12_345);
    let expected = of(case.size, |i| i / 3 == 12_345);
    assert_eq!(case.right(&index, Key::Trace(&trace), "/traceId"), expected);
    assert!(!case.dir().exists(), "nothing is written before it is asked for");
    let mut told = Vec::new();
    index.catch_up(&case.reader(), |at| told.push(at.done)).unwrap();
    assert_eq!((index.missing(), told.len(), told.last()), (0, 256, Some(&SEGMENT_ENTRIES)));

    case.grow(2 * SEGMENT_ENTRIES + 10);
    index.catch_up(&case.reader(), |_| {}).unwrap();
    let fresh = Index::open(&case.dir(), &case.reader()).unwrap();
    assert_eq!(fresh.missing(), 0, "what is there is not made again");
    let first = std::fs::read(case.dir().join("00000000.seg")).unwrap();
    std::fs::remove_dir_all(case.dir()).unwrap();
    let mut anew = Index::open(&case.dir(), &case.reader()).unwrap();
    anew.catch_up(&case.reader(), |_| {}).unwrap();
    assert_eq!(std::fs::read(case.dir().join("00000000.seg")).unwrap(), first);
    for index in [&index, &fresh, &anew] {
        assert_eq!(case.right(index, Key::Trace(&trace), "/traceId"), expected);
        // Over the border of the segments, and in the tail.
        assert_eq!(case.right(index, Key::Dialog("d006553"), "/dialog"), of(case.size, |i| i / 10 == 6553));
        assert_eq!(case.right(index, Key::Dialog("d013107"), "/dialog"), of(case.size, |i| i / 10 == 13_107));
        assert_eq!(case.right(index, Key::Citizen("c3"), "/citizen"), of(case.size, |i| i % 7 == 3));
        assert_eq!(case.right(index, Key::Person("p4"), "/actor/person"), of(case.size, |i| i % 5 == 4));
        assert!(case.right(index, Key::Person("c3"), "/actor/person").is_empty());
        assert!(case.right(index, Key::Trace("none"), "/traceId").is_empty());
    }
    // Time leaves segments out, never entries that are of it.
    let hour = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let (since, until) = (hour("2026-01-02T00:00:00Z"), hour("2026-01-01T00:00:00Z"));
    let tail = 2 * SEGMENT_ENTRIES..case.size;
    assert_eq!(fresh.within(Some(since), None, 0..case.size), std::slice::from_ref(&tail));
    assert_eq!(fresh.within(None, Some(until), 0..case.size), std::slice::from_ref(&tail));
    let whole = 5..case.size;
    assert_eq!(fresh.within(Some(until), None, whole.clone()), std::slice::from_ref(&whole));
}

#[test]
fn an_index_of_another_tree_or_with_a_flipped_byte_is_not_believed() {
    let (case, other) = (Case::new(SEGMENT_ENTRIES, ""), Case::new(SEGMENT_ENTRIES, "x"));
    let mut index = Index::open(&case.dir(), &case.reader()).unwrap();
    index.catch_up(&case.reader(), |_| {}).unwrap();
    let trace = format!("t{:06}", 777);
    assert_eq!(case.right(&index, Key::Trace(&trace), "/traceId"), [2331, 2332, 2333]);

    // The same folder beside another log.
    assert_eq!(Index::open(&case.dir(), &other.reader()).unwrap().missing(), 1);
    let segment = case.dir().join("00000000.seg");
    let good = std::fs::read(&segment).unwrap();
    for at in [9, 60, 200, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&segment, &bad).unwrap();
        let opened = Index::open(&case.dir(), &case.reader()).unwrap();
        assert_eq!(case.right(&opened, Key::Trace(&trace), "/traceId"), [2331, 2332, 2333], "byte {at}");
    }
}

#[test]
fn two_traces_with_the_same_fingerprint_are_told_apart() {
    let case = Case::new(SEGMENT_ENTRIES, "");
    // Twelve bits only: each fingerprint is that of several traces.
    let mut index = Index::open_masked(&case.dir(), &case.reader(), 0xfff << 36).unwrap();
    index.catch_up(&case.reader(), |_| {}).unwrap();
    let trace = format!("t{:06}", 777);
    let candidates = index.find(&case.reader(), Key::Trace(&trace), 0..u64::MAX).unwrap();
    assert!(candidates.len() > 3, "{candidates:?}");
    assert_eq!(case.right(&index, Key::Trace(&trace), "/traceId"), [2331, 2332, 2333]);
}

/// A folder that counts what is read of it.
#[derive(Debug)]
struct Counting(crate::folder::Folder, std::sync::Mutex<Vec<String>>);

impl crate::source::Source for Counting {
    fn place(&self) -> String {
        self.0.place()
    }

    fn read(&self, file: &str, limit: usize) -> Result<Option<Vec<u8>>, crate::damage::Fault> {
        self.1.lock().unwrap().push(file.to_owned());
        self.0.read(file, limit)
    }
}

#[test]
fn a_look_up_reads_of_the_log_only_what_it_finds_and_what_has_no_segment() {
    let case = Case::new(2 * SEGMENT_ENTRIES + 300, "");
    let mut index = Index::open(&case.dir(), &case.reader()).unwrap();
    index.catch_up(&case.reader(), |_| {}).unwrap();
    let source = std::sync::Arc::new(Counting(crate::folder::Folder::new(&case.log()), std::sync::Mutex::default()));
    let reader = Reader::as_of(std::sync::Arc::clone(&source) as _, case.reader().checkpoint().clone());
    let trace = format!("t{:06}", 777);
    let found = index.find(&reader, Key::Trace(&trace), 0..u64::MAX).unwrap();
    assert_eq!(found, [2331, 2332, 2333]);
    for at in found {
        reader.entries(at..at + 1).next().unwrap().unwrap();
    }
    let read = source.1.lock().unwrap().clone();
    assert_eq!(read[..2], ["tile/entries/512", "tile/entries/513.p/44"], "the tail");
    assert_eq!(read[2..], ["tile/entries/009", "tile/entries/009", "tile/entries/009"]);
}

#[test]
fn who_follows_a_growing_log_finds_what_came_last_without_searching_through_it() {
    let mut case = Case::new(300, "");
    let mut index = Index::open(&case.dir(), &case.reader()).unwrap();
    for size in [300, 301, 1000, SEGMENT_ENTRIES - 1, SEGMENT_ENTRIES + 5, SEGMENT_ENTRIES + 900] {
        case.grow(size);
        index.follow(&case.reader()).unwrap();
        let tail = index.tail.as_ref().unwrap();
        assert_eq!((tail.end(), tail.number()), (size, size / SEGMENT_ENTRIES), "nothing is left to search through");
        let trace = format!("t{:06}", (size - 2) / 3);
        assert_eq!(case.right(&index, Key::Trace(&trace), "/traceId"), of(size, |i| i / 3 == (size - 2) / 3));
        assert_eq!(case.right(&index, Key::Citizen("c3"), "/citizen"), of(size, |i| i % 7 == 3));
    }
    assert_eq!(index.missing(), 0, "the tail has become a segment");
    let fresh = Index::open(&case.dir(), &case.reader()).unwrap();
    assert_eq!(fresh.missing(), 0, "and is one on disk");
}
