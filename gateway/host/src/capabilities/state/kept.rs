//! How a plugin's memory lies in the store: where a key is, and whose its value is.
//!
//! | key, after [`space::PLUGIN_STATE`] | value |
//! | --- | --- |
//! | plugin, zero, memory, `k`, the plugin's key | whose it is, then what the plugin wrote |
//! | plugin, zero, memory, `n` | how many keys the memory has |
//! | zero, owner, a key of the first kind | –: what an owner has, so that it is found when the owner is erased |
//!
//! A memory is `o` and an office's HER-id, or `i`. Plugins' keys stand there as they are: the contract tells plugins to
//! put nobody's name or number in one.

use bytes::Bytes;
use dialog_contract::ids::{HerId, PluginId};
use dialog_core::ports::{keys::Owner, store::space};

/// Whose memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The plugin's for one office.
    Office(HerId),
    /// The plugin's for `inbound`, from where the memories of offices can be named too.
    Inbound,
}

/// A key in the memory that it belongs to.
pub(super) type Place = (Scope, String);

/// A value with whose it is; nobody's in particular where it is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) owner: Option<Owner>,
    pub(super) value: Bytes,
}

/// What stands before a value of nobody's, and of somebody's.
const NOBODYS: u8 = 0;
const SOMEBODYS: u8 = 1;

/// Bytes of an owner.
const OWNER: usize = 17;

impl Kept {
    /// As it lies in the store.
    pub(super) fn bytes(&self) -> Bytes {
        match self.owner {
            None => [&[NOBODYS], &self.value[..]].concat().into(),
            Some(owner) => [&[SOMEBODYS], &owner.bytes()[..], &self.value[..]].concat().into(),
        }
    }

    /// What lies in the store; none where it is not what [`Kept::bytes`] wrote.
    pub(super) fn of(bytes: &Bytes) -> Option<Self> {
        match bytes.split_first()? {
            (&NOBODYS, _) => Some(Self { owner: None, value: bytes.slice(1..) }),
            (&SOMEBODYS, rest) => {
                let owner = Owner::of(*rest.first_chunk::<OWNER>()?)?;
                Some(Self { owner: Some(owner), value: bytes.slice(1 + OWNER..) })
            }
            _ => None,
        }
    }
}

/// What all keys of a memory begin with.
fn memory(plugin: &PluginId, scope: Scope) -> Vec<u8> {
    let mut memory = vec![space::PLUGIN_STATE];
    // A plugin's id has no zero byte, so that no id is the beginning of another's keys.
    memory.extend_from_slice(plugin.as_str().as_bytes());
    memory.push(0);
    match scope {
        Scope::Office(office) => {
            memory.push(b'o');
            memory.extend_from_slice(&office.get().to_be_bytes());
        }
        Scope::Inbound => memory.push(b'i'),
    }
    memory
}

/// Where a value lies; where the values of all keys lie that begin so.
pub(super) fn value_key(plugin: &PluginId, (scope, key): &Place) -> Vec<u8> {
    [&memory(plugin, *scope)[..], b"k", key.as_bytes()].concat()
}

/// Where the number of a memory's keys lies.
pub(super) fn count_key(plugin: &PluginId, scope: Scope) -> Vec<u8> {
    [&memory(plugin, scope)[..], b"n"].concat()
}

/// Where the number of keys lies for the memory that a key of [`value_key`] is in; none where it is no such key.
pub(super) fn count_key_of(value_key: &[u8]) -> Option<Vec<u8>> {
    let scope = value_key.iter().position(|byte| *byte == 0)? + 1;
    let end = scope
        + match value_key.get(scope)? {
            b'o' => 5,
            b'i' => 1,
            _ => return None,
        };
    (value_key.get(end) == Some(&b'k')).then(|| [&value_key[..end], b"n"].concat())
}

/// Says that the value under a key of [`value_key`] is this owner's.
pub(super) fn owned_key(owner: Owner, value_key: &[u8]) -> Vec<u8> {
    [&all_owned(owner)[..], value_key].concat()
}

/// What all keys of [`owned_key`] of an owner begin with. No plugin's id is empty: nothing else begins so.
pub(super) fn all_owned(owner: Owner) -> Vec<u8> {
    [&[space::PLUGIN_STATE, 0], &owner.bytes()[..]].concat()
}

/// The key of [`value_key`] that a key of [`owned_key`] is about.
pub(super) fn value_key_of(owned_key: &[u8]) -> &[u8] {
    owned_key.get(2 + OWNER..).unwrap_or_default()
}

/// The end of the range of keys that begin with `prefix`.
pub(super) fn after(prefix: &[u8]) -> Option<Bytes> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end.into());
        }
    }
    None
}

/// A number of keys as it lies in the store.
pub(super) fn count(value: &[u8]) -> u64 {
    value.try_into().map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_range_ends_after_its_prefix() {
        assert_eq!(after(b"ab").as_deref(), Some(&b"ac"[..]));
        assert_eq!(after(b"a\xff").as_deref(), Some(&b"b"[..]));
        assert_eq!(after(b"\xff"), None);
    }

    #[test]
    fn a_value_is_read_with_its_owner_as_it_was_kept() {
        for owner in [None, Some(Owner::Citizen([0; 16])), Some(Owner::Citizen([0xff; 16]))] {
            for value in [&b""[..], b"\0", b"\x01 value"] {
                let kept = Kept { owner, value: Bytes::copy_from_slice(value) };
                assert_eq!(Kept::of(&kept.bytes()), Some(kept));
            }
        }
        for wrong in [&b""[..], b"{}", b"\x01", b"\x01c0123456789abcde", b"\x01x0123456789abcdef"] {
            assert_eq!(Kept::of(&Bytes::copy_from_slice(wrong)), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_owned_leads_to_its_value_and_to_the_number_of_keys_beside_it() {
        let plugin = "ddfl".parse().unwrap();
        let office = Scope::Office(8_150_101.try_into().unwrap());
        for scope in [office, Scope::Inbound] {
            let value = value_key(&plugin, &(scope, "k.n".to_owned()));
            let owned = owned_key(Owner::Citizen([7; 16]), &value);
            assert_eq!(value_key_of(&owned), value);
            assert_eq!(count_key_of(&value), Some(count_key(&plugin, scope)));
        }
        for none in [&b""[..], b"p", b"pddfl\0", b"pddfl\0o\0\0", b"pddfl\0in", b"pddfl\0x"] {
            assert_eq!(count_key_of(none), None);
        }
    }
}
