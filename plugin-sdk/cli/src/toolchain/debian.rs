use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Origin, TARGET, Toolchain};
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

/// How long apt waits, in seconds, for another one that is at work: on a new machine there often is.
const LOCK_WAIT: &str = "DPkg::Lock::Timeout=300";

const APT: &str = "/usr/bin/apt-get";
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
    let lacking = match installed(folder) {
        Ok(toolchain) => return Ok(toolchain),
        Err(lacking) => lacking,
    };
    let machine =
        Machine { is_root: is_root(), has_apt: Path::new(APT).exists(), has_linker: linker(folder).is_some() };
    let packages = machine.decide(&lacking)?;
    // A new machine has no package lists, or those of the release alone: compilers this young come as security updates.
    say("apt-get update");
    let updated = apt(&["update"], say);
    say(&format!("installing {}", packages.join(" ")));
    install(&packages, say).and_then(|()| installed(folder)).map_err(|error| {
        let lists = updated.err().map(|error| format!(" (and apt-get update: {error})")).unwrap_or_default();
        format!(
            "{lacking}, and after installing {}: {error}{lists}. They are among Debian's security updates; with those in \
             apt's sources, run by hand:\n       {}",
            packages.join(" "),
            by_hand(&packages)
        )
    })
}

/// What decides whether packages are installed, or what a person is told to run.
#[derive(Debug, Clone, Copy)]
struct Machine {
    is_root: bool,
    has_apt: bool,
    /// A linker for the target is there already, rustup's or Debian's.
    has_linker: bool,
}

impl Machine {
    /// The packages to install; else why not, with the command that helps. `lacking` says what is not there.
    fn decide(self, lacking: &str) -> Result<Vec<&'static str>, String> {
        let mut packages = PACKAGES.to_vec();
        if !self.has_linker {
            packages.push(LINKER_PACKAGE);
        }
        if !self.has_apt {
            return Err(format!(
                "{lacking}, and this is not a Debian ({APT} is not there). With rustup and its server in reach, run:\n       \
                 rustup target add {TARGET}"
            ));
        }
        if !self.is_root {
            let command = by_hand(&packages);
            return Err(format!("{lacking}. Only root can install packages; run:\n       sudo sh -c '{command}'"));
        }
        Ok(packages)
    }
}

fn by_hand(packages: &[&str]) -> String {
    format!("apt-get update && apt-get install -y {}", packages.join(" "))
}

fn install(packages: &[&str], say: &mut dyn FnMut(&str)) -> Result<(), String> {
    apt(&[&["install", "-y", "--no-install-recommends"], packages].concat(), say)
}

fn apt(arguments: &[&str], say: &mut dyn FnMut(&str)) -> Result<(), String> {
    let mut command = clean(APT);
    command.args(["-o", LOCK_WAIT]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
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
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::toolchain::NoToolchain;

    #[test]
    fn debians_plain_compiler_is_told_from_the_one_that_serves() {
        assert!(parsed("rustc 1.63.0").is_some_and(|version| version < OLDEST));
        assert!(
            parsed("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)").is_some_and(|v| v >= OLDEST)
        );
        assert_eq!(parsed("rustc"), None);
    }

    #[test]
    fn root_on_debian_installs_just_what_is_missing() {
        let machine = Machine { is_root: true, has_apt: true, has_linker: true };
        assert_eq!(machine.decide("x").as_deref(), Ok(&["rustc-web", "cargo-web", "rust-web-src"][..]));
        let machine = Machine { has_linker: false, ..machine };
        assert_eq!(machine.decide("x").as_deref(), Ok(&["rustc-web", "cargo-web", "rust-web-src", "lld"][..]));
    }

    #[test]
    fn who_cannot_install_is_told_the_exact_command() {
        let sudo = ". Only root can install packages; run:\n       \
                    sudo sh -c 'apt-get update && apt-get install -y rustc-web cargo-web rust-web-src";
        let rustup = ", and this is not a Debian (/usr/bin/apt-get is not there). With rustup and its server in reach, \
                      run:\n       rustup target add wasm32-unknown-unknown";
        for (is_root, has_apt, has_linker, told) in [
            (false, true, true, format!("{sudo}'")),
            (false, true, false, format!("{sudo} lld'")),
            (true, false, true, rustup.to_owned()),
            (true, false, false, rustup.to_owned()),
            (false, false, true, rustup.to_owned()),
            (false, false, false, rustup.to_owned()),
        ] {
            let machine = Machine { is_root, has_apt, has_linker };
            let lacking = "/usr/bin/rustc or /usr/bin/cargo is not there";
            assert_eq!(machine.decide(lacking), Err(format!("{lacking}{told}")), "{machine:?}");
        }
    }

    #[test]
    fn a_failure_without_root_names_all_three_places_and_the_command() {
        let machine = Machine { is_root: false, has_apt: true, has_linker: true };
        let error = NoToolchain {
            active: "rustc 1.95.0 has no standard library for wasm32-unknown-unknown".to_owned(),
            rustup: "`rustup` was stopped after 20 s without an end".to_owned(),
            debian: machine.decide("/usr/bin/rustc or /usr/bin/cargo is not there").unwrap_err(),
        };
        assert_eq!(
            error.to_string(),
            "no toolchain can build for wasm32-unknown-unknown. Tried, in this order:\n\
             1. the active toolchain: rustc 1.95.0 has no standard library for wasm32-unknown-unknown\n\
             2. rustup: `rustup` was stopped after 20 s without an end\n\
             3. Debian's packages: /usr/bin/rustc or /usr/bin/cargo is not there. \
             Only root can install packages; run:\n       \
             sudo sh -c 'apt-get update && apt-get install -y rustc-web cargo-web rust-web-src'"
        );
    }
}
