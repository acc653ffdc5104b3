//! Files in both directions.
//!
//! To the vendor they stand in the request as base64; the gateway fills them in, so that they never enter the plugin.
//! From the vendor they are fetched one by one: each is a resource `attachments` with its content behind it.

use dialog_plugin_sdk::files::{self, Announced, Budget, MAX_SIZE, Missing};
use dialog_plugin_sdk::upstream::{self, Body};
use dialog_plugin_sdk::{Attachment, Failure, Sent};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::UPSTREAM;
use crate::document::{Draft, Odd, Resource};

/// A document whose attributes end in `attachments`.
///
/// # Errors
/// The draft has no form in JSON, or its attributes are no object: `faulty`, nothing sent.
pub fn with_files<A: Serialize>(draft: &Draft<'_, A>, files: &[Attachment]) -> Result<Body, Failure> {
    let unwritable = || Failure::faulty(Sent::No, "a request that has no form in JSON");
    let document = draft.text()?;
    // The attributes are the last member, and not empty.
    let open = document.strip_suffix("}}}").filter(|open| !open.ends_with('{')).ok_or_else(unwritable)?;
    let body = Body::new().text(open).text(r#","attachments":"#);
    let head = |file: &Attachment| json!({ "name": file.name, "mediaType": file.media_type });
    Ok(files::list(body, files, "content", head)?.text("}}}"))
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

/// Fetches a file and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    let Facts { name, media_type, size } = &listed.facts;
    let announced = Announced { name, media_type, size: Some(*size) };
    announced.within(MAX_SIZE)?;
    budget.spend()?;
    let answer = upstream::get(UPSTREAM, "/v1/attachments").segment(&listed.id).segment("content").send();
    announced.keep(&budget.file(answer)?.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_attributes_that_are_there_can_be_followed_by_files() {
        let draft = |attributes| Draft { kind: "messages", id: None, attributes, related: &[] };
        assert!(with_files(&draft(serde_json::json!({ "text": "Hei" })), &[]).is_ok());
        assert!(with_files(&draft(serde_json::json!({})), &[]).is_err());
        assert!(with_files(&draft(serde_json::json!([])), &[]).is_err());
    }
}
