//! What is kept between calls, and by whom it is written.
//!
//! | key | value | written by |
//! | --- | --- | --- |
//! | `c.` conversation | [`Conversation`]: process, party, what was sent | `dialogs` |
//! | `o.` conversation | [`Office`]: the office's messages in it | `inbound` |
//! | `m.` message id | [`Awaited`]: a message whose receipt is awaited | `dialogs` |
//! | `w.` when, message id | nothing: the same, in the order in which patience ends | `dialogs` |
//! | `a.` appointment | [`Slot`]: what the record system calls it | both |
//! | `d.` day, request | what was booked by a request: a repeated one is answered with it | `appointments` |
//! | `r.` day, shard | ids of messages that were receipted | `inbound` |
//!
//! All of it but the ledger lies in the memory of the office: `dialogs` and `appointments` are called for one office and
//! reach it as it is, `inbound` reaches it by the office's HER-id. Ids that others choose stand in keys as UUIDs derived
//! from them, since keys have a small alphabet.
//!
//! All of it but the ledger is of the citizen whom the conversation is about, and goes when the citizen is erased: what
//! `dialogs` and `appointments` write by itself, what `inbound` writes because it says so ([`Memory::about`]).

use dialog_plugin_sdk::types::CitizenIdentity;
use dialog_plugin_sdk::{Failure, Sent, clock, ids, log, state};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Messages that a conversation remembers of each side: the latest is what is asked for.
pub const REMEMBERED: usize = 20;
/// What is forgotten of each kind when the memory is full: fewer than a call may write.
const ROOM: usize = 100;

/// A conversation that the citizen began, or answered in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// `MsgInfo/Type`.
    pub process: String,
    /// To whom its messages go.
    pub receiver: Receiver,
    /// Whose it is, derived: an answer about another patient is not let in.
    pub patient: String,
    /// What was sent: id, and when in milliseconds.
    pub sent: Vec<(String, i64)>,
    /// Prescriptions that were asked for: id and medicine. Only until they are answered.
    #[serde(default)]
    pub items: Vec<(String, String)>,
}

/// The communication party of a conversation, as it was when it began: a dialog stays with its party.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receiver {
    /// HER-id of the organisation (level 1).
    pub organisation: u32,
    /// HER-id (level 2).
    pub her_id: u32,
    /// Given name, of a clinician.
    pub given_name: Option<String>,
    /// Family name, of a clinician.
    pub family_name: Option<String>,
}

/// The office's part of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Office {
    /// Its messages: id, and when they arrived here in milliseconds.
    pub messages: Vec<(String, i64)>,
    /// Set where the office opened the conversation.
    pub opened: Option<Conversation>,
}

/// A message whose receipt is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Awaited {
    /// The conversation.
    pub conversation: String,
    /// The contract's id of the message; none where the citizen wrote none (a renewal, a cancellation).
    pub message: Option<String>,
    /// The key of the same message under `w.`.
    pub due_key: String,
}

/// What a record system calls an appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// `uid`.
    pub uid: String,
    /// `related-to`.
    pub related_to: Option<String>,
    /// `contact`.
    pub contact: Option<u32>,
    /// Start, in milliseconds.
    pub start: i64,
    /// End, in milliseconds.
    pub end: i64,
}

/// The memory of one office.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What stands before every key.
    place: String,
    /// Whom it concerns what is written.
    about: Option<CitizenIdentity>,
}

impl Memory {
    /// Of the office that the call is for.
    #[must_use]
    pub fn here() -> Self {
        Self::default()
    }

    /// Of an office, from a call of `inbound`: by its own HER-id (level 2).
    #[must_use]
    pub fn of(office: u32) -> Self {
        Self { place: format!("{office}/"), about: None }
    }

    /// The same, of which what is written concerns this citizen.
    #[must_use]
    pub fn about(self, citizen: CitizenIdentity) -> Self {
        Self { about: Some(citizen), ..self }
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        match state::get(&format!("{}{key}", self.place)) {
            Err(state::Error::InvalidKey) if !self.place.is_empty() => {
                log::warn!("the gateway does not let `inbound` reach the memory of an office");
                Ok(None)
            }
            found => Ok(found?),
        }
    }

    fn get_json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        // What another version wrote is as good as forgotten: the conversation goes on with what the messages say.
        Ok(serde_json::from_slice(&value).ok())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Failure> {
        let place = format!("{}{key}", self.place);
        match self.put(&place, value) {
            Err(state::Error::InvalidKey) if !self.place.is_empty() => Ok(()),
            Err(state::Error::Full) => {
                self.make_room()?;
                Ok(self.put(&place, value)?)
            }
            done => Ok(done?),
        }
    }

    fn put(&self, place: &str, value: &[u8]) -> Result<(), state::Error> {
        match &self.about {
            Some(citizen) => state::set_about(place, value, citizen),
            None => state::set(place, value),
        }
    }

