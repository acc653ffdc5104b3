//! One owner's key on disk: a small JSON file, replaced whole, and overwritten where it is given up.
//!
//! `<folder>/<last byte of the owner>/<kind>.<owner>`: version 7 ids begin with the time, so that the last byte spreads
//! them. A file holds the wrapped key, under which master key it is wrapped, and the ids of keys that the owner had
//! before and that were destroyed: so a value that nobody may read any more is told from one whose key was lost.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use dialog_core::ports::keys::{KeyError, Owner, Wrapped};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::cipher::KeyId;
use crate::{limits::KEY_FILE_BYTES, sync::SyncCalls};

/// Where files are written before they are published.
pub(super) const INCOMING: &str = "incoming";

/// What is kept of an owner's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct KeyFile {
    /// The key that the owner has now, wrapped; none after it was destroyed.
    pub(super) key: Option<(KeyId, Wrapped)>,
    /// Keys that it had before.
    pub(super) destroyed: Vec<KeyId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    form: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<FormOfKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    destroyed: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormOfKey {
    id: String,
    master: String,
    wrapped: String,
}

/// Version of the form.
const FORM: u8 = 1;

impl KeyFile {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let Form { form: FORM, key, destroyed } = serde_json::from_slice(bytes).ok()? else { return None };
        let id = |text: &str| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok();
        let key = match key {
            Some(FormOfKey { id: name, master, wrapped }) => {
                Some((id(&name)?, Wrapped { master, bytes: URL_SAFE_NO_PAD.decode(wrapped).ok()? }))
            }
            None => None,
        };
        Some(Self { key, destroyed: destroyed.iter().map(|text| id(text)).collect::<Option<_>>()? })
    }

    fn bytes(&self) -> Vec<u8> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key = self.key.as_ref().map(|(id, wrapped)| FormOfKey {
            id: text(id),
            master: wrapped.master.clone(),
            wrapped: text(&wrapped.bytes),
        });
        let form = Form { form: FORM, key, destroyed: self.destroyed.iter().map(|id| text(id)).collect() };
        // Strings and lists of strings have a JSON form.
        serde_json::to_vec(&form).unwrap_or_default()
    }

    /// Reads an owner's file; none where there is none.
    pub(super) fn read(folder: &Path, owner: Owner) -> Result<Option<Self>, KeyError> {
        let file = match File::open(path_of(folder, owner)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unavailable("open a key")(error)),
        };
        let mut bytes = Vec::new();
        file.take(KEY_FILE_BYTES).read_to_end(&mut bytes).map_err(unavailable("read a key"))?;
        Self::parse(&bytes).map(Some).ok_or(KeyError::Changed { owner })
    }

    /// Writes an owner's file durably, in place of what was there, which is then overwritten.
    pub(super) fn write(&self, folder: &Path, owner: Owner, sync: &dyn SyncCalls) -> Result<(), KeyError> {
        let path = path_of(folder, owner);
        let mut file = NamedTempFile::new_in(folder.join(INCOMING)).map_err(unavailable("create a key's file"))?;
        file.write_all(&self.bytes()).map_err(unavailable("write a key"))?;
        sync.file(file.path(), file.as_file()).map_err(unavailable("make a key durable"))?;
        let before = open_to_overwrite(&path)?;
        file.persist(&path).map_err(|refused| unavailable("publish a key")(refused.error))?;
        sync.folder(&folder.join(shard_of(owner))).map_err(unavailable("make a key's name durable"))?;
        // The name leads to the new file; what the old one held goes from the disk too, as far as a file system lets us.
        before.map_or(Ok(()), |before| overwrite(&path, before, sync))
    }

    /// Removes an owner's file, with what it held.
    pub(super) fn remove(folder: &Path, owner: Owner, sync: &dyn SyncCalls) -> Result<(), KeyError> {
        let path = path_of(folder, owner);
        let Some(before) = open_to_overwrite(&path)? else { return Ok(()) };
        overwrite(&path, before, sync)?;
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unavailable("remove a key")(error)),
        }
        sync.folder(&folder.join(shard_of(owner))).map_err(unavailable("make a removal durable"))
    }
}

fn open_to_overwrite(path: &Path) -> Result<Option<File>, KeyError> {
    match OpenOptions::new().write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable("open a key to overwrite it")(error)),
    }
}

