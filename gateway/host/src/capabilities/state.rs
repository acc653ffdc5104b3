//! `state`: a small memory of a plugin's own, for each office and for `inbound`; from `inbound`, a key `8150101/key` is
//! that key in the memory of the office.
//!
//! `inbound` concerns many offices: there a key with an office's HER-id and a slash before it is that key in the memory of
//! the office.
//!
//! Writes are buffered and committed in one transaction after the call has returned a result that is not a failure. Two
//! calls at once that write the same key: the last to commit wins; what each wrote is whole. The number of keys is kept
//! beside them, in the same transaction, so that the limit costs no scan.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use dialog_contract::ids::{HerId, PluginId};
use dialog_core::ports::store::{Batch, Range, Revision, Store, StoreError, space};

use crate::{
    bindings::host::state::{Error, Host},
    call::Call,
    limits::{Limits, STATE_COMMIT_ATTEMPTS, STATE_LISTED_AT_ONCE, length},
};

/// Whose memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The plugin's for one office.
    Office(HerId),
    /// The plugin's for `inbound`, from where the memories of offices can be named too.
    Inbound,
}

/// A key in the memory that it belongs to.
type Place = (Scope, String);

/// The memory during one call.
pub(crate) struct State {
    store: Arc<dyn Store>,
    plugin: PluginId,
    scope: Scope,
    /// None deletes.
    writes: BTreeMap<Place, Option<Bytes>>,
    written_bytes: u64,
    /// Keys in the store when the call first needed to know.
    keys: BTreeMap<Scope, u64>,
    most: Most,
}

#[derive(Debug, Clone, Copy)]
struct Most {
    value_bytes: usize,
    keys: u64,
    writes: usize,
    written_bytes: u64,
    listed: usize,
}

impl State {
    pub(crate) fn new(store: Arc<dyn Store>, plugin: &PluginId, scope: Scope, limits: &Limits) -> Self {
        Self {
            store,
            plugin: plugin.clone(),
            scope,
            writes: BTreeMap::new(),
            written_bytes: 0,
            keys: BTreeMap::new(),
            most: Most {
                value_bytes: length(limits.state_value_bytes),
                keys: limits.state_keys,
                writes: length(limits.state_writes),
                written_bytes: limits.state_written_bytes,
                listed: length(limits.state_listed_keys),
            },
        }
    }

