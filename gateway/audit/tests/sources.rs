//! Verifying a log from a folder and from a web server: whole, from a trusted checkpoint, and where it was broken off.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::Value;
use support::{Case, Instead, code, command, complained, json, said, serve};

fn entries(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    range.map(|i| format!("entry {i}"))
}

fn verify(log: &str, vkey: &str, more: &[&str]) -> std::process::Output {
    command(&[&["--json", "verify", log, "--vkey", vkey], more].concat())
}

#[test]
fn a_log_over_http_verifies_as_its_folder_does() {
    let case = Case::new(entries(0..1000));
    let server = serve(&case.dir(), |_, _| None);
    let (near, far) = (json(&verify(&case.log(), &case.vkey, &[])), json(&verify(&server.url, &case.vkey, &[])));
    for name in ["origin", "size", "root", "first"] {
        assert_eq!(near["report"][name], far["report"][name], "{name}");
    }
    assert_eq!(far["report"]["journal"]["state"], "not_public");
    // Nothing that the checkpoint does not commit to.
    let mut asked = server.asked.lock().unwrap().clone();
    asked.sort();
    asked.dedup();
    assert_eq!(
        asked,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002",
            "tile/0/003.p/232",
            "tile/1/000.p/3",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002",
            "tile/entries/003.p/232",
        ]
    );
    let shown = command(&["show", &server.url, "--from", "700", "--to", "701", "--vkey", &case.vkey, "--json"]);
    assert_eq!(said(&shown), "{\"index\":700,\"record\":\"entry 700\"}\n{\"index\":701,\"record\":\"entry 701\"}\n");
}

#[test]
fn what_is_read_ahead_is_asked_for_once() {
    let case = Case::new(entries(0..10_000));
    let server = serve(&case.dir(), |_, _| None);
    assert_eq!(json(&verify(&server.url, &case.vkey, &[]))["report"]["size"], 10_000);
    let mut asked = server.asked.lock().unwrap().clone();
    // Beside that, the first and the last entry are looked at once more: they say which logs stand around it.
    let again = asked.split_off(1 + 40 + 40 + 1);
    assert_eq!(again.len(), 5, "{again:?}");
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 82, "checkpoint, bundles, tiles of both levels: {asked:?}");
}

#[test]
fn a_server_that_lies_about_one_tile_is_named_by_url_and_index() {
    let case = Case::new(entries(0..600));
    for (file, at, index) in [("tile/entries/001", 3, 256), ("tile/0/001", 32 * 7, 263), ("tile/0/002.p/88", 0, 512)] {
        let server = serve(&case.dir(), move |asked, _| (asked.path == file).then_some(Instead::Turned(at)));
        let verified = verify(&server.url, &case.vkey, &[]);
        assert_eq!(code(&verified), 1);
        let answer = json(&verified);
        assert_eq!(
            (&answer["details"]["file"], &answer["details"]["index"]),
            (&file.into(), &index.into()),
            "{answer}"
        );
        assert_eq!(answer["details"]["log"], server.url.as_str());
    }
}

#[test]
fn a_partial_tile_that_is_gone_is_taken_from_the_full_one() {
    let case = Case::new(entries(0..300));
    let old = case.keep_checkpoint("old");
    case.append(entries(300..600));
    // The server still gives the older checkpoint, and the partial tiles under it are gone.
    let note = std::fs::read(&old).unwrap();
    let server = serve(&case.dir(), move |asked, _| match asked.path.as_str() {
        "checkpoint" => Some(Instead::Answer(200, vec![], note.clone())),
        path if path.contains(".p/44") => Some(Instead::Answer(404, vec![], vec![])),
        _ => None,
    });
    assert_eq!(json(&verify(&server.url, &case.vkey, &[]))["report"]["size"], 300);
}

#[test]
fn an_endless_answer_is_cut_off() {
    let case = Case::new(entries(0..300));
    for file in ["checkpoint", "tile/0/000", "tile/entries/000"] {
        let server = serve(&case.dir(), move |asked, _| (asked.path == file).then_some(Instead::Endless));
        let verified = verify(&server.url, &case.vkey, &[]);
        assert_eq!(code(&verified), 1, "{file}");
        assert!(said(&verified).contains("it is longer than"), "{}", said(&verified));
    }
    // A few packed bytes that stand for very many.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b'x'), 100_000_000), &mut packed).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 200_000);
    let server = serve(&case.dir(), move |asked, _| {
        (asked.path == "tile/entries/000")
            .then(|| Instead::Answer(200, vec![("content-encoding", "gzip".to_owned())], packed.clone()))
    });
    let verified = verify(&server.url, &case.vkey, &[]);
    assert_eq!(code(&verified), 1);
    assert!(said(&verified).contains("it is longer than"), "{}", said(&verified));
}

