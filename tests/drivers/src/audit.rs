//! An audit log as an auditor gets it: keys, checkpoint, proofs, and the folder with its tiles and entry bundles.
//!
//! What is promised: nothing is believed that the log's key did not sign; a proof proves the entry at its index and no
//! other; a folder verifies only where it holds the entries that were appended, but for those that the log says were removed
//! (`pruned`); no path leads out of it; a private key is not repeated in an error.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use dialog_audit::{
    Log, LogConfig, Proof, PublicFile, Reader, SignedCheckpoint, SigningKey, VerifierKeys,
    limits::{MAX_CHECKPOINT_BYTES, MAX_PROOF_HASHES, MAX_TREE_SIZE, MAX_VERIFIER_KEYS, MIN_SEGMENT_BYTES},
    verify,
};
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};
use tlog_tiles::{Hash, node_hash, record_hash};

use crate::{
    input::{Input, repeats},
    pruned, seal,
};

/// Number of the log's key.
const LOG: u8 = 2;

/// The log's name.
const ORIGIN: &str = "fuzz.example/log";

/// Entries of the folder: a full tile, and a partial one.
const ENTRIES: u64 = 300;

pub(crate) static KEYS: LazyLock<VerifierKeys> =
    LazyLock::new(|| VerifierKeys::parse(&verifier_key()).expect("the drivers' key is one"));

/// One input.
pub fn drive(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 8 {
        0 => keys(&String::from_utf8_lossy(input.rest())),
        1 => checkpoint(input.rest()),
        2 => signed(input.rest()),
        3 => proof(&String::from_utf8_lossy(input.rest())),
        4 => tree(input),
        5 => path(&String::from_utf8_lossy(input.rest())),
        6 => folder(input),
        _ => pruned::folder(input),
    }
}

/// Type and public key, by which signed notes name a key.
fn typed() -> Vec<u8> {
    [&[1], seal::key(LOG).verifying_key().as_bytes().as_slice()].concat()
}

fn id() -> [u8; 4] {
    let digest = Sha256::new().chain_update(ORIGIN).chain_update(b"\n").chain_update(typed()).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

fn hex(bytes: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(bytes))
}

/// The log's key for who verifies.
pub(crate) fn verifier_key() -> String {
    format!("{ORIGIN}+{}+{}", hex(id()), STANDARD.encode(typed()))
}

/// The log's key for who signs.
pub(crate) fn private_key() -> String {
    let typed = [&[1], seal::key(LOG).to_bytes().as_slice()].concat();
    format!("PRIVATE+KEY+{ORIGIN}+{}+{}", hex(id()), STANDARD.encode(typed))
}

/// A note as the standard has it (C2SP signed-note), signed by the log's key without its code.
pub(crate) fn note(text: &[u8]) -> Vec<u8> {
    let signature = seal::key(LOG).sign(text).to_bytes();
    let line = format!("\n\u{2014} {ORIGIN} {}\n", STANDARD.encode([id().as_slice(), &signature].concat()));
    [text, line.as_bytes()].concat()
}

/// The text of a checkpoint.
pub(crate) fn text(size: u64, root: Hash) -> String {
    format!("{ORIGIN}\n{size}\n{root}\n")
}

/// Keys as they stand in files.
fn keys(text: &str) {
    if let Ok(keys) = VerifierKeys::parse(text) {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let lines: Vec<&str> = lines.collect();
        assert!((1..=MAX_VERIFIER_KEYS).contains(&lines.len()));
        for (name, line) in keys.names().zip(&lines) {
            assert!(!name.is_empty() && !name.contains('+') && !name.contains(char::is_whitespace), "{name:?}");
            assert!(line.starts_with(&format!("{name}+")), "{name:?} is not the line's");
        }
        assert_eq!(keys.names().count(), lines.len());
    }
    match SigningKey::parse(text) {
        Ok(key) => {
            let keys = VerifierKeys::parse(&key.verifier_key()).expect("a private key has a public half");
            assert_eq!(keys.names().collect::<Vec<_>>(), [key.name()]);
            let secret = text.trim().splitn(5, '+').nth(4).unwrap_or_default();
            assert!(!repeats(&format!("{key:?}"), secret), "a private key prints itself");
        }
        Err(error) => {
            let shown = format!("{error} {error:?}").replace("PRIVATE+KEY+name+id+key", "");
            assert!(!repeats(&shown, text), "{shown}");
        }
    }
}