    /// Where a key of the plugin's is. In `inbound`, a HER-id and a slash before it name an office's memory.
    fn locate<'a>(&self, key: &'a str) -> Result<(Scope, &'a str), Error> {
        match key.split_once('/') {
            None => Ok((self.scope, key)),
            Some((office, rest)) if self.scope == Scope::Inbound => {
                let office: HerId =
                    office.parse().ok().filter(|id: &HerId| id.to_string() == office).ok_or(Error::InvalidKey)?;
                Ok((Scope::Office(office), rest))
            }
            Some(_) => Err(Error::InvalidKey),
        }
    }

    fn place(&self, key: &str) -> Result<Place, Error> {
        let (scope, key) = self.locate(key)?;
        check_key(key)?;
        Ok((scope, key.to_owned()))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.read(&self.place(key)?).await
    }

    async fn read(&self, place: &Place) -> Result<Option<Bytes>, Error> {
        if let Some(written) = self.writes.get(place) {
            return Ok(written.clone());
        }
        let found = self.store.get(&self.value_key(place)).await.map_err(unavailable)?;
        Ok(found.map(|versioned| versioned.value))
    }

    async fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        let place = self.place(key)?;
        if value.len() > self.most.value_bytes {
            return Err(Error::TooLarge);
        }
        let written_bytes = self.written_bytes + value.len() as u64;
        if written_bytes > self.most.written_bytes {
            return Err(Error::Full);
        }
        self.room_for(&place)?;
        if self.read(&place).await?.is_none() && self.expected_keys(place.0).await? >= self.most.keys {
            return Err(Error::Full);
        }
        self.written_bytes = written_bytes;
        self.writes.insert(place, Some(value.into()));
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), Error> {
        let place = self.place(key)?;
        self.room_for(&place)?;
        self.writes.insert(place, None);
        Ok(())
    }

    fn room_for(&self, place: &Place) -> Result<(), Error> {
        if self.writes.len() >= self.most.writes && !self.writes.contains_key(place) {
            Err(Error::Full)
        } else {
            Ok(())
        }
    }

    /// Keys of a memory after this call so far. A key that is overwritten counts twice until the commit, so that the
    /// limit is never passed.
    async fn expected_keys(&mut self, scope: Scope) -> Result<u64, Error> {
        let kept = match self.keys.get(&scope) {
            Some(keys) => *keys,
            None => {
                let counted = self.store.get(&self.count_key(scope)).await.map_err(unavailable)?;
                let keys = counted.map_or(0, |versioned| count(&versioned.value));
                self.keys.insert(scope, keys);
                keys
            }
        };
        let written = self.writes.iter().filter(|((place, _), write)| *place == scope && write.is_some());
        Ok(kept + written.count() as u64)
    }

    async fn list(&self, wanted: &str) -> Result<Vec<String>, Error> {
        let (scope, prefix) = self.locate(wanted)?;
        if !prefix.is_empty() {
            check_key(prefix)?;
        }
        let named = wanted.len() - prefix.len();
        let mut found: Vec<String> = Vec::new();
        let whole = self.value_key(&(scope, String::new()));
        let mut from = self.value_key(&(scope, prefix.to_owned()));
        let until = after(&from);
        // Deleted keys of this call take room that the store's keys behind them must fill.
        let enough = self.most.listed + self.writes.len();
        loop {
            let range =
                Range { from: from.clone().into(), until: until.clone(), limit: STATE_LISTED_AT_ONCE, reverse: false };
            let page = self.store.scan(range).await.map_err(unavailable)?;
            let last = page.len() < STATE_LISTED_AT_ONCE;
            if let Some(entry) = page.last() {
                from = [&entry.key[..], &[0]].concat();
            }
            let keys = page.iter().filter_map(|entry| std::str::from_utf8(entry.key.strip_prefix(&whole[..])?).ok());
            found.extend(keys.map(str::to_owned));
            if last || found.len() >= enough {
                break;
            }
        }
        found.retain(|key| !self.writes.contains_key(&(scope, key.clone())));
        let written = self
            .writes
            .iter()
            .filter(|((place, key), value)| *place == scope && value.is_some() && key.starts_with(prefix))
            .map(|((_, key), _)| key.clone());
        found.extend(written);
        found.sort_unstable();
        found.truncate(self.most.listed);
        // As the plugin named them.
        Ok(found.into_iter().map(|key| format!("{}{key}", &wanted[..named])).collect())
    }

    /// Makes the writes durable, all or none.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        let writes = std::mem::take(&mut self.writes);
        if writes.is_empty() {
            return Ok(());
        }
        let mut attempt = 1;
        loop {
            match self.try_commit(&writes).await {
                Err(StoreError::Conflict { .. }) if attempt < STATE_COMMIT_ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    async fn try_commit(&self, writes: &BTreeMap<Place, Option<Bytes>>) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        let mut changes = BTreeMap::<Scope, i64>::new();
        for (place, write) in writes {
            let key = self.value_key(place);
            let found = self.store.get(&key).await?.map(|versioned| versioned.revision);
            let change = match (write, found) {
                (None, None) => continue,
                (Some(_), None) => 1,
                (None, Some(_)) => -1,
                (Some(_), Some(_)) => 0,
            };
            *changes.entry(place.0).or_default() += change;
            require(&mut batch, key.clone(), found);
            match write {
                Some(value) => batch.put(key, value.clone()),
                None => batch.delete(key),
            };
        }
        for (scope, change) in changes.into_iter().filter(|(_, change)| *change != 0) {
            let key = self.count_key(scope);
            let counted = self.store.get(&key).await?;
            let keys = counted.as_ref().map_or(0, |versioned| count(&versioned.value));
            require(&mut batch, key.clone(), counted.map(|versioned| versioned.revision));
            batch.put(key, keys.saturating_add_signed(change).to_be_bytes().to_vec());
        }
        if batch.writes.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await.map(drop)
    }

    fn value_key(&self, (scope, key): &Place) -> Vec<u8> {
        [&prefix(&self.plugin, *scope)[..], b"k", key.as_bytes()].concat()
    }

    fn count_key(&self, scope: Scope) -> Vec<u8> {
        [&prefix(&self.plugin, scope)[..], b"n"].concat()
    }
}

