#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use std::sync::Arc;

use bytes::Bytes;
use dialog_core::ports::store::{Batch, MAX_BATCH_ENTRIES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Range, Store, StoreError};

use super::*;
use crate::limits::MAX_BATCH_BYTES;
use crate::memory::MemoryStore;

async fn new_store() -> (tempfile::TempDir, SledStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SledStore::open(folder.path().join("store"), SledConfig::default()).await.unwrap();
    (folder, store)
}

fn put(key: &'static str, value: impl Into<Bytes>) -> Batch {
    let mut batch = Batch::default();
    batch.put(key, value);
    batch
}

/// Adds one to a counter until its precondition holds; says how often it did not.
async fn add_one(store: &dyn Store, key: &[u8]) -> usize {
    let mut conflicts = 0;
    loop {
        let mut batch = Batch::default();
        let key = Bytes::copy_from_slice(key);
        let count = match store.get(&key).await.unwrap() {
            None => {
                batch.require_absent(key.clone());
                0
            }
            Some(found) => {
                batch.require_at(key.clone(), found.revision);
                u64::from_be_bytes(found.value[..].try_into().unwrap())
            }
        };
        batch.put(key, (count + 1).to_be_bytes().to_vec());
        match store.commit(batch).await {
            Ok(_) => return conflicts,
            Err(StoreError::Conflict { .. }) => conflicts += 1,
            Err(other) => panic!("{other}"),
        }
    }
}

async fn races_lose_no_update(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..24)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for _ in 0..4 {
                    add_one(&*store, b"counter").await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.get(b"counter").await.unwrap().unwrap().value[..], 96_u64.to_be_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_that_race_for_one_key_lose_no_update() {
    let (_folder, store) = new_store().await;
    races_lose_no_update(Arc::new(store)).await;
    races_lose_no_update(Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn a_batch_with_one_false_precondition_changes_nothing() {
    let (_folder, store) = new_store().await;
    let first = store.commit(put("a", "1")).await.unwrap();
    let mut batch = put("b", "2");
    batch.require_at("a", first).require_absent("a").delete("a");
    let refused = store.commit(batch).await;
    assert!(matches!(refused, Err(StoreError::Conflict { key }) if key == "a"));
    assert_eq!(store.get(b"a").await.unwrap().unwrap().revision, first);
    assert_eq!(store.get(b"b").await.unwrap(), None);
}

#[tokio::test]
async fn revisions_go_on_after_a_restart() {
    let (folder, store) = new_store().await;
    let before = store.commit(put("a", "1")).await.unwrap();
    store.close().await;
    let store = SledStore::open(folder.path().join("store"), SledConfig::default()).await.unwrap();
    assert_eq!(store.get(b"a").await.unwrap().unwrap().revision, before);
    assert!(store.commit(put("a", "2")).await.unwrap() > before);
}

#[tokio::test]
async fn closing_carries_out_what_is_queued_and_refuses_what_comes_later() {
    let (folder, store) = new_store().await;
    let mut waiting: Vec<_> = (0..50_u8)
        .map(|number| {
            let mut batch = Batch::default();
            batch.put(vec![number], vec![number; 1000]);
            // Without tokio's budget, which would make the later ones wait for a turn before they get into the queue.
            tokio::task::unconstrained(store.commit(batch))
        })
        .collect();
    for commit in &mut waiting {
        assert!(futures_util::poll!(commit).is_pending());
    }
    store.close().await;
    for commit in waiting {
        commit.await.unwrap();
    }
    assert!(matches!(store.commit(put("late", "")).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.get(b"late").await, Err(StoreError::Unavailable(_))));
    store.close().await;

    let store = SledStore::open(folder.path().join("store"), SledConfig::default()).await.unwrap();
    let everything = Range { from: Bytes::new(), until: None, limit: usize::MAX, reverse: false };
    assert_eq!(store.scan(everything).await.unwrap().len(), 50);
}

async fn refuses_what_is_over_a_limit(store: &dyn Store) {
    let value = |length| Bytes::from(vec![0; length]);
    let mut long_key = Batch::default();
    long_key.put(vec![b'k'; MAX_KEY_BYTES + 1], "");
    let mut long_claim = Batch::default();
    long_claim.require_absent(vec![b'k'; MAX_KEY_BYTES + 1]);
    let mut many = Batch::default();
    for number in 0..=MAX_BATCH_ENTRIES {
        many.delete((number as u32).to_be_bytes().to_vec());
    }
    let mut heavy = Batch::default();
    for number in 0..=(MAX_BATCH_BYTES / MAX_VALUE_BYTES) as u8 {
        heavy.put(vec![number], value(MAX_VALUE_BYTES));
    }
    let cases = [
        (long_key, "key length"),
        (long_claim, "key length"),
        (put("v", value(MAX_VALUE_BYTES + 1)), "value length"),
        (many, "number of batch entries"),
        (heavy, "batch size"),
    ];
    for (batch, expected) in cases {
        let refused = store.commit(batch).await;
        assert!(matches!(refused, Err(StoreError::TooLarge { what, .. }) if what == expected), "{expected}");
    }
    let everything = Range { from: Bytes::new(), until: None, limit: usize::MAX, reverse: false };
    assert_eq!(store.scan(everything.clone()).await.unwrap(), []);

    for number in 0..17_u8 {
        let mut batch = Batch::default();
        batch.put(vec![number], value(MAX_VALUE_BYTES));
        store.commit(batch).await.unwrap();
    }
    let refused = store.scan(everything).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { what: "scan result", .. })));
}

#[tokio::test]
async fn what_is_over_a_limit_is_refused_by_every_store_and_the_largest_is_not() {
    let (folder, store) = new_store().await;
    refuses_what_is_over_a_limit(&store).await;
    refuses_what_is_over_a_limit(&MemoryStore::new()).await;
    let largest = store.get(&[3]).await.unwrap().unwrap();
    assert_eq!(largest.value.len(), MAX_VALUE_BYTES);
    // What sled keeps outside its log it neither fsyncs nor removes in step with the log.
    assert_eq!(std::fs::read_dir(folder.path().join("store/blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn no_page_leaves_the_log_however_often_large_values_change() {
    let (folder, store) = new_store().await;
    for round in 0..12_u8 {
        let mut batch = Batch::default();
        for number in 0..40_u8 {
            batch.put(vec![number], vec![round; crate::limits::PIECE_BYTES + usize::from(number)]);
        }
        store.commit(batch).await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path().join("store/blobs")).unwrap().count(), 0);
    }
    for number in 0..40_u8 {
        let found = store.get(&[number]).await.unwrap().unwrap();
        assert!(found.value.iter().all(|byte| *byte == 11));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_never_sees_half_a_batch() {
    let (_folder, store) = new_store().await;
    let store = Arc::new(store);
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for round in 0..60_u32 {
                let mut batch = Batch::default();
                for number in 0..40_u8 {
                    batch.put(vec![number], round.to_be_bytes().to_vec());
                }
                store.commit(batch).await.unwrap();
            }
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    while !writer.is_finished() {
        for reverse in [false, true] {
            let range = Range { from: Bytes::new(), until: None, limit: usize::MAX, reverse };
            let entries = store.scan(range).await.unwrap();
            assert!(entries.is_empty() || entries.len() == 40);
            let revisions: std::collections::BTreeSet<_> = entries.iter().map(|e| e.versioned.revision).collect();
            assert!(revisions.len() <= 1, "{revisions:?}");
            seen.extend(revisions);
        }
    }
    writer.await.unwrap();
    assert!(seen.len() > 1, "the scans ran beside the commits");
}
