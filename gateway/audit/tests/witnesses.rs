//! Witnesses, as an auditor sees them: a policy says how many must have signed, and whoever is asked may know better.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::path::Path;

use dialog_audit::{KeyKind, KeyPair, SignedCheckpoint, SigningKey, VerifierKeys, generate_key_of};
use sha2::{Digest, Sha256};
use support::{Case, Instead, code, command, complained, json, said, serve};

fn entries(size: u32) -> impl Iterator<Item = String> {
    (0..size).map(|i| format!("entry {i}"))
}

fn witnesses() -> [KeyPair; 2] {
    ["one.witness.test", "two.witness.test"].map(|name| generate_key_of(name, KeyKind::Cosignature).unwrap())
}

/// A policy by which a number of the witnesses must have signed.
fn policy(case: &Case, witnesses: &[KeyPair; 2], threshold: &str) -> String {
    let [one, two] = witnesses.each_ref().map(|pair| &pair.verifier);
    let text = format!(
        "# whom we believe\nlog {}\nwitness one {one}\nwitness two {two}\ngroup both {threshold} one two\nquorum both\n",
        case.vkey
    );
    let path = case.file(&format!("policy-{threshold}"));
    std::fs::write(&path, text).unwrap();
    path
}

/// A checkpoint of a log with a witness's signature under it.
fn cosigned(dir: &Path, keys: &VerifierKeys, witness: &KeyPair) -> String {
    let note = std::fs::read(dir.join("checkpoint")).unwrap();
    let checkpoint = SignedCheckpoint::verify(&note, keys).unwrap();
    let key = SigningKey::parse(&witness.private).unwrap();
    format!("{}{}", checkpoint.note, checkpoint.cosign(&key, 1_770_000_000).unwrap())
}

#[test]
fn a_log_is_believed_once_as_many_witnesses_have_signed_as_the_policy_says() {
    let case = Case::new(entries(300));
    let witnesses = witnesses();
    let (any, all) = (policy(&case, &witnesses, "any"), policy(&case, &witnesses, "all"));
    let log = case.log();
    let verify = |policy: &str| command(&["--json", "verify", &log, "--policy", policy]);
    let unsigned = verify(&any);
    assert_eq!(code(&unsigned), 1);
    assert!(said(&unsigned).contains("(none) are not the quorum of the policy"), "{}", said(&unsigned));
    let unwitnessed = case.file("unwitnessed.tlog-proof");
    assert_eq!(code(&command(&["proof", &log, "7", "--vkey", &case.vkey, "--out", &unwitnessed])), 0);

    let note = cosigned(&case.dir(), &case.keys(), &witnesses[0]);
    std::fs::write(case.dir().join("checkpoint"), note).unwrap();
    let verified = json(&verify(&any));
    assert_eq!(
        (&verified["policy"], &verified["cosignatures"][0]["witness"]),
        (&"met".into(), &"one.witness.test".into())
    );
    let short = verify(&all);
    assert_eq!(code(&short), 1);
    assert!(said(&short).contains("(one.witness.test) are not the quorum"), "{}", said(&short));
    let proof = case.file("proof.tlog-proof");
    assert_eq!(code(&command(&["proof", &log, "7", "--policy", &any, "--out", &proof])), 0);
    assert_eq!(code(&command(&["verify-proof", &proof, "--policy", &any])), 0);
    for (file, policy) in [(&proof, &all), (&unwitnessed, &any)] {
        assert_eq!(code(&command(&["verify-proof", file, "--policy", policy])), 1, "{file} {policy}");
    }
    // Nobody to believe is no verification.
    assert_eq!(code(&command(&["verify", &log])), 2);
    assert_eq!(code(&command(&["verify", &log, "--policy", &any, "--vkey", &case.vkey])), 2);

    // A cosignature that was spoilt is not passed over.
    let note = std::fs::read_to_string(case.dir().join("checkpoint")).unwrap();
    let line = note.lines().last().unwrap();
    let spoilt = format!("{}{}", &line[..line.len() - 6], if line.ends_with("AAAA==") { "BBBB==" } else { "AAAA==" });
    std::fs::write(case.dir().join("checkpoint"), note.replace(line, &spoilt)).unwrap();
    assert_eq!(code(&verify(&any)), 1);
}

