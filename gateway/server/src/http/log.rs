//! The audit log's public files over HTTP, as C2SP tlog-tiles has them: whoever verifies the log needs nothing else. The
//! logs that this one continues are served beside it, each by the hash of its origin.
//!
//! Tiles never change, partial ones neither: whoever has one need not ask again. The checkpoint does, and has an `ETag`.
//! Bundles of entries are text, and go compressed to whom that suits; hashes cannot be.
//!
//! Reading them is recorded by the hour, and not by the file: [`crate::log_reading`]. Refusals are each recorded.

use std::{
    io::{self, Write as _},
    path::Path as Folder,
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{FromRequestParts, Path},
    response::{IntoResponse, Response},
};
use dialog_audit::{PublicFile, SignedCheckpoint};
use dialog_contract::problem::ProblemType;
use dialog_core::ports::{clock::Clock as _, evidence::Evidence as _};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::{caller::LogReader, envelope::Envelope, reply::Refusal};
use crate::{gateway::Gateway, hex, limits::COMPRESSED_BUNDLE_BYTES, log_reading::Purpose};

/// What the log is read for.
const AUDIT_PURPOSE: HeaderName = HeaderName::from_static("audit-purpose");

/// A tile never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What grows is asked for anew.
const ASK_AGAIN: &str = "no-cache";

/// `GET /log/checkpoint`
pub async fn checkpoint(asked: Asked) -> Result<Response, Refusal> {
    asked.file(&asked.gateway.log_folder, "checkpoint").await
}

/// `GET /log/removed`
pub async fn removed(asked: Asked) -> Result<Response, Refusal> {
    asked.file(&asked.gateway.log_folder, "removed").await
}

/// `GET /log/tile/{*path}`
pub async fn tile(asked: Asked, Path(path): Path<String>) -> Result<Response, Refusal> {
    asked.file(&asked.gateway.log_folder, &format!("tile/{path}")).await
}

/// `GET /log/predecessors/{origin}/checkpoint`
pub async fn earlier_checkpoint(asked: Asked, Path(origin): Path<String>) -> Result<Response, Refusal> {
    asked.file(earlier(&asked.gateway, &origin)?, "checkpoint").await
}

/// `GET /log/predecessors/{origin}/removed`
pub async fn earlier_removed(asked: Asked, Path(origin): Path<String>) -> Result<Response, Refusal> {
    asked.file(earlier(&asked.gateway, &origin)?, "removed").await
}

/// `GET /log/predecessors/{origin}/tile/{*path}`
pub async fn earlier_tile(asked: Asked, Path((origin, path)): Path<(String, String)>) -> Result<Response, Refusal> {
    asked.file(earlier(&asked.gateway, &origin)?, &format!("tile/{path}")).await
}

/// The folder of a log that this one continues, by the SHA-256 of its origin.
fn earlier<'a>(gateway: &'a Gateway, origin: &str) -> Result<&'a Folder, Refusal> {
    let found = gateway.earlier_logs.get(origin);
    found.map(std::path::PathBuf::as_path).ok_or_else(|| Refusal::of(ProblemType::NotFound))
}

/// A request for a file of a log, from somebody who may have it.
pub struct Asked {
    gateway: Arc<Gateway>,
    envelope: Envelope,
    reader: LogReader,
    headers: HeaderMap,
}

impl FromRequestParts<Arc<Gateway>> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, gateway: &Arc<Gateway>) -> Result<Self, Refusal> {
        let reader = LogReader::from_request_parts(parts, gateway).await?;
        let (envelope, headers) = (Envelope::of(parts), parts.headers.clone());
        Ok(Self { gateway: Arc::clone(gateway), envelope, reader, headers })
    }
}

