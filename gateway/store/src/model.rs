//! Every store against a map: the same property test for the one on disk and the one in memory.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what failed by failing")]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use dialog_core::ports::store::{Batch, Entry, Expected, Range, Revision, Store, StoreError, Versioned, Write};
use futures_util::poll;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::embedded::{SledConfig, SledStore};
use crate::limits::PIECE_BYTES;
use crate::memory::MemoryStore;
use crate::sync::observed::Observed;

/// What a precondition says, relative to what the model knows.
#[derive(Debug, Clone)]
enum Claim {
    /// Whatever is true.
    True,
    Absent,
    At(u64),
}

#[derive(Debug, Clone)]
struct Change {
    claims: Vec<(Bytes, Claim)>,
    writes: Vec<(Bytes, Option<usize>)>,
}

#[derive(Debug, Clone)]
enum Step {
    Get(Bytes),
    Scan(Range),
    /// Committed together, as far as the store groups.
    Commit(Vec<Change>),
    Reopen,
}

#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<Bytes, Versioned>,
    last: u64,
}

impl Model {
    fn batch(&self, change: &Change) -> Batch {
        let preconditions = change.claims.iter().map(|(key, claim)| {
            let expected = match claim {
                Claim::True => self.entries.get(key).map_or(Expected::Absent, |found| Expected::At(found.revision)),
                Claim::Absent => Expected::Absent,
                Claim::At(revision) => Expected::At(Revision(*revision)),
            };
            (key.clone(), expected)
        });
        let writes = change.writes.iter().enumerate().map(|(number, (key, length))| {
            let write = length.map_or(Write::Delete, |length| Write::Put(vec![number as u8; length].into()));
            (key.clone(), write)
        });
        Batch { preconditions: preconditions.collect(), writes: writes.collect(), ..Batch::default() }
    }

    fn commit(&mut self, batch: &Batch) -> Result<Revision, Bytes> {
        for (key, expected) in &batch.preconditions {
            let found = self.entries.get(key).map(|found| found.revision);
            let wanted = match expected {
                Expected::Absent => None,
                Expected::At(revision) => Some(*revision),
            };
            if found != wanted {
                return Err(key.clone());
            }
        }
        self.last += 1;
        let revision = Revision(self.last);
        for (key, write) in &batch.writes {
            match write {
                Write::Put(value) => {
                    drop(self.entries.insert(key.clone(), Versioned { revision, value: value.clone() }))
                }
                Write::Delete => drop(self.entries.remove(key)),
            }
        }
        Ok(revision)
    }

    fn scan(&self, range: &Range) -> Vec<Entry> {
        let within = |key: &Bytes| *key >= range.from && range.until.as_ref().is_none_or(|until| key < until);
        let mut found: Vec<Entry> = self
            .entries
            .iter()
            .filter(|(key, _)| within(key))
            .map(|(key, versioned)| Entry { key: key.clone(), versioned: versioned.clone() })
            .collect();
        if range.reverse {
            found.reverse();
        }
        found.truncate(range.limit);
        found
    }
}

fn key() -> impl Strategy<Value = Bytes> {
    vec(prop_oneof![Just(0_u8), Just(1), Just(b'a'), Just(255)], 0..3).prop_map(Bytes::from)
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => 0..200_usize,
        1 => PIECE_BYTES - 1..PIECE_BYTES + 2,
        1 => 2 * PIECE_BYTES..4 * PIECE_BYTES,
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let claim = prop_oneof![8 => Just(Claim::True), 1 => Just(Claim::Absent), 1 => (0..20_u64).prop_map(Claim::At)];
    let claims = vec((key(), claim), 0..3);
    let writes = vec((key(), proptest::option::weighted(0.75, length())), 0..4);
    (claims, writes).prop_map(|(claims, writes)| Change { claims, writes })
}

fn range() -> impl Strategy<Value = Range> {
    (key(), proptest::option::of(key()), prop_oneof![0..4_usize, Just(usize::MAX)], any::<bool>())
        .prop_map(|(from, until, limit, reverse)| Range { from, until, limit, reverse })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => key().prop_map(Step::Get),
        6 => range().prop_map(Step::Scan),
        8 => vec(change(), 1..4).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
    ]
}

