//! The whole story, as `cargo demo -- --check --out DIR` plays it, and what it leaves.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use dialog_contract::openapi;
use dialog_plugin::command;
use dialog_tests::{
    house::rooms::kry,
    sim::world::{CITIZENS, KARI, Solution},
    standards,
};
use serde_json::Value;

/// The very command of the README. Cargo has built the demo for these tests, so that it only starts it.
fn cargo_demo(arguments: &[&str], out: &Path) -> Output {
    let mut above = Path::new(env!("CARGO_BIN_EXE_demo")).ancestors();
    let target = above.find(|folder| folder.join("CACHEDIR.TAG").exists()).unwrap();
    command::clean(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(["demo", "--locked", "--target-dir"])
        .arg(target)
        .arg("--")
        .args(arguments)
        .arg(out)
        .output()
        .unwrap()
}

#[test]
fn three_citizens_at_three_offices_are_served_whatever_goes_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("left");
    let output = cargo_demo(&["--check", "--out"], &left);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("The story holds: "), "{said}");
    // Every service of every provider; one that is missing ends the story.
    assert!(said.contains("What it shows, by service and provider:") && !said.contains("MISSING"), "{said}");
    for solution in Solution::ALL {
        assert!(said.contains(solution.plugin()), "{said}");
    }
    the_story_says_what_was_checked(&left);
    the_messages_are_numbered_and_valid(&left);
    the_audit_log_verifies(&left);
    assert_eq!(std::fs::read_to_string(left.join("openapi.yaml")).unwrap(), openapi::bundle_yaml());
    the_second_start_compiles_nothing(&left);
    no_secret_leaves(&left);
}

#[test]
fn a_folder_with_something_else_in_it_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.odt"), "years of work").unwrap();
    let output = cargo_demo(&["--check", "--out"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

fn the_story_says_what_was_checked(left: &Path) {
    let steps: Vec<Value> = serde_json::from_slice(&std::fs::read(left.join("story.json")).unwrap()).unwrap();
    assert!(steps.len() > 50, "{}", steps.len());
    let checked = |step: &Value| step["checked"].as_array().is_some_and(|checks| !checks.is_empty());
    for step in &steps {
        assert!(step["step"].as_str().is_some_and(|text| !text.is_empty()), "{step}");
        assert_eq!(step["request"].is_string(), step["status"].is_u64(), "{step}");
        assert!(checked(step) || !step["request"].is_string(), "{step}");
    }
    // What others do (the office writes, a vendor goes down) is a step of its own, and checked in the next one.
    for pair in steps.windows(2) {
        assert!(checked(&pair[0]) || checked(&pair[1]), "{} and {}", pair[0], pair[1]);
    }
    assert!(steps.last().is_some_and(checked));
    assert!(steps.iter().any(|step| step["status"] == 409), "the slot that is gone");
    let shown: Vec<&str> =
        steps.iter().filter_map(|step| step["shows"].as_array()).flatten().filter_map(Value::as_str).collect();
    assert!(shown.len() > 50 && shown.contains(&"appointment by request by helserespons"), "{shown:?}");
}

fn the_messages_are_numbered_and_valid(left: &Path) {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(left.join("messages")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 40, "{}", files.len());
    for (file, number) in files.iter().zip(1..) {
        let name = file.file_name().unwrap().to_string_lossy();
        assert!(name.starts_with(&format!("{number:03}-to-")) && name.ends_with(".xml"), "{name} is number {number}");
        assert!(std::fs::metadata(file).unwrap().len() > 500, "{name} holds a message");
    }
    let test = "three_citizens_at_three_offices_are_served_whatever_goes_wrong";
    if let Some(xsd) = standards::standards("xsd", test) {
        assert_eq!(standards::validate(&xsd, &files), Ok(()));
    }
}

fn the_audit_log_verifies(left: &Path) {
    let key = std::fs::read_to_string(left.join("audit.vkey")).unwrap();
    let keys = dialog_audit::VerifierKeys::parse(&key).unwrap();
    let report = dialog_audit::verify(&left.join("audit"), &keys, |_| {}).unwrap();
    assert!(report.size > 100, "{}", report.size);
}

/// The gateway starts twice in the story: the second time, all machine code comes from the cache.
fn the_second_start_compiles_nothing(left: &Path) {
    let log = std::fs::read_to_string(left.join("gateway.log")).unwrap();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let installed: Vec<&Value> = lines.iter().filter(|line| line["message"] == "plugin installed").collect();
    // The providers, and two notifiers.
    let plugins = Solution::ALL.len() + 2;
    assert_eq!(installed.len(), 2 * plugins, "every plugin, twice: {installed:?}");
    for line in &installed[plugins..] {
        assert_eq!(line["cached"], true, "{line}");
    }
}

/// Numbers, credentials and content of the story, each recognisable, stand in no log line, no audit record, no story.
fn no_secret_leaves(left: &Path) {
    let mut secrets: Vec<&str> = CITIZENS.iter().map(|citizen| citizen.national_id).collect();
    secrets.extend(["helserespons-key", "helserespons-webhook-secret", "besoklegen-ws-security-password"]);
    secrets.push("pasientsky-subscription-secret");
    secrets.extend(["Utslettet er tilbake", "Smør med kremen", "Jeg sover fortsatt", "Eksemet er verre"]);
    secrets.push("Jeg fryser om natten");
    secrets.extend([kry::SECRET, "Medisinen gir meg hodepine"]);
    let mut files = vec![left.join("gateway.log"), left.join("story.json")];
    let mut folders = vec![left.join("audit")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in &secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret of {} letters", file.display(), secret.len());
        }
    }
    // The check can fail: the messages themselves do hold the numbers.
    let message = std::fs::read(left.join("messages/001-to-office-HLT.xml")).unwrap();
    let number = KARI.national_id.as_bytes();
    assert!(message.windows(number.len()).any(|window| window == number));
}
