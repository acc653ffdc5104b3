//! What the country has once, simulated: Fastlegeregisteret, Adresseregisteret and the citizens' personal archive, behind
//! one listener and one token endpoint.
//!
//! A real HTTP server on a port of its own choosing, and a handle for tests. It is also a checker: whatever the gateway
//! sends against the rules is noted.
//!
//! - [`api`]: routes, and what every request must have. [`registers`]: what they know. [`archive`]: what it keeps, and the
//!   rules of a FHIR document.
//! - [`handle`]: for tests.

pub mod api;
pub mod archive;
pub mod handle;
pub mod registers;

pub use archive::Kept;
pub use handle::{Config, NationalSim};

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::{meldingstjener::token::Tokens, trouble::Faults, waiting::Changes};
use registers::Registers;

/// Everything.
#[derive(Debug)]
pub struct State {
    /// Who is whose GP, and which offices there are.
    pub registers: Registers,
    /// How many changes somebody has followed.
    pub followed: usize,
    /// The archive's documents, in the order that they came.
    pub documents: Vec<Kept>,
    /// Requests that brought a document that was there already.
    pub repeated: usize,
    /// What the gateway did against the rules: request and rule.
    pub violations: Vec<String>,
}

/// What the server and the handle share. The locks are held for moments, never over an await.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    tokens: Mutex<Tokens>,
    faults: Faults,
    base_url: OnceLock<String>,
    changes: Changes,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changes.wake();
        result
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }
}

impl State {
    /// Notes that a request broke a rule.
    pub fn violate(&mut self, request: &str, rule: &str) {
        self.violations.push(format!("{request}: {rule}"));
    }
}
