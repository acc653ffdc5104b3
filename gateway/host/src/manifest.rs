//! What a component's types cannot say, in a custom section of the same file: identity, version, services, names of
//! upstreams, and the JSON Schemas of its settings.

use std::collections::BTreeSet;

use dialog_contract::{
    ids::PluginId,
    provider::Interface,
    service::{ProviderKind, Service},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The custom section that holds the manifest, as one JSON object.
pub const SECTION: &str = "dialog-manifest";

/// The version of the manifest's form.
pub const MANIFEST_VERSION: u32 = 1;

/// The contract that this host speaks.
pub const CONTRACT: &str = "dialog:provider@1.0.0";

/// A plugin's manifest. Unknown keys are refused: a key that this host does not know may be a promise that it would not
/// keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub manifest_version: u32,
    /// The plugin's id, in paths, metrics and the audit log.
    pub id: PluginId,
    /// Semantic version.
    pub version: String,
    /// As citizens know the provider, 1 to 80 characters.
    pub name: String,
    /// Public or commercial.
    pub kind: ProviderKind,
    /// [`CONTRACT`].
    pub contract: String,
    /// The services that it provides.
    pub services: Vec<Service>,
    /// The remote systems that it talks to.
    #[serde(default)]
    pub upstreams: Vec<UpstreamName>,
    /// JSON Schema of what an office agrees with the provider.
    pub settings_schema: Value,
    /// JSON Schema of what the operator sets for the installation.
    pub installation_schema: Value,
    /// Whether it needs citizens' national identity numbers.
    #[serde(default)]
    pub national_identity_number: bool,
    /// Whether the provider recognises a repeated idempotency key, so that a call may be repeated after a crash.
    #[serde(default)]
    pub idempotent: bool,
    /// Whether the vendor pushes deliveries.
    #[serde(default)]
    pub webhooks: bool,
}

/// A remote system that a plugin names and the operator binds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpstreamName {
    /// 1 to 40 of `a-z`, `0-9` and `-`, beginning with a letter.
    pub name: String,
    /// What for, in a sentence for the operator, 1 to 300 characters.
    pub purpose: String,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not JSON, or not this JSON.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// A field breaks its rule.
    #[error("the manifest's {field} {rule}")]
    Invalid {
        /// Which, as JSON Pointer without its leading slash.
        field: String,
        /// What it breaks.
        rule: String,
    },
}

fn invalid<T>(field: impl Into<String>, rule: impl Into<String>) -> Result<T, ManifestError> {
    Err(ManifestError::Invalid { field: field.into(), rule: rule.into() })
}

