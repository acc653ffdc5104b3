//! One change at the vendor as an event of the contract.
//!
//! A change has a number that is its own for good: the event's id is made of it, and the same change that comes again, in
//! any order, is the same event.

use dialog_plugin_sdk::feed::Stop;
use dialog_plugin_sdk::files::{Budget, Missing};
use dialog_plugin_sdk::inbound::{InboundContext, ServedOffice};
use dialog_plugin_sdk::text::clip;
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{
    Attachment, Closing, DialogMessage, DialogStatus, Event, EventBody, Failure, Locale, OfficeMessage, OfficeOpening,
    Receipt, ReceiptOutcome, Refusal, RenewalAnswer, RenewalDecision, RenewalOutcome, Sent, Service, StatusChange,
    Unreadable, attachments, ids, log,
};
use serde::Deserialize;
use serde_json::Value;

use crate::document::{self, Listed};
use crate::person::Known;
use crate::settings::Settings;
use crate::thread::Kind;
use crate::words::Words;

/// Characters of an office's message, by the contract.
const MAX_TEXT: usize = 32_000;
/// Characters of a reason, by the contract.
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
/// Characters of an employer's name that are shown.
const MAX_EMPLOYER: usize = 120;
/// Decisions of an answer: twice what a request can hold.
const MAX_DECISIONS: usize = 40;

/// What stands before the number of a change in an event's id.
const EVENT: &str = "change-";

/// What every change has: enough to place it, whatever its type.
#[derive(Deserialize)]
struct Head {
    at: String,
    practice: String,
}

#[derive(Deserialize)]
#[serde(tag = "__typename", rename_all_fields = "camelCase")]
enum Content {
    /// The practice wrote in a thread.
    PostAdded {
        thread: Thread,
        post: Post,
        #[serde(default)]
        use_instead: Option<Alternative>,
    },
    /// A thread changed state without a post.
    ThreadStateChanged {
        thread: Thread,
        #[serde(default)]
        reason: Option<String>,
    },
    /// The practice opened a thread.
    ThreadOpened { thread: Thread, patient: Known, post: Post },
    /// One way: there is no thread, and nothing to answer.
    NoticeSent { notice: String, patient: Known, post: Post },
    /// The practice decided on a renewal, item by item.
    RenewalDecided {
        thread: Thread,
        decisions: Vec<Decided>,
        #[serde(default)]
        words: Option<Post>,
    },
    /// The doctor wrote a sick note. What it is for is not told: it stays in the record.
    SickNoteIssued {
        thread: Thread,
        sick_note: SickNote,
        #[serde(default)]
        words: Option<Post>,
    },
    /// A post of the patient's is in the practice's record system.
    PostFiled { thread: Thread, portal_message: String },
    /// The practice's record system did not take it.
    PostRejected { thread: Thread, portal_message: String, code: String, text: String, retry: bool },
}

#[derive(Deserialize)]
struct Thread {
    id: String,
    kind: Kind,
    /// None where the vendor's record system did not say.
    #[serde(default)]
    state: Option<State>,
}

/// Where a thread stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    WithPractice,
    WithPatient,
    Answered,
    Declined,
    Redirected,
    Withdrawn,
    Expired,
}

impl From<State> for DialogStatus {
    fn from(state: State) -> Self {
        match state {
            State::WithPractice => Self::AwaitingOffice,
            State::WithPatient => Self::AwaitingCitizen,
            State::Answered => Self::Closed(Closing::Answered),
            State::Declined => Self::Closed(Closing::Declined),
            State::Redirected => Self::Closed(Closing::Redirected),
            State::Withdrawn => Self::Closed(Closing::Withdrawn),
            State::Expired => Self::Closed(Closing::Expired),
        }
    }
}

/// What the patient is told to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Alternative {
    Inquiry,
    Renewal,
    Certificate,
    Consultation,
    Appointment,
    SickNote,
}

impl From<Alternative> for Service {
    fn from(alternative: Alternative) -> Self {
        match alternative {
            Alternative::Inquiry => Self::Inquiry,
            Alternative::Renewal => Self::PrescriptionRenewal,
            Alternative::Certificate => Self::Certificate,
            Alternative::Consultation => Self::Consultation,
            Alternative::Appointment => Self::Appointment,
            Alternative::SickNote => Self::SickNoteRenewal,
        }
    }
}

