//! The blobs, with every file encrypted: in segments, so that a file of any length passes through a small memory, and
//! whoever reads from the middle decrypts from there.
//!
//! Each file has a key of its own, which goes with it. Length and SHA-256 that are told of a file are those of its plain
//! bytes; the files below have their own, of what lies on the disk.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use dialog_core::ports::{
    blobs::{BlobError, Blobs, ByteStream, Stored},
    keys::{KeyError, Owner},
};
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    cipher::{self, HEADER_BYTES, Header, Segments, TAG_BYTES, Unopened, sealed_length},
    ring::KeyRing,
};
use crate::limits::SEGMENT_BYTES;

/// A segment with its tag.
const SEALED_SEGMENT_BYTES: usize = SEGMENT_BYTES + TAG_BYTES;

/// [`Blobs`] with every file encrypted under a key of its own, above blobs that keep what they are given.
pub struct SealedBlobs {
    below: Arc<dyn Blobs>,
    keys: KeyRing,
}

impl std::fmt::Debug for SealedBlobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedBlobs").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl SealedBlobs {
    /// Takes the blobs and the keys that belong to them.
    #[must_use]
    pub const fn new(below: Arc<dyn Blobs>, keys: KeyRing) -> Self {
        Self { below, keys }
    }
}

#[async_trait]
impl Blobs for SealedBlobs {
    async fn put(&self, id: Uuid, bytes: ByteStream, limit: u64) -> Result<Stored, BlobError> {
        let owner = Owner::Blob(id);
        let under = self.keys.to_seal(owner).await.map_err(no_key)?;
        let (header, segments) = cipher::begin(owner, under.id, &under.key, &place(id)).map_err(|_| failed())?;
        let seen = Arc::new(Mutex::new(Seen { size: 0, hasher: Sha256::new(), over: false }));
        let sealing = Sealing {
            bytes,
            header: Some(Bytes::copy_from_slice(&header)),
            segments,
            waiting: BytesMut::new(),
            number: 0,
            ended: false,
            done: false,
            seen: Arc::clone(&seen),
            limit,
        };
        let sealed = Box::pin(stream::unfold(sealing, Sealing::next));
        let stored = self.below.put(id, sealed, sealed_length(limit)).await;
        let over = seen.lock().unwrap_or_else(PoisonError::into_inner).over;
        match stored {
            Ok(_) => Ok(Seen::stored(&seen)),
            // Its key stays: the file that is there needs it.
            Err(BlobError::Exists) => Err(BlobError::Exists),
            Err(error) => {
                // Nothing was kept; a key without a file is of no use, and would only be in the way of tidiness.
                if let Err(error) = self.keys.remove(owner).await {
                    tracing::warn!(%error, "the key of a file that was not kept could not be removed");
                }
                Err(if over { BlobError::TooLarge { limit } } else { error })
            }
        }
    }

    async fn open(&self, id: Uuid, offset: u64) -> Result<ByteStream, BlobError> {
        let mut opening = Opening { bytes: self.below.open(id, 0).await?, waiting: BytesMut::new(), ended: false };
        opening.fill(HEADER_BYTES).await?;
        if opening.waiting.len() < HEADER_BYTES {
            return Err(damaged("it ends within its header"));
        }
        let header = opening.waiting.split_to(HEADER_BYTES);
        let (header, _) = Header::split(&header).ok_or_else(|| damaged("it is not encrypted"))?;
        let key = self.keys.to_open(header.owner, header.key).await.map_err(no_key)?.ok_or(BlobError::NotFound)?;
        let segments = header.open(&key.key, &place(id)).map_err(|_| damaged("its header does not decrypt"))?;
        let number = offset / SEGMENT_BYTES as u64;
        opening.skip(number.saturating_mul(SEALED_SEGMENT_BYTES as u64)).await?;
        let skipped = usize::try_from(offset % SEGMENT_BYTES as u64).unwrap_or_default();
        let reading = Reading { opening, segments, number, beyond: number > 0, skipped, done: false };
        Ok(Box::pin(stream::try_unfold(reading, Reading::next)))
    }

    async fn delete(&self, id: Uuid) -> Result<(), BlobError> {
        // First the key: from then on the bytes are nobody's.
        self.keys.remove(Owner::Blob(id)).await.map_err(no_key)?;
        self.below.delete(id).await
    }
}

/// What has been seen of the plain bytes.
struct Seen {
    size: u64,
    hasher: Sha256,
    over: bool,
}

