//! One change at the vendor as an event of the contract.
//!
//! The same change comes by webhook and in the feed, in any order and more than once: the event's id is the change's
//! number (`seq`), which is the same both ways.

use dialog_plugin_sdk::feed::Stop;
use dialog_plugin_sdk::files::{Budget, Missing};
use dialog_plugin_sdk::inbound::{InboundContext, ServedOffice};
use dialog_plugin_sdk::text::{clip, filled, line};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{
    AppointmentChange, AppointmentChangeKind, Attachment, Closing, CollegialOpening, DialogFee, DialogFees,
    DialogMessage, DialogStatus, Event, EventBody, Failure, Interpretation, Locale, NoticeChannel, Observation,
    OfficeMessage, OfficeOpening, OwnNotice, PaymentChange, PaymentReceipt, PaymentState, Receipt, ReceiptOutcome,
    Refusal, RenewalAnswer, RenewalDecision, RenewalOutcome, Sent, Service, StatusChange, TestResults, Unreadable,
    VideoChange, attachments, ids, log,
};
use serde::Deserialize;
use serde_json::Value;

use crate::booking::Booking;
use crate::case::Type;
use crate::consult;
use crate::file::{self, Listed};
use crate::person::Known;
use crate::room::Happened;
use crate::settings::Settings;
use crate::words::Words;

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
/// Files of a message, by the contract.
const MAX_FILES: usize = 10;
/// Fees of a dialog, by the contract.
const MAX_FEES: usize = 20;
/// Characters of a receipt's number, by the contract.
const MAX_RECEIPT: usize = 64;
/// Decisions of an answer: twice what a request can hold.
const MAX_DECISIONS: usize = 40;

/// Findings of a report, by the contract.
const MAX_FINDINGS: usize = 200;
/// Characters of a finding's name and answer, by the contract.
const MAX_LINE: usize = 200;
/// Characters of a finding's code, by the contract.
const MAX_CODE: usize = 64;
/// Characters of a unit, by the contract.
const MAX_UNIT: usize = 50;
/// Characters of what is normal, by the contract.
const MAX_RANGE: usize = 100;
/// Characters of a remark: a quarter of the contract's, so that two hundred of them fit into a call's answer.
const MAX_REMARK: usize = 500;

/// What stands before the number of a change in an event's id.
const EVENT: &str = "change-";

/// The head of a change: enough to place it, whatever its kind.
#[derive(Deserialize)]
struct Head {
    seq: u64,
    at: String,
    clinic: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
enum Kind {
    /// The clinic wrote in a case.
    CaseEntry {
        case_no: String,
        entry: Entry,
        state: CaseState,
        #[serde(default)]
        use_instead: Option<Type>,
    },
    /// A case changed state without an entry.
    CaseState {
        case_no: String,
        state: CaseState,
        #[serde(default)]
        text: Option<String>,
    },
    /// The clinic opened a case.
    CaseOpened {
        case_no: String,
        #[serde(rename = "type")]
        kind: Type,
        patient: Known,
        entry: Entry,
    },
    /// A clinician wrote in a consult.
    ConsultEntry { consult_no: String, entry: Entry, state: CaseState },
    /// A clinician of the clinic's asked a colleague elsewhere.
    ConsultOpened {
        consult_no: String,
        to: Colleague,
        #[serde(default)]
        patient: Option<Known>,
        entry: Entry,
    },
    /// What a clinician or patient wrote in a consult is in the clinic's record system.
    ConsultFiled { consult_no: String, entry_id: String },
    /// A one-way message: there is no case, and nothing to answer.
    Notice { notice_no: String, patient: Known, entry: Entry },
    /// What tests found, with the doctor's words; nothing to answer.
    LabReport { report_no: String, patient: Known, entry: Entry, findings: Vec<Finding> },
    /// The clinic decided on a renewal, line by line.
    RenewalDecided {
        case_no: String,
        lines: Vec<Decided>,
        #[serde(default)]
        entry: Option<Entry>,
        state: CaseState,
    },
    /// An entry of the patient's is in the clinic's record system.
    EntryFiled { case_no: String, entry_id: String },
    /// The clinic's record system did not take it.
    EntryRejected { case_no: String, entry_id: String, code: String, text: String, retry: bool },
    /// The clinic made a booking.
    BookingMade(BookingChange),
    /// The clinic moved a booking.
    BookingMoved(BookingChange),
    /// The clinic cancelled a booking.
    BookingCancelled(BookingChange),
    /// A booking is near.
    BookingReminder(BookingChange),
    /// The clinic charged for a case.
    FeesCharged { case_no: String, fees: Vec<Charged> },
    /// A payment came to something.
    Payment {
        pay_no: String,
        state: PayState,
        #[serde(default)]
        receipt: Option<String>,
        #[serde(default)]
        paid_at: Option<String>,
    },
    /// The vendor sent the patient a text message of its own.
    SmsSent {
        patient: Known,
        sent_at: String,
        #[serde(default)]
        case_no: Option<String>,
        #[serde(default)]
        booking_no: Option<String>,
    },
    /// Something happened in the meeting room of a case.
    Room {
        case_no: String,
        event: Happened,
        #[serde(default)]
        guest: Option<String>,
    },
}

/// A colleague elsewhere.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Colleague {
    her_id: u32,
    #[serde(default)]
    hpr: Option<u32>,
}

