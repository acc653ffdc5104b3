//! A process that appends from many tasks is killed at a random moment, again and again: while it opens the log, while it
//! appends, and while it mends what the kill before left. What it acknowledged is there, in order; the tree only ever
//! grows, and the checkpoint never goes back.
//!
//! 200 kills; `DIALOG_KILLS` says how many others. The moments come from a seed, which is printed where it fails;
//! `DIALOG_KILLS_SEED` plays them once more, as far as a machine's timing can be.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests fail by panicking, and say figures")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use dialog_audit::{
    Folder, JournalReport, Log, LogConfig, Reader, SignedCheckpoint, SigningKey, Verification, VerifierKeys,
    generate_key, verify,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tlog_tiles::check_tree;

const DIR: &str = "DIALOG_AUDIT_TEST_DIR";
const KEY: &str = "DIALOG_AUDIT_TEST_KEY";
const ROUND: &str = "DIALOG_AUDIT_TEST_ROUND";

/// Longer than a child takes to say anything on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(dir: &Path, key: &str) -> LogConfig {
    let mut config = LogConfig::new(dir, SigningKey::parse(key).unwrap());
    // Segments are used up, tiles written and segments given back many times in a round.
    config.sizes.segment_bytes = 128 * 1024;
    config.pace.integrate_every = Duration::from_millis(3);
    config
}

/// One line in one write, which a pipe takes whole or not at all.
fn say(line: &str) {
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

#[test]
#[ignore = "the process that acknowledged_entries_survive_sigkill starts and kills"]
fn append_until_killed() {
    let dir = std::env::var_os(DIR).unwrap();
    let round = std::env::var(ROUND).unwrap();
    let key = std::env::var(KEY).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        say("opening\n");
        let log = Log::open(config(Path::new(&dir), &key)).unwrap();
        say("opened\n");
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let (log, round) = (log.clone(), round.clone());
                tokio::spawn(async move {
                    for serial in 0_u64.. {
                        let entry = format!("round {round} task {task} serial {serial}");
                        let receipt = log.append(entry.clone()).await.unwrap();
                        say(&format!("ack {} {entry}\n", receipt.index));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// When a child is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after it began to open the log: while it mends it, or just after.
    Opening(Duration),
    /// So long after it had opened it.
    Opened(Duration),
    /// At so many acknowledgements.
    Acknowledged(usize),
}

impl Moment {
    fn any(random: &mut SmallRng) -> Self {
        match random.random_range(0..4) {
            0 => Self::Opening(Duration::from_micros(random.random_range(0..15_000))),
            1 => Self::Acknowledged(random.random_range(1..300)),
            _ => Self::Opened(Duration::from_micros(random.random_range(0..40_000))),
        }
    }
}

/// What is known of the log from outside.
struct Known {
    dir: PathBuf,
    keys: VerifierKeys,
    private: String,
    /// Acknowledged and not looked up yet.
    pending: BTreeMap<u64, String>,
    acknowledged: usize,
    /// The newest checkpoint that was seen.
    newest: Option<SignedCheckpoint>,
    /// Kills that left a last write torn, entries in the journal only, nothing acknowledged.
    torn: usize,
    carried: usize,
    silent: usize,
}

impl Known {
    /// Starts a child and kills it; gives what it said.
    fn round(&mut self, round: usize, moment: Moment) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["append_until_killed", "--exact", "--ignored", "--nocapture"])
            .env(DIR, &self.dir)
            .env(KEY, &self.private)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = lines(&mut child);
        let mut acknowledged = 0;
        let mut kill_at = None;
        loop {
            let wait = kill_at.map_or(PATIENCE, |at: Instant| at.saturating_duration_since(Instant::now()));
            let line = match lines.recv_timeout(wait) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) if kill_at.is_some() => break,
                Err(why) => panic!("round {round}: the child said nothing more: {why}"),
            };
            // Where it runs one test at a time, the harness begins the line with the test's name.
            match (line.rsplit(' ').next().unwrap_or_default(), moment) {
                ("opening", Moment::Opening(after)) | ("opened", Moment::Opened(after)) => {
                    kill_at = Some(Instant::now() + after);
                }
                _ => acknowledged += usize::from(self.take(&line)),
            }
            if matches!(moment, Moment::Acknowledged(count) if acknowledged >= count) {
                break;
            }
        }
        child.kill().unwrap();
        // What it said before it died counts too.
        acknowledged += lines.iter().filter(|line| self.take(line)).count();
        let status = child.wait().unwrap();
        assert!(status.code().is_none(), "round {round}: the child ended by itself: {status}");
        self.acknowledged += acknowledged;
        self.silent += usize::from(acknowledged == 0);
    }

    /// Takes a line, where it is an acknowledgement.
    fn take(&mut self, line: &str) -> bool {
        let Some((index, entry)) = line.strip_prefix("ack ").and_then(|rest| rest.split_once(' ')) else {
            return false;
        };
        let index: u64 = index.parse().unwrap();
        let before = self.newest.as_ref().map_or(0, |checkpoint| checkpoint.size);
        assert!(index >= before, "entry {index} was acknowledged, and {before} were signed before");
        let other = self.pending.insert(index, entry.to_owned());
        assert_eq!(other, None, "entry {index} was acknowledged twice");
        true
    }

    /// Verifies what is there, before anything is mended: all of it, or what is newer than the newest checkpoint.
    fn verify(&mut self, whole: bool) {
        let folder = Folder::new(&self.dir);
        // A child that is killed before the first checkpoint leaves no log.
        if !self.dir.join("checkpoint").exists() {
            assert!(self.newest.is_none() && self.pending.is_empty());
            return;
        }
        let verification = Verification::begin(&folder, &self.keys).unwrap();
        let checkpoint = verification.checkpoint().clone();
        let verification = match &self.newest {
            // That it continues the one before is checked first.
            Some(newest) => verification.after(newest, if whole { 0 } else { newest.size }).unwrap(),
            None => verification,
        };
        let report = verification.run(|_| ControlFlow::Continue(())).unwrap();
        let JournalReport::Read { entries, ref torn } = report.journal else { panic!("{report:?}") };
        self.torn += usize::from(torn.is_some());
        self.carried += usize::from(entries > 0);
        if let Some((last, _)) = self.pending.last_key_value() {
            assert!(*last < report.size + entries, "entry {last} is gone: {report:?}");
        }
        self.newest = Some(checkpoint);
    }

    /// Opens and closes the log in good order, and looks up everything that was acknowledged.
    fn look_up(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let log = Log::open(config(&self.dir, &self.private)).unwrap();
            log.close().await.unwrap();
        });
        let reader = Reader::open(&self.dir, &self.keys).unwrap();
        let checkpoint = reader.checkpoint().clone();
        if let Some((first, _)) = self.pending.first_key_value() {
            for entry in reader.checked_entries(*first..u64::MAX).unwrap() {
                let entry = entry.unwrap();
                if let Some(expected) = self.pending.remove(&entry.index) {
                    assert_eq!(entry.data, expected.as_bytes(), "entry {}", entry.index);
                }
            }
        }
        assert!(self.pending.is_empty(), "acknowledged and not there: {:?}", self.pending);
        if let Some(old) = self.newest.take().filter(|old| old.size > 0) {
            let proof = reader.consistency_proof(old.size).unwrap();
            check_tree(&proof, checkpoint.size, checkpoint.root, old.size, old.root).unwrap();
        }
        self.newest = Some(checkpoint);
    }
}

