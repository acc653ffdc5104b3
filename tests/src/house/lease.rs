//! The demo's folder, which outlives the demo: taken by one demo at a time, and begun anew where what is in it is of no use
//! any more. Nobody's folder but the demo's own.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};

use super::{House, Plan};

/// The form of what the demo leaves in its folder. Another number wherever what the gateway keeps has taken another form:
/// the demo of before is not read then.
const FORM: &str = "2";

/// Says the form.
const MARK: &str = "demo.form";

/// What every demo has left in its folder, also those from before there was a mark.
const LEFT: [&str; 2] = ["gateway.toml", "issuer.jwks"];

/// A demo on its folder, for as long as it runs.
pub struct Demo {
    /// The house.
    pub house: House,
    /// Why it did not go on with what was there; none where it did, or where nothing was.
    pub begun_anew: Option<String>,
    // The system lets go of it however the process ends.
    _lock: File,
}

impl Demo {
    /// Opens the house that is planned for the demo's folder, on what the folder holds. Where that is of no use, because
    /// it is of another form or because the gateway does not start with it, the house is opened on an empty folder, and
    /// what was there is removed: but only once the gateway runs, so that nothing is lost for another reason.
    ///
    /// # Errors
    /// Where another demo has the folder, it is not a demo's, or the house cannot be opened on an empty folder either.
    pub async fn open(plan: Plan) -> anyhow::Result<Self> {
        let folder = plan.folder.clone();
        let lock = take(&folder)?;
        let there = holds_something(&folder)?;
        if there && !is_a_demos(&folder) {
            bail!("{} holds what is not the demo's: nothing in it is touched", folder.display());
        }
        let mut house = House::furnished(plan).await?;
        let begun_anew = if !there {
            None
        } else if fs::read_to_string(folder.join(MARK)).ok().as_deref() != Some(FORM) {
            Some("it is of an earlier demo, which kept its data in another form".to_owned())
        } else {
            match house.start_gateway().await {
                Ok(()) => return Ok(Self { house, begun_anew: None, _lock: lock }),
                Err(_) => Some(said_last(&house).unwrap_or_else(|| "the gateway does not start with it".to_owned())),
            }
        };
        let aside = beside(&folder, "before");
        if there {
            remove(&aside)?;
            fs::rename(&folder, &aside).with_context(|| format!("set {} aside", folder.display()))?;
        }
        if let Err(error) = begin(&mut house, &folder).await {
            remove(&folder)?;
            if there {
                fs::rename(&aside, &folder).with_context(|| format!("put {} back", folder.display()))?;
            }
            return Err(error);
        }
        remove(&aside)?;
        Ok(Self { house, begun_anew, _lock: lock })
    }
}

async fn begin(house: &mut House, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(MARK), FORM)?;
    house.start_gateway().await
}

/// Keeps a second demo out. The lock lies beside the folder, which comes and goes.
fn take(folder: &Path) -> anyhow::Result<File> {
    let path = beside(folder, "lock");
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.with_context(|| path.display().to_string())?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!("another demo runs on {}", folder.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| path.display().to_string()),
    }
}

fn beside(folder: &Path, what: &str) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    folder.with_file_name(name)
}

fn holds_something(folder: &Path) -> anyhow::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().transpose()?.is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| folder.display().to_string()),
    }
}

fn is_a_demos(folder: &Path) -> bool {
    folder.join(MARK).exists() || LEFT.iter().all(|name| folder.join(name).exists())
}

/// What the gateway said of its end.
fn said_last(house: &House) -> Option<String> {
    let log = fs::read_to_string(house.log()).ok()?;
    log.lines().rev().find_map(|line| line.strip_prefix("demo: ")).map(str::to_owned)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    ensure!(!folder.is_symlink(), "{} is a link: nothing behind it is removed", folder.display());
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("remove {}", folder.display())),
    }
}