#[derive(Deserialize)]
struct Charged {
    tariff: String,
    ore: u64,
    #[serde(default)]
    hpr: Option<u32>,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PayState {
    Paid,
    Failed,
    Expired,
    Refunded,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BookingChange {
    booking: Booking,
    patient: Known,
    #[serde(default)]
    case_no: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum CaseState {
    WithClinic,
    WithPatient,
    Done,
    Declined,
    Redirected,
    Withdrawn,
    Expired,
}

impl From<CaseState> for DialogStatus {
    fn from(state: CaseState) -> Self {
        match state {
            CaseState::WithClinic => Self::AwaitingOffice,
            CaseState::WithPatient => Self::AwaitingCitizen,
            CaseState::Done => Self::Closed(Closing::Answered),
            CaseState::Declined => Self::Closed(Closing::Declined),
            CaseState::Redirected => Self::Closed(Closing::Redirected),
            CaseState::Withdrawn => Self::Closed(Closing::Withdrawn),
            CaseState::Expired => Self::Closed(Closing::Expired),
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    at: String,
    #[serde(default)]
    heading: Option<String>,
    body: String,
    #[serde(default)]
    author: Option<String>,
    #[serde(default)]
    files: Vec<Listed>,
}

/// One finding of a report.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    analysis: String,
    #[serde(default)]
    npu: Option<String>,
    answer: String,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    normal: Option<String>,
    #[serde(default)]
    flag: Option<Flag>,
    sampled_at: String,
    #[serde(default)]
    remark: Option<String>,
}

/// What a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Flag {
    Ok,
    Low,
    High,
    Deviates,
}

#[derive(Deserialize)]
struct Decided {
    /// The line's `ref` of the request; none where the decision is about the whole.
    #[serde(rename = "ref", default)]
    reference: Option<String>,
    decision: Decision,
    #[serde(default)]
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Decision {
    Renewed,
    Refused,
    ControlNeeded,
}

/// Why a change cannot be understood. Never its content.
type Odd = &'static str;

enum Trouble {
    Odd(Odd),
    Stop(Stop),
}

impl From<Odd> for Trouble {
    fn from(odd: Odd) -> Self {
        Self::Odd(odd)
    }
}

/// The number of a change, where it can be read.
#[must_use]
pub fn number(change: &Value) -> Option<u64> {
    change.get("seq")?.as_u64()
}

/// The number of the change that an event came from.
#[must_use]
pub fn of_event(event: &str) -> Option<u64> {
    event.strip_prefix(EVENT)?.parse().ok()
}

/// Turns a change into an event. One that cannot be understood becomes `unreadable`, with the bytes kept for the operator.
///
/// # Errors
/// Its files cannot be fetched in this call, or it cannot be kept.
pub fn event(ctx: &InboundContext, change: &Value, budget: &mut Budget) -> Result<Event, Stop> {
    match understood(ctx, change, budget) {
        Ok(event) => Ok(event),
        Err(Trouble::Stop(stop)) => Err(stop),
        Err(Trouble::Odd(why)) => unreadable(ctx, change, why).map_err(Stop::Failed),
    }
}

fn understood(ctx: &InboundContext, change: &Value, budget: &mut Budget) -> Result<Event, Trouble> {
    let head: Head = serde_json::from_value(change.clone()).map_err(|_| "has no number, time or clinic")?;
    let kind: Kind = serde_json::from_value(change.clone()).map_err(|_| "is of a kind or shape that is not known")?;
    let occurred = time::instant(&head.at).ok_or("has a time that is none")?;
    let office = office(ctx, &head.clinic).ok_or("is of a clinic without an agreement")?.office.her_id;
    let body = match kind {
        Kind::CaseEntry { case_no, entry, state, use_instead } => {
            let redirect = use_instead.filter(|_| state == CaseState::Redirected).map(service);
            EventBody::Message(DialogMessage {
                dialog: reference(case_no)?,
                message: entry.message(budget)?,
                status: state.into(),
                redirect,
            })
        }
        Kind::CaseState { case_no, state, text } => {
            EventBody::Status(StatusChange { dialog: reference(case_no)?, status: state.into(), reason: written(text) })
        }
        Kind::CaseOpened { case_no, kind, patient, entry } => EventBody::Opened(OfficeOpening {
            dialog: reference(case_no)?,
            office,
            citizen: patient.identity(),
            service: service(kind),
            message: entry.message(budget)?,
            reply_allowed: true,
        }),
        Kind::ConsultEntry { consult_no, entry, state } => EventBody::Message(DialogMessage {
            dialog: consult(&consult_no)?,
            message: entry.message(budget)?,
            status: state.into(),
            redirect: None,
        }),
        Kind::ConsultOpened { consult_no, to, patient, entry } => {
            let numbers = 1..=999_999_999;
            if !numbers.contains(&to.her_id) || to.hpr.is_some_and(|hpr| !numbers.contains(&hpr)) {
                return Err("is for a colleague whose numbers are none".into());
            }
            EventBody::Collegial(CollegialOpening {
                dialog: consult(&consult_no)?,
                office,
                to: to.her_id,
                to_hpr_number: to.hpr,
                patient: patient.map(|patient| patient.identity()),
                message: entry.message(budget)?,
            })
        }
        Kind::ConsultFiled { consult_no, entry_id } => EventBody::Receipt(Receipt {
            dialog: consult(&consult_no)?,
            message: ours(&entry_id)?,
            outcome: ReceiptOutcome::Delivered,
        }),
        Kind::Notice { notice_no, patient, entry } => EventBody::Opened(OfficeOpening {
            dialog: reference(notice_no)?,
            office,
            citizen: patient.identity(),
            service: Service::Inquiry,
            message: entry.message(budget)?,
            reply_allowed: false,
        }),
        Kind::LabReport { report_no, patient, entry, findings } => EventBody::Results(TestResults {
            dialog: reference(report_no)?,
            office,
            citizen: patient.identity(),
            observations: found(findings)?,
            message: entry.message(budget)?,
            reply_allowed: false,
        }),
        Kind::RenewalDecided { case_no, lines, entry, state } => EventBody::Renewal(RenewalAnswer {
            dialog: reference(case_no)?,
            decisions: decisions(lines)?,
            message: entry.map(|entry| entry.message(budget)).transpose()?,
            status: state.into(),
        }),
        Kind::EntryFiled { case_no, entry_id } => EventBody::Receipt(Receipt {
            dialog: reference(case_no)?,
            message: ours(&entry_id)?,
            outcome: ReceiptOutcome::Delivered,
        }),
        Kind::EntryRejected { case_no, entry_id, code, text, retry } => EventBody::Receipt(Receipt {
            dialog: reference(case_no)?,
            message: ours(&entry_id)?,
            outcome: ReceiptOutcome::Refused(vec![Refusal {
                code: if code.is_empty() || code.chars().any(char::is_control) { "-".into() } else { clip(&code, 32) },
                text: clip(&text, 500),
                resendable: retry,
            }]),
        }),
        Kind::BookingMade(change) => change.event(office, AppointmentChangeKind::Booked)?,
        Kind::BookingMoved(change) => change.event(office, AppointmentChangeKind::Moved)?,
        Kind::BookingCancelled(change) => change.event(office, AppointmentChangeKind::Cancelled)?,
        Kind::BookingReminder(change) => change.event(office, AppointmentChangeKind::Reminder)?,
        Kind::FeesCharged { case_no, fees } => {
            EventBody::Charged(DialogFees { dialog: reference(case_no)?, fees: charged(fees)? })
        }
        Kind::SmsSent { patient, sent_at, case_no, booking_no } => EventBody::Notified(OwnNotice {
            dialog: case_no.map(reference).transpose()?,
            appointment: booking_no.map(reference).transpose()?,
            citizen: patient.identity(),
            channel: NoticeChannel::Sms,
            at: time::instant(&sent_at).ok_or("was sent at a time that is none")?,
        }),
        Kind::Room { case_no, event, guest } => EventBody::Video(VideoChange {
            dialog: reference(case_no)?,
            state: event.state(guest.as_deref()).ok_or("is about nobody who came")?,
        }),
        Kind::Payment { pay_no, state, receipt, paid_at } => EventBody::Payment(PaymentChange {
            payment: payment(pay_no)?,
            state: match state {
                PayState::Paid => PaymentState::Paid(PaymentReceipt {
                    number: receipt
                        .filter(|number| !number.trim().is_empty() && number.chars().count() <= MAX_RECEIPT)
                        .ok_or("is paid without a receipt")?,
                    at: paid_at.as_deref().and_then(time::instant).ok_or("is paid at a time that is none")?,
                }),
                PayState::Failed => PaymentState::Failed,
                PayState::Expired => PaymentState::Expired,
                PayState::Refunded => PaymentState::Refunded,
            },
        }),
    };
    Ok(Event { id: format!("{EVENT}{}", head.seq), occurred, body })
}

impl BookingChange {
    fn event(self, office: u32, kind: AppointmentChangeKind) -> Result<EventBody, Odd> {
        Ok(EventBody::Appointment(AppointmentChange {
            dialog: self.case_no.map(reference).transpose()?,
            office,
            citizen: self.patient.identity(),
            kind,
            appointment: self.booking.appointment().map_err(|_| "holds a booking that cannot be read")?,
            text: written(self.text),
        }))
    }
}

impl Entry {
    fn message(self, budget: &mut Budget) -> Result<OfficeMessage, Trouble> {
        if self.id.is_empty() || self.id.chars().count() > MAX_MESSAGE_ID || self.id.chars().any(char::is_control) {
            return Err("has an entry whose id is empty, over 128 characters or not in one line".into());
        }
        if self.files.len() > MAX_FILES {
            return Err("has an entry with more than ten files".into());
        }
        let sent = time::instant(&self.at).ok_or("has an entry with a time that is none")?;
        // All or none: a call that fetched some would have kept them for nothing.
        if !budget.has(self.files.len()) {
            return Err(Trouble::Stop(Stop::OutOfBudget));
        }
        let mut text = self.body;
        let mut fetched: Vec<Attachment> = Vec::new();
        for listed in &self.files {
            match file::fetch(listed, budget) {
                Ok(attachment) => fetched.push(attachment),
                Err(Missing::ForGood(why)) => {
                    log::warn!("a file of an office's message is left out: {why}");
                    let note = Words::FileMissing.text(Locale::Nb);
                    text = format!("{}\n\n{note}", clip(&text, MAX_TEXT - note.chars().count() - 2));
                }
                Err(Missing::OutOfBudget) => return Err(Trouble::Stop(Stop::OutOfBudget)),
                Err(Missing::Now(failure)) => return Err(Trouble::Stop(Stop::Failed(failure))),
            }
        }
        Ok(OfficeMessage {
            id: self.id,
            subject: self.heading.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, MAX_SUBJECT)),
            text: clip(&text, MAX_TEXT),
            attachments: fetched,
            author: self.author.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, MAX_AUTHOR)),
            sent,
        })
    }
}

