//! Machine code of plugins, kept between starts. The one module of the gateway that allows `unsafe`: loading machine
//! code is running it, and the engine cannot check it.
//!
//! The safety argument. [`wasmtime::component::Component::deserialize`] requires bytes that
//! [`wasmtime::Engine::precompile_component`] of an engine like it made. What is loaded here comes from the compiler that
//! the host was given ([`crate::compile`]): in the gateway this very binary, in a process that it started itself, over a
//! pipe that nobody else holds; and it goes into the cache before it is used again. What comes from the cache
//! 1. lies in a folder that belongs to the gateway's own user and that nobody else can enter (mode 0700, checked),
//! 2. was written by [`Cache::adopt`] alone, in one rename, as it came from the compiler,
//! 3. begins with the SHA-256 of its code together with the component's digest and the engine's compatibility hash; the
//!    digest is checked over the very bytes that are then loaded (they are read into memory first, not mapped, so that
//!    nothing can change between the check and the use), so that a torn, rotten or exchanged file is compiled anew,
//! 4. is checked by the engine itself for its version, flags and processor features.
//!
//! Whoever can write to that folder as the gateway's user can also write to the gateway's binary.

#![allow(unsafe_code, reason = "loads machine code; see the safety argument in the module's documentation")]

use std::{
    fs,
    hash::{Hash, Hasher},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

use crate::{limits::COMPILED_BYTES, package::hex};

/// What a file of the cache begins with; the number changes with the form.
const MAGIC: &[u8; 16] = b"dialog-cwasm/1\n\0";

/// Bytes before the code: [`MAGIC`] and a SHA-256.
const HEADER_BYTES: usize = 16 + 32;

/// Why the cache cannot be used at all. A single file that cannot be used is only compiled anew.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder cannot be made or read.
    #[error("the cache folder {path} cannot be used: {error}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The folder is not the gateway's own.
    #[error("the cache folder {path} {problem}: machine code is loaded from it, so it must be the gateway's alone")]
    NotOurs {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
}

/// The cache folder.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// The user whom the folder and every file in it belong to.
    owner: u32,
    /// Of the engine: changes with its version, its flags and the processor's features.
    compatibility: String,
}

impl Cache {
    /// Opens the folder, and makes it where it is not there.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> Result<Self, CacheError> {
        let failed = |error| CacheError::Folder { path: folder.to_owned(), error };
        let not_ours = |problem| CacheError::NotOurs { path: folder.to_owned(), problem };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let found = fs::symlink_metadata(folder).map_err(failed)?;
        if !found.is_dir() {
            return Err(not_ours("is not a folder"));
        }
        // Whose files we write says who we are; asking the system takes a call that is not in the standard library.
        let probe = folder.join(format!(".probe-{}", uuid::Uuid::new_v4()));
        fs::write(&probe, b"").map_err(failed)?;
        let ours = fs::symlink_metadata(&probe).map_err(failed)?.uid();
        fs::remove_file(&probe).map_err(failed)?;
        if found.uid() != ours {
            return Err(not_ours("belongs to another user"));
        }
        if found.mode() & 0o022 != 0 {
            return Err(not_ours("could be written by other users"));
        }
        if found.mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
        let mut hasher = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.to_owned(), owner: ours, compatibility: hex(&hasher.0.finalize()) })
    }

    /// The component with this digest, if its code is here and whole.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest);
        let found = fs::symlink_metadata(&path).ok()?;
        if !found.is_file() || found.len() > COMPILED_BYTES || found.uid() != self.owner || found.mode() & 0o022 != 0 {
            return None;
        }
        let bytes = fs::read(&path).ok()?;
        let Some(code) = self.checked(digest, &bytes) else {
            tracing::warn!(file = %path.display(), "a file of the plugin cache is damaged; the plugin is compiled anew");
            return None;
        };
        // SAFETY: these very bytes came from the compiler for an engine with this compatibility hash, and were written by
        // this module, as the SHA-256 before them shows; see the module's documentation.
        match unsafe { Component::deserialize(engine, code) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a file of the plugin cache does not fit; the plugin is compiled anew");
                None
            }
        }
    }

    /// Loads what the compiler made of a component, and keeps it. A cache that cannot be written costs time at the next
    /// start and nothing else.
    pub(crate) fn adopt(&self, engine: &Engine, digest: &str, code: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: these bytes came from the compiler; see the module's documentation. The engine itself checks that they
        // were made for its version, flags and processor.
        let component = unsafe { Component::deserialize(engine, code) }?;
        if let Err(error) = self.write(digest, code) {
            tracing::warn!(folder = %self.folder.display(), %error, "compiled code could not be kept");
        }
        Ok(component)
    }

    fn write(&self, digest: &str, code: &[u8]) -> std::io::Result<()> {
        let draft = self.folder.join(format!(".draft-{}", uuid::Uuid::new_v4()));
        let written = (|| {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&draft)?;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(MAGIC)?;
            file.write_all(&self.seal(digest, code))?;
            file.write_all(code)?;
            file.sync_all()?;
            fs::rename(&draft, self.path(digest))
        })();
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// The code in a file's bytes, if the file is whole and this component's.
    fn checked<'a>(&self, digest: &str, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (header, code) = bytes.split_at_checked(HEADER_BYTES)?;
        let seal = header.strip_prefix(MAGIC)?;
        (seal == self.seal(digest, code)).then_some(code)
    }

    fn seal(&self, digest: &str, code: &[u8]) -> [u8; 32] {
        Sha256::new()
            .chain_update(digest)
            .chain_update(b"\n")
            .chain_update(&self.compatibility)
            .chain_update(b"\n")
            .chain_update(code)
            .finalize()
            .into()
    }

    fn path(&self, digest: &str) -> PathBuf {
        // A quarter of the hash names the file; all of it is in the seal.
        self.folder.join(format!("{digest}-{}.cwasm", &self.compatibility[..16]))
    }
}