#[test]
fn packed_bundles_are_read() {
    let case = Case::new(entries(0..300));
    let dir = case.dir();
    let server = serve(&case.dir(), move |asked, _| {
        let packs = asked.path.starts_with("tile/entries/") && asked.headers["accept-encoding"].contains("gzip");
        packs.then(|| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packed, &std::fs::read(dir.join(&asked.path)).unwrap()).unwrap();
            Instead::Answer(200, vec![("content-encoding", "gzip".to_owned())], packed.finish().unwrap())
        })
    });
    assert_eq!(json(&verify(&server.url, &case.vkey, &[]))["report"]["size"], 300);
}

#[test]
fn a_server_with_a_moments_trouble_is_asked_again_and_a_dead_one_proves_nothing() {
    let case = Case::new(entries(0..300));
    let server = serve(&case.dir(), |asked, nth| match asked.path.as_str() {
        "checkpoint" if nth == 1 => Some(Instead::Answer(503, vec![("retry-after", "0".to_owned())], vec![])),
        "tile/entries/000" if nth < 3 => Some(Instead::Answer(429, vec![("retry-after", "0".to_owned())], vec![])),
        _ => None,
    });
    assert_eq!(code(&verify(&server.url, &case.vkey, &[])), 0);
    let server = serve(&case.dir(), |asked, _| {
        (asked.path == "tile/0/000").then(|| Instead::Answer(500, vec![("retry-after", "0".to_owned())], vec![]))
    });
    let verified = verify(&server.url, &case.vkey, &[]);
    assert_eq!(code(&verified), 3, "it is not known whether the log is right");
    assert!(said(&verified).contains("/some/log/tile/0/000: the server answers 500"), "{}", said(&verified));
}

#[test]
fn a_token_is_shown_with_a_proof_and_the_servers_nonce_and_never_over_an_open_line() {
    let case = Case::new(entries(0..10));
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8.as_ref()));
    let (token, key) = (case.file("token"), case.file("proof.pem"));
    std::fs::write(&token, "abc.def\n").unwrap();
    std::fs::write(&key, pem).unwrap();
    let proven = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&proven);
    let server = serve(&case.dir(), move |asked, _| {
        assert_eq!(asked.headers["authorization"], "DPoP abc.def");
        assert_eq!(asked.headers["audit-purpose"], "verify");
        let proof = &asked.headers["dpop"];
        let (message, signature) = proof.rsplit_once('.').unwrap();
        let part =
            |text: &str| -> Value { serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap() };
        let (header, claims) = message.split_once('.').map(|(header, claims)| (part(header), part(claims))).unwrap();
        let coordinate = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(header["jwk"][name].as_str().unwrap()).unwrap();
        let public = [vec![4], coordinate("x"), coordinate("y")].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(message.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        assert_eq!((&header["typ"], &header["alg"]), (&"dpop+jwt".into(), &"ES256".into()));
        assert!(claims["htu"].as_str().unwrap().ends_with(&format!("/some/log/{}", asked.path)));
        // SHA-256 of the token.
        assert_eq!(claims["ath"], "67MSe_XHxLTkK1FxD0lGwcHQWzMdI3ndFeOlQx7ZNBY");
        if claims["nonce"] != "n-1" {
            return Some(Instead::Answer(401, vec![("dpop-nonce", "n-1".to_owned())], vec![]));
        }
        seen.store(true, Ordering::Relaxed);
        None
    });
    let access = ["--token-file", &token, "--proof-key", &key];
    let verified = verify(&server.url, &case.vkey, &access);
    assert_eq!(code(&verified), 0, "{}", said(&verified));
    assert!(proven.load(Ordering::Relaxed));

    let verified = verify("http://log.example.test/log", &case.vkey, &access);
    assert_eq!(code(&verified), 2);
    assert!(said(&verified).contains("over https only"), "{}", said(&verified));
    assert!(!said(&verified).contains("abc.def"));
}

