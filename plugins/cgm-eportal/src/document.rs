//! Files in both directions.
//!
//! To the vendor they stand in the input as base64; the gateway fills them in, so that they never enter the plugin. From
//! the vendor they are asked for one by one, and come as base64 in the answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dialog_plugin_sdk::files::{self, Announced, Budget, Missing};
use dialog_plugin_sdk::upstream::{Body, Cause};
use dialog_plugin_sdk::{Attachment, Failure, Locale, Sent};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::graphql;
use crate::operation::DOCUMENT;

/// Bytes of a file: in base64 it must fit into an answer of 8 MiB, the gateway's limit.
const MAX_SIZE: u64 = 5 * 1024 * 1024;

/// Adds a JSON object to a body, with `documents` as its last member.
///
/// # Errors
/// `value` is not an object: `faulty`, nothing sent.
pub fn with_documents<T: Serialize>(body: Body, value: &T, files: &[Attachment]) -> Result<Body, Failure> {
    let unwritable = || Failure::faulty(Sent::No, "a request that has no form in JSON");
    let object = serde_json::to_string(value).map_err(|_| unwritable())?;
    let open = object.strip_suffix('}').filter(|open| open.len() > 1).ok_or_else(unwritable)?;
    let head = |file: &Attachment| json!({ "name": file.name, "mediaType": file.media_type });
    Ok(files::list(body.text(open).text(r#","documents":"#), files, "content", head)?.text("}"))
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

/// Fetches a document and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    let announced = Announced { name: &listed.name, media_type: &listed.media_type, size: Some(listed.size) };
    announced.within(MAX_SIZE)?;
    budget.spend()?;
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
    announced.keep(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_can_have_documents() {
        assert!(with_documents(Body::new(), &[1, 2], &[]).is_err());
        assert!(with_documents(Body::new(), &serde_json::json!({}), &[]).is_err());
    }
}
