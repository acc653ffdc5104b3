//! The handle that tests and the demo hold.

use super::answer::{Answer, AppointmentAct, Opening, Report};
use super::codes::{Kind, Service};
use super::record::{Damage, Record};
use super::state::{Dialog, State, Violation};
use super::subscription::{self, Notice, Pushed, Subscription};
use super::{NationalId, OauthClient, Shared, SimError, api, control};
use crate::sim::listener::Listener;
use crate::sim::meldingstjener::token::Tokens;
use crate::sim::trouble::{Faults, Trouble};
use crate::sim::world::{LILLETORGET, Office};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// How a simulator starts.
#[derive(Clone)]
pub struct Config {
    /// The vendor's time at start; calendars begin the day after.
    pub start: Timestamp,
    /// The offices that are its clinics.
    pub offices: Vec<Office>,
    /// Access tokens that are accepted without being fetched.
    pub tokens: Vec<String>,
    /// Clients that may fetch tokens.
    pub clients: Vec<OauthClient>,
    /// Who is notified from the beginning.
    pub subscription: Option<Subscription>,
    /// How long the waiting helpers wait.
    pub patience: Duration,
    /// Where the API listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where the control API listens; port 0 takes a free one.
    pub control_address: SocketAddr,
    /// What notifies: whom it trusts, and as whom it comes.
    pub client: reqwest::Client,
}

impl Default for Config {
    fn default() -> Config {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config {
            start: Timestamp::now(),
            offices: vec![LILLETORGET],
            tokens: Vec::new(),
            clients: Vec::new(),
            subscription: None,
            patience: Duration::from_secs(20),
            address: local,
            control_address: local,
            client: reqwest::Client::new(),
        }
    }
}

/// A running PasientSky. Clones are the same one; it stops with the last of them.
#[derive(Clone, Debug)]
pub struct PasientskySim {
    /// What goes wrong in the transport. Nothing is notified while the vendor is not up.
    pub trouble: Trouble,
    shared: Arc<Shared>,
    /// Kept because the control API listens for as long as it lives.
    _control: Arc<Listener>,
    control_url: String,
    client: reqwest::Client,
    patience: Duration,
}

impl PasientskySim {
    /// Starts both servers, and the notifications.
    pub async fn start(config: Config) -> Result<PasientskySim, SimError> {
        let mut state = State::new(config.start, &config.offices);
        state.subscription = config.subscription;
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            faults: Faults::default(),
            tokens: Mutex::new(Tokens::new(config.tokens, config.clients)),
            base_url: OnceLock::new(),
            changes: Arc::default(),
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
        tokio::spawn(subscription::run(Arc::downgrade(&shared), client.clone()));
        Ok(PasientskySim {
            trouble,
            shared,
            _control: Arc::new(control),
            control_url: format!("http://{address}"),
            client,
            patience: config.patience,
        })
    }

