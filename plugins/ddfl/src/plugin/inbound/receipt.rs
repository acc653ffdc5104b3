//! Application receipts for what we sent: positive, negative, and missing (2.13).

use dialog_plugin_sdk::{
    Closing, DialogStatus, Event, EventBody, Failure, Office, Receipt, ReceiptOutcome, Refusal, StatusChange, log,
};

use super::super::appointment::clip;
use super::super::memory::{self, Memory};
use super::super::transport::{self, Listed};
use super::confirm::{Pending, Wanted};
use super::{REASON, Round};
use crate::message::code::ReceiptError;
use crate::read::{ApplicationReceipt, ReceiptStatus};

/// Reasons that are told of one refusal, by the contract.
const REASONS: usize = 20;
/// Messages without a receipt that are told in one call.
const OVERDUE: usize = 20;
/// Offices that are looked after in one call: each costs a look into its memory.
const LOOKED_AFTER: usize = 50;
/// How long the same offices are looked after, in milliseconds: longer than it is from one poll to the next.
const TURN: i64 = 60_000;
/// After how many milliseconds a receipt whose message is not known is looked at again: the call that sent the message
/// may be about to end, and only then is it known.
const AGAIN: i64 = 3_000;
/// How long it is looked for, in milliseconds: longer than a call of `dialogs` lasts.
const PATIENCE: i64 = 9_000;

impl Round {
    /// Messages of ours for which no receipt came: that counts as a no (2.13). A few offices at a time, in turn.
    pub(super) fn overdue(&mut self) -> Result<(), Failure> {
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
            ends: None,
            question: None,
            settled: false,
        });
        Ok(())
    }

    /// A receipt for a message of ours.
    pub(super) fn receipt(&mut self, listed: &Listed, receipt: ApplicationReceipt) -> Result<(), Failure> {
        let Some((office, awaited)) = self.awaited(listed, &receipt)? else {
            // For a question of direct booking, whose call looks for it; or for a message whose call is just ending.
            if self.hold(&listed.id, AGAIN, PATIENCE) {
                return Ok(());
            }
            if receipt.status == ReceiptStatus::Rejected {
                let told = transport::told(receipt.status, &receipt.reasons);
                log::warn!("a receipt for a message that nobody waits for: {told}");
            }
            self.hand_over(listed, &receipt.id, Vec::new(), Wanted::No);
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
        let pending = self.hand_over(listed, &receipt.id, events, Wanted::No);
        pending.about = Some((receipt.about, office));
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

fn refusals(receipt: &ApplicationReceipt) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = receipt
        .reasons
        .iter()
        .take(REASONS)
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
