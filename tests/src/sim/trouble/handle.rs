//! The part of a back end's handle that makes trouble for it.

use super::{Availability, Call, Faults, Held, HttpFault};
use crate::sim::listener::Listener;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Makes trouble for one back end. Clones are the same; the back end's API listens for as long as one of them lives.
#[derive(Clone, Debug)]
pub struct Trouble {
    faults: Faults,
    listener: Arc<tokio::sync::Mutex<Listener>>,
}

impl Trouble {
    /// For a back end whose calls pass these faults and come in here.
    pub fn new(faults: Faults, listener: Listener) -> Trouble {
        Trouble { faults, listener: Arc::new(tokio::sync::Mutex::new(listener)) }
    }

    /// Whether the back end answers, and pushes if it does. When it returns, the change has taken effect.
    ///
    /// # Errors
    /// The port cannot be listened on again.
    pub async fn set_availability(&self, availability: Availability) -> io::Result<()> {
        let mut listener = self.listener.lock().await;
        self.faults.set_availability(availability);
        match availability {
            Availability::Refuse => listener.refuse().await,
            Availability::Up | Availability::Unavailable => listener.up(),
        }
    }

    /// Time before each reply.
    pub fn set_delay(&self, delay: Duration) {
        self.faults.set_delay(delay);
    }

    /// Holds the next such call until the handle is released or dropped.
    pub fn hold_next(&self, call: Call) -> Held {
        self.faults.hold(call)
    }

    /// Spoils the reply to the next such call; calls add up.
    pub fn fail_next(&self, call: Call, fault: HttpFault) {
        self.faults.add(call, fault);
    }
}
