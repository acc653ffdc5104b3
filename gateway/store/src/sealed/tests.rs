//! The decorators on the real store and the real files, and what lies on the disk below them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use dialog_core::ports::{
    blobs::{BlobError, Blobs, ByteStream},
    keys::{DataKey, KeyError, Keyring, Owner},
    store::{Batch, Range, Store, StoreError},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{KeyRing, MasterKeys, Rewrap, SealedBlobs, SealedOpenError, SealedStore};
use crate::{
    FileBlobs, SledConfig, SledStore,
    limits::SEGMENT_BYTES,
    memory::{MemoryBlobs, MemoryStore},
};

const KARI: Owner = Owner::Citizen([1; 16]);
const OLA: Owner = Owner::Citizen([2; 16]);

fn master(byte: u8) -> DataKey {
    DataKey::filled(|bytes| {
        bytes.fill(byte);
        Ok::<_, ()>(())
    })
    .unwrap()
}

fn service(keys: &[(&str, u8)]) -> Arc<MasterKeys> {
    Arc::new(MasterKeys::new(keys.iter().map(|(id, byte)| ((*id).to_owned(), master(*byte)))).unwrap())
}

async fn ring(folder: &Path, keys: &[(&str, u8)]) -> KeyRing {
    KeyRing::open(folder.join("keys"), service(keys)).await.unwrap()
}

/// A sealed store over one in memory, and the one in memory.
async fn sealed(folder: &Path) -> (SealedStore, Arc<MemoryStore>, KeyRing) {
    let (below, keys) = (Arc::new(MemoryStore::new()), ring(folder, &[("one", 1)]).await);
    (SealedStore::open(Arc::<MemoryStore>::clone(&below), keys.clone()).await.unwrap(), below, keys)
}

fn put(owner: Owner, key: &'static str, value: &'static str) -> Batch {
    let mut batch = Batch::default();
    batch.put_of(owner, key, value);
    batch
}

async fn get(store: &dyn Store, key: &str) -> Option<Bytes> {
    store.get(key.as_bytes()).await.unwrap().map(|found| found.value)
}

fn all(limit: usize, reverse: bool) -> Range {
    Range { from: "a".into(), until: Some("e".into()), limit, reverse }
}

async fn listed(store: &dyn Store, limit: usize, reverse: bool) -> Vec<String> {
    let entries = store.scan(all(limit, reverse)).await.unwrap();
    entries.into_iter().map(|entry| String::from_utf8(entry.key.to_vec()).unwrap()).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

fn holds(folder: &Path, what: &[u8]) -> bool {
    files(folder).iter().any(|file| std::fs::read(file).unwrap().windows(what.len()).any(|window| window == what))
}

#[tokio::test]
async fn nothing_of_a_value_or_a_file_lies_on_the_disk_and_a_new_process_reads_both() {
    let folder = tempfile::tempdir().unwrap();
    let (id, words) = (Uuid::now_v7(), "Det klør mest om natten");
    let open = async || {
        let keys = ring(folder.path(), &[("one", 1)]).await;
        let below = Arc::new(SledStore::open(folder.path().join("store"), SledConfig::default()).await.unwrap());
        let files = Arc::new(FileBlobs::open(folder.path().join("files")).await.unwrap());
        let store = SealedStore::open(Arc::<SledStore>::clone(&below), keys.clone()).await.unwrap();
        (store, SealedBlobs::new(files, keys), below)
    };
    let (store, blobs, below) = open().await;
    store.commit(put(KARI, "a", words)).await.unwrap();
    blobs.put(id, bytes(words.as_bytes(), 7), 1000).await.unwrap();
    // The search can fail: what is put in below is found.
    below.commit(put(KARI, "plain", "Det klør mest om dagen")).await.unwrap();
    drop((store, blobs));
    below.close().await;
    drop(below);
    assert!(holds(folder.path(), b"om dagen"));
    assert!(!holds(folder.path(), b"om natten"));
    let (store, blobs, below) = open().await;
    assert_eq!(get(&store, "a").await.unwrap(), words);
    assert_eq!(read(&blobs, id, 0).await.unwrap(), words.as_bytes());
    below.close().await;
}

#[tokio::test]
async fn a_value_at_another_place_or_of_another_owner_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (store, below, _) = sealed(folder.path()).await;
    store.commit(put(KARI, "a", "Kari's")).await.unwrap();
    store.commit(put(OLA, "b", "Ola's")).await.unwrap();
    let raw = below.get(b"a").await.unwrap().unwrap().value;
    // Moved to another key; given to another owner, who has a key; given to the owner's other key.
    let given = [&raw[..1], &OLA.bytes()[..], &raw[18..]].concat();
    let mut changed = raw.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    for (key, value) in [("b", raw.clone()), ("a", given.into()), ("a", changed.into()), ("a", raw.slice(..50))] {
        let mut batch = Batch::default();
        batch.put(key, value);
        below.commit(batch).await.unwrap();
        let error = store.get(key.as_bytes()).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
        assert!(store.scan(all(10, false)).await.is_err());
    }
    let mut batch = Batch::default();
    batch.put("a", raw).put("b", &b""[..]);
    below.commit(batch).await.unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), "Kari's");
    assert_eq!(get(&store, "b").await.unwrap(), "", "a value without bytes holds nothing");
}

