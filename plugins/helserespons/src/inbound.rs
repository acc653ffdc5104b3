//! The change feed and the webhooks.
//!
//! A webhook holds changes in the same form as the feed. The feed is asked all the same: it has what no webhook brought.
//! A page of changes is confirmed at the vendor (`/v2/changes/ack`) in the next call, once the gateway has settled it.

use dialog_plugin_sdk::feed::{self, Cursor, Reached, Stop};
use dialog_plugin_sdk::files::Budget;
use dialog_plugin_sdk::inbound::{Delivery, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::upstream;
use dialog_plugin_sdk::{Event, Failure, Sent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change;
use crate::{Helserespons, UPSTREAM};

/// Where the vendor's webhooks arrive, below the plugin's own address.
const PATH: &str = "changes";
/// Changes of one delivery: the contract's limit on events.
const MAX_DELIVERED: usize = 100;
/// Changes that are asked for at once.
const MAX_ASKED: usize = 50;
/// Requests for files in one call: the host lets a call make sixteen, two are for the list and the confirmation.
const FILES: u32 = 14;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ack<'a> {
    up_to: u64,
    refused: Vec<Refused<'a>>,
}

#[derive(Serialize)]
struct Refused<'a> {
    seq: u64,
    reason: &'a str,
}

#[derive(Deserialize)]
struct Delivered {
    changes: Vec<Value>,
}

#[derive(Deserialize)]
struct Changes {
    changes: Vec<Value>,
    next: u64,
    more: bool,
}

impl Inbound for Helserespons {
    fn receive(ctx: InboundContext, delivery: Delivery) -> Result<Vec<Event>, Failure> {
        if delivery.path.trim_matches('/') != PATH {
            return Err(Failure::faulty(Sent::No, "a delivery to an address where the vendor delivers nothing"));
        }
        let Delivered { changes } = serde_json::from_slice(&delivery.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Failure::faulty(
                Sent::No,
                format!("a delivery that is not a list of changes (line {line}, column {column})"),
            )
        })?;
        if changes.len() > MAX_DELIVERED {
            return Err(Failure::faulty(Sent::No, "a delivery of more than 100 changes"));
        }
        let mut budget = Budget::of(FILES);
        changes
            .iter()
            .map(|one| {
                change::event(&ctx, one, &mut budget).map_err(|stop| match stop {
                    // The feed has them too, and takes them page by page.
                    Stop::OutOfBudget => Failure::unavailable(
                        Sent::No,
                        "a delivery with more files than one call fetches: the feed has them",
                    ),
                    Stop::Failed(failure) => failure,
                })
            })
            .collect()
    }

    fn poll(ctx: InboundContext, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
        let mut cursor = Cursor::read(cursor.as_deref());
        cursor.settle(&settled, change::of_event, word);
        cursor.confirm(confirm);
        let (events, more) = fetch(&ctx, &mut cursor)?;
        cursor.page(events, more)
    }
}

/// Tells the vendor what has been settled.
fn confirm(cursor: &Cursor) -> Result<(), Failure> {
    let refused = cursor.refused().iter().map(|(seq, reason)| Refused { seq: *seq, reason }).collect();
    let ack = Ack { up_to: cursor.after, refused };
    upstream::post(UPSTREAM, "/v2/changes/ack").json(&ack).send()?.success()?;
    Ok(())
}

/// The vendor's word for why something was not taken in.
const fn word(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::UnknownDialog => "UNKNOWN_CASE",
        RefusalReason::UnknownCitizen => "UNKNOWN_PATIENT",
        RefusalReason::NotDigitallyActive => "PATIENT_NOT_DIGITAL",
        RefusalReason::NoAgreement => "NO_AGREEMENT",
        RefusalReason::DialogClosed => "CASE_CLOSED",
        RefusalReason::UnknownPayment => "UNKNOWN_PAYMENT",
        RefusalReason::FeeNotAllowed => "FEE_NOT_ALLOWED",
        RefusalReason::Invalid => "INVALID",
    }
}

/// What is new, and whether there is more. The cursor ends at the last change that is handed over.
fn fetch(ctx: &InboundContext, cursor: &mut Cursor) -> Result<(Vec<Event>, bool), Failure> {
    let answer = upstream::get(UPSTREAM, "/v2/changes").query("after", cursor.after).query("max", MAX_ASKED).send()?;
    let answer = answer.success()?;
    let Changes { changes, next, more } = answer.json()?;
    if changes.len() > MAX_ASKED {
        return Err(answer.unreadable("holds more changes than were asked for"));
    }
    let mut budget = Budget::of(FILES);
    let (mut events, mut last) = (Vec::new(), cursor.after);
    let mut numbered = Vec::with_capacity(changes.len());
    for one in &changes {
        // Without a number there is no telling what has been handed over.
        let seq = change::number(one).filter(|seq| *seq > last && *seq <= next);
        last = seq.ok_or_else(|| answer.unreadable("holds changes whose numbers are missing or out of order"))?;
        numbered.push((last, one));
    }
    if more && next == cursor.after {
        return Err(answer.unreadable("goes on where it began"));
    }
    let reached = feed::hand_over(ctx, cursor, &mut events, numbered, |one, patient| {
        budget.set_patience(patient);
        change::event(ctx, one, &mut budget)
    })?;
    if reached != Reached::End {
        return Ok((events, reached == Reached::Full));
    }
    cursor.after = next;
    Ok((events, more))
}
