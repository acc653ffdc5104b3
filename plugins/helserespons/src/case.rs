//! Written services. The vendor calls a dialog a *case* with a number, and a message in it an *entry*.

use dialog_plugin_sdk::dialogs::{ConsultationMode, Dialogs, Opened, Opening, Period, RenewalItem};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::upstream::{self, Response};
use dialog_plugin_sdk::{Context, Event, Failure, Message};
use serde::{Deserialize, Serialize};

use crate::person::{self, OnBehalf, Patient};
use crate::refusal::{self, Pointers};
use crate::settings::Settings;
use crate::words::Words;
use crate::{Helserespons, UPSTREAM, consult, file};

/// Characters of a case number, by the contract.
const MAX_REFERENCE: usize = 256;

/// Where the fields of a new case come from.
const OPENING: &Pointers = &[
    ("/heading", "/message/subject"),
    ("/body", "/message/text"),
    ("/files", "/message/attachments"),
    ("/lines", "/request/items"),
    ("/purpose", "/request/purpose"),
    ("/wishes", "/request/preferred"),
];
/// Where the fields of a further entry come from.
const ENTRY: &Pointers = &[("/heading", "/subject"), ("/body", "/text"), ("/files", "/attachments")];

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Type {
    /// An e-consultation.
    Econsult,
    /// A practical question.
    Question,
    /// Renewal of prescriptions.
    Renewal,
    /// A certificate.
    Certificate,
    /// A wish for an appointment.
    BookingWish,
    /// A wish to move one.
    MoveWish,
    /// A wish to cancel one.
    CancelWish,
}

/// How an e-consultation is held.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Mode {
    Text,
    Image,
    Video,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Case<'a> {
    request_id: &'a str,
    /// The gateway's id of the dialog, so that both sides' operators can speak of the same.
    portal_ref: &'a str,
    #[serde(rename = "type")]
    kind: Type,
    patient: Patient<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf: Option<OnBehalf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<u32>,
    /// The vendor names the entry by it when it has been filed in the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_no: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wishes: Vec<Wish>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Wish {
    from: String,
    to: String,
}

#[derive(Serialize)]
struct Line<'a> {
    /// The vendor answers by it.
    #[serde(rename = "ref")]
    reference: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    atc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    request_id: &'a str,
    entry_id: &'a str,
    ssn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf: Option<OnBehalf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<&'a str>,
    body: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Withdraw<'a> {
    request_id: &'a str,
    ssn: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    case_no: String,
}

impl Dialogs for Helserespons {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        if let Opening::Collegial(question) = &opening {
            return consult::open(&ctx, &dialog, question);
        }
        let settings: Settings = ctx.settings()?;
        let (case, message) = case(&ctx, &dialog, &opening)?;
        let files = message.map_or(&[][..], |message| &message.attachments);
        if !files.is_empty() && matches!(case.kind, Type::Renewal | Type::CancelWish) {
            return Err(Words::NoFiles.invalid(ctx.locale, "/message/attachments"));
        }
        let request = settings.post("cases").body("application/json", file::with_files(&case, files)?);
        let answer = refusal::sent(request.send(), ctx.locale, OPENING)?;
        Ok(Opened { reference: taken(&answer)?, events: Vec::new() })
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        if let Some(consult) = consult::number(&reference) {
            return consult::send(&ctx, consult, &message);
        }
        let entry = Entry {
            request_id: &ctx.idempotency_key,
            entry_id: &message.id,
            ssn: person::ssn(&ctx)?,
            on_behalf: person::on_behalf(&ctx)?,
            heading: message.subject.as_deref(),
            body: &message.text,
        };
        let request = upstream::post(UPSTREAM, "/v2/cases")
            .segment(&reference)
            .segment("entries")
            .body("application/json", file::with_files(&entry, &message.attachments)?);
        let answer = refusal::sent(request.send(), ctx.locale, ENTRY)?;
        in_the_same_case(&answer, &reference)?;
        Ok(Vec::new())
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        if let Some(consult) = consult::number(&reference) {
            return consult::close(&ctx, consult);
        }
        let withdraw = Withdraw { request_id: &ctx.idempotency_key, ssn: person::ssn(&ctx)? };
        let request = upstream::post(UPSTREAM, "/v2/cases").segment(&reference).segment("cancel").json(&withdraw);
        match refusal::sent(request.send(), ctx.locale, &[]) {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::CaseClosed.code() => Ok(Vec::new()),
            Err(failure) => Err(failure),
            Ok(answer) => in_the_same_case(&answer, &reference).map(|()| Vec::new()),
        }
    }
}

