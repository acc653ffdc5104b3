//! From nothing to a checked component, with the real toolchain.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

use dialog_contract::{
    package::{self, key::PublicKey},
    provider::{Capability, Interface},
};
use dialog_plugin::{
    build::{self, BuildError, Built, Options, build_all},
    check::{self, Level},
    command, scaffold,
};

/// A folder of this test's own, below the target directory: at the same place each time, so that cargo knows it again.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kit").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// All builds for wasm share one target directory.
fn options(out: &Path) -> Options {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("wasm");
    Options { out: Some(out.to_owned()), target: Some(target), toolchain: None }
}

/// A new plugin, with the SDK's own locked versions: they are on the machine already.
fn scaffolded(parent: &Path, name: &str) -> PathBuf {
    let plugin = scaffold::new(parent, name, &scaffold::own_sdk()).unwrap();
    fs::copy(scaffold::own_sdk().join("Cargo.lock"), plugin.join("Cargo.lock")).unwrap();
    plugin
}

fn build(plugin: &Path, out: &Path) -> Built {
    let mut said = Vec::new();
    let built = build::build(plugin, &options(out), &mut |progress| said.push(progress.to_string()));
    let [built] = &built.unwrap_or_else(|error| panic!("{error}\n{}", said.join("\n")))[..] else {
        panic!("one plugin")
    };
    assert!(said.iter().any(|line| line.starts_with("toolchain: rustc ")), "{said:?}");
    built.clone()
}

fn kit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dialog-plugin")).args(arguments).output().unwrap()
}

#[test]
fn a_new_plugin_builds_conforms_and_is_built_again_only_when_it_changed() {
    let parent = folder("story");
    let out = parent.join("plugins");
    let plugin = scaffolded(&parent, "fjell-helse");

    // Two at once: one builds, the other waits and finds it done.
    let (first, second) = thread::scope(|scope| {
        let other = scope.spawn(|| build(&plugin, &out));
        (build(&plugin, &out), other.join().unwrap())
    });
    assert_eq!(first.digest, second.digest);
    assert_ne!(first.changed, second.changed);
    assert_eq!(first.path, out.join("fjell-helse-0.1.0.wasm"));
    assert!(!build(&plugin, &out).changed);

    let bytes = fs::read(&first.path).unwrap();
    let report = check::check(&bytes);
    assert!(report.conforms && report.findings.is_empty(), "{report}");
    assert_eq!(report.digest, first.digest);
    assert_eq!(report.exports, [Interface::Dialogs]);
    assert_eq!(report.imports, [Capability::Upstream, Capability::Log]);
    let home = std::env::home_dir().unwrap().to_string_lossy().into_owned();
    for place in [env!("CARGO_MANIFEST_DIR"), &home] {
        let held = bytes.windows(place.len()).any(|window| window == place.as_bytes());
        assert!(!held, "the component holds {place}, a folder of the machine that built it");
    }

    // The command line says the same, to people and to programs.
    let file = first.path.to_str().unwrap();
    let answer = kit(&["check", file, "--json"]);
    assert_eq!(answer.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(json["conforms"], true);
    assert_eq!(json["manifest"]["id"], "fjell-helse");

    signed(&parent, &first);

    // A promise that nothing keeps: a new manifest alone is a new component, and it is refused with the rule's name.
    let manifest = fs::read_to_string(plugin.join("plugin.toml")).unwrap();
    fs::write(plugin.join("plugin.toml"), manifest.replace("idempotent = true", "webhooks = true")).unwrap();
    let changed = build(&plugin, &out);
    assert!(changed.changed && changed.digest != first.digest);
    let answer = kit(&["check", file]);
    assert_eq!(answer.status.code(), Some(1));
    let said = String::from_utf8(answer.stdout).unwrap();
    assert!(said.contains("error[services]: /webhooks: is true") && said.ends_with("does not conform\n"), "{said}");

    // What does not compile is shown as the compiler shows it, and the last good component stays.
    fs::write(plugin.join("src/lib.rs"), "fn broken( {}").unwrap();
    let error = build::build(&plugin, &options(&out), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, BuildError::Compile(said) if said.contains("src/lib.rs")), "{error}");
    assert!(first.path.exists());
}

