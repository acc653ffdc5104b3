//! What the witness has signed of each log: one JSON file a log, written and made durable while the log's lock is held,
//! and before the answer leaves.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    note::{Checkpoint, LogKey, decimal, hash},
    proof,
};

/// Most hashes in a submission.
const MOST_HASHES: usize = 63;

/// A submission, as it was read.
#[derive(Debug)]
pub struct Submission {
    /// What the client thinks that the witness knows.
    pub old: u64,
    /// The proof from there.
    pub proof: Vec<[u8; 32]>,
    /// The new checkpoint.
    pub checkpoint: Checkpoint,
}

impl Submission {
    /// Reads the body of a request; `None` where it is not of the form.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (head, note) = std::str::from_utf8(body).ok()?.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old = decimal(lines.next()?.strip_prefix("old ")?)?;
        let proof = lines.map(hash).collect::<Option<Vec<_>>>()?;
        let checkpoint = Checkpoint::parse(note)?;
        (proof.len() <= MOST_HASHES).then_some(Self { old, proof, checkpoint })
    }
}

/// What the witness makes of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 200; the checkpoint is on disk.
    Sign,
    /// 400
    Malformed,
    /// 403
    NotSigned,
    /// 404
    UnknownLog,
    /// 409, with the size that it has signed.
    Conflict(u64),
    /// 422
    Inconsistent,
}

/// What is kept of a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    origin: String,
    size: u64,
    /// In base64.
    root: String,
    /// The log's signatures with ours.
    note: String,
}

/// The witness's memory.
#[derive(Debug)]
pub struct Book {
    folder: PathBuf,
    logs: Vec<LogKey>,
    /// One lock a log.
    locks: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
}

impl Book {
    /// Opens the memory in a folder, which may hold one of before.
    pub fn open(folder: &Path, logs: Vec<LogKey>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), logs, locks: Mutex::default() })
    }

    /// Judges a submission in the order of the specification. Where it is to be signed, `sign` makes the line from the
    /// checkpoint, and both are on disk when this returns.
    pub fn add(
        &self,
        body: &[u8],
        sign: impl FnOnce(&Checkpoint) -> io::Result<String>,
    ) -> io::Result<(Verdict, Option<String>)> {
        let Some(Submission { old, proof, checkpoint }) = Submission::parse(body) else {
            return Ok((Verdict::Malformed, None));
        };
        let keys: Vec<&LogKey> = self.logs.iter().filter(|key| key.name == checkpoint.origin).collect();
        if keys.is_empty() {
            return Ok((Verdict::UnknownLog, None));
        }
        if !is_signed(&checkpoint, &keys) {
            return Ok((Verdict::NotSigned, None));
        }
        if old > checkpoint.size {
            return Ok((Verdict::Malformed, None));
        }
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(checkpoint.origin.clone()).or_default())
        };
        // Compared and written as one: else a smaller tree could overtake a larger one.
        let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.kept(&checkpoint.origin)?;
        let (known, known_root) = match &kept {
            None => (0, proof::empty_root()),
            Some(kept) => (kept.size, hash(&kept.root).ok_or(io::ErrorKind::InvalidData)?),
        };
        if old != known {
            return Ok((Verdict::Conflict(known), None));
        }
        if checkpoint.size == 0 && checkpoint.root != proof::empty_root() {
            return Ok((Verdict::Inconsistent, None));
        }
        if !proof::continues(old, &known_root, checkpoint.size, &checkpoint.root, &proof) {
            return Ok((Verdict::Inconsistent, None));
        }
        let line = sign(&checkpoint)?;
        self.keep(&checkpoint, &line, &keys)?;
        Ok((Verdict::Sign, Some(line)))
    }

    /// The newest checkpoint that was signed of the log with this hash, with the log's signatures and ours.
    pub fn note(&self, origin_hash: &str) -> io::Result<Option<String>> {
        let known = self.logs.iter().find(|key| name_of(&key.name) == origin_hash);
        Ok(known.map(|key| self.kept(&key.name)).transpose()?.flatten().map(|kept| kept.note))
    }

    /// The size of the newest tree that was signed of a log.
    pub fn size(&self, origin: &str) -> io::Result<Option<u64>> {
        Ok(self.kept(origin)?.map(|kept| kept.size))
    }

    /// Forgets everything, as a witness does that is set up anew.
    pub fn forget(&self) -> io::Result<()> {
        for item in fs::read_dir(&self.folder)? {
            fs::remove_file(item?.path())?;
        }
        Ok(())
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.json", name_of(origin)))
    }

    fn kept(&self, origin: &str) -> io::Result<Option<Kept>> {
        match fs::read(self.path(origin)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => serde_json::from_slice(&read?).map(Some).map_err(io::Error::other),
        }
    }

    fn keep(&self, checkpoint: &Checkpoint, line: &str, keys: &[&LogKey]) -> io::Result<()> {
        let mut note = format!("{}\n", checkpoint.text);
        for signature in &checkpoint.signatures {
            if keys.iter().any(|key| key.name == signature.name && key.id == signature.id) {
                let bytes = [signature.id.as_slice(), &signature.bytes].concat();
                note += &format!("\u{2014} {} {}\n", signature.name, STANDARD.encode(bytes));
            }
        }
        note += line;
        let root = STANDARD.encode(checkpoint.root);
        let kept = Kept { origin: checkpoint.origin.clone(), size: checkpoint.size, root, note };
        let path = self.path(&checkpoint.origin);
        let unfinished = path.with_extension("tmp");
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        fs::File::open(&self.folder)?.sync_all()
    }
}

/// Whether a known key signed, and no signature by a known key is wrong.
fn is_signed(checkpoint: &Checkpoint, keys: &[&LogKey]) -> bool {
    let mut signed = false;
    for signature in &checkpoint.signatures {
        let Some(key) = keys.iter().find(|key| key.name == signature.name && key.id == signature.id) else {
            continue;
        };
        let public = UnparsedPublicKey::new(&ED25519, &key.public);
        if public.verify(checkpoint.text.as_bytes(), &signature.bytes).is_err() {
            return false;
        }
        signed = true;
    }
    signed
}

/// What a log's file, and its monitoring endpoint, are called.
fn name_of(origin: &str) -> String {
    Sha256::digest(origin.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
