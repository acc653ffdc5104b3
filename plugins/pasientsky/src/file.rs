//! Files in both directions.
//!
//! To the vendor they stand in the message as base64; the gateway fills them in, so that they never enter the plugin.
//! From the vendor they are fetched one by one: each is a `Binary`.

use dialog_plugin_sdk::files::{Announced, MAX_SIZE, Missing};
use dialog_plugin_sdk::upstream::{self, Body, Cause};
use dialog_plugin_sdk::{Attachment, Failure};
use serde::{Deserialize, Serialize};

use crate::UPSTREAM;
use crate::ask::{self, Budget};
use crate::fhir::element::id_of;
use crate::refusal;

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

/// Fetches a file and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    let announced = Announced { name: &listed.title, media_type: &listed.content_type, size: listed.size };
    announced.within(MAX_SIZE)?;
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
    announced.keep(&answer.body)
}
