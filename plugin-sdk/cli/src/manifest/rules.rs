//! What must hold of a manifest: its JSON Schema, and what a schema cannot say.

use std::{collections::BTreeSet, sync::LazyLock};

use dialog_contract::{provider::Interface, service::Service};
use jsonschema::Validator;
use serde_json::Value;

use super::Manifest;

/// The schema of manifests.
pub const SCHEMA: &str = include_str!("../../../../schemas/json/manifest.json");

/// Largest manifest in bytes: two settings schemas of a hundred fields each take a tenth of it.
pub const MAX_BYTES: usize = 256 * 1024;

/// Deepest nesting of a settings schema. Forms that people fill in need ten.
const MAX_DEPTH: u32 = 64;

/// Most broken rules that are told at once.
const MAX_TOLD: usize = 20;

static VALIDATOR: LazyLock<Result<Validator, String>> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).map_err(|error| error.to_string())?;
    jsonschema::draft202012::new(&schema).map_err(|error| error.to_string())
});

/// Reads a manifest from the bytes of a custom section.
///
/// # Errors
/// Every rule that it breaks, each with the field: at least one.
pub fn read(json: &[u8]) -> Result<Manifest, Vec<String>> {
    if json.len() > MAX_BYTES {
        return Err(vec![format!("the manifest is {} bytes, over the limit of {MAX_BYTES}", json.len())]);
    }
    let value: Value =
        serde_json::from_slice(json).map_err(|error| vec![format!("the manifest is not JSON: {error}")])?;
    check(&value)?;
    serde_json::from_value(value).map_err(|error| vec![format!("the manifest cannot be read: {error}")])
}

/// Checks a manifest by itself.
///
/// # Errors
/// As [`read`].
pub fn check(manifest: &Value) -> Result<(), Vec<String>> {
    let validator = VALIDATOR.as_ref().map_err(|error| vec![error.clone()])?;
    let mut broken: Vec<String> = validator
        .iter_errors(manifest)
        .take(MAX_TOLD)
        .map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "the manifest".to_owned() } else { place };
            format!("{place}: {error}")
        })
        .collect();
    for field in ["settingsSchema", "installationSchema"] {
        if let Some(schema) = manifest.get(field).filter(|schema| schema.is_object()) {
            broken.extend(schema_faults(schema).into_iter().map(|fault| format!("/{field}: {fault}")));
        }
    }
    let names = manifest.get("upstreams").and_then(Value::as_array).into_iter().flatten();
    let mut seen = BTreeSet::new();
    for name in names.filter_map(|upstream| upstream.get("name").and_then(Value::as_str)) {
        if !seen.insert(name) {
            broken.push(format!("/upstreams: names {name:?} twice"));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}

/// Checks a manifest against what the component exports.
pub fn unkept(manifest: &Manifest, exports: &[Interface]) -> Vec<String> {
    let has = |interface| exports.contains(&interface);
    let mut broken = Vec::new();
    for service in &manifest.services {
        let kept = has(Interface::Dialogs) || (*service == Service::Appointment && has(Interface::Appointments));
        if !kept {
            let needed = match service {
                Service::Appointment => "`dialogs` or `appointments`",
                _ => "`dialogs`",
            };
            broken.push(format!("/services: promises {service}, and the component does not export {needed}"));
        }
    }
    if manifest.webhooks && !has(Interface::Inbound) {
        broken.push("/webhooks: is true, and the component does not export `inbound`".to_owned());
    }
    broken
}

fn schema_faults(schema: &Value) -> Option<String> {
    if let Some(fault) = foreign(schema, 0) {
        return Some(fault);
    }
    if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
        return Some(format!("is not a JSON Schema 2020-12: {error} (at {:?})", error.instance_path().to_string()));
    }
    jsonschema::draft202012::new(schema).err().map(|error| format!("cannot be used as a JSON Schema: {error}"))
}

