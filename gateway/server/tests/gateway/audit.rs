//! What the operator does to the audit log: keys that change, a log that ends and one that follows, witnesses.

use std::process::{Command, Output};

use dialog_audit::{KeyKind, KeyPair, Log, LogConfig, Reader, VerifierKeys, WhenSealed, generate_key, generate_key_of};
use dialog_gateway::{config::Config, log};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Folder, House};

const ORIGIN: &str = "gateway.test/one";
const NEXT: &str = "gateway.test/two";

/// The operator's command on the folder's configuration.
fn command(folder: &Folder, arguments: &[&str]) -> Output {
    let file = folder.path("gateway.toml");
    Command::new(env!("CARGO_BIN_EXE_dialog-gateway")).args(arguments).arg("--config").arg(file).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A log with some entries, as a gateway that is stopped leaves it.
async fn logged(folder: &Folder, count: usize) {
    let log = Log::open(LogConfig::new(folder.path("data/audit"), folder.audit_key())).unwrap();
    for at in 0..count {
        log.append(format!("{{\"at\":{at}}}")).await.unwrap();
    }
    log.close().await.unwrap();
}

fn seal(folder: &Folder, successor: &str) -> Output {
    command(folder, &["audit", "seal", "--successor", successor])
}

/// The configuration of the log that follows.
fn follows(config: &mut Value, folder: &Folder) {
    config["audit"] = json!({
        "key": { "file": "next.key" },
        "folder": "data/audit-2",
        "predecessors": [{ "folder": "data/audit", "vkey": folder.audit_key().verifier_key() }],
    });
}

fn next(folder: &Folder) -> KeyPair {
    let pair = generate_key(NEXT).unwrap();
    folder.put("next.key", pair.private.as_bytes());
    pair
}

#[tokio::test]
async fn a_log_is_sealed_by_command_and_its_successor_says_so_and_serves_it() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("data")).unwrap();
    logged(&folder, 300).await;
    let pair = next(&folder);
    folder.configure(|_| {});
    let first = seal(&folder, &pair.verifier);
    assert!(first.status.success(), "{}", said(&first));
    assert!(said(&first).contains("sealed gateway.test/one with 301 records"), "{}", said(&first));
    // Once more does no harm; another name is refused, and so is the log for a gateway.
    assert!(seal(&folder, &pair.verifier).status.success());
    let other = seal(&folder, &generate_key(NEXT).unwrap().verifier);
    assert!(!other.status.success() && said(&other).contains("sealed already"), "{}", said(&other));
    let serve = command(&folder, &["serve"]);
    assert!(!serve.status.success() && said(&serve).contains("the log is sealed"), "{}", said(&serve));
    assert!(said(&serve).contains(&pair.verifier), "{}", said(&serve));

    let old_key = folder.audit_key();
    let edit = |config: &mut Value| {
        config["audit"] = json!({
            "key": { "file": "next.key" },
            "folder": "data/audit-2",
            "predecessors": [{ "folder": "data/audit", "vkey": old_key.verifier_key() }],
        });
    };
    let house = House::open_with(folder, edit).await;
    let hash: String = Sha256::digest(ORIGIN).iter().map(|byte| format!("{byte:02x}")).collect();
    for file in ["checkpoint", "tile/0/000", "tile/entries/000"] {
        let served = house.operate("dialog:auditor", &format!("/log/predecessors/{hash}/{file}")).send().await.unwrap();
        assert_eq!(served.status(), 200, "{file}");
        let bytes = std::fs::read(house.folder.path("data/audit").join(file)).unwrap();
        assert_eq!(served.bytes().await.unwrap(), bytes, "{file}");
    }
    let strange = "00".repeat(32);
    for path in [
        format!("/log/predecessors/{strange}/checkpoint"),
        format!("/log/predecessors/{hash}/tile/..%2Fjournal%2Flock"),
        format!("/log/predecessors/{hash}/journal/lock"),
    ] {
        let reply = house.operate("dialog:auditor", &path).send().await.unwrap();
        assert_eq!(reply.status(), 404, "{path}");
    }
    assert_eq!(
        house.at_operations(&format!("/log/predecessors/{hash}/checkpoint")).send().await.unwrap().status(),
        401
    );

    house.gateway.evidence.log().close().await.unwrap();
    let keys = VerifierKeys::parse(&pair.verifier).unwrap();
    let reader = Reader::open(&house.folder.path("data/audit-2"), &keys).unwrap();
    let record: Value = serde_json::from_slice(&reader.entries(0..1).next().unwrap().unwrap().data).unwrap();
    assert_eq!((&record["kind"], &record["action"]), (&json!("opened"), &json!("log.open")));
    let old = Reader::open(&house.folder.path("data/audit"), &VerifierKeys::of([&old_key]).unwrap()).unwrap();
    assert_eq!(record["details"]["predecessor"], ORIGIN);
    assert_eq!(record["details"]["size"], "301");
    assert_eq!(record["details"]["root"], old.checkpoint().root.to_string());
}

#[tokio::test]
async fn a_log_that_goes_on_or_names_another_successor_is_not_continued() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("data")).unwrap();
    logged(&folder, 3).await;
    next(&folder);
    folder.configure(|config| follows(config, &folder));
    let serve = command(&folder, &["serve"]);
    assert!(!serve.status.success() && said(&serve).contains("is not sealed"), "{}", said(&serve));
    folder.configure(|_| {});
    let stranger = generate_key(NEXT).unwrap();
    assert!(seal(&folder, &stranger.verifier).status.success());
    folder.configure(|config| follows(config, &folder));
    let serve = command(&folder, &["serve"]);
    assert!(!serve.status.success() && said(&serve).contains("none of this log's"), "{}", said(&serve));
    assert!(!folder.path("data/audit-2").exists(), "nothing was begun");
}

