//! What record systems send: fetched, turned into events, and receipted once the gateway has settled the events.
//!
//! A message stays unread in Meldingstjener until its events are durable, so that nothing is lost in between; the cursor
//! holds what is still to be confirmed. One call makes at most [`transport::REQUESTS`] requests: a few messages a page,
//! and the gateway asks again at once while there is more.

use std::collections::{BTreeMap, BTreeSet};

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::{
    Closing, DialogStatus, Event, EventBody, Failure, Office, Receipt, ReceiptOutcome, Refusal, Sent, StatusChange,
    Unreadable, attachments, clock, log,
};
use serde::{Deserialize, Serialize};

use super::Ddfl;
use super::address::timestamp;
use super::appointment::clip;
use super::event::{self, Refused, Turned};
use super::memory::{self, Memory};
use super::settings::{Installation, Settings};
use super::transport::{self, Budget, Listed, Query};
use crate::message::code::ReceiptError;
use crate::message::{HerId, Kind, MessageId, Process, Version, time};
use crate::read::{ApplicationReceipt, DialogMessage, Incoming, ReceiptStatus, read};
use crate::write::party::ReceivingParty;
use crate::write::{self, Conversation, Envelope, Receiver, Request, Unit};

/// Messages that are fetched in one call: as many as the next call can confirm, which takes two requests each.
const FETCHED: usize = 5;
/// Requests that confirming a message takes.
const CONFIRMING: u32 = 2;
/// Messages that are looked at in the list.
const LISTED: u32 = 100;
/// How long an answer of direct booking is left to the call that waits for it, in milliseconds: longer than any call.
const YOUNG: i64 = 60_000;
/// Messages without a receipt that are told in one call.
const OVERDUE: usize = 20;
/// Offices that are looked after in one call: each costs a look into its memory.
const LOOKED_AFTER: usize = 50;
/// How long the same offices are looked after, in milliseconds: longer than it is from one poll to the next.
const TURN: i64 = 60_000;
/// Left at the end of a call, in milliseconds.
const MARGIN: i64 = 1_000;
/// Characters of a reason for the operator, and of a refusal's text.
const REASON: usize = 500;

/// What is still to be done for messages whose events were handed over. Opaque to the gateway.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cursor {
    pending: Vec<Pending>,
    /// Young answers, and until when they are left alone.
    held: Vec<(String, i64)>,
}

/// A message that was handed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    /// Its ids in Meldingstjener: more than one where it was delivered twice.
    deliveries: Vec<String>,
    /// `MsgId`.
    message: String,
    /// Its events.
    events: Vec<String>,
    /// How it is receipted.
    receipt: Wanted,
    /// The message of ours that it is a receipt for, and the office whose memory waits for it.
    about: Option<(String, u32)>,
    /// The gateway has settled it: what remains is to confirm.
    settled: bool,
}

/// How a message is receipted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Wanted {
    /// Not at all.
    No,
    /// As the gateway settles its events.
    AsSettled,
    /// Negatively, whatever the gateway says.
    Refused(String, String),
}

impl Inbound for Ddfl {
    fn receive(_: InboundContext, _: Delivery) -> Result<Vec<Event>, Failure> {
        Err(Failure::faulty(Sent::No, "Meldingstjener does not push: nothing is expected here"))
    }

    fn poll(ctx: InboundContext, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
        let installation: Installation = ctx.installation()?;
        let mut round = Round {
            party: installation.party.unit()?.her_id,
            installation,
            budget: Budget::default(),
            cursor: read_cursor(cursor.as_deref()),
            events: Vec::new(),
            ctx,
        };
        let confirmed = round.confirm(&settled)?;
        round.overdue()?;
        let more = round.fetch()?;
        // What was just handed over is confirmed at once, unless confirming is what does not work.
        let fresh = round.cursor.pending.iter().any(|pending| !pending.settled);
        Ok(Page { cursor: write_cursor(&round.cursor), more: confirmed && (more || fresh), events: round.events })
    }
}

fn read_cursor(cursor: Option<&str>) -> Cursor {
    let Some(text) = cursor else { return Cursor::default() };
    serde_json::from_str(text).unwrap_or_else(|_| {
        // Everything that is not confirmed is still unread, and comes again.
        log::warn!("the cursor is of another version and is begun anew");
        Cursor::default()
    })
}

fn write_cursor(cursor: &Cursor) -> Option<String> {
    serde_json::to_string(cursor).ok()
}

struct Round {
    ctx: InboundContext,
    installation: Installation,
    party: HerId,
    budget: Budget,
    cursor: Cursor,
    events: Vec<Event>,
}

