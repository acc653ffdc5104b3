//! Files in both directions.
//!
//! To the vendor they stand in the input as base64; the gateway fills them in, so that they never enter the plugin. From
//! the vendor they are asked for one by one, and come as base64 in the answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dialog_plugin_sdk::upstream::{Body, Cause};
use dialog_plugin_sdk::{Attachment, Failure, Locale, Sent, attachments, log};
use serde::{Deserialize, Serialize};

use crate::change::clip;
use crate::graphql;
use crate::operation::DOCUMENT;

/// Characters of a file's name, by the contract.
const MAX_NAME: usize = 120;
/// Bytes of a file: in base64 it must fit into an answer of 8 MiB, the gateway's limit.
const MAX_SIZE: u64 = 5 * 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    name: &'a str,
    media_type: &'a str,
}

/// Adds a JSON object to a body, with `documents` as its last member.
///
/// # Errors
/// `value` is not an object: `faulty`, nothing sent.
pub fn with_documents<T: Serialize>(body: Body, value: &T, files: &[Attachment]) -> Result<Body, Failure> {
    let unwritable = || Failure::faulty(Sent::No, "a request that has no form in JSON");
    let object = serde_json::to_string(value).map_err(|_| unwritable())?;
    let open = object.strip_suffix('}').filter(|open| open.len() > 1).ok_or_else(unwritable)?;
    let mut body = body.text(open).text(r#","documents":["#);
    for (position, file) in files.iter().enumerate() {
        let head = serde_json::to_string(&Head { name: &file.name, media_type: &file.media_type })
            .map_err(|_| unwritable())?;
        let open = head.strip_suffix('}').ok_or_else(unwritable)?;
        body = body
            .text(if position == 0 { "" } else { "," })
            .text(open)
            .text(r#","content":""#)
            .base64(Body::new().attachment(file))
            .text(r#""}"#);
    }
    Ok(body.text("]}"))
}

/// A document as the vendor lists it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// As the sender named it.
    pub name: String,
    /// As the vendor believes.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
}

#[derive(Serialize)]
struct Wanted<'a> {
    id: &'a str,
}

#[derive(Deserialize)]
struct Fetched {
    content: String,
}

/// Requests that fetching may still make in this call, and whether a document that does not come is waited for.
#[derive(Debug)]
pub struct Budget {
    requests: u32,
    patient: bool,
}

/// Why a document did not come.
#[derive(Debug)]
pub enum Missing {
    /// Asking again would not help: the message goes on without it.
    ForGood(&'static str),
    /// The call has no request left: the rest of the changes waits for the next call.
    OutOfBudget,
    /// The vendor does not answer now.
    Now(Failure),
}

impl Budget {
    /// So many requests.
    #[must_use]
    pub const fn of(requests: u32) -> Self {
        Self { requests, patient: true }
    }

    /// Whether so many requests are left.
    #[must_use]
    pub fn has(&self, requests: usize) -> bool {
        requests <= self.requests as usize
    }

    /// Whether a document that does not come now is waited for, or given up.
    pub fn set_patience(&mut self, patient: bool) {
        self.patient = patient;
    }

    /// Whether what does not come now is waited for.
    #[must_use]
    pub const fn is_patient(&self) -> bool {
        self.patient
    }

    fn missing(&self, failure: Failure) -> Missing {
        if self.patient { Missing::Now(failure) } else { Missing::ForGood("it has not come for an hour") }
    }
}

/// Fetches a document and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    if listed.size > MAX_SIZE {
        return Err(Missing::ForGood("it is over 5 MiB"));
    }
    budget.requests = budget.requests.checked_sub(1).ok_or(Missing::OutOfBudget)?;
    let answer = match graphql::ask(DOCUMENT, &Wanted { id: &listed.id }) {
        Err(error) if error.cause == Cause::TooLarge => {
            return Err(Missing::ForGood("it is over what the gateway takes"));
        }
        Err(error) if error.cause == Cause::TooMany => return Err(Missing::OutOfBudget),
        response => graphql::heard(DOCUMENT, response).map_err(|failure| budget.missing(failure))?,
    };
    if answer.code() == Some("DOCUMENT_NOT_FOUND") {
        return Err(Missing::ForGood("the vendor does not have it any more"));
    }
    // No citizen reads why: the language is nobody's.
    let found = answer.expect::<Fetched>(Locale::Nb, &[]).map_err(|failure| budget.missing(failure))?;
    let (Fetched { content }, _) = found;
    let Ok(bytes) = STANDARD.decode(content) else {
        return Err(Missing::ForGood("its content is not base64"));
    };
    if bytes.len() as u64 != listed.size {
        log::warn!("a document has {} bytes and was announced with {}", bytes.len(), listed.size);
    }
    attachments::create(&name(&listed.name), &listed.media_type, &bytes).map_err(|error| match error {
        attachments::Error::Unavailable => Missing::Now(error.into()),
        attachments::Error::TooLarge => Missing::ForGood("it is over 10 MiB"),
        attachments::Error::NotFound | attachments::Error::Unsupported => {
            Missing::ForGood("its content is of a kind that the portal does not take")
        }
    })
}

/// Without path and control characters.
fn name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|character| !character.is_control()).collect();
    let plain = plain.trim();
    if plain.is_empty() { "vedlegg".to_owned() } else { clip(plain, MAX_NAME) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_path_and_is_never_empty() {
        assert_eq!(name("C:\\temp\\attest.pdf"), "attest.pdf");
        assert_eq!(name("../\u{7}"), "vedlegg");
        assert_eq!(name(&"æ".repeat(200)).chars().count(), 120);
    }

    #[test]
    fn only_an_object_can_have_documents() {
        assert!(with_documents(Body::new(), &[1, 2], &[]).is_err());
        assert!(with_documents(Body::new(), &serde_json::json!({}), &[]).is_err());
    }
}
