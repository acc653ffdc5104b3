use std::{
    fs::{self, File, TryLockError},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::BuildError;

/// How long to wait for another build: twice a first build from nothing on a small machine.
const LIMIT: Duration = Duration::from_secs(1200);

/// How often to look: a build with nothing to do takes a few of these.
const POLL: Duration = Duration::from_millis(50);

/// Waits until no other process builds in `folder`. The lock is gone when the file is closed, also by a crash.
pub(super) fn take(folder: &Path, say: &mut dyn FnMut(String)) -> Result<File, BuildError> {
    let path = folder.join(".dialog-plugin.lock");
    let failed = |source| BuildError::File { path: path.clone(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let file = File::create(&path).map_err(failed)?;
    let begun = Instant::now();
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) if begun.elapsed() > LIMIT => {
                return Err(BuildError::Locked { path, waited: begun.elapsed() });
            }
            Err(TryLockError::WouldBlock) => {
                if !said {
                    say("waiting for another build of plugins".to_owned());
                    said = true;
                }
                thread::sleep(POLL);
            }
        }
    }
}