    /// Forgets the oldest: conversations of the citizen's are kept under ids that begin with their time (UUIDv7), and of
    /// appointments only those to come are needed.
    fn make_room(&self) -> Result<(), Failure> {
        log::warn!("the memory of an office is full; its oldest conversations are forgotten");
        let now = clock::now();
        for key in self.keys("a.")?.into_iter().take(ROOM) {
            if self.get_json::<Slot>(&key)?.is_none_or(|slot| slot.end < now) {
                self.delete(&key)?;
            }
        }
        for key in self.keys("c.")?.into_iter().take(ROOM) {
            self.delete(&key)?;
            self.delete(&key.replacen('c', "o", 1))?;
        }
        Ok(())
    }

    fn set_json<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Failure> {
        let json = serde_json::to_vec(value)
            .map_err(|_| Failure::faulty(Sent::No, "something to remember has no form in JSON"))?;
        self.set(key, &json)
    }

    fn delete(&self, key: &str) -> Result<(), Failure> {
        match state::delete(&format!("{}{key}", self.place)) {
            Err(state::Error::InvalidKey) if !self.place.is_empty() => Ok(()),
            done => Ok(done?),
        }
    }

    /// Keys that begin so, without the place before them, in order.
    fn keys(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        match state::keys(&format!("{}{prefix}", self.place)) {
            Err(state::Error::InvalidKey) if !self.place.is_empty() => Ok(Vec::new()),
            found => {
                Ok(found?.into_iter().filter_map(|key| key.strip_prefix(&self.place).map(str::to_owned)).collect())
            }
        }
    }
}

fn key(kind: &str, name: &str) -> String {
    let id = uuid::Uuid::try_parse(name).unwrap_or_else(|_| ids::derived(kind, &[name]));
    format!("{kind}.{id}")
}

/// A patient, as conversations remember one.
#[must_use]
pub fn patient(conversation: &str, national_id: &str) -> String {
    ids::derived("patient", &[conversation, national_id]).to_string()
}

/// What is known of a conversation: its beginning (by whom ever), and the office's part.
///
/// # Errors
/// The memory does not answer.
pub fn conversation(memory: &Memory, id: &str) -> Result<(Option<Conversation>, Office), Failure> {
    let office: Office = memory.get_json(&key("o", id))?.unwrap_or_default();
    let begun: Option<Conversation> = memory.get_json(&key("c", id))?;
    Ok((begun.or_else(|| office.opened.clone()), office))
}

/// Keeps the citizen's part of a conversation.
///
/// # Errors
/// The memory does not answer.
pub fn keep(memory: &Memory, id: &str, conversation: &Conversation) -> Result<(), Failure> {
    memory.set_json(&key("c", id), conversation)
}

/// Forgets a conversation that has ended.
///
/// # Errors
/// The memory does not answer.
pub fn forget(memory: &Memory, conversation: &str) -> Result<(), Failure> {
    memory.delete(&key("c", conversation))?;
    memory.delete(&key("o", conversation))
}

/// Notes a message of the office.
///
/// # Errors
/// The memory does not answer.
pub fn arrived(
    memory: &Memory,
    conversation: &str,
    message: &str,
    now: i64,
    opened: Option<Conversation>,
) -> Result<(), Failure> {
    let key = key("o", conversation);
    let mut office: Office = memory.get_json(&key)?.unwrap_or_default();
    if opened.is_some() {
        office.opened = opened;
    }
    if !office.messages.iter().any(|(known, _)| known == message) {
        // Whatever the clocks of several nodes say: it arrived after everything that is known of the conversation.
        let begun: Option<Conversation> = memory.get_json(&self::key("c", conversation))?;
        let sent = begun.map(|begun| begun.sent).unwrap_or_default();
        let latest = sent.iter().chain(&office.messages).map(|(_, at)| *at).max().unwrap_or(now);
        office.messages.push((message.to_owned(), now.max(latest + 1)));
    }
    let surplus = office.messages.len().saturating_sub(REMEMBERED);
    office.messages.drain(..surplus);
    memory.set_json(&key, &office)
}

/// The latest message of a conversation but this one: what it refers to as its parent (2.3.3).
#[must_use]
pub fn parent(id: &str, conversation: &Conversation, office: &Office, message: &str) -> String {
    conversation
        .sent
        .iter()
        .chain(&office.messages)
        .filter(|(known, _)| known != message)
        .max_by_key(|(_, at)| *at)
        .map_or_else(|| id.to_owned(), |(message, _)| message.clone())
}

/// Notes that a receipt is awaited until a moment.
///
/// # Errors
/// The memory does not answer.
pub fn await_receipt(
    memory: &Memory,
    id: &str,
    conversation: &str,
    message: Option<&str>,
    until: i64,
) -> Result<(), Failure> {
    let due_key = format!("w.{:014}.{}", until.max(0), uuid::Uuid::try_parse(id).unwrap_or_default());
    memory.set(&due_key, id.as_bytes())?;
    memory.set_json(
        &key("m", id),
        &Awaited { conversation: conversation.to_owned(), message: message.map(str::to_owned), due_key },
    )
}