#[test]
fn what_too_few_witnesses_have_signed_so_far_is_verified_where_it_is_and_told() {
    let case = Case::new(entries(300));
    let witnesses = witnesses();
    let (any, log) = (policy(&case, &witnesses, "any"), case.log());
    let public = cosigned(&case.dir(), &case.keys(), &witnesses[0]);
    case.append((300..500).map(|i| format!("entry {i}")));
    // As a gateway leaves it whose witnesses are away: what it has signed since stays inside.
    std::fs::rename(case.dir().join("checkpoint"), case.dir().join("journal/checkpoint")).unwrap();
    std::fs::write(case.dir().join("checkpoint"), public).unwrap();
    let verify = |more: &[&str]| command(&[more, &["verify", &log, "--policy", &any]].concat());
    let verified = json(&verify(&["--json"]));
    assert_eq!((&verified["report"]["size"], &verified["report"]["signed"]), (&300.into(), &500.into()));
    let words = said(&verify(&[]));
    assert!(words.contains("has signed 500 entries, which too few witnesses have signed to be public"), "{words}");
    // Whoever reads it from elsewhere sees what is public, and nothing else.
    let far = serve(&case.dir(), |_, _| None);
    let verified = json(&command(&["--json", "verify", &far.url, "--policy", &any]));
    assert_eq!((&verified["report"]["size"], &verified["report"]["signed"]), (&300.into(), &().into()));

    let bundle = case.dir().join("tile/entries/001.p/244");
    let mut bytes = std::fs::read(&bundle).unwrap();
    let length = bytes.len();
    bytes[length - 1] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let damaged = verify(&["--json"]);
    let details = &json(&damaged)["details"];
    assert_eq!(code(&damaged), 1);
    assert_eq!((&details["file"], &details["index"]), (&"tile/entries/001.p/244".into(), &499.into()));
}

#[test]
fn the_state_of_witnesses_is_told_and_a_fork_that_one_has_signed_is_found() {
    let case = Case::new(entries(300));
    let witnesses = witnesses();
    let any = policy(&case, &witnesses, "any");
    let earlier = cosigned(&case.dir(), &case.keys(), &witnesses[1]);
    case.append((300..500).map(|i| format!("entry {i}")));
    let note = cosigned(&case.dir(), &case.keys(), &witnesses[0]);
    std::fs::write(case.dir().join("checkpoint"), note).unwrap();
    let log = case.log();
    let name: String = Sha256::digest(b"example.test/log").iter().map(|byte| format!("{byte:02x}")).collect();
    let place = format!("{name}/checkpoint");
    // The second witness is behind.
    let behind = serve(&case.dir(), {
        let (place, note) = (place.clone(), earlier.into_bytes());
        move |asked, _| (asked.path == place).then(|| Instead::Answer(200, vec![], note.clone()))
    });
    let status = |url: &str| {
        command(&["--json", "witness-status", &log, "--policy", &any, "--monitoring", &format!("two={url}")])
    };
    let told = status(&behind.url);
    assert_eq!(code(&told), 0, "{}", complained(&told));
    let told = json(&told);
    assert_eq!((&told["quorum"], &told["size"]), (&true.into(), &500.into()));
    assert_eq!(
        (&told["witnesses"][0]["published"], &told["witnesses"][1]["published"]),
        (&1_770_000_000.into(), &().into())
    );
    assert_eq!(
        (&told["witnesses"][1]["itself"]["size"], &told["witnesses"][1]["itself"]["behind"]),
        (&300.into(), &200.into())
    );
    let text = said(&command(&["witness-status", &log, "--policy", &any]));
    assert!(text.contains("has published 500 entries; the policy is met") && text.contains("two"), "{text}");

    // It signed another log under the same name and key.
    let fork = case.fork((0..400).map(|i| format!("other {i}")));
    let forked = cosigned(&fork.dir(), &case.keys(), &witnesses[1]);
    let server = serve(&case.dir(), {
        let place = place.clone();
        move |asked, _| (asked.path == place).then(|| Instead::Answer(200, vec![], forked.clone().into_bytes()))
    });
    let told = status(&server.url);
    assert_eq!((code(&told), &json(&told)["ok"]), (1, &false.into()));
    assert!(said(&told).contains("its first 400 entries are not those"), "{}", said(&told));

    // One that knows nothing, and one that gives what it did not sign.
    let empty = serve(&case.dir(), |_, _| Some(Instead::Answer(404, vec![], vec![])));
    assert_eq!(json(&status(&empty.url))["witnesses"][1]["itself"]["error"], "it knows nothing of the log");
    let bare = std::fs::read(case.dir().join("checkpoint")).unwrap();
    let server = serve(&case.dir(), move |_, _| Some(Instead::Answer(200, vec![], bare.clone())));
    assert_eq!(
        json(&status(&server.url))["witnesses"][1]["itself"]["error"],
        "it gives a checkpoint that it did not sign"
    );
    assert_eq!(
        code(&command(&["witness-status", &log, "--policy", &any, "--monitoring", "three=http://127.0.0.1/"])),
        2
    );
}
