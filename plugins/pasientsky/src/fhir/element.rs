//! Elements that many resources have, and the systems that their codes are of.

use serde::{Deserialize, Serialize};

/// National identity numbers (fødselsnummer), by HL7 Norway.
pub const FNR: &str = "urn:oid:2.16.578.1.12.4.1.4.1";
/// D-numbers, by HL7 Norway.
pub const DNR: &str = "urn:oid:2.16.578.1.12.4.1.4.2";
/// Numbers in Helsepersonellregisteret, by HL7 Norway.
pub const HPR: &str = "urn:oid:2.16.578.1.12.4.1.4.4";
/// ATC codes, by HL7.
pub const ATC: &str = "http://www.whocc.no/atc";
/// Why one may act for another, by HL7.
pub const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";

/// Characters of an id, by FHIR.
const MAX_ID: usize = 64;

/// One of the vendor's code systems.
#[must_use]
pub fn system(name: &str) -> String {
    format!("https://fhir.pasientsky.example/CodeSystem/{name}")
}

/// One of the vendor's naming systems.
#[must_use]
pub fn naming(name: &str) -> String {
    format!("https://fhir.pasientsky.example/NamingSystem/{name}")
}

/// Whether a text is an id: 1 to 64 of letters, digits, `-` and `.`; not dots alone, which would lead elsewhere in a path.
#[must_use]
pub fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
        && !text.bytes().all(|byte| byte == b'.')
}

/// The id in a reference to a resource of a kind: `Task/t-1`, also with an address before it or a version after it.
#[must_use]
pub fn id_of<'a>(reference: &'a str, kind: &str) -> Option<&'a str> {
    let whole = reference.split_once("/_history/").map_or(reference, |(whole, _)| whole);
    let (before, id) = whole.rsplit_once('/')?;
    let named = before == kind || before.strip_suffix(kind).is_some_and(|address| address.ends_with('/'));
    (named && is_id(id)).then_some(id)
}

/// An identifier.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Naming system.
    #[serde(default)]
    pub system: String,
    /// Value.
    #[serde(default)]
    pub value: String,
}

/// The value can be a national identity number.
impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identifier").field("system", &self.system).finish_non_exhaustive()
    }
}

/// A reference to a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// `Kind/id`, or `#id` for a contained one.
    #[serde(default)]
    pub reference: String,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

impl Reference {
    /// To a resource.
    pub fn to(reference: impl Into<String>) -> Self {
        Self { reference: reference.into(), display: None }
    }

    /// The id of what it leads to, where that is of this kind.
    #[must_use]
    pub fn id(&self, kind: &str) -> Option<&str> {
        id_of(&self.reference, kind)
    }
}

/// A code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coding {
    /// Code system.
    #[serde(default)]
    pub system: String,
    /// Code.
    #[serde(default)]
    pub code: String,
}

/// A concept: codes, and words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concept {
    /// Codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    /// Words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Concept {
    /// A code of one of the vendor's systems.
    #[must_use]
    pub fn of(name: &str, code: &str) -> Self {
        Self { coding: vec![Coding { system: system(name), code: code.to_owned() }], text: None }
    }

    /// Words alone.
    #[must_use]
    pub fn words(text: &str) -> Self {
        Self { coding: Vec::new(), text: Some(text.to_owned()) }
    }

    /// Its code of one of the vendor's systems.
    #[must_use]
    pub fn code(&self, name: &str) -> Option<&str> {
        self.code_of(&system(name))
    }

    /// Its code of a system.
    #[must_use]
    pub fn code_of(&self, system: &str) -> Option<&str> {
        self.coding.iter().find(|one| one.system == system).map(|one| one.code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_to_an_id_of_its_kind_and_nowhere_else() {
        for reference in ["Task/t-1", "https://x.example/fhir/r4/Task/t-1", "Task/t-1/_history/3"] {
            assert_eq!(id_of(reference, "Task"), Some("t-1"), "{reference}");
        }
        for reference in ["t-1", "Patient/t-1", "MyTask/t-1", "Task/", "Task/../x", "Task/..", "Task/a b", "#t-1", ""] {
            assert_eq!(id_of(reference, "Task"), None, "{reference}");
        }
        assert!(!is_id(&"a".repeat(65)) && is_id(&"a".repeat(64)));
    }
}
