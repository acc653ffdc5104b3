//! Logs of ours in the hands of tools that nobody here wrote, and theirs in ours.
//!
//! The other side is Go's `golang.org/x/mod/sumdb`, with the glue in `tests/interop/main.go`. It needs `go` and that
//! package: Debian has both (`golang-go`, `golang-golang-x-mod-dev`); elsewhere `GOPATH` may name where it lies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, reason = "what is skipped is said")]

mod support;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Case, code, command, complained, json, said, serve};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/interop/main.go");

/// The glue, built; or why it cannot be.
fn glue(folder: &Path) -> Result<PathBuf, String> {
    let program = folder.join("interop");
    let own = std::env::var("GOPATH").map_or_else(|_| String::new(), |path| format!("{path}:"));
    let built = Command::new("go")
        .args(["build", "-o", program.to_str().unwrap(), SOURCE])
        .env("GO111MODULE", "off")
        .env("GOPATH", format!("{own}/usr/share/gocode"))
        .env("GOCACHE", folder.join("cache"))
        .output()
        .map_err(|why| format!("go: {why}"))?;
    let said = String::from_utf8_lossy(&built.stderr);
    if !built.status.success() && said.contains("cannot find package") {
        return Err(said.lines().next().unwrap_or_default().to_owned());
    }
    assert!(built.status.success(), "{said}");
    Ok(program)
}

/// The glue, or the word that a test is skipped.
fn glue_for(test: &str, case: &Case) -> Option<PathBuf> {
    glue(case.folder.path()).map_err(|why| println!("skipped: {test}: {why}")).ok()
}

fn run(program: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever needs no input may have gone.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(said(&output).trim().to_owned()) } else { Err(complained(&output)) }
}

fn entries(from: u32, to: u32) -> impl Iterator<Item = String> {
    (from..to).map(|i| format!("entry {i} {}", "x".repeat(i as usize % 300)))
}

#[test]
fn gos_own_library_verifies_our_log_our_proofs_and_our_consistency() {
    let case = Case::new(entries(0, 300));
    let Some(go) = glue_for("gos_own_library_verifies_our_log_our_proofs_and_our_consistency", &case) else { return };
    let (log, vkey, old) = (case.log(), case.vkey.clone(), case.keep_checkpoint("old"));
    case.append(entries(300, 1000));
    assert_eq!(run(&go, &["verify", &log, &vkey], ""), Ok("1000".to_owned()));
    let proof = case.file("proof");
    for index in ["0", "299", "511", "999"] {
        let proved = command(&["proof", &log, index, "--vkey", &vkey, "--out", &proof]);
        assert_eq!(code(&proved), 0, "{}", complained(&proved));
        assert_eq!(run(&go, &["proof", &proof, &vkey], ""), Ok(index.to_owned()));
        std::fs::remove_file(&proof).unwrap();
    }
    let proven = json(&command(&["--json", "consistency", &old, &log, "--vkey", &vkey]));
    let hashes: Vec<&str> = proven["proof"].as_array().unwrap().iter().map(|hash| hash.as_str().unwrap()).collect();
    assert_eq!(run(&go, &["consistency", &log, &vkey, &old], &hashes.join("\n")), Ok("300 1000".to_owned()));
    // The other side is one that can say no.
    assert!(run(&go, &["consistency", &log, &vkey, &old], &hashes[1..].join("\n")).is_err());
    let bundle = case.dir().join("tile/entries/001");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    assert!(run(&go, &["verify", &log, &vkey], "").unwrap_err().starts_with("entry 256"));
}

#[test]
fn a_log_that_go_wrote_verifies_with_ours() {
    let case = Case::new([]);
    let Some(go) = glue_for("a_log_that_go_wrote_verifies_with_ours", &case) else { return };
    // With a full tile of the third level, and partial ones of all three.
    let (log, size) = (case.file("theirs"), "70000");
    let vkey = run(&go, &["write", &log, size], "").unwrap();
    let server = serve(Path::new(&log), |_, _| None);
    for place in [&log, &server.url] {
        let verified = json(&command(&["--json", "verify", place, "--vkey", &vkey]));
        assert_eq!((&verified["ok"], &verified["report"]["size"]), (&true.into(), &70_000.into()), "{verified}");
    }
    let shown = command(&["show", &log, "--vkey", &vkey, "--from", "69999"]);
    assert!(said(&shown).contains("#69999  entry 69999 of a log that Go wrote"), "{}", said(&shown));
    let proof = case.file("proof");
    assert_eq!(code(&command(&["proof", &log, "0", "--vkey", &vkey, "--out", &proof])), 0);
    assert_eq!(code(&command(&["verify-proof", &proof, "--vkey", &vkey])), 0);
    assert_eq!(run(&go, &["proof", &proof, &vkey], ""), Ok("0".to_owned()));

    let bundle = Path::new(&log).join("tile/entries/272");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let verified = command(&["--json", "verify", &log, "--vkey", &vkey]);
    assert_eq!((code(&verified), &json(&verified)["details"]["index"]), (1, &69_887.into()));
}
