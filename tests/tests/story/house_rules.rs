//! The rules of the house that no compiler checks: imports run one way, the top level is what the design says, and the
//! threat model names tests that are there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

/// The workspaces: the gateway with the kit and the tests, the plugins, the SDK, the guests of the tests, the fuzzers.
const WORKSPACES: [&str; 5] = ["", "plugins", "plugin-sdk/rust", "tests/guests", "tests/fuzz"];

/// Every package's folder, and which of ours it may import.
const ALLOWED: [(&str, &[&str]); 22] = [
    ("gateway/contract", &[]),
    ("gateway/dialogs", &["dialog-contract"]),
    ("gateway/host", &["dialog-contract", "dialog-core"]),
    ("gateway/store", &["dialog-contract", "dialog-core"]),
    ("gateway/audit", &["dialog-contract"]),
    ("gateway/server", &["dialog-contract", "dialog-core", "dialog-host", "dialog-store", "dialog-audit"]),
    ("plugin-sdk/cli", &["dialog-contract"]),
    ("plugin-sdk/rust", &[]),
    ("plugins/besoklegen", &["dialog-plugin-sdk"]),
    ("plugins/cgm-eportal", &["dialog-plugin-sdk"]),
    ("plugins/ddfl", &["dialog-plugin-sdk"]),
    ("plugins/epost", &["dialog-plugin-sdk"]),
    ("plugins/helserespons", &["dialog-plugin-sdk"]),
    ("plugins/kry", &["dialog-plugin-sdk"]),
    ("plugins/pasientsky", &["dialog-plugin-sdk"]),
    ("plugins/sms", &["dialog-plugin-sdk"]),
    ("tests/guests/bystander", &["dialog-plugin-sdk"]),
    ("tests/guests/hostile", &["dialog-plugin-sdk"]),
    (
        "tests/drivers",
        &[
            "dialog-contract",
            "dialog-audit",
            "dialog-host",
            "dialog-gateway",
            "dialog-tests",
            "ddfl",
            "dialog-plugin-sdk",
        ],
    ),
    ("tests/fuzz", &["dialog-drivers"]),
    ("tests/conformance", &["dialog-contract", "dialog-core", "dialog-host", "dialog-store"]),
    (
        "tests",
        &[
            "dialog-contract",
            "dialog-core",
            "dialog-audit",
            "dialog-host",
            "dialog-gateway",
            "dialog-store",
            "dialog-plugin",
            "dialog-conformance",
        ],
    ),
];

/// What only one room knows.
const OWNED: [(&str, &str); 3] = [("wasmtime", "gateway/host"), ("sled", "gateway/store"), ("axum", "gateway/server")];

/// What cargo says of a workspace.
#[derive(Deserialize)]
struct Workspace {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

/// A dependency under its own name, whatever the package calls it: normal, for the build script, or for tests; for all
/// targets or for one.
#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

impl Package {
    /// What it imports: not what only its tests do.
    fn imports(&self) -> BTreeSet<&str> {
        let imports = self.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"));
        imports.map(|dependency| dependency.name.as_str()).collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the root")
}

/// Asks cargo for the packages of a workspace.
fn ask(manifest: &Path) -> Vec<Package> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}: {}", manifest.display(), String::from_utf8_lossy(&output.stderr));
    let workspace: Workspace = serde_json::from_slice(&output.stdout).expect("what cargo says of a workspace");
    workspace.packages
}

/// All packages of the project by their folders.
fn packages() -> BTreeMap<String, Package> {
    let root = root();
    let mut packages = BTreeMap::new();
    for workspace in WORKSPACES {
        for package in ask(&root.join(workspace).join("Cargo.toml")) {
            let folder = package.manifest_path.parent().expect("a folder");
            let folder = folder.strip_prefix(&root).expect("a folder of ours").to_string_lossy().into_owned();
            packages.insert(folder, package);
        }
    }
    packages
}

/// Every import of ours that has no leave, every owned crate outside its room, every package without a rule.
fn broken(packages: &BTreeMap<String, Package>) -> Vec<String> {
    let ours: BTreeSet<&str> = packages.values().map(|package| package.name.as_str()).collect();
    let mut broken = Vec::new();
    for (folder, package) in packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == folder) else {
            broken.push(format!("{folder} has no rule"));
            continue;
        };
        for import in package.imports() {
            if ours.contains(import) && !allowed.contains(&import) {
                broken.push(format!("{folder} imports {import}"));
            }
            // The simulators and the story are on the other side of the wire: they serve HTTP too.
            let simulated = folder == "tests" && import == "axum";
            if !simulated && OWNED.iter().any(|(owned, room)| *owned == import && room != folder) {
                broken.push(format!("{folder} knows {import}"));
            }
        }
    }
    broken
}