fn overwrite(path: &Path, mut file: File, sync: &dyn SyncCalls) -> Result<(), KeyError> {
    let failed = unavailable("overwrite a key");
    let written = file.metadata().and_then(|found| {
        let length = usize::try_from(found.len().min(KEY_FILE_BYTES)).unwrap_or_default();
        file.write_all(&vec![0; length])?;
        sync.file(path, &file)
    });
    written.map_err(failed)
}

/// The folders that keys lie in.
pub(super) fn shards() -> impl Iterator<Item = String> {
    (0..=u8::MAX).map(|byte| format!("{byte:02x}"))
}

fn shard_of(owner: Owner) -> String {
    let [.., last] = owner.bytes();
    format!("{last:02x}")
}

fn path_of(folder: &Path, owner: Owner) -> PathBuf {
    let [_, id @ ..] = owner.bytes();
    folder.join(shard_of(owner)).join(format!("{}.{}", owner.kind(), Uuid::from_bytes(id).simple()))
}

/// The owner whose file has this name; none where it is no such file.
pub(super) fn owner_of(name: &str) -> Option<Owner> {
    let (kind, id) = name.split_once('.')?;
    let id = Uuid::try_parse(id).ok()?;
    let mut bytes = [kind.bytes().next()?; 17];
    bytes[1..].copy_from_slice(id.as_bytes());
    Owner::of(bytes).filter(|owner| owner.kind() == kind)
}

/// The owners with a file in one of [`shards`].
pub(super) fn owners_in(folder: &Path, shard: &str) -> Result<Vec<Owner>, KeyError> {
    let entries = std::fs::read_dir(folder.join(shard)).map_err(unavailable("list keys"))?;
    let mut owners = Vec::new();
    for entry in entries {
        let name = entry.map_err(unavailable("list keys"))?.file_name();
        match name.to_str().and_then(owner_of) {
            Some(owner) => owners.push(owner),
            None => tracing::warn!(shard, "a file among the keys is none"),
        }
    }
    Ok(owners)
}

pub(super) fn unavailable(action: &'static str) -> impl FnOnce(io::Error) -> KeyError {
    move |error| KeyError::Unavailable(format!("cannot {action}: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test, which is what it is for")]

    use super::*;
    use crate::{folder::create_private, sync::Fsync};

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in shards().chain([INCOMING.to_owned()]) {
            create_private(&folder.path().join(name)).unwrap();
        }
        folder
    }

    fn file(wrapped: &[u8]) -> KeyFile {
        let wrapped = Wrapped { master: "2026".into(), bytes: wrapped.to_vec() };
        KeyFile { key: Some(([1; 8], wrapped)), destroyed: vec![[2; 8], [3; 8]] }
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_by_its_owner_alone() {
        let folder = folder();
        let owner = Owner::Citizen([0xc1; 16]);
        file(b"one").write(folder.path(), owner, &Fsync).unwrap();
        assert_eq!(KeyFile::read(folder.path(), owner).unwrap(), Some(file(b"one")));
        assert_eq!(KeyFile::read(folder.path(), Owner::State([0xc1; 16])).unwrap(), None);
        assert_eq!(owners_in(folder.path(), "c1").unwrap(), [owner]);
        std::fs::write(path_of(folder.path(), owner), b"{}").unwrap();
        assert!(matches!(KeyFile::read(folder.path(), owner), Err(KeyError::Changed { .. })));
    }

    /// Through a second name of the same file, as a copy on the file system would keep it.
    #[test]
    fn what_a_replaced_or_removed_file_held_is_overwritten() {
        let folder = folder();
        let owner = Owner::Directory;
        let remembered = |number: u8| folder.path().join(format!("again-{number}"));
        for (number, next) in [(1, Some(b"two".as_slice())), (2, None)] {
            if number == 1 {
                file(b"one").write(folder.path(), owner, &Fsync).unwrap();
            }
            std::fs::hard_link(path_of(folder.path(), owner), remembered(number)).unwrap();
            match next {
                Some(next) => file(next).write(folder.path(), owner, &Fsync).unwrap(),
                None => KeyFile::remove(folder.path(), owner, &Fsync).unwrap(),
            }
            let left = std::fs::read(remembered(number)).unwrap();
            assert!(!left.is_empty() && left.iter().all(|byte| *byte == 0));
        }
        assert_eq!(KeyFile::read(folder.path(), owner).unwrap(), None);
        KeyFile::remove(folder.path(), owner, &Fsync).unwrap();
    }
}