impl Round {
    /// Receipts and marks as read what the gateway has settled. False where Meldingstjener does not take it: what is left
    /// stays in the cursor.
    fn confirm(&mut self, settled: &[Settlement]) -> Result<bool, Failure> {
        let dispositions: BTreeMap<&str, &Disposition> =
            settled.iter().map(|one| (one.event.as_str(), &one.disposition)).collect();
        let mut rest = Vec::new();
        let mut works = true;
        for mut pending in std::mem::take(&mut self.cursor.pending) {
            if !pending.settled {
                if pending.events.iter().any(|event| !dispositions.contains_key(event.as_str())) {
                    // Not settled: the message is unread, and is handed over again.
                    continue;
                }
                settle(&mut pending, &dispositions);
            }
            let affordable = self.budget.left() >= CONFIRMING;
            if !works || !affordable || !self.confirm_one(&mut pending)? {
                works = works && affordable;
                rest.push(pending);
            }
        }
        self.cursor.pending = rest;
        Ok(works)
    }

    /// Whether the message is confirmed in full.
    fn confirm_one(&mut self, pending: &mut Pending) -> Result<bool, Failure> {
        if let Some((about, office)) = &pending.about {
            memory::receipted(&Memory::of(*office), about)?;
        }
        if pending.receipt != Wanted::No {
            let Some(delivery) = pending.deliveries.first() else { return Ok(true) };
            if !memory::in_ledger(&pending.message, self.ctx.now)? {
                let refusal = match &pending.receipt {
                    Wanted::Refused(code, details) => Some((receipt_error(code), details.as_str())),
                    _ => None,
                };
                let sent = transport::receipt(&mut self.budget, delivery, self.party, refusal);
                if !done(sent, "receipted") {
                    return Ok(false);
                }
                memory::enter_ledger(&pending.message, self.ctx.now)?;
            }
            pending.receipt = Wanted::No;
        }
        while let Some(delivery) = pending.deliveries.last() {
            if self.budget.left() == 0 {
                return Ok(false);
            }
            let sent = transport::mark_read(&mut self.budget, delivery, self.party);
            if !done(sent, "marked as read") {
                return Ok(false);
            }
            pending.deliveries.pop();
        }
        Ok(true)
    }

    /// Messages of ours for which no receipt came: that counts as a no (2.13). A few offices at a time, in turn.
    fn overdue(&mut self) -> Result<(), Failure> {
        let offices: Vec<u32> = self.ctx.offices.iter().map(|served| served.office.her_id).collect();
        // Where it goes on follows from the time, so that the cursor stays as it is while nothing happens.
        let turn = usize::try_from(self.ctx.now / TURN).unwrap_or_default();
        let begin = turn.wrapping_mul(LOOKED_AFTER) % offices.len().max(1);
        for office in offices.iter().cycle().skip(begin).take(offices.len().min(LOOKED_AFTER)) {
            let memory = Memory::of(*office);
            for id in memory::overdue(&memory, self.ctx.now, OVERDUE)? {
                if self.events.len() < OVERDUE {
                    self.give_up(&memory, *office, id)?;
                }
            }
        }
        Ok(())
    }

    fn give_up(&mut self, memory: &Memory, office: u32, id: String) -> Result<(), Failure> {
        let about = Some((id.clone(), office));
        if self.cursor.pending.iter().any(|pending| pending.about == about) {
            return Ok(());
        }
        let Some(awaited) = memory::awaited(memory, &id)? else { return Ok(()) };
        let hours = self.installation.receipt_hours;
        let refusal = Refusal {
            code: "no-receipt".to_owned(),
            text: format!("Legekontorets system har ikke bekreftet meldingen innen {hours} timer."),
            resendable: true,
        };
        let event = format!("overdue:{id}");
        if let Some(body) = receipted(awaited, ReceiptOutcome::Refused(vec![refusal])) {
            self.events.push(Event { id: event.clone(), occurred: self.ctx.now, body });
        }
        self.cursor.pending.push(Pending {
            deliveries: Vec::new(),
            message: id,
            events: vec![event],
            receipt: Wanted::No,
            about,
            settled: false,
        });
        Ok(())
    }

