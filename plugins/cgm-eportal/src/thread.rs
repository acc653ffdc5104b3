//! Written services. The vendor calls a dialog a *thread*, and a message in it a *post*.

use dialog_plugin_sdk::dialogs::{Dialogs, Opened, Opening, RenewalItem};
use dialog_plugin_sdk::{Context, Event, Failure, Message, Sent, time};
use serde::{Deserialize, Serialize};

use crate::CgmEportal;
use crate::graphql::{self, Answer};
use crate::operation::{ADD_POST, OPEN_THREAD, Operation, WITHDRAW_THREAD};
use crate::person::{self, OnBehalf, Patient};
use crate::refusal::Pointers;
use crate::settings::Settings;
use crate::words::Words;

/// Characters of a reference, by the contract.
const MAX_REFERENCE: usize = 256;

/// Where the fields of a new thread come from.
const OPENING: &Pointers = &[
    ("/post/title", "/message/subject"),
    ("/post/text", "/message/text"),
    ("/documents", "/message/attachments"),
    ("/items", "/request/items"),
    ("/purpose", "/request/purpose"),
    ("/sickNote/currentUntil", "/request/validUntil"),
    ("/sickNote/degree", "/request/degree"),
];
/// Where the fields of a further post come from.
const POST: &Pointers = &[("/post/title", "/subject"), ("/post/text", "/text"), ("/documents", "/attachments")];

/// What a thread is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A practical question.
    Inquiry,
    /// Renewal of prescriptions.
    Renewal,
    /// A certificate.
    Certificate,
    /// Renewal of a sick note.
    SickNote,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct New<'a> {
    client_mutation_id: &'a str,
    practice: &'a str,
    /// The gateway's id of the dialog, so that both sides' operators can speak of the same.
    portal_dialog: &'a str,
    kind: Kind,
    patient: Patient<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf: Option<OnBehalf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post: Option<Post<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<Item<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sick_note: Option<SickNote<'a>>,
}

/// The sick note that is to be renewed. What it is for stands in the record, and is not asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SickNote<'a> {
    /// Its last day.
    current_until: &'a str,
    /// In percent.
    degree: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Post<'a> {
    /// The vendor names the post by it when it has been filed in the record.
    portal_message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    text: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    /// The vendor decides by it.
    key: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    atc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Add<'a> {
    client_mutation_id: &'a str,
    thread: &'a str,
    patient: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf: Option<OnBehalf<'a>>,
    post: Post<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Withdraw<'a> {
    client_mutation_id: &'a str,
    thread: &'a str,
    patient: &'a str,
}

#[derive(Deserialize)]
struct Taken {
    thread: Thread,
}

/// The thread that a mutation was about. Where it stands is asked for, and may be missing: the feed tells.
#[derive(Deserialize)]
struct Thread {
    id: String,
}

impl Dialogs for CgmEportal {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let settings: Settings = ctx.settings()?;
        let (new, message) = new(&ctx, &settings, &dialog, &opening)?;
        let files = message.map_or(&[][..], |message| &message.attachments);
        if !files.is_empty() && new.kind == Kind::Renewal {
            return Err(Words::NoFiles.invalid(ctx.locale, "/message/attachments"));
        }
        let answer = graphql::mutate_with(OPEN_THREAD, &new, files)?;
        Ok(Opened { reference: taken(OPEN_THREAD, answer, &ctx, OPENING)?, events: Vec::new() })
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        let add = Add {
            client_mutation_id: &ctx.idempotency_key,
            thread: &reference,
            patient: person::national_id(&ctx)?,
            on_behalf: person::on_behalf(&ctx)?,
            post: post(&message),
        };
        let answer = graphql::mutate_with(ADD_POST, &add, &message.attachments)?;
        in_the_same_thread(ADD_POST, &taken(ADD_POST, answer, &ctx, POST)?, &reference)
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        let withdraw = Withdraw {
            client_mutation_id: &ctx.idempotency_key,
            thread: &reference,
            patient: person::national_id(&ctx)?,
        };
        let answer = graphql::mutate(WITHDRAW_THREAD, &withdraw)?;
        match taken(WITHDRAW_THREAD, answer, &ctx, &[]) {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::ThreadClosed.code() => Ok(Vec::new()),
            Err(failure) => Err(failure),
            Ok(thread) => in_the_same_thread(WITHDRAW_THREAD, &thread, &reference),
        }
    }
}

/// The id of the thread that an answer is about.
fn taken(operation: Operation, answer: Answer, ctx: &Context, pointers: &Pointers) -> Result<String, Failure> {
    let (Taken { thread: Thread { id } }, _) = answer.expect(ctx.locale, pointers)?;
    if id.is_empty() || id.chars().count() > MAX_REFERENCE || id.chars().any(char::is_control) {
        return Err(Answer::senseless(operation, "has an id that is empty, over 256 characters or not in one line"));
    }
    Ok(id)
}

fn in_the_same_thread(operation: Operation, thread: &str, reference: &str) -> Result<Vec<Event>, Failure> {
    if thread == reference { Ok(Vec::new()) } else { Err(Answer::senseless(operation, "is about another thread")) }
}

/// The thread, and the citizen's message that goes with it.
fn new<'a>(
    ctx: &'a Context,
    settings: &'a Settings,
    dialog: &'a str,
    opening: &'a Opening,
) -> Result<(New<'a>, Option<&'a Message>), Failure> {
    let mut new = New {
        client_mutation_id: &ctx.idempotency_key,
        practice: &settings.practice,
        portal_dialog: dialog,
        kind: Kind::Inquiry,
        patient: person::patient(ctx)?,
        on_behalf: person::on_behalf(ctx)?,
        doctor: ctx.clinician.as_ref().map(|clinician| clinician.hpr_number),
        post: None,
        items: None,
        purpose: None,
        sick_note: None,
    };
    let message = match opening {
        Opening::Inquiry(inquiry) => Some(&inquiry.message),
        Opening::PrescriptionRenewal(renewal) => {
            new.kind = Kind::Renewal;
            new.items = Some(renewal.items.iter().map(item).collect());
            renewal.message.as_ref()
        }
        Opening::Certificate(certificate) => {
            if certificate.form.is_some() {
                return Err(Words::NoForm.invalid(ctx.locale, "/request/form"));
            }
            new.kind = Kind::Certificate;
            new.purpose = Some(&certificate.purpose);
            Some(&certificate.message)
        }
        Opening::SickNoteRenewal(renewal) => {
            new.kind = Kind::SickNote;
            new.sick_note = Some(sick_note(&renewal.valid_until, renewal.degree)?);
            Some(&renewal.message)
        }
        Opening::Consultation(_)
        | Opening::AppointmentRequest(_)
        | Opening::AppointmentChange(_)
        | Opening::AppointmentCancel(_)
        | Opening::Collegial(_) => return Err(Words::NotOffered.declined(ctx.locale)),
    };
    new.post = message.map(post);
    Ok((new, message))
}

fn post(message: &Message) -> Post<'_> {
    Post { portal_message: &message.id, title: message.subject.as_deref(), text: &message.text }
}

/// The gateway checks both; what is no day here was written by nobody.
fn sick_note(valid_until: &str, degree: u8) -> Result<SickNote<'_>, Failure> {
    if !time::is_day(valid_until) {
        return Err(Failure::faulty(Sent::No, "the last day of a sick note is no day"));
    }
    Ok(SickNote { current_until: valid_until, degree })
}

fn item(item: &RenewalItem) -> Item<'_> {
    Item { key: &item.id, name: &item.medicine, atc: item.atc.as_deref(), note: item.note.as_deref() }
}
