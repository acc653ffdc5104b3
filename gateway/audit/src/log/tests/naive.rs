//! What a log must hold, kept beside it in the simplest way: a list of entries, and before which of them nothing has to
//! be there any more. A log is held against it after whatever was done to it.

use std::ops::Range;

use tlog_tiles::prove_record;

use super::*;
use crate::layout::{ENTRIES, Tile};
use crate::reader::Entry;
use crate::records::Record;
use crate::retention::Removal;
use crate::tiles::{Nodes, TileTree};
use crate::tree::TILE_WIDTH;

pub(super) const WIDTH: u64 = TILE_WIDTH as u64;

#[derive(Default)]
pub(super) struct Naive {
    entries: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
    /// What the log has removed, and will not take back.
    removed: Option<Removed>,
    /// Proofs that were given while their entries were there.
    receipts: Vec<Proof>,
}

impl Naive {
    pub(super) fn of(entries: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut naive = Self::default();
        entries.into_iter().for_each(|entry| naive.push(entry));
        naive
    }

    pub(super) fn push(&mut self, entry: Vec<u8>) {
        self.leaves.push(record_hash(&entry));
        self.entries.push(entry);
    }

    pub(super) fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn root(&self, size: u64) -> Hash {
        naive_root(&self.leaves[..size as usize])
    }

    /// The first entry that has to be there.
    pub(super) fn first(&self) -> u64 {
        self.removed.map_or(0, |removed| removed.to)
    }

    pub(super) fn removed(&self) -> Option<Removed> {
        self.removed
    }

    pub(super) fn remove(&mut self, removed: Removed) {
        self.removed = Some(removed);
    }

    /// The first entry that has to stay in a tree of `size`, by the letter of the rule.
    pub(super) fn removable(&self, size: u64, before: Timestamp) -> u64 {
        let is_old = |entry: &&Vec<u8>| Record::read(entry).unwrap().time().unwrap() < before;
        let old = self.entries[self.first() as usize..size as usize].iter().take_while(is_old).count() as u64;
        // Whole bundles, and never the one that the log ends with.
        let bundles = ((self.first() + old) / WIDTH).min(size.saturating_sub(1) / WIDTH);
        bundles * WIDTH
    }

    pub(super) fn entry(&self, index: u64) -> &[u8] {
        &self.entries[index as usize]
    }

    /// Takes over what a log holds beyond what is known of it: what was under way when it ended.
    pub(super) fn catch_up(&mut self, log: &Log) {
        let signed = log.signed();
        for entry in log.reader_at(&signed).entries(self.size()..signed.size) {
            self.push(entry.unwrap().data);
        }
        assert_eq!(self.size(), signed.size, "what was acknowledged is gone");
    }

    /// A folder names the removal that was made last, or the one that was begun after it: then that one holds.
    pub(super) fn found(&mut self, dir: &Path, begun: Option<Removed>) {
        let found = Removed::read(&Folder::new(dir)).unwrap();
        assert!(found == self.removed || found == begun, "{found:?} for {:?}, {begun:?}", self.removed);
        self.removed = found;
    }

    /// Holds a log that is open in a folder against what it must hold. It has signed everything that is in it.
    pub(super) fn check(&mut self, log: &Log, dir: &Path, keys: &VerifierKeys) {
        let public = log.reader();
        self.check_reader(&public, dir, keys);
        self.check_reader(&log.reader_at(&log.signed()), dir, keys);
        self.check_verified(dir, keys);
        let size = public.checkpoint().size;
        for index in [self.first(), (self.first() + size) / 2, size.saturating_sub(1)] {
            if (self.first()..size).contains(&index) {
                self.receipts.push(public.proof(index).unwrap());
            }
        }
    }

    /// The folder verifies, and what is said of it is what was removed.
    pub(super) fn check_verified(&self, dir: &Path, keys: &VerifierKeys) {
        let report = verify(dir, keys, |_| {}).unwrap();
        assert_eq!(report.root, self.root(report.size).to_string());
        let is_missing = !self.is_there(dir, 0..self.first());
        let said = report.removed.as_ref().map(Removal::removed);
        assert_eq!(said, self.removed.filter(|_| is_missing), "what was removed is said, and nothing else");
    }

