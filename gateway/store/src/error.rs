//! Why a store or a folder of blobs could not be opened.

use std::path::PathBuf;

/// Why opening failed. Nothing is committed to a folder that was refused, but sled's own recovery may have run in it:
/// for [`OpenError::Damaged`] and [`OpenError::LostCommits`], copy the folder before anything else is tried.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works in this folder.
    #[error("{}: another process has it open", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder was written by a newer gateway.
    #[error(
        "{}: written in format {found}, this program reads up to format {supported}; start the newer program",
        folder.display()
    )]
    NewerFormat {
        /// The folder.
        folder: PathBuf,
        /// Format of the folder.
        found: u32,
        /// Newest format that this program knows.
        supported: u32,
    },
    /// The folder holds a sled database of something else.
    #[error("{}: holds a sled database that is no dialog store", folder.display())]
    NotAStore {
        /// The folder.
        folder: PathBuf,
    },
    /// Commits that were durable are gone: the files were damaged, cut or replaced.
    #[error(
        "{}: commits up to {recorded} were durable, only those up to {recovered} can be read; restore the folder \
         from a copy, or remove its file `watermark` to accept the loss",
        folder.display()
    )]
    LostCommits {
        /// The folder.
        folder: PathBuf,
        /// Last revision known to have been durable.
        recorded: u64,
        /// Last revision that can be read.
        recovered: u64,
    },
    /// The files cannot be read as what was written.
    #[error("{}: damaged: {detail}", folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The folder cannot be read or written now.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: impl Into<PathBuf>, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, action, source }
    }
}
