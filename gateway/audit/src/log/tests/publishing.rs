//! Publishing under a policy: what is public is what enough witnesses signed.

use super::*;
use crate::key::{KeyKind, generate_key_of};
use crate::publish::{Collected, PublishError};
use crate::witness::Kept;

const TIME: u64 = 1_800_000_000;

/// A bench with two witnesses, of both kinds, that must both sign.
pub(super) struct Witnessed {
    pub(super) bench: Bench,
    pub(super) witnesses: [SigningKey; 2],
}

impl Witnessed {
    pub(super) fn new() -> Self {
        let witnesses = [("w.test/1", KeyKind::Cosignature), ("w.test/2", KeyKind::MlDsa44)]
            .map(|(name, kind)| SigningKey::parse(&generate_key_of(name, kind).unwrap().private).unwrap());
        Self { bench: Bench::new(), witnesses }
    }

    pub(super) fn policy(&self, quorum: &str) -> Arc<Policy> {
        let [one, two] = self.witnesses.each_ref().map(SigningKey::verifier_key);
        let text = format!(
            "log {}\nwitness one {one}\nwitness two {two}\ngroup both all one two\nquorum {quorum}\n",
            self.bench.key.verifier
        );
        Arc::new(Policy::parse(text.as_bytes()).unwrap())
    }

    pub(super) fn config(&self, dir: &Path, quorum: &str) -> LogConfig {
        let mut config = self.bench.config(dir);
        config.pace.integrate_every = Duration::from_millis(2);
        config.policy = Some(self.policy(quorum));
        config
    }

    pub(super) fn open(&self, quorum: &str) -> Log {
        Log::open(self.config(&self.bench.dir(), quorum)).unwrap()
    }

    /// Appends, and waits until the log has signed all of it.
    pub(super) fn append(&self, log: &Log, count: usize) -> Published {
        self.bench.append_many(log, count);
        let size = log.size();
        let mut signed = log.subscribe_signed();
        self.bench.runtime.block_on(signed.wait_for(|checkpoint| checkpoint.size >= size)).unwrap().clone()
    }

    pub(super) fn cosigned(&self, checkpoint: &Published, by: &[usize]) -> Collected {
        let mut collected = Collected::new(Arc::clone(checkpoint));
        for at in by {
            collected.add(*at, Kept { line: checkpoint.cosign(&self.witnesses[*at], TIME).unwrap(), time: TIME });
        }
        collected
    }
}

#[test]
fn below_the_quorum_nothing_new_is_published_and_everything_goes_on() {
    let case = Witnessed::new();
    let log = case.open("both");
    assert_eq!((log.published().size, log.signed().size), (0, 0));
    let signed = case.append(&log, 300);
    assert_eq!((signed.size, log.published().size), (300, 0));
    let one = case.cosigned(&signed, &[0]);
    assert!(!one.meets(&case.policy("both")));
    let refused = log.publish(&one.note());
    assert!(matches!(&refused, Err(PublishError::NotMet(NotMet::Quorum(by))) if by == &["w.test/1"]), "{refused:?}");
    assert!(matches!(log.publish(&signed.note), Err(PublishError::NotMet(_))));
    assert!(matches!(log.proof(3), Err(ReadError::Beyond { size: 0, .. })));
    let newer = case.append(&log, 20);
    let status = log.status();
    assert_eq!((status.size, status.signed, status.published), (320, 320, 0));
    let both = case.cosigned(&newer, &[0, 1]);
    assert!(both.meets(&case.policy("both")));
    assert!(log.publish(&both.note()).unwrap());
    assert_eq!(log.status().published, 320);
    // What is proven is proven under the policy.
    let proof = log.proof(3).unwrap();
    case.policy("both").verify(proof.checkpoint.as_bytes()).unwrap();
    // A tree that was overtaken is not published after all.
    assert!(!log.publish(&case.cosigned(&signed, &[0, 1]).note()).unwrap());
    case.bench.close(log);
    assert_eq!(case.bench.verify(&case.bench.dir()).unwrap().size, 320);
}

