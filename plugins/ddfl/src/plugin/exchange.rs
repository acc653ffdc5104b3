//! A message and the answer to it, waited for within the call (synchronous processes, 3.4).
//!
//! The answer is looked for in the inbox: it names our message as its parent. What is found is receipted and marked as
//! read here; the background poll leaves young answers of this kind alone, and makes events of those that nobody took.

use dialog_plugin_sdk::{Context, Failure, Sent, clock, log};

use super::address::{self, her_id};
use super::memory;
use super::transport::{self, Budget, Listed, Query};
use crate::message::{MessageId, Version};
use crate::read::{ApplicationReceipt, DialogMessage, Incoming, ReceiptStatus, read};
use crate::write::{Request, write};

/// Left at the end of a call, in milliseconds: for the receipt and for going back through the gateway.
const MARGIN: i64 = 1_000;
/// The first wait between two looks, in milliseconds; every further one is half as long again.
const FIRST_WAIT: u32 = 120;
/// The longest wait between two looks, in milliseconds.
const LONGEST_WAIT: u32 = 2_500;
/// Requests kept back for receipt and read mark.
const KEPT_BACK: u32 = 2;
/// Messages looked at in one list.
const LOOKED_AT: u32 = 20;

/// What came back.
#[derive(Debug)]
pub enum Answer {
    /// The office's answer.
    Message(Box<DialogMessage>),
    /// The record system did not take the message in.
    Refused(ApplicationReceipt),
}

/// Sends a request and waits for its answer.
///
/// # Errors
/// Nothing came in time, or Meldingstjener does not answer. What was sent is told: a question that only looks has
/// changed nothing.
pub fn ask(
    ctx: &Context,
    budget: &mut Budget,
    receiver: &memory::Receiver,
    version: Version,
    request: &Request,
    purpose: &str,
) -> Result<Answer, Failure> {
    let id = MessageId::of_key(&ctx.idempotency_key, purpose);
    let written = address::written(&[&ctx.idempotency_key], ctx.now);
    let envelope = address::envelope(ctx, receiver, version, id, written, None)?;
    let segments = write(&envelope, request).map_err(|error| address::refusal(&error, ctx.locale, ""))?;
    transport::send(budget, &segments, &[])?;
    let at_stake = if request.synchronous() { Sent::No } else { Sent::Unknown };
    let search = Search {
        id: id.to_string(),
        query: Query {
            receiver: envelope.sender.her_id,
            sender: Some(her_id(receiver.her_id)?),
            newest_first: true,
            count: LOOKED_AT,
        },
        until: ctx.now + i64::from(ctx.time_left) - MARGIN,
    };
    search.wait(budget).map_err(|failure| failure.sent_at_least(at_stake))
}

struct Search {
    id: String,
    query: Query,
    until: i64,
}

impl Search {
    fn wait(&self, budget: &mut Budget) -> Result<Answer, Failure> {
        let mut seen: Vec<String> = Vec::new();
        let mut wait = FIRST_WAIT;
        loop {
            let listed = transport::list(budget, self.query)?;
            // Answers before receipts: a positive receipt says nothing that the answer does not.
            let mut new: Vec<&Listed> = listed.iter().filter(|one| !seen.contains(&one.id)).collect();
            new.sort_by_key(|one| one.is_app_rec == Some(true));
            for one in new {
                if budget.left() <= KEPT_BACK {
                    break;
                }
                seen.push(one.id.clone());
                let bytes = transport::fetch(budget, &one.id)?;
                if let Some(answer) = self.answer(&bytes) {
                    self.take(budget, one, &answer);
                    return Ok(answer);
                }
            }
            let left = self.until - clock::now();
            if left <= 0 || budget.left() <= KEPT_BACK + 1 {
                return Err(Failure::unavailable(Sent::No, "the office's record system did not answer in time"));
            }
            clock::wait(wait.min(u32::try_from(left).unwrap_or(wait)));
            wait = (wait + wait / 2).min(LONGEST_WAIT);
        }
    }

    /// The answer to our message, if this is it. What cannot be read is left to the background poll.
    fn answer(&self, bytes: &[u8]) -> Option<Answer> {
        match read(bytes).ok()? {
            Incoming::Message(message)
                if message.parent.as_deref() == Some(&*self.id)
                    || message.conversation.as_deref() == Some(&*self.id) =>
            {
                Some(Answer::Message(message))
            }
            Incoming::Receipt(receipt) if receipt.about == self.id && receipt.status == ReceiptStatus::Rejected => {
                Some(Answer::Refused(receipt))
            }
            _ => None,
        }
    }

    /// Receipts and marks as read. Where that fails the poll does it later: the answer stands.
    fn take(&self, budget: &mut Budget, listed: &Listed, answer: &Answer) {
        let party = self.query.receiver;
        let wants = matches!(answer, Answer::Message(message) if message.ack == Some(true));
        let receipted =
            if wants && budget.left() > 0 { transport::receipt(budget, &listed.id, party, None) } else { Ok(()) };
        let marked = receipted.and_then(|()| transport::mark_read(budget, &listed.id, party));
        if marked.is_err() {
            log::warn!("an answer was used but not marked as read; the poll will do it");
        }
    }
}
