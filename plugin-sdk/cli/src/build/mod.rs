//! From a plugin's folder to a component that the gateway takes.
//!
//! Floor plan
//! - [`build_all`]: every plugin of a workspace, for the demo and the tests
//! - [`build`]: one plugin, for a vendor
//! - `project`: what cargo says of a folder
//! - `compile`: cargo, for `wasm32-unknown-unknown`
//! - `component`: core module and manifest → component
//!
//! Whether something changed is cargo's to say; a component is packed anew each time (some milliseconds) and written only
//! where its bytes differ. One process builds at a time; the others wait for it.

mod compile;
mod component;
mod lock;
mod project;

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use dialog_contract::manifest::Manifest;
use sha2::{Digest, Sha256};

use crate::{
    command::CommandError,
    manifest::source::{self, SourceError},
    toolchain::{self, NoToolchain, Origin},
};

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it is: `<id>-<version>.wasm`.
    pub path: PathBuf,
    /// The plugin's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub digest: String,
    /// In bytes.
    pub size: u64,
    /// The file was not there, or had other content.
    pub changed: bool,
}

/// What a build is doing.
#[derive(Debug, Clone)]
pub enum Progress {
    /// Something that takes time on the way to a toolchain, or while another process builds.
    Waiting(String),
    /// Which toolchain builds, and whence.
    Toolchain(String),
    /// A line of cargo's.
    Cargo(String),
    /// A component is in its place.
    Ready(Built),
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting(what) | Self::Cargo(what) => f.write_str(what),
            Self::Toolchain(which) => write!(f, "toolchain: {which}"),
            Self::Ready(built) => {
                let what = if built.changed { "built" } else { "unchanged" };
                write!(f, "{what}: {} {} ({} bytes)", built.id, built.version, built.size)
            }
        }
    }
}

/// Where a build looks and writes.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where components go; by default `plugins` below cargo's target directory.
    pub out: Option<PathBuf>,
    /// Where cargo builds; by default `wasm` beside `plugins`.
    pub target: Option<PathBuf>,
    /// A toolchain from there only.
    pub toolchain: Option<Origin>,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No compiler for the target.
    #[error(transparent)]
    Toolchain(#[from] NoToolchain),
    /// Another program failed to run.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The folder is not a cargo project.
    #[error("{} is not a project that cargo can read:\n{message}", folder.display())]
    Project {
        /// Which folder.
        folder: PathBuf,
        /// What cargo says.
        message: String,
    },
    /// The folder has no plugin.
    #[error("{}: no package has a {} beside its Cargo.toml", folder.display(), source::FILE)]
    NoPlugin {
        /// Which folder.
        folder: PathBuf,
    },
    /// The package is not a library that becomes a module.
    #[error("{package}: [lib] needs crate-type = [\"cdylib\"] (and \"rlib\" for its own tests)")]
    NotModule {
        /// Which package.
        package: String,
    },
    /// Two plugins would be one file.
    #[error("{first} and {second} have the same id `{id}`")]
    SameId {
        /// A package.
        first: String,
        /// Another.
        second: String,
        /// The id.
        id: String,
    },
    /// `plugin.toml` gives no manifest.
    #[error(transparent)]
    Manifest(#[from] SourceError),
    /// It does not compile.
    #[error("cargo could not build:\n{0}")]
    Compile(String),
    /// The module does not become a component.
    #[error("{package} does not become a component: {message}")]
    Component {
        /// Which package.
        package: String,
        /// Why.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process builds, and does not end.
    #[error("{} has been locked by another build for {} s", path.display(), waited.as_secs())]
    Locked {
        /// The lock's file.
        path: PathBuf,
        /// How long this one waited.
        waited: std::time::Duration,
    },
}

/// Builds every plugin of the workspace in `plugins`, in the order of their ids, into `out`. Cargo builds in the folder
/// `wasm` beside `out`.
///
/// Blocks; several processes may call it at once. With nothing changed it takes well under a second.
///
/// # Errors
/// [`BuildError`] at the first plugin that cannot be built.
pub fn build_all(plugins: &Path, out: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Built>, BuildError> {
    let beside = out.parent().unwrap_or(out);
    let options = Options { out: Some(out.to_owned()), target: Some(beside.join("wasm")), toolchain: None };
    build(plugins, &options, progress)
}

/// Builds the plugin in `folder`, or every plugin where that is a workspace's root.
///
/// # Errors
/// As [`build_all`].
pub fn build(folder: &Path, options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Built>, BuildError> {
    let folder = fs::canonicalize(folder).map_err(|source| BuildError::File { path: folder.to_owned(), source })?;
    let project = project::read(&folder)?;
    let plugins = manifests(&project.plugins)?;
    let target = options.target.clone().unwrap_or_else(|| project.target.join("wasm"));
    let out = options.out.clone().unwrap_or_else(|| project.target.join("plugins"));
    let _lock = lock::take(&target, &mut |what| progress(Progress::Waiting(what)))?;
    let toolchain = toolchain::find(&folder, options.toolchain, &target, &mut |line| {
        progress(Progress::Waiting(line.to_owned()));
    })?;
    progress(Progress::Toolchain(toolchain.to_string()));
    let modules = compile::compile(&project, &toolchain, &target, &mut |line| {
        progress(Progress::Cargo(line.to_owned()));
    })?;
    let mut all = Vec::new();
    for (package, manifest) in &plugins {
        let module = modules
            .get(&package.id)
            .ok_or_else(|| BuildError::Compile(format!("cargo built no module for {}", package.name)))?;
        let component = component::pack(&package.name, &read(module)?, manifest)?;
        let built = place(&out, manifest, &component)?;
        progress(Progress::Ready(built.clone()));
        all.push(built);
    }
    Ok(all)
}

/// Each plugin's manifest, in the order of their ids.
fn manifests(packages: &[project::Package]) -> Result<Vec<(&project::Package, Manifest)>, BuildError> {
    let mut plugins = Vec::new();
    for package in packages {
        if !package.is_module {
            return Err(BuildError::NotModule { package: package.name.clone() });
        }
        plugins.push((package, source::read(&package.folder, &package.version)?));
    }
    plugins.sort_by(|(_, one), (_, other)| one.id.cmp(&other.id));
    for pair in plugins.windows(2) {
        if pair[0].1.id == pair[1].1.id {
            return Err(BuildError::SameId {
                first: pair[0].0.name.clone(),
                second: pair[1].0.name.clone(),
                id: pair[0].1.id.as_str().to_owned(),
            });
        }
    }
    Ok(plugins)
}

/// Puts a component in its place. A reader sees the old file or the new one, whole.
fn place(out: &Path, manifest: &Manifest, component: &[u8]) -> Result<Built, BuildError> {
    let path = out.join(format!("{}-{}.wasm", manifest.id.as_str(), manifest.version));
    let changed = fs::read(&path).map_or(true, |known| known != component);
    if changed {
        let failed = |source| BuildError::File { path: path.clone(), source };
        fs::create_dir_all(out).map_err(failed)?;
        // A component is no secret: whoever may read the folder may read it.
        let readable = fs::Permissions::from_mode(0o644);
        let file = tempfile::Builder::new().permissions(readable).tempfile_in(out).map_err(failed)?;
        fs::write(file.path(), component).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
    }
    let digest = Sha256::digest(component).iter().map(|byte| format!("{byte:02x}")).collect();
    let (id, version) = (manifest.id.as_str().to_owned(), manifest.version.clone());
    Ok(Built { path, id, version, digest, size: component.len() as u64, changed })
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|source| BuildError::File { path: path.to_owned(), source })
}
