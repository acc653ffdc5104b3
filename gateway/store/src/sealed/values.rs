//! The store, with every value encrypted. Keys stay as they are: whoever builds them builds them of ids, keyed hashes
//! and moments. A value without bytes stays one: it is the mark that its key is.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use dialog_core::ports::{
    keys::{DataKey, KeyError, Owner},
    store::{Batch, Entry, Expected, Range, Revision, Store, StoreError, Versioned, Write, space},
};
use sha2::{Digest as _, Sha256};

use super::{
    cipher::{self, Header, TAG_BYTES, Unopened},
    ring::KeyRing,
};

/// Says that the store is encrypted, and by its own encryption that the keys are those that belong to it.
const MARK: &[u8] = &[space::STORE, b'e'];

/// What the mark says.
const MARKED: &[u8] = b"sealed";

/// [`Store`] with every value encrypted under its owner's key, above a store that keeps what it is given.
///
/// What is nobody's in particular is the installation's; what lies in a plugin's memory is under a key of that plugin and
/// that office; the directory has a key of its own.
pub struct SealedStore {
    below: Arc<dyn Store>,
    keys: KeyRing,
}

impl std::fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedStore").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// Why a store cannot be used with these keys.
#[derive(Debug, thiserror::Error)]
pub enum SealedOpenError {
    /// It holds values that were written without encryption.
    #[error(
        "the store holds values that are not encrypted: it was written by a gateway before encryption came; move the \
         data folder away and begin anew"
    )]
    NotEncrypted,
    /// It was written with other keys.
    #[error("the store was written with other keys: {0}")]
    OtherKeys(KeyError),
    /// It cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SealedStore {
    /// Takes the store and the keys that belong to it; a store that is empty is marked as encrypted with them.
    ///
    /// # Errors
    /// Where the store was written without encryption, or with other keys than these.
    pub async fn open(below: Arc<dyn Store>, keys: KeyRing) -> Result<Self, SealedOpenError> {
        let sealed = Self { below, keys };
        if let Some(mark) = sealed.below.get(MARK).await? {
            let other = |error: KeyError| SealedOpenError::OtherKeys(error);
            let changed = || other(KeyError::Changed { owner: Owner::Installation });
            let (header, _) = Header::split(&mark.value).ok_or_else(changed)?;
            let key = sealed.keys.to_open(header.owner, header.key).await.map_err(other)?.ok_or_else(changed)?;
            let opened = unseal(&mark.value, &key.key, MARK);
            return if opened.is_ok_and(|said| said == MARKED) { Ok(sealed) } else { Err(changed()) };
        }
        let everything = Range { from: Bytes::new(), until: None, limit: 1, reverse: false };
        if !sealed.below.scan(everything).await?.is_empty() {
            return Err(SealedOpenError::NotEncrypted);
        }
        let mut batch = Batch::default();
        batch.require_absent(MARK).put_of(Owner::Installation, MARK, MARKED);
        sealed.commit(batch).await?;
        Ok(sealed)
    }

    /// The value as it was put; none where its owner's key was destroyed.
    async fn opened(&self, key: &[u8], found: Versioned) -> Result<Option<Versioned>, StoreError> {
        if found.value.is_empty() {
            return Ok(Some(found));
        }
        let (header, _) = Header::split(&found.value).ok_or_else(|| damaged("a value is not encrypted"))?;
        let Some(owner) = self.keys.to_open(header.owner, header.key).await.map_err(no_key)? else {
            return Ok(None);
        };
        let value = unseal(&found.value, &owner.key, key).map_err(|_| damaged("a value does not decrypt"))?;
        Ok(Some(Versioned { revision: found.revision, value }))
    }

    async fn sealed(&self, owner: Owner, key: &[u8], value: &[u8]) -> Result<Bytes, StoreError> {
        let under = self.keys.to_seal(owner).await.map_err(no_key)?;
        let failed = |_| StoreError::NoKey("a cipher failed".into());
        let (header, segments) = cipher::begin(owner, under.id, &under.key, &place(key)).map_err(failed)?;
        let mut sealed = Vec::with_capacity(header.len() + value.len() + TAG_BYTES);
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(value);
        let tag = segments.seal(0, true, &mut sealed[header.len()..]).map_err(failed)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed.into())
    }

    /// Whether what stands under a key is of an owner whose key was destroyed, and at which revision.
    async fn is_gone(&self, key: &[u8]) -> Result<Option<Revision>, StoreError> {
        let Some(found) = self.below.get(key).await? else { return Ok(None) };
        let revision = found.revision;
        Ok(self.opened(key, found).await?.is_none().then_some(revision))
    }
}

