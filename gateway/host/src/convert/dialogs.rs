//! What the citizen sends.

use dialog_contract::{
    limits::returned,
    provider::{Message, Opened, Opening, Period, RenewalItem},
    service::ConsultationMode,
};

use super::{
    answer::{Answer, At, Violation},
    events::events,
};
use crate::{
    bindings::{dialogs::exports::dialog::provider::dialogs as wit, host::types},
    capabilities::attachments::Attachments,
};

/// A message with handles for its attachments.
pub(crate) fn message(message: Message, attachments: &mut Attachments) -> types::Message {
    types::Message {
        id: message.id.to_string(),
        subject: message.subject,
        text: message.text,
        attachments: message.attachments.iter().map(|attachment| attachments.lend(attachment)).collect(),
    }
}

/// What a dialog is opened with.
pub(crate) fn opening(opening: Opening, files: &mut Attachments) -> wit::Opening {
    match opening {
        Opening::Consultation { mode, message: said, form } => wit::Opening::Consultation(wit::Consultation {
            mode: match mode {
                ConsultationMode::Text => wit::ConsultationMode::Text,
                ConsultationMode::Image => wit::ConsultationMode::Image,
                ConsultationMode::Video => wit::ConsultationMode::Video,
            },
            message: message(said, files),
            form: form.map(|form| form.to_string()),
        }),
        Opening::Inquiry { message: said } => wit::Opening::Inquiry(wit::Inquiry { message: message(said, files) }),
        Opening::PrescriptionRenewal { items, message: said } => wit::Opening::PrescriptionRenewal(wit::Renewal {
            items: items.into_iter().map(item).collect(),
            message: said.map(|said| message(said, files)),
        }),
        Opening::AppointmentRequest { message: said, preferred } => {
            wit::Opening::AppointmentRequest(wit::AppointmentRequest {
                message: message(said, files),
                preferred: preferred.into_iter().map(period).collect(),
            })
        }
        Opening::AppointmentChange { appointment, message: said, preferred } => {
            wit::Opening::AppointmentChange(wit::AppointmentChangeRequest {
                appointment,
                message: message(said, files),
                preferred: preferred.into_iter().map(period).collect(),
            })
        }
        Opening::AppointmentCancel { appointment, message: said } => {
            wit::Opening::AppointmentCancel(wit::AppointmentCancelRequest {
                appointment,
                message: said.map(|said| message(said, files)),
            })
        }
        Opening::SickNoteRenewal { message: said, valid_until, degree } => {
            wit::Opening::SickNoteRenewal(wit::SickNoteRenewal {
                message: message(said, files),
                valid_until: valid_until.to_string(),
                degree,
            })
        }
        Opening::Certificate { purpose, message: said, form } => wit::Opening::Certificate(wit::Certificate {
            purpose,
            message: message(said, files),
            form: form.map(|form| form.to_string()),
        }),
        Opening::Collegial { message: said, from_hpr_number, to, to_hpr_number } => {
            wit::Opening::Collegial(wit::Collegial {
                message: message(said, files),
                from_hpr_number: from_hpr_number.get(),
                to: to.into_iter().map(|office| office.get()).collect(),
                to_hpr_number: to_hpr_number.map(|number| number.get()),
            })
        }
    }
}

fn item(item: RenewalItem) -> wit::RenewalItem {
    wit::RenewalItem {
        id: item.id,
        medicine: item.medicine,
        atc: item.atc,
        note: item.note,
        eprescription: item.eprescription,
    }
}

fn period(period: Period) -> wit::Period {
    wit::Period { start: period.start.as_millisecond(), end: period.end.as_millisecond() }
}

/// A dialog that was taken in.
pub(crate) fn opened(opened: wit::Opened, answer: &mut Answer<'_>) -> Result<Opened, Violation> {
    let at = At::Answer;
    Ok(Opened {
        reference: answer.id(&at.field("reference"), opened.reference, returned::REFERENCE_CHARACTERS)?,
        events: events(&at.field("events"), opened.events, answer)?,
    })
}