/// A note as it comes: nobody but the log's key makes one that is believed, and the fuzzer is given one.
fn checkpoint(bytes: &[u8]) {
    let believed = SignedCheckpoint::verify(bytes, &KEYS);
    let read = SignedCheckpoint::unverified(bytes);
    if let Ok(read) = &read {
        assert!(bytes.len() <= MAX_CHECKPOINT_BYTES && read.size <= MAX_TREE_SIZE && read.note.as_bytes() == bytes);
    }
    if let Ok(believed) = believed {
        let read = read.expect("what is believed can be read");
        assert_eq!((&believed.origin, believed.size), (&read.origin, read.size));
        assert!(believed.root == read.root && believed.note == read.note);
        let only = given();
        assert!(believed.size == only.0 && believed.root == only.1, "the log never signed this");
    }
}

/// Size and root of the checkpoint that the fuzzer is given.
pub(crate) fn given() -> (u64, Hash) {
    (3, root(&[record_hash(b"a"), record_hash(b"b"), record_hash(b"c")]))
}

/// A text of the input's under the log's own signature: what is read in it is what stands there.
fn signed(text: &[u8]) {
    let note = note(text);
    let Ok(checkpoint) = SignedCheckpoint::verify(&note, &KEYS) else { return };
    let text = std::str::from_utf8(text).expect("a note is text");
    // An inner signature of the text's own would begin after the last empty line.
    let mut lines = text.split('\n');
    assert_eq!((lines.next(), checkpoint.origin.as_str()), (Some(ORIGIN), ORIGIN), "under another name");
    let (size, root) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    assert_eq!(size, checkpoint.size.to_string(), "a number with two spellings");
    assert!(checkpoint.size <= MAX_TREE_SIZE);
    assert_eq!(STANDARD.decode(root).ok().as_deref(), Some(checkpoint.root.0.as_slice()));
}

/// A proof as it comes.
fn proof(text: &str) {
    let Ok(proof) = Proof::parse(text) else { return };
    assert!(proof.hashes.len() <= MAX_PROOF_HASHES);
    let again = Proof::parse(&proof.to_string()).expect("what was read can be read again");
    assert_eq!(again, proof);
    if let Ok(proven) = proof.verify(None, &KEYS) {
        let entries: [&[u8]; 3] = [b"a", b"b", b"c"];
        let at = usize::try_from(proven.index).expect("an index of three");
        assert_eq!(Some(&proven.entry.as_slice()), entries.get(at), "the log never held this");
    }
}

/// The tree hash straight from its definition (RFC 6962, 2.1).
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => tlog_tiles::EMPTY_HASH,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(root(left), root(right))
        }
    }
}

/// The way from a leaf to the root (RFC 6962, 2.1.1).
fn way(leaves: &[Hash], at: usize) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    let (mut below, beside) =
        if at < half { (way(left, at), root(right)) } else { (way(right, at - half), root(left)) };
    below.push(beside);
    below
}

/// A proof for the three entries of [`given`], as the log makes it.
pub(crate) fn given_proof() -> String {
    let leaves = [record_hash(b"a"), record_hash(b"b"), record_hash(b"c")];
    let (size, root) = given();
    let checkpoint = String::from_utf8(note(text(size, root).as_bytes())).expect("a note is text");
    Proof { extra: Some(b"b".to_vec()), index: 1, hashes: way(&leaves, 1), checkpoint }.to_string()
}

/// A tree of the input's, and a proof in it that is right; then one that is not.
fn tree(mut input: Input<'_>) {
    let size = 1 + input.below(40);
    let at = input.below(size);
    let (where_, change, to) = (input.byte(), input.below(40), input.byte());
    let entries: Vec<&[u8]> = (0..size).map(|_| input.line()).collect();
    let leaves: Vec<Hash> = entries.iter().map(|entry| record_hash(entry)).collect();
    let checkpoint = note(text(size as u64, root(&leaves)).as_bytes());
    let checkpoint = String::from_utf8(checkpoint).expect("a note is text");
    let right = Proof { extra: None, index: at as u64, hashes: way(&leaves, at), checkpoint };
    let read = Proof::parse(&right.to_string()).expect("a proof that was written is read");
    assert_eq!(read, right);
    let proven = read.verify(Some(entries[at]), &KEYS).expect("a right proof proves");
    assert_eq!((proven.index, proven.entry.as_slice()), (at as u64, entries[at]));

    let (mut wrong, mut entry) = (right.clone(), entries[at].to_vec());
    match where_ % 5 {
        0 => wrong.index = u64::from(to),
        1 => entry.push(to),
        2 => wrong.hashes.insert(change.min(wrong.hashes.len()), record_hash(&[to])),
        3 if !wrong.hashes.is_empty() => {
            let hash = change % wrong.hashes.len();
            wrong.hashes[hash].0[change % 32] ^= to;
        }
        4 if !wrong.hashes.is_empty() => {
            wrong.hashes.remove(change % wrong.hashes.len());
        }
        _ => return,
    }
    if wrong == right && entry == entries[at] {
        return;
    }
    if let Ok(proven) = wrong.verify(Some(&entry), &KEYS) {
        // Equal entries stand in for each other only at an index whose way is the same, and then it is true.
        let index = usize::try_from(proven.index).expect("an index below the size");
        assert_eq!(entries.get(index), Some(&entry.as_slice()), "the log does not hold this there");
    }
}

