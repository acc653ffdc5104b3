//! The event feed and the webhooks.
//!
//! A webhook is a document with one event, in the same form as the feed's. The feed is asked all the same: it has what no
//! webhook brought. Its place is kept here, by the vendor's numbers. What the gateway refused is told to the vendor.

use std::collections::BTreeMap;

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::{Event, EventBody, Failure, Sent, clock, log};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Kry;
use crate::document::{self, Document, Draft, MEDIA_TYPE};
use crate::event::{self, Stop};
use crate::file::Budget;

/// Where the vendor's webhooks arrive, below the plugin's own address.
const PATH: &str = "events";
/// Events that are asked for at once.
const MAX_ASKED: usize = 50;
/// Refused events that are told in one call.
const TOLD: usize = 3;
/// Requests for files in one call: the host lets a call make sixteen, one is for the list and some tell what was refused.
const FILES: u32 = 12;
/// Bytes of texts in one page: a call may return 1 MiB, and the rest of an event is small.
const MAX_BYTES: usize = 640 * 1024;
/// Refused events that are still to be told.
const MAX_REFUSED: usize = 200;
/// Left at the end of a call, in milliseconds.
const MARGIN: i64 = 1_500;
/// How long the feed waits for the files of one event, in milliseconds: an hour, as what is behind it waits too.
const PATIENCE: i64 = 60 * 60 * 1000;

/// What is known between calls. Opaque to the gateway.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cursor {
    /// The last event that was handed over.
    after: u64,
    /// What the gateway refused and the vendor has not been told.
    refused: BTreeMap<u64, String>,
    /// The event whose files do not come, and since when.
    stuck: Option<(u64, i64)>,
}

#[derive(Serialize)]
struct Refused<'a> {
    reason: &'a str,
}

impl Inbound for Kry {
    fn receive(ctx: InboundContext, delivery: Delivery) -> Result<Vec<Event>, Failure> {
        if delivery.path.trim_matches('/') != PATH {
            return Err(Failure::faulty(Sent::No, "a delivery to an address where the vendor delivers nothing"));
        }
        let document = Document::parse(&delivery.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Failure::faulty(Sent::No, format!("a delivery that is no document (line {line}, column {column})"))
        })?;
        if !document.data.is_object() {
            return Err(Failure::faulty(Sent::No, "a delivery that is not about one event"));
        }
        let mut budget = Budget::of(FILES);
        let event = event::event(&ctx, &document, &document.data, &mut budget).map_err(|stop| match stop {
            // Not reached: a message has fewer files than a call fetches.
            Stop::OutOfBudget => Failure::unavailable(Sent::No, "a delivery with more files than one call fetches"),
            Stop::Failed(failure) => failure,
        })?;
        Ok(vec![event])
    }

    fn poll(ctx: InboundContext, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
        let mut cursor = read_cursor(cursor.as_deref());
        tell(&mut cursor, &settled);
        let (events, more) = fetch(&ctx, &mut cursor)?;
        let cursor =
            serde_json::to_string(&cursor).map_err(|_| Failure::faulty(Sent::No, "the cursor has no form in JSON"))?;
        Ok(Page { events, cursor: Some(cursor), more })
    }
}

fn read_cursor(cursor: Option<&str>) -> Cursor {
    let Some(text) = cursor else { return Cursor::default() };
    serde_json::from_str(text).unwrap_or_else(|_| {
        // The vendor keeps its events, and what was seen before is recognised by its event's id.
        log::warn!("the cursor is of another version and is begun anew");
        Cursor::default()
    })
}

