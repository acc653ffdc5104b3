//! `state`: a small memory of a plugin's own, for each office and for `inbound`; from `inbound`, a key `8150101/key` is
//! that key in the memory of the office.
//!
//! `inbound` concerns many offices: there a key with an office's HER-id and a slash before it is that key in the memory of
//! the office.
//!
//! Writes are buffered and committed in one transaction after the call has returned a result that is not a failure. Two
//! calls at once that write the same key: the last to commit wins; what each wrote is whole. The number of keys is kept
//! beside them, in the same transaction, so that the limit costs no scan.
//!
//! **Whose a value is.** What a call for a citizen writes is that citizen's: encrypted under the citizen's key, and gone
//! when the citizen is erased. `inbound` is for nobody in particular: there a plugin says whom a value concerns
//! (`set-about`), and what it only sets stays whose it was. Who reads makes no difference: the memory is the plugin's for
//! the office. [`kept`]: how it lies in the store; [`forget`]: erasing.

mod forget;
mod kept;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use dialog_contract::{
    ids::{HerId, PluginId},
    provider::CitizenIdentity,
};
use dialog_core::ports::{
    citizens::Citizens,
    keys::Owner,
    store::{Batch, Range, Revision, Store, StoreError},
};
use tokio::time::Instant;

use self::kept::{Kept, Place};
pub(crate) use self::{
    forget::{Forgotten, forget},
    kept::Scope,
};
use crate::{
    bindings::host::{
        state::{Error, Host},
        types,
    },
    call::Call,
    limits::{Limits, STATE_COMMIT_ATTEMPTS, STATE_LISTED_AT_ONCE, length},
};

/// Where memories lie, and what it takes to know whose is what.
#[derive(Clone)]
pub(crate) struct Memories {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) citizens: Arc<dyn Citizens>,
    pub(crate) forgotten: Arc<Forgotten>,
}

/// Whose memory a call has, and for whom it is.
#[derive(Debug, Clone)]
pub(crate) struct Whose {
    pub(crate) plugin: PluginId,
    pub(crate) scope: Scope,
    /// The citizen whom the call is for.
    pub(crate) citizen: Option<CitizenIdentity>,
    /// Whether the plugin may name citizens by number.
    pub(crate) numbers: bool,
}

