//! One event at the vendor, as an event of the contract. Everything in it is checked: what cannot be understood becomes
//! `unreadable`, and holds up nothing.
//!
//! An event's own facts stand in its attributes; messages, their files and whom it is about are included resources.

use dialog_plugin_sdk::feed::Stop;
use dialog_plugin_sdk::files::{Budget, Missing};
use dialog_plugin_sdk::inbound::{InboundContext, ServedOffice};
use dialog_plugin_sdk::text::{clip, filled, line};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{
    AppointmentChange, AppointmentChangeKind, Attachment, Closing, DialogMessage, DialogStatus, Event, EventBody,
    Failure, Locale, OfficeMessage, OfficeOpening, Receipt, ReceiptOutcome, Refusal, Sent, Service, StatusChange,
    Unreadable, VideoChange, VideoState, attachments, ids, log,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::booking::Snapshot;
use crate::document::{Document, Odd, Resource};
use crate::file::{self, Listed};
use crate::payments::Ending;
use crate::person::Known;
use crate::settings::Settings;
use crate::words::Words;

/// Characters of a message's id, by the contract.
const MAX_MESSAGE_ID: usize = 128;
/// Characters of a heading, by the contract.
const MAX_SUBJECT: usize = 120;
/// Characters of a clinician's message, by the contract.
const MAX_TEXT: usize = 32_000;
/// Characters of an author's name.
const MAX_AUTHOR: usize = 200;
/// Characters of a reason, by the contract.
const MAX_REASON: usize = 2_000;
/// Characters of who came to a meeting, by the contract.
const MAX_PARTICIPANT: usize = 120;
/// Files of a message, by the contract.
const MAX_FILES: usize = 10;
/// What stands before the number in an event's id.
const EVENT: &str = "event-";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    occurred_at: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
enum Kind {
    /// A clinician wrote in a visit.
    #[serde(rename = "visit.message")]
    VisitMessage {
        status: Status,
        #[serde(default)]
        redirect_to: Option<Instead>,
    },
    /// A visit changed status without a word to read.
    #[serde(rename = "visit.status")]
    VisitStatus {
        status: Status,
        #[serde(default)]
        reason: Option<String>,
    },
    /// A clinician began a visit, or sent a one-way message.
    #[serde(rename = "visit.opened")]
    VisitOpened { reply_allowed: bool },
    /// A message of the patient's is in the record.
    #[serde(rename = "message.filed")]
    MessageFiled { reference: String },
    /// The record did not take it.
    #[serde(rename = "message.rejected")]
    MessageRejected { reference: String, code: String, detail: String, retryable: bool },
    /// A clinician made a booking.
    #[serde(rename = "booking.made")]
    BookingMade(BookingFacts),
    /// A clinician moved a booking.
    #[serde(rename = "booking.moved")]
    BookingMoved(BookingFacts),
    /// A clinician cancelled a booking.
    #[serde(rename = "booking.cancelled")]
    BookingCancelled(BookingFacts),
    /// A booking is near.
    #[serde(rename = "booking.reminder")]
    BookingReminder(BookingFacts),
    /// The patient can come into the waiting room.
    #[serde(rename = "meeting.opened")]
    MeetingOpened,
    /// A doctor is in the meeting.
    #[serde(rename = "meeting.clinician-joined")]
    MeetingClinicianJoined,
    /// Somebody else is in the meeting.
    #[serde(rename = "meeting.participant-joined")]
    MeetingParticipantJoined { participant: String },
    /// The meeting is over.
    #[serde(rename = "meeting.ended")]
    MeetingEnded,
    /// What became of a payment.
    #[serde(rename = "payment.ended")]
    PaymentEnded(Ending),
}

#[derive(Deserialize)]
struct BookingFacts {
    booking: Snapshot,
    #[serde(default)]
    text: Option<String>,
}

/// Where a visit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    WithClinician,
    WithPatient,
    Completed,
    Declined,
    Redirected,
    Withdrawn,
    Expired,
}

impl From<Status> for DialogStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::WithClinician => Self::AwaitingOffice,
            Status::WithPatient => Self::AwaitingCitizen,
            Status::Completed => Self::Closed(Closing::Answered),
            Status::Declined => Self::Closed(Closing::Declined),
            Status::Redirected => Self::Closed(Closing::Redirected),
            Status::Withdrawn => Self::Closed(Closing::Withdrawn),
            Status::Expired => Self::Closed(Closing::Expired),
        }
    }
}

/// What the patient is told to use instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Instead {
    Booking,
    Consultation,
}

