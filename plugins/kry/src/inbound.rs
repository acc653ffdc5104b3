//! The event feed and the webhooks.
//!
//! A webhook is a document with one event, in the same form as the feed's. The feed is asked all the same: it has what no
//! webhook brought. Its place is kept here, by the vendor's numbers. What the gateway refused is told to the vendor.

use std::collections::BTreeMap;

use dialog_plugin_sdk::feed::{self, Cursor, Reached, Stop};
use dialog_plugin_sdk::files::Budget;
use dialog_plugin_sdk::inbound::{Delivery, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::{Event, Failure, Sent, log};
use serde::Serialize;
use serde_json::Value;

use crate::Kry;
use crate::document::{self, Document, Draft, MEDIA_TYPE};
use crate::event;

/// Where the vendor's webhooks arrive, below the plugin's own address.
const PATH: &str = "events";
/// Events that are asked for at once.
const MAX_ASKED: usize = 50;
/// Refused events that are told in one call.
const TOLD: usize = 3;
/// Requests for files in one call: the host lets a call make sixteen, one is for the list and some tell what was refused.
const FILES: u32 = 12;

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
        let mut cursor = Cursor::read(cursor.as_deref());
        tell(&mut cursor, &settled);
        let (events, more) = fetch(&ctx, &mut cursor)?;
        cursor.page(events, more)
    }
}

/// Tells the vendor what was refused. It is told again in the next call where it does not take it: nothing is lost, and
/// what is new is not held up.
fn tell(cursor: &mut Cursor, settled: &[Settlement]) {
    cursor.settle(settled, event::of_event, word);
    for (number, reason) in cursor.refused().clone().into_iter().take(TOLD) {
        let event = number.to_string();
        let related = [("event", "events", event.as_str())];
        let draft = Draft { kind: "refusals", id: None, attributes: Refused { reason: &reason }, related: &related };
        let key = format!("refusal-{number}-{reason}");
        let sent = draft.text().and_then(|text| {
            document::post("/v1/refusals", &key).body(MEDIA_TYPE, text).send().map_err(Failure::from)?.success()
        });
        match sent {
            Ok(_) => cursor.told(number),
            // The vendor will not take it, however often it is told.
            Err(Failure::Faulty(fault)) => {
                log::warn!("that an event was refused is not taken by the vendor: {}", fault.detail);
                cursor.told(number);
            }
            Err(failure) => {
                log::warn!("what was refused is not told yet: {}", failure.detail());
                return;
            }
        }
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
    let request = document::get("/v1/events").query("page[after]", cursor.after).query("page[size]", MAX_ASKED);
    let answer = request.send()?.success()?;
    let document = Document::of(&answer)?;
    let list = document.list(&answer)?;
    if list.len() > MAX_ASKED {
        return Err(answer.unreadable("holds more events than were asked for"));
    }
    let mut budget = Budget::of(FILES);
    let mut events = Vec::new();
    // Seen before: the feed's order is the vendor's numbers, whatever order it came in.
    let changes =
        ordered(list).ok_or_else(|| answer.unreadable("holds events without numbers"))?.split_off(&(cursor.after + 1));
    let reached = feed::hand_over(ctx, cursor, &mut events, changes, |value, patient| {
        budget.set_patience(patient);
        event::event(ctx, &document, value, &mut budget)
    })?;
    if reached != Reached::End {
        return Ok((events, reached == Reached::Full));
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
