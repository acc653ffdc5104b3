//! Besøklegen, a commercial vendor, simulated: SOAP 1.2 at one address, WS-Security, a list of events that is polled.
//!
//! A real HTTP server on a port of its own choosing, a second one for the control API, and a handle for tests. It is
//! also a checker: whatever the plugin sends against the vendor's interface is a [`Violation`].
//!
//! - the portal's side: [`api`] (the one address), [`soap`] (envelopes and faults), [`wsse`] (who it is), [`grammar`]
//!   (messages against `portal.xsd`), [`request`] (what may be asked), [`manners`] (how it is in
//!   [`trouble`](super::trouble))
//! - the vendor: [`state`] (everything), [`reception`] (bookings), [`case`], [`event`] (the list), [`practice`]
//!   (information and forms)
//! - answering: [`answer`] (what people at a practice decide)
//! - steering: [`handle`] (for tests), [`control`] (over HTTP)

pub mod answer;
pub mod api;
pub mod case;
pub mod control;
pub mod event;
pub mod grammar;
pub mod handle;
pub mod manners;
pub mod practice;
pub mod reception;
pub mod request;
pub mod soap;
pub mod state;
pub mod wsse;

#[cfg(test)]
mod tests;

pub use crate::sim::helserespons::{Booking, Channel, File, Slot};
pub use crate::sim::meldingstjener::NationalId;
pub use answer::{Answer, BookingAct, Decision, Opening, Outcome};
pub use case::{Case, CaseState, Message, Service, Subject};
pub use event::{Damage, Event};
pub use handle::{BesoklegenSim, Config};
pub use state::Violation;

use crate::sim::trouble::Faults;
use crate::sim::waiting::{Changes, Overdue};
use grammar::Grammar;
use state::State;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why the simulator did not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No such practice.
    #[error("no practice {0:?}")]
    NoSuchPractice(String),
    /// No such case.
    #[error("no case {0}")]
    NoSuchCase(String),
    /// The case is closed.
    #[error("case {0} is closed")]
    Closed(String),
    /// This does not answer a case of this kind.
    #[error("{answer} does not answer a case of {service}")]
    WrongAnswer {
        /// The answer.
        answer: &'static str,
        /// The case's service.
        service: &'static str,
    },
    /// A decision about a line that was not asked for.
    #[error("nobody asked for {0:?}")]
    NoSuchLine(String),
    /// No free slot with this id.
    #[error("no free slot {0}")]
    NoSuchSlot(String),
    /// No such booking.
    #[error("no booking {0}")]
    NoSuchBooking(String),
    /// The practice does not know the citizen.
    #[error("the practice does not know this citizen")]
    NoSuchCitizen,
    /// What was waited for did not come.
    #[error(transparent)]
    Overdue(#[from] Overdue),
    /// The vendor's own schema cannot be read.
    #[error("portal.xsd: {0}")]
    Grammar(String),
    /// A port could not be had.
    #[error("listening failed: {0}")]
    Listen(#[from] std::io::Error),
}

/// What the servers and the handle share. The lock is held for moments, never over an await.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    faults: Faults,
    grammar: Grammar,
    changes: Changes,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes who waits for a change.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changes.wake();
        result
    }

    /// Looks at the state.
    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }
}
