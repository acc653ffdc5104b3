//! One event at the vendor as an event of the contract.
//!
//! The list of events may hold one twice, or out of order, and a page that is asked for again holds the same ones: the
//! event's id is the vendor's number of it, the same every time.

use dialog_plugin_sdk::feed::Stop;
use dialog_plugin_sdk::files::Missing;
use dialog_plugin_sdk::inbound::{InboundContext, ServedOffice};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{
    AppointmentChange, AppointmentChangeKind, Attachment, Closing, DialogMessage, DialogStatus, Event, EventBody,
    Failure, Locale, OfficeMessage, OfficeOpening, Receipt, ReceiptOutcome, Refusal, RenewalAnswer, RenewalDecision,
    RenewalOutcome, Service, StatusChange, Unreadable, attachments, ids, log,
};

use crate::booking::Booking;
use crate::document::{self, Budget, Listed};
use crate::settings::Settings;
use crate::words::Words;
use crate::xml::tree::Element;
use crate::{Odd, case, person};

/// Characters of an office's message, by the contract.
const MAX_TEXT: usize = 32_000;
/// Characters of a reason or of a text beside an appointment, by the contract.
const MAX_REASON: usize = 2_000;
/// Characters of a subject, by the contract.
const MAX_SUBJECT: usize = 120;
/// Characters of an author that is shown.
const MAX_AUTHOR: usize = 120;
/// Characters of ids of messages, by the contract.
const MAX_MESSAGE_ID: usize = 128;
/// Characters of references, by the contract.
const MAX_REFERENCE: usize = 256;
/// Characters of a refusal's code and text, by the contract.
const MAX_REFUSAL: (usize, usize) = (32, 500);
/// Files of a message, by the contract.
const MAX_FILES: usize = 10;
/// Decisions of an answer: twice what a request can hold.
const MAX_DECISIONS: usize = 40;

/// What stands before the number of an event in the contract's id.
const EVENT: &str = "event-";

enum Trouble {
    Odd(Odd),
    Stop(Stop),
}

impl From<Odd> for Trouble {
    fn from(odd: Odd) -> Self {
        Self::Odd(odd)
    }
}

/// The vendor's number of an event, where it can be read.
#[must_use]
pub fn number(event: &Element) -> Option<u64> {
    event.optional("Number")?.parse().ok()
}

/// The vendor's number of what became an event of the contract.
#[must_use]
pub fn of_event(event: &str) -> Option<u64> {
    event.strip_prefix(EVENT)?.parse().ok()
}

/// Turns an event around. One that cannot be understood becomes `unreadable`, with its bytes kept for the operator.
///
/// # Errors
/// Its documents cannot be fetched in this call, or it cannot be kept.
pub fn event(ctx: &InboundContext, element: &Element, raw: &[u8], budget: &mut Budget) -> Result<Event, Stop> {
    match understood(ctx, element, budget) {
        Ok(event) => Ok(event),
        Err(Trouble::Stop(stop)) => Err(stop),
        Err(Trouble::Odd(why)) => unreadable(ctx, element, raw, why).map_err(Stop::Failed),
    }
}

fn understood(ctx: &InboundContext, element: &Element, budget: &mut Budget) -> Result<Event, Trouble> {
    let number = number(element).ok_or("has no number")?;
    let occurred = element.optional("Time").and_then(time::instant).ok_or("has a time that is none")?;
    let office = element.optional("Practice").and_then(|practice| office(ctx, practice));
    let office = office.ok_or("is of a practice without an agreement")?.office.her_id;
    // Number, time and practice; then what happened, once.
    let [_, _, _, what] = element.elements.as_slice() else {
        return Err("is of a shape that is not known".into());
    };
    let body = match what.name.as_str() {
        "Reply" => reply(what, budget)?,
        "StateChanged" => EventBody::Status(StatusChange {
            dialog: reference(what, "Case")?,
            status: status(what)?,
            reason: clipped(what, "Text", MAX_REASON),
        }),
        "Opened" => EventBody::Opened(OfficeOpening {
            dialog: reference(what, "Case")?,
            office,
            citizen: patient(what)?,
            service: what.optional("Service").and_then(case::service).ok_or("is of a service that is not known")?,
            message: message(what, budget)?,
            reply_allowed: true,
        }),
        "Notice" => EventBody::Opened(OfficeOpening {
            dialog: reference(what, "Id")?,
            office,
            citizen: patient(what)?,
            service: Service::Inquiry,
            message: message(what, budget)?,
            reply_allowed: false,
        }),
        "RenewalDecided" => EventBody::Renewal(RenewalAnswer {
            dialog: reference(what, "Case")?,
            decisions: decisions(what)?,
            message: what.child("Message").is_some().then(|| message(what, budget)).transpose()?,
            status: status(what)?,
        }),
        "Filed" => EventBody::Receipt(Receipt {
            dialog: reference(what, "Case")?,
            message: ours(what)?,
            outcome: ReceiptOutcome::Delivered,
        }),
        "NotFiled" => EventBody::Receipt(Receipt {
            dialog: reference(what, "Case")?,
            message: ours(what)?,
            outcome: ReceiptOutcome::Refused(vec![refusal(what)?]),
        }),
        "BookingChanged" => booking(what, office)?,
        _ => return Err("is of a kind that is not known".into()),
    };
    Ok(Event { id: format!("{EVENT}{number}"), occurred, body })
}

