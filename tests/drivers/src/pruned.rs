//! A log's folder from which entries were removed after their time, and whose newest checkpoint is not public yet; in it
//! files are changed, put back and taken away, as whoever has the disk can.
//!
//! What is promised: a folder does not verify where a bundle is missing that no record under its checkpoint covers; what is
//! said to be removed is what such a record says; nobody who reads it is led past anything else; a gateway that starts in
//! it deletes nothing else; and a file is read no further than a file of its kind can be long.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use dialog_audit::{
    KeyKind, Log, LogConfig, OpenCheck, Policy, ReadError, Reader, Removed, SigningKey, disk::UnsyncedDisk,
    generate_key_of, limits::MIN_SEGMENT_BYTES, verify,
};
use tlog_tiles::{Hash, record_hash};

use crate::{
    audit::{KEYS, note, private_key, root, text},
    input::Input,
};

/// Entries of a full bundle.
const WIDTH: u64 = 256;

/// Entries under the public checkpoint: two full bundles, of which the first was removed, and a partial one.
const PUBLIC: u64 = 520;

/// Entries that the log has signed.
const SIGNED: u64 = 560;

/// What records say is removed: the one that was acted on, and one that is not public yet.
const SAID: [Removed; 2] = [Removed { to: 256, record: 515 }, Removed { to: 512, record: 540 }];

/// Names that no file of the folder has, and that mean something in one.
const OTHERS: [&str; 5] =
    ["tile/entries/000", "tile/entries/000.p/7", "tile/entries/003", "tile/0/003", "journal/000000000001"];

/// Longer than any file of a log, and mostly hole.
const HOLE: u64 = 1 << 40;

struct Whole {
    folder: tempfile::TempDir,
    /// What is in it, by name.
    files: BTreeMap<String, Vec<u8>>,
    /// Names to choose from.
    names: Vec<String>,
    /// The bundle that was removed.
    gone: Vec<u8>,
    leaves: Vec<Hash>,
}

static WHOLE: LazyLock<Mutex<Whole>> = LazyLock::new(|| Mutex::new(Whole::new()));

fn entry(index: u64) -> Vec<u8> {
    match SAID.iter().find(|said| said.record == index) {
        Some(Removed { to, .. }) => {
            let time = "2026-01-20T08:00:00Z";
            format!(r#"{{"time":"{time}","kind":"retention","details":{{"to":"{to}"}}}}"#).into_bytes()
        }
        None => format!("entry {index}").into_bytes(),
    }
}

fn config(dir: &Path) -> LogConfig {
    let key = SigningKey::parse(&private_key()).expect("the drivers' key is one");
    let mut config = LogConfig::new(dir, key);
    config.sizes.segment_bytes = MIN_SEGMENT_BYTES;
    config.disk = Arc::new(UnsyncedDisk);
    config
}

impl Whole {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let dir = folder.path().join("log");
        let witness = generate_key_of("witness.example/1", KeyKind::Cosignature).expect("a key is made").verifier;
        let policy = Policy::parse(format!("witness one {witness}\nquorum one\n").as_bytes()).expect("a policy");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let gone = runtime.block_on(async {
            let log = Log::open(config(&dir)).expect("a new log opens");
            for index in 0..PUBLIC {
                log.append(entry(index)).await.expect("an entry is appended");
            }
            let mut published = log.subscribe();
            published.wait_for(|checkpoint| checkpoint.size == PUBLIC).await.expect("everything is published");
            let gone = fs::read(dir.join(name(0))).expect("the bundle is there");
            log.remove(SAID[0]).expect("what the log says is removed");
            log.close().await.expect("the log closes");
            // From here on nothing is public before a witness has signed it, and none does.
            let log = Log::open(LogConfig { policy: Some(Arc::new(policy)), ..config(&dir) }).expect("the log opens");
            for index in PUBLIC..SIGNED {
                log.append(entry(index)).await.expect("an entry is appended");
            }
            log.close().await.expect("the log closes");
            gone
        });
        let mut files = BTreeMap::new();
        collect(&dir, "", &mut files);
        assert!(
            files.contains_key("removed") && files.contains_key("journal/checkpoint") && !files.contains_key(&name(0))
        );
        let report = verify(&dir, &KEYS, |_| {}).expect("a whole log verifies");
        assert_eq!((report.size, report.signed), (PUBLIC, Some(SIGNED)));
        assert_eq!(report.removed.map(|removal| removal.removed()), Some(SAID[0]));
        let names = files.keys().cloned().chain(OTHERS.map(str::to_owned)).collect();
        let leaves = (0..SIGNED).map(|index| record_hash(&entry(index))).collect();
        Self { folder, files, names, gone, leaves }
    }

    /// A checkpoint as the log signed it when it had so many entries.
    fn checkpoint(&self, size: usize) -> Vec<u8> {
        note(text(size as u64, root(&self.leaves[..size])).as_bytes())
    }
}

