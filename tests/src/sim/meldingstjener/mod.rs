//! Norsk Helsenett's Meldingstjener (EDI 2.0) with three record systems behind it: the back end of the public solution.
//!
//! A real HTTP server on a port of its own choosing, a second one for the control API, and a handle for tests. It is
//! also a checker: whatever the portal's side does against HITS 1217 or EDI 2.0 is a [`Violation`].
//!
//! - the portal's side: [`edi`] (API), [`token`] (who may call), [`manners`] (how it is in [`trouble`](super::trouble))
//! - reading: [`tree`] (XML), [`read`] (messages and their violations), [`message`] (what they say), [`codes`]
//! - the offices: [`state`] (everything), [`delivery`], [`office`], [`calendar`], [`epj`] (three record systems)
//! - answering: [`answer`] and [`doctor`] (what people decide), [`write`](mod@write), [`apprec`], [`style`], [`pdf`]
//! - steering: [`handle`] (for tests), [`control`] (over HTTP)

pub mod answer;
pub mod apprec;
pub mod calendar;
pub mod codes;
pub mod control;
pub mod delivery;
pub mod doctor;
pub mod edi;
pub mod epj;
pub mod handle;
pub mod manners;
pub mod message;
pub mod office;
pub mod pdf;
pub mod read;
pub mod state;
pub mod style;
pub mod token;
pub mod tree;
pub mod write;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Decision};
pub use apprec::{ReceiptError, ReceiptStatus};
pub use codes::{Kind, Process};
pub use doctor::{Notice, Opening, Question};
pub use handle::{Config, Logged, MeldingstjenerSim};
pub use message::{Attachment, NationalId, Person};
pub use office::{Receipts, Request};
pub use read::Violation;
pub use state::Damage;
pub use token::OauthClient;

use crate::sim::trouble::Faults;
use state::State;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use token::Tokens;
use tokio::sync::watch;

/// Why the simulator did not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No office with this HER-id has DDFL.
    #[error("no office with HER-id {0} has DDFL")]
    NoSuchOffice(u32),
    /// No request with this `MsgId`.
    #[error("no request {0}")]
    NoSuchRequest(String),
    /// The guide does not allow this answer to this request.
    #[error("{answer} does not answer {code}")]
    WrongAnswer {
        /// The answer.
        answer: &'static str,
        /// The request's code.
        code: &'static str,
    },
    /// A decision about a medicine that was not asked for.
    #[error("nobody asked for {0:?}")]
    NoSuchItem(String),
    /// No such appointment of this citizen.
    #[error("no appointment {0}")]
    NoSuchAppointment(String),
    /// No slot with this identifier, or somebody has it.
    #[error("no free slot {0}")]
    NoSuchSlot(String),
    /// The office does not know the citizen.
    #[error("the office does not know this citizen")]
    NoSuchCitizen,
    /// No such clinician at the office.
    #[error("no such clinician at the office")]
    NoSuchClinician,
    /// No such message.
    #[error("no message {0}")]
    NoSuchMessage(String),
    /// The record system does not support it.
    #[error("the record system does not support {0}")]
    Unsupported(&'static str),
    /// What was waited for did not come.
    #[error("{what} did not come within {seconds} s; {seen}")]
    Waited {
        /// What was waited for.
        what: &'static str,
        /// How long.
        seconds: u64,
        /// What there is instead.
        seen: String,
    },
    /// A port could not be had.
    #[error("listening failed: {0}")]
    Listen(#[from] std::io::Error),
}

/// What the servers and the handle share. The locks are held for moments, never over an await.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    faults: Faults,
    tokens: Mutex<Tokens>,
    base_url: OnceLock<String>,
    changed: watch::Sender<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Changes the state, and wakes who waits for a change.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
        result
    }

    /// Looks at the state.
    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    fn base_url(&self) -> String {
        self.base_url.get().cloned().unwrap_or_default()
    }
}
