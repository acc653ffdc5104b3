//! Forgetting what plugins keep of one owner: a citizen who is erased.

use std::collections::BTreeMap;

use bytes::Bytes;
use dialog_core::ports::{
    keys::Owner,
    store::{Batch, Range, Store, StoreError},
};
use tokio::{
    sync::{RwLock, RwLockReadGuard},
    time::Instant,
};

use super::{
    kept::{self, Kept},
    require,
};
use crate::limits::{FORGOTTEN_REMEMBERED, STATE_COMMIT_ATTEMPTS, STATE_FORGOTTEN_AT_ONCE};

/// Owners who were forgotten lately, and when: a call that began before may have read what it is now about to write.
#[derive(Debug, Default)]
pub(crate) struct Forgotten(RwLock<Vec<(Owner, Instant)>>);

/// As long as this is held, nobody more is forgotten.
pub(super) struct Lately<'a>(RwLockReadGuard<'a, Vec<(Owner, Instant)>>);

impl Lately<'_> {
    /// Whether a call that began then must write no more of this owner's.
    pub(super) fn is_forgotten(&self, owner: Owner, began: Instant) -> bool {
        self.0.iter().any(|(forgotten, at)| *forgotten == owner && began <= *at)
    }
}

impl Forgotten {
    /// To be held while a call's writes are committed.
    pub(super) async fn lately(&self) -> Lately<'_> {
        Lately(self.0.read().await)
    }

    async fn add(&self, owner: Owner) {
        let (mut lately, now) = (self.0.write().await, Instant::now());
        lately.retain(|(known, at)| *known != owner && now.duration_since(*at) < FORGOTTEN_REMEMBERED);
        lately.push((owner, now));
    }
}

/// Removes what plugins keep of an owner, of all plugins, also of those that are no longer installed; says how many values
/// there were. Whatever calls that are under way would still write of the owner is not kept.
///
/// # Errors
/// Where the store does not answer, or others change the same again and again: to be asked again.
pub(crate) async fn forget(store: &dyn Store, forgotten: &Forgotten, owner: Owner) -> Result<usize, StoreError> {
    // Commits that have looked already end first; later ones see it.
    forgotten.add(owner).await;
    let (mut found, mut attempt) = (0, 1);
    loop {
        let from = kept::all_owned(owner);
        let until = kept::after(&from);
        let range = Range { from: from.into(), until, limit: STATE_FORGOTTEN_AT_ONCE, reverse: false };
        let owned: Vec<Bytes> = store.scan(range).await?.into_iter().map(|entry| entry.key).collect();
        if owned.is_empty() {
            return Ok(found);
        }
        match remove(store, owner, &owned).await {
            Ok(removed) => (found, attempt) = (found + removed, 1),
            Err(StoreError::Conflict { .. }) if attempt < STATE_COMMIT_ATTEMPTS => attempt += 1,
            Err(StoreError::Conflict { .. }) => {
                return Err(StoreError::Unavailable("what a plugin keeps changes too often to be removed".into()));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Removes some values of the owner's, all or none.
async fn remove(store: &dyn Store, owner: Owner, owned: &[Bytes]) -> Result<usize, StoreError> {
    let (mut batch, mut fewer) = (Batch::default(), BTreeMap::<Vec<u8>, u64>::new());
    for owned in owned {
        batch.delete(owned.clone());
        let key = kept::value_key_of(owned);
        let Some(count) = kept::count_key_of(key) else { continue };
        let found = store.get(key).await?;
        // A value whose owner's key is destroyed already is not found, and lies there all the same.
        let is_owners =
            found.as_ref().is_none_or(|found| Kept::of(&found.value).is_none_or(|kept| kept.owner == Some(owner)));
        require(&mut batch, key.to_vec(), found.map(|found| found.revision));
        if is_owners {
            batch.delete(key.to_vec());
        }
        // What has become another's since was counted anew.
        *fewer.entry(count).or_default() += 1;
    }
    for (key, fewer) in fewer {
        let counted = store.get(&key).await?;
        let keys = counted.as_ref().map_or(0, |versioned| kept::count(&versioned.value)).saturating_sub(fewer);
        require(&mut batch, key.clone(), counted.map(|versioned| versioned.revision));
        batch.put(key, keys.to_be_bytes().to_vec());
    }
    store.commit(batch).await?;
    Ok(owned.len())
}