    /// Nothing is left of what was removed.
    pub(super) fn check_gone(&self, dir: &Path) {
        if self.removed.is_some() {
            let left = files(dir, ENTRIES).into_iter().filter(|file| Tile::parse(file).unwrap().start() < self.first());
            assert_eq!(left.collect::<Vec<_>>(), [""; 0]);
        }
    }

    /// Whether all bundles of a range are in a folder.
    pub(super) fn is_there(&self, dir: &Path, range: Range<u64>) -> bool {
        let mut bundles = range.start / WIDTH..range.end / WIDTH;
        bundles.all(|n| dir.join(Tile::entries(n, TILE_WIDTH).to_string()).exists())
    }

    fn check_reader(&self, reader: &Reader, dir: &Path, keys: &VerifierKeys) {
        let SignedCheckpoint { size, root, .. } = *reader.checkpoint();
        assert!(root == self.root(size), "the tree of {size} is another");
        assert_eq!(reader.removal().unwrap().map(|removal| removal.removed()), self.removed);

        let mut read = vec![false; size as usize];
        for entry in reader.checked_entries(0..u64::MAX).unwrap() {
            let Entry { index, data } = entry.unwrap();
            assert!(data == self.entries[index as usize], "entry {index} is another");
            read[index as usize] = true;
        }
        let gone = (self.first()..size).find(|index| !read[*index as usize]);
        assert_eq!(gone, None, "it was not removed, and cannot be read");

        // The ends of every bundle, and something between.
        for index in (0..self.first()).filter(|index| [0, 100, 255].contains(&(index % WIDTH))) {
            let kept = self.is_there(dir, index / WIDTH * WIDTH..(index / WIDTH + 1) * WIDTH);
            match reader.proof(index) {
                Ok(proof) if kept => {
                    assert!(proof.verify(None, keys).unwrap().entry == self.entries[index as usize]);
                }
                Err(ReadError::Removed { index: of, to }) if !kept => assert_eq!((of, to), (index, self.first())),
                other => panic!("entry {index}, kept: {kept}: {other:?}"),
            }
            assert_eq!(reader.entries(0..u64::MAX).get(index).is_some(), kept);
            // Whoever has the entry can have it proven all the same.
            let proof = Proof { extra: None, ..prove(reader, index) };
            proof.verify(Some(&self.entries[index as usize]), keys).unwrap();
            assert!(proof.verify(Some(b"another"), keys).is_err());
        }
        self.check_receipts(reader, keys);
    }

    /// What was given out proves what it proved, in a tree that today's continues.
    fn check_receipts(&self, reader: &Reader, keys: &VerifierKeys) {
        let SignedCheckpoint { size, root, .. } = *reader.checkpoint();
        for receipt in &self.receipts {
            let proven = receipt.verify(None, keys).unwrap();
            assert!(proven.entry == self.entries[proven.index as usize]);
            let old = proven.checkpoint;
            let consistent = reader.consistency_proof(old.size).unwrap();
            check_tree(&consistent, size, root, old.size, old.root).unwrap();
        }
    }
}

/// A proof for an entry from the tree's hashes alone.
fn prove(reader: &Reader, index: u64) -> Proof {
    let checkpoint = reader.checkpoint();
    let nodes = Nodes::new(TileTree::open(reader.source(), checkpoint).unwrap());
    let hashes = prove_record(checkpoint.size, index, &nodes).unwrap();
    Proof { extra: None, index, hashes, checkpoint: checkpoint.note.clone() }
}

/// A record that what is before an entry is going to be removed.
pub(super) fn retention(to: u64, before: Timestamp, now: Timestamp) -> String {
    let details = serde_json::json!({ "to": to.to_string(), "before": before.to_string() });
    serde_json::json!({ "time": now, "kind": "retention", "details": details }).to_string()
}
