//! The owners' keys: wrapped in files, unwrapped in memory while they are in use.
//!
//! Everything that reads or changes an owner's file takes that owner's turn, and is carried to its end in a task of its
//! own also where the caller goes away: a key that was destroyed is never remembered again by somebody who had begun to
//! read it, and no two keys are made for one owner.
//!
//! **Rotation.** A new master key is put first in the configuration, the old one after it. From then on it wraps what is
//! new; [`KeyRing::rewrap`] wraps the rest anew, one file at a time, each durable by itself: it may be broken off at any
//! moment, and goes on where it was. The file `wrapped-by` names the master key that is known to wrap everything; it goes
//! when another one begins, and comes back when all is done. Then the old key can go.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use dialog_core::ports::keys::{KeyError, KeyService, Keyring, Owner};

use super::{
    cipher::{self, KeyId},
    key_file::{INCOMING, KeyFile, owners_in, shards, unavailable},
    remembered::{OwnerKey, Remembered},
};
use crate::{
    error::OpenError,
    folder::{FolderLock, create_private},
    sync::{Fsync, SyncCalls},
};

/// Names the master key that wraps every key.
const WRAPPED_BY: &str = "wrapped-by";

/// Turns that owners share: two of them seldom meet in one.
const TURNS: usize = 256;

/// The keys of all owners, in a folder that belongs to one process at a time. All clones are one.
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    service: Arc<dyn KeyService>,
    sync: Arc<dyn SyncCalls>,
    remembered: Mutex<Remembered>,
    turns: Vec<Arc<tokio::sync::Mutex<()>>>,
    _lock: FolderLock,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

/// How far [`KeyRing::rewrap`] is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rewrap {
    /// Keys that this run wrapped anew.
    pub done: usize,
    /// Keys that are still wrapped under an earlier master key.
    pub remaining: usize,
}

/// What is known of an owner's key.
enum Known {
    /// It has this one.
    Key(Arc<OwnerKey>),
    /// It has none; it had these.
    Destroyed(Vec<KeyId>),
    /// It never had one.
    Nothing,
}

impl KeyRing {
    /// Opens the folder, and creates it where it is missing.
    ///
    /// # Errors
    /// [`OpenError::InUse`] where another process has it open, [`OpenError::Io`] where it cannot be read or written.
    pub async fn open(folder: impl Into<PathBuf>, service: Arc<dyn KeyService>) -> Result<Self, OpenError> {
        let root = folder.into();
        let folder = root.clone();
        tokio::task::spawn_blocking(move || prepare(root, service, Arc::new(Fsync)))
            .await
            .unwrap_or_else(|_| Err(OpenError::Damaged { folder, detail: "opening it broke off".into() }))
    }

    /// The key that the owner's values are encrypted under now; made where there is none.
    pub(super) async fn to_seal(&self, owner: Owner) -> Result<Arc<OwnerKey>, KeyError> {
        if let Some(key) = self.shared.remembered().get(owner) {
            return Ok(key);
        }
        match self.in_turn(owner, move |shared| shared.load(owner, true)).await? {
            Known::Key(key) => Ok(key),
            Known::Destroyed(_) | Known::Nothing => Err(KeyError::Missing { owner }),
        }
    }

    /// The owner's key of this id; none where it was destroyed.
    pub(super) async fn to_open(&self, owner: Owner, id: KeyId) -> Result<Option<Arc<OwnerKey>>, KeyError> {
        let remembered = self.shared.remembered().get(owner);
        if let Some(key) = remembered.filter(|key| key.id == id) {
            return Ok(Some(key));
        }
        match self.in_turn(owner, move |shared| shared.load(owner, false)).await? {
            Known::Key(key) if key.id == id => Ok(Some(key)),
            Known::Key(_) => match self.shared.read(owner).await? {
                Some(file) if file.destroyed.contains(&id) => Ok(None),
                _ => Err(KeyError::Missing { owner }),
            },
            Known::Destroyed(ids) if ids.contains(&id) => Ok(None),
            Known::Destroyed(_) | Known::Nothing => Err(KeyError::Missing { owner }),
        }
    }

    /// Destroys an owner's key without a trace: for owners that have one thing, which goes too.
    pub(super) async fn remove(&self, owner: Owner) -> Result<(), KeyError> {
        self.in_turn(owner, move |shared| async move {
            shared.blocking(move |folder, sync| KeyFile::remove(folder, owner, sync)).await?;
            shared.remembered().remove(owner);
            Ok(())
        })
        .await
    }

