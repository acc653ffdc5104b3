//! What `--out DIR` leaves: every message of the public solution, the audit log with its key, the API's document, the
//! story, and what the gateway logged.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use dialog_contract::openapi;

use super::teller::Teller;
use crate::house::House;

/// The story's file; where it is, the rest is ours too.
const STORY: &str = "story.json";

/// Refuses a folder that holds something else than an earlier story: asked before the story is played.
pub fn may_be_left_in(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() && !folder.join(STORY).exists() && fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty, and no story was left there before", folder.display());
    }
    Ok(())
}

/// Writes everything below `folder`, in place of what an earlier story left there. The gateway must have stopped: its
/// audit log is copied file by file.
pub fn leave(folder: &Path, tell: &Teller, house: &House) -> anyhow::Result<()> {
    may_be_left_in(folder)?;
    let messages = folder.join("messages");
    for earlier in [&messages, &folder.join("audit")] {
        if earlier.exists() {
            fs::remove_dir_all(earlier).with_context(|| earlier.display().to_string())?;
        }
    }
    fs::create_dir_all(&messages).with_context(|| messages.display().to_string())?;
    for message in house.meldingstjener.messages() {
        fs::write(messages.join(message.file_name()), &message.raw)?;
    }
    copy(&house.audit(), &folder.join("audit"))?;
    fs::write(folder.join("audit.vkey"), house.audit_key()?)?;
    fs::write(folder.join("openapi.yaml"), openapi::bundle_yaml())?;
    fs::copy(house.log(), folder.join("gateway.log")).context("the gateway's log")?;
    fs::write(folder.join(STORY), serde_json::to_vec_pretty(&tell.steps)?)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
