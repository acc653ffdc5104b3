//! Ctrl-C ends what takes long in good order: what was done is kept. A second one ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Whether somebody has asked to end.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&asked);
        // Where no thread or handler can be had, Ctrl-C ends the process as it always did.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return Self(asked);
        };
        let entered = runtime.enter();
        let interrupted = signal(SignalKind::interrupt());
        drop(entered);
        let Ok(mut interrupted) = interrupted else { return Self(asked) };
        let _ = std::thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
            runtime.block_on(async {
                if interrupted.recv().await.is_some() {
                    told.store(true, Ordering::Relaxed);
                }
                if interrupted.recv().await.is_some() {
                    std::process::exit(130);
                }
            });
        });
        Self(asked)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
