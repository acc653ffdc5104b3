//! Attachments as files: `<folder>/<last byte of the id>/<id>`, written once.
//!
//! A file is the bytes, then a trailer of 48 bytes: `dlgblob1`, the length (64 bits, big-endian) and the SHA-256. The
//! trailer is in the same file, so one rename publishes both and nothing can come apart from what it describes.
//!
//! Writing: a file in `incoming/`, hashed on the way; fsync; a rename that refuses to replace; fsync of the folder.
//! Whatever lies in `incoming/` when the folder is opened was never acknowledged and is removed.
//!
//! Reading goes from the first byte even when only the end is asked for, because only the whole can be verified. The
//! last chunk is handed out after the hash has been compared: a reader never gets a damaged blob at full length.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use dialog_core::ports::blobs::{BlobError, Blobs, ByteStream, Stored};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use uuid::Uuid;

use crate::error::OpenError;
use crate::folder::{FolderLock, create_private};
use crate::limits::BLOB_CHUNK_BYTES;
use crate::sync::{Fsync, SyncCalls};

/// Where files are written before they are published.
const INCOMING: &str = "incoming";

/// First bytes of the trailer; the digit is the version of the format.
const MAGIC: [u8; 8] = *b"dlgblob1";

/// Magic, length, SHA-256.
const TRAILER_BYTES: usize = MAGIC.len() + 8 + 32;

/// [`Blobs`] as files in one folder, which belongs to one process at a time.
///
/// All file work runs on the runtime's blocking threads, a chunk at a time: a slow reader or writer holds none.
pub struct FileBlobs {
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    sync: Arc<dyn SyncCalls>,
    _lock: FolderLock,
}

impl std::fmt::Debug for FileBlobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileBlobs").field("root", &self.shared.root).finish_non_exhaustive()
    }
}

impl FileBlobs {
    /// Opens the folder, creates it where it is missing, and removes what broken uploads left.
    ///
    /// # Errors
    /// [`OpenError::InUse`] where another process has it open, [`OpenError::Io`] where it cannot be read or written.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::open_with(folder.into(), Arc::new(Fsync)).await
    }

    pub(crate) async fn open_with(root: PathBuf, sync: Arc<dyn SyncCalls>) -> Result<Self, OpenError> {
        let folder = root.clone();
        tokio::task::spawn_blocking(move || prepare(root, sync))
            .await
            .unwrap_or_else(|_| Err(OpenError::Damaged { folder, detail: "opening it broke off".into() }))
    }
}

fn prepare(root: PathBuf, sync: Arc<dyn SyncCalls>) -> Result<FileBlobs, OpenError> {
    let lock = FolderLock::take(&root, &*sync)?;
    let incoming = root.join(INCOMING);
    create_private(&incoming)?;
    // All folders are made and synced now, so that no upload ever waits for, or relies on, an unsynced folder.
    for byte in 0..=u8::MAX {
        create_private(&root.join(format!("{byte:02x}")))?;
    }
    sync.folder(&root).map_err(OpenError::io(&root, "make its names durable"))?;
    let mut removed = 0_usize;
    for left in std::fs::read_dir(&incoming).map_err(OpenError::io(&incoming, "list"))? {
        let path = left.map_err(OpenError::io(&incoming, "list"))?.path();
        std::fs::remove_file(&path).map_err(OpenError::io(&path, "remove what a broken upload left"))?;
        removed += 1;
    }
    if removed > 0 {
        tracing::info!(removed, "removed what broken uploads left");
    }
    Ok(FileBlobs { shared: Arc::new(Shared { root, sync, _lock: lock }) })
}

impl Shared {
    fn folder_of(&self, id: Uuid) -> PathBuf {
        // Version 7 ids begin with the time: the last byte spreads them, the first would fill one folder for years.
        let [.., last] = *id.as_bytes();
        self.root.join(format!("{last:02x}"))
    }

    fn path_of(&self, id: Uuid) -> PathBuf {
        self.folder_of(id).join(id.to_string())
    }
}

#[async_trait]
impl Blobs for FileBlobs {
    async fn put(&self, id: Uuid, mut bytes: ByteStream, limit: u64) -> Result<Stored, BlobError> {
        let shared = Arc::clone(&self.shared);
        let mut upload = blocking(move || Upload::begin(shared, id)).await?;
        let mut received: u64 = 0;
        let mut waiting = BytesMut::new();
        while let Some(piece) = bytes.next().await {
            let piece = piece.map_err(broke_off)?;
            received = received.saturating_add(piece.len() as u64);
            if received > limit {
                return Err(BlobError::TooLarge { limit });
            }
            waiting.extend_from_slice(&piece);
            if waiting.len() >= BLOB_CHUNK_BYTES {
                let chunk = waiting.split().freeze();
                upload = blocking(move || upload.append(&chunk)).await?;
            }
        }
        blocking(move || upload.append(&waiting)?.publish()).await
    }

    async fn open(&self, id: Uuid, offset: u64) -> Result<ByteStream, BlobError> {
        let path = self.shared.path_of(id);
        let download = blocking(move || Download::begin(&path, offset)).await?;
        Ok(Box::pin(futures_util::stream::try_unfold(download, |download| blocking(move || download.next()))))
    }

