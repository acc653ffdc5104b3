//! Confirming: receipts and read marks, once the gateway has settled the events.

use std::collections::BTreeMap;

use dialog_plugin_sdk::inbound::{Disposition, RefusalReason, Settlement};
use dialog_plugin_sdk::{Failure, log};
use serde::{Deserialize, Serialize};

use super::super::memory::{self, Memory};
use super::super::transport;
use super::Round;
use super::asked::ANSWERING;
use crate::message::code::ReceiptError;

/// Requests that confirming a message takes.
const CONFIRMING: u32 = 2;

/// What is still to be done for messages whose events were handed over. Opaque to the gateway.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Cursor {
    pub(super) pending: Vec<Pending>,
    /// What is left alone for now.
    pub(super) held: Vec<Held>,
}

/// A message that was handed over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pending {
    /// Its ids in Meldingstjener: more than one where it was delivered twice.
    pub(super) deliveries: Vec<String>,
    /// Who sent it, and its `MsgId`: what another office calls the same is another message.
    pub(super) message: String,
    /// Its events.
    pub(super) events: Vec<String>,
    /// How it is receipted.
    pub(super) receipt: Wanted,
    /// The message of ours that it is a receipt for, and the office whose memory waits for it.
    pub(super) about: Option<(String, u32)>,
    /// The conversation that ends with it, and the office whose memory holds it.
    pub(super) ends: Option<(String, u32)>,
    /// Of a question that is still to be answered: which of its events were answered with yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) question: Option<Vec<usize>>,
    /// The gateway has settled it: what remains is to confirm.
    pub(super) settled: bool,
}

/// How a message is receipted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Wanted {
    /// Not at all.
    No,
    /// As the gateway settles its events.
    AsSettled,
    /// Negatively, whatever the gateway says.
    Refused(String, String),
}

/// A message that is left unread: an answer that a call waits for, or a receipt whose message is not known yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Held {
    /// Its id in Meldingstjener.
    pub(super) delivery: String,
    /// When it was first seen.
    pub(super) since: i64,
    /// When it is looked at again.
    pub(super) until: i64,
}

/// What the last call left; nothing where there was none, or it cannot be read.
pub(super) fn read_cursor(cursor: Option<&str>) -> Cursor {
    let Some(text) = cursor else { return Cursor::default() };
    serde_json::from_str(text).unwrap_or_else(|_| {
        // Everything that is not confirmed is still unread, and comes again.
        log::warn!("the cursor is of another version and is begun anew");
        Cursor::default()
    })
}

/// For the next call.
pub(super) fn write_cursor(cursor: &Cursor) -> Option<String> {
    serde_json::to_string(cursor).ok()
}

impl Round {
    /// Receipts and marks as read what the gateway has settled. False where Meldingstjener does not take it: what is left
    /// stays in the cursor.
    pub(super) fn confirm(&mut self, settled: &[Settlement]) -> Result<bool, Failure> {
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
            let answering = if pending.question.is_some() { ANSWERING } else { 0 };
            let affordable = self.budget.left() >= CONFIRMING + answering;
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
        if let Some((conversation, office)) = pending.ends.take() {
            memory::forget(&Memory::of(office), &conversation)?;
        }
        if let (Some(active), Some(delivery)) = (&pending.question, pending.deliveries.first()) {
            if !self.answer_question(delivery, active)? {
                return Ok(false);
            }
            pending.question = None;
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
}

/// Decides the receipt by what the gateway did with the events.
fn settle(pending: &mut Pending, dispositions: &BTreeMap<&str, &Disposition>) {
    pending.settled = true;
    let accepted = |event: &String| {
        matches!(dispositions.get(event.as_str()), Some(Disposition::Accepted | Disposition::Duplicate))
    };
    if !pending.events.iter().all(accepted) {
        pending.ends = None;
    }
    let asked = pending.question.is_some();
    let refused = pending.events.iter().find_map(|event| match dispositions.get(event.as_str()) {
        // A no is an answer, and no refusal.
        Some(Disposition::Refused(RefusalReason::NotDigitallyActive | RefusalReason::UnknownCitizen)) if asked => None,
        Some(Disposition::Refused(reason)) => Some(*reason),
        _ => None,
    });
    if asked {
        let yes = pending.events.iter().enumerate().filter(|(_, event)| accepted(event)).map(|(at, _)| at);
        pending.question = refused.is_none().then(|| yes.collect());
    }
    if pending.receipt != Wanted::AsSettled {
        return;
    }
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
        // HITS 1217 knows no money; no event of this plugin's tells of any.
        RefusalReason::UnknownPayment => (ReceiptError::Other, "Betalingen er ukjent."),
        RefusalReason::FeeNotAllowed => (ReceiptError::Other, "Taksten kan ikke kreves for denne dialogen."),
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

/// Whether a step is done. What Meldingstjener refuses outright is not tried again: it would be refused for ever.
pub(super) fn done(sent: Result<(), Failure>, what: &str) -> bool {
    match sent {
        Ok(()) => true,
        Err(Failure::Faulty(fault)) => {
            log::error!("a message could not be {what}: {}", fault.detail);
            true
        }
        Err(_) => false,
    }
}
