//! PasientSky, a commercial vendor, simulated: a FHIR R4 server with OAuth 2.0 and subscriptions, a clinic behind it.
//!
//! A real HTTP server on a port of its own choosing, a second one for the control API, and a handle for tests. It is
//! also a checker: whatever the plugin sends against the vendor's interface is a [`Violation`].
//!
//! - the portal's side: [`api`] (routes, tokens), [`search`] (parameters, includes, pages), [`write`](mod@write) (create
//!   and update), [`dialog`], [`booking`], [`resource`] (what may be written), [`rules`] (what else must hold),
//!   [`outcome`] (refusals), [`manners`] (how it is in [`trouble`](super::trouble))
//! - the vendor: [`state`] (everything), [`record`] (resources and their versions), [`clinic`] (what is there on the
//!   first day), [`codes`], [`subscription`] (notifications)
//! - asking: [`survey`]
//! - answering: [`answer`] (what people at a clinic decide)
//! - steering: [`handle`] (for tests), [`control`] (over HTTP)

pub mod answer;
pub mod api;
pub mod booking;
pub mod clinic;
pub mod codes;
pub mod control;
pub mod dialog;
pub mod handle;
pub mod manners;
pub mod outcome;
pub mod record;
pub mod resource;
pub mod rules;
pub mod search;
pub mod state;
pub mod subscription;
pub mod survey;
pub mod write;

#[cfg(test)]
mod tests;

pub use crate::sim::meldingstjener::{NationalId, OauthClient};
pub use answer::{Answer, AppointmentAct, Decision, File, Opening, Report};
pub use codes::{Kind, Origin, Service};
pub use handle::{Config, PasientskySim};
pub use record::{Damage, Record};
pub use state::{Dialog, Violation};
pub use subscription::{Notice, Pushed, Subscription};

use crate::sim::meldingstjener::token::Tokens;
use crate::sim::trouble::Faults;
use crate::sim::waiting::{Changes, Overdue};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Why the simulator did not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// No such clinic.
    #[error("no clinic {0:?}")]
    NoSuchClinic(String),
    /// No such resource.
    #[error("no {0}")]
    NoSuchResource(String),
    /// The dialog is closed.
    #[error("{0} is closed")]
    Closed(String),
    /// This does not answer a dialog of this service.
    #[error("{answer} does not answer a dialog about {service}")]
    WrongAnswer {
        /// The answer.
        answer: &'static str,
        /// The dialog's service.
        service: &'static str,
    },
    /// A decision about an item that was not asked for.
    #[error("nobody asked for {0:?}")]
    NoSuchItem(String),
    /// The clinic does not know the citizen.
    #[error("the clinic does not know this citizen")]
    NoSuchCitizen,
    /// No such notice.
    #[error("no notice {0}")]
    NoSuchNotice(u64),
    /// Nobody subscribes.
    #[error("no subscription is set")]
    NoSubscription,
    /// A notification could not be sent.
    #[error("the notification could not be sent: {0}")]
    Push(#[from] reqwest::Error),
    /// What was waited for did not come.
    #[error(transparent)]
    Waited(#[from] Overdue),
    /// A port could not be had.
    #[error("listening failed: {0}")]
    Listen(#[from] std::io::Error),
}

/// What the servers, the notifications and the handle share. The locks are held for moments, never over an await.
#[derive(Debug)]
pub struct Shared {
    state: Mutex<State>,
    faults: Faults,
    tokens: Mutex<Tokens>,
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

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    /// Where the server is, without what stands below it.
    fn base_url(&self) -> String {
        self.base_url.get().cloned().unwrap_or_default()
    }
}