#[test]
fn imports_run_one_way_and_what_one_room_owns_no_other_knows() {
    let packages = packages();
    assert_eq!(broken(&packages), [""; 0]);
    let folders: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    assert_eq!(folders, ALLOWED.iter().map(|(folder, _)| *folder).collect(), "every rule is about a package");
    for (owned, room) in OWNED {
        assert!(packages[room].imports().contains(owned), "{room} no longer knows {owned}");
    }
}

#[test]
fn an_import_is_found_in_every_table_and_under_any_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |tables: &str| {
        let path = folder.path().join("Cargo.toml");
        let manifest = format!("[package]\nname = \"x\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n{tables}\n");
        fs::write(&path, manifest).expect("a manifest");
        fs::write(folder.path().join("lib.rs"), "").expect("a crate");
        let contract = Package { name: "dialog-contract".into(), manifest_path: PathBuf::new(), dependencies: vec![] };
        let packages = ask(&path).into_iter().map(|package| ("plugin-sdk/rust".to_owned(), package));
        broken(&packages.chain([("gateway/contract".to_owned(), contract)]).collect())
    };
    for table in ["dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"] {
        for dependency in ["dialog-contract = \"1\"", "x1 = { package = \"dialog-contract\", version = \"1\" }"] {
            let found = with(&format!("[{table}]\n{dependency}"));
            assert_eq!(found, ["plugin-sdk/rust imports dialog-contract"], "{table}: {dependency}");
        }
        assert_eq!(with(&format!("[{table}]\nwasmtime = \"1\"")), ["plugin-sdk/rust knows wasmtime"], "{table}");
    }
    assert_eq!(with("[dev-dependencies]\ndialog-contract = \"1\""), [""; 0]);
}

#[test]
fn a_package_without_a_rule_is_found() {
    let package = Package { name: "x".into(), manifest_path: PathBuf::new(), dependencies: vec![] };
    assert_eq!(broken(&[("gateway/x".to_owned(), package)].into()), ["gateway/x has no rule"]);
}

#[test]
fn the_top_level_folders_are_those_of_the_design() {
    let expected: BTreeSet<&str> = ["gateway", "plugin-sdk", "plugins", "schemas", "tests"].into();
    let found: BTreeSet<String> = fs::read_dir(root())
        .expect("the root")
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
}

/// The Rust sources of a folder, without what cargo builds.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let path = entry.path();
        let kind = entry.file_type().expect("its kind");
        if kind.is_dir() && entry.file_name() != "target" {
            sources(&path, found);
        } else if kind.is_file() && path.extension().is_some_and(|kind| kind == "rs") {
            found.push_str(&fs::read_to_string(&path).expect("a source"));
        }
    }
}

/// Lines of the threat model without a test, and tests of it that are not there.
fn unproven(threats: &str, sources: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for line in threats.lines() {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let threat = cells.next().is_some_and(|letter| letter.len() == 1 && "STRIDE".contains(letter));
        let Some(tests) = cells.nth(2).filter(|_| threat) else { continue };
        let tests: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            wrong.push(line.to_owned());
        }
        let is_there = |test: &&&str| {
            let name = format!("fn {test}(");
            let Some(at) = sources.find(&name) else { return false };
            sources[..at].lines().rev().take(6).any(|line| line.contains("#[test]") || line.contains("#[tokio::test"))
        };
        wrong.extend(tests.iter().filter(|test| !is_there(test)).map(|test| (*test).to_owned()));
    }
    wrong
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let threats = fs::read_to_string(root().join("gateway/THREATS.md")).expect("the threat model");
    let mut found = String::new();
    for folder in ["gateway", "plugin-sdk", "tests"] {
        sources(&root().join(folder), &mut found);
    }
    assert_eq!(unproven(&threats, &found), [""; 0]);
    let lines = "| S | A | b | `not_there`, `a_test` |\n| T | A | b | c |";
    assert_eq!(unproven(lines, "#[test]\nfn a_test() {}"), ["not_there", "| T | A | b | c |"]);
}
