//! Any history of a log: entries appended, the log closed and killed, power lost, keys and policy changed, entries removed
//! after their time, the log ended and another begun. Whatever came before, it is what the naive one is.

use super::naive::{Naive, WIDTH, retention};
use super::publishing::Witnessed;
use super::removal::End;
use super::*;
use crate::key::VerifierKey;
use crate::retention::removable;
use crate::seal;

#[derive(Clone, Debug)]
enum Act {
    Append {
        callers: usize,
        each: usize,
    },
    Publish,
    /// One of the two witnesses has signed: that is not enough.
    PublishBelow,
    Close,
    Drop,
    Rotate,
    /// From the next opening on no witness is asked, or both are again.
    ChangePolicy,
    /// The log ends, and another follows it.
    Seal {
        publish_first: bool,
    },
    End {
        by: End,
        after: u64,
        publish_first: bool,
    },
    /// What is older than all but the newest entries is removed.
    Prune {
        newest: u64,
        until: Until,
        publish_first: bool,
    },
}

/// How far a removal gets.
#[derive(Clone, Debug)]
enum Until {
    /// The log says what is going to be removed, and does not publish that.
    Said,
    /// It is public, and not begun.
    Public,
    Ended {
        by: End,
        after: u64,
    },
    Done,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Kill), Just(End::PowerCut)]
}

fn act() -> impl Strategy<Value = Act> {
    let each = prop_oneof![1 => 1_usize..30, 1 => 60_usize..180];
    let until = prop_oneof![
        1 => Just(Until::Said),
        1 => Just(Until::Public),
        4 => (end(), 1_u64..14).prop_map(|(by, after)| Until::Ended { by, after }),
        3 => Just(Until::Done),
    ];
    prop_oneof![
        6 => (1_usize..5, each).prop_map(|(callers, each)| Act::Append { callers, each }),
        3 => Just(Act::Publish),
        2 => Just(Act::PublishBelow),
        1 => Just(Act::Close),
        1 => Just(Act::Drop),
        1 => Just(Act::Rotate),
        1 => Just(Act::ChangePolicy),
        1 => any::<bool>().prop_map(|publish_first| Act::Seal { publish_first }),
        3 => (end(), 1_u64..60, any::<bool>())
            .prop_map(|(by, after, publish_first)| Act::End { by, after, publish_first }),
        7 => (0_u64..300, until, any::<bool>())
            .prop_map(|(newest, until, publish_first)| Act::Prune { newest, until, publish_first }),
    ]
}

/// A log under a policy, on a disk that can lose power, signed by either of two keys; its successors after it.
struct Tried {
    case: Witnessed,
    /// How many logs came before this one.
    before: usize,
    keys: [KeyPair; 2],
    key: usize,
    policy: Arc<Policy>,
    /// Whether the policy is in force.
    asks: bool,
    naive: Naive,
    /// How many entries were tried so far, in all logs: each is of a second of its own.
    serial: u64,
}

impl Tried {
    fn new() -> Self {
        let case = Witnessed::new();
        let [one, two] = case.witnesses.each_ref().map(SigningKey::verifier_key);
        let text = format!("witness one {one}\nwitness two {two}\ngroup both all one two\nquorum both\n");
        let policy = Arc::new(Policy::parse(text.as_bytes()).unwrap());
        let naive = Naive::default();
        Self { case, before: 0, keys: Self::keys_of(0), key: 0, policy, asks: true, naive, serial: 0 }
    }

    /// The keys of the first log, or of one that follows.
    fn keys_of(number: usize) -> [KeyPair; 2] {
        [0, 1].map(|_| generate_key(&format!("example.test/log-{number}")).unwrap())
    }

    fn config(&self, dir: &Path, disk: &SimulatedDisk) -> LogConfig {
        let mut config = self.case.bench.config(dir);
        config.origin = format!("example.test/log-{}", self.before);
        config.signers = vec![SigningKey::parse(&self.keys[self.key].private).unwrap()];
        config.former = vec![VerifierKey::parse(&self.keys[1 - self.key].verifier).unwrap()];
        config.policy = self.asks.then(|| Arc::clone(&self.policy));
        config.disk = Arc::new(disk.clone());
        config.pace.integrate_every = Duration::from_millis(1);
        config.check = OpenCheck::Everything;
        config
    }

    fn open(&self, dir: &Path, disk: &SimulatedDisk) -> Log {
        Log::open(self.config(dir, disk)).unwrap()
    }

    fn verifiers(&self) -> VerifierKeys {
        VerifierKeys::parse(&format!("{}\n{}", self.keys[0].verifier, self.keys[1].verifier)).unwrap()
    }

