//! Adresseregisteret: asked about the offices of the file, one after the other in the background, so that no request
//! waits for it. What it said is kept, and served on while it is down; past its time the file's own word counts.

use std::sync::Arc;

use dialog_contract::ids::HerId;
use dialog_core::ports::{
    clock::Clock,
    directory::DirectoryError,
    store::{Batch, Store, StoreError, space},
};
use dialog_host::upstream::remote::{Asked, Remote};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{
    RegisterError,
    address::{self, Party},
    freshness::{Freshness, Pace},
    gp_register::encode,
    unexpected,
};
use crate::{
    directory::loader::decode,
    limits::{REGISTER_FOLLOWS, REGISTER_LOOKED_AT},
    telemetry::metrics::{
        Metrics,
        registers::{Register, RegisterAnswer},
    },
};

/// Where a party is kept: with its HER-id.
const KEPT: &[u8] = &[space::DIRECTORY, 5];

/// What is kept about a party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// When the register last said so.
    answered: Timestamp,
    /// Of the answer, for asking whether anything changed.
    #[serde(default)]
    etag: Option<String>,
    party: Party,
}

/// The register.
pub struct AddressRegister {
    remote: Remote,
    pace: Pace,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl AddressRegister {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(
        remote: Remote,
        pace: Pace,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { remote, pace, store, clock, metrics }
    }

    /// What is known about a party and may be served; none where that is nothing, or too old.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn party(&self, party: HerId) -> Result<Option<Party>, DirectoryError> {
        let kept = self.kept(party).await.map_err(|error| DirectoryError(error.to_string()))?;
        let now = self.clock.now();
        Ok(kept.filter(|kept| self.pace.of(kept.answered, now) != Freshness::TooOld).map(|kept| kept.party))
    }

    /// Looks after these parties until `stop`.
    pub async fn follow(self: Arc<Self>, parties: Vec<HerId>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(REGISTER_LOOKED_AT);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Some(Err(error)) = stop.run_until_cancelled(self.look_after(&parties)).await {
                tracing::warn!(%error, "the address register; what it said before is served");
            }
        }
    }

    /// Asks about every party of which nothing fresh is kept.
    ///
    /// # Errors
    /// At the first that cannot be had: where one cannot, the others cannot either.
    pub async fn look_after(&self, parties: &[HerId]) -> Result<(), RegisterError> {
        for party in parties {
            let kept = self.kept(*party).await.map_err(of_store)?;
            let fresh = |kept: &Kept| self.pace.of(kept.answered, self.clock.now()) == Freshness::Fresh;
            if kept.as_ref().is_some_and(fresh) {
                continue;
            }
            let ended = self.ask(*party, kept).await;
            let answer = match &ended {
                Ok(()) => RegisterAnswer::Answered,
                Err(RegisterError::Unavailable(_)) => RegisterAnswer::Unavailable,
                Err(RegisterError::Garbled(_)) => RegisterAnswer::Garbled,
            };
            self.metrics.register(Register::Address, answer);
            match ended {
                // One that cannot be read says nothing about the others.
                Err(error @ RegisterError::Garbled(_)) => tracing::warn!(%party, %error, "the address register"),
                ended => ended?,
            }
        }
        Ok(())
    }

    async fn ask(&self, party: HerId, kept: Option<Kept>) -> Result<(), RegisterError> {
        let known = kept.as_ref().and_then(|kept| kept.etag.clone());
        let headers: Vec<_> = known.iter().map(|etag| ("if-none-match".to_owned(), etag.clone())).collect();
        let path = format!("/v1/communication-parties/{party}");
        let asked = Asked { path: &path, query: &[], headers: &headers, body: None };
        let answer = self.remote.ask(asked, REGISTER_FOLLOWS).await?;
        let answered = self.clock.now();
        let next = match (answer.status, kept) {
            (200, _) => {
                let etag = answer.header("etag").filter(|etag| etag.len() <= 256).map(str::to_owned);
                Kept { answered, etag, party: address::answer(&answer.body, party)? }
            }
            (304, Some(kept)) => Kept { answered, ..kept },
            // Said once for each time that it is asked: somebody must look at the file.
            (404, _) => return Err(RegisterError::Garbled("it has no such party".to_owned())),
            _ => return Err(unexpected(&answer)),
        };
        if !next.party.valid {
            tracing::warn!(%party, "the address register says that messages may not be sent to this office now");
        }
        let mut batch = Batch::default();
        batch.put(key(party), encode(&next).map_err(of_store)?);
        self.store.commit(batch).await.map(|_| ()).map_err(of_store)
    }

    async fn kept(&self, party: HerId) -> Result<Option<Kept>, StoreError> {
        self.store.get(&key(party)).await?.map(|found| decode(&found.value)).transpose()
    }
}

fn key(party: HerId) -> Vec<u8> {
    [KEPT, &party.get().to_be_bytes()].concat()
}

fn of_store(error: StoreError) -> RegisterError {
    RegisterError::Unavailable(error.to_string())
}
