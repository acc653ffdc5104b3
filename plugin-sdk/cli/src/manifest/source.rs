//! `plugin.toml`, beside the plugin's `Cargo.toml`.
//!
//! ```toml
//! id = "example"
//! name = "Example AS"
//! kind = "commercial"
//! services = ["consultation", "inquiry"]
//! settings-schema = "settings.schema.json"      # a file, or the schema itself as a table
//! idempotent = true
//!
//! [[upstreams]]
//! name = "api"
//! purpose = "Example's API: dialogs in both directions."
//! ```
//! The version is the package's; one that is written here must be the same.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use dialog_contract::{
    manifest::{BYTES, CONTRACT, Manifest, ManifestError, Upstream, VERSION, json as strict},
    service::{ProviderKind, Service},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The file's name.
pub const FILE: &str = "plugin.toml";

/// Largest file that is read, in bytes; a schema is beside it or within it, so the manifest's own limit.
const MAX_BYTES: u64 = BYTES as u64;

const KEYS: &[&str] = &[
    "id",
    "version",
    "name",
    "kind",
    "services",
    "upstreams",
    "settings-schema",
    "installation-schema",
    "national-identity-number",
    "idempotent",
    "webhooks",
];
const UPSTREAM_KEYS: &[&str] = &["name", "purpose"];

/// Why a `plugin.toml` gives no manifest.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is too large.
    #[error("{} is over {MAX_BYTES} bytes", file.display())]
    TooLarge {
        /// Which.
        file: PathBuf,
    },
    /// A file is not what it should be.
    #[error("{}: {message}", file.display())]
    Malformed {
        /// Which.
        file: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// A key that nothing reads.
    #[error("{}: unknown key `{key}`; the nearest known one is `{nearest}`", file.display())]
    UnknownKey {
        /// Which file.
        file: PathBuf,
        /// The key, with the table that it is in.
        key: String,
        /// The known key that looks most like it.
        nearest: &'static str,
    },
    /// Two versions.
    #[error("{}: version is {here}, and the package's is {package}", file.display())]
    Version {
        /// Which file.
        file: PathBuf,
        /// In `plugin.toml`.
        here: String,
        /// In `Cargo.toml`.
        package: String,
    },
    /// A schema's file is not beside the plugin.
    #[error("{}: `{path}` is not a path below the plugin's own folder", file.display())]
    Elsewhere {
        /// Which file.
        file: PathBuf,
        /// The path that it names.
        path: String,
    },
    /// The manifest breaks rules.
    #[error("{}:\n  {}", file.display(), why.lines().join("\n  "))]
    Rules {
        /// Which file.
        file: PathBuf,
        /// Which.
        why: ManifestError,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Source {
    id: String,
    version: Option<String>,
    name: String,
    kind: ProviderKind,
    services: Vec<Service>,
    #[serde(default)]
    upstreams: Vec<Upstream>,
    settings_schema: Option<Schema>,
    installation_schema: Option<Schema>,
    #[serde(default)]
    national_identity_number: bool,
    #[serde(default)]
    idempotent: bool,
    #[serde(default)]
    webhooks: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Schema {
    File(String),
    Inline(Value),
}

/// Reads the `plugin.toml` in a plugin's folder. `package_version` is that of its `Cargo.toml`.
///
/// # Errors
/// [`SourceError`] names the file, and the key or rule.
pub fn read(folder: &Path, package_version: &str) -> Result<Manifest, SourceError> {
    let file = folder.join(FILE);
    let text = read_file(&file)?;
    let malformed = |message: String| SourceError::Malformed { file: file.clone(), message };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| malformed(error.to_string()))?;
    known_keys(&file, "", table.keys(), KEYS)?;
    for upstream in table.get("upstreams").and_then(toml::Value::as_array).into_iter().flatten() {
        if let Some(upstream) = upstream.as_table() {
            known_keys(&file, "upstreams.", upstream.keys(), UPSTREAM_KEYS)?;
        }
    }
    let source: Source = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    if let Some(here) = source.version.filter(|here| here != package_version) {
        return Err(SourceError::Version { file, here, package: package_version.to_owned() });
    }
    let manifest = json!({
        "manifestVersion": VERSION,
        "id": source.id,
        "version": package_version,
        "name": source.name,
        "kind": source.kind,
        "contract": CONTRACT,
        "services": source.services,
        "upstreams": source.upstreams,
        "settingsSchema": schema(folder, &file, source.settings_schema)?,
        "installationSchema": schema(folder, &file, source.installation_schema)?,
        "nationalIdentityNumber": source.national_identity_number,
        "idempotent": source.idempotent,
        "webhooks": source.webhooks,
    });
    Manifest::read(manifest.to_string().as_bytes(), BYTES).map_err(|why| SourceError::Rules { file, why })
}

/// The schema itself. A plugin without one takes no settings.
fn schema(folder: &Path, file: &Path, schema: Option<Schema>) -> Result<Value, SourceError> {
    match schema {
        None => Ok(json!({ "type": "object", "additionalProperties": false })),
        Some(Schema::Inline(schema)) => Ok(schema),
        Some(Schema::File(path)) => {
            if !Path::new(&path).components().all(|part| matches!(part, std::path::Component::Normal(_))) {
                return Err(SourceError::Elsewhere { file: file.to_owned(), path });
            }
            let file = folder.join(path);
            let text = read_file(&file)?;
            strict::read(text.as_bytes()).map_err(|error| SourceError::Malformed { file, message: error.to_string() })
        }
    }
}

fn known_keys<'a>(
    file: &Path,
    table: &str,
    mut keys: impl Iterator<Item = &'a String>,
    known: &'static [&'static str],
) -> Result<(), SourceError> {
    let Some(key) = keys.find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let distance = |other: &&&str| strsim::damerau_levenshtein(&key.to_lowercase().replace('_', "-"), other);
    let nearest = known.iter().min_by_key(distance).copied().unwrap_or_default();
    Err(SourceError::UnknownKey { file: file.to_owned(), key: format!("{table}{key}"), nearest })
}

