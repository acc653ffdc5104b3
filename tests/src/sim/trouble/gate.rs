//! A call that is held.

use super::Call;
use std::sync::Arc;
use tokio::sync::watch;

/// Where a call waits.
#[derive(Debug)]
pub struct Gate {
    /// Which call.
    pub call: Call,
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// A closed gate for such a call.
    pub fn new(call: Call) -> Arc<Gate> {
        Arc::new(Gate { call, reached: watch::Sender::new(false), open: watch::Sender::new(false) })
    }

    /// Whether it holds nobody any more.
    pub fn is_open(&self) -> bool {
        *self.open.borrow()
    }

    /// Stands at the gate until it opens.
    pub async fn pass(&self) {
        self.reached.send_replace(true);
        // The gate owns the sender, so the channel is open.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// A call that is held until it is released or this is dropped.
#[derive(Debug)]
pub struct Held(pub(super) Arc<Gate>);

impl Held {
    /// Waits until a call stands at the gate.
    pub async fn reached(&self) {
        // As above: the gate owns the sender.
        let _ = self.0.reached.subscribe().wait_for(|reached| *reached).await;
    }

    /// Lets the call go on.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.open.send_replace(true);
    }
}
