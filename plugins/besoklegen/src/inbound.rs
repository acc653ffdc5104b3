//! The list of events: the vendor pushes nothing, so it is asked.
//!
//! A page is confirmed at the vendor (`ConfirmEvents`) in the next call, once the gateway has settled it. Events are taken
//! in the order of their numbers, each once a page, whatever order they come in.

use std::collections::BTreeMap;

use dialog_plugin_sdk::inbound::{Delivery, Disposition, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::{Event, EventBody, Failure, Locale, Sent, clock, log};
use serde::{Deserialize, Serialize};

use crate::Besoklegen;
use crate::document::Budget;
use crate::event::{self, Stop};
use crate::soap::{Answer, Call};
use crate::xml::tree::Element;

/// Events that are asked for at once.
const MAX_ASKED: usize = 50;
/// Requests for documents in one call: the host lets a call make sixteen, two are for the list and the confirmation.
const DOCUMENTS: u32 = 14;
/// Bytes of texts in one page: a call may return 1 MiB, and the rest of an event is small.
const MAX_BYTES: usize = 640 * 1024;
/// Refused events that are still to be told.
const MAX_REFUSED: usize = 200;
/// Left at the end of a call, in milliseconds.
const MARGIN: i64 = 1_500;
/// How long the list waits for the documents of one event, in milliseconds: an hour, as what is behind it waits too.
const PATIENCE: i64 = 60 * 60 * 1000;

/// What is known between calls. Opaque to the gateway.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cursor {
    /// The last event that was handed over.
    after: u64,
    /// The last event that was confirmed at the vendor.
    confirmed: u64,
    /// What the gateway refused and the vendor has not been told.
    refused: BTreeMap<u64, String>,
    /// The event whose documents do not come, and since when.
    stuck: Option<(u64, i64)>,
}

impl Inbound for Besoklegen {
    fn receive(_: InboundContext, _: Delivery) -> Result<Vec<Event>, Failure> {
        Err(Failure::faulty(Sent::No, "a delivery of a vendor that delivers nothing"))
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
        let (Some(number), Disposition::Refused(reason)) =
            (event::of_event(&settlement.event), &settlement.disposition)
        else {
            continue;
        };
        if cursor.refused.len() < MAX_REFUSED {
            cursor.refused.insert(number, word(*reason).to_owned());
        }
    }
    if cursor.after == cursor.confirmed {
        return;
    }
    // The same words have the same id, so that the vendor takes them once.
    let part = format!("{} {:?}", cursor.after, cursor.refused);
    let call = Call::changing_by("ConfirmEvents", &part).with(|xml| {
        xml.leaf("UpTo", cursor.after.to_string()).each(&cursor.refused, |xml, (number, reason)| {
            xml.open("Refused").leaf("Number", number.to_string()).leaf("Reason", reason).close()
        })
    });
    match call.send(Locale::Nb, &[]) {
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
        RefusalReason::NotDigitallyActive => "NOT_DIGITAL",
        RefusalReason::NoAgreement => "NO_AGREEMENT",
        RefusalReason::DialogClosed => "CASE_CLOSED",
        RefusalReason::UnknownPayment => "UNKNOWN_PAYMENT",
        RefusalReason::FeeNotAllowed => "FEE_NOT_ALLOWED",
        RefusalReason::Invalid => "INVALID",
    }
}

/// One page of the list, in order.
struct Listed<'a> {
    /// What has no number: only for the operator.
    odd: Vec<&'a Element>,
    /// By number, each once.
    numbered: BTreeMap<u64, &'a Element>,
    /// The last number of the page, as the vendor has it.
    last: u64,
    more: bool,
}

fn listed(answer: &Answer, after: u64) -> Result<Listed<'_>, Failure> {
    let last = answer.required("Last")?.parse().map_err(|_| answer.unreadable("ends at no number"))?;
    let more = match answer.required("More")? {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return Err(answer.unreadable("does not say whether there is more")),
    };
    let (mut odd, mut numbered): (Vec<&Element>, _) = (Vec::new(), BTreeMap::new());
    let all = answer.content.all("Event");
    for (position, element) in all.enumerate() {
        if position >= MAX_ASKED {
            return Err(answer.unreadable("holds more events than were asked for"));
        }
        match event::number(element) {
            // Handed over before, or twice in the page.
            Some(number) if number <= after || numbered.contains_key(&number) => {}
            Some(number) if number <= last => drop(numbered.insert(number, element)),
            Some(_) => return Err(answer.unreadable("holds events beyond its own end")),
            None if odd.iter().any(|known| answer.raw(known) == answer.raw(element)) => {}
            None => odd.push(element),
        }
    }
    if last < after || (more && last == after) {
        return Err(answer.unreadable("goes on where it began"));
    }
    Ok(Listed { odd, numbered, last, more })
}

/// What is new, and whether there is more. The cursor ends at the last event that is handed over.
fn fetch(ctx: &InboundContext, cursor: &mut Cursor) -> Result<(Vec<Event>, bool), Failure> {
    let until = ctx.now + i64::from(ctx.time_left) - MARGIN;
    let call = Call::reading("GetEvents", &ctx.call_id, "")
        .with(|xml| xml.leaf("After", cursor.after.to_string()).leaf("Max", MAX_ASKED.to_string()));
    let answer = call.send(Locale::Nb, &[])?;
    let Listed { odd, numbered, last, more } = listed(&answer, cursor.after)?;
    let mut budget = Budget::of(&ctx.call_id, DOCUMENTS);
    let (mut events, mut bytes) = (Vec::new(), 0);
    for element in odd {
        match event::event(ctx, element, answer.raw(element), &mut budget) {
            Ok(event) => events.push(event),
            Err(Stop::Failed(failure)) => return Err(failure),
            // One without a number is not understood, and so has no documents.
            Err(Stop::OutOfBudget) => {}
        }
    }
    for (number, element) in numbered {
        let handed_over = !events.is_empty();
        if handed_over && (bytes > MAX_BYTES || clock::now() >= until) {
            return Ok((events, true));
        }
        let patient = cursor.stuck.is_none_or(|(stuck, since)| stuck != number || ctx.now - since < PATIENCE);
        budget.set_patience(patient);
        match event::event(ctx, element, answer.raw(element), &mut budget) {
            Ok(event) => {
                cursor.stuck = None;
                bytes += weight(&event);
                events.push(event);
                cursor.after = number;
            }
            Err(Stop::OutOfBudget) if handed_over => return Ok((events, true)),
            Err(Stop::OutOfBudget) => {
                return Err(Failure::unavailable(Sent::No, "the call has no request left for an event's documents"));
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
    cursor.after = last;
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
