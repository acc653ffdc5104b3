//! Folders that are refused, and why.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use std::fs;
use std::path::Path;

use dialog_core::ports::store::{Batch, MAX_VALUE_BYTES, Store, StoreError};

use super::*;
use crate::limits::SLED_SEGMENT_BYTES;

const COMMITS: u32 = 120;

async fn open(folder: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(folder, SledConfig::default()).await
}

fn value(number: u32) -> Vec<u8> {
    number.to_be_bytes().repeat(100)
}

async fn commit(store: &SledStore, number: u32) {
    let mut batch = Batch::default();
    batch.put(number.to_be_bytes().to_vec(), value(number));
    store.commit(batch).await.unwrap();
}

async fn written(folder: &Path) {
    let store = open(folder).await.unwrap();
    for number in 0..COMMITS {
        commit(&store, number).await;
    }
    store.close().await;
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn raw_sled(folder: &Path) -> sled::Db {
    let config = sled::Config::new().path(folder).segment_size(SLED_SEGMENT_BYTES).flush_every_ms(None);
    for _ in 0..500 {
        if let Ok(db) = config.open() {
            return db;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    config.open().unwrap()
}

#[tokio::test]
async fn a_second_store_in_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _store = open(folder.path()).await.unwrap();
    assert!(matches!(open(folder.path()).await, Err(OpenError::InUse { .. })));
}

#[tokio::test]
async fn a_folder_of_a_newer_format_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path()).await;
    let db = raw_sled(folder.path());
    db.insert(layout::FORMAT_KEY, &(layout::FORMAT + 1).to_be_bytes()).unwrap();
    db.flush().unwrap();
    drop(db);
    let refused = open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, OpenError::NewerFormat { found: 2, supported: 1, .. }), "{refused}");
    assert!(refused.to_string().contains("written in format 2"));
}

#[tokio::test]
async fn a_sled_database_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = raw_sled(folder.path());
    db.insert("theirs", "kept").unwrap();
    drop(db);
    assert!(matches!(open(folder.path()).await, Err(OpenError::NotAStore { .. })));
    assert_eq!(raw_sled(folder.path()).get("theirs").unwrap().unwrap(), "kept");
}

#[tokio::test]
async fn commits_that_were_durable_and_are_gone_are_missed() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    written(&old).await;
    copy(&old, &new);
    let store = open(&new).await.unwrap();
    commit(&store, COMMITS).await;
    store.close().await;
    fs::copy(new.join("watermark"), old.join("watermark")).unwrap();
    let refused = open(&old).await.unwrap_err();
    let (recorded, recovered) = (u64::from(COMMITS) + 1, u64::from(COMMITS));
    assert!(
        matches!(refused, OpenError::LostCommits { recorded: a, recovered: b, .. } if (a, b) == (recorded, recovered)),
        "{refused}"
    );
    fs::remove_file(new.join("db")).unwrap();
    let refused = open(&new).await.unwrap_err();
    assert!(matches!(refused, OpenError::LostCommits { .. } | OpenError::Damaged { .. }), "{refused}");
}

/// Opens a damaged copy. Either it is refused, or everything committed is there, or reading says that it is damaged;
/// an answer that is wrong or missing without a word is what must never be.
async fn says_so_or_is_whole(folder: &Path, what: &str) -> bool {
    let store = match open(folder).await {
        Ok(store) => store,
        Err(OpenError::Damaged { .. } | OpenError::LostCommits { .. } | OpenError::Io { .. }) => return true,
        Err(other) => panic!("{what}: {other}"),
    };
    let mut damaged = false;
    for number in 0..COMMITS {
        match store.get(&number.to_be_bytes()).await {
            Ok(Some(found)) => assert_eq!(found.value, value(number), "{what}"),
            Ok(None) => panic!("{what}: commit {number} is missing without a word"),
            Err(_) => damaged = true,
        }
    }
    store.close().await;
    damaged
}

/// Sixteen copies, each with one bit of the log flipped somewhere else; says how many were named.
async fn flip_bits(whole: &Path, used: usize) -> usize {
    let raw = fs::read(whole.join("db")).unwrap();
    let mut named = 0;
    for step in 0..16 {
        let position = used * step / 16;
        let copied = whole.with_extension("flipped");
        copy(whole, &copied);
        let mut flipped = raw.clone();
        flipped[position] ^= 0x20;
        fs::write(copied.join("db"), flipped).unwrap();
        named += usize::from(says_so_or_is_whole(&copied, &format!("bit flipped at {position}")).await);
        fs::remove_dir_all(copied).unwrap();
    }
    named
}

#[tokio::test]
async fn damaged_files_are_named_never_believed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    written(&whole).await;
    let used = fs::metadata(whole.join("db")).unwrap().len() as usize;
    assert!(flip_bits(&whole, used).await > 0, "some of the bits are in use");
    // From the second start on, sled finds pages through an index, and meets a damaged one only when it is read.
    open(&whole).await.unwrap().close().await;
    assert!(flip_bits(&whole, used).await > 0, "some of the bits are in use");

    let cut = folder.path().join("cut");
    copy(&whole, &cut);
    fs::File::options().write(true).open(cut.join("db")).unwrap().set_len(used as u64 / 2).unwrap();
    assert!(says_so_or_is_whole(&cut, "cut in half").await);

    let garbage = folder.path().join("garbage");
    copy(&whole, &garbage);
    fs::write(garbage.join("db"), vec![0x5a; used]).unwrap();
    assert!(says_so_or_is_whole(&garbage, "garbage").await);
}

#[tokio::test]
async fn a_commit_that_meets_a_damaged_page_leaves_the_store_working_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path()).await;
    // Some segments of the log further on: only the last ones are read at open.
    let store = open(folder.path()).await.unwrap();
    for number in 0..9_u8 {
        let mut batch = Batch::default();
        batch.put(vec![b'z', number], vec![number; MAX_VALUE_BYTES]);
        store.commit(batch).await.unwrap();
    }
    store.close().await;
    open(folder.path()).await.unwrap().close().await;
    let mut raw = fs::read(folder.path().join("db")).unwrap();
    // Far from the store's own first page.
    let marked = value(60);
    let places: Vec<_> =
        raw.windows(marked.len()).enumerate().filter(|(_, part)| *part == marked).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        raw[at + 100] ^= 1;
    }
    fs::write(folder.path().join("db"), raw).unwrap();
    let store = open(folder.path()).await.unwrap();
    let mut batch = Batch::default();
    batch.delete(60_u32.to_be_bytes().to_vec());
    assert!(matches!(store.get(&60_u32.to_be_bytes()).await, Err(StoreError::Damaged(_))));
    assert!(matches!(store.commit(batch).await, Err(StoreError::Damaged(_))));
    assert_eq!(store.failure(), None);
    commit(&store, COMMITS - 1).await;
    assert_eq!(store.get(&(COMMITS - 1).to_be_bytes()).await.unwrap().unwrap().value, value(COMMITS - 1));
}
