//! What is over a limit is refused before anything is read or written, alike by every store.

use dialog_core::ports::store::{Batch, Entry, MAX_BATCH_ENTRIES, MAX_KEY_BYTES, MAX_VALUE_BYTES, StoreError, Write};

use crate::limits::{MAX_BATCH_BYTES, MAX_SCAN_BYTES};

/// Checks a batch and returns its size in bytes: all of its keys and values.
pub(crate) fn check_batch(batch: &Batch) -> Result<usize, StoreError> {
    at_most("number of batch entries", batch.preconditions.len() + batch.writes.len(), MAX_BATCH_ENTRIES)?;
    let mut bytes = 0;
    for (key, _) in &batch.preconditions {
        at_most("key length", key.len(), MAX_KEY_BYTES)?;
        bytes += key.len();
    }
    for (key, write) in &batch.writes {
        at_most("key length", key.len(), MAX_KEY_BYTES)?;
        bytes += key.len();
        if let Write::Put(value) = write {
            at_most("value length", value.len(), MAX_VALUE_BYTES)?;
            bytes += value.len();
        }
    }
    at_most("batch size", bytes, MAX_BATCH_BYTES)?;
    Ok(bytes)
}

/// The answer to a scan as it grows.
#[derive(Debug)]
pub(crate) struct ScanResult {
    entries: Vec<Entry>,
    bytes: usize,
    limit: usize,
}

impl ScanResult {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: Vec::new(), bytes: 0, limit }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= self.limit
    }

    pub(crate) fn push(&mut self, entry: Entry) -> Result<(), StoreError> {
        self.bytes += entry.key.len() + entry.versioned.value.len();
        at_most("scan result", self.bytes, MAX_SCAN_BYTES)?;
        self.entries.push(entry);
        Ok(())
    }

    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }
}

fn at_most(what: &'static str, actual: usize, limit: usize) -> Result<(), StoreError> {
    if actual > limit { Err(StoreError::TooLarge { what, actual, limit }) } else { Ok(()) }
}