impl Seen {
    fn stored(seen: &Mutex<Self>) -> Stored {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        Stored { size: seen.size, sha256: seen.hasher.clone().finalize().into() }
    }
}

/// Plain bytes on their way to the disk.
struct Sealing {
    bytes: ByteStream,
    header: Option<Bytes>,
    segments: Segments,
    waiting: BytesMut,
    number: u64,
    /// No more bytes come.
    ended: bool,
    /// The last segment has been given, or an error.
    done: bool,
    seen: Arc<Mutex<Seen>>,
    limit: u64,
}

impl Sealing {
    async fn next(mut self) -> Option<(Result<Bytes, BlobError>, Self)> {
        if let Some(header) = self.header.take() {
            return Some((Ok(header), self));
        }
        if self.done {
            return None;
        }
        let next = self.segment().await;
        self.done |= next.is_err();
        Some((next, self))
    }

    async fn segment(&mut self) -> Result<Bytes, BlobError> {
        // One byte more than a segment shows that it is not the last.
        while !self.ended && self.waiting.len() <= SEGMENT_BYTES {
            match self.bytes.next().await {
                Some(piece) => self.take(&piece?)?,
                None => self.ended = true,
            }
        }
        self.done = self.ended && self.waiting.len() <= SEGMENT_BYTES;
        let mut segment = self.waiting.split_to(self.waiting.len().min(SEGMENT_BYTES));
        let tag = self.segments.seal(self.number, self.done, &mut segment).map_err(|_| failed())?;
        segment.extend_from_slice(&tag);
        self.number += 1;
        Ok(segment.freeze())
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), BlobError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.size = seen.size.saturating_add(piece.len() as u64);
        if seen.size > self.limit {
            seen.over = true;
            return Err(BlobError::TooLarge { limit: self.limit });
        }
        seen.hasher.update(piece);
        self.waiting.extend_from_slice(piece);
        Ok(())
    }
}

/// Sealed bytes on their way from the disk.
struct Opening {
    bytes: ByteStream,
    waiting: BytesMut,
    ended: bool,
}

impl Opening {
    /// Waits for at least so many bytes, or for the end.
    async fn fill(&mut self, wanted: usize) -> Result<(), BlobError> {
        while !self.ended && self.waiting.len() < wanted {
            match self.bytes.next().await {
                Some(piece) => self.waiting.extend_from_slice(&piece?),
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// Leaves out so many bytes, or all that there are.
    async fn skip(&mut self, mut count: u64) -> Result<(), BlobError> {
        while count > 0 {
            self.fill(1).await?;
            let now = self.waiting.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            if now == 0 {
                return Ok(());
            }
            drop(self.waiting.split_to(now));
            count -= now as u64;
        }
        Ok(())
    }
}

/// Plain bytes on their way to a reader.
struct Reading {
    opening: Opening,
    segments: Segments,
    number: u64,
    /// Nothing has been read yet, from a place that may lie behind the end.
    beyond: bool,
    /// Bytes of the first segment that nobody asked for.
    skipped: usize,
    done: bool,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobError> {
        while !self.done {
            self.opening.fill(SEALED_SEGMENT_BYTES + 1).await?;
            if self.opening.waiting.is_empty() && self.beyond {
                return Ok(None);
            }
            self.beyond = false;
            self.done = self.opening.ended && self.opening.waiting.len() <= SEALED_SEGMENT_BYTES;
            let mut segment = self.opening.waiting.split_to(self.opening.waiting.len().min(SEALED_SEGMENT_BYTES));
            let length = match self.segments.open(self.number, self.done, &mut segment) {
                Ok(content) => content.len(),
                Err(Unopened) => return Err(damaged("a segment does not decrypt")),
            };
            segment.truncate(length);
            let wanted = segment.split_off(std::mem::take(&mut self.skipped).min(length)).freeze();
            self.number += 1;
            if !wanted.is_empty() {
                return Ok(Some((wanted, self)));
            }
        }
        Ok(None)
    }
}

/// What a file is bound to beside its owner.
fn place(id: Uuid) -> Vec<u8> {
    [b"dialog-file/1".as_slice(), id.as_bytes()].concat()
}

fn no_key(error: KeyError) -> BlobError {
    match error {
        KeyError::Unavailable(_) => BlobError::Unavailable(error.to_string()),
        _ => BlobError::Damaged(error.to_string()),
    }
}

fn failed() -> BlobError {
    BlobError::Unavailable("a cipher failed".to_owned())
}

fn damaged(what: &str) -> BlobError {
    BlobError::Damaged(what.to_owned())
}