/// The memory during one call.
pub(crate) struct State {
    memories: Memories,
    whose: Whose,
    began: Instant,
    writes: BTreeMap<Place, Write>,
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

/// What a key is to be.
#[derive(Debug, Clone)]
enum Write {
    /// This value, of this owner; where it is none, of whoever has it when it is committed.
    Set(Option<Owner>, Bytes),
    Delete,
}

/// Whom a write concerns.
enum About {
    /// Nobody in particular, or whoever the value concerned before.
    AsBefore,
    /// This citizen.
    Citizen(Owner),
    /// Somebody whom the gateway does not know.
    Stranger,
}

impl State {
    pub(crate) fn new(memories: Memories, whose: Whose, began: Instant, limits: &Limits) -> Self {
        Self {
            memories,
            whose,
            began,
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
            None => Ok((self.whose.scope, key)),
            Some((office, rest)) if self.whose.scope == Scope::Inbound => {
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
        Ok(self.read(&self.place(key)?).await?.map(|kept| kept.value))
    }

    async fn read(&self, place: &Place) -> Result<Option<Kept>, Error> {
        match self.writes.get(place) {
            Some(Write::Set(owner, value)) => Ok(Some(Kept { owner: *owner, value: value.clone() })),
            Some(Write::Delete) => Ok(None),
            None => {
                let found = self.memories.store.get(&self.value_key(place)).await.map_err(unavailable)?;
                found.map(|versioned| Kept::of(&versioned.value).ok_or_else(damaged).map_err(unavailable)).transpose()
            }
        }
    }

    /// Sets a key: for the citizen whom the call is for, or for whoever has the key already.
    async fn set(&mut self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        let about = match self.whose.citizen.clone() {
            Some(citizen) => self.about(&citizen).await?,
            None => About::AsBefore,
        };
        self.write(key, value, about).await
    }

    /// Sets a key for somebody whom the plugin names. False where nobody is known by that name: nothing is kept then.
    async fn set_about(&mut self, key: &str, value: Vec<u8>, citizen: types::CitizenIdentity) -> Result<bool, Error> {
        let citizen = match citizen {
            types::CitizenIdentity::Reference(reference) => Some(CitizenIdentity::Reference(reference)),
            types::CitizenIdentity::NationalIdentityNumber(number) if self.whose.numbers => {
                number.parse().ok().map(CitizenIdentity::NationalIdentityNumber)
            }
            types::CitizenIdentity::NationalIdentityNumber(_) => None,
        };
        let about = match citizen {
            Some(citizen) => self.about(&citizen).await?,
            None => About::Stranger,
        };
        let known = !matches!(about, About::Stranger);
        self.write(key, value, about).await.map(|()| known)
    }

    async fn about(&self, citizen: &CitizenIdentity) -> Result<About, Error> {
        let owner = self.memories.citizens.owner(&self.whose.plugin, citizen).await.map_err(unavailable)?;
        Ok(owner.map_or(About::Stranger, About::Citizen))
    }

    async fn write(&mut self, key: &str, value: Vec<u8>, about: About) -> Result<(), Error> {
        let place = self.place(key)?;
        if value.len() > self.most.value_bytes {
            return Err(Error::TooLarge);
        }
        let written_bytes = self.written_bytes + value.len() as u64;
        if written_bytes > self.most.written_bytes {
            return Err(Error::Full);
        }
        self.room_for(&place)?;
        let before = self.read(&place).await?;
        let owner = match about {
            About::Citizen(owner) => Some(owner),
            // Also where it is deleted before the commit: the call may have made the value of what it read.
            About::AsBefore => before.as_ref().and_then(|kept| kept.owner),
            About::Stranger => return Ok(()),
        };
        if before.is_none() && self.expected_keys(place.0).await? >= self.most.keys {
            return Err(Error::Full);
        }
        self.written_bytes = written_bytes;
        self.writes.insert(place, Write::Set(owner, value.into()));
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), Error> {
        let place = self.place(key)?;
        self.room_for(&place)?;
        self.writes.insert(place, Write::Delete);
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
                let counted = self.memories.store.get(&self.count_key(scope)).await.map_err(unavailable)?;
                let keys = counted.map_or(0, |versioned| kept::count(&versioned.value));
                self.keys.insert(scope, keys);
                keys
            }
        };
        let written =
            self.writes.iter().filter(|((place, _), write)| *place == scope && matches!(write, Write::Set(..)));
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
        let until = kept::after(&from);
        // Deleted keys of this call take room that the store's keys behind them must fill.
        let enough = self.most.listed + self.writes.len();
        loop {
            let range =
                Range { from: from.clone().into(), until: until.clone(), limit: STATE_LISTED_AT_ONCE, reverse: false };
            let page = self.memories.store.scan(range).await.map_err(unavailable)?;
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
            .filter(|((place, key), write)| {
                *place == scope && matches!(write, Write::Set(..)) && key.starts_with(prefix)
            })
            .map(|((_, key), _)| key.clone());
        found.extend(written);
        found.sort_unstable();
        found.truncate(self.most.listed);
        // As the plugin named them.
        Ok(found.into_iter().map(|key| format!("{}{key}", &wanted[..named])).collect())
    }

    /// Makes the writes durable, all or none; but for those of an owner who was forgotten since the call began.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        let mut writes = std::mem::take(&mut self.writes);
        if writes.is_empty() {
            return Ok(());
        }
        let lately = self.memories.forgotten.lately().await;
        writes
            .retain(|_, write| !matches!(write, Write::Set(Some(owner), _) if lately.is_forgotten(*owner, self.began)));
        let mut attempt = 1;
        loop {
            match self.try_commit(&writes).await {
                Err(StoreError::Conflict { .. }) if attempt < STATE_COMMIT_ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    async fn try_commit(&self, writes: &BTreeMap<Place, Write>) -> Result<(), StoreError> {
        let store = &self.memories.store;
        let mut batch = Batch::default();
        let mut changes = BTreeMap::<Scope, i64>::new();
        for (place, write) in writes {
            let key = self.value_key(place);
            let found = store.get(&key).await?;
            let revision = found.as_ref().map(|versioned| versioned.revision);
            let had = found.as_ref().and_then(|versioned| Kept::of(&versioned.value)?.owner);
            let has = match (write, &found) {
                (Write::Delete, None) => continue,
                (Write::Delete, Some(_)) => {
                    batch.delete(key.clone());
                    *changes.entry(place.0).or_default() -= 1;
                    None
                }
                (Write::Set(owner, value), _) => {
                    let kept = Kept { owner: owner.or(had), value: value.clone() };
                    match kept.owner {
                        Some(owner) => batch.put_of(owner, key.clone(), kept.bytes()),
                        None => batch.put(key.clone(), kept.bytes()),
                    };
                    *changes.entry(place.0).or_default() += i64::from(found.is_none());
                    kept.owner
                }
            };
            if had != has {
                if let Some(owner) = had {
                    batch.delete(kept::owned_key(owner, &key));
                }
                if let Some(owner) = has {
                    batch.put(kept::owned_key(owner, &key), Bytes::new());
                }
            }
            require(&mut batch, key, revision);
        }
        for (scope, change) in changes.into_iter().filter(|(_, change)| *change != 0) {
            let key = self.count_key(scope);
            let counted = store.get(&key).await?;
            let keys = counted.as_ref().map_or(0, |versioned| kept::count(&versioned.value));
            require(&mut batch, key.clone(), counted.map(|versioned| versioned.revision));
            batch.put(key, keys.saturating_add_signed(change).to_be_bytes().to_vec());
        }
        if batch.writes.is_empty() {
            return Ok(());
        }
        store.commit(batch).await.map(drop)
    }

    fn value_key(&self, place: &Place) -> Vec<u8> {
        kept::value_key(&self.whose.plugin, place)
    }

    fn count_key(&self, scope: Scope) -> Vec<u8> {
        kept::count_key(&self.whose.plugin, scope)
    }
}

fn require(batch: &mut Batch, key: Vec<u8>, found: Option<Revision>) {
    match found {
        Some(revision) => batch.require_at(key, revision),
        None => batch.require_absent(key),
    };
}

fn check_key(key: &str) -> Result<(), Error> {
    let fits = (1..=128).contains(&key.len())
        && key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    if fits { Ok(()) } else { Err(Error::InvalidKey) }
}

fn damaged() -> StoreError {
    StoreError::Damaged("a plugin's value is not what was kept".into())
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

    async fn set_about(&mut self, key: String, value: Vec<u8>, citizen: types::CitizenIdentity) -> Result<(), Error> {
        let set = self.state.set_about(&key, value, citizen).await;
        if !self.kept("state.set-about", set)? {
            self.refusals.tell(&self.identity, "state.set-about", "unknown-citizen");
        }
        Ok(())
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
mod tests;