fn decisions(lines: Vec<Decided>) -> Result<Vec<RenewalDecision>, Odd> {
    if lines.is_empty() || lines.len() > MAX_DECISIONS {
        return Err("decides on no line, or on more than forty");
    }
    lines
        .into_iter()
        .map(|line| {
            Ok(RenewalDecision {
                item: line.reference.map(reference).transpose()?,
                outcome: match line.decision {
                    Decision::Renewed => RenewalOutcome::Renewed,
                    Decision::Refused => RenewalOutcome::Refused,
                    Decision::ControlNeeded => RenewalOutcome::NeedsConsultation,
                },
                reason: written(line.comment),
            })
        })
        .collect()
}

/// Every finding, or none: one that is missing would look like one that was not taken.
fn found(findings: Vec<Finding>) -> Result<Vec<Observation>, Odd> {
    if !(1..=MAX_FINDINGS).contains(&findings.len()) {
        return Err("reports nothing, or more than two hundred findings");
    }
    let read = |one: Finding| {
        let code = one.npu.filter(|code| (1..=MAX_CODE).contains(&code.len()) && code.is_ascii());
        Ok(Observation {
            name: line(&one.analysis, MAX_LINE).ok_or("has a finding without a name")?,
            code: code.filter(|code| !code.chars().any(char::is_control)),
            value: line(&one.answer, MAX_LINE).ok_or("has a finding without an answer")?,
            unit: one.unit.and_then(|unit| line(&unit, MAX_UNIT)),
            reference_range: one.normal.and_then(|normal| line(&normal, MAX_RANGE)),
            interpretation: one.flag.map(|flag| match flag {
                Flag::Ok => Interpretation::Normal,
                Flag::Low => Interpretation::Low,
                Flag::High => Interpretation::High,
                Flag::Deviates => Interpretation::Abnormal,
            }),
            taken: time::instant(&one.sampled_at).ok_or("has a finding with a time that is none")?,
            comment: filled(one.remark, MAX_REMARK),
        })
    };
    findings.into_iter().map(read).collect()
}