#[derive(Deserialize)]
struct Post {
    id: String,
    at: String,
    #[serde(default)]
    title: Option<String>,
    text: String,
    #[serde(default)]
    author: Option<String>,
    documents: Vec<Listed>,
}

/// A sick note, without its diagnosis.
#[derive(Deserialize)]
struct SickNote {
    from: String,
    until: String,
    degree: u8,
    /// None where the patient has no employer.
    #[serde(default)]
    employer: Option<String>,
    informed: Vec<Informed>,
}

/// Who gets a sick note from the record system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Informed {
    Nav,
    Employer,
}

#[derive(Deserialize)]
struct Decided {
    /// The item's key; none where the decision is about the whole.
    #[serde(default)]
    key: Option<String>,
    verdict: Verdict,
    #[serde(default)]
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Verdict {
    Renewed,
    Refused,
    ContactFirst,
}

/// One change of a page.
#[derive(Debug)]
pub struct Change {
    /// Its number.
    pub number: u64,
    /// Null where the vendor cannot give it.
    pub node: Value,
    /// Why the vendor cannot give it, by its code.
    pub code: Option<String>,
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

/// The number of the change that an event came from.
#[must_use]
pub fn of_event(event: &str) -> Option<u64> {
    event.strip_prefix(EVENT)?.parse().ok()
}

/// Turns a change into an event. One that cannot be understood becomes `unreadable`, with what there is of it kept for
/// the operator.
///
/// # Errors
/// The vendor or its documents cannot be had in this call, or it cannot be kept.
pub fn event(ctx: &InboundContext, change: &Change, budget: &mut Budget) -> Result<Event, Stop> {
    match understood(ctx, change, budget) {
        Ok(event) => Ok(event),
        Err(Trouble::Stop(stop)) => Err(stop),
        Err(Trouble::Odd(why)) => unreadable(ctx, change, why).map_err(Stop::Failed),
    }
}

fn understood(ctx: &InboundContext, change: &Change, budget: &mut Budget) -> Result<Event, Trouble> {
    if change.node.is_null() {
        return Err(absent(change.code.as_deref(), budget));
    }
    let head: Head = Head::deserialize(&change.node).map_err(|_| "has no time or practice")?;
    let content = Content::deserialize(&change.node).map_err(|_| "is of a type or shape that is not known")?;
    let occurred = time::instant(&head.at).ok_or("has a time that is none")?;
    let office = office(ctx, &head.practice).ok_or("is of a practice without an agreement")?.office.her_id;
    let body = match content {
        Content::PostAdded { thread, post, use_instead } => {
            let status = thread.status()?;
            let redirect = use_instead.filter(|_| status == DialogStatus::Closed(Closing::Redirected));
            EventBody::Message(DialogMessage {
                dialog: reference(thread.id)?,
                message: post.message(budget)?,
                status,
                redirect: redirect.map(Service::from),
            })
        }
        Content::ThreadStateChanged { thread, reason } => EventBody::Status(StatusChange {
            status: thread.status()?,
            dialog: reference(thread.id)?,
            reason: written(reason),
        }),
        Content::ThreadOpened { thread, patient, post } => EventBody::Opened(OfficeOpening {
            service: service(thread.kind),
            dialog: reference(thread.id)?,
            office,
            citizen: patient.identity(),
            message: post.message(budget)?,
            reply_allowed: true,
        }),
        Content::NoticeSent { notice, patient, post } => EventBody::Opened(OfficeOpening {
            dialog: reference(notice)?,
            office,
            citizen: patient.identity(),
            service: Service::Inquiry,
            message: post.message(budget)?,
            reply_allowed: false,
        }),
        Content::RenewalDecided { thread, decisions, words } => EventBody::Renewal(RenewalAnswer {
            status: thread.status()?,
            dialog: reference(thread.id)?,
            decisions: decided(decisions)?,
            message: words.map(|post| post.message(budget)).transpose()?,
        }),
        Content::SickNoteIssued { thread, sick_note, words } => {
            let facts = sick_note.words()?;
            let mut message = match words {
                Some(post) => post.message(budget)?,
                // The doctor wrote nothing: what was issued says it all.
                None => OfficeMessage {
                    id: format!("{EVENT}{}", change.number),
                    subject: None,
                    text: String::new(),
                    attachments: Vec::new(),
                    author: None,
                    sent: occurred,
                },
            };
            message.text = if message.text.is_empty() {
                facts
            } else {
                format!("{}\n\n{facts}", clip(&message.text, MAX_TEXT - facts.chars().count() - 2))
            };
            EventBody::Message(DialogMessage {
                status: thread.status()?,
                dialog: reference(thread.id)?,
                message,
                redirect: None,
            })
        }
        Content::PostFiled { thread, portal_message } => EventBody::Receipt(Receipt {
            dialog: reference(thread.id)?,
            message: ours(&portal_message)?,
            outcome: ReceiptOutcome::Delivered,
        }),
        Content::PostRejected { thread, portal_message, code, text, retry } => EventBody::Receipt(Receipt {
            dialog: reference(thread.id)?,
            message: ours(&portal_message)?,
            outcome: ReceiptOutcome::Refused(vec![Refusal {
                code: if code.is_empty() || code.chars().any(char::is_control) { "-".into() } else { clip(&code, 32) },
                text: clip(&text, 500),
                resendable: retry,
            }]),
        }),
    };
    Ok(Event { id: format!("{EVENT}{}", change.number), occurred, body })
}

/// The vendor cannot give a change: now, or for good.
fn absent(code: Option<&str>, budget: &Budget) -> Trouble {
    match code {
        Some("GONE") => Trouble::Odd("is gone at the vendor"),
        Some(_) if budget.is_patient() => {
            Trouble::Stop(Stop::Failed(Failure::unavailable(Sent::No, "the vendor does not give a change yet")))
        }
        Some(_) => Trouble::Odd("has not come for an hour"),
        None => Trouble::Odd("is empty, and nothing says why"),
    }
}

impl Thread {
    fn status(&self) -> Result<DialogStatus, Odd> {
        Ok(self.state.ok_or("is of a thread that stands nowhere")?.into())
    }
}

impl Post {
    fn message(self, budget: &mut Budget) -> Result<OfficeMessage, Trouble> {
        if self.id.is_empty() || self.id.chars().count() > MAX_MESSAGE_ID || self.id.chars().any(char::is_control) {
            return Err("has a post whose id is empty, over 128 characters or not in one line".into());
        }
        if self.documents.len() > MAX_FILES {
            return Err("has a post with more than ten documents".into());
        }
        let sent = time::instant(&self.at).ok_or("has a post with a time that is none")?;
        // All or none: a call that fetched some would have kept them for nothing.
        if !budget.has(self.documents.len()) {
            return Err(Trouble::Stop(Stop::OutOfBudget));
        }
        let mut text = self.text;
        let mut fetched: Vec<Attachment> = Vec::new();
        for listed in &self.documents {
            match document::fetch(listed, budget) {
                Ok(attachment) => fetched.push(attachment),
                Err(Missing::ForGood(why)) => {
                    log::warn!("a document of an office's message is left out: {why}");
                    // The office writes in Norwegian, and so does what stands in its message.
                    let note = Words::FileMissing.text(Locale::Nb);
                    text = format!("{}\n\n{note}", clip(&text, MAX_TEXT - note.chars().count() - 2));
                }
                Err(Missing::OutOfBudget) => return Err(Trouble::Stop(Stop::OutOfBudget)),
                Err(Missing::Now(failure)) => return Err(Trouble::Stop(Stop::Failed(failure))),
            }
        }
        Ok(OfficeMessage {
            id: self.id,
            subject: self.title.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, MAX_SUBJECT)),
            text: clip(&text, MAX_TEXT),
            attachments: fetched,
            author: self.author.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, MAX_AUTHOR)),
            sent,
        })
    }
}

