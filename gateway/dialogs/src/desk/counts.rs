//! How much waits for a provider, and how many answers are overdue: counted for the operator, from indexes alone, without
//! a look at any dialog.

use std::collections::BTreeMap;

use dialog_contract::{ids::HerId, service::Service};
use jiff::Timestamp;

use super::{Desk, errands::ErrandKind};
use crate::{
    keys,
    ports::store::{Range, StoreError},
    record::{self, NoticeWork, Owed, StoredErrand, Work},
};

/// Entries that one count looks at. Where a hundred thousand wait, it does not matter how many more there are.
pub const MOST_COUNTED: usize = 100_000;

/// Entries read at once, so that a count holds little memory.
const AT_ONCE: usize = 1_000;

/// What waits for its provider to come back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Dialogs with something that is to be tried again, by service.
    pub dialogs: BTreeMap<Service, u64>,
    /// When the citizen asked for what has waited longest.
    pub since: Option<Timestamp>,
}

/// Dialogs whose office should have answered by now and has not, by office and service.
pub type Overdue = BTreeMap<(HerId, Service), u64>;

/// What the gateway owes others: how much of each kind, and since when the longest.
pub type ErrandsWaiting = BTreeMap<ErrandKind, (u64, Option<Timestamp>)>;

/// What citizens are to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoticesWaiting {
    /// Citizens with something that waits for what else there is to tell them, or for the morning.
    pub citizens: u64,
    /// Notices that no notifier has taken yet.
    pub notices: u64,
}

impl Desk {
    /// Counts what citizens are to be told.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn notices_waiting(&self) -> Result<NoticesWaiting, StoreError> {
        let mut waiting = NoticesWaiting::default();
        self.count(keys::all(keys::all_notice_work(), AT_ONCE), |value| {
            match record::decode("a notice that is due", value)? {
                NoticeWork::Fold { .. } => waiting.citizens += 1,
                NoticeWork::Send { sent: false, .. } => waiting.notices += 1,
                // It is kept for what the network says of it.
                NoticeWork::Send { sent: true, .. } => {}
            }
            Ok(())
        })
        .await?;
        Ok(waiting)
    }

    /// Counts what the gateway owes others.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn errands_waiting(&self) -> Result<ErrandsWaiting, StoreError> {
        let mut waiting = ErrandsWaiting::new();
        self.count(keys::all(keys::all_errands(), AT_ONCE), |value| {
            let errand: StoredErrand = record::decode("an errand", value)?;
            let (number, since) = waiting.entry(errand.kind()).or_default();
            *number += 1;
            *since = [*since, Some(errand.since)].into_iter().flatten().min();
            Ok(())
        })
        .await?;
        Ok(waiting)
    }

    /// Counts what waits for providers; calls that are under way do not.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn waiting(&self) -> Result<Waiting, StoreError> {
        let mut waiting = Waiting::default();
        let all = keys::all(keys::all_work(), AT_ONCE);
        self.count(all, |value| {
            if let Work::Dialog { running: false, since, service } = record::decode("what is due", value)? {
                if let Some(service) = service {
                    *waiting.dialogs.entry(service).or_default() += 1;
                }
                waiting.since = [waiting.since, since].into_iter().flatten().min();
            }
            Ok(())
        })
        .await?;
        Ok(waiting)
    }

    /// Counts the answers that are overdue at `now`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn overdue(&self, now: Timestamp) -> Result<Overdue, StoreError> {
        let mut overdue = Overdue::new();
        let past = keys::until(keys::all_owed(), now, AT_ONCE);
        self.count(past, |value| {
            let Owed { office, service } = record::decode("an answer that is owed", value)?;
            *overdue.entry((office, service)).or_default() += 1;
            Ok(())
        })
        .await?;
        Ok(overdue)
    }

    /// Looks at the values of `range`, page by page, as far as [`MOST_COUNTED`].
    async fn count(
        &self,
        mut range: Range,
        mut look: impl FnMut(&[u8]) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        for _ in 0..MOST_COUNTED / AT_ONCE {
            let entries = self.shelf.store.scan(range.clone()).await?;
            for entry in &entries {
                look(&entry.versioned.value)?;
            }
            let Some(last) = entries.last().filter(|_| entries.len() == AT_ONCE) else { return Ok(()) };
            range.from = super::reading::after(&[&last.key]);
        }
        Ok(())
    }
}
