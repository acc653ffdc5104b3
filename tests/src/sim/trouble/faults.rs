//! What is wrong with one back end now and next, and which calls it is meant for.

use super::gate::{Gate, Held};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Whether a back end answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Availability {
    /// As it should.
    #[default]
    Up,
    /// Connections are refused, open ones are cut.
    Refuse,
    /// 503 with `Retry-After: 1`.
    Unavailable,
}

/// How one reply is spoilt. The call itself takes effect, except under [`HttpFault::Status`] and [`HttpFault::Mute`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFault {
    /// A status in place of a reply; the call has no effect.
    Status(u16),
    /// The same without `Retry-After`, which 429 and 503 have otherwise.
    Mute(u16),
    /// The JSON is broken.
    MalformedJson,
    /// The connection ends in the middle of the body.
    TruncatedBody,
    /// A page for people, with status 200.
    Html,
    /// JSON of another shape, with the status as it is.
    WrongType,
}

/// What a request is, and which calls a hold or a fault is meant for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Any call, before it takes effect. A request that is none of the others (a token, a receipt) is this alone.
    #[default]
    Any,
    /// A call that hands something over (a message, a case, a booking), before it takes effect.
    Post,
    /// The reply to such a call: it has taken effect, its sender does not know. No request is this.
    PostReply,
    /// A look into the list or the feed of what is new.
    News,
    /// A search, or a look at something else.
    Read,
    /// A file.
    File,
}

impl Call {
    /// Whether what is meant for `self` hits this request before it takes effect.
    fn covers(self, request: Call) -> bool {
        self == Call::Any || self == request
    }
}

#[derive(Debug, Default)]
struct Coming {
    delay: Duration,
    faults: VecDeque<(Call, HttpFault)>,
    gates: Vec<Arc<Gate>>,
}

impl Coming {
    fn gate(&mut self, meant: impl Fn(Call) -> bool) -> Option<Arc<Gate>> {
        let at = self.gates.iter().position(|gate| meant(gate.call))?;
        Some(self.gates.remove(at))
    }

    fn fault(&mut self, request: Call) -> Option<HttpFault> {
        let spoils = |meant: Call| meant.covers(request) || (meant == Call::PostReply && request == Call::Post);
        let at = self.faults.iter().position(|(meant, _)| spoils(*meant))?;
        self.faults.remove(at).map(|(_, fault)| fault)
    }
}

/// What is in a request's way.
#[derive(Debug)]
pub struct Obstacles {
    /// Time before the reply.
    pub delay: Duration,
    /// Where it is held.
    pub gate: Option<Arc<Gate>>,
    /// How its reply is spoilt.
    pub fault: Option<HttpFault>,
}

/// What is wrong with one back end. Clones are the same. The lock is held for moments, never over an await.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    availability: watch::Sender<Availability>,
    coming: Arc<Mutex<Coming>>,
}

impl Faults {
    /// Whether the back end answers, and a way to wait for a change of it. [`Availability::Refuse`] is the listener's
    /// business.
    pub fn availability(&self) -> watch::Receiver<Availability> {
        self.availability.subscribe()
    }

    /// Whether the back end answers.
    pub fn is_up(&self) -> bool {
        *self.availability.borrow() == Availability::Up
    }

    pub(super) fn set_availability(&self, availability: Availability) {
        self.availability.send_replace(availability);
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        self.coming().delay = delay;
    }

    pub(super) fn hold(&self, call: Call) -> Held {
        let gate = Gate::new(call);
        let mut coming = self.coming();
        // One that was released before any call came would let this one's call through.
        coming.gates.retain(|gate| !gate.is_open());
        coming.gates.push(Arc::clone(&gate));
        Held(gate)
    }

    pub(super) fn add(&self, call: Call, fault: HttpFault) {
        self.coming().faults.push_back((call, fault));
    }

    /// What is in this request's way, each hold and fault for one request. None while the back end is not up: holds and
    /// faults wait for it.
    pub(super) fn meet(&self, request: Call) -> Option<Obstacles> {
        if !self.is_up() {
            return None;
        }
        let mut coming = self.coming();
        let (gate, fault) = (coming.gate(|meant| meant.covers(request)), coming.fault(request));
        Some(Obstacles { delay: coming.delay, gate, fault })
    }

    /// Where the reply to this request is held, after it has taken effect.
    pub(super) fn meet_reply(&self, request: Call) -> Option<Arc<Gate>> {
        if request == Call::Post { self.coming().gate(|meant| meant == Call::PostReply) } else { None }
    }

    fn coming(&self) -> MutexGuard<'_, Coming> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
