//! What must hold of a manifest by itself: its JSON Schema, which is the rule, and what a schema cannot say.

use std::{collections::BTreeSet, sync::LazyLock};

use jsonschema::{
    Draft, JsonType, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

use super::{
    MAX_TOLD,
    breach::{Breach, Rule},
    expanse,
};
use crate::schema;

// Part of the binary: what could fail here fails in the crate's tests, and not for an input.
pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../schemas/json/manifest.json")).expect("the schema is JSON")
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| schema::compile(&SCHEMA).expect("the schema compiles"));

/// The keys that hold schemas of settings.
const SCHEMAS: [&str; 2] = ["settingsSchema", "installationSchema"];

/// The patterns of the schema by where they stand, in words.
pub(super) const FORMS: [(&str, &str); 5] = [
    ("/properties/id/pattern", "2 to 40 of a-z, 0-9 and '-', beginning with a letter"),
    ("/properties/version/pattern", "a semantic version such as 1.2.3"),
    ("/properties/name/pattern", LINE),
    ("/properties/upstreams/items/properties/name/pattern", "1 to 40 of a-z, 0-9 and '-', beginning with a letter"),
    ("/properties/upstreams/items/properties/purpose/pattern", LINE),
];

const LINE: &str = "one line that is not blank, without control characters";

/// The rules that a manifest breaks: the first [`MAX_TOLD`], one for each key.
pub(super) fn broken(manifest: &Value) -> Vec<Breach> {
    let mut found = Found::default();
    for error in VALIDATOR.iter_errors(manifest) {
        found.add(&error);
    }
    for key in SCHEMAS {
        // That it is an object, the schema of manifests says.
        if let Some(schema) = manifest.get(key).filter(|schema| schema.is_object()) {
            found.extend(fault(&format!("/{key}"), schema));
        }
    }
    found.extend(names_twice(manifest));
    found.0
}

#[derive(Default)]
struct Found(Vec<Breach>);

impl Found {
    fn extend(&mut self, breaches: impl IntoIterator<Item = Breach>) {
        for breach in breaches {
            if self.0.len() < MAX_TOLD && !self.0.iter().any(|known| known.key == breach.key) {
                self.0.push(breach);
            }
        }
    }

    fn add(&mut self, error: &ValidationError<'_>) {
        let at = error.instance_path().as_str();
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                let key = format!("{at}/{}", property.as_str().unwrap_or_default());
                self.extend([Breach::of(&key, None, Rule::Missing)]);
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let known = known_keys(error.schema_path().as_str());
                self.extend(unexpected.iter().map(|key| {
                    let nearest = nearest(key, &known);
                    Breach::of(&format!("{at}/{key}"), None, Rule::Unknown { nearest })
                }));
            }
            kind => {
                let rule = rule(kind, error);
                self.extend([Breach::of(at, Some(error.instance()), rule)]);
            }
        }
    }
}

fn rule(kind: &ValidationErrorKind, error: &ValidationError<'_>) -> Rule {
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => Rule::Type(match kind {
            JsonType::String => "a text",
            JsonType::Integer => "a whole number",
            JsonType::Number => "a number",
            JsonType::Boolean => "true or false",
            JsonType::Array => "a list",
            JsonType::Object => "an object",
            JsonType::Null => "null",
        }),
        ValidationErrorKind::Constant { expected_value } => Rule::Exactly(expected_value.to_string()),
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            Rule::OneOf(options.map(|option| option.as_str().map_or(option.to_string(), str::to_owned)).collect())
        }
        ValidationErrorKind::MinLength { limit: 1 } => Rule::Form("a text that is not empty"),
        ValidationErrorKind::MaxLength { limit } => Rule::AtMost(*limit),
        ValidationErrorKind::MaxItems { limit } => Rule::Items(*limit),
        ValidationErrorKind::UniqueItems => Rule::Once,
        ValidationErrorKind::Pattern { .. } => {
            let place = error.schema_path().as_str();
            match FORMS.iter().find(|(known, _)| *known == place) {
                Some((_, form)) => Rule::Form(form),
                None => Rule::Other(error.masked().to_string()),
            }
        }
        _ => Rule::Other(error.masked().to_string()),
    }
}

/// The keys that the schema knows beside an `additionalProperties`.
fn known_keys(place: &str) -> Vec<&'static str> {
    let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
    let properties = SCHEMA.pointer(parent).and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str)).collect()
}

fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    // Longer than any known key, with room for a slip: nothing is near, and measuring takes time.
    let short = key.chars().take(40).collect::<String>();
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&short, known), *known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min()
        .map(|(_, known)| known)
}

/// What makes a value no schema of settings.
fn fault(key: &str, schema: &Value) -> Option<Breach> {
    if let Some((place, reference)) = foreign(schema) {
        return Some(Breach::of(&format!("{key}{place}"), Some(reference), Rule::Foreign));
    }
    // Before anything else follows them.
    if let Err(endless) = expanse::check(schema) {
        return Some(Breach::of(key, None, Rule::Endless(endless.to_string())));
    }
    let told = |error: &ValidationError<'_>| {
        // What is wrong with an object, or with nothing in particular, its value does not show.
        let value = Some(error.instance().as_ref()).filter(|value| !value.is_object() && !value.is_null());
        Breach::of(&format!("{key}{}", error.instance_path()), value, Rule::Schema(words(error)))
    };
    if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
        return Some(told(&error));
    }
    // What the schema of schemas does not see: patterns that do not compile, references to nothing.
    let options = jsonschema::options().with_draft(Draft::Draft202012).offline();
    options.build(schema).err().map(|error| told(&error))
}

/// What the schema of schemas asks of a part of a schema.
fn words(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::AnyOf { context } = error.kind() {
        return context.iter().filter_map(|choice| choice.first()).map(words).collect::<Vec<_>>().join(", or ");
    }
    match rule(error.kind(), error) {
        Rule::Other(_) => format!("cannot be used: {}", error.masked_with("it")),
        rule => rule.to_string(),
    }
}

/// The first reference that is not within the schema, with its place. The reader bounds the depth.
pub(super) fn foreign(schema: &Value) -> Option<(String, &Value)> {
    match schema {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let is_reference = matches!(name.as_str(), "$ref" | "$dynamicRef");
            let leaves = is_reference && value.as_str().is_some_and(|to| !to.starts_with('#'));
            let found = if leaves { Some((String::new(), value)) } else { foreign(value) };
            found.map(|(place, to)| (format!("/{name}{place}"), to))
        }),
        Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            let (place, to) = foreign(item)?;
            Some((format!("/{index}{place}"), to))
        }),
        _ => None,
    }
}

/// Upstreams whose names others before them have.
fn names_twice(manifest: &Value) -> Vec<Breach> {
    let upstreams = manifest.get("upstreams").and_then(Value::as_array).into_iter().flatten();
    let mut seen = BTreeSet::new();
    let mut twice = Vec::new();
    for (index, upstream) in upstreams.enumerate() {
        let Some(name) = upstream.get("name") else { continue };
        if name.as_str().is_some_and(|name| !seen.insert(name)) {
            twice.push(Breach::of(&format!("/upstreams/{index}/name"), Some(name), Rule::Unique));
        }
    }
    twice
}
