//! How large a schema is when all its references are followed. Pure.
//!
//! The threat: whoever checks a value by a schema follows its references. A schema that is a part of itself is followed
//! until the stack ends, and the gateway with it; one whose parts are each the next one twice asks 2^40 questions in forty
//! lines. Settings are a finite form, so neither has a use here.

use std::collections::HashMap;

use serde_json::Value;

use crate::limits::manifest::{CHAIN, EXPANSE};

/// Why a schema cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Endless {
    /// Following its references comes back to where it was.
    #[error("refers to itself")]
    Circle,
    /// Following its references takes too many steps, in all or in a row.
    #[error("is too large when its references are followed")]
    TooLarge,
    /// A part of it has an address of its own, so that references in it do not mean what they seem to.
    #[error("has an $id below its root")]
    Rebased,
}

/// Checks that a schema, whose references all begin with `#`, has an end, and a near one.
pub(super) fn check(schema: &Value) -> Result<(), Endless> {
    let mut walk = Walk { root: schema, anchors: HashMap::new(), known: HashMap::new() };
    walk.name(schema, true)?;
    walk.follow(schema, 0).map(drop)
}

/// What is known of a part: how many parts it has, and how many stand below each other at most.
#[derive(Clone, Copy)]
struct Size {
    parts: usize,
    height: usize,
}

struct Walk<'a> {
    root: &'a Value,
    anchors: HashMap<&'a str, &'a Value>,
    /// By the part's place in memory; none while it is being followed.
    known: HashMap<*const Value, Option<Size>>,
}

impl<'a> Walk<'a> {
    /// Notes the anchors. The reader has bounded the depth.
    fn name(&mut self, part: &'a Value, is_root: bool) -> Result<(), Endless> {
        match part {
            Value::Object(fields) => {
                if !is_root && fields.get("$id").is_some_and(Value::is_string) {
                    return Err(Endless::Rebased);
                }
                for anchor in ["$anchor", "$dynamicAnchor"].iter().filter_map(|key| fields.get(*key)?.as_str()) {
                    self.anchors.insert(anchor, part);
                }
                fields.values().try_for_each(|field| self.name(field, false))
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.name(item, false)),
            _ => Ok(()),
        }
    }

    fn follow(&mut self, part: &'a Value, depth: usize) -> Result<Size, Endless> {
        if depth > CHAIN {
            return Err(Endless::TooLarge);
        }
        let place = std::ptr::from_ref(part);
        match self.known.insert(place, None) {
            Some(Some(size)) => {
                self.known.insert(place, Some(size));
                return Ok(size);
            }
            Some(None) => return Err(Endless::Circle),
            None => {}
        }
        let mut all = Size { parts: 1, height: 0 };
        let mut add = |size: Size| {
            all.parts = all.parts.saturating_add(size.parts);
            all.height = all.height.max(size.height + 1);
        };
        match part {
            Value::Object(fields) => {
                for (key, field) in fields {
                    let target = match field.as_str() {
                        Some(to) if matches!(key.as_str(), "$ref" | "$dynamicRef") => self.target(to),
                        _ => Some(field),
                    };
                    // What refers to nothing, the compiler of schemas refuses.
                    if let Some(target) = target {
                        add(self.follow(target, depth + 1)?);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    add(self.follow(item, depth + 1)?);
                }
            }
            _ => {}
        }
        if all.parts > EXPANSE || all.height > CHAIN {
            return Err(Endless::TooLarge);
        }
        self.known.insert(place, Some(all));
        Ok(all)
    }

    /// What a reference within the schema refers to.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let fragment = decoded(reference.strip_prefix('#')?)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            self.root.pointer(&fragment)
        } else {
            self.anchors.get(fragment.as_str()).copied()
        }
    }
}

/// A URI's fragment without its percent-encodings (RFC 6901, 6); none where they are broken.
fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn a_form_with_parts_that_are_used_twice_has_an_end() {
        let schema = json!({
            "$id": "https://example.no/settings",
            "$defs": {
                "a b/c~d": { "$anchor": "name", "type": "string" },
                "person": { "properties": { "given": { "$ref": "#/$defs/a%20b~1c~0d" }, "family": { "$ref": "#name" } } },
            },
            "properties": { "one": { "$ref": "#/$defs/person" }, "other": { "$ref": "#/$defs/person" } },
        });
        assert_eq!(check(&schema), Ok(()));
    }

    #[test]
    fn a_schema_that_is_a_part_of_itself_has_none() {
        for schema in [
            json!({ "$ref": "#" }),
            json!({ "$dynamicRef": "#" }),
            json!({ "properties": { "child": { "$ref": "#" } } }),
            json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
            json!({ "$defs": { "a": { "$anchor": "x", "allOf": [{ "$ref": "#x" }] } } }),
            json!({ "$defs": { "a": { "$dynamicAnchor": "x", "allOf": [{ "$dynamicRef": "#x" }] } } }),
            json!({ "$defs": { "a": { "allOf": [{ "$ref": "#/%24defs/a" }] } } }),
        ] {
            assert_eq!(check(&schema), Err(Endless::Circle), "{schema}");
        }
    }

    #[test]
    fn a_schema_that_doubles_or_goes_on_and_on_is_too_large() {
        let chain = |length: usize, width: usize| {
            let next = |at: usize| json!({ "$ref": format!("#/$defs/d{}", at + 1) });
            let mut parts: Map<String, Value> =
                (0..length).map(|at| (format!("d{at}"), json!({ "allOf": vec![next(at); width] }))).collect();
            parts.insert(format!("d{length}"), json!({ "type": "object" }));
            json!({ "$defs": parts, "$ref": "#/$defs/d0" })
        };
        assert_eq!(check(&chain(40, 1)), Ok(()));
        assert_eq!(check(&chain(40, 2)), Err(Endless::TooLarge));
        assert_eq!(check(&chain(6_000, 1)), Err(Endless::TooLarge));
    }

    #[test]
    fn a_part_with_an_address_of_its_own_is_refused_because_its_references_mislead() {
        let schema = json!({ "$defs": { "a": { "$id": "https://example.no/a", "$ref": "#" } } });
        assert_eq!(check(&schema), Err(Endless::Rebased));
        assert_eq!(check(&json!({ "properties": { "$id": { "type": "string" } } })), Ok(()));
    }
}