    fn append(&mut self, log: &Log, disk: &SimulatedDisk, callers: usize, each: usize) {
        let (mut acknowledged, _) = append_from(&self.case.bench, log, disk, callers, each, &mut self.serial);
        acknowledged.sort();
        for (index, entry) in acknowledged {
            assert_eq!(index, self.naive.size());
            self.naive.push(entry.into());
        }
    }

    /// Waits until the log has signed everything that is in it.
    fn signed(&self, log: &Log) -> Published {
        let size = log.size();
        let mut signed = log.subscribe_signed();
        let newest = signed.wait_for(|checkpoint| checkpoint.size >= size);
        self.case.bench.runtime.block_on(newest).unwrap().clone()
    }

    /// Publishes everything that is in the log, and gives its size.
    fn publish(&self, log: &Log) -> u64 {
        let newest = self.signed(log);
        log.publish(&self.case.cosigned(&newest, &[0, 1]).note()).unwrap();
        newest.size
    }

    fn check(&mut self, log: &Log, dir: &Path) {
        self.signed(log);
        let keys = self.verifiers();
        self.naive.check(log, dir, &keys);
    }

    /// Says in the log what is older than all but the `newest` entries, as the gateway does once a day, having finished
    /// what was broken off. None where nothing is.
    fn say(&mut self, log: &Log, dir: &Path, newest: u64) -> Option<Removed> {
        log.finish_removal().unwrap();
        self.naive.check_gone(dir);
        let (now, before) = (second(self.serial), second(self.serial.saturating_sub(newest)));
        let reader = log.reader();
        let to = removable(&reader, before).unwrap();
        assert_eq!(to, self.naive.removable(reader.checkpoint().size, before));
        if to == self.naive.first() {
            return None;
        }
        let text = retention(to, before, now);
        let record = self.case.bench.append(log, text.clone());
        assert_eq!(record, self.naive.size());
        self.naive.push(text.into());
        let said = Removed { to, record };
        if self.asks {
            assert!(log.remove(said).is_err(), "nobody can see yet that it is said");
        }
        self.naive.found(dir, None);
        Some(said)
    }

    /// Removes what the log has said in public, all of it and no more.
    fn remove(&mut self, log: &Log, dir: &Path, said: Removed) {
        let earlier = self.naive.removed();
        assert!(log.remove(Removed { to: said.to + WIDTH, ..said }).is_err(), "the log says less");
        assert!(log.remove(said).unwrap() >= (said.to - self.naive.first()) / WIDTH);
        self.naive.remove(said);
        // What was removed before is no reason to say less; its record may be gone too.
        if let Some(Ok(files)) = earlier.map(|earlier| log.remove(earlier)) {
            assert_eq!(files, 0);
        }
        self.naive.found(dir, None);
        self.naive.check_gone(dir);
    }

