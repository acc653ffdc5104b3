//! A removal that is broken off, at each of its stages: the log is whole, says what was removed, and goes on with it.

use std::collections::BTreeSet;

use super::naive::{Naive, WIDTH, retention};
use super::*;
use crate::retention::removable;

/// How a log ends that is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The process is killed: what was done stays.
    Kill,
    /// What was not synced is there or not.
    PowerCut,
}

impl End {
    /// Writes what is left of a log in `from` to `to`, a new folder.
    pub(super) fn leave(self, disk: &SimulatedDisk, from: &Path, to: &Path, seed: u64) {
        std::fs::create_dir(to).unwrap();
        match self {
            Self::Kill => disk.after_kill(from, to),
            Self::PowerCut => disk.after_power_cut(from, to, seed),
        }
    }
}

/// A log of 1,000 entries, and the first three bundles of it said to be removed.
struct Case {
    bench: Bench,
    dir: PathBuf,
    disk: SimulatedDisk,
    log: Log,
    naive: Naive,
    said: Removed,
}

impl Case {
    fn new() -> Self {
        let bench = Bench::new();
        let (dir, disk) = (bench.folder.path().join("before"), SimulatedDisk::default());
        let log = open(&bench, &dir, &disk);
        let mut naive = Naive::of(bench.append_many(&log, 1000).into_iter().map(Vec::from));
        bench.wait_until_published(&log, 1000);
        let to = removable(&log.reader(), second(800)).unwrap();
        assert_eq!(to, 3 * WIDTH);
        let text = retention(to, second(800), second(1000));
        let record = bench.append(&log, text.clone());
        naive.push(text.into());
        bench.wait_until_published(&log, record + 1);
        Self { bench, dir, disk, log, naive, said: Removed { to, record } }
    }

    /// Removes, and ends after so many operations of the disk. Says whether that was before the removal was done.
    fn break_off(mut self, end: End, after: u64, seed: u64) -> (Self, bool) {
        self.disk.cut_at(self.disk.operations() + after);
        // A power cut may have brought partial bundles back.
        assert!(self.log.remove(self.said).unwrap() >= 3);
        let broken_off = self.disk.has_lost_power();
        drop(self.log);
        let left = self.bench.folder.path().join("left");
        end.leave(&self.disk, &self.dir, &left, seed);
        self.disk = SimulatedDisk::holding(&left);
        self.log = open(&self.bench, &left, &self.disk);
        self.dir = left;
        self.naive.found(&self.dir, Some(self.said));
        (self, broken_off)
    }

    fn check(&mut self) {
        self.naive.check(&self.log, &self.dir, &self.bench.keys());
    }

    /// Which of the three bundles are there.
    fn bundles(&self) -> [bool; 3] {
        [0, 1, 2].map(|n| self.naive.is_there(&self.dir, n * WIDTH..(n + 1) * WIDTH))
    }
}

fn open(bench: &Bench, dir: &Path, disk: &SimulatedDisk) -> Log {
    let mut config = bench.config(dir);
    config.disk = Arc::new(disk.clone());
    config.pace.integrate_every = Duration::from_millis(1);
    config.check = OpenCheck::Everything;
    Log::open(config).unwrap()
}

#[test]
fn a_removal_survives_a_kill_and_a_power_cut_at_each_of_its_stages() {
    for end in [End::Kill, End::PowerCut] {
        let mut stages = BTreeSet::new();
        for after in 1..40 {
            let (mut case, broken_off) = Case::new().break_off(end, after, after);
            // As it was left: nothing is damaged, and what is gone is said to be removed.
            case.check();
            let is_written = case.naive.removed().is_some();
            assert!(broken_off || is_written, "once it was done it is said");
            stages.insert((is_written, case.bundles()));
            // What the file says is finished; what it does not say yet is begun again, as the record stands.
            let left = case.bundles().iter().filter(|there| **there).count() as u64;
            let finished = case.log.finish_removal().unwrap();
            if is_written {
                assert!(finished >= left);
            } else {
                assert_eq!((finished, case.bundles()), (0, [true; 3]));
                case.check();
                assert!(case.log.remove(case.said).unwrap() >= 3);
                case.naive.found(&case.dir, Some(case.said));
            }
            case.naive.check_gone(&case.dir);
            case.check();
            case.naive.push(entry(1001).into());
            case.bench.append(&case.log, entry(1001));
            case.bench.close(case.log.clone());
            case.check();
            if !broken_off {
                break;
            }
        }
        let all = [true; 3];
        assert!(stages.contains(&(false, all)) && stages.contains(&(true, all)), "{end:?}: {stages:?}");
        if end == End::Kill {
            // The oldest went first.
            let rest = [[false, true, true], [false, false, true], [false; 3]].map(|there| (true, there));
            assert_eq!(stages, BTreeSet::from_iter([(false, all), (true, all)].into_iter().chain(rest)));
        }
    }
}

#[test]
fn a_removal_is_not_finished_beyond_what_the_log_says() {
    let (case, _) = Case::new().break_off(End::Kill, 40, 0);
    let file = case.dir.join("removed");
    let good = std::fs::read_to_string(&file).unwrap();
    assert_eq!(good, format!("768 {}\n", case.said.record));
    // What was written to last: more than the record says, another record, one that nobody can see, nothing that is said.
    std::fs::write(case.dir.join("tile/entries/000"), "as it was").unwrap();
    case.bench.append_many(&case.log, 200);
    case.bench.wait_until_published(&case.log, 1201);
    for bad in ["1024 1100\n", "768 999\n", "256 1000\n", "512 4000\n", "nothing"] {
        std::fs::write(&file, bad).unwrap();
        let refused = case.log.finish_removal();
        assert!(matches!(&refused, Err(ReadError::Damaged(_) | ReadError::Beyond { .. })), "{bad:?}: {refused:?}");
        assert!(case.dir.join("tile/entries/000").exists() && case.dir.join("tile/entries/003").exists(), "{bad:?}");
    }
    std::fs::write(&file, good).unwrap();
    assert_eq!(case.log.finish_removal().unwrap(), 1);
}