fn require(batch: &mut Batch, key: Vec<u8>, found: Option<Revision>) {
    match found {
        Some(revision) => batch.require_at(key, revision),
        None => batch.require_absent(key),
    };
}

fn prefix(plugin: &PluginId, scope: Scope) -> Vec<u8> {
    let mut prefix = vec![space::PLUGIN_STATE];
    // A plugin's id has no zero byte, so that no id is the beginning of another's keys.
    prefix.extend_from_slice(plugin.as_str().as_bytes());
    prefix.push(0);
    match scope {
        Scope::Office(office) => {
            prefix.push(b'o');
            prefix.extend_from_slice(&office.get().to_be_bytes());
        }
        Scope::Inbound => prefix.push(b'i'),
    }
    prefix
}

/// The end of the range of keys that begin with `prefix`.
fn after(prefix: &[u8]) -> Option<Bytes> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end.into());
        }
    }
    None
}

fn count(value: &[u8]) -> u64 {
    value.try_into().map_or(0, u64::from_be_bytes)
}

fn check_key(key: &str) -> Result<(), Error> {
    let fits = (1..=128).contains(&key.len())
        && key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    if fits { Ok(()) } else { Err(Error::InvalidKey) }
}

fn unavailable(error: StoreError) -> Error {
    tracing::error!(%error, "a plugin's state cannot be read");
    Error::Unavailable
}

impl Host for Call {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        let found = self.state.get(&key).await;
        Ok(self.kept("state.get", found)?.map(Vec::from))
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Error> {
        let set = self.state.set(&key, value).await;
        self.kept("state.set", set)
    }

    async fn delete(&mut self, key: String) -> Result<(), Error> {
        let deleted = self.state.delete(&key);
        self.kept("state.delete", deleted)
    }

    async fn keys(&mut self, prefix: String) -> Result<Vec<String>, Error> {
        let listed = self.state.list(&prefix).await;
        self.kept("state.keys", listed)
    }
}

