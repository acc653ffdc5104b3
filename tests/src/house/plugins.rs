//! The plugins of this repository, built as their vendors would build them, and where their machine code is cached.
//!
//! Both lie beside the binaries that cargo built, so that a second start finds them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use dialog_plugin::build::{self, Progress};
use indicatif::{ProgressBar, ProgressStyle};

/// Builds what has changed, and gives id and file of each. Other processes that build at the same time are waited for.
pub fn built() -> anyhow::Result<Vec<(String, PathBuf)>> {
    build_all("plugins", "plugins")
}

/// As [`built`], the plugins that are hostile and the one that stands beside them.
pub fn guests() -> anyhow::Result<Vec<(String, PathBuf)>> {
    build_all("tests/guests", "guests")
}

fn build_all(from: &str, to: &str) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} plugins: {wide_msg}") {
        bar.set_style(style);
    }
    let built = build::build_all(&folder().join(from), &target().join(to), &mut |progress: Progress| {
        bar.set_message(progress.to_string());
        bar.tick();
    });
    bar.finish_and_clear();
    let built = built.with_context(|| format!("build {from}"))?;
    Ok(built.into_iter().map(|one| (one.id, one.path)).collect())
}

/// Where machine code is cached, for all houses together.
#[must_use]
pub fn cache() -> PathBuf {
    target().join("plugin-cache")
}

/// Where the demo keeps its configuration and data from start to start.
#[must_use]
pub fn demo_folder() -> PathBuf {
    target().join("demo")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Cargo's target folder: this binary lies in `<target>/<profile>[/deps]`.
fn target() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|binary| {
            let folder = binary.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists())?;
            Some(folder.to_owned())
        })
        .unwrap_or_else(|| folder().join("target"))
}