/// What the contract would refuse takes down only the change that it stands in.
fn charged(fees: Vec<Charged>) -> Result<Vec<DialogFee>, Odd> {
    if !(1..=MAX_FEES).contains(&fees.len()) {
        return Err("charges nothing, or more than twenty fees");
    }
    let mut known: Vec<DialogFee> = Vec::new();
    for Charged { tariff, ore, hpr } in fees {
        let is_code = (1..=16).contains(&tariff.len()) && tariff.bytes().all(|letter| letter.is_ascii_alphanumeric());
        let again = known.iter().any(|fee| fee.tariff.eq_ignore_ascii_case(&tariff));
        let somebody = hpr.is_none_or(|number| (1..=999_999_999).contains(&number));
        if !is_code || again || !somebody || !(1..=100_000_000).contains(&ore) {
            return Err("charges a fee with an odd tariff, amount or clinician");
        }
        known.push(DialogFee { tariff, amount: ore, clinician: hpr });
    }
    Ok(known)
}

fn payment(number: String) -> Result<String, Odd> {
    if number.is_empty() || number.chars().count() > MAX_MESSAGE_ID || number.chars().any(char::is_control) {
        return Err("has a payment's number that is empty, over 128 characters or not in one line");
    }
    Ok(number)
}

const fn service(kind: Type) -> Service {
    match kind {
        Type::Econsult => Service::Consultation,
        Type::Question => Service::Inquiry,
        Type::Renewal => Service::PrescriptionRenewal,
        Type::Certificate => Service::Certificate,
        Type::BookingWish | Type::MoveWish | Type::CancelWish => Service::Appointment,
    }
}