#[async_trait]
impl Store for SealedStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        match self.below.get(key).await? {
            Some(found) => self.opened(key, found).await,
            None => Ok(None),
        }
    }

    async fn scan(&self, mut range: Range) -> Result<Vec<Entry>, StoreError> {
        let (limit, mut entries) = (range.limit, Vec::new());
        loop {
            range.limit = limit - entries.len();
            let page = self.below.scan(range.clone()).await?;
            let is_last = page.len() < range.limit;
            // What is gone leaves room for what comes after it: a short answer means the end of the range.
            match page.last() {
                Some(last) if range.reverse => range.until = Some(last.key.clone()),
                Some(last) => range.from = [&last.key[..], &[0]].concat().into(),
                None => {}
            }
            for Entry { key, versioned } in page {
                let opened = self.opened(&key, versioned).await?;
                entries.extend(opened.map(|versioned| Entry { key, versioned }));
            }
            if is_last || entries.len() >= limit {
                return Ok(entries);
            }
        }
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let Batch { mut preconditions, mut writes, owners } = batch;
        for (key, write) in &mut writes {
            if let Write::Put(value) = write
                && !value.is_empty()
            {
                let owner = owners.get(key).copied().unwrap_or_else(|| owner_by_space(key));
                *value = self.sealed(owner, key, value).await?;
            }
        }
        loop {
            let (preconditions_now, writes_now) = (preconditions.clone(), writes.clone());
            let batch = Batch { preconditions: preconditions_now, writes: writes_now, ..Batch::default() };
            let conflict = match self.below.commit(batch).await {
                Err(StoreError::Conflict { key }) => key,
                done => return done,
            };
            // What is gone is not there, whatever lies below.
            let absent =
                preconditions.iter_mut().find(|(key, expected)| *key == conflict && *expected == Expected::Absent);
            match (absent, self.is_gone(&conflict).await?) {
                (Some((_, expected)), Some(revision)) => *expected = Expected::At(revision),
                _ => return Err(StoreError::Conflict { key: conflict }),
            }
        }
    }
}

/// The value that was sealed to stand under `key`.
fn unseal(sealed: &[u8], under: &DataKey, key: &[u8]) -> Result<Bytes, Unopened> {
    let (header, content) = Header::split(sealed).ok_or(Unopened)?;
    let mut content = content.to_vec();
    let length = header.open(under, &place(key))?.open(0, true, &mut content)?.len();
    content.truncate(length);
    Ok(content.into())
}

/// What a value is bound to beside its owner.
fn place(key: &[u8]) -> Vec<u8> {
    [b"dialog-value/1".as_slice(), key].concat()
}

/// Whose a value is where nobody says.
fn owner_by_space(key: &[u8]) -> Owner {
    match key.first() {
        Some(&space::DIRECTORY) => Owner::Directory,
        Some(&space::PLUGIN_STATE) => Owner::State(memory(key)),
        _ => Owner::Installation,
    }
}

/// Names the memory that a key of [`space::PLUGIN_STATE`] is in: the plugin's id, a zero byte, then `o` and the office's
/// HER-id in four bytes, or `i`.
fn memory(key: &[u8]) -> [u8; 16] {
    let plugin = key.iter().skip(1).position(|byte| *byte == 0).map_or(key.len(), |at| at + 2);
    let scope = if key.get(plugin) == Some(&b'o') { 5 } else { 1 };
    let hash = Sha256::digest(&key[..key.len().min(plugin + scope)]);
    let mut memory = [0; 16];
    memory.copy_from_slice(&hash[..16]);
    memory
}

fn no_key(error: KeyError) -> StoreError {
    match error {
        KeyError::Unavailable(_) => StoreError::NoKey(error.to_string()),
        _ => StoreError::Damaged(error.to_string()),
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugins_memory_has_a_key_for_each_office_and_one_for_inbound() {
        let key = |plugin: &[u8], scope: &[u8], rest: &[u8]| {
            owner_by_space(&[&[space::PLUGIN_STATE], plugin, &[0], scope, rest].concat())
        };
        let (one, other) = (b"o\0\0\0\x01".as_slice(), b"o\0\0\0\x02".as_slice());
        let mine = key(b"ddfl", one, b"ka");
        assert_eq!(mine, key(b"ddfl", one, b"kb"));
        assert_eq!(mine, key(b"ddfl", one, b"n"));
        let others = [key(b"ddfl", other, b"ka"), key(b"ddfl", b"i", b"ka"), key(b"ddf", one, b"ka")];
        assert!(!others.contains(&mine));
        assert_eq!(key(b"ddfl", b"i", b"ka"), key(b"ddfl", b"i", b"n"));
        // Whatever the key, it is somebody's.
        for key in [&b"p"[..], b"p\0", b"p\0o", b"pddfl", b"", b"x"] {
            let _ = owner_by_space(key);
        }
    }
}
