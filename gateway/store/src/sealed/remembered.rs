//! Keys in use, unwrapped, in memory: a bounded number, the ones that were not asked for are let go of and overwritten.

use std::{collections::HashMap, sync::Arc};

use dialog_core::ports::keys::{DataKey, Owner};

use super::cipher::KeyId;
use crate::limits::KEYS_REMEMBERED;

/// The key that an owner has now.
#[derive(Debug)]
pub(super) struct OwnerKey {
    pub(super) id: KeyId,
    pub(super) key: DataKey,
}

/// Two generations: what is asked for moves to the younger; when that is full, the older is let go of.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    young: HashMap<Owner, Arc<OwnerKey>>,
    old: HashMap<Owner, Arc<OwnerKey>>,
}

impl Remembered {
    pub(super) fn get(&mut self, owner: Owner) -> Option<Arc<OwnerKey>> {
        if let Some(found) = self.young.get(&owner) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(&owner)?;
        self.insert(owner, Arc::clone(&found));
        Some(found)
    }

    pub(super) fn insert(&mut self, owner: Owner, key: Arc<OwnerKey>) {
        if self.young.len() >= KEYS_REMEMBERED / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(owner, key);
    }

    pub(super) fn remove(&mut self, owner: Owner) {
        self.young.remove(&owner);
        self.old.remove(&owner);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::{super::cipher, *};

    fn key() -> Arc<OwnerKey> {
        Arc::new(OwnerKey { id: [0; 8], key: cipher::new_key().unwrap() })
    }

    fn citizen(number: usize) -> Owner {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        Owner::Citizen(id)
    }

    #[test]
    fn what_is_asked_for_stays_and_the_number_of_keys_is_bounded() {
        let mut remembered = Remembered::default();
        for number in 0..KEYS_REMEMBERED * 2 {
            remembered.insert(citizen(number), key());
            assert!(remembered.get(citizen(0)).is_some(), "it is asked for all the time");
            assert!(remembered.young.len() + remembered.old.len() <= KEYS_REMEMBERED);
        }
        assert!(remembered.get(citizen(1)).is_none());
        remembered.remove(citizen(0));
        assert!(remembered.get(citizen(0)).is_none());
    }
}
