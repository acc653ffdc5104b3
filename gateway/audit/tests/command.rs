//! The auditor's command, as an auditor starts it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dialog_audit::{Log, LogConfig, SigningKey};
use serde_json::Value;
use tempfile::TempDir;

struct Case {
    folder: TempDir,
    vkey: String,
}

impl Case {
    /// A log of 300 records, written with a key that the command made.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = folder.path().join("log.key");
        let made = command(&["--json", "keygen", "example.test/log", "--out", path(&key)]);
        let vkey = json(&made)["verifierKey"].as_str().unwrap().to_owned();
        let signer = SigningKey::read(&key).unwrap();
        let dir = folder.path().join("log");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let log = Log::open(LogConfig::new(&dir, signer)).unwrap();
            for i in 0..300_u32 {
                let kind = if i % 3 == 0 { "call.intent" } else { "call.outcome" };
                let record = format!(r#"{{"kind":"{kind}","traceId":"{:032x}"}}"#, i / 3);
                log.append(record).await.unwrap();
            }
            log.close().await.unwrap();
        });
        Self { folder, vkey }
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dialog-audit")).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn a_log_verifies_with_a_key_or_a_file_of_keys() {
    let case = Case::new();
    let verified = command(&["verify", path(&case.dir()), "--vkey", &case.vkey]);
    assert_eq!(code(&verified), 0);
    let text = String::from_utf8(verified.stdout).unwrap();
    assert!(text.starts_with("The log example.test/log verifies: 300 entries, root "), "{text}");
    assert!(verified.stderr.is_empty());

    let file = case.file("keys");
    std::fs::write(&file, format!("# the node's log\n{}\n", case.vkey)).unwrap();
    let verified = command(&["--json", "verify", path(&case.dir()), "--vkey", path(&file)]);
    let answer = json(&verified);
    assert_eq!((code(&verified), &answer["ok"]), (0, &Value::Bool(true)));
    assert_eq!(answer["report"]["size"], 300);
}

#[test]
fn a_damaged_log_ends_with_one_and_names_file_and_index() {
    let case = Case::new();
    let bundle = case.dir().join("tile/entries/000");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let length = bytes.len();
    bytes[length - 10] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let verified = command(&["--json", "verify", path(&case.dir()), "--vkey", &case.vkey]);
    assert_eq!(code(&verified), 1);
    let details = &json(&verified)["details"];
    assert_eq!(details["file"], "tile/entries/000");
    assert_eq!(details["index"], 255);
    let verified = command(&["verify", path(&case.dir()), "--vkey", &case.vkey]);
    assert_eq!(code(&verified), 1);
    let told = String::from_utf8(verified.stderr).unwrap();
    assert!(told.contains("tile/entries/000 (from entry 255)"), "{told}");
}

#[test]
fn wrong_use_ends_with_two() {
    let case = Case::new();
    let nowhere = case.file("nowhere");
    for arguments in [
        vec!["verify", path(&nowhere), "--vkey", &case.vkey],
        vec!["verify", path(&case.dir()), "--vkey", "rubbish"],
        vec!["verify", path(&case.dir())],
        vec!["show", path(&case.dir()), "--from", "5", "--to", "4"],
        vec!["proof", path(&case.dir()), "300", "--vkey", &case.vkey],
        vec!["keygen", "two words", "--out", path(&nowhere)],
        vec!["keygen", "example.test/log", "--out", path(&case.file("log.key"))],
    ] {
        let output = command(&arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn another_logs_key_does_not_verify() {
    let (case, other) = (Case::new(), Case::new());
    let verified = command(&["verify", path(&case.dir()), "--vkey", &other.vkey]);
    assert_eq!(code(&verified), 1);
    let told = String::from_utf8(verified.stderr).unwrap();
    assert!(told.contains("none of the trusted keys signed it"), "{told}");
}

#[test]
fn entries_are_shown_by_index_trace_and_kind() {
    let case = Case::new();
    let dir = case.dir();
    let indexes = |arguments: &[&str]| -> Vec<u64> {
        let output = command(&[&["--json", "show", path(&dir)], arguments].concat());
        assert_eq!(code(&output), 0);
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                assert!(line["record"]["traceId"].is_string());
                line["index"].as_u64().unwrap()
            })
            .collect()
    };
    assert_eq!(indexes(&[]).len(), 300);
    assert_eq!(indexes(&["--from", "254", "--to", "257", "--vkey", &case.vkey]), [254, 255, 256, 257]);
    let trace = format!("{:032x}", 70);
    assert_eq!(indexes(&["--trace", &trace]), [210, 211, 212]);
    assert_eq!(indexes(&["--trace", &trace, "--kind", "call.intent"]), [210]);
    assert!(indexes(&["--trace", "none"]).is_empty());
}

#[test]
fn a_proof_verifies_without_the_log_and_a_forged_one_does_not() {
    let case = Case::new();
    let file = case.file("entry.tlog-proof");
    let proved = command(&["proof", path(&case.dir()), "271", "--vkey", &case.vkey, "--out", path(&file)]);
    assert_eq!(code(&proved), 0);
    std::fs::remove_dir_all(case.dir()).unwrap();
    let verified = command(&["--json", "verify-proof", path(&file), "--vkey", &case.vkey]);
    let answer = json(&verified);
    assert_eq!((code(&verified), &answer["index"]), (0, &Value::from(271)));
    assert_eq!(answer["record"]["traceId"], format!("{:032x}", 90));

    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("index 271", "index 272")).unwrap();
    let verified = command(&["verify-proof", path(&file), "--vkey", &case.vkey]);
    assert_eq!(code(&verified), 1);
    let told = String::from_utf8(verified.stderr).unwrap();
    assert!(told.contains("does not hold this entry at index 272"), "{told}");
}

#[test]
fn a_private_key_is_its_owners_alone() {
    let case = Case::new();
    let key = case.file("log.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let again = command(&["keygen", "example.test/log", "--out", path(&case.file("other.key"))]);
    let shown = String::from_utf8([again.stdout, again.stderr].concat()).unwrap();
    assert!(!shown.contains("PRIVATE+KEY"), "{shown}");
}
