//! The key of the names under which people stand in the directory: made at the first load, kept in the store. The
//! pseudonyms of the audit log are under another: whoever has one of the two cannot join them.

use dialog_contract::pseudonym::Pseudonyms;
use dialog_core::ports::store::{Batch, Store, StoreError, space};

/// Where the key is kept.
const KEY: &[u8] = &[space::DIRECTORY, 2];

/// Reads the key, or makes it.
///
/// # Errors
/// Where the store cannot be read or written.
pub async fn open(store: &dyn Store) -> Result<Pseudonyms, StoreError> {
    loop {
        if let Some(found) = store.get(KEY).await? {
            return Pseudonyms::new(&found.value)
                .map_err(|error| StoreError::Damaged(format!("the directory: {error}")));
        }
        let mut key = zeroize::Zeroizing::new([0_u8; 32]);
        aws_lc_rs::rand::fill(&mut *key).map_err(|_| StoreError::Unavailable("no random numbers".to_owned()))?;
        let mut batch = Batch::default();
        batch.require_absent(KEY).put(KEY, key.to_vec());
        match store.commit(batch).await {
            Ok(_) | Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dialog_store::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_person_has_the_same_name_at_the_next_start_and_another_in_another_installation() {
        let person = "14838541241".parse().unwrap();
        let store = MemoryStore::new();
        let name = open(&store).await.unwrap().index(b"directory", &person);
        assert_eq!(open(&store).await.unwrap().index(b"directory", &person), name);
        assert_ne!(open(&MemoryStore::new()).await.unwrap().index(b"directory", &person), name);
    }
}
