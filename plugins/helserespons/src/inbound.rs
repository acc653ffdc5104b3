//! The change feed and the webhooks.
//!
//! A webhook holds changes in the same form as the feed. The feed is asked all the same: it has what no webhook brought.
//! A page of changes is confirmed at the vendor (`/v2/changes/ack`) in the next call, once the gateway has settled it.

use std::collections::BTreeMap;

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::upstream;
use dialog_plugin_sdk::{Event, EventBody, Failure, Sent, clock, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::{self, Stop};
use crate::file::Budget;
use crate::{Helserespons, UPSTREAM};

/// Where the vendor's webhooks arrive, below the plugin's own address.
const PATH: &str = "changes";
/// Changes of one delivery: the contract's limit on events.
const MAX_DELIVERED: usize = 100;
/// Changes that are asked for at once.
const MAX_ASKED: usize = 50;
/// Requests for files in one call: the host lets a call make sixteen, two are for the list and the confirmation.
const FILES: u32 = 14;
/// Bytes of texts in one page: a call may return 1 MiB, and the rest of an event is small.
const MAX_BYTES: usize = 640 * 1024;
/// Refused changes that are still to be told.
const MAX_REFUSED: usize = 200;
/// Left at the end of a call, in milliseconds.
const MARGIN: i64 = 1_500;
/// How long the feed waits for the files of one change, in milliseconds: an hour, as what is behind it waits too.
const PATIENCE: i64 = 60 * 60 * 1000;

/// What is known between calls. Opaque to the gateway.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cursor {
    /// The last change that was handed over.
    after: u64,
    /// The last change that was confirmed at the vendor.
    confirmed: u64,
    /// What the gateway refused and the vendor has not been told.
    refused: BTreeMap<u64, String>,
    /// The change whose files do not come, and since when.
    stuck: Option<(u64, i64)>,
}

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
        let mut cursor = read_cursor(cursor.as_deref());
        confirm(&mut cursor, &settled);
        let (events, more) = fetch(&ctx, &mut cursor)?;
        let cursor =
            serde_json::to_string(&cursor).map_err(|_| Failure::faulty(Sent::No, "the cursor has no form in JSON"))?;
        Ok(Page { events, cursor: Some(cursor), more })
    }
}

fn read_cursor(cursor: Option<&str>) -> Cursor {
    let Some(text) = cursor else { return Cursor::default() };
    serde_json::from_str(text).unwrap_or_else(|_| {
        // The vendor keeps what was not confirmed, and what was seen before is recognised by its event's id.
        log::warn!("the cursor is of another version and is begun anew");
        Cursor::default()
    })
}

/// Tells the vendor what has been settled. It is told again in the next call where it does not take it: nothing is lost,
/// and what is new is not held up.
fn confirm(cursor: &mut Cursor, settled: &[Settlement]) {
    for settlement in settled {
        let (Some(seq), Disposition::Refused(reason)) = (change::of_event(&settlement.event), &settlement.disposition)
        else {
            continue;
        };
        if cursor.refused.len() < MAX_REFUSED {
            cursor.refused.insert(seq, word(*reason).to_owned());
        }
    }
    if cursor.after == cursor.confirmed {
        return;
    }
    let refused = cursor.refused.iter().map(|(seq, reason)| Refused { seq: *seq, reason }).collect();
    let ack = Ack { up_to: cursor.after, refused };
    let answer = upstream::post(UPSTREAM, "/v2/changes/ack").json(&ack).send();
    match answer.map_err(Failure::from).and_then(|answer| answer.success()) {
        Ok(_) => {
            cursor.confirmed = cursor.after;
            cursor.refused.clear();
        }
        Err(failure) => {
            let why = detail(failure);
            log::warn!("what was settled is not confirmed yet: {why}");
        }
    }
}

/// A failure in a line for the operator.
fn detail(failure: Failure) -> String {
    match failure {
        Failure::Unavailable(outage) => outage.detail,
        Failure::Faulty(fault) => fault.detail,
        _ => "refused".to_owned(),
    }
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
    let until = ctx.now + i64::from(ctx.time_left) - MARGIN;
    let answer = upstream::get(UPSTREAM, "/v2/changes").query("after", cursor.after).query("max", MAX_ASKED).send()?;
    let answer = answer.success()?;
    let Changes { changes, next, more } = answer.json()?;
    if changes.len() > MAX_ASKED {
        return Err(answer.unreadable("holds more changes than were asked for"));
    }
    let mut budget = Budget::of(FILES);
    let mut events = Vec::new();
    let (mut bytes, mut last) = (0, cursor.after);
    for one in &changes {
        // Without a number there is no telling what has been handed over.
        let seq = change::number(one).filter(|seq| *seq > last && *seq <= next);
        let Some(seq) = seq else {
            return Err(answer.unreadable("holds changes whose numbers are missing or out of order"));
        };
        let handed_over = !events.is_empty();
        if handed_over && (bytes > MAX_BYTES || clock::now() >= until) {
            cursor.after = last;
            return Ok((events, true));
        }
        let patient = cursor.stuck.is_none_or(|(stuck, since)| stuck != seq || ctx.now - since < PATIENCE);
        budget.set_patience(patient);
        match change::event(ctx, one, &mut budget) {
            Ok(event) => {
                cursor.stuck = None;
                bytes += weight(&event);
                events.push(event);
                last = seq;
            }
            Err(Stop::OutOfBudget) if handed_over => {
                cursor.after = last;
                return Ok((events, true));
            }
            Err(Stop::OutOfBudget) => {
                return Err(Failure::unavailable(Sent::No, "the call has no request left for a change's files"));
            }
            // What came before is handed over. The call succeeds, so that the cursor knows since when it is stuck.
            Err(Stop::Failed(failure)) => {
                log::warn!("a change waits, and those after it: {}", detail(failure));
                let since = cursor.stuck.filter(|(stuck, _)| *stuck == seq).map_or(ctx.now, |(_, since)| since);
                cursor.stuck = Some((seq, since));
                cursor.after = last;
                return Ok((events, false));
            }
        }
    }
    if next < last || (more && next == cursor.after) {
        return Err(answer.unreadable("goes on where it began"));
    }
    cursor.after = next;
    Ok((events, more))
}

/// Bytes of the texts of an event, roughly.
fn weight(event: &Event) -> usize {
    let message = match &event.body {
        EventBody::Message(body) => Some(&body.message),
        EventBody::Opened(body) => Some(&body.message),
        EventBody::Renewal(body) => body.message.as_ref(),
        _ => None,
    };
    let decided = match &event.body {
        EventBody::Renewal(body) => {
            body.decisions.iter().map(|one| one.reason.as_ref().map_or(0, String::len)).sum::<usize>()
        }
        _ => 0,
    };
    4096 + decided + message.map_or(0, |message| message.text.len())
}
