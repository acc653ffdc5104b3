//! Times and bookings in both vocabularies: the vendor's *timeslot* is the contract's slot, its *booking* the contract's
//! appointment.

use dialog_plugin_sdk::appointments::Slot;
use dialog_plugin_sdk::text::{clip, filled, line};
use dialog_plugin_sdk::time;
use dialog_plugin_sdk::{Appointment, Clinician, EncounterMode, Locale};
use serde::Deserialize;

use crate::document::Odd;
use crate::person::Doctor;
use crate::words::Words;

/// Characters of a title, by the contract.
const MAX_TITLE: usize = 200;
/// Characters of a place, by the contract.
const MAX_PLACE: usize = 500;
/// Characters of preparations, by the contract.
const MAX_PREPARATION: usize = 2_000;
/// Minutes of the longest appointment: a day.
const MAX_MINUTES: i64 = 24 * 60;

/// How patient and doctor meet, in the vendor's words. There is no office to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// By video.
    Video,
    /// By telephone.
    Phone,
}

impl Channel {
    /// The channel of such meetings, where the vendor has one.
    #[must_use]
    pub const fn of(mode: EncounterMode) -> Option<&'static str> {
        match mode {
            EncounterMode::Video => Some("video"),
            EncounterMode::Telephone => Some("phone"),
            EncounterMode::InPerson => None,
        }
    }
}

impl From<Channel> for EncounterMode {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Video => Self::Video,
            Channel::Phone => Self::Telephone,
        }
    }
}

/// The attributes of a resource `timeslots`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeslot {
    start: String,
    duration_minutes: i64,
    channel: Channel,
    #[serde(default)]
    label: Option<String>,
}

impl Timeslot {
    /// As a slot.
    ///
    /// # Errors
    /// Says what is wrong with it, without its content.
    pub fn slot(self, id: &str, clinician: Option<Clinician>, locale: Locale) -> Result<Slot, Odd> {
        let (start, end) = span(&self.start, self.duration_minutes)?;
        let title = title(self.label, locale);
        Ok(Slot { id: id.to_owned(), start, end, clinician, mode: self.channel.into(), title })
    }
}

/// Whether a booking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It does.
    Confirmed,
    /// It does not.
    Cancelled,
}

/// The attributes of a resource `bookings`; the same stand in an event, as they were then.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Booking {
    /// Whether it stands.
    pub status: Status,
    start: String,
    duration_minutes: i64,
    channel: Channel,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    join_url: Option<String>,
    #[serde(default)]
    preparation: Option<String>,
    cancellable: bool,
    movable: bool,
}

impl Booking {
    /// As an appointment.
    ///
    /// # Errors
    /// As [`Timeslot::slot`].
    pub fn appointment(self, id: &str, clinician: Option<Clinician>, locale: Locale) -> Result<Appointment, Odd> {
        let (start, end) = span(&self.start, self.duration_minutes)?;
        let stands = self.status == Status::Confirmed;
        Ok(Appointment {
            id: id.to_owned(),
            start,
            end,
            clinician,
            mode: self.channel.into(),
            title: title(self.label, locale),
            location: filled(self.join_url, MAX_PLACE),
            instructions: filled(self.preparation, MAX_PREPARATION),
            cancellable: self.cancellable && stands,
            changeable: self.movable && stands,
        })
    }
}

/// A booking as it stands in an event: with its id, and its doctor.
#[derive(Clone, Debug, Deserialize)]
pub struct Snapshot {
    id: String,
    #[serde(default)]
    practitioner: Option<Doctor>,
    #[serde(flatten)]
    booking: Booking,
}

impl Snapshot {
    /// As an appointment.
    ///
    /// # Errors
    /// As [`Timeslot::slot`].
    pub fn appointment(self, locale: Locale) -> Result<Appointment, Odd> {
        if !crate::document::is_id(&self.id) {
            return Err("has an id that is empty, over 256 characters or not in one line");
        }
        self.booking.appointment(&self.id, self.practitioner.and_then(Doctor::clinician), locale)
    }
}

fn span(start: &str, minutes: i64) -> Result<(i64, i64), Odd> {
    let start = time::instant(start).ok_or("has a beginning that is not a time with an offset")?;
    if !(1..=MAX_MINUTES).contains(&minutes) {
        return Err("has a length that is not between a minute and a day");
    }
    Ok((start, start + minutes * 60_000))
}

fn title(label: Option<String>, locale: Locale) -> String {
    let label = label.and_then(|label| line(&label, MAX_TITLE));
    label.unwrap_or_else(|| clip(Words::Appointment.text(locale), MAX_TITLE))
}
