#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use std::os::unix::fs::PermissionsExt;

use futures_util::TryStreamExt;
use futures_util::stream;

use super::*;
use crate::memory::MemoryBlobs;
use crate::sync::observed::{Call, Observed};

fn stream_of(pieces: Vec<Result<Bytes, BlobError>>) -> ByteStream {
    Box::pin(stream::iter(pieces))
}

fn bytes(length: usize) -> Bytes {
    (0..length).map(|position| (position % 251) as u8).collect::<Vec<_>>().into()
}

/// The same bytes in pieces of odd sizes.
fn pieces(whole: &Bytes) -> ByteStream {
    let mut rest = whole.clone();
    let mut pieces = vec![Ok(Bytes::new())];
    for size in [1, 7, 1000, 70_000, usize::MAX] {
        pieces.push(Ok(rest.split_to(size.min(rest.len()))));
    }
    stream_of(pieces)
}

async fn read(blobs: &dyn Blobs, id: Uuid, offset: u64) -> Result<Vec<u8>, BlobError> {
    blobs
        .open(id, offset)
        .await?
        .try_fold(Vec::new(), |mut all, chunk| async move {
            assert!(!chunk.is_empty() && chunk.len() <= BLOB_CHUNK_BYTES);
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
}

async fn new_blobs() -> (tempfile::TempDir, FileBlobs) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FileBlobs::open(folder.path().join("blobs")).await.unwrap();
    (folder, blobs)
}

fn only_file(folder: &Path) -> PathBuf {
    let mut files = Vec::new();
    for sub in std::fs::read_dir(folder.join("blobs")).unwrap() {
        let sub = sub.unwrap().path();
        if sub.is_dir() {
            files.extend(std::fs::read_dir(sub).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn no_file(folder: &Path) -> bool {
    std::fs::read_dir(folder.join("blobs"))
        .unwrap()
        .map(|sub| sub.unwrap().path())
        .filter(|sub| sub.is_dir())
        .all(|sub| std::fs::read_dir(sub).unwrap().next().is_none())
}

async fn keeps_what_it_was_given(blobs: &dyn Blobs) {
    for length in [0, 1, BLOB_CHUNK_BYTES - 1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1, 5 * BLOB_CHUNK_BYTES + 99] {
        let (id, whole) = (Uuid::now_v7(), bytes(length));
        let stored = blobs.put(id, pieces(&whole), length as u64).await.unwrap();
        assert_eq!(stored, Stored { size: length as u64, sha256: Sha256::digest(&whole).into() });
        for offset in [0, 1, 1000, length / 2, length.saturating_sub(1), length, length + 1] {
            let expected = whole.get(offset..).unwrap_or_default();
            assert!(read(blobs, id, offset as u64).await.unwrap() == expected, "{length} from {offset}");
        }
        let again = blobs.put(id, pieces(&bytes(3)), 10).await;
        assert!(matches!(again, Err(BlobError::Exists)));
        assert!(read(blobs, id, 0).await.unwrap() == whole, "the second changed nothing");
        blobs.delete(id).await.unwrap();
        assert!(matches!(blobs.open(id, 0).await.err(), Some(BlobError::NotFound)));
        blobs.delete(id).await.unwrap();
    }
}

async fn keeps_nothing_of_what_it_refuses(blobs: &dyn Blobs) {
    let id = Uuid::now_v7();
    let too_large = blobs.put(id, pieces(&bytes(100_000)), 99_999).await;
    assert!(matches!(too_large, Err(BlobError::TooLarge { limit: 99_999 })));
    let broken = vec![Ok(bytes(100_000)), Err(BlobError::Interrupted("the portal hung up".into()))];
    let interrupted = blobs.put(id, stream_of(broken), 1_000_000).await.unwrap_err();
    assert_eq!(interrupted.to_string(), "the upload broke off: the portal hung up");
    let other = blobs.put(id, stream_of(vec![Err(BlobError::NotFound)]), 1_000_000).await.unwrap_err();
    assert_eq!(other.to_string(), "the upload broke off: no such blob");
    assert!(matches!(blobs.open(id, 0).await.err(), Some(BlobError::NotFound)));
}

#[tokio::test]
async fn a_blob_is_read_as_it_was_written_from_any_offset() {
    let (folder, blobs) = new_blobs().await;
    keeps_what_it_was_given(&blobs).await;
    assert!(no_file(folder.path()));
    keeps_what_it_was_given(&MemoryBlobs::new()).await;
}

#[tokio::test]
async fn an_upload_that_is_refused_or_breaks_off_leaves_nothing() {
    let (folder, blobs) = new_blobs().await;
    keeps_nothing_of_what_it_refuses(&blobs).await;
    assert!(no_file(folder.path()));
    keeps_nothing_of_what_it_refuses(&MemoryBlobs::new()).await;
}

#[tokio::test]
async fn an_upload_over_its_limit_is_not_read_to_its_end() {
    let (_folder, blobs) = new_blobs().await;
    let endless = Box::pin(stream::repeat_with(|| Ok(bytes(10_000))));
    assert!(matches!(blobs.put(Uuid::now_v7(), endless, 500_000).await, Err(BlobError::TooLarge { .. })));
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let (folder, blobs) = new_blobs().await;
    let (begun, mut has_begun) = tokio::sync::mpsc::channel(1);
    let stalled = stream::iter([Ok(bytes(200_000))]).chain(stream::once(async move {
        begun.send(()).await.unwrap();
        std::future::pending().await
    }));
    let mut upload = blobs.put(Uuid::now_v7(), Box::pin(stalled), 1_000_000);
    tokio::select! {
        _ = &mut upload => panic!("it never ends"),
        _ = has_begun.recv() => assert!(!no_file(folder.path())),
    }
    drop(upload);
    assert!(no_file(folder.path()));
}

#[tokio::test]
async fn of_two_uploads_with_one_id_one_is_kept() {
    let (folder, blobs) = new_blobs().await;
    let id = Uuid::now_v7();
    let (one, two) = (bytes(90_000), bytes(80_000));
    let (first, second) = tokio::join!(blobs.put(id, pieces(&one), 1_000_000), blobs.put(id, pieces(&two), 1_000_000));
    let kept = match (first, second) {
        (Ok(_), Err(BlobError::Exists)) => one,
        (Err(BlobError::Exists), Ok(_)) => two,
        other => panic!("{other:?}"),
    };
    assert!(read(&blobs, id, 0).await.unwrap() == kept);
    only_file(folder.path());
}

#[tokio::test]
async fn what_is_damaged_on_disk_never_comes_out_at_full_length() {
    let (folder, blobs) = new_blobs().await;
    let (id, whole) = (Uuid::now_v7(), bytes(3 * BLOB_CHUNK_BYTES + 17));
    blobs.put(id, pieces(&whole), 1_000_000).await.unwrap();
    let path = only_file(folder.path());
    let good = std::fs::read(&path).unwrap();

    let mut damages = vec![("empty", Vec::new()), ("cut", good[..good.len() - 1].to_vec())];
    damages.push(("longer", [&good[..], b"x"].concat()));
    damages.push(("cut to another trailer", [&good[..100], &good[good.len() - TRAILER_BYTES..]].concat()));
    for position in [0, whole.len() / 2, whole.len() - 1, whole.len(), good.len() - 33, good.len() - 1] {
        let mut flipped = good.clone();
        flipped[position] ^= 1;
        damages.push(("flipped", flipped));
    }
    for (what, raw) in damages {
        std::fs::write(&path, &raw).unwrap();
        for offset in [0, whole.len() as u64 - 1] {
            let mut got = 0;
            let error = match blobs.open(id, offset).await {
                Err(error) => error,
                Ok(mut stream) => loop {
                    match stream.next().await {
                        Some(Ok(chunk)) => got += chunk.len() as u64,
                        Some(Err(error)) => break error,
                        None => panic!("{what}: read without a word"),
                    }
                },
            };
            assert!(matches!(error, BlobError::Damaged(_)), "{what}: {error}");
            assert!(got + offset < whole.len() as u64, "{what}");
        }
    }
    std::fs::write(&path, &good).unwrap();
    assert!(read(&blobs, id, 0).await.unwrap() == whole);
}

#[tokio::test]
async fn a_put_returns_after_the_bytes_and_then_the_name_are_durable() {
    let folder = tempfile::tempdir().unwrap();
    let sync = Observed::default();
    let root = folder.path().join("blobs");
    let blobs = FileBlobs::open_with(root.clone(), Arc::new(sync.clone())).await.unwrap();
    assert_eq!(sync.take_calls().last(), Some(&Call::Folder(root.clone())));
    let id = Uuid::from_u128(0x5);
    blobs.put(id, pieces(&bytes(10)), 10).await.unwrap();
    match &sync.take_calls()[..] {
        [Call::File(file), Call::Folder(name)] => {
            assert!(file.starts_with(root.join(INCOMING)));
            assert_eq!(*name, root.join("05"));
        }
        other => panic!("{other:?}"),
    }
    blobs.delete(id).await.unwrap();
    assert_eq!(sync.take_calls(), [Call::Folder(root.join("05"))]);

    sync.fail_next(io::ErrorKind::StorageFull);
    let failed = blobs.put(id, pieces(&bytes(10)), 10).await;
    assert!(matches!(failed, Err(BlobError::Unavailable(_))));
    assert!(no_file(folder.path()));
}

#[tokio::test]
async fn opening_removes_what_broken_uploads_left_and_keeps_the_rest() {
    let (folder, blobs) = new_blobs().await;
    let id = Uuid::now_v7();
    blobs.put(id, pieces(&bytes(10)), 10).await.unwrap();
    let root = folder.path().join("blobs");
    assert!(matches!(FileBlobs::open(root.clone()).await, Err(OpenError::InUse { .. })));
    drop(blobs);
    std::fs::write(root.join(INCOMING).join(".tmpleft"), b"half").unwrap();
    let blobs = FileBlobs::open(root.clone()).await.unwrap();
    assert_eq!(std::fs::read_dir(root.join(INCOMING)).unwrap().count(), 0);
    assert!(read(&blobs, id, 0).await.unwrap() == bytes(10));
    assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
}