/// What is public in a log's folder.
fn path(text: &str) {
    if PublicFile::of(text).is_some() {
        assert!(["checkpoint", "removed"].contains(&text) || text.starts_with("tile/"));
        for part in text.split('/') {
            assert!(!part.is_empty() && !part.starts_with('.'), "{text:?} leads out of the folder");
            assert!(part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'), "{text:?}");
        }
    }
}

/// A log's folder on the disk, as it should be.
struct Whole {
    folder: tempfile::TempDir,
    files: Vec<(PathBuf, Vec<u8>)>,
    root: String,
}

static WHOLE: LazyLock<Mutex<Whole>> = LazyLock::new(|| Mutex::new(whole()));

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn whole() -> Whole {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let key = SigningKey::parse(&private_key()).expect("the drivers' key is one");
    let mut config = LogConfig::new(folder.path().join("log"), key);
    config.sizes.segment_bytes = MIN_SEGMENT_BYTES;
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let log = Log::open(config).expect("a new log opens");
        for index in 0..ENTRIES {
            log.append(entry(index)).await.expect("an entry is appended");
        }
        log.close().await.expect("the log closes");
    });
    let mut files = Vec::new();
    collect(&folder.path().join("log"), &mut files);
    files.sort();
    let report = verify(&folder.path().join("log"), &KEYS, |_| {}).expect("a whole log verifies");
    assert_eq!(report.size, ENTRIES);
    Whole { folder, files, root: report.root }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for item in fs::read_dir(folder).expect("the folder is there") {
        let path = item.expect("it has names").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let bytes = fs::read(&path).expect("the file is there");
            files.push((path, bytes));
        }
    }
}

/// A file of the folder changed, as whoever has the disk can.
fn folder(mut input: Input<'_>) {
    let whole = WHOLE.lock().unwrap_or_else(PoisonError::into_inner);
    let (file, how, at) = (input.below(whole.files.len()), input.byte(), input.number());
    let (path, bytes) = &whole.files[file];
    let at = usize::try_from(at % (bytes.len() as u64 + 1)).expect("it is below a length");
    let mut changed = bytes.clone();
    match how % 4 {
        0 => changed = input.rest().to_vec(),
        1 => changed.truncate(at),
        2 => drop(changed.splice(at..at, input.rest().iter().copied())),
        _ => {
            for (old, new) in changed[at..].iter_mut().zip(input.rest()) {
                *old = *new;
            }
        }
    }
    fs::write(path, &changed).expect("the file can be written");
    let dir = whole.folder.path().join("log");
    if let Ok(report) = verify(&dir, &KEYS, |_| {}) {
        assert_eq!((report.size, &report.root), (ENTRIES, &whole.root), "the log never signed this");
        let reader = Reader::open(&dir, &KEYS).expect("what verifies can be opened");
        for (index, read) in (0..).zip(reader.entries(0..u64::MAX)) {
            assert_eq!(read.expect("what verifies can be read").data, entry(index), "it verifies, and was changed");
        }
        assert_eq!(reader.entries(0..u64::MAX).count() as u64, ENTRIES);
    }
    if let Ok(reader) = Reader::open(&dir, &KEYS) {
        let index = at as u64 % ENTRIES;
        if let Ok(proof) = reader.proof(index) {
            // The entry is as the folder has it: the proof itself says whether the tree commits to it.
            if let Ok(proven) = proof.verify(None, &KEYS) {
                assert_eq!(proven.entry, entry(index), "a proof of what never was");
            }
        }
    }
    fs::write(path, bytes).expect("the file can be written");
}
