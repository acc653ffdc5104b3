//! The citizen's personal archive (Personlig helsearkiv).

use async_trait::async_trait;
use bytes::Bytes;
use dialog_contract::{
    dialog::{Attachment, Dialog},
    ids::NationalIdentityNumber,
};

/// A closed dialog with its files, to be kept for the citizen.
#[derive(Debug, Clone)]
pub struct Document {
    /// Whose.
    pub citizen: NationalIdentityNumber,
    /// The dialog; its id is the document's identity.
    pub dialog: Dialog,
    /// Its files, in the order of the messages.
    pub files: Vec<(Attachment, Bytes)>,
    /// Names of files that are left out, because all together would be too large.
    pub left_out: Vec<String>,
}

/// Why the archive did not take a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be reached or is busy: to be tried again. Whether it has the document is not known.
    #[error("the archive does not answer: {why}")]
    Unavailable {
        /// What failed, without content.
        why: String,
        /// Seconds until it is worth trying again, where it said so.
        retry_after: Option<u32>,
    },
    /// It says no: the same will be refused again until somebody mends something.
    #[error("the archive refuses the document: {0}")]
    Refused(String),
}

/// The archive.
///
/// Made before any listener; may be called from any task until the process ends. A document that is handed over again
/// is kept once: the archive knows it by the dialog's id.
#[async_trait]
pub trait Archive: Send + Sync + 'static {
    /// Bytes of files that one document may have, all together.
    fn most_file_bytes(&self) -> u64;

    /// Keeps the document; gives the archive's own reference to it, at most 256 visible ASCII characters.
    ///
    /// # Errors
    /// Where it is not kept, or nobody knows.
    async fn keep(&self, document: Document) -> Result<String, ArchiveError>;
}
