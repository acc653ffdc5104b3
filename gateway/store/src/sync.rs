//! The calls that make bytes survive a power cut, behind one seam: the real ones, and what tests put around them.

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes files and folders durable. When a call returns, what was written before it survives a power cut.
pub(crate) trait SyncCalls: Send + Sync + 'static {
    /// The bytes and the length of a file.
    fn file(&self, path: &Path, file: &File) -> io::Result<()>;

    /// The names in a folder.
    fn folder(&self, path: &Path) -> io::Result<()>;
}

/// The real calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fsync;

impl SyncCalls for Fsync {
    // fdatasync(2): leaves out only what is not needed to read the data back, such as the time of change.
    fn file(&self, _: &Path, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

#[cfg(test)]
pub(crate) mod observed {
    //! The real calls, seen and held back by a test.

    use std::collections::VecDeque;
    use std::path::PathBuf;
    use std::sync::{Arc, Condvar, Mutex};

    use super::*;

    /// What a test sees.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) enum Call {
        File(PathBuf),
        Folder(PathBuf),
    }

    /// What becomes of the next calls.
    #[derive(Debug, Default)]
    struct Script {
        calls: Vec<Call>,
        held: bool,
        waiting: usize,
        failures: VecDeque<io::ErrorKind>,
    }

    /// Counts, orders, holds and fails sync calls; those that go through are the real ones.
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Observed {
        script: Arc<(Mutex<Script>, Condvar)>,
    }

    impl Observed {
        fn with<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
            let (script, changed) = &*self.script;
            let answer = change(&mut script.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
            changed.notify_all();
            answer
        }

        /// From now on calls wait until [`Observed::release`].
        pub(crate) fn hold(&self) {
            self.with(|script| script.held = true);
        }

        pub(crate) fn release(&self) {
            self.with(|script| script.held = false);
        }

        /// Blocks until a call is being held.
        pub(crate) fn wait_for_held_call(&self) {
            let (script, changed) = &*self.script;
            let guard = script.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            drop(changed.wait_while(guard, |script| script.waiting == 0));
        }

        pub(crate) fn fail_next(&self, kind: io::ErrorKind) {
            self.with(|script| script.failures.push_back(kind));
        }

        /// The calls that went through since the last time this was asked.
        pub(crate) fn take_calls(&self) -> Vec<Call> {
            self.with(|script| std::mem::take(&mut script.calls))
        }

        fn pass(&self, call: Call, real: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
            let (script, changed) = &*self.script;
            let mut guard = script.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if guard.held {
                guard.waiting += 1;
                changed.notify_all();
                guard =
                    changed.wait_while(guard, |script| script.held).unwrap_or_else(std::sync::PoisonError::into_inner);
                guard.waiting -= 1;
            }
            if let Some(kind) = guard.failures.pop_front() {
                return Err(io::Error::new(kind, "as the test asked"));
            }
            real()?;
            guard.calls.push(call);
            Ok(())
        }
    }

    impl SyncCalls for Observed {
        fn file(&self, path: &Path, file: &File) -> io::Result<()> {
            self.pass(Call::File(path.to_path_buf()), || Fsync.file(path, file))
        }

        fn folder(&self, path: &Path) -> io::Result<()> {
            self.pass(Call::Folder(path.to_path_buf()), || Fsync.folder(path))
        }
    }
}
