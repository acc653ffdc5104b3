#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use dialog_audit::{Log, LogConfig, Published, SigningKey, generate_key, witness::submission};
use tempfile::TempDir;

use super::{
    book::{Book, Submission, Verdict},
    note::{Checkpoint, LogKey, hash},
    proof::continues,
};

/// A log with a checkpoint of each size.
struct Logged {
    _folder: TempDir,
    log: Log,
    checkpoints: Vec<Published>,
    vkey: String,
}

impl Logged {
    async fn new(size: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let key = generate_key("log.test/one").unwrap();
        let mut config = LogConfig::new(folder.path().join("log"), SigningKey::parse(&key.private).unwrap());
        config.pace.integrate_every = Duration::from_millis(1);
        let log = Log::open(config).unwrap();
        let mut checkpoints = vec![log.signed()];
        let mut signed = log.subscribe_signed();
        for n in 1..=size {
            log.append(format!("entry {n}")).await.unwrap();
            checkpoints.push(signed.wait_for(|checkpoint| checkpoint.size == n).await.unwrap().clone());
        }
        Self { _folder: folder, log, checkpoints, vkey: key.verifier }
    }

    fn submission(&self, old: u64, size: u64) -> String {
        let checkpoint = &self.checkpoints[size as usize];
        let proof = match old {
            0 => Vec::new(),
            old if old >= size => Vec::new(),
            old => self.log.reader_at(checkpoint).consistency_proof(old).unwrap(),
        };
        submission(old, &proof, checkpoint).unwrap()
    }

    fn book(&self, folder: &Path) -> Book {
        Book::open(folder, vec![LogKey::parse(&self.vkey).unwrap()]).unwrap()
    }
}

fn line(_: &Checkpoint) -> io::Result<String> {
    Ok("\u{2014} w.test AAAAAAA=\n".to_owned())
}

fn judged(book: &Book, body: &str) -> Verdict {
    book.add(body.as_bytes(), line).unwrap().0
}

#[tokio::test]
async fn proofs_of_a_real_log_verify_and_changed_ones_do_not() {
    let logged = Logged::new(40).await;
    let root = |size: u64| hash(&logged.checkpoints[size as usize].root.to_string()).unwrap();
    for size in 1..=40 {
        for old in 1..=size {
            let read = Submission::parse(logged.submission(old, size).as_bytes()).unwrap();
            assert!(continues(old, &root(old), size, &root(size), &read.proof), "{old} {size}");
            if old == size {
                continue;
            }
            for at in 0..read.proof.len() {
                let mut changed = read.proof.clone();
                changed[at][7] ^= 1;
                assert!(!continues(old, &root(old), size, &root(size), &changed), "{old} {size}");
            }
            assert!(!continues(old, &root(old - 1), size, &root(size), &read.proof), "{old} {size}");
            assert!(!continues(old, &root(old), size, &root(size), &[]), "{old} {size}");
        }
    }
}