impl Asked {
    /// Only the one spelling of a public file's path is read: nothing leads out of the folder, or to the journal.
    async fn file(&self, folder: &Folder, path: &str) -> Result<Response, Refusal> {
        let public = PublicFile::of(path).ok_or_else(|| Refusal::of(ProblemType::NotFound))?;
        let purpose = Purpose::of(self.headers.get(&AUDIT_PURPOSE).and_then(|purpose| purpose.to_str().ok()));
        self.record(purpose).await;
        let read = match public {
            PublicFile::Checkpoint => newest(&folder.join(path), &self.headers).await,
            PublicFile::Removed => of_now(&folder.join(path)).await,
            PublicFile::FullTile | PublicFile::PartialTile => {
                let compresses = path.starts_with("tile/entries/");
                immutable(&folder.join(path), compresses, &self.headers).await
            }
        };
        if let (Ok(_), Some(actor)) = (&read, &self.reader.actor) {
            self.gateway.log_reading.gave(actor, purpose, path);
        }
        read.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Refusal::of(ProblemType::NotFound),
            _ => {
                tracing::error!(%error, path, "a public file of the audit log cannot be read");
                Refusal::of(ProblemType::Internal)
            }
        })
    }

    /// Says in the log who begins to read it.
    async fn record(&self, purpose: Purpose) {
        let Some(actor) = &self.reader.actor else { return };
        let Gateway { log_reading, evidence, clock, .. } = &*self.gateway;
        let Some(mut record) = log_reading.begins(actor, purpose, clock.now()) else { return };
        record.request = Some(self.envelope.request);
        record.trace_id = Some(self.envelope.trace_id.clone());
        if let Err(error) = evidence.record(record).await {
            tracing::error!(%error, client = actor.client, "that the audit log is read could not be recorded");
            log_reading.not_recorded(actor, purpose);
        }
    }
}

async fn newest(path: &Folder, headers: &HeaderMap) -> io::Result<Response> {
    let note = tokio::fs::read(path).await?;
    let size = SignedCheckpoint::unverified(&note).map_err(io::Error::other)?.size;
    // The same tree may be signed by more witnesses later: the size alone does not say which note it is.
    let tag = format!("\"{size}-{}\"", &hex(&Sha256::digest(&note))[..8]);
    let tag = HeaderValue::try_from(tag).map_err(io::Error::other)?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let common = [(header::CACHE_CONTROL, HeaderValue::from_static(ASK_AGAIN)), (header::ETAG, tag.clone())];
    if known.is_some_and(|known| matches_any(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

async fn of_now(path: &Folder) -> io::Result<Response> {
    let text = tokio::fs::read(path).await?;
    let headers = [(header::CACHE_CONTROL, ASK_AGAIN), (header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((headers, text).into_response())
}

/// Whether one of the tags of `If-None-Match` is this one; weakly, as RFC 9110 has it.
fn matches_any(known: &str, tag: &HeaderValue) -> bool {
    let mut tags = known.split(',').map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes())
}

async fn immutable(path: &Folder, compresses: bool, headers: &HeaderMap) -> io::Result<Response> {
    let file = File::open(path).await?;
    let metadata = file.metadata().await?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let length = metadata.len();
    let mut response = if compresses && length <= COMPRESSED_BUNDLE_BYTES && takes_gzip(headers) {
        let path = path.to_owned();
        let packed = tokio::task::spawn_blocking(move || gzip(&std::fs::read(path)?)).await;
        ([(header::CONTENT_ENCODING, "gzip")], packed.map_err(io::Error::other)??).into_response()
    } else {
        ([(header::CONTENT_LENGTH, length)], Body::from_stream(ReaderStream::new(file))).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    if compresses {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    Ok(response)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Whether the caller takes gzip: named, or by `*`, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let codings: Vec<&str> = all.flat_map(|value| value.split(',')).collect();
    let weight = |wanted: &str| {
        codings.iter().find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            if !name.trim().eq_ignore_ascii_case(wanted) {
                return None;
            }
            let weight = parameters.trim().strip_prefix("q=").unwrap_or("1");
            Some(weight.trim().parse::<f32>().is_ok_and(|weight| weight > 0.0))
        })
    };
    weight("gzip").or_else(|| weight("*")).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn with(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (header::ACCEPT_ENCODING, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn gzip_goes_to_whom_it_suits() {
        for yes in
            [&["gzip"][..], &["br, GZIP;q=0.5"], &["br", "gzip"], &["*"], &["identity;q=0, *;q=0.1"], &["gzip; q=1"]]
        {
            assert!(takes_gzip(&with(yes)), "{yes:?}");
        }
        for no in [&[][..], &["identity"], &["br"], &["gzip;q=0"], &["gzip;q=0, *"], &["*;q=0"], &["gzip;q=x"], &[""]] {
            assert!(!takes_gzip(&with(no)), "{no:?}");
        }
    }

    #[test]
    fn a_tag_is_found_among_others() {
        let tag = HeaderValue::from_static("\"7-00\"");
        for yes in ["\"7-00\"", "W/\"7-00\"", "\"6-00\", \"7-00\"", "*"] {
            assert!(matches_any(yes, &tag), "{yes}");
        }
        for no in ["\"7-01\"", "7-00", "", "\"6-00\""] {
            assert!(!matches_any(no, &tag), "{no}");
        }
    }
}