#[test]
fn what_waits_for_witnesses_verifies_and_outlives_the_process() {
    let case = Witnessed::new();
    let log = case.open("both");
    let first = case.append(&log, 300);
    assert!(log.publish(&case.cosigned(&first, &[0, 1]).note()).unwrap());
    case.append(&log, 290);
    // Killed here: 590 entries signed, 300 public.
    let left = TempDir::new().unwrap();
    copy(&case.bench.dir(), left.path());
    let report = case.bench.verify(left.path()).unwrap();
    assert_eq!((report.size, report.signed), (300, Some(590)));
    assert!(report.unsigned_tiles > 0);
    let log = Log::open(case.config(left.path(), "both")).unwrap();
    assert_eq!((log.size(), log.signed().size, log.published().size), (590, 590, 300));
    // What the witnesses have signed is known from the checkpoint that was kept.
    assert_eq!(log.published().cosignatures.len(), 2);
    let next = case.append(&log, 1);
    assert!(log.publish(&case.cosigned(&next, &[0, 1]).note()).unwrap());
    case.bench.close(log);
    assert_eq!(case.bench.verify(left.path()).unwrap().size, 591);
    assert_eq!(files(left.path(), "journal"), ["journal/checkpoint", "journal/lock"]);
    // A folder that is handed on without what the log keeps for itself is whole.
    std::fs::remove_dir_all(left.path().join("journal")).unwrap();
    assert_eq!(case.bench.verify(left.path()).unwrap().size, 591);
}

#[test]
fn what_was_signed_and_not_published_is_verified_as_the_rest() {
    let case = Witnessed::new();
    let log = case.open("both");
    let early = case.append(&log, 100);
    let first = case.append(&log, 200);
    assert!(log.publish(&case.cosigned(&first, &[0, 1]).note()).unwrap());
    let signed = case.append(&log, 290);
    case.bench.close(log);
    let dir = case.bench.dir();
    let inner = dir.join("journal/checkpoint");
    let good = std::fs::read_to_string(&inner).unwrap();
    let damaged = |file: &str, index: Option<u64>, why: &str| match case.bench.verify(&dir) {
        Err(VerifyError::Damaged(damage)) => {
            assert_eq!((damage.file.as_str(), damage.index), (file, index), "{damage}");
            assert!(damage.what.contains(why), "{damage}");
        }
        other => panic!("{why}: {other:?}"),
    };

    // The checkpoint itself: behind the public one, of another tree, by another key, of another size, no checkpoint.
    let own = SigningKey::parse(&case.bench.key.private).unwrap();
    let sign = |size: u64, root: Hash, by: &SigningKey| {
        let note = SignedCheckpoint::sign("example.test/log", size, root, std::slice::from_ref(by), TIME).unwrap().note;
        std::fs::write(&inner, note).unwrap();
    };
    let stranger = SigningKey::parse(&generate_key("example.test/log").unwrap().private).unwrap();
    sign(early.size, early.root, &own);
    damaged("journal/checkpoint", None, "300 are public already");
    sign(signed.size, root_of(&[b"another"]), &own);
    damaged("journal/checkpoint", None, "is not that of the tiles");
    sign(first.size, root_of(&[b"another"]), &own);
    damaged("journal/checkpoint", None, "is not that of the tiles");
    sign(signed.size, signed.root, &stranger);
    damaged("journal/checkpoint", None, "none of the trusted keys");
    std::fs::write(&inner, good.replacen("\n590\n", "\n591\n", 1)).unwrap();
    damaged("journal/checkpoint", None, "is wrong");
    std::fs::write(&inner, "nothing").unwrap();
    damaged("journal/checkpoint", None, "not a signed note");
    std::fs::write(&inner, &good).unwrap();

    // What is under it, and in a full tile that stands in for the public tree's partial one.
    for (name, at, index) in [("tile/0/001", 325, 266), ("tile/0/001", 3205, 356), ("tile/0/002.p/78", 5, 512)] {
        let path = dir.join(name);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, bad).unwrap();
        damaged(name, Some(index), "");
        std::fs::write(&path, good).unwrap();
    }
    let path = dir.join("tile/entries/002.p/78");
    let good = std::fs::read(&path).unwrap();
    let before: usize = (512..560).map(|index| entry(index).len() + 2).sum();
    std::fs::write(&path, [&good[..before + 4], b"?", &good[before + 5..]].concat()).unwrap();
    damaged("tile/entries/002.p/78", Some(560), "not the one that the tree commits to");
    std::fs::write(&path, good).unwrap();
    assert_eq!(case.bench.verify(&dir).unwrap().signed, Some(590));
}

