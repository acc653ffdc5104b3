use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::BuildError;
use crate::{
    command::{ask, clean},
    manifest::source,
};

/// What cargo says of a folder.
#[derive(Debug)]
pub(super) struct Project {
    /// The workspace's root.
    pub(super) root: PathBuf,
    /// Cargo's target directory.
    pub(super) target: PathBuf,
    /// The packages with a `plugin.toml`.
    pub(super) plugins: Vec<Package>,
}

/// A package with a `plugin.toml`.
#[derive(Debug)]
pub(super) struct Package {
    /// As cargo names it in its messages.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) folder: PathBuf,
    /// It has a library that becomes a module.
    pub(super) is_module: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Listed>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// Reads the project of a folder: its own plugin, or all of them where it is a workspace's root.
pub(super) fn read(folder: &Path) -> Result<Project, BuildError> {
    let wrong = |message: String| BuildError::Project { folder: folder.to_owned(), message };
    if !folder.join("Cargo.toml").exists() {
        // Cargo would look further up, and find somebody else's.
        return Err(wrong("there is no Cargo.toml in it".to_owned()));
    }
    let mut command = clean("cargo");
    command.current_dir(folder).args(["metadata", "--no-deps", "--format-version", "1"]);
    let output = ask(&mut command)?;
    if !output.status.success() {
        return Err(wrong(output.last_lines(20)));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|error| wrong(error.to_string()))?;
    let root = metadata.workspace_root == folder;
    let plugins: Vec<Package> = metadata
        .packages
        .into_iter()
        .filter_map(|package| {
            let own = package.manifest_path.parent()?.to_owned();
            let wanted = (root || own == folder) && own.join(source::FILE).exists();
            let is_module = package.targets.iter().any(|target| target.crate_types.iter().any(|kind| kind == "cdylib"));
            let Listed { id, name, version, .. } = package;
            wanted.then_some(Package { id, name, version, folder: own, is_module })
        })
        .collect();
    if plugins.is_empty() {
        return Err(BuildError::NoPlugin { folder: folder.to_owned() });
    }
    Ok(Project { root: metadata.workspace_root, target: metadata.target_directory, plugins })
}
