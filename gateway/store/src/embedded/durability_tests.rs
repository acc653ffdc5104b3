//! What is synced, when, and what a failing disk means; seen from under the committer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::Path;

use dialog_core::ports::store::{Batch, Store, StoreError};
use futures_util::poll;

use super::*;
use crate::sync::observed::{Call, Observed};

async fn open(folder: &Path, sync: &Observed) -> SledStore {
    open_configured(folder, sync, SledConfig::default()).await
}

async fn open_configured(folder: &Path, sync: &Observed, config: SledConfig) -> SledStore {
    SledStore::open_with(folder.join("store"), config, Arc::new(sync.clone())).await.unwrap()
}

fn put(key: impl Into<Bytes>) -> Batch {
    let mut batch = Batch::default();
    batch.put(key, vec![7; 1000]);
    batch
}

#[tokio::test]
async fn no_commit_resolves_before_its_fsync() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Observed::default();
    let store = open(folder.path(), &sync).await;
    sync.take_calls();
    sync.hold();
    let mut commit = store.commit(put("a"));
    assert!(poll!(&mut commit).is_pending());
    sync.wait_for_held_call();
    assert!(poll!(&mut commit).is_pending());
    assert_eq!(store.get(b"a").await.unwrap(), None, "a reader sees only what lasts");
    sync.release();
    let revision = commit.await.unwrap();
    assert_eq!(sync.take_calls(), [Call::File(folder.path().join("store/db"))]);
    assert_eq!(store.get(b"a").await.unwrap().unwrap().revision, revision);
}

#[tokio::test]
async fn many_commits_share_one_fsync() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Observed::default();
    let store = open(folder.path(), &sync).await;
    sync.take_calls();
    sync.hold();
    let mut first = store.commit(put("first"));
    assert!(poll!(&mut first).is_pending());
    sync.wait_for_held_call();
    // Without tokio's budget, which would make the later ones wait for a turn before they get into the queue.
    let mut others: Vec<_> = (0..300_u32)
        .map(|number| tokio::task::unconstrained(store.commit(put(number.to_be_bytes().to_vec()))))
        .collect();
    for commit in &mut others {
        assert!(poll!(commit).is_pending());
    }
    sync.release();
    let mut last = first.await.unwrap();
    for commit in others {
        let revision = commit.await.unwrap();
        assert!(revision > last);
        last = revision;
    }
    let log = Call::File(folder.path().join("store/db"));
    assert_eq!(sync.take_calls(), [log.clone(), log]);
}

#[tokio::test]
async fn a_new_store_is_durable_before_it_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Observed::default();
    let _store = open(folder.path(), &sync).await;
    let calls = sync.take_calls();
    let root = folder.path().join("store");
    for expected in [
        Call::Folder(folder.path().to_path_buf()),
        Call::File(root.join("db")),
        Call::File(root.join("conf")),
        Call::Folder(root.join("blobs")),
        Call::Folder(root.clone()),
    ] {
        assert!(calls.contains(&expected), "{expected:?} is not among {calls:?}");
    }
    assert_eq!(calls.last(), Some(&Call::File(root.join("db"))), "the format marker");
}

#[tokio::test]
async fn a_failed_fsync_stops_all_writing_says_so_and_hides_what_is_in_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Observed::default();
    let store = open(folder.path(), &sync).await;
    let before = store.commit(put("a")).await.unwrap();

    sync.hold();
    let mut holder = store.commit(put("holder"));
    assert!(poll!(&mut holder).is_pending());
    sync.wait_for_held_call();
    let mut doubtful = put("a");
    doubtful.put("b", "2");
    let mut doubtful = store.commit(doubtful);
    assert!(poll!(&mut doubtful).is_pending());
    sync.fail_next(ErrorKind::StorageFull);
    sync.release();

    for commit in [holder, doubtful] {
        let Err(StoreError::Unavailable(reason)) = commit.await else { panic!("acknowledged") };
        assert!(reason.contains("restart"), "{reason}");
    }
    assert!(store.failure().unwrap().contains("fsync"));
    sync.take_calls();
    let later = store.commit(put("c")).await;
    assert!(matches!(later, Err(StoreError::Unavailable(_))));
    assert_eq!(sync.take_calls(), [], "nothing more is written");
    assert_eq!(store.get(b"a").await.unwrap().unwrap().revision, before);
    assert_eq!(store.get(b"holder").await.unwrap(), None);
    store.close().await;

    let store = open(folder.path(), &sync).await;
    assert_eq!(store.failure(), None);
    assert_eq!(store.get(b"a").await.unwrap().unwrap().revision, before);
    assert_eq!(store.get(b"b").await.unwrap(), None, "its group was never begun");
    assert!(store.commit(put("c")).await.unwrap() > before);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait_and_then_serves_them() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Observed::default();
    let config = SledConfig { queued_commits: NonZeroUsize::MIN, ..SledConfig::default() };
    let store = open_configured(folder.path(), &sync, config).await;
    sync.hold();
    let mut taken = store.commit(put("taken"));
    assert!(poll!(&mut taken).is_pending());
    sync.wait_for_held_call();
    let mut queued = store.commit(put("queued"));
    let mut abandoned = store.commit(put("abandoned"));
    let mut waiting = store.commit(put("waiting"));
    for commit in [&mut queued, &mut abandoned, &mut waiting] {
        assert!(poll!(commit).is_pending());
    }
    drop(abandoned);
    sync.release();
    let (taken, queued, waiting) = (taken.await.unwrap(), queued.await.unwrap(), waiting.await.unwrap());
    assert!(taken < queued && queued < waiting);
    assert_eq!(store.get(b"abandoned").await.unwrap(), None);
}

#[tokio::test]
async fn a_queued_batch_whose_caller_went_away_is_not_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Observed::default();
    let store = open(folder.path(), &sync).await;
    sync.hold();
    let mut taken = store.commit(put("taken"));
    assert!(poll!(&mut taken).is_pending());
    sync.wait_for_held_call();
    let mut abandoned = store.commit(put("abandoned"));
    let mut kept = store.commit(put("kept"));
    assert!(poll!(&mut abandoned).is_pending());
    assert!(poll!(&mut kept).is_pending());
    drop(abandoned);
    sync.release();
    taken.await.unwrap();
    kept.await.unwrap();
    assert_eq!(store.get(b"abandoned").await.unwrap(), None);
}
