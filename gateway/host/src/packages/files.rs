//! The files of installed packages, `<id>/<version>-<digest>.wasm`: written whole or not at all, and never changed. What
//! is read back is held to its digest and its signature by whoever reads it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use dialog_contract::{ids::PluginId, plugin::PluginVersion};

use crate::file;

/// The folder of all packages.
#[derive(Debug, Clone)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// Opens the folder, and makes it where it is not there.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        made(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes a package, durably.
    pub(super) async fn put(&self, plugin: &PluginId, version: &PluginVersion, bytes: Vec<u8>) -> io::Result<()> {
        let (folder, path) = (self.folder.join(plugin.as_str()), self.path(plugin, version));
        let parent = self.folder.clone();
        blocking(move || {
            made(&folder)?;
            let draft = folder.join(format!(".draft-{}", uuid::Uuid::new_v4()));
            let written = (|| {
                let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                fs::rename(&draft, &path)
            })();
            if written.is_err() {
                let _ = fs::remove_file(&draft);
            }
            written?;
            // The names are durable as well.
            File::open(&folder)?.sync_all()?;
            File::open(&parent)?.sync_all()
        })
        .await
    }

    /// Reads a package.
    pub(super) async fn get(&self, plugin: &PluginId, version: &PluginVersion, limit: u64) -> io::Result<Vec<u8>> {
        let path = self.path(plugin, version);
        blocking(move || file::read(&path, limit)).await
    }

    /// Removes all of a plugin's packages but these. What cannot be removed takes room, and does nothing else.
    pub(super) async fn keep(&self, plugin: &PluginId, kept: &[&PluginVersion]) {
        let folder = self.folder.join(plugin.as_str());
        let kept: Vec<PathBuf> = kept.iter().map(|version| self.path(plugin, version)).collect();
        let removed = blocking(move || {
            if !folder.exists() {
                return Ok(());
            }
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if !kept.contains(&path) {
                    fs::remove_file(path)?;
                }
            }
            Ok(())
        });
        if let Err(error) = removed.await {
            tracing::warn!(%plugin, %error, "a package that is no longer kept could not be removed");
        }
    }

    /// A manifest's version is of letters, digits, `.`, `-` and `+`; an id and a digest of fewer.
    fn path(&self, plugin: &PluginId, version: &PluginVersion) -> PathBuf {
        self.folder.join(plugin.as_str()).join(format!("{}-{}.wasm", version.version, version.digest))
    }
}

/// Makes a folder that the gateway alone can enter.
fn made(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::from)?
}
