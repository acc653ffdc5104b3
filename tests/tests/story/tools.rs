//! Tools that nobody here wrote, from the path, or from PyPI in a folder of their own beside what cargo builds.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

/// The command of a package of the same name on PyPI, of exactly this version where it has to be installed.
///
/// # Errors
/// Why this machine cannot have it: it has no Python, or reaches no PyPI.
pub(crate) fn from_pypi(name: &str, version: &str) -> Result<PathBuf, String> {
    if Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(PathBuf::from(name));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{version}"));
    let tool = folder.join("bin").join(name);
    // Tests run beside each other, also in processes of their own.
    let lock = File::create(folder.with_extension("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let installed = folder.join("installed");
    if installed.exists() {
        return Ok(tool);
    }
    let run = |command: &mut Command| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check", "--timeout", "20"];
    run(Command::new(folder.join("bin/pip")).args(pip).arg(format!("{name}=={version}")))?;
    File::create(installed).map_err(|error| error.to_string())?;
    Ok(tool)
}
