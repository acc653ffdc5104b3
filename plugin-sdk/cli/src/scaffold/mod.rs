//! A new plugin: a few files that build, pass their own test and conform.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use dialog_contract::ids::{InvalidId, PluginId};

const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("plugin.toml", include_str!("template/plugin.toml.in")),
    ("settings.schema.json", include_str!("template/settings.schema.json.in")),
    ("src/lib.rs", include_str!("template/lib.rs.in")),
    (".gitignore", "target/\n"),
];

/// Why there is no new plugin.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The name cannot be a plugin's id.
    #[error("`{name}`: {source}")]
    Name {
        /// The name.
        name: String,
        /// The rule.
        source: InvalidId,
    },
    /// The folder is there.
    #[error("{} is there already", folder.display())]
    Exists {
        /// Which.
        folder: PathBuf,
    },
    /// The SDK is not where it should be.
    #[error("{} is not the plugin SDK (no Cargo.toml of `dialog-plugin-sdk` in it): say where it is with --sdk", folder.display())]
    NoSdk {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Where the SDK stands beside the sources of this kit.
pub fn own_sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rust")
}

/// Writes a new plugin into the folder `name` in `parent`, using the SDK in `sdk`. Gives the folder.
///
/// # Errors
/// [`ScaffoldError`]; nothing is written where the name, the folder or the SDK is wrong.
pub fn new(parent: &Path, name: &str, sdk: &Path) -> Result<PathBuf, ScaffoldError> {
    let id: PluginId = name.parse().map_err(|source| ScaffoldError::Name { name: name.to_owned(), source })?;
    let is_sdk = |folder: &Path| {
        fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains("name = \"dialog-plugin-sdk\""))
    };
    let no_sdk = || ScaffoldError::NoSdk { folder: sdk.to_owned() };
    let sdk = fs::canonicalize(sdk).ok().filter(|folder| is_sdk(folder)).ok_or_else(no_sdk)?;
    let folder = parent.join(name);
    if folder.exists() {
        return Err(ScaffoldError::Exists { folder });
    }
    for (file, template) in FILES {
        let path = folder.join(file);
        let text = template
            .replace("{{id}}", id.as_str())
            .replace("{{name}}", &title(id.as_str()))
            .replace("\"{{sdk}}\"", &toml::Value::String(sdk.to_string_lossy().into_owned()).to_string());
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .map_err(|source| ScaffoldError::File { path: path.clone(), source })?;
    }
    Ok(folder)
}

/// `fjell-helse` → `Fjell Helse`.
fn title(id: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    id.split('-').filter(|part| !part.is_empty()).map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::manifest::source;

    #[test]
    fn a_new_plugin_has_a_manifest_that_holds() {
        let parent = tempfile::tempdir().unwrap();
        let folder = new(parent.path(), "fjell-helse", &own_sdk()).unwrap();
        let manifest = source::read(&folder, "0.1.0").unwrap();
        assert_eq!(manifest.id.as_str(), "fjell-helse");
        assert_eq!(manifest.name, "Fjell Helse");
        for (file, _) in FILES {
            assert!(!fs::read_to_string(folder.join(file)).unwrap().contains("{{"), "{file}");
        }
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("fjell-helse")).unwrap();
        let error = new(parent.path(), "fjell-helse", &own_sdk()).unwrap_err();
        assert!(matches!(error, ScaffoldError::Exists { .. }), "{error}");
        assert_eq!(fs::read_dir(parent.path().join("fjell-helse")).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["../up", "Up", "a", "", "a/b"] {
            let error = new(parent.path(), name, &own_sdk()).unwrap_err();
            assert!(matches!(error, ScaffoldError::Name { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn a_folder_that_is_not_the_sdk_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let error = new(parent.path(), "fjell-helse", parent.path()).unwrap_err().to_string();
        assert!(error.contains("is not the plugin SDK") && error.contains("--sdk"), "{error}");
        assert!(!parent.path().join("fjell-helse").exists());
    }
}