#[tokio::test]
async fn a_log_that_has_begun_goes_on_without_the_one_before_it_and_none_begins_without() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("data")).unwrap();
    logged(&folder, 3).await;
    let pair = next(&folder);
    folder.configure(|_| {});
    assert!(seal(&folder, &pair.verifier).status.success());
    let config = Config::read(&folder.configure(|config| follows(config, &folder))).unwrap();
    let open = || log::open(&config.audit, log::folder(&config), WhenSealed::Refuse);
    let rename = |from: &str, to: &str| std::fs::rename(folder.path(from), folder.path(to)).unwrap();

    rename("data/audit", "data/away");
    let refused = open().err().unwrap();
    assert!(format!("{refused:#}").contains("audit.predecessors[0]"), "{refused:#}");
    assert!(!folder.path("data/audit-2").exists(), "nothing was begun");
    rename("data/away", "data/audit");
    let begun = open().unwrap();
    begun.log.append("{}").await.unwrap();
    begun.log.close().await.unwrap();

    rename("data/audit", "data/away");
    let goes_on = open().unwrap();
    let before = &goes_on.earlier[0];
    assert_eq!((before.origin.as_str(), goes_on.log.size()), (ORIGIN, 1));
    assert!(before.ended().is_err(), "it is away");
    goes_on.log.close().await.unwrap();
    // What is in its place and is another log is refused as ever.
    logged(&folder, 3).await;
    let refused = open().err().unwrap();
    assert!(format!("{refused:#}").contains("is not sealed"), "{refused:#}");
}

#[test]
fn a_seal_towards_what_cannot_follow_is_refused() {
    let folder = Folder::new();
    folder.configure(|_| {});
    let witness = generate_key_of(NEXT, KeyKind::Cosignature).unwrap().verifier;
    let same = generate_key(ORIGIN).unwrap().verifier;
    for (key, expected) in
        [("rubbish", "the successor's key"), (&witness, "must be the Ed25519 key"), (&same, "a name of its own")]
    {
        let output = seal(&folder, key);
        assert!(!output.status.success() && said(&output).contains(expected), "{}", said(&output));
    }
}

#[tokio::test]
async fn other_keys_are_recorded_with_what_was_added_and_what_went() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("data")).unwrap();
    logged(&folder, 3).await;
    let (old, new) = (folder.audit_key().verifier_key(), generate_key(ORIGIN).unwrap());
    folder.put("audit.key", new.private.as_bytes());
    let house = House::open_with(folder, |config| config["audit"]["former-keys"] = json!([old])).await;
    house.gateway.evidence.log().close().await.unwrap();
    let keys = VerifierKeys::parse(&new.verifier).unwrap();
    let reader = Reader::open(&house.folder.path("data/audit"), &keys).unwrap();
    let record: Value = serde_json::from_slice(&reader.entries(3..4).next().unwrap().unwrap().data).unwrap();
    assert_eq!((&record["kind"], &record["action"]), (&json!("key-use"), &json!("key.sign")));
    assert_eq!(record["details"]["added.0"], new.verifier);
    assert_eq!(record["details"]["removed.0"], old);
}

#[test]
fn what_the_audit_table_names_is_checked_with_everything_else() {
    let folder = Folder::new();
    let secret = generate_key("gateway.test/other").unwrap();
    folder.put("other.key", secret.private.as_bytes());
    // The Base64 itself can hold a plus.
    let material = secret.private.splitn(5, '+').nth(4).unwrap();
    let witness = generate_key_of("w.test", KeyKind::Cosignature).unwrap().verifier;
    let former = format!("PRIVATE+KEY+x+00000000+{material}");
    folder.put("unreachable.policy", format!("witness w {witness}\nquorum w\n").as_bytes());
    folder.put("wrong.policy", b"witness w\nquorum w\n");
    for (edit, expected) in [
        (
            json!({ "also-signed-by": [{ "file": "other.key" }] }),
            "audit.also-signed-by: the key \"gateway.test/other\" is of another log",
        ),
        (json!({ "also-signed-by": [{ "file": "no.key" }] }), "audit.also-signed-by[0]: the secret in the file "),
        (json!({ "former-keys": [former] }), "audit.former-keys[0]: "),
        (json!({ "policy": "no.policy" }), "no.policy: cannot read the policy"),
        (json!({ "policy": "wrong.policy" }), "wrong.policy: line 1: expected log, witness"),
        (json!({ "policy": "unreachable.policy" }), "the quorum cannot be met"),
        (json!({ "predecessors": [{ "folder": "data/audit", "vkey": "rubbish" }] }), "audit.predecessors[0].vkey: "),
    ] {
        folder.configure(|config| config["audit"].as_object_mut().unwrap().extend(edit.as_object().unwrap().clone()));
        let output = command(&folder, &["check"]);
        assert!(!output.status.success(), "{edit}");
        assert!(said(&output).contains(expected), "{expected}\n{}", said(&output));
        assert!(!said(&output).contains(material), "{}", said(&output));
    }
}
