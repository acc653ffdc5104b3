//! Files in both directions.
//!
//! To the vendor they stand in the request as base64; the gateway fills them in, so that they never enter the plugin.
//! From the vendor they are fetched one by one: each is an own resource.

use dialog_plugin_sdk::files::{self, Announced, Budget, MAX_SIZE, Missing};
use dialog_plugin_sdk::upstream::{self, Body};
use dialog_plugin_sdk::{Attachment, Failure, Sent};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::UPSTREAM;

/// A JSON object with `files` as its last member.
///
/// # Errors
/// `value` is not an object: `faulty`, nothing sent.
pub fn with_files<T: Serialize>(value: &T, files: &[Attachment]) -> Result<Body, Failure> {
    let unwritable = || Failure::faulty(Sent::No, "a request that has no form in JSON");
    let object = serde_json::to_string(value).map_err(|_| unwritable())?;
    let open = object.strip_suffix('}').filter(|open| open.len() > 1).ok_or_else(unwritable)?;
    let body = Body::new().text(open).text(r#","files":"#);
    let head = |file: &Attachment| json!({ "name": file.name, "type": file.media_type });
    Ok(files::list(body, files, "content", head)?.text("}"))
}

/// A file as the vendor lists it.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// Its id: `/v2/files/{id}`.
    pub id: String,
    /// As the sender named it.
    pub name: String,
    /// Media type, as the vendor believes it.
    #[serde(rename = "type")]
    pub media_type: String,
    /// In bytes.
    pub size: u64,
}

/// Fetches a file and keeps it.
///
/// # Errors
/// Says whether asking again would help.
pub fn fetch(listed: &Listed, budget: &mut Budget) -> Result<Attachment, Missing> {
    let announced = Announced { name: &listed.name, media_type: &listed.media_type, size: Some(listed.size) };
    announced.within(MAX_SIZE)?;
    budget.spend()?;
    let answer = upstream::get(UPSTREAM, "/v2/files").segment(&listed.id).send();
    announced.keep(&budget.file(answer)?.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_can_have_files() {
        assert!(with_files(&[1, 2], &[]).is_err());
        assert!(with_files(&serde_json::json!({}), &[]).is_err());
    }
}