/// A vendor signs what it built: the file stays the component, and what was changed afterwards is found.
fn signed(parent: &Path, built: &Built) {
    let (key, out) = (parent.join("vendor.key"), parent.join("signed.wasm"));
    let (key, out, file) = (key.to_str().unwrap(), out.to_str().unwrap(), built.path.to_str().unwrap());
    let answer = kit(&["keygen", "--out", key, "--algorithm", "ecdsa-p256", "--json"]);
    assert_eq!(answer.status.code(), Some(0));
    let made: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let public: PublicKey = serde_json::from_value(made["publicKey"].clone()).unwrap();
    assert_eq!(made["id"], public.id().as_str());
    assert_eq!(kit(&["keygen", "--out", key]).status.code(), Some(2), "a key that is there stays");

    let answer = kit(&["sign", file, "--key", key, "--out", out, "--json"]);
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
    let said: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!((&said["digest"], &said["key"]), (&built.digest.clone().into(), &made["id"]));
    let (before, after) = (fs::read(file).unwrap(), fs::read(out).unwrap());
    let opened = package::open(&after).unwrap();
    assert!(opened.component == before && opened.envelope.unwrap().is_signed_by(&public));
    let report = check::check(&after);
    assert!(report.conforms && report.digest == built.digest && report.signed_by == [public.id().as_str()], "{report}");

    // Signed for one version, and changed to another.
    let mut changed = after.clone();
    let at = changed.windows(5).position(|window| window == b"0.1.0").unwrap();
    changed[at] = b'1';
    fs::write(out, changed).unwrap();
    let answer = kit(&["check", out]);
    let said = String::from_utf8(answer.stdout).unwrap();
    assert_eq!(answer.status.code(), Some(1), "{said}");
    assert!(said.contains("error[signature]: is about another component"), "{said}");
    assert_eq!(kit(&["sign", file, "--key", file]).status.code(), Some(2), "no key");
}

#[test]
fn a_new_plugin_passes_its_tests_and_links_natively() {
    let plugin = scaffolded(&folder("native"), "fonn-helse");
    // Where the SDK's own tests are built: what it stands on is compiled once.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("sdk");
    // `build` links the `cdylib` by itself, which the unit tests do not need.
    for (command, said) in [("build", "Finished"), ("test", "an_inquiry_becomes_a_thread_at_the_clinic ... ok")] {
        let mut cargo = command::clean("cargo");
        cargo.arg(command).arg("--target-dir").arg(&target).current_dir(&plugin);
        let output = cargo.output().unwrap();
        let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && all.contains(said) && !all.contains("warning"), "{all}");
    }
}

#[test]
fn a_workspace_is_refused_before_anything_is_compiled() {
    let parent = folder("refused");
    let out = parent.join("plugins");
    let plugin = scaffolded(&parent, "bre-helse");
    let refused = |file: &str, from: &str, to: &str| {
        let path = plugin.join(file);
        let before = fs::read_to_string(&path).unwrap();
        assert!(before.contains(from), "{file} has no {from}");
        fs::write(&path, before.replace(from, to)).unwrap();
        let error = build_all(&plugin, &out, &mut |_| {}).unwrap_err().to_string();
        fs::write(&path, before).unwrap();
        error
    };
    for (file, from, to, told) in [
        ("plugin.toml", "idempotent", "idempotant", "unknown key `idempotant`; the nearest known one is `idempotent`"),
        ("plugin.toml", "kind", "version = \"9.9.9\"\nkind", "version is 9.9.9, and the package's is 0.1.0"),
        ("Cargo.toml", "\"cdylib\", \"lib\"", "\"lib\"", "[lib] needs crate-type = [\"cdylib\"]"),
        ("Cargo.toml", "[package]", "[pakage]", "is not a project that cargo can read"),
    ] {
        let error = refused(file, from, to);
        assert!(error.contains(told), "{error}");
    }
    fs::remove_file(plugin.join("plugin.toml")).unwrap();
    let error = build_all(&plugin, &out, &mut |_| {}).unwrap_err();
    assert!(matches!(error, BuildError::NoPlugin { .. }), "{error}");
    let error = build_all(&parent, &out, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("there is no Cargo.toml in it"), "{error}");
    assert!(!out.exists());
}

#[test]
fn a_file_that_cannot_be_read_is_another_exit_than_one_that_does_not_conform() {
    let parent = folder("exits");
    let file = parent.join("not.wasm");
    let answer = kit(&["check", file.to_str().unwrap()]);
    assert_eq!(answer.status.code(), Some(2));
    fs::write(&file, "#!/bin/sh\n").unwrap();
    let answer = kit(&["check", file.to_str().unwrap(), "--json"]);
    assert_eq!(answer.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(json["findings"][0]["rule"], "component");
    assert_eq!(json["findings"][0]["level"], "error");
    assert_eq!(check::check(b"").findings[0].level, Level::Error);
}
