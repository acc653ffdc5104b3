//! The standards that lie beside the project, and `xmllint` that validates with their schemas.
//!
//! A check is skipped only where the standards are absent, and it says so by name. Where they are, `xmllint` must be
//! too: it is installed, or the test fails and says what to run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "fixtures of a test file")]

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::support::folder;

/// Debian's package of `xmllint`.
const PACKAGE: &str = "libxml2-utils";

/// How long apt may take in all, in seconds: 1 MiB to fetch, and another apt may be at work.
const APT_LIMIT: &str = "600";

/// A folder of the standards; where it is absent, `test` says that it is skipped.
pub(crate) fn standards(path: &str, test: &str) -> Option<PathBuf> {
    let folder = folder("../../../shared/standards").join(path);
    if folder.is_dir() {
        return Some(folder);
    }
    // The harness captures what the macros print; this line is to be seen in the log of a skipped run.
    let line = format!("skipped {test}: the standards are not here (shared/standards/{path})\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// Validates a file against the schemas.
pub(crate) fn validate(schemas: &Path, file: &Path) -> Result<(), String> {
    static XMLLINT: LazyLock<Result<(), String>> = LazyLock::new(provide);
    if let Err(why) = &*XMLLINT {
        panic!("{why}");
    }
    let file = file.canonicalize().unwrap();
    let output = Command::new("xmllint")
        .current_dir(schemas)
        .env("XML_CATALOG_FILES", "catalog.xml")
        .args(["--nonet", "--noout", "--schema", "digital-dialog.xsd"])
        .arg(file)
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Who this is, where `xmllint` is missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    pub(crate) is_root: bool,
    pub(crate) has_apt: bool,
}

/// Whether `xmllint` is to be installed; else what a person must run.
pub(crate) fn decide(machine: Machine) -> Result<(), String> {
    let missing = format!("xmllint is missing, and the schemas are here: install {PACKAGE}");
    let command = format!("apt-get update && apt-get install -y {PACKAGE}");
    match machine {
        Machine { is_root: true, has_apt: true } => Ok(()),
        Machine { is_root: false, has_apt: true } => Err(format!("{missing}; run: sudo sh -c '{command}'")),
        Machine { has_apt: false, .. } => Err(format!("{missing}; on Debian or Ubuntu, as root: {command}")),
    }
}

fn provide() -> Result<(), String> {
    if runs() {
        return Ok(());
    }
    decide(Machine {
        is_root: std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0),
        has_apt: Path::new("/usr/bin/apt-get").exists(),
    })?;
    let install = ["install", "-y", "--no-install-recommends", PACKAGE];
    if apt(&install).is_err() {
        // A machine that was just set up has no package lists yet.
        apt(&["update"]).and_then(|()| apt(&install)).map_err(|why| {
            format!(
                "xmllint is missing, and installing {PACKAGE} fails; run: \
                 apt-get update && apt-get install -y {PACKAGE}\n{why}"
            )
        })?;
    }
    if runs() { Ok(()) } else { Err(format!("{PACKAGE} is installed, and xmllint is not in the PATH")) }
}

fn runs() -> bool {
    Command::new("xmllint").arg("--version").output().is_ok_and(|output| output.status.success())
}

fn apt(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("timeout")
        .args([APT_LIMIT, "/usr/bin/apt-get", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .output()
        .map_err(|error| format!("timeout: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
