//! The embedded key service: master keys that the operator configures, from files or the environment.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialog_core::ports::keys::{DataKey, KeyError, KeyService, Owner, Wrapped};
use zeroize::Zeroizing;

use super::cipher;

/// Longest id of a master key, in characters.
const ID_CHARACTERS: usize = 64;

/// Master keys in memory. The first wraps; the others only unwrap what they wrapped when they were the first.
pub struct MasterKeys {
    current: String,
    keys: BTreeMap<String, DataKey>,
}

impl std::fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKeys").field("ids", &self.keys.keys()).finish_non_exhaustive()
    }
}

/// Why master keys cannot be used. Never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// There is none.
    #[error("there must be at least one key")]
    None,
    /// An id is not of the form.
    #[error("an id has 1 to {ID_CHARACTERS} letters, digits, '.', '_' or '-'")]
    Id,
    /// An id stands for two keys.
    #[error("the id {0:?} is there twice")]
    Twice(String),
    /// A key has another length, or is no base64.
    #[error("a key is 32 random bytes in base64, as `openssl rand -base64 32` makes it")]
    Key,
}

impl MasterKeys {
    /// Takes keys by their ids, the current one first.
    ///
    /// # Errors
    /// Where there is none, an id is not of the form, or is there twice.
    pub fn new(keys: impl IntoIterator<Item = (String, DataKey)>) -> Result<Self, MasterKeyError> {
        let (mut current, mut known) = (None, BTreeMap::new());
        for (id, key) in keys {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            if !(1..=ID_CHARACTERS).contains(&id.len()) || !id.bytes().all(allowed) {
                return Err(MasterKeyError::Id);
            }
            current.get_or_insert_with(|| id.clone());
            if known.insert(id.clone(), key).is_some() {
                return Err(MasterKeyError::Twice(id));
            }
        }
        Ok(Self { current: current.ok_or(MasterKeyError::None)?, keys: known })
    }

    /// Reads a key: 32 bytes in base64.
    ///
    /// # Errors
    /// Where it is anything else.
    pub fn parse(text: &str) -> Result<DataKey, MasterKeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| MasterKeyError::Key)?);
        DataKey::filled(|key| {
            if bytes.len() != key.len() {
                return Err(MasterKeyError::Key);
            }
            key.copy_from_slice(&bytes);
            Ok(())
        })
    }
}

#[async_trait]
impl KeyService for MasterKeys {
    fn current(&self) -> &str {
        &self.current
    }

    async fn wrap(&self, key: &DataKey, owner: Owner, context: &[u8]) -> Result<Wrapped, KeyError> {
        let under = self.keys.get(&self.current).ok_or(KeyError::Changed { owner })?;
        let bytes = cipher::wrap(under, key, context).map_err(|_| KeyError::Unavailable("a cipher failed".into()))?;
        Ok(Wrapped { master: self.current.clone(), bytes: bytes.to_vec() })
    }

    async fn unwrap(&self, wrapped: &Wrapped, owner: Owner, context: &[u8]) -> Result<DataKey, KeyError> {
        let unknown = || KeyError::UnknownMaster { master: wrapped.master.clone() };
        let under = self.keys.get(&wrapped.master).ok_or_else(unknown)?;
        cipher::unwrap(under, &wrapped.bytes, context).map_err(|_| KeyError::Changed { owner })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    fn keys(ids: &[&str]) -> Result<MasterKeys, MasterKeyError> {
        MasterKeys::new(ids.iter().map(|id| ((*id).to_owned(), cipher::new_key().unwrap())))
    }

    #[test]
    fn a_key_is_32_bytes_in_base64_and_nothing_else() {
        let text = STANDARD.encode([7; 32]);
        assert_eq!(MasterKeys::parse(&format!("{text}\n")).unwrap().expose(), &[7; 32]);
        for bad in ["", "opensesame", &STANDARD.encode([7; 31]), &STANDARD.encode([7; 33]), &text[1..]] {
            let error = MasterKeys::parse(bad).unwrap_err();
            assert_eq!(error, MasterKeyError::Key);
            assert!(bad.is_empty() || !error.to_string().contains(bad));
        }
    }

    #[test]
    fn ids_are_short_plain_and_unique_and_there_is_one() {
        assert_eq!(keys(&[]).unwrap_err(), MasterKeyError::None);
        assert_eq!(keys(&["a", "a"]).unwrap_err(), MasterKeyError::Twice("a".into()));
        for bad in ["", "a b", "ø", &"a".repeat(65)] {
            assert_eq!(keys(&[bad]).unwrap_err(), MasterKeyError::Id);
        }
        assert_eq!(keys(&["2026-11", "2025-11"]).unwrap().current(), "2026-11");
    }

    #[tokio::test]
    async fn an_earlier_key_still_unwraps_and_one_that_is_gone_is_named() {
        let old = STANDARD.encode([1; 32]);
        let key = |text: &str| MasterKeys::parse(text).unwrap();
        let before = MasterKeys::new([("old".to_owned(), key(&old))]).unwrap();
        let wrapped = before.wrap(&key(&old), Owner::Directory, b"context").await.unwrap();
        let after = MasterKeys::new([("new".to_owned(), cipher::new_key().unwrap()), ("old".to_owned(), key(&old))]);
        let after = after.unwrap();
        assert_eq!(after.unwrap(&wrapped, Owner::Directory, b"context").await.unwrap().expose(), &[1; 32]);
        assert_eq!(after.wrap(&key(&old), Owner::Directory, b"context").await.unwrap().master, "new");
        let error = keys(&["new"]).unwrap().unwrap(&wrapped, Owner::Directory, b"context").await.unwrap_err();
        assert!(error.to_string().contains("\"old\""), "{error}");
    }
}
