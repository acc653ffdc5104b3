//! Clinicians who talk with each other. The vendor calls such a dialog a *consult*: between one of its clinics and a
//! clinician anywhere else, with a patient or none. The patient may write in it too, once they take part.

use dialog_plugin_sdk::dialogs::{Collegial, Opened};
use dialog_plugin_sdk::upstream::{self, Request, Response};
use dialog_plugin_sdk::{Context, Event, Failure, Message, Sent};
use serde::{Deserialize, Serialize};

use crate::person::{self, Patient};
use crate::refusal::{self, Pointers};
use crate::settings::Settings;
use crate::{UPSTREAM, file};

/// What stands before a consult's number in the contract's reference: cases have none.
const PREFIX: &str = "consult/";
/// Characters of a consult's number.
const MAX_NUMBER: usize = 200;

/// Where the fields of a new consult come from.
const OPENING: &Pointers = &[
    ("/heading", "/message/subject"),
    ("/body", "/message/text"),
    ("/files", "/message/attachments"),
    ("/to", "/to/clinician"),
    ("/patient", "/patient"),
];
/// Where the fields of a further entry come from.
const ENTRY: &Pointers = &[("/heading", "/subject"), ("/body", "/text"), ("/files", "/attachments")];

/// The clinician who writes, and from where.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct From<'a> {
    her_id: u32,
    office: &'a str,
    hpr: u32,
    first_name: &'a str,
    last_name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewConsult<'a> {
    request_id: &'a str,
    portal_ref: &'a str,
    entry_id: &'a str,
    from: From<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient: Option<Patient<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<&'a str>,
    body: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    request_id: &'a str,
    entry_id: &'a str,
    /// None where the patient writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<From<'a>>,
    /// None where a clinician writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    ssn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<&'a str>,
    body: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct End<'a> {
    request_id: &'a str,
    from: From<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    consult_no: String,
}

/// The consult's number, where the reference is of one.
#[must_use]
pub fn number(reference: &str) -> Option<&str> {
    reference.strip_prefix(PREFIX)
}

/// The contract's reference of a consult; none where the number is not one.
#[must_use]
pub fn reference(number: &str) -> Option<String> {
    let whole = !number.is_empty() && number.chars().count() <= MAX_NUMBER && !number.chars().any(char::is_control);
    whole.then(|| format!("{PREFIX}{number}"))
}

/// Asks a clinician of the clinic's.
///
/// # Errors
/// As the SDK says; what was sent is told.
pub fn open(ctx: &Context, dialog: &str, question: &Collegial) -> Result<Opened, Failure> {
    let settings: Settings = ctx.settings()?;
    let message = &question.message;
    let new = NewConsult {
        request_id: &ctx.idempotency_key,
        portal_ref: dialog,
        entry_id: &message.id,
        from: from(ctx)?,
        to: question.to_hpr_number,
        patient: ctx.citizen.as_ref().map(|_| person::patient(ctx)).transpose()?,
        heading: message.subject.as_deref(),
        body: &message.text,
    };
    let request = settings.post("consults").body("application/json", file::with_files(&new, &message.attachments)?);
    let answer = refusal::sent(request.send(), ctx.locale, OPENING)?;
    Ok(Opened { reference: taken(&answer)?, events: Vec::new() })
}

/// Writes in a consult: a clinician, or the patient who takes part.
///
/// # Errors
/// As [`open`].
pub fn send(ctx: &Context, consult: &str, message: &Message) -> Result<Vec<Event>, Failure> {
    let clinician = ctx.colleague.as_ref().map(|_| from(ctx)).transpose()?;
    let entry = Entry {
        request_id: &ctx.idempotency_key,
        entry_id: &message.id,
        ssn: if clinician.is_some() { None } else { Some(person::ssn(ctx)?) },
        from: clinician,
        heading: message.subject.as_deref(),
        body: &message.text,
    };
    let request = of(consult, "entries").body("application/json", file::with_files(&entry, &message.attachments)?);
    let answer = refusal::sent(request.send(), ctx.locale, ENTRY)?;
    same(&answer, consult).map(|()| Vec::new())
}

/// Ends a consult. One that has ended stays so.
///
/// # Errors
/// As [`open`].
pub fn close(ctx: &Context, consult: &str) -> Result<Vec<Event>, Failure> {
    let end = End { request_id: &ctx.idempotency_key, from: from(ctx)? };
    match refusal::sent(of(consult, "end").json(&end).send(), ctx.locale, &[]) {
        Err(Failure::Conflict(reason)) if reason.code == crate::words::Words::CaseClosed.code() => Ok(Vec::new()),
        Err(failure) => Err(failure),
        Ok(answer) => same(&answer, consult).map(|()| Vec::new()),
    }
}

fn of(consult: &str, noun: &str) -> Request {
    upstream::post(UPSTREAM, "/v2/consults").segment(consult).segment(noun)
}

fn from(ctx: &Context) -> Result<From<'_>, Failure> {
    let colleague = ctx.colleague.as_ref();
    let colleague =
        colleague.ok_or_else(|| Failure::faulty(Sent::No, "the gateway does not say which clinician acts"))?;
    Ok(From {
        her_id: colleague.office.her_id,
        office: &colleague.office.name,
        hpr: colleague.clinician.hpr_number,
        first_name: &colleague.clinician.given_name,
        last_name: &colleague.clinician.family_name,
    })
}

fn taken(answer: &Response) -> Result<String, Failure> {
    let Taken { consult_no } = answer.json()?;
    reference(&consult_no).ok_or_else(|| answer.unreadable("holds a consult's number that is none"))
}

fn same(answer: &Response, consult: &str) -> Result<(), Failure> {
    let Taken { consult_no } = answer.json()?;
    if consult_no == consult { Ok(()) } else { Err(answer.unreadable("is about another consult")) }
}
