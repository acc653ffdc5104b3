use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{BuildError, project::Project};
use crate::{
    command::run,
    toolchain::{TARGET, Toolchain, toml_text},
};

/// How long a build may take: a first one builds the standard library too, on two slow cores in five minutes.
const LIMIT: Duration = Duration::from_secs(1800);

/// Lines of cargo's that a failure shows.
const SHOWN: usize = 60;

#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Builds all plugins of a project in one go. Gives each package's module.
pub(super) fn compile(
    project: &Project,
    toolchain: &Toolchain,
    target: &Path,
    line: &mut dyn FnMut(&str),
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut command = toolchain.build();
    command.current_dir(&project.root).args(["--lib", "--message-format", "json-render-diagnostics"]);
    command.arg("--target-dir").arg(target);
    command.arg("--config").arg(format!("target.{TARGET}.rustflags=[{}]", remapped().join(",")));
    for package in &project.plugins {
        command.args(["-p", &package.name]);
    }
    let output = run(&mut command, LIMIT, line)?;
    if !output.status.success() {
        return Err(BuildError::Compile(output.last_lines(SHOWN)));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    Ok(messages
        .filter(|message| message.reason == "compiler-artifact")
        .filter_map(|message| {
            let module =
                message.filenames.into_iter().find(|file| file.extension().is_some_and(|kind| kind == "wasm"))?;
            Some((message.package_id?, module))
        })
        .collect())
}

/// Compiler flags that take this machine's folders out of panic places: they say nothing to an operator, they are
/// nobody's business, and without them the same source gives the same component elsewhere.
///
/// They are the same for every project: with others, cargo would build everything anew for each.
fn remapped() -> Vec<String> {
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    // A project's own sources have relative paths already; the SDK beside this kit has not.
    let kit = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let folders =
        [kit.ok().map(|folder| (folder, "dialog")), cargo.map(|folder| (folder.join("registry/src"), "registry"))];
    let flag = |(folder, name): (PathBuf, &str)| {
        toml_text(Path::new(&format!("--remap-path-prefix={}={name}", folder.display())))
    };
    folders.into_iter().flatten().map(flag).collect()
}
