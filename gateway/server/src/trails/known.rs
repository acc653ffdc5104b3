//! A log with its index: its records, found by whom they are about.

use std::path::Path;

use dialog_audit::{
    Entry, ReadError, Reader,
    index::{Index, IndexError, Key},
    seal::Predecessor,
};
use dialog_contract::{audit::Record, ids::RequestId};
use dialog_core::ports::trails::{Beginning, Placed, TrailsError};

/// A log, as far as its index knows it. All calls read files and block.
pub(super) struct Known {
    pub(super) reader: Reader,
    index: Index,
}

impl Known {
    /// Takes what there is of the index in a folder, and makes what is missing.
    pub(super) fn open(folder: &Path, reader: Reader) -> Result<Self, IndexError> {
        let mut index = Index::open(folder, &reader)?;
        if let Some(removal) = reader.removal()? {
            index.forget(removal.to)?;
        }
        let missing = index.missing();
        if missing > 0 {
            let origin = &reader.checkpoint().origin;
            tracing::info!(segments = missing, origin, "the audit log is being indexed");
        }
        index.follow(&reader)?;
        Ok(Self { reader, index })
    }

    /// Goes on to a later checkpoint of the same log.
    pub(super) fn follow(&mut self, reader: Reader) -> Result<(), IndexError> {
        self.index.follow(&reader)?;
        self.reader = reader;
        Ok(())
    }

    /// Forgets what was removed from the log: entries before this one.
    pub(super) fn forget(&mut self, to: u64) -> Result<(), IndexError> {
        self.index.forget(to)?;
        self.index.follow(&self.reader)
    }

    /// What its first record says.
    pub(super) fn beginning(&self) -> Result<Beginning, TrailsError> {
        let first = self.reader.checked_entries(0..1).map_err(unreadable)?.get(0).transpose().map_err(unreadable)?;
        // What was removed after its time says nothing any more; what came before it is past its time too.
        let Some(Entry { data, .. }) = first else { return Ok(Beginning::default()) };
        let time = serde_json::from_slice::<Record>(&data).ok().map(|record| record.time);
        Ok(Beginning { time, continues: Predecessor::read(&data).map(|before| before.origin) })
    }

    pub(super) fn record(&self, index: u64) -> Result<Option<Record>, TrailsError> {
        let mut one = self.records([index].into_iter(), 1, |_| true).map_err(unreadable)?;
        Ok(one.pop().map(|placed| placed.record))
    }

    pub(super) fn of_person(
        &self,
        person: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Placed>, TrailsError> {
        let range = 0..before.unwrap_or(u64::MAX);
        let find = |key| self.index.find(&self.reader, key, range.clone()).map_err(unreadable);
        let mut indexes = find(Key::Citizen(person))?;
        indexes.extend(find(Key::Person(person))?);
        indexes.sort_unstable();
        indexes.dedup();
        let is_theirs = |record: &Record| {
            [&record.citizen, &record.actor.person].into_iter().any(|name| name.as_deref() == Some(person))
        };
        self.records(indexes.into_iter().rev(), limit, is_theirs).map_err(unreadable)
    }

    pub(super) fn of_request(&self, request: RequestId, after: u64) -> Result<Vec<Placed>, TrailsError> {
        let (text, range) = (request.to_string(), after + 1..u64::MAX);
        let indexes = self.index.find(&self.reader, Key::Request(&text), range).map_err(unreadable)?;
        let is_of_it = |record: &Record| record.request == Some(request);
        self.records(indexes.into_iter(), usize::MAX, is_of_it).map_err(unreadable)
    }

    /// The proof under the checkpoint that is known; none beyond it, and none of what has been removed.
    pub(super) fn proof(&self, index: u64) -> Result<Option<String>, TrailsError> {
        proof(&self.reader, index)
    }

    /// Those of some entries that are records and wanted, in the order given; at most `limit`.
    fn records(
        &self,
        indexes: impl Iterator<Item = u64>,
        limit: usize,
        is_wanted: impl Fn(&Record) -> bool,
    ) -> Result<Vec<Placed>, ReadError> {
        let mut entries = self.reader.checked_entries(0..u64::MAX)?;
        let mut found = Vec::new();
        for index in indexes {
            if found.len() == limit {
                break;
            }
            // What was removed after its time is told by nobody any more.
            let Some(entry) = entries.get(index).transpose()? else { continue };
            // What a later version wrote is not understood, and not told.
            if let Ok(record) = serde_json::from_slice::<Record>(&entry.data)
                && is_wanted(&record)
            {
                found.push(Placed { index, record });
            }
        }
        Ok(found)
    }
}

/// The proof under a reader's checkpoint; none beyond it, and none of what has been removed.
pub(super) fn proof(reader: &Reader, index: u64) -> Result<Option<String>, TrailsError> {
    match reader.proof(index) {
        Ok(proof) => Ok(Some(proof.to_string())),
        Err(ReadError::Removed { .. } | ReadError::Beyond { .. }) => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

pub(super) fn unreadable(error: impl std::fmt::Display) -> TrailsError {
    TrailsError::Unreadable(error.to_string())
}
