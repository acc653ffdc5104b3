//! The list of events: the vendor pushes nothing, so it is asked.
//!
//! A page is confirmed at the vendor (`ConfirmEvents`) in the next call, once the gateway has settled it. Events are taken
//! in the order of their numbers, each once a page, whatever order they come in.

use dialog_plugin_sdk::feed::{self, Cursor, Reached, Stop};
use dialog_plugin_sdk::inbound::{Delivery, Inbound, InboundContext, Page, RefusalReason, Settlement};
use dialog_plugin_sdk::{Event, Failure, Locale, Sent};
use std::collections::BTreeMap;

use crate::Besoklegen;
use crate::document::Budget;
use crate::event;
use crate::soap::{Answer, Call};
use crate::xml::tree::Element;

/// Events that are asked for at once.
const MAX_ASKED: usize = 50;
/// Requests for documents in one call: the host lets a call make sixteen, two are for the list and the confirmation.
const DOCUMENTS: u32 = 14;

impl Inbound for Besoklegen {
    fn receive(_: InboundContext, _: Delivery) -> Result<Vec<Event>, Failure> {
        Err(Failure::faulty(Sent::No, "a delivery of a vendor that delivers nothing"))
    }

    fn poll(ctx: InboundContext, cursor: Option<String>, settled: Vec<Settlement>) -> Result<Page, Failure> {
        let mut cursor = Cursor::read(cursor.as_deref());
        cursor.settle(&settled, event::of_event, word);
        cursor.confirm(confirm);
        let (events, more) = fetch(&ctx, &mut cursor)?;
        cursor.page(events, more)
    }
}

/// Tells the vendor what has been settled.
fn confirm(cursor: &Cursor) -> Result<(), Failure> {
    // The same words have the same id, so that the vendor takes them once.
    let part = format!("{} {:?}", cursor.after, cursor.refused());
    let call = Call::changing_by("ConfirmEvents", &part).with(|xml| {
        xml.leaf("UpTo", cursor.after.to_string()).each(cursor.refused(), |xml, (number, reason)| {
            xml.open("Refused").leaf("Number", number.to_string()).leaf("Reason", reason).close()
        })
    });
    call.send(Locale::Nb, &[]).map(drop)
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
    let call = Call::reading("GetEvents", &ctx.call_id, "")
        .with(|xml| xml.leaf("After", cursor.after.to_string()).leaf("Max", MAX_ASKED.to_string()));
    let answer = call.send(Locale::Nb, &[])?;
    let Listed { odd, numbered, last, more } = listed(&answer, cursor.after)?;
    let mut budget = Budget::of(&ctx.call_id, DOCUMENTS);
    let mut events = Vec::new();
    for element in odd {
        match event::event(ctx, element, answer.raw(element), &mut budget) {
            Ok(event) => events.push(event),
            Err(Stop::Failed(failure)) => return Err(failure),
            // One without a number is not understood, and so has no documents.
            Err(Stop::OutOfBudget) => {}
        }
    }
    let reached = feed::hand_over(ctx, cursor, &mut events, numbered, |element, patient| {
        budget.left.set_patience(patient);
        event::event(ctx, element, answer.raw(element), &mut budget)
    })?;
    if reached != Reached::End {
        return Ok((events, reached == Reached::Full));
    }
    cursor.after = last;
    Ok((events, more))
}