fn office<'a>(ctx: &'a InboundContext, clinic: &str) -> Option<&'a ServedOffice> {
    ctx.offices.iter().find(|served| served.settings::<Settings>().is_ok_and(|settings| settings.clinic == clinic))
}

fn consult(number: &str) -> Result<String, Odd> {
    consult::reference(number).ok_or("has a consult's number that is none")
}

fn reference(text: String) -> Result<String, Odd> {
    if text.is_empty() || text.chars().count() > MAX_REFERENCE || text.chars().any(char::is_control) {
        return Err("has a number that is empty, over 256 characters or not in one line");
    }
    Ok(text)
}

/// The contract's id of a message: a UUID.
fn ours(entry: &str) -> Result<String, Odd> {
    let id = ids::Uuid::parse_str(entry).map_err(|_| "is about an entry that is none of the portal's")?;
    Ok(id.to_string())
}

fn written(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, MAX_REASON))
}

fn unreadable(ctx: &InboundContext, change: &Value, why: Odd) -> Result<Event, Failure> {
    let raw = serde_json::to_vec(change).map_err(|_| Failure::faulty(Sent::No, "a change that has no form in JSON"))?;
    let digest = ids::derived("change", &[&String::from_utf8_lossy(&raw)]);
    let id = match number(change) {
        Some(seq) => format!("{EVENT}{seq}"),
        None => format!("odd-{digest}"),
    };
    log::warn!("a change {why}: it is kept for the operator");
    let raw = attachments::create("change.json", "application/octet-stream", &raw)?;
    let occurred = change.get("at").and_then(Value::as_str).and_then(time::instant).unwrap_or(ctx.now);
    let office = change
        .get("clinic")
        .and_then(Value::as_str)
        .and_then(|clinic| office(ctx, clinic))
        .map(|served| served.office.her_id);
    Ok(Event {
        id,
        occurred,
        body: EventBody::Unreadable(Unreadable { office, reason: format!("A change at Helserespons {why}."), raw }),
    })
}
