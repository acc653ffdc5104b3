//! What vendors' code is made of has tests of its own, in workspaces of its own: they are a part of ours.

use std::{path::Path, process::Command};

/// Runs a workspace's own tests with the cargo that runs these.
fn cargo_test(workspace: &str, target: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["test", "--locked", "--manifest-path"])
        .arg(root.join(workspace).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target").join(target));
    // What cargo told this test of its own package would confuse a cargo below it.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_") && name != "CARGO_HOME" {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().expect("cargo can be run");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // What is skipped is said by name: it must be seen here too.
    for line in said.lines().filter(|line| line.contains("skipped")) {
        println!("{line}");
    }
    assert!(output.status.success(), "{workspace}: {said}");
}

#[test]
fn the_plugins_pass_their_own_tests() {
    cargo_test("plugins", "plugins-native");
}

#[test]
fn the_sdk_passes_its_own_tests() {
    cargo_test("plugin-sdk/rust", "sdk");
}
