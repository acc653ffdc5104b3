//! Every answer that a witness can give, and what comes of it.

use std::time::{Duration, Instant};

use dialog_audit::Policy;
use dialog_gateway::witnesses::{WitnessesError, addresses};
use dialog_tests::witness::Manner;

use super::bench::{Bench, ORIGIN};

#[tokio::test]
async fn a_witness_that_knows_nothing_is_given_the_tree_from_zero() {
    let bench = Bench::new(2).await;
    let mut desk = bench.open(2);
    desk.append(7).await;
    desk.asking.round().await;
    for at in 0..2 {
        assert_eq!(bench.asked(at), [(0, 7, Some(200))]);
        assert_eq!(bench.witnesses[at].knows(ORIGIN).unwrap(), Some(7));
    }
    let published = desk.log.published();
    assert_eq!((published.size, published.cosignatures.len()), (7, 2));
    bench.policy(2).verify(desk.log.checkpoint().as_bytes()).unwrap();
    // Nothing is new: nobody is asked.
    desk.asking.round().await;
    assert_eq!(bench.asked(0).len(), 1);
    desk.append(3).await;
    desk.asking.round().await;
    assert_eq!(bench.asked(0)[1..], [(7, 10, Some(200))]);
    assert_eq!(desk.log.published().size, 10);
    assert!(desk.recorded.details().is_empty());
}

#[tokio::test]
async fn a_409_leads_to_one_proof_from_the_size_it_names() {
    let mut bench = Bench::new(2).await;
    bench.witnesses[1].die().await.unwrap();
    let mut desk = bench.open(2);
    desk.append(5).await;
    desk.asking.round().await;
    assert_eq!(desk.log.published().size, 0);
    // The process ends; what the first witness had signed was not published, and is not known to the next one.
    desk.log.close().await.unwrap();
    drop(desk);
    let mut desk = bench.open(2);
    desk.append(4).await;
    desk.asking.round().await;
    assert_eq!(bench.asked(0)[1..], [(0, 9, Some(409)), (5, 9, Some(200))]);
}

#[tokio::test]
async fn after_a_restart_the_published_checkpoint_says_what_each_witness_has_signed() {
    let bench = Bench::new(1).await;
    let mut desk = bench.open(1);
    desk.append(5).await;
    desk.asking.round().await;
    desk.log.close().await.unwrap();
    drop(desk);
    let mut desk = bench.open(1);
    // Once, should the witness know better; then the same tree is not submitted again.
    for _ in 0..2 {
        desk.asking.round().await;
        assert_eq!(bench.asked(0)[1..], [(5, 5, Some(200))]);
    }
    desk.append(4).await;
    desk.asking.round().await;
    assert_eq!(bench.asked(0)[2..], [(5, 9, Some(200))]);
}

#[tokio::test]
async fn a_witness_that_has_forgotten_is_given_the_tree_from_zero() {
    let bench = Bench::new(1).await;
    let mut desk = bench.open(1);
    desk.append(5).await;
    desk.asking.round().await;
    bench.witnesses[0].forget().unwrap();
    desk.append(4).await;
    desk.asking.round().await;
    assert_eq!(bench.asked(0)[1..], [(5, 9, Some(409)), (0, 9, Some(200))]);
    assert_eq!(desk.log.published().size, 9);
}

#[tokio::test]
async fn no_answer_but_its_own_signature_publishes_and_none_takes_longer_than_is_allowed() {
    for manner in [
        Manner::Garbage,
        Manner::Endless,
        Manner::Forges,
        Manner::SignsAsAnother,
        Manner::Says(200),
        Manner::Says(204),
        Manner::Says(400),
        Manner::Says(429),
        Manner::Says(500),
        Manner::Redirects,
        Manner::Claims(0),
        Manner::Silent,
    ] {
        let bench = Bench::new(1).await;
        let mut desk = bench.open(1);
        desk.append(5).await;
        bench.witnesses[0].behave(manner);
        let begun = Instant::now();
        desk.asking.round().await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{manner:?} took {:?}", begun.elapsed());
        assert_eq!(desk.log.published().size, 0, "{manner:?}");
        assert_eq!(bench.asked(0).len(), 1, "{manner:?}");
        let standing: Vec<_> = desk.asking.standings().map(|(name, standing)| (name, standing.word())).collect();
        assert_eq!(standing, [("a", "away")], "{manner:?}");
        // Everything else goes on.
        desk.append(1).await;
        assert!(desk.recorded.details().is_empty(), "{manner:?}");
    }
}

#[tokio::test]
async fn a_403_and_a_404_are_recorded_once_and_not_asked_again_soon() {
    for status in [403, 404] {
        let bench = Bench::new(1).await;
        let mut desk = bench.open(1);
        desk.append(5).await;
        bench.witnesses[0].behave(Manner::Says(status));
        desk.asking.round().await;
        assert_eq!(desk.recorded.details(), ["says=stranger witness=a"], "{status}");
        desk.append(1).await;
        desk.asking.round().await;
        assert_eq!(bench.asked(0).len(), 1, "{status}");
    }
}

#[tokio::test]
async fn below_the_quorum_nothing_is_published_and_that_is_recorded_once_and_so_is_its_return() {
    let mut bench = Bench::new(3).await;
    let mut desk = bench.open(2);
    bench.witnesses[0].die().await.unwrap();
    bench.witnesses[1].behave(Manner::Says(503));
    desk.append(5).await;
    for _ in 0..6 {
        desk.asking.round().await;
    }
    assert_eq!(desk.log.published().size, 0);
    assert_eq!(desk.recorded.details(), ["published=0 quorum=lost"]);
    bench.witnesses[0].live().unwrap();
    let back = async {
        while desk.log.published().size == 0 {
            desk.asking.round().await;
            // Left alone for some seconds after its failures.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back).await.unwrap();
    assert_eq!(desk.recorded.details(), ["published=0 quorum=lost", "quorum=back"]);
    // It was published as soon as two had signed it, whatever the third does.
    assert_eq!(desk.log.published().cosignatures.len(), 2);
}

#[tokio::test]
async fn the_end_of_a_log_is_published_too() {
    let bench = Bench::new(1).await;
    let mut desk = bench.open(1);
    for at in 0..9 {
        desk.log.append(format!("entry {at}")).await.unwrap();
    }
    assert!(desk.asking.last().await);
    assert_eq!(desk.log.published().size, 9);
}

#[test]
fn witnesses_are_asked_over_https_or_on_this_machine() {
    let vkey = dialog_audit::generate_key_of("w.test", dialog_audit::KeyKind::Cosignature).unwrap().verifier;
    let policy = |rest: &str| Policy::parse(format!("witness w {vkey} {rest}\nquorum w\n").as_bytes()).unwrap();
    for (url, path) in [
        ("https://w.test", "https://w.test/"),
        ("https://w.test/a/b", "https://w.test/a/b/"),
        ("http://127.0.0.1:1/w/", "http://127.0.0.1:1/w/"),
    ] {
        assert_eq!(addresses(&policy(url)).unwrap()[0].1.as_str(), path);
    }
    for wrong in
        ["http://w.test", "nowhere", "ftp://w.test", "https://me@w.test", "https://w.test/?a", "https://w.test/#a"]
    {
        assert!(matches!(addresses(&policy(wrong)), Err(WitnessesError::Address { .. })), "{wrong}");
    }
    assert!(matches!(addresses(&policy("")), Err(WitnessesError::Unreachable)));
}
