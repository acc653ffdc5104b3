//! Written services: what the citizen opens, writes and ends.

use dialog_plugin_sdk::dialogs::{ConsultationMode, Dialogs, Opened, Opening, Period, Renewal};
use dialog_plugin_sdk::{Attachment, Context, Event, Failure, Locale, Message, Sent};

use super::Ddfl;
use super::address::{self, timestamp};
use super::appointment::known;
use super::colleague;
use super::memory::{self, Conversation, Memory};
use super::settings::{Installation, Settings};
use super::transport::{self, Budget};
use super::words::Words;
use crate::message::{MessageId, Process, Version, time};
use crate::write::request::limit;
use crate::write::{self, ColleagueSays, MediaType, Prescription, Request, WriteError, Written};

/// What is sent when the citizen ends a dialogue: HITS 1217 has no code for it.
const ENDED: &str = "Innbyggeren har avsluttet dialogen og venter ikke på svar.";

impl Dialogs for Ddfl {
    fn open(ctx: Context, dialog: String, opening: Opening) -> Result<Opened, Failure> {
        let settings: Settings = ctx.settings()?;
        let draft = Draft::of(&ctx, &settings, opening)?;
        let process = draft.request.process();
        let version = address::supported(&settings, process, ctx.locale)?;
        let id = draft.message.as_deref().and_then(MessageId::parse).unwrap_or_else(|| MessageId::of_dialog(&dialog));
        let reference = id.to_string();
        let written = address::written(&[draft.message.as_deref().unwrap_or(&dialog), &dialog], ctx.now);
        let receiver = match draft.request.process() {
            // Colleagues ask the office; whom there, the message says.
            Process::Professional => colleague::receiver(&ctx),
            _ => address::receiver(&ctx),
        };
        let conversation = Conversation {
            process: process.value().to_owned(),
            receiver,
            patient: patient(&ctx, &reference)?,
            sent: vec![(reference.clone(), written)],
            items: draft.items,
        };
        let envelope = address::envelope(&ctx, &conversation.receiver, version, id, written, None)?;
        let segments = write::write(&envelope, &draft.request)
            .map_err(|error| address::refusal(&error, ctx.locale, "/message"))?;
        transport::send(&mut Budget::default(), &segments, &draft.files)?;
        keep(&ctx, &reference, &conversation, id, draft.message.as_deref(), written)
            .map_err(|failure| failure.sent_at_least(Sent::Yes))?;
        Ok(Opened { reference, events: Vec::new() })
    }

    fn send(ctx: Context, reference: String, message: Message) -> Result<Vec<Event>, Failure> {
        let settings: Settings = ctx.settings()?;
        let mut written = content(&ctx, &settings, &message, true, "")?;
        let id = MessageId::parse(&message.id).unwrap_or_else(|| MessageId::of_key(&ctx.idempotency_key, "send"));
        if ctx.colleague.is_some() {
            // SB has a subject, also where it goes on (3.13).
            written.subject.get_or_insert_with(|| colleague::SUBJECT.to_owned());
        }
        reply(&ctx, &settings, &reference, id, Some(&message), written)?;
        Ok(Vec::new())
    }

    fn close(ctx: Context, reference: String) -> Result<Vec<Event>, Failure> {
        let settings: Settings = ctx.settings()?;
        let (conversation, _) = memory::conversation(&Memory::here(), &reference)?;
        let process = conversation.as_ref().and_then(|one| Process::from_value(&one.process));
        // Elsewhere there is no message that says so, and nobody waits: an answer that comes is shown.
        if !process.is_some_and(|process| replies(process) && settings.version(process).is_some()) {
            return Ok(Vec::new());
        }
        let id = MessageId::of_key(&ctx.idempotency_key, "close");
        let text = if ctx.colleague.is_some() { colleague::ENDED } else { ENDED };
        let written = Written { subject: None, text: text.to_owned(), attachments: Vec::new() };
        reply(&ctx, &settings, &reference, id, None, written)?;
        Ok(Vec::new())
    }
}

/// Processes in which the citizen can write again (3.2.4, 3.3.4).
const fn replies(process: Process) -> bool {
    matches!(process, Process::Consultation | Process::Contact | Process::Professional)
}