fn collect(dir: &Path, under: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for item in fs::read_dir(dir.join(under)).expect("the folder is there") {
        let item = item.expect("it has names");
        let name = item.file_name().into_string().expect("names are text");
        let name = if under.is_empty() { name } else { format!("{under}/{name}") };
        if item.path().is_dir() {
            collect(dir, &name, files);
        } else {
            files.insert(name, fs::read(item.path()).expect("the file is there"));
        }
    }
}

/// The name of a full bundle.
fn name(n: u64) -> String {
    format!("tile/entries/{n:03}")
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
    fs::write(path, bytes).expect("the file can be written");
}

/// One input.
pub(crate) fn folder(mut input: Input<'_>) {
    let whole = WHOLE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = whole.folder.path().join("log");
    let (starts, changes) = (input.flag(), 1 + input.byte() % 4);
    let mut touched = BTreeSet::new();
    for _ in 0..changes {
        touched.insert(change(&whole, &dir, &mut input));
    }
    read(&whole, &dir);
    // The copy would be as long as the hole.
    if starts && !touched.iter().any(|name| is_hole(&dir.join(name))) {
        start(&dir);
    }
    for name in touched {
        match whole.files.get(&name) {
            Some(bytes) => write(&dir, &name, bytes),
            None => drop(fs::remove_file(dir.join(name))),
        }
    }
}

fn is_hole(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() == HOLE)
}

/// Changes a file, and says which.
fn change(whole: &Whole, dir: &Path, input: &mut Input<'_>) -> String {
    let how = input.byte() % 11;
    let name = match how {
        5 => name(0),
        6 | 7 => "removed".to_owned(),
        8 => "journal/checkpoint".to_owned(),
        9 => "checkpoint".to_owned(),
        _ => whole.names[usize::from(input.byte()) % whole.names.len()].clone(),
    };
    let path = dir.join(&name);
    let mut bytes = if is_hole(&path) { Vec::new() } else { fs::read(&path).unwrap_or_default() };
    match how {
        0 => bytes = input.line().to_vec(),
        1 => bytes.truncate(input.below(bytes.len() + 1)),
        2 => {
            let at = input.below(bytes.len() + 1);
            bytes.splice(at..at, input.line().iter().copied());
        }
        3 => {
            let at = input.below(bytes.len() + 1);
            for (old, new) in bytes[at..].iter_mut().zip(input.line()) {
                *old = *new;
            }
        }
        4 => {
            // It may be gone, or never have been there.
            drop(fs::remove_file(&path));
            return name;
        }
        5 => bytes.clone_from(&whole.gone),
        6 => {
            let length = usize::from(input.byte());
            bytes = input.take(length).to_vec();
        }
        7 => bytes = format!("{} {}\n", WIDTH * u64::from(input.byte() % 5), input.below(600)).into_bytes(),
        8 | 9 => bytes = whole.checkpoint(input.below(whole.leaves.len() + 1)),
        // A segment is read whole, up to its own length.
        _ if name.starts_with("journal/0") => bytes = input.line().to_vec(),
        _ => {
            write(dir, &name, &bytes);
            let file = fs::File::options().write(true).open(&path).expect("the file is there");
            file.set_len(HOLE).expect("a file may have a hole");
            return name;
        }
    }
    write(dir, &name, &bytes);
    name
}

/// What the records under a checkpoint of `size` entries say.
fn said(size: u64) -> impl Iterator<Item = Removed> {
    SAID.into_iter().filter(move |said| said.record < size)
}

/// The first entry that must be there in a tree of `size`.
fn first(size: u64) -> u64 {
    said(size).map(|said| said.to).max().unwrap_or(0)
}