fn read_file(file: &Path) -> Result<String, SourceError> {
    let unreadable = |source| SourceError::Unreadable { file: file.to_owned(), source };
    if fs::metadata(file).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(SourceError::TooLarge { file: file.to_owned() });
    }
    fs::read_to_string(file).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const WHOLE: &str = r#"
        id = "example"
        version = "1.2.3"
        name = "Example AS"
        kind = "commercial"
        services = ["inquiry"]
        settings-schema = "settings.schema.json"
        [installation-schema]
        type = "object"
        required = ["sender"]
        [[upstreams]]
        name = "api"
        purpose = "Everything."
    "#;

    fn of(text: &str) -> Result<Manifest, SourceError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        fs::write(folder.path().join("settings.schema.json"), r#"{"type": "object", "title": "Settings"}"#).unwrap();
        fs::write(folder.path().join("twice.schema.json"), r#"{"type": "object", "type": "string"}"#).unwrap();
        read(folder.path(), "1.2.3")
    }

    #[test]
    fn schemas_come_from_a_file_or_a_table() {
        let manifest = of(WHOLE).unwrap();
        assert_eq!(manifest.settings_schema["title"], "Settings");
        assert_eq!(manifest.installation_schema["required"][0], "sender");
        assert_eq!(manifest.version, "1.2.3");
        assert_eq!(manifest.contract, CONTRACT);
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        for (line, told) in [
            ("idempotant = true", "unknown key `idempotant`; the nearest known one is `idempotent`"),
            ("nationalIdentityNumber = true", "the nearest known one is `national-identity-number`"),
            ("settings_schema = 'a'", "the nearest known one is `settings-schema`"),
        ] {
            let error = of(&format!("{line}\n{WHOLE}")).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        let error = of(&format!("{WHOLE}\nporpose = 'x'")).unwrap_err().to_string();
        assert!(error.contains("unknown key `upstreams.porpose`; the nearest known one is `purpose`"), "{error}");
    }

    #[test]
    fn a_version_that_is_not_the_packages_is_refused() {
        let error = of(&WHOLE.replace("1.2.3", "1.2.4")).unwrap_err().to_string();
        assert!(error.contains("version is 1.2.4, and the package's is 1.2.3"), "{error}");
    }

    #[test]
    fn each_broken_file_is_named_with_what_is_wrong() {
        for (from, to, told) in [
            ("kind = \"commercial\"", "", "missing field `kind`"),
            ("\"inquiry\"", "\"surgery\"", "unknown variant `surgery`"),
            ("id = \"example\"", "id = \"E\"", "plugin.toml:\n  /id: is \"E\", and must be 2 to 40 of a-z"),
            ("id = \"example\"", "id = 7", "line 2, column 14"),
            ("settings.schema.json", "../settings.schema.json", "is not a path below the plugin's own folder"),
            ("settings.schema.json", "/etc/hostname", "is not a path below the plugin's own folder"),
            ("settings.schema.json", "absent.json", "absent.json cannot be read"),
            ("settings.schema.json", "plugin.toml", "plugin.toml: is not JSON: expected"),
            ("settings.schema.json", "twice.schema.json", "twice.schema.json: has the key \"type\" twice in an object"),
            (
                "type = \"object\"",
                "type = \"text\"",
                "/installationSchema/type: is \"text\", and by JSON Schema 2020-12 it must be one of",
            ),
        ] {
            let error = of(&WHOLE.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(told), "{to}: {error}");
        }
    }

    #[test]
    fn every_rule_that_is_broken_is_told_on_its_line() {
        let error = of(&WHOLE.replace("\"inquiry\"", "\"inquiry\", \"inquiry\"").replace("\"Example AS\"", "' '"));
        let told = error.unwrap_err().to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        assert!(lines[1..].iter().all(|line| line.starts_with("  /")), "{told}");
    }

    #[test]
    fn a_manifest_over_the_limit_is_refused_also_where_each_of_its_files_is_below_it() {
        let folder = tempfile::tempdir().unwrap();
        let schema = json!({ "description": "x".repeat(BYTES * 3 / 4) }).to_string();
        fs::write(folder.path().join("settings.schema.json"), &schema).unwrap();
        let whole = WHOLE.replace("[installation-schema]", "installation-schema = 'settings.schema.json'");
        let whole = whole.replace("type = \"object\"", "").replace("required = [\"sender\"]", "");
        fs::write(folder.path().join(FILE), whole).unwrap();
        let error = read(folder.path(), "1.2.3").unwrap_err().to_string();
        assert!(error.contains("bytes, over the limit of 262144"), "{error}");
    }

    #[test]
    fn the_plugins_here_have_manifests_that_hold() {
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
        for plugin in ["besoklegen", "cgm-eportal", "ddfl", "helserespons", "kry", "pasientsky"] {
            assert_eq!(read(&plugins.join(plugin), "0.1.0").unwrap().id.as_str(), plugin);
        }
    }
}
