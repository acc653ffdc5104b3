//! Keys that change, and logs that end.

use super::*;
use crate::key::{KeyKind, VerifierKey, generate_key_of};
use crate::seal::{self, Predecessor, SuccessionError, Successor};
use serde_json::json;

fn key(name: &str, kind: KeyKind) -> KeyPair {
    generate_key_of(name, kind).unwrap()
}

fn signer(pair: &KeyPair) -> SigningKey {
    SigningKey::parse(&pair.private).unwrap()
}

fn vkey(pair: &KeyPair) -> VerifierKey {
    VerifierKey::parse(&pair.verifier).unwrap()
}

fn keys(pairs: &[&KeyPair]) -> VerifierKeys {
    VerifierKeys::new(pairs.iter().map(|pair| vkey(pair))).unwrap()
}

#[test]
fn either_key_of_a_rotation_suffices_and_the_log_says_when() {
    let bench = Bench::new();
    let new = key("example.test/log", KeyKind::Ed25519);
    let log = bench.open();
    bench.append_many(&log, 3);
    assert_eq!(log.key_change(), None);
    bench.close(log);

    // Both sign: the checkpoint is signed anew at once, though nothing was appended.
    let mut config = bench.config(&bench.dir());
    config.signers.push(signer(&new));
    let log = Log::open(config).unwrap();
    assert_eq!(log.key_change(), Some(&KeyChange { added: vec![new.verifier.clone()], removed: vec![] }));
    for trusted in [&bench.key, &new] {
        assert_eq!(verify(&bench.dir(), &keys(&[trusted]), |_| {}).unwrap().size, 3);
    }
    bench.close(log);

    // The new one alone.
    let alone = |former: Vec<VerifierKey>| {
        let mut config = bench.config(&bench.dir());
        config.signers = vec![signer(&new)];
        config.former = former;
        Log::open(config)
    };
    let log = alone(vec![vkey(&bench.key)]).unwrap();
    assert_eq!(log.key_change(), Some(&KeyChange { added: vec![], removed: vec![bench.key.verifier.clone()] }));
    bench.close(log);
    let log = alone(vec![]).unwrap();
    assert_eq!(log.key_change(), None);
    bench.close(log);
    assert!(verify(&bench.dir(), &bench.keys(), |_| {}).is_err());
}

#[test]
fn without_an_overlap_the_former_key_must_be_named() {
    let bench = Bench::new();
    let new = key("example.test/log", KeyKind::Ed25519);
    let log = bench.open();
    bench.append_many(&log, 3);
    bench.close(log);
    let mut config = bench.config(&bench.dir());
    config.signers = vec![signer(&new)];
    let refused = Log::open(config);
    assert!(matches!(refused, Err(OpenError::Checkpoint(CheckpointError::Untrusted))), "{refused:?}");
    let mut config = bench.config(&bench.dir());
    config.signers = vec![signer(&new)];
    config.former = vec![vkey(&bench.key)];
    let log = Log::open(config).unwrap();
    let change = KeyChange { added: vec![new.verifier.clone()], removed: vec![bench.key.verifier.clone()] };
    assert_eq!(log.key_change(), Some(&change));
    bench.close(log);
    let mut config = bench.config(&bench.dir());
    config.signers = vec![signer(&new)];
    assert_eq!(Log::open(config).unwrap().size(), 3);
}

#[test]
fn a_key_against_quantum_computers_signs_beside_the_other_and_never_alone() {
    let bench = Bench::new();
    let second = key("example.test/log", KeyKind::MlDsa44);
    let mut config = bench.config(&bench.dir());
    config.signers.push(signer(&second));
    let log = Log::open(config).unwrap();
    bench.append_many(&log, 300);
    bench.close(log);
    for trusted in [&bench.key, &second] {
        assert_eq!(verify(&bench.dir(), &keys(&[trusted]), |_| {}).unwrap().size, 300);
    }
    for unfit in [second, key("example.test/log", KeyKind::Cosignature)] {
        let mut config = bench.config(&bench.dir());
        config.signers = vec![signer(&unfit)];
        assert!(matches!(Log::open(config), Err(OpenError::Config(_))));
    }
}

