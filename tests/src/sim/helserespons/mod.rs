//! Helserespons, a commercial vendor, simulated: a JSON API, a change feed and signed webhooks, two clinics behind it.
//!
//! A real HTTP server on a port of its own choosing, a second one for the control API, and a handle for tests. It is
//! also a checker: whatever the plugin sends against the vendor's interface is a [`Violation`].
//!
//! - the portal's side: [`api`] (routes), [`request`] (what may be sent, and checks), [`manners`] (how it is in
//!   [`trouble`](super::trouble))
//! - the vendor: [`state`] (everything), [`calendar`], [`case`], [`medication`], [`fees`], [`room`] (video), [`change`] (the feed), [`webhook`]
//! - answering: [`answer`] (what people at a clinic decide)
//! - steering: [`handle`] (for tests), [`control`] (over HTTP)

pub mod answer;
pub mod api;
pub mod calendar;
pub mod case;
pub mod change;
pub mod consult;
pub mod control;
pub mod fees;
pub mod handle;
pub mod manners;
pub mod medication;
pub mod request;
pub mod room;
pub mod state;
pub mod webhook;

#[cfg(test)]
mod tests;

pub use crate::sim::meldingstjener::NationalId;
pub use answer::{Answer, BookingAct, Decision, LabReport, Opening, Outcome};
pub use calendar::{Booking, Channel, Slot};
pub use case::{Case, CaseState, CaseType, Entry, File, Line};
pub use change::{Change, Damage};
pub use consult::{Consult, Question};
pub use fees::{Charge, Fee, Pay, PayOutcome};
pub use handle::{Config, HelseresponsSim};
pub use medication::{Medication, Rule};
pub use room::{Link, Room, RoomAct, Stage};
pub use state::Violation;
pub use webhook::{Pushed, Webhook};

use crate::sim::trouble::Faults;
use state::State;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;

/// Why the simulator did not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No such clinic.
    #[error("no clinic {0:?}")]
    NoSuchClinic(String),
    /// No such case.
    #[error("no case {0}")]
    NoSuchCase(String),
    /// The case is closed.
    #[error("case {0} is closed")]
    Closed(String),
    /// This does not answer a case of this kind.
    #[error("{answer} does not answer a case of type {kind}")]
    WrongAnswer {
        /// The answer.
        answer: &'static str,
        /// The case's type.
        kind: &'static str,
    },
    /// A decision about a line that was not asked for.
    #[error("nobody asked for {0:?}")]
    NoSuchLine(String),
    /// No free opening with this id.
    #[error("no free opening {0}")]
    NoSuchOpening(String),
    /// No such booking.
    #[error("no booking {0}")]
    NoSuchBooking(String),
    /// The clinic does not know the citizen.
    #[error("the clinic does not know this citizen")]
    NoSuchCitizen,
    /// A link that leads nowhere, or not any more.
    #[error("nobody comes in: {0}")]
    NoWayIn(&'static str),
    /// No such payment.
    #[error("no payment {0}")]
    NoSuchPayment(String),
    /// No such change.
    #[error("no change {0}")]
    NoSuchChange(u64),
    /// No webhook is set.
    #[error("no webhook is set")]
    NoWebhook,
    /// A webhook could not be sent.
    #[error("the webhook could not be sent: {0}")]
    Push(#[from] reqwest::Error),
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

/// What the servers, the webhooks and the handle share. The locks are held for moments, never over an await.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    faults: Faults,
    key: String,
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
        self.wake();
        result
    }

    /// Wakes who waits for a change.
    fn wake(&self) {
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Looks at the state.
    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }
}
