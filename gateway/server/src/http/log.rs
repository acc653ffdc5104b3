//! The audit log's public files over HTTP, as C2SP tlog-tiles has them: whoever verifies the log needs nothing else.
//!
//! Reading them leaves no record: a log that grew by being read would never be read to its end. Refusals are recorded.

use std::{io, sync::Arc};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use dialog_audit::PublicFile;
use dialog_contract::problem::ProblemType;
use http::header;

use super::{caller::LogReader, reply::Refusal};
use crate::gateway::Gateway;

/// A tile that is full never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What grows is asked for anew.
const ASK_AGAIN: &str = "no-cache";

/// `GET /log/checkpoint`
pub async fn checkpoint(State(gateway): State<Arc<Gateway>>, _reader: LogReader) -> Result<Response, Refusal> {
    file(&gateway, "checkpoint").await
}

/// `GET /log/tile/{*path}`
pub async fn tile(
    State(gateway): State<Arc<Gateway>>,
    _reader: LogReader,
    Path(path): Path<String>,
) -> Result<Response, Refusal> {
    file(&gateway, &format!("tile/{path}")).await
}

/// Only the one spelling of a public file's path is read: nothing leads out of the folder, or to the journal.
async fn file(gateway: &Gateway, path: &str) -> Result<Response, Refusal> {
    let (kind, cached) = match PublicFile::of(path).ok_or_else(|| Refusal::of(ProblemType::NotFound))? {
        PublicFile::Checkpoint => ("text/plain; charset=utf-8", ASK_AGAIN),
        PublicFile::FullTile => ("application/octet-stream", FOR_EVER),
        PublicFile::PartialTile => ("application/octet-stream", ASK_AGAIN),
    };
    match tokio::fs::read(gateway.log_folder.join(path)).await {
        Ok(bytes) => Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cached)], bytes).into_response()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(Refusal::of(ProblemType::NotFound))
        }
        Err(error) => {
            tracing::error!(%error, path, "a public file of the audit log cannot be read");
            Err(Refusal::of(ProblemType::Internal))
        }
    }
}
