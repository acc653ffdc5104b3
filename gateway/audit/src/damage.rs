//! What is wrong with a log's folder, and where.

use std::fmt;
use std::io;

/// Something in the folder that does not verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, relative to the log's folder, as tlog-tiles names it (`tile/0/x001/234`).
    pub file: String,
    /// The first entry that the damage concerns, where one can be named.
    pub index: Option<u64>,
    /// What does not hold, in plain words.
    pub what: String,
}

impl Damage {
    pub(crate) fn new(file: impl Into<String>, what: impl Into<String>) -> Self {
        Self { file: file.into(), index: None, what: what.into() }
    }

    pub(crate) fn at(file: impl Into<String>, index: u64, what: impl Into<String>) -> Self {
        Self { file: file.into(), index: Some(index), what: what.into() }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "{} (from entry {index}): {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for Damage {}

/// Why something in the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It does not verify.
    #[error("{0}")]
    Damage(#[from] Damage),
    /// The system did not let it be read or written.
    #[error("{file}: {source}")]
    Io {
        /// The file, relative to the folder.
        file: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Fault {
    pub(crate) fn io(file: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let file = file.into();
        move |source| Self::Io { file, source }
    }
}
