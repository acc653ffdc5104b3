//! One flipped bit, anywhere in the folder of a log that was closed or killed: verification names the file and, where
//! there is one, the entry; and a log that does not verify is not extended.
//!
//! What a flip may do unseen, and why: in the name or id of a witness's line it makes the line a stranger's, which
//! signed-note says to pass over (the policy then misses a signature, and that is seen); in the part of a segment that
//! was never written it looks like a last write that was torn (it is reported as one), or is passed over where the log
//! went on in the next segment: nothing was promised there.
//! Opening does not read partial tiles of trees that are neither the public one nor the newest: nothing is built on them.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::publishing::Witnessed;
use super::*;
use crate::bundle;
use crate::layout::{Kind, Tile};

/// Files up to this length have every byte flipped, one after the other.
const WHOLE: usize = 4096;

/// How many places are tried in a longer file, and how many in what is unwritten of a segment.
const PLACES: usize = 150;

/// A folder as it was left, in memory.
struct Left {
    case: Witnessed,
    dir: PathBuf,
    _folder: TempDir,
    files: BTreeMap<String, Vec<u8>>,
}

fn read_all(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    files(dir, "").into_iter().map(|name| (name.clone(), std::fs::read(dir.join(&name)).unwrap())).collect()
}

impl Left {
    /// 300 entries public, 320 signed; where the log was killed, 50 more in the journal, in two segments.
    fn new(killed: bool) -> Self {
        let case = Witnessed::new();
        let log = case.open("both");
        case.append(&log, 290);
        let public = case.append(&log, 10);
        log.publish(&case.cosigned(&public, &[0, 1]).note()).unwrap();
        case.append(&log, 20);
        case.bench.close(log);
        let folder = TempDir::new().unwrap();
        let dir = folder.path().join("log");
        if killed {
            let mut config = case.config(&case.bench.dir(), "both");
            config.pace.integrate_every = NEVER;
            let log = Log::open(config).unwrap();
            case.bench.append_many(&log, 30);
            // More than is left of the first segment.
            case.bench.append(&log, vec![b'x'; 65_000]);
            case.bench.append(&log, vec![b'y'; 65_000]);
            case.bench.append_many(&log, 18);
            copy(&case.bench.dir(), &dir);
            assert!(segments(&dir).len() >= 2);
        } else {
            copy(&case.bench.dir(), &dir);
        }
        let files = read_all(&dir);
        let left = Self { case, dir, _folder: folder, files };
        let report = verify(&left.dir, &left.keys(), |_| {}).unwrap();
        let entries = if killed { 50 } else { 0 };
        assert_eq!((report.size, report.signed), (300, Some(320)));
        assert_eq!(report.journal, JournalReport::Read { entries, torn: None });
        left
    }

    /// The log's key and the witnesses'.
    fn keys(&self) -> VerifierKeys {
        let witnesses = self.case.witnesses.each_ref().map(SigningKey::verifier_key);
        VerifierKeys::parse(&format!("{}\n{}\n", self.case.bench.key.verifier, witnesses.join("\n"))).unwrap()
    }

    /// Where a segment's last group ends.
    fn used(name: &str, content: &[u8]) -> usize {
        if !is_segment(Path::new(name)) {
            return content.len();
        }
        content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    }

    /// Whether groups stand in a later segment.
    fn is_followed(&self, name: &str) -> bool {
        let later = self.files.iter().filter(|(other, _)| is_segment(Path::new(other)) && other.as_str() > name);
        later.into_iter().any(|(other, content)| Self::used(other, content) > 512)
    }

    /// The places to flip in a file: all, or some at random and the first and last ones.
    fn places(name: &str, content: &[u8], random: &mut SmallRng) -> Vec<usize> {
        if content.len() <= WHOLE {
            return (0..content.len()).collect();
        }
        let used = Self::used(name, content);
        let mut places = vec![0, 1, used - 2, used - 1];
        places.extend((0..PLACES).map(|_| random.random_range(0..used)));
        if used < content.len() {
            places.push(content.len() - 1);
            places.extend((0..PLACES / 4).map(|_| random.random_range(used..content.len())));
        }
        places
    }

    /// The entry that a byte of a tile is of.
    fn entry_at(tile: Tile, content: &[u8], at: usize) -> u64 {
        match tile.kind {
            Kind::Hashes(level) => tile.start() + (((at / 32) as u64) << (8 * u32::from(level))),
            Kind::Entries => {
                let mut rest = content;
                let before = (0_u64..).take_while(|_| {
                    rest = bundle::split(rest).unwrap().1;
                    content.len() - rest.len() <= at
                });
                tile.start() + before.count() as u64
            }
        }
    }

