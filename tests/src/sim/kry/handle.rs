//! The handle that tests and the demo hold.

use super::answer::{Answer, BookingAct, MeetingAct, Opening};
use super::calendar::{Booking, Timeslot};
use super::event::{Damage, Event};
use super::invoice::{Invoice, Payment};
use super::state::{State, Switches, Violation};
use super::visit::Visit;
use super::webhook::{self, Pushed, Webhook};
use super::{NationalId, OauthClient, Shared, SimError, api, control};
use crate::sim::helserespons::PayOutcome;
use crate::sim::listener::Listener;
use crate::sim::meldingstjener::token::Tokens;
use crate::sim::trouble::{Faults, Trouble};
use crate::sim::waiting::Changes;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// How a simulator starts.
#[derive(Clone)]
pub struct Config {
    /// The vendor's time at start; its calendar begins the day after.
    pub start: Timestamp,
    /// Tokens that are accepted without having been issued: for tests that speak for themselves.
    pub tokens: Vec<String>,
    /// Who may fetch tokens.
    pub clients: Vec<OauthClient>,
    /// Where events are pushed from the beginning.
    pub webhook: Option<Webhook>,
    /// How long the waiting helpers wait.
    pub patience: Duration,
    /// Where the API listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where the control API listens; port 0 takes a free one.
    pub control_address: SocketAddr,
    /// What pushes: whom it trusts, and as whom it comes.
    pub client: reqwest::Client,
}

impl Default for Config {
    fn default() -> Config {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config {
            start: Timestamp::now(),
            tokens: Vec::new(),
            clients: Vec::new(),
            webhook: None,
            patience: Duration::from_secs(20),
            address: local,
            control_address: local,
            client: reqwest::Client::new(),
        }
    }
}

/// A running Kry. Clones are the same one; it stops with the last of them.
#[derive(Clone, Debug)]
pub struct KrySim {
    /// What goes wrong in the transport. Nothing is pushed while the vendor is not up.
    pub trouble: Trouble,
    shared: Arc<Shared>,
    /// Kept because the control API listens for as long as it lives.
    _control: Arc<Listener>,
    control_url: String,
    client: reqwest::Client,
    patience: Duration,
}

