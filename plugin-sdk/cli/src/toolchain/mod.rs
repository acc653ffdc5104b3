//! Finds a compiler for `wasm32-unknown-unknown`, in a fixed order: the first that works.
//!
//! Floor plan
//! - [`find`]: the order, and what is said when there is none
//! - `active`: the active toolchain has the target, or rustup can add it
//! - `debian`: Debian's packages build the standard library themselves

mod active;
mod debian;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::command::clean;

/// The target of every plugin.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Where a toolchain comes from, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Origin {
    /// The active toolchain has the target.
    Active,
    /// rustup adds the target to the active toolchain.
    Rustup,
    /// Debian's `rustc-web`, `cargo-web` and `rust-web-src`.
    Debian,
}

/// A toolchain that can build plugins.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Where it comes from.
    pub origin: Origin,
    /// The compiler's version, as it says it.
    pub version: String,
    cargo: PathBuf,
    /// The compiler and the linker, where cargo would not find them itself.
    own: Option<debian::Parts>,
}

impl Toolchain {
    /// A `cargo build` for the target, in release mode.
    pub fn build(&self) -> Command {
        let mut command = clean(&self.cargo);
        command.args(["build", "--release", "--target", TARGET]);
        if let Some(parts) = &self.own {
            // Debian has no compiled standard library for the target, and `-Zbuild-std` wants a nightly compiler or
            // this variable.
            command.env_remove("RUSTUP_TOOLCHAIN").env("RUSTC", &parts.rustc).env("RUSTC_BOOTSTRAP", "1");
            command.arg("-Zbuild-std=std,panic_abort");
            command.arg("--config").arg(format!("target.{TARGET}.linker={}", toml_text(&parts.linker)));
        }
        command
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match self.origin {
            Origin::Active => "the active toolchain has the target",
            Origin::Rustup => "rustup added the target to the active toolchain",
            Origin::Debian => "Debian's packages",
        };
        write!(f, "{} ({origin})", self.version)
    }
}

/// No toolchain: all three places, and why each fails.
#[derive(Debug, thiserror::Error)]
#[error(
    "no toolchain can build for {TARGET}. Tried, in this order:\n\
     1. the active toolchain: {active}\n\
     2. rustup: {rustup}\n\
     3. Debian's packages: {debian}"
)]
pub struct NoToolchain {
    /// Why the active toolchain cannot.
    pub active: String,
    /// Why rustup cannot add the target.
    pub rustup: String,
    /// Why Debian's packages cannot.
    pub debian: String,
}

const NOT_ASKED: &str = "not asked for";

/// Finds a toolchain for the project in `folder`. With `wanted`, from there only.
///
/// `memory` is a folder of ours below the build directory: once Debian's packages had to serve, they do so without asking
/// rustup's server again, for as long as they are complete and the active toolchain has no target.
///
/// `say` hears what takes time.
///
/// # Errors
/// [`NoToolchain`] names all three places, and what to run where only root can help.
pub fn find(
    folder: &Path,
    wanted: Option<Origin>,
    memory: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Toolchain, NoToolchain> {
    let asked = |origin| wanted.is_none_or(|wanted| wanted == origin);
    let mut failed =
        NoToolchain { active: NOT_ASKED.to_owned(), rustup: NOT_ASKED.to_owned(), debian: NOT_ASKED.to_owned() };
    if asked(Origin::Active) {
        match active::find(folder) {
            Ok(toolchain) => return Ok(toolchain),
            Err(why) => failed.active = why,
        }
    }
    let remembered = memory.join("toolchain");
    let served = || fs::read_to_string(&remembered).is_ok_and(|text| text == "debian");
    if wanted.is_none()
        && served()
        && let Ok(toolchain) = debian::installed(folder)
    {
        return Ok(toolchain);
    }
    if asked(Origin::Rustup) {
        match active::add(folder, say) {
            Ok(toolchain) => return Ok(toolchain),
            Err(why) => failed.rustup = why,
        }
    }
    if asked(Origin::Debian) {
        match debian::find(folder, say) {
            Ok(toolchain) => {
                if wanted.is_none() {
                    // Forgetting costs one question to rustup's server at the next build, no more.
                    let _ = fs::create_dir_all(memory).and_then(|()| fs::write(&remembered, "debian"));
                }
                return Ok(toolchain);
            }
            Err(why) => failed.debian = why,
        }
    }
    Err(failed)
}

/// A path as a TOML string, for `--config`.
pub(crate) fn toml_text(path: &Path) -> String {
    toml::Value::String(path.to_string_lossy().into_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_all_three_places() {
        let error = NoToolchain { active: "a1".into(), rustup: "r2".into(), debian: "d3".into() }.to_string();
        for part in ["1. the active toolchain: a1", "2. rustup: r2", "3. Debian's packages: d3"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_path_with_quotes_is_still_one_toml_string() {
        let text = toml_text(Path::new("/a \"b\"\\c"));
        let table: toml::Table = format!("x = {text}").parse().unwrap_or_default();
        assert_eq!(table.get("x").and_then(toml::Value::as_str), Some("/a \"b\"\\c"));
    }
}
