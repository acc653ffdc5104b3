//! A plugin's manifest: JSON within bounds, its rules, and the schemas of settings in it.
//!
//! What is promised: what is read means what everybody's reader takes it for; what is taken keeps every rule, read here a
//! second time without the schema; what is refused is told in lines that are short and printable; a schema that is taken
//! can be used, for any value, in bounded time and stack.

use std::collections::BTreeSet;

use dialog_contract::{
    manifest::{
        BYTES, DEPTH, MAX_TOLD, Manifest, ManifestError, VALUES, VERSION,
        json::{self, JsonError},
    },
    provider::Interface,
};
use serde_json::{Value, json};

use crate::input::Input;

/// A manifest with nothing wrong.
pub(crate) fn whole() -> Value {
    json!({
        "manifestVersion": 1,
        "id": "example",
        "version": "1.2.3",
        "name": "Example AS",
        "kind": "commercial",
        "contract": "dialog:provider@1.0.0",
        "services": ["inquiry", "appointment"],
        "upstreams": [{ "name": "api", "purpose": "Everything" }],
        "settingsSchema": { "type": "object" },
        "installationSchema": { "type": "object" },
        "nationalIdentityNumber": false,
        "idempotent": true,
        "webhooks": false,
    })
}

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => section(input.rest()),
        1 => field(input),
        _ => schema(input),
    }
}

/// The bytes of the section.
fn section(bytes: &[u8]) {
    same(bytes);
    match Manifest::read(bytes, BYTES) {
        Ok(manifest) => taken(&manifest),
        Err(error) => refused(&error),
    }
}

/// The bounded reader and the one that everybody has.
fn same(bytes: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(bytes);
    match (json::read(bytes), theirs) {
        (Ok(ours), theirs) => {
            let (values, depth) = extent(&ours);
            assert!(values <= VALUES && depth <= DEPTH, "{values} values, {depth} deep");
            assert_eq!(Some(ours), theirs.ok(), "it means something else to others");
        }
        (Err(JsonError::Syntax(why)), theirs) => assert!(theirs.is_err(), "refused though it is JSON: {why}"),
        (Err(_), _) => {}
    }
}

/// How many values there are, and how many lists and objects stand in each other.
fn extent(value: &Value) -> (usize, usize) {
    let inner: Vec<_> = match value {
        Value::Array(items) => items.iter().map(extent).collect(),
        Value::Object(fields) => fields.values().map(extent).collect(),
        _ => return (1, 0),
    };
    inner.into_iter().fold((1, 1), |(values, depth), (more, below)| (values + more, depth.max(below + 1)))
}

/// One field of a whole manifest exchanged.
fn field(mut input: Input<'_>) {
    let mut manifest = whole();
    let keys: Vec<String> = manifest.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    let key = &keys[input.below(keys.len())];
    let Ok(value) = serde_json::from_slice(input.rest()) else { return };
    manifest[key] = value;
    section(manifest.to_string().as_bytes());
}

/// A schema of settings, and a value to hold to it.
fn schema(mut input: Input<'_>) {
    let value = serde_json::from_slice(input.line()).unwrap_or(Value::Null);
    let Ok(schema) = serde_json::from_slice::<Value>(input.rest()) else { return };
    let mut manifest = whole();
    manifest["settingsSchema"] = schema;
    match Manifest::read(manifest.to_string().as_bytes(), BYTES) {
        Ok(manifest) => {
            taken(&manifest);
            used(&manifest.settings_schema, &value);
        }
        Err(error) => refused(&error),
    }
}

/// As the host does it.
fn used(schema: &Value, value: &Value) {
    let validator = jsonschema::draft202012::new(schema).expect("a schema that was taken compiles");
    for value in [value, &Value::Null, &json!({}), &json!([{ "a": [] }])] {
        let holds = validator.is_valid(value);
        assert_eq!(validator.iter_errors(value).take(5).count() == 0, holds, "two answers to one question");
    }
}

/// The rules, without the schema of manifests.
fn taken(manifest: &Manifest) {
    let line = |text: &str, most: usize| {
        assert!((1..=most).contains(&text.chars().count()) && !text.trim().is_empty(), "{text:?}");
        assert!(!text.contains(char::is_control), "{text:?}");
    };
    let name = |text: &str, least: usize| {
        assert!((least..=40).contains(&text.len()) && text.starts_with(|first: char| first.is_ascii_lowercase()));
        assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{text}");
    };
    assert_eq!(manifest.manifest_version, VERSION);
    name(manifest.id.as_str(), 2);
    assert!(manifest.version.len() <= 64);
    semver::Version::parse(&manifest.version).expect("a version is a semantic one");
    line(&manifest.name, 80);
    let services: BTreeSet<_> = manifest.services.iter().map(|service| service.as_str()).collect();
    assert_eq!(services.len(), manifest.services.len(), "a service twice");
    let upstreams: BTreeSet<_> = manifest.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
    assert!(upstreams.len() == manifest.upstreams.len() && upstreams.len() <= 16);
    for upstream in &manifest.upstreams {
        name(&upstream.name, 1);
        line(&upstream.purpose, 300);
    }
    let written = serde_json::to_vec(manifest).expect("a manifest has a JSON form");
    // What is written can be longer than what was read, where that left things out.
    let again = Manifest::read(&written, usize::MAX).expect("what was taken is taken again");
    assert_eq!(&again, manifest);
    let all = [Interface::Dialogs, Interface::Appointments, Interface::Inbound];
    assert!(manifest.check_exports(&all).is_ok(), "a promise that every export together does not keep");
    let none = manifest.check_exports(&[]);
    assert_eq!(none.is_ok(), manifest.services.is_empty() && !manifest.webhooks);
    if let Err(error) = none {
        refused(&error);
    }
}

fn refused(error: &ManifestError) {
    let lines = error.lines();
    assert!((1..=MAX_TOLD).contains(&lines.len()), "{} lines", lines.len());
    for line in lines {
        assert!(!line.contains(char::is_control) && line.chars().count() <= 1_000, "{line:?}");
    }
}