fn reply(what: &Element, budget: &mut Budget) -> Result<EventBody, Trouble> {
    let status = status(what)?;
    let redirect = match (status, what.optional("UseInstead")) {
        (DialogStatus::Closed(Closing::Redirected), Some(word)) => {
            Some(case::service(word).ok_or("redirects to a service that is not known")?)
        }
        _ => None,
    };
    let dialog = reference(what, "Case")?;
    Ok(EventBody::Message(DialogMessage { dialog, message: message(what, budget)?, status, redirect }))
}

fn booking(what: &Element, office: u32) -> Result<EventBody, Odd> {
    let kind = match what.optional("Kind") {
        Some("MADE") => AppointmentChangeKind::Booked,
        Some("MOVED") => AppointmentChangeKind::Moved,
        Some("CANCELLED") => AppointmentChangeKind::Cancelled,
        Some("REMINDER") => AppointmentChangeKind::Reminder,
        _ => return Err("is a change of a booking that is not known"),
    };
    let booking = what.child("Booking").ok_or("holds no booking")?;
    let booking = Booking::read(booking, Locale::Nb).map_err(|_| "holds a booking that cannot be read")?;
    if booking.stands == (kind == AppointmentChangeKind::Cancelled) {
        return Err("holds a booking that is not as it says");
    }
    Ok(EventBody::Appointment(AppointmentChange {
        dialog: what.child("Case").map(|_| reference(what, "Case")).transpose()?,
        office,
        citizen: patient(what)?,
        kind,
        appointment: booking.appointment,
        text: clipped(what, "Text", MAX_REASON),
    }))
}

fn message(what: &Element, budget: &mut Budget) -> Result<OfficeMessage, Trouble> {
    let message = what.child("Message").ok_or("has no message")?;
    let id = message.required("Id", "has a message without an id")?;
    if id.chars().count() > MAX_MESSAGE_ID || id.chars().any(char::is_control) {
        return Err("has a message whose id is over 128 characters or not in one line".into());
    }
    let sent = message.optional("Time").and_then(time::instant).ok_or("has a message with a time that is none")?;
    let listed = message.all("Document").map(Listed::read).collect::<Result<Vec<_>, _>>()?;
    if listed.len() > MAX_FILES {
        return Err("has a message with more than ten documents".into());
    }
    // All or none: a call that fetched some would have kept them for nothing.
    if !budget.left.has(listed.len()) {
        return Err(Trouble::Stop(Stop::OutOfBudget));
    }
    let mut text = message.required("Text", "has a message without a text")?.to_owned();
    let mut fetched: Vec<Attachment> = Vec::new();
    for one in &listed {
        match document::fetch(one, budget) {
            Ok(attachment) => fetched.push(attachment),
            Err(Missing::ForGood(why)) => {
                log::warn!("a document of an office's message is left out: {why}");
                let note = Words::FileMissing.text(Locale::Nb);
                text = format!("{}\n\n{note}", clip(&text, MAX_TEXT - note.chars().count() - 2));
            }
            Err(Missing::OutOfBudget) => return Err(Trouble::Stop(Stop::OutOfBudget)),
            Err(Missing::Now(failure)) => return Err(Trouble::Stop(Stop::Failed(failure))),
        }
    }
    Ok(OfficeMessage {
        id: id.to_owned(),
        subject: clipped(message, "Subject", MAX_SUBJECT),
        text: clip(&text, MAX_TEXT),
        attachments: fetched,
        author: clipped(message, "Author", MAX_AUTHOR),
        sent,
    })
}

