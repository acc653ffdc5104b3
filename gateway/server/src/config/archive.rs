//! Citizens' personal archive: where it is.

use dialog_host::UpstreamBinding;
use serde::Deserialize;

use crate::limits::ARCHIVE_FILE_BYTES;

/// `[archive]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArchiveConfig {
    /// Bytes of files that go with one document: within [`ARCHIVE_FILE_BYTES`]; further files are named, and left out.
    #[serde(default = "file_bytes")]
    pub file_bytes: u64,
    /// Where it is: below it is `Bundle`.
    pub upstream: UpstreamBinding,
}

/// Three files of the largest size: a document is in memory as a whole, and some at once.
const fn file_bytes() -> u64 {
    32 * 1024 * 1024
}

impl ArchiveConfig {
    /// Whether its limit is one.
    ///
    /// # Errors
    /// The key that is wrong, and how.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if ARCHIVE_FILE_BYTES.contains(&self.file_bytes) {
            Ok(())
        } else {
            Err(("file-bytes", "must be at most 104857600: a message has at most ten files of 10 MiB"))
        }
    }
}
