//! Files in both directions.
//!
//! To a vendor they mostly stand in the request as base64; the gateway fills them in, so that they never enter the plugin
//! ([`list`]). From a vendor they are fetched one by one, and a call can make only so many requests: a [`Budget`] says how
//! many are left, [`Missing`] why a file did not come and whether it is worth waiting for.

use serde_json::Value;

use crate::upstream::{self, Body, Cause, Response};
use crate::{Attachment, Failure, Sent, attachments, log, text};

/// Characters of a file's name, by the contract.
const MAX_NAME: usize = 120;
/// Bytes of a file, by the contract.
pub const MAX_SIZE: u64 = 10 * 1024 * 1024;

/// Goes on with a JSON array of the files: each an object with the members of `head` and its base64 in `content`.
///
/// # Errors
/// A head that is not an object with members: `faulty`, nothing sent.
pub fn list(
    body: Body,
    files: &[Attachment],
    content: &str,
    head: impl Fn(&Attachment) -> Value,
) -> Result<Body, Failure> {
    let unwritable = || Failure::faulty(Sent::No, "a request that has no form in JSON");
    let mut body = body.text("[");
    for (position, file) in files.iter().enumerate() {
        let head = head(file).to_string();
        let open = head.strip_prefix('{').and_then(|head| head.strip_suffix('}')).filter(|open| !open.is_empty());
        body = body
            .text(if position == 0 { "{" } else { ",{" })
            .text(open.ok_or_else(unwritable)?)
            .text(format!(",{}:\"", Value::from(content)))
            .base64(Body::new().attachment(file))
            .text("\"}");
    }
    Ok(body.text("]"))
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
    /// The call has no request left: what is behind it waits for the next call.
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
    pub const fn has(&self, requests: usize) -> bool {
        requests <= self.requests as usize
    }

    /// Whether a file that does not come now is waited for, or given up.
    pub const fn set_patience(&mut self, patient: bool) {
        self.patient = patient;
    }

    /// Whether what does not come now is waited for.
    #[must_use]
    pub const fn is_patient(&self) -> bool {
        self.patient
    }

    /// Takes one request.
    ///
    /// # Errors
    /// None is left.
    pub fn spend(&mut self) -> Result<(), Missing> {
        self.requests = self.requests.checked_sub(1).ok_or(Missing::OutOfBudget)?;
        Ok(())
    }

    /// What a failure to fetch comes to. A no is for good; an outage is waited for as long as there is patience.
    #[must_use]
    pub fn missing(&self, failure: Failure) -> Missing {
        match failure {
            // The vendor says so itself, and will say so again.
            Failure::NotFound(_) | Failure::Conflict(_) | Failure::Declined(_) | Failure::Invalid(_) => {
                Missing::ForGood("the vendor does not have it any more")
            }
            failure if self.patient => Missing::Now(failure),
            _ => Missing::ForGood("it has not come for too long"),
        }
    }

    /// The file in an HTTP answer: its whole body.
    ///
    /// # Errors
    /// Says whether asking again would help.
    pub fn file(&self, answer: Result<Response, upstream::Error>) -> Result<Response, Missing> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return Err(match error.cause {
                    Cause::TooLarge => Missing::ForGood("it is over what the gateway takes"),
                    Cause::Forbidden(_) => Missing::ForGood("its id is not one that a path can hold"),
                    Cause::TooMany => Missing::OutOfBudget,
                    _ => self.missing(error.into()),
                });
            }
        };
        if matches!(answer.status, 404 | 410) {
            return Err(Missing::ForGood("the vendor does not have it any more"));
        }
        answer.success().map_err(|failure| self.missing(failure))
    }
}

/// A file as a vendor lists it.
#[derive(Debug, Clone, Copy)]
pub struct Announced<'a> {
    /// As the sender named it.
    pub name: &'a str,
    /// As the vendor believes; the gateway finds out itself.
    pub media_type: &'a str,
    /// In bytes, where it says so.
    pub size: Option<u64>,
}

impl Announced<'_> {
    /// Whether fetching is worth a request: not over so many bytes.
    ///
    /// # Errors
    /// It is larger, for good.
    pub fn within(&self, most: u64) -> Result<(), Missing> {
        match self.size {
            Some(size) if size > most => Err(Missing::ForGood("it is larger than what can be fetched")),
            _ => Ok(()),
        }
    }

    /// Keeps it.
    ///
    /// # Errors
    /// Its content is too large or of a kind that the portal does not take, or it cannot be kept now.
    pub fn keep(&self, bytes: &[u8]) -> Result<Attachment, Missing> {
        if let Some(size) = self.size.filter(|size| *size != bytes.len() as u64) {
            log::warn!("a file has {} bytes and was announced with {size}", bytes.len());
        }
        attachments::create(&name(self.name), self.media_type, bytes).map_err(|error| match error {
            attachments::Error::Unavailable => Missing::Now(error.into()),
            attachments::Error::TooLarge => Missing::ForGood("it is over 10 MiB"),
            attachments::Error::NotFound | attachments::Error::Unsupported => {
                Missing::ForGood("its content is of a kind that the portal does not take")
            }
        })
    }
}

/// A file's name without path and control characters, never empty.
fn name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    text::line(&last.replace(char::is_control, ""), MAX_NAME).unwrap_or_else(|| "vedlegg".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Method;

    #[test]
    fn a_name_has_no_path_and_is_never_empty() {
        assert_eq!(name("C:\\temp\\attest.pdf"), "attest.pdf");
        assert_eq!(name("../\u{7}"), "vedlegg");
        assert_eq!(name(&"æ".repeat(200)).chars().count(), MAX_NAME);
    }

    #[test]
    fn only_an_object_with_members_can_have_a_file_behind_it() {
        let file = Attachment { id: "1".into(), media_type: "image/png".into(), name: "a.png".into(), size: 3 };
        let with = |head: Value| list(Body::new(), std::slice::from_ref(&file), "content", |_| head.clone());
        assert!(with(serde_json::json!({ "name": "a" })).is_ok());
        assert!(with(serde_json::json!({})).is_err());
        assert!(with(serde_json::json!([1])).is_err());
    }

    #[test]
    fn what_the_vendor_denies_is_gone_and_what_it_does_not_answer_is_waited_for_while_there_is_patience() {
        let mut budget = Budget::of(1);
        let outage = || Failure::unavailable(Sent::No, "down");
        assert!(matches!(budget.missing(outage()), Missing::Now(_)));
        assert!(matches!(budget.missing(Failure::not_found("gone", "Borte.")), Missing::ForGood(_)));
        budget.set_patience(false);
        assert!(matches!(budget.missing(outage()), Missing::ForGood(_)));
    }

    #[test]
    fn an_answer_is_the_file_or_says_why_there_is_none() {
        let mut budget = Budget::of(1);
        assert!(budget.has(1) && budget.spend().is_ok() && !budget.has(1));
        assert!(matches!(budget.spend(), Err(Missing::OutOfBudget)));
        let failed = |cause| Err(upstream::Error { upstream: "api".into(), method: Method::Get, cause });
        assert!(matches!(budget.file(failed(Cause::TooLarge)), Err(Missing::ForGood(_))));
        assert!(matches!(budget.file(failed(Cause::TooMany)), Err(Missing::OutOfBudget)));
        assert!(matches!(budget.file(failed(Cause::Unreachable("refused".into()))), Err(Missing::Now(_))));
        let big = Announced { name: "a", media_type: "image/png", size: Some(MAX_SIZE + 1) };
        assert!(big.within(MAX_SIZE).is_err() && Announced { size: None, ..big }.within(MAX_SIZE).is_ok());
    }
}