    /// Fetches what is new. True where there is more.
    fn fetch(&mut self) -> Result<bool, Failure> {
        if self.budget.left() == 0 {
            return Ok(true);
        }
        let query = Query { receiver: self.party, sender: None, newest_first: false, count: LISTED };
        let listed = transport::list(&mut self.budget, query)?;
        let unread: BTreeSet<&str> = listed.iter().map(|one| one.id.as_str()).collect();
        let now = self.ctx.now;
        self.cursor.held.retain(|(id, until)| *until > now && unread.contains(id.as_str()));
        let until = now + i64::from(self.ctx.time_left) - MARGIN;
        let mut fetched = 0;
        for one in &listed {
            let held = self.cursor.held.iter().any(|(id, _)| *id == one.id);
            let known = self.cursor.pending.iter().any(|pending| pending.deliveries.contains(&one.id));
            if held || known {
                continue;
            }
            if let Some(twin) = self.twin(one) {
                twin.deliveries.push(one.id.clone());
                continue;
            }
            if fetched >= FETCHED || self.budget.left() == 0 || clock::now() >= until {
                return Ok(true);
            }
            fetched += 1;
            let bytes = transport::fetch(&mut self.budget, &one.id)?;
            self.take(one, &bytes)?;
        }
        Ok(listed.len() >= LISTED as usize && fetched > 0)
    }

    /// The same message, delivered twice and just handed over.
    fn twin(&mut self, listed: &Listed) -> Option<&mut Pending> {
        let id = listed.business_document_id.as_deref()?;
        self.cursor
            .pending
            .iter_mut()
            .find(|pending| !pending.settled && !pending.deliveries.is_empty() && pending.message == id)
    }

    fn take(&mut self, listed: &Listed, bytes: &[u8]) -> Result<(), Failure> {
        match read(bytes) {
            Ok(Incoming::Receipt(receipt)) => self.receipt(listed, receipt),
            Ok(Incoming::Message(message)) => self.message(listed, bytes, *message),
            Err(error) => {
                let refused = Refused { receipt: error.receipt(), reason: error.to_string() };
                let name = listed.business_document_id.as_deref().unwrap_or(&listed.id).to_owned();
                self.unreadable(listed, bytes, name, refused, true)
            }
        }
    }

    fn message(&mut self, listed: &Listed, bytes: &[u8], message: DialogMessage) -> Result<(), Failure> {
        if !message.deviations.is_empty() {
            log::info!("an office's message departs from HITS 1217: {:?}", message.deviations);
        }
        let wanted = if message.ack == Some(true) { Wanted::AsSettled } else { Wanted::No };
        let levels: Vec<u32> = message.sender.her_ids().map(HerId::get).collect();
        if listed.sender_her_id.is_some_and(|sender| !levels.contains(&sender)) {
            let refused = Refused {
                receipt: ReceiptError::WrongIdentifier,
                reason: "the message names another sender than the one who sent it".to_owned(),
            };
            return self.unreadable(listed, bytes, message.id, refused, wanted != Wanted::No);
        }
        if message.kind == Some(Kind::Test) {
            self.answer_test(&message)?;
            self.hand_over(listed, message.id, Vec::new(), wanted, None);
            return Ok(());
        }
        if let Some(until) = self.left_alone(&message) {
            self.cursor.held.push((listed.id.clone(), until));
            return Ok(());
        }
        if only_for_a_call(&message) {
            log::info!("an answer that came too late for the call that asked, and tells nothing new");
            self.hand_over(listed, message.id, Vec::new(), wanted, None);
            return Ok(());
        }
        match event::turn(&self.ctx, &message)? {
            Turned::Events(events) => {
                let ids = events.iter().map(|event| event.id.clone()).collect();
                self.events.extend(events);
                self.hand_over(listed, message.id, ids, wanted, None);
            }
            Turned::Nothing => self.hand_over(listed, message.id, Vec::new(), wanted, None),
            Turned::Refused(refused) => {
                self.unreadable(listed, bytes, message.id, refused, wanted != Wanted::No)?;
            }
        }
        Ok(())
    }

    /// Until when a message is left to the call that waits for it; none where nobody does.
    fn left_alone(&self, message: &DialogMessage) -> Option<i64> {
        let sync = message.process == Some(Process::Reservation)
            && message.is_answer
            && (message.parent.is_some() || message.conversation.is_some());
        let born = message.generated?.as_millisecond().min(self.ctx.now);
        (sync && self.ctx.now - born < YOUNG).then_some(born + YOUNG)
    }

