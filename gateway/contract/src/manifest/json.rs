//! JSON of a vendor's. Unlike a citizen's body ([`crate::schema::body`]) it holds nobody's secrets: what is wrong is told
//! with its name.

use serde_json::Value;

use super::{DEPTH, VALUES, breach::printable};
use crate::json::{self, Bounds, FailureKind};

/// Longest key that is repeated in full, in characters.
const SHOWN_KEY: usize = 40;

/// Why bytes are not JSON within bounds. Reads on from the name of what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON (RFC 8259, in UTF-8).
    #[error("is not JSON: {0}")]
    Syntax(String),
    /// An object has the same key twice.
    #[error("has the key \"{key}\" twice in an object, at line {line} column {column}")]
    Twice {
        /// Which.
        key: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// Nested deeper than [`DEPTH`].
    #[error("is nested over {DEPTH} deep, at line {line} column {column}")]
    TooDeep {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// More values than [`VALUES`].
    #[error("has over {VALUES} values")]
    TooMany,
}

/// Reads JSON: at most [`DEPTH`] levels of objects and lists, [`VALUES`] values, each key of an object once. The caller
/// bounds the bytes.
///
/// # Errors
/// [`JsonError`], with line and column.
pub fn read(bytes: &[u8]) -> Result<Value, JsonError> {
    json::read(bytes, Bounds { levels: DEPTH, values: VALUES, whole_numbers: false }).map_err(|failure| {
        let (line, column) = (failure.line, failure.column);
        match failure.kind {
            FailureKind::Twice(key) => JsonError::Twice { key: printable(&key, SHOWN_KEY), line, column },
            FailureKind::TooDeep => JsonError::TooDeep { line, column },
            FailureKind::TooMany => JsonError::TooMany,
            FailureKind::Syntax(words) => JsonError::Syntax(words),
        }
    })
}
