//! The personal archive: keeps each document once, and holds it to the rules of FHIR R4 documents.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::sim::world::CITIZENS;

/// The system of identifiers that are URIs.
const URI: &str = "urn:ietf:rfc:3986";

/// National identity numbers, and D-numbers.
const PERSONS: [&str; 2] = ["urn:oid:2.16.578.1.12.4.1.4.1", "urn:oid:2.16.578.1.12.4.1.4.2"];

/// A document that is kept.
#[derive(Clone, PartialEq)]
pub struct Kept {
    /// The archive's id of it.
    pub id: String,
    /// Its identifier.
    pub identifier: String,
    /// Whose.
    pub citizen: String,
    /// The whole.
    pub bundle: Value,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The identifier of `If-None-Exist`.
///
/// # Errors
/// The rule that it breaks.
pub fn condition(header: Option<&str>) -> Result<String, String> {
    let header = header.ok_or("If-None-Exist is missing: a document could be kept twice")?;
    let identifier = header
        .strip_prefix("identifier=")
        .and_then(|token| token.strip_prefix(URI))
        .and_then(|token| token.strip_prefix('|'))
        .ok_or("If-None-Exist is not identifier=system|value")?;
    let is_uuid = identifier.strip_prefix("urn:uuid:").is_some_and(|uuid| uuid::Uuid::try_parse(uuid).is_ok());
    if is_uuid { Ok(identifier.to_owned()) } else { Err("the identifier is not a urn:uuid".to_owned()) }
}

/// Whose document it is.
///
/// # Errors
/// The rule that it breaks.
pub fn judge(bundle: &Value, identifier: &str) -> Result<String, String> {
    let text = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let rule = |holds: bool, rule: &str| if holds { Ok(()) } else { Err(rule.to_owned()) };
    rule(bundle["resourceType"] == "Bundle" && bundle["type"] == "document", "it is a Bundle of type document")?;
    rule(
        bundle["identifier"]["system"] == URI && bundle["identifier"]["value"] == identifier,
        "a document has the identifier of the condition (bdl-9)",
    )?;
    let instant = |value: Option<String>| value.is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok());
    rule(instant(text(bundle, "/timestamp")), "a document has a timestamp (bdl-10)")?;
    let entries = bundle["entry"].as_array().ok_or("a document has entries")?;
    let urls: Vec<&str> = entries.iter().filter_map(|entry| entry["fullUrl"].as_str()).collect();
    let unique: BTreeSet<&str> = urls.iter().copied().collect();
    rule(urls.len() == entries.len() && unique.len() == urls.len(), "every entry has a fullUrl of its own (bdl-7)")?;
    let first = entries.first().map(|entry| &entry["resource"]).ok_or("a document has entries")?;
    rule(first["resourceType"] == "Composition", "the first entry is a Composition (bdl-11)")?;
    rule(first["status"] == "final", "the composition is final")?;
    rule(
        text(first, "/type/coding/0/system").is_some() && text(first, "/type/coding/0/code").is_some(),
        "it has a type",
    )?;
    rule(instant(text(first, "/date")), "it has a date")?;
    rule(text(first, "/title").is_some_and(|title| !title.trim().is_empty()), "it has a title")?;
    rule(first["author"].as_array().is_some_and(|authors| !authors.is_empty()), "it has an author")?;
    let citizen = subject(first)?;
    let mut referred = BTreeSet::new();
    for section in first["section"].as_array().into_iter().flatten() {
        if let Some(div) = text(section, "/text/div") {
            narrative(&div)?;
        } else {
            rule(
                section["entry"].as_array().is_some_and(|all| !all.is_empty()),
                "a section has text or entries (cmp-1)",
            )?;
        }
        for entry in section["entry"].as_array().into_iter().flatten() {
            let url = entry["reference"].as_str().ok_or("an entry of a section is a reference")?;
            rule(unique.contains(url), "what a section names is in the document")?;
            referred.insert(url.to_owned());
        }
    }
    for entry in &entries[1..] {
        let resource = &entry["resource"];
        match resource["resourceType"].as_str() {
            Some("DocumentReference") => {
                let url = entry["fullUrl"].as_str().unwrap_or_default();
                rule(referred.contains(url), "what is in a document is reached from its composition")?;
                rule(
                    resource["status"] == "current" && subject(resource)? == citizen,
                    "a file is current and the citizen's",
                )?;
                let binary = text(resource, "/content/0/attachment/url").ok_or("a file has an address")?;
                let is_it = |one: &&Value| one["fullUrl"] == *binary && one["resource"]["resourceType"] == "Binary";
                let binary = entries.iter().find(is_it).ok_or("a file's bytes are in the document")?;
                let bytes = text(&binary["resource"], "/data").and_then(|data| STANDARD.decode(data).ok());
                let size = resource.pointer("/content/0/attachment/size").and_then(Value::as_u64);
                rule(bytes.map(|bytes| bytes.len() as u64) == size, "a file has the size that is said")?;
            }
            Some("Binary") => rule(text(resource, "/contentType").is_some(), "a Binary has a media type")?,
            _ => return Err("a document holds a composition, references and their bytes".to_owned()),
        }
    }
    Ok(citizen)
}

fn subject(resource: &Value) -> Result<String, String> {
    let identifier = &resource["subject"]["identifier"];
    let known = CITIZENS.iter().any(|citizen| identifier["value"] == citizen.national_id);
    if known && PERSONS.iter().any(|system| identifier["system"] == **system) {
        Ok(identifier["value"].as_str().unwrap_or_default().to_owned())
    } else {
        Err("the subject is a citizen by a national identifier".to_owned())
    }
}

/// XHTML without anything that acts (txt-1, txt-2).
fn narrative(div: &str) -> Result<(), String> {
    let mut reader = quick_xml::Reader::from_str(div);
    let (mut depth, mut said) = (0_usize, false);
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Start(tag)) => {
                let allowed = matches!(tag.name().as_ref(), "div" | "p");
                if !allowed || (depth == 0) != (tag.name().as_ref() == "div") {
                    return Err("a narrative is a div of paragraphs".to_owned());
                }
                depth += 1;
            }
            Ok(quick_xml::events::Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(quick_xml::events::Event::Text(text)) => said |= !text.is_empty(),
            Ok(quick_xml::events::Event::GeneralRef(_)) => said = true,
            Ok(quick_xml::events::Event::Eof) if depth == 0 && said => return Ok(()),
            Ok(_) | Err(_) => return Err("a narrative is well-formed XHTML that says something".to_owned()),
        }
    }
}
