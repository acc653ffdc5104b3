use std::{fs, path::Path, time::Duration};

use super::{Origin, TARGET, Toolchain};
use crate::command::{ask, clean, run};

/// How long rustup may take to add the target: a download of 25 MiB. A server that cannot be reached says so sooner.
const ADD_LIMIT: Duration = Duration::from_secs(20);

/// The active toolchain, if it has the target.
pub(super) fn find(folder: &Path) -> Result<Toolchain, String> {
    let version = ask(clean("rustc").current_dir(folder).arg("-V")).map_err(|error| error.to_string())?;
    if !version.status.success() {
        return Err(format!("`rustc -V` fails: {}", version.last_lines(3)));
    }
    let version = version.text();
    let library = ask(clean("rustc").current_dir(folder).args(["--print", "target-libdir", "--target", TARGET]))
        .map_err(|error| error.to_string())?;
    let has_std = |folder: String| {
        fs::read_dir(folder).is_ok_and(|files| {
            files.flatten().any(|file| {
                let name = file.file_name();
                let name = name.to_string_lossy();
                name.starts_with("libstd-") && name.ends_with(".rlib")
            })
        })
    };
    if !library.status.success() || !has_std(library.text()) {
        return Err(format!("{version} has no standard library for {TARGET}"));
    }
    Ok(Toolchain { origin: Origin::Active, version, cargo: "cargo".into(), own: None })
}

/// The active toolchain, after rustup has added the target.
pub(super) fn add(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<Toolchain, String> {
    say(&format!("asking rustup for the target {TARGET}"));
    let mut command = clean("rustup");
    command.current_dir(folder).args(["target", "add", TARGET]);
    let output = run(&mut command, ADD_LIMIT, &mut |_| {}).map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("`rustup target add {TARGET}` fails: {}", output.last_lines(3)));
    }
    find(folder).map(|toolchain| Toolchain { origin: Origin::Rustup, ..toolchain })
}
