//! CGM e-portal, a commercial vendor, simulated: GraphQL over HTTP behind mutual TLS, and a feed that is long polled.
//!
//! A real server on a port of its own choosing, a second one for the control API, and a handle for tests. It is also a
//! checker: whatever the plugin sends against the vendor's interface (`schema.graphql`) is a [`Violation`].
//!
//! - the portal's side: [`api`] (the endpoint, long polling), [`graphql`] (reading and executing by the schema),
//!   [`query`] and [`mutation`] (the fields of the two roots), [`input`] (what may be sent, and checks), [`papers`] (TLS),
//!   [`manners`] (how it is in [`trouble`](super::trouble))
//! - the vendor: [`state`] (everything), [`thread`], [`medication`], [`survey`], [`change`] (the feed)
//! - answering: [`answer`] (what people at a practice decide)
//! - steering: [`handle`] (for tests), [`control`] (over HTTP)

pub mod answer;
pub mod api;
pub mod change;
pub mod control;
pub mod graphql;
pub mod handle;
pub mod input;
pub mod manners;
pub mod medication;
pub mod mutation;
pub mod papers;
pub mod query;
pub mod sick_note;
pub mod state;
pub mod survey;
pub mod thread;

#[cfg(test)]
mod tests;

pub use crate::sim::meldingstjener::NationalId;
pub use answer::{Answer, Decision, Opening, Verdict};
pub use change::{Change, Damage, Disorder};
pub use handle::{CgmEportalSim, Config};
pub use medication::{Medication, Rule};
pub use papers::Papers;
pub use sick_note::SickNote;
pub use state::{PracticeId, Violation};
pub use thread::{Alternative, Document, Item, Post, Thread, ThreadKind, ThreadState};

use crate::sim::trouble::Faults;
use crate::sim::waiting::{Changes, Overdue};
use graphql::Schema;
use state::State;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why the simulator did not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No such practice.
    #[error("no practice {0:?}")]
    NoSuchPractice(String),
    /// No such thread.
    #[error("no thread {0}")]
    NoSuchThread(String),
    /// The thread is closed.
    #[error("thread {0} is closed")]
    Closed(String),
    /// This does not answer a thread of this kind.
    #[error("{answer} does not answer a thread of kind {kind}")]
    WrongAnswer {
        /// The answer.
        answer: &'static str,
        /// The thread's kind.
        kind: &'static str,
    },
    /// A decision about an item that was not asked for.
    #[error("nobody asked for {0:?}")]
    NoSuchItem(String),
    /// The practice does not know the citizen.
    #[error("the practice does not know this citizen")]
    NoSuchCitizen,
    /// What was waited for did not come.
    #[error(transparent)]
    Waited(#[from] Overdue),
    /// The schema is none.
    #[error("the schema is not GraphQL: {0}")]
    Schema(String),
    /// A certificate or a key cannot be used.
    #[error("the papers are not in order: {0}")]
    Papers(String),
    /// A port could not be had.
    #[error("listening failed: {0}")]
    Listen(#[from] std::io::Error),
}

/// What the servers and the handle share. The locks are held for moments, never over an await.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    schema: Schema,
    faults: Faults,
    changes: Changes,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Changes the state, and wakes who waits for a change.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changes.wake();
        result
    }

    /// Looks at the state.
    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }
}
