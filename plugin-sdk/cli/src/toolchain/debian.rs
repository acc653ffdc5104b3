use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Origin, Toolchain};
use crate::command::{ask, clean, run};

/// What builds for the target: compiler, cargo, and the source of the standard library.
const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// The linker, where no rustup toolchain has one.
const LINKER_PACKAGE: &str = "lld";

/// How long installing may take: 250 MiB to fetch and unpack.
const INSTALL_LIMIT: Duration = Duration::from_secs(900);

/// The oldest compiler that builds this kit's plugins (edition 2024 and what the SDK uses). Debian's plain `rustc` has
/// the same path and is years older.
const OLDEST: (u32, u32) = (1, 95);

const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const WASM_LD: &str = "/usr/bin/wasm-ld";

/// What cargo must be told of.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) rustc: PathBuf,
    pub(super) linker: PathBuf,
}

/// The packages, if they are complete.
pub(super) fn installed(folder: &Path) -> Result<Toolchain, String> {
    if !Path::new(RUSTC).exists() || !Path::new(CARGO).exists() {
        return Err(format!("{RUSTC} or {CARGO} is not there"));
    }
    let answer = ask(clean(RUSTC).arg("-V")).map_err(|error| error.to_string())?;
    let version = answer.text();
    if !answer.status.success() || parsed(&version).is_none_or(|version| version < OLDEST) {
        return Err(format!("{RUSTC} is {version:?}, older than {}.{}", OLDEST.0, OLDEST.1));
    }
    let sysroot = ask(clean(RUSTC).args(["--print", "sysroot"])).map_err(|error| error.to_string())?.text();
    let library = Path::new(&sysroot).join("lib/rustlib/src/rust/library/std/Cargo.toml");
    if !library.exists() {
        return Err("the source of the standard library (rust-web-src) is not there".to_owned());
    }
    let linker = linker(folder).ok_or("there is neither a rustup toolchain's rust-lld nor Debian's lld")?;
    let own = Some(Parts { rustc: RUSTC.into(), linker });
    Ok(Toolchain { origin: Origin::Debian, version, cargo: CARGO.into(), own })
}

/// The packages, installed if need be and if this is root.
pub(super) fn find(folder: &Path, say: &mut dyn FnMut(&str)) -> Result<Toolchain, String> {
    let missing = match installed(folder) {
        Ok(toolchain) => return Ok(toolchain),
        Err(missing) => missing,
    };
    let mut packages = PACKAGES.to_vec();
    if linker(folder).is_none() {
        packages.push(LINKER_PACKAGE);
    }
    let by_hand = format!("apt-get update && apt-get install -y {}", packages.join(" "));
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!("{missing}, and this is not a Debian"));
    }
    if !is_root() {
        return Err(format!("{missing}. Only root can install them; run:\n       sudo sh -c '{by_hand}'"));
    }
    say(&format!("installing {}", packages.join(" ")));
    let mut last = install(&packages, say);
    if last.is_err() {
        // A machine that was just set up has no package lists yet.
        say("apt-get update");
        apt(&["update"], say)?;
        last = install(&packages, say);
    }
    last.map_err(|error| format!("{missing}, and installing fails: {error}. Run by hand: {by_hand}"))?;
    installed(folder)
}

fn install(packages: &[&str], say: &mut dyn FnMut(&str)) -> Result<(), String> {
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat(), say)
}

fn apt(arguments: &[&str], say: &mut dyn FnMut(&str)) -> Result<(), String> {
    let mut command = clean("/usr/bin/apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    let output = run(&mut command, INSTALL_LIMIT, say).map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(output.last_lines(3)) }
}

/// The rustup toolchain's linker, else Debian's.
fn linker(folder: &Path) -> Option<PathBuf> {
    rust_lld(folder).or_else(|| Some(PathBuf::from(WASM_LD)).filter(|linker| linker.exists()))
}

fn rust_lld(folder: &Path) -> Option<PathBuf> {
    let sysroot = ask(clean("rustc").current_dir(folder).args(["--print", "sysroot"])).ok()?;
    let targets = fs::read_dir(Path::new(&sysroot.text()).join("lib/rustlib")).ok()?;
    targets.flatten().map(|target| target.path().join("bin/rust-lld")).find(|linker| linker.exists())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Major and minor of `rustc 1.96.0 (…)`.
fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split_whitespace().nth(1)?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_plain_compiler_is_told_from_the_one_that_serves() {
        assert!(parsed("rustc 1.63.0").is_some_and(|version| version < OLDEST));
        assert!(
            parsed("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)").is_some_and(|v| v >= OLDEST)
        );
        assert_eq!(parsed("rustc"), None);
    }
}
