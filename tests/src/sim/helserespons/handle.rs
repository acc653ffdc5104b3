//! The handle that tests and the demo hold.

use super::answer::{Answer, BookingAct, LabReport, Opening};
use super::calendar::{Booking, Slot};
use super::case::{Case, CaseType};
use super::change::{Change, Damage};
use super::consult::{Consult, Question};
use super::fees::{Charge, Pay, PayOutcome};
use super::room::RoomAct;
use super::state::{Clinic, State, Violation};
use super::webhook::{self, Pushed, Webhook};
use super::{NationalId, Shared, SimError, api, control, lock};
use crate::sim::listener::Listener;
use crate::sim::trouble::{Faults, Trouble};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

/// How a simulator starts.
#[derive(Clone)]
pub struct Config {
    /// The vendor's time at start; calendars begin the day after.
    pub start: Timestamp,
    /// The key that is accepted in `x-api-key`.
    pub key: String,
    /// Where changes are pushed from the beginning.
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
            key: "helserespons-key".to_owned(),
            webhook: None,
            patience: Duration::from_secs(20),
            address: local,
            control_address: local,
            client: reqwest::Client::new(),
        }
    }
}

/// A running Helserespons. Clones are the same one; it stops with the last of them.
#[derive(Clone, Debug)]
pub struct HelseresponsSim {
    /// What goes wrong in the transport. Nothing is pushed while the vendor is not up.
    pub trouble: Trouble,
    shared: Arc<Shared>,
    /// Kept because the control API listens for as long as it lives.
    _control: Arc<Listener>,
    control_url: String,
    client: reqwest::Client,
    patience: Duration,
}

impl HelseresponsSim {
    /// Starts both servers, and the webhooks.
    pub async fn start(config: Config) -> Result<HelseresponsSim, SimError> {
        let mut state = State::new(config.start);
        state.webhook = config.webhook;
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            faults: Faults::default(),
            key: config.key,
            base_url: OnceLock::new(),
            changed: watch::Sender::new(0),
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
        Ok(HelseresponsSim {
            trouble,
            shared,
            _control: Arc::new(control),
            control_url: format!("http://{address}"),
            client,
            patience: config.patience,
        })
    }

    /// Where the API is: the base URL of the plugin's upstream.
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

    /// Every case, closed ones too.
    pub fn cases(&self) -> Vec<Case> {
        self.shared.look(|state| state.cases.clone())
    }

    /// The cases that wait for the clinic, oldest first.
    pub fn waiting(&self) -> Vec<Case> {
        self.shared.look(|state| state.cases.iter().filter(|case| case.waits()).cloned().collect())
    }

    /// The feed.
    pub fn changes(&self) -> Vec<Change> {
        self.shared.look(|state| state.changes.clone())
    }

    /// The last change that the portal confirmed.
    pub fn acknowledged(&self) -> u64 {
        self.shared.look(|state| state.acknowledged)
    }

    /// The changes that the portal refused, and why (`UNKNOWN_CASE`, ...).
    pub fn refused(&self) -> BTreeMap<u64, String> {
        self.shared.look(|state| state.refused.clone())
    }