impl From<Instead> for Service {
    fn from(instead: Instead) -> Self {
        match instead {
            Instead::Booking => Self::Appointment,
            Instead::Consultation => Self::Consultation,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(default)]
    subject: Option<String>,
    text: String,
    sent_at: String,
    #[serde(default)]
    author_name: Option<String>,
}

enum Trouble {
    Odd(Odd),
    Stop(Stop),
}

impl From<Odd> for Trouble {
    fn from(odd: Odd) -> Self {
        Self::Odd(odd)
    }
}

/// The number of an event, where it can be read: the resource's id.
#[must_use]
pub fn number(event: &Value) -> Option<u64> {
    let text = event.get("id")?.as_str()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The number of the vendor's event that an event came from.
#[must_use]
pub fn of_event(event: &str) -> Option<u64> {
    event.strip_prefix(EVENT)?.parse().ok()
}

/// Turns one of a document's events into an event. One that cannot be understood becomes `unreadable`, with the bytes kept
/// for the operator.
///
/// # Errors
/// Its files cannot be fetched in this call, or it cannot be kept.
pub fn event(ctx: &InboundContext, document: &Document, value: &Value, budget: &mut Budget) -> Result<Event, Stop> {
    match understood(ctx, document, value, budget) {
        Ok(event) => Ok(event),
        Err(Trouble::Stop(stop)) => Err(stop),
        Err(Trouble::Odd(why)) => unreadable(ctx, document, value, why).map_err(Stop::Failed),
    }
}

fn understood(ctx: &InboundContext, document: &Document, value: &Value, budget: &mut Budget) -> Result<Event, Trouble> {
    let resource = Resource::of(value, "events")?;
    let number = number(value).ok_or("has an id that is no number")?;
    let head: Head = resource.attributes().map_err(|_| "has no time")?;
    let kind: Kind = resource.attributes().map_err(|_| "is of a kind or shape that is not known")?;
    let occurred = time::instant(&head.occurred_at).ok_or("has a time that is none")?;
    let office = office(ctx, &resource).ok_or("is of a unit without an agreement")?.office.her_id;
    let visit = || resource.related_id("visit", "visits").map(str::to_owned).ok_or("is about no visit");
    let body = match kind {
        Kind::VisitMessage { status, redirect_to } => EventBody::Message(DialogMessage {
            dialog: visit()?,
            message: message(document, &resource, budget)?,
            status: status.into(),
            redirect: redirect_to.filter(|_| status == Status::Redirected).map(Service::from),
        }),
        Kind::VisitStatus { status, reason } => EventBody::Status(StatusChange {
            dialog: visit()?,
            status: status.into(),
            reason: filled(reason, MAX_REASON),
        }),
        Kind::VisitOpened { reply_allowed } => EventBody::Opened(OfficeOpening {
            dialog: visit()?,
            office,
            citizen: patient(document, &resource)?.identity(),
            service: Service::Consultation,
            message: message(document, &resource, budget)?,
            reply_allowed,
        }),
        Kind::MessageFiled { reference } => EventBody::Receipt(Receipt {
            dialog: visit()?,
            message: ours(&reference)?,
            outcome: ReceiptOutcome::Delivered,
        }),
        Kind::MessageRejected { reference, code, detail, retryable } => EventBody::Receipt(Receipt {
            dialog: visit()?,
            message: ours(&reference)?,
            outcome: ReceiptOutcome::Refused(vec![Refusal {
                code: line(&code, 32).unwrap_or_else(|| "-".into()),
                text: clip(&detail, 500),
                resendable: retryable,
            }]),
        }),
        Kind::BookingMade(facts) => booking(document, &resource, facts, office, AppointmentChangeKind::Booked)?,
        Kind::BookingMoved(facts) => booking(document, &resource, facts, office, AppointmentChangeKind::Moved)?,
        Kind::BookingCancelled(facts) => booking(document, &resource, facts, office, AppointmentChangeKind::Cancelled)?,
        Kind::BookingReminder(facts) => booking(document, &resource, facts, office, AppointmentChangeKind::Reminder)?,
        Kind::MeetingOpened => meeting(visit()?, VideoState::WaitingRoomOpen),
        Kind::MeetingClinicianJoined => meeting(visit()?, VideoState::ClinicianJoined),
        Kind::MeetingParticipantJoined { participant } => {
            let who = line(&participant, MAX_PARTICIPANT).ok_or("is about nobody who came")?;
            meeting(visit()?, VideoState::ParticipantJoined(who))
        }
        Kind::MeetingEnded => meeting(visit()?, VideoState::Ended),
        Kind::PaymentEnded(ending) => EventBody::Payment(ending.of(resource.related_id("payment", "payments"))?),
    };
    Ok(Event { id: format!("{EVENT}{number}"), occurred, body })
}

fn meeting(dialog: String, state: VideoState) -> EventBody {
    EventBody::Video(VideoChange { dialog, state })
}

fn booking(
    document: &Document,
    event: &Resource,
    facts: BookingFacts,
    office: u32,
    kind: AppointmentChangeKind,
) -> Result<EventBody, Odd> {
    Ok(EventBody::Appointment(AppointmentChange {
        dialog: event.related_id("visit", "visits").map(str::to_owned),
        office,
        citizen: patient(document, event)?.identity(),
        kind,
        // The vendor's own words need no language; what stands in their place is in the office's.
        appointment: facts.booking.appointment(Locale::Nb).map_err(|_| "holds a booking that cannot be read")?,
        text: filled(facts.text, MAX_REASON),
    }))
}

fn patient(document: &Document, event: &Resource) -> Result<Known, Odd> {
    let patient = document.included_by(event, "patient", "patients").ok_or("includes no patient")?;
    patient.attributes().map_err(|_| "is about a patient whose number is none")
}

fn message(document: &Document, event: &Resource, budget: &mut Budget) -> Result<OfficeMessage, Trouble> {
    let resource = document.included_by(event, "message", "messages").ok_or("includes no message")?;
    if resource.id.is_empty()
        || resource.id.chars().count() > MAX_MESSAGE_ID
        || resource.id.chars().any(char::is_control)
    {
        return Err("has a message whose id is empty, over 128 characters or not in one line".into());
    }
    let message: Message = resource.attributes().map_err(|_| "has a message of another shape")?;
    let sent = time::instant(&message.sent_at).ok_or("has a message with a time that is none")?;
    let names = resource.all_related("attachments");
    if names.len() > MAX_FILES {
        return Err("has a message with more than ten files".into());
    }
    // All or none: a call that fetched some would have kept them for nothing.
    if !budget.has(names.len()) {
        return Err(Trouble::Stop(Stop::OutOfBudget));
    }
    let mut text = message.text;
    let mut fetched: Vec<Attachment> = Vec::new();
    for name in names {
        let listed = document.included(name).ok_or("has a file that is not included").and_then(Listed::of);
        let file = match listed {
            Ok(listed) => file::fetch(&listed, budget),
            Err(why) => Err(Missing::ForGood(why)),
        };
        match file {
            Ok(attachment) => fetched.push(attachment),
            Err(Missing::ForGood(why)) => {
                log::warn!("a file of a clinician's message is left out: {why}");
                // Whose language it is to be nobody knows here.
                let note = Words::FileMissing.text(Locale::Nb);
                text = format!("{}\n\n{note}", clip(&text, MAX_TEXT - note.chars().count() - 2));
            }
            Err(Missing::OutOfBudget) => return Err(Trouble::Stop(Stop::OutOfBudget)),
            Err(Missing::Now(failure)) => return Err(Trouble::Stop(Stop::Failed(failure))),
        }
    }
    Ok(OfficeMessage {
        id: resource.id.clone(),
        subject: message.subject.and_then(|subject| line(&subject, MAX_SUBJECT)),
        text: clip(&text, MAX_TEXT),
        attachments: fetched,
        author: message.author_name.and_then(|name| line(&name, MAX_AUTHOR)),
        sent,
    })
}

/// The office whose unit an event is of.
fn office<'a>(ctx: &'a InboundContext, event: &Resource) -> Option<&'a ServedOffice> {
    let unit = event.related_id("unit", "units")?;
    ctx.offices.iter().find(|served| served.settings::<Settings>().is_ok_and(|settings| settings.unit == unit))
}

