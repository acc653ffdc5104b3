//! Fastlegeregisteret: asked about one citizen at a time, when there is a request of theirs; what it said is kept under
//! the citizen's own key, so that it goes with the citizen. Its changes are followed: about whom something changed is
//! asked for anew at once, where something is kept about them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use dialog_contract::{ids::NationalIdentityNumber, pseudonym::Pseudonyms};
use dialog_core::{
    KnownCitizens,
    ports::{
        clock::Clock,
        directory::DirectoryError,
        store::{Batch, Store, StoreError, space},
    },
};
use dialog_host::upstream::remote::{Asked, Remote};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio_util::sync::CancellationToken;

use super::{
    RegisterError,
    freshness::{Freshness, Pace},
    gp::{self, Assignment},
    unexpected,
};
use crate::{
    directory::loader::decode,
    limits::{REGISTER_FOLLOWS, REGISTER_PAGES, REGISTER_WAIT},
    telemetry::metrics::{
        Metrics,
        registers::{Register, RegisterAnswer},
    },
};

/// Where an assignment is kept: with the citizen's name for the directory.
const KEPT: &[u8] = &[space::DIRECTORY, 3];

/// Where the changes are that were followed.
const FOLLOWED: &[u8] = &[space::DIRECTORY, 4];

/// What is kept about a citizen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// When the register said it.
    answered: Timestamp,
    /// None: the citizen is on no list.
    assignment: Option<Assignment>,
}

/// How far the changes were followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Followed {
    /// Where the next page begins.
    cursor: String,
    /// Of the last page there, for asking whether there is anything new.
    #[serde(default)]
    etag: Option<String>,
    /// Changes before this were not followed: what was kept by then is stale.
    since: Timestamp,
}

/// What is known about a citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// This is their GP.
    Assigned(Assignment),
    /// They are on no list.
    Nobody,
    /// The register was never asked about them with success, and is not to be had now.
    Nothing(String),
}

impl From<Option<Assignment>> for Said {
    fn from(assignment: Option<Assignment>) -> Self {
        assignment.map_or(Self::Nobody, Self::Assigned)
    }
}

/// What it stands on.
pub struct Ground {
    /// Where answers are kept.
    pub store: Arc<dyn Store>,
    /// Citizens' names in keys.
    pub names: Arc<Pseudonyms>,
    /// Whose keys values are encrypted under.
    pub citizens: KnownCitizens,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// The register.
pub struct GpRegister {
    remote: Remote,
    pace: Pace,
    ground: Ground,
    /// Citizens whom the register is being asked about behind requests, by their names in keys.
    asking: Mutex<HashSet<[u8; 32]>>,
}

impl GpRegister {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(remote: Remote, pace: Pace, ground: Ground) -> Self {
        Self { remote, pace, ground, asking: Mutex::default() }
    }

    /// What is known about the citizen now: kept, or asked for.
    ///
    /// # Errors
    /// Where the store does not answer, or what is kept is too old to be served and the register is not to be had.
    pub async fn assignment(self: &Arc<Self>, citizen: &NationalIdentityNumber) -> Result<Said, DirectoryError> {
        let kept = self.kept(citizen).await.map_err(of_store)?;
        if let Some(kept) = &kept {
            let since = self.followed().await.map_err(of_store)?.map(|followed| followed.since);
            match self.pace.of(kept.answered, self.ground.clock.now()) {
                Freshness::Fresh if since.is_none_or(|since| since <= kept.answered) => {
                    return Ok(kept.assignment.clone().into());
                }
                Freshness::Fresh | Freshness::Stale => {
                    self.ask_behind(citizen);
                    return Ok(kept.assignment.clone().into());
                }
                Freshness::TooOld => {}
            }
        }
        match self.ask(citizen).await {
            Ok(assignment) => Ok(assignment.into()),
            Err(error) if kept.is_none() => Ok(Said::Nothing(error.to_string())),
            Err(error) => Err(DirectoryError(format!("the GP register, and what it said is too old: {error}"))),
        }
    }

    /// Removes what is kept about a citizen.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn forget(&self, citizen: &NationalIdentityNumber) -> Result<(), DirectoryError> {
        let mut batch = Batch::default();
        batch.delete(self.key(citizen));
        self.ground.store.commit(batch).await.map(|_| ()).map_err(of_store)
    }

