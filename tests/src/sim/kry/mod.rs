//! Kry, a commercial vendor with doctors of its own, simulated: JSON:API 1.1, OAuth 2.0, webhooks by the Standard
//! Webhooks specification. One unit, no list of patients: whoever comes is taken.
//!
//! A real HTTP server on a port of its own choosing, a second one for the control API, and a handle for tests. It is
//! also a checker: whatever the plugin sends against the vendor's interface is a [`Violation`].
//!
//! - the portal's side: [`api`] (routes, tokens, what every request must have), [`look`] (what is asked for),
//!   [`write`](mod@write) (what is handed over), [`request`] and [`document`] (JSON:API, read strictly and written),
//!   [`manners`] (how it is in [`trouble`](super::trouble))
//! - the vendor: [`state`] (everything), [`unit`] (practical information), [`form`] (triage), [`patient`], [`calendar`],
//!   [`visit`], [`invoice`], [`event`] (the feed), [`webhook`]
//! - answering: [`answer`] (what the vendor's clinicians decide)
//! - steering: [`handle`] (for tests), [`control`] (over HTTP)

pub mod answer;
pub mod api;
pub mod calendar;
pub mod control;
pub mod document;
pub mod event;
pub mod form;
pub mod handle;
pub mod invoice;
pub mod look;
pub mod manners;
pub mod patient;
pub mod request;
pub mod state;
pub mod unit;
pub mod visit;
pub mod webhook;
pub mod write;

#[cfg(test)]
mod tests;

pub use crate::sim::helserespons::File;
pub use crate::sim::meldingstjener::NationalId;
pub use crate::sim::meldingstjener::token::OauthClient;
pub use answer::{Answer, BookingAct, MeetingAct, Opening};
pub use calendar::{Booking, Channel, Timeslot};
pub use event::{Damage, Event};
pub use handle::{Config, KrySim};
pub use invoice::{Invoice, Payment};
pub use state::Violation;
pub use visit::{Meeting, Message, Stage, Status, Visit};
pub use webhook::{Pushed, Webhook};

use crate::sim::meldingstjener::token::Tokens;
use crate::sim::trouble::Faults;
use crate::sim::waiting::{Changes, Overdue};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Why the simulator did not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No such visit.
    #[error("no visit {0}")]
    NoSuchVisit(String),
    /// The visit is closed.
    #[error("visit {0} is closed")]
    Closed(String),
    /// This does not answer such a visit.
    #[error("{0} does not answer this visit")]
    WrongAnswer(&'static str),
    /// No such booking.
    #[error("no booking {0}")]
    NoSuchBooking(String),
    /// No free time with this id.
    #[error("no free time {0}")]
    NoSuchTimeslot(String),
    /// Nobody has been here under this number.
    #[error("no patient has this number")]
    NoSuchPatient,
    /// No such payment.
    #[error("no payment {0}")]
    NoSuchPayment(String),
    /// No such event.
    #[error("no event {0}")]
    NoSuchEvent(u64),
    /// No webhook is set.
    #[error("no webhook is set")]
    NoWebhook,
    /// A webhook could not be sent.
    #[error("the webhook could not be sent: {0}")]
    Push(#[from] reqwest::Error),
    /// What was waited for did not come.
    #[error(transparent)]
    Waited(#[from] Overdue),
    /// A port could not be had.
    #[error("listening failed: {0}")]
    Listen(#[from] std::io::Error),
}

/// What the servers, the webhooks and the handle share. The locks are held for moments, never over an await.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    tokens: Mutex<Tokens>,
    faults: Faults,
    base_url: OnceLock<String>,
    changes: Arc<Changes>,
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

    /// Who may call.
    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }
}
