//! Waiting for something to happen: told of every change, bounded by the simulator's patience, never asleep.

use super::{Logged, MeldingstjenerSim, waiting};
use crate::sim::meldingstjener::SimError;
use crate::sim::meldingstjener::apprec::{ReceiptError, ReceiptStatus};
use crate::sim::meldingstjener::office::Request;
use crate::sim::meldingstjener::state::State;

impl MeldingstjenerSim {
    /// Waits until `look` finds something, and gives it.
    pub async fn wait_until<T>(
        &self,
        what: &'static str,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, SimError> {
        let mut changed = self.shared.changed.subscribe();
        let found = tokio::time::timeout(self.patience, async {
            loop {
                if let Some(found) = self.shared.look(&mut look) {
                    return Some(found);
                }
                changed.changed().await.ok()?;
            }
        })
        .await;
        found.ok().flatten().ok_or_else(|| SimError::Waited {
            what,
            seconds: self.patience.as_secs(),
            seen: self.shared.look(|state| {
                let labels: Vec<&str> = state.messages.iter().map(|stored| stored.label.as_str()).collect();
                format!("messages so far: {labels:?}, violations: {:?}", state.violations)
            }),
        })
    }

    /// Waits for a request that waits for the doctor.
    pub async fn wait_for_request(&self, mut wanted: impl FnMut(&Request) -> bool) -> Result<Request, SimError> {
        self.wait_until("a request", |state| waiting(state).find(|request| wanted(request)).cloned()).await
    }

    /// Waits for any message, and gives the first that fits.
    pub async fn wait_for_message(&self, mut wanted: impl FnMut(&Logged) -> bool) -> Result<Logged, SimError> {
        self.wait_until("a message", |state| {
            state
                .messages
                .iter()
                .enumerate()
                .map(|(index, stored)| Logged::new(index, stored))
                .find(|logged| wanted(logged))
        })
        .await
    }

    /// Waits for the portal's receipt for an office's message.
    pub async fn wait_for_receipt(&self, msg_id: &str) -> Result<(ReceiptStatus, Vec<ReceiptError>), SimError> {
        self.wait_until("a receipt", |state| {
            state
                .messages
                .iter()
                .filter(|stored| stored.to_portal && stored.document_id.as_deref() == Some(msg_id))
                .find_map(|stored| stored.receipt.as_ref())
                .map(|receipt| (receipt.status, receipt.errors.clone()))
        })
        .await
    }

    /// Waits until the portal has read everything that it was sent.
    pub async fn wait_until_read(&self) -> Result<(), SimError> {
        self.wait_until("reading of every message", |state| {
            state.messages.iter().all(|stored| !stored.to_portal || stored.read).then_some(())
        })
        .await
    }
}