#[tokio::test]
async fn the_same_value_is_never_sealed_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let (store, below, _) = sealed(folder.path()).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        store.commit(put(KARI, "a", "same")).await.unwrap();
        let raw = below.get(b"a").await.unwrap().unwrap().value;
        assert!(seen.insert(raw.slice(raw.len() - 20..)), "the content is under a new key each time");
    }
}

#[tokio::test]
async fn what_belonged_to_a_destroyed_key_is_as_if_it_were_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (store, below, keys) = sealed(folder.path()).await;
    for (owner, key) in [(KARI, "a"), (OLA, "b"), (KARI, "c"), (OLA, "d")] {
        store.commit(put(owner, key, "value")).await.unwrap();
    }
    let old = below.get(b"a").await.unwrap().unwrap().value;
    keys.destroy(KARI).await.unwrap();
    keys.destroy(KARI).await.unwrap();
    assert_eq!(get(&store, "a").await, None);
    // A short answer would look like the end of the range.
    assert_eq!(listed(&store, 2, false).await, ["b", "d"]);
    assert_eq!(listed(&store, 1, false).await, ["b"]);
    assert_eq!(listed(&store, 2, true).await, ["d", "b"]);
    assert_eq!(listed(&store, 0, false).await, Vec::<String>::new());
    // What is gone can be written anew, under a new key, also by who asks for nothing to be there.
    let mut again = put(KARI, "a", "new");
    again.require_absent("a").require_absent("c");
    store.commit(again).await.unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), "new");
    let mut twice = put(KARI, "a", "newer");
    twice.require_absent("a");
    assert!(matches!(store.commit(twice).await, Err(StoreError::Conflict { key }) if key == "a"));
    // The old bytes stay unreadable, under the new key and in a new process.
    let mut batch = Batch::default();
    batch.put("a", old);
    below.commit(batch).await.unwrap();
    assert_eq!(get(&store, "a").await, None);
    drop((store, keys));
    let keys = ring(folder.path(), &[("one", 1)]).await;
    let store = SealedStore::open(below, keys).await.unwrap();
    assert_eq!(get(&store, "a").await, None);
    assert_eq!(get(&store, "b").await.unwrap(), "value");
}

#[tokio::test]
async fn a_destroyed_key_is_not_remembered_by_who_was_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let keys = ring(folder.path(), &[("one", 1)]).await;
    for round in 0..50_u8 {
        let owner = Owner::Citizen([round; 16]);
        let before = keys.to_seal(owner).await.unwrap();
        let readers = (0..8).map(|_| {
            let keys = keys.clone();
            tokio::spawn(async move { keys.to_seal(owner).await.unwrap().id })
        });
        let readers: Vec<_> = readers.collect();
        keys.destroy(owner).await.unwrap();
        futures_util::future::join_all(readers).await;
        assert!(keys.to_open(owner, before.id).await.unwrap().is_none());
        assert_ne!(keys.to_seal(owner).await.unwrap().id, before.id);
    }
}

#[tokio::test]
async fn many_who_come_for_a_new_owner_at_once_get_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = ring(folder.path(), &[("one", 1)]).await;
    let ids = futures_util::future::join_all((0..20).map(|_| keys.to_seal(KARI))).await;
    let ids: std::collections::HashSet<_> = ids.into_iter().map(|key| key.unwrap().id).collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn a_store_without_encryption_and_one_of_other_keys_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Arc::new(MemoryStore::new());
    plain.commit(put(KARI, "a", "plain")).await.unwrap();
    let refused = SealedStore::open(plain, ring(folder.path(), &[("one", 1)]).await).await.unwrap_err();
    assert!(matches!(refused, SealedOpenError::NotEncrypted), "{refused}");

    let (_, below, keys) = sealed(folder.path()).await;
    drop(keys);
    let elsewhere = tempfile::tempdir().unwrap();
    let refused =
        SealedStore::open(Arc::<MemoryStore>::clone(&below), ring(elsewhere.path(), &[("one", 1)]).await).await;
    assert!(matches!(refused, Err(SealedOpenError::OtherKeys(KeyError::Missing { .. }))), "{refused:?}");
    let others = [(&[("one", 2)], "changed"), (&[("two", 1)], "\"one\"")];
    for (keys, why) in others {
        let refused = SealedStore::open(Arc::<MemoryStore>::clone(&below), ring(folder.path(), keys).await).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, SealedOpenError::OtherKeys(_)) && refused.to_string().contains(why), "{refused}");
    }
}

