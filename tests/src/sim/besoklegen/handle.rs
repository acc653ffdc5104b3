//! The handle that tests and the demo hold.

use super::answer::{Answer, BookingAct, Opening};
use super::case::{Case, Service};
use super::event::{Damage, Event};
use super::grammar::Grammar;
use super::state::{Practice, State, Violation};
use super::wsse::Guard;
use super::{Booking, NationalId, Shared, SimError, Slot, api, control};
use crate::sim::listener::Listener;
use crate::sim::trouble::{Faults, Trouble};
use crate::sim::waiting::Changes;
use crate::sim::world::{self, Office, Solution};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a simulator starts.
#[derive(Clone)]
pub struct Config {
    /// The vendor's time at start; calendars begin the day after.
    pub start: Timestamp,
    /// Who the portal is.
    pub username: String,
    /// Its password.
    pub password: String,
    /// The offices that use the vendor, and what it calls each.
    pub practices: Vec<(&'static str, &'static Office)>,
    /// How long the waiting helpers wait.
    pub patience: Duration,
    /// Where the service listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where the control API listens; port 0 takes a free one.
    pub control_address: SocketAddr,
}

impl Default for Config {
    fn default() -> Config {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config {
            start: Timestamp::now(),
            username: "portal".to_owned(),
            password: "besoklegen-password".to_owned(),
            practices: world::OFFICES
                .iter()
                .filter_map(|office| Some((office.account(Solution::Besoklegen)?, office)))
                .collect(),
            patience: Duration::from_secs(20),
            address: local,
            control_address: local,
        }
    }
}

/// A running Besøklegen. Clones are the same one; it stops with the last of them.
#[derive(Clone, Debug)]
pub struct BesoklegenSim {
    /// What goes wrong in the transport.
    pub trouble: Trouble,
    shared: Arc<Shared>,
    /// Kept because the control API listens for as long as it lives.
    _control: Arc<Listener>,
    base_url: String,
    control_url: String,
    patience: Duration,
}

