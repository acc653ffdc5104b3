//! Logs that follow one another.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use dialog_audit::VerifierKey;
use dialog_audit::seal::{self, Successor};
use serde_json::json;
use support::{Case, code, command, complained, json, said, serve};

fn entries(size: u32) -> impl Iterator<Item = String> {
    (0..size).map(|i| format!("entry {i}"))
}

/// Ends a log towards another, and gives what that one says of it in its first entry.
fn seal(case: &Case, follows: &Case) -> String {
    let successor = Successor::of(&VerifierKey::parse(&follows.vkey).unwrap());
    case.append([json!({ "kind": seal::SEALED, "details": successor.details() }).to_string()]);
    let predecessor = seal::predecessor(&case.dir(), &case.keys(), &follows.keys()).unwrap();
    json!({ "kind": seal::OPENED, "details": predecessor.details() }).to_string()
}

/// Three logs, each sealed towards the next, and a file with their keys.
fn chain() -> ([Case; 3], String) {
    let [one, two, three] = ["one.test/log", "two.test/log", "three.test/log"].map(|name| Case::named(name, []));
    one.append(entries(300));
    two.append([seal(&one, &two)].into_iter().chain(entries(5)));
    three.append([seal(&two, &three)].into_iter().chain(entries(20)));
    let keys = three.file("keys");
    std::fs::write(&keys, format!("{}\n{}\n{}\n", one.vkey, two.vkey, three.vkey)).unwrap();
    ([one, two, three], keys)
}

#[test]
fn logs_are_verified_back_to_the_first_and_each_names_the_other() {
    let ([one, two, three], keys) = chain();
    let far = serve(&one.dir(), |_, _| None);
    let (log, chain) = (three.log(), two.log());
    let verify = |more: &[&str]| command(&[&["--json", "verify", &log, "--vkey", &keys], more].concat());
    let verified = verify(&["--chain", &far.url, "--chain", &chain]);
    assert_eq!(code(&verified), 0, "{}", said(&verified));
    let verified = json(&verified);
    assert_eq!(
        (&verified["continues"], &verified["chain"]),
        (
            &"two.test/log".into(),
            &json!([{ "origin": "two.test/log", "size": 7 }, { "origin": "one.test/log", "size": 301 }])
        )
    );
    assert_eq!(json(&command(&["--json", "verify", &chain, "--vkey", &keys]))["sealed"]["successor"], "three.test/log");
    let words = said(&command(&["verify", &log, "--vkey", &keys]));
    assert!(words.contains("It continues the log two.test/log, which was not looked at"), "{words}");

    // One is missing, one is damaged, one is not trusted.
    assert_eq!(code(&verify(&["--chain", &chain])), 2);
    let alone = command(&["verify", &log, "--vkey", &three.vkey, "--chain", &chain, "--chain", &one.log()]);
    assert_eq!(code(&alone), 1);
    assert!(complained(&alone).contains("none of the trusted keys"), "{}", complained(&alone));
    let bundle = one.dir().join("tile/entries/000");
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let damaged = verify(&["--chain", &one.log(), "--chain", &chain]);
    assert_eq!((code(&damaged), &json(&damaged)["details"]["file"]), (1, &"tile/entries/000".into()));
}

#[test]
fn a_log_that_ended_otherwise_or_went_on_is_not_the_one_that_is_continued() {
    let (one, two) = (Case::named("one.test/log", entries(10)), Case::named("two.test/log", []));
    let opened = seal(&one, &two);
    two.append([opened]);
    let keys = two.file("keys");
    std::fs::write(&keys, format!("{}\n{}\n", one.vkey, two.vkey)).unwrap();
    let verify = |before: &str| command(&["--json", "verify", &two.log(), "--vkey", &keys, "--chain", before]);
    assert_eq!(code(&verify(&one.log())), 0);
    // The same name and key, sealed as well, with another past.
    let fork = one.fork(entries(11).skip(1));
    seal(&fork, &two);
    let refused = verify(&fork.log());
    assert_eq!(code(&refused), 1);
    assert!(said(&refused).contains("but not as two.test/log says"), "{}", said(&refused));
    let open = one.fork(entries(10));
    assert_eq!(code(&verify(&open.log())), 1);
}