#[test]
fn a_former_key_of_another_log_is_refused() {
    let bench = Bench::new();
    let mut config = bench.config(&bench.dir());
    config.former = vec![vkey(&key("other.test/log", KeyKind::Ed25519))];
    assert!(matches!(Log::open(config), Err(OpenError::Config(_))));
}

/// A log whose last entry seals it towards a key.
fn sealed(bench: &Bench, next: &KeyPair, before: usize) -> Successor {
    let log = bench.open();
    bench.append_many(&log, before);
    let successor = Successor::of(&vkey(next));
    let record = json!({ "version": 1, "kind": seal::SEALED, "details": successor.details() });
    bench.append(&log, record.to_string());
    bench.close(log);
    successor
}

#[test]
fn a_sealed_log_is_not_extended_and_names_its_successor() {
    // The sealing entry at the edge of the tree, and as the last one of a full tile.
    for before in [10, 255, 256] {
        let bench = Bench::new();
        let next = key("example.test/log-2", KeyKind::Ed25519);
        let successor = sealed(&bench, &next, before);
        match Log::open(bench.config(&bench.dir())) {
            Err(OpenError::Sealed { successor: named }) => assert_eq!(named, successor),
            other => panic!("{other:?}"),
        }
        let mut config = bench.config(&bench.dir());
        config.when_sealed = WhenSealed::Finish;
        let log = Log::open(config).unwrap();
        let refused = bench.runtime.block_on(log.append("after the end"));
        assert!(matches!(refused, Err(LogError::Unavailable { .. })));
        bench.close(log);
        assert_eq!(bench.verify(&bench.dir()).unwrap().size, before as u64 + 1);
    }
}

#[test]
fn a_log_that_was_killed_when_it_was_sealed_is_brought_to_its_end() {
    let bench = Bench::new();
    let next = key("example.test/log-2", KeyKind::Ed25519);
    let log = bench.open();
    bench.append_many(&log, 4);
    let record = json!({ "kind": seal::SEALED, "details": Successor::of(&vkey(&next)).details() });
    bench.append(&log, record.to_string());
    // The sealing entry is in the journal only.
    let left = TempDir::new().unwrap();
    copy(&bench.dir(), left.path());
    assert!(matches!(Log::open(bench.config(left.path())), Err(OpenError::Sealed { .. })));
    assert_eq!(bench.verify(left.path()).unwrap().size, 5);
}

#[test]
fn a_successor_says_what_it_continues_and_one_of_another_log_is_refused() {
    let bench = Bench::new();
    let (next, stranger) = (key("example.test/log-2", KeyKind::Ed25519), key("example.test/log-2", KeyKind::Ed25519));
    let log = bench.open();
    bench.append_many(&log, 5);
    bench.close(log);
    let not_sealed = seal::predecessor(&bench.dir(), &bench.keys(), &keys(&[&next]));
    assert!(matches!(not_sealed, Err(SuccessionError::NotSealed { .. })), "{not_sealed:?}");
    sealed(&bench, &next, 5);

    let before = seal::predecessor(&bench.dir(), &bench.keys(), &keys(&[&next])).unwrap();
    let checkpoint = Reader::open(&bench.dir(), &bench.keys()).unwrap().checkpoint().clone();
    assert_eq!((before.origin.as_str(), before.size), ("example.test/log", 11));
    assert_eq!(before.root, checkpoint.root.to_string());
    let record = json!({ "kind": seal::OPENED, "details": before.details() });
    assert_eq!(Predecessor::read(record.to_string().as_bytes()), Some(before));

    let refused = seal::predecessor(&bench.dir(), &bench.keys(), &keys(&[&stranger]));
    assert!(matches!(refused, Err(SuccessionError::OtherSuccessor { .. })), "{refused:?}");
    // The successor may have changed its keys since.
    assert!(seal::predecessor(&bench.dir(), &bench.keys(), &keys(&[&stranger, &next])).is_ok());
    let other_log = seal::predecessor(&bench.dir(), &keys(&[&stranger]), &keys(&[&next]));
    assert!(matches!(other_log, Err(SuccessionError::Read(_))), "{other_log:?}");
}
