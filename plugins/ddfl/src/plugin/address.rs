//! Who sends, who receives, whom a message is about; and when it says that it was written.

use dialog_plugin_sdk::{Context, Failure, Locale, Representation, Sent};
use jiff::Timestamp;

use super::memory;
use super::settings::{Installation, Settings};
use super::words::Words;
use crate::message::code::RepresentationRole;
use crate::message::{HerId, MessageId, NationalId, Process, Version};
use crate::write::party::ReceivingParty;
use crate::write::{Clinician, Conversation, Envelope, Patient, Receiver, Representative, Unit, WriteError};

/// Characters of a text that the plugin adds lines to: what the citizen wrote is checked against the office's limit
/// before.
const ANY_LENGTH: usize = 100_000;

/// An instant of the contract as a timestamp.
#[must_use]
pub fn timestamp(instant: i64) -> Timestamp {
    Timestamp::from_millisecond(instant).unwrap_or_default()
}

/// When a message was written: the time in the gateway's own id of it (UUIDv7), the same at every attempt, so that a
/// repeated message is the same to the last byte. The present time where the id holds none.
#[must_use]
pub fn written(ids: &[&str], now: i64) -> i64 {
    const LATEST: i64 = 5 * 60 * 1000;
    const EARLIEST: i64 = 30 * 24 * 3600 * 1000;
    ids.iter()
        .filter_map(|id| uuid::Uuid::try_parse(id).ok())
        .filter(|id| id.get_version_num() == 7)
        .filter_map(|id| id.get_timestamp())
        .map(|time| {
            let (seconds, nanoseconds) = time.to_unix();
            i64::try_from(seconds).unwrap_or(0).saturating_mul(1000) + i64::from(nanoseconds / 1_000_000)
        })
        .find(|at| (now - EARLIEST..=now + LATEST).contains(at))
        .unwrap_or(now)
}

/// The version of a process that the office supports.
///
/// # Errors
/// Declined: the office does not have it.
pub fn supported(settings: &Settings, process: Process, locale: Locale) -> Result<Version, Failure> {
    settings.version(process).ok_or_else(|| Words::NotOffered.declined(locale))
}

/// The party to which a new conversation goes: the citizen's GP where they have an address of their own, else the
/// office's service.
#[must_use]
pub fn receiver(ctx: &Context) -> memory::Receiver {
    let clinician = ctx.clinician.as_ref().and_then(|clinician| Some((clinician, clinician.her_id?)));
    memory::Receiver {
        organisation: ctx.office.organisation_her_id,
        her_id: clinician.map_or(ctx.office.her_id, |(_, her_id)| her_id),
        given_name: clinician.map(|(clinician, _)| clinician.given_name.clone()),
        family_name: clinician.map(|(clinician, _)| clinician.family_name.clone()),
    }
}

/// Everything about a message but what it asks.
///
/// # Errors
/// An identifier that the gateway gave is not one.
pub fn envelope(
    ctx: &Context,
    receiver: &memory::Receiver,
    version: Version,
    id: MessageId,
    written: i64,
    conversation: Option<Conversation>,
) -> Result<Envelope, Failure> {
    let installation: Installation = ctx.installation()?;
    let patient = ctx.citizen.as_ref().map(|citizen| {
        Ok::<_, Failure>(Patient {
            given_name: citizen.given_name.clone(),
            family_name: citizen.family_name.clone(),
            national_id: national_id(citizen.national_identity_number.as_deref())?,
        })
    });
    let representative = ctx.representative.as_ref().map(|person| {
        Ok::<_, Failure>(Representative {
            given_name: person.given_name.clone(),
            family_name: person.family_name.clone(),
            national_id: national_id(person.national_identity_number.as_deref())?,
            role: role(person.role),
        })
    });
    Ok(Envelope {
        id,
        generated: timestamp(written),
        conversation,
        organisation: installation.organisation.unit()?,
        sender: installation.party.unit()?,
        receiver: Receiver {
            organisation: Unit { name: ctx.office.name.clone(), her_id: her_id(receiver.organisation)? },
            organisation_number: ctx.office.organisation_number.parse().ok(),
            party: party(ctx, receiver)?,
        },
        patient: patient.transpose()?,
        representative: representative.transpose()?,
        version,
        text_limit: ANY_LENGTH,
    })
}

fn party(ctx: &Context, receiver: &memory::Receiver) -> Result<ReceivingParty, Failure> {
    let her_id = her_id(receiver.her_id)?;
    Ok(match (&receiver.given_name, &receiver.family_name) {
        (Some(given_name), Some(family_name)) => ReceivingParty::Clinician(Clinician {
            given_name: given_name.clone(),
            family_name: family_name.clone(),
            her_id,
        }),
        _ => ReceivingParty::Service(Unit { name: ctx.office.name.clone(), her_id }),
    })
}

/// A HER-id that the gateway gave.
///
/// # Errors
/// It is not one.
pub fn her_id(number: u32) -> Result<HerId, Failure> {
    HerId::new(number).ok_or_else(|| Failure::faulty(Sent::No, "the gateway gave a HER-id that is not one"))
}

/// A national identity number that the gateway gave.
///
/// # Errors
/// It is missing (the grant lacks it) or is not one.
pub fn national_id(number: Option<&str>) -> Result<NationalId, Failure> {
    number
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| Failure::faulty(Sent::No, "the plugin needs the national identity number and was not given one"))
}

const fn role(role: Representation) -> RepresentationRole {
    match role {
        Representation::Parent => RepresentationRole::ParentalResponsibility,
        Representation::Guardian => RepresentationRole::Guardianship,
        Representation::PowerOfAttorney => RepresentationRole::PowerOfAttorney,
    }
}

/// What a broken rule means for the citizen. `base` is where the message stands in what they sent.
#[must_use]
pub fn refusal(error: &WriteError, locale: Locale, base: &str) -> Failure {
    match error {
        WriteError::Missing { field: "text" } => Words::TextMissing.invalid(locale, &format!("{base}/text")),
        WriteError::TooLong { field, .. } => Words::TextTooLong.invalid(locale, &format!("{base}/{field}")),
        WriteError::TooManyAttachments { .. } => Words::NoFiles.invalid(locale, &format!("{base}/attachments")),
        WriteError::NoRepresentation { .. } => Words::NoRepresentation.declined(locale),
        WriteError::OlderVersion { .. } => Words::NotOffered.declined(locale),
        WriteError::Prescription { index, .. } => {
            Words::NotAPrescription.invalid(locale, &format!("/request/items/{index}/eprescription"))
        }
        WriteError::Missing { .. } | WriteError::Period | WriteError::Appointment => {
            Failure::faulty(Sent::No, format!("the message breaks a rule: {error}"))
        }
    }
}
