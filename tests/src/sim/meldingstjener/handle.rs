//! The handle that tests and the demo hold.

mod waits;

use super::answer::Answer;
use super::apprec::ReceiptStatus;
use super::calendar::Slot;
use super::doctor::{Notice, Opening, Question};
use super::message::{NationalId, Person};
use super::office::{Now, OfficeState, Receipts, Request};
use super::read::Violation;
use super::state::{Damage, State, Stored};
use super::token::{OauthClient, Tokens};
use super::{Shared, SimError, control, edi, lock};
use crate::sim::listener::Listener;
use crate::sim::trouble::{Faults, Trouble};
use crate::sim::world::Office;
use jiff::Timestamp;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How a simulator starts.
#[derive(Clone)]
pub struct Config {
    /// The simulator's time at start; calendars begin the day after.
    pub start: Timestamp,
    /// Bearer tokens that are accepted as they are.
    pub tokens: Vec<String>,
    /// Clients that may fetch tokens at `/connect/token`.
    pub clients: Vec<OauthClient>,
    /// How long the waiting helpers wait.
    pub patience: Duration,
    /// Where the API listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where the control API listens; port 0 takes a free one.
    pub control_address: SocketAddr,
}

impl Default for Config {
    fn default() -> Config {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config {
            start: Timestamp::now(),
            tokens: vec!["meldingstjener-token".to_owned()],
            clients: Vec::new(),
            patience: Duration::from_secs(20),
            address: local,
            control_address: local,
        }
    }
}

/// A message that passed through Meldingstjener.
#[derive(Clone)]
pub struct Logged {
    /// Its place in the order, from one.
    pub number: usize,
    /// Whether the portal received it.
    pub to_portal: bool,
    /// The office's organisation (level 1).
    pub office_her_id: u32,
    /// `MsgId`, or the identifier of a receipt; none where it could not be read.
    pub document_id: Option<String>,
    /// A code (`SB`, `12`), `AppRec`, or `raw`.
    pub label: String,
    /// The bytes.
    pub raw: Vec<u8>,
}

impl Logged {
    /// A name for the message as a file: `007-to-portal-12.xml`.
    pub fn file_name(&self) -> String {
        let direction = if self.to_portal { "to-portal" } else { "to-office" };
        format!("{:03}-{direction}-{}.xml", self.number, self.label)
    }

    fn new(index: usize, stored: &Stored) -> Logged {
        Logged {
            number: index + 1,
            to_portal: stored.to_portal,
            office_her_id: stored.office,
            document_id: stored.document_id.clone(),
            label: stored.label.clone(),
            raw: stored.raw.clone(),
        }
    }
}

/// A running Meldingstjener. Clones are the same one; it stops with the last of them.
#[derive(Clone, Debug)]
pub struct MeldingstjenerSim {
    /// What goes wrong in the transport.
    pub trouble: Trouble,
    shared: Arc<Shared>,
    /// Kept because the control API listens for as long as it lives.
    _control: Arc<Listener>,
    control_url: String,
    patience: Duration,
}

