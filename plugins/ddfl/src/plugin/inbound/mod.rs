//! What record systems send: fetched, turned into events, and receipted once the gateway has settled the events.
//!
//! A message stays unread in Meldingstjener until its events are durable, so that nothing is lost in between; the cursor
//! holds what is still to be confirmed. One call makes at most [`transport::REQUESTS`] requests: a few messages a page,
//! and the gateway asks again at once while there is more.
//!
//! - this file: fetching, and what becomes of a message.
//! - `confirm` — receipts and read marks for what is settled.
//! - `receipt` — application receipts for what we sent.
//! - `test` — the communication test.
//! - `asked` — who is digitally active.

mod asked;
mod confirm;
mod receipt;
mod test;

use std::collections::BTreeSet;

use dialog_plugin_sdk::inbound::{Delivery, Inbound, InboundContext, Page, Settlement};
use dialog_plugin_sdk::{DialogStatus, Event, EventBody, Failure, Sent, Unreadable, attachments, clock, log};

use self::confirm::{Cursor, Held, Pending, Wanted, read_cursor, write_cursor};
use super::Ddfl;
use super::appointment::clip;
use super::event::{self, Refused, Turned};
use super::settings::{Installation, Settings};
use super::transport::{self, Budget, Listed, Query};
use crate::message::code::ReceiptError;
use crate::message::{HerId, Kind, Process};
use crate::read::{DialogMessage, Incoming, canonical, read};