    /// Every attempt to push a change.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.shared.look(|state| state.pushed.clone())
    }

    /// The openings of a clinic, taken ones too.
    pub fn slots(&self, clinic: &str) -> Result<Vec<Slot>, SimError> {
        self.at(clinic, |clinic| Ok(clinic.calendar.slots().to_vec()))
    }

    /// A citizen's bookings at a clinic, cancelled ones too, in the order that they were made.
    pub fn bookings(&self, clinic: &str, ssn: &str) -> Result<Vec<Booking>, SimError> {
        let citizen = NationalId::new(ssn);
        self.at(clinic, |clinic| {
            let bookings = clinic.calendar.bookings.iter();
            Ok(bookings.filter(|booking| booking.citizen == citizen).cloned().collect())
        })
    }

    // What people do.

    /// Answers a case; gives the numbers of the changes.
    pub fn answer(&self, case_no: &str, answer: &Answer) -> Result<Vec<u64>, SimError> {
        self.shared.with(|state| state.answer(case_no, answer))
    }

    /// The clinic opens a case or sends a one-way message; gives its number.
    pub fn open(&self, clinic: &str, ssn: &str, opening: &Opening) -> Result<String, SimError> {
        self.shared.with(|state| state.open(clinic, &NationalId::new(ssn), opening))
    }

    /// The clinic tells a citizen what tests found; gives the report's number.
    pub fn report(&self, clinic: &str, ssn: &str, report: &LabReport) -> Result<String, SimError> {
        self.shared.with(|state| state.report(clinic, &NationalId::new(ssn), report))
    }

    /// The clinic charges for a case; gives the number of the change.
    pub fn charge(&self, case_no: &str, charges: &[Charge]) -> Result<u64, SimError> {
        self.shared.with(|state| state.charge(case_no, charges))
    }

    /// A citizen owes a clinic this much, in øre, for something that no case tells of.
    pub fn owe(&self, clinic: &str, ssn: &str, ore: u64) -> Result<(), SimError> {
        let charge = Charge { tariff: "2ae".to_owned(), ore, hpr: None };
        self.shared.with(|state| state.owe(clinic, &NationalId::new(ssn), &[charge]))
    }

    /// Something happens in the meeting room of a case; gives the number of the change.
    pub fn meet(&self, case_no: &str, act: &RoomAct) -> Result<u64, SimError> {
        self.shared.with(|state| state.meet(case_no, act))
    }

    /// A browser follows a link into a meeting room.
    pub fn follow(&self, link: &str) -> Result<(), SimError> {
        self.shared.with(|state| state.follow(link))
    }

    /// Lets every link into a meeting room expire that was given.
    pub fn expire_links(&self) {
        self.shared.with(State::expire_links);
    }

    /// Every payment, ended ones too.
    pub fn payments(&self) -> Vec<Pay> {
        self.shared.look(|state| state.payments.clone())
    }

    /// What happens on the payment page, or after; gives the number of the change.
    pub fn end_payment(&self, pay_no: &str, outcome: PayOutcome) -> Result<u64, SimError> {
        self.shared.with(|state| state.end_payment(pay_no, outcome))
    }

    /// The clinic does something with a booking, without a case; gives the number of the change.
    pub fn act(&self, clinic: &str, act: &BookingAct, text: Option<&str>) -> Result<u64, SimError> {
        self.shared.with(|state| state.act(clinic, act, text))
    }

    /// Sends the patient of a booking a text message of the vendor's own; gives the number of the change that says so.
    pub fn text_about(&self, clinic: &str, booking_no: &str) -> Result<u64, SimError> {
        self.shared.with(|state| state.text_about(clinic, booking_no))
    }

    /// How many text messages of its own the vendor sent this patient.
    pub fn texts_to(&self, ssn: &str) -> usize {
        let citizen = NationalId::new(ssn);
        self.shared.look(|state| state.texts.iter().filter(|told| **told == citizen).count())
    }

    /// Takes an opening away.
    pub fn take_opening(&self, clinic: &str, opening: &str) -> Result<(), SimError> {
        let missing = || SimError::NoSuchOpening(opening.to_owned());
        self.at(clinic, |clinic| clinic.calendar.take(opening).map(|_| ()).ok_or_else(missing))
    }

    /// Waits until the vendor was told so often whether a citizen can be written to, and gives what it was told, in order.
    pub async fn wait_for_digital(&self, ssn: &str, times: usize) -> Result<Vec<bool>, SimError> {
        let citizen = NationalId::new(ssn);
        self.wait_until("word of whether a citizen can be written to", |state| {
            let told = state.digital.iter().filter(|(who, _)| *who == citizen);
            let told: Vec<bool> = told.map(|(_, on)| *on).collect();
            (told.len() >= times).then_some(told)
        })
        .await
    }

    /// What the vendor was told of whether a citizen can be written to, in order.
    pub fn digital(&self, ssn: &str) -> Vec<bool> {
        let citizen = NationalId::new(ssn);
        self.shared.look(|state| state.digital.iter().filter(|(who, _)| *who == citizen).map(|(_, on)| *on).collect())
    }

    /// Bars a citizen from a clinic's digital services (`PATIENT_BLOCKED`), or lets the citizen in again.
    pub fn set_blocked(&self, clinic: &str, ssn: &str, blocked: bool) -> Result<(), SimError> {
        let citizen = NationalId::new(ssn);
        self.at(clinic, |clinic| {
            clinic.blocked.retain(|other| *other != citizen);
            if blocked {
                clinic.blocked.push(citizen);
            }
            Ok(())
        })
    }

    /// Switches a service of a clinic off (`SERVICE_OFF`) or on.
    pub fn set_service(&self, clinic: &str, kind: CaseType, on: bool) -> Result<(), SimError> {
        self.at(clinic, |clinic| {
            clinic.off.retain(|other| *other != kind);
            if !on {
                clinic.off.push(kind);
            }
            Ok(())
        })
    }

    // How the service behaves.

    /// Damages the next change.
    pub fn damage_next(&self, damage: Damage) {
        self.shared.with(|state| state.damage_next = Some(damage));
    }

    /// Sets the clock that deliveries are stamped by forward by so many seconds, or back.
    pub fn set_clock_off(&self, seconds: i64) {
        self.shared.with(|state| state.clock_off = seconds);
    }

    /// Whether the portal's key is taken: it has run out, or was registered anew.
    pub fn set_key_known(&self, known: bool) {
        self.shared.with(|state| state.key_known = known);
    }

    /// Whether the feed says that there is always more.
    pub fn set_endless(&self, endless: bool) {
        self.shared.with(|state| state.endless = endless);
    }

    /// Where changes are pushed from now on: all that are neither pushed nor confirmed. None: nowhere.
    pub fn set_webhook(&self, webhook: Option<Webhook>) {
        self.shared.with(|state| state.webhook = webhook);
    }

    /// Pushes a change (once more) now, whatever became of it; gives the status of the answer.
    pub async fn deliver_again(&self, seq: u64) -> Result<u16, SimError> {
        let webhook = self.shared.look(|state| state.webhook.clone()).ok_or(SimError::NoWebhook)?;
        self.deliver(seq, &webhook).await
    }

    /// Pushes a change now to an address, signed with its secret: also to one that is not set.
    pub async fn deliver(&self, seq: u64, webhook: &Webhook) -> Result<u16, SimError> {
        webhook::push(&self.shared, &self.client, webhook, seq).await
    }

    // Waiting: told of every change, bounded by the simulator's patience, never asleep.

    /// Waits until `look` finds something, and gives it.
    async fn wait_until<T>(
        &self,
        what: &'static str,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, SimError> {
        let mut changed = self.shared.changed.subscribe();
        let found = tokio::time::timeout(self.patience, async {
            loop {
                if let Some(found) = self.shared.look(&mut look) {
                    return Some(found);
                }
                changed.changed().await.ok()?;
            }
        })
        .await;
        found.ok().flatten().ok_or_else(|| SimError::Waited {
            what,
            seconds: self.patience.as_secs(),
            seen: self.shared.look(|state| {
                let cases: Vec<_> = state.cases.iter().map(|case| (&case.case_no, case.kind, case.state)).collect();
                format!("cases: {cases:?}, violations: {:?}, pushed: {:?}", state.violations, state.pushed)
            }),
        })
    }

    /// Waits for a case that waits for the clinic.
    pub async fn wait_for_case(&self, mut wanted: impl FnMut(&Case) -> bool) -> Result<Case, SimError> {
        self.wait_until("a case", |state| state.cases.iter().find(|case| case.waits() && wanted(case)).cloned()).await
    }

    /// A clinician of a clinic's asks a colleague elsewhere; gives the consult's number.
    pub fn ask_colleague(&self, clinic: &str, question: &Question) -> Result<String, SimError> {
        self.shared.with(|state| state.ask_colleague(clinic, question))
    }

    /// A clinician of the clinic's answers in a consult, and may end it.
    pub fn reply_in_consult(&self, consult_no: &str, text: &str, ends: bool) -> Result<(), SimError> {
        self.shared.with(|state| state.reply_in_consult(consult_no, text, ends))
    }

    /// Every consult.
    pub fn consults(&self) -> Vec<Consult> {
        self.shared.look(|state| state.consults.clone())
    }

    /// Waits for a consult.
    pub async fn wait_for_consult(&self, mut wanted: impl FnMut(&Consult) -> bool) -> Result<Consult, SimError> {
        self.wait_until("a consult", |state| state.consults.iter().find(|consult| wanted(consult)).cloned()).await
    }

    /// Waits until the portal has answered the webhook of this change with 204.
    pub async fn wait_until_pushed(&self, seq: u64) -> Result<(), SimError> {
        self.wait_until("a webhook", |state| state.changes.iter().any(|one| one.seq == seq && one.pushed).then_some(()))
            .await
    }

    fn at<T>(&self, clinic: &str, act: impl FnOnce(&mut Clinic) -> Result<T, SimError>) -> Result<T, SimError> {
        let result = act(lock(&self.shared.state).clinic(clinic)?);
        self.shared.wake();
        result
    }
}
