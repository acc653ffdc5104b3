//! Files in both directions.
//!
//! To the vendor they stand in the message as base64; the gateway fills them in, so that they never enter the plugin.
//! From the vendor they are fetched one by one: each is a `Binary`.

use dialog_plugin_sdk::upstream::{self, Body, Cause};
use dialog_plugin_sdk::{Attachment, Failure, attachments, log};
use serde::{Deserialize, Serialize};

use crate::ask::{self, Budget};
use crate::fhir::element::id_of;
use crate::refusal;
use crate::{UPSTREAM, clip};

/// Characters of a file's name, by the contract.
const MAX_NAME: usize = 120;
/// Bytes of a file, by the contract.
const MAX_SIZE: u64 = 10 * 1024 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    content_type: &'a str,
    title: &'a str,
}

/// Goes on with a payload: each file is one more part of it.
///
/// # Errors
/// A name without a form in JSON: `faulty`, nothing sent.
pub fn attached(mut body: Body, files: &[Attachment]) -> Result<Body, Failure> {
    for file in files {
        let head = serde_json::to_string(&Head { content_type: &file.media_type, title: &file.name })
            .map_err(|_| ask::unwritable())?;
        let open = head.strip_suffix('}').ok_or_else(ask::unwritable)?;
        body = body
            .text(r#",{"contentAttachment":"#)
            .text(open)
            .text(r#","data":""#)
            .base64(Body::new().attachment(file))
            .text(r#""}}"#);
    }
    Ok(body)
}

/// A file as a message lists it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Media type, as the vendor believes it.
    #[serde(default)]
    pub content_type: String,
    /// As the sender named it.
    #[serde(default)]
    pub title: String,
    /// `Binary/id`.
    #[serde(default)]
    pub url: String,
    /// In bytes.
    #[serde(default)]
    pub size: Option<u64>,
}

/// Why a file did not come.
#[derive(Debug)]
pub enum Missing {
    /// Asking again would not help: the message goes on without it.
    ForGood(&'static str),
    /// The vendor does not answer now, or the call can do no more.
    Now(Failure),
}

/// Fetches a file and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    if listed.size.is_some_and(|size| size > MAX_SIZE) {
        return Err(Missing::ForGood("it is over 10 MiB"));
    }
    let Some(id) = id_of(&listed.url, "Binary") else {
        return Err(Missing::ForGood("it is somewhere that the plugin does not reach"));
    };
    budget.spend().map_err(Missing::Now)?;
    let answer = match upstream::get(UPSTREAM, "/Binary").segment(id).send() {
        Ok(answer) => answer,
        Err(error) if error.cause == Cause::TooLarge => {
            return Err(Missing::ForGood("it is over what the gateway takes"));
        }
        Err(error) => return Err(Missing::Now(error.into())),
    };
    if matches!(answer.status, 404 | 410) {
        return Err(Missing::ForGood("the vendor does not have it any more"));
    }
    let answer = answer.success().map_err(refusal::of_a_search).map_err(Missing::Now)?;
    if listed.size.is_some_and(|size| size != answer.body.len() as u64) {
        log::warn!("a file has {} bytes and was announced with others", answer.body.len());
    }
    attachments::create(&name(&listed.title), &listed.content_type, &answer.body).map_err(|error| match error {
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
    use super::name;

    #[test]
    fn a_name_has_no_path_and_is_never_empty() {
        assert_eq!(name("C:\\temp\\attest.pdf"), "attest.pdf");
        assert_eq!(name("../\u{7}"), "vedlegg");
        assert_eq!(name(&"æ".repeat(200)).chars().count(), 120);
    }
}
