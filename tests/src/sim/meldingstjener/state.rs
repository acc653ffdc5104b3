//! Everything that the simulator knows: messages in order, offices, violations, and what is to go wrong next.

use super::apprec::{Receipt, ReceiptError, ReceiptStatus};
use super::message::Inbound;
use super::office::{Now, OfficeState, Receipts};
use super::read::{Findings, Violation, read};
use super::tree::{self, NotXml};
use crate::sim::world::OFFICES;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use std::collections::HashMap;
use std::time::Instant;
use uuid::Uuid;

/// How the next answer is damaged on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// The XML breaks off in the middle.
    TruncatedXml,
    /// Well-formed, but no message of any kind.
    OtherXml,
    /// Bytes that are no XML at all.
    NotXml,
}

/// Where a message is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Delivery {
    /// Not fetched yet.
    Unconfirmed,
    /// Fetched by the receiver.
    Acknowledged,
    /// Refused by the receiver's transport: its record system never sees it.
    Rejected,
}

/// A message in the store.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its identifier in Meldingstjener.
    pub id: Uuid,
    /// Whether the portal receives it.
    pub to_portal: bool,
    /// The office's organisation (level 1).
    pub office: u32,
    /// The office's communication party (level 2).
    pub party: u32,
    /// `MsgId`, or the identifier of a receipt; none where it could not be read.
    pub document_id: Option<String>,
    /// `GenDate`; none where it could not be read.
    pub generated: Option<String>,
    /// Whether it is an application receipt.
    pub is_receipt: bool,
    /// The bytes.
    pub raw: Vec<u8>,
    /// Marked as read by the receiver.
    pub read: bool,
    /// Whether the portal has fetched the bytes.
    pub fetched: bool,
    /// Where it is.
    pub delivery: Delivery,
    /// Whether its sender asks for a receipt.
    pub wants_receipt: bool,
    /// The receipt that came back.
    pub receipt: Option<Receipt>,
    /// What the office read in it, for messages from the portal.
    pub inbound: Option<Box<Inbound>>,
    /// What it is, in a word or two: a code, or `AppRec`.
    pub label: String,
    /// `MsgInfo/Type`, for the receipt.
    pub process: String,
}

/// Why a message or receipt from the portal is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The error in words.
    pub error: String,
    /// What exactly is wrong.
    pub details: Vec<String>,
}

impl Refusal {
    pub(super) fn new(status: u16, error: &str, details: Vec<String>) -> Refusal {
        Refusal { status, error: error.to_owned(), details }
    }
}

/// The simulator's state.
#[derive(Debug)]
pub struct State {
    started: (Timestamp, Instant),
    zone: TimeZone,
    /// Every message in order of acceptance; `{n}` of `--out` is the position, from one.
    pub messages: Vec<Stored>,
    by_document: HashMap<String, usize>,
    /// The offices that have DDFL.
    pub offices: Vec<OfficeState>,
    /// What the portal's side did wrong.
    pub violations: Vec<Violation>,
    /// Deliver the next answer twice.
    pub duplicate_next: bool,
    /// Damage the next answer.
    pub damage_next: Option<Damage>,
}

impl State {
    /// The world as it is at `start`.
    pub fn new(start: Timestamp) -> State {
        let zone = TimeZone::get("Europe/Oslo").unwrap_or_else(|_| Offset::constant(1).to_time_zone());
        let mut state = State {
            started: (start, Instant::now()),
            zone,
            messages: Vec::new(),
            by_document: HashMap::new(),
            offices: Vec::new(),
            violations: Vec::new(),
            duplicate_next: false,
            damage_next: None,
        };
        let now = state.now();
        state.offices =
            OFFICES.iter().filter_map(|office| Some(OfficeState::new(office, office.record_system?, now))).collect();
        state
    }

    /// The simulator's time: the given start, and what has passed since.
    pub fn now(&self) -> Now {
        let passed = jiff::SignedDuration::try_from(self.started.1.elapsed()).unwrap_or_default();
        let instant = self.started.0.saturating_add(passed).unwrap_or(self.started.0);
        Now { instant, local: instant.to_zoned(self.zone.clone()).datetime() }
    }

    /// The office with this HER-id on level 1.
    pub fn office(&mut self, her_id: u32) -> Option<&mut OfficeState> {
        self.offices.iter_mut().find(|state| state.office.her_id == her_id)
    }

    /// Notes a violation that is not about the content of a message.
    pub fn violate(&mut self, rule: &'static str, detail: impl Into<String>, message: Option<String>) {
        self.violations.push(Violation { rule, detail: detail.into(), message });
    }

