//! Keys for what is kept: whose key encrypts a value, the service that holds the master keys, and how a key comes to
//! its end.
//!
//! Three layers. A **master key** never leaves its [`KeyService`]: a file of the operator's, a KMS or an HSM. It wraps
//! one key for each [`Owner`]: each citizen, each attachment, each plugin's memory at an office. An owner's key wraps a
//! data key for every single value: each dialog has its own, and a new one at every change. Destroying an owner's key
//! ([`Keyring::destroy`]) therefore ends everything of that owner's at once, also in copies that nobody remembers.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;
use zeroize::Zeroize;

/// Whose a value is. Everything of one owner's is encrypted under that owner's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The installation itself: its secret, what is due, what is of nobody in particular.
    Installation,
    /// The embedded directory.
    Directory,
    /// A citizen, by the store's own name for one: dialogs, events, appointments, replies.
    Citizen([u8; 16]),
    /// A plugin's memory for one office, or for `inbound`; by a hash of both.
    State([u8; 16]),
    /// The bytes of one attachment or delivery.
    Blob(Uuid),
}

impl Owner {
    /// The owner as bytes: which kind, then who. No two owners have the same.
    #[must_use]
    pub fn bytes(&self) -> [u8; 17] {
        let (kind, id) = match self {
            Self::Installation => (b'i', [0; 16]),
            Self::Directory => (b'd', [0; 16]),
            Self::Citizen(id) => (b'c', *id),
            Self::State(id) => (b's', *id),
            Self::Blob(id) => (b'b', id.into_bytes()),
        };
        let mut bytes = [kind; 17];
        bytes[1..].copy_from_slice(&id);
        bytes
    }

    /// The owner that these bytes name; none where they name nobody.
    #[must_use]
    pub fn of(bytes: [u8; 17]) -> Option<Self> {
        let [kind, id @ ..] = bytes;
        match kind {
            b'i' if id == [0; 16] => Some(Self::Installation),
            b'd' if id == [0; 16] => Some(Self::Directory),
            b'c' => Some(Self::Citizen(id)),
            b's' => Some(Self::State(id)),
            b'b' => Some(Self::Blob(Uuid::from_bytes(id))),
            _ => None,
        }
    }

    /// Which kind of owner it is, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Directory => "directory",
            Self::Citizen(_) => "citizen",
            Self::State(_) => "state",
            Self::Blob(_) => "blob",
        }
    }
}

/// Says which kind, never who: a citizen's name in the store has no business in a log.
impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({})", self.kind())
    }
}

/// A key of 256 bits. Never prints itself, and is overwritten when it is dropped; it lies in one place on the heap, so
/// that moving it leaves no copies behind.
pub struct DataKey(Box<[u8; 32]>);

impl DataKey {
    /// A key that `fill` writes in place.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn filled<E>(fill: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
        // First the owner of the memory, so that it is overwritten also where `fill` fails half-way.
        let mut key = Self(Box::new([0; 32]));
        fill(&mut key.0)?;
        Ok(key)
    }

    /// The key itself, for a cipher.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// A key that is encrypted under a master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Under which master key, as the service names it.
    pub master: String,
    /// What the service made of the key; at most 4 KiB.
    pub bytes: Vec<u8>,
}

/// Why a key cannot be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// It was wrapped under a master key that the service does not have.
    #[error("a key is wrapped under the master key {master:?}, which is not among those that are configured")]
    UnknownMaster {
        /// Its id.
        master: String,
    },
    /// What is kept is not what was wrapped, or not for this owner.
    #[error("the key of {owner:?} is not what was kept: its file was changed, or belongs to another owner")]
    Changed {
        /// Whose key it should be.
        owner: Owner,
    },
    /// There is no such key, and none was destroyed: keys and data are not of the same installation, or of two times.
    #[error("the key of {owner:?} is missing; were the keys restored from an older copy than the data?")]
    Missing {
        /// Whose key it should be.
        owner: Owner,
    },
    /// The service, or the disk that keys lie on, does not answer now.
    #[error("keys are unavailable: {0}")]
    Unavailable(String),
}

/// The holder of the master keys: configured keys, a KMS, an HSM.
///
/// Made once at start, before anything is opened; may be called from any task until the process ends. What it wrapped
/// it can unwrap for as long as it has that master key. Answers are kept in memory for the keys in use, so that a
/// service over the network is asked once for each owner and not at every request.
#[async_trait]
pub trait KeyService: Send + Sync + 'static {
    /// The id of the master key that wraps now: 1 to 64 letters, digits, `.`, `_`, `-`. Those that wrapped before it are
    /// only unwrapped with.
    fn current(&self) -> &str;

    /// Encrypts a key under the current master key, bound to `context`.
    async fn wrap(&self, key: &DataKey, owner: Owner, context: &[u8]) -> Result<Wrapped, KeyError>;

    /// Decrypts what [`KeyService::wrap`] made for the same context.
    async fn unwrap(&self, wrapped: &Wrapped, owner: Owner, context: &[u8]) -> Result<DataKey, KeyError>;
}

/// The keys of all owners, for whoever must end one.
///
/// Opened once at start, together with the store whose values they encrypt.
#[async_trait]
pub trait Keyring: Send + Sync + 'static {
    /// Destroys the owner's key, durably: nothing that was encrypted under it can be read again, by anybody. What is
    /// written for the same owner later gets a new key. Destroying what is not there is no error.
    async fn destroy(&self, owner: Owner) -> Result<(), KeyError>;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;

    #[test]
    fn an_owner_is_known_again_by_its_bytes_and_never_printed() {
        let id = Uuid::from_bytes([0xab; 16]);
        for owner in [
            Owner::Installation,
            Owner::Directory,
            Owner::Citizen([0xab; 16]),
            Owner::State([0xab; 16]),
            Owner::Blob(id),
        ] {
            assert_eq!(Owner::of(owner.bytes()), Some(owner));
            assert_eq!(format!("{owner:?}"), format!("Owner({})", owner.kind()));
        }
        assert_eq!(Owner::of([b'i'; 17]), None);
        assert_eq!(Owner::of([b'x'; 17]), None);
    }

    #[test]
    fn a_key_never_prints_itself() {
        let key = DataKey::filled(|bytes| {
            bytes.fill(0x41);
            Ok::<_, ()>(())
        });
        let key = key.unwrap();
        assert_eq!(format!("{key:?}"), "DataKey(…)");
        assert_eq!(key.expose(), &[0x41; 32]);
    }
}