    async fn delete(&self, id: Uuid) -> Result<(), BlobError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || match std::fs::remove_file(shared.path_of(id)) {
            Ok(()) => {
                let folder = shared.folder_of(id);
                shared.sync.folder(&folder).map_err(unavailable("make the removal durable"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(unavailable("remove the file")(error)),
        })
        .await
    }
}

/// A blob that is being written. Dropped before [`Upload::publish`] is done, it leaves nothing behind.
struct Upload {
    shared: Arc<Shared>,
    id: Uuid,
    file: NamedTempFile,
    hasher: Sha256,
    size: u64,
}

impl Upload {
    fn begin(shared: Arc<Shared>, id: Uuid) -> Result<Self, BlobError> {
        if shared.path_of(id).exists() {
            return Err(BlobError::Exists);
        }
        let file = NamedTempFile::new_in(shared.root.join(INCOMING)).map_err(unavailable("create a file"))?;
        Ok(Self { shared, id, file, hasher: Sha256::new(), size: 0 })
    }

    fn append(mut self, chunk: &[u8]) -> Result<Self, BlobError> {
        self.file.write_all(chunk).map_err(unavailable("write"))?;
        self.hasher.update(chunk);
        self.size += chunk.len() as u64;
        Ok(self)
    }

    fn publish(mut self) -> Result<Stored, BlobError> {
        let stored = Stored { size: self.size, sha256: self.hasher.finalize().into() };
        self.file.write_all(&trailer(stored)).map_err(unavailable("write"))?;
        let sync = &self.shared.sync;
        sync.file(self.file.path(), self.file.as_file()).map_err(unavailable("make the bytes durable"))?;
        self.file.persist_noclobber(self.shared.path_of(self.id)).map_err(|refused| match refused.error.kind() {
            io::ErrorKind::AlreadyExists => BlobError::Exists,
            _ => unavailable("publish the file")(refused.error),
        })?;
        sync.folder(&self.shared.folder_of(self.id)).map_err(unavailable("make the name durable"))?;
        Ok(stored)
    }
}

/// A blob that is being read, from its first byte on.
struct Download {
    file: File,
    stored: Stored,
    hasher: Sha256,
    position: u64,
    offset: u64,
}

impl Download {
    fn begin(path: &Path, offset: u64) -> Result<Self, BlobError> {
        let mut file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BlobError::NotFound,
            _ => unavailable("open the file")(error),
        })?;
        let length = file.metadata().map_err(unavailable("measure the file"))?.len();
        let size = length
            .checked_sub(TRAILER_BYTES as u64)
            .ok_or_else(|| BlobError::Damaged(format!("{length} bytes are too few for a blob")))?;
        let mut raw = [0; TRAILER_BYTES];
        file.seek(SeekFrom::Start(size)).map_err(unavailable("read"))?;
        file.read_exact(&mut raw).map_err(unavailable("read"))?;
        file.rewind().map_err(unavailable("read"))?;
        let stored = read_trailer(&raw)?;
        if stored.size != size {
            return Err(BlobError::Damaged(format!("{} bytes were written, {size} are there", stored.size)));
        }
        Ok(Self { file, stored, hasher: Sha256::new(), position: 0, offset })
    }

    /// The next chunk, or none at the end.
    fn next(mut self) -> Result<Option<(Bytes, Self)>, BlobError> {
        loop {
            let left = self.stored.size - self.position;
            if left == 0 && self.stored.size > 0 {
                return Ok(None);
            }
            let mut chunk = BytesMut::zeroed(left.min(BLOB_CHUNK_BYTES as u64) as usize);
            self.file.read_exact(&mut chunk).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => BlobError::Damaged("the file was cut while it was read".into()),
                _ => unavailable("read")(error),
            })?;
            self.hasher.update(&chunk);
            let before = self.offset.saturating_sub(self.position).min(chunk.len() as u64) as usize;
            self.position += chunk.len() as u64;
            if self.position == self.stored.size && self.hasher.clone().finalize()[..] != self.stored.sha256[..] {
                return Err(BlobError::Damaged("the SHA-256 of the bytes is not the one that was stored".into()));
            }
            let wanted = chunk.split_off(before).freeze();
            if !wanted.is_empty() {
                return Ok(Some((wanted, self)));
            }
            if self.stored.size == 0 {
                return Ok(None);
            }
        }
    }
}

fn trailer(stored: Stored) -> [u8; TRAILER_BYTES] {
    let mut raw = [0; TRAILER_BYTES];
    let (magic, rest) = raw.split_at_mut(MAGIC.len());
    let (size, sha256) = rest.split_at_mut(8);
    magic.copy_from_slice(&MAGIC);
    size.copy_from_slice(&stored.size.to_be_bytes());
    sha256.copy_from_slice(&stored.sha256);
    raw
}

fn read_trailer(raw: &[u8; TRAILER_BYTES]) -> Result<Stored, BlobError> {
    let unreadable = || BlobError::Damaged("the trailer is missing or of another format".into());
    let rest = raw.strip_prefix(&MAGIC).ok_or_else(unreadable)?;
    let (size, sha256) = rest.split_first_chunk::<8>().ok_or_else(unreadable)?;
    let sha256 = sha256.try_into().map_err(|_| unreadable())?;
    Ok(Stored { size: u64::from_be_bytes(*size), sha256 })
}

/// What an error in the stream that is being stored means to the one who stores it.
pub(crate) fn broke_off(error: BlobError) -> BlobError {
    match error {
        BlobError::Interrupted(reason) => BlobError::Interrupted(reason),
        other => BlobError::Interrupted(other.to_string()),
    }
}

fn unavailable(action: &'static str) -> impl FnOnce(io::Error) -> BlobError {
    move |error| BlobError::Unavailable(format!("cannot {action}: {error}"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(BlobError::Unavailable("the process is shutting down".into())))
}

#[cfg(test)]
mod tests;
