//! The standards that lie beside the project, and `xmllint` that validates with their schemas.
//!
//! A check is skipped only where the standards are absent, and it says so by name. Where they are, `xmllint` must be
//! too: it is installed, or the check fails and says what to run. The tests of `plugins/ddfl`, a workspace of its own,
//! include this file by its path: it needs nothing but the standard library.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The schema of HITS 1217, with the receipts of version 1.1.
pub const DIGITAL_DIALOG: &str = "digital-dialog.xsd";

/// The schema of receipts of version 1.0, and the name space that tells them.
pub const OLD_RECEIPT: (&str, &str) =
    ("applikasjonskvittering/AppRec-v1-2004-11-21.xsd", "http://www.kith.no/xmlstds/apprec/2004-11-21");

/// Debian's package of `xmllint`.
const PACKAGE: &str = "libxml2-utils";

/// How long apt may take in all, in seconds: 1 MiB to fetch, and another apt may be at work.
const APT_LIMIT: &str = "600";

/// A folder of the standards; where it is absent, `test` says that it is skipped.
pub fn standards(path: &str, test: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = here.map(|folder| folder.join("shared/standards").join(path)).find(|folder| folder.is_dir());
    if found.is_none() {
        // The harness captures what the macros print; this line is to be seen in the log of a skipped run.
        let line = format!("skipped {test}: the standards are not here (shared/standards/{path})\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    found
}

/// Validates messages against the schemas in the folder `xsd`, each against the one that is for it.
///
/// # Errors
/// What `xmllint` says, or how to get it.
pub fn validate(xsd: &Path, files: &[PathBuf]) -> Result<(), String> {
    static XMLLINT: LazyLock<Result<(), String>> = LazyLock::new(provide);
    XMLLINT.clone()?;
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for file in files {
        let failed = |error| format!("{}: {error}", file.display());
        let bytes = std::fs::read(file).map_err(failed)?;
        let receipt = String::from_utf8_lossy(&bytes).contains(OLD_RECEIPT.1);
        if receipt { &mut old } else { &mut new }.push(file.canonicalize().map_err(failed)?);
    }
    for (schema, files) in [(DIGITAL_DIALOG, new), (OLD_RECEIPT.0, old)] {
        if files.is_empty() {
            continue;
        }
        let output = Command::new("xmllint")
            .current_dir(xsd)
            .env("XML_CATALOG_FILES", "catalog.xml")
            .args(["--nonet", "--noout", "--schema", schema])
            .args(files)
            .output()
            .map_err(|error| format!("xmllint: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    Ok(())
}

/// Who this is, where `xmllint` is missing.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Root may install.
    pub is_root: bool,
    /// This is a Debian, or a relative of it.
    pub has_apt: bool,
}

/// Whether `xmllint` is to be installed.
///
/// # Errors
/// What a person must run.
pub fn decide(machine: Machine) -> Result<(), String> {
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