    /// Whether keys may still be wrapped under an earlier master key.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn rewrap_is_due(&self) -> Result<bool, KeyError> {
        let recorded = wrapped_by(&self.shared.folder).map_err(unavailable("read which master key wraps"))?;
        Ok(recorded.as_deref() != Some(self.shared.service.current()))
    }

    /// Wraps every key under the current master key that is wrapped under an earlier one. `told` hears how far it is, at
    /// the beginning, after each key and at the end; where it says false the run ends, and another goes on.
    ///
    /// # Errors
    /// Where a key cannot be read or written, or its master key is not there.
    pub async fn rewrap(&self, mut told: impl FnMut(Rewrap) -> bool + Send) -> Result<Rewrap, KeyError> {
        let mut so_far = Rewrap::default();
        for shard in shards() {
            so_far.remaining += self.outstanding(&shard).await?.len();
        }
        if !told(so_far) {
            return Ok(so_far);
        }
        for shard in shards() {
            for owner in self.outstanding(&shard).await? {
                if self.in_turn(owner, move |shared| shared.rewrap(owner)).await? {
                    so_far.done += 1;
                    so_far.remaining = so_far.remaining.saturating_sub(1);
                    if !told(so_far) {
                        return Ok(so_far);
                    }
                }
            }
        }
        so_far.remaining = 0;
        let current = self.shared.service.current().to_owned();
        self.shared.blocking(move |folder, sync| say_wrapped_by(folder, &current, sync)).await?;
        told(so_far);
        Ok(so_far)
    }

    /// The owners of a shard whose keys are wrapped under an earlier master key.
    async fn outstanding(&self, shard: &str) -> Result<Vec<Owner>, KeyError> {
        let (shard, current) = (shard.to_owned(), self.shared.service.current().to_owned());
        self.shared
            .blocking(move |folder, _| {
                let mut owners = owners_in(folder, &shard)?;
                let mut failed = None;
                owners.retain(|owner| match KeyFile::read(folder, *owner) {
                    Ok(file) => file.and_then(|file| file.key).is_some_and(|(_, wrapped)| wrapped.master != current),
                    Err(error) => {
                        failed.get_or_insert(error);
                        false
                    }
                });
                failed.map_or(Ok(owners), Err)
            })
            .await
    }

    /// Does `work` in the owner's turn, to its end.
    async fn in_turn<T: Send + 'static, Work: Future<Output = Result<T, KeyError>> + Send + 'static>(
        &self,
        owner: Owner,
        work: impl FnOnce(Arc<Shared>) -> Work + Send + 'static,
    ) -> Result<T, KeyError> {
        let shared = Arc::clone(&self.shared);
        let [.., last] = owner.bytes();
        let turn = Arc::clone(&shared.turns[usize::from(last) % TURNS]);
        tokio::spawn(async move {
            let _turn = turn.lock_owned().await;
            work(shared).await
        })
        .await
        .unwrap_or_else(|_| Err(KeyError::Unavailable("the process is shutting down".into())))
    }
}

#[async_trait]
impl Keyring for KeyRing {
    async fn destroy(&self, owner: Owner) -> Result<(), KeyError> {
        self.in_turn(owner, move |shared| async move {
            if let Some(KeyFile { key: Some((id, _)), mut destroyed }) = shared.read(owner).await? {
                destroyed.push(id);
                let file = KeyFile { key: None, destroyed };
                shared.blocking(move |folder, sync| file.write(folder, owner, sync)).await?;
            }
            shared.remembered().remove(owner);
            Ok(())
        })
        .await
    }
}

