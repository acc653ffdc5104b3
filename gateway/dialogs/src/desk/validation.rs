//! Whether an opening or a message makes sense. Its form was checked against the schema before; here is what a schema
//! cannot say.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dialog_contract::{
    dialog::MediaType,
    ids::{AttachmentId, DialogId},
    limits::Limits,
    opening::{NewDialog, NewMessage, Period, Request as Asked},
    practice::Booking,
    problem::ProblemType,
    provider::FieldError,
    service::{ConsultationMode, Locale, Service},
};
use jiff::{Timestamp, civil::Date};

use super::{Desk, practice::Offer};
use crate::{
    answer::Refusal,
    identity::CitizenId,
    ports::store::Revision,
    record::{StoredAttachment, Use},
    texts,
};

/// Largest eResept M1, in bytes, by the contract.
const EPRESCRIPTION_BYTES: usize = 64 * 1024;

/// An attachment that a message claims, as it was read.
pub(crate) type Claimed = (Revision, StoredAttachment);

/// Collects what can be mended.
#[derive(Debug)]
pub(crate) struct Errors {
    locale: Locale,
    errors: Vec<FieldError>,
}

impl Errors {
    pub(crate) const fn new(locale: Locale) -> Self {
        Self { locale, errors: Vec::new() }
    }

    pub(crate) fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
    }

    pub(crate) const fn locale(&self) -> Locale {
        self.locale
    }

    pub(crate) fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    pub(crate) fn into_result(self) -> Result<(), Refusal> {
        if self.errors.is_empty() { Ok(()) } else { Err(Refusal::invalid(self.locale, self.errors)) }
    }
}

/// What an opening asks for, against what the office offers.
pub(crate) fn opening(
    new: &NewDialog,
    offer: &Offer,
    now: Timestamp,
    today: Date,
    locale: Locale,
) -> Result<(), Refusal> {
    let mut errors = Errors::new(locale);
    let mut message_required = true;
    match &new.request {
        Asked::Consultation { mode, form: _ } => {
            let modes = offer.agreement.consultation_modes();
            if !modes.contains(mode) {
                let offered: Vec<&str> = modes.iter().map(|mode| mode.as_str()).collect();
                errors.add("/request/mode", texts::mode_not_offered(&offered.join(", "), locale));
            }
            let pictures = new.message.as_ref().is_some_and(|message| !message.attachments.is_empty());
            if *mode == ConsultationMode::Image && !pictures {
                errors.add("/message/attachments", texts::picture_required(locale));
            }
        }
        Asked::Inquiry {} | Asked::Certificate { .. } => {}
        Asked::PrescriptionRenewal { items } => {
            message_required = false;
            let mut ids = HashSet::new();
            for (at, item) in items.iter().enumerate() {
                if !ids.insert(&item.id) {
                    errors.add(format!("/request/items/{at}/id"), texts::used_twice(locale));
                }
                let readable = item
                    .eprescription
                    .as_ref()
                    .is_none_or(|text| STANDARD.decode(text).is_ok_and(|bytes| bytes.len() <= EPRESCRIPTION_BYTES));
                if !readable {
                    errors.add(format!("/request/items/{at}/eprescription"), texts::eprescription(locale));
                }
            }
            if items.is_empty() || items.len() > Limits::V1.renewal_items as usize {
                errors.add("/request/items", texts::count(1, Limits::V1.renewal_items, locale));
            }
        }
        Asked::AppointmentRequest { preferred } | Asked::AppointmentChange { preferred, .. } => {
            periods(preferred, now, &mut errors);
        }
        Asked::AppointmentCancel { .. } => message_required = false,
        Asked::SickNoteRenewal { valid_until, .. } => {
            if *valid_until < today {
                errors.add("/request/validUntil", texts::in_the_past(locale));
            }
        }
        Asked::Collegial { .. } => {
            let detail = texts::service_not_offered(Service::Collegial, locale);
            return Err(Refusal::new(ProblemType::ServiceNotOffered, detail));
        }
    }
    let appointment = new.request.service() == Service::Appointment;
    if appointment && offer.agreement.booking() == Some(Booking::Direct) {
        return Err(Refusal::new(ProblemType::ServiceNotOffered, texts::pick_a_slot(locale)));
    }
    match &new.message {
        Some(message) => text(message, "/message", &mut errors),
        None if message_required => errors.add("/message", texts::message_required(locale)),
        None => {}
    }
    errors.into_result()
}

/// What the citizen writes.
pub(crate) fn message(new: &NewMessage, locale: Locale) -> Result<(), Refusal> {
    message_at(new, "", locale)
}

/// As [`message`], where it is a part of the body.
pub(crate) fn message_at(new: &NewMessage, at: &str, locale: Locale) -> Result<(), Refusal> {
    let mut errors = Errors::new(locale);
    text(new, at, &mut errors);
    errors.into_result()
}

fn text(message: &NewMessage, at: &str, errors: &mut Errors) {
    let locale = errors.locale;
    if message.text.trim().is_empty() {
        errors.add(format!("{at}/text"), texts::text_required(locale));
    }
    if message.attachments.len() > Limits::V1.attachments_per_message as usize {
        errors.add(format!("{at}/attachments"), texts::count(0, Limits::V1.attachments_per_message, locale));
    }
}

fn periods(preferred: &[Period], now: Timestamp, errors: &mut Errors) {
    let locale = errors.locale;
    for (at, period) in preferred.iter().enumerate() {
        if period.start < now {
            errors.add(format!("/request/preferred/{at}/start"), texts::in_the_past(locale));
        }
        if period.end <= period.start {
            errors.add(format!("/request/preferred/{at}/end"), texts::ends_before_it_starts(locale));
        }
    }
}

impl Desk {
    /// The attachments of a message: each uploaded by the same citizen, not yet used but in the dialog that is sent again,
    /// of a kind that the office takes.
    pub(crate) async fn claim(
        &self,
        citizen: CitizenId,
        ids: &[AttachmentId],
        allowed: &[MediaType],
        again: Option<DialogId>,
        at: &str,
        locale: Locale,
    ) -> Result<Vec<Claimed>, Refusal> {
        let (mut errors, mut claimed, mut seen) = (Errors::new(locale), Vec::new(), HashSet::new());
        for (index, &id) in ids.iter().enumerate() {
            let pointer = format!("{at}/attachments/{index}");
            if !seen.insert(id) {
                errors.add(pointer, texts::used_twice(locale));
                continue;
            }
            let found = self.shelf.attachment(id).await.map_err(|error| Refusal::of_store(&error, locale))?;
            match found.filter(|(_, stored)| stored.citizen == citizen) {
                None => errors.add(pointer, texts::no_such_attachment(locale)),
                Some((_, stored))
                    if stored.used != Use::Unused && again.is_none_or(|dialog| stored.used != Use::In { dialog }) =>
                {
                    errors.add(pointer, texts::attachment_used(locale));
                }
                Some((_, stored)) if !allowed.is_empty() && !allowed.contains(&stored.attachment.media_type) => {
                    let kinds: Vec<&str> = allowed.iter().map(|kind| kind.as_str()).collect();
                    errors.add(pointer, texts::kind_not_taken(&kinds.join(", "), locale));
                }
                Some(found) => claimed.push(found),
            }
        }
        errors.into_result()?;
        Ok(claimed)
    }
}