#[test]
fn a_late_cosignature_of_the_same_tree_is_added() {
    let case = Witnessed::new();
    let log = case.open("one");
    let signed = case.append(&log, 5);
    assert!(log.publish(&case.cosigned(&signed, &[0]).note()).unwrap());
    assert_eq!(log.published().cosignatures.len(), 1);
    assert!(log.publish(&case.cosigned(&signed, &[0, 1]).note()).unwrap());
    assert_eq!(log.published().cosignatures.len(), 2);
    assert!(!log.publish(&case.cosigned(&signed, &[0]).note()).unwrap());
    let reread = std::fs::read_to_string(case.bench.dir().join("checkpoint")).unwrap();
    assert_eq!(reread, log.checkpoint());
    case.bench.close(log);
}

#[test]
fn what_is_not_this_log_s_is_not_published() {
    let case = Witnessed::new();
    let log = case.open("one");
    let signed = case.append(&log, 5);
    let collected = case.cosigned(&signed, &[0]).note();
    for (from, to) in [("\n5\n", "\n6\n"), ("example.test/log\n", "other.test/log\n")] {
        let refused = log.publish(&collected.replacen(from, to, 1));
        assert!(matches!(refused, Err(PublishError::NotMet(NotMet::Checkpoint(_)))), "{refused:?}");
    }
    // A tree that this key signed elsewhere, and that is not here.
    let elsewhere = TempDir::new().unwrap();
    let other = Log::open(case.config(&elsewhere.path().join("log"), "one")).unwrap();
    let longer = case.append(&other, 6);
    let refused = log.publish(&case.cosigned(&longer, &[0]).note());
    assert!(matches!(refused, Err(PublishError::OtherTree)), "{refused:?}");
    assert_eq!(log.published().size, 0);
}

#[test]
fn the_published_checkpoint_never_goes_back_over_a_power_cut_between_cosigning_and_writing() {
    let case = Witnessed::new();
    let mut outcomes = std::collections::BTreeSet::new();
    for cut in 1..12 {
        let dir = case.bench.folder.path().join(format!("cut-{cut}"));
        let disk = SimulatedDisk::default();
        let mut config = case.config(&dir, "both");
        config.disk = Arc::new(disk.clone());
        let log = Log::open(config).unwrap();
        let first = case.append(&log, 10);
        log.publish(&case.cosigned(&first, &[0, 1]).note()).unwrap();
        let second = case.append(&log, 10);
        disk.cut_at(disk.operations() + cut);
        log.publish(&case.cosigned(&second, &[0, 1]).note()).unwrap();
        let lost = disk.has_lost_power();
        let left = TempDir::new().unwrap();
        disk.after_power_cut(&dir, left.path(), cut);
        drop(log);
        let log = Log::open(case.config(left.path(), "both")).unwrap();
        let published = log.published();
        assert_eq!(log.signed().size, 20);
        assert!([10, 20].contains(&published.size), "cut at {cut}: {}", published.size);
        // Once it was said to be published, it is.
        assert!(lost || published.size == 20);
        assert_eq!(published.cosignatures.len(), 2);
        log.publish(&case.cosigned(&log.signed(), &[0, 1]).note()).unwrap();
        assert_eq!(log.published().size, 20);
        outcomes.insert(published.size);
    }
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [10, 20], "cuts fell on both sides");
}

#[test]
fn a_policy_may_come_and_go() {
    let case = Witnessed::new();
    let log = case.open("none");
    case.append(&log, 3);
    assert_eq!(log.published().size, 3);
    case.bench.close(log);
    assert!(!case.bench.dir().join("journal/checkpoint").exists());
    let log = case.open("both");
    assert_eq!(log.published().size, 3);
    case.append(&log, 4);
    assert_eq!(log.published().size, 3);
    case.bench.close(log);
    let log = case.open("none");
    assert_eq!(log.published().size, 7);
    assert!(!case.bench.dir().join("journal/checkpoint").exists());
    case.append(&log, 1);
    case.bench.close(log);
    assert_eq!(case.bench.verify(&case.bench.dir()).unwrap().size, 8);
}