    /// Whether the byte is in the name or the id of a witness's line.
    fn makes_a_stranger(&self, name: &str, content: &[u8], at: usize) -> bool {
        let text = String::from_utf8_lossy(content);
        let mut begin = 0;
        let witness = |line: &str| line.starts_with("\u{2014} w.test");
        name == "checkpoint"
            && text.split_inclusive('\n').any(|line| {
                // Four bytes of id are the first six letters of its Base64.
                let id = line.rfind(' ').map_or(0, |space| space + 7);
                let within = witness(line) && (begin..begin + id).contains(&at);
                begin += line.len();
                within
            })
    }
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_file_and_entry_are_named() {
    for killed in [false, true] {
        let left = Left::new(killed);
        let (keys, policy) = (left.keys(), left.case.policy("both"));
        let mut random = SmallRng::seed_from_u64(u64::from(killed));
        let (mut flips, mut torn, mut strangers) = (0, 0, 0);
        for (name, good) in left.files.iter().filter(|(name, _)| *name != "journal/lock") {
            let path = left.dir.join(name);
            for at in Left::places(name, good, &mut random) {
                let mut bad = good.clone();
                bad[at] ^= 1 << random.random_range(0..8_u32);
                std::fs::write(&path, &bad).unwrap();
                flips += 1;
                let what = format!("{name}, byte {at}, killed: {killed}");
                match verify(&left.dir, &keys, |_| {}) {
                    Err(VerifyError::Checkpoint(_)) => assert_eq!(name, "checkpoint", "{what}"),
                    Err(VerifyError::Damaged(damage)) => {
                        assert_eq!(&damage.file, name, "{what}: {damage}");
                        match Tile::parse(name) {
                            Some(tile) => {
                                assert_eq!(damage.index, Some(Left::entry_at(tile, good, at)), "{what}: {damage}");
                            }
                            // Damage to a group names its first entry; that to a segment's head or a checkpoint none.
                            None if is_segment(Path::new(name)) && at >= 512 => {
                                assert!(damage.index.is_some_and(|index| (320..=370).contains(&index)), "{what}");
                            }
                            None => assert_eq!(damage.index, None, "{what}"),
                        }
                    }
                    Ok(report) if at >= Left::used(name, good) => match report.journal {
                        JournalReport::Read { torn: Some((file, _)), .. } => {
                            assert_eq!(&file, name, "{what}");
                            torn += 1;
                        }
                        // A segment that another one follows was given up where its groups end, whatever stands there.
                        _ => assert!(left.is_followed(name), "{what}: nothing was found"),
                    },
                    Ok(_) => {
                        assert!(left.makes_a_stranger(name, good, at), "{what}: nothing was found");
                        assert!(policy.verify(&bad).is_err(), "{what}: the policy is met all the same");
                        strangers += 1;
                    }
                    Err(other) => panic!("{what}: {other}"),
                }
            }
            std::fs::write(&path, good).unwrap();
        }
        assert!(flips > 3000 && strangers > 0 && (torn > 0) == killed, "{flips} {strangers} {torn}");
        verify(&left.dir, &keys, |_| {}).unwrap();
    }
}

#[test]
fn a_log_with_a_flipped_bit_is_not_extended_and_nothing_in_it_is_changed() {
    let newest = ["tile/0/001.p/64", "tile/entries/001.p/64", "tile/0/001.p/44", "tile/1/000.p/1"];
    for killed in [false, true] {
        let left = Left::new(killed);
        let mut random = SmallRng::seed_from_u64(7);
        let (mut refused, mut opened) = (0, 0);
        for (name, good) in left.files.iter().filter(|(name, _)| *name != "journal/lock") {
            for _ in 0..6 {
                let at = random.random_range(0..Left::used(name, good));
                let mut bad = good.clone();
                bad[at] ^= 1 << random.random_range(0..8_u32);
                let folder = TempDir::new().unwrap();
                copy(&left.dir, folder.path());
                std::fs::write(folder.path().join(name), &bad).unwrap();
                let before = read_all(folder.path());
                let mut config = left.case.config(folder.path(), "both");
                config.check = OpenCheck::Everything;
                let what = format!("{name}, byte {at}, killed: {killed}");
                match Log::open(config) {
                    Err(OpenError::Checkpoint(_)) => assert_eq!(name, "checkpoint", "{what}"),
                    Err(OpenError::Damaged(damage)) => assert_eq!(&damage.file, name, "{what}: {damage}"),
                    Err(other) => panic!("{what}: {other}"),
                    Ok(log) => {
                        let unread = name.contains(".p/") && !newest.contains(&name.as_str());
                        assert!(unread || left.makes_a_stranger(name, good, at), "{what}: it was opened");
                        drop(log);
                        opened += 1;
                        continue;
                    }
                }
                assert!(read_all(folder.path()) == before, "{what}: something was changed");
                refused += 1;
            }
        }
        assert!(refused >= 36, "{refused} refused, {opened} opened");
        Log::open(left.case.config(&left.dir, "both")).unwrap();
    }
}