impl MeldingstjenerSim {
    /// Starts both servers.
    pub async fn start(config: Config) -> Result<MeldingstjenerSim, SimError> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(config.start)),
            faults: Faults::default(),
            tokens: Mutex::new(Tokens::new(config.tokens, config.clients)),
            base_url: OnceLock::new(),
            changed: watch::Sender::new(0),
        });
        let (socket, address) = Listener::bind(config.address)?;
        // Set once, here.
        let _ = shared.base_url.set(format!("http://{address}"));
        let listener = Listener::serve(socket, address, edi::router(Arc::clone(&shared)))?;
        let trouble = Trouble::new(shared.faults.clone(), listener);
        let (socket, address) = Listener::bind(config.control_address)?;
        let control = Listener::serve(socket, address, control::router(Arc::clone(&shared), trouble.clone()))?;
        Ok(MeldingstjenerSim {
            trouble,
            shared,
            _control: Arc::new(control),
            control_url: format!("http://{address}"),
            patience: config.patience,
        })
    }

    /// Where the API is: the base URL of the plugin's upstream.
    pub fn base_url(&self) -> String {
        self.shared.base_url()
    }

    /// Where the control API is; its routes begin with `/control/`.
    pub fn control_url(&self) -> &str {
        &self.control_url
    }

    /// The simulator's time.
    pub fn now(&self) -> Now {
        self.shared.look(State::now)
    }

    // What has happened.

    /// Everything that the portal's side did against the standards.
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.look(|state| state.violations.clone())
    }

    /// Every message in order, receipts too.
    pub fn messages(&self) -> Vec<Logged> {
        self.shared
            .look(|state| state.messages.iter().enumerate().map(|(index, stored)| Logged::new(index, stored)).collect())
    }

    /// Writes every message to a directory, in order, as [`Logged::file_name`] names them; gives their number.
    pub fn write_messages(&self, directory: &Path) -> std::io::Result<usize> {
        let messages = self.messages();
        std::fs::create_dir_all(directory)?;
        for logged in &messages {
            std::fs::write(directory.join(logged.file_name()), &logged.raw)?;
        }
        Ok(messages.len())
    }

    /// `MsgId` of each office's message that asks for a receipt and has none; duplicates counted once.
    pub fn unreceipted(&self) -> Vec<String> {
        self.shared.look(|state| {
            let mut missing: Vec<String> = Vec::new();
            for stored in state.messages.iter().filter(|stored| stored.to_portal && stored.wants_receipt) {
                let Some(id) = &stored.document_id else { continue };
                let receipted = state
                    .messages
                    .iter()
                    .any(|other| other.to_portal && other.document_id.as_ref() == Some(id) && other.receipt.is_some());
                if !receipted && !missing.contains(id) {
                    missing.push(id.clone());
                }
            }
            missing
        })
    }

    /// The requests that wait for a person, oldest first.
    pub fn waiting(&self) -> Vec<Request> {
        self.shared.look(|state| waiting(state).cloned().collect())
    }

    /// Every request, answered ones too, by office and in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.look(|state| state.offices.iter().flat_map(|office| office.requests.iter().cloned()).collect())
    }

    /// The slots of an office, taken ones too.
    pub fn slots(&self, office: &Office) -> Result<Vec<Slot>, SimError> {
        self.at(office.her_id, |office, _| Ok(office.calendar.slots().to_vec()))
    }

    /// Identifiers (`related-to`) of a citizen's coming appointments at an office, soonest first.
    pub fn appointments(&self, office: &Office, national_id: &str) -> Result<Vec<String>, SimError> {
        let citizen = NationalId::new(national_id);
        self.at(office.her_id, |office, now| {
            let coming = office.calendar.coming(&citizen, now.local);
            Ok(coming.into_iter().map(|appointment| appointment.id.clone()).collect())
        })
    }

    // What people do.

    /// Answers a request; gives the `MsgId` of the answer.
    pub fn answer(&self, msg_id: &str, answer: &Answer) -> Result<String, SimError> {
        self.shared.with(|state| control::answer(state, msg_id, answer))
    }

    /// The office opens a dialogue or sends a one-way message; gives its `MsgId`.
    pub fn open(&self, office: &Office, national_id: &str, opening: &Opening) -> Result<String, SimError> {
        let citizen = NationalId::new(national_id);
        self.shared.with(|state| control::open(state, office.her_id, &citizen, opening))
    }

    /// A clinician of the office asks a colleague at another; gives the `MsgId`.
    pub fn ask_colleague(&self, office: &Office, question: &Question) -> Result<String, SimError> {
        self.shared.with(|state| control::ask_colleague(state, office.her_id, question))
    }

    /// The office tells of an appointment; gives the `MsgId`.
    pub fn notice(&self, office: &Office, national_id: &str, notice: &Notice) -> Result<String, SimError> {
        let citizen = NationalId::new(national_id);
        self.shared.with(|state| control::notice(state, office.her_id, &citizen, notice))
    }

    /// The office begins a communication test; gives its `MsgId`.
    pub fn test(&self, office: &Office) -> Result<String, SimError> {
        self.shared.with(|state| control::test(state, office.her_id))
    }

    /// The office asks which of these are digitally active (SIDAB); gives the `MsgId`.
    pub fn ask_digital(&self, office: &Office, national_ids: &[&str]) -> Result<String, SimError> {
        let citizens: Vec<NationalId> = national_ids.iter().copied().map(NationalId::new).collect();
        self.shared.with(|state| control::ask_digital(state, office.her_id, &citizens))
    }

    /// Waits for the answer to such a question, and gives the numbers of those who are.
    pub async fn wait_for_digital_answer(&self, office: &Office, question: &str) -> Result<Vec<String>, SimError> {
        let her_id = office.her_id;
        self.wait_until("the answer to who is digitally active", |state| {
            let office = state.offices.iter().find(|one| one.office.her_id == her_id)?;
            let (_, active) = office.told.iter().find(|(asked, _)| asked == question)?;
            Some(active.iter().map(|number| number.reveal().to_owned()).collect())
        })
        .await
    }

    /// Takes a slot away.
    pub fn take_slot(&self, office: &Office, uid: &str) -> Result<(), SimError> {
        self.at(office.her_id, |office, _| {
            if office.calendar.take(uid) { Ok(()) } else { Err(SimError::NoSuchSlot(uid.to_owned())) }
        })
    }

    /// Makes a citizen known to an office beyond those of the shared world.
    pub fn register(&self, office: &Office, person: Person) -> Result<(), SimError> {
        self.at(office.her_id, |office, _| {
            office.citizens.push(person);
            Ok(())
        })
    }

    /// Waits until an office was told so often who is digitally active, and gives for this citizen what it was told.
    pub async fn wait_for_digital(
        &self,
        office: &Office,
        national_id: &str,
        times: usize,
    ) -> Result<Vec<bool>, SimError> {
        let (citizen, her_id) = (NationalId::new(national_id), office.her_id);
        self.wait_until("word of who is digitally active", |state| {
            let office = state.offices.iter().find(|one| one.office.her_id == her_id)?;
            let told = office.digital.iter().filter(|(who, _)| *who == citizen);
            let told: Vec<bool> = told.map(|(_, active)| *active).collect();
            (told.len() >= times).then_some(told)
        })
        .await
    }

    /// Bars a citizen from an office's digital services (answer 30), or lets the citizen in again.
    pub fn set_blocked(&self, office: &Office, national_id: &str, blocked: bool) -> Result<(), SimError> {
        let citizen = NationalId::new(national_id);
        self.at(office.her_id, |office, _| {
            office.blocked.retain(|other| *other != citizen);
            if blocked {
                office.blocked.push(citizen);
            }
            Ok(())
        })
    }

    // How offices behave, and what becomes of their messages.

    /// Whether an office answers by itself.
    pub fn set_automatic(&self, office: &Office, automatic: bool) -> Result<(), SimError> {
        self.at(office.her_id, |office, _| {
            office.automatic = automatic;
            Ok(())
        })
    }

    /// How an office receipts what it receives, until told otherwise.
    pub fn set_receipts(&self, office: &Office, receipts: Receipts) -> Result<(), SimError> {
        self.at(office.her_id, |office, _| {
            office.receipts = receipts;
            Ok(())
        })
    }

    /// An office receipts a message of the portal's that it left without a receipt.
    pub fn receipt_late(&self, msg_id: &str) -> Result<(), SimError> {
        self.shared.with(|state| {
            let sent = |stored: &Stored| !stored.to_portal && stored.document_id.as_deref() == Some(msg_id);
            let at = state.messages.iter().position(sent).ok_or_else(|| SimError::NoSuchMessage(msg_id.to_owned()))?;
            let now = state.now();
            state.receipt_for(at, ReceiptStatus::Ok, Vec::new(), now);
            Ok(())
        })
    }

    /// Whether an office's record system fetches its messages; what has waited is fetched when it comes back.
    pub fn set_online(&self, office: &Office, online: bool) -> Result<(), SimError> {
        self.shared.with(|state| control::set_online(state, office.her_id, online))
    }

    /// Whether an office's transport refuses messages (`transportDeliveryState` Rejected, no receipt).
    pub fn set_rejects(&self, office: &Office, rejects: bool) -> Result<(), SimError> {
        self.at(office.her_id, |office, _| {
            office.rejects = rejects;
            Ok(())
        })
    }

    /// Damages the next message (not receipt) of any office.
    pub fn damage_next(&self, damage: Damage) {
        self.shared.with(|state| state.damage_next = Some(damage));
    }

    /// Delivers the next message (not receipt) of any office twice.
    pub fn duplicate_next(&self) {
        self.shared.with(|state| state.duplicate_next = true);
    }

    /// Delivers an office's message once more.
    pub fn redeliver(&self, msg_id: &str) -> Result<Uuid, SimError> {
        self.shared.with(|state| state.redeliver(msg_id)).ok_or_else(|| SimError::NoSuchMessage(msg_id.to_owned()))
    }

    /// Delivers bytes as they are from an office; gives their identifier in Meldingstjener.
    pub fn deliver_raw(&self, office: &Office, raw: Vec<u8>) -> Uuid {
        self.shared.with(|state| state.deliver_raw(office.her_id, raw))
    }

    /// Lets every token that `/connect/token` issued expire.
    pub fn expire_tokens(&self) {
        self.shared.tokens().expire();
    }

    /// Sets the clock where tokens come from forward by so many seconds, or back.
    pub fn set_clock_off(&self, seconds: i64) {
        self.shared.tokens().set_clock_off(seconds);
    }

    /// Whether the portal's key is taken where tokens come from: it has run out, or was registered anew.
    pub fn set_key_known(&self, known: bool) {
        self.shared.tokens().set_open(known);
    }

    fn at<T>(
        &self,
        her_id: u32,
        act: impl FnOnce(&mut OfficeState, Now) -> Result<T, SimError>,
    ) -> Result<T, SimError> {
        let result = {
            let mut state = lock(&self.shared.state);
            let now = state.now();
            act(state.office(her_id).ok_or(SimError::NoSuchOffice(her_id))?, now)
        };
        self.shared.with(|_| ());
        result
    }
}

/// The requests that wait for a person, oldest first.
pub(super) fn waiting(state: &State) -> impl Iterator<Item = &Request> {
    state.offices.iter().flat_map(|office| office.requests.iter()).filter(|request| !request.answered)
}