enum Subject {
    Memory(MemoryStore),
    Sled { folder: tempfile::TempDir, sync: Observed, store: SledStore },
}

impl Subject {
    async fn sled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sync = Observed::default();
        let store = open_sled(&folder, &sync).await;
        Self::Sled { folder, sync, store }
    }

    fn store(&self) -> &dyn Store {
        match self {
            Self::Memory(store) => store,
            Self::Sled { store, .. } => store,
        }
    }

    async fn reopen(self) -> Self {
        let Self::Sled { folder, sync, store } = self else { return self };
        store.close().await;
        let store = open_sled(&folder, &sync).await;
        Self::Sled { folder, sync, store }
    }
}

async fn open_sled(folder: &tempfile::TempDir, sync: &Observed) -> SledStore {
    SledStore::open_with(folder.path().join("store"), SledConfig::default(), Arc::new(sync.clone())).await.unwrap()
}

type Commit<'a> = Pin<Box<dyn Future<Output = Result<Revision, StoreError>> + Send + 'a>>;

async fn check_reads(store: &dyn Store, model: &Model) {
    for reverse in [false, true] {
        let everything = Range { from: Bytes::new(), until: None, limit: usize::MAX, reverse };
        assert_eq!(store.scan(everything.clone()).await.unwrap(), model.scan(&everything));
    }
}

/// Puts the batches into the queue in order while an fsync is held, so that they make one group.
async fn commit_together(subject: &Subject, model: &mut Model, changes: &[Change]) {
    let store = subject.store();
    let mut batches = Vec::new();
    if let Subject::Sled { .. } = subject {
        let mut first = Batch::default();
        first.put(&b"first"[..], &b"holds the committer"[..]);
        batches.push(first);
    }
    batches.extend(changes.iter().map(|change| model.batch(change)));
    let mut waiting: Vec<(Commit<'_>, _)> = Vec::new();
    if let Subject::Sled { sync, .. } = subject {
        sync.hold();
        for batch in &batches {
            // Without tokio's budget, which would make it wait for a turn before it gets into the queue.
            let mut commit: Commit<'_> = Box::pin(tokio::task::unconstrained(store.commit(batch.clone())));
            assert!(poll!(&mut commit).is_pending());
            if waiting.is_empty() {
                sync.wait_for_held_call();
            }
            waiting.push((commit, batch));
        }
        // Nothing of it may be seen before it is durable.
        check_reads(store, model).await;
        sync.release();
    } else {
        waiting.extend(batches.iter().map(|batch| (store.commit(batch.clone()), batch)));
    }
    for (commit, batch) in waiting {
        match (commit.await, model.commit(batch)) {
            (Ok(revision), Ok(expected)) => assert_eq!(revision, expected),
            (Err(StoreError::Conflict { key }), Err(expected)) => assert_eq!(key, expected),
            (answer, expected) => panic!("{answer:?} instead of {expected:?}"),
        }
    }
}

async fn behaves_like_a_map(mut subject: Subject, steps: Vec<Step>) {
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Get(key) => {
                assert_eq!(subject.store().get(&key).await.unwrap().as_ref(), model.entries.get(&key));
            }
            Step::Scan(range) => assert_eq!(subject.store().scan(range.clone()).await.unwrap(), model.scan(&range)),
            Step::Commit(changes) => commit_together(&subject, &mut model, &changes).await,
            Step::Reopen => subject = subject.reopen().await,
        }
    }
    check_reads(subject.store(), &model).await;
    check_reads(subject.reopen().await.store(), &model).await;
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_in_memory_behaves_like_a_map(steps in vec(step(), 0..60)) {
        block_on(behaves_like_a_map(Subject::Memory(MemoryStore::new()), steps));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_on_disk_behaves_like_a_map(steps in vec(step(), 0..40)) {
        block_on(async { behaves_like_a_map(Subject::sled().await, steps).await });
    }
}