fn taken(answer: &Response) -> Result<String, Failure> {
    let Taken { case_no } = answer.json()?;
    if case_no.is_empty() || case_no.chars().count() > MAX_REFERENCE || case_no.chars().any(char::is_control) {
        return Err(answer.unreadable("holds a case number that is empty, over 256 characters or not in one line"));
    }
    Ok(case_no)
}

fn in_the_same_case(answer: &Response, reference: &str) -> Result<(), Failure> {
    if taken(answer)? == reference { Ok(()) } else { Err(answer.unreadable("is about another case")) }
}

/// The case, and the citizen's message that goes with it.
fn case<'a>(
    ctx: &'a Context,
    dialog: &'a str,
    opening: &'a Opening,
) -> Result<(Case<'a>, Option<&'a Message>), Failure> {
    let mut case = Case {
        request_id: &ctx.idempotency_key,
        portal_ref: dialog,
        kind: Type::Question,
        patient: person::patient(ctx)?,
        on_behalf: person::on_behalf(ctx)?,
        doctor: ctx.clinician.as_ref().map(|clinician| clinician.hpr_number),
        entry_id: None,
        heading: None,
        body: None,
        mode: None,
        purpose: None,
        booking_no: None,
        wishes: Vec::new(),
        lines: Vec::new(),
    };
    let message = match opening {
        Opening::Consultation(consultation) => {
            no_form(ctx, consultation.form.as_deref())?;
            case.kind = Type::Econsult;
            case.mode = Some(match consultation.mode {
                ConsultationMode::Text => Mode::Text,
                ConsultationMode::Image => Mode::Image,
                ConsultationMode::Video => Mode::Video,
            });
            Some(&consultation.message)
        }
        Opening::Inquiry(inquiry) => Some(&inquiry.message),
        Opening::PrescriptionRenewal(renewal) => {
            case.kind = Type::Renewal;
            case.lines = renewal.items.iter().map(line).collect();
            renewal.message.as_ref()
        }
        Opening::Certificate(certificate) => {
            no_form(ctx, certificate.form.as_deref())?;
            case.kind = Type::Certificate;
            case.purpose = Some(&certificate.purpose);
            Some(&certificate.message)
        }
        Opening::AppointmentRequest(wish) => {
            case.kind = Type::BookingWish;
            case.wishes = wishes(&wish.preferred)?;
            Some(&wish.message)
        }
        Opening::AppointmentChange(wish) => {
            case.kind = Type::MoveWish;
            case.booking_no = Some(&wish.appointment);
            case.wishes = wishes(&wish.preferred)?;
            Some(&wish.message)
        }
        Opening::AppointmentCancel(wish) => {
            case.kind = Type::CancelWish;
            case.booking_no = Some(&wish.appointment);
            wish.message.as_ref()
        }
        Opening::SickNoteRenewal(_) | Opening::Collegial(_) => return Err(Words::NotOffered.declined(ctx.locale)),
    };
    if let Some(message) = message {
        case.entry_id = Some(&message.id);
        case.heading = message.subject.as_deref();
        case.body = Some(&message.text);
    }
    Ok((case, message))
}

fn no_form(ctx: &Context, form: Option<&str>) -> Result<(), Failure> {
    if form.is_some() { Err(Words::NoForm.invalid(ctx.locale, "/request/form")) } else { Ok(()) }
}

fn line(item: &RenewalItem) -> Line<'_> {
    Line { reference: &item.id, name: &item.medicine, atc: item.atc.as_deref(), comment: item.note.as_deref() }
}

fn wishes(periods: &[Period]) -> Result<Vec<Wish>, Failure> {
    periods.iter().map(|period| Ok(Wish { from: time::local(period.start)?, to: time::local(period.end)? })).collect()
}
