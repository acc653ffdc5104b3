//! The rules of the house that no compiler checks: imports run one way, and the top level is what the design says.

use std::{collections::BTreeSet, fs, path::Path};

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Our own crates among the dependencies of a package; those for its tests are not imports.
fn imports(folder: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a package");
    let manifest: toml::Table = text.parse().expect("a manifest");
    let dependencies = manifest["dependencies"].as_table().expect("dependencies");
    dependencies.keys().filter(|name| name.starts_with("dialog-")).cloned().collect()
}

#[test]
fn imports_run_one_way() {
    let allowed: [(&str, &[&str]); 9] = [
        ("gateway/contract", &[]),
        ("gateway/dialogs", &["dialog-contract"]),
        ("gateway/host", &["dialog-contract", "dialog-core"]),
        ("gateway/store", &["dialog-contract", "dialog-core"]),
        ("gateway/audit", &["dialog-contract"]),
        ("gateway/server", &["dialog-contract", "dialog-core", "dialog-host", "dialog-store", "dialog-audit"]),
        ("plugin-sdk/cli", &["dialog-contract"]),
        ("plugins/ddfl", &["dialog-plugin-sdk"]),
        ("plugins/helserespons", &["dialog-plugin-sdk"]),
    ];
    for (folder, allowed) in allowed {
        let beyond: Vec<String> =
            imports(folder).into_iter().filter(|import| !allowed.contains(&import.as_str())).collect();
        assert!(beyond.is_empty(), "{folder} imports {beyond:?}");
    }
}

#[test]
fn only_the_host_knows_the_engine_and_only_the_store_knows_sled() {
    for (dependency, owner) in [("wasmtime", "gateway/host"), ("sled", "gateway/store"), ("axum", "gateway/server")] {
        for folder in ["contract", "dialogs", "host", "audit", "store", "server"] {
            let folder = format!("gateway/{folder}");
            let text = fs::read_to_string(root().join(&folder).join("Cargo.toml")).expect("a package");
            let manifest: toml::Table = text.parse().expect("a manifest");
            let known = manifest["dependencies"].as_table().expect("dependencies").contains_key(dependency);
            assert!(!known || folder == owner, "{folder} depends on {dependency}");
        }
    }
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