    /// Ends the log in a folder, as its last record says, and holds it against what it must hold; gives what the next
    /// one is begun with.
    fn seal(&mut self, log: Log, dir: &Path, disk: &SimulatedDisk, publish_first: bool) -> String {
        let next = Self::keys_of(self.before + 1);
        let follows = VerifierKeys::new(next.iter().map(|pair| VerifierKey::parse(&pair.verifier).unwrap())).unwrap();
        let successor = Successor::of(&VerifierKey::parse(&next[0].verifier).unwrap());
        let now = second(self.serial);
        let record =
            serde_json::json!({ "time": now, "kind": seal::SEALED, "details": successor.details() }).to_string();
        self.case.bench.append(&log, record.clone());
        self.naive.push(record.into());
        if publish_first {
            self.publish(&log);
        }
        self.case.bench.close(log);
        match Log::open(self.config(dir, disk)) {
            Err(OpenError::Sealed { successor: named }) => assert_eq!(named, successor),
            other => panic!("{other:?}"),
        }
        // Its end is published all the same, and nothing follows it.
        let mut config = self.config(dir, disk);
        config.when_sealed = WhenSealed::Finish;
        let log = Log::open(config).unwrap();
        assert!(self.case.bench.runtime.block_on(log.append("after the end")).is_err());
        assert_eq!(self.publish(&log), self.naive.size());
        self.check(&log, dir);
        // What it had begun to remove goes, though it says nothing more.
        log.finish_removal().unwrap();
        self.naive.check_gone(dir);
        self.check(&log, dir);
        self.case.bench.close(log);
        self.naive.check_verified(dir, &self.verifiers());
        let predecessor = seal::predecessor(dir, &self.verifiers(), &follows).unwrap();
        self.before += 1;
        (self.keys, self.key, self.naive) = (next, 0, Naive::default());
        serde_json::json!({ "time": now, "kind": seal::OPENED, "details": predecessor.details() }).to_string()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 40, ..ProptestConfig::default() })]
    /// Whatever happens between, the log's tree is the naive one; what is public is a beginning of it that both witnesses
    /// have signed, and never less than what was once said to be public; and what was not removed can be read.
    #[test]
    fn any_history_gives_the_naive_tree_with_all_that_was_not_removed_in_it(
        begun_with in 0_usize..1200, acts in prop::collection::vec(act(), 1..14), seed: u64
    ) {
        let mut tried = Tried::new();
        let mut dir = tried.case.bench.folder.path().join("0");
        let mut public = 0;
        let mut disk = SimulatedDisk::default();
        let mut log = tried.open(&dir, &disk);
        tried.append(&log, &disk, 1, begun_with);
        // Whether what is public came about while no witness was asked.
        let mut unasked = false;
        for (number, act) in acts.iter().enumerate() {
            let next = tried.case.bench.folder.path().join(format!("{}", number + 1));
            let (mut begun, mut acknowledged) = (None, Vec::new());
            match act {
                Act::Append { callers, each } => {
                    tried.append(&log, &disk, *callers, *each);
                    continue;
                }
                Act::Publish => {
                    public = tried.publish(&log);
                    prop_assert_eq!(public, tried.naive.size());
                    unasked = !tried.asks;
                    continue;
                }
                Act::PublishBelow => {
                    let newest = tried.signed(&log);
                    let refused = log.publish(&tried.case.cosigned(&newest, &[1]).note());
                    prop_assert_eq!(refused.is_err(), tried.asks);
                    // With nobody asked everything was public before.
                    public = if tried.asks { public } else { newest.size };
                    prop_assert_eq!(log.published().size, public);
                    continue;
                }
                Act::Prune { newest, until, publish_first } => {
                    if *publish_first {
                        public = tried.publish(&log);
                        unasked = !tried.asks;
                    }
                    let Some(said) = tried.say(&log, &dir, *newest) else { continue };
                    if !matches!(until, Until::Said) {
                        public = tried.publish(&log);
                        unasked = !tried.asks;
                    }
                    if let Until::Ended { by, after } = until {
                        disk.cut_at(disk.operations() + after);
                        log.remove(said).unwrap();
                        begun = Some(said);
                        if !disk.has_lost_power() {
                            tried.naive.remove(said);
                        }
                        drop(log);
                        by.leave(&disk, &dir, &next, seed ^ number as u64);
                        dir = next;
                    } else {
                        if let Until::Done = until {
                            tried.remove(&log, &dir, said);
                        }
                        tried.check(&log, &dir);
                        continue;
                    }
                }
                Act::Close => tried.case.bench.close(log),
                Act::Drop => drop(log),
                Act::Rotate => {
                    tried.case.bench.close(log);
                    tried.key = 1 - tried.key;
                }
                Act::ChangePolicy => {
                    tried.case.bench.close(log);
                    tried.asks = !tried.asks;
                }
                Act::Seal { publish_first } => {
                    let opened = tried.seal(log, &dir, &disk, *publish_first);
                    dir = tried.case.bench.folder.path().join(format!("sealed-{number}"));
                    disk = SimulatedDisk::default();
                    log = tried.open(&dir, &disk);
                    tried.case.bench.append(&log, opened.clone());
                    tried.naive.push(opened.into());
                    (public, unasked) = (0, !tried.asks);
                    continue;
                }
                Act::End { by, after, publish_first } => {
                    disk.cut_at(disk.operations() + after);
                    if *publish_first {
                        let size = tried.publish(&log);
                        public = if disk.has_lost_power() { public } else { size };
                    }
                    (acknowledged, _) = append_from(&tried.case.bench, &log, &disk, 2, 5, &mut tried.serial);
                    let size = tried.publish(&log);
                    public = if disk.has_lost_power() { public } else { size };
                    drop(log);
                    by.leave(&disk, &dir, &next, seed ^ number as u64);
                    dir = next;
                }
            }
            disk = SimulatedDisk::holding(&dir);
            log = tried.open(&dir, &disk);
            unasked |= !tried.asks;
            // What was under way when the log ended may be there too.
            tried.naive.catch_up(&log);
            for (index, entry) in acknowledged {
                prop_assert_eq!(tried.naive.entry(index), &entry);
            }
            tried.naive.found(&dir, begun);
            tried.check(&log, &dir);
            let published = log.published();
            prop_assert!(published.size >= public, "{} was public, and {} is", public, published.size);
            prop_assert!(published.size == 0 || unasked || tried.policy.is_met(&published.cosignatures));
            prop_assert!(tried.asks || published.size == log.signed().size);
            public = published.size;
        }
        tried.publish(&log);
        tried.check(&log, &dir);
        log.finish_removal().unwrap();
        tried.naive.check_gone(&dir);
        tried.case.bench.close(log);
        tried.naive.check_verified(&dir, &tried.verifiers());
        let report = verify(&dir, &tried.verifiers(), |_| {}).unwrap();
        prop_assert_eq!(report.size, tried.naive.size());
    }
}
