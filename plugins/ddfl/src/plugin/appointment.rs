//! Appointments and slots: between the contract's vocabulary and xCal.

use dialog_plugin_sdk::appointments::Slot as FreeSlot;
use dialog_plugin_sdk::{Appointment, Clinician, EncounterMode, Failure};

use super::address::{her_id, timestamp};
use super::memory::{self, Memory, Slot};
use super::settings::Settings;
use crate::message::Process;
use crate::read::{self, DialogMessage};
use crate::write::CalendarEntry;

/// How long an appointment lasts whose record system does not say, in milliseconds: a usual consultation.
const USUAL: i64 = 15 * 60 * 1000;

/// Characters of a given or family name, by the contract.
const NAME: usize = 100;

/// What is known of the office when its appointments are told.
#[derive(Debug)]
pub struct Office<'a> {
    /// What it agreed.
    pub settings: &'a Settings,
    /// The citizen's GP, where the call names one.
    pub clinician: Option<&'a Clinician>,
    /// What is kept for it.
    pub memory: Memory,
}

impl Office<'_> {
    /// The clinician with this HER-id.
    fn clinician(&self, her_id: Option<u32>) -> Option<Clinician> {
        let her_id = her_id?;
        if let Some(gp) = self.clinician.filter(|gp| gp.her_id == Some(her_id)) {
            return Some(gp.clone());
        }
        let colleague = self.settings.clinicians.iter().find(|one| one.her_id == her_id)?;
        Some(Clinician {
            hpr_number: colleague.hpr_number,
            her_id: Some(her_id),
            given_name: clip(&colleague.given_name, NAME),
            family_name: clip(&colleague.family_name, NAME),
        })
    }
}

/// The id by which the contract knows an appointment: that of the appointment, which stays the same when it is moved
/// (2.8), or of its slot where the record system gives no other.
fn id(appointment: &read::Appointment) -> String {
    let id = appointment.related_to.as_ref().unwrap_or(&appointment.uid);
    id.chars().take(256).collect()
}

fn slot(appointment: &read::Appointment) -> Slot {
    let start = appointment.start.as_millisecond();
    Slot {
        uid: appointment.uid.clone(),
        related_to: appointment.related_to.clone(),
        contact: appointment.contact.map(|contact| contact.get()),
        start,
        end: appointment.end.map_or(start + USUAL, |end| end.as_millisecond()),
    }
}

fn mode(appointment: &read::Appointment) -> EncounterMode {
    if appointment.is("Video") {
        EncounterMode::Video
    } else if appointment.is("Telefon") {
        EncounterMode::Telephone
    } else {
        EncounterMode::InPerson
    }
}

/// What the citizen reads: kind of appointment. In Norwegian, as the office writes it.
fn title(appointment: &read::Appointment) -> String {
    let kind = match mode(appointment) {
        EncounterMode::Video => "Videokonsultasjon",
        EncounterMode::Telephone => "Telefonkonsultasjon",
        EncounterMode::InPerson if appointment.is("Hastetime") => "Hastetime",
        EncounterMode::InPerson => "Konsultasjon",
    };
    clip(appointment.summary.as_deref().unwrap_or(kind), 200)
}

/// A text of at most so many characters.
#[must_use]
pub fn clip(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => {
            let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
            short.push('…');
            short
        }
    }
}

/// An appointment, and what the record system calls it, kept for when it is moved or cancelled.
///
/// # Errors
/// The memory does not answer.
pub fn booked(
    office: &Office<'_>,
    message: &DialogMessage,
    appointment: &read::Appointment,
) -> Result<Appointment, Failure> {
    let slot = slot(appointment);
    let id = id(appointment);
    memory::keep_appointment(&office.memory, &id, &slot)?;
    let direct = office.settings.version(Process::Reservation).is_some();
    let written = office.settings.version(Process::Wish).is_some();
    let named = message.professionals.first().and_then(|one| {
        Some(Clinician {
            hpr_number: one.hpr_number.filter(|number| (1..=999_999_999).contains(number))?,
            her_id: one.her_id.map(|her_id| her_id.get()),
            given_name: clip(one.given_name.as_deref()?, NAME),
            family_name: clip(one.family_name.as_deref()?, NAME),
        })
    });
    let can = (direct || written) && slot.related_to.is_some();
    Ok(Appointment {
        id,
        start: slot.start,
        end: slot.end,
        clinician: office.clinician(slot.contact).or(named),
        mode: mode(appointment),
        title: title(appointment),
        location: appointment.location.as_deref().map(|text| clip(text, 500)),
        instructions: appointment.description.as_deref().map(|text| clip(text, 2_000)),
        cancellable: can,
        changeable: can,
    })
}

/// A free slot; none where it cannot be booked here and now: those who must call, and those not yet open.
///
/// # Errors
/// The memory does not answer.
pub fn free(office: &Office<'_>, party: u32, now: i64, appointment: &read::Appointment) -> Option<FreeSlot> {
    let open = appointment.available_at.is_none_or(|at| at.as_millisecond() <= now);
    if appointment.is("MustCall") || !open || appointment.has_status("CANCELLED") {
        return None;
    }
    let slot = slot(appointment);
    let contact = slot.contact.unwrap_or(party);
    Some(FreeSlot {
        id: SlotId { contact, uid: slot.uid }.to_text()?,
        start: slot.start,
        end: slot.end,
        clinician: office.clinician(Some(contact)),
        mode: mode(appointment),
        title: title(appointment),
    })
}

/// What a slot is called in the contract: whose it is, and the record system's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotId {
    /// HER-id of the clinician.
    pub contact: u32,
    /// `uid`.
    pub uid: String,
}

impl SlotId {
    /// As the contract carries it; none where it would be too long.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        let text = format!("{}.{}", self.contact, self.uid);
        (text.chars().count() <= 256).then_some(text)
    }

    /// Back from there.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (contact, uid) = text.split_once('.')?;
        let contact = contact.parse::<u32>().ok()?;
        (!uid.is_empty()).then(|| Self { contact, uid: uid.to_owned() })
    }
}

/// The calendar entry of a slot that is booked.
///
/// # Errors
/// The HER-id is not one.
pub fn wanted(slot: &SlotId, start: i64, end: i64) -> Result<CalendarEntry, Failure> {
    Ok(CalendarEntry {
        start: timestamp(start),
        end: timestamp(end),
        uid: slot.uid.clone(),
        contact: her_id(slot.contact)?,
        related_to: None,
    })
}

/// The calendar entry of an appointment that is known from before; none where it is not.
///
/// # Errors
/// The memory does not answer.
pub fn known(memory: &Memory, id: &str, party: u32) -> Result<Option<CalendarEntry>, Failure> {
    let Some(slot) = memory::appointment(memory, id)? else { return Ok(None) };
    Ok(Some(CalendarEntry {
        start: timestamp(slot.start),
        end: timestamp(slot.end),
        contact: her_id(slot.contact.unwrap_or(party))?,
        related_to: Some(slot.related_to.unwrap_or_else(|| slot.uid.clone())),
        uid: slot.uid,
    }))
}