#[tokio::test]
async fn a_lost_key_is_damage_and_never_silence() {
    let folder = tempfile::tempdir().unwrap();
    let (store, below, keys) = sealed(folder.path()).await;
    store.commit(put(KARI, "a", "value")).await.unwrap();
    drop((store, keys));
    for file in files(&folder.path().join("keys")) {
        if file.file_name().unwrap().to_str().unwrap().starts_with("citizen") {
            std::fs::remove_file(file).unwrap();
        }
    }
    let store = SealedStore::open(below, ring(folder.path(), &[("one", 1)]).await).await.unwrap();
    let error = store.get(b"a").await.unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[tokio::test]
async fn after_a_rotation_every_key_is_wrapped_anew_and_the_old_master_key_can_go() {
    let folder = tempfile::tempdir().unwrap();
    let (store, below, keys) = sealed(folder.path()).await;
    let blobs = Arc::new(MemoryBlobs::new());
    let id = Uuid::now_v7();
    store.commit(put(KARI, "a", "Kari's")).await.unwrap();
    store.commit(put(OLA, "b", "Ola's")).await.unwrap();
    keys.destroy(OLA).await.unwrap();
    SealedBlobs::new(Arc::<MemoryBlobs>::clone(&blobs), keys.clone()).put(id, bytes(b"file", 4), 10).await.unwrap();
    assert!(!keys.rewrap_is_due().unwrap());
    drop((store, keys));

    let keys = ring(folder.path(), &[("two", 2), ("one", 1)]).await;
    assert!(keys.rewrap_is_due().unwrap());
    // Broken off after the first: the next run goes on with the rest.
    let broken = keys.rewrap(|so_far| so_far.done < 1).await.unwrap();
    assert_eq!(broken, Rewrap { done: 1, remaining: 2 }, "the installation's, Kari's and the file's");
    assert!(keys.rewrap_is_due().unwrap());
    drop(keys);
    // Back and forth, half-way: nothing looks as if all were done.
    drop(ring(folder.path(), &[("one", 1), ("two", 2)]).await);
    let keys = ring(folder.path(), &[("two", 2), ("one", 1)]).await;
    assert!(keys.rewrap_is_due().unwrap());
    let mut told = Vec::new();
    let done = keys.rewrap(|so_far| {
        told.push(so_far.remaining);
        true
    });
    assert_eq!(done.await.unwrap(), Rewrap { done: 2, remaining: 0 });
    assert_eq!(told, [2, 1, 0, 0]);
    assert!(!keys.rewrap_is_due().unwrap());
    drop(keys);

    let keys = ring(folder.path(), &[("two", 2)]).await;
    assert_eq!(keys.rewrap(|_| true).await.unwrap(), Rewrap::default());
    let store = SealedStore::open(below, keys.clone()).await.unwrap();
    assert_eq!(get(&store, "a").await.unwrap(), "Kari's");
    assert_eq!(get(&store, "b").await, None, "what was destroyed stays so");
    assert_eq!(read(&SealedBlobs::new(blobs, keys), id, 0).await.unwrap(), b"file");
}

#[tokio::test]
async fn a_key_of_another_owner_is_not_taken_for_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let keys = ring(folder.path(), &[("one", 1)]).await;
    keys.to_seal(KARI).await.unwrap();
    let kari = files(&folder.path().join("keys")).into_iter().find(|file| file.to_string_lossy().contains("citizen"));
    let kari = kari.unwrap();
    let ola = kari.to_string_lossy().replace("01", "02");
    std::fs::copy(kari, ola).unwrap();
    let error = keys.to_seal(OLA).await.unwrap_err();
    assert!(matches!(error, KeyError::Changed { owner: OLA }), "{error}");
}