/// A hasher that forgets nothing: the standard one's 64 bits are for tables, not for deciding what code is run.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        u64::from_be_bytes([digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{engine::Engine as Host, limits::Limits};

    fn engine() -> Host {
        Host::new(&Limits { calls_at_once: 1, ..Limits::default() }).unwrap()
    }

    /// Keeps a small component's code under a digest.
    fn keep(cache: &Cache, engine: &Engine, digest: &str) {
        let component = wat::parse_str("(component (core module (func (export \"f\"))))").unwrap();
        let code = crate::engine::compiler().unwrap().precompile_component(&component).unwrap();
        cache.adopt(engine, digest, &code).unwrap();
    }

    #[test]
    fn code_that_the_compiler_did_not_make_for_this_engine_is_not_loaded() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let cache = Cache::open(folder.path(), engine.wasmtime()).unwrap();
        assert!(cache.adopt(engine.wasmtime(), "aa", b"no code").is_err());
        assert!(!cache.path("aa").exists());
    }

    #[test]
    fn what_was_kept_is_found_again() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let cache = Cache::open(folder.path(), engine.wasmtime()).unwrap();
        assert!(cache.load(engine.wasmtime(), "aa").is_none());
        keep(&cache, engine.wasmtime(), "aa");
        assert!(cache.load(engine.wasmtime(), "aa").is_some());
        let again = Cache::open(folder.path(), engine.wasmtime()).unwrap();
        assert!(again.load(engine.wasmtime(), "aa").is_some());
    }

    #[test]
    fn a_file_with_one_bit_changed_is_never_loaded() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let cache = Cache::open(folder.path(), engine.wasmtime()).unwrap();
        keep(&cache, engine.wasmtime(), "aa");
        let path = cache.path("aa");
        let whole = fs::read(&path).unwrap();
        for at in [0, 20, HEADER_BYTES, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert!(cache.load(engine.wasmtime(), "aa").is_none(), "changed at {at}");
        }
        for length in [0, 10, HEADER_BYTES, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(cache.load(engine.wasmtime(), "aa").is_none(), "cut to {length}");
        }
    }

    #[test]
    fn one_plugins_code_is_not_taken_for_anothers() {
        let (folder, engine) = (tempfile::tempdir().unwrap(), engine());
        let cache = Cache::open(folder.path(), engine.wasmtime()).unwrap();
        keep(&cache, engine.wasmtime(), "aa");
        fs::copy(cache.path("aa"), cache.path("bb")).unwrap();
        assert!(cache.load(engine.wasmtime(), "bb").is_none());
    }

    #[test]
    fn a_folder_that_others_could_enter_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Cache::open(folder.path(), engine().wasmtime()).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_that_others_could_have_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = Cache::open(folder.path(), engine().wasmtime()).unwrap_err();
        assert!(error.to_string().contains("could be written by other users"), "{error}");
    }

    #[test]
    fn a_link_in_place_of_the_folder_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let (real, link) = (place.path().join("real"), place.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(matches!(Cache::open(&link, engine().wasmtime()), Err(CacheError::NotOurs { .. })));
    }
}
