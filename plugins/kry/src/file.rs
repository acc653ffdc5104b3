//! Files in both directions.
//!
//! To the vendor they stand in the request as base64; the gateway fills them in, so that they never enter the plugin.
//! From the vendor they are fetched one by one: each is a resource `attachments` with its content behind it.

use dialog_plugin_sdk::upstream::{self, Body, Cause};
use dialog_plugin_sdk::{Attachment, Failure, Sent, attachments, log};
use serde::{Deserialize, Serialize};

use crate::UPSTREAM;
use crate::document::{Draft, Odd, Resource};
use crate::words::clip;

/// Characters of a file's name, by the contract.
const MAX_NAME: usize = 120;
/// Bytes of a file, by the contract.
const MAX_SIZE: u64 = 10 * 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    name: &'a str,
    media_type: &'a str,
}

/// A document whose attributes end in `attachments`.
///
/// # Errors
/// The draft has no form in JSON, or its attributes are no object: `faulty`, nothing sent.
pub fn with_files<A: Serialize>(draft: &Draft<'_, A>, files: &[Attachment]) -> Result<Body, Failure> {
    let unwritable = || Failure::faulty(Sent::No, "a request that has no form in JSON");
    let document = draft.text()?;
    // The attributes are the last member, and not empty.
    let open = document.strip_suffix("}}}").filter(|open| !open.ends_with('{')).ok_or_else(unwritable)?;
    let mut body = Body::new().text(open).text(r#","attachments":["#);
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
    Ok(body.text("]}}}"))
}

/// A file as the vendor lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    id: String,
    facts: Facts,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    /// As the sender named it.
    name: String,
    /// As the vendor believes it.
    media_type: String,
    /// In bytes.
    size: u64,
}

impl Listed {
    /// The file of a resource `attachments`.
    ///
    /// # Errors
    /// Its attributes are of another shape.
    pub fn of(attachment: &Resource) -> Result<Self, Odd> {
        Ok(Self { id: attachment.id.clone(), facts: attachment.attributes()? })
    }
}

/// Requests that fetching may still make in this call, and whether a file that does not come is waited for.
#[derive(Debug)]
pub struct Budget {
    requests: u32,
    patient: bool,
}

/// Why a file did not come.
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

    /// Whether a file that does not come now is waited for, or given up.
    pub fn set_patience(&mut self, patient: bool) {
        self.patient = patient;
    }

    fn missing(&self, failure: Failure) -> Missing {
        if self.patient { Missing::Now(failure) } else { Missing::ForGood("it has not come for an hour") }
    }
}

/// Fetches a file and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    if listed.facts.size > MAX_SIZE {
        return Err(Missing::ForGood("it is over 10 MiB"));
    }
    budget.requests = budget.requests.checked_sub(1).ok_or(Missing::OutOfBudget)?;
    let answer = match upstream::get(UPSTREAM, "/v1/attachments").segment(&listed.id).segment("content").send() {
        Ok(answer) => answer,
        Err(error) if error.cause == Cause::TooLarge => {
            return Err(Missing::ForGood("it is over what the gateway takes"));
        }
        Err(error) if matches!(error.cause, Cause::Forbidden(_)) => {
            return Err(Missing::ForGood("its id is not one that a path can hold"));
        }
        Err(error) if error.cause == Cause::TooMany => return Err(Missing::OutOfBudget),
        Err(error) => return Err(budget.missing(error.into())),
    };
    if matches!(answer.status, 404 | 410) {
        return Err(Missing::ForGood("the vendor does not have it any more"));
    }
    let answer = answer.success().map_err(|failure| budget.missing(failure))?;
    if answer.body.len() as u64 != listed.facts.size {
        log::warn!("a file has {} bytes and was announced with {}", answer.body.len(), listed.facts.size);
    }
    attachments::create(&name(&listed.facts.name), &listed.facts.media_type, &answer.body).map_err(
        |error| match error {
            attachments::Error::Unavailable => Missing::Now(error.into()),
            attachments::Error::TooLarge => Missing::ForGood("it is over 10 MiB"),
            attachments::Error::NotFound | attachments::Error::Unsupported => {
                Missing::ForGood("its content is of a kind that the portal does not take")
            }
        },
    )
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
    #![allow(clippy::unwrap_used, reason = "a test says what failed by failing")]
    use super::*;

    #[test]
    fn a_name_has_no_path_and_is_never_empty() {
        assert_eq!(name("C:\\temp\\attest.pdf"), "attest.pdf");
        assert_eq!(name("../\u{7}"), "vedlegg");
        assert_eq!(name(&"æ".repeat(200)).chars().count(), 120);
    }

    #[test]
    fn only_attributes_that_are_there_can_be_followed_by_files() {
        let draft = |attributes| Draft { kind: "messages", id: None, attributes, related: &[] };
        assert!(with_files(&draft(serde_json::json!({ "text": "Hei" })), &[]).is_ok());
        assert!(with_files(&draft(serde_json::json!({})), &[]).is_err());
        assert!(with_files(&draft(serde_json::json!([])), &[]).is_err());
    }
}
