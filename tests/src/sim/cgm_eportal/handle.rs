//! The handle that tests and the demo hold.

use super::answer::{Answer, Opening};
use super::change::{Change, Damage, Disorder};
use super::graphql::Schema;
use super::papers::Papers;
use super::sick_note::SickNote;
use super::state::{Practice, PracticeId, State, Violation};
use super::thread::{Thread, ThreadKind};
use super::{NationalId, Shared, SimError, api, control, lock};
use crate::sim::listener::Listener;
use crate::sim::trouble::{Faults, Trouble};
use crate::sim::waiting::Changes;
use crate::sim::world::Office;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a simulator starts.
#[derive(Clone)]
pub struct Config {
    /// The vendor's time at start.
    pub start: Timestamp,
    /// The practices, each as the vendor calls it.
    pub practices: Vec<(PracticeId, &'static Office)>,
    /// What it shows in TLS, and whom it knows.
    pub papers: Papers,
    /// How long the waiting helpers wait.
    pub patience: Duration,
    /// Where the API listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where the control API listens; port 0 takes a free one.
    pub control_address: SocketAddr,
}

impl Config {
    /// On free ports, now.
    pub fn new(papers: Papers, practices: Vec<(PracticeId, &'static Office)>) -> Config {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config {
            start: Timestamp::now(),
            practices,
            papers,
            patience: Duration::from_secs(20),
            address: local,
            control_address: local,
        }
    }
}

/// A running e-portal. Clones are the same one; it stops with the last of them.
#[derive(Clone, Debug)]
pub struct CgmEportalSim {
    /// What goes wrong in the transport.
    pub trouble: Trouble,
    shared: Arc<Shared>,
    /// Kept because the control API listens for as long as it lives.
    _control: Arc<Listener>,
    base_url: String,
    control_url: String,
    patience: Duration,
}

impl CgmEportalSim {
    /// Starts both servers.
    pub async fn start(config: Config) -> Result<CgmEportalSim, SimError> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(config.start, &config.practices, config.papers.registered()?)),
            schema: Schema::read()?,
            faults: Faults::default(),
            changes: Changes::default(),
        });
        let (socket, address) = Listener::bind(config.address)?;
        let router = api::router(Arc::clone(&shared));
        let listener = Listener::serve_tls(socket, address, router, config.papers.server()?)?;
        let base_url = format!("https://localhost:{}", address.port());
        let trouble = Trouble::new(shared.faults.clone(), listener);
        let (socket, address) = Listener::bind(config.control_address)?;
        let router = control::router(Arc::clone(&shared), trouble.clone());
        let control = Listener::serve(socket, address, router)?;
        Ok(CgmEportalSim {
            trouble,
            shared,
            _control: Arc::new(control),
            base_url,
            control_url: format!("http://{address}"),
            patience: config.patience,
        })
    }

    /// Where the API is: the base URL of the plugin's upstream.
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

    /// Every thread, closed ones too.
    pub fn threads(&self) -> Vec<Thread> {
        self.shared.look(|state| state.threads.clone())
    }

    /// The threads that wait for the practice, oldest first.
    pub fn waiting(&self) -> Vec<Thread> {
        self.shared.look(|state| state.threads.iter().filter(|thread| thread.waits()).cloned().collect())
    }

    /// The feed.
    pub fn changes(&self) -> Vec<Change> {
        self.shared.look(|state| state.changes.clone())
    }

    /// The last change that the portal confirmed.
    pub fn confirmed(&self) -> u64 {
        self.shared.look(|state| state.confirmed)
    }

    /// The changes that the portal refused, and why (`THREAD_UNKNOWN`, ...).
    pub fn refused(&self) -> BTreeMap<u64, String> {
        self.shared.look(|state| state.refused.clone())
    }

    /// For how many seconds requests for news asked to be held open, in their order.
    pub fn waits(&self) -> Vec<u64> {
        self.shared.look(|state| state.waits.clone())
    }

    /// How often each answer to a practice's survey was given, by question and answer.
    pub fn survey_answers(&self, practice: &str) -> Result<BTreeMap<(String, String), u64>, SimError> {
        self.at(practice, |practice| practice.survey.counted.clone())
    }

    // What people do.

    /// Answers a thread; gives the number of the change.
    pub fn answer(&self, thread: &str, answer: &Answer) -> Result<u64, SimError> {
        self.shared.with(|state| state.answer(thread, answer))
    }

    /// The practice opens a thread or sends a notice; gives its id.
    pub fn open(&self, practice: &str, opening: &Opening) -> Result<String, SimError> {
        self.shared.with(|state| state.open(practice, opening))
    }

    /// Bars a citizen from a practice's digital services (`PATIENT_BLOCKED`), or lets the citizen in again.
    pub fn set_blocked(&self, practice: &str, national_id: &str, blocked: bool) -> Result<(), SimError> {
        let citizen = NationalId::new(national_id);
        self.at(practice, |practice| {
            practice.blocked.retain(|other| *other != citizen);
            if blocked {
                practice.blocked.push(citizen);
            }
        })
    }

    /// Switches a service of a practice off (`SERVICE_OFF`) or on.
    pub fn set_service(&self, practice: &str, kind: ThreadKind, on: bool) -> Result<(), SimError> {
        self.at(practice, |practice| practice.set_service(kind, on))
    }

    /// The latest sick note that a practice's record has of a patient.
    pub fn sick_note(&self, practice: &str, national_id: &str) -> Result<Option<SickNote>, SimError> {
        self.at(practice, |practice| practice.sick_notes.latest(&NationalId::new(national_id)).cloned())
    }

    /// The record has this sick note of a patient's from now on, or none.
    pub fn set_sick_note(&self, practice: &str, national_id: &str, note: Option<SickNote>) -> Result<(), SimError> {
        self.at(practice, |practice| practice.sick_notes.set(&NationalId::new(national_id), note))
    }

    /// Opens a practice's survey or closes it; whether it then demands a text that somebody writes.
    pub fn set_survey(&self, practice: &str, open: bool, demands_text: bool) -> Result<(), SimError> {
        self.at(practice, |practice| {
            practice.survey.open = open;
            practice.survey.demands_text = demands_text;
        })
    }

    /// Opens a practice's survey for everybody, those too who have answered.
    pub fn ask_again(&self, practice: &str) -> Result<(), SimError> {
        self.at(practice, |practice| practice.survey.ask_again())
    }

    // How the service behaves.

    /// Whether a practice's record system says where a new thread stands: else there is an error beside the thread.
    pub fn set_states_known(&self, practice: &str, known: bool) -> Result<(), SimError> {
        self.at(practice, |practice| practice.states_known = known)
    }

    /// Whether a practice's rules for renewing answer: else there is an error in place of each.
    pub fn set_rules_answer(&self, practice: &str, answer: bool) -> Result<(), SimError> {
        self.at(practice, |practice| practice.rules_answer = answer)
    }

    /// Damages the next change.
    pub fn damage_next(&self, damage: Damage) {
        self.shared.with(|state| state.damage_next = Some(damage));
    }

    /// Mends every change of which the record system gave nothing yet.
    pub fn mend(&self) {
        self.shared.with(State::mend);
    }

    /// What is wrong with pages from now on.
    pub fn set_disorder(&self, disorder: Disorder) {
        self.shared.with(|state| state.disorder = disorder);
    }

    /// Forgets whom it knows: every client's registration has run out. Gives their certificates.
    pub fn forget_clients(&self) -> Vec<Vec<u8>> {
        self.shared.with(|state| std::mem::take(&mut state.clients))
    }

    /// Registers clients by their certificates.
    pub fn register_clients(&self, certificates: Vec<Vec<u8>>) {
        self.shared.with(|state| state.clients.extend(certificates));
    }

    // Waiting.

    /// Waits for a thread that waits for the practice.
    pub async fn wait_for_thread(&self, mut wanted: impl FnMut(&Thread) -> bool) -> Result<Thread, SimError> {
        let look = || self.waiting().into_iter().find(&mut wanted);
        self.wait_until("a thread", look).await
    }

    /// Waits until a request for news is held open.
    pub async fn wait_for_long_poll(&self) -> Result<(), SimError> {
        self.wait_until("a long poll", || self.shared.look(|state| (state.held_open > 0).then_some(()))).await
    }

    /// Waits until the portal has confirmed this change.
    pub async fn wait_until_confirmed(&self, number: u64) -> Result<(), SimError> {
        self.wait_until("a confirmation", || (self.confirmed() >= number).then_some(())).await
    }

    async fn wait_until<T>(&self, what: &'static str, look: impl FnMut() -> Option<T>) -> Result<T, SimError> {
        let seen = || {
            self.shared.look(|state| {
                let threads: Vec<_> = state.threads.iter().map(|one| (&one.id, one.kind, one.state)).collect();
                let told = (state.changes.len(), state.confirmed);
                format!("threads: {threads:?}, changes and confirmed: {told:?}, violations: {:?}", state.violations)
            })
        };
        Ok(self.shared.changes.wait_for(what, self.patience, look, seen).await?)
    }

    fn at<T>(&self, practice: &str, act: impl FnOnce(&mut Practice) -> T) -> Result<T, SimError> {
        let result = act(lock(&self.shared.state).practice(practice)?);
        self.shared.changes.wake();
        Ok(result)
    }
}