impl Call {
    /// Tells the operator what was refused, and hands it on. The key stays out of it: it may hold who somebody is.
    fn kept<T>(&mut self, function: &str, result: Result<T, Error>) -> Result<T, Error> {
        // A store that does not answer is no fault of the guest's, and is told where it is met.
        if let Err(error) = &result
            && *error != Error::Unavailable
        {
            self.refusals.tell(&self.identity, function, error.name());
        }
        result
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::tests::MemoryStore;

    fn state(store: &Arc<MemoryStore>, plugin: &str, scope: Scope) -> State {
        let limits = Limits { state_keys: 3, state_value_bytes: 10, state_writes: 5, ..Limits::default() };
        State::new(Arc::clone(store) as Arc<dyn Store>, &plugin.parse().unwrap(), scope, &limits)
    }

    fn office(number: u32) -> Scope {
        Scope::Office(number.try_into().unwrap())
    }

    #[tokio::test]
    async fn what_was_written_is_read_in_the_same_call_and_after_its_commit() {
        let store = Arc::new(MemoryStore::default());
        let mut call = state(&store, "one", office(1));
        call.set("a", b"1".to_vec()).await.unwrap();
        assert_eq!(call.get("a").await.unwrap().as_deref(), Some(&b"1"[..]));
        let other = state(&store, "one", office(1));
        assert_eq!(other.get("a").await.unwrap(), None);
        call.commit().await.unwrap();
        assert_eq!(other.get("a").await.unwrap().as_deref(), Some(&b"1"[..]));
    }

    #[tokio::test]
    async fn plugins_and_offices_never_see_each_others_keys() {
        let store = Arc::new(MemoryStore::default());
        for (plugin, scope) in [("one", office(1)), ("one", office(2)), ("one", Scope::Inbound), ("one-two", office(1))]
        {
            let mut call = state(&store, plugin, scope);
            assert_eq!(call.list("").await.unwrap(), Vec::<String>::new());
            call.set("a", b"1".to_vec()).await.unwrap();
            call.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn inbound_reaches_the_memory_of_an_office_by_its_her_id() {
        let store = Arc::new(MemoryStore::default());
        let mut call = state(&store, "one", office(7));
        call.set("m.1", b"1".to_vec()).await.unwrap();
        call.commit().await.unwrap();
        let mut call = state(&store, "one", Scope::Inbound);
        assert_eq!(call.get("7/m.1").await.unwrap().as_deref(), Some(&b"1"[..]));
        assert_eq!(call.get("m.1").await.unwrap(), None);
        call.set("7/m.2", b"2".to_vec()).await.unwrap();
        call.set("own", b"3".to_vec()).await.unwrap();
        assert_eq!(call.list("7/m.").await.unwrap(), ["7/m.1", "7/m.2"]);
        assert_eq!(call.list("").await.unwrap(), ["own"]);
        call.delete("7/m.1").unwrap();
        call.commit().await.unwrap();
        let call = state(&store, "one", office(7));
        assert_eq!(call.list("").await.unwrap(), ["m.2"]);
        // No other place is reached so: neither another plugin's, nor one office from another.
        assert_eq!(call.get("8/m.1").await, Err(Error::InvalidKey));
        assert_eq!(state(&store, "two", Scope::Inbound).get("7/m.2").await.unwrap(), None);
        for bad in ["7/", "x/m", "7/8/m", "/m", "07/m", "+7/m", "0/m"] {
            assert_eq!(state(&store, "one", Scope::Inbound).get(bad).await, Err(Error::InvalidKey), "{bad}");
        }
    }

    #[tokio::test]
    async fn keys_are_listed_in_order_with_what_the_call_wrote_and_deleted() {
        let store = Arc::new(MemoryStore::default());
        let mut call = state(&store, "one", office(1));
        for key in ["m.2", "m.1", "n.1"] {
            call.set(key, b"1".to_vec()).await.unwrap();
        }
        call.commit().await.unwrap();
        let mut call = state(&store, "one", office(1));
        call.delete("m.1").unwrap();
        call.set("m.0", b"1".to_vec()).await.unwrap_err();
        call.set("m.2", b"2".to_vec()).await.unwrap();
        assert_eq!(call.list("m.").await.unwrap(), ["m.2"]);
        assert_eq!(call.list("").await.unwrap(), ["m.2", "n.1"]);
    }

    #[tokio::test]
    async fn each_limit_has_its_error() {
        let store = Arc::new(MemoryStore::default());
        let mut call = state(&store, "one", office(1));
        assert_eq!(call.set("A", vec![]).await, Err(Error::InvalidKey));
        assert_eq!(call.set("", vec![]).await, Err(Error::InvalidKey));
        assert_eq!(call.set(&"a".repeat(129), vec![]).await, Err(Error::InvalidKey));
        assert_eq!(call.set("a", vec![0; 11]).await, Err(Error::TooLarge));
        for key in ["a", "b", "c"] {
            call.set(key, vec![0]).await.unwrap();
        }
        assert_eq!(call.set("d", vec![0]).await, Err(Error::Full));
        call.set("c", vec![1]).await.unwrap();
        call.commit().await.unwrap();
        let mut call = state(&store, "one", office(1));
        assert_eq!(call.set("d", vec![0]).await, Err(Error::Full));
        call.delete("a").unwrap();
        call.commit().await.unwrap();
        let mut call = state(&store, "one", office(1));
        call.set("d", vec![0]).await.unwrap();
    }

    #[tokio::test]
    async fn calls_at_once_keep_the_count_right() {
        let store = Arc::new(MemoryStore::default());
        let calls = ["a", "b", "c"].map(|key| {
            let mut call = state(&store, "one", office(1));
            async move {
                call.set(key, vec![0]).await.unwrap();
                call.commit().await.unwrap();
            }
        });
        futures_util::future::join_all(calls).await;
        let mut call = state(&store, "one", office(1));
        assert_eq!(call.set("d", vec![0]).await, Err(Error::Full));
    }

    #[test]
    fn a_range_ends_after_its_prefix() {
        assert_eq!(after(b"ab").as_deref(), Some(&b"ac"[..]));
        assert_eq!(after(b"a\xff").as_deref(), Some(&b"b"[..]));
        assert_eq!(after(b"\xff"), None);
    }
}