fn decisions(what: &Element) -> Result<Vec<RenewalDecision>, Odd> {
    let decisions: Vec<RenewalDecision> = what
        .all("Decision")
        .take(MAX_DECISIONS + 1)
        .map(|decision| {
            Ok(RenewalDecision {
                // None: about the whole request.
                item: decision.child("Line").map(|_| reference(decision, "Line")).transpose()?,
                outcome: match decision.optional("Outcome") {
                    Some("RENEWED") => RenewalOutcome::Renewed,
                    Some("REFUSED") => RenewalOutcome::Refused,
                    Some("SEE_DOCTOR") => RenewalOutcome::NeedsConsultation,
                    _ => return Err("decides in a way that is not known"),
                },
                reason: clipped(decision, "Reason", MAX_REASON),
            })
        })
        .collect::<Result<_, Odd>>()?;
    if decisions.is_empty() || decisions.len() > MAX_DECISIONS {
        return Err("decides on nothing, or on more than forty lines");
    }
    Ok(decisions)
}

fn refusal(what: &Element) -> Result<Refusal, Odd> {
    let resendable = match what.optional("Retry") {
        Some("true" | "1") => true,
        Some("false" | "0") => false,
        _ => return Err("does not say whether sending again may succeed"),
    };
    let code = what.required("Code", "refuses without a code")?;
    Ok(Refusal {
        code: if code.chars().any(char::is_control) { "-".to_owned() } else { clip(code, MAX_REFUSAL.0) },
        text: clip(what.optional("Text").unwrap_or_default(), MAX_REFUSAL.1),
        resendable,
    })
}

fn status(what: &Element) -> Result<DialogStatus, Odd> {
    Ok(match what.optional("State") {
        Some("WITH_PRACTICE") => DialogStatus::AwaitingOffice,
        Some("WITH_PATIENT") => DialogStatus::AwaitingCitizen,
        Some("DONE") => DialogStatus::Closed(Closing::Answered),
        Some("DECLINED") => DialogStatus::Closed(Closing::Declined),
        Some("REDIRECTED") => DialogStatus::Closed(Closing::Redirected),
        Some("WITHDRAWN") => DialogStatus::Closed(Closing::Withdrawn),
        Some("EXPIRED") => DialogStatus::Closed(Closing::Expired),
        _ => return Err("has a state that is not known"),
    })
}

fn patient(what: &Element) -> Result<dialog_plugin_sdk::CitizenIdentity, Odd> {
    person::known(what.optional("Fnr").unwrap_or_default())
}

fn reference(what: &Element, name: &str) -> Result<String, Odd> {
    const ODD: Odd = "has a number that is empty, over 256 characters or not in one line";
    let text = what.required(name, ODD)?;
    if text.chars().count() > MAX_REFERENCE || text.chars().any(char::is_control) {
        return Err(ODD);
    }
    Ok(text.to_owned())
}

/// The contract's id of a message: a UUID.
fn ours(what: &Element) -> Result<String, Odd> {
    let text = what.optional("MessageId").unwrap_or_default();
    let id = ids::Uuid::parse_str(text).map_err(|_| "is about a message that is none of the portal's")?;
    Ok(id.to_string())
}

fn clipped(element: &Element, name: &str, most: usize) -> Option<String> {
    element.optional(name).map(|text| clip(text, most))
}

fn office<'a>(ctx: &'a InboundContext, practice: &str) -> Option<&'a ServedOffice> {
    ctx.offices.iter().find(|served| served.settings::<Settings>().is_ok_and(|settings| settings.practice == practice))
}

fn unreadable(ctx: &InboundContext, element: &Element, raw: &[u8], why: Odd) -> Result<Event, Failure> {
    let id = match number(element) {
        Some(number) => format!("{EVENT}{number}"),
        None => format!("odd-{}", ids::derived("event", &[&String::from_utf8_lossy(raw)])),
    };
    log::warn!("an event {why}: it is kept for the operator");
    let raw = attachments::create("event.xml", "application/octet-stream", raw)?;
    let occurred = element.optional("Time").and_then(time::instant).unwrap_or(ctx.now);
    let office = element.optional("Practice").and_then(|practice| office(ctx, practice));
    Ok(Event {
        id,
        occurred,
        body: EventBody::Unreadable(Unreadable {
            office: office.map(|served| served.office.her_id),
            reason: format!("the event {why}"),
            raw,
        }),
    })
}