/// A further message in a dialogue: an answer of the citizen's (22), whoever began it.
fn reply(
    ctx: &Context,
    settings: &Settings,
    reference: &str,
    id: MessageId,
    message: Option<&Message>,
    written: Written,
) -> Result<(), Failure> {
    let (conversation, office) = memory::conversation(&Memory::here(), reference)?;
    let mut conversation = conversation
        .ok_or_else(|| Failure::faulty(Sent::No, "nothing is known of the conversation that the message belongs to"))?;
    let process = Process::from_value(&conversation.process)
        .filter(|process| replies(*process))
        .ok_or_else(|| Words::NoReply.declined(ctx.locale))?;
    let version = address::supported(settings, process, ctx.locale)?;
    let at = match message {
        Some(message) => address::written(&[&message.id, &ctx.idempotency_key], ctx.now),
        None => address::written(&[&ctx.idempotency_key], ctx.now),
    };
    let place = write::Conversation {
        parent: memory::parent(reference, &conversation, &office, &id.to_string()),
        first: reference.to_owned(),
    };
    let envelope = address::envelope(ctx, &conversation.receiver, version, id, at, Some(place))?;
    let request = match colleague::says(message.is_some(), office.opened.is_some()) {
        says if ctx.colleague.is_some() => Request::Colleague { says, roles: colleague::roles(ctx, None)?, written },
        _ => Request::Reply { process, written },
    };
    let segments = write::write(&envelope, &request).map_err(|error| address::refusal(&error, ctx.locale, ""))?;
    let files = message.map(|message| message.attachments.as_slice()).unwrap_or_default();
    transport::send(&mut Budget::default(), &segments, files)?;
    let name = id.to_string();
    if !conversation.sent.iter().any(|(sent, _)| *sent == name) {
        conversation.sent.push((name, at));
    }
    let surplus = conversation.sent.len().saturating_sub(memory::REMEMBERED);
    conversation.sent.drain(..surplus);
    // Nobody is told what becomes of the message that ends a dialog.
    let kept = match message {
        Some(message) => keep(ctx, reference, &conversation, id, Some(&message.id), at),
        None => memory::keep(&Memory::here(), reference, &conversation),
    };
    kept.map_err(|failure| failure.sent_at_least(Sent::Yes))
}

/// Keeps the conversation, and that a receipt is awaited.
fn keep(
    ctx: &Context,
    reference: &str,
    conversation: &Conversation,
    id: MessageId,
    message: Option<&str>,
    written: i64,
) -> Result<(), Failure> {
    let installation: Installation = ctx.installation()?;
    let patience = i64::from(installation.receipt_hours) * 3600 * 1000;
    memory::keep(&Memory::here(), reference, conversation)?;
    memory::await_receipt(&Memory::here(), &id.to_string(), reference, message, written + patience)
}

fn patient(ctx: &Context, reference: &str) -> Result<String, Failure> {
    // Colleagues may talk about nobody in particular.
    let Some(citizen) = &ctx.citizen else { return Ok(String::new()) };
    let number = address::national_id(citizen.national_identity_number.as_deref())?;
    Ok(memory::patient(reference, number.reveal()))
}

/// What is to be sent, before it has an envelope.
struct Draft {
    request: Request,
    /// The contract's id of the message.
    message: Option<String>,
    files: Vec<Attachment>,
    /// Prescriptions that are asked for.
    items: Vec<(String, String)>,
}

impl Draft {
    fn of(ctx: &Context, settings: &Settings, opening: Opening) -> Result<Self, Failure> {
        let locale = ctx.locale;
        match opening {
            Opening::Consultation(consultation) => {
                if consultation.mode == ConsultationMode::Video {
                    return Err(Words::NoVideo.declined(locale));
                }
                no_form(consultation.form.as_deref(), locale)?;
                Self::written(ctx, settings, consultation.message, true, |mut written| {
                    // 3.2.1: an e-consultation has a subject.
                    written.subject.get_or_insert_with(|| "E-konsultasjon".to_owned());
                    Request::AskClinician { written }
                })
            }
            Opening::Inquiry(inquiry) => {
                Self::written(ctx, settings, inquiry.message, true, |written| Request::Enquire { written })
            }
            Opening::Certificate(certificate) => {
                no_form(certificate.form.as_deref(), locale)?;
                Self::written(ctx, settings, certificate.message, true, |mut written| {
                    written.subject.get_or_insert_with(|| "Attest".to_owned());
                    written.text = format!("Formål: {}\n\n{}", certificate.purpose, written.text);
                    Request::OrderCertificate { written }
                })
            }
            Opening::AppointmentRequest(wish) => Self::written(ctx, settings, wish.message, true, |mut written| {
                written.text.push_str(&times(&wish.preferred));
                Request::WishAppointment { written, other_clinician: false }
            }),
            Opening::AppointmentChange(wish) => {
                let appointment = Self::appointment(ctx, &wish.appointment)?;
                Self::written(ctx, settings, wish.message, true, |mut written| {
                    written.text.push_str(&times(&wish.preferred));
                    Request::WishChange { appointment, written, other_clinician: false }
                })
            }
            Opening::AppointmentCancel(wish) => {
                let appointment = Self::appointment(ctx, &wish.appointment)?;
                let message = wish.message.unwrap_or_else(|| Message {
                    id: String::new(),
                    subject: None,
                    text: String::new(),
                    attachments: Vec::new(),
                });
                Self::written(ctx, settings, message, false, |written| Request::WishCancel { appointment, written })
            }
            Opening::PrescriptionRenewal(renewal) => Self::renewal(ctx, settings, renewal),
            Opening::Collegial(question) => {
                let roles = colleague::roles(ctx, question.to_hpr_number)?;
                Self::written(ctx, settings, question.message, true, |mut written| {
                    written.subject.get_or_insert_with(|| colleague::SUBJECT.to_owned());
                    Request::Colleague { says: ColleagueSays::Asks, roles, written }
                })
            }
            Opening::SickNoteRenewal(_) => Err(Words::NotOffered.declined(locale)),
        }
    }