    /// Where the FHIR API is: the base URL of the plugin's upstream.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.shared.base_url(), super::codes::FHIR)
    }

    /// Where tokens are fetched.
    pub fn token_url(&self) -> String {
        format!("{}/oauth2/token", self.shared.base_url())
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

    /// Every dialog, closed ones too.
    pub fn dialogs(&self) -> Vec<Dialog> {
        self.shared.look(State::dialogs)
    }

    /// The dialogs that wait for the clinic, oldest first.
    pub fn waiting(&self) -> Vec<Dialog> {
        self.dialogs().into_iter().filter(Dialog::waits).collect()
    }

    /// The resources of a kind, in the order that they came to be.
    pub fn records(&self, kind: Kind) -> Vec<Record> {
        self.shared.look(|state| state.of(kind).cloned().collect())
    }

    /// The appointments of a citizen, cancelled ones too.
    pub fn appointments(&self, number: &str) -> Vec<Record> {
        self.shared.look(|state| {
            let Some(patient) = state.citizen(number) else { return Vec::new() };
            let reference = format!("Patient/{}", patient.id);
            let of_the_patient = |record: &&Record| record.refers("/participant/0/actor", &reference);
            state.of(Kind::Appointment).filter(of_the_patient).cloned().collect()
        })
    }

    /// What there is to notify of, and whether it was.
    pub fn notices(&self) -> Vec<Notice> {
        self.shared.look(|state| state.notices.clone())
    }

    /// How often each answer to a clinic's surveys was given, by question and answer.
    pub fn survey_answers(&self, clinic: &str) -> BTreeMap<(String, String), u64> {
        self.shared.look(|state| state.counted(clinic))
    }

    /// Every attempt to notify.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.shared.look(|state| state.pushed.clone())
    }

    // What people do.

    /// Answers in a dialog.
    pub fn answer(&self, dialog: &str, answer: &Answer) -> Result<(), SimError> {
        self.shared.with(|state| state.answer(dialog, answer))
    }

    /// The clinic opens a dialog or sends a one-way message; gives the Task's or the Communication's id.
    pub fn open(&self, clinic: &str, number: &str, opening: &Opening) -> Result<String, SimError> {
        self.shared.with(|state| state.open(clinic, &NationalId::new(number), opening))
    }

    /// The clinic tells a patient what tests found; gives the Communication's id.
    pub fn report(&self, clinic: &str, number: &str, report: &Report) -> Result<String, SimError> {
        self.shared.with(|state| state.report(clinic, &NationalId::new(number), report))
    }

    /// The clinic does something with an appointment; gives its id.
    pub fn act(&self, clinic: &str, act: &AppointmentAct) -> Result<String, SimError> {
        self.shared.with(|state| state.act(clinic, act))
    }

    /// Takes a slot away.
    pub fn take_slot(&self, slot: &str) -> Result<(), SimError> {
        let taken = |slot: &mut serde_json::Value| slot["status"] = serde_json::json!("busy");
        let known = self.shared.with(|state| state.amend(Kind::Slot, slot, super::Origin::Clinic, taken));
        if known { Ok(()) } else { Err(SimError::NoSuchResource(format!("Slot/{slot}"))) }
    }

    /// Bars a citizen from a clinic's digital services (`patient-blocked`), or lets the citizen in again.
    pub fn set_blocked(&self, clinic: &str, number: &str, blocked: bool) -> Result<(), SimError> {
        self.shared.with(|state| {
            let patient = state.citizen(number).map(|patient| patient.id.clone()).ok_or(SimError::NoSuchCitizen)?;
            let clinic = state.clinic(clinic)?;
            clinic.blocked.retain(|other| *other != patient);
            if blocked {
                clinic.blocked.push(patient);
            }
            Ok(())
        })
    }

    /// Switches a service of a clinic off (`service-off`) or on.
    pub fn set_service(&self, clinic: &str, service: Service, on: bool) -> Result<(), SimError> {
        self.shared.with(|state| {
            let clinic = state.clinic(clinic)?;
            clinic.off.retain(|other| *other != service);
            if !on {
                clinic.off.push(service);
            }
            Ok(())
        })
    }

    /// Makes it too late to move or cancel anything at a clinic, or not.
    pub fn set_late(&self, clinic: &str, late: bool) -> Result<(), SimError> {
        self.shared.with(|state| state.clinic(clinic).map(|clinic| clinic.late = late))
    }

    /// A clinic asks its patients, those too who have answered before.
    pub fn ask(&self, clinic: &str) -> Result<(), SimError> {
        self.shared.with(|state| state.ask(clinic))
    }

    /// A clinic asks no more.
    pub fn end_survey(&self, clinic: &str) {
        self.shared.with(|state| state.end_survey(clinic));
    }

    /// A clinic's survey demands that a text be written, or does not.
    pub fn demand_text(&self, clinic: &str, demanded: bool) -> Result<(), SimError> {
        self.shared.with(|state| state.demand_text(clinic, demanded))
    }

    // How the service behaves.

    /// Damages the next resource of a clinic's.
    pub fn damage_next(&self, damage: Damage) {
        self.shared.with(|state| state.damage_next = Some(damage));
    }

    /// Gives every page a next one with the same resources, or not.
    pub fn set_endless_pages(&self, endless: bool) {
        self.shared.with(|state| state.pages.endless = endless);
    }

    /// Lets every access token that was fetched expire.
    pub fn expire_tokens(&self) {
        self.shared.tokens().expire();
    }

    /// Sets the vendor's clock forward by so many seconds, or back.
    pub fn set_clock_off(&self, seconds: i64) {
        self.shared.tokens().set_clock_off(seconds);
    }

    /// Whether the portal's key is taken where tokens come from: it has run out, or was registered anew.
    pub fn set_key_known(&self, known: bool) {
        self.shared.tokens().set_open(known);
    }

    /// Who is notified from now on: of all that was not. None: nobody.
    pub fn set_subscription(&self, subscription: Option<Subscription>) {
        self.shared.with(|state| state.subscription = subscription);
    }

    /// Notifies now of these, in the order given, whatever became of them; gives the status of the answer.
    pub async fn notify(&self, numbers: &[u64]) -> Result<u16, SimError> {
        let subscription = self.shared.look(|state| state.subscription.clone()).ok_or(SimError::NoSubscription)?;
        self.notify_as(numbers, &subscription).await
    }

    /// Notifies now at an address with a secret: also one that is not set.
    pub async fn notify_as(&self, numbers: &[u64], subscription: &Subscription) -> Result<u16, SimError> {
        subscription::push(&self.shared, &self.client, subscription, numbers).await
    }

    // Waiting: told of every change, bounded by the simulator's patience, never asleep.

    async fn wait_until<T>(
        &self,
        what: &'static str,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, SimError> {
        let seen = || {
            self.shared.look(|state| {
                let dialogs: Vec<_> =
                    state.dialogs().into_iter().map(|one| (one.id, one.service, one.status, one.stand)).collect();
                format!("dialogs: {dialogs:?}, violations: {:?}, pushed: {:?}", state.violations, state.pushed)
            })
        };
        let look = || self.shared.look(&mut look);
        Ok(self.shared.changes.wait_for(what, self.patience, look, seen).await?)
    }

    /// Waits for a dialog that waits for the clinic.
    pub async fn wait_for_dialog(&self, mut wanted: impl FnMut(&Dialog) -> bool) -> Result<Dialog, SimError> {
        self.wait_until("a dialog", |state| state.dialogs().into_iter().find(|one| one.waits() && wanted(one))).await
    }

    /// Waits until the patient has received a message of the clinic's.
    pub async fn wait_until_received(&self, communication: &str) -> Result<(), SimError> {
        self.wait_until("a read mark", |state| {
            let record = state.record(Kind::Communication, communication)?;
            record.text("/received").map(|_| ())
        })
        .await
    }

    /// Waits until the portal has answered the notification of this with 204.
    pub async fn wait_until_pushed(&self, number: u64) -> Result<(), SimError> {
        self.wait_until("a notification", |state| {
            state.notices.iter().any(|one| one.number == number && one.pushed).then_some(())
        })
        .await
    }
}
