//! What vendors' code is made of has tests of its own, in workspaces of its own: they are a part of ours.

use std::{io::Write, path::Path, process::Command};

/// Runs a workspace's own tests with the cargo that runs these.
fn cargo_test(workspace: &str, target: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["test", "--locked", "--all-features", "--manifest-path"])
        .arg(root.join(workspace).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target").join(target))
        // Without this, what a test that passes prints stays with its harness.
        .args(["--", "--show-output"]);
    // What cargo told this test of its own package would confuse a cargo below it.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") && name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo can be run");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for line in skips(&said) {
        // The harness captures what the macros print; a skip is to be seen in the log of this run too.
        let line = format!("{workspace}: {line}\n");
        std::io::stderr().write_all(line.as_bytes()).expect("standard error takes a line");
    }
    assert!(output.status.success(), "{workspace}: {said}");
}

/// The lines by which tests say that they skip something, by name and with the reason.
fn skips(said: &str) -> impl Iterator<Item = &str> {
    said.lines().filter(|line| line.starts_with("skipped "))
}

#[test]
fn the_plugins_pass_their_own_tests() {
    cargo_test("plugins", "plugins-native");
}

#[test]
fn the_sdk_passes_its_own_tests() {
    cargo_test("plugin-sdk/rust", "sdk");
}

#[test]
fn a_skip_is_passed_on_and_what_only_mentions_one_is_not() {
    let said = "running 2 tests\nskipped one: there is no x\ntest nothing_is_skipped ... ok\nskipped two: no y\n";
    assert_eq!(skips(said).collect::<Vec<_>>(), ["skipped one: there is no x", "skipped two: no y"]);
}
