//! The citizen's personal archive (Personlig helsearkiv): closed dialogs go there as FHIR R4 documents, for citizens who
//! chose so, to a system that the operator bound.
//!
//! A document is created conditionally (`If-None-Exist`) on its identifier, which is the dialog's: handed over again, after
//! a crash or an answer that never came, it is kept once, and the archive gives the same reference.
//!
//! - [`document`]: from a dialog to a Bundle.
//! - here: handing it over, and what the answer means.

pub mod document;

use std::time::Duration;

use async_trait::async_trait;
use dialog_core::ports::archive::{Archive, ArchiveError, Document};
use dialog_host::upstream::remote::{Answered, Asked, Remote, RemoteError};
use serde::Deserialize;

/// How long the archive may take: a document with its files over a slow line.
const PATIENCE: Duration = Duration::from_secs(60);

/// A resource's id, in characters (FHIR R4).
const ID: usize = 64;

/// The archive that the operator bound.
pub struct PersonalArchive {
    remote: Remote,
    most_file_bytes: u64,
}

impl PersonalArchive {
    /// Asks nobody yet. `most_file_bytes` is for the files of one document.
    #[must_use]
    pub const fn new(remote: Remote, most_file_bytes: u64) -> Self {
        Self { remote, most_file_bytes }
    }
}

#[async_trait]
impl Archive for PersonalArchive {
    fn most_file_bytes(&self) -> u64 {
        self.most_file_bytes
    }

    async fn keep(&self, document: Document) -> Result<String, ArchiveError> {
        let identifier = document::identifier(&document);
        let body = document::bundle(&document).to_string();
        // Its text is in the body from here on: nothing of it twice in memory.
        drop(document);
        let headers = [
            ("content-type", "application/fhir+json; charset=utf-8".to_owned()),
            ("accept", "application/fhir+json".to_owned()),
            ("prefer", "return=minimal".to_owned()),
            ("if-none-exist", format!("identifier={}|{identifier}", document::URI)),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        let asked = Asked { path: "/Bundle", query: &[], headers: &headers, body: Some(body.into()) };
        let answer = self.remote.ask(asked, PATIENCE).await.map_err(|error| match error {
            RemoteError::Defect(rule) => ArchiveError::Refused(rule),
            error => ArchiveError::Unavailable { why: error.to_string(), retry_after: None },
        })?;
        taken(&answer)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    resource_type: String,
    id: String,
}

/// What the answer means.
fn taken(answer: &Answered) -> Result<String, ArchiveError> {
    match answer.status {
        // Made now, or there already.
        200 | 201 => reference(answer).ok_or_else(|| {
            // It has the document; asked again it says the same, and somebody must look why nobody can tell which.
            ArchiveError::Refused("it does not say where it keeps the document".to_owned())
        }),
        408 | 425 | 429 | 500..=599 => Err(ArchiveError::Unavailable {
            why: format!("it answered {}", answer.status),
            retry_after: answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok()),
        }),
        status => Err(ArchiveError::Refused(format!("it answered {status}"))),
    }
}

/// `Bundle/<id>`, from `Location` or the resource itself.
fn reference(answer: &Answered) -> Option<String> {
    let located = answer.header("location").and_then(|location| {
        let mut parts = location.split('/').skip_while(|part| *part != "Bundle");
        parts.next()?;
        parts.next().map(str::to_owned)
    });
    let id = located.or_else(|| {
        let kept: Kept = serde_json::from_slice(&answer.body).ok()?;
        (kept.resource_type == "Bundle").then_some(kept.id)
    })?;
    let is_id = (1..=ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    is_id.then(|| format!("Bundle/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, header: Option<(&str, &str)>, body: &str) -> Answered {
        let headers = header.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answered { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_reference_is_the_one_that_the_archive_says_by_header_or_body() {
        for location in ["Bundle/a-1.b", "https://arkiv.example/fhir/Bundle/a-1.b/_history/1"] {
            let answer = answered(201, Some(("location", location)), "");
            assert_eq!(taken(&answer), Ok("Bundle/a-1.b".to_owned()), "{location}");
        }
        let there = answered(200, None, r#"{"resourceType":"Bundle","id":"7","entry":[]}"#);
        assert_eq!(taken(&there), Ok("Bundle/7".to_owned()));
    }

    #[test]
    fn an_answer_that_names_nothing_or_something_else_is_no_receipt() {
        let long = format!("Bundle/{}", "x".repeat(65));
        for location in ["Bundle", "Bundle/", "Patient/1", "Bundle/a b", long.as_str()] {
            assert!(taken(&answered(201, Some(("location", location)), "")).is_err(), "{location}");
        }
        for body in ["", "{}", r#"{"resourceType":"OperationOutcome","id":"7"}"#, r#"{"resourceType":"Bundle","id":7}"#]
        {
            assert!(taken(&answered(200, None, body)).is_err(), "{body}");
        }
    }

    #[test]
    fn what_passes_is_tried_again_and_what_is_a_no_is_a_no() {
        for status in [408, 429, 500, 502, 503] {
            let answer = taken(&answered(status, Some(("retry-after", "7")), ""));
            assert!(matches!(answer, Err(ArchiveError::Unavailable { retry_after: Some(7), .. })), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 412, 422] {
            assert!(matches!(taken(&answered(status, None, "")), Err(ArchiveError::Refused(_))), "{status}");
        }
    }
}