    /// A receipt for a message of ours.
    fn receipt(&mut self, listed: &Listed, receipt: ApplicationReceipt) -> Result<(), Failure> {
        let Some((office, awaited)) = self.awaited(listed, &receipt)? else {
            // For a question of direct booking, or told before.
            if receipt.status == ReceiptStatus::Rejected {
                let told = transport::told(receipt.status, &receipt.reasons);
                log::warn!("a receipt for a message that nobody waits for: {told}");
            }
            self.hand_over(listed, receipt.id, Vec::new(), Wanted::No, None);
            return Ok(());
        };
        let outcome = match receipt.status {
            ReceiptStatus::Ok => ReceiptOutcome::Delivered,
            ReceiptStatus::OkWithErrors => {
                let told = transport::told(receipt.status, &receipt.reasons);
                log::warn!("an office's record system took a message in but for a part of it: {told}");
                ReceiptOutcome::Delivered
            }
            ReceiptStatus::Rejected => ReceiptOutcome::Refused(refusals(&receipt)),
        };
        let id = format!("receipt:{}", receipt.id);
        let occurred = receipt.generated.map_or(self.ctx.now, |at| at.as_millisecond().min(self.ctx.now));
        let mut events = Vec::new();
        if let Some(body) = receipted(awaited, outcome) {
            self.events.push(Event { id: id.clone(), occurred, body });
            events.push(id);
        }
        self.hand_over(listed, receipt.id, events, Wanted::No, Some((receipt.about, office)));
        Ok(())
    }

    /// The message that a receipt is about, in the memory of the office that it comes from.
    fn awaited(
        &self,
        listed: &Listed,
        receipt: &ApplicationReceipt,
    ) -> Result<Option<(u32, memory::Awaited)>, Failure> {
        let senders: Vec<u32> = receipt.senders.iter().map(|her_id| her_id.get()).chain(listed.sender_her_id).collect();
        let from = |office: &Office| senders.contains(&office.her_id) || senders.contains(&office.organisation_her_id);
        let (likely, others): (Vec<_>, Vec<_>) =
            self.ctx.offices.iter().map(|served| &served.office).partition(|office| from(office));
        // A receipt may name its clinician only: then the message is looked for at every office.
        let asked = if likely.is_empty() { others } else { likely };
        for office in asked {
            if let Some(awaited) = memory::awaited(&Memory::of(office.her_id), &receipt.about)? {
                return Ok(Some((office.her_id, awaited)));
            }
        }
        Ok(None)
    }

    /// Something that cannot be understood or let in: kept, shown to the operator, receipted negatively.
    fn unreadable(
        &mut self,
        listed: &Listed,
        bytes: &[u8],
        message: String,
        refused: Refused,
        receipted: bool,
    ) -> Result<(), Failure> {
        let raw = attachments::create("melding.xml", "application/octet-stream", bytes)?;
        let office = self.ctx.offices.iter().find(|served| {
            let office = &served.office;
            listed.sender_her_id.is_some_and(|sender| {
                let colleague = |settings: Settings| settings.clinicians.iter().any(|one| one.her_id == sender);
                sender == office.her_id
                    || sender == office.organisation_her_id
                    || served.settings().is_ok_and(colleague)
            })
        });
        let id = format!("unreadable:{}", listed.id);
        self.events.push(Event {
            id: id.clone(),
            occurred: self.ctx.now,
            body: EventBody::Unreadable(Unreadable {
                office: office.map(|served| served.office.her_id),
                reason: clip(&refused.reason, REASON),
                raw,
            }),
        });
        let wanted = if receipted && listed.is_app_rec != Some(true) {
            Wanted::Refused(refused.receipt.code().value.to_owned(), clip(&refused.reason, REASON))
        } else {
            Wanted::No
        };
        self.hand_over(listed, message, vec![id], wanted, None);
        Ok(())
    }

    fn hand_over(
        &mut self,
        listed: &Listed,
        message: String,
        events: Vec<String>,
        receipt: Wanted,
        about: Option<(String, u32)>,
    ) {
        self.cursor.pending.push(Pending {
            deliveries: vec![listed.id.clone()],
            message,
            events,
            receipt,
            about,
            settled: false,
        });
    }

    /// Answers a communication test (3.10).
    fn answer_test(&mut self, test: &DialogMessage) -> Result<(), Failure> {
        let sender = &test.sender;
        let (Some(organisation), Some(party)) = (sender.organisation_her_id, sender.her_id) else {
            log::warn!("a communication test without HER-ids on two levels is not answered");
            return Ok(());
        };
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "Ukjent".to_owned());
        let id = MessageId::of_key(&test.id, "test-answer");
        let envelope = Envelope {
            id,
            generated: test.generated.unwrap_or_else(|| timestamp(self.ctx.now)),
            conversation: Some(Conversation { parent: test.id.clone(), first: test.first().to_owned() }),
            organisation: self.installation.organisation.unit()?,
            sender: self.installation.party.unit()?,
            receiver: Receiver {
                organisation: Unit { name: name(&sender.organisation), her_id: organisation },
                organisation_number: None,
                party: ReceivingParty::Service(Unit { name: name(&sender.name), her_id: party }),
            },
            patient: None,
            representative: None,
            version: Version::V1_1,
            text_limit: 0,
        };
        let segments = write::write(&envelope, &Request::TestAnswer).map_err(|error| {
            Failure::faulty(Sent::No, format!("the answer to a communication test breaks a rule: {error}"))
        })?;
        transport::send(&mut self.budget, &segments, &[])?;
        log::info!("a communication test was answered at {}", time::xml(timestamp(self.ctx.now)));
        Ok(())
    }
}

