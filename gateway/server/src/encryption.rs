//! The master keys that wrap all others, from the configuration; and wrapping anew what an earlier one wrapped.

use std::{io::Write, sync::Arc};

use anyhow::Context as _;
use dialog_store::{KeyRing, MasterKeys, Rewrap};
use secrecy::ExposeSecret as _;

use crate::config::{Config, EncryptionConfig};

/// Keys that are wrapped anew between two words about how far it is: some seconds' worth.
const WORD_AFTER: usize = 1000;

/// Reads the master keys.
///
/// # Errors
/// All that is wrong with them, each with its key in the configuration.
pub fn master_keys(config: &EncryptionConfig) -> Result<MasterKeys, Vec<String>> {
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for (at, entry) in config.keys.iter().enumerate() {
        let read = entry.key.read().map_err(|error| error.to_string());
        match read.and_then(|key| MasterKeys::parse(key.expose_secret()).map_err(|error| error.to_string())) {
            Ok(key) => keys.push((entry.id.clone(), key)),
            Err(error) => problems.push(format!("encryption.keys[{at}].key: {error}")),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    MasterKeys::new(keys).map_err(|error| vec![format!("encryption.keys: {error}")])
}

/// Opens the keys of a data folder.
///
/// # Errors
/// Where the master keys are not usable, or another process has the folder open.
pub async fn open(config: &Config) -> anyhow::Result<KeyRing> {
    let service = master_keys(&config.encryption).map_err(|problems| anyhow::anyhow!(problems.join("\n  ")))?;
    KeyRing::open(config.data.folder.join("keys"), Arc::new(service)).await.context("open the keys")
}

/// `dialog-gateway rewrap`: wraps every key under the current master key, and says how many remain. A gateway that runs
/// does so by itself; this is for one that does not.
///
/// # Errors
/// Where the gateway runs, or a key cannot be read or written.
pub fn rewrap(config: &Config, said: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime")?;
    runtime.block_on(async {
        let keys = open(config).await?;
        let mut failed = None;
        let done = keys
            .rewrap(|so_far| {
                let told = if is_told(so_far) { say(said, so_far) } else { Ok(()) };
                failed = told.err();
                failed.is_none()
            })
            .await?;
        if let Some(error) = failed {
            return Err(error).context("say how far it is");
        }
        writeln!(said, "{} keys were wrapped anew; none remains under an earlier master key", done.done)?;
        Ok(())
    })
}

/// Whether it is time for a word.
#[must_use]
pub const fn is_told(so_far: Rewrap) -> bool {
    so_far.done.is_multiple_of(WORD_AFTER) && so_far.remaining > 0
}

fn say(said: &mut dyn Write, so_far: Rewrap) -> std::io::Result<()> {
    writeln!(said, "{} keys remain to be wrapped anew", so_far.remaining)?;
    said.flush()
}