impl KrySim {
    /// Starts both servers, and the webhooks.
    pub async fn start(config: Config) -> Result<KrySim, SimError> {
        let mut state = State::new(config.start);
        state.webhook = config.webhook;
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            tokens: Mutex::new(Tokens::new(config.tokens, config.clients)),
            faults: Faults::default(),
            base_url: OnceLock::new(),
            changes: Arc::new(Changes::default()),
        });
        let (socket, address) = Listener::bind(config.address)?;
        // Set once, here.
        let _ = shared.base_url.set(format!("http://{address}"));
        let listener = Listener::serve(socket, address, api::router(Arc::clone(&shared)))?;
        let trouble = Trouble::new(shared.faults.clone(), listener);
        let client = config.client;
        let (socket, address) = Listener::bind(config.control_address)?;
        let router = control::router(Arc::clone(&shared), trouble.clone(), client.clone());
        let control = Listener::serve(socket, address, router)?;
        tokio::spawn(webhook::run(Arc::downgrade(&shared), client.clone()));
        Ok(KrySim {
            trouble,
            shared,
            _control: Arc::new(control),
            control_url: format!("http://{address}"),
            client,
            patience: config.patience,
        })
    }

    /// Where the API is: the base URL of the plugin's upstream. Tokens are at `/oauth/token`.
    pub fn base_url(&self) -> String {
        self.shared.base_url.get().cloned().unwrap_or_default()
    }

    /// Where the control API is; its routes begin with `/control/`.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    // What has happened.

    /// Everything that the portal's side did against the vendor's interface.
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.look(|state| state.violations.clone())
    }

    /// Every visit, closed ones too.
    pub fn visits(&self) -> Vec<Visit> {
        self.shared.look(|state| state.visits.clone())
    }

    /// The feed.
    pub fn events(&self) -> Vec<Event> {
        self.shared.look(|state| state.events.clone())
    }

    /// The events that the portal refused, and why (`unknown-visit`, ...).
    pub fn refused(&self) -> BTreeMap<u64, String> {
        self.shared.look(|state| state.refused.clone())
    }

    /// Every attempt to push an event.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.shared.look(|state| state.pushed.clone())
    }

    /// All times, taken ones too.
    pub fn timeslots(&self) -> Vec<Timeslot> {
        self.shared.look(|state| state.calendar.slots.clone())
    }

    /// A citizen's bookings, cancelled ones too, in the order that they were made.
    pub fn bookings(&self, number: &str) -> Vec<Booking> {
        let citizen = NationalId::new(number);
        self.shared.look(|state| {
            state.calendar.bookings.iter().filter(|booking| booking.citizen == citizen).cloned().collect()
        })
    }

    /// All fees, paid ones too.
    pub fn invoices(&self) -> Vec<Invoice> {
        self.shared.look(|state| state.invoices.clone())
    }

    /// Payments that have begun.
    pub fn payments(&self) -> Vec<Payment> {
        self.shared.look(|state| state.payments.clone())
    }

    // What people do.

    /// Answers a visit; gives the numbers of the events.
    pub fn answer(&self, visit: &str, answer: &Answer) -> Result<Vec<u64>, SimError> {
        self.shared.with(|state| state.answer(visit, answer))
    }

    /// A clinician begins a visit or sends a one-way message to somebody who has been here; gives its id.
    pub fn open(&self, number: &str, opening: &Opening) -> Result<String, SimError> {
        self.shared.with(|state| state.open(&NationalId::new(number), opening))
    }

    /// A clinician does something with a booking; gives the number of the event.
    pub fn act(&self, act: &BookingAct, text: Option<&str>) -> Result<u64, SimError> {
        self.shared.with(|state| state.act(act, text))
    }

    /// Something happens in a visit's video meeting; gives the number of the event.
    pub fn meet(&self, visit: &str, act: &MeetingAct) -> Result<u64, SimError> {
        self.shared.with(|state| state.meet(visit, act))
    }

    /// Takes a time away.
    pub fn take_timeslot(&self, id: &str) -> Result<(), SimError> {
        let taken = self.shared.with(|state| state.calendar.take(id));
        taken.map(|_| ()).ok_or_else(|| SimError::NoSuchTimeslot(id.to_owned()))
    }

    /// Somebody who has been here owes so many øre.
    pub fn owe(&self, number: &str, amount: u64) -> Result<(), SimError> {
        self.shared.with(|state| state.owe(&NationalId::new(number), amount))
    }

    /// What happens at the payment service, or after; gives the number of the event.
    pub fn end_payment(&self, payment: &str, outcome: PayOutcome) -> Result<u64, SimError> {
        self.shared.with(|state| state.end_payment(payment, outcome))
    }

    /// Bars somebody who has been here (`patient-blocked`), or lets them in again.
    pub fn set_blocked(&self, number: &str, blocked: bool) -> Result<(), SimError> {
        let citizen = NationalId::new(number);
        self.shared.with(|state| {
            let patient = state.patients.iter_mut().find(|patient| patient.citizen == citizen);
            patient.ok_or(SimError::NoSuchPatient)?.blocked = blocked;
            Ok(())
        })
    }

    // How the service behaves.

    /// Switches things on and off.
    pub fn switch(&self, change: impl FnOnce(&mut Switches)) {
        self.shared.with(|state| change(&mut state.switches));
    }

    /// Lets every issued token expire.
    pub fn expire_tokens(&self) {
        self.shared.tokens().expire();
    }

    /// Sets the vendor's clock forward by so many seconds, or back: at its tokens, and in what it pushes.
    pub fn set_clock_off(&self, seconds: i64) {
        self.shared.tokens().set_clock_off(seconds);
        self.shared.with(|state| {
            if let Some(webhook) = &mut state.webhook {
                webhook.clock_off = seconds;
            }
        });
    }

    /// Whether the portal's key is taken where tokens come from: it has run out, or was registered anew.
    pub fn set_key_known(&self, known: bool) {
        self.shared.tokens().set_open(known);
    }

    /// Damages the next event.
    pub fn damage_next(&self, damage: Damage) {
        self.shared.with(|state| state.damage_next = Some(damage));
    }

    /// Where events are pushed from now on: all that are not pushed yet. None: nowhere.
    pub fn set_webhook(&self, webhook: Option<Webhook>) {
        self.shared.with(|state| state.webhook = webhook);
    }

    /// Pushes an event now to an address, signed with its secrets: also once more, and to one that is not set.
    pub async fn deliver(&self, number: u64, webhook: &Webhook) -> Result<u16, SimError> {
        webhook::push(&self.shared, &self.client, webhook, number).await
    }

    /// As [`KrySim::deliver`], to where events are pushed.
    pub async fn deliver_again(&self, number: u64) -> Result<u16, SimError> {
        let webhook = self.shared.look(|state| state.webhook.clone()).ok_or(SimError::NoWebhook)?;
        self.deliver(number, &webhook).await
    }

    // Waiting: told of every change, bounded by the simulator's patience, never asleep.

    async fn wait_until<T>(
        &self,
        what: &'static str,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, SimError> {
        let seen = || {
            self.shared.look(|state| {
                let visits: Vec<_> = state.visits.iter().map(|visit| (&visit.id, visit.status)).collect();
                format!("visits: {visits:?}, violations: {:?}, pushed: {:?}", state.violations, state.pushed)
            })
        };
        Ok(self.shared.changes.wait_for(what, self.patience, || self.shared.look(&mut look), seen).await?)
    }

    /// Waits for a visit that waits for a clinician.
    pub async fn wait_for_visit(&self, mut wanted: impl FnMut(&Visit) -> bool) -> Result<Visit, SimError> {
        let wanted = |state: &State| state.visits.iter().find(|visit| visit.waits() && wanted(visit)).cloned();
        self.wait_until("a visit", wanted).await
    }

    /// Waits until the portal has answered the webhook of this event with 204.
    pub async fn wait_until_pushed(&self, number: u64) -> Result<(), SimError> {
        self.wait_until("a webhook", |state| state.event(number)?.pushed.then_some(())).await
    }

    /// Waits until the portal has refused this event; gives why.
    pub async fn wait_until_refused(&self, number: u64) -> Result<String, SimError> {
        self.wait_until("a refusal", |state| state.refused.get(&number).cloned()).await
    }
}