#[tokio::test]
async fn every_status_is_given_in_the_order_of_the_specification() {
    let logged = Logged::new(12).await;
    let folder = TempDir::new().unwrap();
    let book = logged.book(folder.path());
    let other_origin = logged.submission(0, 3).replace("log.test/one", "log.test/two");
    let unsigned = {
        let body = logged.submission(0, 3);
        let (before, _) = body.rsplit_once("\u{2014}").unwrap();
        format!("{before}\u{2014} stranger AAAAAAA=\n")
    };
    let changed = logged.submission(0, 3).replace("\n3\n", "\n4\n");
    let surplus = logged.submission(0, 3).replacen("\n\n", &format!("\n{}\n\n", logged.checkpoints[1].root), 1);
    for (body, verdict) in [
        (String::new(), Verdict::Malformed),
        (logged.submission(0, 3).replace("old 0", "old 00"), Verdict::Malformed),
        (logged.submission(0, 3).replace("old 0", "old +0"), Verdict::Malformed),
        (logged.submission(0, 3).replace("old 0\n", ""), Verdict::Malformed),
        (other_origin, Verdict::UnknownLog),
        (unsigned, Verdict::NotSigned),
        (changed, Verdict::NotSigned),
        (logged.submission(4, 3), Verdict::Malformed),
        (logged.submission(2, 3), Verdict::Conflict(0)),
        (surplus, Verdict::Inconsistent),
    ] {
        assert_eq!(judged(&book, &body), verdict, "{body}");
        assert_eq!(book.size("log.test/one").unwrap(), None);
    }
    assert_eq!(judged(&book, &logged.submission(0, 3)), Verdict::Sign);
    assert_eq!(judged(&book, &logged.submission(0, 5)), Verdict::Conflict(3));
    assert_eq!(judged(&book, &logged.submission(3, 3)), Verdict::Sign);
    let wrong_proof =
        logged.submission(3, 7).replacen("old 3\n", "old 3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 1);
    assert_eq!(judged(&book, &wrong_proof), Verdict::Inconsistent);
    assert_eq!(judged(&book, &logged.submission(3, 12)), Verdict::Sign);
    assert_eq!(book.size("log.test/one").unwrap(), Some(12));
}

#[tokio::test]
async fn another_tree_of_the_same_size_is_not_signed() {
    let (one, mut two) = (Logged::new(3).await, Logged::new(3).await);
    let folder = TempDir::new().unwrap();
    let keys = [&one.vkey, &two.vkey].map(|vkey| LogKey::parse(vkey).unwrap()).to_vec();
    let book = Book::open(folder.path(), keys).unwrap();
    // The same entries make the same tree, whoever signs it.
    assert_eq!(judged(&book, &one.submission(0, 2)), Verdict::Sign);
    assert_eq!(judged(&book, &two.submission(2, 3)), Verdict::Sign);
    two.log.append("another entry").await.unwrap();
    let four = two.log.subscribe_signed().wait_for(|checkpoint| checkpoint.size == 4).await.unwrap().clone();
    two.checkpoints.push(four);
    one.log.append("one entry").await.unwrap();
    let mut one = one;
    let four = one.log.subscribe_signed().wait_for(|checkpoint| checkpoint.size == 4).await.unwrap().clone();
    one.checkpoints.push(four);
    assert_eq!(judged(&book, &one.submission(3, 4)), Verdict::Sign);
    assert_eq!(judged(&book, &two.submission(4, 4)), Verdict::Inconsistent);
}

#[tokio::test]
async fn the_witness_remembers_over_a_kill() {
    let logged = Logged::new(9).await;
    let folder = TempDir::new().unwrap();
    assert_eq!(judged(&logged.book(folder.path()), &logged.submission(0, 5)), Verdict::Sign);
    // A kill while the next one was being written.
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::write(file.with_extension("tmp"), "{\"origin\":\"log.te").unwrap();
    let again = logged.book(folder.path());
    assert_eq!(judged(&again, &logged.submission(0, 9)), Verdict::Conflict(5));
    assert_eq!(judged(&again, &logged.submission(5, 9)), Verdict::Sign);
    let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let note = again.note(&name).unwrap().unwrap();
    assert!(note.starts_with("log.test/one\n9\n") && note.contains("\u{2014} log.test/one "), "{note}");
    assert!(note.ends_with("\u{2014} w.test AAAAAAA=\n"), "{note}");
    assert_eq!(again.note("00").unwrap(), None);
}

#[tokio::test]
async fn two_submissions_at_once_never_make_the_witness_go_back() {
    let logged = Arc::new(Logged::new(24).await);
    let folder = TempDir::new().unwrap();
    let book = Arc::new(logged.book(folder.path()));
    let largest = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..6_u64)
        .map(|thread| {
            let (logged, book, largest) = (Arc::clone(&logged), Arc::clone(&book), Arc::clone(&largest));
            std::thread::spawn(move || {
                let mut signed = 0;
                for turn in 0..40 {
                    let old = book.size("log.test/one").unwrap().unwrap_or(0);
                    let size = (old + 1 + (thread + turn) % 3).min(24);
                    let before = largest.load(Ordering::SeqCst);
                    let body = logged.submission(old, size);
                    if book.add(body.as_bytes(), line).unwrap().0 == Verdict::Sign {
                        signed += 1;
                        // What was signed while others tried is no less than what all knew of before.
                        assert!(size >= before, "{size} after {before}");
                        largest.fetch_max(size, Ordering::SeqCst);
                    }
                }
                signed
            })
        })
        .collect();
    let signed: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!(signed >= 8);
    assert_eq!(book.size("log.test/one").unwrap(), Some(24));
}
