//! What readers see: sled's tree, except where a group is not yet durable; there, what was before.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use dialog_core::ports::store::{Entry, Range, StoreError, Versioned};
use sled::{Db, IVec};

use super::layout;
use crate::bounds::ScanResult;

/// The values that keys had before the group that is being made durable.
pub(super) type Before = BTreeMap<Bytes, Option<Versioned>>;

/// The store as readers see it.
///
/// A reader holds the lock as long as it reads, so that a scan is of one moment. The committer takes it twice a group,
/// each time only to exchange a map: before it touches sled, and after the fsync.
#[derive(Debug)]
pub(super) struct View {
    state: RwLock<State>,
}

struct State {
    /// None when the store is closed.
    db: Option<Db>,
    before: Before,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("open", &self.db.is_some()).field("covered", &self.before.len()).finish()
    }
}

impl View {
    pub(super) fn new(db: Db) -> Self {
        Self { state: RwLock::new(State { db: Some(db), before: Before::new() }) }
    }

    /// Hides what is about to be written. Must come before sled is touched.
    pub(super) fn cover(&self, before: Before) {
        self.write().before = before;
    }

    /// Shows what was written. Must come after the fsync.
    pub(super) fn uncover(&self) {
        let shown = std::mem::take(&mut self.write().before);
        drop(shown);
    }

    /// Lets go of sled; every read from now on is refused.
    pub(super) fn close(&self) {
        let db = self.write().db.take();
        drop(db);
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let state = self.read();
        let db = state.db.as_ref().ok_or_else(super::closed)?;
        match state.before.get(key) {
            Some(before) => Ok(before.clone()),
            None => layout::read(db, key),
        }
    }

    pub(super) fn scan(&self, range: &Range) -> Result<Vec<Entry>, StoreError> {
        let state = self.read();
        let db = state.db.as_ref().ok_or_else(super::closed)?;
        let mut result = ScanResult::new(range.limit);
        // BTreeMap::range panics on a range that ends before it begins.
        if range.until.as_ref().is_some_and(|until| *until <= range.from) {
            return Ok(result.into_entries());
        }
        let until = range.until.as_deref().map_or_else(layout::after_last_head, layout::head_key);
        let stored = db.range(layout::head_key(&range.from)..until);
        let end = range.until.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let before = state.before.range::<Bytes, _>((Bound::Included(&range.from), end));
        if range.reverse {
            merge(db, stored.rev(), before.rev(), Ordering::reverse, &mut result)?;
        } else {
            merge(db, stored, before, |order| order, &mut result)?;
        }
        Ok(result.into_entries())
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Walks both in the same direction; where both have a key, what was before counts.
fn merge<'a>(
    db: &Db,
    stored: impl Iterator<Item = sled::Result<(IVec, IVec)>>,
    before: impl Iterator<Item = (&'a Bytes, &'a Option<Versioned>)>,
    direction: impl Fn(Ordering) -> Ordering,
    result: &mut ScanResult,
) -> Result<(), StoreError> {
    let mut stored = stored.map(|entry| entry.map(|(key, head)| (layout::key_of(&key), head))).peekable();
    let mut before = before.peekable();
    while !result.is_full() {
        let order = match (stored.peek(), before.peek()) {
            (None, None) => break,
            (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Ok((key, _))), Some((covered, _))) => direction(key.cmp(covered)),
        };
        if order == Ordering::Less {
            let Some(entry) = stored.next() else { break };
            let (key, head) = entry.map_err(layout::engine_error)?;
            let versioned = layout::complete(db, &key, &head)?;
            result.push(Entry { key, versioned })?;
            continue;
        }
        if order == Ordering::Equal {
            stored.next();
        }
        if let Some((key, Some(versioned))) = before.next() {
            result.push(Entry { key: key.clone(), versioned: versioned.clone() })?;
        }
    }
    Ok(())
}