/// Messages that are fetched in one call: as many as the next call can confirm, which takes two requests each.
const FETCHED: usize = 5;
/// Messages that are looked at in the list.
const LISTED: u32 = 100;
/// How long an answer of direct booking is left to the call that waits for it, in milliseconds: longer than any call.
const YOUNG: i64 = 60_000;
/// Left at the end of a call, in milliseconds.
const MARGIN: i64 = 1_000;
/// Characters of a reason for the operator, and of a refusal's text.
const REASON: usize = 500;

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
        let before = round.cursor.pending.len();
        let confirmed = round.confirm(&settled)?;
        round.overdue()?;
        let more = match round.fetch() {
            Ok(more) => more,
            // What was done stays done: a call that fails forgets that it has confirmed.
            Err(_) if before > 0 || !round.events.is_empty() => {
                log::warn!("fetching broke off; it goes on in the next call");
                false
            }
            Err(failure) => return Err(failure),
        };
        // What was just handed over is confirmed at once, unless confirming is what does not work.
        let fresh = round.cursor.pending.iter().any(|pending| !pending.settled);
        Ok(Page { cursor: write_cursor(&round.cursor), more: confirmed && (more || fresh), events: round.events })
    }
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
    /// Fetches what is new. True where there is more.
    fn fetch(&mut self) -> Result<bool, Failure> {
        if self.budget.left() == 0 {
            return Ok(true);
        }
        let query = Query { receiver: self.party, sender: None, newest_first: false, count: LISTED };
        let listed = transport::list(&mut self.budget, query)?;
        let unread: BTreeSet<&str> = listed.iter().map(|one| one.id.as_str()).collect();
        self.cursor.held.retain(|held| unread.contains(held.delivery.as_str()));
        let until = self.ctx.now + i64::from(self.ctx.time_left) - MARGIN;
        let mut fetched = 0;
        for one in &listed {
            let held = self.cursor.held.iter().any(|held| held.delivery == one.id && held.until > self.ctx.now);
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
            match transport::fetch(&mut self.budget, &one.id) {
                Ok(bytes) => self.take(one, &bytes)?,
                // What cannot be fetched now, cannot be fetched later: it must not stand in the way of all others.
                Err(Failure::Faulty(fault)) => {
                    let refused = Refused { receipt: ReceiptError::Other, reason: fault.detail };
                    let name = one.business_document_id.clone().unwrap_or_else(|| one.id.clone());
                    self.unreadable(one, b"(not fetched)", &name, refused, true)?;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(listed.len() >= LISTED as usize && fetched > 0)
    }

    /// The same message, delivered twice and just handed over.
    fn twin(&mut self, listed: &Listed) -> Option<&mut Pending> {
        let name = name(listed, listed.business_document_id.as_deref()?);
        self.cursor
            .pending
            .iter_mut()
            .find(|pending| !pending.settled && !pending.deliveries.is_empty() && pending.message == name)
    }

    /// Leaves a message unread for some milliseconds, in all not for longer than `most`. False where that is over.
    fn hold(&mut self, delivery: &str, milliseconds: i64, most: i64) -> bool {
        let now = self.ctx.now;
        let known = self.cursor.held.iter().position(|held| held.delivery == delivery);
        let since = known.map_or(now, |at| self.cursor.held.swap_remove(at).since);
        if now - since >= most {
            return false;
        }
        let until = (now + milliseconds).min(since + most);
        self.cursor.held.push(Held { delivery: delivery.to_owned(), since, until });
        true
    }

    fn take(&mut self, listed: &Listed, bytes: &[u8]) -> Result<(), Failure> {
        match read(bytes) {
            Ok(Incoming::Receipt(receipt)) => self.receipt(listed, receipt),
            Ok(Incoming::Message(message)) => self.message(listed, bytes, &message),
            Err(error) => {
                let refused = Refused { receipt: error.receipt(), reason: error.to_string() };
                let name = listed.business_document_id.as_deref().unwrap_or(&listed.id);
                self.unreadable(listed, bytes, name, refused, true)
            }
        }
    }

    fn message(&mut self, listed: &Listed, bytes: &[u8], message: &DialogMessage) -> Result<(), Failure> {
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
            return self.unreadable(listed, bytes, &message.id, refused, wanted != Wanted::No);
        }
        if message.kind == Some(Kind::Test) {
            if self.budget.left() > 0 {
                self.answer_test(message)?;
                self.hand_over(listed, &message.id, Vec::new(), wanted);
            }
            return Ok(());
        }
        if message.kind == Some(Kind::AreDigital) && !message.is_answer {
            return self.ask(listed, bytes, message, wanted);
        }
        if waited_for(message) && self.hold(&listed.id, YOUNG, YOUNG) {
            return Ok(());
        }
        if only_for_a_call(message) {
            log::info!("an answer that came too late for the call that asked, and tells nothing new");
            self.hand_over(listed, &message.id, Vec::new(), wanted);
            return Ok(());
        }
        match event::turn(&self.ctx, message)? {
            Turned::Events(events) => {
                let ids = events.iter().map(|event| event.id.clone()).collect();
                let ends = events.iter().any(|event| ends(&event.body));
                let office = event::office_of(&self.ctx, message).map(|served| served.office.her_id);
                self.events.extend(events);
                let pending = self.hand_over(listed, &message.id, ids, wanted);
                pending.ends = office.filter(|_| ends).map(|office| (message.first().to_owned(), office));
            }
            Turned::Nothing => {
                self.hand_over(listed, &message.id, Vec::new(), wanted);
            }
            Turned::Refused(refused) => {
                self.unreadable(listed, bytes, &message.id, refused, wanted != Wanted::No)?;
            }
        }
        Ok(())
    }

    /// Something that cannot be understood or let in: kept, shown to the operator, receipted negatively.
    fn unreadable(
        &mut self,
        listed: &Listed,
        bytes: &[u8],
        message: &str,
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
        self.hand_over(listed, message, vec![id], wanted);
        Ok(())
    }

    /// Notes what was handed over, to be confirmed when it is settled.
    fn hand_over(&mut self, listed: &Listed, message: &str, events: Vec<String>, receipt: Wanted) -> &mut Pending {
        self.cursor.held.retain(|held| held.delivery != listed.id);
        self.cursor.pending.push_mut(Pending {
            deliveries: vec![listed.id.clone()],
            message: name(listed, message),
            events,
            receipt,
            about: None,
            ends: None,
            question: None,
            settled: false,
        })
    }
}

/// Who sent a message, and what they call it.
fn name(listed: &Listed, message: &str) -> String {
    format!("{}:{}", listed.sender_her_id.unwrap_or_default(), canonical(message.trim().to_owned()))
}

/// Whether a dialog ends with it.
const fn ends(event: &EventBody) -> bool {
    match event {
        EventBody::Message(told) => matches!(told.status, DialogStatus::Closed(_)),
        EventBody::Status(told) => matches!(told.status, DialogStatus::Closed(_)),
        EventBody::Renewal(told) => matches!(told.status, DialogStatus::Closed(_)),
        _ => false,
    }
}

/// Whether a call may be waiting for it.
fn waited_for(message: &DialogMessage) -> bool {
    message.process == Some(Process::Reservation)
        && message.is_answer
        && (message.parent.is_some() || message.conversation.is_some())
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
