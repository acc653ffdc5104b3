//! Signed notes and the checkpoints in them, read strictly: C2SP signed-note and tlog-checkpoint.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// A signature line.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: [u8; 4],
    /// The signature itself.
    pub bytes: Vec<u8>,
}

/// A checkpoint in a signed note.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// What is signed, with its last newline.
    pub text: String,
    /// Which log it is of.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// The tree's root hash.
    pub root: [u8; 32],
    /// Who signed it, known or not.
    pub signatures: Vec<Signature>,
}

impl Checkpoint {
    /// Reads a note; `None` where it is not of the form.
    #[must_use]
    pub fn parse(note: &str) -> Option<Self> {
        if note.chars().any(|letter| letter < ' ' && letter != '\n') {
            return None;
        }
        let (text, signatures) = note.rsplit_once("\n\n")?;
        let text = format!("{text}\n");
        let signatures = signatures.strip_suffix('\n')?.split('\n').map(signature).collect::<Option<Vec<_>>>()?;
        let mut lines = text.split_terminator('\n');
        let (origin, size, root) = (lines.next()?.to_owned(), decimal(lines.next()?)?, hash(lines.next()?)?);
        // Extension lines are anything but empty.
        if origin.is_empty() || lines.any(str::is_empty) {
            return None;
        }
        Some(Self { text, origin, size, root, signatures })
    }
}

fn signature(line: &str) -> Option<Signature> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded).ok()?;
    let (id, bytes) = decoded.split_first_chunk::<4>()?;
    let is_name = !name.is_empty() && !name.contains('+') && !name.chars().any(char::is_whitespace);
    (is_name && !bytes.is_empty()).then(|| Signature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
}

/// A number in its one spelling.
#[must_use]
pub fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A SHA-256 hash in base64.
#[must_use]
pub fn hash(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// The id of a key: of its name, its type and its public half.
#[must_use]
pub fn key_id(name: &str, kind: u8, public: &[u8]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update(b"\n").chain_update([kind]).chain_update(public);
    let digest = digest.finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// A log's key, as the witness's operator enters it: type 1, Ed25519.
#[derive(Debug, Clone)]
pub struct LogKey {
    /// The log's origin.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// The public key.
    pub public: Vec<u8>,
}

impl LogKey {
    /// Reads `name+id+base64`; `None` where it is no such key.
    #[must_use]
    pub fn parse(vkey: &str) -> Option<Self> {
        let (name, rest) = vkey.split_once('+')?;
        let (id, encoded) = rest.split_once('+')?;
        let typed = STANDARD.decode(encoded).ok()?;
        let public = typed.strip_prefix(&[1])?.to_vec();
        let own = key_id(name, 1, &public);
        let said: String = own.iter().map(|byte| format!("{byte:02x}")).collect();
        (said == id && public.len() == 32).then(|| Self { name: name.to_owned(), id: own, public })
    }
}
