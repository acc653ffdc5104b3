//! The one thread that writes: it groups what waits, checks, applies, makes durable, shows, and answers, in this order.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use dialog_core::ports::store::{Batch, Expected, Revision, StoreError, Versioned, Write};
use sled::Db;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use super::layout::{self, REVISION_KEY, engine_error};
use super::opening::Opened;
use super::view::{Before, View};
use crate::limits::MAX_GROUP_BYTES;

/// A batch that waits, with the one who waits for it.
pub(super) struct Request {
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) reply: Reply,
    /// Its share of the bytes that may wait.
    pub(super) _room: OwnedSemaphorePermit,
}

type Answer = Result<Revision, StoreError>;
type Reply = oneshot::Sender<Answer>;

struct Committer {
    view: Arc<View>,
    failure: Arc<OnceLock<String>>,
    group_commits: usize,
    opened: Opened,
}

/// Starts the thread. It ends when every sender of `queue` is gone and the last batch is answered; then it lets go of
/// the files and drops the other end of the channel that it returns.
pub(super) fn spawn(
    opened: Opened,
    view: Arc<View>,
    failure: Arc<OnceLock<String>>,
    group_commits: NonZeroUsize,
    queue: mpsc::Receiver<Request>,
) -> io::Result<watch::Receiver<()>> {
    let (ending, ended) = watch::channel(());
    let committer = Committer { view, failure, group_commits: group_commits.get(), opened };
    std::thread::Builder::new().name("store-committer".into()).spawn(move || {
        committer.run(queue);
        drop(ending);
    })?;
    Ok(ended)
}

impl Committer {
    fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut next = None;
        while let Some(first) = next.take().or_else(|| queue.blocking_recv()) {
            let mut bytes = first.bytes;
            let mut group = vec![first];
            while group.len() < self.group_commits {
                let Ok(request) = queue.try_recv() else { break };
                bytes += request.bytes;
                if bytes > MAX_GROUP_BYTES {
                    next = Some(request);
                    break;
                }
                group.push(request);
            }
            self.settle(group);
        }
        self.view.close();
    }

    /// Carries out a group and answers everyone in it.
    fn settle(&mut self, group: Vec<Request>) {
        let mut answers = Vec::with_capacity(group.len());
        let failed = match self.failure.get() {
            Some(reason) => Some(reason.clone()),
            None => {
                let carried_out = catch_unwind(AssertUnwindSafe(|| self.carry_out(&group, &mut answers)));
                let carried_out = carried_out.unwrap_or_else(|_| Err("the storage engine broke down".into()));
                carried_out.err().map(|cause| self.fail(&cause))
            }
        };
        match failed {
            None => {
                for (request, answer) in group.into_iter().zip(answers) {
                    // A caller that has gone away meanwhile needs no answer.
                    let _ = request.reply.send(answer);
                }
            }
            Some(reason) => {
                for request in group {
                    let _ = request.reply.send(Err(StoreError::Unavailable(reason.clone())));
                }
            }
        }
    }

    /// Decides each batch, in order, and makes those that were accepted durable together. An error here means that
    /// nobody knows what is on the disk.
    fn carry_out(&mut self, group: &[Request], answers: &mut Vec<Answer>) -> Result<(), String> {
        let mut plan = Plan::new(&self.opened.db, self.opened.revision);
        for request in group {
            answers.push(if request.reply.is_closed() {
                Err(StoreError::Unavailable("the caller has gone away".into()))
            } else {
                // sled panics where it finds a page that it cannot make sense of. Nothing has been written yet, so
                // that is the trouble of this batch alone.
                catch_unwind(AssertUnwindSafe(|| plan.decide(&request.batch)))
                    .unwrap_or_else(|_| Err(StoreError::Damaged("a page cannot be read".into())))
            });
        }
        let revision = plan.revision;
        if revision == self.opened.revision {
            return Ok(());
        }
        let (before, batch) = plan.into_batch();
        self.view.cover(before);
        self.opened.db.apply_batch(batch).map_err(|error| engine_error(error).to_string())?;
        self.opened.db.flush().map_err(|error| engine_error(error).to_string())?;
        self.opened.files.after_flush().map_err(|error| format!("fsync: {error}"))?;
        self.opened.watermark.record(revision).map_err(|error| format!("watermark: {error}"))?;
        self.opened.revision = revision;
        self.view.uncover();
        Ok(())
    }

    fn fail(&self, cause: &str) -> String {
        let reason = format!(
            "a write failed ({cause}); nothing more is written until the process is restarted, which recovers every \
             batch that reached the disk whole"
        );
        tracing::error!(cause, "the store takes no more writes; restart the process once the disk is well");
        self.failure.get_or_init(|| reason).clone()
    }
}

/// A group as it is being decided: each batch is checked against sled's state with the earlier ones on top.
struct Plan<'a> {
    db: &'a Db,
    revision: u64,
    changes: BTreeMap<Bytes, Change>,
}

struct Change {
    before: Option<Versioned>,
    after: Option<Versioned>,
}

impl<'a> Plan<'a> {
    fn new(db: &'a Db, revision: u64) -> Self {
        Self { db, revision, changes: BTreeMap::new() }
    }

    /// Accepts a batch whole or leaves the plan as it was.
    fn decide(&mut self, batch: &Batch) -> Answer {
        for (key, expected) in &batch.preconditions {
            let found = match self.changes.get(key) {
                Some(change) => change.after.as_ref().map(|after| after.revision),
                None => layout::revision(self.db, key)?,
            };
            let holds = match expected {
                Expected::Absent => found.is_none(),
                Expected::At(revision) => found == Some(*revision),
            };
            if !holds {
                return Err(StoreError::Conflict { key: key.clone() });
            }
        }
        // Everything that can fail comes before the first change.
        for (key, _) in &batch.writes {
            if !self.changes.contains_key(key) {
                let before = layout::read(self.db, key)?;
                self.changes.insert(key.clone(), Change { after: before.clone(), before });
            }
        }
        self.revision += 1;
        let revision = Revision(self.revision);
        for (key, write) in &batch.writes {
            if let Some(change) = self.changes.get_mut(key) {
                change.after = match write {
                    Write::Put(value) => Some(Versioned { revision, value: value.clone() }),
                    Write::Delete => None,
                };
            }
        }
        Ok(revision)
    }

    /// What readers must go on seeing, and what sled is to apply.
    fn into_batch(self) -> (Before, sled::Batch) {
        let mut batch = sled::Batch::default();
        batch.insert(REVISION_KEY, &self.revision.to_be_bytes());
        let before = self.changes.into_iter().map(|(key, change)| {
            layout::replace(&mut batch, &key, change.before.as_ref(), change.after.as_ref());
            (key, change.before)
        });
        let before = before.collect();
        (before, batch)
    }
}