    /// Takes a message from the portal; gives its identifier.
    pub fn accept(&mut self, raw: Vec<u8>, subset: Option<&[u32]>) -> Result<Uuid, Refusal> {
        let invalid = |details| Refusal::new(400, "The business document is not valid", details);
        if let Err(at) = std::str::from_utf8(&raw) {
            self.violate("messages are written in UTF-8", at.to_string(), None);
        }
        let root = tree::parse(&raw).map_err(|error: NotXml| {
            self.violate("a message is well-formed XML", error.to_string(), None);
            invalid(vec![error.to_string()])
        })?;
        let mut findings = Findings::default();
        let Some(message) = read(&root, &mut findings) else {
            let details = findings.0.iter().map(|found| format!("{}: {}", found.rule, found.detail)).collect();
            self.violations.append(&mut findings.0);
            return Err(invalid(details));
        };
        if let Some(first) = self.by_document.get(&message.msg_id).and_then(|at| self.messages.get(*at)) {
            let id = first.id;
            // The content is the same if the whole is: a resent message is resent as it was.
            if first.raw != raw {
                self.violate("a MsgId is used once", "resent with another content", Some(message.msg_id));
            }
            return Ok(id);
        }
        let Some(office) = self.offices.iter().find(|state| state.office.owns_party(message.receiver)) else {
            self.violations.append(&mut findings.0);
            let detail = format!("unknown receiver HER-id {}", message.receiver);
            self.violate("the receiver is in Adresseregisteret", detail.clone(), Some(message.msg_id));
            return Err(invalid(vec![detail]));
        };
        if subset.is_some_and(|subset| subset != [message.receiver]) {
            let detail = "receiverHerIdsSubset does not name the receiver".to_owned();
            self.violate("receiverHerIdsSubset names the receiver", format!("{subset:?}"), Some(message.msg_id));
            return Err(invalid(vec![detail]));
        }
        let stored = Stored {
            id: Uuid::new_v4(),
            to_portal: false,
            office: office.office.her_id,
            party: message.receiver,
            document_id: Some(message.msg_id.clone()),
            generated: Some(message.gen_date.clone()),
            is_receipt: false,
            raw,
            read: false,
            fetched: false,
            delivery: if office.rejects { Delivery::Rejected } else { Delivery::Unconfirmed },
            wants_receipt: message.wants_receipt,
            receipt: None,
            label: message.kind.rule().code.to_owned(),
            process: message.process.code().to_owned(),
            inbound: Some(Box::new(message)),
        };
        let (id, online) = (stored.id, office.online && !office.rejects);
        self.violations.append(&mut findings.0);
        if let Some(document_id) = stored.document_id.clone() {
            self.by_document.insert(document_id, self.messages.len());
        }
        self.messages.push(stored);
        if online {
            self.hand_over(self.messages.len() - 1);
        }
        Ok(id)
    }

    /// Lets an office fetch what has waited while its record system was down.
    pub fn fetch_waiting(&mut self, office: u32) {
        let waiting: Vec<usize> = (0..self.messages.len())
            .filter(|at| {
                self.messages.get(*at).is_some_and(|stored| {
                    !stored.to_portal && stored.office == office && stored.delivery == Delivery::Unconfirmed
                })
            })
            .collect();
        for at in waiting {
            self.hand_over(at);
        }
    }

    /// The record system fetches a message: receipt, then what it answers at once or by itself.
    fn hand_over(&mut self, at: usize) {
        let now = self.now();
        let Some(stored) = self.messages.get_mut(at) else { return };
        stored.delivery = Delivery::Acknowledged;
        stored.read = true;
        let her_id = stored.office;
        let Some(message) = stored.inbound.as_deref().cloned() else { return };
        let mut findings = Findings::default();
        let Some(position) = self.offices.iter().position(|state| state.office.her_id == her_id) else { return };
        let seen = |id: &str| {
            self.messages
                .iter()
                .any(|stored| stored.to_portal && stored.fetched && stored.document_id.as_deref() == Some(id))
        };
        let Some(office) = self.offices.get(position) else { return };
        let verdict = office.examine(&message, &seen, &mut findings);
        let (status, errors) = match (&office.receipts, verdict.clone()) {
            (Receipts::Negative { codes }, _) => (ReceiptStatus::Rejected, named(codes)),
            (_, Err(error)) => (ReceiptStatus::Rejected, vec![error]),
            (Receipts::Partial { codes }, Ok(())) => (ReceiptStatus::OkErrorInMessagePart, named(codes)),
            (_, Ok(())) => (ReceiptStatus::Ok, Vec::new()),
        };
        let receipted = message.wants_receipt && office.receipts != Receipts::None;
        for mut found in findings.0 {
            found.message = Some(message.msg_id.clone());
            self.violations.push(found);
        }
        if receipted {
            self.receipt_for(at, status, errors, now);
        }
        if status == ReceiptStatus::Rejected {
            if !message.wants_receipt
                && let Some(office) = self.offices.get(position)
            {
                let refusal = office.letter(&message, super::codes::answer("26"), now);
                self.deliver(her_id, &refusal);
            }
            return;
        }
        let letters = match self.offices.get_mut(position) {
            Some(office) => office.act(message.clone(), now),
            None => Vec::new(),
        };
        for letter in &letters {
            self.deliver(her_id, letter);
        }
        self.answer_by_itself(position, &message, now);
    }

    fn answer_by_itself(&mut self, position: usize, message: &Inbound, now: Now) {
        let Some(office) = self.offices.get_mut(position).filter(|office| office.automatic) else { return };
        let next =
            office.calendar.free(None, now.local.date(), jiff::civil::Date::MAX).first().map(|event| event.start);
        let waits = office.requests.iter().any(|request| request.message.msg_id == message.msg_id && !request.answered);
        let Some(answer) = super::answer::automatic(message, next).filter(|_| waits) else { return };
        let her_id = office.office.her_id;
        // A change wish for an appointment that the office does not know stays for a person.
        if let Ok(letter) = office.answer(&message.msg_id, &answer, now) {
            self.deliver(her_id, &letter);
        }
    }
}

fn named(codes: &[String]) -> Vec<ReceiptError> {
    codes.iter().map(|code| ReceiptError::new(code)).collect()
}
