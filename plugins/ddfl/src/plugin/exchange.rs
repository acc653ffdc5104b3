//! A message and the answer to it, waited for within the call (synchronous processes, 3.4).
//!
//! The answer is looked for in the inbox: it names our message as its parent. It is receipted and marked as read at the
//! end of the call: a call that is repeated after a crash finds it again. The background poll leaves young answers of this
//! kind alone, and makes events of those that nobody took.

use dialog_plugin_sdk::{Context, Failure, Sent, clock, log};

use super::address::{self, her_id};
use super::memory;
use super::transport::{self, Budget, Listed, Query};
use crate::message::{HerId, MessageId, Version};
use crate::read::{ApplicationReceipt, DialogMessage, Incoming, ReceiptStatus, read};
use crate::write::{Request, write};

/// Left at the end of a call, in milliseconds: for the receipt and for going back through the gateway.
const MARGIN: i64 = 1_000;
/// The first wait between two looks, in milliseconds; every further one is half as long again.
const FIRST_WAIT: u32 = 120;
/// The longest wait between two looks, in milliseconds.
const LONGEST_WAIT: u32 = 2_500;
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

/// An answer that was used, still unread in Meldingstjener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    delivery: String,
    /// Whether its sender asks for a receipt.
    receipt: bool,
}

/// What a call has to spend and to tidy up.
#[derive(Debug, Default)]
pub struct Exchange {
    budget: Budget,
    used: Vec<Used>,
    /// Requests kept for what comes after this question.
    kept: u32,
}

impl Exchange {
    /// Receipts the answers that were used and marks them as read. Where that fails the poll does it later: the answers
    /// stand.
    pub fn finish(&mut self, party: HerId) {
        for used in std::mem::take(&mut self.used) {
            let receipted = if used.receipt && self.budget.left() > 1 {
                transport::receipt(&mut self.budget, &used.delivery, party, None)
            } else {
                Ok(())
            };
            let marked = receipted.and_then(|()| transport::mark_read(&mut self.budget, &used.delivery, party));
            if marked.is_err() {
                log::warn!("an answer was used but not marked as read; the poll will do it");
            }
        }
    }

    /// Keeps requests for what comes after the next question.
    pub const fn keep(&mut self, requests: u32) {
        self.kept = requests;
    }

    /// Requests that the question must leave: for tidying up, with one more answer, and for what comes after.
    fn kept_back(&self) -> u32 {
        u32::try_from(self.used.len() + 1).unwrap_or(u32::MAX).saturating_mul(2).saturating_add(self.kept)
    }
}

/// Sends a request and waits for its answer.
///
/// # Errors
/// Nothing came in time, or Meldingstjener does not answer. What was sent is told: a question that only looks has
/// changed nothing.
pub fn ask(
    ctx: &Context,
    exchange: &mut Exchange,
    receiver: &memory::Receiver,
    version: Version,
    request: &Request,
    purpose: &str,
) -> Result<Answer, Failure> {
    let id = MessageId::of_key(&ctx.idempotency_key, purpose);
    let written = address::written(&[&ctx.idempotency_key], ctx.now);
    let envelope = address::envelope(ctx, receiver, version, id, written, None)?;
    let segments = write(&envelope, request).map_err(|error| address::refusal(&error, ctx.locale, ""))?;
    transport::send(&mut exchange.budget, &segments, &[])?;
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
    search.wait(exchange).map_err(|failure| failure.sent_at_least(at_stake))
}

struct Search {
    id: String,
    query: Query,
    until: i64,
}

impl Search {
    fn wait(&self, exchange: &mut Exchange) -> Result<Answer, Failure> {
        let mut seen: Vec<String> = exchange.used.iter().map(|used| used.delivery.clone()).collect();
        let kept_back = exchange.kept_back();
        let mut wait = FIRST_WAIT;
        loop {
            let listed = transport::list(&mut exchange.budget, self.query)?;
            // Answers before receipts: a positive receipt says nothing that the answer does not.
            let mut new: Vec<&Listed> = listed.iter().filter(|one| !seen.contains(&one.id)).collect();
            new.sort_by_key(|one| one.is_app_rec == Some(true));
            for one in new {
                if exchange.budget.left() <= kept_back {
                    break;
                }
                seen.push(one.id.clone());
                let bytes = transport::fetch(&mut exchange.budget, &one.id)?;
                if let Some(answer) = self.answer(&bytes) {
                    let receipt = matches!(&answer, Answer::Message(message) if message.ack == Some(true));
                    exchange.used.push(Used { delivery: one.id.clone(), receipt });
                    return Ok(answer);
                }
            }
            let left = self.until - clock::now();
            if left <= 0 || exchange.budget.left() <= kept_back + 1 {
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
}