impl Manifest {
    /// Reads and checks a manifest by itself.
    ///
    /// # Errors
    /// [`ManifestError`] names the field and the rule.
    pub fn read(json: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| ManifestError::Unreadable(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.manifest_version != MANIFEST_VERSION {
            return invalid(
                "manifestVersion",
                format!("is {}; this host knows {MANIFEST_VERSION}", self.manifest_version),
            );
        }
        if self.contract != CONTRACT {
            return invalid("contract", format!("is {:?}; this host speaks {CONTRACT}", self.contract));
        }
        if !is_semver(&self.version) {
            return invalid("version", "is not a semantic version such as 1.2.3");
        }
        if !is_line(&self.name, 80) {
            return invalid("name", "must be 1 to 80 characters in one line");
        }
        let mut services = BTreeSet::new();
        for (index, service) in self.services.iter().enumerate() {
            if !services.insert(*service) {
                return invalid(format!("services/{index}"), format!("names {service} twice"));
            }
        }
        let mut names = BTreeSet::new();
        for (index, upstream) in self.upstreams.iter().enumerate() {
            if !is_upstream_name(&upstream.name) {
                return invalid(
                    format!("upstreams/{index}/name"),
                    "must be 1 to 40 of a-z, 0-9 and '-', beginning with a letter",
                );
            }
            if !is_line(&upstream.purpose, 300) {
                return invalid(format!("upstreams/{index}/purpose"), "must be 1 to 300 characters in one line");
            }
            if !names.insert(&upstream.name) {
                return invalid(format!("upstreams/{index}/name"), format!("names {} twice", upstream.name));
            }
        }
        check_schema("settingsSchema", &self.settings_schema)?;
        check_schema("installationSchema", &self.installation_schema)
    }

    /// Checks the manifest against what the component exports.
    ///
    /// # Errors
    /// Names the service or promise that nothing in the component keeps.
    pub fn check_exports(&self, exports: &[Interface]) -> Result<(), ManifestError> {
        let has = |interface| exports.contains(&interface);
        for (index, service) in self.services.iter().enumerate() {
            let kept = has(Interface::Dialogs) || (*service == Service::Appointment && has(Interface::Appointments));
            if !kept {
                return invalid(
                    format!("services/{index}"),
                    format!("names {service}, and the component exports no interface for it"),
                );
            }
        }
        if self.webhooks && !has(Interface::Inbound) {
            return invalid("webhooks", "is true, and the component does not export inbound");
        }
        Ok(())
    }
}

fn check_schema(field: &str, schema: &Value) -> Result<(), ManifestError> {
    if !schema.is_object() {
        return invalid(field, "must be a JSON Schema object");
    }
    if let Some(reference) = foreign_reference(schema, 0) {
        return invalid(field, format!("refers outside itself ({reference:?})"));
    }
    match jsonschema::draft202012::new(schema) {
        Ok(_) => Ok(()),
        Err(error) => invalid(field, format!("is not a JSON Schema 2020-12: {error}")),
    }
}

/// The first reference that is not within the schema: nothing is fetched to check a setting.
fn foreign_reference(schema: &Value, depth: u32) -> Option<&str> {
    if depth > 128 {
        return Some("nested too deep");
    }
    match schema {
        Value::Object(object) => object.iter().find_map(|(key, value)| match value.as_str() {
            Some(reference) if matches!(key.as_str(), "$ref" | "$dynamicRef") && !reference.starts_with('#') => {
                Some(reference)
            }
            _ => foreign_reference(value, depth + 1),
        }),
        Value::Array(items) => items.iter().find_map(|item| foreign_reference(item, depth + 1)),
        _ => None,
    }
}

/// Checks a value by one of a manifest's schemas.
///
/// # Errors
/// The places and rules that it breaks, at most five, without the values.
pub fn check_value(schema: &Value, value: &Value) -> Result<(), String> {
    let validator = jsonschema::draft202012::new(schema).map_err(|error| error.to_string())?;
    let errors: Vec<String> = validator
        .iter_errors(value)
        .take(5)
        .map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "it".to_owned() } else { place };
            format!("{place} breaks {}", error.schema_path())
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

fn is_line(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// Whether an upstream can be called this.
pub(crate) fn is_upstream_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Semantic Versioning 2.0.0, at most 64 characters.
fn is_semver(version: &str) -> bool {
    if version.len() > 64 {
        return false;
    }
    let (rest, build) = match version.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (version, None),
    };
    let (core, pre) = match rest.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (rest, None),
    };
    let number = |text: &str| {
        !text.is_empty()
            && text.len() <= 9
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let identifier =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(|part| identifier(part) && (!numeric(part) || number(part))))
        && build.is_none_or(|build| build.split('.').all(identifier))
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
        })
    }

    fn refused(change: impl FnOnce(&mut Value)) -> String {
        let mut json = manifest();
        change(&mut json);
        Manifest::read(json.to_string().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_manifest_is_read() {
        let read = Manifest::read(manifest().to_string().as_bytes()).unwrap();
        assert_eq!(read.id.as_str(), "example");
        assert!(!read.national_identity_number && !read.idempotent && !read.webhooks);
    }

    #[test]
    fn an_unknown_key_is_named() {
        assert!(refused(|json| json["capabilities"] = json!([])).contains("unknown field `capabilities`"));
    }

    #[test]
    fn each_rule_is_named_with_its_field() {
        for (change, message) in [
            (("manifestVersion", json!(2)), "the manifest's manifestVersion is 2; this host knows 1"),
            (("contract", json!("dialog:provider@2.0.0")), "this host speaks dialog:provider@1.0.0"),
            (("version", json!("1.2")), "the manifest's version is not a semantic version"),
            (("name", json!("")), "the manifest's name must be 1 to 80 characters"),
            (("name", json!("a\nb")), "in one line"),
            (("id", json!("Example")), "not a valid plugin id"),
            (("services", json!(["inquiry", "inquiry"])), "the manifest's services/1 names inquiry twice"),
            (("services", json!(["surgery"])), "unknown variant `surgery`"),
            (("upstreams", json!([{ "name": "A", "purpose": "x" }])), "the manifest's upstreams/0/name must be"),
            (("settingsSchema", json!([])), "the manifest's settingsSchema must be a JSON Schema object"),
            (("settingsSchema", json!({ "type": "text" })), "settingsSchema is not a JSON Schema"),
            (("installationSchema", json!({ "$ref": "https://example.no/schema" })), "refers outside itself"),
        ] {
            let error = refused(|json| json[change.0] = change.1);
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn a_promise_that_the_component_does_not_keep_is_refused() {
        let mut manifest = Manifest::read(manifest().to_string().as_bytes()).unwrap();
        let error = manifest.check_exports(&[Interface::Appointments]).unwrap_err().to_string();
        assert!(error.contains("services/0 names inquiry"), "{error}");
        manifest.check_exports(&[Interface::Dialogs]).unwrap();
        manifest.webhooks = true;
        let error = manifest.check_exports(&[Interface::Dialogs]).unwrap_err().to_string();
        assert!(error.contains("webhooks"), "{error}");
    }

    #[test]
    fn versions_are_semantic() {
        for version in ["0.0.0", "1.2.3", "1.0.0-rc.1", "1.0.0+build.7", "1.0.0-a-b+c"] {
            assert!(is_semver(version), "{version}");
        }
        for version in ["", "1", "1.2", "01.2.3", "1.2.3.4", "1.2.3-", "1.2.3-01", "v1.2.3", "1.2.x"] {
            assert!(!is_semver(version), "{version}");
        }
    }

    #[test]
    fn a_value_that_breaks_its_schema_is_told_where_and_never_shown() {
        let schema = json!({ "type": "object", "properties": { "key": { "type": "integer" } }, "required": ["key"] });
        assert_eq!(check_value(&schema, &json!({ "key": 1 })), Ok(()));
        let error = check_value(&schema, &json!({ "key": "hemmelig" })).unwrap_err();
        assert!(error.contains("/key") && !error.contains("hemmelig"), "{error}");
    }
}
