//! What a search answers, page by page.
//!
//! `link[next]` holds an address. It is not followed: the plugin reaches what the operator bound and nothing else. Only the
//! token in its `_page` is taken, and asked for below the same upstream.

use std::collections::BTreeMap;

use dialog_plugin_sdk::Failure;
use dialog_plugin_sdk::upstream::Response;
use serde::Deserialize;
use serde_json::Value;

use super::element::is_id;

/// Characters of a page's token.
const MAX_TOKEN: usize = 256;
/// Entries of a page that are looked at: more than was ever asked for, with what is included.
const MAX_ENTRIES: usize = 500;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    resource_type: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    link: Vec<Link>,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Link {
    relation: String,
    url: String,
}

#[derive(Deserialize)]
struct Entry {
    resource: Value,
    #[serde(default)]
    search: Option<Search>,
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    mode: Option<String>,
}

/// Resources that others refer to, by `Kind/id`.
#[derive(Default)]
pub struct Included(BTreeMap<String, Value>);

impl Included {
    /// The resource behind a reference.
    #[must_use]
    pub fn get(&self, reference: &str) -> Option<&Value> {
        self.0.get(reference)
    }

    /// Adds what another page includes.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds a resource.
    pub fn add(&mut self, resource: Value) {
        let text = |name: &str| resource.get(name).and_then(Value::as_str);
        if let (Some(kind), Some(id)) = (text("resourceType"), text("id"))
            && is_id(id)
        {
            self.0.insert(format!("{kind}/{id}"), resource);
        }
    }
}

/// One page.
pub struct Page {
    /// What was searched for.
    pub matches: Vec<Value>,
    /// What belongs to it.
    pub included: Included,
    /// The token of the next page.
    pub next: Option<String>,
}

/// Reads a page of a search for resources of a kind.
///
/// # Errors
/// `faulty`: it is none.
pub fn read(answer: &Response, kind: &str) -> Result<Page, Failure> {
    let bundle: Bundle = answer.json()?;
    if bundle.resource_type != "Bundle" || bundle.kind != "searchset" {
        return Err(answer.unreadable("is not what a search answers"));
    }
    if bundle.entry.len() > MAX_ENTRIES {
        return Err(answer.unreadable("holds more entries than were asked for"));
    }
    let (mut matches, mut included) = (Vec::new(), Included::default());
    for Entry { resource, search } in bundle.entry {
        match search.and_then(|search| search.mode).as_deref() {
            None | Some("match") if resource.get("resourceType").and_then(Value::as_str) == Some(kind) => {
                matches.push(resource);
            }
            Some("include") => included.add(resource),
            // An OperationOutcome, or something that nobody asked for.
            _ => {}
        }
    }
    let next = bundle.link.into_iter().find(|link| link.relation == "next");
    let next = next
        .map(|link| {
            token(&link.url).ok_or_else(|| answer.unreadable("leads to a next page in a way that is not known"))
        })
        .transpose()?;
    Ok(Page { matches, included, next })
}

/// The value of `_page` in an address.
fn token(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let token = query.split('&').find_map(|one| one.strip_prefix("_page="))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    ((1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(plain)).then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn of_a_next_page_only_the_token_is_taken() {
        assert_eq!(token("https://elsewhere.example/x?_page=p-7&x=1").as_deref(), Some("p-7"));
        for url in ["https://x/Slot", "Slot?page=1", "Slot?_page=", "Slot?_page=a%2Fb", "Slot?_page=a b", ""] {
            assert_eq!(token(url), None, "{url}");
        }
        assert_eq!(token(&format!("x?_page={}", "a".repeat(257))), None);
    }
}