/// The child's lines as they come. One that the kill cut short is none that anybody got.
fn lines(child: &mut Child) -> Receiver<String> {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while out.read_line(&mut line).is_ok_and(|count| count > 0) {
            if line.ends_with('\n') && sender.send(line.trim_end().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    lines
}

#[test]
fn acknowledged_entries_survive_sigkill() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let rounds = number("DIALOG_KILLS").unwrap_or(200) as usize;
    let seed = number("DIALOG_KILLS_SEED").unwrap_or_else(rand::random);
    println!("DIALOG_KILLS_SEED={seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let folder = tempfile::TempDir::new().unwrap();
    let key = generate_key("example.test/log").unwrap();
    let keys = VerifierKeys::parse(&key.verifier).unwrap();
    let mut known = Known {
        dir: folder.path().join("log"),
        keys,
        private: key.private.to_string(),
        pending: BTreeMap::new(),
        acknowledged: 0,
        newest: None,
        torn: 0,
        carried: 0,
        silent: 0,
    };
    let begun = Instant::now();
    for round in 1..=rounds {
        known.round(round, Moment::any(&mut random));
        known.verify(round % 50 == 0);
        // Mostly the next child mends what this one left, and may be killed at that.
        if random.random_bool(0.2) && known.dir.join("checkpoint").exists() {
            known.look_up();
        }
    }
    known.look_up();
    let size = verify(&known.dir, &known.keys, |_| {}).unwrap().size;
    let Known { acknowledged, torn, carried, silent, .. } = known;
    println!(
        "{rounds} kills in {:.0?}: {acknowledged} entries acknowledged of {size}; {silent} before any was, {carried} left \
         entries in the journal only, {torn} a torn write",
        begun.elapsed()
    );
    assert!(acknowledged as u64 <= size);
    assert!(acknowledged > 10 * rounds && carried > rounds / 10, "the kills hit nothing");
}
