//! What carries notices to citizens, simulated: telephones and mailboxes, each behind a service that holds its caller to
//! every rule of its own.
//!
//! - [`sms`]: an SMS gateway: JSON, a key in a header, signed delivery reports
//! - [`epost`]: a mail service: forms, a bearer token, a list of what bounced

pub mod epost;
pub mod sms;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use tokio::sync::Mutex as AsyncMutex;

use super::listener::Listener;
use super::waiting::{Changes, Overdue};

/// How long the waiting helpers wait: the gateway looks once a second what is due.
const PATIENCE: Duration = Duration::from_secs(20);

/// One notice, as it reached a telephone or a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The number or the address.
    pub to: String,
    /// Who it is from.
    pub from: String,
    /// For mail.
    pub subject: Option<String>,
    /// What it says.
    pub text: String,
    /// The sender's id of it.
    pub reference: String,
}

/// Why the simulator did not do what a test asked for.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// Nothing was sent under that id.
    #[error("nothing was sent as {0}")]
    NoSuchNotice(String),
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

/// What both services share: what arrived, and what was wrong with what did not. The lock is held for moments.
#[derive(Debug, Default)]
struct Inbox {
    state: Mutex<State>,
    changes: Changes,
}

#[derive(Debug, Default)]
struct State {
    arrived: Vec<Arrived>,
    violations: Vec<String>,
    /// Addresses that take nothing.
    closed: BTreeSet<String>,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn violate(&self, what: impl Into<String>) {
        self.state().violations.push(what.into());
        self.changes.wake();
    }

    /// Takes a notice in, once for each id; gives its number, from 1, or none where another has the id.
    fn take(&self, notice: Arrived) -> Option<usize> {
        let mut state = self.state();
        if let Some(at) = state.arrived.iter().position(|known| known.reference == notice.reference) {
            let same = state.arrived[at] == notice;
            return same.then_some(at + 1);
        }
        state.arrived.push(notice);
        let number = state.arrived.len();
        drop(state);
        self.changes.wake();
        Some(number)
    }

    fn is_closed(&self, address: &str) -> bool {
        self.state().closed.contains(address)
    }
}

/// What tests and the demo do with a service. Clones are the same one; it stops with the last of them.
#[derive(Clone, Debug)]
struct Running {
    inbox: Arc<Inbox>,
    listener: Arc<AsyncMutex<Listener>>,
    base_url: String,
}

impl Running {
    fn start(address: SocketAddr, inbox: &Arc<Inbox>, router: Router) -> Result<Self, SimError> {
        let (socket, address) = Listener::bind(address)?;
        let listener = Listener::serve(socket, address, router)?;
        let listener = Arc::new(AsyncMutex::new(listener));
        Ok(Self { inbox: Arc::clone(inbox), listener, base_url: format!("http://{address}") })
    }

    async fn after(&self, seen: usize) -> Arrived {
        loop {
            let look = || self.inbox.state().arrived.get(seen).cloned();
            if let Some(arrived) = self.inbox.changes.find(PATIENCE, look).await {
                return arrived;
            }
        }
    }

    /// The `count`th notice to an address, from 1, and those before it.
    async fn nth(&self, address: &str, count: usize) -> Result<Vec<Arrived>, SimError> {
        let look = || {
            let state = self.inbox.state();
            let to: Vec<Arrived> = state.arrived.iter().filter(|one| one.to == address).cloned().collect();
            (to.len() >= count).then_some(to)
        };
        let seen = || format!("{} notices in all", self.inbox.state().arrived.len());
        Ok(self.inbox.changes.wait_for("a notice", PATIENCE, look, seen).await?)
    }
}

macro_rules! handle {
    ($name:ident) => {
        impl $name {
            /// Where the API is: the base URL of the plugin's upstream.
            #[must_use]
            pub fn base_url(&self) -> &str {
                &self.running.base_url
            }

            /// Everything that arrived, in order.
            #[must_use]
            pub fn arrived(&self) -> Vec<Arrived> {
                self.running.inbox.state().arrived.clone()
            }

            /// The notice after the first `seen`, in order of arrival, waited for as long as it takes.
            pub async fn after(&self, seen: usize) -> Arrived {
                self.running.after(seen).await
            }

            /// Waits for the `count`th notice to an address; gives all to it.
            ///
            /// # Errors
            /// It does not come.
            pub async fn nth(&self, address: &str, count: usize) -> Result<Vec<Arrived>, SimError> {
                self.running.nth(address, count).await
            }

            /// Everything that was done against the service's rules.
            #[must_use]
            pub fn violations(&self) -> Vec<String> {
                self.running.inbox.state().violations.clone()
            }

            /// From now on this address takes nothing.
            pub fn close(&self, address: &str) {
                self.running.inbox.state().closed.insert(address.to_owned());
            }

            /// Refuses connections from now on.
            ///
            /// # Errors
            /// The port is lost.
            pub async fn down(&self) -> Result<(), SimError> {
                Ok(self.running.listener.lock().await.refuse().await?)
            }

            /// Takes connections again.
            ///
            /// # Errors
            /// The port is lost.
            pub async fn up(&self) -> Result<(), SimError> {
                Ok(self.running.listener.lock().await.up()?)
            }
        }
    };
}
use handle;