impl SickNote {
    /// What the citizen is to know of it. The office writes in Norwegian, and so does what stands in its message.
    fn words(&self) -> Result<String, Odd> {
        if !(1..=100).contains(&self.degree) {
            return Err("has a sick note of no degree");
        }
        // ISO days are in order where their letters are.
        if !time::is_day(&self.from) || !time::is_day(&self.until) || self.until < self.from {
            return Err("has a sick note whose days are none, or in no order");
        }
        let employer = self.employer.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let employer = match employer {
            Some(name) if name.chars().any(char::is_control) => return Err("has an employer that is not in one line"),
            name => name.map(|name| clip(name, MAX_EMPLOYER)),
        };
        let told = match (self.informed.contains(&Informed::Nav), self.informed.contains(&Informed::Employer), employer)
        {
            (true, true, Some(name)) => format!("Den er sendt til NAV og til arbeidsgiveren din, {name}."),
            (true, true, None) => "Den er sendt til NAV og til arbeidsgiveren din.".to_owned(),
            (false, true, Some(name)) => format!("Den er sendt til arbeidsgiveren din, {name}."),
            (false, true, None) => "Den er sendt til arbeidsgiveren din.".to_owned(),
            (true, false, Some(name)) => {
                format!("Den er sendt til NAV. Arbeidsgiveren din, {name}, har ikke fått den.")
            }
            (true, false, None) => "Den er sendt til NAV.".to_owned(),
            (false, false, _) => "Den er ikke sendt til andre.".to_owned(),
        };
        let (from, until) = (norwegian(&self.from), norwegian(&self.until));
        Ok(format!("Ny sykmelding: {from} til {until}, {} prosent. {told}", self.degree))
    }
}