    fn written(
        ctx: &Context,
        settings: &Settings,
        message: Message,
        required: bool,
        request: impl FnOnce(Written) -> Request,
    ) -> Result<Self, Failure> {
        let written = content(ctx, settings, &message, required, "/message")?;
        Ok(Self {
            request: request(written),
            message: Some(message.id).filter(|id| !id.is_empty()),
            files: message.attachments,
            items: Vec::new(),
        })
    }

    fn appointment(ctx: &Context, id: &str) -> Result<write::CalendarEntry, Failure> {
        known(&Memory::here(), id, address::receiver(ctx).her_id)?
            .ok_or_else(|| Failure::not_found(Words::NoAppointment.code(), Words::NoAppointment.text(ctx.locale)))
    }

    /// With the prescriptions themselves where the office's version takes them and the portal has them all (3.1.2), else
    /// in free text, one medicine a line (3.1.1).
    fn renewal(ctx: &Context, settings: &Settings, renewal: Renewal) -> Result<Self, Failure> {
        let message = renewal.message;
        if message.as_ref().is_some_and(|message| !message.attachments.is_empty()) {
            return Err(Words::NoFiles.invalid(ctx.locale, "/message/attachments"));
        }
        let mut written = match &message {
            Some(message) => content(ctx, settings, message, false, "/message")?,
            None => Written::default(),
        };
        let version = address::supported(settings, Process::Renewal, ctx.locale)?;
        let prescriptions = if version >= Version::V1_3 {
            let mut prescriptions = Vec::new();
            for (index, item) in renewal.items.iter().enumerate() {
                let Some(document) = &item.eprescription else { continue };
                let prescription = Prescription::parse(&item.id, document)
                    .map_err(|reason| address::refusal(&WriteError::Prescription { index, reason }, ctx.locale, ""))?;
                prescriptions.push(prescription);
            }
            prescriptions
        } else {
            Vec::new()
        };
        let structured =
            prescriptions.len() == renewal.items.len() && write::prescription::fit_together(&prescriptions);
        let lines: Vec<String> = renewal
            .items
            .iter()
            .filter(|item| !structured || item.note.is_some())
            .map(|item| match &item.note {
                Some(note) => format!("{}: {}", item.medicine, note.replace('\n', " ")),
                None => item.medicine.clone(),
            })
            .collect();
        written.text = [lines.join("\n"), written.text].join("\n").trim().to_owned();
        let request = if structured {
            Request::RenewPrescriptions { written, prescriptions }
        } else {
            Request::RenewFreeText { written }
        };
        Ok(Self {
            request,
            message: message.map(|message| message.id),
            files: Vec::new(),
            items: renewal.items.into_iter().map(|item| (item.id, item.medicine)).collect(),
        })
    }
}

fn no_form(form: Option<&str>, locale: Locale) -> Result<(), Failure> {
    match form {
        Some(_) => Err(Words::NoForm.invalid(locale, "/request/form")),
        None => Ok(()),
    }
}

/// What the citizen wrote, within the limits of the office's record system. A subject that is too long for its field
/// stands whole before the text.
fn content(
    ctx: &Context,
    settings: &Settings,
    message: &Message,
    required: bool,
    base: &str,
) -> Result<Written, Failure> {
    let text = message.text.trim();
    if required && text.is_empty() {
        return Err(Words::TextMissing.invalid(ctx.locale, &format!("{base}/text")));
    }
    if text.chars().count() > settings.text_limit {
        let detail =
            format!("{} ({}/{})", Words::TextTooLong.text(ctx.locale), text.chars().count(), settings.text_limit);
        return Err(Failure::invalid(format!("{base}/text"), detail));
    }
    let mut attachments = Vec::new();
    for (index, file) in message.attachments.iter().enumerate() {
        let media_type = MediaType::from_text(&file.media_type)
            .ok_or_else(|| Words::FileKind.invalid(ctx.locale, &format!("{base}/attachments/{index}")))?;
        attachments.push(write::Attachment { id: file.id.clone(), name: file.name.clone(), media_type });
    }
    let subject = message.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty());
    let (subject, text) = match subject {
        Some(long) if long.chars().count() > limit::SUBJECT => {
            let short = super::appointment::clip(long, limit::SUBJECT);
            (Some(short), format!("{long}\n\n{text}"))
        }
        subject => (subject.map(str::to_owned), text.to_owned()),
    };
    Ok(Written { subject, text, attachments })
}

/// Times that would suit, for a person to read: a wish for a new appointment has no calendar (3.5.1).
fn times(preferred: &[Period]) -> String {
    if preferred.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n\nØnsket tid:");
    for period in preferred {
        let (start, end) = (time::wall_clock(timestamp(period.start)), time::wall_clock(timestamp(period.end)));
        let from = start.strftime("%d.%m.%Y kl. %H.%M");
        let until = if start.date() == end.date() {
            end.strftime("%H.%M").to_string()
        } else {
            end.strftime("%d.%m.%Y kl. %H.%M").to_string()
        };
        text.push_str(&format!("\n- {from} til {until}"));
    }
    text
}
