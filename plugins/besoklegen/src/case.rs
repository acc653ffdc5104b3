//! Written services. The vendor calls a dialog a *case* with a number.

use dialog_plugin_sdk::dialogs::{ConsultationMode, Dialogs, Opened, Opening};
use dialog_plugin_sdk::{Context, Event, Failure, Message, Service};

use crate::fault::Pointers;
use crate::person::People;
use crate::settings::Settings;
use crate::soap::{Answer, Call};
use crate::words::Words;
use crate::xml::writer::Writer;
use crate::{Besoklegen, document, person};

/// Characters of a case number, by the contract.
const MAX_REFERENCE: usize = 256;

/// Where the fields of a new case come from.
const OPENING: &Pointers = &[
    ("Subject", "/message/subject"),
    ("Text", "/message/text"),
    ("Attachment", "/message/attachments"),
    ("Line", "/request/items"),
    ("Purpose", "/request/purpose"),
    ("Form", "/request/form"),
    ("ValidUntil", "/request/validUntil"),
    ("Degree", "/request/degree"),
];
/// Where the fields of a further message come from.
const MESSAGE: &Pointers = &[("Subject", "/subject"), ("Text", "/text"), ("Attachment", "/attachments")];

/// The service that a case of the vendor's kind belongs to.
#[must_use]
pub fn service(word: &str) -> Option<Service> {
    Some(match word {
        "CONSULTATION" => Service::Consultation,
        "QUESTION" => Service::Inquiry,
        "RENEWAL" => Service::PrescriptionRenewal,
        "SICK_NOTE" => Service::SickNoteRenewal,
        "CERTIFICATE" => Service::Certificate,
        "BOOKING" => Service::Appointment,
        _ => return None,
    })
}

impl Dialogs for Besoklegen {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let settings: Settings = ctx.settings()?;
        let people = People::of(&ctx)?;
        let message = message(&opening);
        check(&ctx, &opening)?;
        let doctor = ctx.clinician.as_ref().map(|doctor| doctor.hpr_number.to_string());
        let call = Call::changing("OpenCase", &ctx).with(|xml| {
            // The gateway's id of the dialog goes along, so that both sides' operators can speak of the same.
            xml.leaf("Practice", &settings.practice)
                .leaf("PortalRef", &dialog)
                .with(|xml| people.write(xml))
                .optional("Doctor", doctor)
                .with(|xml| subject(xml, &opening))
                .each(message, written)
        });
        let answer = call.send(ctx.locale, OPENING)?;
        Ok(Opened { reference: taken(&answer)?, events: Vec::new() })
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        let people = People::of(&ctx)?;
        let call = Call::changing("AddMessage", &ctx).with(|xml| {
            xml.leaf("Case", &reference).with(|xml| people.write_number(xml)).with(|xml| written(xml, &message))
        });
        in_the_same_case(&call.send(ctx.locale, MESSAGE)?, &reference)
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        let number = person::number(&ctx)?;
        let call = Call::changing("WithdrawCase", &ctx).with(|xml| xml.leaf("Case", &reference).leaf("Fnr", number));
        match call.send(ctx.locale, &[]) {
            // What the citizen wants has happened.
            Err(Failure::Conflict(reason)) if reason.code == Words::CaseClosed.code() => Ok(Vec::new()),
            Err(failure) => Err(failure),
            Ok(answer) => in_the_same_case(&answer, &reference),
        }
    }
}

fn taken(answer: &Answer) -> Result<String, Failure> {
    let case = answer.required("Case")?;
    if case.chars().count() > MAX_REFERENCE || case.chars().any(char::is_control) {
        return Err(answer.unreadable("holds a case number that is over 256 characters or not in one line"));
    }
    Ok(case.to_owned())
}

fn in_the_same_case(answer: &Answer, reference: &str) -> Result<Vec<Event>, Failure> {
    if taken(answer)? == reference { Ok(Vec::new()) } else { Err(answer.unreadable("is about another case")) }
}

/// What the citizen wrote.
const fn message(opening: &Opening) -> Option<&Message> {
    match opening {
        Opening::Consultation(consultation) => Some(&consultation.message),
        Opening::Inquiry(inquiry) => Some(&inquiry.message),
        Opening::PrescriptionRenewal(renewal) => renewal.message.as_ref(),
        Opening::SickNoteRenewal(renewal) => Some(&renewal.message),
        Opening::Certificate(certificate) => Some(&certificate.message),
        Opening::AppointmentRequest(_)
        | Opening::AppointmentChange(_)
        | Opening::AppointmentCancel(_)
        | Opening::Collegial(_) => None,
    }
}

/// What the vendor does not have is refused before anything is sent.
fn check(ctx: &Context, opening: &Opening) -> Result<(), Failure> {
    match opening {
        Opening::Consultation(consultation) if consultation.mode == ConsultationMode::Video => {
            Err(Words::NotOffered.declined(ctx.locale))
        }
        Opening::Consultation(consultation) if consultation.form.is_some() => {
            Err(Words::NoForm.invalid(ctx.locale, "/request/form"))
        }
        Opening::PrescriptionRenewal(renewal)
            if renewal.message.as_ref().is_some_and(|message| !message.attachments.is_empty()) =>
        {
            Err(Words::NoFiles.invalid(ctx.locale, "/message/attachments"))
        }
        Opening::AppointmentRequest(_) | Opening::AppointmentChange(_) | Opening::AppointmentCancel(_) => {
            Err(Words::BookDirectly.declined(ctx.locale))
        }
        Opening::Collegial(_) => Err(Words::NotOffered.declined(ctx.locale)),
        _ => Ok(()),
    }
}

/// What a case is about.
fn subject(xml: Writer, opening: &Opening) -> Writer {
    match opening {
        Opening::Consultation(consultation) => {
            // The vendor calls it after what goes along.
            let mode = if consultation.message.attachments.is_empty() { "TEXT" } else { "IMAGE" };
            xml.open("Consultation").leaf("Mode", mode).close()
        }
        Opening::PrescriptionRenewal(renewal) => xml
            .open("Renewal")
            .each(&renewal.items, |xml, item| {
                xml.open("Line")
                    .leaf("Ref", &item.id)
                    .leaf("Medicine", &item.medicine)
                    .optional("Atc", item.atc.as_deref())
                    .optional("Comment", item.note.as_deref())
                    .close()
            })
            .close(),
        Opening::SickNoteRenewal(renewal) => xml
            .open("SickNote")
            .leaf("ValidUntil", &renewal.valid_until)
            .leaf("Degree", renewal.degree.to_string())
            .close(),
        Opening::Certificate(certificate) => xml
            .open("Certificate")
            .leaf("Purpose", &certificate.purpose)
            .optional("Form", certificate.form.as_deref())
            .close(),
        // The others were refused before anything was written.
        _ => xml.open("Question").close(),
    }
}

/// A message of the citizen's. The vendor names it by its id when it has been filed in the record.
fn written(xml: Writer, message: &Message) -> Writer {
    xml.open("Message")
        .leaf("Id", &message.id)
        .optional("Subject", message.subject.as_deref())
        .leaf("Text", &message.text)
        .with(|xml| document::write(xml, &message.attachments))
        .close()
}