impl BesoklegenSim {
    /// Starts both servers.
    pub async fn start(config: Config) -> Result<BesoklegenSim, SimError> {
        let guard = Guard::new(config.username, config.password);
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(config.start, &config.practices, guard)),
            faults: Faults::default(),
            grammar: Grammar::read()?,
            changes: Changes::default(),
        });
        let (socket, address) = Listener::bind(config.address)?;
        let base_url = format!("http://{address}");
        let listener = Listener::serve(socket, address, api::router(Arc::clone(&shared)))?;
        let trouble = Trouble::new(shared.faults.clone(), listener);
        let (socket, address) = Listener::bind(config.control_address)?;
        let control = Listener::serve(socket, address, control::router(Arc::clone(&shared), trouble.clone()))?;
        Ok(BesoklegenSim {
            trouble,
            shared,
            _control: Arc::new(control),
            base_url,
            control_url: format!("http://{address}"),
            patience: config.patience,
        })
    }

    /// Where the service is: the base URL of the plugin's upstream.
    pub fn base_url(&self) -> &str {
        &self.base_url
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

    /// Every case, closed ones too.
    pub fn cases(&self) -> Vec<Case> {
        self.shared.look(|state| state.cases.clone())
    }

    /// The cases that wait for the practice, oldest first.
    pub fn waiting(&self) -> Vec<Case> {
        self.shared.look(|state| state.cases.iter().filter(|case| case.waits()).cloned().collect())
    }

    /// The list of events.
    pub fn events(&self) -> Vec<Event> {
        self.shared.look(|state| state.events.clone())
    }

    /// The last event that the portal confirmed.
    pub fn confirmed(&self) -> u64 {
        self.shared.look(|state| state.confirmed)
    }

    /// The events that the portal refused, and why (`UNKNOWN_CASE`, ...).
    pub fn refused(&self) -> BTreeMap<u64, String> {
        self.shared.look(|state| state.refused.clone())
    }

    /// The slots of a practice, taken ones too.
    pub fn slots(&self, practice: &str) -> Result<Vec<Slot>, SimError> {
        self.at(practice, |practice| Ok(practice.calendar.slots().to_vec()))
    }

    /// A citizen's bookings at a practice, cancelled ones too, in the order that they were made.
    pub fn bookings(&self, practice: &str, fnr: &str) -> Result<Vec<Booking>, SimError> {
        let citizen = NationalId::new(fnr);
        self.at(practice, |practice| {
            let bookings = practice.calendar.bookings.iter();
            Ok(bookings.filter(|booking| booking.citizen == citizen).cloned().collect())
        })
    }

    // What people do.

    /// Answers a case; gives the number of the event.
    pub fn answer(&self, case: &str, answer: &Answer) -> Result<u64, SimError> {
        self.shared.with(|state| state.answer(case, answer))
    }

    /// The practice opens a case or sends a one-way message; gives its number.
    pub fn open(&self, practice: &str, fnr: &str, opening: &Opening) -> Result<String, SimError> {
        self.shared.with(|state| state.open(practice, &NationalId::new(fnr), opening))
    }

    /// The practice does something with a booking; gives the number of the event.
    pub fn act(&self, practice: &str, act: &BookingAct, text: Option<&str>) -> Result<u64, SimError> {
        self.shared.with(|state| state.act(practice, act, text))
    }

    /// Takes a slot away.
    pub fn take_slot(&self, practice: &str, slot: &str) -> Result<(), SimError> {
        let missing = || SimError::NoSuchSlot(slot.to_owned());
        self.at(practice, |practice| practice.calendar.take(slot).map(|_| ()).ok_or_else(missing))
    }

    /// Bars a citizen from a practice's digital services (`PatientBlocked`), or lets the citizen in again.
    pub fn set_blocked(&self, practice: &str, fnr: &str, blocked: bool) -> Result<(), SimError> {
        let citizen = NationalId::new(fnr);
        self.at(practice, |practice| {
            practice.blocked.retain(|other| *other != citizen);
            practice.blocked.extend(blocked.then_some(citizen));
            Ok(())
        })
    }

    /// Switches a service of a practice off (`ServiceOff`) or on.
    pub fn set_service(&self, practice: &str, service: Service, on: bool) -> Result<(), SimError> {
        self.at(practice, |practice| {
            practice.off.retain(|other| *other != service);
            practice.off.extend((!on).then_some(service));
            Ok(())
        })
    }

    /// Makes it too late to move or cancel a booking (`TooLate`), or not.
    pub fn set_late(&self, practice: &str, late: bool) -> Result<(), SimError> {
        self.at(practice, |practice| {
            practice.late = late;
            Ok(())
        })
    }

    // How the service behaves.

    /// Damages the next event.
    pub fn damage_next(&self, damage: Damage) {
        self.shared.with(|state| state.damage_next = Some(damage));
    }

    /// Makes lists go on for ever, or not.
    pub fn set_endless(&self, endless: bool) {
        self.shared.with(|state| state.endless = endless);
    }

    /// Makes a page of events hold each twice and out of order, or not.
    pub fn set_muddled(&self, muddled: bool) {
        self.shared.with(|state| state.muddled = muddled);
    }

    /// Makes the service too busy to take anything for so many seconds, as it says; or not.
    pub fn set_busy(&self, seconds: Option<u32>) {
        self.shared.with(|state| state.busy = seconds);
    }

    /// Sets the vendor's clock wrong.
    pub fn set_clock_off(&self, by: SignedDuration) {
        self.shared.with(|state| state.guard.clock_off = by);
    }

    /// Gives the portal another password: the one that it has is no longer good. Gives that one.
    pub fn set_password(&self, password: &str) -> String {
        self.shared.with(|state| std::mem::replace(&mut state.guard.password, password.to_owned()))
    }

    // Waiting: told of every change, bounded by the simulator's patience, never asleep.

    /// Waits for a case that waits for the practice.
    pub async fn wait_for_case(&self, mut wanted: impl FnMut(&Case) -> bool) -> Result<Case, SimError> {
        let look = || self.shared.look(|state| state.cases.iter().find(|case| case.waits() && wanted(case)).cloned());
        Ok(self.shared.changes.wait_for("a case", self.patience, look, || self.seen()).await?)
    }

    /// Waits until the portal has confirmed the event with this number.
    pub async fn wait_until_confirmed(&self, number: u64) -> Result<(), SimError> {
        let look = || self.shared.look(|state| (state.confirmed >= number).then_some(()));
        Ok(self.shared.changes.wait_for("a confirmation", self.patience, look, || self.seen()).await?)
    }

    fn seen(&self) -> String {
        self.shared.look(|state| {
            let cases: Vec<_> = state.cases.iter().map(|case| (&case.number, case.state)).collect();
            format!("cases: {cases:?}, confirmed: {}, violations: {:?}", state.confirmed, state.violations)
        })
    }

    fn at<T>(&self, practice: &str, act: impl FnOnce(&mut Practice) -> Result<T, SimError>) -> Result<T, SimError> {
        self.shared.with(|state| act(state.practice(practice)?))
    }
}
