//! Messages against `portal.xsd`: the strict reader that is always there, whether `xmllint` is installed or not.
//!
//! It knows as much of XML Schema 1.0 as that file uses: sequences, choices, occurrence, restrictions of text and numbers.
//! What it does not know is an error when the file is read, not a gap when a message is.

use super::SimError;
use super::soap::VENDOR;
use crate::sim::meldingstjener::tree::{Element, Node, parse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;

/// The vendor's schema.
pub const XSD: &str = include_str!("portal.xsd");

const XS: &str = "http://www.w3.org/2001/XMLSchema";

/// The messages that there are.
#[derive(Debug)]
pub struct Grammar {
    elements: HashMap<String, Element>,
    types: HashMap<String, Element>,
    patterns: HashMap<String, Validator>,
}

/// What a message breaks: names of elements and rules, never content.
type Broken = String;

impl Grammar {
    /// Of the vendor's schema.
    pub fn read() -> Result<Grammar, SimError> {
        let wrong = |problem: &str| SimError::Grammar(problem.to_owned());
        let root = parse(XSD.as_bytes()).map_err(|error| wrong(&error.to_string()))?;
        let (mut elements, mut types, mut patterns) = (HashMap::new(), HashMap::new(), HashMap::new());
        for part in root.children() {
            let name = part.get("name").ok_or_else(|| wrong("a part without a name"))?.to_owned();
            if part.name == "element" { &mut elements } else { &mut types }.insert(name, part.clone());
        }
        known(&root, &mut patterns).map_err(|problem| wrong(&problem))?;
        Ok(Grammar { elements, types, patterns })
    }

    /// Checks a message.
    pub fn check(&self, message: &Element) -> Result<(), Broken> {
        let declared = self.elements.get(&message.name).ok_or("an operation that there is not")?;
        self.element(declared, message)
    }

    fn element(&self, declared: &Element, element: &Element) -> Result<(), Broken> {
        let name = &element.name;
        if element.ns != VENDOR {
            return Err(format!("{name} is of another namespace"));
        }
        if !element.attrs.is_empty() {
            return Err(format!("{name} has an attribute"));
        }
        let of_type = |kind: &Element| match kind.name.as_str() {
            "simpleType" => self.simple(kind, element).map_err(|rule| format!("{name} {rule}")),
            _ => self.complex(kind, element),
        };
        match declared.get("type") {
            Some(builtin) if builtin.starts_with("xs:") => {
                let text = plain(element).ok_or_else(|| format!("{name} has elements"))?;
                self.builtin(builtin, &text).map_err(|rule| format!("{name} {rule}"))
            }
            Some(named) => of_type(self.types.get(named).ok_or("portal.xsd names a type that there is not")?),
            None => of_type(declared.children().next().ok_or("portal.xsd has an element without a type")?),
        }
    }

    fn complex(&self, kind: &Element, element: &Element) -> Result<(), Broken> {
        let name = &element.name;
        if element.nodes.iter().any(|node| matches!(node, Node::Text(text) if !text.trim().is_empty())) {
            return Err(format!("{name} has text between its elements"));
        }
        let children: Vec<&Element> = element.children().collect();
        let mut at = 0;
        for particle in kind.children().flat_map(Element::children) {
            if particle.name == "choice" {
                let child = children.get(at).ok_or_else(|| format!("{name} ends before its choice"))?;
                let chosen = particle.children().find(|one| one.get("name") == Some(&child.name));
                self.element(chosen.ok_or_else(|| format!("{name} has no {} there", child.name))?, child)?;
                at += 1;
                continue;
            }
            let wanted = particle.get("name").unwrap_or_default();
            let occurs = |which, absent: usize| match particle.get(which) {
                Some("unbounded") => usize::MAX,
                Some(number) => number.parse().unwrap_or(absent),
                None => absent,
            };
            let mut count = 0;
            while let Some(child) = children.get(at).filter(|child| child.name == wanted) {
                self.element(particle, child)?;
                (count, at) = (count + 1, at + 1);
            }
            if count < occurs("minOccurs", 1) || count > occurs("maxOccurs", 1) {
                return Err(format!("{name} has {count} {wanted} in a row"));
            }
        }
        match children.get(at) {
            Some(stray) => Err(format!("{name} has {} where it does not belong", stray.name)),
            None => Ok(()),
        }
    }

    fn simple(&self, kind: &Element, element: &Element) -> Result<(), Broken> {
        let text = plain(element).ok_or("has elements")?;
        let restriction = kind.children().next().ok_or("portal.xsd has an empty simpleType")?;
        self.builtin(restriction.get("base").unwrap_or_default(), &text)?;
        let value = |facet: &Element| facet.get("value").unwrap_or_default().to_owned();
        let number = |facet: &Element| value(facet).parse::<u64>().unwrap_or_default();
        let mut allowed = restriction.children().filter(|facet| facet.name == "enumeration").peekable();
        if allowed.peek().is_some() && !allowed.any(|facet| value(facet) == text) {
            return Err("is none of the words that it may be".to_owned());
        }
        for facet in restriction.children() {
            let holds = match facet.name.as_str() {
                "minLength" => text.chars().count() as u64 >= number(facet),
                "maxLength" => text.chars().count() as u64 <= number(facet),
                "minInclusive" => text.parse::<u64>().is_ok_and(|is| is >= number(facet)),
                "maxInclusive" => text.parse::<u64>().is_ok_and(|is| is <= number(facet)),
                "pattern" => {
                    self.patterns.get(&value(facet)).is_some_and(|one| one.is_valid(&Value::String(text.clone())))
                }
                _ => true,
            };
            if !holds {
                return Err(format!("breaks its {}", facet.name));
            }
        }
        Ok(())
    }

    fn builtin(&self, kind: &str, text: &str) -> Result<(), Broken> {
        let digits = || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let holds = match kind {
            "xs:string" | "xs:anyURI" => true,
            "xs:dateTime" => text.parse::<jiff::Timestamp>().is_ok(),
            "xs:date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
            "xs:boolean" => matches!(text, "true" | "false" | "1" | "0"),
            "xs:unsignedByte" => digits() && text.parse::<u8>().is_ok(),
            "xs:unsignedInt" => digits() && text.parse::<u32>().is_ok(),
            "xs:unsignedLong" => digits() && text.parse::<u64>().is_ok(),
            "xs:language" => text.split('-').all(|part| (1..=8).contains(&part.len())),
            "xs:base64Binary" => STANDARD.decode(text).is_ok(),
            _ => return Err(format!("is of {kind}, which nobody checks")),
        };
        if holds { Ok(()) } else { Err(format!("is no {kind}")) }
    }
}

/// The text of an element without elements; as it is, so that blanks count.
fn plain(element: &Element) -> Option<String> {
    element.nodes.iter().map(|node| if let Node::Text(text) = node { Some(text.as_str()) } else { None }).collect()
}

/// Holds the schema to what is understood here, and makes its patterns ready.
fn known(part: &Element, patterns: &mut HashMap<String, Validator>) -> Result<(), String> {
    const NAMES: [&str; 12] = [
        "schema",
        "element",
        "complexType",
        "sequence",
        "choice",
        "simpleType",
        "restriction",
        "enumeration",
        "minLength",
        "maxLength",
        "minInclusive",
        "maxInclusive",
    ];
    if part.ns != XS {
        return Err(format!("{} is not of XML Schema", part.name));
    }
    if part.name == "pattern" {
        let pattern = part.get("value").unwrap_or_default();
        // A pattern of XML Schema is about the whole value.
        let schema = json!({ "type": "string", "pattern": format!("^(?:{pattern})$") });
        let ready = jsonschema::validator_for(&schema).map_err(|error| format!("pattern {pattern}: {error}"))?;
        patterns.insert(pattern.to_owned(), ready);
    } else if !NAMES.contains(&part.name.as_str()) {
        return Err(format!("{} is not understood here", part.name));
    }
    part.children().try_for_each(|child| known(child, patterns))
}