/// Tells the vendor what was refused. It is told again in the next call where it does not take it: nothing is lost, and
/// what is new is not held up.
fn tell(cursor: &mut Cursor, settled: &[Settlement]) {
    for settlement in settled {
        let (Some(number), Disposition::Refused(reason)) =
            (event::of_event(&settlement.event), &settlement.disposition)
        else {
            continue;
        };
        if cursor.refused.len() < MAX_REFUSED {
            cursor.refused.insert(number, word(*reason).to_owned());
        }
    }
    for (number, reason) in cursor.refused.clone().into_iter().take(TOLD) {
        let event = number.to_string();
        let related = [("event", "events", event.as_str())];
        let draft = Draft { kind: "refusals", id: None, attributes: Refused { reason: &reason }, related: &related };
        let key = format!("refusal-{number}-{reason}");
        let sent = draft.text().and_then(|text| {
            document::post("/v1/refusals", &key).body(MEDIA_TYPE, text).send().map_err(Failure::from)?.success()
        });
        match sent {
            Ok(_) => drop(cursor.refused.remove(&number)),
            // The vendor will not take it, however often it is told.
            Err(Failure::Faulty(fault)) => {
                log::warn!("that an event was refused is not taken by the vendor: {}", fault.detail);
                cursor.refused.remove(&number);
            }
            Err(failure) => {
                log::warn!("what was refused is not told yet: {}", detail(failure));
                return;
            }
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
        RefusalReason::UnknownDialog => "unknown-visit",
        RefusalReason::UnknownCitizen => "unknown-patient",
        RefusalReason::NotDigitallyActive => "patient-not-digital",
        RefusalReason::NoAgreement => "no-agreement",
        RefusalReason::DialogClosed => "visit-closed",
        RefusalReason::UnknownPayment => "unknown-payment",
        RefusalReason::FeeNotAllowed => "fee-not-allowed",
        RefusalReason::Invalid => "invalid",
    }
}

/// What is new, and whether there is more. The cursor ends at the last event that is handed over.
fn fetch(ctx: &InboundContext, cursor: &mut Cursor) -> Result<(Vec<Event>, bool), Failure> {
    let until = ctx.now + i64::from(ctx.time_left) - MARGIN;
    let request = document::get("/v1/events").query("page[after]", cursor.after).query("page[size]", MAX_ASKED);
    let answer = request.send()?.success()?;
    let document = Document::of(&answer)?;
    let list = document.list(&answer)?;
    if list.len() > MAX_ASKED {
        return Err(answer.unreadable("holds more events than were asked for"));
    }
    let mut budget = Budget::of(FILES);
    let (mut events, mut bytes) = (Vec::new(), 0);
    for one in ordered(list).ok_or_else(|| answer.unreadable("holds events without numbers"))? {
        let (number, value) = one;
        // Seen before: the feed's order is the vendor's numbers, whatever order it came in.
        if number <= cursor.after {
            continue;
        }
        let handed_over = !events.is_empty();
        if handed_over && (bytes > MAX_BYTES || clock::now() >= until) {
            return Ok((events, true));
        }
        let patient = cursor.stuck.is_none_or(|(stuck, since)| stuck != number || ctx.now - since < PATIENCE);
        budget.set_patience(patient);
        match event::event(ctx, &document, value, &mut budget) {
            Ok(event) => {
                cursor.stuck = None;
                bytes += weight(&event);
                events.push(event);
                cursor.after = number;
            }
            Err(Stop::OutOfBudget) if handed_over => return Ok((events, true)),
            Err(Stop::OutOfBudget) => {
                return Err(Failure::unavailable(Sent::No, "the call has no request left for an event's files"));
            }
            // What came before is handed over. The call succeeds, so that the cursor knows since when it is stuck.
            Err(Stop::Failed(failure)) => {
                log::warn!("an event waits, and those after it: {}", detail(failure));
                let since = cursor.stuck.filter(|(stuck, _)| *stuck == number).map_or(ctx.now, |(_, since)| since);
                cursor.stuck = Some((number, since));
                return Ok((events, false));
            }
        }
    }
    if document.next.is_some() && events.is_empty() {
        return Err(answer.unreadable("goes on where it began"));
    }
    let more = document.next.is_some();
    Ok((events, more))
}

/// Events in the order of their numbers. None where one has no number: there would be no telling what was handed over.
fn ordered(list: &[Value]) -> Option<BTreeMap<u64, &Value>> {
    list.iter().map(|value| Some((event::number(value)?, value))).collect()
}

/// Bytes of the texts of an event, roughly.
fn weight(event: &Event) -> usize {
    let message = match &event.body {
        EventBody::Message(body) => Some(&body.message),
        EventBody::Opened(body) => Some(&body.message),
        _ => None,
    };
    4096 + message.map_or(0, |message| message.text.len())
}