/// A day as people write it: `1.12.2026`.
fn norwegian(day: &str) -> String {
    let part = |from: usize, to: usize| day.get(from..to).unwrap_or_default().trim_start_matches('0');
    format!("{}.{}.{}", part(8, 10), part(5, 7), part(0, 4))
}

fn decided(decisions: Vec<Decided>) -> Result<Vec<RenewalDecision>, Odd> {
    if decisions.is_empty() || decisions.len() > MAX_DECISIONS {
        return Err("decides on no item, or on more than forty");
    }
    decisions
        .into_iter()
        .map(|one| {
            Ok(RenewalDecision {
                item: one.key.map(reference).transpose()?,
                outcome: match one.verdict {
                    Verdict::Renewed => RenewalOutcome::Renewed,
                    Verdict::Refused => RenewalOutcome::Refused,
                    Verdict::ContactFirst => RenewalOutcome::NeedsConsultation,
                },
                reason: written(one.comment),
            })
        })
        .collect()
}

const fn service(kind: Kind) -> Service {
    match kind {
        Kind::Inquiry => Service::Inquiry,
        Kind::Renewal => Service::PrescriptionRenewal,
        Kind::Certificate => Service::Certificate,
        Kind::SickNote => Service::SickNoteRenewal,
    }
}

fn office<'a>(ctx: &'a InboundContext, practice: &str) -> Option<&'a ServedOffice> {
    ctx.offices.iter().find(|served| served.settings::<Settings>().is_ok_and(|settings| settings.practice == practice))
}

fn reference(text: String) -> Result<String, Odd> {
    if text.is_empty() || text.chars().count() > MAX_REFERENCE || text.chars().any(char::is_control) {
        return Err("has an id that is empty, over 256 characters or not in one line");
    }
    Ok(text)
}

/// The contract's id of a message: a UUID.
fn ours(message: &str) -> Result<String, Odd> {
    let id = ids::Uuid::parse_str(message).map_err(|_| "is about a post that is none of the portal's")?;
    Ok(id.to_string())
}

fn written(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| clip(&text, MAX_REASON))
}

fn unreadable(ctx: &InboundContext, change: &Change, why: Odd) -> Result<Event, Failure> {
    let unwritable = || Failure::faulty(Sent::No, "a change that has no form in JSON");
    let kept = serde_json::json!({ "number": change.number, "node": change.node, "code": change.code });
    let raw = serde_json::to_vec(&kept).map_err(|_| unwritable())?;
    log::warn!("change {} {why}: it is kept for the operator", change.number);
    let raw = attachments::create("change.json", "application/octet-stream", &raw)?;
    let text = |name: &str| change.node.get(name).and_then(Value::as_str);
    let office = text("practice").and_then(|practice| office(ctx, practice)).map(|served| served.office.her_id);
    Ok(Event {
        id: format!("{EVENT}{}", change.number),
        occurred: text("at").and_then(time::instant).unwrap_or(ctx.now),
        body: EventBody::Unreadable(Unreadable { office, reason: format!("A change at CGM e-portal {why}."), raw }),
    })
}
