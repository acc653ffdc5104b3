//! Attachments as they lie on disk: bytes that are written once, read as a stream and never changed.

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use uuid::Uuid;

/// A stream of bytes in order; an error ends it.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, BlobError>> + Send>>;

/// What was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}

/// Why a blob operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no blob with this id.
    #[error("no such blob")]
    NotFound,
    /// A blob with this id exists already; blobs are never changed.
    #[error("the blob exists already")]
    Exists,
    /// The stream was longer than allowed; nothing was kept.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The stream that was being stored failed; nothing was kept.
    #[error("the upload broke off: {0}")]
    Interrupted(String),
    /// What is on disk is not what was written.
    #[error("the blob is damaged: {0}")]
    Damaged(String),
    /// The disk cannot be read or written now.
    #[error("blobs are unavailable: {0}")]
    Unavailable(String),
}

/// Write-once storage of byte streams.
///
/// Opened once at start; may be called from any task until the process ends. A blob that [`Blobs::put`] returned
/// survives a power cut; one that was being written when the process died leaves nothing behind.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Stores `bytes` under `id`, reading at most `limit` bytes.
    async fn put(&self, id: Uuid, bytes: ByteStream, limit: u64) -> Result<Stored, BlobError>;

    /// Opens a blob for reading, from `offset` bytes on.
    async fn open(&self, id: Uuid, offset: u64) -> Result<ByteStream, BlobError>;

    /// Removes a blob; removing what is not there is no error.
    async fn delete(&self, id: Uuid) -> Result<(), BlobError>;
}