    /// Follows the changes until `stop`.
    pub async fn follow(self: Arc<Self>, every: Duration, stop: CancellationToken) {
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            for _ in 0..REGISTER_PAGES {
                match stop.run_until_cancelled(self.follow_once()).await {
                    Some(Ok(true)) => {}
                    Some(Ok(false)) | None => break,
                    Some(Err(error)) => {
                        tracing::warn!(%error, "the GP register's changes cannot be followed; what is kept is served");
                        break;
                    }
                }
            }
        }
    }

    /// Takes one page of changes; true where there is more.
    ///
    /// # Errors
    /// Where the register or the store does not answer: the same page comes again.
    pub async fn follow_once(&self) -> Result<bool, RegisterError> {
        let store = |error: StoreError| RegisterError::Unavailable(error.to_string());
        let before = self.followed().await.map_err(store)?;
        let mut query = vec![("limit".to_owned(), gp::PAGE.to_string())];
        query.extend(before.iter().map(|followed| ("after".to_owned(), followed.cursor.clone())));
        let known = before.as_ref().and_then(|followed| followed.etag.clone());
        let headers: Vec<_> = known.iter().map(|etag| ("if-none-match".to_owned(), etag.clone())).collect();
        let asked = Asked { path: "/v1/changes", query: &query, headers: &headers, body: None };
        let answer = self.counted(self.remote.ask(asked, REGISTER_FOLLOWS).await.map_err(RegisterError::from))?;
        let page = match answer.status {
            200 => self.counted(gp::changes(&answer.body))?,
            304 => {
                self.ground.metrics.register(Register::Gp, RegisterAnswer::Answered);
                return Ok(false);
            }
            410 => {
                // Nobody can say any more what changed: what is kept counts as stale, and the present is followed.
                let mut batch = Batch::default();
                batch.delete(FOLLOWED);
                self.ground.store.commit(batch).await.map_err(store)?;
                return Ok(true);
            }
            _ => return self.counted(Err(unexpected(&answer))),
        };
        self.ground.metrics.register(Register::Gp, RegisterAnswer::Answered);
        for citizen in &page.citizens {
            // Of whom nothing is kept nothing need be known: they are asked about when they come.
            if self.kept(citizen).await.map_err(store)?.is_some() {
                self.ask(citizen).await?;
            }
        }
        let etag = answer.header("etag").filter(|etag| etag.len() <= 256).map(str::to_owned);
        let etag = etag.filter(|_| page.citizens.is_empty() && !page.more);
        let since = before.as_ref().map_or_else(|| self.ground.clock.now(), |followed| followed.since);
        let next = Followed { cursor: page.next, etag, since };
        if before.as_ref() != Some(&next) {
            let mut batch = Batch::default();
            batch.put(FOLLOWED, encode(&next).map_err(store)?);
            self.ground.store.commit(batch).await.map_err(store)?;
        }
        Ok(page.more)
    }

    /// Asks about a citizen, and keeps the answer.
    async fn ask(&self, citizen: &NationalIdentityNumber) -> Result<Option<Assignment>, RegisterError> {
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        let body = Some(gp::question(citizen));
        let asked = Asked { path: "/v1/patients/gp", query: &[], headers: &headers, body };
        let answer = self.counted(self.remote.ask(asked, REGISTER_WAIT).await.map_err(RegisterError::from))?;
        let assignment = match answer.status {
            200 => Some(self.counted(gp::answer(&answer.body, citizen))?),
            404 => None,
            _ => return self.counted(Err(unexpected(&answer))),
        };
        self.ground.metrics.register(Register::Gp, RegisterAnswer::Answered);
        let kept = Kept { answered: self.ground.clock.now(), assignment };
        let store = |error: StoreError| RegisterError::Unavailable(error.to_string());
        let mut batch = Batch::default();
        batch.put_of(self.ground.citizens.owner_of(citizen), self.key(citizen), encode(&kept).map_err(store)?);
        self.ground.store.commit(batch).await.map_err(store)?;
        Ok(kept.assignment)
    }

    /// Asks about a citizen for whom no request waits; once, however many requests met what is stale.
    fn ask_behind(self: &Arc<Self>, citizen: &NationalIdentityNumber) {
        let name = self.ground.names.index(b"gp-register", citizen);
        if !self.asking.lock().unwrap_or_else(PoisonError::into_inner).insert(name) {
            return;
        }
        let (register, citizen) = (Arc::clone(self), citizen.clone());
        tokio::spawn(async move {
            if let Err(error) = register.ask(&citizen).await {
                tracing::warn!(%error, "the GP register; what it said before is served");
            }
            register.asking.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        });
    }

    fn counted<T>(&self, said: Result<T, RegisterError>) -> Result<T, RegisterError> {
        said.inspect_err(|error| {
            let answer = match error {
                RegisterError::Unavailable(_) => RegisterAnswer::Unavailable,
                RegisterError::Garbled(_) => RegisterAnswer::Garbled,
            };
            self.ground.metrics.register(Register::Gp, answer);
        })
    }

    fn key(&self, citizen: &NationalIdentityNumber) -> Vec<u8> {
        [KEPT, &self.ground.names.index(b"gp-register", citizen)].concat()
    }

    async fn kept(&self, citizen: &NationalIdentityNumber) -> Result<Option<Kept>, StoreError> {
        self.read(&self.key(citizen)).await
    }

    async fn followed(&self) -> Result<Option<Followed>, StoreError> {
        self.read(FOLLOWED).await
    }

    async fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.ground.store.get(key).await?.map(|found| decode(&found.value)).transpose()
    }
}

fn of_store(error: StoreError) -> DirectoryError {
    DirectoryError(error.to_string())
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|_| StoreError::Damaged("a register's answer has no JSON form".to_owned()))
}