/// The message that a receipt is about.
///
/// # Errors
/// The memory does not answer.
pub fn awaited(memory: &Memory, id: &str) -> Result<Option<Awaited>, Failure> {
    memory.get_json(&key("m", id))
}

/// A receipt has come, or is no longer awaited.
///
/// # Errors
/// The memory does not answer.
pub fn receipted(memory: &Memory, id: &str) -> Result<(), Failure> {
    if let Some(awaited) = awaited(memory, id)? {
        memory.delete(&awaited.due_key)?;
        memory.delete(&key("m", id))?;
    }
    Ok(())
}

/// Messages for whose receipt patience has ended, the oldest first, at most `count`.
///
/// # Errors
/// The memory does not answer.
pub fn overdue(memory: &Memory, now: i64, count: usize) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for key in memory.keys("w.")? {
        let due = key.get(2..16).and_then(|due| due.parse::<i64>().ok()).unwrap_or(i64::MAX);
        if due > now || found.len() >= count {
            break;
        }
        if let Some(id) = memory.get(&key)? {
            found.push(String::from_utf8_lossy(&id).into_owned());
        }
    }
    Ok(found)
}

/// Keeps what the record system calls an appointment.
///
/// # Errors
/// The memory does not answer.
pub fn keep_appointment(memory: &Memory, id: &str, slot: &Slot) -> Result<(), Failure> {
    memory.set_json(&key("a", id), slot)
}

/// What the record system calls an appointment.
///
/// # Errors
/// The memory does not answer.
pub fn appointment(memory: &Memory, id: &str) -> Result<Option<Slot>, Failure> {
    memory.get_json(&key("a", id))
}

/// Days for which it is remembered what a request booked: a gateway repeats one for hours at most.
const REQUEST_DAYS: i64 = 2;

fn request(day: i64, key: &str) -> String {
    format!("d.{day:08}.{}", ids::derived("request", &[key]))
}

/// The appointment that a request with this key has booked already: its answer was used up then, and does not come again.
///
/// # Errors
/// The memory does not answer.
pub fn booked_by(memory: &Memory, key: &str, now: i64) -> Result<Option<String>, Failure> {
    for ago in 0..REQUEST_DAYS {
        if let Some(id) = memory.get(&request(now / DAY - ago, key))? {
            return Ok(String::from_utf8(id).ok());
        }
    }
    Ok(None)
}

/// Notes what a request has booked, and forgets days that are long gone.
///
/// # Errors
/// The memory does not answer.
pub fn note_booked_by(memory: &Memory, key: &str, appointment: &str, now: i64) -> Result<(), Failure> {
    memory.set(&request(now / DAY, key), appointment.as_bytes())?;
    let oldest = format!("d.{:08}", now / DAY - REQUEST_DAYS + 1);
    for key in memory.keys("d.")?.into_iter().take_while(|key| *key < oldest).take(ROOM) {
        memory.delete(&key)?;
    }
    Ok(())
}

/// Milliseconds of a day.
const DAY: i64 = 24 * 3600 * 1000;
/// Days for which receipted messages are remembered: Meldingstjener delivers a message anew for at most as long.
const LEDGER_DAYS: i64 = 8;
/// Bytes of an id in the ledger.
const ID: usize = 16;
/// Bytes of a shard: below the 64 KiB of a value. The oldest ids give way.
const SHARD: usize = 60 * 1024;

fn ledger_id(id: &str) -> uuid::Uuid {
    uuid::Uuid::try_parse(id).unwrap_or_else(|_| ids::derived("message", &[id]))
}

fn shard(day: i64, id: uuid::Uuid) -> String {
    // The last byte is random in every version of UUID.
    format!("r.{day:08}.{:02x}", id.as_bytes()[ID - 1])
}

/// Whether a message was receipted within the last days: a duplicate is not receipted again.
///
/// # Errors
/// The memory does not answer.
pub fn in_ledger(message: &str, now: i64) -> Result<bool, Failure> {
    let id = ledger_id(message);
    for day in (0..LEDGER_DAYS).map(|ago| now / DAY - ago) {
        let Some(ids) = state::get(&shard(day, id))? else { continue };
        if ids.chunks(ID).any(|known| known == id.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes that a message was receipted, and forgets days that are long gone.
///
/// # Errors
/// The memory does not answer.
pub fn enter_ledger(message: &str, now: i64) -> Result<(), Failure> {
    let id = ledger_id(message);
    let key = shard(now / DAY, id);
    let mut ids = state::get(&key)?.unwrap_or_default();
    if ids.len() >= SHARD {
        ids.drain(..ID);
    }
    ids.extend_from_slice(id.as_bytes());
    state::set(&key, &ids)?;
    let oldest = format!("r.{:08}", now / DAY - LEDGER_DAYS);
    for key in state::keys("r.")?.into_iter().take_while(|key| *key < oldest).take(50) {
        state::delete(&key)?;
    }
    Ok(())
}