/// A stream of pieces of at most so many bytes.
fn bytes(content: &[u8], piece: usize) -> ByteStream {
    let pieces: Vec<_> = content.chunks(piece.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(stream::iter(pieces))
}

async fn read(blobs: &SealedBlobs, id: Uuid, offset: u64) -> Result<Vec<u8>, BlobError> {
    let pieces: Vec<Bytes> = blobs.open(id, offset).await?.try_collect().await?;
    Ok(pieces.concat())
}

/// Sealed blobs over ones in memory.
async fn sealed_blobs(folder: &Path) -> (SealedBlobs, Arc<MemoryBlobs>, KeyRing) {
    let (below, keys) = (Arc::new(MemoryBlobs::new()), ring(folder, &[("one", 1)]).await);
    (SealedBlobs::new(Arc::<MemoryBlobs>::clone(&below), keys.clone()), below, keys)
}

async fn raw(below: &MemoryBlobs, id: Uuid) -> Vec<u8> {
    let pieces: Vec<Bytes> = below.open(id, 0).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_file_of_any_length_is_read_from_any_place_as_it_was_written(
        length in prop_oneof![
            0..40_usize,
            SEGMENT_BYTES - 2..SEGMENT_BYTES + 3,
            2 * SEGMENT_BYTES - 2..2 * SEGMENT_BYTES + 3,
            0..4 * SEGMENT_BYTES,
        ],
        piece in 1..3 * SEGMENT_BYTES,
        offsets in proptest::collection::vec(0..5 * SEGMENT_BYTES, 4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let (blobs, below, _) = sealed_blobs(folder.path()).await;
            let (id, content) = (Uuid::now_v7(), (0..length).map(|at| at as u8).collect::<Vec<_>>());
            let stored = blobs.put(id, bytes(&content, piece), length as u64).await.unwrap();
            assert_eq!((stored.size, stored.sha256), (length as u64, Sha256::digest(&content).into()));
            let edges = [0, 1, SEGMENT_BYTES, length.saturating_sub(1), length, length + 1];
            for offset in offsets.iter().chain(&edges) {
                let expected = content.get(*offset..).unwrap_or_default();
                assert_eq!(read(&blobs, id, *offset as u64).await.unwrap(), expected, "from {offset}");
            }
            assert_eq!(raw(&below, id).await.len() as u64, super::cipher::sealed_length(length as u64));
        });
    }
}

#[tokio::test]
async fn a_file_that_was_cut_extended_or_mixed_is_never_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, below, _) = sealed_blobs(folder.path()).await;
    let id = Uuid::now_v7();
    let content = vec![7; 2 * SEGMENT_BYTES + 100];
    blobs.put(id, bytes(&content, 1000), u64::MAX).await.unwrap();
    let good = raw(&below, id).await;
    let (header, segment) = (super::cipher::HEADER_BYTES, SEGMENT_BYTES + 16);
    let mut swapped = good.clone();
    swapped[header..header + 2 * segment].rotate_left(segment);
    let bad = [
        good[..header + 2 * segment].to_vec(),
        good[..header + segment].to_vec(),
        good[..header].to_vec(),
        good[..header - 1].to_vec(),
        good[..good.len() - 1].to_vec(),
        [good.clone(), vec![0]].concat(),
        [good.clone(), good[header..].to_vec()].concat(),
        swapped,
        content.clone(),
    ];
    for (number, bad) in bad.into_iter().enumerate() {
        below.delete(id).await.unwrap();
        below.put(id, bytes(&bad, 4096), u64::MAX).await.unwrap();
        let error = read(&blobs, id, 0).await.unwrap_err();
        assert!(matches!(error, BlobError::Damaged(_)), "{number}: {error}");
    }
    // One file's bytes under another's name.
    let other = Uuid::now_v7();
    below.put(other, bytes(&good, 4096), u64::MAX).await.unwrap();
    assert!(matches!(read(&blobs, other, 0).await, Err(BlobError::Damaged(_))));
}

#[tokio::test]
async fn a_file_that_is_not_kept_leaves_no_key_and_one_that_goes_takes_its_key_along() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, below, keys) = sealed_blobs(folder.path()).await;
    let kept =
        || files(&folder.path().join("keys")).iter().filter(|file| file.to_string_lossy().contains("blob.")).count();
    let (id, other) = (Uuid::now_v7(), Uuid::now_v7());
    blobs.put(id, bytes(b"file", 4), 4).await.unwrap();
    assert_eq!(kept(), 1);
    let error = blobs.put(other, bytes(b"longer", 2), 5).await.unwrap_err();
    assert!(matches!(error, BlobError::TooLarge { limit: 5 }), "{error}");
    let broken = bytes(b"half", 4).chain(stream::iter([Err(BlobError::Interrupted("gone".into()))]));
    let error = blobs.put(other, Box::pin(broken), 100).await.unwrap_err();
    assert!(matches!(error, BlobError::Interrupted(_) | BlobError::TooLarge { .. }), "{error}");
    assert!(matches!(blobs.put(id, bytes(b"again", 4), 5).await, Err(BlobError::Exists)));
    assert_eq!((kept(), read(&blobs, id, 0).await.unwrap()), (1, b"file".to_vec()));

    let left = raw(&below, id).await;
    blobs.delete(id).await.unwrap();
    blobs.delete(id).await.unwrap();
    assert_eq!(kept(), 0);
    assert!(matches!(read(&blobs, id, 0).await, Err(BlobError::NotFound)));
    // Bytes that were kept elsewhere are of no use to anybody.
    below.put(id, bytes(&left, 10), 1000).await.unwrap();
    assert!(matches!(read(&blobs, id, 0).await, Err(BlobError::Damaged(_))));
    drop(keys);
}