#[test]
fn checkpoints_that_contradict_each_other_are_refused() {
    let case = Witnessed::new();
    let log = case.open("both");
    let first = case.append(&log, 10);
    let early = std::fs::read(case.bench.dir().join("journal/checkpoint")).unwrap();
    let second = case.append(&log, 10);
    log.publish(&case.cosigned(&second, &[0, 1]).note()).unwrap();
    case.bench.close(log);
    let inner = case.bench.dir().join("journal/checkpoint");
    let good = std::fs::read(&inner).unwrap();
    let refused = |named: &str| match Log::open(case.config(&case.bench.dir(), "both")) {
        Err(OpenError::Damaged(damage)) => assert_eq!(damage.file, named),
        other => panic!("{other:?}"),
    };
    std::fs::write(&inner, &early).unwrap();
    refused("journal/checkpoint");
    // Without the inner one the public one is what the log goes on from.
    std::fs::remove_file(&inner).unwrap();
    assert_eq!(Log::open(case.config(&case.bench.dir(), "both")).unwrap().size(), 20);
    std::fs::write(&inner, &good).unwrap();
    std::fs::rename(case.bench.dir().join("checkpoint"), case.bench.dir().join("aside")).unwrap();
    refused("checkpoint");
    std::fs::write(case.bench.dir().join("checkpoint"), case.cosigned(&first, &[0, 1]).note()).unwrap();
    assert_eq!(Log::open(case.config(&case.bench.dir(), "both")).unwrap().published().size, 10);
    // Cosignatures are believed no more than the rest.
    let note = case.cosigned(&first, &[0, 1]).note();
    let end = note.len() - 40;
    let bad = format!("{}{}{}", &note[..end], if &note[end..=end] == "A" { "B" } else { "A" }, &note[end + 1..]);
    std::fs::write(case.bench.dir().join("checkpoint"), bad).unwrap();
    let opened = Log::open(case.config(&case.bench.dir(), "both"));
    assert!(matches!(&opened, Err(OpenError::Checkpoint(CheckpointError::WrongSignature { .. }))), "{opened:?}");
}

#[test]
fn a_policy_for_another_log_is_refused() {
    let case = Witnessed::new();
    let mut config = case.config(&case.bench.dir(), "both");
    config.signers = vec![SigningKey::parse(&generate_key("example.test/log").unwrap().private).unwrap()];
    let refused = Log::open(config);
    assert!(matches!(&refused, Err(OpenError::Config(what)) if what.contains("policy")), "{refused:?}");
}

#[test]
fn a_log_that_was_halted_takes_nothing_and_says_why() {
    let case = Witnessed::new();
    let log = case.open("both");
    case.append(&log, 3);
    log.halt("a witness has seen another tree");
    let refused = case.bench.runtime.block_on(log.append("late"));
    assert!(
        matches!(&refused, Err(LogError::Unavailable { reason }) if &**reason == "a witness has seen another tree")
    );
    assert_eq!(log.status().append_failure.as_deref(), Some("a witness has seen another tree"));
    assert_eq!(log.size(), 3);
    case.bench.close(log);
}

#[test]
fn a_flipped_byte_anywhere_in_either_checkpoint_is_found_at_the_opening() {
    let case = Witnessed::new();
    let log = case.open("both");
    let first = case.append(&log, 10);
    log.publish(&case.cosigned(&first, &[0, 1]).note()).unwrap();
    case.append(&log, 3);
    case.bench.close(log);
    for name in ["checkpoint", "journal/checkpoint"] {
        let path = case.bench.dir().join(name);
        let good = std::fs::read(&path).unwrap();
        // A line whose name or key id was changed is by nobody whom one knows, and passed over: that of a witness may be.
        let end = String::from_utf8_lossy(&good).find("\u{2014} w.test").unwrap_or(good.len());
        for at in 0..end {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            match (name, Log::open(case.config(&case.bench.dir(), "both"))) {
                ("checkpoint", Err(OpenError::Checkpoint(_))) => {}
                (_, Err(OpenError::Damaged(damage))) => assert_eq!(damage.file, name, "{at}"),
                (_, other) => panic!("{name} at {at}: {other:?}"),
            }
        }
        std::fs::write(&path, &good).unwrap();
    }
    assert_eq!(case.open("both").size(), 13);
}