/// The folder is verified and read as an auditor would.
fn read(whole: &Whole, dir: &Path) {
    let report = verify(dir, &KEYS, |_| {});
    if let Ok(report) = &report {
        let is_there = |n: u64| {
            let width = (report.size - n * WIDTH).min(WIDTH);
            dir.join(name(n)).exists() || dir.join(format!("{}.p/{width}", name(n))).exists()
        };
        let missing: Vec<u64> = (0..report.size.div_ceil(WIDTH)).filter(|n| !is_there(*n)).collect();
        let covered = first(report.size) / WIDTH;
        assert!(missing.iter().all(|n| *n < covered), "in order, and nobody says why {missing:?} are missing");
        assert_eq!(report.removed.is_some(), !missing.is_empty(), "what is missing is said, and nothing else");
        if let Some(removal) = &report.removed {
            assert!(said(report.size).any(|said| said == removal.removed()), "the log never said {removal:?}");
            assert!(missing.iter().all(|n| n * WIDTH < removal.to), "{missing:?} are not in {removal:?}");
        }
        let size = usize::try_from(report.size).expect("a size below the signed one");
        assert_eq!(report.root, root(&whole.leaves[..size]).to_string(), "the log never signed this");
    }
    let Ok(reader) = Reader::open(dir, &KEYS) else { return };
    let size = reader.checkpoint().size;
    if let Ok(Some(removal)) = reader.removal() {
        assert!(said(size).any(|said| said == removal.removed()), "the log never said {removal:?}");
    }
    let mut next = 0;
    let mut is_whole = true;
    match reader.checked_entries(0..u64::MAX) {
        Ok(entries) => {
            for read in entries {
                let Ok(found) = read else {
                    is_whole = false;
                    break;
                };
                let is_led_past = found.index != next;
                assert!(
                    !is_led_past || said(size).any(|said| said.to == found.index),
                    "led from {next} to {}",
                    found.index
                );
                assert_eq!(found.data, entry(found.index), "the log does not hold this there");
                next = found.index + 1;
            }
        }
        Err(_) => is_whole = false,
    }
    assert!(!is_whole || next == size, "the end was not read, and nothing was wrong");
    assert!(is_whole || report.is_err(), "it verifies, and cannot be read");
    for index in [0, 255, 256, 515, size.saturating_sub(1)] {
        match reader.proof(index) {
            // The entry is as the folder has it: the proof itself says whether the tree commits to it.
            Ok(proof) => {
                if let Ok(proven) = proof.verify(None, &KEYS) {
                    assert_eq!(proven.entry, entry(index), "a proof of what never was");
                }
            }
            Err(ReadError::Removed { to, .. }) if report.is_ok() => assert!(said(size).any(|said| said.to == to)),
            Err(ReadError::Beyond { .. }) => assert!(index >= size),
            Err(why) => assert!(report.is_err(), "it verifies, and entry {index} cannot be proven: {why}"),
        }
    }
}

/// A gateway starts in a copy of the folder, and finishes what was broken off.
fn start(dir: &Path) {
    let mut before = BTreeMap::new();
    collect(dir, "", &mut before);
    let copy = tempfile::tempdir().expect("there is room for a folder");
    for (name, bytes) in &before {
        write(copy.path(), name, bytes);
    }
    let Ok(log) = Log::open(LogConfig { check: OpenCheck::Everything, ..config(copy.path()) }) else { return };
    let finished = log.finish_removal();
    let size = log.published().size;
    let first = first(size);
    for n in 0..SIGNED.div_ceil(WIDTH) {
        let Some(was) = before.get(&name(n)) else {
            // Opened with all that it should hold, it lacks only what was said.
            assert!(n >= size / WIDTH || n < first / WIDTH, "bundle {n} is missing, and the log was opened");
            continue;
        };
        match fs::read(copy.path().join(name(n))) {
            Ok(is) => assert_eq!(&is, was),
            Err(why) => assert!((n + 1) * WIDTH <= first && finished.is_ok(), "bundle {n} was deleted: {why}"),
        }
    }
}

/// Inputs to begin with.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let one = |start: u8, change: &[u8]| [&[start, 0], change].concat();
    let two = |start: u8, changes: [&[u8]; 2]| [&[start, 1], changes.concat().as_slice()].concat();
    let number = |how: u8, number: u16| [&[how], number.to_be_bytes().as_slice()].concat();
    let removed = |to: u8, record: u16| [&[7, to], record.to_be_bytes().as_slice()].concat();
    // The names, in their order: two checkpoints, the lock, `removed`, eight tiles, and the five others.
    let mut seeds = Vec::new();
    for file in 0..17 {
        seeds.push(one(1, &[1, file, 0, 40]));
        seeds.push(one(1, &[&[3, file, 0, 40], b"\0\x07entry 9\n".as_slice()].concat()));
        seeds.push(one(1, &[4, file]));
        seeds.push(one(0, &[10, file]));
    }
    seeds.push(two(0, [&[10, 3], &removed(1, 515)]));
    seeds.push(two(0, [&[10, 0], &[2, 0, 0, 0, 10]]));
    for (to, record) in [(1, 515), (2, 515), (2, 540), (1, 514), (0, 515), (4, 599), (1, 255)] {
        seeds.push(one(1, &removed(to, record)));
        seeds.push(two(1, [&[5], &removed(to, record)]));
    }
    for size in [0, 256, 512, 515, 516, 519, 520, 521, 540, 541, 560] {
        seeds.push(one(1, &number(8, size)));
        seeds.push(one(1, &number(9, size)));
        seeds.push(two(1, [&removed(2, 540), &number(9, size)]));
    }
    // Everything that is said becomes public, and is done.
    for start in 0..2 {
        seeds.push([&[start, 2], removed(2, 540).as_slice(), &number(9, 560), &[4, 9]].concat());
    }
    for said in ["256 515", "256  515\n", "99999999999999999999 1\n", "256 18446744073709551615\n", ""] {
        let length = u8::try_from(said.len()).unwrap_or(u8::MAX);
        seeds.push(one(1, &[&[6, length], said.as_bytes()].concat()));
    }
    seeds
}