#[test]
fn from_a_trusted_checkpoint_only_what_is_new_is_looked_at_and_a_rewritten_past_is_found() {
    let case = Case::new(entries(0..600));
    let old = case.keep_checkpoint("old");
    case.append(entries(600..1300));
    let server = serve(&case.dir(), |_, _| None);
    let verified = json(&verify(&server.url, &case.vkey, &["--from", &old]));
    assert_eq!((&verified["report"]["first"], &verified["report"]["size"]), (&512.into(), &1300.into()));
    assert!(!server.asked.lock().unwrap().iter().any(|file| file == "tile/entries/000" || file == "tile/entries/001"));

    // The same name, the same key, another past.
    let forked = case.fork(entries(0..599).chain(["another".to_owned()]).chain(entries(600..1300)));
    assert_eq!(code(&verify(&forked.log(), &case.vkey, &[])), 0);
    let verified = verify(&forked.log(), &case.vkey, &["--from", &old]);
    assert_eq!(code(&verified), 1);
    assert!(said(&verified).contains("the log forked: its first 600 entries"), "{}", said(&verified));
    let shorter = case.fork(entries(0..500));
    let verified = verify(&shorter.log(), &case.vkey, &["--from", &old]);
    assert_eq!(code(&verified), 1);
    assert!(said(&verified).contains("it had 600 entries, now it has 500"), "{}", said(&verified));
}

#[test]
fn verification_goes_on_where_it_was_broken_off() {
    let case = Case::new(entries(0..2000));
    let state = case.file("state");
    assert_eq!(code(&verify(&case.log(), &case.vkey, &["--state", &state])), 0);
    case.append(entries(2000..3000));
    let server = serve(&case.dir(), |_, _| None);
    let verified = json(&verify(&server.url, &case.vkey, &["--state", &state]));
    assert_eq!((&verified["wentOnFrom"], &verified["report"]["first"]), (&2000.into(), &1792.into()));
    assert!(!server.asked.lock().unwrap().iter().any(|file| file == "tile/entries/006"));
    assert!(server.asked.lock().unwrap().iter().any(|file| file == "tile/entries/007"));

    // The tree of the state is held against the log: one that forked since is found.
    let forked = case.fork(entries(1..3001));
    let verified = verify(&forked.log(), &case.vkey, &["--state", &state]);
    assert_eq!(code(&verified), 1);
    assert!(said(&verified).contains("the log forked"), "{}", said(&verified));
}

#[test]
fn ctrl_c_keeps_what_was_verified() {
    let case = Case::new(entries(0..3000));
    let state = case.file("state");
    let held = Arc::new((std::sync::Mutex::new(false), std::sync::Condvar::new()));
    let gate = Arc::clone(&held);
    // The server stops at the ninth bundle until the signal was sent.
    let server = serve(&case.dir(), move |asked, _| {
        if asked.path == "tile/entries/008" {
            let mut open = gate.0.lock().unwrap();
            while !*open {
                open = gate.1.wait(open).unwrap();
            }
        }
        None
    });
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_dialog-audit"))
        .args(["--json", "verify", &server.url, "--vkey", &case.vkey, "--state", &state])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !server.asked.lock().unwrap().iter().any(|file| file == "tile/entries/008") {
        std::thread::yield_now();
    }
    let id = child.id();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id.cast_signed()), nix::sys::signal::Signal::SIGINT).unwrap();
    // The handler runs in a thread of its own: the file is released when the signal is no longer pending.
    let pending = || {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        status.lines().any(|line| line.starts_with("ShdPnd:") && !line.ends_with("0000000000000000"))
    };
    while pending() {
        std::thread::yield_now();
    }
    *held.0.lock().unwrap() = true;
    held.1.notify_all();
    let output = child.wait_with_output().unwrap();
    if code(&output) == 0 {
        // It was quicker than its own signal handler; what it kept is the end.
        assert_eq!(json(&output)["report"]["size"], 3000);
        return;
    }
    assert_eq!(code(&output), 3, "{}", said(&output));
    let done = json(&output)["details"]["done"].as_u64().unwrap();
    // Bundles are asked for ahead of their turn: how many had theirs is for the machine to say.
    assert!(done < 3000, "{done}");
    let verified = json(&verify(&case.log(), &case.vkey, &["--state", &state]));
    assert_eq!(verified["wentOnFrom"].as_u64().unwrap_or(0), done);
}

#[test]
fn a_state_file_of_another_log_is_not_used() {
    let (case, other) = (Case::new(entries(0..600)), Case::new(entries(0..600)));
    let state = case.file("state");
    assert_eq!(code(&verify(&other.log(), &other.vkey, &["--state", &state])), 0);
    for spoilt in [None, Some("{}"), Some("rubbish")] {
        if let Some(text) = spoilt {
            std::fs::write(&state, text).unwrap();
        }
        let verified = verify(&case.log(), &case.vkey, &["--state", &state]);
        assert_eq!((code(&verified), &json(&verified)["report"]["first"]), (0, &0.into()));
        assert!(complained(&verified).contains("is not gone on from"), "{}", complained(&verified));
    }
}