/// The contract's id of a message: a UUID.
fn ours(reference: &str) -> Result<String, Odd> {
    let id = ids::Uuid::parse_str(reference).map_err(|_| "is about a message that is none of the portal's")?;
    Ok(id.to_string())
}

fn unreadable(ctx: &InboundContext, document: &Document, value: &Value, why: Odd) -> Result<Event, Failure> {
    let resource = Resource::of(value, "events").ok();
    let message = resource.as_ref().and_then(|resource| document.included_by(resource, "message", "messages"));
    let kept = json!({ "data": value, "message": message.map(|message| message.id.as_str()) });
    let raw = serde_json::to_vec(&kept).map_err(|_| Failure::faulty(Sent::No, "an event that has no form in JSON"))?;
    let id = match number(value) {
        Some(number) => format!("{EVENT}{number}"),
        None => format!("odd-{}", ids::derived("event", &[&String::from_utf8_lossy(&raw)])),
    };
    log::warn!("an event {why}: it is kept for the operator");
    let raw = attachments::create("event.json", "application/octet-stream", &raw)?;
    let occurred = value.pointer("/attributes/occurredAt").and_then(Value::as_str).and_then(time::instant);
    let office = resource.as_ref().and_then(|resource| office(ctx, resource)).map(|served| served.office.her_id);
    let unreadable = Unreadable { office, reason: format!("An event at Kry {why}."), raw };
    Ok(Event { id, occurred: occurred.unwrap_or(ctx.now), body: EventBody::Unreadable(unreadable) })
}