impl Shared {
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// File work, on the runtime's blocking threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path, &dyn SyncCalls) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let (folder, sync) = (self.folder.clone(), Arc::clone(&self.sync));
        tokio::task::spawn_blocking(move || work(&folder, &*sync))
            .await
            .unwrap_or_else(|_| Err(KeyError::Unavailable("the process is shutting down".into())))
    }

    async fn read(&self, owner: Owner) -> Result<Option<KeyFile>, KeyError> {
        self.blocking(move |folder, _| KeyFile::read(folder, owner)).await
    }

    /// The owner's key; where there is none it is made, if it may be. In the owner's turn.
    async fn load(self: Arc<Self>, owner: Owner, make: bool) -> Result<Known, KeyError> {
        // Whoever had the turn before may have come for the same key.
        if let Some(key) = self.remembered().get(owner) {
            return Ok(Known::Key(key));
        }
        let found = self.read(owner).await?;
        let key = match found {
            Some(KeyFile { key: Some((id, wrapped)), .. }) => {
                OwnerKey { id, key: self.service.unwrap(&wrapped, owner, &context(owner, id)).await? }
            }
            None if !make => return Ok(Known::Nothing),
            Some(KeyFile { key: None, destroyed }) if !make => return Ok(Known::Destroyed(destroyed)),
            nothing => self.make(owner, nothing.unwrap_or_default()).await?,
        };
        let key = Arc::new(key);
        self.remembered().insert(owner, Arc::clone(&key));
        Ok(Known::Key(key))
    }

    async fn make(&self, owner: Owner, file: KeyFile) -> Result<OwnerKey, KeyError> {
        let failed = |_| KeyError::Unavailable("the system has no random numbers".into());
        let (id, key) = (cipher::new_id().map_err(failed)?, cipher::new_key().map_err(failed)?);
        let wrapped = self.service.wrap(&key, owner, &context(owner, id)).await?;
        let file = KeyFile { key: Some((id, wrapped)), ..file };
        self.blocking(move |folder, sync| file.write(folder, owner, sync)).await?;
        Ok(OwnerKey { id, key })
    }

    /// Wraps the owner's key under the current master key; false where it is, or was destroyed. In the owner's turn.
    async fn rewrap(self: Arc<Self>, owner: Owner) -> Result<bool, KeyError> {
        let Some(KeyFile { key: Some((id, wrapped)), destroyed }) = self.read(owner).await? else { return Ok(false) };
        if wrapped.master == self.service.current() {
            return Ok(false);
        }
        let context = context(owner, id);
        let key = self.service.unwrap(&wrapped, owner, &context).await?;
        let wrapped = self.service.wrap(&key, owner, &context).await?;
        let file = KeyFile { key: Some((id, wrapped)), destroyed };
        self.blocking(move |folder, sync| file.write(folder, owner, sync)).await?;
        Ok(true)
    }
}

/// What a wrapped key is bound to.
fn context(owner: Owner, id: KeyId) -> Vec<u8> {
    [b"dialog-key/1".as_slice(), &owner.bytes(), &id].concat()
}

fn prepare(root: PathBuf, service: Arc<dyn KeyService>, sync: Arc<dyn SyncCalls>) -> Result<KeyRing, OpenError> {
    let lock = FolderLock::take(&root, &*sync)?;
    let incoming = root.join(INCOMING);
    let is_new = !incoming.exists();
    for shard in shards() {
        create_private(&root.join(shard))?;
    }
    let current = service.current();
    let recorded = wrapped_by(&root).map_err(OpenError::io(&root, "read which master key wraps"))?;
    if is_new {
        say_wrapped_by(&root, current, &*sync).map_err(broken(&root))?;
    } else if recorded.is_some_and(|recorded| recorded != current) {
        // From now on keys are wrapped under two: should the configuration go back, it must not look as if all were done.
        let path = root.join(WRAPPED_BY);
        std::fs::remove_file(&path).map_err(OpenError::io(&path, "remove"))?;
    }
    create_private(&incoming)?;
    for left in std::fs::read_dir(&incoming).map_err(OpenError::io(&incoming, "list"))? {
        let path = left.map_err(OpenError::io(&incoming, "list"))?.path();
        std::fs::remove_file(&path).map_err(OpenError::io(&path, "remove what a broken write left"))?;
    }
    sync.folder(&root).map_err(OpenError::io(&root, "make its names durable"))?;
    let turns = (0..TURNS).map(|_| Arc::default()).collect();
    let shared = Shared { folder: root, service, sync, remembered: Mutex::default(), turns, _lock: lock };
    Ok(KeyRing { shared: Arc::new(shared) })
}

fn wrapped_by(folder: &Path) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(folder.join(WRAPPED_BY)) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn say_wrapped_by(folder: &Path, master: &str, sync: &dyn SyncCalls) -> Result<(), KeyError> {
    let failed = "record which master key wraps";
    let path = folder.join(WRAPPED_BY);
    let written = std::fs::write(&path, format!("{master}\n"))
        .and_then(|()| sync.file(&path, &std::fs::File::open(&path)?))
        .and_then(|()| sync.folder(folder));
    written.map_err(unavailable(failed))
}

fn broken(folder: &Path) -> impl FnOnce(KeyError) -> OpenError {
    let folder = folder.to_path_buf();
    move |error| OpenError::Damaged { folder, detail: error.to_string() }
}
