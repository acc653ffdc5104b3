//! Witnesses that have seen another tree of the log, and those that merely say so.

use std::path::Path;

use dialog_audit::LogError;
use dialog_gateway::config::OnFork;
use dialog_tests::witness::Manner;

use super::bench::{Bench, Desk};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).unwrap();
        }
    }
}

async fn is_halted(desk: &Desk) -> bool {
    matches!(desk.log.append("one more").await, Err(LogError::Unavailable { reason }) if reason.contains("another tree"))
}

/// A log of five entries that was put back from a copy, after two of three witnesses had signed eight.
async fn put_back(bench: &mut Bench, on_fork: OnFork) -> Desk {
    let mut desk = bench.open(2);
    desk.append(5).await;
    desk.asking.round().await;
    desk.log.close().await.unwrap();
    drop(desk);
    let kept = bench.folder.path().join("copy");
    copy(&bench.dir(), &kept);
    let mut desk = bench.open(2);
    desk.append(3).await;
    desk.asking.round().await;
    assert_eq!(desk.log.published().size, 8);
    desk.log.close().await.unwrap();
    bench.open_at(&kept, 2, on_fork)
}

#[tokio::test]
async fn a_log_that_was_put_back_from_a_copy_is_stopped_before_its_first_record() {
    let mut bench = Bench::new(3).await;
    let mut desk = put_back(&mut bench, OnFork::Stop).await;
    // The copy says that they have signed it, and they have; they know more by now.
    assert!(!desk.log.published().cosignatures.is_empty());
    desk.asking.round().await;
    assert!(is_halted(&desk).await);
    assert_eq!(desk.log.size(), 5);
    assert!(desk.recorded.details().is_empty(), "a record would be the first that forks");
}

#[tokio::test]
async fn one_witness_that_shows_the_log_s_own_signature_is_enough() {
    let mut bench = Bench::new(3).await;
    let mut desk = put_back(&mut bench, OnFork::Stop).await;
    for dead in [0, 2] {
        bench.witnesses[dead].die().await.unwrap();
    }
    desk.append(1).await;
    desk.asking.round().await;
    assert!(is_halted(&desk).await);
}

#[tokio::test]
async fn where_the_operator_accepts_it_the_log_goes_on_and_says_so() {
    let mut bench = Bench::new(3).await;
    let mut desk = put_back(&mut bench, OnFork::Accept).await;
    desk.append(1).await;
    desk.asking.round().await;
    let details = desk.recorded.details();
    assert!(details.contains(&"says=ahead size=8 witness=a".to_owned()), "{details:?}");
    assert!(details.contains(&"says=forked witness=a, b, c".to_owned()), "{details:?}");
    desk.append(1).await;
}

#[tokio::test]
async fn another_tree_that_has_overtaken_what_they_signed_is_contradicted_and_stopped() {
    let mut bench = Bench::new(3).await;
    let mut desk = put_back(&mut bench, OnFork::Stop).await;
    desk.log.append("what was not there the first time").await.unwrap();
    desk.append(9).await;
    desk.asking.round().await;
    for at in 0..3 {
        assert_eq!(bench.asked(at).last().unwrap().2, Some(422), "{:?}", bench.asked(at));
    }
    assert!(is_halted(&desk).await);
    // It has forked; that much may be said in it.
    let mut details = desk.recorded.details();
    details.sort();
    assert_eq!(details, ["a", "b", "c"].map(|name| format!("says=contradicts witness={name}")));
    let asked = bench.asked(0).len();
    desk.asking.round().await;
    assert_eq!(bench.asked(0).len(), asked, "it is never shown the same tree again");
}

#[tokio::test]
async fn one_witness_that_lies_is_recorded_and_stops_nothing() {
    let bench = Bench::new(3).await;
    let mut desk = bench.open(2);
    for lie in [Manner::Claims(1_000_000), Manner::Says(422)] {
        bench.witnesses[0].behave(lie);
        let before = desk.recorded.details().len();
        desk.append(5).await;
        desk.asking.round().await;
        let size = desk.log.published().size;
        assert!(size >= 5, "{lie:?}: {size}");
        assert!(!is_halted(&desk).await, "{lie:?}");
        if lie == Manner::Claims(1_000_000) {
            assert_eq!(desk.recorded.details()[before..], ["says=ahead size=1000000 witness=a"]);
        }
    }
}

#[tokio::test]
async fn as_many_lies_as_could_publish_are_believed() {
    let bench = Bench::new(3).await;
    let mut desk = bench.open(2);
    desk.append(5).await;
    bench.witnesses[0].behave(Manner::Claims(1_000_000));
    bench.witnesses[1].behave(Manner::Says(422));
    desk.asking.round().await;
    assert!(is_halted(&desk).await);
}