/// A reference that is not within the schema: nothing is fetched to check a setting.
fn foreign(schema: &Value, depth: u32) -> Option<String> {
    if depth > MAX_DEPTH {
        return Some(format!("is nested over {MAX_DEPTH} deep"));
    }
    match schema {
        Value::Object(object) => object.iter().find_map(|(key, value)| match value.as_str() {
            Some(to) if matches!(key.as_str(), "$ref" | "$dynamicRef") && !to.starts_with('#') => {
                Some(format!("refers outside itself, to {to:?}"))
            }
            _ => foreign(value, depth + 1),
        }),
        Value::Array(items) => items.iter().find_map(|item| foreign(item, depth + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn manifest() -> Value {
        json!({
            "manifestVersion": 1,
            "id": "example",
            "version": "1.2.3",
            "name": "Example AS",
            "kind": "commercial",
            "contract": "dialog:provider@1.0.0",
            "services": ["inquiry"],
            "upstreams": [{ "name": "api", "purpose": "Everything" }],
            "settingsSchema": { "type": "object" },
            "installationSchema": { "type": "object" },
            "nationalIdentityNumber": false,
            "idempotent": true,
            "webhooks": false,
        })
    }

    #[test]
    fn a_whole_manifest_is_read_and_written_back_the_same() {
        let read = read(manifest().to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), manifest());
    }

    #[test]
    fn each_broken_rule_is_told_with_its_field() {
        for (field, value, told) in [
            ("manifestVersion", json!(2), "/manifestVersion"),
            ("id", json!("Example"), "/id"),
            ("version", json!("1.2"), "/version"),
            ("version", json!("01.2.3"), "/version"),
            ("name", json!(" "), "/name"),
            ("name", json!("a\nb"), "/name"),
            ("kind", json!("private"), "/kind"),
            ("contract", json!("dialog:provider@2.0.0"), "/contract"),
            ("services", json!(["surgery"]), "/services/0"),
            ("services", json!(["inquiry", "inquiry"]), "/services"),
            ("upstreams", json!([{ "name": "A", "purpose": "x" }]), "/upstreams/0/name"),
            ("upstreams", json!([{ "name": "a", "purpose": "x" }, { "name": "a", "purpose": "y" }]), "\"a\" twice"),
            ("settingsSchema", json!({ "type": "text" }), "/settingsSchema: is not a JSON Schema"),
            ("settingsSchema", json!({ "properties": { "a": { "pattern": "(" } } }), "/settingsSchema"),
            ("installationSchema", json!({ "$ref": "https://example.no/s" }), "/installationSchema: refers outside"),
            ("webhooks", json!("yes"), "/webhooks"),
            ("capabilities", json!([]), "capabilities"),
        ] {
            let mut json = manifest();
            json[field] = value.clone();
            let broken = check(&json).unwrap_err();
            assert!(broken.iter().any(|rule| rule.contains(told)), "{field} {value}: {broken:?}");
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        let mut json = manifest();
        json.as_object_mut().unwrap().remove("kind");
        assert!(check(&json).unwrap_err()[0].contains("\"kind\""));
    }

    #[test]
    fn a_promise_that_no_export_keeps_is_told() {
        let mut manifest = read(manifest().to_string().as_bytes()).unwrap();
        assert!(unkept(&manifest, &[Interface::Appointments])[0].contains("promises inquiry"));
        assert!(unkept(&manifest, &[Interface::Dialogs]).is_empty());
        manifest.services = vec![Service::Appointment];
        assert!(unkept(&manifest, &[Interface::Appointments]).is_empty());
        manifest.webhooks = true;
        assert!(unkept(&manifest, &[Interface::Appointments])[0].contains("/webhooks"));
    }

    #[test]
    fn a_manifest_over_the_limit_is_not_looked_at() {
        assert!(read(&vec![b' '; MAX_BYTES + 1]).unwrap_err()[0].contains("over the limit"));
    }
}