/// What became of a message, as the contract tells it: of a message of the citizen's as its receipt; of a request without
/// one only that it was refused, which ends its dialog.
fn receipted(awaited: memory::Awaited, outcome: ReceiptOutcome) -> Option<EventBody> {
    let dialog = awaited.conversation;
    if let Some(message) = awaited.message {
        return Some(EventBody::Receipt(Receipt { dialog, message, outcome }));
    }
    let ReceiptOutcome::Refused(refusals) = outcome else { return None };
    let reasons: Vec<&str> = refusals.iter().map(|refusal| refusal.text.as_str()).collect();
    Some(EventBody::Status(StatusChange {
        dialog,
        status: DialogStatus::Closed(Closing::Declined),
        reason: Some(clip(&reasons.join("; "), REASON)),
    }))
}

/// Answers that mean something only to the call that asked.
fn only_for_a_call(message: &DialogMessage) -> bool {
    message.process == Some(Process::Test)
        || matches!(
            message.kind,
            Some(
                Kind::Slots
                    | Kind::NoSlots
                    | Kind::Booked
                    | Kind::NothingBooked
                    | Kind::Clinicians
                    | Kind::NoClinicians
            )
        )
}

/// Decides the receipt by what the gateway did with the events.
fn settle(pending: &mut Pending, dispositions: &BTreeMap<&str, &Disposition>) {
    pending.settled = true;
    if pending.receipt != Wanted::AsSettled {
        return;
    }
    let refused = pending.events.iter().find_map(|event| match dispositions.get(event.as_str()) {
        Some(Disposition::Refused(reason)) => Some(*reason),
        _ => None,
    });
    if let Some(reason) = refused {
        let (code, details) = no(reason);
        pending.receipt = Wanted::Refused(code.code().value.to_owned(), details.to_owned());
    }
}

/// Why the gateway did not take an event in, as a receipt says it.
const fn no(reason: RefusalReason) -> (ReceiptError, &'static str) {
    match reason {
        RefusalReason::UnknownCitizen | RefusalReason::NotDigitallyActive => {
            (ReceiptError::UnknownPatient, "Innbyggeren er ikke digitalt aktiv. Meldingen skal ikke sendes på nytt.")
        }
        RefusalReason::UnknownDialog => (ReceiptError::Other, "Dialogen som meldingen svarer på, er ukjent."),
        RefusalReason::DialogClosed => (ReceiptError::Other, "Dialogen er avsluttet."),
        RefusalReason::NoAgreement => (ReceiptError::Other, "Legekontoret har ingen avtale om tjenesten."),
        RefusalReason::Invalid => (ReceiptError::NotValid, "Meldingen har et innhold som ikke kan tas imot."),
    }
}

fn receipt_error(code: &str) -> ReceiptError {
    [
        ReceiptError::NotXml,
        ReceiptError::NotValid,
        ReceiptError::UnsupportedFormat,
        ReceiptError::WrongIdentifier,
        ReceiptError::UnknownPatient,
    ]
    .into_iter()
    .find(|error| error.code().value == code)
    .unwrap_or(ReceiptError::Other)
}

fn refusals(receipt: &ApplicationReceipt) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = receipt
        .reasons
        .iter()
        .map(|reason| Refusal {
            code: clip(&reason.code, 32),
            text: clip(&reason.text, REASON),
            resendable: reason.resendable(),
        })
        .collect();
    if refusals.is_empty() {
        refusals.push(Refusal {
            code: ReceiptError::Other.code().value.to_owned(),
            text: "Legekontorets system avviste meldingen uten å si hvorfor.".to_owned(),
            resendable: false,
        });
    }
    refusals
}

/// Whether a step is done. What Meldingstjener refuses outright is not tried again: it would be refused for ever.
fn done(sent: Result<(), Failure>, what: &str) -> bool {
    match sent {
        Ok(()) => true,
        Err(Failure::Faulty(fault)) => {
            log::error!("a message could not be {what}: {}", fault.detail);
            true
        }
        Err(_) => false,
    }
}
